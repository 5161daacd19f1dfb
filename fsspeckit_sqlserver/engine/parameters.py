"""Which type each `$n` of a statement has, where the client leaves it open. Pure.

DuckDB does not report parameter types, so they are told from the tree, as PostgreSQL does: a cast, the other side of a
comparison, a LIMIT, the column a value is inserted into. Columns are looked up by name over all relations of the
statement; a name that means columns of several types tells nothing.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import IndeterminateDatatype, UndefinedParameter
from fsspeckit_sqlserver.engine.trees import (
    cast,
    child_messages,
    copied,
    names_of,
    parsed_expression,
    replace_node,
    type_name,
    walk,
)
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.composite import RowArrayOid, RowTypeOid, row_type_named

__all__ = ["ColumnOids", "cast_parameters", "count_parameters", "infer_parameters", "oid_of_type", "oid_of_value"]

ColumnOids = Callable[[Sequence[str]], int | None]
"""Name parts of a column reference → the type OID of the column, None when not known or not one."""

_TYPE_OIDS: Final = {
    "bool": oids.BOOL,
    "bytea": oids.BYTEA,
    "char": oids.CHAR,
    "name": oids.NAME,
    "int8": oids.INT8,
    "int2": oids.INT2,
    "int4": oids.INT4,
    "text": oids.TEXT,
    "oid": oids.OID,
    "json": oids.JSON,
    "jsonb": oids.JSONB,
    "float4": oids.FLOAT4,
    "float8": oids.FLOAT8,
    "bpchar": oids.BPCHAR,
    "varchar": oids.VARCHAR,
    "date": oids.DATE,
    "time": oids.TIME,
    "timestamp": oids.TIMESTAMP,
    "timestamptz": oids.TIMESTAMPTZ,
    "timetz": oids.TIMETZ,
    "interval": oids.INTERVAL,
    "numeric": oids.NUMERIC,
    "uuid": oids.UUID,
    "bit": oids.BIT,
    "varbit": oids.VARBIT,
}
_VALUE_OIDS: Final = (
    (float, oids.FLOAT8),
    (Decimal, oids.NUMERIC),
    (bytes, oids.BYTEA),
    (dt.date, oids.DATE),
    (dt.time, oids.TIME),
    (dt.timedelta, oids.INTERVAL),
    (uuid.UUID, oids.UUID),
)
_OID_TYPES: Final = {oid: name for name, oid in _TYPE_OIDS.items()}
_REG_TYPES: Final = frozenset({"regclass", "regtype", "regproc", "regnamespace", "regrole"})
_COMPARISONS: Final = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
_TEXT_OPERATORS: Final = frozenset({"~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*", "^@"})
_TEXT_ARGUMENTS: Final = frozenset({"date_trunc", "date_part", "lower", "upper", "starts_with", "strpos", "timezone"})
# An OID that is cast to must not turn into a comparison with text: these are left to DuckDB.
_NOT_CAST: Final = frozenset({oids.TEXT, oids.VARCHAR, oids.BPCHAR, oids.NAME, oids.CHAR, oids.UNKNOWN, 0})


_HIGHEST: Final = (2**31 - 1) // 4
"""PostgreSQL's `INT_MAX / sizeof(Oid)`: no `$n` may be higher."""


def count_parameters(message: Message) -> int:
    """Return the highest n of all `$n`.

    Raises:
        UndefinedParameter: `$0`, or one higher than PostgreSQL takes.
    """
    return max((_number(part) for part in walk(message) if isinstance(part, pb.ParamRef)), default=0)


def _number(reference: pb.ParamRef) -> int:
    if not 0 < reference.number <= _HIGHEST:
        raise UndefinedParameter(f"there is no parameter ${reference.number}", None, reference.location + 1)
    return int(reference.number)


def oid_of_type(name: pb.TypeName) -> int | None:
    """Return the OID of a written type."""
    last = names_of(name.names)[-1]
    if last in _REG_TYPES:
        return oids.TEXT  # a name; the cast in the statement looks it up
    oid = _TYPE_OIDS.get(last)
    if oid is None:
        row = row_type_named(last)
        if row is not None:
            return RowArrayOid(row) if name.array_bounds else row
        return oids.INT8 if last in {"bigint"} else None
    return oids.ARRAY_OF.get(oid) if name.array_bounds else oid


def oid_of_value(value: object) -> int:
    """Return the type of a parameter's value where Python tells it; 0 for text, lists and NULL."""
    if isinstance(value, bool):
        return oids.BOOL
    if isinstance(value, int):
        return oids.INT4 if -(2**31) <= value < 2**31 else oids.INT8 if -(2**63) <= value < 2**63 else oids.NUMERIC
    if isinstance(value, dt.datetime):
        return oids.TIMESTAMP if value.tzinfo is None else oids.TIMESTAMPTZ
    for kind, oid in _VALUE_OIDS:
        if isinstance(value, kind):
            return oid
    return 0


