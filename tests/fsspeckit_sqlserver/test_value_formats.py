"""`to_char` with random formats of dates, intervals and numbers, compared with PostgreSQL: equal, or refused."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer

Connection = psycopg.Connection[tuple[object, ...]]

_CAPITALS = (
    "A.D. A.M. AD AM B.C. BC CC D DAY DDD DD DY FF1 FF2 FF3 FF4 FF5 FF6 HH24 HH12 HH IDDD ID IW IYYY IYY IY I J MI MM "
    "MONTH MON MS OF P.M. PM Q RM SSSSS SSSS SS TZH TZM TZ US WW W Y,YYY YYYY YYY YY Y"
)
_FIELDS = [*_CAPITALS.split(), *_CAPITALS.lower().split(), "Day", "Dy", "Month", "Mon"]
_OF_INTERVALS = ["HH24", "HH24", "MI", "SS", "MS", "US", "SSSS", "DD", "MM", "YYYY", "FF3"]
_BETWEEN = ["-", "/", " ", ":", "", ". ", '"T"', '" q "', ", ", "_", '"x\\"y"', "%"]
_ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Europe/Berlin"]
_SAME = [
    "SELECT to_char(NULL::date, 'Q'), to_char(NULL::date, '\"a\"'), to_char(NULL::int, '9'), to_char(now(), '')",
    "SELECT to_char(time '10:11:12', 'HH24:MI:SS'), to_char(timestamp '2024-01-05', 'TMMonth TMDay.')",
    "SELECT to_char(x, 'MON DD') FROM (SELECT timestamp '2024-01-05' AS x) AS t",
    "SELECT to_char(interval '1 day', 'Day')",
    "SELECT to_char(avg(x), 'FM990.00'), to_char(sum(x), '999') FROM (VALUES (1.25), (2.5), (NULL)) AS v (x)",
    "SELECT to_date('05-06-69', 'DD-MM-YY'), to_date('05-06-70', 'DD-MM-YY'), to_date(NULL, 'YYYY')",
    "SELECT to_date('2024-01-05 10:00:00', 'YYYY-MM-DD'), to_date('2024/1/5x', 'yyyy-mm-dd')",
    "SELECT to_date(' 5  mAr 2024', 'DD Mon YYYY'), to_timestamp('6/7/2024 1:02 pm', 'DD/MM/YYYY HH:MI AM')",
    "SELECT to_timestamp('2024-01-05T10:11:12.250', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')",
    "SELECT to_date('x', 'YYYY')",
    "SELECT x, to_char(x, 'FM999,990.0'), to_char(-x, '9.9PR') FROM generate_series(0, 3) AS x",
]


@pytest.fixture(scope="module")
def pair(gateway: RunningServer, postgres: str) -> Iterator[tuple[Connection, Connection]]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        yield theirs, ours


def _answer(connection: Connection, sql: str) -> tuple[object, ...]:
    result = connection.pgconn.exec_(sql.encode())
    if not result.ntuples:
        return (result.error_field(ord("C")),)
    return tuple(result.get_value(row, place) for row in range(result.ntuples) for place in range(result.nfields))


def _compare(pair: tuple[Connection, Connection], statements: list[str]) -> None:
    wrong, refused = [], 0
    for sql in statements:
        theirs, ours = (_answer(connection, sql) for connection in pair)
        refused += ours == (b"0A000",)
        if ours not in {theirs, (b"0A000",)}:
            wrong.append((sql, theirs, ours))
    assert not wrong
    assert refused < len(statements) // 10


def _date(chance: random.Random) -> str:
    kind = chance.choice(["timestamp", "date", "timestamptz"])
    year = chance.choice([*(chance.randint(1900, 2100) for _ in range(5)), chance.randint(1, 9999)])
    text = f"{year:04}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    if kind != "date":
        fraction = chance.choice([0, 1, 500_000, chance.randint(0, 999_999)])
        text += f" {chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}.{fraction:06}"
    text += " BC" if year < 4000 and chance.random() < 0.05 else ""
    return f"{kind} '{'infinity' if chance.random() < 0.02 else text}'"


def _date_format(chance: random.Random, fields: list[str]) -> str:
    pieces = []
    for _ in range(chance.randint(1, 5)):
        suffix = chance.choice(["TH", "th"]) if chance.random() < 0.15 else ""
        pieces += ["FM" if chance.random() < 0.25 else "", chance.choice(fields), suffix, chance.choice(_BETWEEN)]
    return "".join(pieces)


def _interval(chance: random.Random) -> str:
    months, days = (chance.choice([0, chance.randint(-30, 30)]) for _ in range(2))
    return f"interval '{months} mons {days} days {chance.choice([0, chance.randint(-(10**11), 10**11)])} us'"


def _number(chance: random.Random) -> str:
    kind = chance.choice(["numeric", "int4", "int8", "int2", "float8", "float4"])
    whole = chance.choice([0, 1, 5, 9, 10, 12, 99, 100, 485, 1234, chance.randint(0, 32767)])
    fraction = chance.choice(["0", "5", "25", "125", "995", "05"])
    text = f"{whole}.{fraction}"[:6].rstrip(".") if kind in {"numeric", "float8", "float4"} else str(whole)
    return f"'{chance.choice(['', '-'])}{text}'::{kind}"


def _number_format(chance: random.Random) -> str:
    digits = [chance.choice("99990") for _ in range(chance.randint(1, 8))]
    if chance.random() < 0.4:
        for place in range(len(digits) - 3, 0, -3):
            digits.insert(place, chance.choice(",,G"))
    if chance.random() < 0.6:
        digits += [chance.choice("..D"), *(chance.choice("990") for _ in range(chance.randint(1, 4)))]
    before, after = chance.choice(
        [("", "")] * 5 + [("S", ""), ("", "S"), ("", "MI"), ("MI", ""), ("", "PL"), ("SG", "")]
    )
    after = after or chance.choice(["", "", "", "TH", "th", "%", ' "x"'])
    after = "PR" if not before + after and chance.random() < 0.2 else after
    return chance.choice(["", "", "FM"]) + before + "".join(digits) + after


@pytest.mark.parametrize("zone", _ZONES)
def test_dates(pair: tuple[Connection, Connection], zone: str) -> None:
    chance = random.Random(zone)
    for connection in pair:
        connection.execute(f"SET TimeZone = '{zone}'")
    _compare(pair, [f"SELECT to_char({_date(chance)}, '{_date_format(chance, _FIELDS)}')" for _ in range(100)])


def test_intervals(pair: tuple[Connection, Connection]) -> None:
    chance = random.Random(1)
    formats = [_date_format(chance, _OF_INTERVALS) for _ in range(100)]
    _compare(pair, [f"SELECT to_char({_interval(chance)}, '{pattern}')" for pattern in formats])


@pytest.mark.parametrize("seed", [1, 2])
def test_numbers(pair: tuple[Connection, Connection], seed: int) -> None:
    chance = random.Random(seed)
    _compare(pair, [f"SELECT to_char({_number(chance)}, '{_number_format(chance)}')" for _ in range(200)])


@pytest.mark.parametrize("sql", _SAME)
def test_more(pair: tuple[Connection, Connection], sql: str) -> None:
    theirs, ours = (_answer(connection, sql) for connection in pair)
    assert ours == theirs


def test_roman(pair: tuple[Connection, Connection]) -> None:
    sql = "SELECT to_char(x, 'RN'), to_char(x, 'FMrn') FROM generate_series(0, 4000, 37) AS x"
    theirs, ours = (_answer(connection, sql) for connection in pair)
    assert ours == theirs
