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
    read = call("strptime", arguments[0], string(converted))
    if "YY" in names:
        read = call(("gw_pg", "gw_of_short_year"), read)
    return cast(read, type_name(target))


def _written(field: Field) -> str:
    """Return a part of a format as `strftime_format` knows it; the case of names does not matter here."""
    if field.word:
        return field.name
    return f'"{field.text}"' if any(letter.isalnum() for letter in field.text) else field.text
