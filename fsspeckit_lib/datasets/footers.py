"""Parquet footers: what one file says of its rows, columns and statistics.

The footer is read by range: the last 64 KiB in one request, which is the whole of it for most files, then what is
missing. Only primitive top-level columns get statistics.

Source: parquet-format, "File format" and `parquet.thrift` (Statistics, LogicalType).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.datasets.ports import StorageFiles
from fsspeckit_lib.errors import Corrupt
from fsspeckit_lib.sql import Domain, Kind

__all__ = [
    "NULL_TYPE",
    "ChunkBounds",
    "FileColumn",
    "FileSchema",
    "Footer",
    "SchemaPool",
    "parse_footer",
    "read_footer",
]

_TAIL_BYTES: Final = 64 << 10
_MAGIC: Final = b"PAR1"
NULL_TYPE: Final = "NULL"
_MAX_STATISTICS_COLUMNS: Final = 100  # of a wide table the first ones, which is where keys and dates are

ChunkBounds: TypeAlias = tuple[object, object, int | None]
"""Lower, upper (ticks, None where not known) and number of NULLs of one column in one row group."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """One top-level column of a file.

    Attributes:
        name: as in the file.
        sql_type: the type DuckDB reads it as, or for what is nested a text that differs when the leaves do.
        domain: the order of its values.
        is_nested: a list, map or struct.
    """

    name: str
    sql_type: str
    domain: Domain
    is_nested: bool = False


@dataclass(frozen=True, slots=True)
class FileSchema:
    """The top-level columns of a file, in order."""

    columns: tuple[FileColumn, ...]


@dataclass(frozen=True, slots=True)
class Footer:
    """What a file says of itself.

    Attributes:
        schema: shared between all files that have it.
        row_group_rows: rows of each row group.
        statistics: for each column with a domain, by its place in the schema, the bounds in each row group.
    """

    schema: FileSchema
    row_group_rows: tuple[int, ...]
    statistics: dict[int, list[ChunkBounds]]

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return sum(self.row_group_rows)


class SchemaPool:
    """Schemas met so far, so that ten thousand equal files share one. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: list[tuple[pq.ParquetSchema, FileSchema, list[tuple[int, int, Decode]]]] = []
        self._interned: dict[FileSchema, FileSchema] = {}

    def intern(self, schema: FileSchema) -> FileSchema:
        """Return the one schema that stands for all that are equal to it."""
        return self._interned.setdefault(schema, schema)

    def of(self, metadata: pq.FileMetaData) -> tuple[FileSchema, list[tuple[int, int, Decode]]]:
        """Return a file's schema and how its statistics are decoded: (leaf, column, decoder)."""
        schema = metadata.schema
        for known, file_schema, decoders in self._known:  # appended to only, so safe while another thread appends
            if known.equals(schema):
                return file_schema, decoders
        described, decoders = _describe(schema)
        file_schema = self.intern(described)
        self._known.append((schema, file_schema, decoders))
        return file_schema, decoders


Decode: TypeAlias = Callable[[object, bool], object]
"""Raw statistics value and whether it is the upper bound → tick, None where it cannot be used."""


def read_footer(files: StorageFiles, info: ObjectInfo, pool: SchemaPool, url: str = "") -> Footer:
    """Return the footer of one file, read by range through the cache.

    Raises:
        Corrupt: not a parquet file, or a cut one.
        CacheStale: the file changed since it was listed.
    """
    name = f"{url}/{info.key}" if url else info.key
    file = files.open(info)
    try:
        size = info.size_bytes
        tail = file.read(max(0, size - _TAIL_BYTES), size)
        if len(tail) < 12 or tail[-4:] != _MAGIC:
            raise Corrupt(f"{name}: does not end like a parquet file ({size} bytes); write it again or move it away")
        footer_bytes = int.from_bytes(tail[-8:-4], "little") + 8
        if footer_bytes > size:
            raise Corrupt(f"{name}: its footer claims {footer_bytes} of {size} bytes; write it again or move it away")
        if footer_bytes > len(tail):
            tail = file.read(size - footer_bytes, size)
    finally:
        file.close()
    return parse_footer(tail[-footer_bytes:], name, pool)


