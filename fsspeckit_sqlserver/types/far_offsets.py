"""A time zone's offsets after 2036, where the tables of Arrow end: the zone's last rule goes on for ever. Pure.

400 years are worked out once for each zone that such times are shown in, 60 ms; the calendar repeats after them.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["FAR_US", "far_offsets"]

Integers = npt.NDArray[np.int64]

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST: Final = dt.datetime(2037, 1, 1, tzinfo=dt.UTC)
_STEP: Final = dt.timedelta(10)
_DAYS: Final = 146_097
_CYCLE_US: Final = _DAYS * 86_400_000_000
FAR_US: Final = (_FIRST - _EPOCH) // dt.timedelta(microseconds=1)
"""From here on, in microseconds since 1970."""


def far_offsets(utc_us: Integers, zone: str) -> Integers:
    """Return microseconds east of Greenwich of times from `FAR_US` on.

    Raises:
        ZoneInfoNotFoundError, ValueError: there is no such zone.
    """
    starts, offsets = _changes(zone)
    found: Integers = offsets[np.searchsorted(starts, (utc_us - FAR_US) % _CYCLE_US, side="right") - 1]
    return found


@lru_cache(maxsize=32)
def _changes(zone: str) -> tuple[Integers, Integers]:
    """Return when an offset begins, counted from `FAR_US`, and the offset."""
    known = zoneinfo.ZoneInfo(zone)
    before, last = _FIRST, _offset(_FIRST, known)
    starts, offsets = [0], [last]
    for day in range(_STEP.days, _DAYS + _STEP.days, _STEP.days):
        moment = _FIRST + dt.timedelta(min(day, _DAYS - 1))
        if (offset := _offset(moment, known)) != last:
            low, high = 0, int((moment - before).total_seconds())
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (
                    (middle, high) if _offset(before + dt.timedelta(0, middle), known) == last else (low, middle)
                )
            starts.append(((before - _FIRST) + dt.timedelta(0, high)) // dt.timedelta(microseconds=1))
            offsets.append(offset)
        before, last = moment, offset
    return np.array(starts, np.int64), np.array(offsets, np.int64)


def _offset(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> int:
    return (moment.astimezone(zone).utcoffset() or dt.timedelta()) // dt.timedelta(microseconds=1)
