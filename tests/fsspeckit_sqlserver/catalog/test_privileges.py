"""Privileges and names of catalog objects, of what there is and what there is not, as PostgreSQL answers."""

from __future__ import annotations

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer


def _answer(dsn: str, sql: str) -> object:
    """Return the rows, or SQLSTATE and message."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE mine (a int)")
        try:
            return connection.execute(sql).fetchall()
        except psycopg.Error as error:
            return error.sqlstate, str(error).splitlines()[0]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT has_table_privilege('mine', 'select')",
        "SELECT has_table_privilege('mine', 'SELECT, nonsense')",
        "SELECT has_table_privilege('mine'::regclass::oid, 'Select')",
        "SELECT has_table_privilege(current_user, 'mine', 'SELECT WITH GRANT OPTION, select')",
        "SELECT has_table_privilege('nothing', 'select')",
        "SELECT has_table_privilege('mine', 'nonsense')",
        "SELECT has_table_privilege(NULL::text, 'select')",
        "SELECT has_any_column_privilege('nothing', 'select')",
        "SELECT has_column_privilege('mine', 'a', 'select'), has_column_privilege('mine'::regclass, 1::int2, 'select')",
        "SELECT has_column_privilege('mine', 'b', 'select')",
        "SELECT has_sequence_privilege('mine', 'usage')",
        "SELECT has_schema_privilege('pg_catalog', 'usage')",
        "SELECT has_schema_privilege('postgres', 'pg_catalog', 'Usage')",
        "SELECT has_schema_privilege('nobody', 'pg_catalog', 'Usage')",
        "SELECT has_schema_privilege('nothing', 'usage')",
        "SELECT has_schema_privilege('pg_catalog', 'nonsense')",
        "SELECT has_schema_privilege('nothing', 'nonsense')",
        "SELECT has_schema_privilege('nobody', 'nothing', 'nonsense')",
        "SELECT has_schema_privilege(99999::oid, 'usage')",
        "SELECT has_schema_privilege(99999, 'usage')",
        "SELECT has_schema_privilege(11::oid, 'usage with grant option, usage')",
        "SELECT has_schema_privilege(NULL::text, 'usage')",
        "SELECT has_schema_privilege('pg_catalog', NULL)",
        "SELECT has_schema_privilege(NULL::name, 'pg_catalog', 'usage')",
        "SELECT has_schema_privilege('nobody', NULL::text, 'usage')",
        "SELECT has_schema_privilege('public', 'pg_catalog', 'usage')",
        "SELECT has_schema_privilege(10::oid, 'pg_catalog', 'usage')",
        "SELECT has_schema_privilege(current_user, 'pg_catalog', 'usage')",
        "SELECT has_database_privilege('nothing', 'connect')",
        "SELECT has_database_privilege(current_database(), 'temporary, connect')",
        "SELECT has_database_privilege(99999, 'connect')",
        "SELECT has_function_privilege('now()', 'execute')",
        "SELECT has_function_privilege('pg_catalog.lower(text)', 'execute')",
        "SELECT has_function_privilege('nothing(int)', 'execute')",
        "SELECT has_function_privilege('nothing', 'execute')",
        "SELECT has_function_privilege('now()', 'nonsense')",
        "SELECT has_function_privilege(99999::oid, 'execute')",
        "SELECT has_function_privilege(1299::oid, 'execute')",
        "SELECT has_function_privilege('nobody', 'now()', 'execute')",
        "SELECT has_column_privilege('pg_class', 'relname', 'select')",
        "SELECT has_column_privilege('pg_class', 'nothing', 'select')",
        "SELECT has_column_privilege('nothing', 'nothing', 'select')",
        "SELECT has_column_privilege('pg_class', 1::int2, 'select')",
        "SELECT has_column_privilege('pg_class', 999::int2, 'select')",
        "SELECT has_column_privilege(99999::oid, 'relname', 'select')",
        "SELECT has_column_privilege('pg_class'::regclass, 'nothing', 'select')",
        "SELECT has_column_privilege('pg_class', 'relname', 'delete')",
        "SELECT has_column_privilege('nobody', 'pg_class', 'relname', 'select')",
        "SELECT has_column_privilege('postgres', 'pg_class', 'ctid', 'select')",
        "SELECT has_sequence_privilege('nothing', 'usage')",
        "SELECT has_sequence_privilege('pg_class', 'usage')",
        "SELECT has_sequence_privilege('pg_class'::regclass, 'usage')",
        "SELECT has_sequence_privilege('pg_class', 'nonsense')",
        "SELECT has_sequence_privilege(99999::oid, 'usage')",
        "SELECT has_table_privilege('postgres', 'pg_class', 'select')",
        "SELECT has_table_privilege('nobody', 'pg_class', 'select')",
        "SELECT has_table_privilege(99999::oid, 'select')",
        "SELECT has_table_privilege(99999::oid, 'pg_class', 'select')",
        "SELECT has_table_privilege('99999', 'select')",
        "SELECT has_table_privilege('pg_class'::regclass, 'select')",
        "SELECT has_table_privilege(current_user::text, 'pg_class'::regclass::oid, 'select')",
        "SELECT has_any_column_privilege('pg_class', 'delete')",
        "SELECT count(*) FROM pg_class WHERE has_table_privilege(oid, 'select') AND relname = 'pg_class'",
        "SELECT pg_has_role('nobody', 'member')",
        "SELECT pg_has_role('postgres', 'postgres', 'usage')",
        "SELECT pg_has_role('postgres', 'nonsense')",
        "SELECT pg_has_role(current_user, 'nobody', 'usage')",
        "SELECT pg_has_role('nobody', 'postgres', 'usage')",
        "SELECT pg_has_role(NULL::name, 'usage')",
        (
            "SELECT nspname, has_schema_privilege(oid, 'usage'), has_schema_privilege(nspname, 'usage')"
            " FROM pg_namespace WHERE nspname IN ('public','pg_catalog') ORDER BY 1"
        ),
        "SELECT has_type_privilege('int4', 'usage'), has_type_privilege('numeric(3,1)', 'usage')",
        "SELECT has_type_privilege('nothing', 'usage')",
        "SELECT has_language_privilege('nothing', 'usage')",
        "SELECT has_tablespace_privilege('nothing', 'create')",
        "SELECT has_server_privilege('nothing', 'usage')",
        "SELECT has_foreign_data_wrapper_privilege('nothing', 'usage')",
        "SELECT has_table_privilege('nosuch.nothing','select')",
        "SELECT has_table_privilege('public.nothing','select')",
        "SELECT has_column_privilege('nosuch.nothing','a','select')",
    ],
)
def test_privileges(gateway: RunningServer, postgres: str, sql: str) -> None:
    assert _answer(gateway.dsn, sql) == _answer(postgres, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'mine'::regclass, 'pg_temp.mine'::regclass::text",
        "SELECT 'nothing'::regclass",
        "SELECT 'NoThing'::regclass",
        "SELECT '\"NoThing\"'::regclass",
        "SELECT 'nosuch.nothing'::regclass",
        "SELECT 'public.nothing'::regclass",
        "SELECT '1259'::regclass",
        "SELECT '99999'::regclass",
        "SELECT 'pg_class'::regclass",
        "SELECT to_regclass('nothing')",
        "SELECT to_regtype('nothing'), to_regproc('nothing'), to_regnamespace('nothing'), to_regrole('nothing')",
        "SELECT 'nothing'::regtype",
        "SELECT 'numeric(10,2)'::regtype",
        "SELECT 'timestamp(3) with time zone'::regtype, 'character varying(5)[]'::regtype",
        "SELECT 'int[]'::regtype, 'pg_catalog.int4'::regtype",
        "SELECT 'nothing'::regproc",
        "SELECT 'now'::regproc",
        "SELECT 'now()'::regprocedure::oid",
        "SELECT 'nothing'::regnamespace",
        "SELECT 'pg_catalog'::regnamespace",
        "SELECT 'nothing'::regrole",
        "SELECT 'nothing'::regcollation",
        "SELECT 'nothing'::regconfig",
        "SELECT NULL::text::regclass",
        "SELECT x::regclass FROM (VALUES ('pg_class'),(NULL)) v(x)",
        "SELECT x::regclass FROM (VALUES ('pg_class'),('nothing')) v(x)",
        "SELECT x::regtype FROM (VALUES ('int4'),('nothing')) v(x)",
        "SELECT relname FROM pg_class WHERE oid = 'nothing'::regclass",
        "SELECT relname FROM pg_class WHERE oid = 'pg_class'::regclass",
    ],
)
def test_names_of_objects(gateway: RunningServer, postgres: str, sql: str) -> None:
    assert _answer(gateway.dsn, sql) == _answer(postgres, sql)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("has_schema_privilege('public', 'create')", False),
        ("has_database_privilege('anything', 'create')", False),
        ("has_database_privilege('tester', 'anything', 'connect, create')", True),
        ("has_table_privilege('trips', 'insert')", False),
        ("pg_has_role('tester', 'member')", True),
        ("pg_has_role('postgres', 'member')", False),
        ("pg_has_role('postgres', 'tester', 'usage')", True),
        ("pg_has_role('tester', 'usage with admin option')", False),
    ],
)
def test_nothing_is_created_and_nobody_is_another(gateway: RunningServer, expression: str, expected: bool) -> None:
    assert _answer(gateway.dsn, f"SELECT {expression}") == [(expected,)]
