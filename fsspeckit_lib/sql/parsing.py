"""PostgreSQL's parser (libpg_query through postgast), with a bound on how deeply a statement may nest.

The tree comes as protobuf, whose decoder refuses more than 100 levels: a chain of fifty `||` is too much for it. It can
be told to go on, but then the C stack is the limit, and a statement of 40 kB ends the process. So a deep tree is
decoded only for a short text, whose depth the text itself bounds (two characters a level at the least; 8,000 levels of
every kind of nesting were decoded, copied and deparsed in a thread of 8 MiB). The switch is one for the process, hence
the lock.
"""

from __future__ import annotations

import threading
from typing import Final

import postgast
from google._upb import _message
from google.protobuf.message import DecodeError
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.errors import ResourceExhausted

__all__ = ["StatementTooComplex", "parse_tree"]

_MAX_DEEP_BYTES: Final = 8_000
_lock = threading.Lock()


class StatementTooComplex(ResourceExhausted):
    """A statement's expressions nest too deeply."""

    kind = "statement-too-complex"

    def __init__(self) -> None:
        super().__init__("the expressions of the statement are nested too deeply; split it into several")


def parse_tree(sql: str) -> pb.ParseResult:
    """Return the parse tree of a text of SQL.

    Raises:
        postgast.PgQueryError: it is no SQL.
        StatementTooComplex: it nests too deeply.
    """
    with _lock:
        try:
            return postgast.parse(sql)
        except DecodeError as error:
            if len(sql.encode()) > _MAX_DEEP_BYTES:
                raise StatementTooComplex from error
        _message.SetAllowOversizeProtos(True)
        try:
            return postgast.parse(sql)
        except DecodeError as error:
            raise StatementTooComplex from error
        finally:
            _message.SetAllowOversizeProtos(False)
