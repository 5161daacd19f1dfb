"""Values of date and time parameters as DuckDB casts them: PostgreSQL's words for moments, eras, its many spellings.

Pure. A cast of a parameter is DuckDB's; what a constant in quotes gets from `literals` when a statement is planned, a
parameter gets here when it is run. Source: PostgreSQL 16 manual, "Date/Time Input" and "Special Values".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fsspeckit_sqlserver.engine import literals
from fsspeckit_sqlserver.engine.errors import DatetimeOutOfRange, InvalidDatetime
from fsspeckit_sqlserver.engine.moment_texts import with_plain_zone, without_zone
from fsspeckit_sqlserver.engine.typing_rules import type_words
from fsspeckit_sqlserver.types import oids

__all__ = ["Moment", "bound_value", "bound_values"]

_DATED: Final = frozenset({oids.DATE, oids.TIMESTAMP, oids.TIMESTAMPTZ})
_DAYS: Final = {"today": 0, "tomorrow": 1, "yesterday": -1}
_DAY_WORD = re.compile(r"(today|tomorrow|yesterday)(?:\s+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?|allballs))?\Z")
_JULIAN = re.compile(r"j(\d{1,7})\Z")
_DAY_OF_YEAR = re.compile(r"(\d{4})[.-](\d{3})\Z")
_SHORT = re.compile(r"(\d{2})(\d{2})(\d{2})\Z")
_COMPACT_CLOCK = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2})(\d{2})(\d{2}(?:\.\d+)?)")
_SHORT_OFFSET = re.compile(r"\s*([+-])(\d):?(\d{2})\Z")
_DATE = re.compile(r"\d{1,7}-\d{1,2}-\d{1,2}")
_CLOCK = re.compile(
    r"(?:\d{4}-\d{2}-\d{2}[ T])?(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(?:z|[+-]\d{1,2}(?::?\d{2})?)?\Z"
)
_ERA = re.compile(r"\s+(bc|ad)\Z", re.IGNORECASE)
_OLDEST: Final = (-4714, 11, 24)
_JULIAN_OF_YEAR_1: Final = 1_721_425


@dataclass(frozen=True, slots=True)
class Moment:
    """When and where a statement runs.

    Attributes:
        now: its time, with a zone.
        zone: the session's, by name.
        date_order: of DateStyle: `MDY`, `DMY`, `YMD`.
    """

    now: dt.datetime
    zone: str
    date_order: str

    @property
    def local(self) -> dt.datetime:
        """The time as the session's clock shows it."""
        try:
            return self.now.astimezone(ZoneInfo(self.zone))
        except (ZoneInfoNotFoundError, ValueError):
            return self.now.astimezone(dt.UTC)


def bound_values(values: Sequence[object], types: Sequence[int], moment: Moment) -> list[object]:
    """Return parameters as DuckDB takes them; `types` may be shorter."""
    known = (*types, *(0 for _ in range(len(values) - len(types))))
    return [bound_value(value, oid, moment) for value, oid in zip(values, known, strict=False)]


def bound_value(value: object, oid: int, moment: Moment) -> object:
    """Return a parameter as DuckDB takes it.

    Raises:
        InvalidDatetime, DatetimeOutOfRange: a text that is no value of its type, in PostgreSQL's words.
    """
    if isinstance(value, list) and oids.ELEMENT_OF.get(oid) in {*_DATED, oids.TIME}:
        return [bound_value(part, oid if isinstance(part, list) else oids.ELEMENT_OF[oid], moment) for part in value]
    if not isinstance(value, str):
        module = type(value).__module__
        # what is no plain value, an interval, goes as its text
        return value if value is None or module in {"builtins", "datetime", "decimal", "uuid"} else str(value)
    if oid == oids.TIME:
        return _time(value, moment)
    if oid == oids.TIMETZ:
        return literals.timetz_literal(with_plain_zone(value))
    return _dated(value, oid, moment) if oid in _DATED else value


def _time(text: str, moment: Moment) -> object:
    word = text.strip().lower()
    if word == "now":
        return moment.local.time()
    if word == "allballs":
        return dt.time()
    literal = literals.time_literal(without_zone(text, is_time=True))
    match = _CLOCK.match(literal.strip().lower())
    if match is None:
        raise InvalidDatetime(f'invalid input syntax for type time: "{text}"')
    return match[1]


def _dated(written: str, oid: int, moment: Moment) -> object:
    text = with_plain_zone(written) if oid == oids.TIMESTAMPTZ else without_zone(written)
    word = text.strip().lower()
    if word == "now":
        return moment.now if oid == oids.TIMESTAMPTZ else moment.local.replace(tzinfo=None)
    if word in {"infinity", "-infinity"} or (word == "+infinity" and oid != oids.TIMESTAMPTZ):
        return word.removeprefix("+")
    if word == "epoch":
        return "1970-01-01 00:00:00+00" if oid == oids.TIMESTAMPTZ else "1970-01-01"
    if match := _DAY_WORD.match(word):
        date_of = moment.local.date() + dt.timedelta(_DAYS[match[1]])
        return f"{date_of.isoformat()} {_clock(match[2])}" if oid != oids.DATE else date_of
    era = match[1].upper() if (match := _ERA.search(text.rstrip())) else ""
    stripped = text.strip()[: -len(match[0])] if match else text.strip()
    read = _spelled(stripped, word, moment) if not era else literals.date_literal(stripped, moment.date_order)
    if match := _COMPACT_CLOCK.match(read):
        read = f"{match[1]} {match[2]}:{match[3]}:{match[4]}{read[match.end() :]}"
    midnight = " 00:00:00+00" if oid == oids.TIMESTAMPTZ else " 00:00:00"
    read = _SHORT_OFFSET.sub(r"\g<1>0\2:\3", read).replace(" allballs", midnight)
    date = _DATE.match(read)
    if date is None:
        words = "timestamp" if oid == oids.TIMESTAMP else type_words(oid)
        raise InvalidDatetime(f'invalid input syntax for type {words}: "{written}"')
    if era != "BC":
        return read
    year, month, day = map(int, date[0].split("-"))
    if (-year, month, day) < _OLDEST:
        kind = "date" if oid == oids.DATE else "timestamp"
        raise DatetimeOutOfRange(f'{kind} out of range: "{written}"')
    return f"{date[0]} (BC){read[date.end() :]}"


def _clock(text: str | None) -> str:
    return "00:00:00" if text in {None, "allballs"} else str(text)


def _spelled(text: str, word: str, moment: Moment) -> str:
    """Return a date, and what follows it, as year-month-day, of the spellings that are not in `literals`."""
    try:
        if match := _JULIAN.match(word):
            return dt.date.fromordinal(int(match[1]) - _JULIAN_OF_YEAR_1).isoformat()
        if match := _DAY_OF_YEAR.match(word):
            return (dt.date(int(match[1]), 1, 1) + dt.timedelta(int(match[2]) - 1)).isoformat()
    except (ValueError, OverflowError):
        return text
    if match := _SHORT.match(word):
        year = int(match[1])
        return f"{year + (2000 if year < 70 else 1900)}-{match[2]}-{match[3]}"
    return literals.date_literal(text, moment.date_order)
