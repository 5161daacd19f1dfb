"""Commands whose answers have types: what a session asks, in the form of straight code.

`shape = yield from describe(…)` yields the command and gives its answer the type that it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pyarrow as pa

from fsspeckit_sqlserver.session.commands import (
    Admit,
    DescribeStatement,
    OpenCopy,
    ReadRow,
    ReceiveMessage,
    ReleaseLock,
    ReleaseLocks,
    SkipRows,
    StartStatement,
    Steps,
    StreamCopy,
    Streamed,
    StreamRows,
    TakeLock,
    WriteCopy,
)
from fsspeckit_sqlserver.session.ports import CopyTarget, Rows, Shape
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.copy_out import CopyFormat
from fsspeckit_sqlserver.types.style import TextStyle
from fsspeckit_sqlserver.wire.frontend import FrontendMessage

__all__ = [
    "admit",
    "describe",
    "open_copy",
    "read_row",
    "receive",
    "release_lock",
    "release_locks",
    "skip",
    "start",
    "stream",
    "stream_copy",
    "take_lock",
    "write_copy",
]


def admit(user: str, database: str, secret_bytes: int) -> Steps[tuple[int, bytes]]:
    """Open the engine's side; return the keys for BackendKeyData."""
    return cast("tuple[int, bytes]", (yield Admit(user, database, secret_bytes)))


def describe(statement: Statement, parameter_oids: Sequence[int]) -> Steps[Shape]:
    """Bind a statement without running it."""
    return cast("Shape", (yield DescribeStatement(statement, tuple(parameter_oids))))


def start(statement: Statement, parameters: Sequence[object] = ()) -> Steps[Rows]:
    """Start a statement."""
    return cast("Rows", (yield StartStatement(statement, tuple(parameters))))


def stream(
    rows: Rows,
    columns: tuple[Column, ...] | None,
    formats: tuple[int, ...],
    style: TextStyle,
    max_rows: int | None = None,
) -> Steps[Streamed]:
    """Send rows to the client."""
    return cast("Streamed", (yield StreamRows(rows, columns, formats, style, max_rows)))


def stream_copy(rows: Rows, columns: tuple[Column, ...], style: TextStyle, chosen: CopyFormat) -> Steps[Streamed]:
    """Send rows to the client as COPY data."""
    return cast("Streamed", (yield StreamCopy(rows, columns, style, chosen)))


def open_copy(statement: Statement) -> Steps[CopyTarget]:
    """Find the table that COPY FROM STDIN fills."""
    return cast("CopyTarget", (yield OpenCopy(statement)))


def write_copy(target: CopyTarget, rows: pa.Table) -> Steps[None]:
    """Append rows to it."""
    yield WriteCopy(target, rows)


def receive() -> Steps[FrontendMessage]:
    """Wait for the client's next message."""
    return cast("FrontendMessage", (yield ReceiveMessage()))


def take_lock(key: tuple[int, ...], *, is_shared: bool, waits: bool) -> Steps[bool]:
    """Take an advisory lock."""
    return cast("bool", (yield TakeLock(key, is_shared, waits)))


def release_lock(key: tuple[int, ...], *, is_shared: bool) -> Steps[bool]:
    """Give an advisory lock back."""
    return cast("bool", (yield ReleaseLock(key, is_shared)))


def release_locks() -> Steps[None]:
    """Give all advisory locks back."""
    yield ReleaseLocks()


def skip(rows: Rows, max_rows: int | None) -> Steps[Streamed]:
    """Read rows and drop them."""
    return cast("Streamed", (yield SkipRows(rows, max_rows)))


def read_row(rows: Rows) -> Steps[tuple[object, ...]]:
    """Read one row as Python values."""
    return cast("tuple[object, ...]", (yield ReadRow(rows)))
