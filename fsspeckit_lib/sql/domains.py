"""How a column's values are ordered, and where a constant lies among them.

Pure. Every prunable column is mapped to a line of *ticks*: integers for booleans, integers, decimals (unscaled), dates
(days), times and timestamps (microseconds since midnight or the epoch), IEEE doubles for floats, bytes for text, binary
and UUID. A constant becomes an interval on that line: one point where the comparison is exact, a wider interval where
the engine would round, or would need a time zone that is not known here. Whoever prunes with the interval keeps
everything any point of it could match, so a wide interval costs reading, never rows.

Source of the comparison rules: DuckDB 2.0's binder, established with `tests/fsspeckit_lib/sql/test_pruning_oracle.py`.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import uuid
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Final, TypeAlias

__all__ = ["INT64_MAX", "INT64_MIN", "Domain", "Interval", "Kind", "Literal", "Value", "interval_of"]

Value: TypeAlias = bool | int | float | Decimal | str | bytes | dt.date | dt.datetime | dt.time | uuid.UUID | None

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

_MICROSECOND: Final = dt.timedelta(microseconds=1)
_DAY_TICKS: Final = 86_400_000_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EPOCH_DAY: Final = dt.date(1970, 1, 1).toordinal()
# No zone was ever further than 16 hours from UTC; 26 leaves room for one on each side of a comparison.
_ZONE_SLACK_TICKS: Final = 26 * 3_600_000_000

_INTEGER = re.compile(r"[+-]?\d{1,19}\Z", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_TIMESTAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?))?(Z|[+-]\d{2}(?::?\d{2})?)?\Z", re.ASCII
)
_BOOLEANS: Final = {"t": True, "true": True, "f": False, "false": False}


class Kind(Enum):
    """The order a column's values have."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    TEXT = "text"
    BINARY = "binary"
    UUID = "uuid"
    OTHER = "other"  # nested, or without an order that is known here: never pruned


@dataclass(frozen=True, slots=True)
class Domain:
    """The line of ticks of one column. `scale` is the number of decimal digits behind the point, for DECIMAL."""

    kind: Kind
    scale: int = 0

    @property
    def is_float(self) -> bool:
        """Whether ticks are doubles, and NaN may hide outside of the bounds."""
        return self.kind in {Kind.FLOAT32, Kind.FLOAT64}

    @property
    def is_bytes(self) -> bool:
        """Whether ticks are bytes."""
        return self.kind in {Kind.TEXT, Kind.BINARY, Kind.UUID}


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of a statement.

    Attributes:
        value: as Python has it; None is NULL.
        is_typed: whether the statement gave it a type. A bare `'2024-01-01'` has none and takes the column's; after
            `'2024-01-01'::text` it is text for good.
    """

    value: Value
    is_typed: bool = True


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a constant lies: `low <= constant <= high` in ticks. Integer ticks are exact fractions."""

    low: Fraction | float | bytes
    high: Fraction | float | bytes

    @property
    def is_point(self) -> bool:
        """Whether the place is known exactly."""
        return self.low == self.high


def interval_of(literal: Literal, domain: Domain, *, zone_is_utc: bool = False) -> Interval | None:
    """Return where a constant lies among a column's values, or None where that cannot be said.

    Args:
        literal: not NULL.
        domain: the column's.
        zone_is_utc: whether the session's time zone is UTC, so that naive and aware times compare exactly.
    """
    value, kind = literal.value, domain.kind
    text = value if isinstance(value, str) and not literal.is_typed else None
    slack = 0 if zone_is_utc else _ZONE_SLACK_TICKS
    if kind is Kind.BOOLEAN:
        return _boolean(value, text)
    if kind in {Kind.INTEGER, Kind.DECIMAL}:
        return _scaled(value, text, domain)
    if domain.is_float:
        return _float(value, text, is_single=kind is Kind.FLOAT32)
    if kind is Kind.DATE:
        return _date(value, text, slack)
    if kind in {Kind.TIMESTAMP, Kind.TIMESTAMPTZ}:
        return _timestamp(value, text, is_aware=kind is Kind.TIMESTAMPTZ, slack=slack)
    if kind is Kind.TIME and isinstance(value, dt.time) and value.tzinfo is None:
        return _point(_time_ticks(value))
    if kind is Kind.TEXT and isinstance(value, str):
        return _bytes(value.encode())
    if kind is Kind.BINARY and isinstance(value, bytes):
        return _bytes(value)
    if kind is Kind.UUID:
        return _uuid(value, text)
    return None


