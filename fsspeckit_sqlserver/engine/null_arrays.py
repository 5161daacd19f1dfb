"""`x = ANY ($1)` where the parameter may be NULL, and it matters that the answer then is NULL, not false. Pure.

Where a condition only has to be true, in WHERE under AND and OR, both are the same, and the comparison stays as it is:
files and rows are found by it. Everywhere else the array goes through a macro that the operators' rule takes for an
array that may be NULL.
"""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.trees import call, copied, walk

__all__ = ["mind_null_arrays"]


def mind_null_arrays(message: Message) -> None:
    """Mark the arrays of a statement's tree, in place."""
    found = [part for part in walk(message) if isinstance(part, pb.A_Expr) and _is_any_of_parameter(part)]
    if not found:
        return
    plain = [
        test
        for part in walk(message)
        if isinstance(part, pb.SelectStmt) and part.HasField("where_clause")
        for test in _tests(part.where_clause)
    ]
    for test in found:
        if not any(test is other for other in plain):
            test.rexpr.CopyFrom(call(("gw_pg", "gw_rows"), copied(test.rexpr)))


def _is_any_of_parameter(test: pb.A_Expr) -> bool:
    array = test.rexpr.type_cast.arg if test.rexpr.WhichOneof("node") == "type_cast" else test.rexpr
    return bool(test.kind == pb.AEXPR_OP_ANY) and array.WhichOneof("node") == "param_ref"


def _tests(node: pb.Node) -> Iterator[pb.A_Expr]:
    """Yield the comparisons of a condition that only has to be true."""
    if node.WhichOneof("node") == "a_expr":
        yield node.a_expr
    elif node.WhichOneof("node") == "bool_expr" and node.bool_expr.boolop != pb.NOT_EXPR:
        for argument in node.bool_expr.args:
            yield from _tests(argument)
