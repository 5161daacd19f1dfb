"""The manifest of a dataset: its files, its columns and what their footers say, at one moment.

Immutable, so that a statement or a transaction that holds one sees one snapshot. Statistics lie in one Arrow array per
column over all row groups (a *unit* is a row group), so ten thousand files cost a few megabytes and a predicate is
evaluated over all of them with a handful of array operations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.datasets.footers import ChunkBounds, FileSchema, Footer
from fsspeckit_lib.datasets.partitions import Partitions, PartitionType, infer_type, partition_bounds, split_partitions
from fsspeckit_lib.datasets.schema import DatasetColumn, unify
from fsspeckit_lib.errors import BadInput
from fsspeckit_lib.sql import BoundPredicate, Bounds, Domain, Kind, columns_of, may_match
from fsspeckit_lib.sql.bounds import Mask
from fsspeckit_lib.sql.predicates import Never

__all__ = ["DataFile", "Manifest", "Partitioning", "Pruning", "build_manifest"]

Partitioning: TypeAlias = str
"""`hive` (folders `name=value` are columns), `none`, or `auto`: hive where all files have the same columns."""

_DAY_TICKS = 86_400_000_000


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a dataset: where it is, its rows and schema, and the values of its partition columns in order."""

    info: ObjectInfo
    rows: int
    schema: FileSchema
    partition_values: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Pruning:
    """Which files of a manifest a statement has to read.

    Attributes:
        files: places in `Manifest.files`, ascending.
        total: files of the dataset.
        by_partition: files left out because of their folder alone.
        by_statistics: files left out because of their footer.
    """

    files: tuple[int, ...]
    total: int
    by_partition: int
    by_statistics: int


class Manifest:
    """One snapshot of a dataset. Build with `build_manifest`."""

    def __init__(
        self,
        files: tuple[DataFile, ...],
        columns: tuple[DatasetColumn, ...],
        partition_names: tuple[str, ...],
        unit_counts: tuple[int, ...],
        statistics: Mapping[str, Bounds],
        unit_rows: pa.Array,
    ) -> None:
        """Take over the parts; `statistics` by folded column name over all units, `unit_counts` per file."""
        self.files, self.columns, self.partition_names = files, columns, partition_names
        self.size_bytes = sum(file.info.size_bytes for file in files)
        self.rows = sum(file.rows for file in files)
        self._unit_counts = unit_counts
        self._first_units = tuple(accumulate(unit_counts, initial=0))
        self._statistics = statistics
        self._unit_rows = unit_rows
        self._file_of_unit = np.repeat(np.arange(len(files), dtype=np.int32), unit_counts)
        self._domains = {column.name.casefold(): column.domain for column in columns}
        self._partition_bounds: dict[str, Bounds] = {}
        self._partition_bounds_per_unit: dict[str, Bounds] = {}

    @property
    def domains(self) -> Mapping[str, Domain]:
        """Folded column name → domain: the schema to bind predicates to."""
        return self._domains

    def everything(self) -> Pruning:
        """Return all files."""
        return Pruning(tuple(range(len(self.files))), len(self.files), 0, 0)

    def prune(self, predicate: BoundPredicate) -> Pruning:
        """Return the files that may hold a row for which `predicate`, bound to `domains`, is TRUE."""
        total = len(self.files)
        if isinstance(predicate, Never):
            return Pruning((), total, 0, total)
        wanted = columns_of(predicate)
        partitions = {name.casefold(): place for place, name in enumerate(self.partition_names)}
        is_in_folder: Mask | None = None
        by_folder = total
        if wanted & partitions.keys():
            is_in_folder = may_match(predicate, lambda column: self._bounds_per_file(column, partitions), total)
            by_folder = int(np.count_nonzero(is_in_folder))
        if wanted & self._statistics.keys() and by_folder:
            mask = may_match(
                predicate, lambda column: self._bounds_per_unit(column, partitions), len(self._file_of_unit)
            )
            if is_in_folder is not None:
                mask = mask & is_in_folder[self._file_of_unit]
            kept = tuple(np.unique(self._file_of_unit[mask]).tolist())
        elif is_in_folder is not None:
            kept = tuple(np.flatnonzero(is_in_folder).tolist())
        else:
            kept = tuple(range(total))
        return Pruning(kept, total, total - by_folder, by_folder - len(kept))

    def footer(self, place: int) -> Footer:
        """Return one file's footer, rebuilt from the arrays: what an unchanged file brings into the next manifest."""
        file = self.files[place]
        first, count = self._first_units[place], self._unit_counts[place]
        statistics: dict[int, list[ChunkBounds]] = {}
        for column_place, column in enumerate(file.schema.columns):
            bounds = self._statistics.get(column.name.casefold())
            if bounds is None or self._domains[column.name.casefold()] != column.domain:
                continue
            parts = [array.slice(first, count).to_pylist() for array in (bounds.lower, bounds.upper, bounds.null_count)]
            statistics[column_place] = list(zip(*parts, strict=True))
        return Footer(file.schema, tuple(self._unit_rows.slice(first, count).to_pylist()), statistics)

    def _bounds_per_file(self, column: str, partitions: Mapping[str, int]) -> Bounds | None:
        return self._bounds_of_partition(column, partitions[column]) if column in partitions else None

    def _bounds_per_unit(self, column: str, partitions: Mapping[str, int]) -> Bounds | None:
        if column not in partitions:
            return self._statistics.get(column)
        known = self._partition_bounds_per_unit.get(column)
        if known is None:
            known = self._bounds_of_partition(column, partitions[column]).take(pa.array(self._file_of_unit))
            self._partition_bounds_per_unit[column] = known  # two threads would compute the same
        return known

    def _bounds_of_partition(self, folded: str, place: int) -> Bounds:
        known = self._partition_bounds.get(folded)
        if known is None:
            column = next(column for column in self.columns if column.name.casefold() == folded)
            assert column.partition_type is not None
            rows = pa.array([max(file.rows, 1) for file in self.files], pa.int64())
            values = [file.partition_values[place] for file in self.files]
            known = partition_bounds(values, column.partition_type, rows)
            self._partition_bounds[folded] = known  # two threads would compute the same
        return known


