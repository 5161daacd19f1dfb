"""What is written differently for DuckDB because of the types: quoted constants, casts, some functions. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine import literals
from fsspeckit_sqlserver.engine.errors import DatatypeMismatch, UndefinedFunction, WrongObjectType
from fsspeckit_sqlserver.engine.moment_texts import with_plain_zone, without_zone
from fsspeckit_sqlserver.engine.records import row_constant
from fsspeckit_sqlserver.engine.time_sums import interval_of_time, sum_of_intervals
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
    string_value,
    type_name,
)
from fsspeckit_sqlserver.engine.typing_rules import NUMBERS, TEXTS, type_words
from fsspeckit_sqlserver.engine.value_formats import value_text
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.composite import RECORD, RowArrayOid, RowTypeOid

__all__ = [
    "adopt",
    "cast_literal",
    "difference_of_moments",
    "float8_of",
    "moment_moved",
    "note_call",
    "part_of_jsonb",
]

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


_DATES: Final = frozenset({oids.DATE, oids.TIMESTAMP, oids.TIMESTAMPTZ})
_DATE_ARRAYS: Final = frozenset(oids.ARRAY_OF[kind] for kind in _DATES)


def adopt(node: pb.Node, kind: int, date_order: str) -> None:
    """Give a constant in quotes the type it meets."""
    if node.WhichOneof("node") != "a_const" or node.a_const.WhichOneof("val") != "sval":
        return
    if isinstance(kind, RowTypeOid):
        if kind != RECORD:
            settle = lambda made, oid: cast_literal(made, None, oid, date_order)  # noqa: E731
            replace_node(node, row_constant(node.a_const.sval.sval, kind, settle))
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
    if target == oids.JSONB:
        if source != oids.JSONB:
            replace_node(node.type_cast.arg, call(("gw_pg", "gw_jsonb"), copied(argument)))
    elif target in TEXTS and (isinstance(source, RowTypeOid | RowArrayOid) or argument.HasField("row_expr")):
        replace_node(node.type_cast.arg, call(("gw_pg", "gw_json"), argument, string("record postgres")))
    elif target in TEXTS and source == oids.JSON and argument.WhichOneof("node") == "column_ref":  # or a struct
        replace_node(node.type_cast.arg, call(("gw_pg", "gw_json"), argument, string("json postgres")))
    elif target in TEXTS and source == oids.BYTEA:
        shown = call("lower", call("hex", argument))
        replace_node(node.type_cast.arg, operation("||", string("\\x"), shown))
    elif target in TEXTS and source in oids.ELEMENT_OF:
        if source in _DATE_ARRAYS:
            argument = call(("gw_pg", "gw_date_texts"), argument)
        elif source in _LISTED:
            argument = call(("gw_pg", _LISTED[source]), argument)
        replace_node(node.type_cast.arg, call(("gw_pg", "array_text"), argument))
    elif target in TEXTS and source == oids.INTERVAL:
        replace_node(node.type_cast.arg, call(("gw_pg", "interval_text"), argument))
    elif target in TEXTS and source in _DATES:
        replace_node(node.type_cast.arg, call(("gw_pg", "gw_date_text"), argument))
    elif source in TEXTS and target in _DATES:
        replace_node(node.type_cast.arg, call(("gw_pg", "gw_dated"), argument))
    elif target in TEXTS and is_numeric_of_float(argument):
        replace_node(node.type_cast.arg, call(("gw_pg", "gw_trimmed"), argument))
    elif target in TEXTS and source in {oids.FLOAT4, oids.FLOAT8}:
        replace_node(node.type_cast.arg, call(("gw_pg", "float_text"), argument))
    elif target == oids.NUMERIC and source in {oids.FLOAT4, oids.FLOAT8}:  # by their text of 6 and 15 digits
        digits = string("%.6g" if source == oids.FLOAT4 else "%.15g")
        replace_node(node.type_cast.arg, call("printf", digits, argument))
    elif target == oids.CHAR and source in {oids.INT2, oids.INT4}:
        replace_node(node.type_cast.arg, call("chr", argument))
    elif (
        target == oids.NUMERIC and source in {oids.INT2, oids.INT4, oids.INT8} and not node.type_cast.type_name.typmods
    ):
        node.type_cast.type_name.typmods.add().CopyFrom(integer(38))
        node.type_cast.type_name.typmods.add().CopyFrom(integer(0))
    elif source == oids.TIMESTAMPTZ and target == oids.TIME:
        replace_node(node.type_cast.arg, cast(copied(argument), type_name("timestamp")))
    elif source == oids.TIME and target == oids.INTERVAL:
        replace_node(node, interval_of_time(argument))
    elif source == oids.INTERVAL and target == oids.TIME:
        midnight = cast(string("2000-01-01"), type_name("timestamp"))
        replace_node(node.type_cast.arg, operation("+", midnight, argument))


_READERS: Final[dict[int, Callable[[str, str], str]]] = {
    oids.DATE: lambda text, order: literals.date_literal(without_zone(text), order),
    oids.TIMESTAMP: lambda text, order: literals.date_literal(without_zone(text), order),
    oids.TIMESTAMPTZ: lambda text, order: literals.date_literal(with_plain_zone(text), order),
    oids.TIME: lambda text, _: literals.time_literal(without_zone(text, is_time=True)),
    oids.TIMETZ: lambda text, _: literals.timetz_literal(with_plain_zone(text)),
    oids.INTERVAL: lambda text, _: literals.interval_literal(text),
    oids.JSONB: lambda text, _: literals.jsonb_literal(text),
}


_LISTED: Final = {
    oids.ARRAY_OF[oids.INTERVAL]: "interval_list",
    oids.ARRAY_OF[oids.BOOL]: "bool_letters",
    oids.ARRAY_OF[oids.FLOAT4]: "float_list",
    oids.ARRAY_OF[oids.FLOAT8]: "float_list",
}
"""Arrays whose elements PostgreSQL writes otherwise than DuckDB, and what makes texts of them."""

_OF_BYTES: Final = frozenset({"convert_from", "encode", "get_byte", "get_bit", "set_byte", "sha256"})
"""Functions whose first argument can be nothing else."""
_ANY_ARGUMENTS: Final = frozenset({"jsonb_build_object", "jsonb_build_array", "jsonb_agg", "jsonb_object_agg"}) | {
    "jsonb_object"
}


def float8_of(node: pb.Node) -> None:
    """Make an operand double precision."""
    replace_node(node, cast(copied(node), type_name("float8")))


def is_numeric_of_float(node: pb.Node) -> bool:
    """Return whether an expression is a float as numeric, by its digits, of no certain scale."""
    if node.WhichOneof("node") == "func_call" and node.func_call.funcname[-1].string.sval == "trim_scale":
        return True
    target = node.type_cast.type_name
    if node.WhichOneof("node") != "type_cast" or target.typmods or target.array_bounds:
        return False
    function = node.type_cast.arg.func_call.funcname
    return bool(function) and function[-1].string.sval == "printf" and target.names[-1].string.sval == "numeric"


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


_ENDLESS: Final = frozenset(["year", "decade", "century", "millennium", "isoyear", "epoch", "julian"])


def note_call(node: pb.Node, name: str, kinds: Sequence[int | None]) -> int | None:
    """Rewrite a call that DuckDB does differently for these types; return its type, None when it stays as it is."""
    arguments = node.func_call.args
    first = kinds[0] if kinds else None
    if name in {"concat", "concat_ws", "format"}:
        for argument, kind in list(zip(arguments, kinds, strict=True))[name != "concat" :]:
            if kind in {oids.FLOAT4, oids.FLOAT8, oids.BYTEA} or kind in oids.ELEMENT_OF:
                replace_node(argument, cast(copied(argument), type_name("text")))
                cast_literal(argument, kind, oids.TEXT, "MDY")
    if name in {"concat", "concat_ws", "format", "quote_literal", "quote_nullable"}:
        for argument, kind in zip(arguments, kinds, strict=True):
            if kind == oids.BOOL:
                letter = parsed_expression("CASE WHEN x THEN 't' WHEN NOT x THEN 'f' END")
                letter.case_expr.args[0].case_when.expr.CopyFrom(argument)
                letter.case_expr.args[1].case_when.expr.bool_expr.args[0].CopyFrom(argument)
                replace_node(argument, letter)
            elif kind == oids.INTERVAL or kind in _DATES:
                macro = "interval_text" if kind == oids.INTERVAL else "gw_date_text"
                replace_node(argument, call(("gw_pg", macro), copied(argument)))
        return oids.TEXT
    if name == "array_to_string" and (first in _LISTED or first in _DATE_ARRAYS):
        macro = "gw_date_texts" if first in _DATE_ARRAYS else _LISTED[first or 0]
        replace_node(arguments[0], call(("gw_pg", macro), copied(arguments[0])))
        return oids.TEXT
    if (
        name in {"to_json", "to_jsonb", "json_agg", "jsonb_agg"}
        and len(kinds) == 1
        and first is None
        and arguments[0].HasField("a_const")
    ):
        raise DatatypeMismatch("could not determine polymorphic type because input has type unknown")
    if name.startswith("jsonb_") and name not in _ANY_ARGUMENTS and arguments and first is None:
        adopt(arguments[0], oids.JSONB, "MDY")
    if name == "jsonb_set" and len(arguments) > 2:
        adopt(arguments[1], oids.ARRAY_OF[oids.TEXT], "MDY")
        adopt(arguments[2], oids.JSONB, "MDY")
    if name in {"jsonb_strip_nulls", "jsonb_extract_path"}:
        replace_node(node, call(("gw_pg", "gw_jsonb"), copied(node)))
        return oids.JSONB
    if name == "to_char" and (text := value_text(arguments, first)) is not None:
        replace_node(node, text)
        return oids.TEXT
    if name in {"sum", "avg"} and kinds in ([oids.INTERVAL], [oids.TIME]):
        sum_of_intervals(node, first or 0)
        return oids.INTERVAL
    if name in _OF_BYTES and arguments:
        adopt(arguments[0], oids.BYTEA, "MDY")
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
    if name == "timezone" and len(kinds) == 2 and (offset := _OFFSET.match(string_value(arguments[0]) or "")):
        sign = 1 if offset[1] == "-" else -1  # of POSIX: west of Greenwich counts up
        us = sign * (int(offset[2]) * 3600 + int(offset[3] or 0) * 60) * 1_000_000
        replace_node(arguments[0], cast(string(f"0 months 0 days {us} microseconds"), type_name("interval")))
        first = oids.INTERVAL
    if name == "timezone" and first == oids.INTERVAL and len(kinds) == 2:
        is_zoned = kinds[1] in {oids.TIMESTAMPTZ, None}
        replace_node(node, call(("gw_pg", "zoned_by" if is_zoned else "local_by"), *map(copied, arguments)))
        return oids.TIMESTAMP if is_zoned else oids.TIMESTAMPTZ
    if name == "generate_series" and oids.NUMERIC in kinds[:3] and set(kinds) <= {*NUMBERS, None}:
        step = copied(arguments[2]) if len(kinds) > 2 else integer(1)
        replace_node(node, call(("gw_pg", "numeric_series"), copied(arguments[0]), copied(arguments[1]), step))
        return oids.NUMERIC
    if name in {"substring", "substr"} and first == oids.BYTEA:
        macro = "gw_bytes_from" if len(kinds) == 2 else "gw_bytes_for"
        replace_node(node, call(("gw_pg", macro), *(copied(argument) for argument in arguments)))
        return oids.BYTEA
    if name == "substring" and len(kinds) == 2 and kinds[1] in TEXTS and arguments[1].WhichOneof("node") != "a_const":
        replace_node(node, call(("gw_pg", "gw_substring_like"), copied(arguments[0]), copied(arguments[1])))
        return oids.TEXT
    if name == "date_part" and len(kinds) == 2 and kinds[1] in _DATES:
        field = string_value(arguments[0])
        if field is not None and field.lower() in _ENDLESS:
            replace_node(node, call(("gw_pg", "gw_unbounded"), copied(arguments[1]), cast(node, type_name("float8"))))
            return oids.FLOAT8
    if name in {"date_trunc", "date_bin"} and len(kinds) > 1:
        return _note_truncation(node, name, kinds)
    return None


def _note_truncation(node: pb.Node, name: str, kinds: Sequence[int | None]) -> int | None:
    """Rewrite `date_trunc` and `date_bin` of moments, which DuckDB does on the session's clock."""
    given = [copied(argument) for argument in node.func_call.args]
    if kinds[1] == oids.DATE or (name == "date_trunc" and len(given) == 3):
        given[1], kind = cast(given[1], type_name("timestamptz")), oids.TIMESTAMPTZ
    elif kinds[1] in {oids.TIMESTAMP, oids.TIMESTAMPTZ}:
        kind = kinds[1] or 0
    else:
        return kinds[1] if name == "date_trunc" else None
    if name == "date_bin" and len(given) == 3:
        given[0], given[2] = cast(given[0], type_name("interval")), cast(given[2], type_name(_NAMES[kind]))
        for argument, oid in ((given[0], oids.INTERVAL), (given[2], kind)):
            cast_literal(argument, None, oid, "MDY")
        replace_node(node, call(("gw_pg", f"date_bin_{'zoned' if kind == oids.TIMESTAMPTZ else 'local'}"), *given))
    elif name == "date_trunc" and kind == oids.TIMESTAMPTZ:
        replace_node(node, call(("gw_pg", "date_trunc_in" if len(given) == 3 else "date_trunc_zoned"), *given))
    elif name == "date_trunc" and given[0].WhichOneof("node") != "a_const":
        replace_node(node, call(("gw_pg", "gw_trunc_local"), *given))
    return kind


