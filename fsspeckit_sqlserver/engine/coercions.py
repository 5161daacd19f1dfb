"""What is written differently for DuckDB because of the types: quoted constants, casts, some functions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine import literals
from fsspeckit_sqlserver.engine.errors import UndefinedFunction, WrongObjectType
from fsspeckit_sqlserver.engine.trees import (
    call,
    cast,
    copied,
    integer,
    operation,
    parsed_expression,
    parsed_select,
    replace_node,
    string,
    type_name,
)
from fsspeckit_sqlserver.engine.typing_rules import NUMBERS, TEXTS, type_words
from fsspeckit_sqlserver.types import oids

__all__ = ["adopt", "cast_literal", "float8_of", "note_call"]

_NAMES: Final = {
    oids.BOOL: "bool",
    oids.INT2: "int2",
    oids.INT4: "int4",
    oids.INT8: "int8",
    oids.FLOAT4: "float4",
    oids.FLOAT8: "float8",
    oids.NUMERIC: "numeric",
    oids.DATE: "date",
    oids.TIME: "time",
    oids.TIMETZ: "timetz",
    oids.TIMESTAMP: "timestamp",
    oids.TIMESTAMPTZ: "timestamptz",
    oids.INTERVAL: "interval",
    oids.UUID: "uuid",
    oids.BYTEA: "bytea",
    oids.JSON: "json",
    oids.JSONB: "jsonb",
    oids.OID: "oid",
}


def adopt(node: pb.Node, kind: int, date_order: str) -> None:
    """Give a constant in quotes the type it meets."""
    if node.WhichOneof("node") != "a_const" or node.a_const.WhichOneof("val") != "sval":
        return
    element = oids.ELEMENT_OF.get(kind)
    name = "text" if element in TEXTS else _NAMES.get(element or kind)
    if name is None:
        return
    replace_node(node, cast(copied(node), type_name(name, array_dimensions=1 if element else 0)))
    cast_literal(node, None, kind, date_order)


def cast_literal(node: pb.Node, source: int | None, target: int, date_order: str) -> None:
    """Rewrite a cast whose argument DuckDB would read or write differently.

    Args:
        node: the TypeCast.
        source: type of the argument; None for a constant in quotes and where it is not known.
    """
    argument = node.type_cast.arg
    if argument.WhichOneof("node") == "a_const" and argument.a_const.WhichOneof("val") == "sval":
        text = argument.a_const.sval.sval
        if target == oids.BYTEA:
            replace_node(node, call("unhex", string(literals.bytea_literal(text))))
        elif target == oids.INTERVAL and node.type_cast.type_name.typmods and text.strip().lstrip("+-").isdigit():
            return  # `interval '3' day`: the field says what is counted
        elif target in _READERS:
            argument.a_const.sval.sval = _READERS[target](text, date_order)
        elif target in NUMBERS or target == oids.OID:
            argument.a_const.sval.sval = literals.number_literal(text, target)
        return
    if target in TEXTS and source == oids.BYTEA:
        shown = call("lower", call("hex", argument))
        replace_node(node.type_cast.arg, call("concat", string("\\x"), shown))
    elif target in TEXTS and source in oids.ELEMENT_OF:
        if source == oids.ARRAY_OF[oids.INTERVAL]:
            argument = call(("gw_pg", "interval_list"), argument)
        replace_node(node.type_cast.arg, call(("gw_pg", "array_text"), argument))
    elif target in TEXTS and source == oids.INTERVAL:
        replace_node(node.type_cast.arg, call(("gw_pg", "interval_text"), argument))
    elif target in TEXTS and source in {oids.FLOAT4, oids.FLOAT8}:
        replace_node(node.type_cast.arg, call(("gw_pg", "float_text"), argument))
    elif (
        target == oids.NUMERIC and source in {oids.INT2, oids.INT4, oids.INT8} and not node.type_cast.type_name.typmods
    ):
        node.type_cast.type_name.typmods.add().CopyFrom(integer(38))
        node.type_cast.type_name.typmods.add().CopyFrom(integer(0))
    elif source == oids.TIMESTAMPTZ and target == oids.TIME:
        replace_node(node.type_cast.arg, cast(copied(argument), type_name("timestamp")))
    elif source == oids.TIME and target == oids.INTERVAL:
        replace_node(node, _minus_midnight(argument))
    elif source == oids.INTERVAL and target == oids.TIME:
        midnight = cast(string("2000-01-01"), type_name("timestamp"))
        replace_node(node.type_cast.arg, operation("+", midnight, argument))


_READERS: Final[dict[int, Callable[[str, str], str]]] = {
    oids.DATE: literals.date_literal,
    oids.TIMESTAMP: literals.date_literal,
    oids.TIMESTAMPTZ: literals.date_literal,
    oids.TIME: lambda text, _: literals.time_literal(text),
    oids.INTERVAL: lambda text, _: literals.interval_literal(text),
    oids.JSONB: lambda text, _: literals.jsonb_text(text),
}


def float8_of(node: pb.Node) -> None:
    """Make an operand double precision."""
    replace_node(node, cast(copied(node), type_name("float8")))


def int4_series(item: pb.Node, alias: str, column: str) -> None:
    """Let `generate_series(1, 3) AS n` give integers: DuckDB's are bigint."""
    select = parsed_select("SELECT x::int4 AS x FROM f() AS g(x)")
    source = select.from_clause[0].range_function.functions[0]
    source.CopyFrom(item.range_function.functions[0])
    select.target_list[0].res_target.name = column
    node = pb.Node()
    node.range_subselect.lateral = True
    node.range_subselect.subquery.select_stmt.CopyFrom(select)
    node.range_subselect.alias.aliasname = alias
    replace_node(item, node)


