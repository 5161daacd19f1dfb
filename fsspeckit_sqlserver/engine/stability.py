"""Which functions and relations give the same again: DuckDB's own word, carried through macros and views.

DuckDB says of each function whether it is CONSISTENT, CONSISTENT_WITHIN_QUERY or VOLATILE. Of a macro it says nothing:
a macro is as stable as what it calls and reads, and so is a view. What is not known is not stable.

Session variables (`getvariable`) count as stable in the catalog's own macros and views, and only there: they hold the
user, the database and the search path, which are part of every kept answer's key (`Connections.identity`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.catalog.definitions import DUCKDB_SCHEMAS, SESSION_RELATIONS
from fsspeckit_sqlserver.engine.resolve import SCAN_SCHEMA
from fsspeckit_sqlserver.engine.trees import names_of, walk

__all__ = ["Stability", "is_time_word", "learn_stability", "reads_clock"]

_OWN_SCHEMAS: Final = frozenset(DUCKDB_SCHEMAS.values())
_UNDERSTATED: Final = frozenset({"age", "current_localtime", "current_localtimestamp"})
"""Called CONSISTENT by DuckDB 2.0, and yet they read the clock; `age` only with one argument."""
_ROW_FUNCTIONS: Final = frozenset({"generate_series", "range", "unnest", "json_each", "json_tree", "repeat"})
"""Table functions, of which DuckDB says nothing, that compute from their arguments alone."""
_SYNTAX: Final = frozenset({"grouping", "coalesce", "row", "is distinct from", "is not distinct from"})
"""Read by DuckDB's parser as functions without being listed as such."""
_BARE_WORDS: Final = frozenset(
    ["current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp",
     "current_user", "localtime", "localtimestamp", "session_user", "user"]
)  # fmt: skip
"""What DuckDB takes for a call when there is no column of that name."""
_TIME_WORDS: Final = frozenset({"now", "today", "tomorrow", "yesterday"})
"""Texts that become a time when they are cast: PostgreSQL 16 manual, "Special Values" of date and time."""
_CLOCK_VALUES: Final = frozenset(
    {
        pb.SVFOP_CURRENT_DATE, pb.SVFOP_CURRENT_TIME, pb.SVFOP_CURRENT_TIME_N, pb.SVFOP_CURRENT_TIMESTAMP,
        pb.SVFOP_CURRENT_TIMESTAMP_N, pb.SVFOP_LOCALTIME, pb.SVFOP_LOCALTIME_N, pb.SVFOP_LOCALTIMESTAMP,
        pb.SVFOP_LOCALTIMESTAMP_N,
    }
)  # fmt: skip

_RAISING: Final = frozenset({"error"})
"""VOLATILE, but never gives an answer that could be kept."""

_OF_SETTINGS: Final = frozenset({"current_setting"})
"""DuckDB's own, which macros alone reach: answers are kept by the session's settings."""

Name = tuple[str, str]
"""Schema, empty for DuckDB's own functions and for common table expressions, and name."""

_UNREADABLE: Final = ("", "")  # no function has this name, so what calls it is not stable


def is_time_word(value: object) -> bool:
    """Tell whether a text or parameter would be cast to another time tomorrow; arrays of them too."""
    return isinstance(value, str) and any(
        part.strip(' "').partition(" ")[0].lower() in _TIME_WORDS for part in _elements(value)
    )


def _elements(text: str) -> Sequence[str]:
    stripped = text.strip()
    return stripped.strip("{}").replace("{", ",").replace("}", ",").split(",") if stripped[:1] == "{" else (stripped,)


def reads_clock(message: Message) -> bool:
    """Return whether a statement, as the client wrote it, reads the time of the day other than by a function."""
    return any(
        (isinstance(part, pb.SQLValueFunction) and part.op in _CLOCK_VALUES)
        or (isinstance(part, pb.String) and is_time_word(part.sval))
        for part in walk(message)
    )


