"""Dates and timestamps in the DateStyles SQL, Postgres and German, made out of the ISO text. Pure.

Loops once over each distinct value: clients that read dates ask for ISO; these styles are for people.
Source: PostgreSQL 16, `EncodeDateOnly` and `EncodeDateTime`.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Callable
from functools import partial

import pyarrow as pa

from fsspeckit_sqlserver.types.kernels import pc

__all__ = ["restyled"]

_ISO = re.compile(r"(\d{4,})-(\d\d)-(\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?))?([+-][\d:]+)?( BC)?\Z")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def restyled(texts: pa.Array, date_style: str, time_zone: str) -> pa.Array:
    """Return dates or timestamps in another style; infinities stay.

    Args:
        texts: as DateStyle ISO writes them.
        date_style: `SQL, MDY`, `Postgres, DMY`, `German, DMY`, ….
        time_zone: of the offsets.
    """
    style, _, order = date_style.partition(", ")
    encoded = texts.dictionary_encode()
    write: Callable[[str], str] = partial(_written, style=style, is_day_first=order == "DMY", time_zone=time_zone)
    again = pa.array([write(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return pc.take(again, encoded.indices)


def _written(text: str, *, style: str, is_day_first: bool, time_zone: str) -> str:
    match = _ISO.match(text)
    if match is None:
        return text
    year, month, day, clock, offset, era = match.groups()
    if style == "German":
        date = f"{day}.{month}.{year}"
    else:
        first, second = (day, month) if is_day_first else (month, day)
        date = f"{first}/{second}/{year}" if style == "SQL" else f"{first}-{second}-{year}"
    if clock is None:
        return f"{date}{era or ''}"
    zone = "" if offset is None else _zone(text, match, time_zone)
    if style == "Postgres":
        number = (int(year) if era is None else 1 - int(year)) % 400 + 400  # the calendar repeats after 400 years
        weekday = _DAYS[datetime.date(number, int(month), int(day)).weekday()]
        name = _MONTHS[int(month) - 1]
        named = f"{day} {name}" if is_day_first else f"{name} {day}"
        return f"{weekday} {named} {clock} {year}{zone}{era or ''}"
    return f"{date} {clock}{zone}{era or ''}"


def _zone(text: str, match: re.Match[str], time_zone: str) -> str:
    """Return the zone's abbreviation at that time behind a space; it may be a number."""
    try:
        moment = datetime.datetime.fromisoformat(text).astimezone(zoneinfo.ZoneInfo(time_zone))
    except (ValueError, OverflowError):
        return str(match[5])
    name = moment.tzname()
    return f" {name}" if name else str(match[5])