def parse_footer(data: bytes, name: str, pool: SchemaPool) -> Footer:
    """Return the footer in `data`: the thrift message, its length and the magic number.

    Raises:
        Corrupt: it cannot be read.
    """
    try:
        metadata = pq.read_metadata(pa.BufferReader(data))
        schema, decoders = pool.of(metadata)
        row_groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
        statistics = {
            column: [_chunk_bounds(group, leaf, decode) for group in row_groups] for leaf, column, decode in decoders
        }
        return Footer(schema, tuple(group.num_rows for group in row_groups), statistics)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Corrupt(f"{name}: its parquet footer cannot be read: {error}") from error


def _chunk_bounds(group: pq.RowGroupMetaData, leaf: int, decode: Decode) -> ChunkBounds:
    statistics = group.column(leaf).statistics
    if statistics is None:
        return None, None, None
    nulls = statistics.null_count if statistics.has_null_count else None
    if not statistics.has_min_max:
        return None, None, nulls
    return decode(statistics.min_raw, False), decode(statistics.max_raw, True), nulls


def _describe(schema: pq.ParquetSchema) -> tuple[FileSchema, list[tuple[int, int, Decode]]]:
    columns: list[FileColumn] = []
    decoders: list[tuple[int, int, Decode]] = []
    names: list[str] = list(schema.to_arrow_schema().names)
    leaf = 0
    for place, name in enumerate(names):
        column = schema.column(leaf)
        if column.path == name and column.max_repetition_level == 0:
            sql_type, domain, decode = _describe_leaf(column)
            columns.append(FileColumn(name, sql_type, domain))
            if decode is not None and len(decoders) < _MAX_STATISTICS_COLUMNS:
                decoders.append((leaf, place, decode))
            leaf += 1
            continue
        first = leaf
        while leaf < len(schema) and schema.column(leaf).path.startswith(f"{name}."):
            leaf += 1
        leaves = [schema.column(index) for index in range(first, leaf)]
        text = ", ".join(f"{part.path[len(name) + 1 :]} {_describe_leaf(part)[0]}" for part in leaves)
        columns.append(FileColumn(name, f"nested ({text})", Domain(Kind.OTHER), is_nested=True))
        leaf = max(leaf, first + 1)
    return FileSchema(tuple(columns)), decoders