def _minus_midnight(time: pb.Node) -> pb.Node:
    day = cast(string("2000-01-01"), type_name("date"))
    return operation("-", operation("+", day, time), cast(copied(day), type_name("timestamp")))


def note_call(node: pb.Node, name: str, kinds: Sequence[int | None]) -> int | None:
    """Rewrite a call that DuckDB does differently for these types; return its type, None when it stays as it is."""
    arguments = node.func_call.args
    first = kinds[0] if kinds else None
    if name in {"concat", "concat_ws", "format", "quote_literal", "quote_nullable"}:
        for argument, kind in zip(arguments, kinds, strict=True):
            if kind == oids.BOOL:
                letter = parsed_expression("CASE WHEN x THEN 't' WHEN NOT x THEN 'f' END")
                letter.case_expr.args[0].case_when.expr.CopyFrom(argument)
                letter.case_expr.args[1].case_when.expr.bool_expr.args[0].CopyFrom(argument)
                replace_node(argument, letter)
            elif kind == oids.INTERVAL:
                replace_node(argument, call(("gw_pg", "interval_text"), copied(argument)))
        return oids.TEXT
    if name == "array_to_string" and first == oids.ARRAY_OF[oids.INTERVAL]:
        replace_node(arguments[0], call(("gw_pg", "interval_list"), copied(arguments[0])))
        return oids.TEXT
    if name == "count" and not arguments and not node.func_call.agg_star:
        raise WrongObjectType("count(*) must be used to call a parameterless aggregate function")
    if name == "generate_series" and len(arguments) == 1:
        raise UndefinedFunction(f"function generate_series({type_words(first or 0)}) does not exist")
    if name == "round" and len(kinds) == 1 and first in {oids.FLOAT4, oids.FLOAT8}:
        replace_node(node, call("round_even", copied(arguments[0]), integer(0)))
        return oids.FLOAT8
    if name in {"length", "octet_length"} and first == oids.BYTEA:
        replace_node(node, call(("gw_pg", "bytea_length"), copied(arguments[0])))
        return oids.INT4
    if name in {"lpad", "rpad"} and len(kinds) == 2:
        arguments.add().CopyFrom(string(" "))
        return oids.TEXT
    if name == "date_trunc" and len(kinds) > 1 and kinds[1] == oids.DATE:
        replace_node(arguments[1], cast(copied(arguments[1]), type_name("timestamptz")))
        return oids.TIMESTAMPTZ
    return None
