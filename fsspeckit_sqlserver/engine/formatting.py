"""`format('%1$s %-10s %I %L', …)` as a concatenation. Pure. Source: PostgreSQL 16 manual, "format"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import InvalidParameterValue, UnsupportedStatement
from fsspeckit_sqlserver.engine.trees import call, integer, string, string_value

__all__ = ["formatted"]

_SPECIFIER = re.compile(
    r"%(?:(?P<place>\d+)\$)?(?P<minus>-+)?(?:(?P<width>\d+)|\*(?P<star>\d+)\$|(?P<next>\*))?(?P<kind>.?)", re.DOTALL
)
_WRITERS: Final = {"s": "concat", "I": ("gw_pg", "gw_identifier"), "L": ("gw_pg", "quote_nullable")}


def formatted(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """Return the concatenation.

    Raises:
        InvalidParameterValue: a wrong format, in PostgreSQL's words.
        UnsupportedStatement: a format that is no constant.
    """
    pattern = string_value(arguments[0]) if arguments else None
    if pattern is None:
        raise UnsupportedStatement("format with a pattern that is not a constant is not supported")
    writer = _Writer(arguments[1:])
    place = 0
    parts: list[pb.Node] = []
    while place < len(pattern):
        if pattern[place] != "%":
            end = pattern.find("%", place)
            end = len(pattern) if end < 0 else end
            parts.append(string(pattern[place:end]))
            place = end
        elif pattern.startswith("%%", place):
            parts.append(string("%"))
            place += 2
        else:
            match = _SPECIFIER.match(pattern, place)
            assert match is not None, "a % matches"
            parts.append(writer.written(match))
            place = match.end()
    return call("concat", *parts) if parts else string("")


class _Writer:
    def __init__(self, values: Sequence[pb.Node]) -> None:
        self._values, self._next = values, 1

    def written(self, match: re.Match[str]) -> pb.Node:
        kind = match["kind"]
        if not kind:
            raise InvalidParameterValue("unterminated format() type specifier", 'For a single "%" use "%%".')
        width: pb.Node | None = None
        if match["star"] is not None or match["next"] is not None:
            width = self._value(match["star"])
        elif match["width"] is not None:
            width = integer(int(match["width"]))
        if kind not in _WRITERS:
            raise InvalidParameterValue(f'unrecognized format() type specifier "{kind}"', 'For a single "%" use "%%".')
        text = call(_WRITERS[kind], self._value(match["place"]))
        if width is None:
            return text
        return call(("gw_pg", "gw_pad_left" if match["minus"] else "gw_pad"), text, width)

    def _value(self, place: str | None) -> pb.Node:
        number = self._next if place is None else int(place)
        if number == 0:
            raise InvalidParameterValue("format specifies argument 0, but arguments are numbered from 1")
        if number > len(self._values):
            raise InvalidParameterValue("too few arguments for format()")
        self._next = number + 1
        return self._values[number - 1]
