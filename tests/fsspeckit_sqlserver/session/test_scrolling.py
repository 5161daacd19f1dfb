"""SCROLL cursors against a list: every FETCH gives the rows, and leaves the cursor where, PostgreSQL's would."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from postgast import pg_query_pb2 as pg

from fsspeckit_sqlserver.session.scrolling import ScrollBuffer
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column


class Counted:
    """Rows 1 … n in batches of seven."""

    verb = "SELECT"
    affected = None
    columns: tuple[Column, ...] | None = (Column("n", oids.INT8),)

    def __init__(self, count: int) -> None:
        self._left = list(range(1, count + 1))

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        part, self._left = self._left[: min(7, max_rows)], self._left[min(7, max_rows) :]
        return pa.record_batch([pa.array(part, pa.int64())], names=["n"]) if part else None

    def close(self) -> None: ...


class Model:
    """The cursor's place among rows 1 … n: 0 is before them, n + 1 behind."""

    def __init__(self, count: int) -> None:
        self.count, self.place = count, 0

    def fetch(self, direction: int, count: int) -> list[int]:
        if direction == pg.FETCH_ABSOLUTE:
            return self._go(count if count >= 0 else max(0, self.count + 1 + count))
        if direction == pg.FETCH_RELATIVE:
            return self._go(max(0, self.place + count))
        step = 1 if direction == pg.FETCH_FORWARD else -1
        if count == 0:
            return self._go(self.place)
        step = step if count > 0 else -step
        seen: list[int] = []
        while len(seen) < abs(count):
            self.place = min(max(self.place + step, 0), self.count + 1)
            if not 1 <= self.place <= self.count:
                break
            seen.append(self.place)
        return seen

    def _go(self, place: int) -> list[int]:
        self.place = min(place, self.count + 1)
        return [self.place] if 1 <= self.place <= self.count else []


DIRECTIONS = [pg.FETCH_FORWARD, pg.FETCH_BACKWARD, pg.FETCH_ABSOLUTE, pg.FETCH_RELATIVE]


@settings(deadline=None)
@given(st.integers(0, 30), st.lists(st.tuples(st.sampled_from(DIRECTIONS), st.integers(-40, 40)), max_size=20))
def test_every_fetch_is_the_models(count: int, fetches: list[tuple[int, int]]) -> None:
    buffer, model = ScrollBuffer(Counted(count)), Model(count)
    for direction, wanted in fetches:
        found = [value for batch in buffer.fetch(direction, wanted) for value in batch.column(0).to_pylist()]
        assert found == model.fetch(direction, wanted), (direction, wanted)
