"""What follows the date in a moment's text: AM and PM, and the zone: `… +01`, `… -05:30`, `…Z`, `… EST`. Pure.

PostgreSQL reads a zone after every date and time and obeys it in timestamptz and timetz only. DuckDB wants an offset
close behind the time, knows neither PostgreSQL's abbreviations nor a zone after a date or time of day, and does not see
PM. Source: PostgreSQL 15, `DecodeDateTime`, `DecodeTimezone`, and its file `timezonesets/Default`.
"""

from __future__ import annotations

import re
import zoneinfo
from functools import cache
from typing import Final

from fsspeckit_sqlserver.engine.errors import InvalidDatetime

__all__ = ["with_plain_zone", "without_zone"]

_OF_MINUTES: Final = {
    -600: "hst taht",
    -570: "mart",
    -540: "akst gamt",
    -480: "akdt pst",
    -420: "mst pdt",
    -360: "cst galt mdt",
    -300: "act cdt cot est pet",
    -240: "amt ast bot edt",
    -210: "nft nst",
    -180: "adt bra brt clst gft pmst pyst uyt wgt",
    -150: "ndt",
    -120: "brst fnt pmdt uyst wgst",
    -60: "azot egt fnst",
    0: "azost egst gmt uct ut utc wet z zulu",
    60: "bst cet met mez wat wetdst",
    120: "bdst cest cetdst eet ist mest mesz metdst sast",
    180: "eat eest eetdst fet idt",
    210: "irt",
    240: "msd mut ret sct",
    270: "aft",
    300: "must mvt pkt tft tjt uzt",
    345: "npt",
    360: "almt bdt btt kgst pkst uzst xjt yekst",
    390: "mmt",
    420: "almst cxt ict wast",
    480: "awst bnt bort cct hkt myt pht wadt",
    525: "acwst",
    540: "awsst jayt jst kst pwt ulast wdt",
    570: "acst cast",
    600: "aest chut ddut kdt ligt mpt pgt trut yapt",
    630: "acdt acsst cadt lhst sadt",
    660: "aedt aesst pont vut",
    720: "fjt gilt mht nzst nzt tvt wakt wft",
    765: "chast",
    780: "fjst nzdt tot",
    825: "chadt",
}
_ZONES: Final = {
    "azt": "Asia/Baku",
    "get": "Asia/Tbilisi",
    "irkt": "Asia/Irkutsk",
    "krat": "Asia/Krasnoyarsk",
    "lkt": "Asia/Colombo",
    "msk": "Europe/Moscow",
    "novt": "Asia/Novosibirsk",
    "omst": "Asia/Omsk",
    "sgt": "Asia/Singapore",
    "ulat": "Asia/Ulaanbaatar",
    "vlat": "Asia/Vladivostok",
    "yekt": "Asia/Yekaterinburg",
}
"""Abbreviations whose offset has changed, of zones that have no summer time."""

_MINUTES: Final = {name: minutes for minutes, names in _OF_MINUTES.items() for name in names.split()}
_BEFORE: Final = r"(?P<before>.*?\d(?:\s*[ap]m\b)?)"
_OFFSET = re.compile(
    rf"{_BEFORE}(?P<gap>\s*)(?P<sign>[+-])\s*"
    r"(?:(?P<hours>\d{1,2})(?::(?P<minutes>\d{1,2})(?::(?P<seconds>\d{1,2}))?)?|(?P<run>\d{3,4}))\Z",
    re.IGNORECASE | re.DOTALL,
)
_WORD = re.compile(rf"{_BEFORE}\s*(?P<word>[a-z]+(?:[/_+-][a-z0-9]+)*)\Z", re.IGNORECASE | re.DOTALL)
_POSIX = re.compile(rf"{_BEFORE}\s+(?:gmt|utc?)(?P<sign>[+-])(?P<hours>\d{{1,2}})\Z", re.IGNORECASE | re.DOTALL)
_CLOCK = re.compile(r"\d:\d")
_COMPACT_CLOCK = re.compile(r"T\d{4,6}(?:\.\d+)?\Z|\d{8} \d{4,6}(?:\.\d+)?\Z|^\d{6}\Z", re.IGNORECASE)
_COMPACT = re.compile(
    r"(?P<day>\d{4}-?\d\d-?\d\d)[T ](?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d(?:\.\d+)?)?\Z", re.I
)
_ENDS_IN_WORD = re.compile(r"\d{4}-.*\d:\d.*?([a-z]+)\s*\Z", re.IGNORECASE | re.DOTALL)
_CLOCK_12 = re.compile(
    r"(?<![\d:])(?P<hour>\d{1,2})(?P<rest>:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(?P<half>am|pm)\b", re.IGNORECASE
)
_YEAR_LAST = re.compile(
    r"(?:[a-z]{3},? )?(?P<month>[a-z]{3}) +(?P<day>\d{1,2}) (?P<clock>\d{1,2}:\d\d:\d\d(?:\.\d+)?) (?P<year>\d{4})\Z",
    re.I,
)
_NO_ZONES: Final = frozenset({"am", "pm", "bc", "ad"})
_ERA = re.compile(r"\s+(?:bc|ad)\s*\Z", re.IGNORECASE)
_MOST_HOURS: Final = 15  # PostgreSQL's MAX_TZDISP_HOUR


