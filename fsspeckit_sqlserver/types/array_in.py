"""Reads PostgreSQL's array text: `{1,2,NULL}`, `{"a b",{…}}`, `[0:1]={…}`. Pure.

Source: PostgreSQL 16 manual, "Array Input and Output Syntax".
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["parse_array"]


def parse_array(text: str, element: Callable[[str], object]) -> list[object]:
    """Return the array as (nested) lists, each element read by `element`; unquoted NULL is None.

    Raises:
        ValueError: not an array; or what `element` raises.
    """
    stripped = text.strip()
    if stripped.startswith("["):  # explicit bounds: PostgreSQL keeps them, nothing here counts from them
        bounds, equals, stripped = stripped.partition("=")
        if not equals or not bounds.rstrip().endswith("]"):
            raise ValueError(text)
        stripped = stripped.lstrip()
    value, stop = _list(stripped, 0, element)
    if stripped[stop:].strip():
        raise ValueError(text)
    return value


def _list(text: str, place: int, element: Callable[[str], object]) -> tuple[list[object], int]:
    if text[place : place + 1] != "{":
        raise ValueError(text)
    place = _skip_space(text, place + 1)
    values: list[object] = []
    if text[place : place + 1] == "}":
        return values, place + 1
    while True:
        value, place = _item(text, _skip_space(text, place), element)
        values.append(value)
        place = _skip_space(text, place)
        mark = text[place : place + 1]
        place += 1
        if mark == "}":
            return values, place
        if mark != ",":
            raise ValueError(text)


def _item(text: str, place: int, element: Callable[[str], object]) -> tuple[object, int]:
    first = text[place : place + 1]
    if first == "{":
        return _list(text, place, element)
    if first == '"':
        raw, place = _quoted(text, place + 1)
        return element(raw), place
    start = place
    letters = []
    while place < len(text) and text[place] not in ',}{"':
        if text[place] == "\\":
            place += 1
        letters.append(text[place : place + 1])
        place += 1
    raw = "".join(letters).strip()
    if not raw or place >= len(text):
        raise ValueError(text)
    is_null = raw.lower() == "null" and "\\" not in text[start:place]
    return (None if is_null else element(raw)), place


def _quoted(text: str, place: int) -> tuple[str, int]:
    letters: list[str] = []
    while place < len(text):
        letter = text[place]
        if letter == '"':
            return "".join(letters), place + 1
        if letter == "\\":
            place += 1
            letter = text[place : place + 1]
        letters.append(letter)
        place += 1
    raise ValueError(text)


def _skip_space(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place
