"""Building and walking PostgreSQL parse trees (libpg_query's protobuf, through postgast). Pure.

Trees are copied before they are changed: a `Statement`'s tree is shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.sql.messages import child_messages

__all__ = [
    "call",
    "cast",
    "child_messages",
    "column",
    "copied",
    "function_name",
    "integer",
    "integer_value",
    "names_of",
    "null",
    "operation",
    "parsed_expression",
    "parsed_select",
    "replace_node",
    "string",
    "string_value",
    "type_name",
    "walk",
]


def walk(message: Message) -> Iterator[Message]:
    """Yield a message and all below it, parents first, in no order beyond that."""
    pending = [message]
    while pending:
        found = pending.pop()
        yield found
        pending.extend(child_messages(found))


def copied(node: pb.Node) -> pb.Node:
    """Return a deep copy of a node."""
    copy = pb.Node()
    copy.CopyFrom(node)
    return copy


def replace_node(node: pb.Node, new: pb.Node) -> None:
    """Put `new` in the place of `node`; `new` may contain a copy of the old one, not the old one itself."""
    node.Clear()
    node.CopyFrom(new)


def operation(symbol: str, left: pb.Node, right: pb.Node) -> pb.Node:
    """Return `left symbol right`."""
    node = pb.Node()
    node.a_expr.kind = pb.AEXPR_OP
    node.a_expr.name.add().string.sval = symbol
    node.a_expr.lexpr.CopyFrom(left)
    node.a_expr.rexpr.CopyFrom(right)
    return node


def string(text: str) -> pb.Node:
    """Return a string constant."""
    node = pb.Node()
    node.a_const.sval.sval = text
    return node


def integer(value: int) -> pb.Node:
    """Return an integer constant."""
    node = pb.Node()
    if -(2**31) < value < 2**31:
        node.a_const.ival.ival = value
    else:
        node.a_const.fval.fval = str(value)
    return node


def null() -> pb.Node:
    """Return NULL."""
    node = pb.Node()
    node.a_const.isnull = True
    return node


def column(*parts: str) -> pb.Node:
    """Return a column reference."""
    node = pb.Node()
    for part in parts:
        node.column_ref.fields.add().string.sval = part
    return node


def type_name(name: str, *typmods: int, array_dimensions: int = 0) -> pb.TypeName:
    """Return a type by its unqualified name."""
    result = pb.TypeName(typemod=-1)
    result.names.add().string.sval = name
    for typmod in typmods:
        result.typmods.add().CopyFrom(integer(typmod))
    for _ in range(array_dimensions):
        result.array_bounds.add().integer.ival = -1
    return result


def cast(argument: pb.Node, to: pb.TypeName) -> pb.Node:
    """Return `argument::to`."""
    node = pb.Node()
    node.type_cast.arg.CopyFrom(argument)
    node.type_cast.type_name.CopyFrom(to)
    return node


def call(name: str | Sequence[str], *arguments: pb.Node) -> pb.Node:
    """Return a function call."""
    node = pb.Node()
    for part in (name,) if isinstance(name, str) else name:
        node.func_call.funcname.add().string.sval = part
    for argument in arguments:
        node.func_call.args.add().CopyFrom(argument)
    node.func_call.funcformat = pb.COERCE_EXPLICIT_CALL
    return node


def function_name(function: pb.FuncCall) -> tuple[str, ...]:
    """Return the parts of a function's name."""
    return names_of(function.funcname)


def names_of(nodes: Sequence[pb.Node]) -> tuple[str, ...]:
    """Return the strings of a list of string nodes."""
    return tuple(node.string.sval for node in nodes)


def string_value(node: pb.Node) -> str | None:
    """Return the text of a string constant, perhaps under a cast to text; None for anything else."""
    kind = node.WhichOneof("node")
    if kind == "a_const" and node.a_const.WhichOneof("val") == "sval":
        return str(node.a_const.sval.sval)
    if kind == "type_cast" and names_of(node.type_cast.type_name.names)[-1:] in {("text",), ("varchar",)}:
        return string_value(node.type_cast.arg)
    return None


def integer_value(node: pb.Node) -> int | None:
    """Return the value of a constant of 32 bits; None for anything else."""
    is_integer = node.WhichOneof("node") == "a_const" and node.a_const.WhichOneof("val") == "ival"
    return int(node.a_const.ival.ival) if is_integer else None


def parsed_select(sql: str) -> pb.SelectStmt:
    """Return the tree of one SELECT that this package wrote."""
    return postgast.parse(sql).stmts[0].stmt.select_stmt


def parsed_expression(sql: str) -> pb.Node:
    """Return the tree of one expression that this package wrote."""
    return parsed_select(f"SELECT {sql}").target_list[0].res_target.val
