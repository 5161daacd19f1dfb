"""A user who may not read a table, by every way to read one: the daemon beside PostgreSQL, with the same words."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psycopg
import pytest

from benchmarks.postgres import binaries
from fsspeckit_sqlserver.auth.passwords import make_verifier
from tests.fsspeckit_sqlserver.conftest import gateway_process
from tests.fsspeckit_sqlserver.engine.lakes import write_parquet

_SETTINGS = """
sqlserver:
  users:
    ann: {{password: "{verifier}", read: ["sales.*", allowed]}}
    bob: {{password: bobs}}
    eve: {{password: eves, read: []}}
  tables:
    hr.pay: {{url: "{folder}/pay"}}
    sales.trips: {{url: "{folder}/trips"}}
    allowed: {{url: "{folder}/allowed"}}
"""
_DENIED = ("42501", "permission denied for table pay")


@dataclass(frozen=True)
class Pair:
    """The daemon and PostgreSQL, with the same tables and users."""

    gateway: str
    postgres: str

    def dsn(self, user: str, *, gateway: bool = True) -> str:
        password = {"ann": "anns", "bob": "bobs", "eve": "eves"}[user]
        return f"{self.gateway if gateway else self.postgres} user={user} password={password} dbname=postgres"


@pytest.fixture(scope="module")
def pair(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("rights")
    write_parquet("SELECT range AS id, range * 1000 AS secret FROM range(10)", folder / "pay" / "a.parquet")
    write_parquet("SELECT range AS id FROM range(3)", folder / "trips" / "a.parquet")
    write_parquet("SELECT range AS id FROM range(3)", folder / "allowed" / "a.parquet")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA hr; CREATE SCHEMA sales")
        connection.execute("CREATE TABLE hr.pay AS SELECT i AS id, i * 1000 AS secret FROM generate_series(0, 9) i")
        connection.execute("CREATE TABLE sales.trips AS SELECT i AS id FROM generate_series(0, 2) i")
        connection.execute("CREATE TABLE allowed AS SELECT i AS id FROM generate_series(0, 2) i")
        connection.execute("CREATE ROLE ann LOGIN; GRANT USAGE ON SCHEMA hr, sales TO ann")
        connection.execute("GRANT SELECT ON sales.trips, allowed TO ann")
    config = Path(folder / "fsspeckit.yaml")
    config.write_text(_SETTINGS.format(folder=folder, verifier=make_verifier("anns")))
    try:
        with gateway_process("--config", str(config), "--cache-dir", str(folder / "cache")) as (_, url):
            port = url.rpartition(":")[2].partition("/")[0]
            yield Pair(f"host=127.0.0.1 port={port}", _without_user(postgres))
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute("DROP SCHEMA hr, sales CASCADE; DROP TABLE allowed; DROP ROLE ann")


def _without_user(dsn: str) -> str:
    facts = psycopg.conninfo.conninfo_to_dict(dsn)
    return f"host={facts['host']} port={facts['port']}"


def _outcome(dsn: str, sql: str) -> object:
    """Return the rows, or SQLSTATE and message."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        try:
            cursor = connection.execute(sql)
            return sorted(cursor.fetchall()) if cursor.description else None
        except psycopg.Error as error:
            return error.sqlstate, error.diag.message_primary


