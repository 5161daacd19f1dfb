"""Which type an operator gives, and how it is written for DuckDB because of the types of its operands."""

from __future__ import annotations

from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.coercions import (
    adopt,
    difference_of_moments,
    float8_of,
    moment_moved,
    part_of_jsonb,
)
from fsspeckit_sqlserver.engine.concatenations import concatenation
from fsspeckit_sqlserver.engine.jsonb_operators import note_jsonb_operator
from fsspeckit_sqlserver.engine.parameters import oid_of_type
from fsspeckit_sqlserver.engine.shifts import shifted
from fsspeckit_sqlserver.engine.time_sums import add_time
from fsspeckit_sqlserver.engine.trees import call, copied, replace_node
from fsspeckit_sqlserver.engine.typing_rules import INTEGERS, NUMBERS, promoted
from fsspeckit_sqlserver.types import oids

__all__ = ["operator_type"]

_DATES: Final = frozenset({oids.DATE, oids.TIMESTAMP, oids.TIMESTAMPTZ})
_STAMPS: Final = frozenset({oids.TIMESTAMP, oids.TIMESTAMPTZ})


def operator_type(node: pb.Node, symbol: str, left: int | None, right: int | None, order: str | None) -> int | None:
    """Return the type of `left symbol right`, None where it cannot be told.

    Args:
        left, right: types of the operands, None where they are not known.
        order: how a date such as 1/2/2003 is read; None for queries of the system catalog, where nothing is changed.
    """
    expression, is_strict = node.a_expr, order is not None
    if is_strict and oids.JSONB in (left, right):
        made = note_jsonb_operator(node, symbol, left, right)
        if made is not None:
            return made
    if symbol in {"@>", "<@", "&&"}:  # an array in quotes takes the other's type
        for side, kind in ((expression.rexpr, left), (expression.lexpr, right)):
            if kind in oids.ELEMENT_OF:
                _adopt(side, kind or 0, order)
    if symbol in {"~", "!~", "~*", "!~*", "~~", "@>", "<@", "&&", "^@", "?"}:
        return oids.BOOL
    if symbol == "||":
        return concatenation(node, left, right, order)
    if symbol in {"->", "#>", "->>", "#>>"}:
        if left == oids.JSONB and is_strict:
            part_of_jsonb(node, symbol)
        return oids.TEXT if ">>" in symbol else left if left in {oids.JSON, oids.JSONB} else None
    if symbol in {"+", "-"} and (left in _STAMPS or right in _STAMPS):
        if left in _STAMPS and right is None:  # t + '1 day', t - '2024-01-01'
            _adopt(expression.rexpr, oids.INTERVAL if symbol == "+" else left or 0, order)
            right = _adopted(expression.rexpr)
        elif left is None:
            _adopt(expression.lexpr, oids.INTERVAL if symbol == "+" else right or 0, order)
            left = _adopted(expression.lexpr)
    if left is None or right is None:
        return None
    if left in NUMBERS and right in NUMBERS:
        kind = promoted(left, right)
        if symbol == "/" and kind == oids.NUMERIC:
            return None  # a documented difference: double precision
        if kind == oids.FLOAT8 and oids.FLOAT8 not in (left, right) and is_strict:
            float8_of(expression.lexpr)
            float8_of(expression.rexpr)
        if symbol == "^":
            return oids.FLOAT8 if kind != oids.NUMERIC else None
        if symbol in {"<<", ">>"}:
            if is_strict and left in INTEGERS:
                shifted(node, symbol, left)
            return left
        return kind
    if is_strict and oids.TIME in (left, right) and (kind := add_time(node, symbol, left, right)) is not None:
        return kind
    if symbol == "-" and left == right == oids.DATE:
        if is_strict:
            replace_node(node, call(("gw_pg", "gw_days_between"), expression.lexpr, expression.rexpr))
        return oids.INT4
    if is_strict and symbol in {"+", "-"} and left == oids.TIMESTAMPTZ and right == oids.INTERVAL:
        moment_moved(node, copied(expression.lexpr), symbol, copied(expression.rexpr))
    elif is_strict and symbol == "+" and left == oids.INTERVAL and right == oids.TIMESTAMPTZ:
        moment_moved(node, copied(expression.rexpr), symbol, copied(expression.lexpr))
    if symbol in {"+", "-"} and left in _DATES and right == oids.INTERVAL:
        return oids.TIMESTAMP if left == oids.DATE else left
    if symbol == "+" and left == oids.INTERVAL and right in _DATES:
        return oids.TIMESTAMP if right == oids.DATE else right
    if symbol in {"+", "-"} and left == oids.DATE and right in INTEGERS:
        return oids.DATE
    if symbol == "-" and left in _DATES and right in _DATES:
        if is_strict and oids.TIMESTAMPTZ in (left, right):
            difference_of_moments(node, left, right)
        return oids.INTERVAL
    if left == oids.INTERVAL and symbol == "/" and right in NUMBERS:
        if is_strict:
            replace_node(node, call(("gw_pg", "gw_divided"), expression.lexpr, expression.rexpr))
        return oids.INTERVAL
    if symbol == "*" and oids.INTERVAL in (left, right) and (left in NUMBERS or right in NUMBERS):
        return oids.INTERVAL
    return left if left == right == oids.INTERVAL else None


def _adopt(node: pb.Node, kind: int, order: str | None) -> None:
    if order is not None:
        adopt(node, kind, order)


def _adopted(node: pb.Node) -> int | None:
    return oid_of_type(node.type_cast.type_name) if node.WhichOneof("node") == "type_cast" else None
