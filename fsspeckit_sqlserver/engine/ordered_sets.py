"""Aggregates over a sorted group: percentiles, and where a row would stand in it. Pure: changes a copied tree.

DuckDB has percentiles of constant fractions, and no hypothetical rows: `rank(5) WITHIN GROUP (ORDER BY x)` becomes the
number of rows that sort before 5.
Source: PostgreSQL 16 manual, "Ordered-Set Aggregate Functions", "Hypothetical-Set …"; orderedsetaggs.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.coercions import adopt, float8_of
from fsspeckit_sqlserver.engine.errors import UndefinedFunction
from fsspeckit_sqlserver.engine.trees import call, cast, copied, parsed_expression, replace_node, type_name, walk
from fsspeckit_sqlserver.engine.typing_rules import NUMBERS, TEXTS, type_words
from fsspeckit_sqlserver.types import oids

__all__ = ["note_ordered_set"]

_HYPOTHETICAL: Final = {
    "rank": ("1 + count(*) FILTER (WHERE before)", oids.INT8),
    "dense_rank": ("1 + count(DISTINCT row(x)) FILTER (WHERE before)", oids.INT8),
    "percent_rank": ("coalesce(count(*) FILTER (WHERE before)::float8 / nullif(count(*) FILTER (WHERE kept), 0), 0)",
                     oids.FLOAT8),
    "cume_dist": ("(1 + count(*) FILTER (WHERE before OR same))::float8 / (1 + count(*) FILTER (WHERE kept))",
                  oids.FLOAT8),
}  # fmt: skip
"""Name → what it is, and its type. `before`, `same` and `kept` stand for conditions, `x` for the sorted values."""


def note_ordered_set(node: pb.Node, name: str, given: Sequence[int | None], order: Sequence[int | None]) -> int | None:
    """Rewrite `f(…) WITHIN GROUP (ORDER BY …)`; return its type.

    Args:
        given: types of the arguments.
        order: types of what is sorted by.

    Raises:
        UndefinedFunction: there is none for such types, or so many.
    """
    if name in _HYPOTHETICAL:
        return _hypothetical(node, name, given, order)
    if len(order) != 1 or len(given) != 1:
        return order[0] if name == "mode" and len(order) == 1 else None
    if name not in {"percentile_cont", "percentile_disc"}:
        return None
    return _percentile(node, name, given[0], order[0])


def _percentile(node: pb.Node, name: str, fraction: int | None, sorted_kind: int | None) -> int | None:
    function = node.func_call
    is_list = fraction in oids.ELEMENT_OF
    kind = sorted_kind
    if name == "percentile_cont":
        if sorted_kind in {*TEXTS, oids.DATE, oids.TIMESTAMP, oids.TIMESTAMPTZ, oids.BOOL}:
            raise UndefinedFunction(f"function percentile_cont(numeric, {type_words(sorted_kind or 0)}) does not exist")
        kind = oids.INTERVAL if sorted_kind == oids.INTERVAL else oids.FLOAT8
        if sorted_kind in NUMBERS:
            float8_of(function.agg_order[0].sort_by.node)
    if kind == oids.INTERVAL and name == "percentile_cont":
        _collect(node, "interval_percentiles" if is_list else "interval_percentile")
    elif not _is_constant(function.args[0]):
        words = {"percentile_cont": "gw_cont", "percentile_disc": "gw_disc"}
        _collect(node, words[name] + ("_each" if is_list else ""))
    return oids.ARRAY_OF.get(kind or 0) if is_list else kind


def _is_constant(fraction: pb.Node) -> bool:
    """Return whether a fraction, or all of an array of them, is a constant and not NULL."""
    match fraction.WhichOneof("node"):
        case "a_const":
            return not fraction.a_const.isnull
        case "a_array_expr":
            return all(map(_is_constant, fraction.a_array_expr.elements))
        case "type_cast":
            return _is_constant(fraction.type_cast.arg)
    return False


def _collect(node: pb.Node, macro: str) -> None:
    """Let a macro choose from the sorted list of the values that are not NULL."""
    collected = copied(node)
    function = collected.func_call
    function.agg_within_group = False
    del function.funcname[:]
    function.funcname.add().string.sval = "list"
    function.args[0].CopyFrom(function.agg_order[0].sort_by.node)
    fraction = copied(node.func_call.args[0])
    kinds = type_name("float8", array_dimensions=1 if macro.endswith(("_each", "percentiles")) else 0)
    replace_node(node, call(("gw_pg", macro), collected, cast(fraction, kinds)))


def _hypothetical(node: pb.Node, name: str, given: Sequence[int | None], order: Sequence[int | None]) -> int | None:
    function = node.func_call
    if len(given) != len(order):
        words = ", ".join(type_words(kind or oids.UNKNOWN) for kind in (*given, *order))
        raise UndefinedFunction(
            f"function {name}({words}) does not exist",
            f"To use the hypothetical-set aggregate {name}, the number of hypothetical direct arguments"
            f" (here {len(given)}) must match the number of ordering columns (here {len(order)}).",
        )
    for argument, kind in zip(function.args, order, strict=True):
        if kind is not None and kind not in TEXTS:
            adopt(argument, kind, "MDY")
    before, same = _conditions(function)
    kept = copied(function.agg_filter) if function.HasField("agg_filter") else parsed_expression("true")
    template, kind = _HYPOTHETICAL[name]
    result = parsed_expression(template)
    _fill(result, {"before": _both(kept, before), "same": _both(kept, same), "kept": kept}, function)
    replace_node(node, result)
    return kind


def _conditions(function: pb.FuncCall) -> tuple[pb.Node, pb.Node]:
    """Return when a row sorts before the hypothetical one, and when beside it."""
    before, same = parsed_expression("false"), parsed_expression("true")
    for value, item in reversed(list(zip(function.args, function.agg_order, strict=True))):
        sort = item.sort_by
        is_descending = sort.sortby_dir == pb.SORTBY_DESC
        nulls_first = sort.sortby_nulls == pb.SORTBY_NULLS_FIRST or (
            is_descending and sort.sortby_nulls != pb.SORTBY_NULLS_LAST
        )
        edge = "x IS NULL AND v IS NOT NULL" if nulls_first else "x IS NOT NULL AND v IS NULL"
        here = parsed_expression(f"coalesce(x {'>' if is_descending else '<'} v, false) OR ({edge})")
        equal = parsed_expression("x IS NOT DISTINCT FROM v")
        for part in (here, equal):
            _replace(part, {"x": sort.node, "v": value})
        later = _both(equal, before)
        before = pb.Node()
        before.bool_expr.boolop = pb.OR_EXPR
        before.bool_expr.args.extend([here, later])
        same = _both(equal, same)
    return before, same


def _both(one: pb.Node, other: pb.Node) -> pb.Node:
    node = pb.Node()
    node.bool_expr.boolop = pb.AND_EXPR
    node.bool_expr.args.extend([one, other])
    return node


def _fill(result: pb.Node, conditions: dict[str, pb.Node], function: pb.FuncCall) -> None:
    for part in list(walk(result)):
        if isinstance(part, pb.Node) and part.WhichOneof("node") == "row_expr":
            del part.row_expr.args[:]
            part.row_expr.args.extend(item.sort_by.node for item in function.agg_order)
    _replace(result, conditions)


def _replace(expression: pb.Node, values: dict[str, pb.Node]) -> None:
    """Put values in the place of names that are columns in a template."""
    found = [part for part in walk(expression) if isinstance(part, pb.Node) and part.WhichOneof("node") == "column_ref"]
    for part in found:
        value = values.get(part.column_ref.fields[0].string.sval)
        if value is not None:
            replace_node(part, copied(value))
