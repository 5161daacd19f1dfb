"""What the references of a resolved statement are: the columns of datasets, temporary tables and the catalog. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.catalog.definitions import DUCKDB_SCHEMAS, relation_definitions
from fsspeckit_sqlserver.engine.column_names import Scopes
from fsspeckit_sqlserver.engine.namespaces import Relation, RelationOf
from fsspeckit_sqlserver.engine.output_names import Origin
from fsspeckit_sqlserver.engine.resolve import SCAN_SCHEMA, TEMP_SCHEMA
from fsspeckit_sqlserver.engine.tables import DatasetTable, Shape

__all__ = ["known_relations", "settle_columns"]


def known_relations(
    tables: Sequence[DatasetTable], shapes: Sequence[Shape], temporaries: Mapping[str, Iterable[str]]
) -> RelationOf:
    """Return what tells a statement's references.

    Args:
        tables, shapes: the datasets it reads, by place.
        temporaries: the columns of each temporary table of the session.
    """

    def relation_of(reference: pb.RangeVar) -> Relation | None:
        name, schema = reference.relname, reference.schemaname
        if schema == SCAN_SCHEMA:
            table = tables[int(name[1:])]
            return Relation(list(shapes[int(name[1:])].columns), table.schema, table.name)
        if reference.catalogname == "temp":
            return Relation(list(temporaries.get(name, ())), TEMP_SCHEMA, name)
        return _catalog().get((schema, name)) if schema else None

    return relation_of


def settle_columns(
    node: pb.Node, relation_of: RelationOf, views: Sequence[tuple[pb.SelectStmt, str]] = ()
) -> list[Origin | None]:
    """Check the column references of a resolved query, and qualify in place those to outer queries.

    Returns:
        Which column of a table each column of the result is; nothing where that cannot be told.

    Raises:
        StatementProblem: a name is not in sight, or means several things.
    """
    outputs = Scopes(relation_of, views).select(node.select_stmt, None, {})
    return [] if outputs.is_open else [output.origin for output in outputs.columns]


@lru_cache(maxsize=1)
def _catalog() -> Mapping[tuple[str, str], Relation]:
    return {
        (DUCKDB_SCHEMAS[definition.schema], definition.name): Relation(
            [column.name for column in definition.columns], definition.schema, definition.name
        )
        for definition in relation_definitions()
    }
