"""Every type's text and binary form, cell by cell the bytes a real PostgreSQL sends.

The same literals are cast by PostgreSQL and by DuckDB; PostgreSQL's bytes are what our encoders must make of DuckDB's
Arrow export.
"""

from __future__ import annotations

import itertools

import duckdb
import psycopg
import pyarrow as pa
import pytest

from fsspeckit_sqlserver.types.datarow import RowEncoder
from fsspeckit_sqlserver.types.mapping import column_for, select_cast
from fsspeckit_sqlserver.types.style import TextStyle
from fsspeckit_sqlserver.wire.backend import DataRow, decode_backend

INTS = ["0", "1", "-1", "7", "32767", "-32768", None]
FLOATS = [
    *("0", "-0", "1", "-1.5", "0.1", "100", "1e-4", "0.00012345", "9.99e-5", "1e-5", "1.5e-7", "1e5", "123456", "1e6"),
    *("999999.9", "1234567", "12345678.5", "123456789", "9999999999", "1e10", "12345678901", "12345678901.5", "1e14"),
    *("123456789012345", "999999999999999", "1e15", "1234567890123456", "1e16", "1e20", "1.7e38", "3.4e-30", None),
    *("NaN", "Infinity", "-Infinity", "-1e10", "-1.25e-6", "-12345678901", "-12345678901.25", "33554432", "16777217"),
]
DOUBLES = [*FLOATS, "1e300", "5e-324", "1.7976931348623157e308", "2.2250738585072014e-308", "0.1234567890123456789"]
DECIMALS = ["0", "1", "-1", "12.34", "-0.01", "9999.99", "10000", "123456.78", "-99999999.99", "0.10", "99999999", None]
TIMESTAMPS = [
    *("2024-02-29 12:34:56", "1970-01-01 00:00:00", "1999-12-31 23:59:59.999999", "2000-01-01 00:00:00.1"),
    *(
        "1899-12-31 23:59:59",
        "1900-01-01 00:00:00",
        "0001-01-01 00:00:00",
        "9999-12-31 23:59:59.5",
        "2099-12-31 23:59:59",
        "2100-01-01 00:00:00",
        None,
    ),
    *("infinity", "-infinity", "0044-03-15 BC", "10000-01-01 00:00:00", "2024-06-30 01:02:03.000001"),
]
DATES = ["2024-02-29", "1900-01-01", "1970-01-01", "0001-01-01", "9999-12-31", "2100-01-01", None]
ODD_DATES = [*DATES, "infinity", "-infinity", "0001-12-31 BC", "0044-03-15 BC", "12024-01-01"]
INTERVALS = [
    *("0 seconds", "1 year", "1 month", "-1 month", "14 months", "3 days", "-3 days 04:05:06", "1 day -00:00:01"),
    *("1 year 2 months 3 days 04:05:06.789", "-1 year -2 months 3 days", "100:00:00", "00:00:00.000001", None),
    *("-1 day", "2 years -1 month", "-00:30:00", "1 month -1 day 00:00:01"),
]
TEXTS = ["", "a", "grüße", "日本語", "tab\tnew\nline", "quote\"'\\", "x" * 1000, None]
UUIDS = ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000", None]


def with_offset(timestamp: str) -> str:
    date, _, era = timestamp.partition(" BC")
    return f"{date}{'' if ':' in date else ' 00:00:00'}+00{' BC' if era or timestamp.endswith('BC') else ''}"


