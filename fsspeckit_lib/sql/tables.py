"""Which tables a statement names. Pure: a walk over PostgreSQL's parse tree, never over its text."""

from __future__ import annotations

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.errors import BadInput
from fsspeckit_lib.sql.messages import child_messages
from fsspeckit_lib.sql.parsing import parse_tree

__all__ = ["table_names"]


def table_names(sql: str) -> list[str]:
    """Return the tables a text of SQL reads or writes, as written (`t`, `schema.t`), in order of appearance, once each.

    Names of common table expressions are not tables inside the statement that defines them.

    Raises:
        BadInput: not PostgreSQL's SQL.
    """
    try:
        tree = parse_tree(sql)
    except postgast.PgQueryError as error:
        raise BadInput(f"SQL: {error.message}") from error
    found: dict[str, None] = {}
    for statement in tree.stmts:
        _collect(statement.stmt, frozenset(), found)
    return list(found)


def _collect(message: Message, hidden: frozenset[str], found: dict[str, None]) -> None:
    if isinstance(message, pb.RangeVar):
        name = f"{message.schemaname}.{message.relname}" if message.schemaname else message.relname
        if message.schemaname or message.relname not in hidden:
            found.setdefault(name)
        return
    with_clause: pb.WithClause | None = getattr(message, "with_clause", None)
    if with_clause is not None and with_clause.ctes:
        visible = hidden
        for cte in with_clause.ctes:
            name = cte.common_table_expr.ctename
            inner = visible | {name} if with_clause.recursive else visible
            _collect(cte.common_table_expr.ctequery, inner, found)
            visible = visible | {name}
        hidden = visible
    for child in child_messages(message):
        if not isinstance(child, pb.WithClause):
            _collect(child, hidden, found)
