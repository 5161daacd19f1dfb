"""SCROLL cursors: rows that have been read are kept, so that FETCH can go back to them.

What a cursor has read stays in memory as Arrow batches until it is closed; the rest of its result still streams.
Source: PostgreSQL 16, `DoPortalRunFetch`, for where each FETCH leaves the cursor.
"""

from __future__ import annotations

import bisect
from typing import Final

import pyarrow as pa
from postgast import pg_query_pb2 as pg

from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.types.batches import take_rows
from fsspeckit_sqlserver.types.column import Column

__all__ = ["ScrollBuffer", "ScrolledRows"]

_READ_ROWS: Final = 16_384
_EVERYTHING: Final = 2**31 - 1


class ScrollBuffer:
    """A result and the cursor's place in it: 0 before the first row, one past the last behind it."""

    def __init__(self, rows: Rows) -> None:
        """Stand before the first row."""
        self._rows = rows
        self._batches: list[pa.RecordBatch] = []
        self._ends: list[int] = []  # how many rows there are up to the end of each batch
        self._is_read = False
        self._place = 0

    def fetch(self, direction: int, count: int) -> list[pa.RecordBatch]:
        """Return the rows one FETCH asks for, and move.

        Args:
            direction: a `pg.FetchDirection`.
            count: how many, or which.
        """
        if direction == pg.FETCH_ABSOLUTE:
            if count < 0:
                self._read(_EVERYTHING)
                count = max(0, self._length + 1 + count)
            return self._go_to(count)
        if direction == pg.FETCH_RELATIVE:
            return self._go_to(max(0, self._place + count))
        if count == 0:
            return self._go_to(self._place)
        backward = (direction == pg.FETCH_BACKWARD) != (count < 0)
        return self._backward(abs(count)) if backward else self._forward(abs(count))

    @property
    def _length(self) -> int:
        """How many rows have been read."""
        return self._ends[-1] if self._ends else 0

    def _read(self, wanted: int) -> None:
        while not self._is_read and self._length < wanted:
            batch = self._rows.fetch(_READ_ROWS)
            if batch is None:
                self._is_read = True
            else:
                self._ends.append(self._length + batch.num_rows)
                self._batches.append(batch)

    def _go_to(self, place: int) -> list[pa.RecordBatch]:
        self._read(place)
        self._place = min(place, self._length + 1)
        return self._between(place - 1, place) if 1 <= place <= self._length else []

    def _forward(self, count: int) -> list[pa.RecordBatch]:
        start = self._place
        self._read(min(start + count, _EVERYTHING))
        stop = min(start + count, self._length)
        self._place = stop if stop - start == count else self._length + 1
        return self._between(start, stop)

    def _backward(self, count: int) -> list[pa.RecordBatch]:
        stop = max(0, self._place - 1)
        start = max(0, stop - count)
        self._place = start + 1 if stop - start == count else 0
        found = self._between(start, stop)
        return [batch.take(pa.array(range(batch.num_rows - 1, -1, -1), pa.int32())) for batch in reversed(found)]

    def _between(self, start: int, stop: int) -> list[pa.RecordBatch]:
        """Return the rows [start, stop), counted from 0."""
        found = []
        index = bisect.bisect_right(self._ends, start)
        while start < stop:
            batch, begin = self._batches[index], self._ends[index] - self._batches[index].num_rows
            end = min(stop, self._ends[index])
            found.append(batch.slice(start - begin, end - start))
            start, index = end, index + 1
        return found

    def close(self) -> None:
        """Stop the query and forget the rows."""
        self._batches.clear()
        self._ends.clear()
        self._rows.close()


class ScrolledRows:
    """The rows of one FETCH from a SCROLL cursor. Closing it leaves the cursor open."""

    affected: int | None = None

    def __init__(self, columns: tuple[Column, ...] | None, buffer: ScrollBuffer, direction: int, count: int) -> None:
        self.verb, self.columns = "FETCH", columns
        self._buffer, self._asked = buffer, (direction, count)
        self._left: list[pa.RecordBatch] | None = None

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        """Return the next batch; the first call moves the cursor."""
        if self._left is None:
            self._left = self._buffer.fetch(*self._asked)
        return take_rows(self._left, max_rows)

    def close(self) -> None:
        """Leave the cursor as it is."""
