"""Which column of a table each column of a result is, as RowDescription says it.

Source: PostgreSQL 15, `parse_target.c` (markTargetListOrigin). Asked once, when a statement is planned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fsspeckit_sqlserver.engine.compiler import Plan
from fsspeckit_sqlserver.engine.output_names import Origin
from fsspeckit_sqlserver.engine.resolve import TEMP_SCHEMA
from fsspeckit_sqlserver.engine.shown_definitions import declared_column
from fsspeckit_sqlserver.engine.temporaries import Temporaries
from fsspeckit_sqlserver.engine.world import World
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column

__all__ = ["note_origins"]


def note_origins(plan: Plan, origins: Sequence[Origin | None], temporaries: Temporaries, world: World) -> None:
    """Say of which table each column of a plan is, and which of its columns; of a temporary one also what it declares.

    Args:
        origins: of each column; none at all where they cannot be told.
    """
    if len(plan.columns) != len(origins):
        return
    columns = list(plan.columns)
    for place, origin in enumerate(origins):
        if origin is None:
            continue
        schema, name, number = origin
        column = columns[place]
        is_own = schema == TEMP_SCHEMA
        if is_own and column.type_oid in {oids.TEXT, oids.VARBIT} and number > 0:
            column = _declared(temporaries, name, number, column)
            if column.type_oid == oids.BPCHAR and column.typmod > 4:
                plan.casts.setdefault(place, f"rpad({{}}, {column.typmod - 4}, ' ')")
        oid = temporaries.oid_of(name) if is_own else world.relation_oid(schema, name)
        columns[place] = replace(column, table_oid=oid, number=number)
    plan.columns = tuple(columns)


def _declared(temporaries: Temporaries, relation: str, number: int, column: Column) -> Column:
    """Return a column of a temporary table or view with the type it has there."""
    if relation in temporaries.views:
        known = temporaries.views[relation].columns[number - 1]
        return replace(column, type_oid=known.type_oid, typmod=known.typmod)
    definition = temporaries.definitions.get(relation)
    names = list(temporaries.tables.get(relation, ()))
    if definition is None or number > len(names):
        return column
    found = declared_column(definition, Column(names[number - 1], column.type_oid, column.typmod))
    return replace(column, type_oid=found.type_oid, typmod=found.typmod)
