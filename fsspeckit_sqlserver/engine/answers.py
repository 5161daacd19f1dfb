"""Small answers, kept as long as they are right: the same statement over the same files has the same rows. Thread-safe.

What an answer depends on is its key: text, parameters and their types, the session's settings, the manifests of its
tables, the state of the catalog. What `stability` does not call repeatable is not kept, nor what reads temporary tables
or the time, nor rows of files that were listed anew while they were read. Clients ask the catalog the same questions at
each connect (asyncpg's introspection: one second of planning for an answer of two rows).
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Final
from weakref import WeakKeyDictionary

import pyarrow as pa

from fsspeckit_lib.datasets import Manifest
from fsspeckit_sqlserver.engine.rows import QueryRows
from fsspeckit_sqlserver.types.batches import take_rows
from fsspeckit_sqlserver.types.column import Column

__all__ = ["Answer", "Answers", "KnownAnswer", "RememberedRows", "key_of_values"]

_MAX_ROWS: Final = 1_000
_MAX_BYTES: Final = 256 << 10
_ALL_BYTES: Final = 32 << 20


def key_of_values(values: Sequence[object]) -> tuple[object, ...]:
    """Return parameters so that only what is the same in every way is equal.

    Python calls 1 and true, 1.0 and 1.00, 0.0 and -0.0, and two times in different zones equal; SQL shows them apart.
    """
    return tuple(
        key_of_values(value) if isinstance(value, list) else (type(value), value if value is None else str(value))
        for value in values
    )


class Answer:
    """The rows of one statement."""

    def __init__(self, columns: tuple[Column, ...], batches: tuple[pa.RecordBatch, ...]) -> None:
        self.columns, self.batches = columns, batches
        self.size_bytes = sum(batch.nbytes for batch in batches) + 500


class Answers:
    """Answers by what they depend on; the one not asked for longest goes first."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, Answer] = OrderedDict()
        self._bytes = 0
        self._numbers: WeakKeyDictionary[Manifest, int] = WeakKeyDictionary()
        self._next_number = itertools.count(1)

    def number_of(self, manifest: Manifest) -> int:
        """Return a number that no other manifest ever has, so that a key does not keep a manifest alive."""
        with self._lock:
            number = self._numbers.get(manifest)
            if number is None:
                number = self._numbers[manifest] = next(self._next_number)
            return number

    def find(self, key: Hashable) -> Answer | None:
        """Return the answer that depends on just this, or None."""
        with self._lock:
            answer = self._known.get(key)
            if answer is not None:
                self._known.move_to_end(key)
            return answer

    def keep(self, key: Hashable, answer: Answer) -> None:
        """Keep an answer."""
        with self._lock:
            before = self._known.pop(key, None)
            self._bytes += answer.size_bytes - (before.size_bytes if before is not None else 0)
            self._known[key] = answer
            while self._bytes > _ALL_BYTES:
                _, oldest = self._known.popitem(last=False)
                self._bytes -= oldest.size_bytes


class RememberedRows:
    """Rows of a query that are kept when they turn out to be few. Satisfies `session.ports.Rows`."""

    def __init__(self, rows: QueryRows, keep: Callable[[Answer], None]) -> None:
        self._rows, self._keep = rows, keep
        self.columns, self.verb, self.affected = rows.columns, rows.verb, rows.affected
        self._batches: list[pa.RecordBatch] | None = []
        self._size_rows = self._size_bytes = 0

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        """See `session.ports.Rows`."""
        batch = self._rows.fetch(max_rows)
        if self._batches is None:
            return batch
        if batch is None:
            if self._rows.is_complete and not self._rows.was_restarted:  # else of other files than the key names
                self._keep(Answer(self.columns, tuple(self._batches)))
            self._batches = None
            return None
        self._size_rows += batch.num_rows
        self._size_bytes += batch.nbytes
        if self._size_rows > _MAX_ROWS or self._size_bytes > _MAX_BYTES:
            self._batches = None
        else:
            self._batches.append(batch)
        return batch

    def close(self) -> None:
        """See `session.ports.Rows`."""
        self._rows.close()


class KnownAnswer:
    """An answer on its way to one client. Satisfies `session.ports.Rows`."""

    verb = "SELECT"
    affected: int | None = None

    def __init__(self, answer: Answer, *, is_constant: bool) -> None:
        """Begin to tell it.

        Args:
            is_constant: nothing was read for it that could change, but settings and names.
        """
        self.columns: tuple[Column, ...] | None = answer.columns
        self.is_constant = is_constant
        self._left = list(answer.batches)

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        """See `session.ports.Rows`."""
        return take_rows(self._left, max_rows)

    def close(self) -> None:
        """See `session.ports.Rows`."""
        self._left.clear()