def _point(ticks: int | Fraction) -> Interval:
    exact = Fraction(ticks)
    return Interval(exact, exact)


def _around(ticks: int | Fraction, slack: int | Fraction) -> Interval:
    return Interval(Fraction(ticks) - slack, Fraction(ticks) + slack)


def _bytes(value: bytes) -> Interval:
    return Interval(value, value)


def _boolean(value: Value, text: str | None) -> Interval | None:
    if text is not None:
        value = _BOOLEANS.get(text.lower())
    return _point(int(value)) if isinstance(value, bool) else None


def _scaled(value: Value, text: str | None, domain: Domain) -> Interval | None:
    factor = 10**domain.scale
    if text is not None:
        return _scaled_text(text, domain)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return _point(value * factor)
    if isinstance(value, Decimal) and value.is_finite():
        return _point(Fraction(value) * factor)
    if isinstance(value, float) and math.isfinite(value):
        # The engine casts the column to DOUBLE, which rounds both sides to 53 bits.
        exact = Fraction(value)
        return _around(exact * factor, (abs(exact) / 2**50 + Fraction(1, 2**50)) * factor)
    return None


def _scaled_text(text: str, domain: Domain) -> Interval | None:
    if domain.kind is Kind.INTEGER:
        return _point(int(text)) if _INTEGER.match(text) else None
    if not _NUMBER.match(text):
        return None
    ticks = Fraction(Decimal(text)) * 10**domain.scale
    return Interval(Fraction(math.floor(ticks)), Fraction(math.ceil(ticks)))  # the cast rounds to the column's scale


def _float(value: Value, text: str | None, *, is_single: bool) -> Interval | None:
    if text is not None:
        if not _NUMBER.match(text):
            return None
        number = float(text)
    elif isinstance(value, float):
        number = value
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            return None
    else:
        return None
    if not math.isfinite(number):
        return None
    if is_single:
        slack = abs(number) * 2.0**-22 + 1e-37  # half a unit of FLOAT, twice over; below that come denormals
        return Interval(number - slack, number + slack)
    return Interval(math.nextafter(number, -math.inf), math.nextafter(number, math.inf))


def _day(value: dt.date) -> int:
    return value.toordinal() - _EPOCH_DAY


def _time_ticks(value: dt.time) -> int:
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def _naive_ticks(value: dt.datetime) -> int:
    return (value.replace(tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND


def _parse_date(text: str) -> dt.date | None:
    if not _DATE.match(text):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _date(value: Value, text: str | None, slack: int) -> Interval | None:
    if text is not None:
        value = _parse_date(text)
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            return _point(Fraction(_naive_ticks(value), _DAY_TICKS))
        return _around(Fraction((value - _EPOCH) // _MICROSECOND, _DAY_TICKS), Fraction(slack, _DAY_TICKS))
    return _point(_day(value)) if isinstance(value, dt.date) else None


def _timestamp(value: Value, text: str | None, *, is_aware: bool, slack: int) -> Interval | None:
    if text is not None:
        value = _parse_timestamp(text)
        if isinstance(value, dt.datetime) and value.tzinfo is not None and not is_aware:
            return None  # whether the offset is applied or ignored is the engine's business
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            ticks = (value - _EPOCH) // _MICROSECOND
            return _around(ticks, 0 if is_aware else slack)
        return _around(_naive_ticks(value), slack if is_aware else 0)
    if isinstance(value, dt.date):
        return _around(_day(value) * _DAY_TICKS, slack if is_aware else 0)
    return None


def _parse_timestamp(text: str) -> dt.datetime | None:
    match = _TIMESTAMP.match(text)
    if not match:
        return None
    day, clock, zone = match.groups()
    if zone and not clock:
        return None
    try:
        parsed = dt.datetime.fromisoformat(f"{day}T{clock or '00:00'}")
        if not zone:
            return parsed
        if zone == "Z":
            return parsed.replace(tzinfo=dt.UTC)
        digits = zone[1:].replace(":", "").ljust(4, "0")
        offset = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        return parsed.replace(tzinfo=dt.timezone(-offset if zone[0] == "-" else offset))
    except ValueError:
        return None  # 30 February: the engine will say so


def _uuid(value: Value, text: str | None) -> Interval | None:
    if text is not None:
        try:
            value = uuid.UUID(text)
        except ValueError:
            return None
    return _bytes(value.bytes) if isinstance(value, uuid.UUID) else None
