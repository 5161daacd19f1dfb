"""Which message may come in which phase of a connection, and which phase follows: one table.

Pure. The documentation is drawn from `MOVES`; nothing else in the server decides what is legal.

COPY FROM STDIN is the one statement that reads messages while it runs: it goes to COPYING IN and comes back to where it
was, which the table shows as READY.

An error inside an extended-protocol sequence moves to SKIPPING, where everything up to Sync is read and dropped.
Source: PostgreSQL 16 manual, "Message Flow".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.fields import FramingError
from fsspeckit_sqlserver.wire.frontend import FrontendMessage

__all__ = ["MOVES", "Phase", "after_error", "next_phase"]


class Phase(Enum):
    """Where a connection is."""

    STARTUP = "startup"
    AUTHENTICATION = "authentication"
    READY = "ready"
    EXTENDED = "extended"
    SKIPPING = "skipping"
    COPY_IN = "copying in"
    CLOSED = "closed"


_EXTENDED: Final[Mapping[type[FrontendMessage], Phase]] = {
    fe.Parse: Phase.EXTENDED,
    fe.Bind: Phase.EXTENDED,
    fe.Describe: Phase.EXTENDED,
    fe.Execute: Phase.EXTENDED,
    fe.Close: Phase.EXTENDED,
    fe.Flush: Phase.EXTENDED,
    fe.Sync: Phase.READY,
    fe.Query: Phase.READY,
    fe.FunctionCall: Phase.READY,
    fe.Terminate: Phase.CLOSED,
    # What is left of a COPY that failed is still on its way when the client learns of it.
    fe.CopyData: Phase.EXTENDED,
    fe.CopyDone: Phase.EXTENDED,
    fe.CopyFail: Phase.EXTENDED,
}

MOVES: Final[Mapping[Phase, Mapping[type[FrontendMessage], Phase]]] = MappingProxyType(
    {
        Phase.STARTUP: {
            fe.SslRequest: Phase.STARTUP,
            fe.GssEncRequest: Phase.STARTUP,
            fe.StartupMessage: Phase.AUTHENTICATION,
            fe.CancelRequest: Phase.CLOSED,
        },
        Phase.AUTHENTICATION: {
            fe.PasswordMessage: Phase.AUTHENTICATION,
            fe.Terminate: Phase.CLOSED,
        },
        Phase.READY: {
            **_EXTENDED,
            fe.Flush: Phase.READY,
            fe.CopyData: Phase.READY,
            fe.CopyDone: Phase.READY,
            fe.CopyFail: Phase.READY,
        },
        Phase.EXTENDED: _EXTENDED,
        Phase.SKIPPING: {
            **dict.fromkeys(_EXTENDED, Phase.SKIPPING),
            fe.Sync: Phase.READY,
            fe.Terminate: Phase.CLOSED,
        },
        Phase.COPY_IN: {
            fe.CopyData: Phase.COPY_IN,
            fe.CopyDone: Phase.READY,
            fe.CopyFail: Phase.READY,
            fe.Flush: Phase.COPY_IN,
            fe.Sync: Phase.COPY_IN,
            fe.Terminate: Phase.CLOSED,
        },
        Phase.CLOSED: {},
    }
)
"""Phase → message → the phase after it. A message that is missing is a protocol violation."""


def next_phase(phase: Phase, message: FrontendMessage) -> Phase:
    """Return the phase after `message`.

    Raises:
        FramingError: the message is not legal in this phase; the two sides disagree about where they are.
    """
    try:
        return MOVES[phase][type(message)]
    except KeyError:
        name = type(message).__name__
        raise FramingError(f"unexpected message {name} in phase {phase.value}; closing the connection") from None


def after_error(phase: Phase) -> Phase:
    """Return the phase after an error answer: inside a sequence, its rest is dropped up to Sync."""
    return Phase.SKIPPING if phase is Phase.EXTENDED else phase
