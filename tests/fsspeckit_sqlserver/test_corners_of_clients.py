"""What drivers and administration tools say that is out of the way, compared with PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer

Connection = psycopg.Connection[tuple[object, ...]]

SAME = [
    "SELECT to_char(backend_start, 'YYYY-MM-DD TZ') IS NULL FROM pg_stat_activity WHERE pid = pg_backend_pid()",
    "SELECT to_char(timestamptz '2024-07-01 12:00:00+00', 'HH24 TZ'), to_char(timestamp '2024-07-01 12:00', 'HH24 TZ')",
    "SELECT pg_advisory_lock('x')",
    "SELECT interval '3 4:05:06', interval '-1 2:03', interval '1-2 3 4:05:06', interval '1 day 2:03', interval '2:03'",
    r"SELECT NULL::bytea::text IS NULL, b::text, b::varchar, concat(b, 'x') FROM (VALUES ('\x0610ff'::bytea), (NULL)) v (b)",  # noqa: E501
    "SELECT concat(d, 'x'), d || 'x', 'x' || d, concat_ws('-', true, d) FROM (VALUES (0::float8), (1e20), (-1.5), ('NaN')) v (d)",  # noqa: E501
    "SELECT ARRAY[d, NULL]::text, array_to_string(ARRAY[d, 2], ','), concat(ARRAY[d]) FROM (VALUES (1::float8), ('inf')) v (d)",  # noqa: E501
    "SELECT array_to_string(ARRAY[true, NULL, false], ','), concat(ARRAY[1, 2], 'x'), concat(ARRAY[true])",
    "SELECT count(b::text) FROM (VALUES ('a'::bytea), (NULL)) v (b) WHERE b::text IS NOT NULL",
    "SELECT 1",
]
WITH_PARAMETER = [
    "SELECT relname FROM pg_class WHERE relname = 'pg_type' ORDER BY $1",
    "SELECT count(*) FROM (VALUES (1), (2)) AS v (x) GROUP BY $1",
    "SELECT x FROM (VALUES (1), (2)) AS v (x) ORDER BY $1::text, x DESC",
]
SCRIPT = [
    "CREATE TEMP SEQUENCE numbers START 5",
    "CREATE TEMP TABLE numbered (a int DEFAULT nextval('numbers'), b int)",
    "INSERT INTO numbered (b) VALUES (7), (8) RETURNING a, b",
    "ALTER TABLE numbered ALTER b SET DEFAULT nextval('numbers')",
    "INSERT INTO numbered DEFAULT VALUES RETURNING a > 6, b > 6",
    "DROP TABLE numbered",
]


@pytest.fixture
def pair(postgres: str, gateway: RunningServer) -> Iterator[tuple[Connection, Connection]]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        for connection in (theirs, ours):
            connection.execute("SET timezone = 'America/New_York'")
        yield theirs, ours


def told(connection: Connection, sql: str, *parameters: bytes) -> object:
    ran = (
        connection.pgconn.exec_params(sql.encode(), list(parameters))
        if parameters
        else connection.pgconn.exec_(sql.encode())
    )
    error = ran.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    if error is not None:
        return error, ran.error_field(psycopg.pq.DiagnosticField.MESSAGE_PRIMARY)
    return [[ran.get_value(row, column) for column in range(ran.nfields)] for row in range(ran.ntuples)]


@pytest.mark.parametrize("sql", SAME)
def test_simple_queries(pair: tuple[Connection, Connection], sql: str) -> None:
    theirs, ours = (told(connection, sql) for connection in pair)
    assert ours == theirs


@pytest.mark.parametrize("sql", WITH_PARAMETER)
def test_constants_to_order_and_group_by(pair: tuple[Connection, Connection], sql: str) -> None:
    theirs, ours = (told(connection, sql, b"x") for connection in pair)
    assert ours == theirs


def test_defaults_from_sequences(pair: tuple[Connection, Connection]) -> None:
    for sql in SCRIPT:
        theirs, ours = (told(connection, sql) for connection in pair)
        assert ours == theirs, sql


def test_a_query_that_names_a_parameter_ends_nothing(pair: tuple[Connection, Connection]) -> None:
    for sql in ("SELECT set_config('jit', $1, false)", "SELECT pg_advisory_lock($1)", "SELECT pg_notify($1, 'x')"):
        theirs, ours = (told(connection, sql) for connection in pair)
        assert ours == theirs == (b"42P02", b"there is no parameter $1")


def test_a_query_drops_the_unnamed_statement(pair: tuple[Connection, Connection]) -> None:
    for connection in pair:
        assert told(connection, "SELECT 1") == [[b"1"]]
        assert connection.pgconn.prepare(b"", b"SELECT 2").status == psycopg.pq.ExecStatus.COMMAND_OK
        assert told(connection, "SELECT 1") == [[b"1"]]
        gone = connection.pgconn.exec_prepared(b"", [])
        assert gone.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"26000"
