"""Which PostgreSQL type each DuckDB type becomes.

Pure. The engine asks `column_for` for every column it announces, and `select_cast` for the few types whose Arrow form
loses something (an offset, a 39th digit) or has no reader in Arrow: those it casts inside DuckDB, in the outermost
SELECT list.
"""

from __future__ import annotations

import re
from functools import lru_cache

import duckdb

from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column

__all__ = ["column_for", "numeric_typmod", "select_cast"]

_SCALARS = {
    "BOOLEAN": oids.BOOL,
    "TINYINT": oids.INT2,
    "SMALLINT": oids.INT2,
    "INTEGER": oids.INT4,
    "BIGINT": oids.INT8,
    "HUGEINT": oids.NUMERIC,
    "UTINYINT": oids.INT2,
    "USMALLINT": oids.INT4,
    "UINTEGER": oids.INT8,
    "UBIGINT": oids.NUMERIC,
    "UHUGEINT": oids.NUMERIC,
    "BIGNUM": oids.NUMERIC,
    "VARINT": oids.NUMERIC,
    "FLOAT": oids.FLOAT4,
    "DOUBLE": oids.FLOAT8,
    "VARCHAR": oids.TEXT,
    "BLOB": oids.BYTEA,
    "BIT": oids.VARBIT,
    "DATE": oids.DATE,
    "TIME": oids.TIME,
    "TIME_NS": oids.TIME,
    "TIME WITH TIME ZONE": oids.TIMETZ,
    "TIMESTAMP": oids.TIMESTAMP,
    "TIMESTAMP_S": oids.TIMESTAMP,
    "TIMESTAMP_MS": oids.TIMESTAMP,
    "TIMESTAMP_NS": oids.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": oids.TIMESTAMPTZ,
    "INTERVAL": oids.INTERVAL,
    "UUID": oids.UUID,
    "JSON": oids.JSON,
    '"NULL"': oids.TEXT,  # a column of untyped NULLs, which PostgreSQL resolves to text as well
    "NULL": oids.TEXT,
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)\Z")
_ARRAY_SUFFIX = re.compile(r"\[\d*\]\Z")
_JSON_PREFIXES = ("STRUCT(", "MAP(", "UNION(", "VARIANT", "ROW(")
_CASTS = dict.fromkeys(("UHUGEINT", "BIGNUM", "VARINT", "TIME WITH TIME ZONE", "BIT"), "VARCHAR")


def numeric_typmod(precision: int, scale: int) -> int:
    """Return the type modifier of numeric(precision, scale), as PostgreSQL packs it."""
    return ((precision << 16) | scale) + 4


def column_for(name: str, duckdb_type: duckdb.sqltypes.DuckDBPyType | str) -> Column:
    """Return the PostgreSQL column for a DuckDB column.

    Args:
        name: as the client sees it.
        duckdb_type: DuckDB's type or its text, e.g. `DECIMAL(18,2)`, `VARCHAR[]`, `STRUCT(a INTEGER)`.

    Returns:
        text for ENUM and for whatever has no nearer type; json for STRUCT, MAP, UNION and VARIANT; the array type of
        the element for lists of any depth (PostgreSQL has one array type for all of them), json for lists of structs.
    """
    oid, typmod = _oid_and_typmod(str(duckdb_type))
    return Column(name, oid, typmod)


def select_cast(duckdb_type: duckdb.sqltypes.DuckDBPyType | str) -> str | None:
    """Return the DuckDB type to cast such a column to before it becomes Arrow, or None to leave it alone.

    The column keeps the PostgreSQL type of its original: take `column_for` before the cast. UHUGEINT and BIGNUM exceed
    Arrow's decimal128, TIME WITH TIME ZONE loses its offset in Arrow's time64, BIT comes as DuckDB's own bytes, VARIANT
    and UNION have no lossless reader.
    """
    text = str(duckdb_type)
    if text in _CASTS:
        return _CASTS[text]
    if (suffix := _ARRAY_SUFFIX.search(text)) and text[: suffix.start()] in _CASTS:
        return "VARCHAR[]"
    if text.startswith(("VARIANT", "UNION(")) and not _ARRAY_SUFFIX.search(text):
        return "JSON"
    return None


@lru_cache(maxsize=1024)
def _oid_and_typmod(text: str) -> tuple[int, int]:
    if suffix := _ARRAY_SUFFIX.search(text):
        element, _ = _oid_and_typmod(text[: suffix.start()])
        if element in oids.ELEMENT_OF:  # a list of lists
            return element, -1
        return (element if element == oids.JSON and _is_json(text) else oids.ARRAY_OF[element]), -1
    if decimal := _DECIMAL.match(text):
        return oids.NUMERIC, numeric_typmod(int(decimal[1]), int(decimal[2]))
    if _is_json(text):
        return oids.JSON, -1
    return _SCALARS.get(text, oids.TEXT), -1


def _is_json(text: str) -> bool:
    return text.startswith(_JSON_PREFIXES)
