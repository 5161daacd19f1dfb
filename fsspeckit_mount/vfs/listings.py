"""What directories contain: one streamed LIST each, kept for a while.

A `Listing` is a snapshot that grows page by page as readers ask for more; positions in it never move, so they serve as
readdir offsets. A name that is both an object and a prefix appears once, as the directory. Names that no file can have
(empty, `.`, `..`, with NUL, or longer than 1024 bytes) are left out.

Thread-safe. Lock order: a listing's pull lock, held while the storage is asked, is taken first and by waiting callers
only; then its numbering lock; the small lock of `Listings` is held for dictionary operations. Whoever must not wait
reads what is already there.
"""

from __future__ import annotations

import logging
import math
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from fsspeckit_lib.core.objects import DirectoryInfo
from fsspeckit_lib.errors import NotFound, Unavailable
from fsspeckit_mount.vfs.attributes import Sight
from fsspeckit_mount.vfs.flatlist import Found
from fsspeckit_mount.vfs.ports import Clock, Storage

__all__ = ["Listing", "Listings", "Sighting", "child_key"]

_log = logging.getLogger(__name__)

_NAME_BYTES = 1024
_PAGE_ENTRIES = 1000
_TRIM_EVERY = 64
_KEPT_ENTRIES = 300_000
"""Entries kept over all directories, about 300 bytes each; the least recently used listings go first."""


class Sighting(NamedTuple):
    """What lay at a key, and when that was known: monotonic seconds just before the storage was asked."""

    entry: Sight
    seen_s: float


def child_key(directory_key: str, name: str) -> str:
    """Return the key of `name` in a directory."""
    return f"{directory_key}/{name}" if directory_key else name


class TakeAhead(Protocol):
    """Whoever lists directories before they are opened."""

    def __call__(self, key: str, *, may_wait: bool) -> Found | None:
        """Return all of a directory; None where it has to be asked for."""
        ...


