"""Listing the next directories of who walks a tree, while they read the present one.

`find`, `du`, `rsync` and globs open the directories below one directory one after the other, each a round trip to the
storage. Who opens two neighbours in the order of their directory's listing will open the third: everything below is
listed by one stream (see `flatlist`), or, where the storage has none or it does not pay, the next few directories are,
in parallel. Who opens a single directory causes nothing.

Thread-safe; the lock is held for dictionary operations only.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

from fsspeckit_lib.core.objects import DirectoryInfo
from fsspeckit_lib.errors import GatewayError
from fsspeckit_mount.vfs.flatlist import FlatStream, Found
from fsspeckit_mount.vfs.listings import Listing, Listings
from fsspeckit_mount.vfs.ports import Clock, ListsFrom, Storage
from fsspeckit_mount.workers import Workers

__all__ = ["ListAhead"]

_log = logging.getLogger(__name__)

_THREADS = 4
_STREAMS = 4
_LEFT_S = 30.0
_AHEAD = 8
_WALKS = 64
_SCANNED = 256
"""Entries looked at for the next directories: files may lie between them."""


class _Walk:
    """Somebody reads the directories of one listing in order: up to `at`, and `asked` is listed ahead."""

    __slots__ = ("asked", "at", "listing", "steps", "stream")

    def __init__(self, listing: Listing, at: int) -> None:
        self.listing = listing
        self.at = at
        self.asked = at
        self.steps = 0
        self.stream: FlatStream | None = None


class ListAhead:
    """The walks through one mount."""

    def __init__(
        self, storage: Storage, listings: Listings, open_listing: Callable[[str], Listing], clock: Clock
    ) -> None:
        """Build it; `open_listing` returns the listing of a directory as an opendir(3) of it would."""
        self._storage = storage
        self._clock = clock
        self._streams: list[FlatStream] = []
        self._listings = listings
        self._open_listing = open_listing
        self._lock = threading.Lock()
        self._walks: OrderedDict[str, _Walk] = OrderedDict()
        self._workers = Workers("list-ahead", _THREADS)
        self._closed = False

    def on_open(self, key: str) -> None:
        """Note that a directory is being opened. Never blocks."""
        covering = [stream for stream in self._streams if stream.visit(key)]
        above, _, name = key.rpartition("/")
        listing = self._listings.fresh(above) if key else None
        at = listing.position(name) if listing is not None else None
        if listing is None or at is None:
            return
        with self._lock:
            walk = self._walks.get(above)
            if walk is None or walk.listing is not listing or not walk.at <= at <= walk.asked + _SCANNED:
                self._walks[above] = _Walk(listing, at)
                self._walks.move_to_end(above)
                if len(self._walks) > _WALKS:
                    self._walks.popitem(last=False)
                return
            is_step = at > walk.at
            walk.steps += is_step
            walk.at = at
            if walk.steps < 2 or not is_step or covering or self._closed:
                return
            begun = self._begin_stream(walk, above, key)
            keys = [] if begun is not None or not _may_go_on_singly(walk) else self._next(walk)
        if begun is not None:
            threading.Thread(target=begun.run, name="list-ahead", daemon=True).start()
        for wanted in keys:
            self._submit(wanted)

    def trim(self) -> None:
        """Forget what streams have left behind that nobody has come for; called now and then."""
        if self._streams:
            before_s = self._clock() - _LEFT_S
            with self._lock:
                self._streams = [one for one in self._streams if not one.has_ended or one.ended_s > before_s]

    def _submit(self, key: str) -> None:
        self._workers.submit(lambda: self._load(key))

    def take(self, key: str, *, may_wait: bool) -> Found | None:
        """Return all of a directory, if a stream has it or will soon; None where it is to be listed by itself."""
        for stream in tuple(self._streams):
            found = stream.take(key, may_wait=may_wait)
            if found is not None and found.seen_s > max(self._listings.doubted_s, self._clock() - self._listings.ttl_s):
                return found
        return None

    def _begin_stream(self, walk: _Walk, above: str, key: str) -> FlatStream | None:
        """Return a new stream from `key` on, if the walk may have one."""
        if not isinstance(self._storage, ListsFrom) or (walk.stream is not None and not walk.stream.was_idle):
            return None
        self._streams = [stream for stream in self._streams if not stream.has_ended]
        if len(self._streams) >= _STREAMS:
            return None
        pages = self._storage.list_from(above, key)
        if pages is None:
            return None
        walk.stream = FlatStream(above, pages, self._clock, self._submit)
        self._streams.append(walk.stream)
        return walk.stream

    def close(self) -> None:
        """List nothing more."""
        with self._lock:
            self._closed = True
            for stream in self._streams:
                stream.stop()
            self._streams = []
        self._workers.close()

    def _next(self, walk: _Walk) -> list[str]:
        """Return the directories to list now, noted as asked for."""
        keys: list[str] = []
        position = max(walk.asked, walk.at)
        ahead = 0
        for place in range(walk.at + 1, min(position + _SCANNED, len(walk.listing))):
            found = walk.listing.at(place)
            if found is None or not isinstance(found.entry, DirectoryInfo):
                continue
            ahead += 1
            if ahead > _AHEAD:
                break
            if place > position:
                keys.append(found.entry.key)
                walk.asked = place
        return keys

    def _load(self, key: str) -> None:
        if self._closed:
            return
        try:
            self._open_listing(key).load()
        except GatewayError as error:  # whoever opens it meets it again
            _log.debug("%s: was not listed ahead: %s", key, error)
        except Exception:  # noqa: BLE001 - the edge of a thread
            _log.exception("%s: listing ahead failed", key)


def _may_go_on_singly(walk: _Walk) -> bool:
    """Tell whether the next directories are listed one by one: there is no stream, or it did not pay."""
    return walk.stream is None or walk.stream.was_given_up
