"""What the catalog shows of the session itself: cursors, prepared statements, locks, activity, channels. Pure.

As with pg_settings, a statement that reads one of these views gets a subquery of the session's rows in its place, so
that the engine need not know of them; a call of a function that returns rows becomes one of `unnest`. Other sessions
are not shown.
Source: PostgreSQL 15 manual, "System Views"; `lockfuncs.c` for how the keys of advisory locks are shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg

from fsspeckit_lib.sql.messages import child_messages
from fsspeckit_sqlserver.catalog.definitions import relation_definitions, type_definitions
from fsspeckit_sqlserver.deparsing import quoted_text
from fsspeckit_sqlserver.session.nodes import function_name
from fsspeckit_sqlserver.session.state import SessionState
from fsspeckit_sqlserver.statement import Statement

__all__ = ["SESSION_VIEWS", "put_session_views"]

_Row: TypeAlias = Mapping[str, object]
_DATABASE: Final = "(SELECT oid FROM pg_catalog.pg_database WHERE datname = {})"
_CHANNELS: Final = "pg_listening_channels"
_AS_TEXT: Final = frozenset({"inet", "xid", "name", "regtype[]"})


class _Query(str):
    """A value that the catalog is asked for."""

    __slots__ = ()


def _cursors(state: SessionState, _statement: Statement) -> list[_Row]:
    return [
        {
            "name": portal.name,
            "statement": portal.text or _text(portal.prepared.statement),
            "is_holdable": portal.hold,
            "is_binary": bool(portal.formats) and all(portal.formats),
            "is_scrollable": portal.scroll is not None,
            "creation_time": portal.made_at,
        }
        for portal in state.portals.values()
    ]


def _prepared(state: SessionState, _statement: Statement) -> list[_Row]:
    return [
        {
            "name": prepared.name,
            "statement": prepared.text or _text(prepared.statement),
            "prepare_time": prepared.made_at,
            "parameter_types": [_type_name(oid) for oid in prepared.parameter_oids],
            "from_sql": prepared.from_sql,
            "generic_plans": 0,
            "custom_plans": 0,
        }
        for prepared in state.statements.values()
        if prepared.name
    ]


def _locks(state: SessionState, _statement: Statement) -> list[_Row]:
    rows: list[_Row] = []
    for key, is_shared in dict.fromkeys((*state.held_locks, *state.transaction_locks)):
        low = key[-1] & 0xFFFFFFFF
        high = key[0] & 0xFFFFFFFF if len(key) > 1 else (key[0] >> 32) & 0xFFFFFFFF
        rows.append(
            {
                "locktype": "advisory",
                "database": _Query(_DATABASE.format(quoted_text(state.database))),
                "classid": high,
                "objid": low,
                "objsubid": len(key) if len(key) > 1 else 1,
                "virtualtransaction": f"1/{state.process_id}",
                "pid": state.process_id,
                "mode": "ShareLock" if is_shared else "ExclusiveLock",
                "granted": True,
                "fastpath": False,
            }
        )
    return rows


def _activity(state: SessionState, statement: Statement) -> list[_Row]:
    now = dt.datetime.now(dt.UTC)
    return [
        {
            "datid": _Query(_DATABASE.format(quoted_text(state.database))),
            "datname": state.database,
            "usesysid": 10,
            "pid": state.process_id,
            "usename": state.user,
            "application_name": state.settings.get("application_name"),
            "backend_start": state.started_at,
            "xact_start": now,
            "query_start": now,
            "state_change": now,
            "state": "active",
            "query": statement.sql,
            "backend_type": "client backend",
        }
    ]


def _channels(state: SessionState, _statement: Statement) -> list[_Row]:
    return [{_CHANNELS: channel} for channel in state.channels]


SESSION_VIEWS: Final[Mapping[str, Callable[[SessionState, Statement], list[_Row]]]] = {
    "pg_cursors": _cursors,
    "pg_prepared_statements": _prepared,
    "pg_locks": _locks,
    "pg_stat_activity": _activity,
    _CHANNELS: _channels,
}
"""View, or function that returns rows → its rows."""


def put_session_views(state: SessionState, statement: Statement, message: Message) -> bool:
    """Put the session's rows where a tree reads these views; returns whether it did."""
    found = False
    if isinstance(message, pg.Node) and message.WhichOneof("node") == "range_var":
        table = message.range_var
        if table.relname in _columns() and table.schemaname in {"", "pg_catalog"}:
            alias = pg.Alias()
            alias.CopyFrom(table.alias)
            alias.aliasname = alias.aliasname or table.relname
            rows = SESSION_VIEWS[table.relname](state, statement)
            message.range_subselect.subquery.CopyFrom(_query(table.relname, rows))
            message.range_subselect.alias.CopyFrom(alias)
            return True
    if isinstance(message, pg.Node) and _lists_channels(message):
        values = ", ".join(quoted_text(str(row[_CHANNELS])) for row in _channels(state, statement))
        call = postgast.parse(f"SELECT pg_catalog.unnest(ARRAY[{values}]::text[])").stmts[0].stmt.select_stmt
        message.CopyFrom(call.target_list[0].res_target.val)
        return True
    _keep_name(message)
    for child in child_messages(message):
        found = put_session_views(state, statement, child) or found
    return found


