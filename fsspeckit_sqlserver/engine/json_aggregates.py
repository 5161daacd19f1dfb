"""json_agg and its kin in DuckDB, whose own are macros and take neither ORDER BY, FILTER nor OVER. Pure."""

from __future__ import annotations

from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.trees import call, cast, copied, parsed_expression, string, type_name, walk

__all__ = ["JSON_AGGREGATES", "json_aggregate"]

_ARRAYS: Final = frozenset({"json_agg", "jsonb_agg"})
_OBJECTS: Final = frozenset({"json_object_agg", "jsonb_object_agg"})
JSON_AGGREGATES: Final = _ARRAYS | _OBJECTS


def json_aggregate(node: pb.Node, name: str) -> pb.Node | None:
    """Return what to put in the place of a call of one of them; None when its arguments are none of its own."""
    if name in _ARRAYS:
        collected = copied(node)
        _rename(collected.func_call, "list")
        return call("to_json", collected)
    if len(node.func_call.args) != 2:
        return None
    key, value = node.func_call.args
    is_binary = name.startswith("jsonb")  # which PostgreSQL writes with its keys in order
    opening, between, closing = ("{", ": ", "}") if is_binary else ("{ ", " : ", " }")
    result = cast(parsed_expression(f"'{opening}' || string_agg(p, ', ') || '{closing}'"), type_name("json"))
    (collected_call,) = (part for part in walk(result) if isinstance(part, pb.FuncCall))
    collected_call.CopyFrom(node.func_call)
    _rename(collected_call, "string_agg")
    shown = parsed_expression("coalesce(v, 'null')")
    shown.coalesce_expr.args[0].CopyFrom(cast(call("to_json", value), type_name("varchar")))
    pair = parsed_expression(f"a || '{between}' || b")
    pair.a_expr.lexpr.a_expr.lexpr.CopyFrom(
        cast(call("to_json", cast(key, type_name("varchar"))), type_name("varchar"))
    )
    pair.a_expr.rexpr.CopyFrom(shown)
    del collected_call.args[:]
    collected_call.args.extend([pair, string(", ")])
    if is_binary and not collected_call.agg_order:
        text = cast(key, type_name("varchar"))
        for order in (call("length", text), text):
            sort = collected_call.agg_order.add().sort_by
            sort.node.CopyFrom(order)
            sort.sortby_dir, sort.sortby_nulls = pb.SORTBY_DEFAULT, pb.SORTBY_NULLS_DEFAULT
    return result


def _rename(function: pb.FuncCall, name: str) -> None:
    del function.funcname[:]
    function.funcname.add().string.sval = name
