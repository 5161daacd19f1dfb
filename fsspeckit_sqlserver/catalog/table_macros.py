"""PostgreSQL's functions for FROM as DuckDB table macros in the schema `gw_pg`."""

from __future__ import annotations

from typing import Final

__all__ = ["TABLE_MACROS"]

TABLE_MACROS: Final = (
    "CREATE MACRO gw_pg.pg_show_all_settings() AS TABLE SELECT * FROM gw_pg.pg_settings",
    "CREATE MACRO gw_pg.pg_partition_ancestors(o) AS TABLE SELECT NULL::UINTEGER AS relid WHERE false",
    """CREATE MACRO gw_pg.pg_partition_tree(o) AS TABLE SELECT NULL::UINTEGER AS relid, NULL::UINTEGER AS parentrelid,
        true AS isleaf, 0 AS level WHERE false""",
    """CREATE MACRO gw_pg.pg_options_to_table(a) AS TABLE SELECT ''::VARCHAR AS option_name,
        ''::VARCHAR AS option_value WHERE false""",
    "CREATE MACRO gw_pg.pg_listening_channels() AS TABLE SELECT ''::VARCHAR AS pg_listening_channels WHERE false",
    """CREATE MACRO gw_pg.aclexplode(a) AS TABLE SELECT 0::UINTEGER AS grantor, 0::UINTEGER AS grantee,
        ''::VARCHAR AS privilege_type, false AS is_grantable WHERE false""",
    """CREATE MACRO gw_pg.pg_get_keywords() AS TABLE SELECT * FROM gw_pg.gw_keyword""",
    "CREATE MACRO gw_pg.json_each(x) AS TABLE SELECT key, value FROM json_each(x)",
    "CREATE MACRO gw_pg.jsonb_each(x) AS TABLE SELECT key, gw_pg.gw_jsonb(value) AS value FROM json_each(x)",
    "CREATE MACRO gw_pg.json_each_text(x) AS TABLE SELECT key, value ->> '$' AS value FROM json_each(x)",
    """CREATE MACRO gw_pg.jsonb_each_text(x) AS TABLE
        SELECT key, gw_pg.gw_jsonb(value) ->> '$' AS value FROM json_each(x)""",
    "CREATE MACRO gw_pg.json_array_elements(x) AS TABLE SELECT unnest(json_extract(x, '$[*]')) AS value",
    """CREATE MACRO gw_pg.jsonb_array_elements(x) AS TABLE
        SELECT gw_pg.gw_jsonb(unnest(json_extract(x, '$[*]'))) AS value""",
    """CREATE MACRO gw_pg.json_array_elements_text(x) AS TABLE
        SELECT unnest(json_extract_string(x, '$[*]')) AS value""",
    """CREATE MACRO gw_pg.jsonb_array_elements_text(x) AS TABLE
        SELECT gw_pg.gw_jsonb(unnest(json_extract(x, '$[*]'))) ->> '$' AS value""",
    "CREATE MACRO gw_pg.pg_available_extensions() AS TABLE SELECT ''::VARCHAR AS name WHERE false",
    """CREATE MACRO gw_pg.pg_stat_get_activity(p) AS TABLE SELECT * FROM gw_pg.pg_stat_activity""",
    "CREATE MACRO gw_pg.pg_lock_status() AS TABLE SELECT * FROM gw_pg.pg_locks",
    "CREATE MACRO gw_pg.pg_timezone_names() AS TABLE SELECT * FROM gw_pg.pg_timezone_names",
)
"""DDL of the macros."""
