"""Generated statements: every type's literals, every cast between types, every operator between them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

LITERALS: dict[str, list[str]] = {
    "bool": ["true", "f", "yes", "off", "1", "maybe", ""],
    "int2": ["0", "-1", " 7 ", "32767", "32768", "1.5", "x", ""],
    "int4": ["0", "-2147483648", "2147483647", "2147483648", "0x10", "1e3", "ten"],
    "int8": ["0", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "--1"],
    "float4": ["0", "1.5", "1e6", "0.1", "3.4e38", "1e39", "NaN", "-Infinity", "1e-5", "abc"],
    "float8": ["0", "-0", "1e15", "1e16", "0.1", "1e-5", "123456.789", "inf", "nan", "1e309", "1,5"],
    "numeric": ["0", "1.50", "-123.456", "12345678901234567890.123456789", "1e5", "0.000001", "x1"],
    "numeric(10,2)": ["0", "1.005", "99999999.99", "-1.995", "123456789.00", "NULL"],
    "text": ["", "a", "grüße", "  spaces  "],
    "varchar(3)": ["abcdef", "ab", ""],
    "char(5)": ["ab", "abcdef", ""],
    "name": ["a_name"],
    "bytea": ["\\x00ff10", "\\xABCD", "abc", "\\x1", "\\xzz", "a\\\\b", "\\001"],
    "date": ["2024-02-29", "2023-02-29", "0044-03-15 BC", "infinity", "20240115", "January 8, 1999", "1/8/1999", "x"],
    "time": ["12:34:56", "12:34:56.789012", "24:00:00", "25:00", "04:05 PM", "040506"],
    "timetz": ["12:34:56+02", "12:34:56.5-08:30"],
    "timestamp": [
        "2024-02-29 12:34:56",
        "2024-02-29",
        "infinity",
        "2024-02-29T12:34:56.5",
        "2024-13-01",
        "10000-01-01",
    ],
    "timestamptz": [
        "2024-02-29 12:34:56+02",
        "2024-02-29 12:34:56",
        "-infinity",
        "2024-07-01 00:00:00 America/New_York",
    ],
    "interval": [
        "1 day",
        "1 year 2 months 3 days 04:05:06.789",
        "-1 mon",
        "P1Y2M3DT4H5M6S",
        "90 minutes",
        "3 blorps",
        "1-2",
    ],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", "a0eebc99", ""],
    "json": ['{"a": [1, null, "x"]}', "1", '"x"', "{a}", ""],
    "jsonb": ['{"b": 1, "a": [1,  2]}', "null", "[1,", "12.50"],
    "bit(4)": ["1010"],
    "varbit": ["", "1", "10101010101"],
    "int4[]": ["{}", "{1,2,NULL}", "{{1,2},{3,4}}", "{1,x}", "1,2", "{1,2"],
    "text[]": ["{}", '{a,"b c",NULL,"null",""}', '{"a\\"b","c\\\\d"}', "{a,{b}}"],
    "float8[]": ["{1.5,NaN,-Infinity}"],
    "date[]": ["{2024-01-01,NULL}"],
    "bool[]": ["{t,f,NULL}"],
    "numeric[]": ["{1.50,2.5}"],
    "oid": ["0", "4294967295", "-1", "x"],
}

SAMPLES: dict[str, str] = {
    "bool": "true",
    "int2": "7",
    "int4": "42",
    "int8": "5000000000",
    "float4": "1.5",
    "float8": "2.5",
    "numeric": "12.75",
    "text": "12",
    "varchar": "12",
    "bytea": "\\x3132",
    "date": "2024-02-29",
    "time": "12:34:56",
    "timetz": "12:34:56+00",
    "timestamp": "2024-02-29 12:34:56.5",
    "timestamptz": "2024-02-29 12:34:56.5+00",
    "interval": "1 day 02:00:00",
    "uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "json": '{"a": 1}',
    "jsonb": '{"a": 1}',
    "int4[]": "{1,2}",
    "text[]": "{1,2}",
    "varbit": "101",
}
NUMBERS = ["int2", "int4", "int8", "float4", "float8", "numeric"]
TIMES = ["date", "time", "timestamp", "timestamptz", "interval"]


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def literals() -> Iterator[str]:
    for kind, texts in LITERALS.items():
        yield f"SELECT NULL::{kind}"
        for text in texts:
            yield f"SELECT {quoted(text)}::{kind}"


def casts() -> Iterator[str]:
    for source, target in itertools.product(SAMPLES, SAMPLES):
        if source != target:
            yield f"SELECT {quoted(SAMPLES[source])}::{source}::{target}"


def operators() -> Iterator[str]:
    for left, right, symbol in itertools.product(NUMBERS, NUMBERS, ["+", "-", "*", "/", "<"]):
        yield f"SELECT '7'::{left} {symbol} '2'::{right}"
    for kind in NUMBERS:
        for symbol in ["%", "=", ">=", "<>", "^"]:
            yield f"SELECT '7'::{kind} {symbol} '2'::{kind}"
        yield f"SELECT -'7'::{kind}"
        yield f"SELECT @ '-7'::{kind}"
        yield f"SELECT '7'::{kind} / '0'::{kind}"
    for kind in ["int2", "int4", "int8"]:
        for symbol in ["&", "|", "#", "<<", ">>"]:
            yield f"SELECT '7'::{kind} {symbol} 2"
        yield f"SELECT ~'7'::{kind}"
    for left, right, symbol in itertools.product(TIMES, TIMES, ["+", "-"]):
        yield f"SELECT {quoted(SAMPLES[left])}::{left} {symbol} {quoted(SAMPLES[right])}::{right}"
    for left, right in itertools.product(["date", "timestamp", "timestamptz"], repeat=2):
        yield f"SELECT '2024-01-01'::{left} < '2024-01-02'::{right}"
    for kind, sample in SAMPLES.items():
        for symbol in ["=", "<", "<>", ">=", "IS DISTINCT FROM"]:
            if kind != "json":
                yield f"SELECT {quoted(sample)}::{kind} {symbol} {quoted(sample)}::{kind}"
        yield f"SELECT {quoted(sample)}::{kind} IS NULL"
        yield f"SELECT coalesce(NULL, {quoted(sample)}::{kind})"
        yield f"SELECT pg_typeof({quoted(sample)}::{kind})"
        yield (
            f"SELECT ARRAY[{quoted(sample)}::{kind}, NULL]"
            if not kind.endswith("[]")
            else "SELECT ARRAY[ARRAY[1,2],ARRAY[3,4]]"
        )
        if kind not in {"json", "bytea", "jsonb", "varbit"}:
            yield f"SELECT {quoted(sample)}::{kind} || '!'"
        yield f"SELECT {quoted(sample)}::{kind}::text || ''"


GENERATED: list[str] = list(dict.fromkeys([*literals(), *casts(), *operators()]))