def _keep_name(message: Message) -> None:
    """Name what is about to be replaced as it would have been."""
    if isinstance(message, pg.ResTarget) and not message.name and _lists_channels(message.val):
        message.name = _CHANNELS
    if isinstance(message, pg.RangeFunction) and not message.alias.aliasname:
        parts = message.functions[0].list.items if len(message.functions) == 1 else ()
        if parts and _lists_channels(parts[0]):
            message.alias.aliasname = _CHANNELS


def _lists_channels(node: Any) -> bool:
    return node.WhichOneof("node") == "func_call" and function_name(node.func_call) == _CHANNELS


def _query(view: str, rows: Sequence[_Row]) -> Any:
    columns = _columns()[view]
    parts = [
        "SELECT " + ", ".join(f"{_constant(row.get(name), kind)} AS {name}" for name, kind in columns) for row in rows
    ]
    empty = "SELECT " + ", ".join(f"{_constant(None, kind)} AS {name}" for name, kind in columns) + " WHERE false"
    return postgast.parse(" UNION ALL ".join(parts or [empty])).stmts[0].stmt


def _constant(value: object, kind: str) -> str:
    shown = "text" + ("[]" if kind.endswith("[]") else "") if kind in _AS_TEXT else kind
    if value is None:
        return f"NULL::{shown}"
    if isinstance(value, _Query):
        return str(value)
    if isinstance(value, list):
        return f"ARRAY[{', '.join(quoted_text(str(item)) for item in value)}]::{shown}"
    text = value.isoformat(" ") if isinstance(value, dt.datetime) else str(value).lower()
    return f"{quoted_text(str(value) if isinstance(value, str) else text)}::{shown}"


def _text(statement: Statement | None) -> str:
    return "" if statement is None else statement.source.strip() or statement.sql


def _type_name(oid: int) -> str:
    return _type_names().get(oid, str(oid))


@lru_cache(maxsize=1)
def _type_names() -> Mapping[int, str]:
    return {kind.oid: kind.shown_name for kind in type_definitions()}


@lru_cache(maxsize=1)
def _columns() -> Mapping[str, list[tuple[str, str]]]:
    """Return name and type of the columns of each view."""
    found = {}
    for relation in relation_definitions():
        if relation.name in SESSION_VIEWS:
            found[relation.name] = [
                (column.name, f"{column.type_name[1:]}[]" if column.type_name.startswith("_") else column.type_name)
                for column in relation.columns
            ]
    return found
