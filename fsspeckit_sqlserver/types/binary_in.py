"""Single values of Bind in PostgreSQL's binary forms, as the Python values the engine takes. Pure.

Source: the receive functions of PostgreSQL 16 (`int4recv`, `timestamptz_recv`, `interval_recv`, …).
"""

from __future__ import annotations

import datetime
import struct
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from fsspeckit_lib.errors import BadInput
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.binary_numeric import decimal_from_binary
from fsspeckit_sqlserver.types.interval import Interval

__all__ = ["BINARY", "DatetimeOutOfRange", "InvalidBinary"]

BinaryDecoder = Callable[[bytes], object]


class DatetimeOutOfRange(BadInput):
    """A binary date or time that PostgreSQL's types cannot hold."""

    kind = "datetime-out-of-range"


class InvalidBinary(BadInput):
    """A binary parameter is not a value of its type."""

    kind = "invalid-binary"


def _unpack(layout: str) -> BinaryDecoder:
    compiled = struct.Struct(layout)

    def decode(value: bytes) -> object:
        return compiled.unpack(value)[0]

    return decode


def _binary_bool(value: bytes) -> bool:
    if len(value) != 1:
        raise ValueError("a boolean is one byte")
    return value != b"\0"


_EPOCH_DAY: Final = datetime.date(2000, 1, 1).toordinal()
_EPOCH: Final = datetime.datetime(2000, 1, 1)  # noqa: DTZ001 - timestamp without time zone
_EPOCH_UTC: Final = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


_DAY_US: Final = 86_400_000_000
_FIRST_DAY: Final = -2_451_545  # 4714-11-24 BC, day 0 of the Julian calendar
_LAST_DAY: Final = 2_145_031_949  # the first of 5874898
_LAST_TIMESTAMP_DAY: Final = 106_751_983  # the first of 294277


def _day(days: int) -> datetime.date | str:
    """Return a day since 2000-01-01; as text where Python has none."""
    if 1 <= _EPOCH_DAY + days <= datetime.date.max.toordinal():
        return datetime.date.fromordinal(_EPOCH_DAY + days)
    text = str(np.datetime64("2000-01-01", "D") + days)  # astronomical years: 0 is 1 BC
    year, month, day = text.rsplit("-", 2)
    number = int(year)
    return f"{number:04}-{month}-{day}" if number > 0 else f"{1 - number:04}-{month}-{day} BC"


def _binary_date(value: bytes) -> object:
    (days,) = struct.unpack("!i", value)
    if days in {2**31 - 1, -(2**31)}:
        return "infinity" if days > 0 else "-infinity"
    if not _FIRST_DAY <= days < _LAST_DAY:
        raise DatetimeOutOfRange("date out of range")
    return _day(days)


def _binary_timestamp(epoch: datetime.datetime) -> BinaryDecoder:
    def decode(value: bytes) -> object:
        (microseconds,) = struct.unpack("!q", value)
        if microseconds in {2**63 - 1, -(2**63)}:
            return "infinity" if microseconds > 0 else "-infinity"
        days, of_day = divmod(microseconds, _DAY_US)
        if not _FIRST_DAY <= days < _LAST_TIMESTAMP_DAY:
            raise DatetimeOutOfRange("timestamp out of range")
        day = _day(days)
        if isinstance(day, datetime.date):
            return epoch + datetime.timedelta(microseconds=microseconds)
        clock = _EPOCH + datetime.timedelta(microseconds=of_day)
        date, space, era = day.partition(" ")
        return f"{date} {clock.time().isoformat()}{'+00' if epoch.tzinfo is not None else ''}{space}{era}"

    return decode


def _binary_time(value: bytes) -> object:
    (microseconds,) = struct.unpack("!q", value)
    if not 0 <= microseconds <= _DAY_US:
        raise DatetimeOutOfRange("time out of range")
    if microseconds == _DAY_US:
        return "24:00:00"
    seconds, fraction = divmod(microseconds, 1_000_000)
    return datetime.time(seconds // 3600, seconds // 60 % 60, seconds % 60, fraction)


def _binary_interval(value: bytes) -> object:
    microseconds, days, months = struct.unpack("!qii", value)
    if months:
        return Interval(months, days, microseconds).text()
    return datetime.timedelta(days=days, microseconds=microseconds)


def _binary_uuid(value: bytes) -> object:
    return uuid.UUID(bytes=value)


def _binary_bits(value: bytes) -> object:
    (count,) = struct.unpack_from("!i", value)
    if count < 0 or len(value) != 4 + (count + 7) // 8:
        raise ValueError("a bit string's length and its bytes differ")
    return "".join(f"{byte:08b}" for byte in value[4:])[:count]


def _binary_jsonb(value: bytes) -> object:
    if value[:1] != b"\x01":
        raise ValueError("unknown jsonb version")
    return value[1:].decode()


BINARY: Final[Mapping[int, BinaryDecoder]] = MappingProxyType(
    {
        oids.BOOL: _binary_bool,
        oids.INT2: _unpack("!h"),
        oids.INT4: _unpack("!i"),
        oids.INT8: _unpack("!q"),
        oids.OID: _unpack("!I"),
        oids.FLOAT4: _unpack("!f"),
        oids.FLOAT8: _unpack("!d"),
        oids.NUMERIC: decimal_from_binary,
        oids.BYTEA: bytes,
        oids.DATE: _binary_date,
        oids.TIME: _binary_time,
        oids.TIMESTAMP: _binary_timestamp(_EPOCH),
        oids.TIMESTAMPTZ: _binary_timestamp(_EPOCH_UTC),
        oids.INTERVAL: _binary_interval,
        oids.UUID: _binary_uuid,
        oids.JSONB: _binary_jsonb,
        oids.BIT: _binary_bits,
        oids.VARBIT: _binary_bits,
    }
)
"""Type OID -> what reads its binary form; arrays, records and text are read elsewhere."""