CASES: list[tuple[str, str, str, list[str | None]]] = [
    # name, PostgreSQL type, DuckDB type, literals
    ("bool", "bool", "BOOLEAN", ["true", "false", None]),
    ("int2", "int2", "SMALLINT", INTS),
    ("int4", "int4", "INTEGER", [*INTS, "2147483647", "-2147483648"]),
    ("int8", "int8", "BIGINT", [*INTS, "9223372036854775807", "-9223372036854775808"]),
    ("float4", "float4", "FLOAT", FLOATS),
    ("float8", "float8", "DOUBLE", DOUBLES),
    ("numeric(10,2)", "numeric(10,2)", "DECIMAL(10,2)", DECIMALS),
    ("numeric(18,4)", "numeric(18,4)", "DECIMAL(18,4)", [*DECIMALS, "0.0001", "-0.9999", "99999999999999.9999"]),
    (
        "numeric(18,18)",
        "numeric(18,18)",
        "DECIMAL(18,18)",
        ["0", "0.5", "-0.000000000000000001", "0.123456789012345678"],
    ),
    ("numeric(15,9)", "numeric(15,9)", "DECIMAL(15,9)", ["0", "0.000000001", "-0.0000005", "123456.789", None]),
    ("numeric(38,0)", "numeric(38,0)", "DECIMAL(38,0)", ["0", "-1", "9" * 38, "-" + "9" * 38, "1" + "0" * 20, None]),
    ("numeric(38,10)", "numeric(38,10)", "DECIMAL(38,10)", ["0", "1.5", "9" * 28 + "." + "9" * 10, "-0.0000000001"]),
    ("hugeint", "numeric", "HUGEINT", ["0", "170141183460469231731687303715884105727", "-1", None]),
    ("uhugeint", "numeric", "UHUGEINT", ["0", "340282366920938463463374607431768211455", None]),
    ("ubigint", "numeric", "UBIGINT", ["0", "18446744073709551615", "1", "10000", None]),
    ("bignum", "numeric", "BIGNUM", ["0", "1" * 60, "-5", None]),
    ("text", "text", "VARCHAR", TEXTS),
    ("bytea", "bytea", "BLOB", ["", "abc", r"\x00\xFF\x10", None]),
    ("date", "date", "DATE", DATES),
    ("odd dates", "date", "DATE", ODD_DATES),
    ("time", "time", "TIME", ["00:00:00", "23:59:59.999999", "12:34:56", "01:02:03.5", "24:00:00", None]),
    ("whole times", "time", "TIME", ["00:00:00", "23:59:59", None]),
    ("timetz", "timetz", "TIMETZ", ["01:02:03+05", "23:59:59.5-08:30", "00:00:00+00", None]),
    ("timestamp", "timestamp", "TIMESTAMP", TIMESTAMPS),
    ("whole timestamps", "timestamp", "TIMESTAMP", ["2024-02-29 12:34:56", "1900-01-01", "2099-12-31 23:59:59"]),
    ("whole timestamps with NULL", "timestamp", "TIMESTAMP", ["2024-02-29 12:34:56", None, "2099-12-31 23:59:59"]),
    ("timestamp_s", "timestamp", "TIMESTAMP_S", ["2024-02-29 12:34:56", None]),
    ("timestamp_ms", "timestamp", "TIMESTAMP_MS", ["2024-02-29 12:34:56.789", None]),
    ("timestamp_ns", "timestamp", "TIMESTAMP_NS", ["2024-02-29 12:34:56.789", None]),
    (
        "timestamptz",
        "timestamptz",
        "TIMESTAMPTZ",
        [v if v is None or "inf" in v else with_offset(v) for v in TIMESTAMPS],
    ),
    ("summer and winter", "timestamptz", "TIMESTAMPTZ", ["2024-07-01 00:00:00+00", "2024-01-01 00:00:00+00"]),
    ("interval", "interval", "INTERVAL", INTERVALS),
    ("uuid", "uuid", "UUID", UUIDS),
    ("json", "json", "JSON", ['{"a": [1, 2, null]}', "1", '"x"', None]),
    ("bit", "varbit", "BIT", ["1", "0101", "1" * 17, None]),
    ("enum", "text", "ENUM('a', 'b c')", ["a", "b c", None]),
    ("int4[]", "int4[]", "INTEGER[]", ["{}", "{1,2,3}", "{1,NULL}", "{NULL}", None]),
    ("int8[][]", "int8[]", "BIGINT[][]", ["{{1,2},{3,4}}", "{{1},{NULL}}", None]),
    ("text[]", "text[]", "VARCHAR[]", ["{}", "{a,b}", '{"a b",NULL,"","null","x,y","{z}"}', None]),
    ("bool[]", "bool[]", "BOOLEAN[]", ["{t,f,NULL}", "{}"]),
    ("float8[]", "float8[]", "DOUBLE[]", ["{1,1.5,1e20}", "{}"]),
    ("numeric[]", "numeric[]", "DECIMAL(9,2)[]", ["{1.50,NULL,-2.25}", "{}"]),
    ("date[]", "date[]", "DATE[]", ["{2024-01-01,NULL}", "{}"]),
    ("timestamp[]", "timestamp[]", "TIMESTAMP[]", ['{"2024-01-01 00:00:00","2024-01-01 00:00:00.5"}', "{}"]),
    ("uuid[]", "uuid[]", "UUID[]", ["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}"]),
    ("bytea[]", "bytea[]", "BLOB[]", ["{ab,NULL}"]),
    ("interval[]", "interval[]", "INTERVAL[]", ['{"1 day","1 month"}']),
]
ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"]


