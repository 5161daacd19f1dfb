"""Constants in a parse tree: what value they have, when that can be told without an engine.

Pure. Works on libpg_query's protobuf tree (postgast). A `Fold` handed in by the caller may evaluate the rest
(`now() - interval '1 day'`, `2 * 3600`) with the engine that will run the statement.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from postgast import pg_query_pb2 as pb

from fsspeckit_lib.sql.domains import Literal, Value

__all__ = ["Constants", "Fold", "constant_of", "type_name_of"]

Fold: TypeAlias = Callable[[pb.Node], Literal | None]
"""Evaluates a constant expression that is more than a literal; None when it cannot."""

_SCALARS: Final = (bool, int, float, Decimal, str, bytes, dt.date, dt.time, uuid.UUID)

_ALIASES: Final = {
    "int": "int4",
    "integer": "int4",
    "smallint": "int2",
    "bigint": "int8",
    "bool": "bool",
    "boolean": "bool",
    "decimal": "numeric",
    "real": "float4",
    "double": "float8",
    "string": "text",
    "bpchar": "bpchar",
}


def type_name_of(type_name: pb.TypeName) -> str:
    """Return PostgreSQL's internal name of a type, `int8` for `bigint`; arrays end in `[]`."""
    parts = [part.string.sval for part in type_name.names]
    name = parts[-1] if parts else ""
    return _ALIASES.get(name, name) + "[]" * len(type_name.array_bounds)


def constant_of(node: pb.Node, parameters: Sequence[object], fold: Fold | None = None) -> Literal | None:
    """Return the value of a constant expression, or None when `node` is not one that can be told here.

    Args:
        node: an expression.
        parameters: the values of `$1`, `$2`, …
        fold: for what is constant but not a literal.
    """
    return Constants(parameters, fold).value_of(node)


class Constants:
    """Tells the constants of one statement."""

    def __init__(self, parameters: Sequence[object], fold: Fold | None = None) -> None:
        self._parameters, self._fold = parameters, fold

    def value_of(self, node: pb.Node) -> Literal | None:
        """See `constant_of`."""
        kind = node.WhichOneof("node")
        if kind == "a_const":
            return _plain(node.a_const)
        if kind == "param_ref":
            return self._parameter(node.param_ref.number)
        if kind == "type_cast":
            inner = self.value_of(node.type_cast.arg)
            known = None if inner is None else _cast(inner, node.type_cast.type_name)
            return known if known is not None else self._folded(node)
        if kind == "a_expr" and node.a_expr.kind == pb.AEXPR_OP and not node.a_expr.HasField("lexpr"):
            inner = self.value_of(node.a_expr.rexpr)
            negated = None if inner is None else _signed(node.a_expr.name[-1].string.sval, inner)
            return negated if negated is not None else self._folded(node)
        return self._folded(node)

    def values_of(self, node: pb.Node) -> tuple[Literal, ...] | None:
        """Return the constants of a list: `ARRAY[1, 2]`, `(1, 2)`, a parameter that is a list; None otherwise."""
        kind = node.WhichOneof("node")
        if kind == "param_ref":
            value = self._raw_parameter(node.param_ref.number)
            if not isinstance(value, list | tuple):
                return None
            literals: list[Literal | None] = [_python(item) for item in value]
        elif kind in {"list", "a_array_expr"}:
            items = node.list.items if kind == "list" else node.a_array_expr.elements
            literals = [self.value_of(item) for item in items]
        elif kind == "type_cast" and node.type_cast.arg.WhichOneof("node") in {"a_array_expr", "param_ref"}:
            return self.values_of(node.type_cast.arg)
        else:
            return None
        known = [literal for literal in literals if literal is not None]
        return tuple(known) if len(known) == len(literals) else None

    def _raw_parameter(self, number: int) -> object:
        return self._parameters[number - 1] if 1 <= number <= len(self._parameters) else _Missing

    def _parameter(self, number: int) -> Literal | None:
        return _python(self._raw_parameter(number))

    def _folded(self, node: pb.Node) -> Literal | None:
        return None if self._fold is None else self._fold(node)


class _Missing:
    """The value of a parameter that was not given."""


def _python(value: object) -> Literal | None:
    if value is None:
        return Literal(None)
    if isinstance(value, _SCALARS):
        return Literal(value, is_typed=not isinstance(value, str))
    return None


def _plain(constant: pb.A_Const) -> Literal | None:
    if constant.isnull:
        return Literal(None)
    kind = constant.WhichOneof("val")
    if kind == "ival":
        return Literal(constant.ival.ival)
    if kind == "boolval":
        return Literal(constant.boolval.boolval)
    if kind == "sval":
        return Literal(constant.sval.sval, is_typed=False)
    if kind == "fval":  # libpg_query's word for every number that is no int4, with its digits kept
        text = constant.fval.fval
        try:
            if "e" in text.lower():
                return Literal(float(text))  # DuckDB reads 1e3 as DOUBLE
            return Literal(Decimal(text) if "." in text else int(text))
        except (ValueError, InvalidOperation):
            return None  # 0x1F, 1_000
    return None


def _signed(operator: str, literal: Literal) -> Literal | None:
    value = literal.value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if operator == "-":
        return Literal(-value)
    return literal if operator == "+" else None


def _cast(literal: Literal, type_name: pb.TypeName) -> Literal | None:
    name, value = type_name_of(type_name), literal.value
    if value is None:
        return Literal(None)
    if type_name.typmods:
        return None
    if isinstance(value, str):
        return _cast_text(value, name)
    if name in {"int2", "int4", "int8"} and isinstance(value, int):
        return literal  # out of its range, the engine raises
    if name == "bool" and isinstance(value, bool):
        return literal
    if name == "date" and isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return literal
    if name == "timestamp" and isinstance(value, dt.datetime) and value.tzinfo is None:
        return literal
    if name == "timestamptz" and isinstance(value, dt.datetime) and value.tzinfo is not None:
        return literal
    return None


def _cast_text(text: str, name: str) -> Literal | None:
    if name in {"text", "varchar"}:
        return Literal(text)
    value: Value = None
    try:
        if name in {"int2", "int4", "int8"} and text.lstrip("+-").isascii() and text.lstrip("+-").isdigit():
            value = int(text)
        elif name == "date" and len(text) == 10:
            value = dt.date.fromisoformat(text)
        elif name == "timestamp" and len(text) in {10, 19} and text[4:5] == "-":
            value = dt.datetime.fromisoformat(text)
        elif name == "timestamptz" and len(text) >= 20 and text[4:5] == "-":
            parsed = dt.datetime.fromisoformat(text)
            value = parsed if parsed.tzinfo is not None else None
        elif name == "uuid":
            value = uuid.UUID(text)
        elif name == "bool" and text.lower() in {"t", "true", "f", "false"}:
            value = text.lower() in {"t", "true"}
    except ValueError:
        return None
    return None if value is None else Literal(value)
