"""PostgreSQL's catalog functions as DuckDB macros in the schema `gw_pg`. SQL text and the list of their names.

A macro's parameters are put into its body as they are written, so `pg_table_is_visible(c.oid)` would be captured by an
alias `c`, or `f(oid)` by a column `oid`, of a subquery in it. Subqueries therefore read the views of `HELPERS`, whose
columns and aliases all begin with `gw_`.

What a session is (database, user, search path) comes from the session variables `gw_database`, `gw_user` and
`gw_path`, which the engine sets on every connection that may use them.
"""

from __future__ import annotations

import re
from typing import Final

from fsspeckit_sqlserver.catalog.format_macros import FORMAT_MACROS
from fsspeckit_sqlserver.catalog.json_macros import JSON_MACROS
from fsspeckit_sqlserver.catalog.map_views import map_views
from fsspeckit_sqlserver.catalog.privilege_macros import PRIVILEGE_HELPERS, PRIVILEGE_MACROS
from fsspeckit_sqlserver.catalog.style_macros import STYLE_MACROS
from fsspeckit_sqlserver.catalog.value_macros import VALUE_MACROS

__all__ = ["HELPERS", "MACROS", "macro_names"]

_NULLS: Final = {
    # name → numbers of arguments; what the datasets have none of
    "pg_get_constraintdef": (1, 2),
    "pg_get_indexdef": (1, 2, 3),
    "pg_get_viewdef": (1, 2),
    "pg_get_ruledef": (1, 2),
    "pg_get_triggerdef": (1, 2),
    "pg_get_functiondef": (1,),
    "pg_get_function_arguments": (1,),
    "pg_get_function_identity_arguments": (1,),
    "pg_get_function_result": (1,),
    "pg_get_function_sqlbody": (1,),
    "pg_get_statisticsobjdef": (1,),
    "pg_get_statisticsobjdef_columns": (1,),
    "pg_get_partkeydef": (1,),
    "pg_get_partition_constraintdef": (1,),
    "pg_get_serial_sequence": (2,),
    "pg_describe_object": (3,),
    "pg_tablespace_location": (1,),
    "pg_sequence_last_value": (1,),
    "inet_server_addr": (0,),
    "inet_client_addr": (0,),
    "pg_last_wal_receive_lsn": (0,),
    "pg_last_wal_replay_lsn": (0,),
    "pg_current_wal_lsn": (0,),
    "pg_last_xact_replay_timestamp": (0,),
}
_VISIBLE: Final = (
    *("function", "operator", "opclass", "opfamily", "conversion", "collation", "statistics_obj"),
    *("ts_config", "ts_dict", "ts_parser", "ts_template"),
)
_VOID: Final = {
    "pg_advisory_unlock_all": (0,),
    "pg_advisory_lock": (1, 2),
    "pg_advisory_xact_lock": (1, 2),
    "pg_notify": (2,),
}
_TRUE: Final = {"pg_try_advisory_lock": (1, 2), "pg_advisory_unlock": (1, 2), "pg_try_advisory_xact_lock": (1, 2)}
_ZERO_SIZES: Final = ("pg_indexes_size",)
_ARGUMENTS: Final = "abcdefgh"


def _same(name: str, counts: tuple[int, ...], body: str) -> str:
    forms = ", ".join(f"({', '.join(_ARGUMENTS[:count])}) AS {body}" for count in counts)
    return f"CREATE MACRO gw_pg.{name}{forms}"


def _plain_macros() -> list[str]:
    made = [_same(name, counts, "NULL::VARCHAR") for name, counts in _NULLS.items()]
    made += [_same(f"pg_{name}_is_visible", (1,), "true") for name in _VISIBLE]
    made += [_same(name, counts, "''::VARCHAR") for name, counts in _VOID.items()]
    made += [_same(name, counts, "true") for name, counts in _TRUE.items()]
    made += [_same(name, (1,), "0::BIGINT") for name in _ZERO_SIZES]
    return made


