"""What the system catalog says of one session's temporary tables and views, made when a statement first asks.

`catalog.temporary` has the rows and the views that add them to the shared ones; here is where the facts come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fsspeckit_sqlserver.catalog.temporary import (
    TempColumn,
    TempKey,
    TempNumbers,
    TempRelation,
    temp_variables,
)
from fsspeckit_sqlserver.deparsing import quoted_text
from fsspeckit_sqlserver.engine.connections import Connections
from fsspeckit_sqlserver.engine.shown_definitions import declared_column, shown_default
from fsspeckit_sqlserver.engine.tables import quoted
from fsspeckit_sqlserver.engine.temporaries import Temporaries
from fsspeckit_sqlserver.engine.trees import names_of
from fsspeckit_sqlserver.engine.world import World
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.composite import composite_column
from fsspeckit_sqlserver.types.mapping import column_for

__all__ = ["TemporaryCatalog"]


class TemporaryCatalog:
    """The session variables that hold the rows; the same mapping until a table or view changes."""

    def __init__(self, world: World, connections: Connections, temporaries: Temporaries) -> None:
        self._world, self._connections, self._temporaries = world, connections, temporaries
        self._shown: list[tuple[str, object]] = []
        self._generation = -1
        self._variables: Mapping[str, object] = {}

    def variables(self) -> Mapping[str, object]:
        """Return them; none without temporary objects."""
        temporaries = self._temporaries
        if self._connections.has_lost_tables:
            temporaries.lose_tables()
        if not temporaries.tables and not temporaries.views and not temporaries.sequences:
            return {}
        # Both are replaced when they change, never changed: being the same object tells that they are the same.
        present: list[tuple[str, object]] = [*temporaries.tables.items(), *temporaries.views.items()]
        present += temporaries.sequences.items()
        if self._generation != self._connections.generation or not _are_same(present, self._shown):
            self._generation = self._connections.generation
            self._world.prepare_own_catalog()
            self._variables = temp_variables(temporaries.schema, self._relations(), self._sequences())
            self._shown = present
        return self._variables

    def _relations(self) -> list[TempRelation]:
        temporaries = self._temporaries
        relations = [
            TempRelation(temporaries.oid_of(name), name, False, self._columns(name), self._keys(name))
            for name in temporaries.tables
        ]
        relations += [
            TempRelation(temporaries.oid_of(name), name, is_view=True, columns=tuple(map(TempColumn, view.columns)))
            for name, view in temporaries.views.items()
        ]
        return relations

    def _keys(self, table: str) -> tuple[TempKey, ...]:
        temporaries = self._temporaries
        definition = temporaries.definitions.get(table)
        if definition is None:
            return ()
        found = []
        for item in definition.constraints:
            has_index = item.kind in "pu"
            listing = ", ".join(item.columns)
            node = item.node
            others = node.pktable.relname
            found.append(
                TempKey(
                    item.name,
                    "" if item.is_index else item.kind,
                    0 if item.is_index else temporaries.oid_of(f"{table} {item.name}"),
                    temporaries.oid_of(item.name) if has_index else 0,
                    has_index,
                    self._places(table, item.columns),
                    item.text,
                    f"CREATE UNIQUE INDEX {item.name} ON pg_temp.{table} USING btree ({listing})",
                    (temporaries.oid_of(others), self._places(others, names_of(node.pk_attrs))) if others else (0, ()),
                )
            )
        for index in definition.indexes:
            text = f"CREATE INDEX {index.name} ON pg_temp.{table} {index.text}"
            oid, places = temporaries.oid_of(index.name), self._places(table, index.columns)
            found.append(TempKey(index.name, "", 0, oid, False, places, "", text))
        return tuple(found)

    def _places(self, table: str, columns: Sequence[str]) -> tuple[int, ...]:
        known = list(self._temporaries.tables.get(table, ()))
        return tuple(known.index(name.casefold()) + 1 if name.casefold() in known else 0 for name in columns)

    def _sequences(self) -> list[TempNumbers]:
        temporaries = self._temporaries
        found = []
        for name, item in temporaries.sequences.items():
            owner = None
            if item.table:
                (place,) = self._places(item.table, [item.column])
                owner = (item.table, item.column, temporaries.oid_of(item.table), place)
            kind = oids.oid_of_type(item.type_name) or oids.INT8
            found.append(
                TempNumbers(
                    temporaries.oid_of(name),
                    name,
                    kind,
                    item.start,
                    item.step,
                    item.lowest,
                    item.highest,
                    item.cycle,
                    owner,
                )
            )
        return found

    def _columns(self, table: str) -> tuple[TempColumn, ...]:
        rows = (
            self._connections.main()
            .execute(f"PRAGMA table_info({quoted_text(f'temp.main.{quoted(table)}')})")
            .fetchall()
        )
        found = []
        definition = self._temporaries.definitions.get(table)
        identities = {} if definition is None else dict(definition.identities)
        for _, name, kind, is_required, default, is_key in rows:
            if definition is not None:
                default = shown_default(definition, name)
            column = column_for(name, kind)
            if self._connections.has_row_types:
                column = composite_column(column, kind)
            if definition is not None:
                column = declared_column(definition, column)
            found.append(TempColumn(column, is_required or is_key, default, identities.get(name, "")))
        return tuple(found)


def _are_same(some: list[tuple[str, object]], others: list[tuple[str, object]]) -> bool:
    return len(some) == len(others) and all(
        one[0] == other[0] and one[1] is other[1] for one, other in zip(some, others, strict=True)
    )
