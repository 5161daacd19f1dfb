"""From what was configured (names → folders) to datasets: names checked, folders listed, schemas split into tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

from typing_extensions import Buffer

from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo, ObjectStore
from fsspeckit_lib.datasets import Dataset, KeptFooters, is_data_file
from fsspeckit_lib.errors import InvalidValue, NotFound
from fsspeckit_sqlserver.engine.leases import CacheFiles
from fsspeckit_sqlserver.engine.tables import DatasetTable

__all__ = ["Partitioning", "SubStore", "TableSource", "open_schema_tables", "open_table", "split_name"]

DEFAULT_SCHEMA: Final = "public"
_RESERVED_SCHEMAS: Final = re.compile(r"pg_.*|information_schema|gw_.*")

Partitioning: TypeAlias = Literal["auto", "hive", "none"]


class FileCache(Protocol):
    """The cache (`fsspeckit_lib.cache.Cache`)."""

    def bind(self, store: ObjectStore) -> CacheFiles: ...


@dataclass(frozen=True, slots=True)
class TableSource:
    """Where a table or a schema of tables lies.

    Attributes:
        store: rooted at the folder of the table; for a schema, at the folder whose sub-folders are tables.
        partitioning: `hive`: folders `name=value` are columns; `none`; `auto`: hive when all files agree.
    """

    store: ObjectStore
    partitioning: Partitioning = "auto"


class SubStore:
    """A store seen from one of its folders. Keys are relative to the folder, so every table has its own root."""

    def __init__(self, store: ObjectStore, folder: str) -> None:
        self._store, self._folder = store, folder
        self._namespace = (*store.namespace, *folder.split("/"))

    @property
    def url(self) -> str:
        """The folder's URL."""
        return f"{self._store.url}/{self._folder}"

    @property
    def namespace(self) -> tuple[str, ...]:
        """The store's, and the folder's parts: the cache keeps one copy for both."""
        return self._namespace

    @property
    def is_immutable(self) -> bool:
        """The inner store's."""
        return self._store.is_immutable

    def check(self) -> None:
        """See `ObjectStore`; the folder may be empty."""
        self._store.check()

    def stat(self, key: str) -> Entry:
        """See `ObjectStore`."""
        return self._inside(self._store.stat(self._outside(key)))

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """See `ObjectStore`."""
        for page in self._store.list_directory(self._outside(key)):
            yield [self._inside(entry) for entry in page]

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """See `ObjectStore`."""
        for page in self._store.list_recursive(self._outside(key)):
            yield [self._inside_object(info) for info in page]

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        """See `ObjectStore`."""
        outside = ObjectInfo(self._outside(info.key), info.size_bytes, info.mtime_ns, info.etag)
        return self._store.read_range(outside, start, stop)

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """See `ObjectStore`."""
        info, data = self._store.get(self._outside(key))
        return self._inside_object(info), data

    def close(self) -> None:
        """Leave the store open: it belongs to who opened it."""

    def _outside(self, key: str) -> str:
        return f"{self._folder}/{key}" if key else self._folder

    def _inside(self, entry: Entry) -> Entry:
        if isinstance(entry, ObjectInfo):
            return self._inside_object(entry)
        return DirectoryInfo(entry.key[len(self._folder) + 1 :], entry.mtime_ns)

    def _inside_object(self, info: ObjectInfo) -> ObjectInfo:
        return ObjectInfo(info.key[len(self._folder) + 1 :], info.size_bytes, info.mtime_ns, info.etag)


def split_name(name: str) -> tuple[str, str]:
    """Return schema and table of a configured name, `table` or `schema.table`.

    Raises:
        InvalidValue: it is empty, has more than two parts or names a schema of the system.
    """
    schema, dot, table = name.rpartition(".")
    if not dot:
        schema, table = DEFAULT_SCHEMA, name
    if not schema or not table or "." in schema:
        raise InvalidValue(f"table name {name!r}: a name or schema.name was wanted, e.g. trips or sales.trips")
    check_schema(schema)
    return schema, table


def check_schema(schema: str) -> None:
    """Refuse names of the system's schemas.

    Raises:
        InvalidValue: it is one of them.
    """
    if _RESERVED_SCHEMAS.fullmatch(schema):
        raise InvalidValue(f"schema {schema!r} is reserved for the system catalog; choose another name")


def open_table(
    schema: str, name: str, source: TableSource, cache: FileCache, executor: Executor, ttl_s: float, footers: str
) -> DatasetTable:
    """Return a table whose files have been listed.

    Args:
        footers: the folder that keeps footers.

    Raises:
        NotFound: there is no parquet file.
    """
    files = cache.bind(source.store)
    shown = name if schema == DEFAULT_SCHEMA else f"{schema}.{name}"
    kept = KeptFooters(footers, source.store.namespace)
    dataset = Dataset(shown, source.store, files, executor, partitioning=source.partitioning, ttl_s=ttl_s, kept=kept)
    dataset.open()
    return DatasetTable(schema, name, dataset, files)


def open_schema_tables(
    schema: str, source: TableSource, open_one: Callable[[str, str, TableSource], DatasetTable]
) -> list[DatasetTable]:
    """Return one table for each sub-folder that holds parquet files.

    Raises:
        NotFound: none does.
    """
    check_schema(schema)
    folders: set[str] = set()
    for page in source.store.list_recursive(""):
        for info in page:
            folder, slash, rest = info.key.partition("/")
            if slash and info.size_bytes and is_data_file(rest) and not folder.startswith((".", "_")):
                folders.add(folder)
    if not folders:
        raise NotFound(
            f"schema {schema}: {source.store.url} has no sub-folder with *.parquet files, one at least was wanted; "
            "check the URL, or configure it as a table"
        )
    names = sorted(folders)
    return [open_one(schema, name, TableSource(SubStore(source.store, name), source.partitioning)) for name in names]


def table_index(tables: Sequence[DatasetTable]) -> Mapping[tuple[str, str], DatasetTable]:
    """Return the tables by (schema, name).

    Raises:
        InvalidValue: two have the same name.
    """
    index: dict[tuple[str, str], DatasetTable] = {}
    for table in tables:
        key = (table.schema, table.name)
        if key in index:
            raise InvalidValue(f"table {table.full_name} is configured twice; rename one of them")
        index[key] = table
    return index