@dataclass(slots=True)
class _Definition:
    """What a macro or view calls and reads."""

    functions: set[Name] = field(default_factory=set)
    relations: set[Name] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Stability:
    """What gives the same again.

    Attributes:
        functions: names of the stable ones.
        relations: names of those whose rows only change with the state of the catalog.
    """

    functions: frozenset[Name]
    relations: frozenset[Name]

    def is_repeatable(self, message: Message) -> bool:
        """Return whether a statement in DuckDB's dialect gives the same rows while what it reads does not change."""
        return all(self._is_stable(part) for part in walk(message))

    def _is_stable(self, part: Message) -> bool:
        if isinstance(part, pb.FuncCall):
            name = _qualified(names_of(part.funcname))
            return name in self.functions or (name == ("", "age") and len(part.args) > 1)
        if isinstance(part, pb.RangeVar):
            place = (part.schemaname, part.relname)
            return part.schemaname in {"", SCAN_SCHEMA} or place in self.relations
        if isinstance(part, pb.ColumnRef):
            return len(part.fields) != 1 or part.fields[0].string.sval.lower() not in _BARE_WORDS
        return not isinstance(part, pb.RangeTableSample)


def _qualified(parts: Sequence[str]) -> Name:
    schema = parts[-2].lower() if len(parts) > 1 else ""
    return (schema if schema in _OWN_SCHEMAS else "", parts[-1].lower())


def learn_stability(connection: duckdb.DuckDBPyConnection) -> Stability:
    """Return what a database with the catalog in it says of its functions, macros, tables and views."""
    stable = {("", name): True for name in _ROW_FUNCTIONS | _SYNTAX | _RAISING | _OF_SETTINGS}
    macros: dict[Name, _Definition] = {}
    rows = connection.execute(
        "SELECT schema_name, function_name, function_type, stability, CASE function_type"
        " WHEN 'macro' THEN json_serialize_sql('SELECT ' || macro_definition)"
        " WHEN 'table_macro' THEN json_serialize_sql(macro_definition) END FROM duckdb_functions()"
        " WHERE function_type <> 'pragma'"
    ).fetchall()
    for schema, name, kind, word, tree in rows:
        key = _qualified((schema, name))
        if tree is not None:
            _note(json.loads(tree), macros.setdefault(key, _Definition()), is_own=key[0] in _OWN_SCHEMAS)
        elif kind != "table" and name not in _RAISING | _OF_SETTINGS:
            stable[key] = stable.get(key, True) and word == "CONSISTENT" and name not in _UNDERSTATED
    relations: dict[Name, bool] = {}
    views: dict[Name, _Definition] = {}
    for schema, name, tree in connection.execute(
        "SELECT schema_name, table_name, NULL FROM duckdb_tables() UNION ALL"
        " SELECT schema_name, view_name, json_serialize_sql(regexp_replace(sql, '^CREATE VIEW .*? AS ', '', 's'))"
        " FROM duckdb_views() WHERE NOT internal"
    ).fetchall():
        if tree is None:
            relations[schema, name] = name not in SESSION_RELATIONS
        else:
            _note(json.loads(tree), views.setdefault((schema, name), _Definition()), is_own=True)
    _settle(stable, macros, relations, views)
    return Stability(
        frozenset(name for name, is_stable in stable.items() if is_stable),
        frozenset(name for name, is_stable in relations.items() if is_stable),
    )


def _settle(
    functions: dict[Name, bool],
    macros: Mapping[Name, _Definition],
    relations: dict[Name, bool],
    views: Mapping[Name, _Definition],
) -> None:
    """Carry stability through definitions until nothing changes: stable is what calls and reads only what is."""
    waiting = [(macros, functions), (views, relations)]
    has_changed = True
    while has_changed:
        has_changed = False
        for definitions, known in waiting:
            for name, definition in definitions.items():
                is_stable = all(map(functions.get, definition.functions))
                if name not in known and is_stable and all(map(relations.get, definition.relations)):
                    known[name] = has_changed = True


def _note(tree: object, found: _Definition, *, is_own: bool) -> None:
    """Add what one serialised definition calls and reads."""
    common = {item["key"] for part in _objects(tree) for item in (part.get("cte_map") or {}).get("map", ())}
    if isinstance(tree, dict) and tree.get("error"):
        found.functions.add(_UNREADABLE)
    for part in _objects(tree):
        if (name := part.get("function_name")) and not (is_own and name == "getvariable"):
            found.functions.add(_qualified((part.get("schema") or "", name)))
        if (table := part.get("table_name")) and (part.get("schema_name") or table not in common):
            found.relations.add((part.get("schema_name") or "", table))
        words: list[str] = part.get("column_names") or []
        if len(words) == 1 and words[0].lower() in _BARE_WORDS:
            found.functions.add(_UNREADABLE)


def _objects(tree: object) -> Iterator[dict[str, Any]]:
    pending = [tree]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            yield part
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)
