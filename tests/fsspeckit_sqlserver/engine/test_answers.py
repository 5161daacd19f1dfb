"""Answers that are kept: given again only while nothing they depend on has changed."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path

import psycopg

from fsspeckit_sqlserver.engine.answers import key_of_values
from tests.fsspeckit_sqlserver.conftest import RunningServer
from tests.fsspeckit_sqlserver.engine.lakes import Client, engine_over, write_parquet


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
            "SELECT current_localtimestamp()",  # DuckDB calls it CONSISTENT
            "SELECT sum(r) FROM (SELECT random() AS r FROM generate_series(1, 3)) AS q",
            "WITH q AS MATERIALIZED (SELECT gen_random_uuid() AS id) SELECT id::text FROM q",
            "SELECT max(query_start) FROM pg_stat_activity",  # a view of the catalog that calls now()
        ):
            assert answer(connection, sql) != answer(connection, sql)
        assert answer(connection, "SELECT now()") != answer(connection, "SELECT now()")


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


def test_parameters_that_python_calls_equal_are_told_apart(gateway: RunningServer) -> None:
    zone = dt.timezone(dt.timedelta(hours=1))
    pairs: list[tuple[object, object]] = [
        (1, True),
        (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
        (0.0, -0.0),
        (dt.time(12, tzinfo=dt.UTC), dt.time(13, tzinfo=zone)),
    ]
    for one, other in pairs:
        assert one == other
        assert key_of_values([one, [one]]) != key_of_values([other, [other]])
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        for text in ("1.0", "1.00"):
            assert answer(connection, "SELECT %s::text", decimal.Decimal(text)) == text


def test_types_of_parameters_are_part_of_the_question(gateway: RunningServer) -> None:
    sql = "SELECT pg_typeof($1)::text"
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        for name in ("int4", "int8", "int2", "int4"):
            connection.execute(f"PREPARE asked ({name}) AS {sql}")
            shown = answer(connection, "EXECUTE asked(7)")
            assert shown == {"int2": "smallint", "int4": "integer", "int8": "bigint"}[name]
            connection.execute("DEALLOCATE asked")


def test_settings_that_change_answers(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn, autocommit=True) as one, psycopg.connect(gateway.dsn, autocommit=True) as other:
        for connection, zone in ((one, "Asia/Tokyo"), (other, "America/New_York")):
            connection.execute(f"SET TimeZone = '{zone}'")
        sql = "SELECT extract(hour FROM timestamptz '2024-07-01 12:00+00')"
        for _ in range(2):
            assert (answer(one, sql), answer(other, sql)) == (21, 8)
        one.execute("SET search_path = pg_catalog")
        assert answer(one, "SELECT current_schema()") == "pg_catalog"
        assert answer(other, "SELECT current_schema()") == "public"
        visible = "SELECT count(*) FROM pg_class WHERE pg_table_is_visible(oid) AND relname = 'trips'"
        assert (answer(one, visible), answer(other, visible), answer(one, visible)) == (0, 1, 0)
        for value in ("a", "b"):
            other.execute(f"SET application_name = '{value}'")
            assert answer(other, "SELECT current_setting('application_name') || max(id)::text FROM trips") == (
                f"{value}29999"
            )


def test_temporary_tables_come_and_go(gateway: RunningServer) -> None:
    sql = "SELECT count(*) FROM trips"
    with psycopg.connect(gateway.dsn) as connection:
        assert answer(connection, sql) == 30000
        connection.execute("CREATE TEMP TABLE trips AS SELECT 1 AS x")
        assert answer(connection, sql) == 1
        connection.rollback()
        assert answer(connection, sql) == 30000
        connection.execute("CREATE TEMP TABLE trips AS SELECT 1 AS x")
        connection.execute("DROP TABLE trips")
        assert answer(connection, sql) == 30000


def test_errors_are_not_answers(gateway: RunningServer) -> None:
    sql = "SELECT 10 / (id - 5) FROM trips WHERE id < 10"
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        for _ in range(3):
            try:
                connection.execute(sql)
            except psycopg.errors.DivisionByZero:
                continue
            raise AssertionError("it must fail each time")


def test_files_that_change_give_new_answers(tmp_path: Path) -> None:
    file = tmp_path / "numbers" / "a.parquet"
    write_parquet("SELECT 1 AS n", file)
    with engine_over({"numbers": tmp_path / "numbers"}, tmp_path / "cache") as engine:
        client, other = (Client(engine.open_session(name, "lake")) for name in ("ann", "bob"))
        sizes = "SELECT pg_relation_size('numbers'), reltuples FROM pg_class WHERE relname = 'numbers'"
        for number in range(2, 6):
            before = client.rows(sizes)
            assert client.rows("SELECT max(n) FROM numbers") == other.rows("SELECT max(n) FROM numbers")
            write_parquet(f"SELECT unnest(range({number * 100})) AS n", file)
            assert client.value("SELECT max(n) FROM numbers") == number * 100 - 1
            assert client.rows(sizes) != before
            assert client.rows(sizes) == other.rows(sizes)
        client.session.close()
        other.session.close()


def test_a_transaction_sees_its_own_files(tmp_path: Path) -> None:
    file = tmp_path / "numbers" / "a.parquet"
    write_parquet("SELECT 1 AS n", file)
    with engine_over({"numbers": tmp_path / "numbers"}, tmp_path / "cache") as engine:
        client, other = (Client(engine.open_session(name, "lake")) for name in ("ann", "ann"))
        client.session.begin(0)
        assert client.value("SELECT count(*) FROM numbers") == 1
        write_parquet("SELECT unnest(range(50)) AS n", tmp_path / "numbers" / "b.parquet")
        assert other.value("SELECT count(*) FROM numbers") == 51
        assert client.value("SELECT count(*) FROM numbers") == 1
        client.session.commit()
        assert client.value("SELECT count(*) FROM numbers") == 51
        client.session.close()
        other.session.close()
