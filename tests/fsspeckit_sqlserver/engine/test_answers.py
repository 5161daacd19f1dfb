"""Answers that are kept: given again only while nothing they depend on has changed."""

from __future__ import annotations

import psycopg
import pytest

from fsspeckit_sqlserver.engine.answers import is_repeatable
from fsspeckit_sqlserver.statement import parse_statements
from tests.fsspeckit_sqlserver.conftest import RunningServer


def answer(connection: psycopg.Connection[tuple[object, ...]], sql: str, *parameters: object) -> object:
    row = connection.execute(sql, parameters or None, prepare=False).fetchone()
    return None if row is None else row[0]


def test_volatile_statements_are_asked_again(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        for sql in (
            "SELECT random()",
            "SELECT random_normal()",
            "SELECT gen_random_uuid()::text",
            "SELECT clock_timestamp()",
            "SELECT 'now'::timestamptz",
            "SELECT timestamp ' NOW '",
            "SELECT get_current_timestamp()",
        ):
            assert answer(connection, sql) != answer(connection, sql)
        assert answer(connection, "SELECT now()") != answer(connection, "SELECT now()")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT current_date",
        "SELECT 1 WHERE '2024-01-01' < CURRENT_TIMESTAMP(3)",
        "SELECT localtime",
        "SELECT age(timestamp '2020-01-01')",
        "SELECT 'today'::date",
        "SELECT set_config('a.b', 'c', false)",
    ],
)
def test_what_another_day_or_session_answers_otherwise_is_not_repeatable(sql: str) -> None:
    (statement,) = parse_statements(sql)
    assert not is_repeatable(statement.node)


def test_the_session_is_part_of_the_question(gateway: RunningServer) -> None:
    sql = "SELECT '2024-07-01 12:00'::timestamptz::text"
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        before = answer(connection, sql)
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        assert answer(connection, sql) != before
        assert answer(connection, "SELECT '1/2/2024'::date::text") == "2024-01-02"
        connection.execute("SET DateStyle = 'ISO, DMY'")
        assert answer(connection, "SELECT '1/2/2024'::date::text") == "2024-02-01"
        assert answer(connection, "SELECT current_user::text") == "tester"
    with psycopg.connect(gateway.dsn.replace("user=tester", "user=other"), autocommit=True) as connection:
        assert answer(connection, "SELECT current_user::text") == "other"


def test_parameters_are_part_of_the_question(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        assert [answer(connection, "SELECT zone FROM trips WHERE id = %s", number) for number in (1, 2, 1)] == [
            "zone 1",
            "zone 2",
            "zone 1",
        ]
        assert answer(connection, "SELECT %s::text", "1") == "1"
        assert answer(connection, "SELECT %s::int[]", [1, 2]) == [1, 2]
        assert answer(connection, "SELECT %s::int[]", [1, 3]) == [1, 3]


def test_half_an_answer_is_not_kept(gateway: RunningServer) -> None:
    sql = "SELECT id FROM trips WHERE id < 500 AND zone <> 'half' ORDER BY id"
    with psycopg.connect(gateway.dsn) as connection:
        with connection.cursor("named") as cursor:
            cursor.execute(sql)
            assert len(cursor.fetchmany(10)) == 10
        assert len(connection.execute(sql).fetchall()) == 500
        assert len(connection.execute(sql).fetchall()) == 500


def test_lookups_that_find_much_find_it_all(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn) as connection:
        assert len(connection.execute("SELECT id FROM trips WHERE zone = 'zone 1'").fetchall()) == 3000
        assert connection.execute("SELECT zone, id FROM trips WHERE id = 77").fetchall() == [("zone 7", 77)]
        assert connection.execute("SELECT zone, id FROM trips WHERE id = -1").fetchall() == []


def test_temporary_objects_are_read_anew(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE numbers (n int)")
        assert answer(connection, "SELECT count(*) FROM numbers") == 0
        connection.execute("INSERT INTO numbers VALUES (1)")
        assert answer(connection, "SELECT count(*) FROM numbers") == 1
        assert answer(connection, "SELECT count(*) FROM trips") == 30000
        connection.execute("CREATE TEMP VIEW trips AS SELECT 1 AS only")  # a namesake hides the dataset
        assert answer(connection, "SELECT count(*) FROM trips") == 1
        connection.execute("CREATE TEMP VIEW seen AS SELECT 1 AS x")
        assert answer(connection, "SELECT x FROM seen") == 1
        connection.execute("CREATE OR REPLACE TEMP VIEW seen AS SELECT 2 AS x")
        assert answer(connection, "SELECT x FROM seen") == 2
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        connection.execute("CREATE TEMP VIEW seen AS SELECT 3 AS x")  # another session's namesake
        assert answer(connection, "SELECT x FROM seen") == 3
