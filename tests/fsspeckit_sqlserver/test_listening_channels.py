"""pg_listening_channels(), compared with PostgreSQL: what a session listens to, in the order in which it began to."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer

Connection = psycopg.Connection[tuple[object, ...]]

READINGS = [
    "SELECT pg_listening_channels()",
    "SELECT * FROM pg_listening_channels()",
    "SELECT pg_listening_channels FROM pg_catalog.pg_listening_channels()",
    "SELECT c.name, count(*) OVER () FROM pg_listening_channels() AS c (name) ORDER BY 1",
    "SELECT count(*) FROM pg_listening_channels() c WHERE c = 'it''s'",
    "SELECT 'it''s' IN (SELECT pg_listening_channels())",
]
CHANGES = [
    [],
    ["LISTEN b", "LISTEN a", "LISTEN b", 'LISTEN "it\'s"'],
    ["LISTEN b", "LISTEN a", "UNLISTEN b"],
    ["LISTEN b", "LISTEN a", "UNLISTEN *"],
    ["LISTEN b", "DISCARD ALL"],
    ["LISTEN b", "BEGIN", "LISTEN a", "UNLISTEN b"],
    ["LISTEN b", "BEGIN", "LISTEN a", "UNLISTEN b", "COMMIT"],
    ["LISTEN b", "BEGIN", "LISTEN a", "UNLISTEN *", "ROLLBACK"],
]


@pytest.fixture
def pair(postgres: str, gateway: RunningServer) -> Iterator[tuple[Connection, Connection]]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        yield theirs, ours


def read(connection: Connection, sql: str) -> tuple[list[str], list[int], list[tuple[object, ...]]]:
    cursor = connection.execute(sql)
    columns = cursor.description or []
    return [column.name for column in columns], [column.type_code for column in columns], cursor.fetchall()


@pytest.mark.parametrize("changes", CHANGES, ids="; ".join)
def test_the_channels_of_a_session_are_those_it_listens_to(
    pair: tuple[Connection, Connection], changes: list[str]
) -> None:
    theirs, ours = pair
    for connection in pair:
        for sql in changes:
            connection.execute(sql)
    for sql in READINGS:
        assert read(ours, sql) == read(theirs, sql), sql


def test_a_prepared_statement_sees_the_channels_of_its_own_moment(pair: tuple[Connection, Connection]) -> None:
    found: list[list[object]] = []
    for connection in pair:
        seen: list[object] = []
        for channel in ("a", "b", "c"):
            connection.execute(f"LISTEN {channel}")
            seen.append(connection.execute(READINGS[1], prepare=True).fetchall())
        found.append(seen)
    assert found[1] == found[0]
    assert found[1][2] == [("a",), ("b",), ("c",)]


def test_the_channels_of_others_are_not_shown(pair: tuple[Connection, Connection], gateway: RunningServer) -> None:
    _, ours = pair
    ours.execute("LISTEN mine")
    with psycopg.connect(gateway.dsn, autocommit=True) as other:
        other.execute("LISTEN theirs")
        assert other.execute(READINGS[0]).fetchall() == [("theirs",)]
        assert ours.execute(READINGS[0]).fetchall() == [("mine",)]


def test_a_cursor_reads_the_channels_there_were_when_it_was_opened(pair: tuple[Connection, Connection]) -> None:
    found = []
    for connection in pair:
        connection.execute("LISTEN a")
        connection.execute("LISTEN b")
        with connection.transaction():
            connection.execute("DECLARE c CURSOR FOR SELECT * FROM pg_listening_channels()")
            connection.execute("UNLISTEN a")
            found.append(connection.execute("FETCH ALL FROM c").fetchall())
        found.append(connection.execute(READINGS[1]).fetchall())
    assert found[2:] == found[:2] == [[("a",), ("b",)], [("b",)]]


def test_a_cursor_reads_the_settings_of_its_session(pair: tuple[Connection, Connection]) -> None:
    found = []
    for connection in pair:
        connection.execute("SET application_name = 'me'")
        with connection.transaction():
            connection.execute("DECLARE c CURSOR FOR SELECT current_setting('application_name'), pg_backend_pid() > 0")
            found.append(connection.execute("FETCH ALL FROM c").fetchall())
    assert found[1] == found[0] == [("me", True)]