_OFFSET = re.compile(r"\s*([+-]?)(\d{1,2})(?::(\d{2}))?\s*\Z")
_TIME_ONLY = re.compile(r"0 months 0 days -?\d+ microseconds\Z")


def moment_moved(node: pb.Node, moment: pb.Node, symbol: str, interval: pb.Node) -> None:
    """Let months and days be added to a timestamptz as PostgreSQL adds them; hours and less are DuckDB's."""
    is_plain = interval.WhichOneof("node") == "type_cast" and _TIME_ONLY.match(interval.type_cast.arg.a_const.sval.sval)
    if not is_plain:
        replace_node(node, call(("gw_pg", "moment_plus" if symbol == "+" else "moment_minus"), moment, interval))


def part_of_jsonb(node: pb.Node, symbol: str) -> None:
    """Write a part of a jsonb anew, where it is not taken apart further: DuckDB gives it without spaces."""
    inner = node.a_expr.lexpr.func_call
    if [part.string.sval for part in inner.funcname] == ["gw_pg", "gw_jsonb"]:
        replace_node(node.a_expr.lexpr, copied(inner.args[0]))
    if ">>" not in symbol:
        replace_node(node, call(("gw_pg", "gw_jsonb"), copied(node)))


def difference_of_moments(node: pb.Node, left: int | None, right: int | None) -> None:
    """Let `a - b` of which one is a timestamptz count days of 24 hours."""
    sides = [
        copied(side) if kind == oids.TIMESTAMPTZ else cast(side, type_name("timestamptz"))
        for side, kind in ((node.a_expr.lexpr, left), (node.a_expr.rexpr, right))
    ]
    replace_node(node, call(("gw_pg", "moment_difference"), *sides))
