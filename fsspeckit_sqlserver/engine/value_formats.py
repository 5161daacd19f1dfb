"""`to_char` with a constant format: of dates and times, or of numbers. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.date_formats import date_text
from fsspeckit_sqlserver.engine.errors import UnsupportedStatement
from fsspeckit_sqlserver.engine.number_formats import number_text
from fsspeckit_sqlserver.engine.trees import cast, operation, string, string_value, type_name
from fsspeckit_sqlserver.engine.typing_rules import NUMBERS
from fsspeckit_sqlserver.types import oids

__all__ = ["value_text"]

_QUOTED = re.compile(r'"[^"]*"')
_DATES: Final = frozenset({oids.DATE, oids.TIMESTAMP, oids.TIMESTAMPTZ, oids.INTERVAL})


def value_text(arguments: Sequence[pb.Node], kind: int | None) -> pb.Node | None:
    """Return `to_char(value, format)`; None where it is not that.

    Args:
        kind: type of the value, None where it is not known: then the format tells.

    Raises:
        UnsupportedStatement: a format that is no constant, or has a field that is not known.
        InvalidDatetime, StatementProblem: a format that is wrong, in PostgreSQL's words.
    """
    if len(arguments) != 2:
        return None
    value, pattern = arguments[0], string_value(arguments[1])
    if pattern is None:
        raise UnsupportedStatement("to_char with a format that is not a constant is not supported")
    if kind == oids.TIME:
        midnight = cast(string("2000-01-01"), type_name("timestamp"))
        day = cast(string("2000-01-01"), type_name("date"))
        value, kind = operation("-", operation("+", day, value), midnight), oids.INTERVAL
    if kind in _DATES:
        return date_text(value, pattern, kind)
    if kind in NUMBERS or (kind is None and re.search("[09]", _QUOTED.sub("", pattern))):
        return number_text(value, pattern, kind)
    return date_text(value, pattern, None) if kind is None else None
