"""Little languages inside string constants: formats of `to_date`, patterns of SIMILAR TO, array literals. Pure.

Source: PostgreSQL manual, "Data Type Formatting Functions", "SIMILAR TO Regular Expressions", "Array Input and Output
Syntax".
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

__all__ = ["ArrayLiteral", "parse_array", "similar_to_regexp", "strftime_format"]

_FIELDS: Final = {
    "YYYY": "%Y",
    "YY": "%y",
    "MM": "%m",
    "MONTH": "%B",
    "Month": "%B",
    "MON": "%b",
    "Mon": "%b",
    "DDD": "%j",
    "DD": "%d",
    "DAY": "%A",
    "Day": "%A",
    "DY": "%a",
    "Dy": "%a",
    "HH24": "%H",
    "HH12": "%I",
    "HH": "%I",
    "MI": "%M",
    "SS": "%S",
    "MS": "%g",
    "US": "%f",
    "AM": "%p",
    "PM": "%p",
    "IYYY": "%G",
    "IW": "%V",
    "ID": "%u",
    "TZ": "%Z",
    "OF": "%z",
    "FMMonth": "%B",
    "FMMON": "%b",
    "FMMon": "%b",
    "FMDay": "%A",
    "FMDD": "%-d",
    "FMMM": "%-m",
    "FMHH24": "%-H",
    "FMHH12": "%-I",
    "FMMI": "%-M",
    "FMSS": "%-S",
}
_FIELD = re.compile("|".join(sorted((re.escape(field) for field in _FIELDS), key=len, reverse=True)) + r'|"[^"]*"')
_LETTERS = re.compile(r"[A-Za-z0-9]")

ArrayLiteral: TypeAlias = "list[str | ArrayLiteral | None]"


def strftime_format(pattern: str) -> str | None:
    """Return DuckDB's format for a `to_date` pattern of dates and times, or None when it is not one."""
    pieces: list[str] = []
    place = 0
    found = False
    for match in _FIELD.finditer(pattern):
        between = pattern[place : match.start()]
        if _LETTERS.sub("", between) != between and between.strip() != "T":
            return None  # an unknown field, or a pattern of numbers
        pieces.append(between.replace("%", "%%"))
        text = match.group()
        found = found or not text.startswith('"')
        pieces.append(text[1:-1].replace("%", "%%") if text.startswith('"') else _FIELDS[text])
        place = match.end()
    rest = pattern[place:]
    if not found or _LETTERS.search(rest):
        return None
    return "".join([*pieces, rest.replace("%", "%%")])


def similar_to_regexp(pattern: str, escape: str = "\\") -> str:
    """Return the regular expression of a SIMILAR TO pattern; it has to match the whole text.

    Args:
        escape: one character, or none.
    """
    pieces: list[str] = []
    place = 0
    in_class = False
    while place < len(pattern):
        character = pattern[place]
        if character == escape and place + 1 < len(pattern):
            place += 1
            pieces.append(re.escape(pattern[place]))
        elif character == "\\":
            pieces.append("\\\\")
        elif in_class:
            in_class = character != "]"
            pieces.append(character)
        elif character == "[":
            in_class = True
            pieces.append(character)
        elif character == "%":
            pieces.append("(?s:.*)")
        elif character == "_":
            pieces.append("(?s:.)")
        elif character in ".^$":
            pieces.append("\\" + character)
        else:
            pieces.append(character)
        place += 1
    return f"^(?:{''.join(pieces)})$"


def parse_array(text: str) -> ArrayLiteral | None:
    """Return the elements of an array literal such as `{1,"a b",NULL,{2}}`, or None when it is malformed."""
    parser = _ArrayParser(text.strip())
    return parser.parse()


class _ArrayParser:
    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0

    def parse(self) -> ArrayLiteral | None:
        if not self._text.startswith("{"):
            return None
        try:
            result = self._array()
        except (IndexError, ValueError):
            return None
        return result if self._place == len(self._text) else None

    def _array(self) -> ArrayLiteral:
        self._place += 1
        elements: ArrayLiteral = []
        self._skip_blanks()
        if self._text[self._place] == "}":
            self._place += 1
            return elements
        while True:
            self._skip_blanks()
            elements.append(self._array() if self._text[self._place] == "{" else self._element())
            self._skip_blanks()
            mark = self._text[self._place]
            self._place += 1
            if mark == "}":
                return elements
            if mark != ",":
                raise ValueError(mark)

    def _element(self) -> str | None:
        if self._text[self._place] == '"':
            return self._quoted()
        start = self._place
        piece: list[str] = []
        while self._text[self._place] not in ",{}":
            if self._text[self._place] == "\\":
                self._place += 1
            piece.append(self._text[self._place])
            self._place += 1
        raw = self._text[start : self._place].strip()
        if not raw:
            raise ValueError("empty element")
        return None if raw.upper() == "NULL" else "".join(piece).strip()

    def _quoted(self) -> str:
        self._place += 1
        piece: list[str] = []
        while self._text[self._place] != '"':
            if self._text[self._place] == "\\":
                self._place += 1
            piece.append(self._text[self._place])
            self._place += 1
        self._place += 1
        return "".join(piece)

    def _skip_blanks(self) -> None:
        while self._text[self._place].isspace():
            self._place += 1
