"""From the type DuckDB gives to a column to the one PostgreSQL announces: what to cast it to on its way out. Pure."""

from __future__ import annotations

from typing import Final

from fsspeckit_sqlserver.engine.inference import Inferred
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.composite import RECORD, composite_column
from fsspeckit_sqlserver.types.mapping import column_for, select_cast

__all__ = ["announced"]

_INTEGERS: Final = frozenset(
    ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"]
)
_TARGETS: Final = {
    oids.INT2: "SMALLINT",
    oids.INT4: "INTEGER",
    oids.INT8: "BIGINT",
    oids.FLOAT4: "FLOAT",
    oids.FLOAT8: "DOUBLE",
    oids.NUMERIC: "DECIMAL(38, 6)",
    oids.OID: "UINTEGER",
}
_TEXTS: Final = frozenset({oids.VARCHAR, oids.BPCHAR, oids.NAME, oids.CHAR})


def announced(name: str, kind: str, wanted: Inferred) -> tuple[Column, str | None, str]:
    """Return a column, how to write it out with `{}` for its value (None: as it is), and DuckDB's type of that.

    Args:
        kind: DuckDB's type.
        wanted: PostgreSQL's type, which is taken where DuckDB's values can become it without loss.
    """
    if kind.startswith("TUPLE("):
        return composite_column(Column(name, RECORD), kind), None, kind
    own = column_for(name, kind)
    cast = select_cast(kind)
    template = None if cast is None else f"CAST({{}} AS {cast})"
    oid = wanted.oid
    if oid is None or (oid == own.type_oid and oid not in _TEXTS and not wanted.is_trimmed):
        return own, template, cast or kind
    if oid == oids.VOID:
        return Column(name, oid), "coalesce(CAST({} AS VARCHAR), '')", "VARCHAR"
    if oid == oids.REGTYPE and kind == "VARCHAR":
        return Column(name, oid), None, kind
    if oid in _TEXTS and kind == "VARCHAR":
        padded = f"rpad({{}}, {wanted.typmod - 4}, ' ')" if oid == oids.BPCHAR and wanted.typmod > 4 else None
        return Column(name, oid, wanted.typmod), padded, kind
    if (oid == oids.JSONB and kind == "JSON") or (oid == oids.BIT and kind == "BIT"):
        return Column(name, oid, wanted.typmod), template, cast or kind
    if wanted.is_trimmed and kind.startswith("DECIMAL("):
        return Column(name, oid), "gw_pg.gw_trimmed({})", "VARCHAR"
    if _is_number_for(oid, kind):
        if oid == oids.NUMERIC and kind in _INTEGERS:
            return Column(name, oid), None, kind
        return Column(name, oid), f"CAST({{}} AS {_TARGETS[oid]})", _TARGETS[oid]
    element = oids.ELEMENT_OF.get(oid)
    if element is not None and kind.endswith("[]") and not kind.endswith("[][]"):
        if _is_number_for(element, kind[:-2]) and element != oids.NUMERIC:
            return Column(name, oid), f"CAST({{}} AS {_TARGETS[element]}[])", f"{_TARGETS[element]}[]"
        if (element in _TEXTS and kind == "VARCHAR[]") or (element == oids.JSONB and kind == "JSON[]"):
            return Column(name, oid), template, kind
    return own, template, cast or kind


def _is_number_for(oid: int, kind: str) -> bool:
    if oid in {oids.INT2, oids.INT4, oids.INT8, oids.OID}:
        return kind in _INTEGERS
    if oid == oids.FLOAT8:
        return kind in _INTEGERS or kind == "FLOAT" or kind.startswith("DECIMAL")
    if oid == oids.FLOAT4:
        return kind == "DOUBLE"
    return oid == oids.NUMERIC and (kind == "DOUBLE" or kind in _INTEGERS - {"HUGEINT", "UHUGEINT", "UBIGINT"})
