"""The temporary tables and views of one session: what there is, and what a rollback brings back. Values only.

Tables live in DuckDB, on the session's main connection (`undo` brings back their rows); views are queries kept here
and put in their place by `resolve`, so that they see the files of the moment.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.types.column import Column

__all__ = ["TempView", "Temporaries"]

_numbers = itertools.count(1)  # of sessions, for the names of their schemas
_FIRST_OID: Final = 16_384  # where PostgreSQL's own end; the datasets' begin at 100,000


@dataclass(frozen=True, slots=True)
class TempView:
    """A temporary view: its query, and what columns that had when the view was made."""

    query: pb.SelectStmt
    columns: tuple[Column, ...]


_Names: TypeAlias = tuple[dict[str, dict[str, str]], dict[str, TempView], dict[str, bool]]


@dataclass(slots=True)
class Temporaries:
    """Names of the temporary objects.

    Attributes:
        tables: name → folded column name → DuckDB type. A table's columns are replaced, never changed.
        views: by name.
        on_commit: tables that end with the transaction: are they dropped (ON COMMIT DROP), or emptied (DELETE ROWS)?
        schema: in which they are: pg_temp_N.
    """

    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    views: dict[str, TempView] = field(default_factory=dict)
    on_commit: dict[str, bool] = field(default_factory=dict)
    schema: str = field(default_factory=lambda: f"pg_temp_{next(_numbers)}")
    _oids: dict[str, int] = field(default_factory=dict)
    _levels: list[_Names] = field(default_factory=list)  # what there was at BEGIN, and at each savepoint

    def oid_of(self, name: str) -> int:
        """Return the OID of a relation in this session: a name keeps its own."""
        return self._oids.setdefault(name, _FIRST_OID + len(self._oids))

    def begin(self, savepoints: int) -> None:
        """Remember what there is, for BEGIN and each savepoint that was set before anything changed."""
        self._levels = []
        self.nest(savepoints)

    def nest(self, depth: int) -> None:
        """Remember what there is at savepoints that are new, and forget what there was at those released."""
        while len(self._levels) <= depth:
            self._levels.append((dict(self.tables), dict(self.views), dict(self.on_commit)))
        del self._levels[depth + 1 :]

    def undo(self, depth: int) -> None:
        """Go back to what there was at a savepoint, which stays; 0 is BEGIN."""
        if self._levels:
            tables, views, on_commit = self._levels[depth]
            self.tables, self.views, self.on_commit = dict(tables), dict(views), dict(on_commit)
            del self._levels[depth + 1 :]

    def end(self) -> None:
        """Keep what there is."""
        self._levels = []

    def lose_tables(self) -> None:
        """Forget the tables: the database that held them is gone."""
        self.tables.clear()
        self.on_commit.clear()
        for tables, _, on_commit in self._levels:
            tables.clear()
            on_commit.clear()
