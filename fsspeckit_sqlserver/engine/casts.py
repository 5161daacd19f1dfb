"""PostgreSQL's types and casts in DuckDB. Pure: changes TypeCast nodes of a copied tree.

What DuckDB has no type for becomes the nearest it has: `name` and `"char"` text, `jsonb` json, `oid` an unsigned
integer, the reg* types the OID they stand for, or the name where they are shown.
"""

from __future__ import annotations

import re
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import InvalidText
from fsspeckit_sqlserver.engine.patterns import ArrayLiteral, parse_array
from fsspeckit_sqlserver.engine.trees import (
    call,
    cast,
    copied,
    integer,
    names_of,
    null,
    parsed_expression,
    replace_node,
    string,
    string_value,
    type_name,
)

__all__ = [
    "REG_TYPES",
    "array_constant",
    "duckdb_type_of",
    "reg_cast_of",
    "rewrite_cast",
    "rewrite_type",
    "show_reg_cast",
]

REG_TYPES: Final = {
    "regclass": "regclass",
    "regtype": "regtype",
    "regproc": "regproc",
    "regprocedure": "regproc",
    "regnamespace": "regnamespace",
    "regrole": "regrole",
    "regoper": "regoper",
    "regoperator": "regoper",
    "regconfig": "regconfig",
    "regdictionary": "regdictionary",
    "regcollation": "regcollation",
}
"""reg* type → the stem of the macros `<stem>_oid`, `<stem>_text` of an OID and `<stem>_shown` of what is cast."""

_TYPES: Final = {
    "name": "varchar",
    "char": "varchar",
    "bpchar": "varchar",
    "text": "varchar",
    "citext": "varchar",
    "cstring": "varchar",
    "unknown": "varchar",
    "aclitem": "varchar",
    "pg_node_tree": "varchar",
    "inet": "varchar",
    "cidr": "varchar",
    "macaddr": "varchar",
    "xml": "varchar",
    "tsvector": "varchar",
    "pg_lsn": "varchar",
    "jsonb": "json",
    "oid": "uinteger",
    "xid": "uinteger",
    "cid": "uinteger",
    "xid8": "ubigint",
    "anyarray": "varchar",
    "varbit": "bit",
}
_LISTS: Final = {"int2vector": "int2", "oidvector": "uinteger"}
_WORDS_TRUE: Final = frozenset({"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"})
_WORDS_FALSE: Final = frozenset({"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"})
_INTERVAL_FIELDS: Final = {4: "year", 2: "month", 8: "day", 1024: "hour", 2048: "minute", 4096: "second"}
_INTEGER = re.compile(r"-?\d{1,18}")
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d+)?\s*\Z")
_NUMERIC_DIGITS: Final = (38, 10)  # numeric without a precision: what fits both money and ids


def duckdb_type_of(name: str) -> str:
    """Return DuckDB's name for an unqualified PostgreSQL type name."""
    return _TYPES.get(name, name)


def reg_cast_of(node: pb.Node) -> str | None:
    """Return the stem of the reg* type a node is cast to, or None."""
    if node.WhichOneof("node") != "type_cast" or node.type_cast.type_name.array_bounds:
        return None
    return REG_TYPES.get(names_of(node.type_cast.type_name.names)[-1])


def show_reg_cast(node: pb.Node) -> bool:
    """Turn `x::regclass`, where it is shown, into the name; returns whether it was one."""
    stem = reg_cast_of(node)
    if stem is None:
        return False
    replace_node(node, call(("gw_pg", f"{stem}_shown"), cast(node.type_cast.arg, type_name("varchar"))))
    return True


def rewrite_cast(node: pb.Node) -> None:
    """Rewrite one TypeCast node whose argument is rewritten already."""
    target = node.type_cast.type_name
    name = names_of(target.names)[-1]
    argument = node.type_cast.arg
    if target.array_bounds and name in REG_TYPES:  # shown as OIDs
        del target.names[:]
        target.names.add().string.sval = name = "oid"
    if target.array_bounds or name in _LISTS:
        rewrite_type(target)
        _cast_array(node, target)
        return
    if name in REG_TYPES:
        replace_node(node, _reg_oid(REG_TYPES[name], argument))
        return
    text = string_value(argument)
    if name == "bool" and text is not None:
        word = text.strip().lower()
        if word in _WORDS_TRUE or word in _WORDS_FALSE:
            replace_node(node, cast(string("true" if word in _WORDS_TRUE else "false"), type_name("bool")))
        return
    if name == "bytea" and text is not None:
        replace_node(node, call("unhex", string(text[2:])) if text.startswith("\\x") else call("encode", string(text)))
        return
    if name == "numeric" and not target.typmods and (digits := _digits_of(argument)) is not None:
        rewrite_type(target)
        del target.typmods[:]
        for count in digits:
            target.typmods.add().CopyFrom(_integer_node(count))
        return
    if text is not None and _cast_special_time(node, name, text.strip().lower()):
        return
    if name == "interval" and target.typmods:
        _cast_interval(node, text)
        return
    length = _length(target) if name in {"varchar", "bpchar"} else None
    rewrite_type(target)
    if length is not None:
        replace_node(node, call("left", copied(node), _integer_node(length)))


