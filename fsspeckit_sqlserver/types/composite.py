"""Structs as PostgreSQL's composite types: which type each struct is, and its values in text and binary.

Pure. A struct's type is named after its fields, so its OID and name are the same in every process and session: the
catalog lists it, and drivers that ask once may keep what they were told. The OID of such a column is a `RowTypeOid`, a
number that knows its fields, so that the encoders need no registry.
Source: record_out and record_send of PostgreSQL 16; the manual, "Composite Types", "Composite Type Input and Output".
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa

from fsspeckit_sqlserver.types.cells import lengths_of
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.kernels import pc
from fsspeckit_sqlserver.types.mapping import column_for
from fsspeckit_sqlserver.types.quoting import quoted

__all__ = [
    "FIRST_ROW_TYPE",
    "RECORD",
    "RowArrayOid",
    "RowType",
    "RowTypeOid",
    "composite_column",
    "field_types",
    "record_binary",
    "record_text",
    "row_type_named",
    "row_types_of",
]

FIRST_ROW_TYPE: Final = (1 << 30) - 3
_SPAN: Final = (1 << 30) - 1
"""Below 2**31: some drivers keep an OID in a signed number."""
_NEEDS_QUOTES: Final = r'[(),"\\\s]|^$'
_DOUBLED: Final = r"\1\1"
_ROWS: Final = ("STRUCT(", "TUPLE(")
RECORD: Final = 2249
"""The OID of pg_catalog.record, a row without a type of its own."""
_RECORDS: Final = 2287
_MOST_NAMES: Final = 4096
_named_types: dict[str, RowTypeOid] = {}
_SUFFIX = re.compile(r"\[\d*\]\Z")


@dataclass(frozen=True, slots=True)
class RowType:
    """A composite type.

    Attributes:
        name: in schema public.
        fields: as columns: name, type, type modifier.
        oid, array_oid, relation_oid: of pg_type (the type, its array type) and pg_class.
    """

    name: str
    fields: tuple[Column, ...]
    oid: int
    array_oid: int
    relation_oid: int


class RowTypeOid(int):
    """The OID of a composite type."""

    row_type: RowType

    def __new__(cls, row_type: RowType) -> RowTypeOid:
        made = super().__new__(cls, row_type.oid)
        made.row_type = row_type
        return made


class RowArrayOid(int):
    """The OID of the array type of a composite type."""

    element: RowTypeOid

    def __new__(cls, element: RowTypeOid) -> RowArrayOid:
        made = super().__new__(cls, element.row_type.array_oid)
        made.element = element
        return made


def composite_column(column: Column, duckdb_type: str) -> Column:
    """Return the column of a struct or a row, or of a list of them, as composite; any other column as it is."""
    if not duckdb_type.startswith(_ROWS):
        return column
    oid = _oid(duckdb_type)
    return column if oid is None else Column(column.name, oid)


def row_types_of(columns: Iterable[Column]) -> Iterator[RowType]:
    """Yield the composite types of columns, those of their fields first."""
    for column in columns:
        oid = column.type_oid
        oid = oid.element if isinstance(oid, RowArrayOid) else oid
        if isinstance(oid, RowTypeOid) and oid != RECORD:
            yield from row_types_of(oid.row_type.fields)
            yield oid.row_type


@lru_cache(maxsize=1024)
def _oid(text: str) -> RowTypeOid | RowArrayOid | None:
    """Return the OID of a struct's type, or of a list of structs of any depth; None for what is neither."""
    inner = text
    while suffix := _SUFFIX.search(inner):
        inner = inner[: suffix.start()]
    if not inner.startswith(_ROWS):
        return None
    fields = tuple(composite_column(column_for(name, kind), kind) for name, kind in field_types(inner))
    if inner.startswith("TUPLE("):  # of `ROW(…)`
        record = RowTypeOid(RowType("record", fields, RECORD, _RECORDS, 0))
        return record if inner == text else RowArrayOid(record)
    number = zlib.crc32("|".join(f"{field.name}:{int(field.type_oid)}:{field.typmod}" for field in fields).encode())
    first = FIRST_ROW_TYPE + (number & _SPAN) // 3 * 3
    element = RowTypeOid(RowType(f"struct_{number:08x}", fields, first, first + 1, first + 2))
    _named_types[element.row_type.name] = element
    while len(_named_types) > _MOST_NAMES:
        _named_types.pop(next(iter(_named_types)), None)
    return element if inner == text else RowArrayOid(element)


