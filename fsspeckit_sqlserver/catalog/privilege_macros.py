"""PostgreSQL's questions about privileges, has_…_privilege and pg_has_role, as DuckDB macros. SQL text.

The truth of a gateway that only reads: tables are read by whom the configuration lets, schemas are used, databases
connected to and given temporary tables, functions and types used; nothing is created or changed, and no role is
another's member. Roles, objects and privileges that are not there are errors where they are named, NULL where they
are numbers, in PostgreSQL's order: the role first, then the object, then the privilege.

What is looked up comes from views of one map each (see `map_views`); its keys are `n` and a name or `o` and an OID.
Source: acl.c of PostgreSQL 15.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["PRIVILEGE_HELPERS", "PRIVILEGE_MACROS"]

_SYSTEM_COLUMNS: Final = ("ctid", "xmin", "cmin", "xmax", "cmax", "tableoid")


def _map(kind: str, facts: str, source: str) -> str:
    """Return the DDL of a view of one map; the keys of `source` are its column `gw_key`."""
    return (
        f"CREATE VIEW gw_pg.gw_{kind}_key_map AS SELECT map(list(gw_key), list(gw_facts)) AS gw_map"
        f" FROM (SELECT gw_key, min({facts}) AS gw_facts FROM ({source}) GROUP BY ALL)"
    )


def _keys(kind: str, name: str, source: str) -> str:
    keys = f"SELECT 'n' || {name} AS gw_key, {name} AS gw_name FROM {source}"
    return _map(kind, "gw_name", f"{keys} UNION ALL SELECT 'o' || oid, {name} FROM {source}")


_CLASSES: Final = """SELECT 'o' || gw_oid AS gw_key, gw_oid, gw_name FROM gw_pg.gw_class
    UNION ALL SELECT 'q' || gw_schema || '.' || lower(gw_name), gw_oid, gw_name FROM gw_pg.gw_class
    UNION ALL SELECT 'n' || lower(gw_name), gw_oid, gw_name FROM gw_pg.gw_class WHERE gw_is_visible"""
PRIVILEGE_HELPERS: Final = (
    _map("class", "{'oid': gw_oid, 'name': gw_name}", _CLASSES),
    """CREATE VIEW gw_pg.gw_denied_map AS SELECT map(list(oid), list(roles)) AS gw_map
        FROM (SELECT oid, list(role) AS roles FROM gw_pg.gw_denied GROUP BY oid)""",
    """CREATE VIEW gw_pg.gw_attribute_map AS SELECT map(list(attrelid), list(keys)) AS gw_map
        FROM (SELECT attrelid, list('n' || attname) || list('o' || attnum) AS keys FROM gw_pg.pg_attribute
            GROUP BY attrelid)""",
    _keys("role", "rolname", "gw_pg.pg_roles"),
    _keys("schema", "nspname", "gw_pg.pg_namespace"),
    _keys("database", "datname", "gw_pg.pg_database"),
    _keys("language", "lanname", "gw_pg.pg_language"),
    _keys("tablespace", "spcname", "gw_pg.pg_tablespace"),
    _keys("type", "shown", "gw_pg.gw_type_name"),
)
"""Views the macros read."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of object.

    Attributes:
        words: its privileges; held: those that everybody has.
        sqlstate, wording: of the error about a name that is not there, `{}` the name.
        keys: has a view of keys; else there is no such object.
        key: how a name is looked up; `o` is the argument.
    """

    name: str
    words: str
    held: str
    sqlstate: str
    wording: str
    keys: bool = True
    key: str = "o"


_KINDS: Final = (
    _Kind("schema", "create|usage", "usage", "3F000", 'schema "{}" does not exist'),
    _Kind(
        "database", "create|temporary|temp|connect", "temporary|temp|connect", "3D000", 'database "{}" does not exist'
    ),
    _Kind(
        *("function", "execute", "execute", "42883", 'function "{}" does not exist'),
        key="gw_pg.gw_function_name(o::VARCHAR)",
    ),
    _Kind("language", "usage", "usage", "42704", 'language "{}" does not exist'),
    _Kind("tablespace", "create", "-", "42704", 'tablespace "{}" does not exist'),
    _Kind("type", "usage", "usage", "42704", 'type "{}" does not exist', key="gw_pg.gw_type_word(o::VARCHAR)"),
    _Kind("server", "usage", "usage", "42704", 'server "{}" does not exist', keys=False),
    _Kind("foreign_data_wrapper", "usage", "usage", "42704", 'foreign-data wrapper "{}" does not exist', keys=False),
)


def _raised(sqlstate: str, wording: str, name: str) -> str:
    before, _, after = wording.partition("{}")
    return f"error('{sqlstate} {before}' || {name} || '{after}')::BOOLEAN"


def _found(view: str, key: str) -> str:
    return f"map_extract_value((SELECT gw_map FROM gw_pg.gw_{view}_map), {key})"


def _forms(name: str, arguments: Sequence[str], facts: Mapping[str, str], cases: str) -> str:
    """Return a macro with and without the argument that names the user.

    Args:
        facts: name → what is looked up before anything is decided; the cases read them from `gw_f`.
        cases: the branches of a CASE, after those about NULL and the role.
    """
    nulls = [f"gw_f.{argument} IS NULL" for argument in arguments]
    given = {argument: f"{argument}::VARCHAR" for argument in arguments} | dict(facts)
    role = {"u": "u::VARCHAR", "uk": "gw_pg.gw_key_of(u)", "ur": _found("role_key", "gw_pg.gw_key_of(u)")}
    unknown = _raised("42704", 'role "{}" does not exist', "gw_f.u")
    null = f"WHEN {' OR '.join([*nulls, 'gw_f.u IS NULL'])} THEN NULL"
    forms = (
        ("", given | {"who": "getvariable('gw_user')::VARCHAR"}, f"WHEN {' OR '.join(nulls)} THEN NULL"),
        (
            "u, ",
            given | role | {"who": f"coalesce({role['ur']}, 'public')"},
            f"{null} WHEN gw_f.ur IS NULL AND starts_with(gw_f.uk, 'n') AND gw_f.u <> 'public' THEN {unknown}",
        ),
    )
    listing = ", ".join(arguments)
    return f"CREATE MACRO gw_pg.{name}" + ", ".join(
        f"({first}{listing}) AS list_transform([{{{', '.join(f'{key!r}: {text}' for key, text in found.items())}}}],"
        f" lambda gw_f: CASE {before} {cases} END)[1]"
        for first, found, before in forms
    )


def _odd(words: str) -> str:
    return (
        f"WHEN len(gw_pg.gw_odd_words(gw_f.p, '{words}')) > 0 THEN error('22023 unrecognized privilege type: \"'"
        f" || gw_pg.gw_odd_words(gw_f.p, '{words}')[1] || '\"')::BOOLEAN"
    )


def _object_macro(kind: _Kind) -> str:
    key = "gw_pg.gw_key_of(o)"
    if kind.key != "o":
        key = f"CASE WHEN starts_with({key}, 'n') THEN 'n' || {kind.key} ELSE {key} END"
    found = _found(f"{kind.name}_key", key) if kind.keys else "NULL::VARCHAR"
    if kind.name == "function":  # thousands: their maps are made once
        by_name = f"CASE WHEN {key} <> '' THEN {_found('regproc_oid', f'substr({key}, 2)')} END::VARCHAR"
        by_oid = _found("regproc", "TRY_CAST(o AS UINTEGER)")
        found = f"CASE WHEN starts_with(gw_pg.gw_key_of(o), 'n') THEN {by_name} ELSE {by_oid} END"
    facts = {"k": "gw_pg.gw_key_of(o)", "name": found}
    cases = f"""WHEN gw_f.name IS NULL AND starts_with(gw_f.k, 'n') THEN
        {_raised(kind.sqlstate, kind.wording, "gw_f.o")} {_odd(kind.words)}
        WHEN gw_f.name IS NULL THEN NULL ELSE gw_pg.gw_has_word(gw_f.p, '{kind.held}')"""
    return _forms(f"has_{kind.name}_privilege", ("o", "p"), facts, cases)


_CLASS: Final = _found("class_key", "gw_pg.gw_class_key_of(o)")
_TABLE_FACTS: Final = {
    "k": "gw_pg.gw_class_key_of(o)",
    "class": _CLASS,
    "denied": _found("denied", f"({_CLASS}).oid"),
    "problem": "gw_pg.gw_no_relation(o::VARCHAR)",
}
_UNKNOWN_TABLE: Final = "WHEN gw_f.class IS NULL AND NOT starts_with(gw_f.k, 'o') THEN error(gw_f.problem)::BOOLEAN"
# what is PUBLIC's is everybody's
_MAY_READ: Final = """gw_pg.gw_has_word(gw_f.p, 'select') AND NOT coalesce(CASE gw_f.who
    WHEN 'public' THEN len(gw_f.denied) > 0 ELSE list_contains(gw_f.denied, gw_f.who) END, false)"""


def _table_macro(name: str, words: str) -> str:
    cases = f"{_UNKNOWN_TABLE} {_odd(words)} WHEN gw_f.class IS NULL THEN NULL ELSE {_MAY_READ}"
    return _forms(name, ("o", "p"), _TABLE_FACTS, cases)


def _column_macro() -> str:
    keys = f"{_found('attribute', f'({_CLASS}).oid')} || {[f'n{name}' for name in _SYSTEM_COLUMNS]}"
    facts = {"ck": "gw_pg.gw_key_of(c)", "has": f"list_contains({keys}, gw_pg.gw_key_of(c))"}
    cases = f"""{_UNKNOWN_TABLE}
        WHEN gw_f.class IS NOT NULL AND starts_with(gw_f.ck, 'n') AND NOT gw_f.has THEN error('42703 column "'
            || gw_f.c || '" of relation "' || (gw_f.class).name || '" does not exist')::BOOLEAN
        {_odd("select|insert|update|references")}
        WHEN gw_f.class IS NULL OR NOT gw_f.has THEN NULL ELSE {_MAY_READ}"""
    return _forms("has_column_privilege", ("o", "c", "p"), _TABLE_FACTS | facts, cases)


def _sequence_macro() -> str:
    """There is none: a name is unknown, or of something else."""
    cases = f"""{_odd("usage|select|update")} {_UNKNOWN_TABLE} WHEN gw_f.class IS NULL THEN NULL
        ELSE error('42809 "' || CASE WHEN starts_with(gw_f.k, 'o') THEN (gw_f.class).name ELSE gw_f.o END
            || '" is not a sequence')::BOOLEAN"""
    return _forms("has_sequence_privilege", ("o", "p"), _TABLE_FACTS, cases)


def _member_macro() -> str:
    facts = {"k": "gw_pg.gw_key_of(o)", "name": _found("role_key", "gw_pg.gw_key_of(o)")}
    cases = f"""WHEN gw_f.name IS NULL AND starts_with(gw_f.k, 'n') THEN
            {_raised("42704", 'role "{}" does not exist', "gw_f.o")}
        WHEN len(gw_pg.gw_odd_members(gw_f.p)) > 0 THEN
            error('22023 unrecognized privilege type: "' || gw_pg.gw_odd_members(gw_f.p)[1] || '"')::BOOLEAN
        ELSE gw_f.who = 'postgres' OR coalesce(gw_f.who = gw_f.name, false)
            AND gw_pg.gw_has_word(gw_f.p, 'usage|member')"""
    return _forms("pg_has_role", ("o", "p"), facts, cases)


PRIVILEGE_MACROS: Final = (
    # a column of names is text; OIDs are numbers
    """CREATE MACRO gw_pg.gw_key_of(x) AS CASE WHEN typeof(x) = 'VARCHAR' THEN 'n' ELSE 'o' END || x::VARCHAR""",
    """CREATE MACRO gw_pg.gw_class_key_of(x) AS CASE WHEN typeof(x) <> 'VARCHAR' THEN 'o' || x::VARCHAR
        WHEN gw_pg.gw_part(x::VARCHAR, -2) IS NULL THEN 'n' || gw_pg.gw_part(x::VARCHAR, -1)
        ELSE 'q' || gw_pg.gw_schema_name(gw_pg.gw_part(x::VARCHAR, -2)) || '.' || gw_pg.gw_part(x::VARCHAR, -1) END""",
    """CREATE MACRO gw_pg.gw_words(p) AS list_transform(string_split(lower(p), ','), lambda e: trim(e))""",
    """CREATE MACRO gw_pg.gw_has_word(p, held) AS
        len(list_filter(gw_pg.gw_words(p), lambda e: regexp_full_match(e, held))) > 0""",
    """CREATE MACRO gw_pg.gw_odd_words(p, words) AS
        list_filter(list_transform(string_split(p, ','), lambda e: trim(e)),
            lambda e: NOT regexp_full_match(lower(e), '(' || words || ')( with grant option)?'))""",
    """CREATE MACRO gw_pg.gw_odd_members(p) AS
        list_filter(list_transform(string_split(p, ','), lambda e: trim(e)),
            lambda e: NOT regexp_full_match(lower(e), '(usage|member|set)( with (grant|admin) option)?'))""",
    """CREATE MACRO gw_pg.gw_function_name(x) AS CASE WHEN strpos(x, '(') > 0 THEN gw_pg.gw_last_name(x)
        ELSE error('22P02 expected a left parenthesis') END""",
    *map(_object_macro, _KINDS),
    _table_macro("has_table_privilege", "select|insert|update|delete|truncate|references|trigger"),
    _table_macro("has_any_column_privilege", "select|insert|update|references"),
    _column_macro(),
    _sequence_macro(),
    _member_macro(),
    _forms(
        "has_parameter_privilege", ("o", "p"), {}, f"{_odd('set|alter system')} ELSE gw_pg.gw_has_word(gw_f.p, 'set')"
    ),
)
"""DDL of the macros."""
