"""Casts, json and notices in their corner cases, compared with PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import psycopg
import pyarrow as pa
import pytest

from fsspeckit_sqlserver.types.nested import json_text
from tests.fsspeckit_sqlserver.conftest import RunningServer

Connection = psycopg.Connection[tuple[object, ...]]

SAME = [
    "SELECT 12345.678::float4::numeric(12,4), 1.005::float8::numeric(10,2), 123456789.123456789::float8::numeric(20,6)",
    "SELECT x::float4::numeric(12,3), x::numeric(12,3) FROM (VALUES (1234.5678::float8), (-0.5), (NULL), (1e-9)) v (x)",
    "SELECT ARRAY[true, NULL, false]::text, ARRAY[true]::text[]",
    "SELECT 65::\"char\", 'tr'::bool, 'of'::bool, ' yes '::bool",
    "SELECT string_to_array('', ' '), string_to_array('a b', ' '), string_to_array(NULL, ',')",
    "SELECT txid_current() > 0",
    "SELECT pg_advisory_unlock(99), pg_advisory_unlock_shared(99)",
]
JSON = [
    "SELECT to_json(timestamp '2024-01-01 10:00:00'), to_jsonb(timestamptz '2024-01-01 10:00:00.5+00')",
    "SELECT json_build_object('t', timestamp '2024-01-01 10:00:00', 'd', date '2024-01-01', 'n', NULL::timestamp)",
    "SELECT json_build_array('infinity'::timestamp, timestamp '0044-03-15 10:00:00 BC', '\\x00ff'::bytea)",
    "SELECT json_build_array('NaN'::float8, '-Infinity'::float4, 1.5::float8, NULL::float8, interval '1 day 2 hours')",
    "SELECT json_agg(x), jsonb_agg(x ORDER BY x) FROM (VALUES (timestamptz '2024-01-01 10:00:00+00')) v (x)",
    "SELECT to_json(ARRAY[timestamp '2024-01-01 10:00:00'])",
]
NOTICES = [
    "CREATE TEMP TABLE IF NOT EXISTS there (a int)",
    "CREATE TEMP TABLE IF NOT EXISTS there AS SELECT 1 AS a",
    "DROP TABLE IF EXISTS nowhere",
    "DROP TABLE IF EXISTS nowhere, nothing",
    "DROP VIEW IF EXISTS nowhere",
    "SELECT pg_advisory_unlock(99)",
    "SELECT pg_advisory_unlock_shared(99)",
]


@pytest.fixture
def pair(postgres: str, gateway: RunningServer) -> Iterator[tuple[Connection, Connection]]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        for connection in (theirs, ours):
            connection.execute("SET timezone = 'UTC'")
        yield theirs, ours


@pytest.mark.parametrize("sql", SAME)
def test_answers_are_the_same(pair: tuple[Connection, Connection], sql: str) -> None:
    theirs, ours = (connection.execute(sql) for connection in pair)
    assert ours.fetchall() == theirs.fetchall()


@pytest.mark.parametrize("sql", JSON)
def test_json_has_the_same_values(pair: tuple[Connection, Connection], sql: str) -> None:
    """Spaces differ, as the list of differences says."""
    theirs, ours = (connection.execute(sql).fetchall() for connection in pair)
    assert json.dumps(ours) == json.dumps(theirs)


def test_the_query_of_a_cursor_takes_parameters(pair: tuple[Connection, Connection]) -> None:
    """As pg8000 and SQLAlchemy bind them when they stream."""
    found = []
    for connection in pair:
        with connection.transaction():
            sql = b"DECLARE c CURSOR FOR SELECT g, $2::text FROM generate_series(1, 5) g WHERE g > $1"
            connection.pgconn.exec_params(sql, [b"3", b"x"])
            found.append(connection.execute("FETCH ALL FROM c").fetchall())
    assert found[1] == found[0] == [(4, "x"), (5, "x")]


def note(told: list[tuple[str | None, ...]], found: psycopg.errors.Diagnostic) -> None:
    told.append((found.severity, found.sqlstate, found.message_primary))


@pytest.mark.parametrize("sql", NOTICES)
def test_notices_are_the_same(pair: tuple[Connection, Connection], sql: str) -> None:
    heard: list[list[tuple[str | None, ...]]] = []
    for connection in pair:
        connection.execute("CREATE TEMP TABLE there (a int)")
        told: list[tuple[str | None, ...]] = []
        connection.add_notice_handler(partial(note, told))
        connection.execute(sql)
        heard.append(told)
    assert heard[1] == heard[0]
    assert heard[0]


def test_intervals_within_structs_are_written_as_intervals() -> None:
    value = pa.MonthDayNano([14, 3, 4_500_000_000])
    shown = json_text(pa.array([{"i": value}], pa.struct([("i", pa.month_day_nano_interval())])))
    assert shown.to_pylist() == ['{"i":"1 year 2 mons 3 days 00:00:04.5"}']
