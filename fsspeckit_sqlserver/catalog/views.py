"""Relations of the catalog that follow from others, as DuckDB views over `gw_pg`. SQL text only.

Column names and order are checked against the definitions when the catalog is installed: a view gives the columns it
knows, the others are NULL.
"""

from __future__ import annotations

from typing import Final

from fsspeckit_sqlserver.catalog.definitions import DUCKDB_SCHEMAS, RelationDefinition, duckdb_type

__all__ = ["VIEWS", "definition_text", "view_ddl"]

_KIND: Final = """CASE WHEN c.relpersistence = 't' THEN 'LOCAL TEMPORARY' ELSE
            CASE c.relkind WHEN 'r' THEN 'BASE TABLE' WHEN 'p' THEN 'BASE TABLE' WHEN 'v' THEN 'VIEW'
            WHEN 'f' THEN 'FOREIGN' END END"""
_MAY_READ: Final = """NOT EXISTS (FROM gw_pg.gw_denied d WHERE d.oid = c.oid AND d.role = getvariable('gw_user'))"""


def definition_text(oid: str, number: str) -> str:
    """Return the expression that looks up what a session keeps of an object's definition, or of its nth column's."""
    return f"""(SELECT min(g.text) FROM (SELECT unnest(getvariable('gw_temp_texts')::STRUCT(key BIGINT, text VARCHAR)[])
        AS g) WHERE g.key = {oid}::BIGINT * 64 + coalesce({number}, 0))"""


_DATABASE: Final = "getvariable('gw_database')::VARCHAR"

