"""The cache of one root: opens files, finds complete copies, keeps the sparse ones, makes claims durable.

A complete copy is an ordinary file at its own key's path under `data/`. A hit costs one open(2), one fstat(2) and a
dictionary look-up: what was found in the index is remembered, and checked against the file (inode, size, mtime), so a
copy that was evicted, replaced or edited by anybody is a miss, never wrong bytes.

Lock order: `Cache._lock`, then `PartialFile._lock`, then the index.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TypeGuard

from fsspeckit_lib.cache.config import CacheConfig
from fsspeckit_lib.cache.database import IndexLost
from fsspeckit_lib.cache.download import Download
from fsspeckit_lib.cache.durability import Keeper
from fsspeckit_lib.cache.files import CachedFile, Incoming, Nowhere
from fsspeckit_lib.cache.index import CacheIndex, Row
from fsspeckit_lib.cache.locks import is_held_elsewhere
from fsspeckit_lib.cache.mapper import FileNameCacheMapper
from fsspeckit_lib.cache.metadata import Metadata
from fsspeckit_lib.cache.offline import OfflineStore, OfflineWritableStore, entry_id
from fsspeckit_lib.cache.orphans import remove_orphaned_copies, remove_orphaned_parts
from fsspeckit_lib.cache.partial import PartialFile
from fsspeckit_lib.cache.readthrough import ReadThrough
from fsspeckit_lib.cache.root import CacheRoot, local_error
from fsspeckit_lib.cache.stats import CacheStats, StatsCounter
from fsspeckit_lib.cache.storage import StorageCache
from fsspeckit_lib.cache.whole import WholeFile
from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore, WritableStore
from fsspeckit_lib.errors import GatewayError, ResourceExhausted, Unavailable

__all__ = ["Cache"]

_logger = logging.getLogger(__name__)

_MEMO_ENTRIES = 100_000
_OPEN_ATTEMPTS = 5  # another process may publish or evict between the two looks of one attempt


class Cache:
    """The files below one root. One per process and root; other processes may use the same root at the same time."""

    def __init__(self, config: CacheConfig) -> None:
        """Open or create the root.

        Raises:
            AccessDenied, ResourceExhausted, NotADirectory: the folder cannot be used.
            Corrupt: its index is damaged and could not be set aside.
        """
        self.config = config
        self._stats = StatsCounter()
        self._root = CacheRoot(config.root)
        try:
            self.index = CacheIndex(
                self._root,
                config,
                is_in_use=lambda path: is_held_elsewhere(f"{config.root}/{path}.map"),
                on_evicted=lambda count: self._stats.add(evictions=count),
            )
            if not self.index.database.is_volatile:
                remove_orphaned_parts(config.root, self.index)
        except OSError as error:
            self._root.close()
            raise local_error(error, config.root) from error
        except BaseException:
            self._root.close()
            raise
        self.mapper = FileNameCacheMapper(config.root, config.preserve_structure, ignores_case=self._root.ignores_case)
        self.metadata = Metadata(self.index.database)
        self._lock = threading.Lock()
        self._memo: dict[bytes, Row] = {}
        self._partials: dict[tuple[bytes, str], PartialFile | WholeFile] = {}
        self._parts_pool = ThreadPoolExecutor(config.parallel_parts, thread_name_prefix="cache-fetch")
        self._null_descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._closed = False
        self._keeper = Keeper(config.root, self.index, [self._sweep_once, self._keep_index, self.index.bounds.expire])
        self._keeper.start()

    def bind(self, store: ObjectStore) -> StorageCache:
        """Return the part of the cache that holds this storage's objects."""
        return StorageCache(self, store)

    def resilient(self, store: ObjectStore) -> ObjectStore:
        """Return the store as `when_offline` wants it: itself, or one that answers from the index in an outage."""
        if self.config.when_offline == "fail" or isinstance(store, OfflineStore):
            return store
        retry_s = self.config.retry_offline_s
        if _is_writable(store):
            return OfflineWritableStore(store, self.metadata, self._stats, retry_s)
        return OfflineStore(store, self.metadata, self._stats, retry_s)

    def stats(self) -> CacheStats:
        """Return what happened since the process started, and the size of the root."""
        entries, size_bytes, pinned_bytes = self.index.totals()
        return self._stats.snapshot(entries=entries, size_bytes=size_bytes, pinned_bytes=pinned_bytes)

    def discard(self, store: ObjectStore, key: str, row: Row) -> None:
        """Remove a copy that proved wrong, pinned or not; a newer one stays."""
        name = entry_id(store, key)
        self._memo.pop(name, None)
        self.index.drop(name, row)

    def sweep(self) -> tuple[int, int]:
        """Remove files of the root that no row claims, and empty folders; return how many, and their bytes."""
        if self.index.database.is_volatile:
            return 0, 0
        parts = remove_orphaned_parts(self.config.root, self.index)
        copies, freed = remove_orphaned_copies(self.config.root, self.index, self.mapper)
        return parts + copies, freed

    def count_use(self, store: ObjectStore, info: ObjectInfo) -> None:
        """Take note that an open handle on a complete copy is used again."""
        self._count_use(store, entry_id(store, info.key), info)

    def _count_use(self, store: ObjectStore, name: bytes, info: ObjectInfo) -> None:
        self.count_hit(name)
        if isinstance(store, OfflineStore) and store.is_offline:
            store.count_stale(info.key)

    def count_hit(self, name: bytes) -> None:
        """Count an open of a complete copy that somebody else found, and remember the use."""
        self._stats.add_hit()
        self.index.touch(name)

    def count_served(self, size_bytes: int) -> None:
        """Count bytes that were read from a complete copy."""
        self._stats.add(bytes_from_cache=size_bytes)

    def count_confirmation(self) -> None:
        """Count one request that asked whether a version still holds."""
        self._stats.add(confirmations=1)

    def used_bytes(self) -> int:
        """Return the bytes that count against `max_size_bytes` now, over all processes."""
        return self.index.totals()[1]

    def close(self) -> None:
        """Stop fetching, sync what was published, close the index. Open handles must have been closed."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            partials = list(self._partials.values())
            self._partials.clear()
        for partial in partials:
            partial.close()
        self._parts_pool.shutdown()  # parts that have not begun end at once
        self._keeper.close()
        is_last = self._root.is_alone()
        self.index.close(is_last=is_last)
        os.close(self._null_descriptor)

    def open(self, store: ObjectStore, info: ObjectInfo) -> CachedFile:
        """Return a handle on that version of the object. Local I/O only; a copy of another version is dropped.

        Raises:
            AccessDenied, ResourceExhausted: the cache folder cannot be read or written.
        """
        name = entry_id(store, info.key)
        try:
            for _ in range(_OPEN_ATTEMPTS):
                if self.index.database.is_volatile:
                    return self._open_nowhere(store, info, _no_index(store, info, self.config.root))
                with contextlib.suppress(IndexLost):  # it has been replaced: look again
                    whole = self._open_whole(name, info)
                    if whole is not None:
                        self._count_use(store, name, info)
                        return self._handle(store, info, whole, None)
                    if not self.index.bounds.fits(name, info.size_bytes):
                        return self._open_nowhere(store, info, _too_large(store, info))
                    partial = self._open_partial(name, store, info)
                    if partial is not None:
                        self._stats.add(misses=1)
                        return self._handle(store, info, None, partial)
        except OSError as error:
            return self._open_nowhere(store, info, local_error(error, self.config.root))
        except ResourceExhausted as error:
            return self._open_nowhere(store, info, error)
        raise Unavailable(f"{store.url}/{info.key}: its cached copy comes and goes as it is opened; try again")

    def complete_path(self, store: ObjectStore, info: ObjectInfo) -> str | None:
        """Return where the complete copy of that version lies, or None."""
        name = entry_id(store, info.key)
        row = self._memo.get(name)
        if row is not None and row.complete and row.version == info.version:
            path = f"{self.config.root}/{row.path}"
            with contextlib.suppress(OSError):
                if row.is_file(os.lstat(path)):
                    return path
        try:
            whole = self._open_whole(name, info)
        except (OSError, ResourceExhausted):
            return None
        if whole is None:
            return None
        os.close(whole[0])
        return whole[1]

    def learn(self, store: ObjectStore, key: str, info: ObjectInfo | None, at: float) -> None:
        """Take over what the storage has just said of a key: its copy is confirmed, or dropped. None: nothing there."""
        name = entry_id(store, key)
        row = self._memo.get(name)
        if row is None or info is None or row.version != info.version:
            row = self.index.lookup(name)
        if row is None:
            return
        if info is not None and row.version == info.version:
            self.index.confirm(name, row.version, at)
        else:
            self._memo.pop(name, None)
            self.index.drop(name, row)

    def _handle(
        self, store: ObjectStore, info: ObjectInfo, whole: tuple[int, str] | None, partial: Incoming | None
    ) -> CachedFile:
        return CachedFile(
            info,
            whole=whole,
            partial=partial,
            read_through=lambda: ReadThrough(store, info, self.config.part_bytes),
            release=self._release,
            stats=self._stats,
        )

    def _open_nowhere(self, store: ObjectStore, info: ObjectInfo, reason: GatewayError) -> CachedFile:
        """Return a handle that reads through: the cache's disk takes nothing, which is no reason to fail."""
        if not isinstance(reason, ResourceExhausted):
            raise reason
        with self._lock:
            if self._closed:
                raise reason
        self._stats.add(misses=1)
        return self._handle(store, info, None, Nowhere(self._null_descriptor, reason))

    def _release(self, handle: CachedFile) -> None:
        if handle.served_bytes:
            self._stats.add(bytes_from_cache=handle.served_bytes)
        partial = handle.partial
        if partial is None:
            os.close(handle.fileno())
            return
        if isinstance(partial, Nowhere):
            return
        assert isinstance(partial, PartialFile | WholeFile)
        with self._lock:
            partial.handles -= 1
            if partial.handles or self._closed:
                return
            self._partials.pop((partial.entry_id, partial.info.version), None)
        partial.close()

    def _open_whole(self, name: bytes, info: ObjectInfo) -> tuple[int, str] | None:
        """Return (descriptor, path) of the complete copy, checked against its claim; drop a claim that is wrong."""
        remembered = self._memo.get(name)
        for row in (remembered, None) if remembered is not None else (None,):
            found = row if row is not None else self.index.lookup(name)
            if found is None or not found.complete or found.version != info.version:
                continue
            path = f"{self.config.root}/{found.path}"
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except (FileNotFoundError, NotADirectoryError):
                descriptor = -1
            except OSError as error:
                if error.errno != errno.ELOOP:  # a link where a copy was
                    raise
                descriptor = -1
            if descriptor >= 0:
                if found.is_file(os.fstat(descriptor)):
                    if row is None:
                        self._remember(name, found)
                    return descriptor, path
                os.close(descriptor)
            self._memo.pop(name, None)
            if row is None:
                _logger.warning("%s: the cached file is not what the index says; it is fetched again", path)
                self.index.drop(name, found)
        return None

    def _remember(self, name: bytes, row: Row) -> None:
        if len(self._memo) >= _MEMO_ENTRIES:
            self._memo.clear()  # one index look-up each brings them back
        self._memo[name] = row

    def _open_partial(self, name: bytes, store: ObjectStore, info: ObjectInfo) -> PartialFile | WholeFile | None:
        """Return the copy on its way, with one handle more; None when a complete copy has just appeared."""
        key = (name, info.version)
        with self._lock:
            if self._closed:
                raise ResourceExhausted(f"cache folder {self.config.root}: is being closed")
            partial = self._partials.get(key)
            if partial is None:
                partial = self._make_partial(name, store, info)
                if partial is None:
                    return None
                self._partials[key] = partial
            partial.handles += 1
        return partial

    def _make_partial(self, name: bytes, store: ObjectStore, info: ObjectInfo) -> PartialFile | WholeFile | None:
        digest = hashlib.sha256(name + b"\0\0" + info.version.encode(errors="surrogatepass")).hexdigest()[:40]
        download = Download(
            config=self.config,
            index=self.index,
            pool=self._parts_pool,
            stats=self._stats,
            store=store,
            info=info,
            entry_id=name,
            name=f"partial/{digest}",
            targets=(
                self.mapper.relative_path(store.namespace, info.key),
                lambda: self.mapper.relative_path(store.namespace, info.key, beside_directory=True),
            ),
            lock_descriptor=self._root.lock_descriptor,
            on_published=self._keeper.add,
        )
        if info.size_bytes <= self.config.whole_bytes:
            return WholeFile(download, lambda: self._open_whole(name, info))
        return PartialFile.begin(download)

    def _sweep_once(self) -> None:
        if self.index.must_sweep:
            removed, freed = remove_orphaned_copies(
                self.config.root, self.index, self.mapper, lambda: self._keeper.is_stopping
            )
            if not self._keeper.is_stopping:  # else it broke off, perhaps: then the next start sweeps
                self.index.swept()
            if removed:
                _logger.warning("%s: removed %d files (%d bytes) without a claim", self.config.root, removed, freed)

    def _keep_index(self) -> None:
        self.index.keep()
        self.index.write_uses()
        self.metadata.flush()


def _no_index(store: ObjectStore, info: ObjectInfo, root: str) -> ResourceExhausted:
    return ResourceExhausted(f"{store.url}/{info.key}: the disk of cache folder {root} has no room for its index")


def _too_large(store: ObjectStore, info: ObjectInfo) -> ResourceExhausted:
    return ResourceExhausted(
        f"{store.url}/{info.key}: its {info.size_bytes} bytes are more than the cache, or a quota, may hold at all"
    )


def _is_writable(store: ObjectStore) -> TypeGuard[WritableStore]:
    return hasattr(store, "put")
