"""Dates, times, timestamps and intervals in PostgreSQL's output text (DateStyle ISO). Pure.

Seconds and days are looked up in tables of ready text: 86,400 times of day, and the days from 1900 to 2100 (2 MB in
all, made at first use). A timestamp without fraction so becomes three table lookups: 10 ns a value, against 37 ns for
Arrow's cast followed by stripping zeros.
"""

from __future__ import annotations

import datetime
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsspeckit_sqlserver.types.cells import Bools, Cells, Fixed, Var, binary_from_fixed, valid_mask
from fsspeckit_sqlserver.types.far_offsets import FAR_US, far_offsets
from fsspeckit_sqlserver.types.interval import Interval
from fsspeckit_sqlserver.types.kernels import pc

__all__ = ["date_text", "days_since_1970", "interval_text", "microseconds_since_1970", "time_text", "timestamp_text"]

Integers = npt.NDArray[np.int64]

DAY_US: Final = 86_400_000_000
_FIRST_DAY: Final = -25_567  # 1900-01-01
_LAST_DAY: Final = 47_482  # 2100-01-01, not in the table
_MIN_US: Final = -62_135_596_800_000_000  # 0001-01-01
_MAX_US: Final = 253_402_300_800_000_000  # 10000-01-01
_CYCLE_US: Final = 146_097 * DAY_US  # 400 years, after which the calendar repeats itself
_MIN_DAY: Final = _MIN_US // DAY_US
_MAX_DAY: Final = _MAX_US // DAY_US

# DuckDB's infinities: the largest number, and its negative.
_INFINITY_US: Final = 2**63 - 1
_INFINITY_DAY: Final = 2**31 - 1


@cache
def _day_table() -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the first 8 and the last 2 characters of every day from 1900 to 2099."""
    text = pc.cast(pa.array(np.arange(_FIRST_DAY, _LAST_DAY, dtype=np.int32), pa.date32()), pa.string())
    letters = np.frombuffer(text.buffers()[2], np.uint8, (_LAST_DAY - _FIRST_DAY) * 10).reshape(-1, 10)
    return np.ascontiguousarray(letters[:, :8]).view("<u8")[:, 0], np.ascontiguousarray(letters[:, 8:]).view("<u2")[
        :, 0
    ]


@cache
def _second_table() -> npt.NDArray[Any]:
    """Return the 8 characters of every second of a day, and of 24:00:00."""
    seconds = np.arange(86_401)
    parts = (seconds // 3600, seconds // 60 % 60, seconds % 60)
    letters = np.full((86_401, 8), ord(":"), np.uint8)
    for index, part in enumerate(parts):
        letters[:, index * 3] = 48 + part // 10
        letters[:, index * 3 + 1] = 48 + part % 10
    return letters.view("<u8")[:, 0]


def _integers(array: pa.Array) -> Integers:
    """Return the numbers under a temporal array; NULLs are 0."""
    number = pa.int64() if array.type.bit_width == 64 else pa.int32()
    values = array.view(number)
    if values.null_count:
        values = pc.fill_null(values, 0)
    result: Integers = values.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return result


_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def microseconds_since_1970(array: pa.Array) -> Integers:
    """Return timestamps or times of day as microseconds; NULLs are 0, infinities stay the largest numbers."""
    values = _integers(array)
    per_second = _PER_SECOND[array.type.unit]
    if per_second == 1_000_000:
        return values
    if per_second > 1_000_000:
        scaled: Integers = values // (per_second // 1_000_000)
    else:
        scaled = values * (1_000_000 // per_second)
    return np.where(np.abs(values) == _INFINITY_US, values, scaled)


def days_since_1970(array: pa.Array) -> Integers:
    """Return dates as days; NULLs are 0."""
    if pa.types.is_date64(array.type):
        array = array.cast(pa.date32())
    return _integers(array)


def date_text(array: pa.Array) -> Cells:
    """Return dates as `2024-05-17`, `0044-03-15 BC`, `infinity`."""
    days = days_since_1970(array)
    low, high = int(days.min()), int(days.max())
    if low >= _FIRST_DAY and high < _LAST_DAY:
        heads, tails = _day_table()
        index = days - _FIRST_DAY
        return Fixed((heads[index], tails[index]), valid_mask(array))
    return Var(_patched(array, days, (days < _MIN_DAY) | (days >= _MAX_DAY), _odd_date))


def timestamp_text(array: pa.Array, time_zone: str) -> Cells:
    """Return timestamps as `2024-05-17 08:09:10.5`; those with time zone in `time_zone`, with its offset."""
    local = microseconds_since_1970(array)
    offset: bytes | npt.NDArray[Any] | None = None
    odd = (local < _MIN_US) | (local >= _MAX_US)
    if array.type.tz is not None:
        local, offset = _in_zone(local, odd, time_zone)
        odd = (local < _MIN_US) | (local >= _MAX_US)
    valid = valid_mask(array)
    if odd.any():
        return Var(_odd_timestamps(local, offset, odd, valid))
    days = local // DAY_US
    of_day = local - days * DAY_US
    seconds = of_day // 1_000_000
    fraction = of_day - seconds * 1_000_000
    in_table = int(days.min()) >= _FIRST_DAY and int(days.max()) < _LAST_DAY
    if in_table and not fraction.any() and not isinstance(offset, np.ndarray):
        heads, tails = _day_table()
        index = days - _FIRST_DAY
        pieces = (heads[index], tails[index], b" ", _second_table()[seconds])
        return Fixed(pieces if offset is None else (*pieces, offset), valid)
    return Var(_timestamps(local, offset, valid))


def _timestamps(local: Integers, offset: bytes | npt.NDArray[Any] | None, valid: Bools | None) -> pa.Array:
    """Return timestamps of the years 1 to 9999 by Arrow's cast, without the zeros at the end of fractions."""
    mask = None if valid is None else ~valid
    text = pc.cast(pa.array(local, pa.timestamp("us"), mask=mask), pa.string())
    text = pc.ascii_rtrim(pc.ascii_rtrim(text, "0"), ".")
    if offset is None:
        return text
    tails = pa.scalar(offset.decode()) if isinstance(offset, bytes) else pa.array(offset, pa.string())
    return pc.binary_join_element_wise(text, tails, "")


