"""The files of one running query: fetched, held, and named so that DuckDB can open them whatever happens meanwhile.

A whole file is read by DuckDB itself, at the speed of the local disk, through a link (`shelf`) in folders named after
the partition values, which is how DuckDB learns those. A file too large to fetch whole, or beyond the budget, goes
through `ranged_files`, and only the ranges DuckDB asks for are fetched.
"""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from fsspeckit_lib.common.waiting import wait_for
from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.datasets import DataFile
from fsspeckit_lib.datasets.partitions import partition_folder
from fsspeckit_lib.errors import Conflict, GatewayError, NotFound
from fsspeckit_sqlserver.engine.ranged_files import PROTOCOL, RangedFiles
from fsspeckit_sqlserver.engine.shelf import Shelf, Shelved

__all__ = [
    "WHOLE_FILE_BYTES",
    "CacheFile",
    "CacheFiles",
    "FileBudget",
    "FileGone",
    "Lease",
    "lease_files",
    "partition_alias",
]

WHOLE_FILE_BYTES: Final = 64 << 20
"""Up to this size a file is fetched whole: one request, and every later query reads it at local speed."""


class CacheFile(Protocol):
    """An open file of the cache (`fsspeckit_lib.cache.CachedFile`)."""

    @property
    def is_complete(self) -> bool: ...

    def fileno(self) -> int: ...

    def read_available(self, start: int, stop: int) -> bytes | None: ...

    def read(self, start: int, stop: int) -> bytes: ...

    def fetch_all(self) -> None: ...

    def close(self) -> None: ...


class CacheFiles(Protocol):
    """One storage's files in the cache (`fsspeckit_lib.cache.StorageCache`)."""

    def open(self, info: ObjectInfo) -> CacheFile: ...

    def count_use(self, info: ObjectInfo) -> None: ...


class FileGone(Conflict):
    """A file of the manifest is not in the storage any more.

    Handler: list again and start over.
    """

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told

    def __str__(self) -> str:
        return f"a file was removed after it was listed; run the statement again ({self.told})"


