"""A storage whose bytes and answers come through the cache, as an `ObjectStore`: what the fsspec face stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from typing_extensions import Buffer

from fsspeckit_lib.cache.files import CachedFile
from fsspeckit_lib.cache.storage import StorageCache
from fsspeckit_lib.cache.writers import ForgettingWriter
from fsspeckit_lib.core.objects import (
    Entry,
    IfAbsent,
    ObjectInfo,
    ObjectWriter,
    Precondition,
    WritableStore,
)
from fsspeckit_lib.errors import IsADirectory

__all__ = ["CachedObjects", "WritableCachedObjects", "cached_objects"]


class CachedObjects:
    """An `ObjectStore` around a `StorageCache`. Thread-safe."""

    def __init__(self, storage: StorageCache) -> None:
        self.storage = storage

    @property
    def url(self) -> str:
        """The storage's."""
        return self.storage.store.url

    @property
    def namespace(self) -> tuple[str, ...]:
        """The storage's."""
        return self.storage.store.namespace

    @property
    def is_immutable(self) -> bool:
        """The storage's."""
        return self.storage.store.is_immutable

    def check(self) -> None:
        """Ask the storage."""
        self.storage.store.check()

    def stat(self, key: str) -> Entry:
        """Return what lies at `key`, as fresh as the cache's times want it."""
        return self.storage.stat(key)

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """Yield the children of a folder, as fresh as the cache's times want them."""
        yield self.storage.list_directory(key)

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """Ask the storage, unless it cannot change."""
        return self.storage.list_recursive(key)

    def open(self, info: ObjectInfo) -> CachedFile:
        """Return a handle on that version."""
        return self.storage.open(info)

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        """Read through the cache."""
        file = self.storage.open(info)
        try:
            return file.read(start, stop)
        finally:
            file.close()

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """Read a whole object through the cache."""
        info = self.storage.stat(key)
        if not isinstance(info, ObjectInfo):
            raise IsADirectory(f"{self.url}/{key}: is a directory, an object was wanted")
        return info, self.read_range(info, 0, info.size_bytes)

    def close(self) -> None:
        """Leave the storage open: it belongs to who opened it."""


class WritableCachedObjects(CachedObjects):
    """The same on a storage that can be changed; what was written is seen at once."""

    def __init__(self, storage: StorageCache, store: WritableStore) -> None:
        super().__init__(storage)
        self._writable = store

    def put(self, key: str, data: Buffer, *, only: Precondition | None = None) -> None:
        """Write to the storage."""
        try:
            self._writable.put(key, data, only=only)
        finally:  # whatever became of it, it must be asked for
            self.storage.invalidate(key)

    def open_writer(self, key: str, *, only: Precondition | None = None) -> ObjectWriter:
        """Write to the storage."""
        return ForgettingWriter(self._writable.open_writer(key, only=only), lambda: self.storage.invalidate(key))

    def copy(self, source: str, target: str, *, only: IfAbsent | None = None) -> None:
        """Copy in the storage."""
        try:
            self._writable.copy(source, target, only=only)
        finally:
            self.storage.invalidate(target)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete in the storage."""
        try:
            self._writable.delete(keys)
        finally:
            for key in keys:
                self.storage.invalidate(key)


def cached_objects(storage: StorageCache) -> CachedObjects:
    """Return the face of a storage: writable where the storage is."""
    store = storage.store
    if hasattr(store, "open_writer"):
        return WritableCachedObjects(storage, store)  # type: ignore[arg-type]  # it has the methods
    return CachedObjects(storage)
