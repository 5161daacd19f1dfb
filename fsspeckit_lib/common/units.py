"""Sizes and durations as people write them, and back.

Pure. Sizes are whole bytes: `10GiB`, `10 GB`, `512k`, `4096`. Letters without `i` and a `B` are powers of 1000 (`GB`),
with `i` or without `B` powers of 1024 (`GiB`, `G`), as coreutils has it. Durations are seconds: `30s`, `500ms`, `5m`,
`1h`, `0`, `2.5`.
"""

from __future__ import annotations

import re

from fsspeckit_lib.errors import InvalidValue

__all__ = ["format_size", "parse_duration", "parse_size"]

_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-zµ]*)\s*\Z")
_PREFIXES = "kmgtpe"
_MOST_BYTES = (1 << 63) - 1
_MOST_SECONDS = 10 * 365 * 86400.0
_SECONDS = {"": 1.0, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def parse_size(text: str | int) -> int:
    """Return the number of bytes that `text` names; a plain number is bytes.

    Raises:
        InvalidValue: not a size, or a negative one.
    """
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    match = _NUMBER.match(str(text))
    unit = match.group(2).lower() if match else ""
    factor = _size_factor(unit)
    if match is None or factor is None:
        raise InvalidValue(f"size: found {text!r}, wanted bytes such as 10GiB, 500MB or 4096")
    size = int(float(match.group(1)) * factor) if "." in match.group(1) else int(match.group(1)) * factor
    if size > _MOST_BYTES:
        raise InvalidValue(f"size: found {text!r}, wanted less than 8EiB")
    return size


def _size_factor(unit: str) -> int | None:
    if unit in {"", "b"}:
        return 1
    power = _PREFIXES.find(unit[0]) + 1
    if not power:
        return None
    if unit[1:] in {"", "i", "ib"}:
        return int(1024**power)
    return int(1000**power) if unit[1:] == "b" else None


def format_size(size_bytes: int) -> str:
    """Return a size for a person: three digits and a binary unit, e.g. `1.50 GiB`."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            return f"{size_bytes} B" if unit == "B" else f"{size:.{2 if size < 10 else 1 if size < 100 else 0}f} {unit}"
        size /= 1024
    return f"{size:.2f} PiB"


def parse_duration(text: str | float) -> float:
    """Return the seconds that `text` names; a plain number is seconds.

    Raises:
        InvalidValue: not a duration, or a negative one.
    """
    if isinstance(text, int | float) and not isinstance(text, bool) and text >= 0:
        return float(text)
    match = _NUMBER.match(str(text))
    factor = _SECONDS.get(match.group(2).lower()) if match else None
    if match is None or factor is None:
        raise InvalidValue(f"duration: found {text!r}, wanted a time such as 30s, 500ms, 5m or 0")
    seconds = float(match.group(1)) * factor
    if seconds > _MOST_SECONDS:
        raise InvalidValue(f"duration: found {text!r}, wanted at most 3650d")
    return seconds
