"""The temporary tables and views of one session: what there is, and what a rollback brings back. Values only.

Tables live in DuckDB, on the session's main connection (`undo` brings back their rows); views are queries kept here
and put in their place by `resolve`, so that they see the files of the moment.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.table_definitions import TableDefinition
from fsspeckit_sqlserver.types.column import Column

__all__ = ["TempSequence", "TempView", "Temporaries"]

_numbers = itertools.count(1)  # of sessions, for the names of their schemas
_FIRST_OID: Final = 16_384  # where PostgreSQL's own end; the datasets' begin at 100,000


@dataclass(frozen=True, slots=True)
class TempView:
    """A temporary view: its query, and what columns that had when the view was made."""

    query: pb.SelectStmt
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class TempSequence:
    """A sequence: what CREATE SEQUENCE says, and to which column it belongs, if to one."""

    type_name: str
    start: int
    step: int
    lowest: int
    highest: int
    cycle: bool
    table: str = ""
    column: str = ""


_Names: TypeAlias = tuple[
    dict[str, dict[str, str]],
    dict[str, TempView],
    dict[str, bool],
    dict[str, TableDefinition],
    dict[str, TempSequence],
]


@dataclass(slots=True)
class Temporaries:
    """Names of the temporary objects.

    Attributes:
        tables: name → folded column name → DuckDB type. A table's columns are replaced, never changed.
        views: by name.
        on_commit: tables that end with the transaction: are they dropped (ON COMMIT DROP), or emptied (DELETE ROWS)?
        definitions: of the tables that were made by CREATE TABLE; of others once they have constraints or indexes.
        sequences: by name.
        last_sequence: the one that gave a number last.
        silent: sequences that have given none since DISCARD SEQUENCES.
        schema: in which they are: pg_temp_N.
    """

    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    views: dict[str, TempView] = field(default_factory=dict)
    on_commit: dict[str, bool] = field(default_factory=dict)
    definitions: dict[str, TableDefinition] = field(default_factory=dict)
    sequences: dict[str, TempSequence] = field(default_factory=dict)
    last_sequence: str = ""
    silent: set[str] = field(default_factory=set)
    schema: str = field(default_factory=lambda: f"pg_temp_{next(_numbers)}")
    _oids: dict[str, int] = field(default_factory=dict)
    _levels: list[_Names] = field(default_factory=list)  # what there was at BEGIN, and at each savepoint

    def oid_of(self, name: str) -> int:
        """Return the OID of a relation in this session: a name keeps its own."""
        return self._oids.setdefault(name, _FIRST_OID + len(self._oids))

    def forget_numbers(self) -> None:
        """Let no sequence have given a number: DISCARD SEQUENCES."""
        self.last_sequence, self.silent = "", set(self.sequences)

    def begin(self, savepoints: int) -> None:
        """Remember what there is, for BEGIN and each savepoint that was set before anything changed."""
        self._levels = []
        self.nest(savepoints)

    def nest(self, depth: int) -> None:
        """Remember what there is at savepoints that are new, and forget what there was at those released."""
        while len(self._levels) <= depth:
            self._levels.append(self._names())
        del self._levels[depth + 1 :]

    def undo(self, depth: int) -> None:
        """Go back to what there was at a savepoint, which stays; 0 is BEGIN."""
        if self._levels:
            tables, views, on_commit, definitions, sequences = self._levels[depth]
            self.tables, self.views, self.on_commit = dict(tables), dict(views), dict(on_commit)
            self.definitions, self.sequences = dict(definitions), dict(sequences)
            del self._levels[depth + 1 :]

    def _names(self) -> _Names:
        return (
            dict(self.tables),
            dict(self.views),
            dict(self.on_commit),
            dict(self.definitions),
            dict(self.sequences),
        )

    def taken_names(self) -> set[str]:
        """Return the names that no new relation may have."""
        names = {*self.tables, *self.views, *self.sequences}
        for table, definition in self.definitions.items():
            if table in self.tables:
                names |= {item.name for item in definition.constraints} | {item.name for item in definition.indexes}
        return names

    def replace_definition(self, table: str, definition: TableDefinition) -> None:
        """Note how a table is now."""
        self.definitions[table] = definition
        self.tables[table] = dict(self.tables[table])  # another object: it has changed

    def rename_table(self, table: str, new: str) -> None:
        """Note another name of a table, whose sequences and constraints keep theirs."""
        if table in self.definitions:
            self.definitions[new] = self.definitions.pop(table)
        self.sequences = {
            name: replace(item, table=new) if item.table == table else item for name, item in self.sequences.items()
        }

    def forget_table(self, table: str) -> None:
        """Note that a table was dropped, and its sequences with it."""
        del self.tables[table]
        self.definitions.pop(table, None)
        self.on_commit.pop(table, None)
        self.sequences = {name: item for name, item in self.sequences.items() if item.table != table}

    def end(self) -> None:
        """Keep what there is."""
        self._levels = []

    def lose_tables(self) -> None:
        """Forget the tables: the database that held them is gone."""
        self.tables.clear()
        self.on_commit.clear()
        self.definitions.clear()
        self.sequences.clear()
        for tables, _, on_commit, definitions, sequences in self._levels:
            for names in (tables, on_commit, definitions, sequences):
                names.clear()
