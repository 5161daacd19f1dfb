"""One SQL statement: its text and its parse tree, cut out of what a client sent.

Pure. PostgreSQL's own parser (libpg_query through postgast) splits and parses; nothing here looks at substrings.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, Final

import postgast

from fsspeckit_lib.errors import BadInput
from fsspeckit_lib.sql import parse_tree

__all__ = ["Statement", "SyntaxProblem", "parse_statements"]


class SyntaxProblem(BadInput):
    """PostgreSQL's grammar does not accept the text. `position` counts characters from 1, 0 when unknown."""

    kind = "syntax-error"

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message, position)
        self.message, self.position = message, position

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Statement:
    """One parsed statement.

    Attributes:
        sql: its own text, without the neighbours and the semicolon.
        node_name: the oneof field of the tree that is set, e.g. `select_stmt`, `transaction_stmt`, `variable_set_stmt`.
        node: that protobuf message (`postgast.pg_query_pb2.SelectStmt`, …). Never changed in place: copy first.
        parameter_oids: the type of each `$n` as `describe` announced it, for `execute` to bind the values as; empty
            where nothing has been described.
        source: the text it was cut out of, in whose UTF-8 bytes the tree's locations count.
    """

    sql: str
    node_name: str
    node: Any
    parameter_oids: tuple[int, ...] = ()
    source: str = field(default="", compare=False, repr=False)


_CACHED_TEXTS: Final = 512
_CACHED_LENGTH: Final = 2048
"""Characters of a text whose statements are kept: drivers and tools say the same few things again and again."""


def parse_statements(text: str) -> tuple[Statement, ...]:
    """Return the statements of one query text in order; empty for whitespace and comments alone.

    Raises:
        SyntaxProblem: with PostgreSQL's own words and the position.
        StatementTooComplex: it nests deeper than can be served.
    """
    return _parse_cached(text) if len(text) <= _CACHED_LENGTH else _parse(text)


def _parse(text: str) -> tuple[Statement, ...]:
    try:
        tree = parse_tree(text)
    except postgast.PgQueryError as error:
        raise SyntaxProblem(str(error.message), int(error.cursorpos or 0)) from error
    encoded = text.encode()  # libpg_query counts bytes
    statements = []
    for raw in tree.stmts:
        start, length = raw.stmt_location, raw.stmt_len
        piece = encoded[start : start + length] if length else encoded[start:]
        node_name = raw.stmt.WhichOneof("node")
        statements.append(Statement(piece.decode().strip(), node_name, getattr(raw.stmt, node_name), source=text))
    return tuple(statements)


_parse_cached = functools.lru_cache(_CACHED_TEXTS)(_parse)
