"""PostgreSQL's functions of text whose corner cases DuckDB answers otherwise: places below 1, negative lengths. Pure.

Where constants show that no corner is met, the call stays DuckDB's own: the macros look at every value.
"""

from __future__ import annotations

from collections.abc import Sequence

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.trees import call, cast, integer_value, string, string_value, type_name

__all__ = ["overlay", "pad", "split_part", "substring"]


def substring(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`substring(s, n [, m])` by places; None where DuckDB's own does."""
    numbers = [integer_value(argument) for argument in arguments[1:]]
    if len(arguments) not in {2, 3} or (
        numbers[0] is not None and numbers[0] >= 1 and all(number is not None and number >= 0 for number in numbers)
    ):
        return None
    return call(("gw_pg", "gw_substring_from" if len(arguments) == 2 else "gw_substring_for"), *arguments)


def overlay(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`overlay(s placing r from n [for m])`."""
    if len(arguments) not in {3, 4}:
        return None
    text, new, place = arguments[:3]
    length = arguments[3] if len(arguments) == 4 else call("length", cast(new, type_name("text")))
    return call(("gw_pg", "gw_overlay"), text, new, place, length)


def pad(name: str, arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`lpad(s, n [, fill])`."""
    if len(arguments) not in {2, 3}:
        return None
    fill = arguments[2] if len(arguments) == 3 else string(" ")
    number = integer_value(arguments[1])
    if number is not None and number > 0 and string_value(fill):
        return call(name, arguments[0], arguments[1], fill)
    return call(("gw_pg", f"gw_{name}"), arguments[0], arguments[1], fill)


def split_part(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`split_part(s, d, n)`; None where DuckDB's own does."""
    if len(arguments) != 3 or (string_value(arguments[1]) and integer_value(arguments[2])):
        return None
    return call(("gw_pg", "gw_split_part"), *arguments)