def infer_parameters(message: Message, declared: Sequence[int], column_oids: ColumnOids) -> dict[int, int]:
    """Return n → type OID for every `$n` whose type the client declared or the statement tells.

    Raises:
        UndefinedParameter: see `count_parameters`.
        IndeterminateDatatype: a lower n is nowhere in the statement, nor declared. `$999999999` alone would have the
            server make as many types.
    """
    inference = _Inference(column_oids)
    inference.visit(message)
    numbers = inference.numbers
    if len(numbers) < max(numbers, default=0):
        missing = next(
            (
                number
                for number in range(1, max(numbers))
                if number not in numbers and (number > len(declared) or declared[number - 1] in {0, oids.UNKNOWN})
            ),
            None,
        )
        if missing is not None:
            raise IndeterminateDatatype(f"could not determine data type of parameter ${missing}")
    for number, oid in enumerate(declared, 1):
        if oid and oid != oids.UNKNOWN:
            inference.found[number] = oid
    return inference.found


def cast_parameters(message: Message, types: Mapping[int, int]) -> None:
    """Put a cast around every `$n` of a known type, so that DuckDB binds it as announced.

    Text is left to what stands beside it, except alone in a SELECT list, where it is a text column.
    """
    if isinstance(message, pb.ResTarget) and message.val.WhichOneof("node") == "param_ref":
        oid = types.get(message.val.param_ref.number, oids.TEXT)
        element = oids.ELEMENT_OF.get(oid, 0)
        if oid in _NOT_CAST or element in _NOT_CAST - {0}:
            target = type_name("varchar" if oids.VARCHAR in {oid, element} else "text", array_dimensions=bool(element))
            replace_node(message.val, cast(copied(message.val), target))
    if (
        isinstance(message, pb.FuncCall)
        and names_of(message.funcname)[-1] == "substring"
        and len(message.args) == 2
        and message.args[1].WhichOneof("node") == "param_ref"
        and types.get(message.args[1].param_ref.number, 0) == oids.TEXT
    ):  # a pattern, not a place
        message.args[1].CopyFrom(cast(copied(message.args[1]), type_name("text")))
    for child in list(child_messages(message)):
        if isinstance(child, pb.TypeCast) and child.arg.WhichOneof("node") == "param_ref":
            continue
        if isinstance(child, pb.Node) and child.WhichOneof("node") == "param_ref":
            if isinstance(types.get(child.param_ref.number), RowTypeOid):
                _give_fields(child, types[child.param_ref.number])
                continue
            oid = types.get(child.param_ref.number, 0)
            element = oids.ELEMENT_OF.get(oid, 0)
            name = _OID_TYPES.get(element or oid)
            if name is not None and (element or oid) not in _NOT_CAST:
                replace_node(child, cast(copied(child), type_name(name, array_dimensions=1 if element else 0)))
        else:
            cast_parameters(child, types)


def _give_fields(node: pb.Node, oid: int) -> None:
    """Have DuckDB find the type of a struct: it has no name that a cast could use."""
    fields = _empty(oid)
    if fields is not None:
        case = parsed_expression(f"CASE WHEN false THEN {fields} ELSE $1 END")
        case.case_expr.defresult.CopyFrom(node)
        replace_node(node, case)


def _empty(oid: int) -> str | None:
    """Return an expression of a struct of NULLs; None where a field's type cannot be written."""
    if not isinstance(oid, RowTypeOid):
        element = oids.ELEMENT_OF.get(oid, 0)
        name = _OID_TYPES.get(element or oid)
        return None if name is None else f"NULL::{name}{'[]' if element else ''}"
    parts = []
    for field in oid.row_type.fields:
        value = _empty(field.type_oid)
        if value is None:
            return None
        if field.type_oid == oids.NUMERIC and field.typmod >= 4:
            value += f"({(field.typmod - 4) >> 16},{(field.typmod - 4) & 0xFFFF})"
        quoted = field.name.replace('"', '""')
        parts.append(f'"{quoted}" := {value}')
    return f"struct_pack({', '.join(parts)})"


