"""Files that rows are looked up in again and again: decoded once, into tables in DuckDB's memory.

A look-up of one row spends most of its time on opening the file, its footer, and the pages of a row group that it needs
one value of: 1.7 ms of the processor for a file of 250,000 rows, against 0.4 ms in a table of DuckDB's own, whose
zones know their least and greatest value. So a file that is looked into often enough to pay for it is decoded, by a
thread of its own, and look-ups read the table. It goes when it has not been used for a while, when others are used more
and there is no room for all, and with the database that holds it.

What a table holds is what a query over the file gives: all columns of its dataset and all rows, in order. A file that
changes has another key.

Lock: `_lock` guards everything; no statement runs under it.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Final

import duckdb

from fsspeckit_lib.common.units import parse_size
from fsspeckit_lib.datasets import DataFile
from fsspeckit_lib.errors import GatewayError
from fsspeckit_sqlserver.engine.instance import Instance
from fsspeckit_sqlserver.engine.leases import Lease

__all__ = ["DECODED_SCHEMA", "DecodedFiles", "DecodedLease"]

DECODED_SCHEMA: Final = "gw_decoded"

_logger = logging.getLogger(__name__)
_FIRST_LOOKS: Final = 16
_ROWS_A_LOOK: Final = 5_000  # decoding 5,000 rows of five columns costs about what a look-up saves
_LOOKED_WITHIN_S: Final = 60.0
_KEEP_S: Final = 60.0
_VALUE_BYTES: Final = 16  # a text of up to twelve bytes, or a number with what belongs to it
_SHARE_OF_MEMORY: Final = 16
_MOST_BYTES: Final = 256 << 20
_MOST_COUNTED: Final = 1_000


@dataclass(slots=True, eq=False)
class _Table:
    """One decoded file; `uses` statements read it now."""

    name: str
    size_bytes: int
    used_at: float
    uses: int = 0


@dataclass(slots=True)
class _Looks:
    count: int
    since: float


class DecodedLease:
    """What a query holds that reads a decoded file: as `leases.Lease`, without a path."""

    ranged_number = None

    def __init__(self, name: str, read_bytes: int, give_back: Callable[[], None]) -> None:
        self.name, self.read_bytes = name, read_bytes
        self._give_back: Callable[[], None] | None = give_back

    def url_of(self, path: str) -> None:
        """No path leads to a decoded file."""
        del path

    def error(self) -> None:
        """Nothing is read from the storage."""

    def interrupt(self) -> None:
        """Nothing waits for the storage."""

    def close(self) -> None:
        """Give it back. Safe to call twice."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


