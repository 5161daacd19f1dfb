"""Which type each `$n` of a statement has, where the client leaves it open. Pure.

DuckDB does not report parameter types, so they are told from the tree, as PostgreSQL does: `parameter_types` has the
walk, here is what surrounds it, and the casts by which DuckDB binds them so.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import IndeterminateDatatype, UndefinedParameter
from fsspeckit_sqlserver.engine.parameter_expressions import ColumnOids
from fsspeckit_sqlserver.engine.parameter_types import ParameterTypes
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

__all__ = [
    "ColumnOids",
    "cast_parameters",
    "count_parameters",
    "drop_void_arguments",
    "infer_parameters",
    "oid_of_type",
    "oid_of_value",
]

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
_REG_OIDS: Final = frozenset({oids.REGCLASS, oids.REGTYPE, oids.REGPROC, oids.REGNAMESPACE, oids.REGROLE})
_SPOKEN: Final = frozenset(
    {*_OID_TYPES, *_REG_OIDS, *(oids.ARRAY_OF[oid] for oid in _OID_TYPES if oid in oids.ARRAY_OF)}
)
_REG_TYPES: Final = frozenset({"regclass", "regtype", "regproc", "regnamespace", "regrole"})
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
    numbers = {_number(part) for part in walk(message) if isinstance(part, pb.ParamRef)}
    known = {number: oid for number, oid in enumerate(declared, 1) if oid and oid != oids.UNKNOWN}
    if len(numbers) < max(numbers, default=0):
        missing = next((each for each in range(1, max(numbers)) if each not in numbers and each not in known), None)
        if missing is not None:
            raise IndeterminateDatatype(f"could not determine data type of parameter ${missing}")
    if numbers <= known.keys():
        return known
    types = ParameterTypes(column_oids, dict(known), oid_of_type)
    types.statement(message)
    for number, oid in types.found.items():
        if number not in known and (oid in _SPOKEN or isinstance(oid, RowTypeOid | RowArrayOid)):
            known[number] = oids.TEXT if oid in _REG_OIDS else oid
    return known


def drop_void_arguments(message: Message, declared: Sequence[int]) -> None:
    """Take arguments that are declared void out of calls: JDBC's `{? = call f(?)}` has one for the result.

    Source: PostgreSQL's `ParseFuncOrColumn`.
    """
    void = {number for number, oid in enumerate(declared, 1) if oid == oids.VOID}
    for part in walk(message):
        if isinstance(part, pb.FuncCall):
            kept = [each for each in part.args if each.param_ref.number not in void]
            if len(kept) < len(part.args):
                del part.args[:]
                part.args.extend(kept)


def cast_parameters(message: Message, types: Mapping[int, int]) -> None:
    """Put a cast around every `$n` of a known type, so that DuckDB binds it as announced.

    Text is left to what stands beside it, except alone in a SELECT list, where it is a text column.
    """
    if isinstance(message, pb.ResTarget) and message.val.WhichOneof("node") == "param_ref":
        oid = types.get(message.val.param_ref.number, oids.TEXT)
        element = oids.ELEMENT_OF.get(oid, 0)
        if oid in _NOT_CAST or element in _NOT_CAST - {0}:
            word = "varchar" if oids.VARCHAR in {oid, element} else "text"
            replace_node(message.val, cast(copied(message.val), type_name(word, array_dimensions=1 if element else 0)))
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
