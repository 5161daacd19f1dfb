"""Which names are in sight in one part of a statement, and what PostgreSQL says of those that are not. Pure.

A `Level` is one query, a `Source` one thing in its FROM. Search order, errors and hints are those of PostgreSQL 15
(`parse_relation.c`: colNameToVar, errorMissingColumn, errorMissingRTE). Names are compared case folded, as everywhere
in this server. Where a source may have columns that nobody knows, a name that is not found is left to DuckDB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import (
    AmbiguousColumn,
    InvalidColumnReference,
    StatementProblem,
    UndefinedColumn,
    UndefinedTable,
    UnsupportedStatement,
    read_only,
)
from fsspeckit_sqlserver.engine.trees import names_of

__all__ = [
    "SYSTEM_COLUMNS",
    "Cte",
    "Found",
    "Level",
    "Relation",
    "RelationOf",
    "Source",
    "is_system_column",
    "joined",
    "missing_column",
    "missing_table",
    "renamed",
]

SYSTEM_COLUMNS: Final = {"ctid": -1, "xmin": -2, "cmin": -3, "xmax": -4, "cmax": -5, "tableoid": -6}
_MAX_DISTANCE: Final = 3  # MAX_FUZZY_DISTANCE


@dataclass(frozen=True, slots=True)
class Relation:
    """What is known of a table reference: its columns, and where and under which name the table is."""

    columns: Sequence[str]
    schema: str
    name: str


RelationOf: TypeAlias = Callable[[pb.RangeVar], Relation | None]
"""A resolved reference → what it is; None for common table expressions."""

Cte: TypeAlias = tuple[tuple[str, ...], bool, Sequence[tuple[str, str, int] | None]]
"""The columns of a common table expression, whether there may be more, and which column of a table each is."""


@dataclass(slots=True, eq=False)
class Source:
    """One thing in FROM.

    Attributes:
        alias: what its columns are qualified by; empty for a join without a name.
        columns: their names.
        is_open: there may be more.
        origins: for the columns of a join, which source and column each is; None where two were merged.
        schema, relation: of a table, under its own name.
        has_alias: the statement calls it otherwise.
        is_qualifiable, gives_columns: its columns are in sight with its name, and without.
        is_table: its columns are those of the table `relation`.
        bases: for others, which column of a table each is, if it is one.
    """

    alias: str
    columns: list[str]
    is_open: bool = False
    schema: str = ""
    relation: str = ""
    has_alias: bool = True
    is_qualifiable: bool = True
    gives_columns: bool = True
    is_join: bool = False
    origins: list[tuple[Source, str] | None] = field(default_factory=list)
    is_table: bool = False
    bases: Sequence[tuple[str, str, int] | None] = ()
    _folded: list[str] | None = None

    @property
    def folded(self) -> list[str]:
        """The columns' names, case folded."""
        if self._folded is None:
            self._folded = [name.casefold() for name in self.columns]
        return self._folded

    def base(self, place: int) -> tuple[str, str, int] | None:
        """Return which column of a table one of its columns is: schema, name, number (PostgreSQL's resorigcol)."""
        if self.is_table:
            return (self.schema, self.relation, place + 1)
        return self.bases[place] if place < len(self.bases) else None

    def base_of(self, name: str) -> tuple[str, str, int] | None:
        """Return that of a column by its name, case folded; system columns have numbers below 1."""
        if name in self.folded:
            return self.base(self.folded.index(name))
        return (self.schema, self.relation, SYSTEM_COLUMNS[name]) if self.is_table and name in SYSTEM_COLUMNS else None

    def has(self, name: str) -> int:
        """Return how many of its columns have a name, case folded."""
        return self.folded.count(name)


@dataclass(frozen=True, slots=True)
class Found:
    """What a name means: a column of a source, so many levels up; no source where that cannot be told."""

    source: Source | None
    column: str
    depth: int

    @property
    def identity(self) -> object:
        """Equal for what is the same column."""
        return (id(self.source), self.column) if self.source is not None else object()

    @property
    def base(self) -> tuple[str, str, int] | None:
        """Which column of a table it is."""
        return None if self.source is None else self.source.base_of(self.column)


