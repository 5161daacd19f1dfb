"""PostgreSQL's spellings of values inside quotes, in the one spelling DuckDB reads as the same value. Pure.

Only what a person or a driver writes is covered: anything else passes as it is, and DuckDB says what is wrong with it.
Source: PostgreSQL 16 manual, "Data Types", and the input functions of PostgreSQL 15.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from fsspeckit_sqlserver.engine.errors import (
    InvalidDatetime,
    InvalidParameterValue,
    InvalidText,
    NumericOutOfRange,
    UnsupportedStatement,
)
from fsspeckit_sqlserver.engine.typing_rules import type_words
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.jsonb import jsonb_text

__all__ = [
    "bytea_literal",
    "date_literal",
    "interval_literal",
    "jsonb_literal",
    "number_literal",
    "time_literal",
    "timetz_literal",
]

_INTEGER = re.compile(r"\s*[+-]?\d+\s*\Z")
_FLOAT = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*\Z", re.IGNORECASE)
_LIMITS: Final = {oids.INT2: 2**15, oids.INT4: 2**31, oids.INT8: 2**63}
_LARGEST: Final = {oids.FLOAT4: 3.4028235677973366e38, oids.FLOAT8: 1.7976931348623157e308}


def number_literal(text: str, oid: int) -> str:
    """Return a number's text.

    Raises:
        InvalidText, NumericOutOfRange: in PostgreSQL's words.
    """
    words = type_words(oid)
    if oid == oids.NUMERIC and text.strip().lower().lstrip("+-") in {"nan", "infinity", "inf"}:
        raise UnsupportedStatement(f"numeric {text.strip()} is not supported", "Use double precision.")
    if oid in _LIMITS:
        if not _INTEGER.match(text):
            raise InvalidText(f'invalid input syntax for type {words}: "{text}"')
        if not -_LIMITS[oid] <= int(text) < _LIMITS[oid]:
            raise NumericOutOfRange(f'value "{text}" is out of range for type {words}')
        return text.strip()
    if oid in _LARGEST and _FLOAT.match(text) and abs(float(text)) > _LARGEST[oid]:
        raise NumericOutOfRange(f'"{text}" is out of range for type {words}')
    if oid == oids.NUMERIC and _FLOAT.match(text) and "e" in text.lower():
        return format(Decimal(text.strip()), "f")
    if oid == oids.OID and _INTEGER.match(text) and -(2**31) <= int(text) < 0:
        return str(int(text) + 2**32)
    return text


def bytea_literal(text: str) -> str:
    r"""Return the hexadecimal digits of a bytea's text, `\x…` or with `\\` and `\ooo` in it.

    Raises:
        InvalidParameterValue, InvalidText: in PostgreSQL's words.
    """
    if text.startswith("\\x"):
        digits = "".join(text[2:].split())
        wrong = next((letter for letter in digits if letter not in "0123456789abcdefABCDEF"), None)
        if wrong is not None:
            raise InvalidParameterValue(f'invalid hexadecimal digit: "{wrong}"')
        if len(digits) % 2:
            raise InvalidParameterValue("invalid hexadecimal data: odd number of digits")
        return digits
    found = bytearray()
    place = 0
    while place < len(text):
        if text[place] != "\\":
            found += text[place].encode()
            place += 1
        elif text[place + 1 : place + 2] == "\\":
            found += b"\\"
            place += 2
        elif re.fullmatch(r"[0-3][0-7]{2}", text[place + 1 : place + 4]):
            found.append(int(text[place + 1 : place + 4], 8))
            place += 4
        else:
            raise InvalidText("invalid input syntax for type bytea")
    return found.hex()


_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sep sept", "october oct", "november nov", "december dec"),
        1,
    )
    for name in names.split()
}  # fmt: skip
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?=\D|\Z)")
_NUMBERS = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?=\D|\Z)")
_NAMED_FIRST = re.compile(r"([a-z]+)[ -](\d{1,2})(?:st|nd|rd|th)?,?[ -](\d{4})(?=\D|\Z)", re.IGNORECASE)
_DAY_FIRST = re.compile(r"(\d{1,2})[ -]([a-z]+)[ -](\d{4})(?=\D|\Z)", re.IGNORECASE)
_YEAR_NAMED = re.compile(r"(\d{4})-([a-z]+)-(\d{1,2})(?=\D|\Z)", re.IGNORECASE)
_WEEKDAY = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+", re.IGNORECASE)
_YEAR_ONE = re.compile(r"(\d{1,4})-(\d{1,2})-(\d{1,2})(.*)\Z", re.DOTALL)


def date_literal(text: str, order: str) -> str:
    """Return a date, or a date and time, with the date as year-month-day, and the era where DuckDB wants it.

    Args:
        order: of DateStyle, `MDY`, `DMY` or `YMD`: how `1/2/2003` is read.
    """
    stripped = text.strip()
    era = ""
    if stripped.upper().endswith(" BC"):
        stripped, era = stripped[:-3].rstrip(), " (BC)"
    stripped = _WEEKDAY.sub("", stripped, count=1)
    rest = stripped
    if match := _COMPACT.match(stripped):
        year, month, day = match[1], int(match[2]), int(match[3])
    elif match := _NUMBERS.match(stripped):
        first, second = int(match[1]), int(match[2])
        month, day = (second, first) if order == "DMY" else (first, second)
        year = match[3] if len(match[3]) == 4 else str(int(match[3]) + (2000 if int(match[3]) < 70 else 1900))
        if order == "YMD" and len(match[3]) == 2:
            year, month, day = str(int(match[1]) + (2000 if int(match[1]) < 70 else 1900)), second, int(match[3])
    elif (match := _NAMED_FIRST.match(stripped)) and match[1].lower() in _MONTHS:
        year, month, day = match[3], _MONTHS[match[1].lower()], int(match[2])
    elif (match := _DAY_FIRST.match(stripped)) and match[2].lower() in _MONTHS:
        year, month, day = match[3], _MONTHS[match[2].lower()], int(match[1])
    elif (match := _YEAR_NAMED.match(stripped)) and match[2].lower() in _MONTHS:
        year, month, day = match[1], _MONTHS[match[2].lower()], int(match[3])
    elif era and (match := _YEAR_ONE.match(stripped)):
        return f"{match[1]}-{match[2]}-{match[3]}{era}{match[4]}"
    else:
        return text
    return f"{year}-{month:02}-{day:02}{era}{rest[match.end() :]}"


_CLOCK_12 = re.compile(r"(\d{1,2}):(\d{2})(:\d{2}(?:\.\d+)?)?\s*(am|pm)\Z", re.IGNORECASE)
_CLOCK_COMPACT = re.compile(r"(\d{2})(\d{2})(\d{2}(?:\.\d+)?)?\Z")


def time_literal(text: str) -> str:
    """Return a time of day as hours, minutes and seconds.

    Raises:
        InvalidDatetime: a bare number of hours.
    """
    stripped = text.strip()
    if match := _CLOCK_12.match(stripped):
        hour = int(match[1]) % 12 + (12 if match[4].lower() == "pm" else 0)
        return f"{hour:02}:{match[2]}{match[3] or ':00'}"
    if (match := _CLOCK_COMPACT.match(stripped)) and len(stripped) >= 4:
        return f"{match[1]}:{match[2]}:{match[3] or '00'}"
    if stripped.isdigit():
        raise InvalidDatetime(f'invalid input syntax for type time: "{text}"')
    return text


_ZONED_CLOCK = re.compile(r"(\d{1,2}:\d{2})(:\d{2}(?:\.\d+)?)?\s*([+-])(\d{1,2})(?::?(\d{2}))?\Z")


def timetz_literal(text: str) -> str:
    """Return a time of day with a zone as hours, minutes, seconds and an offset of two digits."""
    if match := _ZONED_CLOCK.match(text.strip()):
        minutes = f":{match[5]}" if match[5] else ""
        return f"{match[1]}{match[2] or ':00'}{match[3]}{int(match[4]):02}{minutes}"
    return text


_UNITS: Final = {
    **dict.fromkeys(["microsecond", "microseconds", "us", "usec", "usecs"], ("us", 1)),
    **dict.fromkeys(["millisecond", "milliseconds", "ms", "msec", "msecs"], ("us", 1_000)),
    **dict.fromkeys(["second", "seconds", "sec", "secs", "s"], ("us", 1_000_000)),
    **dict.fromkeys(["minute", "minutes", "min", "mins", "m"], ("us", 60_000_000)),
    **dict.fromkeys(["hour", "hours", "hr", "hrs", "h"], ("us", 3_600_000_000)),
    **dict.fromkeys(["day", "days", "d"], ("days", 1)),
    **dict.fromkeys(["week", "weeks", "w"], ("days", 7)),
    **dict.fromkeys(["month", "months", "mon", "mons"], ("months", 1)),
    **dict.fromkeys(["year", "years", "yr", "yrs", "y"], ("months", 12)),
    **dict.fromkeys(["decade", "decades", "dec", "decs"], ("months", 120)),
    **dict.fromkeys(["century", "centuries", "cent", "c"], ("months", 1_200)),
    **dict.fromkeys(["millennium", "millennia", "mil", "mils"], ("months", 12_000)),
}
_PIECE = re.compile(
    r"\s*(?:(?P<sign>[+-]?)(?P<hours>\d+):(?P<minutes>\d{1,2})(?::(?P<seconds>\d{1,2}(?:\.\d*)?))?"
    r"|(?P<ysign>[+-]?)(?P<years>\d+)-(?P<months>\d{1,2})(?=\s|\Z)"
    r"|(?P<number>[+-]?\d*\.?\d+)\s*(?P<unit>[a-zA-Z]*))"
)
_ISO = re.compile(
    r"P(?:(-?[\d.]+)Y)?(?:(-?[\d.]+)M)?(?:(-?[\d.]+)W)?(?:(-?[\d.]+)D)?"
    r"(?:T(?:(-?[\d.]+)H)?(?:(-?[\d.]+)M)?(?:(-?[\d.]+)S)?)?\Z"
)


_DAYS_BEFORE_TIME: Final = re.compile(r"(?<![\d:.-])([+-]?\d+)\s+(?=[+-]?\d+:)")  # '3 4:05:06' is three days and a time


def interval_literal(text: str) -> str:
    """Return an interval's text as `n months n days n microseconds`; of the postgres, verbose, SQL and ISO 8601 forms.

    Raises:
        InvalidDatetime: in PostgreSQL's words.
    """
    stripped = re.sub(r"([+-])\s+(?=\d)", r"\1", text.strip().removeprefix("@").strip())  # '1 month - 1 day'
    stripped = _DAYS_BEFORE_TIME.sub(r"\1 days ", stripped)
    ago = stripped.lower().endswith(" ago")
    if ago:
        stripped = stripped[:-4].rstrip()
    parts: dict[str, float] = {"months": 0, "days": 0, "us": 0}
    if match := _ISO.match(stripped):
        units = ("year", "month", "week", "day", "hour", "minute", "second")
        found = [(float(value), unit) for value, unit in zip(match.groups(), units, strict=True) if value]
    else:
        found = _pieces(stripped, text)
    for value, unit in found:
        _add(parts, value, unit)
    factor = -1 if ago else 1
    months, days, us = (round(parts[name]) * factor for name in ("months", "days", "us"))
    return f"{months} months {days} days {us} microseconds"


def _pieces(stripped: str, text: str) -> list[tuple[float, str]]:
    found: list[tuple[float, str]] = []
    place = 0
    while place < len(stripped):
        match = _PIECE.match(stripped, place)
        if match is None:
            raise InvalidDatetime(f'invalid input syntax for type interval: "{text}"')
        place = match.end()
        if match["hours"] is not None:
            sign = -1 if match["sign"] == "-" else 1
            clock = int(match["hours"]) * 3600 + int(match["minutes"]) * 60 + float(match["seconds"] or 0)
            found.append((sign * clock, "second"))
        elif match["years"] is not None:
            sign = -1 if match["ysign"] == "-" else 1
            found.append((sign * (int(match["years"]) * 12 + int(match["months"])), "month"))
        else:
            unit = match["unit"].lower()
            is_day = not unit and re.match(r"\s+[+-]?\d+:", stripped[place:])  # SQL: `3 4:05:06`
            found.append((float(match["number"]), unit or ("day" if is_day else "second")))
            if found[-1][1] not in _UNITS:
                raise InvalidDatetime(f'invalid input syntax for type interval: "{text}"')
    if not found:
        raise InvalidDatetime(f'invalid input syntax for type interval: "{text}"')
    return found


def _add(parts: dict[str, float], value: float, unit: str) -> None:
    """Add to months, days and microseconds; a fraction of a unit spills into the smaller ones."""
    name, factor = _UNITS[unit]
    total = value * factor
    if name == "us":
        parts["us"] += total
        return
    whole = int(total)
    parts[name] += whole
    fraction = total - whole
    if name == "months" and fraction:
        if factor > 1:
            parts["months"] += round(fraction)
            return
        days = fraction * 30
        parts["days"] += int(days)
        parts["us"] += (days - int(days)) * 86_400_000_000
    elif fraction:
        parts["us"] += fraction * 86_400_000_000


def jsonb_literal(text: str) -> str:
    """Return JSON as jsonb shows it.

    Raises:
        InvalidText: in PostgreSQL's words.
    """
    try:
        return jsonb_text(text)
    except (ValueError, RecursionError) as error:
        raise InvalidText("invalid input syntax for type json") from error
