"""Times as people and programs write them. Pure."""

from __future__ import annotations

import datetime
import email.utils
import re
import zoneinfo

from fsspeckit_lib.errors import InvalidValue

__all__ = ["timestamp_from_string"]

_FORMS = (
    "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%d-%b-%Y", "%Y-%m", "%Y/%m",
)  # fmt: skip
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_ZONE = re.compile(
    r"(?P<rest>.*\d(?:\s?[AaPp][Mm])?)\s*(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d|[A-Z][A-Za-z_]+/[A-Za-z_/+-]+)"
)
_EPOCH = re.compile(r"@(-?\d+(?:\.\d+)?)")


def timestamp_from_string(text: str, tz: str | datetime.tzinfo | None = None, naive: bool = False) -> datetime.datetime:
    """Return the time that a text says.

    Understands ISO 8601 (`2024-03-01`, `20240301T120000Z`, `2024-03-01 12:00:00.5+01:00`), RFC 2822
    (`Fri, 01 Mar 2024 12:00:00 GMT`), `2024/03/01 12:00`, `1.3.2024`, `1 Mar 2024`, `March 1, 2024 2:30 PM`,
    `@1709290800` (seconds since the epoch, as date(1) has it), each but the last with a zone behind it: `Z`, `UTC`,
    `+01:00`, `Europe/Berlin`. `01/02/2024` is refused: half the world reads it the other way round.

    Args:
        text: the time.
        tz: the zone of the result, and of a text that says none; UTC by default. A name or a tzinfo.
        naive: leave the zone out of the result.

    Raises:
        InvalidValue: not a time, or not a zone.
    """
    zone = _zone(tz) if isinstance(tz, str) else tz
    found = _parse(" ".join(str(text).split()))
    if found is None:
        raise InvalidValue(f"time: found {text!r}, wanted one such as 2024-03-01T12:00:00+01:00 or 2024-03-01 12:00")
    try:
        if found.tzinfo is None:
            found = found.replace(tzinfo=zone or datetime.UTC)
        elif zone is not None:
            found = found.astimezone(zone)
        elif naive:
            found = found.astimezone(datetime.UTC)
    except OverflowError:
        raise InvalidValue(f"time: found {text!r}, which zone {tz!r} moves out of the years 1 to 9999") from None
    return found.replace(tzinfo=None) if naive else found


def _parse(text: str) -> datetime.datetime | None:
    epoch = _EPOCH.fullmatch(text)
    try:
        if epoch:
            return datetime.datetime.fromtimestamp(float(epoch.group(1)), datetime.UTC)
        return datetime.datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        pass
    if re.match(r"[A-Za-z]{3},? \d", text) and text.count(":") >= 1 and "," in text[:4]:
        try:
            return email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
    with_zone = _ZONE.fullmatch(text)
    if with_zone:
        inner = _parse(with_zone.group("rest"))
        return inner.replace(tzinfo=_zone(with_zone.group("zone"))) if inner and inner.tzinfo is None else None
    plain = text.replace(",", "")
    for form in _FORMS:
        for clock in _CLOCKS:
            try:
                return datetime.datetime.strptime(plain, form + clock)  # noqa: DTZ007 - the zone comes later
            except ValueError:
                continue
    return None


def _zone(name: str) -> datetime.tzinfo:
    if name.upper() in {"Z", "UTC", "GMT"}:
        return datetime.UTC
    offset = re.fullmatch(r"([+-])(\d\d):?([0-5]\d)", name)
    if offset and int(offset.group(2)) < 24:
        away = datetime.timedelta(hours=int(offset.group(2)), minutes=int(offset.group(3)))
        return datetime.timezone(-away if offset.group(1) == "-" else away)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidValue(f"time zone: found {name!r}, wanted one such as UTC, +01:00 or Europe/Berlin") from None
