"""What a client must not reach: files, settings, DuckDB's own catalog, the process. And what it must not change."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from fsspeckit_lib.errors import GatewayError
from fsspeckit_sqlserver.engine import DuckEngine
from fsspeckit_sqlserver.sqlstates import sqlstate
from tests.fsspeckit_sqlserver.engine.lakes import Client


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_parquet('/tmp/x.parquet')",
        "SELECT * FROM pg_catalog.read_parquet('x')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM parquet_metadata('x')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        'SELECT * FROM "/etc/passwd"',
        'SELECT * FROM "a.parquet"',
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM duckdb_tables",
        "SELECT * FROM duckdb_functions()",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM gw_pg.pg_class",
        "SELECT * FROM gw_shape.s1",
        "SELECT * FROM main.trips",
        "SELECT * FROM system.information_schema.tables",
        "SELECT getvariable('gw_user')",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('trips')",
        "SELECT * FROM pandas_scan(1)",
        "SELECT * FROM arrow_scan(1, 2, 3)",
        "SELECT * FROM which_secret('a', 'b')",
        "SELECT json_execute_serialized_sql('{}')",
        "SELECT * FROM json_execute_serialized_sql('{}')",
        "SELECT write_log('x')",
        "SELECT nextval('x')",
        "SELECT * FROM checkpoint()",
        "SELECT (SELECT 1 FROM read_blob('/etc/passwd'))",
        "WITH a AS (SELECT * FROM read_csv('/etc/passwd')) SELECT * FROM a",
        "CREATE TEMP TABLE x AS SELECT * FROM read_csv('/etc/passwd')",
        "CREATE TEMP VIEW x AS SELECT * FROM read_csv('/etc/passwd')",
        "EXPLAIN SELECT * FROM read_csv('/etc/passwd')",
        "COPY trips TO '/tmp/x.csv'",
        "COPY (SELECT 1) TO PROGRAM 'ls'",
        "LOAD 'x.so'",
        "CREATE EXTENSION httpfs",
        "SET memory_limit = '1TB'",
        "CHECKPOINT",
        "CALL force_checkpoint()",
        "DO $$ BEGIN END $$",
        "CREATE FUNCTION f() RETURNS int AS 'x' LANGUAGE sql",
        "PREPARE x AS SELECT 1",
        "SELECT * FROM trips, LATERAL read_text(city)",
        "SELECT current_setting('secret_directory') || 'x' FROM duckdb_settings()",
    ],
)
def test_refused(client: Client, sql: str) -> None:
    with pytest.raises(GatewayError) as caught:
        client.rows(sql)
    assert sqlstate(caught.value)[:2] in {"42", "25", "0A", "3F"}, caught.value
    assert client.value("SELECT 1") == 1


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DELETE FROM trips", "25006"),
        ("INSERT INTO trips (id) VALUES (1)", "25006"),
        ("UPDATE public.trips SET id = 1", "25006"),
        ("DROP TABLE trips", "25006"),
        ("DROP TABLE public.trips", "25006"),
        ("TRUNCATE trips", "25006"),
        ("ALTER TABLE trips ADD COLUMN x int", "25006"),
        ("CREATE TABLE x (a int)", "25006"),
        ("CREATE TABLE x AS SELECT 1", "25006"),
        ("SELECT 1 AS a INTO x", "25006"),
        ("CREATE VIEW v AS SELECT 1", "25006"),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1", "25006"),
        ("CREATE INDEX ON trips (id)", "25006"),
        ("CREATE SCHEMA s", "25006"),
        ("DROP SCHEMA public", "25006"),
        ("GRANT SELECT ON trips TO public", "25006"),
        ("COMMENT ON TABLE trips IS 'x'", "25006"),
        ("DELETE FROM pg_catalog.pg_class", "25006"),
        ("WITH d AS (DELETE FROM trips RETURNING id) SELECT * FROM d", "0A000"),
        ("MERGE INTO trips USING geo.cities ON true WHEN MATCHED THEN DELETE", "0A000"),
    ],
)
def test_datasets_and_catalog_are_only_read(client: Client, sql: str, code: str) -> None:
    with pytest.raises(GatewayError) as caught:
        client.rows(sql)
    assert sqlstate(caught.value) == code
    assert client.value("SELECT count(*) FROM trips") == 900


def test_duckdb_itself_is_locked_behind_the_tree(engine: DuckEngine, tmp_path: Path) -> None:
    """The second layer: SQL that never came through the tree still reaches nothing."""
    cursor = engine.instance.cursor()
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    try:
        for sql in (
            f"SELECT * FROM read_csv('{secret}')",
            f"SELECT * FROM read_text('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            f"ATTACH '{tmp_path}/x.db'",
            "SELECT * FROM read_parquet('gateway://../etc/passwd')",
            "SELECT * FROM read_parquet('gateway://1/0/x')",
            "COPY (SELECT 1) TO 'gateway://1/0/x.csv'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "SET allowed_directories = ['/']",
            "SET lock_configuration = false",
            "SET memory_limit = '1TB'",
        ):
            with pytest.raises(duckdb.Error):
                cursor.execute(sql).fetchall()
        assert cursor.execute("SELECT * FROM read_text('gateway://../etc/passwd')").fetchall() == []
        cursor.execute("SET TimeZone = 'Asia/Tokyo'")  # what a session may set
    finally:
        cursor.close()
    assert not (tmp_path / "out.csv").exists()


def test_a_variable_of_the_process_is_no_table(client: Client) -> None:
    tripz = duckdb.connect()  # DuckDB's Python client would find a local of this name
    with pytest.raises(GatewayError, match="does not exist"):
        client.rows("SELECT * FROM tripz")
    tripz.close()
