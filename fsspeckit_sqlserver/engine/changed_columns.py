"""The names in INSERT, UPDATE and DELETE, checked as `column_names` checks those of queries. Pure.

Source: PostgreSQL 15, `analyze.c` (transformInsertStmt, transformUpdateTargetList) and `parse_target.c`
(checkInsertTargets).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.column_names import Scopes
from fsspeckit_sqlserver.engine.errors import DuplicateColumn, StatementProblem, UndefinedColumn, UnsupportedStatement
from fsspeckit_sqlserver.engine.namespaces import Cte, Level, RelationOf, Source
from fsspeckit_sqlserver.engine.output_names import Output, first_location
from fsspeckit_sqlserver.engine.trees import walk

__all__ = ["Change", "settle_change"]

Change: TypeAlias = pb.InsertStmt | pb.UpdateStmt | pb.DeleteStmt


def settle_change(change: Change, relation_of: RelationOf) -> None:
    """Check the names of a resolved INSERT, UPDATE or DELETE; qualify those to outer queries in place.

    Raises:
        StatementProblem: a name is not in sight, or means several things; an INSERT has too many values, or too few.
    """
    relation = relation_of(change.relation)
    if relation is None:
        return
    scopes = Scopes(relation_of)
    alias = change.relation.alias.aliasname or relation.name
    target = Source(alias, list(relation.columns), relation=relation.name, has_alias=alias != relation.name)
    target.schema = relation.schema
    ctes = scopes.common_tables(change.with_clause, None, {}) if change.HasField("with_clause") else {}
    level = Level(None, everything=[target])
    if isinstance(change, pb.InsertStmt):
        _check_insert(change, scopes, level, target, dict(ctes))
    else:
        for item in change.from_clause if isinstance(change, pb.UpdateStmt) else change.using_clause:
            scopes.add_from(item, level, ctes)
        level.sources.insert(0, target)
        if isinstance(change, pb.UpdateStmt):
            for item in change.target_list:
                scopes.expression(item.res_target.val, level, ctes)
            scopes.expression(change.where_clause, level, ctes)
            _check_targets(change.target_list, target)
        else:
            scopes.expression(change.where_clause, level, ctes)
    if change.HasField("returning_clause"):
        if isinstance(change, pb.InsertStmt):
            level = Level(None, [target], everything=[target])
        outputs = scopes.targets(change.returning_clause.exprs, level, ctes)
        _check_returned(change.returning_clause.exprs, outputs.columns, level, target)


def _check_returned(items: Sequence[pb.Node], outputs: Sequence[Output], level: Level, target: Source) -> None:
    """Refuse RETURNING of what the other tables have: DuckDB gives the columns of the changed one only."""
    if len(level.sources) == 1:
        return
    own = {(id(target), name) for name in target.folded}
    is_other = any(output.node is None and output.identity not in own for output in outputs)
    for reference in (part for item in items for part in walk(item) if isinstance(part, pb.ColumnRef)):
        parts = [field.string.sval for field in reference.fields]
        found = level.table(parts[-2]) if len(parts) > 1 else None
        column = level.column(parts[-1], reference.location) if len(parts) == 1 and parts[0] else None
        is_other = is_other or (found is not None and found[0] is not target)
        is_other = is_other or (column is not None and column.source is not target)
    if is_other:
        raise UnsupportedStatement("RETURNING columns of the tables in FROM or USING is not supported")


def _check_insert(insert: pb.InsertStmt, scopes: Scopes, level: Level, target: Source, ctes: dict[str, Cte]) -> None:
    select = insert.select_stmt.select_stmt
    if insert.HasField("select_stmt"):
        _check_targets(insert.cols, target)
        width = len(insert.cols) or len(target.columns)
        rows = [list(row.list.items) for row in select.values_lists]
        if rows and len(rows) == 1 and not select.sort_clause:
            for item in rows[0]:
                scopes.expression(item, level, ctes)
            _check_width(insert.cols, rows[0], len(rows[0]), width)
        else:
            outputs = scopes.select(select, level, ctes)
            if not outputs.is_open:
                given = rows[0] if rows else [item.res_target.val for item in select.target_list]
                _check_width(insert.cols, given, len(outputs.columns), width)
    if insert.HasField("on_conflict_clause"):
        clause = insert.on_conflict_clause
        for element in clause.infer.index_elems:
            name = element.index_elem.name
            if name and not target.has(name.casefold()):
                raise UndefinedColumn(f'column "{name}" does not exist', None, clause.infer.location + 1)
        excluded = Source("excluded", target.columns, relation="excluded")
        seen = Level(None, [target, excluded], everything=[target, excluded])
        for item in clause.target_list:
            scopes.expression(item.res_target.val, seen, ctes)
        scopes.expression(clause.where_clause, seen, ctes)
        _check_targets(clause.target_list, target)


def _check_width(cols: Sequence[pb.Node], given: Sequence[pb.Node], count: int, width: int) -> None:
    if count > width:
        place = first_location(given[width]) if width < len(given) else None
        raise StatementProblem("INSERT has more expressions than target columns", None, place)
    if cols and count < width:
        place = cols[count].res_target.location + 1
        raise StatementProblem("INSERT has more target columns than expressions", None, place)


def _check_targets(items: Sequence[pb.Node], target: Source) -> None:
    """Make sure that each column there is, and is set once."""
    seen: set[str] = set()
    for item in items:
        name, place = item.res_target.name, item.res_target.location + 1
        folded = name.casefold()
        if not target.has(folded):
            relation = target.relation
            raise UndefinedColumn(f'column "{name}" of relation "{relation}" does not exist', None, place)
        if folded in seen and not item.res_target.indirection:
            raise DuplicateColumn(f'column "{name}" specified more than once', None, place)
        seen.add(folded)
