"""Whole rows where DuckDB sees them otherwise: of an outer join, as arguments of functions; of `unnest`. Pure.

To DuckDB such a row is a struct of NULLs: `count(b)` would count it, `to_json(b)` write it. PostgreSQL's is NULL. A row
that is there and has nothing but NULLs cannot be told from it, and is taken for missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.json_makers import JSON_MAKERS
from fsspeckit_sqlserver.engine.trees import child_messages, column, names_of, parsed_expression, replace_node, walk

__all__ = ["name_unnested_fields", "note_missing_rows"]

_TAKERS: Final = JSON_MAKERS | {"count", "array_agg"}
_SIDES: Final = {pb.JOIN_LEFT: (False, True), pb.JOIN_RIGHT: (True, False), pb.JOIN_FULL: (True, True)}


def note_missing_rows(select: pb.SelectStmt) -> None:
    """Let the functions that take rows of a query's relations take NULL for a missing one."""
    names = {name for item in select.from_clause for name in _missing(item, may_miss=False)}
    if not names:
        return
    for part in (select.target_list, select.sort_clause, [select.having_clause]):
        for node in part:
            _rewrite(node, names)


def _missing(item: pb.Node, *, may_miss: bool) -> Iterator[str]:
    kind = item.WhichOneof("node")
    if kind == "join_expr":
        join = item.join_expr
        for side, is_open in zip((join.larg, join.rarg), _SIDES.get(join.jointype, (False, False)), strict=True):
            yield from _missing(side, may_miss=may_miss or is_open)
    elif may_miss and kind == "range_var":
        yield item.range_var.alias.aliasname or item.range_var.relname
    elif may_miss and kind == "range_subselect":
        yield item.range_subselect.alias.aliasname


def _rewrite(message: Message, names: set[str]) -> None:
    if isinstance(message, pb.SelectStmt):
        return
    if isinstance(message, pb.FuncCall) and message.funcname[-1].string.sval in _TAKERS:
        for argument in message.args:
            fields = argument.column_ref.fields
            is_row = len(fields) == 1 or (len(fields) == 2 and fields[1].HasField("a_star"))
            if is_row and fields[0].string.sval in names:
                row = column(fields[0].string.sval)
                present = parsed_expression("CASE WHEN NOT gw_pg.row_is_null(r) THEN r END")
                present.case_expr.args[0].case_when.expr.bool_expr.args[0].func_call.args[0].CopyFrom(row)
                present.case_expr.args[0].case_when.result.CopyFrom(row)
                replace_node(argument, present)
    for child in child_messages(message):
        _rewrite(child, names)


def name_unnested_fields(select: pb.SelectStmt) -> None:
    """Let `r.p` mean the field of `FROM unnest(rows) AS r`, whose one column DuckDB calls `r.r`."""
    names = {name for item in select.from_clause for name in _unnested(item)}
    if not names:
        return
    for part in list(walk(select)):
        if not isinstance(part, pb.Node) or part.WhichOneof("node") != "column_ref":
            continue
        parts = names_of(part.column_ref.fields)
        if len(parts) == 2 and parts[0] in names and parts[1] not in {"", parts[0]}:
            taken = pb.Node()
            taken.a_indirection.arg.CopyFrom(column(parts[0], parts[0]))
            taken.a_indirection.indirection.add().string.sval = parts[1]
            replace_node(part, taken)


def _unnested(item: pb.Node) -> Iterator[str]:
    kind = item.WhichOneof("node")
    if kind == "join_expr":
        yield from _unnested(item.join_expr.larg)
        yield from _unnested(item.join_expr.rarg)
    elif kind == "range_function" and not item.range_function.ordinality and not item.range_function.alias.colnames:
        function = item.range_function
        called = function.functions[0].list.items[0].func_call if len(function.functions) == 1 else pb.FuncCall()
        if names_of(called.funcname) == ("unnest",) and len(called.args) == 1 and function.alias.aliasname:
            yield function.alias.aliasname
