"""What `execute` returns: rows that stream, rows that are known already, or no rows at all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

import pyarrow as pa

from fsspeckit_lib.errors import GatewayError
from fsspeckit_sqlserver.engine.running import Running, is_stale
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column

__all__ = ["KnownRows", "NoRows", "QueryRows", "known_rows", "text_rows"]


class QueryRows:
    """The rows of a running query. A file that changed under it is met by one new attempt, if nothing was sent yet."""

    def __init__(
        self,
        columns: tuple[Column, ...],
        start: Callable[[bool], Running],
        guard: Callable[[Running | None], None],
        forget: Callable[[QueryRows], None],
        *,
        may_retry: bool,
    ) -> None:
        """Start the query.

        Args:
            start: starts an attempt; the flag says whether the files must be listed anew.
            guard: tells the session which attempt is in a call now, for `interrupt`.
            forget: called once when closed.
            may_retry: False where the files must be those an earlier statement of the transaction saw.
        """
        self.columns = columns
        self.verb = "SELECT"
        self.affected: int | None = None
        self._start, self._guard, self._forget = start, guard, forget
        self._running: Running | None = None
        self._may_retry = may_retry
        self._is_done = False
        self.is_complete = False  # read to its end, not closed before
        self.was_restarted = False  # over other files than the first attempt's
        try:
            self._running = start(False)
        except GatewayError as error:
            if not (may_retry and is_stale(error)):
                raise
            self._restart()

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        """See `session.ports.Rows`."""
        if self._is_done or self._running is None:
            return None
        self._guard(self._running)
        try:
            try:
                batch = self._running.fetch(max_rows)
            except GatewayError as error:
                if not (self._may_retry and is_stale(error)):
                    raise
                self._restart()
                self._guard(self._running)
                batch = self._running.fetch(max_rows)
        finally:
            self._guard(None)
        self._may_retry = False
        if batch is None:
            self.is_complete = True
            self.close()
        return batch

    def keep_in_memory(self) -> None:
        """Read the rest now: the connection is wanted for another statement."""
        if self._running is not None:
            self._may_retry = False
            self._running.keep_in_memory()

    def close(self) -> None:
        """See `session.ports.Rows`."""
        running, self._running = self._running, None
        self._is_done = True
        if running is not None:
            running.close()
            self._forget(self)

    def _restart(self) -> None:
        self._may_retry, self.was_restarted = False, True
        if self._running is not None:
            self._running.close()
        self._running = self._start(True)


class KnownRows:
    """Rows that are in memory."""

    def __init__(self, columns: tuple[Column, ...], verb: str, batch: pa.RecordBatch) -> None:
        self.columns: tuple[Column, ...] | None = columns
        self.verb = verb
        self.affected: int | None = None
        self._rest: pa.RecordBatch | None = batch if batch.num_rows else None

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        """See `session.ports.Rows`."""
        if self._rest is None:
            return None
        batch = self._rest.slice(0, max_rows)
        rest = self._rest.slice(max_rows)
        self._rest = rest if rest.num_rows else None
        return batch

    def close(self) -> None:
        """See `session.ports.Rows`."""
        self._rest = None


class NoRows:
    """The outcome of a statement that returns none."""

    def __init__(self, verb: str, affected: int | None = None, notices: Sequence[tuple[str, str]] = ()) -> None:
        """Tell it.

        Args:
            notices: SQLSTATE and text of what the client should be told besides.
        """
        self.columns: tuple[Column, ...] | None = None
        self.verb, self.affected, self.notices = verb, affected, tuple(notices)

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        """See `session.ports.Rows`."""
        del max_rows
        return None

    def close(self) -> None:
        """See `session.ports.Rows`."""


def known_rows(columns: tuple[Column, ...], verb: str, rows: Sequence[tuple[object, ...]]) -> KnownRows:
    """Return rows of Python values, as RETURNING gives them: a handful."""
    arrays = []
    for place, column in enumerate(columns):
        values = [str(row[place]) if isinstance(row[place], uuid.UUID) else row[place] for row in rows]
        kind = pa.month_day_nano_interval() if column.type_oid == oids.INTERVAL else None
        if column.type_oid == oids.BPCHAR and column.typmod > 4:
            values = [None if value is None else str(value).ljust(column.typmod - 4) for value in values]
        arrays.append(pa.array(values, kind))
    known = KnownRows(columns, verb, pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns]))
    known.affected = len(rows)
    return known


def text_rows(name: str, verb: str, lines: Sequence[str], type_oid: int = oids.TEXT) -> KnownRows:
    """Return one column of text (or json)."""
    batch = pa.RecordBatch.from_arrays([pa.array(lines, pa.string())], names=[name])
    return KnownRows((Column(name, type_oid),), verb, batch)
