"""What a session wants done: its only way to the outside.

The session is a generator that yields these values. Whoever drives it (`session.driver`, a playbook test) does what the
command says and sends the answer back in, or throws the error that came of it. `asking` gives the
answers their types.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import pyarrow as pa

from fsspeckit_sqlserver.session.errors import ConnectionEnded
from fsspeckit_sqlserver.session.ports import CopyTarget, Rows
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.copy_out import CopyFormat
from fsspeckit_sqlserver.types.style import TextStyle
from fsspeckit_sqlserver.wire.backend import BackendMessage
from fsspeckit_sqlserver.wire.notification import NotificationResponse

__all__ = [
    "Admit",
    "BeginTransaction",
    "CancelOther",
    "CloseConnection",
    "CloseRows",
    "Command",
    "CommitTransaction",
    "Deadline",
    "DescribeStatement",
    "ExpectClient",
    "Flush",
    "Listen",
    "NestTransaction",
    "Notify",
    "OpenCopy",
    "ReadRow",
    "ReceiveMessage",
    "ReleaseLock",
    "ReleaseLocks",
    "ResetEngine",
    "RollbackTransaction",
    "Send",
    "SendByte",
    "SetParameter",
    "SkipRows",
    "StartStatement",
    "Steps",
    "StreamCopy",
    "StreamRows",
    "Streamed",
    "TakeLock",
    "UndoTransaction",
    "Unlisten",
    "WriteCopy",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Queue one message for the client."""

    message: BackendMessage


@dataclass(frozen=True, slots=True)
class SendByte:
    """Send the one-byte answer to a request for encryption."""

    answer: bytes


@dataclass(frozen=True, slots=True)
class Flush:
    """Let the queued messages go."""


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Flush, then close the connection."""


@dataclass(frozen=True, slots=True)
class CancelOther:
    """Interrupt the session that owns these keys, if there is one."""

    process_id: int
    secret_key: bytes


@dataclass(frozen=True, slots=True)
class Admit:
    """Let the user in, or not, and open the engine's side. Answer: the (process id, secret key) of this session."""

    user: str
    database: str
    secret_bytes: int


@dataclass(frozen=True, slots=True)
class DescribeStatement:
    """Bind without running. Answer: a `Shape`."""

    statement: Statement
    parameter_oids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StartStatement:
    """Start a statement. Answer: `Rows`."""

    statement: Statement
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class StreamRows:
    """Send rows, encoded, until `max_rows` (None: all) or the end. Answer: `Streamed`. Does not close the rows.

    `columns` None runs a statement without a result set to its end.
    """

    rows: Rows
    columns: tuple[Column, ...] | None
    formats: tuple[int, ...]
    style: TextStyle
    max_rows: int | None


@dataclass(frozen=True, slots=True)
class StreamCopy:
    """Send all rows as the data of COPY TO STDOUT. Answer: `Streamed`. Does not close the rows."""

    rows: Rows
    columns: tuple[Column, ...]
    style: TextStyle
    format: CopyFormat


@dataclass(frozen=True, slots=True)
class OpenCopy:
    """Find the table that COPY FROM STDIN fills. Answer: a `CopyTarget`."""

    statement: Statement


@dataclass(frozen=True, slots=True)
class WriteCopy:
    """Append rows of text to it."""

    target: CopyTarget
    rows: pa.Table


@dataclass(frozen=True, slots=True)
class ReceiveMessage:
    """Wait for the client's next message, in the middle of a statement. Answer: a `FrontendMessage`."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Tell this session what comes on a channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Unlisten:
    """Stop telling it; None stands for all channels."""

    channel: str | None


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell every other session that listens. Answer: whether this one does."""

    notification: NotificationResponse


@dataclass(frozen=True, slots=True)
class TakeLock:
    """Take an advisory lock. Answer: whether it was taken; always when it `waits`."""

    key: tuple[int, ...]
    is_shared: bool
    waits: bool


@dataclass(frozen=True, slots=True)
class ReleaseLock:
    """Give an advisory lock back. Answer: whether it was held."""

    key: tuple[int, ...]
    is_shared: bool


@dataclass(frozen=True, slots=True)
class ReleaseLocks:
    """Give all of the session's advisory locks back."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """What StreamRows did."""

    row_count: int
    exhausted: bool


@dataclass(frozen=True, slots=True)
class SkipRows:
    """Read rows and drop them, until `max_rows` (None: all) or the end. Answer: `Streamed`."""

    rows: Rows
    max_rows: int | None


@dataclass(frozen=True, slots=True)
class ReadRow:
    """Read the first row as Python values. Answer: a tuple."""

    rows: Rows


@dataclass(frozen=True, slots=True)
class CloseRows:
    """Stop a result and free it."""

    rows: Rows


@dataclass(frozen=True, slots=True)
class ResetEngine:
    """Drop every temporary object: open the engine's side anew."""


@dataclass(frozen=True, slots=True)
class BeginTransaction:
    """Open a transaction in the engine, in which so many savepoints are set."""

    savepoints: int


@dataclass(frozen=True, slots=True)
class NestTransaction:
    """Tell the engine how many savepoints are set now: one more, or fewer because some were released."""

    depth: int


@dataclass(frozen=True, slots=True)
class UndoTransaction:
    """Take back what was changed since the `depth`th savepoint was set, which stays."""

    depth: int


@dataclass(frozen=True, slots=True)
class CommitTransaction:
    """Commit it."""


@dataclass(frozen=True, slots=True)
class RollbackTransaction:
    """Roll it back."""


@dataclass(frozen=True, slots=True)
class SetParameter:
    """Tell the engine a run-time parameter."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """Interrupt with StatementTimeout this many milliseconds from now. Ends with the next Deadline, or the message."""

    milliseconds: int


@dataclass(frozen=True, slots=True)
class ExpectClient:
    """End the conversation with this error unless the client says something within so many milliseconds."""

    milliseconds: int
    otherwise: ConnectionEnded


Command: TypeAlias = (
    Send
    | SendByte
    | Flush
    | CloseConnection
    | CancelOther
    | Admit
    | DescribeStatement
    | StartStatement
    | StreamRows
    | StreamCopy
    | OpenCopy
    | WriteCopy
    | ReceiveMessage
    | Listen
    | Unlisten
    | Notify
    | TakeLock
    | ReleaseLock
    | ReleaseLocks
    | SkipRows
    | ReadRow
    | ResetEngine
    | CloseRows
    | BeginTransaction
    | NestTransaction
    | UndoTransaction
    | CommitTransaction
    | RollbackTransaction
    | SetParameter
    | Deadline
    | ExpectClient
)

Steps: TypeAlias = Generator[Command, object, T]
"""A piece of a session: yields commands, gets their answers, returns a T."""
