"""Dates, times and intervals that become text inside of expressions, under other styles than ISO. Pure.

DuckDB's casts write ISO. Where a session has another DateStyle or IntervalStyle, what becomes text goes through
macros of `catalog.style_macros`, which look at the type of a value: nothing has to be known of it here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.trees import call, copied, names_of, parsed_expression, replace_node, string
from fsspeckit_sqlserver.types.zones import abbreviations

__all__ = ["TextForm", "restyle_arguments", "restyle_cast", "restyle_concatenation", "restyle_macro"]

_TEXT_NAMES: Final = frozenset({"text", "varchar", "bpchar", "name", "citext"})
_WRITERS: Final = frozenset({"concat", "concat_ws", "format", "quote_literal", "quote_nullable"})
_DATES: Final = {
    ("ISO", False): ("iso", ""),
    ("ISO", True): ("iso", ""),
    ("German", False): ("plain", r"\3.\2.\1"),
    ("German", True): ("plain", r"\3.\2.\1"),
    ("SQL", False): ("plain", r"\2/\3/\1"),
    ("SQL", True): ("plain", r"\3/\2/\1"),
    ("Postgres", False): ("named", r"\2-\3-\1"),
    ("Postgres", True): ("named", r"\3-\2-\1"),
}
_PLAIN_NODES: Final = frozenset({"a_const", "param_ref"})


@dataclass(frozen=True, slots=True)
class TextForm:
    """A session's styles.

    Attributes:
        date_style: `ISO`, `SQL`, `Postgres`, `German`.
        is_day_first: the order is DMY.
        interval_style: as IntervalStyle names it.
        time_zone: whose abbreviations are written.
    """

    date_style: str
    is_day_first: bool
    interval_style: str
    time_zone: str


def restyle_cast(cast: pb.TypeCast, form: TextForm) -> None:
    """Let a cast to text write a value in the session's style."""
    target = cast.type_name
    if not target.array_bounds and names_of(target.names)[-1] in _TEXT_NAMES:
        _restyle(cast.arg, form)


def restyle_arguments(function: pb.FuncCall, name: str, form: TextForm) -> None:
    """Do so for the arguments of a function that takes any and makes text of it."""
    if name in _WRITERS and not function.func_variadic:
        for argument in function.args:
            _restyle(argument, form)
    elif name == "array_to_string" and function.args and not _is_styled(function.args[0]):
        _restyle(function.args[0], form, "styled_list")


def restyle_concatenation(expression: pb.A_Expr, form: TextForm) -> None:
    """Do so for what is joined with something that is evidently text."""
    if not expression.name or expression.name[-1].string.sval != "||" or expression.kind != pb.AEXPR_OP:
        return
    sides = (expression.lexpr, expression.rexpr)
    for side, other in (sides, sides[::-1]):
        if _is_text(other) and not _is_text(side):
            _restyle(side, form)


def restyle_macro(node: pb.Node, form: TextForm) -> None:
    """Do so where another rule has put a macro that writes text."""
    function = node.func_call
    name = function.funcname[-1].string.sval
    if name in {"interval_text", "gw_date_text"}:
        argument = copied(function.args[0])
        _restyle(argument, form)
        replace_node(node, argument)
    elif name == "array_text":
        if not _is_styled(function.args[0]):
            _restyle(function.args[0], form, "styled_list")
    elif name in {"interval_list", "gw_date_texts"}:
        argument = copied(function.args[0])
        _restyle(argument, form, "styled_list")
        replace_node(node, argument)


def _restyle(node: pb.Node, form: TextForm, macro: str = "styled") -> None:
    if node.WhichOneof("node") in _PLAIN_NODES:
        return
    since_1970, before = abbreviations(form.time_zone)
    dates, order = _DATES[form.date_style, form.is_day_first]
    styled = call(
        ("gw_pg", f"{macro}_{dates}_{form.interval_style}"),
        copied(node),
        string(order),
        parsed_expression("true" if form.is_day_first else "false"),
        _map(since_1970),
        _map(before),
    )
    replace_node(node, styled)


def _is_styled(node: pb.Node) -> bool:
    names = names_of(node.func_call.funcname)
    return bool(names) and names[-1].startswith("styled_")


def _map(names: dict[str, str]) -> pb.Node:
    keys, values = pb.Node(), pb.Node()
    for offset, name in names.items():
        keys.a_array_expr.elements.add().CopyFrom(string(offset))
        values.a_array_expr.elements.add().CopyFrom(string(name))
    return call("map", keys, values) if names else call("map")


def _is_text(node: pb.Node) -> bool:
    kind = node.WhichOneof("node")
    if kind == "a_const":
        return bool(node.a_const.WhichOneof("val") == "sval")
    if kind == "type_cast":
        target = node.type_cast.type_name
        return not target.array_bounds and names_of(target.names)[-1] in _TEXT_NAMES
    if kind == "a_expr":
        return (
            bool(node.a_expr.name)
            and node.a_expr.name[-1].string.sval == "||"
            and (_is_text(node.a_expr.lexpr) or _is_text(node.a_expr.rexpr))
        )
    if kind != "func_call":
        return False
    name = names_of(node.func_call.funcname)[-1]
    return name in {"concat", "concat_ws"} or (name.startswith("styled_") and not name.startswith("styled_list"))
