"""What the catalog says of a temporary table's columns that DuckDB does not keep: declared types, defaults. Pure."""

from __future__ import annotations

from typing import Final

from fsspeckit_sqlserver.catalog.definitions import type_definitions
from fsspeckit_sqlserver.deparsing import deparse_expression, quoted_text
from fsspeckit_sqlserver.engine.table_definitions import TableDefinition
from fsspeckit_sqlserver.engine.trees import names_of
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column

__all__ = ["declared_column", "shown_default"]

_DECLARED: Final = frozenset({oids.VARCHAR, oids.BPCHAR, oids.BIT, oids.VARBIT})


def declared_column(definition: TableDefinition, column: Column) -> Column:
    """Return a column with the type of text or bits it was declared with, which DuckDB does not keep."""
    for item in definition.columns:
        kind = oids.oid_of_type(names_of(item.type_name.names)[-1])
        if item.colname.casefold() == column.name.casefold() and kind in _DECLARED:
            lengths = [node.a_const.ival.ival for node in item.type_name.typmods]
            is_array = bool(item.type_name.array_bounds)
            added = 4 if kind in {oids.VARCHAR, oids.BPCHAR} else 0
            return Column(column.name, oids.ARRAY_OF[kind] if is_array else kind, lengths[0] + added if lengths else -1)
    return column


def shown_default(definition: TableDefinition, column: str) -> str | None:
    """Return the text of a column's DEFAULT as PostgreSQL shows it, None without one."""
    node = definition.default_of(column)
    if node is None:
        return None
    kind = next(item.type_name for item in definition.columns if item.colname.casefold() == column.casefold())
    if node.WhichOneof("node") == "type_cast":
        node = node.type_cast.arg
    if node.a_const.WhichOneof("val") == "sval":
        oid = oids.oid_of_type(names_of(kind.names)[-1])
        shown = next((item.shown_name for item in type_definitions() if item.oid == oid), names_of(kind.names)[-1])
        return f"{quoted_text(node.a_const.sval.sval)}::{shown}{'[]' if kind.array_bounds else ''}"
    if names_of(node.func_call.funcname)[:1] == ("gw_sequence",):
        name = node.func_call.args[0].a_const.sval.sval.removeprefix('temp.main."').removesuffix('"')
        return f"nextval({quoted_text(name)}::regclass)"
    text = deparse_expression(node)
    if node.WhichOneof("node") == "sqlvalue_function":
        return text.upper()
    return f"({text})" if node.WhichOneof("node") == "a_expr" and not text.startswith("(") else text