def _describe_leaf(column: pq.ColumnSchema) -> tuple[str, Domain, Decode | None]:
    """Return the type DuckDB reads a leaf as, the order of its values, and how its statistics become ticks.

    pyarrow itself withholds statistics whose order it does not trust (signed comparison of text by old writers).
    """
    physical = column.physical_type
    logical = json.loads(column.logical_type.to_json())
    kind = logical.get("Type", "None")
    if kind in {"None", "Unknown", "Undefined"}:
        return _PHYSICAL.get(physical, (physical, Domain(Kind.OTHER), None))
    if kind == "Int":
        bits, is_signed = int(logical["bitWidth"]), bool(logical["isSigned"])
        name = ("" if is_signed else "U") + {8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT"}[bits]
        if is_signed:
            return name, Domain(Kind.INTEGER), _integer
        if bits < 64:
            return name, Domain(Kind.INTEGER), _unsigned32
        return name, Domain(Kind.FLOAT64), _wide(lambda raw: int(raw) % 2**64 if isinstance(raw, int) else None)
    if kind == "Decimal":
        precision, scale = int(logical["precision"]), int(logical["scale"])
        return f"DECIMAL({precision},{scale})", *_decimal(physical, precision, scale)
    if kind in {"Time", "Timestamp"}:
        return _time(kind, str(logical["timeUnit"]), bool(logical["isAdjustedToUTC"]))
    return {
        "String": ("VARCHAR", Domain(Kind.TEXT), _bytes),
        "Enum": ("VARCHAR", Domain(Kind.TEXT), _bytes),
        "Date": ("DATE", Domain(Kind.DATE), _integer),
        "UUID": ("UUID", Domain(Kind.UUID), _bytes),
        "Null": (NULL_TYPE, Domain(Kind.OTHER), None),
    }.get(kind, (f"{physical} ({kind})", Domain(Kind.OTHER), None))


def _time(kind: str, unit: str, is_utc: bool) -> tuple[str, Domain, Decode | None]:
    decode = {"milliseconds": _times_thousand, "microseconds": _integer, "nanoseconds": _by_thousand}.get(unit)
    if kind == "Time":
        return ("TIME (UTC)", Domain(Kind.OTHER), None) if is_utc else ("TIME", Domain(Kind.TIME), decode)
    if is_utc:
        return "TIMESTAMP WITH TIME ZONE", Domain(Kind.TIMESTAMPTZ), decode
    return "TIMESTAMP_NS" if unit == "nanoseconds" else "TIMESTAMP", Domain(Kind.TIMESTAMP), decode


def _integer(raw: object, _is_upper: bool) -> object:
    return int(raw) if isinstance(raw, int) else None


def _unsigned32(raw: object, _is_upper: bool) -> object:
    return int(raw) % 2**32 if isinstance(raw, int) else None  # 8 and 16 bits are stored in INT32 without a sign


def _times_thousand(raw: object, _is_upper: bool) -> object:
    return raw * 1000 if isinstance(raw, int) and abs(raw) < 2**53 else None


def _by_thousand(raw: object, is_upper: bool) -> object:
    return (-(-raw // 1000) if is_upper else raw // 1000) if isinstance(raw, int) else None


def _float(raw: object, _is_upper: bool) -> object:
    return raw if isinstance(raw, float) and not math.isnan(raw) else None


def _bytes(raw: object, _is_upper: bool) -> object:
    if isinstance(raw, str):
        return raw.encode()
    return bytes(raw) if isinstance(raw, bytes) else None


def _wide(to_integer: Callable[[object], int | None]) -> Decode:
    """Values beyond int64 become doubles, pushed outwards so that they stay bounds."""

    def decode(raw: object, is_upper: bool) -> object:
        value = to_integer(raw)
        return None if value is None else math.nextafter(float(value), math.inf if is_upper else -math.inf)

    return decode


def _big_endian(raw: object) -> int | None:
    return int.from_bytes(raw, "big", signed=True) if isinstance(raw, bytes) else None


def _decimal(physical: str, precision: int, scale: int) -> tuple[Domain, Decode | None]:
    if precision <= 18:
        if physical in {"INT32", "INT64"}:
            return Domain(Kind.DECIMAL, scale), _integer
        return Domain(Kind.DECIMAL, scale), lambda raw, _is_upper: _big_endian(raw)

    def decode(raw: object, is_upper: bool) -> object:
        unscaled = raw if isinstance(raw, int) else _big_endian(raw)
        if unscaled is None:
            return None
        outwards = math.inf if is_upper else -math.inf
        return math.nextafter(math.nextafter(unscaled / 10**scale, outwards), outwards)

    return Domain(Kind.FLOAT64), decode


_PHYSICAL: Final[dict[str, tuple[str, Domain, Decode | None]]] = {
    "BOOLEAN": ("BOOLEAN", Domain(Kind.BOOLEAN), _integer),
    "INT32": ("INTEGER", Domain(Kind.INTEGER), _integer),
    "INT64": ("BIGINT", Domain(Kind.INTEGER), _integer),
    "FLOAT": ("FLOAT", Domain(Kind.FLOAT32), _float),
    "DOUBLE": ("DOUBLE", Domain(Kind.FLOAT64), _float),
    "BYTE_ARRAY": ("BLOB", Domain(Kind.BINARY), _bytes),
}
