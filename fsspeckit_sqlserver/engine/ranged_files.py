"""The file system DuckDB reads remote files through when they are not whole on the local disk.

A file here is `gateway://<query>/<number>/…`; the registry below knows which object that is for as long as the query
runs. DuckDB interleaves seek and read of several threads on one file object, so the position is kept per thread and
every read is a positioned one. Read-only: DuckDB's own path check lets `..` pass for registered file systems, so
nothing is looked up by path here, and writing is refused.
"""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final, Protocol

from fsspec import AbstractFileSystem

from fsspeckit_lib.common.waiting import wait_for
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import Cancelled, GatewayError, ReadOnly

__all__ = ["PROTOCOL", "RangedFileSystem", "RangedFiles", "Source"]

PROTOCOL: Final = "gateway"
_READERS: Final = 64  # a storage that stalls holds some of them until its timeout


class SourceFile(Protocol):
    """One of them, open."""

    def read_available(self, start: int, stop: int) -> bytes | None: ...

    def read(self, start: int, stop: int) -> bytes: ...

    def close(self) -> None: ...


class Source(Protocol):
    """The files of one storage through the cache."""

    def open(self, info: ObjectInfo) -> SourceFile: ...


class _OpenFile:
    """An open object, whose reads are given up when their query is cancelled, however long the storage takes.

    Lock: `_lock` guards `_reads` and `_is_closed`.
    """

    def __init__(self, file: SourceFile, name: str, executor: Executor, is_cancelled: Callable[[], bool]) -> None:
        self._file, self._name, self._executor, self._is_cancelled = file, name, executor, is_cancelled
        self._lock = threading.Lock()
        self._reads = 0
        self._is_closed = False

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes [start, stop).

        Raises:
            Cancelled: the query is over.
            GatewayError: the storage's.
        """
        data = self._file.read_available(start, stop)
        if data is not None:
            return data
        with self._lock:
            if self._is_closed:
                raise Cancelled(f"{self._name}: read for a query that is over")
            self._reads += 1
        return wait_for(self._executor.submit(self._read, start, stop), self._check)

    def close(self) -> None:
        """Close it, once what is being read has been read. Safe to call twice."""
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
            is_read = self._reads > 0
        if not was_closed and not is_read:
            self._file.close()

    def _check(self) -> None:
        if self._is_cancelled():
            raise Cancelled(f"{self._name}: read for a query that was cancelled")

    def _read(self, start: int, stop: int) -> bytes:
        try:
            return self._file.read(start, stop)
        finally:
            with self._lock:
                self._reads -= 1
                is_last = self._is_closed and not self._reads
            if is_last:
                self._file.close()


class RangedFiles:
    """Which objects the running queries may read. Thread-safe.

    Attributes:
        when_used: called with True before the first query of those that run now reads here, with False after the last.

    Locks: `_use_lock` is held while `when_used` runs; `_lock`, taken under it or alone, guards the rest.
    """

    def __init__(self) -> None:
        self.when_used: Callable[[bool], None] = lambda _: None
        self._use_lock = threading.Lock()
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._files: dict[int, Sequence[tuple[Source, ObjectInfo]]] = {}
        self._open: dict[int, set[_OpenFile]] = {}
        self._errors: dict[int, GatewayError] = {}
        self._cancelled: set[int] = set()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="ranged")

    def register(self, files: Sequence[tuple[Source, ObjectInfo]]) -> int:
        """Make objects readable; returns the query's number, to be given to `release`."""
        with self._use_lock:
            if not self._files:
                self.when_used(True)
            with self._lock:
                number = next(self._numbers)
                self._files[number] = files
                return number

    def release(self, number: int) -> None:
        """Forget a query, and close its files: DuckDB drops those of a query that was stopped without closing them."""
        with self._use_lock:
            with self._lock:
                self._files.pop(number, None)
                self._errors.pop(number, None)
                self._cancelled.discard(number)
                left = self._open.pop(number, set())
            if not self._files:
                self.when_used(False)
        for file in left:
            file.close()

    def open(self, number: int, source: Source, info: ObjectInfo) -> _OpenFile:
        """Open an object for a query."""
        file = _OpenFile(source.open(info), info.key, self._readers, lambda: number in self._cancelled)
        with self._lock:
            if number in self._files:
                self._open.setdefault(number, set()).add(file)
                return file
        file.close()
        raise Cancelled(f"{info.key}: opened for a query that is over")

    def cancel(self, number: int) -> None:
        """End the reads of a query. From any thread."""
        with self._lock:
            if number in self._files:
                self._cancelled.add(number)

    def close(self) -> None:
        """Begin no read any more."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def close_file(self, number: int, file: _OpenFile) -> None:
        """Close an object that `open` opened."""
        with self._lock:
            self._open.get(number, set()).discard(file)
        file.close()

    def error(self, number: int) -> GatewayError | None:
        """Return the first error a read of this query met: DuckDB passes on no more than its text."""
        with self._lock:
            return self._errors.get(number)

    def note_error(self, number: int, error: GatewayError) -> None:
        """Remember the first error of a query."""
        with self._lock:
            self._errors.setdefault(number, error)

    def lookup(self, path: str) -> tuple[int, Source, ObjectInfo]:
        """Return the object behind a path of this file system."""
        number, place = path.split("://", 1)[-1].lstrip("/").split("/", 2)[:2]
        with self._lock:
            files = self._files.get(int(number), ())
        if int(place) >= len(files):
            raise FileNotFoundError(path)
        return int(number), *files[int(place)]


class _RangedFile:
    """One file, open for reading, with a position per thread."""

    def __init__(self, registry: RangedFiles, number: int, source: Source, info: ObjectInfo) -> None:
        self._registry, self._number, self._info = registry, number, info
        self._file = registry.open(number, source, info)
        self._local = threading.local()
        self.size = info.size_bytes
        self.closed = False

    def seek(self, offset: int, whence: int = 0) -> int:
        base = {0: 0, 1: self.tell(), 2: self.size}[whence]
        self._local.position = base + offset
        return self.tell()

    def tell(self) -> int:
        return int(getattr(self._local, "position", 0))

    def read(self, length: int = -1) -> bytes:
        start = self.tell()
        stop = self.size if length < 0 else min(start + length, self.size)
        try:
            data = self._file.read(start, stop)
        except GatewayError as error:
            self._registry.note_error(self._number, error)
            raise
        self._local.position = start + len(data)
        return data

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._registry.close_file(self._number, self._file)

    def __enter__(self) -> _RangedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RangedFileSystem(AbstractFileSystem):
    """fsspec's face of `RangedFiles`, for DuckDB alone."""

    protocol = PROTOCOL  # fsspec's own name for it
    cachable = False

    def __init__(self, registry: RangedFiles) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # fsspec is untyped
        self._registry = registry

    def info(self, path: str, **_: object) -> dict[str, object]:
        _number, _source, info = self._registry.lookup(path)
        return {"name": path, "size": info.size_bytes, "type": "file"}

    def exists(self, path: str, **_: object) -> bool:
        try:
            self._registry.lookup(path)
        except (FileNotFoundError, ValueError):
            return False
        return True

    def isfile(self, path: str) -> bool:
        return self.exists(path)

    def glob(self, path: str, maxdepth: int | None = None, **_: object) -> list[str]:
        del maxdepth
        return [path] if self.exists(path) else []

    def modified(self, path: str) -> dt.datetime:
        _number, _source, info = self._registry.lookup(path)
        return dt.datetime.fromtimestamp(info.mtime_ns / 1e9, tz=dt.UTC)

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: object = None,
        compression: object = None,
        **_: object,
    ) -> _RangedFile:
        del block_size, cache_options, compression  # DuckDB asks for none of them
        if mode not in {"rb", "r"}:
            raise ReadOnly(f"{path}: datasets are only read")
        number, source, info = self._registry.lookup(path)
        try:
            return _RangedFile(self._registry, number, source, info)
        except GatewayError as error:
            self._registry.note_error(number, error)
            raise
