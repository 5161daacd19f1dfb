"""Which tables a user may read: the patterns of `sqlserver.users.NAME.read`. Pure.

A user without patterns reads everything, as does one who is let in without being configured (a `trust` or `cert`
rule). Names are compared as the engine finds tables: without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fsspeckit_lib.errors import InvalidValue

__all__ = ["EVERYTHING", "ReadPattern", "ReadRights", "parse_patterns"]

_DEFAULT_SCHEMA: Final = "public"


@dataclass(frozen=True, slots=True)
class ReadPattern:
    """`sales.*`, `sales.trips`, `trips` (of schema public), `*`; a star stands for any text within its part."""

    text: str
    schema: re.Pattern[str]
    table: re.Pattern[str]

    def covers(self, schema: str, table: str) -> bool:
        """Tell whether it means this table."""
        return self.schema.fullmatch(schema) is not None and self.table.fullmatch(table) is not None


@dataclass(frozen=True, slots=True)
class ReadRights:
    """What each user may read; who is not named may read everything."""

    patterns: Mapping[str, tuple[ReadPattern, ...]] = field(default_factory=dict)

    def may_read(self, user: str, schema: str, table: str) -> bool:
        """Tell whether a user may read a table."""
        patterns = self.patterns.get(user)
        return patterns is None or any(pattern.covers(schema, table) for pattern in patterns)

    def denied(self, tables: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
        """Return (user, schema, table) of everything that may not be read."""
        named = list(tables)
        return [(user, *table) for user in self.patterns for table in named if not self.may_read(user, *table)]

    def idle(self, tables: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return (user, pattern) of the patterns that mean none of the tables: misspelt, perhaps."""
        named = list(tables)
        return [
            (user, pattern.text)
            for user, patterns in self.patterns.items()
            for pattern in patterns
            if not any(pattern.covers(*table) for table in named)
        ]


EVERYTHING: Final = ReadRights()
"""Everybody may read everything."""


def parse_patterns(texts: Sequence[str], who: str) -> tuple[ReadPattern, ...]:
    """Return the patterns of a configuration.

    Raises:
        InvalidValue: one of them is none.
    """
    return tuple(_pattern(text, who) for text in texts)


def _pattern(text: str, who: str) -> ReadPattern:
    schema, dot, table = text.strip().partition(".")
    if not dot:
        schema, table = ("*" if schema == "*" else _DEFAULT_SCHEMA), schema
    if not schema or not table:
        raise InvalidValue(f"{who}: found {text!r}, wanted schema.table, schema.*, * or the name of a table of public")
    return ReadPattern(text, _part(schema), _part(table))


def _part(text: str) -> re.Pattern[str]:
    pieces = text.removeprefix('"').removesuffix('"').split("*")
    return re.compile(".*".join(map(re.escape, pieces)), re.IGNORECASE | re.DOTALL)
