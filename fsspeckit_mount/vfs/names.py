"""What lies at a name now: from memory while that is fresh, else from the storage.

How long an answer holds: a file's version for `attribute_ttl_s`, a directory's existence and its listing for
`directory_ttl_s`, the absence of a name as long as the source of that answer. One question per key is under way at a
time, however many callers ask it.

Who looks at every file of a directory (`ls -l`, rsync) would cause a request per file once the listing is older than
`attribute_ttl_s`. A new LIST then answers for all of them, and is believed for at least twice the time it took to read:
a huge directory cannot be seen fresher than that, and find(1) looks at 100,000 names only after it has read them.
`open` is not so lenient (see `confirm`).

An object whose name is also a prefix is shadowed by the directory. The storage's `stat` sees the object first, so where
the storage can have both, the first question about an unknown name is two at once: `stat`, and what keys lie below.

Who looks at several names of a directory that was never listed (a program that knows its paths) would cause two
requests a name. The answer to what keys lie below its own name is a page of them already: if that is all there is, it
is the directory's listing. Where the directory was known by other ways, its second name asks for that page, and whoever
looks for others meanwhile waits for it; in a large directory single questions go on.

Thread-safe; no lock is held while the storage is asked.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from fsspeckit_lib.core.objects import DirectoryInfo, ObjectInfo
from fsspeckit_lib.errors import GatewayError, NotADirectory, NotFound
from fsspeckit_mount.vfs.attributes import Sight
from fsspeckit_mount.vfs.inodes import Inode, InodeTable, is_same
from fsspeckit_mount.vfs.listings import Listing, Listings, Sighting, child_key
from fsspeckit_mount.vfs.ports import AsksBoth, Clock, Storage, WouldBlock

__all__ = ["Absence", "Names"]

_KEPT_ABSENCES = 20_000
_PEEK_AT = 2
_PEEK_ENTRIES = 900  # a page has 1000, less the markers that are left out
_WALK_S = 10.0
_OPEN_SLACK_S = 1.0
"""An open follows its lookup at once; more than this between them means that the lookup was answered leniently."""


@dataclass(frozen=True, slots=True)
class Absence:
    """There is no such name, and that may be believed for `valid_s` more seconds."""

    valid_s: float


class Names:
    """Resolves (directory, name) to what the storage has there."""

    def __init__(
        self,
        storage: Storage,
        inodes: InodeTable,
        listings: Listings,
        clock: Clock,
        attribute_ttl_s: float,
        *,
        prefixes_shadow_objects: bool,
    ) -> None:
        self._storage = storage
        self._inodes = inodes
        self._listings = listings
        self._clock = clock
        self._attribute_ttl_s = attribute_ttl_s
        self._prefixes_shadow_objects = prefixes_shadow_objects
        self._lock = threading.Lock()
        self._asking: dict[str, Future[Sighting | Absence]] = {}
        self._absent_until: OrderedDict[str, float] = OrderedDict()
        self._asked_below: OrderedDict[str, int] = OrderedDict()  # unlisted directory → names asked for
        self._peeking: dict[str, Future[Listing | None]] = {}
        self._walked_until_s = -math.inf

    @property
    def is_being_walked(self) -> bool:
        """Whether somebody has just looked at every file of aged listings, and so probably goes on to do so."""
        return self._clock() < self._walked_until_s

    def valid_s(self, sighting: Sighting) -> float:
        """Return for how many more seconds the sighting may be believed; zero or less: ask again."""
        ttl_s = self._listings.ttl_s if isinstance(sighting.entry, DirectoryInfo) else self._attribute_ttl_s
        return ttl_s - (self._clock() - sighting.seen_s)

    def resolve(self, directory_key: str, name: str, *, may_block: bool) -> Sighting | Absence:
        """Return what lies at `name`.

        Raises:
            WouldBlock: the storage must be asked, and `may_block` is False.
            Unavailable, AccessDenied: it could not be found out. Never NotFound: that is an `Absence`.
        """
        key = child_key(directory_key, name)
        inode = self._inodes.present(key)
        if inode is not None:
            known = Sighting(inode.entry, inode.seen_s)
            if self.valid_s(known) > 0:
                return known
        listing = self._listings.fresh(directory_key)
        if inode is not None and listing is not None and self._is_lenient(listing, inode.seen_s):
            return Sighting(inode.entry, inode.seen_s)
        answer = self._from_memory(key, name, listing)
        if answer is not None:
            return answer
        if not may_block:
            raise WouldBlock
        if listing is not None and listing.find(name) is not None and self._attribute_ttl_s > 0:
            if listing.is_cheaper_than_asking():
                self._walked_until_s = self._clock() + _WALK_S
                listing = self._listings.renew(listing)
                listing.load()
            answer = self._from_memory(key, name, listing)  # also what other callers learned meanwhile
            if answer is not None:
                return answer
        if listing is None and inode is None and self._prefixes_shadow_objects:
            listing = self._peek(directory_key)
            answer = self._from_memory(key, name, listing)
            if answer is not None:
                return answer
        return self._ask_once(key, name, listing, inode)

    def _peek(self, directory_key: str) -> Listing | None:
        """Return the listing of a directory that was not listed, if this is worth one request and that shows it all."""
        with self._lock:
            running = self._peeking.get(directory_key)
            if running is None:
                count = self._asked_below.get(directory_key, 0) + 1
                self._asked_below[directory_key] = count
                if len(self._asked_below) > _KEPT_ABSENCES:
                    self._asked_below.popitem(last=False)
                if count != _PEEK_AT:
                    return None
                mine: Future[Listing | None] = Future()
                self._peeking[directory_key] = mine
        if running is not None:
            return running.result()
        listing = None
        try:
            seen_s = self._clock()
            page = next(iter(self._storage.list_recursive(directory_key)), ())
            if len(page) < _PEEK_ENTRIES:
                listing = self._adopt(directory_key, page, seen_s)
        except GatewayError:
            pass  # what is asked next says what is wrong
        finally:
            with self._lock:
                del self._peeking[directory_key]
            mine.set_result(listing)
        return listing

    def _adopt(self, directory_key: str, objects: Sequence[ObjectInfo], seen_s: float) -> Listing | None:
        """Make all objects below a directory its listing; None where they leave something open.

        An empty object may be the marker of an empty directory, whose trailing slash is not in its key here.
        """
        cut = len(directory_key) + 1 if directory_key else 0
        folders = dict.fromkeys(info.key[cut:].partition("/")[0] for info in objects if "/" in info.key[cut:])
        files = [info for info in objects if "/" not in info.key[cut:]]
        if any(info.size_bytes == 0 and info.name not in folders for info in files):
            return None
        entries: list[Sight] = [DirectoryInfo(child_key(directory_key, name)) for name in folders]
        listing = self._listings.adopt(directory_key, [*entries, *files], seen_s)
        if listing is not None:
            with self._lock:
                self._asked_below.pop(directory_key, None)
        return listing

    def confirm(self, inode: Inode, *, may_block: bool) -> bool:
        """Tell whether the version that is being opened is still the one at its key, asking where that is aged."""
        if self._clock() - inode.seen_s <= self._attribute_ttl_s + _OPEN_SLACK_S:
            return True
        if not may_block:
            raise WouldBlock
        directory_key, _, name = inode.key.rpartition("/")
        answer = self._ask_once(inode.key, name, self._listings.fresh(directory_key), inode)
        if not isinstance(answer, Sighting) or not is_same(answer.entry, inode.entry):
            return False
        self._inodes.confirm(inode, answer.seen_s)
        return True

    def doubt(self, inode: Inode) -> None:
        """Note that another version lies at the inode's key by now: the next question goes to the storage."""
        self._inodes.doubt(inode)
        directory_key, _, name = inode.key.rpartition("/")
        listing = self._listings.fresh(directory_key)
        if listing is not None:
            listing.replace(name, Sighting(inode.entry, -math.inf))

    def refresh(self, key: str) -> int:
        """Believe nothing at or below `key` any more; return how many names and listings this is about."""
        prefix = f"{key}/" if key else ""
        directory_key, _, name = key.rpartition("/")
        with self._lock:
            gone = [held for held in self._absent_until if held == key or held.startswith(prefix)]
            for held in gone:
                del self._absent_until[held]
        above = self._listings.fresh(directory_key) if key else None
        if above is not None:
            sighting = above.find(name)
            if sighting is None:
                self._listings.drop(directory_key)  # which may say that there is none
            else:
                above.replace(name, Sighting(sighting.entry, -math.inf))
        return len(gone) + self._listings.drop_below(key) + len(self._inodes.doubt_below(key))

    def _is_lenient(self, listing: Listing, seen_s: float) -> bool:
        """Tell whether what the listing showed at `seen_s` is believed because it took so long to read."""
        age_s = self._clock() - seen_s
        return self._attribute_ttl_s > 0 and seen_s >= listing.started_s and age_s < 2 * listing.reading_s

    def _from_memory(self, key: str, name: str, listing: Listing | None) -> Sighting | Absence | None:
        if listing is not None:
            sighting = listing.find(name)
            if sighting is not None:
                is_fresh = self.valid_s(sighting) > 0 or self._is_lenient(listing, sighting.seen_s)
                return sighting if is_fresh else None
            if listing.is_complete:
                return Absence(max(0.0, self._listings.ttl_s - (self._clock() - listing.started_s)))
        until_s = self._absent_until.get(key, -math.inf)
        return Absence(until_s - self._clock()) if until_s > self._clock() else None

    def _ask_once(self, key: str, name: str, listing: Listing | None, inode: Inode | None) -> Sighting | Absence:
        with self._lock:
            running = self._asking.get(key)
            if running is None:
                mine: Future[Sighting | Absence] = Future()
                self._asking[key] = mine
        if running is not None:
            return running.result()
        try:
            answer = self._ask(key, _is_known_file(listing, name, inode))
            self._take_over(key, name, listing, answer)
        except BaseException as error:
            mine.set_exception(error)
            raise
        else:
            mine.set_result(answer)
            return answer
        finally:
            with self._lock:
                del self._asking[key]

    def _ask(self, key: str, is_known_file: bool) -> Sighting | Absence:
        seen_s = self._clock()
        shadow = None
        if self._prefixes_shadow_objects and not is_known_file:
            if isinstance(self._storage, AsksBoth):
                found, below = self._storage.stat_both(key)
                if below.has_keys:
                    if below.objects is not None:
                        self._adopt(key, below.objects, seen_s)
                    return Sighting(DirectoryInfo(key), seen_s)
                return Absence(self._attribute_ttl_s) if found is None else Sighting(found, seen_s)
            shadow = _begin(lambda: self._has_keys_below(key))
        try:
            entry: Sight = self._storage.stat(key)
        except NotFound:
            return Absence(self._attribute_ttl_s)
        if shadow is not None and isinstance(entry, ObjectInfo) and shadow.result():
            entry = DirectoryInfo(key)
        return Sighting(entry, seen_s)

    def _has_keys_below(self, key: str) -> bool:
        try:
            page = next(iter(self._storage.list_recursive(key)), ())
        except (NotFound, NotADirectory):
            return False
        return any(info.key.startswith(f"{key}/") for info in page)

    def _take_over(self, key: str, name: str, listing: Listing | None, answer: Sighting | Absence) -> None:
        if listing is not None:
            listing.replace(name, answer if isinstance(answer, Sighting) else None)
        if isinstance(answer, Sighting):
            with self._lock:
                self._absent_until.pop(key, None)
            return
        self._inodes.vanish(key)
        with self._lock:
            self._absent_until[key] = self._clock() + answer.valid_s
            while len(self._absent_until) > _KEPT_ABSENCES:
                self._absent_until.popitem(last=False)


def _is_known_file(listing: Listing | None, name: str, inode: Inode | None) -> bool:
    """Tell whether it is known that no keys lie below the name: it was asked before, or the whole listing says so."""
    if inode is not None and not inode.is_directory:
        return True
    sighting = listing.find(name) if listing is not None and listing.is_complete else None
    return sighting is not None and isinstance(sighting.entry, ObjectInfo)


def _begin(question: Callable[[], bool]) -> Future[bool]:
    """Ask in a thread of its own, at the price of 60 µs: nothing beside a round trip to the storage."""
    answer: Future[bool] = Future()

    def ask() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asks for the result
            answer.set_exception(error)

    threading.Thread(target=ask, name="shadow", daemon=True).start()
    return answer