class Listing:
    """One directory as one LIST shows it. `newest_ns` is the latest time of anything in it, as far as it is loaded."""

    def __init__(
        self,
        key: str,
        storage: Storage,
        clock: Clock,
        started_s: float | None = None,
        take_ahead: TakeAhead | None = None,
    ) -> None:
        """Build an empty one.

        Args:
            started_s: when its entries were known; now, where they are to be asked for.
            take_ahead: what may have them already.
        """
        self.key = key
        self.started_s = clock() if started_s is None else started_s
        self._take_ahead = take_ahead
        self.is_complete = False
        self._clock = clock
        self._storage = storage
        self._pages: Iterator[Sequence[Sight]] | None = None
        self._pull = threading.Lock()
        self._numbering = threading.RLock()
        self._entries: list[Sight | None] = []  # None: gone since
        self._positions: dict[str, int] | None = None  # made when the first name is looked for: a fifth of the memory
        self._folders: set[str] = set()
        self._loaded_s = self.started_s
        self._page_starts: list[int] = []
        self._page_seen_s: list[float] = []
        self._seen_since: dict[int, float] = {}  # positions that were asked for one by one after the page came
        self._stale_asked = 0
        self._loading_s = 0.0
        self._failure: BaseException | None = None
        self.newest_ns = 0
        self.kernel_has_it = False
        """Whether the kernel was given this very listing to keep; see `VirtualFileSystem.open_directory`."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def has_failed(self) -> bool:
        """Whether the storage failed halfway: nobody should begin to read this one."""
        return self._failure is not None

    @property
    def reading_s(self) -> float:
        """How long it took to read what is here, by the storage and by who reads."""
        return max(self._loading_s, self._loaded_s - self.started_s)

    def load(self, count: int | None = None) -> None:
        """Ask the storage until `count` entries are here, or all of them. Blocks.

        Raises:
            GatewayError: the storage could not be listed; what came before stays readable for who is in the middle.
        """
        while self._lacks(count):
            with self._pull:
                if not self._lacks(count):
                    return
                try:
                    self._load_page()
                except BaseException as error:
                    self._failure = error
                    self._pages = None
                    raise

    def load_at_hand(self) -> None:
        """Take over what was listed ahead, if that is here. Never blocks."""
        if self.is_complete or self._entries or not self._pull.acquire(blocking=False):
            return
        try:
            self._load_ahead(may_wait=False)
        finally:
            self._pull.release()

    def fill(self, entries: Sequence[Sight], seen_s: float) -> None:
        """Take over what is known to be the whole directory. Only who makes the listing, or holds `_pull`, may."""
        self._add(entries, seen_s)
        self._loaded_s = self.started_s  # that it lay somewhere for a while is no time of reading
        self.is_complete = True

    def find(self, name: str) -> Sighting | None:
        """Return what the listing says of `name`: None where it is not there, or not there yet."""
        position = self.position(name)
        return None if position is None else self.at(position)

    def position(self, name: str) -> int | None:
        """Return where a name stands in the listing, None where it is not there, or not there yet."""
        return self._numbered().get(name)

    def at(self, position: int) -> Sighting | None:
        """Return the entry at a position below `len`; None where it has gone since."""
        entry = self._entries[position]
        if entry is None:
            return None
        seen_s = self._seen_since.get(position)
        if seen_s is None:
            seen_s = self._page_seen_s[bisect_right(self._page_starts, position) - 1]
        return Sighting(entry, seen_s)

    def replace(self, name: str, sighting: Sighting | None) -> None:
        """Take over what was learned of `name` since; None: it has gone."""
        positions = self._numbered()
        position = positions.get(name)
        if position is None:
            return
        if sighting is None:
            del positions[name]
            self._entries[position] = None
            self.kernel_has_it = False
        else:
            self._entries[position], self._seen_since[position] = sighting

    def is_cheaper_than_asking(self) -> bool:
        """Count one question about a single entry; tell whether a new LIST is the cheaper way to answer the next ones.

        A LIST costs one request per thousand entries. It is repeated once a few single requests have been spent, and
        more of them for a larger directory, so `ls -l` of an aged listing never costs a request per file.
        """
        self._stale_asked += 1
        return self.is_complete and self._stale_asked > 4 * (1 + len(self._entries) // _PAGE_ENTRIES)

    def _lacks(self, count: int | None) -> bool:
        return not self.is_complete and (count is None or len(self._entries) < count)

    def _load_page(self) -> None:
        if isinstance(self._failure, NotFound):
            raise NotFound(f"{self.key or '/'}: was deleted before it was read")
        if self._failure is not None:
            raise Unavailable(f"{self.key or '/'}: the listing broke off; open the directory again")
        if self._load_ahead(may_wait=True):
            return
        seen_s = self._clock()
        if self._pages is None:
            self._pages = self._storage.list_directory(self.key)
        page = next(self._pages, None)
        self._loading_s += self._clock() - seen_s
        if page is None:
            self._pages = None
            self.is_complete = True
            return
        self._add(page, seen_s)

    def _load_ahead(self, *, may_wait: bool) -> bool:
        """Take over what was listed ahead, with the age that it has; the caller holds `_pull`."""
        if self._take_ahead is None or self._pages is not None or self._entries or self.is_complete:
            return False
        found = self._take_ahead(self.key, may_wait=may_wait)
        if found is None:
            return False
        self.started_s = min(self.started_s, found.seen_s)
        self.fill(found.entries, found.seen_s)
        return True

    def _add(self, page: Sequence[Sight], seen_s: float) -> None:
        with self._numbering:  # or a name that comes while they are numbered would have no number
            self._append(page, seen_s)

    def _append(self, page: Sequence[Sight], seen_s: float) -> None:
        self._page_starts.append(len(self._entries))
        self._page_seen_s.append(seen_s)
        self._loaded_s = self._clock()
        hidden = 0
        for entry in page:
            name = entry.name
            if isinstance(entry, DirectoryInfo):
                if len(self._folders) < len(self._entries):  # it may be the name of an object that came before
                    position = self._numbered().get(name)
                    if position is not None:
                        self._entries[position] = entry
                        self._folders.add(name)
                        continue
                self._folders.add(name)
            elif name in self._folders:
                continue
            if _is_file_name(name):
                if entry.mtime_ns > self.newest_ns:
                    self.newest_ns = entry.mtime_ns
                self._entries.append(entry)
                if self._positions is not None:
                    self._positions[name] = len(self._entries) - 1
            else:
                hidden += 1
        if hidden:
            _log.warning("%s: %d names that no file can have are not shown", self.key or "/", hidden)

    def _numbered(self) -> dict[str, int]:
        """Return name → position of what is here."""
        positions = self._positions
        if positions is None:
            with self._numbering:
                positions = self._positions
                if positions is None:
                    named = enumerate(self._entries)
                    positions = {entry.name: place for place, entry in named if entry is not None}
                    self._positions = positions
        return positions


class Listings:
    """The listings at hand, by directory key."""

    def __init__(self, storage: Storage, clock: Clock, ttl_s: float, kept_entries: int = _KEPT_ENTRIES) -> None:
        self._storage = storage
        self._clock = clock
        self.ttl_s = ttl_s
        self._kept_entries = kept_entries
        self._lock = threading.Lock()
        self._by_key: OrderedDict[str, Listing] = OrderedDict()
        self.doubted_s = -math.inf  # what was seen before that is not taken over
        self.take_ahead: TakeAhead | None = None
        self._opened = 0

    def fresh(self, key: str) -> Listing | None:
        """Return the listing of a directory if one is at hand that is young enough, loaded or not."""
        with self._lock:
            listing = self._by_key.get(key)
            if listing is None:
                return None
            lasts_s = max(self.ttl_s, 2 * listing.reading_s) if self.ttl_s > 0 else 0.0
            if listing.has_failed or self._clock() - listing.started_s >= lasts_s:
                del self._by_key[key]
                return None
            self._by_key.move_to_end(key)
            return listing

    def open(self, key: str) -> Listing:
        """Return the fresh listing of a directory, or a new one of which nothing is loaded yet."""
        listing = self.fresh(key)
        if listing is not None:
            return listing
        with self._lock:
            self._trim()
            return self._by_key.setdefault(key, self._new(key))

    def adopt(self, key: str, entries: Sequence[Sight], seen_s: float) -> Listing | None:
        """Return the listing of a directory that holds just these entries; None where it has another, or is doubted."""
        listing = Listing(key, self._storage, self._clock, seen_s)
        listing.fill(entries, seen_s)
        if self.fresh(key) is not None:
            return None
        with self._lock:
            if seen_s <= self.doubted_s:
                return None
            self._trim()
            return listing if self._by_key.setdefault(key, listing) is listing else None

    def is_aged(self, key: str, ttl_s: float) -> bool:
        """Tell whether a directory's listing is at hand, whole, and older than `ttl_s`."""
        listing = self.fresh(key)
        return listing is not None and listing.is_complete and self._clock() - listing.started_s >= ttl_s

    def renew(self, old: Listing) -> Listing:
        """Return a listing younger than `old`: the one another caller began meanwhile, or a new one."""
        with self._lock:
            present = self._by_key.get(old.key)
            if present is not None and present is not old:
                return present
            self._by_key[old.key] = new = self._new(old.key)
            return new

    def drop(self, key: str) -> None:
        """Forget the listing of a directory; who reads it keeps it."""
        with self._lock:
            self._by_key.pop(key, None)

    def drop_below(self, key: str) -> int:
        """Forget every listing at or below `key`; return how many there were."""
        prefix = f"{key}/" if key else ""
        with self._lock:
            self.doubted_s = self._clock()
            found = [held for held in self._by_key if held == key or held.startswith(prefix)]
            for held in found:
                del self._by_key[held]
            return len(found)

    def entry_count(self) -> int:
        """Return how many entries are kept, over all listings."""
        with self._lock:
            return sum(map(len, self._by_key.values()))

    def _new(self, key: str) -> Listing:
        return Listing(key, self._storage, self._clock, take_ahead=self.take_ahead)

    def _trim(self) -> None:
        """Forget what was not used for long, once in a while: counting takes as long as there are listings."""
        self._opened += 1
        if self._opened % _TRIM_EVERY:
            return
        total = sum(map(len, self._by_key.values())) if len(self._by_key) > 64 else 0
        while self._by_key and (total > self._kept_entries or len(self._by_key) > 4096):
            total -= len(self._by_key.popitem(last=False)[1])


def _is_file_name(name: str) -> bool:
    if not name or name in {".", ".."} or "\0" in name or "/" in name:
        return False
    return len(name) <= _NAME_BYTES // 4 or len(name.encode("utf-8", "surrogateescape")) <= _NAME_BYTES