_REFUSED = [
    "SELECT * FROM hr.pay",
    'SELECT * FROM "hr"."pay" AS allowed',
    "SELECT * FROM postgres.hr.pay",
    "SELECT count(*) FROM hr.pay",
    "SELECT 1 FROM hr.pay WHERE false",
    "TABLE hr.pay",
    "SELECT * FROM ONLY hr.pay",
    "SET search_path = hr; SELECT * FROM pay",
    "WITH hr AS (SELECT 1 AS id) SELECT * FROM hr.pay",
    "WITH q AS (SELECT * FROM hr.pay) SELECT 1 FROM q",
    "WITH RECURSIVE q AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM q, hr.pay WHERE n < 2) SELECT * FROM q",
    "SELECT (SELECT max(secret) FROM hr.pay)",
    "SELECT id FROM allowed WHERE id IN (SELECT secret FROM hr.pay)",
    "SELECT id FROM allowed ORDER BY (SELECT max(secret) FROM hr.pay)",
    "SELECT count(*) FROM allowed GROUP BY (SELECT max(secret) FROM hr.pay)",
    "SELECT count(*) FROM allowed HAVING EXISTS (SELECT FROM hr.pay)",
    "SELECT id FROM allowed LIMIT (SELECT max(secret) FROM hr.pay)",
    "SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM hr.pay)) FROM allowed",
    "SELECT sum(id) OVER (ORDER BY (SELECT max(secret) FROM hr.pay)) FROM allowed",
    "SELECT * FROM allowed JOIN hr.pay USING (id)",
    "SELECT * FROM allowed LEFT JOIN hr.pay ON false",
    "SELECT * FROM allowed, LATERAL (SELECT secret FROM hr.pay WHERE pay.id = allowed.id) q",
    "SELECT 1 UNION ALL SELECT secret FROM hr.pay",
    "VALUES ((SELECT max(secret) FROM hr.pay))",
    "SELECT ARRAY(SELECT secret FROM hr.pay)",
    "SELECT * FROM generate_series(1, (SELECT max(secret) FROM hr.pay))",
    "SELECT * FROM hr.pay TABLESAMPLE SYSTEM (10)",
    "EXPLAIN SELECT * FROM hr.pay",
    "EXPLAIN ANALYZE SELECT * FROM hr.pay",
    "CREATE TEMP TABLE taken AS SELECT * FROM hr.pay",
    "SELECT * INTO TEMP taken FROM hr.pay",
    "CREATE TEMP TABLE t(a int); INSERT INTO t SELECT secret FROM hr.pay",
    "CREATE TEMP TABLE t(a int); UPDATE t SET a = (SELECT max(secret) FROM hr.pay)",
    "CREATE TEMP TABLE t(a int); DELETE FROM t USING hr.pay WHERE a = secret",
    "CREATE TEMP TABLE t(a int); INSERT INTO t VALUES ((SELECT max(secret) FROM hr.pay)) RETURNING a",
    "COPY hr.pay TO STDOUT",
    "COPY (SELECT secret FROM hr.pay) TO STDOUT",
    "BEGIN; DECLARE c CURSOR FOR SELECT * FROM hr.pay",
    "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT * FROM hr.pay; COMMIT",
    "PREPARE p AS SELECT * FROM hr.pay; EXECUTE p",
    "SET ROLE none; SELECT * FROM hr.pay",
    "SET SESSION AUTHORIZATION ann; SELECT * FROM hr.pay",
    "RESET ROLE; SELECT * FROM hr.pay",
    "RESET ALL; SELECT * FROM hr.pay",
]


@pytest.mark.parametrize("sql", _REFUSED)
def test_refused_in_the_same_words(pair: Pair, sql: str) -> None:
    assert _outcome(pair.dsn("ann"), sql) == _outcome(pair.dsn("ann", gateway=False), sql) == _DENIED


_OURS = "(SELECT oid FROM pg_namespace WHERE nspname IN ('hr', 'sales'))"  # other tests leave tables elsewhere


