"""Parameters of date and time types, in text and binary: the gateway reads them as PostgreSQL reads them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.pq import ExecStatus

from tests.fsspeckit_sqlserver.conftest import RunningServer

_DATES = [
    "2020-01-01", "20200101", "January 8, 1999", "8 Jan 1999", "1/8/1999", "Mon Jan 8 1999", "J2451187", "1999.008",
    "2020-001", "040506", "0044-03-15 BC", "2020-01-01 BC", "4713-01-01 BC", "4714-11-24 BC", "4800-01-01 BC",
    "12000-01-01", "infinity", "-infinity", "epoch", "bogus", "", "2020-13-01", "2020-02-30",
]  # fmt: skip
_MOMENTS = [
    *_DATES, "20200101T101112", "2020-01-01 10:00 BC", "2020-01-01 10:00:00 AD", "2020-01-01 10:00+02",
    "2020-01-01T10:00Z", "2020-01-01 allballs", "1999-01-08 04:05:06 -8:00", "2020-01-01 12:34:56.789",
    "allballs", "10", "04:05 PM", "zulu", "2020-01-01 24:00",
]  # fmt: skip
_TIMES = [
    "12:34", "12:34:56.789", "04:05 PM", "allballs", "24:00:00", "040506", "10", "today", "epoch", "infinity",
    "2020-01-01", "2020-01-01T10:00Z", "2020-01-01 allballs", "bogus", "", "zulu", "8 Jan 1999",
]  # fmt: skip
_CLOCK = {
    "now": "{0}, $1::date = current_date",
    " NOW ": "{0}, $1::date = current_date",
    "today": "$1::{1} = current_date, pg_typeof($1::{1})::text <> ''",
    "today 10:30": "$1::{1}::date = current_date, $1::{1}::timestamp >= current_date",
    "yesterday": "$1::{1}::date = current_date - 1, true",
    "yesterday 04:05:06": "$1::{1}::date = current_date - 1, true",
    "Tomorrow": "$1::{1}::date = current_date + 1, true",
    "yesterday noon": "$1::{1}::date = current_date + 1, true",
}
_NOW = {"timestamp": "$1::timestamp = now()::timestamp", "timestamptz": "$1::timestamptz = now()", "date": "true"}
_BINARY = {
    "date": ("!i", [0, 2**31 - 1, -(2**31), -800_000, 3_000_000, -2_451_545, -2_451_546, 2_145_031_949, 2_147_000_000]),
    "time": ("!q", [0, 86_400_000_000, 86_399_999_999, 86_400_000_001, -1]),
    **dict.fromkeys(
        ("timestamp", "timestamptz"),
        ("!q", [0, -1, 2**63 - 1, -(2**63), -63_148_464_000_000_000, 287_015_616_000_000_000, -(2**62)]),
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=["UTC", "America/New_York"])
def both(
    gateway: RunningServer, postgres: str, request: pytest.FixtureRequest
) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    with psycopg.connect(gateway.dsn, autocommit=True) as ours, psycopg.connect(postgres, autocommit=True) as theirs:
        for connection in (ours, theirs):
            connection.execute(f"SET TimeZone = '{request.param}'")
        yield ours, theirs


def _ask(connection: psycopg.Connection, sql: str, value: bytes, wire_format: int = 0) -> tuple[bytes | None, ...]:
    """Return the values of one row, or SQLSTATE and message."""
    result = connection.pgconn.exec_params(sql.encode(), [value], param_formats=[wire_format])
    if result.status == ExecStatus.TUPLES_OK:
        return tuple(result.get_value(0, place) for place in range(result.nfields))
    return result.error_field(ord("C")), result.error_field(ord("M"))


_WRITTEN = [
    *(("date", text) for text in _DATES),
    *((kind, text) for kind in ("timestamp", "timestamptz") for text in _MOMENTS),
    *(("time", text) for text in _TIMES),
]


@pytest.mark.parametrize(("kind", "text"), _WRITTEN)
def test_written(both: tuple[psycopg.Connection, psycopg.Connection], kind: str, text: str) -> None:
    ours, theirs = (_ask(connection, f"SELECT $1::{kind}", text.encode()) for connection in both)
    assert ours == theirs


@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
@pytest.mark.parametrize("text", _CLOCK)
def test_by_the_clock(both: tuple[psycopg.Connection, psycopg.Connection], kind: str, text: str) -> None:
    sql = "SELECT " + _CLOCK[text].format(_NOW[kind], kind)
    ours, theirs = (_ask(connection, sql, text.encode()) for connection in both)
    assert ours == theirs
    assert ours == (b"t", b"t") or text == "yesterday noon"


def test_now_is_a_time_of_day_and_an_element(both: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    for sql in (
        "SELECT $1::time <= localtime",
        "SELECT ($2::timestamptz[])[1] = now(), ($2::date[])[2], ($3::date[])[1] FROM (SELECT $1::text) q",
    ):
        values = [b"now", b"{now,0044-03-15 BC}", b"{yesterday}"][: 1 if "time <" in sql else 3]
        answers = [
            [result.get_value(0, place) for place in range(result.nfields)]
            for connection in both
            for result in [connection.pgconn.exec_params(sql.encode(), values)]
        ]
        assert answers[0] == answers[1]


def test_now_stands_still_in_a_transaction(both: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    for connection in both:
        with connection.transaction():
            first = _ask(connection, "SELECT $1::timestamptz", b"now")
            assert _ask(connection, "SELECT $1::timestamptz", b"now") == first
            assert _ask(connection, "SELECT now()::text, $1::text", b"")[0] == first[0]
        assert _ask(connection, "SELECT $1::timestamptz", b"now") != first


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, (_, all_) in _BINARY.items() for value in all_])
def test_binary(both: tuple[psycopg.Connection, psycopg.Connection], kind: str, value: int) -> None:
    packed = struct.pack(_BINARY[kind][0], value)
    ours, theirs = (_ask(connection, f"SELECT $1::{kind}", packed, 1) for connection in both)
    assert ours == theirs


def test_into_a_temporary_table_and_out(both: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    answers = []
    for connection in both:
        connection.execute("CREATE TEMP TABLE moments(d date, t timestamp)")
        insert = b"INSERT INTO moments VALUES ($1, $2), ('2020-01-01', 'infinity')"
        result = connection.pgconn.exec_params(insert, [b"0044-03-15 BC", b"January 8, 1999"])
        assert result.status == ExecStatus.COMMAND_OK, result.error_message
        found = connection.pgconn.exec_(
            b"SELECT d, t FROM moments WHERE d < '2000-01-01' OR t > '2000-01-01' ORDER BY d"
        )
        answers.append([found.get_value(row, place) for row in range(found.ntuples) for place in (0, 1)])
        connection.execute("DROP TABLE moments")
    assert answers[0] == answers[1]
