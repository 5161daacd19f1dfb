"""Whole exchanges that need no thought any more: what a client asked, byte by byte, and what it was answered. Pure.

Pools, health checks and drivers say the same few bytes again and again (`SELECT 1`), and the answer to a query that
reads nothing is the same as long as the session says nothing else but queries. Anything that may change settings, names
or the transaction forgets all exchanges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.frontend import FrontendMessage

__all__ = ["MOST_ASKED_BYTES", "Exchanges", "asks_one_thing"]

MOST_ASKED_BYTES: Final = 1_024
_MOST_ANSWERED_BYTES: Final = 2_048
_MOST_KEPT: Final = 16  # so a connection holds 48 KiB of them at most

_SHAPES: Final = frozenset(
    {
        (fe.Query,),
        (fe.Bind, fe.Execute, fe.Sync),
        (fe.Bind, fe.Describe, fe.Execute, fe.Sync),
    }
)


def asks_one_thing(messages: Sequence[object]) -> bool:
    """Return whether messages ask for the rows of one statement and leave nothing behind."""
    if tuple(map(type, messages)) not in _SHAPES:
        return False
    return not any(isinstance(message, fe.Bind | fe.Execute) and message.portal for message in messages)


class Exchanges:
    """The exchanges of one session.

    Attributes:
        is_constant: the statement that ran last reads nothing that could change.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self.is_constant = False
        self._known: dict[bytes, tuple[str | None, object, bytes]] = {}

    def __contains__(self, asked: bytes) -> bool:
        return asked in self._known

    def find(self, asked: bytes, statements: Mapping[str, object]) -> bytes | None:
        """Return what these bytes were answered; None where they ran a statement that is no longer what it was."""
        name, statement, answer = self._known.get(asked, (None, None, None))
        return answer if name is None or statements.get(name) is statement else None

    def keep(
        self, asked: bytes, messages: Sequence[FrontendMessage], answer: bytes, statements: Mapping[str, object]
    ) -> None:
        """Keep an exchange, whose statement was constant."""
        if len(answer) > _MOST_ANSWERED_BYTES:
            return
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        first = messages[0]
        name = first.statement if isinstance(first, fe.Bind) else None
        self._known[asked] = (name, None if name is None else statements.get(name), answer)

    def forget(self) -> None:
        """Drop all: something has changed, or may have."""
        self.is_constant = False
        self._known.clear()
