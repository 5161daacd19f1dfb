"""`to_date` and `to_timestamp` with a constant format, by DuckDB's `strptime`. Pure.

What strptime would read as another day than PostgreSQL does is refused: formats without a year, which PostgreSQL takes
for the year 1 BC. Source: PostgreSQL 15, `formatting.c`, `DCH_from_char`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.date_formats import Field, date_fields
from fsspeckit_sqlserver.engine.errors import UnsupportedStatement
from fsspeckit_sqlserver.engine.patterns import strftime_format
from fsspeckit_sqlserver.engine.trees import call, cast, string, string_value, type_name

__all__ = ["parsed_date"]

_NUMBERS: Final = {
    "YYYY": (4, "%Y"), "YY": (2, "%y"), "MM": (2, "%m"), "DD": (2, "%d"), "HH24": (2, "%H"), "HH12": (2, "%I"),
    "HH": (2, "%I"), "MI": (2, "%M"), "SS": (2, "%S"),
}  # fmt: skip
_FRACTIONS: Final = {"MS": (3, "%g"), "US": (6, "%f")}
_NAMES: Final = {
    "MON": ("[A-Za-z]{3}", "%b"), "MONTH": ("[A-Za-z]+", "%B"), "AM": ("[AaPp][Mm]", "%p"), "PM": ("[AaPp][Mm]", "%p")
}  # fmt: skip
_SEPARATOR: Final = r"[!-/:-@\[-`{-~\s]"
_MOST_GROUPS: Final = 9  # that a replacement of RE2 can name
_YEARS: Final = frozenset({"YYYY", "YY", "IYYY"})


def parsed_date(arguments: Sequence[pb.Node], target: str) -> pb.Node | None:
    """Return `to_date(text, format)` or `to_timestamp(text, format)`; None where it is not that.

    Args:
        target: the type that is wanted, `date` or `timestamptz`.

    Raises:
        UnsupportedStatement: a format that is no constant, has no year, or a field that is not known.
    """
    if len(arguments) != 2:
        return None
    pattern = string_value(arguments[1])
    fields = [] if pattern is None else date_fields(pattern)
    names = {field.name for field in fields if field.word}
    if "OF" in names or "TZ" in names:
        raise UnsupportedStatement('formatting field "{}" is only supported in to_char'.format(*names & {"OF", "TZ"}))
    converted = strftime_format("".join(map(_written, fields)))
    if converted is None or any(field.suffix for field in fields):
        raise UnsupportedStatement("to_date and to_timestamp take a constant format of dates and times")
    if not names & _YEARS:
        raise UnsupportedStatement("to_date and to_timestamp without a year are not supported")
    lenient = _lenient(fields)
    if lenient is None:
        read = call("strptime", arguments[0], string(converted))
    else:
        found, replacement, codes = lenient
        plain = call("regexp_replace", arguments[0], string(found), string(replacement))
        read = call("strptime", plain, string(codes))
    if "YY" in names:
        read = call(("gw_pg", "gw_of_short_year"), read)
    return cast(read, type_name(target))


def _lenient(fields: Sequence[Field]) -> tuple[str, str, str] | None:
    """Return a pattern of the fields, what puts bars between them, and strptime's format of that; None for rare ones.

    As PostgreSQL reads: blanks before a field, any separator or none for one of the format, anything behind the last.
    """
    pattern, codes = "(?s)^", []
    for place, field in enumerate(fields):
        following = fields[place + 1] if place + 1 < len(fields) else None
        if not field.word:
            if any(letter.isdigit() for letter in field.text):
                return None
            optional = "".join("[^0-9]" if letter.isalpha() else _SEPARATOR + "?" for letter in field.text)
            is_behind_digits = place > 0 and fields[place - 1].name in _NUMBERS  # which end at what is no digit
            pattern += optional.replace(_SEPARATOR + "?", _SEPARATOR, 1) if is_behind_digits else optional
            continue
        is_open = not field.is_filled or following is None or not following.word or following.name in _NAMES
        if field.name in _FRACTIONS and following is None:
            pattern += rf"\s*([0-9]{{{_FRACTIONS[field.name][0]}}})(?:[^0-9].*)?$"
        elif field.name in _NUMBERS:
            digits = "+" if is_open else f"{{{_NUMBERS[field.name][0]}}}"
            pattern += rf"\s*([0-9]{digits})"
        elif field.name in _NAMES:
            pattern += rf"\s*({_NAMES[field.name][0]})"
        else:
            return None
        codes.append({**_NUMBERS, **_NAMES, **_FRACTIONS}[field.name][1])
    if len(codes) > _MOST_GROUPS:
        return None
    return pattern + ".*$", "|".join(f"\\{number}" for number in range(1, len(codes) + 1)), "|".join(codes)


def _written(field: Field) -> str:
    """Return a part of a format as `strftime_format` knows it; the case of names does not matter here."""
    if field.word:
        return field.name
    return f'"{field.text}"' if any(letter.isalnum() for letter in field.text) else field.text