def without_zone(text: str, *, is_time: bool = False) -> str:
    """Return a date's or time's text without the zone that PostgreSQL would ignore; any other text as it is.

    Args:
        is_time: of a time of day alone, where the name of a zone, whose offset depends on the day, is wrong.

    Raises:
        InvalidDatetime: what follows is neither; in PostgreSQL's words.
    """
    before, zone, era = _split(text)
    if zone is not None and is_time and "/" in zone and "-" not in before:
        raise InvalidDatetime(f'invalid input syntax for type time: "{text}"')
    plain = _plain(text if zone is None else before) + (era if zone is not None else "")
    if not is_time and (match := _ENDS_IN_WORD.match(plain)) and match[1].lower() not in _NO_ZONES:
        raise InvalidDatetime(f'invalid input syntax for type timestamp: "{text}"')
    return plain


def with_plain_zone(text: str) -> str:
    """Return a text whose zone is an offset such as `+05:30` right behind the time, or the name of a zone."""
    before, zone, era = _split(text)
    if zone is None:
        return _plain(text)
    before = _plain(before)
    if not _CLOCK.search(before) and not _COMPACT_CLOCK.search(before):
        before += " 00:00:00"
    return f"{before}{'' if zone[0] in '+-' else ' '}{zone}{era}"


def _plain(text: str) -> str:
    """Return a text in which `10:00 PM` is 22:00, a year stands before the time, and `T101112` has colons."""
    if match := _YEAR_LAST.match(text):
        return f"{match['day']} {match['month']} {match['year']} {match['clock']}"
    if match := _COMPACT.match(text):
        return f"{match['day']} {match['hour']}:{match['minute']}:{match['second'] or '00'}"
    match = _CLOCK_12.search(text)
    if match is None or not 1 <= int(match["hour"]) <= 12:
        return text
    hour = int(match["hour"]) % 12 + (12 if match["half"].lower() == "pm" else 0)
    return f"{text[: match.start()]}{hour:02}{match['rest']}{text[match.end() :]}"


def _split(text: str) -> tuple[str, str | None, str]:
    """Return what is before the zone, the zone, and the era behind it; no zone where none is evident."""
    stripped = text.strip()
    era = match[0] if (match := _ERA.search(stripped)) else ""
    stripped = stripped.removesuffix(era).rstrip() if era else stripped
    if match := _OFFSET.match(stripped):
        is_behind_time = _CLOCK.search(match["before"]) or _COMPACT_CLOCK.search(match["before"])
        if not is_behind_time and match["sign"] == "-" and not (match["gap"] and len(match["before"]) > 5):
            return text, None, ""  # a date's own dash
        run = match["run"] or ""
        hours, minutes = int(match["hours"] or run[:-2]), int(match["minutes"] or run[-2:] or 0)
        seconds = int(match["seconds"] or 0)
        if hours > _MOST_HOURS or minutes > 59 or seconds > 59:
            raise InvalidDatetime(f'time zone displacement out of range: "{text}"')
        return match["before"], f"{match['sign']}{hours:02}:{minutes:02}" + (f":{seconds:02}" if seconds else ""), era
    if match := _POSIX.match(stripped):  # west of Greenwich counts up
        hours = int(match["hours"])
        return match["before"], f"{'-' if match['sign'] == '+' else '+'}{hours:02}:00", era
    match = _WORD.match(stripped)
    word = match["word"].lower() if match else ""
    if match is None or word in _NO_ZONES:
        return text, None, ""
    if word in _MINUTES:
        hours, minutes = divmod(abs(_MINUTES[word]), 60)
        return match["before"], f"{'-' if _MINUTES[word] < 0 else '+'}{hours:02}:{minutes:02}", era
    known = _ZONES.get(word) or _names().get(word)
    return (text, None, "") if known is None else (match["before"], known, era)


@cache
def _names() -> dict[str, str]:
    return {name.lower(): name for name in zoneinfo.available_timezones()}
