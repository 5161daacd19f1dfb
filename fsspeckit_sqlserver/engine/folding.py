"""Constant expressions in conditions, evaluated by DuckDB itself so that pruning sees what the query will see.

`day >= current_date - 7`, `ts < date_trunc('month', $1::timestamp)`: no column, no subquery, only functions that give
the same value for the whole statement. The time is the statement's own parameter, so both agree on what now is.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import duckdb
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.errors import GatewayError
from fsspeckit_lib.sql import Literal
from fsspeckit_sqlserver.deparsing import deparse
from fsspeckit_sqlserver.engine.dialect import Dialect, Surroundings
from fsspeckit_sqlserver.engine.trees import copied, names_of, parsed_select, walk

__all__ = ["Folder"]

_STABLE_FUNCTIONS: Final = frozenset(
    [
        "now",
        "transaction_timestamp",
        "statement_timestamp",
        "date_trunc",
        "date_part",
        "extract",
        "make_date",
        "make_timestamp",
        "make_interval",
        "to_timestamp",
        "to_date",
        "timezone",
        "date_bin",
        "age",
        "lower",
        "upper",
        "trim",
        "btrim",
        "ltrim",
        "rtrim",
        "concat",
        "substring",
        "left",
        "right",
        "replace",
        "length",
        "abs",
        "round",
        "floor",
        "ceil",
        "ceiling",
        "trunc",
        "mod",
        "power",
        "sqrt",
        "greatest",
        "least",
        "coalesce",
        "nullif",
    ]
)
_STABLE_NODES: Final = frozenset(
    [
        "a_const",
        "type_cast",
        "a_expr",
        "bool_expr",
        "func_call",
        "sqlvalue_function",
        "param_ref",
        "min_max_expr",
        "coalesce_expr",
        "case_expr",
        "case_when",
        "string",
        "integer",
        "named_arg_expr",
    ]
)


class Folder:
    """Evaluates constant expressions of one execution of one statement."""

    def __init__(
        self,
        open_cursor: Callable[[], duckdb.DuckDBPyConnection],
        surroundings: Surroundings,
        parameters: Mapping[str, object],
    ) -> None:
        """Begin.

        Args:
            open_cursor: a connection in the session's time zone; closed after use.
            parameters: by name, the statement's time among them.
        """
        self._open_cursor, self._surroundings, self._parameters = open_cursor, surroundings, parameters

    def __call__(self, node: pb.Node) -> Literal | None:
        """Return the value of a constant expression; None when it is none, or cannot be told."""
        if not _is_stable(node):
            return None
        select = parsed_select("SELECT 1")
        holder = pb.Node()
        holder.select_stmt.CopyFrom(select)
        holder.select_stmt.target_list[0].res_target.val.CopyFrom(copied(node))
        cursor = self._open_cursor()
        try:
            Dialect(self._surroundings).rewrite(holder)
            used = {str(part.number) for part in walk(holder) if isinstance(part, pb.ParamRef)}
            values = {name: value for name, value in self._parameters.items() if name in used}
            relation = cursor.sql(deparse("select_stmt", holder.select_stmt), params=values or None)
            value = relation.to_arrow_reader(1).read_next_batch().column(0)[0].as_py()
        except (duckdb.Error, GatewayError, StopIteration):
            return None  # the statement itself will say what is wrong
        finally:
            cursor.close()
        if value is None or isinstance(
            value, bool | int | float | Decimal | str | bytes | dt.date | dt.time | uuid.UUID
        ):
            return Literal(value)
        return None


def _is_stable(node: Message) -> bool:
    for part in walk(node):
        if isinstance(part, pb.Node) and part.WhichOneof("node") not in _STABLE_NODES:
            return False
        if isinstance(part, pb.FuncCall) and names_of(part.funcname)[-1] not in _STABLE_FUNCTIONS:
            return False
    return True
