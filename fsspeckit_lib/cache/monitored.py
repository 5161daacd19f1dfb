"""`MonitoredSimpleCacheFileSystem`: the cache as an fsspec filesystem, for pandas, pyarrow, DuckDB and `fsspec.open`.

It takes the paths of the filesystem below it. What it opens is one version: an object that changes meanwhile is an
error, not a mixture. A complete copy is handed out as little more than its descriptor: a second open within the
attribute time costs an open(2), an fstat(2) and two dictionary look-ups.
"""

from __future__ import annotations

import atexit
import math
import os
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from fsspeckit_lib.cache.cache import Cache
from fsspeckit_lib.cache.cached_objects import CachedObjects, cached_objects
from fsspeckit_lib.cache.config import CacheConfig
from fsspeckit_lib.cache.files import CachedFile
from fsspeckit_lib.cache.index import Row
from fsspeckit_lib.cache.mapper import FileNameCacheMapper
from fsspeckit_lib.cache.offline import OfflineStore, entry_id
from fsspeckit_lib.cache.readers import CacheReader, Source
from fsspeckit_lib.cache.stats import CacheStats
from fsspeckit_lib.core.abstract_filesystem import AbstractFileSystem, Place, fsspec_errors
from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.fsspec_objects import FsspecObjects
from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import BadInput

__all__ = ["MonitoredSimpleCacheFileSystem"]

_KEPT_RECENT = 10_000

_lock = threading.Lock()
_caches: dict[CacheConfig, tuple[Cache, int]] = {}


class _AbsolutePlace(Place):
    """A place in a filesystem whose paths begin with a slash."""

    __slots__ = ()

    def name(self, key: str) -> str:
        """Return the path under which a key is shown."""
        return f"/{key}"


@dataclass(frozen=True, slots=True)
class _PlaceBelow(Place):
    """A place in a filesystem that shows one folder of another: `whole` is the same place in that."""

    whole: Place
    folder: DirFileSystem

    def name(self, key: str) -> str:
        """Return the path under which a key is shown."""
        return str(self.folder._relpath(self.whole.name(key)))