@lru_cache(maxsize=1024)
def field_types(text: str) -> tuple[tuple[str, str], ...]:
    """Return name and DuckDB's type of each field of `STRUCT(…)`, or of a row without names, `TUPLE(…)`."""
    parts = _split(text[text.index("(") + 1 : -1])
    if text.startswith("TUPLE("):
        return tuple((f"f{place}", part) for place, part in enumerate(parts, 1))
    return tuple(_named(part, place) for place, part in enumerate(parts, 1))


def row_type_named(name: str) -> RowTypeOid | None:
    """Return a composite type that a column has had lately: its name is made of its fields, the same everywhere."""
    return _named_types.get(name)


def _named(text: str, place: int) -> tuple[str, str]:
    """Return the parts of `name TYPE`; of `TYPE` alone, the name PostgreSQL gives: f1, f2, …"""
    name, rest = f"f{place}", text
    if text.startswith('"'):
        stop = 1
        while text[stop] != '"' or text[stop + 1 : stop + 2] == '"':
            stop += 2 if text[stop] == '"' else 1
        if text[stop + 1 : stop + 2] == " ":
            name, rest = text[1:stop].replace('""', '"'), text[stop + 2 :]
    else:
        word, space, after = text.partition(" ")
        if space and not _is_type(text):
            name, rest = word, after
    return name, rest


def _is_type(text: str) -> bool:
    return text.startswith(("TIMESTAMP WITH", "TIME WITH")) or "(" in text.partition(" ")[0]


def _split(text: str) -> list[str]:
    """Split at the commas outside of parentheses and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter in "\"'":
            quoted = not quoted
        elif quoted:
            continue
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
        elif letter == "," and not depth:
            parts.append(text[start:place].strip())
            start = place + 1
    parts.append(text[start:].strip())
    return parts


def record_text(array: pa.Array, fields: Sequence[Column], text_of: Callable[[pa.Array, int], pa.Array]) -> pa.Array:
    """Return structs as `(1,"a b",)`: NULL is nothing, the empty text `""`.

    Args:
        text_of: writes the values of a field of a type.
    """
    texts = [
        pc.fill_null(quoted(text_of(values, field.type_oid), _NEEDS_QUOTES, _DOUBLED), "")
        for values, field in zip(array.flatten(), fields, strict=True)
    ]
    joined = pc.binary_join_element_wise("(", pc.binary_join_element_wise(*texts, ","), ")", "")
    return pc.if_else(pc.is_valid(array), joined, None) if array.null_count else joined


def record_binary(
    array: pa.Array, fields: Sequence[Column], binary_of: Callable[[pa.Array, int], pa.Array]
) -> pa.Array:
    """Return structs as record_send sends them: number of fields, then type, length and bytes of each.

    Args:
        binary_of: makes binary (or string) of the values of a field of a type.
    """
    parts: list[pa.Array | pa.Scalar] = [pa.scalar(struct.pack("!i", len(fields)))]
    for values, field in zip(array.flatten(), fields, strict=True):
        cells = binary_of(values, field.type_oid)
        lengths = lengths_of(cells).astype(np.int64)
        if cells.null_count:
            lengths = np.where(pc.is_valid(cells).to_numpy(zero_copy_only=False), lengths, -1)
        heads = np.empty((len(array), 2), ">i4")
        heads[:, 0] = np.uint32(int(field.type_oid)).view(np.int32)
        heads[:, 1] = lengths
        offsets = np.arange(0, 8 * len(array) + 1, 8, dtype=np.int32)
        parts.append(
            pa.Array.from_buffers(pa.binary(), len(array), [None, pa.py_buffer(offsets), pa.py_buffer(heads.tobytes())])
        )
        parts.append(pc.fill_null(cells.cast(pa.binary()), b""))
    joined = pc.binary_join_element_wise(*parts, b"")
    return pc.if_else(pc.is_valid(array), joined, None) if array.null_count else joined
