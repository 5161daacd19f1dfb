"""What a session asks of the engine behind it. Protocols and values only; `engine/` satisfies them structurally.

Life of a statement: `describe` binds it without running it (Parse/Describe), `execute` starts it and returns `Rows`,
whose `fetch` streams Arrow batches. One `EngineSession` is used by one worker thread at a time, except `interrupt`,
which may come from any thread at any moment and ends the running call with `Cancelled`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types.column import Column

__all__ = ["CopyTarget", "Engine", "EngineSession", "Rows", "Shape"]


class Shape(Protocol):
    """What Describe answers: the parameters' type OIDs in order, and the columns (None: it returns no rows)."""

    @property
    def parameter_oids(self) -> tuple[int, ...]: ...

    @property
    def columns(self) -> tuple[Column, ...] | None: ...


class Rows(Protocol):
    """The running result of one statement."""

    @property
    def columns(self) -> tuple[Column, ...] | None:
        """The columns, or None for a statement without a result set."""
        ...

    @property
    def verb(self) -> str:
        """First words of the command tag: `SELECT`, `INSERT 0`, `CREATE TABLE`, `EXPLAIN`; the session adds counts."""
        ...

    @property
    def affected(self) -> int | None:
        """Rows changed by INSERT, UPDATE, DELETE; None for everything else. Valid once `fetch` returned None."""
        ...

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        """Return the next batch of 1 … max_rows rows, or None at the end. Never more than `max_rows`."""
        ...

    def close(self) -> None:
        """Stop the statement if it still runs and free what it holds. Safe to call twice."""
        ...


class CopyTarget(Protocol):
    """A temporary table that COPY FROM STDIN fills."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the rows it takes, in their order."""
        ...

    def write(self, rows: pa.Table) -> None:
        """Append rows, all of them columns of text; NULL is NULL."""
        ...


class EngineSession(Protocol):
    """The engine's side of one client connection: temporary objects, the open transaction, the running statement."""

    def describe(self, statement: Statement, parameter_oids: Sequence[int]) -> Shape:
        """Bind the statement without running it. An OID of 0, or a missing one, means: infer it.

        Raises:
            GatewayError: with the error a client should see (`sqlstates` finds the SQLSTATE).
        """
        ...

    def execute(self, statement: Statement, parameters: Sequence[object]) -> Rows:
        """Start the statement with one Python value for each `$n` (None is NULL).

        `statement.parameter_oids` holds what `describe` announced for them, so that both see the same columns.
        """
        ...

    def open_copy(self, statement: Statement) -> CopyTarget:
        """Return the table of a COPY FROM STDIN."""
        ...

    def begin(self, savepoints: int) -> None:
        """Open a transaction: every later statement sees one snapshot of the tables until `commit` or `rollback`.

        Args:
            savepoints: how many are set in it already.
        """
        ...

    def nest(self, depth: int) -> None:
        """Note how many savepoints are set now: one more than before, or fewer because some were released."""
        ...

    def undo(self, depth: int) -> None:
        """Take back what was changed since the `depth`th savepoint was set, which stays; the snapshot stays too."""
        ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def set_parameter(self, name: str, value: str) -> None:
        """Take over a run-time parameter that changes results: `TimeZone`, `search_path`. Others are ignored here."""
        ...

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


class Engine(Protocol):
    """The process-wide engine."""

    def open_session(self, user: str, database: str) -> EngineSession: ...

    def close(self) -> None: ...
