"""Declared lengths of temporary tables' columns: varchar(n), char(n), bit(n), bit varying(n). Pure.

DuckDB's types have none. So what a change puts into such a column goes through a function of the catalog, which cuts
blanks off and refuses what is too long (`varchar.c`, `varbit.c`), and a column is announced as it was declared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.changed_columns import Change
from fsspeckit_sqlserver.engine.shown_definitions import declared_column
from fsspeckit_sqlserver.engine.table_definitions import TableDefinition
from fsspeckit_sqlserver.engine.trees import call, copied, names_of, parsed_expression, parsed_select, replace_node
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column

__all__ = ["enforce_lengths", "fitted", "lengths_of"]

_FUNCTIONS: Final = {
    oids.VARCHAR: "gw_fit_varchar",
    oids.BPCHAR: "gw_fit_bpchar",
    oids.BIT: "gw_fit_bit",
    oids.VARBIT: "gw_fit_varbit",
}


def lengths_of(definition: TableDefinition | None) -> Mapping[str, tuple[str, int]]:
    """Return the columns that have a length: folded name → function, length."""
    found: dict[str, tuple[str, int]] = {}
    for item in definition.columns if definition is not None else ():
        kind = oids.oid_of_type(names_of(item.type_name.names)[-1])
        column = declared_column(definition, Column(item.colname, kind)) if definition is not None else None
        if column is not None and column.typmod > 0 and column.type_oid in _FUNCTIONS:
            length = column.typmod - 4 if column.type_oid in {oids.VARCHAR, oids.BPCHAR} else column.typmod
            found[item.colname.casefold()] = (_FUNCTIONS[column.type_oid], length)
    return found


def enforce_lengths(change: Change, lengths: Mapping[str, tuple[str, int]], columns: Sequence[str], width: int) -> None:
    """Let what is put into columns with a length go through their functions.

    Args:
        columns: of the table.
        width: how many columns the query of an INSERT without a list gives.
    """
    if not lengths or isinstance(change, pb.DeleteStmt):
        return
    if isinstance(change, pb.UpdateStmt):
        _targets(change.target_list, lengths)
        return
    if change.HasField("on_conflict_clause"):
        _targets(change.on_conflict_clause.target_list, lengths)
    names = [item.res_target.name.casefold() for item in change.cols] or [name.casefold() for name in columns]
    select = change.select_stmt.select_stmt
    if not change.HasField("select_stmt") or not set(names) & set(lengths):
        return
    if select.values_lists:
        for row in select.values_lists:
            for name, value in zip(names, row.list.items, strict=False):
                _fit(value, lengths.get(name))
        return
    count = len(change.cols) or width
    outer = parsed_select("SELECT 1 FROM (SELECT 1) AS gw_given")
    del outer.target_list[:]
    given = outer.from_clause[0].range_subselect
    given.subquery.select_stmt.CopyFrom(select)
    for place, name in enumerate(names[:count]):
        given.alias.colnames.add().string.sval = f"gw_{place}"
        value = outer.target_list.add().res_target.val
        value.CopyFrom(parsed_expression(f"gw_given.gw_{place}"))
        _fit(value, lengths.get(name))
    select.CopyFrom(outer)


def fitted(text: str, length: tuple[str, int] | None) -> str:
    """Return an expression of DuckDB's that goes through the function."""
    return text if length is None else f"gw_pg.{length[0]}({text}, {length[1]})"


def _targets(items: Sequence[pb.Node], lengths: Mapping[str, tuple[str, int]]) -> None:
    for item in items:
        if not item.res_target.indirection:
            _fit(item.res_target.val, lengths.get(item.res_target.name.casefold()))


def _fit(value: pb.Node, length: tuple[str, int] | None) -> None:
    if length is None or value.WhichOneof("node") in {"set_to_default", "multi_assign_ref", None}:
        return
    replace_node(value, call(("gw_pg", length[0]), copied(value), parsed_expression(str(length[1]))))
