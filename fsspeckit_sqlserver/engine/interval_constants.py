"""Intervals of equal length and other parts, kept apart in one statement. Pure.

DuckDB compares constants by value, and `interval '1 day'` equals `interval '24 hours'`: its elimination of common
subexpressions, its filter combiner and its aggregates take `t + interval '24 hours'` for `t + interval '1 day'`, which
is another moment where the clocks change. Whatever stands beside the second of two such constants is written
differently, so that the expressions differ. Disabling the optimizer for all statements would cost TPC-H a fifth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import InvalidDatetime
from fsspeckit_sqlserver.engine.literals import interval_literal
from fsspeckit_sqlserver.engine.trees import child_messages, copied, names_of, replace_node, walk

__all__ = ["separate_intervals"]

Parts: TypeAlias = "tuple[int, int, int]"
_CANONICAL = re.compile(r"(-?\d+) months (-?\d+) days (-?\d+) microseconds\Z")
_VARYING: Final = frozenset({"column_ref", "sub_link"})
_OPERATORS: Final = frozenset({"+", "-", "*", "/"})
_DAY_US: Final = 86_400_000_000


def separate_intervals(message: Message) -> None:
    """Change what stands beside interval constants that DuckDB would confuse, in place."""
    constants = {_key(node): node for node in _constants(message)}
    if len(constants) < 2:
        return
    parts = {key: _parts(node) for key, node in constants.items()}
    known = [found for found in parts.values() if found is not None]
    if len(known) == len(parts) and len({_length(found) for found in known}) == len(set(known)):
        return
    distinct: list[object] = []
    numbers: dict[bytes, int] = {}
    for key, found in parts.items():
        identity: object = key if found is None else found
        if identity not in distinct:
            distinct.append(identity)
        numbers[key] = distinct.index(identity)
    _separate(message, numbers)


def _constants(message: Message) -> Iterator[pb.Node]:
    """Yield the largest expressions that are an interval whatever the row is."""
    if isinstance(message, pb.Node) and _is_constant(message):
        yield message
        return
    for child in child_messages(message):
        yield from _constants(child)


def _is_constant(node: pb.Node) -> bool:
    kind = node.WhichOneof("node")
    if kind == "type_cast":
        target = node.type_cast.type_name
        is_interval = not target.array_bounds and names_of(target.names)[-1:] == ("interval",)
        return is_interval and node.type_cast.arg.WhichOneof("node") in {"a_const", "param_ref"}
    if kind != "a_expr" or node.a_expr.kind != pb.AEXPR_OP or node.a_expr.name[-1].string.sval not in _OPERATORS:
        return False
    sides = [side for side in (node.a_expr.lexpr, node.a_expr.rexpr) if side.WhichOneof("node") is not None]
    return any(map(_is_constant, sides)) and all(
        _is_constant(side) or side.WhichOneof("node") == "a_const" for side in sides
    )


def _key(node: pb.Node) -> bytes:
    copy = copied(node)
    for part in walk(copy):
        if hasattr(part, "location"):
            part.location = 0
    return bytes(copy.SerializeToString(deterministic=True))


def _parts(node: pb.Node) -> Parts | None:
    """Return months, days and microseconds of a plain constant, None of what is computed or a parameter."""
    if node.WhichOneof("node") != "type_cast" or node.type_cast.type_name.typmods:
        return None
    constant = node.type_cast.arg.a_const
    try:
        match = _CANONICAL.match(interval_literal(constant.sval.sval))
    except InvalidDatetime:
        return None
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _length(parts: Parts) -> int:
    months, days, us = parts
    return (months * 30 + days) * _DAY_US + us


def _separate(message: Message, numbers: dict[bytes, int]) -> None:
    children = [child for child in child_messages(message) if isinstance(child, pb.Node)]
    nested = 0
    for child in children:
        if _is_constant(child):
            nested = max(nested, numbers.get(_key(child), 0))
        else:
            _separate(child, numbers)
    for child in child_messages(message):
        if not isinstance(child, pb.Node):
            _separate(child, numbers)
    if not nested or isinstance(message, pb.ResTarget | pb.List):
        return
    beside = next((child for child in children if not _is_constant(child) and _varies(child)), None)
    if isinstance(message, pb.CaseExpr) and not message.HasField("arg"):
        beside = message.args[0].case_when.expr
    if beside is not None:
        for _ in range(nested):
            _disguise(beside)


def _varies(node: pb.Node) -> bool:
    return any(isinstance(part, pb.Node) and part.WhichOneof("node") in _VARYING for part in walk(node))


def _disguise(node: pb.Node) -> None:
    """Put `(ARRAY[x])[1]` in the place of x: the same value, which no optimizer sees through."""
    inner = copied(node)
    result = pb.Node()
    result.a_indirection.arg.a_array_expr.elements.add().CopyFrom(inner)
    result.a_indirection.indirection.add().a_indices.uidx.a_const.ival.ival = 1
    replace_node(node, result)
