"""The cache of one root: opens files, finds complete copies, keeps the sparse ones, makes claims durable.

A complete copy is an ordinary file at its own key's path under `data/`. A hit costs one open(2), one fstat(2) and a
dictionary look-up: what was found in the index is remembered, and checked against the file (inode, size, mtime), so a
copy that was evicted, replaced or edited by anybody is a miss, never wrong bytes.

Lock order: `Cache._lock`, then `PartialFile._lock`, then the index.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from fsspeckit_lib.cache.config import CacheConfig
from fsspeckit_lib.cache.download import Download
from fsspeckit_lib.cache.durability import Syncer
from fsspeckit_lib.cache.files import CachedFile
from fsspeckit_lib.cache.index import CacheIndex, Row
from fsspeckit_lib.cache.locks import is_held_elsewhere
from fsspeckit_lib.cache.mapper import FileNameCacheMapper
from fsspeckit_lib.cache.partial import PartialFile
from fsspeckit_lib.cache.readthrough import ReadThrough
from fsspeckit_lib.cache.stats import CacheStats, StatsCounter
from fsspeckit_lib.cache.whole import WholeFile
from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore
from fsspeckit_lib.errors import NotADirectory, ResourceExhausted, Unavailable

__all__ = ["Cache", "StorageCache"]

_logger = logging.getLogger(__name__)

_MEMO_ENTRIES = 100_000
_OPEN_ATTEMPTS = 5  # another process may publish or evict between the two looks of one attempt
_FORMAT = "fsspeckit-cache 1\n"


class Cache:
    """The files below one root. One per process and root; other processes may use the same root at the same time."""

    def __init__(self, config: CacheConfig) -> None:
        """Open or create the root.

        Raises:
            AccessDenied, ResourceExhausted, NotADirectory: the folder cannot be used.
            Corrupt: its index is damaged and could not be set aside.
        """
        self.config = config
        try:
            os.makedirs(config.root, mode=0o700, exist_ok=True)
            os.makedirs(f"{config.root}/partial", mode=0o700, exist_ok=True)
            self._check_format()
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                boot_id = file.read().strip()
        except (FileExistsError, NotADirectoryError) as error:
            raise NotADirectory(
                f"cache folder {config.root}: found a file there or above it, wanted a folder; choose another one"
            ) from error
        except OSError as error:
            raise translate(error, f"cache folder {config.root}: cannot be created or read") from error
        self._stats = StatsCounter()
        self._mapper = FileNameCacheMapper(config.root)
        self._index = CacheIndex(
            config.root,
            max_size_bytes=config.max_size_bytes,
            min_free_bytes=config.min_free_bytes,
            boot_id=boot_id,
            is_in_use=lambda path: is_held_elsewhere(f"{config.root}/{path}.map"),
            on_evicted=lambda count: self._stats.add(evictions=count),
        )
        self._boot_id = boot_id
        self._lock = threading.Lock()
        self._memo: dict[bytes, Row] = {}
        self._partials: dict[tuple[bytes, str], PartialFile | WholeFile] = {}
        self._parts_pool = ThreadPoolExecutor(config.parallel_parts, thread_name_prefix="cache-fetch")
        self._syncer = Syncer(config.root, self._index)
        self._temporary_numbers = itertools.count()
        self._lock_descriptor = os.open(f"{config.root}/locks", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._closed = False
        self._remove_orphans()

    def bind(self, store: ObjectStore) -> StorageCache:
        """Return the part of the cache that holds this storage's objects."""
        return StorageCache(self, store)

    def stats(self) -> CacheStats:
        """Return what happened since the process started, and the size of the root."""
        entries, size_bytes = self._index.totals()
        return self._stats.snapshot(entries=entries, size_bytes=size_bytes)

    def used_bytes(self) -> int:
        """Return the bytes that count against `max_size_bytes` now, over all processes."""
        return self._index.totals()[1]

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
        self._syncer.close()
        self._index.close()
        os.close(self._lock_descriptor)

    def open(self, store: ObjectStore, info: ObjectInfo) -> CachedFile:
        """Return a handle on that version of the object. Local I/O only; a copy of another version is dropped.

        Raises:
            AccessDenied, ResourceExhausted: the cache folder cannot be read or written.
        """
        entry_id = _entry_id(store, info.key)
        try:
            for _ in range(_OPEN_ATTEMPTS):
                whole = self._open_whole(entry_id, info)
                if whole is not None:
                    self._stats.add(hits=1)
                    self._index.touch(entry_id)
                    return self._handle(store, info, whole, None)
                partial = self._open_partial(entry_id, store, info)
                if partial is not None:
                    self._stats.add(misses=1)
                    return self._handle(store, info, None, partial)
        except OSError as error:
            raise translate(error, f"cache folder {self.config.root}") from error
        raise Unavailable(f"{store.url}/{info.key}: its cached copy comes and goes as it is opened; try again")

    def complete_path(self, store: ObjectStore, info: ObjectInfo) -> str | None:
        """Return where the complete copy of that version lies, or None."""
        whole = self._open_whole(_entry_id(store, info.key), info)
        if whole is None:
            return None
        os.close(whole[0])
        return whole[1]

    def _handle(
        self,
        store: ObjectStore,
        info: ObjectInfo,
        whole: tuple[int, str] | None,
        partial: PartialFile | WholeFile | None,
    ) -> CachedFile:
        return CachedFile(
            info,
            whole=whole,
            partial=partial,
            read_through=lambda: ReadThrough(store, info, self.config.part_bytes),
            fits=info.size_bytes <= self.config.max_size_bytes,
            release=lambda handle: self._release(handle, whole),
            stats=self._stats,
        )

    def _release(self, handle: CachedFile, whole: tuple[int, str] | None) -> None:
        if whole is not None:
            os.close(whole[0])
            return
        partial = handle.partial
        assert partial is not None
        with self._lock:
            partial.handles -= 1
            if partial.handles or self._closed:
                return
            self._partials.pop((partial.entry_id, partial.info.version), None)
        partial.close()

    def _open_whole(self, entry_id: bytes, info: ObjectInfo) -> tuple[int, str] | None:
        """Return (descriptor, path) of the complete copy, checked against its claim; drop a claim that is wrong."""
        remembered = self._memo.get(entry_id)
        for row in (remembered, None):
            found = row if row is not None else self._index.lookup(entry_id)
            if found is None or not found.complete or found.version != info.version:
                continue
            path = f"{self.config.root}/{found.path}"
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except (FileNotFoundError, NotADirectoryError):
                descriptor = -1
            if descriptor >= 0:
                status = os.fstat(descriptor)
                claimed = (found.inode, found.mtime_ns, info.size_bytes)
                if (status.st_ino, status.st_mtime_ns, status.st_size) == claimed:
                    if row is None:
                        self._remember(entry_id, found)
                    return descriptor, path
                os.close(descriptor)
            self._memo.pop(entry_id, None)
            if row is None:
                _logger.warning("%s: the cached file is not what the index says; it is fetched again", path)
                self._index.drop(entry_id, found)
        return None

    def _remember(self, entry_id: bytes, row: Row) -> None:
        if len(self._memo) >= _MEMO_ENTRIES:
            self._memo.clear()  # one index look-up each brings them back
        self._memo[entry_id] = row

    def _open_partial(self, entry_id: bytes, store: ObjectStore, info: ObjectInfo) -> PartialFile | WholeFile | None:
        """Return the copy on its way, with one handle more; None when a complete copy has just appeared."""
        key = (entry_id, info.version)
        with self._lock:
            if self._closed:
                raise ResourceExhausted(f"cache folder {self.config.root}: is being closed")
            partial = self._partials.get(key)
            if partial is None:
                partial = self._make_partial(entry_id, store, info)
                if partial is None:
                    return None
                self._partials[key] = partial
            partial.handles += 1
        return partial

    def _make_partial(self, entry_id: bytes, store: ObjectStore, info: ObjectInfo) -> PartialFile | WholeFile | None:
        digest = hashlib.sha256(entry_id + b"\0\0" + info.version.encode(errors="surrogateescape")).hexdigest()[:40]
        comes_whole = info.size_bytes <= self.config.whole_bytes
        download = Download(
            config=self.config,
            index=self._index,
            pool=self._parts_pool,
            stats=self._stats,
            store=store,
            info=info,
            entry_id=entry_id,
            name=f"partial/{digest}" + (f".{os.getpid()}.{next(self._temporary_numbers)}" if comes_whole else ""),
            targets=(
                self._mapper.relative_path(store.namespace, info.key),
                self._mapper.relative_path(store.namespace, info.key, beside_directory=True),
            ),
            lock_descriptor=self._lock_descriptor,
            on_published=self._syncer.add,
        )
        if comes_whole:
            return WholeFile(download, lambda: self._open_whole(entry_id, info))
        return PartialFile(download) if self._index.begin(entry_id, info.version, download.name) else None

    def _check_format(self) -> None:
        path = f"{self.config.root}/VERSION"
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                found = file.read()
        except FileNotFoundError:
            found = ""
        if found == _FORMAT:
            return
        if found:  # another format: nothing of it can be trusted
            for name in ("index.sqlite3", "index.sqlite3-wal", "index.sqlite3-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self.config.root}/{name}")
        temporary = f"{path}.{os.getpid()}"
        with open(temporary, "w", encoding="ascii") as file:
            file.write(_FORMAT)
        os.rename(temporary, path)

    def _remove_orphans(self) -> None:
        """Unlink sparse files that no row claims and no process has open: left by a crash."""
        folder = f"{self.config.root}/partial"
        names = os.listdir(folder)  # before the rows: a row is there before its file
        claimed = self._index.partial_paths()
        for name in names:
            stem = name.removesuffix(".map")
            liveness = stem if "." in stem else f"{stem}.map"  # a file that comes whole is locked itself
            if f"partial/{stem}" not in claimed and not is_held_elsewhere(f"{folder}/{liveness}"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{folder}/{name}")


class StorageCache:
    """The cached files of one storage: what the mount and the SQL engine hold."""

    def __init__(self, cache: Cache, store: ObjectStore) -> None:
        self.cache = cache
        self.store = store

    def open(self, info: ObjectInfo) -> CachedFile:
        """Return a handle on that version of the object; see `Cache.open`."""
        return self.cache.open(self.store, info)

    def cached_path(self, info: ObjectInfo) -> str | None:
        """Return where the complete copy of that version lies, or None."""
        return self.cache.complete_path(self.store, info)


def _entry_id(store: ObjectStore, key: str) -> bytes:
    # the same for a bucket and its folder: what a mount of the one fetched is there for a table in the other
    return "/".join((*store.namespace, key)).encode(errors="surrogateescape")
