"""One storage seen through the cache: copies, and what the storage said, each believed for its time.

`stat` and `list_directory` ask the storage once the time is over: one HEAD or LIST, whose ETag confirms the copy or
drops it. What cannot change (`ObjectStore.is_immutable`) is never asked again. The mount has its own TTLs in its
virtual file system and does not come here.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from fsspeckit_lib.cache.files import CachedFile
from fsspeckit_lib.cache.index import Row
from fsspeckit_lib.cache.metadata import Known
from fsspeckit_lib.cache.offline import OfflineStore, entry_id
from fsspeckit_lib.core.markers import real_files
from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo, ObjectStore
from fsspeckit_lib.errors import NotFound

if TYPE_CHECKING:
    from fsspeckit_lib.cache.cache import Cache

__all__ = ["StorageCache"]

_T = TypeVar("_T")


class StorageCache:
    """The cached files of one storage: what the mount, the SQL engine and the fsspec face hold. Thread-safe."""

    def __init__(self, cache: Cache, store: ObjectStore) -> None:
        self.cache = cache
        self.store = store
        self._lock = threading.Lock()
        self._asking: dict[tuple[str, str], Future[object]] = {}

    def open(self, info: ObjectInfo) -> CachedFile:
        """Return a handle on that version of the object; see `Cache.open`."""
        return self.cache.open(self.store, info)

    def count_use(self, info: ObjectInfo) -> None:
        """Take note that an open handle on a complete copy is used again: a hit, and not the next to be evicted."""
        self.cache.count_use(self.store, info)

    def cached_path(self, info: ObjectInfo) -> str | None:
        """Return where the complete copy of that version lies, or None."""
        return self.cache.complete_path(self.store, info)

    def stat(self, key: str) -> Entry:
        """Return what lies at `key`: as it was last seen while that is fresh, else the storage is asked once.

        Raises:
            NotFound: nothing lies there, and the storage said so not long ago.
            Unavailable, AccessDenied: it could not be found out.
        """
        known = self._fresh(key)
        if known is None:
            return self._once("stat", key, lambda: self._ask(key))
        if known.entry is None:
            raise NotFound(f"{self.store.url}/{key}: not found")
        return _at(known.entry, key)

    def list_directory(self, key: str) -> Sequence[Entry]:
        """Return the children of a folder: as they were last listed while that is fresh, else listed once."""
        listing = self.cache.metadata.recall_listing(self._id(key), False, key)
        if listing is not None and time.time() - listing.at < self._ttl(self.cache.config.listing_ttl_s):
            return list(listing.entries.values())
        return self._once("list", key, lambda: self._list(key))

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """Yield every object below a folder. Only that of an immutable storage is remembered."""
        if not self.store.is_immutable:
            yield from self.store.list_recursive(key)
            return
        listing = self.cache.metadata.recall_listing(self._id(key), True, key)
        if listing is not None:
            yield [entry for entry in listing.entries.values() if isinstance(entry, ObjectInfo)]
            return
        at = time.time()
        seen: list[Entry] = []
        for page in self.store.list_recursive(key):
            seen += page
            yield page
        self.cache.metadata.remember_listing(self._id(key), True, seen, key, at)

    def last_known(self, key: str) -> tuple[Entry | None, float] | None:
        """Return what last lay at a key (None: nothing) and when the storage said so (seconds since the epoch).

        None where nothing is known. Asks nobody: it is what can be had during an outage, and after a restart in one.
        """
        known = self._known(key)
        if known is None:
            return None
        return (None if known.entry is None else _at(known.entry, key)), known.at

    def invalidate(self, key: str) -> None:
        """Believe nothing of a key any more, nor the listings it is in: it was written through another way."""
        self.cache.metadata.forget(self._id(key))

    def fetch(self, info: ObjectInfo) -> bool:
        """Bring an object into the cache whole; False where it does not fit.

        Raises:
            CacheStale, NotFound, AccessDenied, Unavailable, ShortRead.
        """
        file = self.open(info)
        try:
            file.fetch_all()
            return file.is_complete
        finally:
            file.close()

    def objects_at(self, key: str) -> list[ObjectInfo]:
        """Return the object at `key`, or every object below it, as the storage says now.

        Raises:
            NotFound: there is neither.
        """
        entry: Entry = self.store.stat(key) if key else DirectoryInfo("")
        if isinstance(entry, ObjectInfo):
            return [entry]
        return [info for page in self.store.list_recursive(key) for info in real_files(self.store, page)]

    def pin(self, key: str) -> list[ObjectInfo]:
        """Keep an object, or all below a folder, from eviction; return what there is of it, for `fetch`.

        Raises:
            ResourceExhausted: with it, pins would pass the cap or a quota. Nothing was pinned.
        """
        infos = self.objects_at(key)
        is_object = bool(key) and len(infos) == 1 and infos[0].key == key
        pin_id = self._id(key) if is_object else self._id(key) + b"/"
        who = f"{self.store.url}/{key}" if key else self.store.url
        self.cache.index.bounds.pin(pin_id, sum(info.size_bytes for info in infos), who)
        return infos

    def unpin(self, key: str) -> int:
        """Take back the pins at and below a key; return how many there were. Asks nobody.

        Raises:
            Conflict: a folder above it is pinned.
        """
        bounds, who = self.cache.index.bounds, f"{self.store.url}/{key}"
        return bounds.unpin(self._id(key) + b"/", who) + bounds.unpin(self._id(key), who)

    def entries(self, key: str = "") -> Iterator[tuple[str, Row, float, bool]]:
        """Yield what the cache holds at and below a key: key, claim, last use, pinned. Asks nobody."""
        base = len(self._id(""))
        for prefix in ([self._id(key)] if key else []) + [self._id(key) + b"/"]:
            after = b""
            while True:
                rows = self.cache.index.entries(prefix, after=after)
                for name, row, used_at, pinned in rows:
                    yield name[base + 1 :].decode(errors="surrogatepass"), row, used_at, pinned
                if len(rows) < 1000:
                    break
                after = rows[-1][0]

    def evict(self, key: str, *, pinned_too: bool = False) -> tuple[int, int, int]:
        """Remove the copies at and below a key; return how many, their bytes, and how many stayed as pinned."""
        count, freed, kept = 0, 0, 0
        for found, _, _, pinned in list(self.entries(key)):
            if pinned and not pinned_too:
                kept += 1
                continue
            freed += self.cache.index.evict(self._id(found))
            count += 1
        return count, freed, kept

    def _known(self, key: str) -> Known | None:
        metadata = self.cache.metadata
        known = metadata.recall(self._id(key))
        if not key:
            return known
        folder, _, name = key.rpartition("/")
        listed, has_listing = metadata.find_in_listing(self._id(folder), name)
        if has_listing and listed is not None and (known is None or listed.at > known.at):
            return listed
        return known

    def _fresh(self, key: str) -> Known | None:
        known = self._known(key)
        if known is None:
            return None
        config = self.cache.config
        if known.entry is None:
            ttl_s = config.absence_ttl_s
        elif isinstance(known.entry, DirectoryInfo):
            ttl_s = config.listing_ttl_s
        else:
            ttl_s = config.attribute_ttl_s
        return known if time.time() - known.at < self._ttl(ttl_s) else None

    def _ttl(self, ttl_s: float) -> float:
        return math.inf if self.store.is_immutable else ttl_s

    def _ask(self, key: str) -> Entry:
        at = time.time()
        self.cache.count_confirmation()
        try:
            entry = self.store.stat(key)
        except NotFound:
            self._learn(key, None, at)
            raise
        self._learn(key, entry, at)
        return entry

    def _learn(self, key: str, entry: Entry | None, at: float) -> None:
        if isinstance(self.store, OfflineStore):
            if self.store.is_offline:
                return  # an old answer is not a new one
        else:
            self.cache.metadata.remember(self._id(key), entry, at)
        self.cache.learn(self.store, key, entry if isinstance(entry, ObjectInfo) else None, at)

    def _list(self, key: str) -> Sequence[Entry]:
        at = time.time()
        seen: list[Entry] = []
        for page in self.store.list_directory(key):
            seen += page
        if not isinstance(self.store, OfflineStore):
            self.cache.metadata.remember_listing(self._id(key), False, seen, key, at)
        return seen

    def _once(self, what: str, key: str, question: Callable[[], _T]) -> _T:
        """Ask, or wait for the answer to the same question of another thread."""
        with self._lock:
            running = self._asking.get((what, key))
            if running is None:
                mine: Future[object] = Future()
                self._asking[what, key] = mine
        if running is not None:
            return running.result()  # type: ignore[return-value]
        try:
            answer = question()
        except BaseException as error:
            mine.set_exception(error)
            raise
        else:
            mine.set_result(answer)
            return answer
        finally:
            with self._lock:
                del self._asking[what, key]

    def _id(self, key: str) -> bytes:
        return entry_id(self.store, key)


def _at(entry: Entry, key: str) -> Entry:
    if entry.key == key:
        return entry
    if isinstance(entry, DirectoryInfo):
        return DirectoryInfo(key, entry.mtime_ns)
    return ObjectInfo(key, entry.size_bytes, entry.mtime_ns, entry.etag)
