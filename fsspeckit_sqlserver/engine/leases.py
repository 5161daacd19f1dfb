"""The files of one running query: fetched, held, and named so that DuckDB can open them whatever happens meanwhile.

A whole file is read by DuckDB itself, at the speed of the local disk, through a link to the open descriptor
(`/proc/self/fd/N`): an eviction removes the name, never the bytes, until the query is done. The link lies in folders
named after the partition values, which is how DuckDB learns those. A file too large to fetch whole, or beyond the
budget, goes through `ranged_files`, and only the ranges DuckDB asks for are fetched.
"""

from __future__ import annotations

import os
import resource
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Final, Protocol

from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.datasets import DataFile
from fsspeckit_lib.datasets.partitions import partition_folder
from fsspeckit_lib.errors import GatewayError
from fsspeckit_sqlserver.engine.ranged_files import PROTOCOL, RangedFiles

__all__ = ["WHOLE_FILE_BYTES", "CacheFile", "CacheFiles", "FileBudget", "Lease", "lease_files", "partition_alias"]

WHOLE_FILE_BYTES: Final = 64 << 20
"""Up to this size a file is fetched whole: one request, and every later query reads it at local speed."""

_POLL_S: Final = 0.05


class CacheFile(Protocol):
    """An open file of the cache (`fsspeckit_lib.cache.CachedFile`)."""

    @property
    def is_complete(self) -> bool: ...

    def fileno(self) -> int: ...

    def read(self, start: int, stop: int) -> bytes: ...

    def fetch_all(self) -> None: ...

    def close(self) -> None: ...


class CacheFiles(Protocol):
    """One storage's files in the cache (`fsspeckit_lib.cache.StorageCache`)."""

    def open(self, info: ObjectInfo) -> CacheFile: ...


class FileBudget:
    """How much one query may fetch and hold before it has read anything: descriptors and bytes. Thread-safe."""

    def __init__(self, cache_bytes: int) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._descriptors = max(16, (soft if soft > 0 else 1 << 20) // 2)
        self._bytes = cache_bytes // 2
        self._lock = threading.Lock()

    def take(self, size_bytes: int) -> bool:
        """Reserve one descriptor and that many bytes; False when the budget is used up."""
        with self._lock:
            if self._descriptors <= 0 or self._bytes < size_bytes:
                return False
            self._descriptors -= 1
            self._bytes -= size_bytes
            return True

    def give_back(self, files: int, size_bytes: int) -> None:
        """Return a reservation."""
        with self._lock:
            self._descriptors += files
            self._bytes += size_bytes


@dataclass(slots=True)
class Lease:
    """What a query holds. `paths` are DuckDB's names of the files, in the order they were asked for."""

    paths: list[str]
    read_bytes: int
    ranged_number: int | None
    _ranged: RangedFiles
    _held: list[CacheFile]
    _held_bytes: int
    _folder: str | None
    _budget: FileBudget
    _closed: bool = False

    def error(self) -> GatewayError | None:
        """Return the first error a ranged read met."""
        return None if self.ranged_number is None else self._ranged.error(self.ranged_number)

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self.ranged_number is not None:
            self._ranged.release(self.ranged_number)
        for file in self._held:
            file.close()
        self._budget.give_back(len(self._held), self._held_bytes)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def partition_alias(number: int) -> str:
    """Return the name under which DuckDB sees a partition column: one that no file has, and that needs no encoding."""
    return f"gw_partition_{number}"


def lease_files(
    files: Sequence[DataFile],
    source: CacheFiles,
    *,
    folder: str,
    ranged: RangedFiles,
    budget: FileBudget,
    executor: Executor,
    checkpoint: Callable[[], None],
    whole_file_bytes: int,
    is_ranged_preferred: bool,
) -> Lease:
    """Fetch what shall be whole, hold it, and return DuckDB's names of all files.

    Args:
        files: of one dataset.
        source: the dataset's storage in the cache.
        folder: a path that does not exist yet, for the links of this query; must contain no `=`.
        checkpoint: called while waiting; raises when the query was cancelled.
        whole_file_bytes: a larger file is read in ranges unless it is whole already.
        is_ranged_preferred: the query reads next to nothing of each file (a count), so fetch none whole.

    Raises:
        CacheStale: a file changed since its manifest was made.
        NotFound, AccessDenied, Unavailable, ResourceExhausted: it could not be fetched.
    """
    held: dict[int, CacheFile] = {}
    held_bytes = 0
    pending: list[Future[None]] = []
    try:
        for place, file in enumerate(files):
            size = file.info.size_bytes
            if not budget.take(size):
                continue
            opened = source.open(file.info)
            if not opened.is_complete and (size > whole_file_bytes or is_ranged_preferred):
                opened.close()
                budget.give_back(1, size)
                continue
            held[place] = opened
            held_bytes += size
            if not opened.is_complete:
                pending.append(executor.submit(opened.fetch_all))
        _wait(pending, checkpoint)
        for place, opened in list(held.items()):
            if not opened.is_complete:  # does not fit into the cache: read through it
                opened.close()
                del held[place]
                budget.give_back(1, files[place].info.size_bytes)
                held_bytes -= files[place].info.size_bytes
        return _name_files(files, source, held, held_bytes, folder, ranged, budget)
    except BaseException:
        for future in pending:
            future.cancel()
        for future in pending:
            if not future.cancelled():
                future.exception()  # a handle is not closed under a fetch
        for opened in held.values():
            opened.close()
        budget.give_back(len(held), held_bytes)
        raise


def _wait(pending: Sequence[Future[None]], checkpoint: Callable[[], None]) -> None:
    for future in pending:
        while True:
            checkpoint()
            try:
                future.result(_POLL_S)
                break
            except TimeoutError:
                if future.done():
                    raise


def _name_files(
    files: Sequence[DataFile],
    source: CacheFiles,
    held: dict[int, CacheFile],
    held_bytes: int,
    folder: str,
    ranged: RangedFiles,
    budget: FileBudget,
) -> Lease:
    paths: list[str] = []
    rest: list[tuple[CacheFiles, ObjectInfo]] = []
    number = ranged.register(rest) if len(held) < len(files) else None  # `rest` grows below, before anybody looks
    made: set[str] = set()
    try:
        for place, file in enumerate(files):
            values = enumerate(file.partition_values)
            below = "".join(f"{partition_folder(partition_alias(number), value)}/" for number, value in values)
            opened = held.get(place)
            if opened is None:
                paths.append(f"{PROTOCOL}://{number}/{len(rest)}/{below}f.parquet")
                rest.append((source, file.info))
            else:
                directory = f"{folder}/{below}"
                if directory not in made:
                    os.makedirs(directory, mode=0o700, exist_ok=True)
                    made.add(directory)
                path = f"{directory}{place}.parquet"
                os.symlink(f"/proc/self/fd/{opened.fileno()}", path)
                paths.append(path)
    except OSError as error:
        if number is not None:
            ranged.release(number)
        shutil.rmtree(folder, ignore_errors=True)
        raise translate(error, folder) from error
    read_bytes = sum(file.info.size_bytes for file in files)
    used_folder = folder if made else None
    return Lease(paths, read_bytes, number, ranged, list(held.values()), held_bytes, used_folder, budget)
