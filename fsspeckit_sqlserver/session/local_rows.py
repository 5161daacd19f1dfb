"""Results the session makes itself, and part of a cursor's result: both are `Rows` like the engine's."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column

__all__ = ["CursorRows", "Done", "LocalRows", "text_columns"]


def text_columns(*names: str) -> tuple[Column, ...]:
    """Return columns of type text."""
    return tuple(Column(name, oids.TEXT) for name in names)


class Done:
    """The result of a statement without rows that is already carried out: `BEGIN`, `SET`."""

    columns: tuple[Column, ...] | None = None
    affected: int | None = None

    def __init__(self, verb: str) -> None:
        self.verb = verb

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:  # noqa: ARG002 - the Protocol's
        """Return None: there are no rows."""
        return None

    def close(self) -> None:
        """Do nothing."""


_ARROW = {oids.INT4: pa.int32(), oids.BOOL: pa.bool_()}


class LocalRows:
    """A few rows that the session knows: what SHOW answers."""

    affected: int | None = None

    def __init__(self, verb: str, columns: tuple[Column, ...], rows: Sequence[Sequence[object]]) -> None:
        """Make rows of text, or of int4 and bool where the column says so."""
        self.verb = verb
        self.columns: tuple[Column, ...] | None = columns
        arrays = [
            pa.array([row[place] for row in rows], _ARROW.get(column.type_oid, pa.string()))
            for place, column in enumerate(columns)
        ]
        self._left = pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        """Return the next rows."""
        if not self._left.num_rows:
            return None
        batch, self._left = self._left.slice(0, max_rows), self._left.slice(max_rows)
        return batch

    def close(self) -> None:
        """Do nothing."""


class CursorRows:
    """The next rows of an open cursor: what FETCH answers. Closing it leaves the cursor open."""

    affected: int | None = None

    def __init__(self, verb: str, rows: Rows, limit: int | None) -> None:
        self.verb, self.columns = verb, rows.columns
        self._rows, self._left = rows, limit

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        """Return the cursor's next batch, None once the limit is reached."""
        if self._left is None:
            return self._rows.fetch(max_rows)
        if self._left <= 0:
            return None
        batch = self._rows.fetch(min(max_rows, self._left))
        self._left = 0 if batch is None else self._left - batch.num_rows
        return batch

    def close(self) -> None:
        """Leave the cursor as it is."""
