"""The datasets as tables: their names, and the DuckDB types of their columns.

A *shape* is what DuckDB says of a table's columns, kept as an empty table in its database: statements are bound against
it without touching a file, and it stands in where pruning leaves no file at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

import duckdb

from fsspeckit_lib.datasets import Dataset, Manifest
from fsspeckit_lib.datasets.footers import FileSchema
from fsspeckit_sqlserver.engine.instance import Instance
from fsspeckit_sqlserver.engine.leases import CacheFiles, Lease

__all__ = ["SHAPE_SCHEMA", "DatasetTable", "Shape", "Shapes", "quoted"]

SHAPE_SCHEMA: Final = "gw_shape"


@dataclass(frozen=True, slots=True)
class DatasetTable:
    """One table of the server."""

    schema: str
    name: str
    dataset: Dataset
    files: CacheFiles

    @property
    def full_name(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a table as DuckDB has them.

    Attributes:
        relation: name of the empty table in `SHAPE_SCHEMA`.
        columns: name → DuckDB type, in order.
        groups: what `scans` has found out of the files' schemas, by their identity.
    """

    relation: str
    columns: Mapping[str, str]
    groups: dict[int, tuple[FileSchema, tuple[str, ...]]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def folded_names(self) -> frozenset[str]:
        """The columns' names, case folded."""
        return frozenset(name.casefold() for name in self.columns)


def quoted(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class Shapes:
    """Finds and keeps the shapes of all tables. Thread-safe."""

    def __init__(self, instance: Instance, lease_one: Callable[[DatasetTable, Manifest, int], Lease]) -> None:
        """Begin without any.

        Args:
            instance: where the empty tables are made.
            lease_one: makes one file of a manifest readable, for types only DuckDB can tell.
        """
        self._instance, self._lease_one = instance, lease_one
        self._lock = threading.Lock()
        self._known: dict[tuple[object, ...], Shape] = {}
        self._by_manifest: WeakKeyDictionary[Manifest, Shape] = WeakKeyDictionary()
        self._generation = instance.generation
        self._count = 0

    def of(self, table: DatasetTable, manifest: Manifest) -> Shape:
        """Return the shape of a table at one manifest; the same object as long as its columns stay the same."""
        with self._lock:
            if self._generation != self._instance.generation:
                self._known.clear()
                self._by_manifest.clear()
                self._generation = self._instance.generation
            shape = self._by_manifest.get(manifest)
            if shape is None:
                key = (table.full_name, manifest.columns)
                shape = self._known.get(key)
                if shape is None:
                    shape = self._known[key] = self._make(table, manifest)
                self._by_manifest[manifest] = shape
            return shape

    def _make(self, table: DatasetTable, manifest: Manifest) -> Shape:
        columns = {column.name: column.sql_type for column in manifest.columns}
        unknown = [
            column.name
            for column in manifest.columns
            if column.partition_type is None and (column.is_nested or column.domain.kind.value == "other")
        ]
        cursor = self._instance.cursor()
        try:
            if unknown:
                columns.update(self._ask(cursor, table, manifest, unknown))
            self._count += 1
            name = f"s{self._count}"
            listing = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
            cursor.execute(f"CREATE TABLE {SHAPE_SCHEMA}.{name} ({listing})")
        finally:
            cursor.close()
        return Shape(name, columns)

    def _ask(
        self, cursor: duckdb.DuckDBPyConnection, table: DatasetTable, manifest: Manifest, names: list[str]
    ) -> dict[str, str]:
        """Return the types of columns as DuckDB reads them in the first file that has each."""
        found: dict[str, str] = {}
        for place, file in enumerate(manifest.files):
            here = [column.name for column in file.schema.columns if column.name in names and column.name not in found]
            if not here:
                continue
            lease = self._lease_one(table, manifest, place)
            try:
                listing = ", ".join(quoted(name) for name in here)
                relation = cursor.sql(f"SELECT {listing} FROM read_parquet($1)", params=[lease.paths])
                found.update(zip(here, (str(kind) for kind in relation.types), strict=True))
            finally:
                lease.close()
            if len(found) == len(names):
                break
        return found
