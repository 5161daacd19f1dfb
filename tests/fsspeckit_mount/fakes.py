"""Stand-ins at the virtual file system's Protocols: a storage in a dict, a cache in memory files, a hand clock."""

from __future__ import annotations

import os
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo
from fsspeckit_lib.errors import CacheStale, GatewayError, NotADirectory, NotFound
from fsspeckit_mount.vfs.attributes import Ownership
from fsspeckit_mount.vfs.operations import VfsConfig, VirtualFileSystem

OWNERSHIP = Ownership(1000, 1000, mounted_ns=5_000_000_000)


class HandClock:
    """Time that moves when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.now_s += seconds


class DictStorage:
    """Objects in a dict. Counts requests, fails or waits on demand, lists in pages of `page_entries`."""

    def __init__(self, files: dict[str, bytes] | None = None, page_entries: int = 1000) -> None:
        self.files = dict(files or {})
        self.versions: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.page_entries = page_entries
        self.failure: GatewayError | None = None
        self.gate: threading.Event | None = None

    @property
    def url(self) -> str:
        return "fake://storage"

    def put(self, key: str, data: bytes) -> None:
        self.files[key] = data
        self.versions[key] += 1

    def info(self, key: str) -> ObjectInfo:
        return ObjectInfo(key, len(self.files[key]), 1_000_000_000, f"v{self.versions[key]}")

    def stat(self, key: str) -> Entry:
        self._request("stat")
        if key in self.files:
            return self.info(key)
        if not key or any(name.startswith(f"{key}/") for name in self.files):
            return DirectoryInfo(key)
        raise NotFound(key)

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        if key in self.files and not any(name.startswith(f"{key}/") for name in self.files):
            raise NotADirectory(key)
        entries = self._children(key)
        if not entries and key:
            self._request("list")
            raise NotFound(key)
        for start in range(0, len(entries), self.page_entries):
            self._request("list")
            yield entries[start : start + self.page_entries]

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        self._request("walk")
        found = [self.info(name) for name in sorted(self.files) if name.startswith(f"{key}/" if key else "")]
        if found:
            yield found

    def _children(self, key: str) -> list[Entry]:
        prefix = f"{key}/" if key else ""
        below = [name[len(prefix) :] for name in sorted(self.files) if name.startswith(prefix) and name != prefix]
        objects: list[Entry] = [self.info(prefix + name) for name in below if "/" not in name]
        folders = dict.fromkeys(name.partition("/")[0] for name in below if "/" in name)
        return [*objects, *(DirectoryInfo(prefix + name) for name in folders)]

    def _request(self, kind: str) -> None:
        self.requests[kind] += 1
        if self.gate is not None:
            self.gate.wait(30)
        if self.failure is not None:
            raise self.failure


class FakeLocalFile:
    """A local copy that is fetched from a `DictStorage` when told to."""

    def __init__(self, storage: DictStorage, info: ObjectInfo, *, is_complete: bool, fits: bool = True) -> None:
        self._storage = storage
        self._info = info
        self._fits = fits
        self._descriptor = os.memfd_create(info.key)
        weakref.finalize(self, os.close, self._descriptor)
        os.ftruncate(self._descriptor, info.size_bytes)
        self._present: set[int] = set()
        self.fetched: list[tuple[int, int]] = []
        self.is_closed = False
        if is_complete:
            self._write(0, info.size_bytes)

    @property
    def is_complete(self) -> bool:
        return len(self._present) == self._info.size_bytes

    def fileno(self) -> int:
        return self._descriptor

    def is_present(self, start: int, stop: int) -> bool:
        return self._present.issuperset(range(start, stop))

    def fetch(self, start: int, stop: int) -> None:
        self.fetched.append((start, stop))
        if self._fits:
            self._check()
            self._write(start, stop)

    def read(self, start: int, stop: int) -> bytes:
        self._check()
        return self._storage.files[self._info.key][start:stop]

    def fetch_all(self) -> None:
        self.fetch(0, self._info.size_bytes)

    def close(self) -> None:
        assert not self.is_closed, "closed twice"
        self.is_closed = True

    def _check(self) -> None:
        self._storage._request("read")
        if self._info.key not in self._storage.files:
            raise NotFound(self._info.key)
        if self._storage.info(self._info.key) != self._info:
            raise CacheStale(self._info.key, self._info.version, self._storage.info(self._info.key).version)

    def _write(self, start: int, stop: int) -> None:
        os.pwrite(self.fileno(), self._storage.files[self._info.key][start:stop], start)
        self._present.update(range(start, stop))


class FakeCache:
    """A cache that has the versions in `complete`, and anything else only once it is fetched."""

    def __init__(self, storage: DictStorage, *, fits: bool = True) -> None:
        self._storage = storage
        self._fits = fits
        self.complete: set[ObjectInfo] = set()
        self.opened: list[FakeLocalFile] = []

    def open(self, info: ObjectInfo) -> FakeLocalFile:
        file = FakeLocalFile(self._storage, info, is_complete=info in self.complete, fits=self._fits)
        self.opened.append(file)
        return file

    def cached_path(self, info: ObjectInfo) -> str | None:
        return f"/cache/{info.key}" if info in self.complete else None

    def space(self) -> tuple[int, int]:
        return 1 << 30, 1 << 20


class FakeBackingFiles:
    """A kernel's table of backing files that follows Linux's rules for ids."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.registered: set[int] = set()
        self.refuses = refuses
        self._last = 0

    def register(self, fileno: int) -> int | None:
        os.fstat(fileno)
        if self.refuses:
            return None
        self._last += 1
        self.registered.add(self._last)
        return self._last

    def release(self, backing_id: int) -> None:
        self.registered.remove(backing_id)


def vfs_on(
    storage: DictStorage,
    cache: FakeCache | None = None,
    *,
    clock: Callable[[], float] | None = None,
    backing_files: FakeBackingFiles | None = None,
    attribute_ttl_s: float = 1.0,
    directory_ttl_s: float = 30.0,
    complete_at_open_bytes: int = 64,
    prefetch_bytes: int = 0,
) -> VirtualFileSystem:
    """Return a virtual file system on fakes; files above 64 bytes are large."""
    config = VfsConfig(OWNERSHIP, attribute_ttl_s, directory_ttl_s, complete_at_open_bytes, True, prefetch_bytes)
    return VirtualFileSystem(
        storage, cache or FakeCache(storage), config, clock or HandClock(), backing_files
    )  # fmt: skip
