"""Sums of intervals and times, shifts, escapes, NULL arrays and parameters of text, compared with PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer

Connection = psycopg.Connection[tuple[object, ...]]

_SAME = [
    "SELECT sum(x), avg(x) FROM (VALUES (interval '1 day'), (interval '2 days 3 hours'), (NULL)) AS t (x)",
    "SELECT sum(x), avg(x) FROM (VALUES (time '10:00'), (time '11:30')) AS t (x)",
    "SELECT avg(x) FROM (VALUES (interval '1 mon'), (interval '2 days 3 hours'), (interval '7 seconds')) AS t (x)",
    "SELECT sum(x) FILTER (WHERE x IS NULL), avg(x) FILTER (WHERE x IS NULL) FROM (VALUES (interval '1 mon')) AS t (x)",
    "SELECT g, avg(i) OVER (PARTITION BY g) FROM (VALUES (1, interval '1 mon'), (1, '1:00'), (2, NULL)) AS t (g, i)",
    "SELECT convert_from('\\xc3a9', 'UTF8'), get_byte('\\x0102', 1), encode('\\x00ff', 'hex')",
    "SELECT date '2024-01-02' BETWEEN SYMMETRIC '2024-01-03' AND '2024-01-01', 5 BETWEEN '1' AND '7'",
    "SELECT date '2024-01-02' NOT BETWEEN SYMMETRIC '2024-01-03' AND '2024-01-01'",
    "SELECT timestamp '2024-01-02' BETWEEN '2024-01-01 +00' AND '2024-01-03 EST'",
    "SELECT timestamp '2024-01-01' + time '10:00', date '2024-01-01' + time '10:00', time '10:00' + date '2024-01-01'",
    "SELECT timestamp '2024-01-01' - time '10:00', date '2024-01-01' - time '1:00', timestamptz 'epoch' + time '10:00'",
    "SELECT time '10:00' - time '11:30', time '10:00' + interval '20 hours', time '10:00' - interval '11 hours'",
    "SELECT (-5)::int2 << 2, (-5)::int4 >> 1, (-5)::int8 << 3, 1 << 33, 5::int2 >> 17, 1::int2 << 15, 1 << 31",
    "SELECT 1::int8 << 63, 3::int8 << 62, 1 << (-1), (-1)::int8 >> 70, 1::int8 << 65, 1 << 3, 16 >> 2, 5::int8 << 40",
    "SELECT x << 1, x >> 1 FROM (VALUES (-3), (NULL), (7)) AS t (x)",
    "SELECT encode('\\x0a01ff415c00'::bytea, 'escape'), encode('\\x00', 'bogus')",
    "SELECT encode('\\x0a01ff415c00'::bytea, 'escape'), encode(NULL::bytea, 'escape')",
    "SELECT quote_literal(E'a\\\\b'), format('%L', E'a\\\\b''c'), quote_nullable(NULL), quote_literal('x''y')",
    "SELECT array_cat(NULL::int[], NULL::int[]), array_cat(NULL, ARRAY[1]), NULL::int[] || ARRAY[1]",
    "SELECT ARRAY[1] || ARRAY[2], NULL::int[] || NULL::int[]",
    "SELECT extract(milliseconds FROM timestamp '1969-12-31 23:59:59.999999')",
    "SELECT justify_days(i), justify_hours(i) FROM (VALUES (interval '-2 mons 3 days'), ('1 mon -65 days')) AS t (i)",
    "SELECT justify_days(i), justify_hours(i) FROM (VALUES (interval '-1 day 30 hours'), ('3 days -30:00')) AS t (i)",
    "SELECT encode(repeat('a', n)::bytea, 'base64') FROM generate_series(55, 60) AS n",
]
_SCRIPTS = [
    (
        "SET extra_float_digits = 0",
        "SELECT 0.1::float8 + 0.2::float8, 1.5::float8, (0.1::float8 + 0.2::float8)::text, 0.1::float4::text",
        "SET extra_float_digits = -3",
        "SELECT 0.123456789012345::float8::text, 0.123456789012345::float8, 'NaN'::float8::text",
        "RESET extra_float_digits",
        "SELECT (0.1::float8 + 0.2::float8)::text",
    ),
    (
        "SET TimeZone = 'Europe/Berlin'",
        "SELECT timestamptz '2036-07-01Z', timestamptz '2079-07-01Z', timestamptz '9079-07-01Z'",
        "SELECT timestamptz '2079-03-26 01:00Z' + n * interval '1 second' FROM generate_series(-2, 1) AS n",
        "SET TimeZone = 'UTC'",
    ),
    (
        "PREPARE p (int[]) AS SELECT 3 <> ALL ($1), NOT (3 = ANY ($1)), 3 = ANY ($1), 3 > ANY ($1)",
        *(f"EXECUTE p ({value})" for value in ("NULL", "'{1,2}'", "'{3,NULL}'", "ARRAY[3, 4]")),
        "DEALLOCATE p",
    ),
]
_PARAMETERS: list[tuple[int, str, list[bytes | None]]] = [
    (1009, "SELECT $1", [b'{a,NULL,"b c"}', None]),
    (1015, "SELECT $1", [b"{a}"]),
    (1043, "SELECT $1 AS a", [b"x"]),
    (0, "SELECT substring('name3' from $1)", [b"2", b"a.e", b"n(a)"]),
    (23, "SELECT substring('name3' from $1)", [b"2"]),
    (25, "SELECT $1", [b"x", b"a\0b", b"a\xff", b"\xc3"]),
    (1007, "SELECT 3 <> ALL ($1), NOT (3 = ANY ($1)), 3 = ANY ($1)", [None, b"{1}", b"{3}", b"{NULL}"]),
    (1009, "SELECT 'a' = ANY ($1)", [b"{a}", None, b"{b}"]),
    (1009, "SELECT x FROM (VALUES ('a'), ('b')) AS t (x) WHERE x = ANY ($1) OR x = 'b'", [b"{a}", None]),
]


@pytest.fixture(scope="module")
def pair(gateway: RunningServer, postgres: str) -> Iterator[tuple[Connection, Connection]]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        for connection in (theirs, ours):
            connection.execute("SET TimeZone = 'UTC'")
        yield theirs, ours


def _answer(result: psycopg.pq.abc.PGresult) -> tuple[object, ...]:
    if result.error_message:
        return result.error_field(ord("C")), result.error_field(ord("M"))
    cells = [result.get_value(row, place) for row in range(result.ntuples) for place in range(result.nfields)]
    return [result.ftype(place) for place in range(result.nfields)], cells


@pytest.mark.parametrize("sql", _SAME)
def test_statements(pair: tuple[Connection, Connection], sql: str) -> None:
    theirs, ours = (_answer(connection.pgconn.exec_(sql.encode())) for connection in pair)
    assert ours == theirs


@pytest.mark.parametrize("script", _SCRIPTS)
def test_scripts(pair: tuple[Connection, Connection], script: tuple[str, ...]) -> None:
    for sql in script:
        theirs, ours = (_answer(connection.pgconn.exec_(sql.encode())) for connection in pair)
        assert ours == theirs, sql


@pytest.mark.parametrize(("oid", "sql", "values"), _PARAMETERS)
def test_parameters(pair: tuple[Connection, Connection], oid: int, sql: str, values: list[bytes | None]) -> None:
    for value in values:
        theirs, ours = (
            _answer(connection.pgconn.exec_params(sql.encode(), [value], param_types=[oid])) for connection in pair
        )
        assert ours == theirs, value
