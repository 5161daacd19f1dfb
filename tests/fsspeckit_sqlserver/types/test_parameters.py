"""Parameters in text and binary, as a real PostgreSQL writes them, become the Python values they stand for."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.array_in import parse_array
from fsspeckit_sqlserver.types.binary_numeric import decimal_from_binary, decimal_to_binary
from fsspeckit_sqlserver.types.parameters import DatetimeOutOfRange, InvalidBinary, InvalidText, decode_parameter

UTC = dt.UTC
VALUES: list[tuple[int, str, str, object]] = [
    # OID, type, literal, value
    (oids.BOOL, "bool", "yes", True),
    (oids.BOOL, "bool", "off", False),
    (oids.INT2, "int2", "-32768", -32768),
    (oids.INT4, "int4", " 42 ", 42),
    (oids.INT8, "int8", "9223372036854775807", 2**63 - 1),
    (oids.OID, "oid", "4294967295", 2**32 - 1),
    (oids.FLOAT4, "float4", "0.5", 0.5),
    (oids.FLOAT8, "float8", "1e300", 1e300),
    (oids.FLOAT8, "float8", "-Infinity", float("-inf")),
    (oids.NUMERIC, "numeric", "0", Decimal(0)),
    (oids.NUMERIC, "numeric", "-0.00001", Decimal("-0.00001")),
    (oids.NUMERIC, "numeric", "12345678901234567890.10", Decimal("12345678901234567890.10")),
    (oids.NUMERIC, "numeric", "10000000", Decimal(10_000_000)),
    (oids.NUMERIC, "numeric", "Infinity", Decimal("Infinity")),
    (oids.TEXT, "text", "grüße", "grüße"),
    (oids.VARCHAR, "varchar", "", ""),
    (oids.BYTEA, "bytea", "\\x00ff5c", b"\x00\xff\\"),
    (oids.BYTEA, "bytea", r"a\\b\001", b"a\\b\x01"),
    (oids.DATE, "date", "2024-02-29", dt.date(2024, 2, 29)),
    (oids.DATE, "date", "infinity", "infinity"),
    (oids.TIME, "time", "23:59:59.999999", dt.time(23, 59, 59, 999999)),
    (oids.TIMESTAMP, "timestamp", "1999-12-31 23:59:59.5", dt.datetime(1999, 12, 31, 23, 59, 59, 500000)),  # noqa: DTZ001
    (oids.TIMESTAMP, "timestamp", "-infinity", "-infinity"),
    (oids.TIMESTAMPTZ, "timestamptz", "2024-01-01 02:00:00+02", dt.datetime(2024, 1, 1, tzinfo=UTC)),
    (oids.UUID, "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
    (oids.JSON, "json", '{"a": 1}', '{"a": 1}'),
    (oids.JSONB, "jsonb", '{"a": 1}', '{"a": 1}'),
    (1007, "int4[]", "{1,NULL,-3}", [1, None, -3]),
    (1007, "int4[]", "{}", []),
    (1007, "int4[]", "{{1,2},{3,4}}", [[1, 2], [3, 4]]),
    (1009, "text[]", '{a,"b c",NULL,"NULL","q\\"\\\\",""}', ["a", "b c", None, "NULL", 'q"\\', ""]),
    (1182, "date[]", "{2024-01-01}", [dt.date(2024, 1, 1)]),
    (2951, "uuid[]", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", [uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")]),
]
IDS = [f"{name} {literal}" for _, name, literal, _ in VALUES]


@pytest.mark.parametrize(("oid", "type_name", "literal", "expected"), VALUES, ids=IDS)
def test_text_and_binary_mean_the_same(postgres: str, oid: int, type_name: str, literal: str, expected: object) -> None:
    assert decode_parameter(oid, 0, literal.encode(), 1) == expected
    with psycopg.connect(postgres) as connection:
        sent = connection.pgconn.exec_params(f"SELECT $1::{type_name}".encode(), [literal.encode()], None, None, 1)
        assert decode_parameter(oid, 1, sent.get_value(0, 0), 1) == expected


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("1 day 02:00:00", dt.timedelta(days=1, hours=2)),
        ("-1 day", dt.timedelta(days=-1)),
        ("14 months 3 days", "1 year 2 mons 3 days"),
    ],
)
def test_binary_intervals(postgres: str, literal: str, expected: object) -> None:
    with psycopg.connect(postgres) as connection:
        sent = connection.pgconn.exec_params(b"SELECT $1::interval", [literal.encode()], None, None, 1)
        assert decode_parameter(oids.INTERVAL, 1, sent.get_value(0, 0), 1) == expected


def test_null_has_every_type() -> None:
    assert decode_parameter(oids.INT4, 0, None, 1) is None
    assert decode_parameter(oids.INT4, 1, None, 1) is None


@pytest.mark.parametrize(
    ("oid", "text"),
    [
        (oids.BOOL, b"maybe"),
        (oids.INT2, b"32768"),
        (oids.INT4, b"1_000"),
        (oids.INT4, b"x"),
        (oids.INT4, b""),
        (oids.INT8, b"9223372036854775808"),
        (oids.FLOAT8, b"1_0"),
        (oids.NUMERIC, b"1,5"),
        (oids.UUID, b"zz"),
        (oids.BYTEA, b"\\xzz"),
        (oids.TEXT, b"\xff"),
        (1007, b"{1,2"),
        (1007, b"{1,x}"),
        (1007, b"1,2"),
        (1007, b"{1,2}}"),
        (1007, b"{1,,2}"),
    ],
)
def test_wrong_text_is_refused(oid: int, text: bytes) -> None:
    with pytest.raises(InvalidText):
        decode_parameter(oid, 0, text, 1)


@pytest.mark.parametrize(
    ("oid", "data"),
    [
        (oids.BOOL, b""),
        (oids.INT4, b"\0"),
        (oids.FLOAT8, b"\0" * 7),
        (oids.NUMERIC, b"\0\1\0\0\0\0\0\0"),  # a digit is announced and missing
        (oids.NUMERIC, b"\0\1\0\0\0\0\0\0\xff\xff"),  # a digit above 9999
        (oids.NUMERIC, b"\0\0\0\0\x12\x34\0\0"),  # no such sign
        (oids.UUID, b"\0" * 15),
        (oids.TEXT, b"\xff\xfe"),
        (oids.JSONB, b"\x02{}"),
        (oids.INTERVAL, b"\0" * 15),
        (1007, b"\0\0\0\x07"),
        (1007, b"\0\0\0\x01\0\0\0\0\0\0\0\x17\0\0\0\x01\0\0\0\x01\0\0\0\x04\0\0"),  # the element is cut off
        (1007, b"\0\0\0\x01\0\0\0\0\0\0\0\x17\0\0\0\x05\0\0\0\x01\0\0\0\x04\0\0\0\x01"),  # one of five elements
        (oids.INET, b"\2\x20\0\4\x7f\0\0\1\xff"),
    ],
)
def test_wrong_binary_is_refused(oid: int, data: bytes) -> None:
    with pytest.raises(InvalidBinary):
        decode_parameter(oid, 1, data, 1)


@pytest.mark.parametrize(
    ("oid", "data"),
    [(oids.DATE, b"\x7f\xff\xff\xfe"), (oids.TIME, b"\xff" * 8), (oids.TIMESTAMP, b"\x7f" + b"\xff" * 6 + b"\xfe")],
)
def test_what_no_calendar_has_is_out_of_range(oid: int, data: bytes) -> None:
    with pytest.raises(DatetimeOutOfRange, match="out of range"):
        decode_parameter(oid, 1, data, 1)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_every_decimal_survives_its_binary_form(value: Decimal) -> None:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if -16_000 < exponent < 100:
        assert decimal_from_binary(decimal_to_binary(value)) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_a_numeric_or_refused(data: bytes) -> None:
    try:
        decode_parameter(oids.NUMERIC, 1, data, 1)
    except InvalidBinary:
        pass


nested = st.recursive(
    st.none() | st.text(max_size=8), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=8
)


def written(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "{" + ",".join(map(written, value)) + "}"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(nested, max_size=4))
def test_arrays_are_read_as_they_were_written(value: list[object]) -> None:
    assert parse_array(written(value), str) == value


@given(st.text(alphabet='{},"\\ aN[]=:1', max_size=20))
def test_any_text_is_an_array_or_refused(text: str) -> None:
    try:
        parse_array(text, str)
    except ValueError:
        pass


def test_array_bounds_are_skipped() -> None:
    assert parse_array("[0:1]={a,b}", str) == ["a", "b"]
