"""Dates, times and intervals that become text inside of expressions: in the session's styles, as in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer

_VALUES = (
    "date '2024-02-29'",
    "timestamp '2024-02-29 12:34:56.5'",
    "timestamp '-infinity'",
    "timestamptz '2024-07-01 12:34:56+00'",
    "timestamptz '1960-01-01 12:34:56+00'",
    "time '12:34:56'",
    "interval '1 year 2 mons 3 days 04:05:06.7'",
    "interval '-1 year 3 days -04:05:01'",
    "interval '-1 mon'",
    "interval '0'",
    "NULL::date",
    "1.5::float8",
)
_FORMS = (
    "({})::text",
    "{} || ('x' || {})",
    "concat({}, '!')",
    "ARRAY[{}]::text",
    "array_to_string(ARRAY[{}], '|')",
    "quote_literal({})",
    "(SELECT @.x || '!' FROM (SELECT {} AS x) @)",
)
_STYLES = (
    ("ISO, MDY", "postgres", "UTC"),
    ("German", "postgres", "Europe/Berlin"),
    ("SQL, MDY", "sql_standard", "America/Sao_Paulo"),
    ("SQL, DMY", "postgres", "Asia/Kolkata"),
    ("Postgres, MDY", "iso_8601", "America/New_York"),
    ("Postgres, DMY", "postgres_verbose", "UTC"),
)

Pair = tuple[psycopg.Connection[Any], psycopg.Connection[Any]]


@pytest.fixture(scope="module")
def pair(postgres: str, gateway: RunningServer) -> Iterator[Pair]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        yield theirs, ours


def _style(connection: psycopg.Connection[Any], dates: str, intervals: str, zone: str) -> None:
    for name, value in (("DateStyle", dates), ("IntervalStyle", intervals), ("TimeZone", zone)):
        connection.execute("SELECT set_config(%s, %s, false)", [name, value])


@pytest.mark.parametrize("style", _STYLES, ids=" ".join)
def test_the_text_is_postgresqls(pair: Pair, style: tuple[str, str, str]) -> None:
    theirs, ours = pair
    for connection in pair:
        _style(connection, *style)
    for form in _FORMS:
        sql = "SELECT " + ", ".join(
            form.replace("{}", value).replace("@", f"q{place}") for place, value in enumerate(_VALUES)
        )
        assert ours.execute(sql).fetchone() == theirs.execute(sql).fetchone(), form


def test_of_columns_in_conditions_and_changes(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        _style(connection, "German", "postgres", "UTC")
        one = "SELECT day::text, min(pickup) || '' FROM types, trips WHERE day || '' = '29.02.2024' GROUP BY day"
        assert connection.execute(one).fetchall() == [("29.02.2024", "01.01.2024 00:00:00")]
        connection.execute("CREATE TEMP TABLE taken (label text)")
        connection.execute("INSERT INTO taken SELECT day::text FROM types")
        connection.execute("UPDATE taken SET label = label || concat(date '2024-03-01')")
        assert connection.execute("SELECT label FROM taken ORDER BY 1").fetchall()[0] == ("29.02.202401.03.2024",)
        # what is constant is told from files' statistics before the query runs: it must be the same text there
        assert connection.execute("SELECT count(*) FROM types WHERE name < date '2024-02-29'::text").fetchone() == (0,)


def test_a_zone_whose_name_is_not_certain_is_an_error(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        _style(connection, "SQL, MDY", "postgres", "Europe/Moscow")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="not certain"):
            connection.execute("SELECT timestamptz '2012-07-01 12:00:00+00' || ''")
        assert connection.execute("SELECT timestamp '2012-07-01 12:00:00' || ''").fetchone() == ("07/01/2012 12:00:00",)