@dataclass(slots=True, eq=False)
class Level:
    """One query: what it sees of its own, and of those around it.

    Attributes:
        sources: in sight.
        lateral: those before a thing in FROM, for what may look sideways.
        everything: all that was ever in its FROM, for hints.
        is_locked: its rows are to be locked (FOR UPDATE).
    """

    parent: Level | None
    sources: list[Source] = field(default_factory=list)
    lateral: list[Source] = field(default_factory=list)
    is_lateral: bool = False
    everything: list[Source] = field(default_factory=list)
    is_locked: bool = False

    def visible(self) -> Iterator[Source]:
        """Yield what may be named now."""
        yield from self.sources
        if self.is_lateral:
            yield from self.lateral

    def upwards(self) -> Iterator[Level]:
        """Yield this level and those around it."""
        level: Level | None = self
        while level is not None:
            yield level
            level = level.parent

    def column(self, name: str, location: int) -> Found | None:
        """Return what an unqualified name means, None when it is in no source.

        Raises:
            AmbiguousColumn: several sources of one level have it.
        """
        folded = name.casefold()
        for depth, level in enumerate(self.upwards()):
            found = level.own_column(name, folded, depth, location)
            if found is not None:
                return found
        return None

    def own_column(self, name: str, folded: str, depth: int, location: int) -> Found | None:
        """Return what a name means at this level."""
        hits: list[Source] = []
        is_open = False
        for source in self.visible():
            if source.gives_columns:
                hits.extend([source] * source.has(folded))
                is_open = is_open or source.is_open
        if len(hits) > 1:
            raise AmbiguousColumn(f'column reference "{name}" is ambiguous', None, _place(location))
        if hits:
            return _through_joins(hits[0], folded, depth)
        return Found(None, folded, depth) if is_open else None

    def table(self, name: str, schema: str = "") -> tuple[Source, int] | None:
        """Return the source that a qualifier names, and how many levels up it is."""
        folded = name.casefold()
        for depth, level in enumerate(self.upwards()):
            for source in level.visible():
                if source.alias.casefold() != folded or not source.is_qualifiable:
                    continue
                if not schema or (not source.has_alias and source.schema == schema):
                    return source, depth
        return None

    def whole_row(self, name: str, parts: int) -> tuple[str, str, int] | None:
        """Return the table whose row a name stands for, as column 0; that of a system column, as its own."""
        found = self.table(name) if parts == 1 else None
        if found is not None and found[0].is_table:
            return (found[0].schema, found[0].relation, 0)
        if name.casefold() in SYSTEM_COLUMNS and len(self.sources) == 1:
            return self.sources[0].base_of(name.casefold())
        return None

    def is_shadowed(self, source: Source, depth: int) -> bool:
        """Return whether a nearer source has the alias of one that is `depth` levels up."""
        found = self.table(source.alias)
        return found is None or found != (source, depth)


def _through_joins(source: Source, folded: str, depth: int) -> Found:
    while source.is_join and source.origins:
        origin = source.origins[source.folded.index(folded)]
        if origin is None:
            break
        source, folded = origin[0], origin[1].casefold()
    return Found(source, folded, depth)


def is_system_column(level: Level, name: str, location: int, source: Source | None = None) -> bool:
    """Return whether a name, case folded, is that of a system column, which only the system catalog has.

    Raises:
        ReadOnly: rows of a dataset are asked for by their places, to be changed (postgres_fdw).
        UnsupportedStatement: a dataset or temporary table has no such column.
    """
    if name not in SYSTEM_COLUMNS:
        return False
    sources = [source] if source is not None else list(level.visible())
    if any(item.is_table and item.schema not in {"pg_catalog", "information_schema"} for item in sources):
        if level.is_locked:
            raise read_only("SELECT FOR UPDATE")
        raise UnsupportedStatement(
            f'system column "{name}" is not kept: rows of files have neither versions nor places that last',
            None,
            _place(location),
        )
    return True


def missing_table(level: Level, name: str, location: int) -> StatementProblem:
    """Return the error for a qualifier that names nothing in sight."""
    folded = name.casefold()
    for known in level.upwards():
        for source in known.everything:
            if folded not in {source.alias.casefold(), source.relation.casefold()} or source.is_join:
                continue
            seen = level.table(source.alias)
            if source.alias.casefold() != folded and seen is not None and seen[0] is source:
                hint = f'Perhaps you meant to reference the table alias "{source.alias}".'
            else:
                hint = (
                    f'There is an entry for table "{source.alias}", '
                    "but it cannot be referenced from this part of the query."
                )
            return UndefinedTable(f'invalid reference to FROM-clause entry for table "{name}"', hint, _place(location))
    return UndefinedTable(f'missing FROM-clause entry for table "{name}"', None, _place(location))


