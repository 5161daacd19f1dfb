"""Sums and averages of intervals and times of day, and times of day as intervals, none of which DuckDB has. Pure."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import UnsupportedStatement
from fsspeckit_sqlserver.engine.trees import call, cast, copied, operation, parsed_expression, replace_node, string
from fsspeckit_sqlserver.engine.trees import type_name as named_type
from fsspeckit_sqlserver.types import oids

__all__ = ["add_time", "interval_of_time", "sum_of_intervals"]


def interval_of_time(time: pb.Node) -> pb.Node:
    """Return a time of day as the interval since midnight."""
    day = cast(string("2000-01-01"), named_type("date"))
    return operation("-", operation("+", day, time), cast(copied(day), named_type("timestamp")))


def sum_of_intervals(node: pb.Node, kind: int) -> None:
    """Put months, days and microseconds, each summed alone, in the place of `sum(i)` or `avg(i)`.

    Args:
        kind: INTERVAL or TIME, which is one.

    Raises:
        UnsupportedStatement: DISTINCT, which counts whole intervals.
    """
    if node.func_call.agg_distinct:
        raise UnsupportedStatement("sums of distinct intervals are not supported", "Use DISTINCT in a subquery.")
    if kind == oids.TIME:
        node.func_call.args[0].CopyFrom(interval_of_time(copied(node.func_call.args[0])))
    is_average = node.func_call.funcname[-1].string.sval == "avg"
    node.func_call.funcname[-1].string.sval = "sum"
    total = parsed_expression("to_months(m::int) + to_days(d::int) + to_microseconds(u::bigint)")
    days = total.a_expr.lexpr.a_expr
    for made, part in ((days.lexpr, "gw_months"), (days.rexpr, "gw_days"), (total.a_expr.rexpr, "gw_us")):
        summed = copied(node)
        summed.func_call.args[0].CopyFrom(call(("gw_pg", part), node.func_call.args[0]))
        made.func_call.args[0].type_cast.arg.CopyFrom(summed)
    if is_average:
        count = copied(node)
        count.func_call.funcname[-1].string.sval = "count"
        total = call(("gw_pg", "gw_divided"), total, call("nullif", count, parsed_expression("0")))
    replace_node(node, total)


def add_time(node: pb.Node, symbol: str, left: int | None, right: int | None) -> int | None:
    """Let a time of day be added to, or taken from, a day, a moment or another time; return the result's type.

    Returns:
        None where neither side is a time, or DuckDB does it by itself.
    """
    moments = {oids.DATE: oids.TIMESTAMP, oids.TIMESTAMP: oids.TIMESTAMP, oids.TIMESTAMPTZ: oids.TIMESTAMPTZ}
    expression = node.a_expr
    if right == oids.TIME and left in moments and symbol in {"+", "-"}:
        expression.rexpr.CopyFrom(interval_of_time(copied(expression.rexpr)))
        return moments[left]
    if left == oids.TIME and right in moments and symbol == "+":
        expression.lexpr.CopyFrom(interval_of_time(copied(expression.lexpr)))
        return moments[right]
    if left == right == oids.TIME and symbol == "-":
        expression.lexpr.CopyFrom(interval_of_time(copied(expression.lexpr)))
        expression.rexpr.CopyFrom(interval_of_time(copied(expression.rexpr)))
        return oids.INTERVAL
    return None