class _Inference:
    def __init__(self, column_oids: ColumnOids) -> None:
        self._column_oids = column_oids
        self.found: dict[int, int] = {}
        self.numbers: set[int] = set()

    def visit(self, message: Message) -> None:
        if isinstance(message, pb.ParamRef):
            self.numbers.add(_number(message))
        elif isinstance(message, pb.TypeCast):
            self._note(message.arg, oid_of_type(message.type_name))
        elif isinstance(message, pb.SelectStmt):
            self._note(message.limit_count, oids.INT8)
            self._note(message.limit_offset, oids.INT8)
            self._note(message.where_clause, oids.BOOL)
        elif isinstance(message, pb.A_Expr):
            self._expression(message)
        elif isinstance(message, pb.BoolExpr):
            for argument in message.args:
                self._note(argument, oids.BOOL)
        elif isinstance(message, pb.FuncCall) and message.args:
            name = names_of(message.funcname)[-1]
            if name in _TEXT_ARGUMENTS:
                self._note(message.args[0], oids.TEXT)
            elif name == "substring" and len(message.args) == 2:
                self._note(message.args[1], oids.TEXT)
        elif isinstance(message, pb.InsertStmt):
            self._insert(message)
        elif isinstance(message, pb.UpdateStmt):
            for target in message.target_list:
                self._note(target.res_target.val, self._column_oids([target.res_target.name]))
        for child in child_messages(message):
            self.visit(child)

    def _note(self, node: pb.Node, oid: int | None) -> None:
        if oid is not None and node.WhichOneof("node") == "param_ref":
            self.found.setdefault(node.param_ref.number, oid)

    def _oid_of(self, node: pb.Node) -> int | None:
        kind = node.WhichOneof("node")
        if kind == "column_ref":
            parts = names_of(node.column_ref.fields)
            return self._column_oids(parts) if all(parts) else None
        if kind == "type_cast":
            return oid_of_type(node.type_cast.type_name)
        if kind == "a_const":
            value = node.a_const.WhichOneof("val")
            if value == "fval":
                return oids.NUMERIC if "." in node.a_const.fval.fval else oids.INT8
            return {"ival": oids.INT4, "boolval": oids.BOOL, "sval": oids.TEXT}.get(value)
        if kind == "sub_link" and node.sub_link.sub_link_type == pb.EXPR_SUBLINK:
            targets = node.sub_link.subselect.select_stmt.target_list
            return self._oid_of(targets[0].res_target.val) if targets else None
        if kind == "func_call" and node.func_call.args:
            name = names_of(node.func_call.funcname)[-1]
            if name in {"lower", "upper", "trim", "btrim", "concat", "substring", "left", "right", "replace"}:
                return oids.TEXT
            if name in {"count", "length", "char_length"}:
                return oids.INT8
            return self._oid_of(node.func_call.args[0]) if name in {"min", "max", "coalesce", "abs"} else None
        if kind == "a_expr" and node.a_expr.kind == pb.AEXPR_OP and node.a_expr.name[-1].string.sval in {"+", "-", "*"}:
            return self._oid_of(node.a_expr.lexpr) or self._oid_of(node.a_expr.rexpr)
        return None

    def _expression(self, expression: pb.A_Expr) -> None:
        symbol = expression.name[-1].string.sval if expression.name else ""
        left, right = expression.lexpr, expression.rexpr
        if expression.kind in {pb.AEXPR_LIKE, pb.AEXPR_ILIKE, pb.AEXPR_SIMILAR} or symbol in _TEXT_OPERATORS:
            self._note(left, oids.TEXT)
            self._note(right, oids.TEXT)
        elif expression.kind in {pb.AEXPR_OP, pb.AEXPR_DISTINCT, pb.AEXPR_NOT_DISTINCT, pb.AEXPR_NULLIF}:
            if symbol == "||":
                self._note(left, oids.TEXT)
                self._note(right, oids.TEXT)
            elif symbol in _COMPARISONS or symbol in {"+", "-", "*", "/", "%"}:
                self._both(left, right, is_comparison=symbol in _COMPARISONS)
        elif expression.kind in {pb.AEXPR_IN, pb.AEXPR_BETWEEN, pb.AEXPR_NOT_BETWEEN, pb.AEXPR_BETWEEN_SYM}:
            known = self._oid_of(left)
            for item in right.list.items:
                self._note(item, known)
                self._note(left, self._oid_of(item))
        elif expression.kind in {pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL}:
            known = self._oid_of(left)
            array = RowArrayOid(known) if isinstance(known, RowTypeOid) else oids.ARRAY_OF.get(known or 0)
            self._note(right, array)

    def _both(self, left: pb.Node, right: pb.Node, *, is_comparison: bool) -> None:
        for one, other in ((left, right), (right, left)):
            known = self._oid_of(other)
            if known in {oids.DATE, oids.TIMESTAMP, oids.TIMESTAMPTZ} and not is_comparison:
                known = None  # date + $1 may be days or an interval
            self._note(one, known)

    def _insert(self, insert: pb.InsertStmt) -> None:
        names = [column.res_target.name for column in insert.cols]
        select = insert.select_stmt.select_stmt
        rows = [row.list.items for row in select.values_lists] or [
            [target.res_target.val for target in select.target_list]
        ]
        for row in rows:
            for place, item in enumerate(row):
                if names and place < len(names):
                    self._note(item, self._column_oids([names[place]]))
