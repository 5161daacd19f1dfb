"""Temporary tables in transaction blocks: whatever a client does, what comes back is what PostgreSQL brings back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fsspeckit_sqlserver.conftest import RunningServer

Connection = psycopg.Connection[tuple[object, ...]]
Seen = tuple[object, ...]

_STATEMENTS: Final = [
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT one",
    "SAVEPOINT two",
    "SAVEPOINT two",
    "RELEASE one",
    "RELEASE two",
    "ROLLBACK TO one",
    "ROLLBACK TO two",
    "CREATE TEMP TABLE a (n int PRIMARY KEY, t text DEFAULT 'd' NOT NULL)",
    "CREATE TEMP TABLE b AS SELECT 1 AS n, 'x' AS t",
    "DROP TABLE a",
    "DROP TABLE IF EXISTS b",
    "TRUNCATE b",
    "INSERT INTO a VALUES (1, 'one'), (2, 'two')",
    "INSERT INTO a (n) SELECT 3",
    "INSERT INTO a VALUES (30, NULL)",
    "INSERT INTO a SELECT coalesce(max(n), 0) + 10, 'next' FROM a",
    "INSERT INTO b SELECT n + 100, t FROM b",
    "INSERT INTO b SELECT n, t FROM a",
    "WITH q AS (SELECT 50 AS n) INSERT INTO b SELECT * FROM q",
    "UPDATE a SET t = t || '!' WHERE n < 10",
    "UPDATE b SET n = n + 1",
    "DELETE FROM a WHERE n = 2",
    "DELETE FROM b WHERE n % 2 = 0",
    "SELECT 1 / 0",
    "SELECT no_such_column FROM a",
    "ALTER TABLE b ADD COLUMN m int DEFAULT 5",
    "ALTER TABLE b DROP COLUMN m",
    "ALTER TABLE b RENAME COLUMN t TO text",
    "ALTER TABLE b ALTER COLUMN n TYPE bigint",
    "ALTER TABLE b RENAME TO c",
    "ALTER TABLE c RENAME TO b",
]
_ALWAYS: Final = ["SELECT count(*), min(n), max(n), min(t) FROM a", "SELECT * FROM b ORDER BY 1, 2"]


def run(connection: Connection, sql: str) -> Seen:
    """Return what a client sees of one statement: its tag, its rows, or its SQLSTATE; and the state of the block."""
    try:
        cursor = connection.execute(sql)
        rows: object = cursor.fetchall() if cursor.description else None
        shown: object = ([column.name for column in cursor.description or ()], rows, cursor.statusmessage)
    except psycopg.Error as error:
        shown = error.sqlstate
    return shown, connection.info.transaction_status.name


@pytest.fixture(scope="module")
def pair(gateway: RunningServer, postgres: str) -> Iterator[tuple[Connection, Connection]]:
    with (
        psycopg.connect(gateway.dsn, autocommit=True, prepare_threshold=None) as ours,
        psycopg.connect(postgres, autocommit=True, prepare_threshold=None, client_encoding="UTF8") as theirs,
    ):
        yield ours, theirs


def compare(pair: tuple[Connection, Connection], script: list[str]) -> None:
    for connection in pair:
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")
        connection.execute("DISCARD ALL")
    for place, sql in enumerate(script):
        for asked in (sql, *_ALWAYS) if place % 3 == 2 else (sql,):
            ours, theirs = (run(connection, asked) for connection in pair)
            assert ours == theirs, f"{asked} after {script[:place]}"
    for sql in ("ROLLBACK", *_ALWAYS, "DROP TABLE IF EXISTS a, b, c"):
        ours, theirs = (run(connection, sql) for connection in pair)
        assert ours == theirs, f"{sql} after {script}"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(_STATEMENTS), min_size=3, max_size=25))
def test_any_script_leaves_the_rows_that_postgresql_leaves(
    pair: tuple[Connection, Connection], script: list[str]
) -> None:
    made = [sql for sql in _STATEMENTS if sql.startswith("CREATE")]
    compare(pair, [*made, "INSERT INTO a VALUES (7, 'seven')", "BEGIN", "SAVEPOINT one", *script])


@pytest.mark.parametrize(
    "script",
    [
        ["BEGIN", "INSERT INTO a VALUES (1)", "SAVEPOINT one", "INSERT INTO a VALUES (1)", "ROLLBACK TO one", "COMMIT"],
        ["BEGIN", "DELETE FROM b", "SAVEPOINT one", "DROP TABLE b", "SELECT 1/0", "ROLLBACK TO one", "COMMIT"],
        ["BEGIN", "SAVEPOINT one", "UPDATE a SET n = n + 1", "RELEASE one", "SAVEPOINT one", "TRUNCATE a", "ROLLBACK"],
        ["BEGIN", "ALTER TABLE b RENAME TO c", "CREATE TEMP TABLE b (n int, t text)", "INSERT INTO c VALUES (2, 'y')",
         "SAVEPOINT one", "DROP TABLE c", "ROLLBACK TO one", "SELECT * FROM c ORDER BY 1", "ROLLBACK"],
        ["BEGIN", "INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING", "SAVEPOINT one",
         "INSERT INTO a VALUES (1, 'new') ON CONFLICT (n) DO UPDATE SET t = excluded.t", "ROLLBACK TO one", "COMMIT"],
        ["ALTER TABLE b ADD COLUMN x int NOT NULL DEFAULT 3, ADD COLUMN y text, DROP COLUMN t", "SELECT * FROM b"],
        ["ALTER TABLE b ADD COLUMN x int, ADD COLUMN n int", "SELECT * FROM b"],
        ["ALTER TABLE b ADD COLUMN x int NOT NULL", "SELECT * FROM b", "ALTER TABLE b ADD COLUMN IF NOT EXISTS n int"],
        ["ALTER TABLE b ALTER n TYPE text USING n::text || '!'", "ALTER TABLE b ALTER t SET DEFAULT 'z'",
         "INSERT INTO b (n) VALUES ('q')", "ALTER TABLE b ALTER t DROP DEFAULT", "INSERT INTO b (n) VALUES ('r')",
         "SELECT * FROM b ORDER BY 1", "ALTER TABLE b ALTER t SET NOT NULL", "DELETE FROM b WHERE t IS NULL",
         "ALTER TABLE b ALTER t SET NOT NULL", "INSERT INTO b (n) VALUES ('s')", "ALTER TABLE b ALTER t DROP NOT NULL"],
        ["ALTER TABLE nowhere ADD COLUMN x int", "ALTER TABLE IF EXISTS nowhere ADD COLUMN x int",
         "ALTER TABLE b RENAME COLUMN nothing TO x", "ALTER TABLE b RENAME t TO n", "ALTER TABLE b RENAME TO a",
         "ALTER TABLE b DROP COLUMN nothing", "ALTER TABLE b DROP COLUMN IF EXISTS nothing"],
        ["CREATE TEMP VIEW v AS SELECT n FROM b", "ALTER VIEW v RENAME TO w", "SELECT * FROM w", "SELECT * FROM v",
         "DROP VIEW w"],
    ],
)  # fmt: skip
def test_scripts_worth_a_name(pair: tuple[Connection, Connection], script: list[str]) -> None:
    compare(pair, [*(sql for sql in _STATEMENTS if sql.startswith("CREATE")), *script])


def test_rows_that_were_copied_in_go_with_the_savepoint(pair: tuple[Connection, Connection]) -> None:
    seen = []
    for connection in pair:
        connection.execute("DISCARD ALL")
        connection.execute("CREATE TEMP TABLE a (n int)")
        connection.execute("BEGIN")
        for name, rows in (("one", 3), ("two", 5)):
            connection.execute(f"SAVEPOINT {name}")
            with connection.cursor() as cursor, cursor.copy("COPY a FROM STDIN") as copy:
                for number in range(rows):
                    copy.write_row((number,))
        connection.execute("ROLLBACK TO two")
        seen.append(connection.execute("SELECT count(*) FROM a").fetchall())
        with (
            suppress(psycopg.errors.InvalidTextRepresentation),
            connection.cursor() as cursor,
            cursor.copy("COPY a FROM STDIN") as copy,
        ):
            copy.write("1\n2\nx\n")
        connection.execute("ROLLBACK TO two")
        connection.execute("COMMIT")
        seen.append(connection.execute("SELECT count(*) FROM a").fetchall())
    assert seen == [[(3,)]] * 4


def test_nested_transactions_of_a_driver(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn) as connection:
        connection.execute("CREATE TEMP TABLE kept (n int PRIMARY KEY)")
        for number in (1, 2, 2, 3, 1):
            with suppress(psycopg.errors.UniqueViolation), connection.transaction():
                connection.execute("INSERT INTO kept VALUES (%s)", (number,))
        assert connection.execute("SELECT array_agg(n ORDER BY n) FROM kept").fetchone() == ([1, 2, 3],)
        connection.rollback()
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM kept")


def test_an_open_cursor_over_a_temporary_table_keeps_its_rows(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn) as connection:
        connection.execute("CREATE TEMP TABLE a AS SELECT generate_series(1, 40000) AS n")
        with connection.cursor("reader") as cursor:
            cursor.execute("SELECT n FROM a ORDER BY n")
            assert cursor.fetchmany(10)[-1] == (10,)
            connection.execute("SAVEPOINT one")
            connection.execute("DELETE FROM a")
            connection.execute("ROLLBACK TO one")
            assert len(cursor.fetchall()) == 39990
        assert connection.execute("SELECT count(*) FROM a").fetchone() == (40000,)


def test_psql_goes_on_after_errors(gateway: RunningServer) -> None:
    """ON_ERROR_ROLLBACK sets a savepoint before each statement."""
    script = """
        \\set ON_ERROR_ROLLBACK on
        BEGIN;
        CREATE TEMP TABLE p (n int PRIMARY KEY);
        INSERT INTO p VALUES (1);
        INSERT INTO p VALUES (1);
        SELECT 1 / 0;
        INSERT INTO p VALUES (2);
        COMMIT;
        SELECT sum(n) FROM p;
    """
    done = subprocess.run(
        ["psql", "-X", "-q", "-At", gateway.url],
        input=script,
        text=True,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "3\n"
    assert done.stderr.count("ERROR") == 2
