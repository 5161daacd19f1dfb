"""What `||` joins: texts, arrays, arrays and elements, bytes. Pure: changes a copied tree."""

from __future__ import annotations

from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.coercions import cast_literal
from fsspeckit_sqlserver.engine.trees import call, cast, copied, replace_node, type_name
from fsspeckit_sqlserver.engine.typing_rules import TEXTS
from fsspeckit_sqlserver.types import oids

__all__ = ["concatenation"]

_WRITTEN: Final = frozenset({oids.DATE, oids.TIMESTAMP, oids.TIMESTAMPTZ, oids.INTERVAL, oids.FLOAT4, oids.FLOAT8})
"""Types whose text PostgreSQL writes otherwise than DuckDB."""


def concatenation(node: pb.Node, left: int | None, right: int | None, date_order: str | None) -> int | None:
    """Return the type of `left || right`; an element is put to an array by DuckDB's function for it.

    Args:
        date_order: how a date such as 1/2/2003 is read; None where nothing may be changed.
    """
    expression = node.a_expr
    if left in oids.ELEMENT_OF and right is not None and right not in oids.ELEMENT_OF and date_order is not None:
        replace_node(node, call("list_append", expression.lexpr, expression.rexpr))
        return left
    if right in oids.ELEMENT_OF and left is not None and left not in oids.ELEMENT_OF and date_order is not None:
        replace_node(node, call("list_prepend", expression.lexpr, expression.rexpr))
        return right
    if left in oids.ELEMENT_OF and right in oids.ELEMENT_OF and date_order is not None:  # one may be NULL
        replace_node(node, call(("gw_pg", "array_cat"), expression.lexpr, expression.rexpr))
        return left
    if left in oids.ELEMENT_OF or right in oids.ELEMENT_OF:
        return left if left in oids.ELEMENT_OF else right
    if left == right == oids.BYTEA:
        return oids.BYTEA
    for side, kind in ((expression.lexpr, left), (expression.rexpr, right)):
        is_written = kind in _WRITTEN or (kind == oids.BYTEA and bool({left, right} & TEXTS))
        if is_written and date_order is not None:
            replace_node(side, cast(copied(side), type_name("text")))
            cast_literal(side, kind, oids.TEXT, date_order)
            return oids.TEXT
    is_quoted = all(side.a_const.WhichOneof("val") == "sval" for side in (expression.lexpr, expression.rexpr))
    return oids.TEXT if {left, right} & TEXTS or is_quoted else None
