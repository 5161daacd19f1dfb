"""The relations and types of PostgreSQL's system catalog, read from the data files that `generate` wrote. Values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Final

import pyarrow as pa

__all__ = [
    "DUCKDB_SCHEMAS",
    "SESSION_RELATIONS",
    "ColumnDefinition",
    "RelationDefinition",
    "TypeDefinition",
    "arrow_type",
    "data_lines",
    "duckdb_type",
    "relation_definitions",
    "type_definitions",
]

DUCKDB_SCHEMAS: Final = MappingProxyType({"pg_catalog": "gw_pg", "information_schema": "gw_info"})
"""PostgreSQL's schema → the one in DuckDB that stands for it; DuckDB has its own schemas of these names."""

SESSION_RELATIONS: Final = frozenset({"pg_cursors", "pg_locks", "pg_prepared_statements", "pg_settings"})
"""Tables of the catalog whose rows are the state of sessions: an answer that reads them, or a function, is not kept."""

_ADDED_COLUMNS: Final = {
    # columns of later versions, which newer clients ask for
    "pg_database": (("daticurules", "text"), ("datlocale", "text")),
    "pg_collation": (("collicurules", "text"),),
    "pg_class": (),
}
_SCALARS: Final[dict[str, tuple[str, pa.DataType]]] = {
    "bool": ("BOOLEAN", pa.bool_()),
    "int2": ("SMALLINT", pa.int16()),
    "int4": ("INTEGER", pa.int32()),
    "int8": ("BIGINT", pa.int64()),
    "float4": ("FLOAT", pa.float32()),
    "float8": ("DOUBLE", pa.float64()),
    "numeric": ("DECIMAL(18,3)", pa.decimal128(18, 3)),
    "oid": ("UINTEGER", pa.uint32()),
    "xid": ("UINTEGER", pa.uint32()),
    "regproc": ("UINTEGER", pa.uint32()),
    "regtype": ("UINTEGER", pa.uint32()),
    "timestamptz": ("TIMESTAMP WITH TIME ZONE", pa.timestamp("us", "UTC")),
    "interval": ("INTERVAL", pa.month_day_nano_interval()),
    "bytea": ("BLOB", pa.binary()),
}
_LISTS: Final = {"int2vector": "int2", "oidvector": "oid"}


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column of a system relation; `type_name` is PostgreSQL's internal one (`_text` is an array)."""

    name: str
    type_name: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class RelationDefinition:
    """A system relation. `kind` is pg_class.relkind: `r` or `v`."""

    schema: str
    name: str
    oid: int
    kind: str
    columns: tuple[ColumnDefinition, ...]


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """A row of pg_type, and the I/O functions it names as (oid, name)."""

    oid: int
    name: str
    length: int
    is_by_value: bool
    kind: str
    category: str
    is_preferred: bool
    delimiter: str
    element: int
    array: int
    functions: tuple[tuple[int, str], ...]
    alignment: str
    storage: str
    collation: int
    shown_name: str


def duckdb_type(type_name: str) -> str:
    """Return the DuckDB type that holds a catalog column."""
    if type_name in _LISTS:
        return duckdb_type(_LISTS[type_name]) + "[]"
    if type_name.startswith("_"):
        return duckdb_type(type_name[1:]) + "[]"
    return _SCALARS.get(type_name, ("VARCHAR", None))[0]


def arrow_type(type_name: str) -> pa.DataType:
    """Return the Arrow type that holds a catalog column."""
    if type_name in _LISTS:
        return pa.list_(arrow_type(_LISTS[type_name]))
    if type_name.startswith("_"):
        return pa.list_(arrow_type(type_name[1:]))
    return _SCALARS[type_name][1] if type_name in _SCALARS else pa.string()


def data_lines(name: str) -> list[str]:
    """Return the lines of one data file."""
    text = resources.files("fsspeckit_sqlserver.catalog").joinpath("data", f"{name}.txt").read_text(encoding="utf-8")
    return text.splitlines()


@lru_cache(maxsize=1)
def relation_definitions() -> tuple[RelationDefinition, ...]:
    """Return every relation of pg_catalog and information_schema."""
    found = []
    for line in data_lines("relations"):
        schema, name, oid, kind, *columns = line.split(" ")
        parsed = [_column(text) for text in columns]
        parsed.extend(ColumnDefinition(added, kind_, False) for added, kind_ in _ADDED_COLUMNS.get(name, ()))
        found.append(RelationDefinition(schema, name, int(oid), kind, tuple(parsed)))
    return tuple(found)


def _column(text: str) -> ColumnDefinition:
    name, _, type_name = text.partition(":")
    return ColumnDefinition(name, type_name.rstrip("!"), type_name.endswith("!"))


@lru_cache(maxsize=1)
def type_definitions() -> tuple[TypeDefinition, ...]:
    """Return the base, pseudo and range types of pg_catalog, arrays included."""
    found = []
    for line in data_lines("types"):
        fields = line.split(" ")
        oid, name, length, by_value, kind, category, preferred, delimiter, element, array = fields[:10]
        functions = tuple((int(fields[place]), fields[place + 1]) for place in range(10, 22, 2))
        alignment, storage, collation, subscript_oid, subscript, shown = fields[22:]
        found.append(
            TypeDefinition(
                int(oid),
                name,
                int(length),
                by_value == "t",
                kind,
                category,
                preferred == "t",
                delimiter,
                int(element),
                int(array),
                (*functions, (int(subscript_oid), subscript)),
                alignment,
                storage,
                int(collation),
                shown.replace("~", " "),
            )
        )
    return tuple(found)