class DecodedFiles:
    """See the module. Thread-safe."""

    def __init__(self, instance: Instance, executor: Executor, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without any.

        Args:
            executor: decodes, one file at a time.
        """
        self._instance, self._executor, self._clock = instance, executor, clock
        self._lock = threading.Lock()
        self._names = itertools.count(1)
        self._tables: OrderedDict[Hashable, _Table] = OrderedDict()  # the one not used for longest first
        self._looks: OrderedDict[Hashable, _Looks] = OrderedDict()
        self._generation = instance.generation
        self._is_busy = False
        self._decoding: Future[None] | None = None
        self._timer: threading.Timer | None = None
        self._is_closed = False

    def find(self, key: Hashable, file: DataFile) -> DecodedLease | None:
        """Return a file's table, to be given back; None if it has none."""
        with self._lock:
            self._look_at_generation()
            table = self._tables.get(key)
            if table is None:
                return None
            table.uses += 1
            table.used_at = self._clock()
            self._tables.move_to_end(key)
        return DecodedLease(table.name, file.info.size_bytes, lambda: self._give_back(table))

    def count(self, key: Hashable, file: DataFile, columns: int, source: Callable[[], tuple[str, Lease]]) -> None:
        """Note that a row was looked up in a file; decode it when that has become worth while.

        Args:
            key: which content it is: the same content, always.
            columns: how many the table will have.
            source: returns the query over the file, whose `$1` is its list of paths, and what holds it meanwhile.
        """
        now = self._clock()
        with self._lock:
            if key in self._tables:
                return
            looks = self._looks.get(key)
            if looks is None or now - looks.since > _LOOKED_WITHIN_S:
                looks = self._looks[key] = _Looks(0, now)
                while len(self._looks) > _MOST_COUNTED:
                    self._looks.popitem(last=False)
            looks.count += 1
            if looks.count < _FIRST_LOOKS + file.rows // _ROWS_A_LOOK or self._is_busy or self._is_closed:
                return
            self._is_busy = True
            looks.count = 0
        self._decoding = self._executor.submit(self._decode, key, file, columns, source)

    def expire(self) -> None:
        """Drop what has not been used for a while."""
        oldest = self._clock() - _KEEP_S
        with self._lock:
            self._timer = None
            old = [key for key, table in self._tables.items() if table.used_at <= oldest and not table.uses]
            names = [self._tables.pop(key).name for key in old]
            self._wait()
        self._drop(names)

    def close(self) -> None:
        """Decode no more, and wait for what is being decoded: a connection in use cannot be closed."""
        with self._lock:
            self._is_closed = True
            timer, self._timer = self._timer, None
            self._tables.clear()
        if timer is not None:
            timer.cancel()
        if self._decoding is not None and not self._decoding.cancel():
            self._decoding.result()

    def _give_back(self, table: _Table) -> None:
        with self._lock:
            table.uses -= 1

    def _decode(self, key: Hashable, file: DataFile, columns: int, source: Callable[[], tuple[str, Lease]]) -> None:
        try:
            self._make(key, file.rows * columns, source)
        except (GatewayError, duckdb.Error) as error:  # look-ups go on reading the file, and meet it there
            if not self._is_closed:
                _logger.warning("%s was not decoded for look-ups: %s", file.info.key, error)
        finally:
            with self._lock:
                self._is_busy = False

    def _make(self, key: Hashable, values: int, source: Callable[[], tuple[str, Lease]]) -> None:
        generation = self._instance.generation
        name = f"d{next(self._names)}"
        cursor = self._instance.cursor()
        try:
            most = _most_bytes(cursor)
            if values * _VALUE_BYTES > most:
                return
            before = _held_bytes(cursor)
            query, held = source()
            try:
                if held.ranged_number is not None:
                    return  # it is not on the local disk
                cursor.execute(f"CREATE TABLE {DECODED_SCHEMA}.{name} AS {query}", [held.paths])
            finally:
                held.close()
            size_bytes = max(0, _held_bytes(cursor) - before)
        finally:
            cursor.close()
        dropped = []
        with self._lock:
            if generation == self._instance.generation and not self._is_closed:
                dropped = self._make_room(most - size_bytes)
                if size_bytes <= most - self._size_bytes():
                    self._tables[key] = _Table(name, size_bytes, self._clock())
                    self._wait()
                else:
                    dropped.append(name)
        self._drop(dropped)

    def _size_bytes(self) -> int:
        return sum(table.size_bytes for table in self._tables.values())

    def _make_room(self, most_bytes: int) -> list[str]:
        """Forget tables until the rest is small enough; return their names. Call with the lock held."""
        names = []
        for key, table in list(self._tables.items()):
            if self._size_bytes() <= most_bytes:
                break
            if not table.uses:
                names.append(self._tables.pop(key).name)
        return names

    def _look_at_generation(self) -> None:
        """Forget the tables of a database that was replaced. Call with the lock held."""
        if self._generation != self._instance.generation:
            self._generation = self._instance.generation
            self._tables.clear()

    def _wait(self) -> None:
        """Come back later. Call with the lock held."""
        if self._tables and self._timer is None and not self._is_closed:
            self._timer = threading.Timer(_KEEP_S, self.expire)
            self._timer.daemon = True
            self._timer.start()

    def _drop(self, names: list[str]) -> None:
        if not names:
            return
        cursor = self._instance.cursor()
        try:
            for name in names:
                cursor.execute(f"DROP TABLE IF EXISTS {DECODED_SCHEMA}.{name}")
        except duckdb.Error as error:
            _logger.warning("a decoded file was not dropped: %s", error)
        finally:
            cursor.close()


def _held_bytes(cursor: duckdb.DuckDBPyConnection) -> int:
    """Return what tables in memory take, of all sessions."""
    query = (
        "SELECT sum(memory_usage_bytes + temporary_storage_bytes) FROM duckdb_memory() WHERE tag = 'IN_MEMORY_TABLE'"
    )
    row = cursor.execute(query).fetchone()
    return int(row[0] or 0) if row is not None else 0


def _most_bytes(cursor: duckdb.DuckDBPyConnection) -> int:
    """Return what decoded files may take together: a sixteenth of DuckDB's memory, and not without limit."""
    row = cursor.execute("SELECT memory_limit FROM pragma_database_size()").fetchone()
    return min(_MOST_BYTES, parse_size(str(row[0])) // _SHARE_OF_MEMORY) if row is not None else 0
