"""Fetching the next small files of who opens one after the other.

`grep -r`, `cp -r`, `tar` and loaders of many small files open the files of a directory in the order of its listing, and
each open waits for a round trip to the storage. Who has opened three in that order will open the fourth: the next few
are fetched meanwhile, up to 16 at once, as the walk goes on (readers that share one directory count together). Only
files with an ending that the walk has opened are: `grep x *.py` wants nothing of the pictures between.

Thread-safe; the lock is held for dictionary operations only.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import GatewayError
from fsspeckit_mount.vfs.listings import Listing, Listings
from fsspeckit_mount.vfs.ports import Clock, FileCache
from fsspeckit_mount.workers import Workers

__all__ = ["OpenAhead"]

_log = logging.getLogger(__name__)

_THREADS = 8
_AHEAD = 16
_CACHE_SHARE = 16  # what is fetched ahead and evicted before it is opened is fetched twice
_GAP = 16
_STEPS = 2
_WALKS = 64
_SCANNED = 64
_IDLE_S = 10.0


class _Walk:
    """Somebody opens the files of one listing in order: up to `at`, and up to `asked` they are fetched ahead."""

    __slots__ = ("asked", "at", "endings", "fetched", "listing", "opened", "passed", "steps", "used_s")

    def __init__(self, listing: Listing, at: int, ending: str, used_s: float) -> None:
        self.listing = listing
        self.at = at
        self.asked = at
        self.steps = 0
        self.endings = {ending}
        self.used_s = used_s
        self.fetched: set[int] = set()  # ahead, and neither opened nor passed yet
        self.opened = 0
        self.passed = 0

    def count(self, at: int) -> None:
        """Note that one of its files is opened, and which of those that were fetched it has left behind."""
        if at in self.fetched:
            self.fetched.remove(at)
            self.opened += 1
        left = {place for place in self.fetched if place < self.at - _GAP}
        self.fetched -= left
        self.passed += len(left)

    @property
    def is_wasteful(self) -> bool:
        """Whether most of what was fetched ahead was not opened: somebody reads every fifth file."""
        return self.passed > max(_AHEAD // 2, self.opened)


class OpenAhead:
    """The walks through the files of one mount."""

    def __init__(self, listings: Listings, cache: FileCache, clock: Clock, most_bytes: int) -> None:
        """Build it.

        Args:
            most_bytes: of a file that is fetched ahead; 0: none is.
        """
        self._listings = listings
        self._cache = cache
        self._clock = clock
        self._most_bytes = most_bytes
        self._all_bytes = min(_AHEAD * most_bytes, cache.space()[0] // _CACHE_SHARE)
        self._lock = threading.Lock()
        self._walks: OrderedDict[str, _Walk] = OrderedDict()
        self._workers = Workers("open-ahead", _THREADS)
        self._closed = False

    def on_open(self, info: ObjectInfo, *, is_here: bool) -> None:
        """Note that a file is being opened, and whether it was in the cache. Never blocks."""
        if not self._most_bytes or (is_here and not self._walks):
            return
        directory, _, name = info.key.rpartition("/")
        listing = self._listings.fresh(directory)
        at = listing.position(name) if listing is not None else None
        if listing is None or at is None:
            return
        now_s = self._clock()
        with self._lock:
            walk = self._walks.get(directory)
            if walk is None or walk.listing is not listing or not walk.at - _GAP <= at <= walk.at + _GAP:
                if is_here:
                    return
                self._walks[directory] = _Walk(listing, at, _ending(name), now_s)
                self._walks.move_to_end(directory)
                if len(self._walks) > _WALKS:
                    self._walks.popitem(last=False)
                return
            walk.used_s = now_s
            walk.endings.add(_ending(name))
            walk.count(at)
            if at <= walk.at:
                return
            walk.at = at
            walk.steps += 1
            if walk.steps < _STEPS or self._closed or walk.is_wasteful:
                return
            wanted = self._next(walk)
        for one in wanted:
            self._workers.submit(lambda one=one: self._fetch(one))  # type: ignore[misc]

    def trim(self) -> None:
        """Forget walks that have ended; called now and then."""
        if not self._walks:
            return
        before_s = self._clock() - _IDLE_S
        with self._lock:
            for directory in [held for held, walk in self._walks.items() if walk.used_s < before_s]:
                del self._walks[directory]

    def close(self) -> None:
        """Fetch nothing more."""
        with self._lock:
            self._closed = True
        self._workers.close()

    def _next(self, walk: _Walk) -> list[ObjectInfo]:
        """Return the files to fetch now, noted as asked for."""
        wanted: list[ObjectInfo] = []
        ahead = ahead_bytes = 0
        asked = max(walk.asked, walk.at)
        for place in range(walk.at + 1, min(walk.at + 1 + _SCANNED, len(walk.listing))):
            found = walk.listing.at(place)
            entry = None if found is None else found.entry
            if not isinstance(entry, ObjectInfo) or _ending(entry.name) not in walk.endings:
                continue
            if not 0 < entry.size_bytes <= self._most_bytes:
                continue
            ahead += 1
            ahead_bytes += entry.size_bytes
            if ahead > min(walk.steps, _AHEAD) or ahead_bytes > self._all_bytes:
                break
            if place > asked:
                wanted.append(entry)
                walk.asked = place
                walk.fetched.add(place)
        return wanted

    def _fetch(self, info: ObjectInfo) -> None:
        if self._closed:
            return
        try:
            if self._cache.cached_path(info) is not None:
                return
            local = self._cache.open(info)
            try:
                local.fetch_all()
            finally:
                local.close()
        except (GatewayError, OSError) as error:  # whoever opens it meets it again
            _log.debug("%s: was not fetched ahead: %s", info.key, error)
        except Exception:  # noqa: BLE001 - the edge of a thread
            if not self._closed:  # else the cache has been closed under it
                _log.exception("%s: fetching ahead failed", info.key)


def _ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return ending if dot and stem else ""
