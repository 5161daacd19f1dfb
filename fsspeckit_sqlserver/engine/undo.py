"""What takes back the changes of a transaction block to temporary tables: at ROLLBACK, or ROLLBACK TO SAVEPOINT.

DuckDB has no savepoints, and any error ends its transaction: nothing of it can be kept. Temporary tables belong to one
session, so nobody else has to be kept from seeing them half changed. So each statement is its own transaction, and the
block keeps what it needs to go back:

- a table that was made is dropped;
- a table that only had rows appended loses the rows behind the last one it had (row numbers only grow; DuckDB
  renumbers at checkpoints, which temporary tables have none of);
- any other change works on a copy; the original waits under another name.

Each is noted once between two savepoints. The copies are tables of DuckDB like the originals: they count against its
memory and spill to disk as they do. Invariant: `_changes` undone from its end gives the state at each level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

from fsspeckit_sqlserver.engine.connections import Connections
from fsspeckit_sqlserver.engine.scanning import Prepared
from fsspeckit_sqlserver.engine.tables import quoted
from fsspeckit_sqlserver.engine.temporaries import Temporaries
from fsspeckit_sqlserver.engine.translation import translate_duckdb

__all__ = ["Undo"]

_PREFIX: Final = "gw_undo_"


@dataclass(slots=True)
class _Made:
    level: int
    table: str


@dataclass(slots=True)
class _Appended:
    level: int
    table: str
    last_row: int


@dataclass(slots=True)
class _Replaced:
    level: int
    table: str
    original: str


class Undo:
    """The changes of one session's open block. Outside of a block it notes nothing."""

    def __init__(self, connections: Connections, temporaries: Temporaries) -> None:
        self._connections, self._temporaries = connections, temporaries
        self._changes: list[_Made | _Appended | _Replaced] = []
        self._depth: int | None = None
        self._number = self._generation = 0

    @property
    def is_open(self) -> bool:
        """Whether there is a block."""
        return self._depth is not None

    # ---- the block

    def begin(self, savepoints: int) -> None:
        """Note changes from here on; so many savepoints are set already."""
        self._changes.clear()
        self._depth, self._generation = savepoints, self._connections.generation
        self._temporaries.begin(savepoints)

    def nest(self, depth: int) -> None:
        """Note that so many savepoints are set now: one more, or fewer because some were released."""
        self._forget_lost()
        released, self._depth = self._changes, depth
        self._changes = []
        for change in released:
            change.level = min(change.level, depth)
            if not self._is_noted(change.table, or_appended=isinstance(change, _Appended)):
                self._changes.append(change)
            elif isinstance(change, _Replaced):
                self._drop(change.original)
        self._temporaries.nest(depth)

    def undo(self, depth: int) -> None:
        """Take back what changed since the `depth`th savepoint was set, which stays; 0 for the whole block."""
        self._forget_lost()
        while self._changes and self._changes[-1].level >= depth:
            self._take_back(self._changes[-1])
            self._changes.pop()
        self._depth = depth
        self._temporaries.undo(depth)

    def commit(self) -> None:
        """Keep what changed."""
        self._forget_lost()
        for change in self._changes:
            if isinstance(change, _Replaced):
                self._drop(change.original)
        self._end()

    def rollback(self) -> None:
        """Take back what the block changed.

        Raises:
            GatewayError: that failed; the tables concerned are dropped rather than left half changed.
        """
        if self._depth is None:
            return
        try:
            self.undo(0)
        except duckdb.Error as error:
            broken = {change.table for change in self._changes}
            self._temporaries.undo(0)
            for table in broken:
                self._drop(table)
                self._temporaries.tables.pop(table, None)
            raise translate_duckdb(error) from error
        finally:
            self._end()

    def _forget_lost(self) -> None:
        """Forget changes to tables of a database that was replaced since."""
        if self._generation != self._connections.generation:
            self._changes.clear()
            self._generation = self._connections.generation

    def _end(self) -> None:
        self._changes.clear()
        self._depth = None
        self._temporaries.end()

    # ---- changes to come

    def made(self, table: str) -> None:
        """Note that a table was made."""
        if self._depth is not None and not self._is_noted(table):
            self._changes.append(_Made(self._depth, table))

    def before_append(self, table: str) -> None:
        """Prepare for rows that are appended, and nothing else."""
        if self._depth is None or self._is_noted(table, or_appended=True):
            return
        ((last_row,),) = self._connections.run_all(
            f"SELECT coalesce(max(rowid), -1) FROM temp.main.{quoted(table)}", _nothing(), uses_temp=True
        )
        assert isinstance(last_row, int), "the number of a row"
        self._changes.append(_Appended(self._depth, table, last_row))

    def before_change(self, table: str, *, keeps_rows: bool = True, definition: str = "") -> None:
        """Prepare for any change of a table; without `keeps_rows` it is left empty, for TRUNCATE.

        Args:
            definition: DuckDB's statement that makes the table as it shall be; empty for as it is.
        """
        is_kept = self._depth is not None and not self._is_noted(table)
        if not is_kept and not definition:
            if not keeps_rows:
                self._connections.run_all(f"DELETE FROM temp.main.{quoted(table)}", _nothing(), uses_temp=True)
            return
        original = self._next_name()
        connection = self._connections.main()
        if not definition:
            ((definition,),) = connection.execute(
                "SELECT sql FROM duckdb_tables() WHERE database_name = 'temp' AND table_name = $1", [table]
            ).fetchall()
        self._execute("BEGIN TRANSACTION")
        try:
            self._execute(f"ALTER TABLE temp.main.{quoted(table)} RENAME TO {original}")
            self._execute(definition)
            if keeps_rows:
                self._connections.run_all(
                    f"INSERT INTO temp.main.{quoted(table)} SELECT * FROM temp.main.{original}",
                    _nothing(),
                    uses_temp=True,
                )
            if not is_kept:
                self._drop(original)
            self._execute("COMMIT")
        except BaseException:
            self._execute("ROLLBACK")
            raise
        if is_kept and self._depth is not None:
            self._changes.append(_Replaced(self._depth, table, original))

    def drop(self, table: str) -> None:
        """Drop a table."""
        if self._depth is None or self._is_noted(table):
            self._connections.run_all(f"DROP TABLE temp.main.{quoted(table)}", _nothing(), uses_temp=True)
            return
        original = self._next_name()
        self._execute(f"ALTER TABLE temp.main.{quoted(table)} RENAME TO {original}")
        self._changes.append(_Replaced(self._depth, table, original))

    def _is_noted(self, table: str, *, or_appended: bool = False) -> bool:
        """Return whether the last savepoint's state of a table can be had already."""
        return any(
            change.level == self._depth and change.table == table and (or_appended or not isinstance(change, _Appended))
            for change in self._changes
        )

    # ---- DuckDB

    def _take_back(self, change: _Made | _Appended | _Replaced) -> None:
        place = f"temp.main.{quoted(change.table)}"
        match change:
            case _Made():
                self._execute(f"DROP TABLE IF EXISTS {place}")
            case _Appended():
                self._execute(f"DELETE FROM {place} WHERE rowid > {change.last_row}")
            case _Replaced():
                self._execute("BEGIN TRANSACTION")
                try:
                    self._execute(f"DROP TABLE IF EXISTS {place}")
                    self._execute(f"ALTER TABLE temp.main.{change.original} RENAME TO {quoted(change.table)}")
                    self._execute("COMMIT")
                except BaseException:
                    self._execute("ROLLBACK")
                    raise

    def _execute(self, sql: str) -> None:
        self._connections.main().execute(sql)

    def _drop(self, table: str) -> None:
        self._execute(f"DROP TABLE IF EXISTS temp.main.{quoted(table)}")

    def _next_name(self) -> str:
        self._number += 1
        return f"{_PREFIX}{self._number}"


def _nothing() -> Prepared:
    return Prepared("", {}, [], [])