VIEWS: Final[dict[tuple[str, str], str]] = {
    ("pg_catalog", "pg_roles"): """
        SELECT a.oid, a.rolname, a.rolsuper, a.rolinherit, a.rolcreaterole, a.rolcreatedb, a.rolcanlogin,
            a.rolreplication, a.rolconnlimit, '********' AS rolpassword, a.rolvaliduntil, a.rolbypassrls
        FROM gw_pg.pg_authid a""",
    ("pg_catalog", "pg_user"): """
        SELECT rolname AS usename, oid AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper,
            rolreplication AS userepl, rolbypassrls AS usebypassrls, '********' AS passwd FROM gw_pg.pg_authid""",
    ("pg_catalog", "pg_tables"): """
        SELECT n.nspname AS schemaname, c.relname AS tablename, 'postgres' AS tableowner, false AS hasindexes,
            false AS hasrules, false AS hastriggers, false AS rowsecurity
        FROM gw_pg.pg_class c JOIN gw_pg.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')""",
    ("pg_catalog", "pg_views"): """
        SELECT n.nspname AS schemaname, c.relname AS viewname, 'postgres' AS viewowner, '' AS definition
        FROM gw_pg.pg_class c JOIN gw_pg.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v'""",
    ("pg_catalog", "pg_stat_activity"): """
        SELECT d.oid AS datid, d.datname, 0::INTEGER AS pid, 10::UINTEGER AS usesysid,
            getvariable('gw_user')::VARCHAR AS usename, '' AS application_name, now() AS backend_start,
            now() AS xact_start, now() AS query_start, now() AS state_change, 'active' AS state, '' AS query,
            'client backend' AS backend_type
        FROM gw_pg.pg_database d WHERE d.datname = getvariable('gw_database')""",
    ("pg_catalog", "pg_indexes"): f"""
        SELECT n.nspname AS schemaname, t.relname AS tablename, c.relname AS indexname,
            {definition_text("c.oid", "0")} AS indexdef
        FROM gw_pg.pg_index i JOIN gw_pg.pg_class c ON c.oid = i.indexrelid
            JOIN gw_pg.pg_class t ON t.oid = i.indrelid JOIN gw_pg.pg_namespace n ON n.oid = t.relnamespace""",
    ("pg_catalog", "pg_sequences"): """
        SELECT n.nspname AS schemaname, c.relname AS sequencename, 'postgres' AS sequenceowner,
            s.seqtypid AS data_type, s.seqstart AS start_value, s.seqmin AS min_value, s.seqmax AS max_value,
            s.seqincrement AS increment_by, s.seqcycle AS cycle, s.seqcache AS cache_size
        FROM gw_pg.pg_sequence s JOIN gw_pg.pg_class c ON c.oid = s.seqrelid
            JOIN gw_pg.pg_namespace n ON n.oid = c.relnamespace""",
    ("information_schema", "table_constraints"): f"""
        SELECT {_DATABASE} AS constraint_catalog, n.nspname AS constraint_schema, k.conname AS constraint_name,
            {_DATABASE} AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
            CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' WHEN 'c' THEN 'CHECK'
                ELSE 'FOREIGN KEY' END AS constraint_type,
            'NO' AS is_deferrable, 'NO' AS initially_deferred, 'YES' AS enforced,
            CASE WHEN k.contype = 'u' THEN 'YES' END AS nulls_distinct
        FROM gw_pg.pg_constraint k JOIN gw_pg.pg_class c ON c.oid = k.conrelid
            JOIN gw_pg.pg_namespace n ON n.oid = c.relnamespace""",
    ("information_schema", "key_column_usage"): f"""
        SELECT {_DATABASE} AS constraint_catalog, n.nspname AS constraint_schema, k.conname AS constraint_name,
            {_DATABASE} AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
            a.attname AS column_name, k.place AS ordinal_position,
            CASE WHEN k.contype = 'f' THEN k.place END AS position_in_unique_constraint
        FROM (SELECT conname, contype, conrelid, unnest(conkey) AS number,
                unnest(range(1, len(conkey) + 1))::INTEGER AS place
                FROM gw_pg.pg_constraint WHERE contype IN ('p', 'u', 'f')) k
            JOIN gw_pg.pg_class c ON c.oid = k.conrelid JOIN gw_pg.pg_namespace n ON n.oid = c.relnamespace
            JOIN gw_pg.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number""",
    ("pg_catalog", "pg_stat_all_tables"): "SELECT * FROM gw_pg.pg_stat_user_tables",
    ("information_schema", "schemata"): f"""
        SELECT {_DATABASE} AS catalog_name, nspname AS schema_name, 'postgres' AS schema_owner FROM
        gw_pg.pg_namespace""",
    ("information_schema", "tables"): f"""
        SELECT {_DATABASE} AS table_catalog, n.nspname AS table_schema, c.relname AS table_name, {_KIND} AS table_type,
            CASE WHEN c.relpersistence = 't' AND c.relkind = 'r' THEN 'YES' ELSE 'NO' END AS is_insertable_into,
            'NO' AS is_typed
        FROM gw_pg.pg_class c JOIN gw_pg.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'v', 'p', 'f') AND {_MAY_READ}""",
    ("information_schema", "views"): f"""
        SELECT {_DATABASE} AS table_catalog, n.nspname AS table_schema, c.relname AS table_name, 'NONE' AS check_option,
            'NO' AS is_updatable, 'NO' AS is_insertable_into, 'NO' AS is_trigger_updatable,
            'NO' AS is_trigger_deletable, 'NO' AS is_trigger_insertable_into
        FROM gw_pg.pg_class c JOIN gw_pg.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v'""",
    ("information_schema", "columns"): f"""
        SELECT {_DATABASE} AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
            a.attname AS column_name, a.attnum::INTEGER AS ordinal_position,
            CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
            CASE WHEN t.typcategory = 'A' THEN 'ARRAY' ELSE w.shown END AS data_type,
            CASE WHEN a.atttypid IN (1042, 1043) AND a.atttypmod >= 4 THEN a.atttypmod - 4 END AS
            character_maximum_length,
            CASE WHEN a.atttypid IN (25, 1042, 1043) THEN 1073741824 END AS character_octet_length,
            CASE a.atttypid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
                WHEN 1700 THEN CASE WHEN a.atttypmod >= 4 THEN (a.atttypmod - 4) >> 16 END END AS numeric_precision,
            CASE WHEN a.atttypid IN (20, 21, 23, 700, 701) THEN 2 WHEN a.atttypid = 1700 THEN 10 END AS
            numeric_precision_radix,
            CASE WHEN a.atttypid IN (20, 21, 23) THEN 0
                WHEN a.atttypid = 1700 AND a.atttypmod >= 4 THEN (a.atttypmod - 4) & 65535 END AS numeric_scale,
            CASE WHEN a.atttypid = 1082 THEN 0 WHEN a.atttypid IN (1083, 1114, 1184, 1266, 1186) THEN 6 END AS
            datetime_precision,
            {_DATABASE} AS udt_catalog, 'pg_catalog' AS udt_schema, t.typname AS udt_name,
            a.attnum::VARCHAR AS dtd_identifier, 'NO' AS is_self_referencing, 'NO' AS is_identity, 'NO' AS
            identity_cycle,
            'NEVER' AS is_generated, d.adbin AS column_default,
            CASE WHEN c.relpersistence = 't' AND c.relkind = 'r' THEN 'YES' ELSE 'NO' END AS is_updatable
        FROM gw_pg.pg_attribute a JOIN gw_pg.pg_class c ON c.oid = a.attrelid
            JOIN gw_pg.pg_namespace n ON n.oid = c.relnamespace JOIN gw_pg.pg_type t ON t.oid = a.atttypid
            LEFT JOIN gw_pg.gw_type_name w ON w.oid = t.oid AND w.is_shown
            LEFT JOIN gw_pg.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'p', 'f') AND {_MAY_READ}
        ORDER BY c.oid, a.attnum""",
    ("information_schema", "table_privileges"): f"""
        SELECT 'postgres' AS grantor, getvariable('gw_user')::VARCHAR AS grantee, {_DATABASE} AS table_catalog,
            n.nspname AS table_schema, c.relname AS table_name, 'SELECT' AS privilege_type, 'NO' AS is_grantable,
            'YES' AS with_hierarchy
        FROM gw_pg.pg_class c JOIN gw_pg.pg_namespace n ON n.oid = c.relnamespace WHERE {_MAY_READ}""",
    ("information_schema", "information_schema_catalog_name"): f"SELECT {_DATABASE} AS catalog_name",
    ("information_schema", "enabled_roles"): "SELECT rolname AS role_name FROM gw_pg.pg_authid",
    ("information_schema", "applicable_roles"): """
        SELECT rolname AS grantee, rolname AS role_name, 'NO' AS is_grantable FROM gw_pg.pg_authid""",
}
"""(schema, relation) → its query."""


def view_ddl(relation: RelationDefinition, query: str) -> str:
    """Return the DDL of a view with all columns of its definition, NULL where the query has none."""
    nulls = ", ".join(f'NULL::{duckdb_type(column.type_name)} AS "{column.name}"' for column in relation.columns)
    place = f'{DUCKDB_SCHEMAS[relation.schema]}."{relation.name}"'
    return f"CREATE VIEW {place} AS (SELECT {nulls} WHERE false) UNION ALL BY NAME ({query})"
