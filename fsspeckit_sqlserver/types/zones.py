"""The abbreviations a time zone has had, by offset: what PostgreSQL's older DateStyles write. Pure."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["abbreviations"]

_FIRST, _LAST, _STEP = dt.datetime(1850, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC), dt.timedelta(10)
_SINCE = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@lru_cache(maxsize=64)
def abbreviations(zone: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return offset → abbreviation for times since 1970, and for earlier ones, where an offset has had one only.

    Looks at every tenth day from 1850 to 2100: 20 ms, once for each zone.
    """
    try:
        known = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return {}, {}
    seen: list[tuple[dt.datetime, str, str]] = []
    moment = _FIRST
    while moment < _LAST:
        local = moment.astimezone(known)
        seen.append((moment, _offset(local), local.tzname() or ""))
        moment += _STEP
    pairs = [(offset, name) for _, offset, name in seen]
    return _certain(pair[1:] for pair in seen if pair[0] >= _SINCE), _certain(pairs)


def _offset(local: dt.datetime) -> str:
    """Return an offset as DuckDB and PostgreSQL write it: `+01`, `+05:30`."""
    text = local.isoformat()[19:]
    return text.removesuffix(":00") if len(text) < 9 else text


def _certain(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    names: dict[str, set[str]] = {}
    for offset, name in pairs:
        names.setdefault(offset, set()).add(name)
    return {offset: found.pop() for offset, found in names.items() if len(found) == 1}