class FileBudget:
    """How much all queries together may hold open: descriptors and bytes. Thread-safe.

    Attributes:
        descriptors: half of what the process may have.
    """

    def __init__(self, cache_bytes: int) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.descriptors = max(16, (soft if soft > 0 else 1 << 20) // 2)
        self._descriptors = self.descriptors
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

    def give_back(self, size_bytes: int) -> None:
        """Return a reservation."""
        with self._lock:
            self._descriptors += 1
            self._bytes += size_bytes


@dataclass(slots=True)
class Lease:
    """What a query holds. `paths` are DuckDB's names of the files, in the order they were asked for."""

    paths: list[str]
    read_bytes: int
    ranged_number: int | None
    _ranged: RangedFiles
    _held: list[Shelved]
    _shelf: Shelf
    _closed: bool = False
    url: str = ""
    files: Sequence[DataFile] = ()

    def url_of(self, path: str) -> str | None:
        """Return the URL of the file that DuckDB knows by this path, None when it is not of this lease."""
        return f"{self.url}/{self.files[self.paths.index(path)].info.key}" if path in self.paths else None

    def error(self) -> GatewayError | None:
        """Return the first error a ranged read met."""
        error = None if self.ranged_number is None else self._ranged.error(self.ranged_number)
        return FileGone(str(error)) if isinstance(error, NotFound) else error

    def interrupt(self) -> None:
        """End the reads of ranges that wait for the storage. From any thread."""
        if self.ranged_number is not None:
            self._ranged.cancel(self.ranged_number)

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self.ranged_number is not None:
            self._ranged.release(self.ranged_number)
        self._shelf.give_back(self._held)


def partition_alias(number: int) -> str:
    """Return the name under which DuckDB sees a partition column: one that no file has, and that needs no encoding."""
    return f"gw_partition_{number}"


def lease_files(
    files: Sequence[DataFile],
    source: CacheFiles,
    *,
    shelf: Shelf,
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
        checkpoint: called while waiting; raises when the query was cancelled.
        whole_file_bytes: a larger file is read in ranges unless it is whole already.
        is_ranged_preferred: the query reads next to nothing of each file (a count), so fetch none whole.

    Raises:
        CacheStale, FileGone: a file changed, or went, since its manifest was made.
        AccessDenied, Unavailable, ResourceExhausted: it could not be fetched.
    """
    keys = [(source, file.info.key, file.info.version, file.partition_values) for file in files]
    held: dict[int, Shelved] = {place: item for place, item in enumerate(shelf.borrow(keys)) if item is not None}
    fetched: dict[int, CacheFile] = {}
    pending: dict[int, Future[None]] = {}
    is_cleared = False
    try:
        for place, file in enumerate(files):
            if place in held:
                source.count_use(file.info)
                continue
            size = file.info.size_bytes
            if not budget.take(size):
                is_cleared, may_help = True, not is_cleared and shelf.clear()
                if not (may_help and budget.take(size)):
                    continue
            fetched[place] = opened = _open_counted(source, file.info, budget)
            if opened.is_complete:
                continue
            if size > whole_file_bytes or is_ranged_preferred:
                _put_away(fetched.pop(place), file, budget)
            else:
                pending[place] = executor.submit(opened.fetch_all)
        for future in pending.values():
            wait_for(future, checkpoint)
        for place, opened in list(fetched.items()):
            file = files[place]
            if opened.is_complete:
                freed = partial(budget.give_back, file.info.size_bytes)
                held[place] = shelf.add(keys[place], opened, _folders_of(file), freed)
            else:  # does not fit into the cache: read through it
                _put_away(opened, file, budget)
            del fetched[place]
        return _name_files(files, source, held, shelf, ranged)
    except BaseException as error:
        for future in pending.values():
            future.cancel()
        for place, opened in fetched.items():
            put_away = partial(_put_away, opened, files[place], budget)
            if place in pending:  # a handle is not closed under a fetch, and nobody waits for a storage that stalls
                pending[place].add_done_callback(lambda _, put_away=put_away: put_away())  # type: ignore[misc]
            else:
                put_away()
        shelf.give_back(held.values())
        if isinstance(error, OSError):
            raise translate(error, shelf.folder) from error
        if isinstance(error, NotFound):
            raise FileGone(str(error)) from error
        raise


def _open_counted(source: CacheFiles, info: ObjectInfo, budget: FileBudget) -> CacheFile:
    """Open a file for which there is a reservation, which goes back if it cannot be opened."""
    try:
        return source.open(info)
    except BaseException:
        budget.give_back(info.size_bytes)
        raise


def _put_away(opened: CacheFile, file: DataFile, budget: FileBudget) -> None:
    opened.close()
    budget.give_back(file.info.size_bytes)


def _folders_of(file: DataFile) -> str:
    """Return the folders that tell DuckDB the partition values, each with a slash after it."""
    values = enumerate(file.partition_values)
    return "".join(f"{partition_folder(partition_alias(number), value)}/" for number, value in values)


def _name_files(
    files: Sequence[DataFile],
    source: CacheFiles,
    held: dict[int, Shelved],
    shelf: Shelf,
    ranged: RangedFiles,
) -> Lease:
    paths: list[str] = []
    rest: list[tuple[CacheFiles, ObjectInfo]] = []
    number = ranged.register(rest) if len(held) < len(files) else None  # `rest` grows below, before anybody looks
    for place, file in enumerate(files):
        item = held.get(place)
        if item is None:
            paths.append(f"{PROTOCOL}://{number}/{len(rest)}/{_folders_of(file)}f.parquet")
            rest.append((source, file.info))
        else:
            paths.append(item.path)
    read_bytes = sum(file.info.size_bytes for file in files)
    return Lease(paths, read_bytes, number, ranged, list(held.values()), shelf)