def missing_column(level: Level, table: str, name: str, location: int) -> StatementProblem:
    """Return the error for a column that is not there, with the nearest that is."""
    shown = f"{table}.{name}" if table else f'"{name}"'
    return UndefinedColumn(f"column {shown} does not exist", _column_hint(level, table, name), _place(location))


def _column_hint(level: Level, table: str, name: str) -> str | None:
    best: list[tuple[Source, str]] = []
    distance = _MAX_DISTANCE + 1
    is_full = False  # more than two are as near
    for source in (source for known in level.upwards() for source in known.everything):
        if source.is_join:
            continue
        penalty = _distance(source.alias, table, _MAX_DISTANCE) if table else 0
        for column in source.columns:
            if column.casefold() == name.casefold() and not penalty:
                return (
                    f'There is a column named "{name}" in table "{source.alias}", '
                    "but it cannot be referenced from this part of the query."
                )
            if penalty > distance:
                continue
            found = _distance(column, name, distance - penalty)
            if found > len(name) // 2:
                continue
            found += penalty
            if found < distance:
                distance, best, is_full = found, [(source, column)], False
            elif found == distance and not is_full:
                if len(best) == 2:
                    distance, best, is_full = distance - 1, [], True
                elif best:
                    best.append((source, column))
    if not best:
        return None
    words = " or the column ".join(f'"{source.alias}.{column}"' for source, column in best)
    return f"Perhaps you meant to reference the column {words}."


def _distance(left: str, right: str, limit: int) -> int:
    """Return Levenshtein's distance; anything above `limit` where it is more."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    row = list(range(len(right) + 1))
    for place, letter in enumerate(left, 1):
        before, row[0] = row[0], place
        for other, wanted in enumerate(right, 1):
            before, row[other] = (
                row[other],
                min(row[other] + 1, row[other - 1] + 1, before + (letter != wanted)),
            )
    return row[-1]


def joined(
    left: Sequence[Source], right: Sequence[Source], using: Sequence[str], *, is_natural: bool, kind: int = 0
) -> tuple[Source, list[str]]:
    """Return the columns of a join as one source, and the names it merges. The sources keep their names only.

    Raises:
        UndefinedColumn, AmbiguousColumn: USING names what one side does not have, or has twice.
    """
    sides = [_columns_of(left), _columns_of(right)]
    is_open = any(source.is_open for source in (*left, *right) if source.gives_columns)
    if is_natural:
        there = {column.casefold() for column, _ in sides[1]}
        using = [column for column, _ in sides[0] if column.casefold() in there]
    merged = {name.casefold() for name in using}
    for side, word in zip(sides, ("left", "right"), strict=True):
        names = [column.casefold() for column, _ in side]
        for name in using:
            count = names.count(name.casefold())
            if count > 1:
                raise AmbiguousColumn(f'common column name "{name}" appears more than once in {word} table')
            if not count and not is_open:
                raise UndefinedColumn(f'column "{name}" specified in USING clause does not exist in {word} table')
    given = [
        (column, origin, source.base(place))
        for part in (left, right)
        for source in part
        if source.gives_columns
        for place, (column, origin) in enumerate(_columns_of([source]))
    ]
    kept = [item for item in given if item[0].casefold() not in merged]
    theirs = given[len(sides[0]) :] if kind == pb.JOIN_RIGHT else given[: len(sides[0])]  # whose column a merged one is
    known = {} if kind == pb.JOIN_FULL else {column.casefold(): base for column, _, base in theirs}
    columns = [*using, *(column for column, _, _ in kept)]
    source = Source("", columns, is_open=is_open, is_qualifiable=False, is_join=True)
    source.origins = [*([None] * len(using)), *(origin for _, origin, _ in kept)]
    source.bases = [*(known.get(name.casefold()) for name in using), *(base for _, _, base in kept)]
    for part in (*left, *right):
        part.gives_columns = False
    return source, list(using)


def renamed(source: Source, alias: pb.Alias) -> Source:
    """Give a source the column names of its alias."""
    titles = names_of(alias.colnames)
    if len(titles) > len(source.columns) and not source.is_open:
        raise InvalidColumnReference(
            f'table "{source.alias}" has {len(source.columns)} columns available but {len(titles)} columns specified'
        )
    if titles:
        source.columns = [*titles, *source.columns[len(titles) :]]
    return source


def _columns_of(sources: Sequence[Source]) -> list[tuple[str, tuple[Source, str]]]:
    return [(column, (source, column)) for source in sources if source.gives_columns for column in source.columns]


def _place(location: int) -> int | None:
    return location + 1 if location > 0 else None
