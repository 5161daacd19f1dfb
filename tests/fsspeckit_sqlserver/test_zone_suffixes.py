"""Zones, AM and PM behind dates and times, in constants, casts of text and parameters, compared with PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer

Connection = psycopg.Connection[tuple[object, ...]]

_TEXTS = {
    "date": [
        "2024-01-01 +01", "2024-01-01Z", "2024-01-01+05:30", "2024-01-01 EST", "2024-01-01 10:00 America/New_York",
        "20240101 +01", "Jan 5 2024 -03", "5-Jan-2024", "2024-01-05-05", "2024-01-05 bogus", "2024-01-05 BC",
    ],
    "time": ["10:00 +02", "10:00:00-05", "10:00Z", "10:00 EST", "10:00:00.5 PM +02", "100000+02", "10:00:00+0530"],
    "timetz": ["10:00 +02", "10:00:00-05", "10:00Z", "10:00 EST", "10:00:00.5 PM +02", "10:00:00+0530"],
    "timestamp": [
        "2024-01-01 10:00 EST", "2024-01-01T10:00:00 Z", "2024-01-01 10:00:00 +02", "2024-01-01 10:00 PM EST",
        "Jan 5 2024 10:00 -03", "0044-03-15 10:00:00+03 BC", "Mon Jan 01 10:00:00 2024 EST", "2024-01-01 10:00 bogus",
        "2024-01-01 12:30 AM", "1/2/2024 12:30:15 pm",
    ],
    "timestamptz": [
        "2024-01-01 10:00 -05", "2024-01-01 10:00:00.123 -05", "2024-01-01 -05", "2024-01-01Z", "20240101T101112 -05",
        "2024-01-01 10:00:00+5", "2024-01-01 10:00:00+530", "2024-01-01 10:00:00+05:30:15", "2024-01-01 10:00:00 + 05",
        "2024-01-01 10:00 EST", "2024-07-01 10:00 CEST", "2024-07-01 10:00 Japan", "2024-01-01 10:00 MSK",
        "2024-07-01 10:00 america/new_york", "2024-01-01 10:00 GMT+2", "2024-01-01 10:00 UTC-3",
        "0044-03-15 10:00:00 EST BC", "Jan 1 2024 10:00 PST", "2024-01-01 10:00 pm EST",
    ],
}  # fmt: skip
_WRITTEN = [(kind, text) for kind, texts in _TEXTS.items() for text in texts]


@pytest.fixture(scope="module", params=["UTC", "America/New_York"])
def pair(
    gateway: RunningServer, postgres: str, request: pytest.FixtureRequest
) -> Iterator[tuple[Connection, Connection]]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        for connection in (theirs, ours):
            connection.execute(f"SET TimeZone = '{request.param}'")
        yield theirs, ours


def _answer(connection: Connection, sql: str, *values: str) -> str | None:
    result = connection.pgconn.exec_params(sql.encode(), [value.encode() for value in values])
    found = result.get_value(0, 0) if result.ntuples else result.error_field(ord("C"))
    return None if found is None else found.decode()


@pytest.mark.parametrize(("kind", "text"), _WRITTEN)
def test_constants(pair: tuple[Connection, Connection], kind: str, text: str) -> None:
    theirs, ours = (_answer(connection, f"SELECT {kind} '{text}'") for connection in pair)
    assert ours == theirs


@pytest.mark.parametrize(("kind", "text"), _WRITTEN)
def test_parameters(pair: tuple[Connection, Connection], kind: str, text: str) -> None:
    theirs, ours = (_answer(connection, f"SELECT $1::{kind}", text) for connection in pair)
    assert ours == theirs


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("timestamptz", "2024-01-01 10:00:00 -05"),
        ("timestamptz", "2024-01-01 10:00:00 EST"),
        ("timestamp", "2024-01-01 10:00 PM"),
        ("timestamp", "2024-01-01 10:00:00 -05"),
    ],
)
def test_text(pair: tuple[Connection, Connection], kind: str, text: str) -> None:
    theirs, ours = (
        _answer(connection, f"SELECT x::{kind} FROM (VALUES ('{text}'::text), (NULL)) t (x)") for connection in pair
    )
    assert ours == theirs