def rewrite_type(target: pb.TypeName) -> None:
    """Give a type name DuckDB's spelling, in place."""
    name = names_of(target.names)[-1]
    if name in _LISTS:
        del target.array_bounds[:]
        target.array_bounds.add().integer.ival = -1
        name = _LISTS[name]
    is_sized = name in {"numeric", "bit"} and bool(target.typmods)
    del target.names[:]
    target.names.add().string.sval = duckdb_type_of(name)
    if not is_sized:  # lengths of text and digits of seconds mean nothing to DuckDB
        del target.typmods[:]
    if name == "numeric" and not target.typmods:
        for digits in _NUMERIC_DIGITS:
            target.typmods.add().CopyFrom(_integer_node(digits))
    if name in {"numeric", "bit", "interval", "timestamp", "timestamptz", "time", "timetz", "bool"}:
        target.names[0].string.sval = name
    target.location = 0


def _digits_of(argument: pb.Node) -> tuple[int, int] | None:
    """Return precision and scale of a constant number, so that `1.5::numeric` stays 1.5."""
    constant = argument.a_const
    text = {"ival": str(constant.ival.ival), "fval": constant.fval.fval, "sval": constant.sval.sval.strip()}.get(
        constant.WhichOneof("val") or ""
    )
    if text is None or not _NUMBER.match(text):
        return None
    whole, _, decimals = text.lstrip("+-").partition(".")
    digits = len(whole.lstrip("0")) + len(decimals)
    return (max(digits, 1), len(decimals)) if digits <= 38 else None


def _reg_oid(stem: str, argument: pb.Node) -> pb.Node:
    return call(("gw_pg", f"{stem}_oid"), cast(argument, type_name("varchar")))


def _cast_special_time(node: pb.Node, name: str, word: str) -> bool:
    if name not in {"date", "timestamp", "timestamptz"} or word not in {"now", "today", "yesterday", "tomorrow"}:
        return False
    days = {"now": "now()", "today": "current_date", "yesterday": "current_date - 1", "tomorrow": "current_date + 1"}
    replace_node(node, cast(parsed_expression(days[word]), type_name(name)))
    return True


def _cast_interval(node: pb.Node, text: str | None) -> None:
    """`interval '3' day`: DuckDB would read a bare number as seconds, whatever the field."""
    fields = node.type_cast.type_name.typmods
    unit = _INTERVAL_FIELDS.get(fields[0].a_const.ival.ival) if fields else None
    del node.type_cast.type_name.typmods[:]
    if text is not None and unit is not None and _NUMBER.match(text):
        replace_node(node, cast(string(f"{text.strip()} {unit}"), type_name("interval")))


def _length(target: pb.TypeName) -> int | None:
    if len(target.typmods) != 1 or target.typmods[0].WhichOneof("node") != "a_const":
        return None
    length = int(target.typmods[0].a_const.ival.ival)
    # "char" and a bare character(1) are not worth a function call around every value
    return length if length > 1 or names_of(target.names)[-1] == "varchar" else None


def _integer_node(value: int) -> pb.Node:
    node = pb.Node()
    node.a_const.ival.ival = value
    return node


def _cast_array(node: pb.Node, target: pb.TypeName) -> None:
    text = string_value(node.type_cast.arg)
    if text is None:
        return
    if not target.array_bounds:
        return
    elements = parse_array(text) if text.strip().startswith("{") else _words(text)
    if elements is None:
        raise InvalidText(f'malformed array literal: "{text}"')
    kind = pb.TypeName()
    kind.CopyFrom(target)
    del kind.array_bounds[:]
    for _ in range(_depth(elements)):
        kind.array_bounds.add().integer.ival = -1
    replace_node(node, cast(_array_node(elements), kind))


def _depth(elements: ArrayLiteral) -> int:
    return 1 + max((_depth(element) for element in elements if isinstance(element, list)), default=0)


def _words(text: str) -> ArrayLiteral | None:
    words = text.split()  # int2vector's own form: '1 2 3'
    return [*words] if all(word.lstrip("-").isdigit() for word in words) else None


def array_constant(elements: ArrayLiteral) -> pb.Node:
    """Return an array of constants: numbers where all elements are, else text, which takes the type it meets."""
    if all(isinstance(element, str) and _INTEGER.fullmatch(element) for element in elements):
        node = pb.Node()
        for element in elements:
            node.a_array_expr.elements.add().CopyFrom(integer(int(str(element))))
        return node if elements else _array_node(elements)
    return _array_node(elements)


def _array_node(elements: ArrayLiteral) -> pb.Node:
    node = pb.Node()
    node.a_array_expr.SetInParent()
    for element in elements:
        if isinstance(element, list):
            child = _array_node(element)
        else:
            child = null() if element is None else string(element)
        node.a_array_expr.elements.add().CopyFrom(child)
    return node