@pytest.mark.parametrize(
    "sql",
    [
        "WITH pay AS (SELECT 1 AS secret) SELECT * FROM pay",
        "CREATE TEMP TABLE pay AS SELECT 5 AS secret; SELECT * FROM pay",
        "SELECT id AS pay FROM allowed AS pay",
        "SELECT has_table_privilege('hr.pay', 'select'), has_table_privilege('ann', 'sales.trips', 'INSERT, SELECT')",
        "SELECT has_table_privilege('hr.pay'::regclass, 'SELECT'), has_table_privilege('allowed', 'update')",
        "SELECT has_column_privilege('hr.pay', 'secret', 'select'), has_any_column_privilege('allowed', 'select')",
        "SELECT has_table_privilege('ann', 'hr.pay', 'select'), has_column_privilege('ann', 'hr.pay', 'id', 'select')",
        "SELECT has_table_privilege('public', 'hr.pay', 'select')",
        "SELECT rolname, has_table_privilege(oid, 'hr.pay'::regclass, 'select') FROM pg_roles WHERE rolname = 'ann'",
        "SELECT has_any_column_privilege('ann', 'hr.pay'::regclass, 'select')",
        "SELECT has_table_privilege('x', 'hr.pay', 'select')",
        "SELECT has_table_privilege('postgres', 'hr.pay', 'select'), has_table_privilege('pg_class', 'select')",
        f"SELECT relname FROM pg_class WHERE relname IN ('pay', 'trips') AND relnamespace IN {_OURS}",
        f"SELECT relname FROM pg_class WHERE relnamespace IN {_OURS} AND has_table_privilege(oid, 'SELECT')",
        "SELECT attname FROM pg_attribute WHERE attrelid = 'hr.pay'::regclass AND attnum > 0",
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('hr', 'sales')",
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('hr', 'sales')",
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema IN ('hr', 'sales')",
        "SELECT privilege_type FROM information_schema.table_privileges WHERE table_schema IN ('hr', 'sales')",
        "SELECT attname FROM pg_stats WHERE schemaname = 'hr' AND tablename = 'pay'",
    ],
)
def test_what_the_catalog_says_is_what_postgresql_says(pair: Pair, sql: str) -> None:
    assert _outcome(pair.dsn("ann"), sql) == _outcome(pair.dsn("ann", gateway=False), sql)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM hr.pay",
        "SUMMARIZE hr.pay",
        "DESCRIBE hr.pay",
        "PIVOT hr.pay ON secret",
        "SELECT * FROM query('SELECT * FROM hr.pay')",
        "SELECT * FROM query_table('hr.pay')",
        "SELECT * FROM gw_shape.s1",
        "SELECT * FROM gw_scan.t0",
        "SELECT * FROM read_parquet('/data/pay/a.parquet')",
        "SELECT * FROM '/data/pay/a.parquet'",
        'SELECT * FROM "/data/pay/a.parquet"',
        "SELECT * FROM glob('/**')",
        "SELECT json_execute_serialized_sql(json_serialize_sql('SELECT * FROM hr.pay'))",
        "SELECT table_to_xml('hr.pay', true, true, '')",
        "CREATE TEMP VIEW seen AS SELECT * FROM hr.pay",
        "SET ROLE bob; SELECT * FROM hr.pay",
        "SET SESSION AUTHORIZATION bob; SELECT * FROM hr.pay",
        "SELECT set_config('role', 'bob', false); SELECT * FROM hr.pay",
        "SET VARIABLE gw_user = 'bob'; SELECT has_table_privilege('hr.pay', 'select')",
    ],
)
def test_no_other_language_reads_it(pair: Pair, sql: str) -> None:
    outcome = _outcome(pair.dsn("ann"), sql)
    assert isinstance(outcome, tuple), outcome
    assert outcome[0] in {"42501", "42601", "42883", "42P01", "3F000", "0A000"}, outcome


def test_answers_and_plans_of_others_are_not_given(pair: Pair) -> None:
    query = "SELECT secret FROM hr.pay WHERE id = 7"
    with psycopg.connect(pair.dsn("bob")) as bob, psycopg.connect(pair.dsn("ann"), autocommit=True) as ann:
        for _ in range(3):
            assert bob.execute(query, prepare=True).fetchall() == [(7000,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for table pay"):
                ann.execute(query, prepare=True)
        assert ann.execute("SELECT count(*) FROM allowed").fetchone() == (3,)  # the connection survives


def test_whoever_has_an_empty_list_reads_nothing_and_the_catalog(pair: Pair) -> None:
    for table in ("hr.pay", "sales.trips", "allowed"):
        assert _outcome(pair.dsn("eve"), f"SELECT * FROM {table}")[0] == "42501"  # type: ignore[index]
        assert len(_outcome(pair.dsn("bob"), f"SELECT * FROM {table}")) > 0  # type: ignore[arg-type]
    assert _outcome(pair.dsn("eve"), "SELECT 1") == [(1,)]
    assert _outcome(pair.dsn("eve"), "SELECT table_name FROM information_schema.tables WHERE table_schema = 'hr'") == []


def test_a_pool_that_discards_stays_who_it_is(pair: Pair) -> None:
    with psycopg.connect(pair.dsn("ann"), autocommit=True) as ann:
        ann.execute("CREATE TEMP TABLE t(a int)")
        ann.execute("DISCARD ALL")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ann.execute("SELECT * FROM hr.pay")


def test_asyncpg_and_psql(pair: Pair) -> None:
    facts = psycopg.conninfo.conninfo_to_dict(pair.dsn("ann"))

    async def ask() -> str:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=int(str(facts["port"])), user="ann", password="anns", database="postgres"
        )
        try:
            await connection.fetch("SELECT * FROM hr.pay WHERE id = $1", 1)
        except asyncpg.InsufficientPrivilegeError as error:
            return str(error)
        finally:
            await connection.close()
        return ""

    assert asyncio.run(ask()) == "permission denied for table pay"
    programs = binaries()
    assert programs is not None
    shown = subprocess.run(
        [
            "psql",
            "-X",
            "-At",
            "-d",
            pair.dsn("ann"),
            "-c",
            "SELECT * FROM hr.pay",
            "-c",
            "SELECT count(*) FROM allowed",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
    )
    assert (shown.stdout, shown.stderr) == ("3\n", "ERROR:  permission denied for table pay\n")