class MonitoredSimpleCacheFileSystem(AbstractFileSystem):
    """Any filesystem, read through the cache. Thread-safe.

    Args:
        target_protocol: of the storage, such as `s3`; or give `fs`.
        target_options: its options.
        cache_mapper: says where the cache lies, its structure, and its size. Default: `~/.cache/fsspeckit`.
        fs: a filesystem to read through the cache; wins over `target_protocol`.
        cache_config: all there is to say of the cache; wins over `cache_mapper`.

    Filesystems of one process with equal configurations share one `Cache`, which closes with the last of them.
    """

    protocol = "fsspeckit-cache"

    def __init__(
        self,
        target_protocol: str | None = None,
        target_options: Mapping[str, Any] | None = None,
        cache_mapper: FileNameCacheMapper | None = None,
        fs: Any = None,
        *,
        cache_config: CacheConfig | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if fs is None:
            if target_protocol is None:
                raise BadInput("cache: found neither fs= nor target_protocol=, wanted one of them, such as 's3'")
            fs = filesystem(target_protocol, target_options, dirfs=False)
        else:
            target_options = getattr(fs, "storage_options", None)
        self._site_options = target_options
        self.fs = fs
        self.protocol = fs.protocol
        self._folder: DirFileSystem | None = None
        if isinstance(fs, DirFileSystem):
            self._folder, fs = fs, fs.fs
        self._inner = fs
        self.root_marker = self.fs.root_marker
        config = cache_config if cache_config is not None else _config_of(cache_mapper)
        self.cache = _share(config)
        # the garbage collector comes at any moment, in a thread that may hold any lock: not there is a cache closed
        self._finalizer = weakref.finalize(self, _give_back_later, config)
        self._finalizer.atexit = False
        self._stores: dict[int, CachedObjects] = {}
        self._sites: dict[str, CachedObjects] = {}
        self._config = config
        self._recent: dict[str, tuple[float, Row, ObjectInfo, bytes, str]] = {}
        self._is_web = _is_fsspecs_web(fs)
        self._whole = None if isinstance(fs, AbstractFileSystem) or self._is_web else self._wrap(fs)

    def stats(self) -> CacheStats:
        """Return what the cache did since this process opened it, and the size of its root."""
        return self.cache.stats()

    def close(self) -> None:
        """Give the cache back; it closes with the last filesystem that uses it."""
        if self._finalizer.detach() is not None:
            _give_back(self._config)

    def _strip_protocol(self, path: Any) -> Any:  # type: ignore[override]  # the target says what a path is
        if isinstance(path, list):
            return [self._strip_protocol(one) for one in path]
        return self.fs._strip_protocol(os.fspath(path))

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Any = None,
        compression: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Open a file; reading a complete copy that was opened a moment ago is the quick way."""
        if mode == "rb" and compression is None:
            recent = self._recent.get(path)
            if recent is not None and time.time() < recent[0]:
                reader = self._open_recent(path, recent)
                if reader is not None:
                    return reader
        return super().open(path, mode, block_size, cache_options, compression, **kwargs)

    def invalidate_cache(self, path: str | None = None) -> None:
        """Believe nothing of a path any more, or of any: the next question goes to the storage."""
        self._recent.clear()
        if path is not None:
            place = self._at(path)
            self._behind(place).storage.invalidate(place.key)
        else:
            self.cache.metadata.clear()
        self.fs.invalidate_cache(path)

    def _place(self, path: str) -> Place:
        if self._folder is None:
            return self._place_of(path)
        place = self._place_of(self._folder._join(path))
        return _PlaceBelow(place.store, place.prefix, place.key, place, self._folder)

    def _place_of(self, path: str) -> Place:
        """Return the place of a path of the filesystem below, whole."""
        if self._is_web:
            scheme, _, rest = path.partition("://")
            host, _, key = rest.partition("/")
            return Place(self._site(f"{scheme}://{host}"), f"{scheme}://{host}", key.strip("/"))
        if self._whole is not None:
            kind = _AbsolutePlace if self._inner.root_marker == "/" else Place
            return kind(self._whole, "", path.strip("/"))
        place = self._inner._place(path)
        return Place(self._behind(place), place.prefix, place.key)

    def _behind(self, place: Place) -> CachedObjects:
        if isinstance(place.store, CachedObjects):
            return place.store
        found = self._stores.get(id(place.store))
        if found is None:
            with _lock:
                found = self._stores.get(id(place.store))
                if found is None:
                    found = cached_objects(self.cache.bind(self.cache.resilient(place.store)))
                    self._stores[id(place.store)] = found  # which keeps the store alive, and so its id
        return found

    def _wrap(self, fs: Any) -> CachedObjects:
        name = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
        token = f"-{fs._fs_token[:8]}" if getattr(fs, "storage_options", None) else ""
        store: ObjectStore = FsspecObjects(fs, "", f"{name}://", (f"{name}{token}",))
        if isinstance(fs, LocalFileSystem):
            store = LocalObjects("/")
        return cached_objects(self.cache.bind(self.cache.resilient(store)))

    def _site(self, url: str) -> CachedObjects:
        """Return one web server, whose paths are URLs."""
        with _lock:
            found = self._sites.get(url)
            if found is None:
                store = open_store(url, self._site_options)
                found = self._sites[url] = cached_objects(self.cache.bind(self.cache.resilient(store)))
            return found

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: Any = None,
        autocommit: bool = True,
        cache_options: Any = None,
        **kwargs: Any,
    ) -> Any:
        if mode != "rb":
            self._recent.clear()
            return super()._open(path, mode, block_size, autocommit, cache_options, **kwargs)
        place = self._at(path)
        store = self._behind(place)
        with fsspec_errors():
            asked_at = time.time()
            info = self._file(place)
            file = store.open(info)
        if not file.is_complete:
            return CacheReader(Source(self, path, info.size_bytes, -1, file, _close_coming))
        self._remember(path, store, info, asked_at)
        return CacheReader(Source(self, path, info.size_bytes, os.dup(file.fileno()), None, self._close_whole_of(file)))

    def _writable(self, path: str) -> Any:
        self._recent.clear()
        return super()._writable(path)

    def _remember(self, path: str, store: CachedObjects, info: ObjectInfo, asked_at: float) -> None:
        name = entry_id(store, info.key)
        row = self.cache.index.lookup(name)
        if row is None or row.version != info.version or not row.complete:
            return
        inner = store.storage.store
        if isinstance(inner, OfflineStore) and inner.is_offline:
            return  # each such open is counted
        known = store.storage.last_known(info.key)
        at = known[1] if known is not None else asked_at
        until = math.inf if store.is_immutable else at + self.cache.config.attribute_ttl_s
        if len(self._recent) >= _KEPT_RECENT:
            self._recent.clear()
        self._recent[path] = (until, row, info, name, f"{self.cache.config.root}/{row.path}")

    def _open_recent(self, path: str, recent: tuple[float, Row, ObjectInfo, bytes, str]) -> CacheReader | None:
        _, row, info, name, copy = recent
        try:
            descriptor = os.open(copy, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return None
        if not row.is_file(os.fstat(descriptor)):
            os.close(descriptor)
            return None
        self.cache.count_hit(name)
        return CacheReader(Source(self, path, info.size_bytes, descriptor, None, self._close_whole))

    def _close_whole(self, source: Source) -> None:
        descriptor, source.descriptor = source.descriptor, -1
        os.close(descriptor)
        if source.served:
            self.cache.count_served(source.served)

    def _close_whole_of(self, file: CachedFile) -> Any:
        file.close()  # its descriptor has been duplicated
        return self._close_whole


def _close_coming(source: Source) -> None:
    file, source.file = source.file, None
    if file is not None:
        file.close()


def _config_of(mapper: FileNameCacheMapper | None) -> CacheConfig:
    if mapper is None:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        return CacheConfig(os.path.join(base, "fsspeckit"))
    config = CacheConfig(os.path.abspath(mapper.cache_root), preserve_structure=mapper.preserve_structure)
    if mapper.max_size_gb is None:
        return config
    return CacheConfig(
        config.root,
        max_size_bytes=int(mapper.max_size_gb * (1 << 30)),
        preserve_structure=mapper.preserve_structure,
    )


def _close_all() -> None:
    """Close what is open when the interpreter ends."""
    with _lock:
        caches = [cache for cache, _ in _caches.values()]
        _caches.clear()
    for cache in caches:
        cache.close()


atexit.register(_close_all)


def _share(config: CacheConfig) -> Cache:
    with _lock:
        cache, users = _caches.get(config, (None, 0))
        if cache is None:
            cache = Cache(config)
        _caches[config] = (cache, users + 1)
        return cache


def _give_back(config: CacheConfig) -> None:
    with _lock:
        cache, users = _caches.pop(config, (None, 0))
        if cache is not None and users > 1:
            _caches[config] = (cache, users - 1)
            return
    if cache is not None:
        cache.close()


def _give_back_later(config: CacheConfig) -> None:
    threading.Thread(target=_give_back, args=(config,), name="cache-closer", daemon=True).start()


def _is_fsspecs_web(fs: Any) -> bool:
    """Tell whether it is fsspec's filesystem of web servers, without importing it: aiohttp may not be installed."""
    web = sys.modules.get("fsspec.implementations.http")
    return web is not None and isinstance(fs, web.HTTPFileSystem)
