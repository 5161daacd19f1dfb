"""Which tables a statement names. Pure: a walk over PostgreSQL's parse tree, never over its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.errors import BadInput
from fsspeckit_lib.sql.parsing import parse_tree

__all__ = ["child_messages", "table_names"]


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


_field_kinds: dict[Any, int] = {}
"""Field descriptor → 0 for no message, 1 for one, 2 for a list of them. Asking the descriptor takes three times as
long, and a statement with 30,000 parameters asks ten million times."""


_LEAVES: Final = frozenset({pb.ParamRef, pb.String, pb.Integer, pb.Float, pb.Boolean, pb.BitString, pb.A_Star})


def child_messages(message: Message) -> Sequence[Any]:
    """Return the messages directly below one message, in the order of its fields."""
    made = type(message)
    if made in _LEAVES:
        return ()
    if made is pb.Node:  # every other one: five times as fast as by its fields
        name = message.WhichOneof("node")
        return () if name is None else (getattr(message, name),)
    found: list[Any] = []
    for field, value in message.ListFields():
        kind = _field_kinds.get(field)
        if kind is None:
            kind = 0 if field.type != field.TYPE_MESSAGE else 2 if field.is_repeated else 1
            _field_kinds[field] = kind
        if kind == 1:
            found.append(value)
        elif kind:
            found.extend(value)
    return found


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
