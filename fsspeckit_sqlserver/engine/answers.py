"""Small answers, kept as long as they are right: the same statement over the same files has the same rows. Thread-safe.

What an answer depends on is its key: text, parameters, the session's settings, the manifests of its tables, the state
of the catalog. Statements with volatile functions, temporary tables or the time are not kept. Clients ask the catalog
the same questions at each connect (asyncpg's introspection: one second of planning for an answer of two rows).
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final
from weakref import WeakKeyDictionary

import pyarrow as pa
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.datasets import Manifest
from fsspeckit_sqlserver.engine.rows import QueryRows
from fsspeckit_sqlserver.engine.trees import names_of, walk
from fsspeckit_sqlserver.types.column import Column

__all__ = ["Answer", "Answers", "KnownAnswer", "RememberedRows", "is_repeatable", "is_time_word"]

_MAX_ROWS: Final = 1_000
_MAX_BYTES: Final = 256 << 10
_ALL_BYTES: Final = 32 << 20

_VOLATILE: Final = frozenset(
    ["random", "random_normal", "setseed", "gen_random_uuid", "uuid", "uuidv4", "uuidv7", "nextval", "currval",
     "setval", "lastval", "pg_sleep", "sleep_ms", "txid_current", "pg_current_xact_id", "pg_stat_get_activity",
     "pg_lock_status",
     # the time, of the statement and of the day
     "now", "today", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday", "current_date",
     "get_current_time", "get_current_timestamp", "age", "ago", "pg_conf_load_time",
     # what else duckdb_functions() calls VOLATILE or CONSISTENT_WITHIN_QUERY, but for the session
     "current_query", "current_query_id", "current_connection_id", "current_transaction_id", "error", "getvariable",
     "stats", "vector_type", "write_log", "set_config"]
)  # fmt: skip
_TIME_WORDS: Final = frozenset({"now", "today", "tomorrow", "yesterday"})
"""Texts that become a time when they are cast: PostgreSQL 16 manual, "Special Values" of date and time."""
_CLOCK_VALUES: Final = frozenset(
    {
        pb.SVFOP_CURRENT_DATE, pb.SVFOP_CURRENT_TIME, pb.SVFOP_CURRENT_TIME_N, pb.SVFOP_CURRENT_TIMESTAMP,
        pb.SVFOP_CURRENT_TIMESTAMP_N, pb.SVFOP_LOCALTIME, pb.SVFOP_LOCALTIME_N, pb.SVFOP_LOCALTIMESTAMP,
        pb.SVFOP_LOCALTIMESTAMP_N,
    }
)  # fmt: skip
_MOVING: Final = frozenset({"pg_stat_activity", "pg_locks", "pg_prepared_statements", "pg_cursors", "pg_settings"})


def is_time_word(value: object) -> bool:
    """Tell whether a text or parameter would be cast to another time tomorrow."""
    return isinstance(value, str) and value.strip().lower() in _TIME_WORDS


def is_repeatable(message: Message) -> bool:
    """Return whether a statement gives the same rows each time, as long as what it reads does not change."""
    for part in walk(message):
        if isinstance(part, pb.SQLValueFunction) and part.op in _CLOCK_VALUES:
            return False
        if isinstance(part, pb.String) and is_time_word(part.sval):
            return False
        if isinstance(part, pb.FuncCall) and names_of(part.funcname)[-1].lower() in _VOLATILE:
            return False
        if isinstance(part, pb.RangeVar) and part.relname in _MOVING:
            return False
    return True


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
            if self._rows.is_complete:
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

    def __init__(self, answer: Answer) -> None:
        self.columns: tuple[Column, ...] | None = answer.columns
        self._left = list(answer.batches)

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        """See `session.ports.Rows`."""
        if not self._left:
            return None
        batch = self._left.pop(0)
        if batch.num_rows > max_rows:
            self._left.insert(0, batch.slice(max_rows))
            return batch.slice(0, max_rows)
        return batch

    def close(self) -> None:
        """See `session.ports.Rows`."""
        self._left.clear()
