"""What the system catalog says of one session's temporary tables and views, made when a statement first asks.

`catalog.temporary` has the rows and the views that add them to the shared ones; here is where the facts come from.
"""

from __future__ import annotations

from collections.abc import Mapping

from fsspeckit_sqlserver.catalog.temporary import TempColumn, TempRelation, temp_variables
from fsspeckit_sqlserver.deparsing import quoted_text
from fsspeckit_sqlserver.engine.connections import Connections
from fsspeckit_sqlserver.engine.tables import quoted
from fsspeckit_sqlserver.engine.temporaries import Temporaries
from fsspeckit_sqlserver.engine.world import World
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
        if not temporaries.tables and not temporaries.views:
            return {}
        # Both are replaced when they change, never changed: being the same object tells that they are the same.
        present: list[tuple[str, object]] = [*temporaries.tables.items(), *temporaries.views.items()]
        if self._generation != self._connections.generation or not _are_same(present, self._shown):
            self._generation = self._connections.generation
            self._world.prepare_own_catalog()
            self._variables = temp_variables(temporaries.schema, self._relations())
            self._shown = present
        return self._variables

    def _relations(self) -> list[TempRelation]:
        temporaries = self._temporaries
        relations = [
            TempRelation(temporaries.oid_of(name), name, is_view=False, columns=self._columns(name))
            for name in temporaries.tables
        ]
        relations += [
            TempRelation(temporaries.oid_of(name), name, is_view=True, columns=tuple(map(TempColumn, view.columns)))
            for name, view in temporaries.views.items()
        ]
        return relations

    def _columns(self, table: str) -> tuple[TempColumn, ...]:
        rows = (
            self._connections.main()
            .execute(f"PRAGMA table_info({quoted_text(f'temp.main.{quoted(table)}')})")
            .fetchall()
        )
        found = []
        for _, name, kind, is_required, default, is_key in rows:
            column = column_for(name, kind)
            if self._connections.has_row_types:
                column = composite_column(column, kind)
            found.append(TempColumn(column, is_required=is_required or is_key, default=default))
        return tuple(found)


def _are_same(some: list[tuple[str, object]], others: list[tuple[str, object]]) -> bool:
    return len(some) == len(others) and all(
        one[0] == other[0] and one[1] is other[1] for one, other in zip(some, others, strict=True)
    )
