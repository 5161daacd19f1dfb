"""pg_settings as a session sees it: what it has set, in the units that the view counts in. Pure.

The catalog has the server's own values. A statement that reads pg_settings gets, in its place, a subquery that puts
the session's over them, so that the engine need not know of settings.
Source: PostgreSQL 16 manual, "pg_settings".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg

from fsspeckit_lib.sql.messages import child_messages
from fsspeckit_sqlserver.catalog.definitions import data_lines
from fsspeckit_sqlserver.deparsing import quoted_text
from fsspeckit_sqlserver.session.guc import SETTINGS, milliseconds
from fsspeckit_sqlserver.session.settings import SessionSettings

__all__ = ["put_settings", "setting_of"]

_HIDDEN: Final = frozenset({"session_authorization", "role", "is_superuser"})
_BYTES: Final = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_TIMES: Final = {"ms": 1, "s": 1_000, "min": 60_000}
_COLUMNS: Final = (
    *("name", "setting", "unit", "category", "short_desc", "extra_desc", "context", "vartype", "source", "min_val"),
    *("max_val", "enumvals", "boot_val", "reset_val", "sourcefile", "sourceline", "pending_restart"),
)
_CHANGED: Final = frozenset({"setting", "source", "reset_val"})
_CUSTOM: Final = {
    "name": "v.name",
    "setting": "v.setting",
    "source": "v.source",
    "reset_val": "v.reset_val",
    "category": "'Customized Options'",
    "short_desc": "''",
    "context": "'user'",
    "vartype": "'string'",
    "sourceline": "NULL::int4",
    "enumvals": "NULL::text[]",
    "pending_restart": "false",
}


def put_settings(settings: SessionSettings, message: Message) -> bool:
    """Put the session's pg_settings where a tree reads it; returns whether it did."""
    found = False
    if isinstance(message, pg.Node) and message.WhichOneof("node") == "range_var":
        table = message.range_var
        if table.relname == "pg_settings" and table.schemaname in {"", "pg_catalog"}:
            alias = pg.Alias()
            alias.CopyFrom(table.alias)
            alias.aliasname = alias.aliasname or "pg_settings"
            message.range_subselect.subquery.CopyFrom(_view(settings))
            message.range_subselect.alias.CopyFrom(alias)
            return True
    for child in child_messages(message):
        found = put_settings(settings, child) or found
    return found


def setting_of(settings: SessionSettings, name: Any) -> pg.Node:
    """Return the value of the setting whose name an expression gives, NULL where there is none."""
    rows = ", ".join(
        f"({quoted_text(key.lower())}, {quoted_text(value)})" for key, value in settings.all_values().items()
    )
    query = f"SELECT (SELECT min(gw_v.setting) FROM (VALUES {rows}) AS gw_v(name, setting) WHERE gw_v.name = lower(x))"
    node = postgast.parse(query).stmts[0].stmt.select_stmt.target_list[0].res_target.val
    condition = node.sub_link.subselect.select_stmt.where_clause
    condition.a_expr.rexpr.func_call.args[0].CopyFrom(name)
    copy = pg.Node()
    copy.CopyFrom(node)
    return copy


def _view(settings: SessionSettings) -> Any:
    """Return the query that stands for pg_settings."""
    units, known, added = _units(), [], []
    for name, value in settings.all_values().items():
        if name.lower() in _HIDDEN or name.lower() not in SETTINGS:  # custom ones are not shown
            continue
        unit, default = units.get(name.lower(), ("", None))
        shown, back = _counted(value, unit), _counted(settings.reset_value(name), unit)
        source = settings.source(name)
        row = f"({quoted_text(name)}, {quoted_text(shown)}, {quoted_text(source)}, {quoted_text(back)})"
        if default is None:
            added.append(row)
        elif (shown, back, source) != (default, default, "default"):
            known.append(row)
    nobody = "(NULL::text, NULL::text, NULL::text, NULL::text)"
    listing = ", ".join(
        f"coalesce(v.{column}, s.{column}) AS {column}" if column in _CHANGED else f"s.{column}" for column in _COLUMNS
    )
    query = (
        f"SELECT {listing} FROM pg_catalog.pg_settings s LEFT JOIN (VALUES {', '.join([nobody, *known])}) "
        "AS v(name, setting, source, reset_val) ON v.name = s.name"
    )
    if added:
        others = ", ".join(f"{_CUSTOM.get(column, 'NULL::text')} AS {column}" for column in _COLUMNS)
        query += f" UNION ALL SELECT {others} FROM (VALUES {', '.join(added)}) AS v(name, setting, source, reset_val)"
    return postgast.parse(query).stmts[0].stmt


@lru_cache(maxsize=1)
def _units() -> dict[str, tuple[str, str | None]]:
    """Return what the catalog has: folded name → unit, value."""
    found: dict[str, tuple[str, str | None]] = {}
    for line in data_lines("settings"):
        fields = line.split("|")
        own = {"server_version": "16.4", "server_version_num": "160004", "TimeZone": "UTC"}
        found[fields[0].lower()] = (fields[1], own.get(fields[0], fields[-1]))
    return found


def _counted(value: str, unit: str) -> str:
    """Return a value as SHOW prints it (`4MB`, `5min`) as the number that the view has, of its unit."""
    if not unit or value.lstrip("-").isdigit() or not value:
        return value
    if unit in _TIMES:
        return str(milliseconds("", value) // _TIMES[unit])
    digits = value.rstrip("BkMGT")
    size = _BYTES.get(value[len(digits) :])
    count = unit.rstrip("BkMGT")
    per = _BYTES.get(unit[len(count) :])
    if size is None or per is None or not digits.isdigit():
        return value
    return str(int(digits) * size // (per * int(count or 1)))
