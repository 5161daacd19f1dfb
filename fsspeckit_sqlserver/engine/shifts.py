"""`<<` and `>>` of integers as the processor does them: in two's complement, by a count of 5 or 6 bits. Pure.

DuckDB refuses to shift a negative number to the left, and one whose bits leave the type.
"""

from __future__ import annotations

from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.trees import call, cast, copied, integer, replace_node, type_name
from fsspeckit_sqlserver.types import oids

__all__ = ["shifted"]

_BITS: Final = {oids.INT2: ("int2", 16, 31), oids.INT4: ("int4", 32, 31), oids.INT8: ("int8", 64, 63)}


def shifted(node: pb.Node, symbol: str, kind: int) -> None:
    """Put the macro in the place of a shift whose left side is of an integer type."""
    name, bits, mask = _BITS[kind]
    left, right = copied(node.a_expr.lexpr), copied(node.a_expr.rexpr)
    if symbol == "<<":
        made = call(("gw_pg", "gw_shifted_left"), left, right, integer(bits), integer(mask))
    else:
        made = call(("gw_pg", "gw_shifted_right"), left, right, integer(mask))
    replace_node(node, cast(made, type_name(name)))