_NAMED_OID: Final = """
CREATE MACRO gw_pg.to_{stem}_oid(x) AS CASE
    WHEN regexp_full_match(x, '[0-9]+') THEN x::UINTEGER
    ELSE map_extract_value((SELECT gw_map FROM gw_pg.gw_{stem}_oid_map),
        gw_pg.gw_last_name(x)) END
"""
_NAMED_TEXT: Final = """
CREATE MACRO gw_pg.{stem}_text(x) AS CASE WHEN x = 0 THEN '-' ELSE coalesce(
    map_extract_value((SELECT gw_map FROM gw_pg.gw_{stem}_map), TRY_CAST(x AS UINTEGER)), x::VARCHAR) END
"""
_NAMED: Final = (
    ("regproc", "gw_function", "name", "42883 function"),
    ("regnamespace", "pg_namespace", "nspname", "3F000 schema"),
    ("regrole", "pg_roles", "rolname", "42704 role"),
    ("regconfig", "pg_ts_config", "cfgname", "42704 text search configuration"),
    ("regcollation", "pg_collation", "collname", "42704 collation"),
)

HELPERS: Final = (
    """CREATE VIEW gw_pg.gw_class AS SELECT c.oid AS gw_oid, c.relname AS gw_name, n.nspname AS gw_schema,
        n.nspname = 'pg_catalog' OR list_contains(getvariable('gw_path'), n.nspname) AS gw_is_visible
        FROM gw_pg.pg_class c JOIN gw_pg.pg_namespace n ON n.oid = c.relnamespace""",
    "CREATE VIEW gw_pg.gw_bytes AS SELECT oid AS gw_oid, size_bytes AS gw_size FROM gw_pg.gw_size",
    """CREATE VIEW gw_pg.gw_comment AS SELECT objoid AS gw_oid, classoid AS gw_class, objsubid AS gw_number,
        description AS gw_text FROM gw_pg.pg_description""",
    """CREATE VIEW gw_pg.gw_typename AS SELECT oid AS gw_oid, shown AS gw_shown, is_shown AS gw_is_shown
        FROM gw_pg.gw_type_name""",
    "CREATE VIEW gw_pg.gw_setting AS SELECT name AS gw_name, setting AS gw_value FROM gw_pg.pg_settings",
    *(
        f"CREATE VIEW gw_pg.gw_{stem} AS SELECT oid AS gw_oid, {name} AS gw_name FROM gw_pg.{relation}"
        for stem, relation, name, _ in _NAMED
    ),
    *map_views(stem for stem, *_ in _NAMED if stem != "regproc"),
    *PRIVILEGE_HELPERS,
)
"""Views the macros read."""


def _cast_macros(stem: str, problem: str) -> list[str]:
    """Return the casts of a name, of which PostgreSQL wants to know the object, to its OID and to what is shown.

    Args:
        problem: SQLSTATE and text where there is none, an expression.
    """
    forms = (
        ("oid", f"gw_pg.to_{stem}_oid(x)", "UINTEGER"),
        ("shown", f"gw_pg.{stem}_text(gw_pg.to_{stem}_oid(x))", ""),
    )
    return [
        f"""CREATE MACRO gw_pg.{stem}_{form}(x) AS CASE WHEN x IS NULL THEN NULL
            WHEN x = '-' THEN {"0::UINTEGER" if kind else "'-'"}
            ELSE coalesce({found}, error({problem})::{kind or "VARCHAR"}) END"""
        for form, found, kind in forms
    ]


def _missing(problem: str, name: str, after: str = "") -> str:
    code, _, what = problem.partition(" ")
    return f"""'{code} {what} "' || {name} || '"{after} does not exist'"""


