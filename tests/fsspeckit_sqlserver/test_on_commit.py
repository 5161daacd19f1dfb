"""ON COMMIT of temporary tables: what is left of them after each kind of transaction, compared with PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer

Connection = psycopg.Connection[tuple[object, ...]]

SCRIPTS: list[list[str]] = [
    ["BEGIN", "CREATE TEMP TABLE q (a int) ON COMMIT DROP", "INSERT INTO q VALUES (1)", "TABLE q", "COMMIT", "TABLE q"],
    ["BEGIN", "CREATE TEMP TABLE q (a int) ON COMMIT DELETE ROWS", "INSERT INTO q VALUES (1)", "TABLE q", "COMMIT"],
    ["CREATE TEMP TABLE q (a int) ON COMMIT PRESERVE ROWS", "INSERT INTO q VALUES (1)", "BEGIN", "COMMIT"],
    [
        "CREATE TEMP TABLE q (a int) ON COMMIT DROP",
        "TABLE q",
        "CREATE TEMP TABLE q (b int)",
        "INSERT INTO q VALUES (2)",
    ],
    ["CREATE TEMP TABLE q ON COMMIT DROP AS SELECT 1 AS a"],
    ["CREATE TEMP TABLE q ON COMMIT DELETE ROWS AS SELECT 1 AS a", "TABLE q", "INSERT INTO q VALUES (2) RETURNING a"],
    ["CREATE TEMP TABLE q (a int) ON COMMIT DELETE ROWS", "BEGIN", "INSERT INTO q VALUES (1)", "ROLLBACK", "TABLE q"],
    [
        *("CREATE TEMP TABLE q (a int)", "INSERT INTO q VALUES (1)", "BEGIN", "SAVEPOINT s", "DROP TABLE q"),
        *("CREATE TEMP TABLE q (a int) ON COMMIT DROP", "ROLLBACK TO s", "COMMIT", "TABLE q"),
    ],
    [
        *("BEGIN", "CREATE TEMP TABLE q (a int) ON COMMIT DROP", "SAVEPOINT s", "DROP TABLE q"),
        *("CREATE TEMP TABLE q (b int)", "ROLLBACK TO s", "TABLE q", "COMMIT", "TABLE q"),
    ],
    [
        *("BEGIN", "SAVEPOINT s", "CREATE TEMP TABLE q ON COMMIT DROP AS SELECT 1 AS a", "RELEASE s", "TABLE q"),
        *("COMMIT", "TABLE q"),
    ],
    [
        "BEGIN",
        "CREATE TEMP TABLE p (a int) ON COMMIT DROP",
        "ALTER TABLE p RENAME TO q",
        "TABLE q",
        "COMMIT",
        "TABLE q",
    ],
    ["CREATE TEMP TABLE q (a int)", "CREATE TEMP TABLE IF NOT EXISTS q (a int) ON COMMIT DROP", "TABLE q"],
    ["CREATE TEMP TABLE q (a int) ON COMMIT DELETE ROWS; INSERT INTO q VALUES (1); TABLE q"],
]


@pytest.fixture
def pair(postgres: str, gateway: RunningServer) -> Iterator[tuple[Connection, Connection]]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        yield theirs, ours


def outcome(connection: Connection, sql: str) -> object:
    """Return the rows, the tag or the SQLSTATE of the last statement."""
    try:
        cursor = connection.execute(sql)
        while cursor.nextset():
            pass
    except psycopg.Error as error:
        return error.sqlstate
    return cursor.fetchall() if cursor.description else cursor.statusmessage


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: "; ".join(script)[:60])
def test_what_is_left_is_what_postgres_leaves(pair: tuple[Connection, Connection], script: list[str]) -> None:
    for sql in [*script, "TABLE q"]:
        theirs, ours = (outcome(connection, sql) for connection in pair)
        assert ours == theirs, sql


def test_copied_rows_go_too(pair: tuple[Connection, Connection]) -> None:
    for connection in pair:
        connection.execute("CREATE TEMP TABLE q (a int) ON COMMIT DELETE ROWS")
        with connection.cursor() as cursor, cursor.copy("COPY q FROM STDIN") as copy:
            copy.write(b"1\n")
        assert connection.execute("TABLE q").fetchall() == []
