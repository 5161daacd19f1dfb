"""Parameters where DuckDB, or what writes a function for it, wants a constant. Pure: changes a copied tree.

`round(x, $1)`, a format, a pattern, a path: there the value goes into the statement when it is run, so such a statement
has a plan for each value. Before the values are known, when it is described, a sample stands for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.trees import (
    cast,
    copied,
    integer,
    names_of,
    null,
    parsed_expression,
    replace_node,
    string,
    type_name,
    walk,
)
from fsspeckit_sqlserver.types import oids

__all__ = ["constant_numbers", "numeric_digits", "settle_constants", "settle_digits"]

_TEXT_PLACES: Final[Mapping[str, Mapping[int, str]]] = {
    "to_char": {1: "9"},
    "to_date": {1: "YYYY"},
    "to_timestamp": {1: "YYYY"},
    "format": {0: "x"},
    "similar_to_escape": {0: "", 1: ""},
    "regexp_replace": {1: "", 3: "", 4: "1", 5: ""},
    "regexp_match": {1: "", 2: ""},
    "regexp_matches": {1: "", 2: ""},
    "regexp_split_to_array": {1: "", 2: ""},
    "regexp_split_to_table": {1: "", 2: ""},
    "regexp_count": {1: "", 2: "1", 3: ""},
    "regexp_substr": {1: "", 2: "1", 3: "1", 4: "", 5: "0"},
    "regexp_instr": {1: "", 2: "1", 3: "1", 4: "0", 5: "", 6: "0"},
    "regexp_like": {1: "", 2: ""},
}
_NUMBER_PLACES: Final = {"round": 1, "trunc": 1}
_ROWS: Final[Mapping[str, str]] = {
    f"{form}_{name}": sample
    for form in ("json", "jsonb")
    for name, sample in (
        *(("array_elements", "[]"), ("array_elements_text", "[]"), ("each", "{}"), ("each_text", "{}")),
        *(("object_keys", "{}"), ("to_record", "{}"), ("to_recordset", "[]")),
    )
}
_WIDTHS: Final = (18, 38)  # of DuckDB's decimals of 64 and 128 bits
_PATHS: Final = frozenset({"#>", "#>>"})


def constant_numbers(message: Message) -> tuple[int, ...]:
    """Return the numbers of the parameters whose values have to be in the statement."""
    return tuple(sorted({_parameter(argument) or 0 for _, argument, _ in _places(message)}))


def settle_constants(message: Message, types: Mapping[int, int], values: Sequence[object]) -> None:
    """Put values, or samples where there are none yet, in the place of parameters that have to be constants.

    Args:
        types: n → type of each parameter.
        values: of the parameters; empty when the statement is only described.
    """
    for node, argument, sample in reversed([*_places(message)]):  # inner calls first
        number = _parameter(argument) or 0
        oid = types.get(number, oids.TEXT)
        if number > len(values):
            replace_node(argument, _sample(sample, oid))
            continue
        value = values[number - 1]
        if value is not None:
            replace_node(argument, _constant(value, oid))
            continue
        replace_node(argument, _sample(sample, oid))
        name = names_of(node.func_call.funcname)[-1] if node.WhichOneof("node") == "func_call" else ""
        if name == "similar_to_escape":
            replace_node(node, cast(null(), type_name("text")))
        elif name not in _ROWS:  # of no rows as it is
            nothing = parsed_expression("CASE WHEN false THEN 1 END")
            nothing.case_expr.args[0].case_when.result.CopyFrom(copied(node))
            replace_node(node, nothing)


def numeric_digits(values: Sequence[object]) -> dict[int, tuple[int, int]]:
    """Return n → precision and scale of a type that holds a numeric value; of NaN and what none holds, nothing."""
    found = {}
    for number, value in enumerate(values, 1):
        if isinstance(value, Decimal) and value.is_finite():
            scale = max(0, -int(value.as_tuple().exponent))
            digits = max(value.adjusted() + 1, 1) + scale
            if digits <= _WIDTHS[-1]:  # few widths, so that few plans differ; room is left for what it meets
                found[number] = next(width for width in _WIDTHS if digits <= width), scale
    return found


def settle_digits(message: Message, types: Mapping[int, int], values: Sequence[object]) -> None:
    """Let numerics without a precision have the digits of their values: DuckDB's cast would give each ten."""
    known = {number: each for number, each in numeric_digits(values).items() if types.get(number) == oids.NUMERIC}
    if not known:
        return
    for part in walk(message):
        if isinstance(part, pb.TypeCast) and part.arg.param_ref.number in known:
            target = part.type_name
            if names_of(target.names)[-1] == "numeric" and not target.typmods and not target.array_bounds:
                target.typmods.extend(map(integer, known[part.arg.param_ref.number]))


def _places(message: Message) -> Iterator[tuple[pb.Node, pb.Node, str]]:
    """Yield the expression, the argument of it that is a parameter, and a sample value."""
    for node in walk(message):
        if not isinstance(node, pb.Node):
            continue
        kind = node.WhichOneof("node")
        if kind == "a_expr":
            expression = node.a_expr
            if (
                expression.kind == pb.AEXPR_OP
                and expression.name[-1].string.sval in _PATHS
                and _parameter(expression.rexpr)
            ):
                yield node, expression.rexpr, "{a}"
        elif kind == "func_call":
            for place, sample in _wanted(node.func_call).items():
                if place < len(node.func_call.args) and _parameter(node.func_call.args[place]):
                    yield node, node.func_call.args[place], sample


def _wanted(function: pb.FuncCall) -> Mapping[int, str]:
    name = names_of(function.funcname)[-1] if function.funcname else ""
    if name in _TEXT_PLACES:
        return _TEXT_PLACES[name]
    if name in _NUMBER_PLACES:
        return {_NUMBER_PLACES[name]: "1"}
    return {0: _ROWS[name]} if name in _ROWS else {}


def _parameter(node: pb.Node) -> int | None:
    """Return the number of a parameter, with or without a cast; None of anything else."""
    while node.WhichOneof("node") == "type_cast":
        node = node.type_cast.arg
    return int(node.param_ref.number) if node.WhichOneof("node") == "param_ref" else None


def _sample(text: str, oid: int) -> pb.Node:
    if oid in {oids.INT2, oids.INT4, oids.INT8}:
        return integer(int(text or 1))
    return _document(text, oid)


def _constant(value: object, oid: int) -> pb.Node:
    if isinstance(value, bool):
        return string("true" if value else "false")
    if isinstance(value, int | Decimal | float):
        return integer(int(value))
    if isinstance(value, list):
        quoted = ['"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value]
        return string("{" + ",".join(quoted) + "}")
    return _document(str(value), oid)


def _document(text: str, oid: int) -> pb.Node:
    word = {oids.JSON: "json", oids.JSONB: "jsonb"}.get(oid)
    return string(text) if word is None else cast(string(text), type_name(word))