def from_postgres(
    dsn: str, pg_type: str, literals: list[str | None], zone: str, wire_format: int
) -> list[bytes | None]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
        rows: list[bytes | None] = []
        for literal in literals:
            value = (
                literal
                if literal is None or pg_type != "bytea" or "\\x" not in literal
                else "\\x" + literal.replace("\\x", "")
            )
            result = connection.pgconn.exec_params(
                f"SELECT $1::{pg_type}".encode(), [None if value is None else value.encode()], None, None, wire_format
            )
            assert result.ntuples == 1, (literal, result.error_message)
            rows.append(result.get_value(0, 0))
        return rows


def duckdb_literal(literal: str, duckdb_type: str) -> str:
    """DuckDB has its own array text: lists go in as SQL lists of quoted elements."""
    if not duckdb_type.endswith("[]"):
        text = literal
        if literal.endswith(" BC"):  # DuckDB wants the era behind the date
            date, _, time = literal.removesuffix(" BC").partition(" ")
            text = f"{date} (BC) {time}".strip()
        return "'" + text.replace("'", "''") + "'"
    return "'" + literal.replace("{", "[").replace("}", "]").replace("'", "''") + "'"


def from_us(
    duckdb_type: str, literals: list[str | None], zone: str, wire_format: int, *, sliced: bool
) -> list[bytes | None]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        values = ", ".join(
            f"({'NULL' if literal is None else duckdb_literal(literal, duckdb_type)}::VARCHAR)" for literal in literals
        )
        if duckdb_type.endswith("[]") and "z" in "".join(filter(None, literals)):
            values = values.replace('"[z]"', '"{z}"')
        relation = connection.sql(f"SELECT v::{duckdb_type} AS v FROM (VALUES {values}) t(v)")
        column = column_for("v", relation.types[0])
        if cast := select_cast(relation.types[0]):
            relation = relation.project(f"v::{cast} AS v")
        batch = relation.to_arrow_table().combine_chunks().to_batches()[0]
    if sliced:  # an array that starts inside its buffers
        padding = batch.slice(0, 1)
        batch = (
            pa.Table.from_batches([padding, batch, padding]).combine_chunks().to_batches()[0].slice(1, len(literals))
        )
    encoder = RowEncoder([column], [wire_format], TextStyle(time_zone=zone))
    encoded = bytes(encoder.encode(batch))
    one_by_one = b"".join(bytes(encoder.encode(batch.slice(index, 1))) for index in range(batch.num_rows))
    assert one_by_one == encoded  # a few rows go another way than many
    rows = list(decode_backend(encoded))
    cells = []
    for row in rows:
        assert isinstance(row, DataRow)
        cells.append(row.values[0])
    return cells


@pytest.mark.parametrize("wire_format", [0, 1], ids=["text", "binary"])
@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_cells_are_what_postgres_sends(
    postgres: str, case: tuple[str, str, str, list[str | None]], wire_format: int
) -> None:
    _, pg_type, duckdb_type, literals = case
    zones = ZONES if pg_type == "timestamptz" and wire_format == 0 else ZONES[:1]
    for zone, sliced in itertools.product(zones, [False, True]):
        expected = from_postgres(postgres, pg_type, literals, zone, wire_format)
        found = from_us(duckdb_type, literals, zone, wire_format, sliced=sliced)
        different = [
            (literal, theirs, ours)
            for literal, theirs, ours in zip(literals, expected, found, strict=True)
            if theirs != ours
        ]
        assert not different, (zone, sliced)
