"""Reads PostgreSQL's records: the text `(1,"a b",)` and the binary form of record_send. Pure.

Source: record_in and record_recv of PostgreSQL 15, rowtypes.c.
"""

from __future__ import annotations

import re
import struct
from typing import Final

__all__ = ["split_binary_record", "split_record"]

_FIELD: Final = re.compile(r'(?:[^,()"\\]|\\.|"(?:[^"\\]|\\.|"")*")*', re.DOTALL)
_PART: Final = re.compile(r'\\(.)|"((?:[^"\\]|\\.|"")*)"', re.DOTALL)
_QUOTED: Final = re.compile(r'\\(.)|"(")', re.DOTALL)


def split_record(text: str, count: int) -> list[str | None]:
    """Return the texts of a record's fields; None is NULL, nothing between two commas.

    Raises:
        ValueError: not a record of `count` fields.
    """
    stripped = text.strip()
    if not stripped.startswith("("):
        raise ValueError(text)
    fields: list[str | None] = []
    place = 1
    while True:
        found = _FIELD.match(stripped, place)
        assert found is not None  # it matches nothing as well
        fields.append(_PART.sub(_plain, found[0]) if found[0] else None)
        place = found.end() + 1
        mark = stripped[found.end() : place]
        if mark == ")" and place == len(stripped) and len(fields) == count:
            return fields
        if mark != ",":
            raise ValueError(text)


def _plain(part: re.Match[str]) -> str:
    return part[1] if part[1] is not None else _QUOTED.sub(lambda pair: pair[1] or pair[2], part[2])


def split_binary_record(data: bytes) -> list[tuple[int, bytes | None]]:
    """Return type OID and bytes of each field; None is NULL.

    Raises:
        ValueError, struct.error: cut off, or longer than it says.
    """
    (count,) = struct.unpack_from("!i", data)
    place = 4
    fields: list[tuple[int, bytes | None]] = []
    for _ in range(count):
        oid, length = struct.unpack_from("!Ii", data, place)
        place += 8
        if length < -1 or place + max(length, 0) > len(data):
            raise ValueError("a field is cut off")
        fields.append((oid, None if length < 0 else data[place : place + length]))
        place += max(length, 0)
    if place != len(data):
        raise ValueError("improper binary format")
    return fields