def build_manifest(
    name: str, infos: Sequence[ObjectInfo], footers: Sequence[Footer], partitioning: Partitioning
) -> Manifest:
    """Return the manifest of a dataset.

    Args:
        name: of the table, for errors.
        infos: its files, in the order they shall be read.
        footers: one for each.
        partitioning: `auto`, `hive` or `none`.

    Raises:
        IncompatibleFiles: no common schema.
        BadInput: `hive` was asked for and files differ in their partition columns.
    """
    folders = [split_partitions(info.key) for info in infos]
    names = _partition_names(name, infos, folders, partitioning)
    values = [tuple(dict(folder)[part] for part in names) for folder in folders]
    types: dict[str, PartitionType] = {
        part: infer_type({row[place] for row in values}) for place, part in enumerate(names)
    }
    distinct: dict[int, tuple[FileSchema, str]] = {}
    for info, footer in zip(infos, footers, strict=True):
        distinct.setdefault(id(footer.schema), (footer.schema, info.key))
    columns = unify(list(distinct.values()), types, name)
    files = tuple(
        DataFile(info, footer.rows, footer.schema, row)
        for info, footer, row in zip(infos, footers, values, strict=True)
    )
    unit_rows = pa.array([rows for footer in footers for rows in footer.row_group_rows], pa.int64())
    statistics = {
        column.name.casefold(): _column_bounds(column, footers, unit_rows)
        for column in columns
        if column.partition_type is None and column.domain.kind is not Kind.OTHER
    }
    counts = tuple(len(footer.row_group_rows) for footer in footers)
    return Manifest(files, columns, names, counts, statistics, unit_rows)


def _partition_names(
    dataset: str, infos: Sequence[ObjectInfo], folders: Sequence[Partitions], partitioning: Partitioning
) -> tuple[str, ...]:
    if partitioning == "none" or not folders:
        return ()
    names = tuple(name for name, _ in folders[0])
    for info, folder in zip(infos, folders, strict=True):
        other = tuple(name for name, _ in folder)
        if other != names:
            if partitioning == "auto":
                return ()
            raise BadInput(
                f"table {dataset}: {info.key} has the partition columns ({', '.join(other)}) but {infos[0].key} has "
                f"({', '.join(names)}); all files must have the same; set partitioning to none, or move the file"
            )
    if len({name.casefold() for name in names}) != len(names):
        return ()
    return names


def _column_bounds(column: DatasetColumn, footers: Sequence[Footer], unit_rows: pa.Array) -> Bounds:
    folded = column.name.casefold()
    place_in: dict[int, tuple[int, Domain] | None] = {}
    lower: list[object] = []
    upper: list[object] = []
    nulls: list[int | None] = []
    for footer in footers:
        key = id(footer.schema)
        if key not in place_in:
            place_in[key] = next(
                (
                    (place, other.domain)
                    for place, other in enumerate(footer.schema.columns)
                    if other.name.casefold() == folded
                ),
                None,
            )
        found = place_in[key]
        if found is None:  # the file does not have the column: all NULL
            lower.extend([None] * len(footer.row_group_rows))
            upper.extend([None] * len(footer.row_group_rows))
            nulls.extend(footer.row_group_rows)
            continue
        chunks = footer.statistics.get(found[0])
        if chunks is None:
            chunks = [(None, None, None)] * len(footer.row_group_rows)
        if found[1] == column.domain:
            lower.extend([chunk[0] for chunk in chunks])
            upper.extend([chunk[1] for chunk in chunks])
            nulls.extend([chunk[2] for chunk in chunks])
            continue
        for low, high, null_count in chunks:
            lower.append(_converted(low, found[1], column.domain, is_upper=False))
            upper.append(_converted(high, found[1], column.domain, is_upper=True))
            nulls.append(null_count)
    array_type = pa.float64() if column.domain.is_float else pa.binary() if column.domain.is_bytes else pa.int64()
    return Bounds(pa.array(lower, array_type), pa.array(upper, array_type), pa.array(nulls, pa.int64()), unit_rows)


def _converted(tick: object, source: Domain, target: Domain, *, is_upper: bool) -> object:
    """Return a bound in the unified domain, still a bound; None where it cannot be had."""
    if tick is None or source == target:
        return tick
    if source.kind is Kind.FLOAT32 and target.kind is Kind.FLOAT64:
        return tick
    if isinstance(tick, int) and target.is_float and source.kind in {Kind.INTEGER, Kind.DECIMAL}:
        outwards = math.inf if is_upper else -math.inf
        return math.nextafter(math.nextafter(tick / 10**source.scale, outwards), outwards)
    if isinstance(tick, int) and target.kind is Kind.DECIMAL and source.kind in {Kind.INTEGER, Kind.DECIMAL}:
        scaled = tick * 10 ** (target.scale - source.scale)
        return scaled if abs(scaled) < 2**63 else None
    if isinstance(tick, int) and source.kind is Kind.DATE and target.kind is Kind.TIMESTAMP:
        return tick * _DAY_TICKS if abs(tick) < 10**8 else None
    return None
