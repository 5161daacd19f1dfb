"""Statements end to end in the engine: text in, Arrow out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from fsspeckit_lib.errors import GatewayError, InvalidValue, NotFound
from fsspeckit_lib.sql import parse_tree
from fsspeckit_sqlserver.engine import DuckEngine
from fsspeckit_sqlserver.sqlstates import sqlstate
from fsspeckit_sqlserver.statement import Statement
from tests.fsspeckit_sqlserver.engine.lakes import Client, engine_over, write_parquet


def test_a_filtered_aggregate(client: Client) -> None:
    rows = client.rows("SELECT year, count(*), sum(fare) FROM trips WHERE month = 2 GROUP BY year ORDER BY year")
    assert rows == [(year, 100, Decimal("2500.00")) for year in (2021, 2022, 2023)]


def test_names_and_schemas(client: Client, engine: DuckEngine) -> None:
    assert engine.table_names() == ("geo.cities", "public.trips", "raw.one", "raw.two")
    for name in ("trips", "public.trips", "lake.public.trips", '"trips"', "TRIPS"):
        assert client.value(f"SELECT count(*) FROM {name}") == 900
    assert client.value("SELECT public.trips.id FROM public.trips WHERE public.trips.id = 5") == 5
    assert client.value("SELECT x FROM raw.two") == 2
    client.session.set_parameter("search_path", '"$user", geo')
    assert client.value("SELECT count(*) FROM cities") == 5
    assert client.value("SELECT current_schema()") == "geo"
    with pytest.raises(GatewayError, match='relation "trips" does not exist'):
        client.rows("SELECT * FROM trips")


def test_column_names_are_postgresqls(client: Client) -> None:
    sql = (
        "SELECT count(*), id, t.day, max(id) + 1, fare::text, 'x', lower(city), CASE WHEN paid THEN 1 END, "
        "(SELECT 1 AS one), EXISTS (SELECT 1), coalesce(city, ''), ARRAY[1], now()::date, NULL, t.id AS \"Mixed\" "
        "FROM trips t GROUP BY ALL"
    ).replace("GROUP BY ALL", "WHERE false GROUP BY id, t.day, fare, city, paid")
    assert client.names(sql) == [
        *["count", "id", "day", "?column?", "fare", "?column?", "lower", "case", "one", "exists", "coalesce"],
        *["array", "now", "?column?", "Mixed"],
    ]
    assert client.names("SELECT * FROM (VALUES (1, 2)) v") == ["column1", "column2"]
    assert client.names("VALUES (1)") == ["column1"]
    assert client.names("SELECT a.id, a.id FROM trips a LIMIT 1") == ["id", "id"]
    assert client.names("SELECT * FROM trips WHERE year = 1999") == [
        "id",
        "day",
        "fare",
        "city",
        "paid",
        "year",
        "month",
    ]


def test_no_surviving_file_is_an_empty_answer(client: Client) -> None:
    assert client.rows("SELECT * FROM trips WHERE year = 1999") == []
    assert client.value("SELECT count(*) FROM trips WHERE id < 0") == 0
    assert (
        client.rows("SELECT c.city FROM geo.cities c LEFT JOIN trips t ON t.year = 1999 WHERE t.id IS NOT NULL") == []
    )


def test_results_come_in_batches_of_at_most_what_was_asked_for(client: Client) -> None:
    rows = client.start("SELECT id FROM trips ORDER BY id")
    seen: list[int] = []
    for size in (1, 7, 500, 1000):
        part = rows.fetch(size)
        assert part is not None
        assert part.num_rows <= size
        seen.extend(part.column(0).to_pylist())
    while (part := rows.fetch(1000)) is not None:
        seen.extend(part.column(0).to_pylist())
    assert seen == list(range(900))
    assert rows.fetch(1) is None
    rows.close()
    rows.close()


def test_parameters(client: Client) -> None:
    day = dt.date(2022, 2, 5)
    assert client.value("SELECT count(*) FROM trips WHERE day = $1 AND year = $2", day, 2022) == 4
    assert client.value("SELECT count(*) FROM trips WHERE day = $1", "2022-02-05") == 4
    assert client.value("SELECT count(*) FROM trips WHERE id = ANY($1)", [1, 2, 3]) == 3
    assert client.value("SELECT $2::int + $1::int", 1, 2) == 3
    assert client.value("SELECT count(*) FROM trips WHERE city LIKE $1", "city1%") == client.value(
        "SELECT count(*) FROM trips WHERE city = 'city1'"
    )
    assert client.rows("SELECT id FROM trips ORDER BY id LIMIT $1 OFFSET $2", 2, 3) == [(3,), (4,)]
    assert client.value("SELECT count(*) FROM trips WHERE city = $1", None) == 0
    assert client.value("SELECT $1::numeric", Decimal("1.25")) == Decimal("1.25")


def test_files_with_other_columns_and_types(tmp_path: Path) -> None:
    write_parquet("SELECT 1::INTEGER AS a, 'x' AS b", tmp_path / "t" / "1.parquet")
    write_parquet("SELECT 'y' AS b, 5000000000 AS a, [1, 2] AS c", tmp_path / "t" / "2.parquet")
    write_parquet("SELECT 7::SMALLINT AS a", tmp_path / "t" / "3.parquet")
    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache") as engine:
        client = Client(engine.open_session("u", "d"))
        assert client.rows("SELECT a, b, c FROM t ORDER BY a") == [
            (1, "x", None),
            (7, None, None),
            (5_000_000_000, "y", [1, 2]),
        ]
        assert client.rows("SELECT c FROM t WHERE a = 1") == [(None,)]
        assert client.rows("SELECT b FROM t WHERE a > 4000000000") == [("y",)]
        assert client.value("SELECT sum(a) FROM t WHERE b IS NULL") == 7


def test_incompatible_files_are_named(tmp_path: Path) -> None:
    write_parquet("SELECT 1 AS a", tmp_path / "t" / "1.parquet")
    write_parquet("SELECT 'x' AS a", tmp_path / "t" / "2.parquet")
    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache") as engine:
        client = Client(engine.open_session("u", "d"))
        with pytest.raises(GatewayError, match=r"1\.parquet.*2\.parquet"):
            client.rows("SELECT * FROM t")


def test_partition_values_of_every_kind(tmp_path: Path) -> None:
    for folder in ("k=a%20b", "k=x%2Fy", "k=__HIVE_DEFAULT_PARTITION__", "k=%C3%BC"):
        write_parquet("SELECT 1 AS n", tmp_path / "t" / folder / "f.parquet")
    write_parquet("SELECT 2 AS n, 'file' AS day", tmp_path / "u" / "day=2024-01-31" / "f.parquet")
    with engine_over({"t": tmp_path / "t", "u": tmp_path / "u"}, tmp_path / "cache") as engine:
        client = Client(engine.open_session("u", "d"))
        assert client.rows("SELECT k FROM t ORDER BY k") == [("a b",), ("x/y",), ("ü",), (None,)]
        assert client.rows("SELECT k FROM t WHERE k = 'x/y'") == [("x/y",)]
        assert client.files_read("SELECT k FROM t WHERE k = 'x/y'") == 1
        assert client.value("SELECT count(*) FROM t WHERE k IS NULL") == 1
        assert client.rows("SELECT * FROM u WHERE day > '2024-01-01'") == [(2, dt.date(2024, 1, 31))]


def test_partition_columns_of_any_name(tmp_path: Path) -> None:
    write_parquet("SELECT 1 AS n", tmp_path / "t" / "Sale%20Day=2024-01-31" / "n%3Dm=x" / "f.parquet")
    with engine_over({"Mixed": tmp_path / "t"}, tmp_path / "cache") as engine:
        client = Client(engine.open_session("u", "d"))
        sql = 'SELECT n, "Sale Day", "n=m" FROM mixed WHERE "Sale Day" > \'2024-01-01\''
        assert client.rows(sql) == [(1, dt.date(2024, 1, 31), "x")]
        assert client.names("SELECT * FROM MIXED") == ["n", "Sale Day", "n=m"]


def test_words_that_only_duckdb_reserves(tmp_path: Path) -> None:
    write_parquet('SELECT 1 AS "pivot", 2 AS "Select", 3 AS "by", 4 AS "a b"', tmp_path / "t" / "1.parquet")
    with engine_over({"qualify": tmp_path / "t"}, tmp_path / "cache") as engine:
        client = Client(engine.open_session("u", "d"))
        assert client.rows('SELECT pivot, "Select", at."by", "a b" FROM qualify AS at') == [(1, 2, 3, 4)]
        assert client.names("SELECT * FROM qualify") == ["pivot", "Select", "by", "a b"]
        assert client.rows("WITH summarize AS (SELECT 1 AS x) SELECT x FROM summarize") == [(1,)]


@pytest.mark.parametrize(
    ("sql", "code", "text"),
    [
        ("SELECT * FROM trip", "42P01", 'relation "trip" does not exist'),
        ("SELECT * FROM nowhere.trips", "42P01", 'relation "nowhere.trips" does not exist'),
        ("SELECT nope FROM trips", "42703", 'column "nope" does not exist'),
        ("SELECT t.nope FROM trips t", "42703", "column t.nope does not exist"),
        ("SELECT x.id FROM trips t", "42P01", 'missing FROM-clause entry for table "x"'),
        ("SELECT id FROM trips a, trips b", "42702", 'column reference "id" is ambiguous'),
        ("SELECT nofunc(id) FROM trips", "42883", "function nofunc does not exist"),
        ("SELECT abs('a', 'b')", "42883", "function abs(unknown, unknown) does not exist"),
        ("SELECT id, count(*) FROM trips", "42803", "must appear in the GROUP BY clause"),
        ("SELECT id FROM trips WHERE sum(id) > 1", "42803", "aggregate functions are not allowed in WHERE"),
        ("SELECT 1 / 0", "22012", "division by zero"),
        ("SELECT id / (id - id) FROM trips", "22012", "division by zero"),
        ("SELECT 'abc'::int", "22P02", 'invalid input syntax for type integer: "abc"'),
        ("SELECT 'abc'::date", "22007", 'invalid input syntax for type date: "abc"'),
        ("SELECT '2024-13-45'::date", "22008", "out of range"),
        ("SELECT 2147483647 + 1::int", "22003", "integer out of range"),
        ("SELECT true::date", "42846", "cannot cast type boolean to date"),
        ("SELECT '{'::json", "22P02", "invalid input syntax for type json"),
        ("SELECT (SELECT id FROM trips)", "21000", "more than one row returned"),
        ("SELECT 'a' ~ '('", "2201B", ""),
        ("SELECT 1 LIMIT -1", "2201W", "LIMIT must not be negative"),
        ("SELECT '{1,2'::int[]", "22P02", "malformed array literal"),
        ("SELECT id FROM trips WHERE id = 'x'", "22P02", "invalid input syntax"),
        ("SELECT other.public.trips.id FROM other.public.trips", "0A000", "cross-database references"),
    ],
)
def test_errors(client: Client, sql: str, code: str, text: str) -> None:
    with pytest.raises(GatewayError) as caught:
        client.rows(sql)
    assert sqlstate(caught.value) == code
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "gw_" not in str(caught.value)
    assert "LINE" not in str(caught.value)
    assert client.value("SELECT 1") == 1  # the session goes on


def test_the_nearest_name_is_offered(client: Client) -> None:
    with pytest.raises(GatewayError) as caught:
        client.rows("SELECT * FROM tripz")
    assert "trips" in str(getattr(caught.value, "hint", ""))


def test_opening_without_files_says_so(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    with pytest.raises(NotFound) as caught, engine_over({"trips": tmp_path / "t"}, tmp_path / "cache"):
        pass
    assert "trips" in str(caught.value)
    assert "\n" not in str(caught.value)
    with (
        pytest.raises(NotFound, match="sub-folder"),
        engine_over({}, tmp_path / "cache", schemas={"raw": tmp_path / "t"}),
    ):
        pass


@pytest.mark.parametrize("name", ["a.b.c", "", "pg_catalog.x", "information_schema.x", "x.", ".x"])
def test_names_that_cannot_be_tables(tmp_path: Path, name: str) -> None:
    write_parquet("SELECT 1 AS a", tmp_path / "t" / "1.parquet")
    with pytest.raises(InvalidValue), engine_over({name: tmp_path / "t"}, tmp_path / "cache"):
        pass


def test_integer_division_and_null_order_are_postgresqls(client: Client) -> None:
    assert client.rows("SELECT 7 / 2, -7 / 2, 7 % 3, 7.0 / 2") == [(3, -3, 1, 3.5)]
    assert client.rows("SELECT x FROM (VALUES (1), (NULL), (2)) v(x) ORDER BY x DESC") == [(None,), (2,), (1,)]


def test_time_zones_are_the_sessions(client: Client) -> None:
    sql = "SELECT extract(hour FROM timestamptz '2024-06-01 12:00:00+00')"
    assert client.value(sql) == 12
    client.session.set_parameter("TimeZone", "Europe/Berlin")
    assert client.value(sql) == 14
    with pytest.raises(InvalidValue, match="Nowhere"):
        client.session.set_parameter("TimeZone", "Mars/Nowhere")
    assert client.value(sql) == 14


def _deep(text: str) -> Statement:
    return Statement(text, "select_stmt", parse_tree(text).stmts[0].stmt.select_stmt)


def test_long_and_deep_expressions(client: Client) -> None:
    many = " OR ".join(f"id = {number}" for number in range(2000))
    assert client.value(f"SELECT count(*) FROM trips WHERE {many}") == 900
    listed = ", ".join(str(number) for number in range(5000))
    assert client.value(f"SELECT count(*) FROM trips WHERE id IN ({listed})") == 900
    rows = client.session.execute(_deep("SELECT " + " || ".join(["'a'"] * 200)), ())
    batch = rows.fetch(1)
    assert batch is not None
    assert batch.column(0)[0].as_py() == "a" * 200
    rows.close()
    with pytest.raises(GatewayError) as caught:  # DuckDB's own bound is 1,000 levels
        client.session.execute(_deep("SELECT " + "+".join(["1"] * 3900)), ())
    assert sqlstate(caught.value)[:2] in {"54", "42"}
    assert client.value("SELECT 1") == 1


def test_an_open_parameter_that_is_null_in_a_look_up(client: Client) -> None:
    assert client.rows("SELECT city || $1, $1 FROM trips WHERE id = 1", "x") == [("city1x", "x")]
    assert client.rows("SELECT city || $1 || city FROM trips WHERE id = 1", "x") == [("city1xcity1",)]
    assert client.rows("SELECT CASE WHEN id > 0 THEN $1 END FROM trips WHERE id = 1", None) == [(None,)]