def _named_macros() -> list[str]:
    made = []
    for stem, _, _, problem in _NAMED:
        made.append(_NAMED_OID.format(stem=stem))
        made.append(_NAMED_TEXT.format(stem=stem))
        after = ' for encoding "UTF8"' if stem == "regcollation" else ""
        made += _cast_macros(stem, _missing(problem, "gw_pg.gw_last_name(x)", after))
        made.append(f"CREATE MACRO gw_pg.to_{stem}(x) AS gw_pg.to_{stem}_oid(x::VARCHAR)")
    for stem in ("regoper", "regdictionary"):  # none is listed
        made.append(f"CREATE MACRO gw_pg.{stem}_oid(x) AS TRY_CAST(x::VARCHAR AS UINTEGER)")
        made.append(f"CREATE MACRO gw_pg.{stem}_shown(x) AS CASE x WHEN '0' THEN '-' ELSE x::VARCHAR END")
        made.append(f"CREATE MACRO gw_pg.{stem}_text(x) AS CASE x WHEN 0 THEN '-' ELSE x::VARCHAR END")
    return made


_WRITTEN: Final = (
    # ---- relations
    # part n of a name such as `pg_temp . "x"`, folded: names are compared without regard to case
    r"""CREATE MACRO gw_pg.gw_part(x, n) AS
        lower(replace(trim(regexp_extract_all(x, '"(?:[^"]|"")*"|[^.\s"]+')[n], '"'), '""', '"'))""",
    r"""CREATE MACRO gw_pg.gw_names(x) AS list_transform(
        regexp_extract_all(x, '"(?:[^"]|"")*"|[^.\s"(]+'), lambda e: CASE WHEN starts_with(e, '"')
            THEN replace(e[2:-2], '""', '"') ELSE lower(e) END)""",
    "CREATE MACRO gw_pg.gw_shown_name(x) AS array_to_string(gw_pg.gw_names(x), '.')",
    # of a function, its arguments are not the name
    "CREATE MACRO gw_pg.gw_last_name(x) AS gw_pg.gw_names(regexp_replace(x, '[(].*', ''))[-1]",
    "CREATE MACRO gw_pg.gw_schema_name(s) AS s",
    """CREATE MACRO gw_pg.pg_table_is_visible(o) AS
        coalesce((SELECT bool_or(gw_is_visible) FROM gw_pg.gw_class WHERE gw_oid = o), false)""",
    """CREATE MACRO gw_pg.to_regclass_oid(x) AS CASE
        WHEN x = '-' THEN 0::UINTEGER
        WHEN regexp_full_match(x, '[0-9]+') THEN x::UINTEGER
        ELSE map_extract_value((SELECT gw_map FROM gw_pg.gw_class_oid_map),
            coalesce(gw_pg.gw_schema_name(gw_pg.gw_part(x, -2)), '') || chr(9) || gw_pg.gw_part(x, -1)) END""",
    """CREATE MACRO gw_pg.regclass_text(x) AS CASE WHEN x = 0 THEN '-' ELSE coalesce(array_to_string(list_transform(
        map_extract_value((SELECT gw_map FROM gw_pg.gw_class_map), TRY_CAST(x AS UINTEGER)),
        lambda e: gw_pg.quote_ident(e)), '.'), x::VARCHAR) END""",
    """CREATE MACRO gw_pg.gw_no_relation(x) AS CASE WHEN gw_pg.gw_names(x)[-2] IS NULL OR map_extract_value(
            (SELECT gw_map FROM gw_pg.gw_regnamespace_oid_map), gw_pg.gw_schema_name(gw_pg.gw_names(x)[-2])) IS NOT NULL
        THEN '42P01 relation "' || gw_pg.gw_shown_name(x) || '" does not exist'
        ELSE '3F000 schema "' || gw_pg.gw_names(x)[-2] || '" does not exist' END""",
    *_cast_macros("regclass", "gw_pg.gw_no_relation(x)"),
    "CREATE MACRO gw_pg.to_regclass(x) AS gw_pg.to_regclass_oid(x::VARCHAR)",
    """CREATE MACRO gw_pg.pg_relation_size(o) AS coalesce(
        (SELECT max(gw_size) FROM gw_pg.gw_bytes WHERE gw_oid = gw_pg.to_regclass_oid(o::VARCHAR)), 0)::BIGINT,
        (o, fork) AS coalesce(
        (SELECT max(gw_size) FROM gw_pg.gw_bytes WHERE gw_oid = gw_pg.to_regclass_oid(o::VARCHAR)), 0)::BIGINT""",
    "CREATE MACRO gw_pg.pg_table_size(o) AS gw_pg.pg_relation_size(o)",
    "CREATE MACRO gw_pg.pg_total_relation_size(o) AS gw_pg.pg_relation_size(o)",
    "CREATE MACRO gw_pg.pg_database_size(d) AS (SELECT coalesce(sum(gw_size), 0)::BIGINT FROM gw_pg.gw_bytes)",
    "CREATE MACRO gw_pg.pg_tablespace_size(d) AS (SELECT coalesce(sum(gw_size), 0)::BIGINT FROM gw_pg.gw_bytes)",
    """CREATE MACRO gw_pg.pg_size_pretty(n) AS CASE
        WHEN n IS NULL THEN NULL
        WHEN abs(n) < 10240 THEN n::BIGINT || ' bytes'
        WHEN abs(n) < 10485760 THEN round(n / 1024.0)::BIGINT || ' kB'
        WHEN abs(n) < 10737418240 THEN round(n / 1048576.0)::BIGINT || ' MB'
        WHEN abs(n) < 10995116277760 THEN round(n / 1073741824.0)::BIGINT || ' GB'
        ELSE round(n / 1099511627776.0)::BIGINT || ' TB' END""",
    "CREATE MACRO gw_pg.pg_relation_is_publishable(o) AS false",
    # the only expressions are defaults of temporary tables, kept as their text
    "CREATE MACRO gw_pg.pg_get_expr(e, o) AS e::VARCHAR, (e, o, is_pretty) AS e::VARCHAR",
    "CREATE MACRO gw_pg.pg_relation_is_updatable(o, t) AS 0::INTEGER",
    "CREATE MACRO gw_pg.pg_column_is_updatable(o, c, t) AS false",
    "CREATE MACRO gw_pg.pg_relation_filenode(o) AS o",
    # ---- types
    """CREATE MACRO gw_pg.format_type(t, m) AS CASE
        WHEN t IS NULL THEN NULL
        WHEN t = 1700 AND m >= 4 THEN 'numeric(' || ((m - 4) >> 16) || ',' || ((m - 4) & 65535) || ')'
        WHEN t = 1043 AND m >= 4 THEN 'character varying(' || (m - 4) || ')'
        WHEN t = 1042 AND m >= 4 THEN 'character(' || (m - 4) || ')'
        WHEN t = 1114 AND m >= 0 THEN 'timestamp(' || m || ') without time zone'
        WHEN t = 1184 AND m >= 0 THEN 'timestamp(' || m || ') with time zone'
        ELSE coalesce(map_extract_value((SELECT gw_map FROM gw_pg.gw_type_map), TRY_CAST(t AS UINTEGER)), '???') END""",
    # what stands for x is put in as often as x stands there, subqueries and all: asyncpg's first question cost 0.4 s
    """CREATE MACRO gw_pg.regtype_text(x) AS (SELECT CASE WHEN count(gw_x) = 0 THEN NULL WHEN min(gw_x) = 0 THEN '-'
        ELSE coalesce(min(gw_shown), '???') END
        FROM (SELECT x AS gw_x) LEFT JOIN gw_pg.gw_typename ON gw_oid = gw_x AND gw_is_shown)""",
    # without schema, quotes and digits, which say nothing of the type: `pg_catalog."numeric"(9, 2)` is numeric
    r"""CREATE MACRO gw_pg.gw_type_word(x) AS trim(regexp_replace(replace(lower(regexp_replace(regexp_replace(trim(x),
        '^"?(pg_catalog|public)"?[.]', ''), '\s*[(][\d\s,]*[)]', '')), '"', ''), '\s+', ' ', 'g'))""",
    """CREATE MACRO gw_pg.to_regtype_oid(x) AS coalesce(TRY_CAST(x AS UINTEGER), (SELECT min(gw_oid)
        FROM gw_pg.gw_typename WHERE gw_shown = gw_pg.gw_type_word(x)))""",
    *_cast_macros("regtype", _missing("42704 type", "gw_pg.gw_type_word(x)")),
    "CREATE MACRO gw_pg.to_regtype(x) AS gw_pg.to_regtype_oid(x::VARCHAR)",
    "CREATE MACRO gw_pg.pg_type_is_visible(o) AS true",
    """CREATE MACRO gw_pg.pg_typeof(x) AS CASE
        WHEN typeof(x) LIKE 'DECIMAL%' THEN 'numeric'
        WHEN typeof(x) LIKE '%[]' THEN coalesce(gw_pg.type_words(typeof(x)[:-3]), lower(typeof(x)[:-3])) || '[]'
        ELSE coalesce(gw_pg.type_words(typeof(x)), lower(typeof(x))) END""",
    # ---- users, databases, server
    """CREATE MACRO gw_pg.pg_get_userbyid(o) AS
        coalesce(map_extract_value((SELECT gw_map FROM gw_pg.gw_regrole_map), TRY_CAST(o AS UINTEGER)),
            'unknown (OID=' || o || ')')""",
    "CREATE MACRO gw_pg.pg_encoding_to_char(e) AS CASE e WHEN 6 THEN 'UTF8' WHEN 0 THEN 'SQL_ASCII' ELSE '' END",
    "CREATE MACRO gw_pg.pg_char_to_encoding(e) AS CASE upper(e) WHEN 'UTF8' THEN 6 WHEN 'SQL_ASCII' THEN 0 ELSE -1 END",
    "CREATE MACRO gw_pg.pg_client_encoding() AS 'UTF8'",
    "CREATE MACRO gw_pg.getdatabaseencoding() AS 'UTF8'",
    """CREATE MACRO gw_pg.current_setting(n) AS
        (SELECT min(gw_value) FROM gw_pg.gw_setting WHERE lower(gw_name) = lower(n)),
        (n, missing_ok) AS (SELECT min(gw_value) FROM gw_pg.gw_setting WHERE lower(gw_name) = lower(n))""",
    "CREATE MACRO gw_pg.set_config(n, v, is_local) AS v",
    "CREATE MACRO gw_pg.pg_is_in_recovery() AS false",
    "CREATE MACRO gw_pg.pg_is_wal_replay_paused() AS false",
    "CREATE MACRO gw_pg.pg_is_in_backup() AS false",
    "CREATE MACRO gw_pg.pg_my_temp_schema() AS 0::UINTEGER",
    "CREATE MACRO gw_pg.pg_is_other_temp_schema(o) AS false",
    "CREATE MACRO gw_pg.pg_blocking_pids(p) AS []::INTEGER[]",
    "CREATE MACRO gw_pg.pg_backend_pid() AS 0::INTEGER",
    "CREATE MACRO gw_pg.pg_cancel_backend(p) AS false",
    "CREATE MACRO gw_pg.pg_terminate_backend(p) AS false",
    "CREATE MACRO gw_pg.pg_postmaster_start_time() AS getvariable('gw_started')::TIMESTAMP WITH TIME ZONE",
    "CREATE MACRO gw_pg.pg_conf_load_time() AS getvariable('gw_started')::TIMESTAMP WITH TIME ZONE",
    "CREATE MACRO gw_pg.pg_jit_available() AS false",
    "CREATE MACRO gw_pg.pg_current_xact_id() AS 0::UBIGINT",
    "CREATE MACRO gw_pg.txid_current() AS txid_current()::BIGINT + 1",
    "CREATE MACRO gw_pg.pg_stat_get_numscans(o) AS 0::BIGINT",
    # ---- comments
    """CREATE MACRO gw_pg.obj_description(o) AS
        map_extract_value((SELECT gw_map FROM gw_pg.gw_comment_map), o * 65536::BIGINT),
        (o, catalog) AS (SELECT min(gw_text) FROM gw_pg.gw_comment WHERE gw_oid = o AND gw_number = 0
            AND gw_class = gw_pg.to_regclass_oid('pg_catalog.' || catalog))""",
    """CREATE MACRO gw_pg.col_description(o, n) AS
        CASE WHEN n > 0 THEN map_extract_value(
            (SELECT gw_map FROM gw_pg.gw_comment_map), o * 65536::BIGINT + n) END""",
    "CREATE MACRO gw_pg.shobj_description(o, catalog) AS NULL::VARCHAR",
    # ---- text, arrays, numbers, time
    r"""CREATE MACRO gw_pg.quote_literal(x) AS CASE WHEN contains(x::VARCHAR, '\')
        THEN 'E''' || replace(replace(x::VARCHAR, '\', '\\'), '''', '''''') || ''''
        ELSE '''' || replace(x::VARCHAR, '''', '''''') || '''' END""",
    "CREATE MACRO gw_pg.quote_nullable(x) AS coalesce(gw_pg.quote_literal(x), 'NULL')",
    """CREATE MACRO gw_pg.initcap(x) AS array_to_string(list_transform(regexp_extract_all(lower(x),
        '[[:alnum:]]+|[^[:alnum:]]+'), lambda w: upper(w[1]) || w[2:]), '')""",
    """CREATE MACRO gw_pg.json_typeof(x) AS CASE json_type(x) WHEN 'OBJECT' THEN 'object' WHEN 'ARRAY' THEN 'array'
        WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'boolean' WHEN 'NULL' THEN 'null' ELSE 'number' END""",
    """CREATE MACRO gw_pg.jsonb_typeof(x) AS CASE json_type(x) WHEN 'OBJECT' THEN 'object' WHEN 'ARRAY' THEN 'array'
        WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'boolean' WHEN 'NULL' THEN 'null' ELSE 'number' END""",
    "CREATE MACRO gw_pg.array_lower(a, d) AS CASE WHEN len(a) > 0 THEN 1 END::INTEGER",
    "CREATE MACRO gw_pg.array_upper(a, d) AS CASE WHEN len(a) > 0 THEN len(a) END::INTEGER",
    "CREATE MACRO gw_pg.array_length(a, d) AS CASE WHEN len(a) > 0 THEN len(a) END::INTEGER",
    "CREATE MACRO gw_pg.cardinality(a) AS len(a)::INTEGER",
    """CREATE MACRO gw_pg.array_dims(a) AS CASE WHEN len(a) > 0 THEN '[1:' || len(a) || ']' END""",
    """CREATE MACRO gw_pg.array_positions(a, x) AS list_filter(generate_series(1, len(a)),
        lambda i: a[i] IS NOT DISTINCT FROM x)::INTEGER[]""",
    "CREATE MACRO gw_pg.array_fill(x, d) AS list_transform(generate_series(1, d[1]), lambda i: x)",
    # what is carried has one sign with the rest
    """CREATE MACRO gw_pg.gw_carry(a, b) AS CASE WHEN a > 0 AND b < 0 THEN -1 WHEN a < 0 AND b > 0 THEN 1 ELSE 0 END""",
    """CREATE MACRO gw_pg.justify_hours(i) AS list_transform(list_transform([gw_pg.gw_parts(i)],
        lambda p: {'m': p.m, 'd': p.d + p.u // 86400000000, 'u': p.u % 86400000000}),
        lambda q: to_months(q.m) + to_days((q.d + gw_pg.gw_carry(q.d, q.u))::INTEGER)
            + to_microseconds(q.u - gw_pg.gw_carry(q.d, q.u) * 86400000000))[1]""",
    """CREATE MACRO gw_pg.justify_days(i) AS list_transform(list_transform([gw_pg.gw_parts(i)],
        lambda p: {'m': p.m + p.d // 30, 'd': p.d % 30, 'u': p.u}),
        lambda q: to_months((q.m + gw_pg.gw_carry(q.m, q.d))::INTEGER)
            + to_days((q.d - gw_pg.gw_carry(q.m, q.d) * 30)::INTEGER) + to_microseconds(q.u))[1]""",
    "CREATE MACRO gw_pg.get_byte(b, n) AS ('0x' || substr(hex(b), n::INTEGER * 2 + 1, 2))::INTEGER",
    """CREATE MACRO gw_pg.string_to_array(s, d, n) AS list_transform(gw_pg.gw_split(s, d), lambda e: nullif(e, n)),
        (s, d) AS gw_pg.gw_split(s, d)""",
    "CREATE MACRO gw_pg.min_scale(x) AS len(rtrim(split_part(x::VARCHAR, '.', 2), '0'))::INTEGER",
    "CREATE MACRO gw_pg.array_ndims(a) AS CASE WHEN len(a) > 0 THEN 1 END::INTEGER",
    "CREATE MACRO gw_pg.array_remove(a, x) AS list_filter(a, lambda e: e IS DISTINCT FROM x)",
    """CREATE MACRO gw_pg.array_replace(a, x, y) AS
        list_transform(a, lambda e: CASE WHEN e IS NOT DISTINCT FROM x THEN y ELSE e END)""",
    """CREATE MACRO gw_pg.array_to_string(a, s) AS
        CASE WHEN s IS NOT NULL THEN
            array_to_string(list_filter(list_transform(a, lambda e: e::VARCHAR), lambda e: e IS NOT NULL), s) END,
        (a, s, n) AS CASE WHEN s IS NOT NULL THEN array_to_string(list_filter(
            list_transform(a, lambda e: coalesce(e::VARCHAR, n)), lambda e: e IS NOT NULL), s) END""",
    """CREATE MACRO gw_pg.width_bucket(x, lo, hi, n) AS CASE WHEN x < lo THEN 0 WHEN x >= hi THEN n + 1
        ELSE floor((x - lo)::DOUBLE / (hi - lo) * n)::INTEGER + 1 END::INTEGER""",
    r"""CREATE MACRO gw_pg.gw_escaped(b) AS array_to_string(list_transform(regexp_extract_all(hex(b), '..'),
        lambda h: CASE WHEN h >= '80' OR h = '00' THEN '\' || printf('%03o', ('0x' || h)::INTEGER)
            WHEN h = '5C' THEN '\\' ELSE chr(('0x' || h)::INTEGER) END), '')""",
    r"""CREATE MACRO gw_pg.encode(b, f) AS CASE lower(f) WHEN 'hex' THEN lower(hex(b))
        WHEN 'base64' THEN CASE WHEN octet_length(b) < 57 THEN base64(b)
            ELSE regexp_replace(base64(b), '(.{76})', '\1' || chr(10), 'g') END
        WHEN 'escape' THEN gw_pg.gw_escaped(b)
        ELSE CASE WHEN b IS NULL OR f IS NULL THEN NULL
            ELSE error('22023 unrecognized encoding: "' || f || '"')::VARCHAR END END""",
    """CREATE MACRO gw_pg.decode(t, f) AS CASE lower(f) WHEN 'hex' THEN unhex(t) WHEN 'base64' THEN from_base64(t)
        WHEN 'escape' THEN encode(t) END""",
    """CREATE MACRO gw_pg.array_text(a) AS CASE WHEN a IS NULL THEN NULL ELSE '{' || coalesce(array_to_string(
        list_transform(a, lambda e: CASE WHEN e IS NULL THEN 'NULL'
            WHEN regexp_matches(e::VARCHAR, '[{}",\\\\\\s]|^$|^(?i:null)$')
            THEN '"' || regexp_replace(e::VARCHAR, '(["\\\\])', '\\\\\\1', 'g') || '"' ELSE e::VARCHAR END),
        ','), '') || '}' END""",
    """CREATE MACRO gw_pg.float_text(x) AS CASE WHEN isnan(x) THEN 'NaN' WHEN isinf(x)
        THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE regexp_replace(x::VARCHAR, '[.]0$', '') END""",
    """CREATE MACRO gw_pg.gw_rounded_text(x, d) AS CASE WHEN isnan(x) THEN 'NaN' WHEN isinf(x)
        THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
        ELSE printf('%.' || greatest(d + CASE typeof(x) WHEN 'FLOAT' THEN 6 ELSE 15 END, 1) || 'g', x) END""",
    "CREATE MACRO gw_pg.bytea_length(b) AS octet_length(b)::INTEGER",
    "CREATE MACRO gw_pg.convert_from(b, e) AS decode(b)",
    "CREATE MACRO gw_pg.convert_to(t, e) AS encode(t)",
    """CREATE MACRO gw_pg.octet_length(x) AS
        CASE WHEN typeof(x) = 'BLOB' THEN octet_length(TRY_CAST(x AS BLOB)) ELSE strlen(x::VARCHAR) END""",
    "CREATE MACRO gw_pg.scale(x) AS len(split_part(x::VARCHAR, '.', 2))::INTEGER",
    "CREATE MACRO gw_pg.pg_column_size(x) AS octet_length(encode(x::VARCHAR))::INTEGER",
    "CREATE MACRO gw_pg._pg_expandarray(a) AS unnest(list_transform(a, lambda e, i: {'x': e, 'n': i::INTEGER}))",
    "CREATE MACRO gw_pg.generate_subscripts(a, d) AS generate_series(1, len(a))",
    """CREATE MACRO gw_pg.row_security_active(x) AS false""",
    # of a whole row, whose columns may have any names; of a column that has the name of its table as well
    """CREATE MACRO gw_pg.row_is_null(x) AS CASE WHEN starts_with(typeof(x), 'STRUCT')
        THEN len(list_filter(json_extract(to_json(x), '$.*'), lambda e: json_type(e) <> 'NULL')) = 0
        ELSE x IS NULL END""",
    """CREATE MACRO gw_pg.row_is_not_null(x) AS CASE WHEN starts_with(typeof(x), 'STRUCT')
        THEN x IS NOT NULL AND len(list_filter(json_extract(to_json(x), '$.*'), lambda e: json_type(e) = 'NULL')) = 0
        ELSE x IS NOT NULL END""",
)
_TYPE_WORDS: Final = """CREATE MACRO gw_pg.type_words(t) AS CASE t
    WHEN 'INTEGER' THEN 'integer' WHEN 'BIGINT' THEN 'bigint' WHEN 'SMALLINT' THEN 'smallint' WHEN 'TINYINT' THEN
        'smallint'
    WHEN 'DOUBLE' THEN 'double precision' WHEN 'FLOAT' THEN 'real' WHEN 'VARCHAR' THEN 'text' WHEN 'BOOLEAN' THEN
        'boolean'
    WHEN 'BLOB' THEN 'bytea' WHEN 'TIMESTAMP' THEN 'timestamp without time zone' WHEN 'HUGEINT' THEN 'numeric'
    WHEN 'TIMESTAMP WITH TIME ZONE' THEN 'timestamp with time zone' WHEN 'TIME' THEN 'time without time zone'
    WHEN 'UINTEGER' THEN 'oid' WHEN '"NULL"' THEN 'unknown' END"""


def _in_order(statements: list[str]) -> list[str]:
    """Return the macros so that those used by others come first: DuckDB resolves them when they are made."""
    return sorted(
        statements,
        key=lambda text: _name_of(text) not in {"quote_ident", "type_words"} and not _name_of(text).startswith("gw_"),
    )


def _name_of(statement: str) -> str:
    found = re.search(r"CREATE MACRO gw_pg\.(\w+)", statement)
    assert found is not None, statement
    return found[1]


MACROS: Final = (
    *JSON_MACROS,
    *STYLE_MACROS,
    *VALUE_MACROS,
    *FORMAT_MACROS,
    *_in_order([_TYPE_WORDS, *_named_macros(), *_WRITTEN, *_plain_macros(), *PRIVILEGE_MACROS]),
)
"""DDL of the scalar macros."""


def macro_names(statements: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return PostgreSQL's function name → DuckDB's qualified one."""
    return {(name := _name_of(statement)): ("gw_pg", name) for statement in statements}