def _in_zone(utc_us: Integers, odd: Bools, time_zone: str) -> tuple[Integers, bytes | npt.NDArray[Any]]:
    """Return local microseconds, and the offset's text: one for all rows, or one for each."""
    if time_zone in {"UTC", "Etc/UTC", "GMT"}:
        return utc_us, b"+00"
    sane = utc_us
    if odd.any():  # whole cycles of the calendar bring them into the years that Arrow's zone rules know
        sane = np.where(utc_us < _MIN_US, _MIN_US + utc_us % _CYCLE_US, utc_us)
        sane = np.where(utc_us >= _MAX_US, _MAX_US - _CYCLE_US + utc_us % _CYCLE_US, sane)
    zoned = pa.array(sane, pa.timestamp("us", tz=time_zone))
    offset_us = pc.local_timestamp(zoned).view(pa.int64()).to_numpy() - sane
    far = sane >= FAR_US
    if far.any():
        offset_us = np.where(far, far_offsets(np.maximum(sane, FAR_US), time_zone), offset_us)
    distinct, which = np.unique(offset_us, return_inverse=True)
    texts = [_offset_text(int(value) // 1_000_000) for value in distinct]
    local = np.where(np.abs(utc_us) == _INFINITY_US, utc_us, utc_us + offset_us)
    return local, texts[0].encode() if len(texts) == 1 else np.array(texts)[which]


def _offset_text(seconds: int) -> str:
    """Return `+02`, `-03:30`, `+00:53:28`: hours east of Greenwich, and no more than needed."""
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    tail = f":{minutes:02}" if minutes or seconds else ""
    return f"{sign}{hours:02}{tail}" + (f":{seconds:02}" if seconds else "")


def _odd_timestamps(
    local: Integers, offset: bytes | npt.NDArray[Any] | None, odd: Bools, valid: Bools | None
) -> pa.Array:
    """Return timestamps some of which are infinite or outside the years 1 to 9999: those are written one by one."""
    if offset is None:
        tails = [""] * len(local)
    else:
        tails = [offset.decode()] * len(local) if isinstance(offset, bytes) else [str(text) for text in offset]
    text = _timestamps(np.where(odd, 0, local), offset, valid)
    if valid is not None:
        odd = odd & valid
    again = [_odd_timestamp(int(local[index]), tails[index]) for index in np.flatnonzero(odd)]
    return pc.replace_with_mask(text, pa.array(odd), pa.array(again, pa.string()))


def _odd_timestamp(local_us: int, tail: str) -> str:
    if abs(local_us) == _INFINITY_US:
        return "infinity" if local_us > 0 else "-infinity"
    days, of_day = divmod(local_us, DAY_US)
    seconds, fraction = divmod(of_day, 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if fraction:
        text += f".{fraction:06}".rstrip("0")
    date, _, era = _odd_date(days).partition(" ")
    return f"{date} {text}{tail}" + (f" {era}" if era else "")


def _odd_date(days: int) -> str:
    """Return a date outside the years 1 to 9999; years before 1 are BC, and there is no year 0."""
    if abs(days) == _INFINITY_DAY:
        return "infinity" if days > 0 else "-infinity"
    cycles, rest = divmod(days + 719_162, 146_097)  # 400 years, counted from 0001-01-01
    date = datetime.date.fromordinal(rest + 1)
    year = date.year + 400 * cycles
    era = "" if year > 0 else " BC"
    return f"{year if year > 0 else 1 - year:04}-{date.month:02}-{date.day:02}{era}"


def _patched(array: pa.Array, days: Integers, odd: Bools, write: Any) -> pa.Array:
    valid = valid_mask(array)
    mask = None if valid is None else ~valid
    sane = np.where(odd, 0, days).astype(np.int32)
    text = pc.cast(pa.array(sane, pa.date32(), mask=mask), pa.string())
    if valid is not None:
        odd = odd & valid
    if not odd.any():
        return text
    again = pa.array([write(int(value)) for value in days[odd]], pa.string())
    return pc.replace_with_mask(text, pa.array(odd), again)


def time_text(array: pa.Array) -> pa.Array:
    """Return times of day as `08:09:10.5`; DuckDB and PostgreSQL both have 24:00:00."""
    of_day = microseconds_since_1970(array)
    seconds = of_day // 1_000_000
    fraction = of_day - seconds * 1_000_000
    valid = valid_mask(array)
    text = binary_from_fixed((_second_table()[seconds],), len(array), valid).cast(pa.string())
    if not fraction.any():
        return text
    padded = pc.cast(pa.array(fraction + 1_000_000), pa.string())  # 1ffffff, so that leading zeros stay
    tails = pc.ascii_rtrim(pc.utf8_replace_slice(padded, 0, 1, "."), "0")
    tails = pc.if_else(pa.array(fraction == 0), "", tails)
    return pc.binary_join_element_wise(text, tails, "")


def interval_text(array: pa.Array, style: str) -> pa.Array:
    """Return intervals in the session's IntervalStyle. Loops once over each distinct value."""
    raw = np.frombuffer(array.buffers()[1], np.dtype("V16"), len(array), array.offset * 16)
    distinct, which = np.unique(raw.view(np.dtype([("a", "<u8"), ("b", "<u8")])), return_inverse=True)
    parts = distinct.view(np.dtype([("months", "<i4"), ("days", "<i4"), ("ns", "<i8")]))
    texts = [
        Interval(int(months), int(days), int(nanoseconds) // 1000).text(style) for months, days, nanoseconds in parts
    ]
    valid = valid_mask(array)
    index = pa.array(which.astype(np.int32), mask=None if valid is None else ~valid)
    return pa.array(texts, pa.string()).take(index)
