"""Constants, rows and parameters that become values of a composite type, as DuckDB's structs. Pure.

A composite type has no name in DuckDB that a cast could use: `'(1,b)'::struct_0a1b2c3d` is written field by field.
Source: record_in of PostgreSQL 15; the manual, "Composite Types".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import CannotCoerce, InvalidText, UnsupportedStatement
from fsspeckit_sqlserver.engine.trees import call, cast, copied, null, parsed_expression, replace_node, string
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.composite import RowArrayOid, RowTypeOid
from fsspeckit_sqlserver.types.oids import SHOWN_NAMES
from fsspeckit_sqlserver.types.record_in import split_record

__all__ = ["cast_to_row", "fields_of_star", "note_null_test", "row_constant"]

Settle = Callable[[pb.Node, int], None]
"""A cast of a constant, and the type it is cast to: writes the constant as DuckDB reads it."""

_STAR: Final = "a_star"


def row_constant(text: str, oid: RowTypeOid, settle: Settle) -> pb.Node:
    """Return the value that a record's text means.

    Raises:
        InvalidText: it is none of this type, in PostgreSQL's words.
    """
    fields = oid.row_type.fields
    try:
        parts = split_record(text, len(fields))
    except ValueError as error:
        raise InvalidText(f'malformed record literal: "{text}"') from error
    return _packed(fields, (null() if part is None else string(part) for part in parts), settle)


def _packed(fields: Iterable[Column], values: Iterable[pb.Node], settle: Settle) -> pb.Node:
    packed = call("struct_pack")
    for field, value in zip(fields, values, strict=True):
        named = packed.func_call.args.add().named_arg_expr
        named.name = field.name
        named.argnumber = -1
        named.arg.CopyFrom(_field(field, value, settle))
    return packed


def _field(field: Column, value: pb.Node, settle: Settle) -> pb.Node:
    text = value.a_const.sval.sval if value.a_const.WhichOneof("val") == "sval" else None
    if isinstance(field.type_oid, RowTypeOid):
        if text is not None:
            return row_constant(text, field.type_oid, settle)
        made = cast(value, pb.TypeName(typemod=-1))
        cast_to_row(made, field.type_oid, settle, None)
        return made
    made = cast(value, _type_name(field))
    settle(made, field.type_oid)
    return made


def _type_name(field: Column) -> pb.TypeName:
    element = oids.ELEMENT_OF.get(field.type_oid)
    name = SHOWN_NAMES.get(element or field.type_oid)
    if name is None or isinstance(field.type_oid, RowArrayOid):
        raise UnsupportedStatement(f"a composite value with an array of rows, {field.name}, cannot be written here")
    if field.type_oid == oids.NUMERIC and field.typmod >= 4:
        name = f"numeric({(field.typmod - 4) >> 16}, {(field.typmod - 4) & 0xFFFF})"
    written = parsed_expression(f"NULL::{name}{'[]' if element else ''}").type_cast.type_name
    found = pb.TypeName()
    found.CopyFrom(written)
    return found


def cast_to_row(node: pb.Node, oid: RowTypeOid, settle: Settle, source: int | None) -> None:
    """Rewrite a cast to a composite type.

    Args:
        source: the argument's type, None where it is not known.

    Raises:
        CannotCoerce: a row of another width.
        InvalidText: a text that is no such record.
        UnsupportedStatement: what is neither constant, row, parameter nor of the type already.
    """
    argument = node.type_cast.arg
    kind = argument.WhichOneof("node")
    fields = oid.row_type.fields
    if kind == "a_const" and argument.a_const.WhichOneof("val") == "sval":
        replace_node(node, row_constant(argument.a_const.sval.sval, oid, settle))
    elif kind == "row_expr":
        if len(argument.row_expr.args) != len(fields):
            raise CannotCoerce(f"cannot cast type record to {oid.row_type.name}")
        replace_node(node, _packed(fields, [copied(item) for item in argument.row_expr.args], settle))
    elif argument.a_const.isnull or kind == "param_ref":
        choice = parsed_expression("CASE WHEN false THEN a ELSE b END")
        empty = _packed(fields, (null() for _ in fields), settle)
        choice.case_expr.args[0].case_when.result.CopyFrom(empty)
        choice.case_expr.defresult.CopyFrom(argument)
        replace_node(node, choice)
    elif source == oid:
        replace_node(node, copied(argument))
    else:
        raise UnsupportedStatement(
            f"a cast to {oid.row_type.name} of what is neither a constant, a row nor a parameter is not supported",
            "Write the row: ROW(...).",
        )


def note_null_test(node: pb.Node, oid: RowTypeOid) -> None:
    """A composite value is NULL when all of its fields are, and NOT NULL when none is."""
    test = node.null_test
    if test.arg.WhichOneof("node") != "column_ref":
        macro = "row_is_null" if test.nulltesttype == pb.IS_NULL else "row_is_not_null"
        replace_node(node, call(("gw_pg", macro), test.arg))
        return
    every = pb.Node()
    every.bool_expr.boolop = pb.AND_EXPR
    for field in oid.row_type.fields:
        part = every.bool_expr.args.add().null_test
        part.nulltesttype = test.nulltesttype
        part.arg.CopyFrom(call("struct_extract", test.arg, string(field.name)))
    replace_node(node, every)


def fields_of_star(target: pb.Node) -> pb.Node | None:
    """Turn `(x).*` of a SELECT list into columns; return x, None where it is something else."""
    value = target.res_target.val
    steps = value.a_indirection.indirection
    if value.WhichOneof("node") != "a_indirection" or not steps or steps[-1].WhichOneof("node") != _STAR:
        return None
    del steps[-1]
    inner = copied(value if steps else value.a_indirection.arg)
    target.res_target.name = ""
    replace_node(value, call("unnest", inner))
    return target.res_target.val.func_call.args[0]
