"""What PostgreSQL calls each statement: its command tag, as it ends one and as errors name it.

Pure. Source: PostgreSQL 15, `utility.c` (CreateCommandTag) and `cmdtaglist.h`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from postgast import pg_query_pb2 as pg

from fsspeckit_sqlserver.statement import Statement

__all__ = ["command_tag_of", "object_words"]

_TAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "alter_database_refresh_coll": "ALTER DATABASE",
        "alter_database_set": "ALTER DATABASE",
        "alter_default_privileges": "ALTER DEFAULT PRIVILEGES",
        "alter_enum": "ALTER TYPE",
        "alter_event_trig": "ALTER EVENT TRIGGER",
        "alter_extension_contents": "ALTER EXTENSION",
        "alter_fdw": "ALTER FOREIGN DATA WRAPPER",
        "alter_foreign_server": "ALTER SERVER",
        "alter_op_family": "ALTER OPERATOR FAMILY",
        "alter_role_set": "ALTER ROLE",
        "alter_seq": "ALTER SEQUENCE",
        "alter_stats": "ALTER STATISTICS",
        "alter_table_move_all": "ALTER TABLE",
        "alter_table_space_options": "ALTER TABLESPACE",
        "alter_tsconfiguration": "ALTER TEXT SEARCH CONFIGURATION",
        "alter_tsdictionary": "ALTER TEXT SEARCH DICTIONARY",
        "check_point": "CHECKPOINT",
        "close_portal": "CLOSE CURSOR",
        "composite_type": "CREATE TYPE",
        "constraints_set": "SET CONSTRAINTS",
        "create_am": "CREATE ACCESS METHOD",
        "create_enum": "CREATE TYPE",
        "create_event_trig": "CREATE EVENT TRIGGER",
        "create_fdw": "CREATE FOREIGN DATA WRAPPER",
        "create_foreign_server": "CREATE SERVER",
        "create_op_class": "CREATE OPERATOR CLASS",
        "create_op_family": "CREATE OPERATOR FAMILY",
        "create_plang": "CREATE LANGUAGE",
        "create_range": "CREATE TYPE",
        "create_seq": "CREATE SEQUENCE",
        "create_stats": "CREATE STATISTICS",
        "create": "CREATE TABLE",
        "create_table_space": "CREATE TABLESPACE",
        "create_trig": "CREATE TRIGGER",
        "createdb": "CREATE DATABASE",
        "dropdb": "DROP DATABASE",
        "drop_table_space": "DROP TABLESPACE",
        "index": "CREATE INDEX",
        "lock": "LOCK TABLE",
        "refresh_mat_view": "REFRESH MATERIALIZED VIEW",
        "rule": "CREATE RULE",
        "sec_label": "SECURITY LABEL",
        "truncate": "TRUNCATE TABLE",
        "variable_show": "SHOW",
        "view": "CREATE VIEW",
    }
)
_OBJECTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        pg.OBJECT_FDW: "FOREIGN DATA WRAPPER",
        pg.OBJECT_FOREIGN_SERVER: "SERVER",
        pg.OBJECT_MATVIEW: "MATERIALIZED VIEW",
        pg.OBJECT_OPCLASS: "OPERATOR CLASS",
        pg.OBJECT_OPFAMILY: "OPERATOR FAMILY",
        pg.OBJECT_STATISTIC_EXT: "STATISTICS",
        pg.OBJECT_TSCONFIGURATION: "TEXT SEARCH CONFIGURATION",
        pg.OBJECT_TSDICTIONARY: "TEXT SEARCH DICTIONARY",
        pg.OBJECT_TSPARSER: "TEXT SEARCH PARSER",
        pg.OBJECT_TSTEMPLATE: "TEXT SEARCH TEMPLATE",
        pg.OBJECT_ATTRIBUTE: "TYPE",
        pg.OBJECT_DOMCONSTRAINT: "DOMAIN",
        pg.OBJECT_COLUMN: "TABLE",
        pg.OBJECT_TABCONSTRAINT: "TABLE",
    }
)


def object_words(kind: int) -> str:
    """Return what a statement calls a kind of object: `MATERIALIZED VIEW`."""
    return _OBJECTS.get(kind) or pg.ObjectType.Name(kind).removeprefix("OBJECT_").replace("_", " ")


def command_tag_of(statement: Statement) -> str:
    """Return the name PostgreSQL has for a statement, `CREATE INDEX` of an `index_stmt`."""
    name, node = statement.node_name.removesuffix("_stmt"), statement.node
    match name:
        case "select":
            return "SELECT INTO" if node.HasField("into_clause") else "SELECT"
        case "drop":
            return f"DROP {object_words(node.remove_type)}"
        case "alter_table":
            return f"ALTER {object_words(node.objtype)}"
        case "alter_owner" | "alter_object_schema" | "alter_object_depends":
            return f"ALTER {object_words(node.object_type)}"
        case "rename":
            is_part = node.rename_type in {pg.OBJECT_COLUMN, pg.OBJECT_ATTRIBUTE, pg.OBJECT_TABCONSTRAINT}
            return f"ALTER {object_words(node.relation_type if is_part else node.rename_type)}"
        case "create_table_as":
            if node.objtype == pg.OBJECT_MATVIEW:
                return "CREATE MATERIALIZED VIEW"
            return "SELECT INTO" if node.is_select_into else "CREATE TABLE AS"
        case "define":
            return f"CREATE {object_words(node.kind)}"
        case "create_function":
            return f"CREATE {'PROCEDURE' if node.is_procedure else 'FUNCTION'}"
        case "alter_function":
            return f"ALTER {object_words(node.objtype)}"
        case "grant":
            return "GRANT" if node.is_grant else "REVOKE"
        case "grant_role":
            return "GRANT ROLE" if node.is_grant else "REVOKE ROLE"
        case "vacuum":
            return "VACUUM" if node.is_vacuumcmd else "ANALYZE"
    return _TAGS.get(name) or name.replace("_", " ").upper()
