"""DROP, TRUNCATE, VACUUM and ON COMMIT of temporary objects."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import (
    DependentObjects,
    UndefinedObject,
    UndefinedTable,
    UnsupportedStatement,
    WrongObjectType,
    read_only,
)
from fsspeckit_sqlserver.engine.making import Making, names_in
from fsspeckit_sqlserver.engine.planner import Planner
from fsspeckit_sqlserver.engine.resolve import resolve
from fsspeckit_sqlserver.engine.rows import NoRows
from fsspeckit_sqlserver.engine.statements import dropped_names
from fsspeckit_sqlserver.engine.temporaries import Temporaries
from fsspeckit_sqlserver.engine.trees import parsed_select, walk
from fsspeckit_sqlserver.engine.undo import Undo

__all__ = ["Dropping"]


class Dropping:
    """Drops and empties the temporary objects of one session."""

    def __init__(self, planner: Planner, temporaries: Temporaries, undo: Undo, making: Making) -> None:
        self._planner, self._temporaries, self._undo, self._making = planner, temporaries, undo, making

    def temporary(self, relation: pb.RangeVar, tag: str) -> str:
        """Return the name of a temporary table.

        Raises:
            ReadOnly, UndefinedTable: it is a dataset, or nothing.
        """
        name = str(relation.relname)
        if not self._planner.has_temp_table(name):
            schemas = (relation.schemaname,) if relation.schemaname else self._planner.search_path
            if any(self._planner.dataset(schema, name) is not None for schema in schemas):
                raise read_only(tag)
            raise UndefinedTable(f'relation "{name}" does not exist')
        return name

    def vacuum(self, node: pb.VacuumStmt) -> NoRows:
        """Do nothing, which is all there is to do for VACUUM and ANALYZE of tables that there are."""
        for item in node.rels:
            select = parsed_select("SELECT FROM t")
            select.from_clause[0].range_var.CopyFrom(item.vacuum_relation.relation)
            resolve(select, self._planner)
        return NoRows("VACUUM" if node.is_vacuumcmd else "ANALYZE")

    def _drop_others(self, node: pb.DropStmt) -> NoRows:
        """Drop sequences or indexes."""
        is_index = node.remove_type == pb.OBJECT_INDEX
        word = "index" if is_index else "sequence"
        notices: list[tuple[str, str]] = []
        for name in names_in(node.objects):
            used = next((item.table for other, item in self._temporaries.sequences.items() if other == name), "")
            if used and not is_index:
                raise UnsupportedStatement(f'the sequence "{name}" belongs to the table "{used}"', "Drop the table.")
            if self._making.drop_index(name) if is_index else self._making.drop_sequence(name):
                continue
            if not node.missing_ok:
                message = f'{word} "{name}" does not exist'
                raise UndefinedObject(message) if is_index else UndefinedTable(message)
            notices.append(("00000", f'{word} "{name}" does not exist, skipping'))
        return NoRows(f"DROP {word.upper()}", notices=notices)

    def drop(self, node: pb.DropStmt) -> NoRows:
        """Drop tables, views, sequences or indexes."""
        if node.remove_type in {pb.OBJECT_INDEX, pb.OBJECT_SEQUENCE}:
            return self._drop_others(node)
        is_view = node.remove_type == pb.OBJECT_VIEW
        word = "view" if is_view else "table"
        tables, views = self._temporaries.tables, self._temporaries.views
        notices: list[tuple[str, str]] = []
        for name in dropped_names(node, self._temporaries.schema):
            if name in views and is_view:
                del views[name]
            elif name in tables and not is_view:
                self._release(name, is_cascade=node.behavior == pb.DROP_CASCADE)
                self._undo.drop(name)
                self._temporaries.forget_table(name)
            elif name in views or name in tables:
                raise WrongObjectType(f'"{name}" is not a {word}')
            elif any(self._planner.dataset(schema, name) is not None for schema in self._planner.search_path):
                raise read_only(f"DROP {word.upper()}")
            elif not node.missing_ok:
                raise UndefinedTable(f'{word} "{name}" does not exist')
            else:
                notices.append(("00000", f'{word} "{name}" does not exist, skipping'))
        self._planner.forget_plans()
        return NoRows(f"DROP {word.upper()}", notices=notices)

    def _release(self, table: str, *, is_cascade: bool) -> None:
        """Drop the views of a table, or refuse to drop the table."""
        views = self._temporaries.views
        for name, view in list(views.items()):
            used = {part.relname for part in walk(view.query) if isinstance(part, pb.RangeVar)}
            if table in used and not is_cascade:
                error = DependentObjects(f"cannot drop table {table} because other objects depend on it")
                error.detail = f"view {name} depends on table {table}"
                error.hint = "Use DROP ... CASCADE to drop the dependent objects too."
                raise error
            if table in used:
                del views[name]

    def truncate(self, node: pb.TruncateStmt) -> NoRows:
        """Empty tables."""
        for name in [self.temporary(item.range_var, "TRUNCATE TABLE") for item in node.relations]:
            self._undo.before_change(name, keeps_rows=False)
            if node.restart_seqs:
                self._making.restart(name)
        return NoRows("TRUNCATE TABLE")

    def end_transaction(self) -> None:
        """Do what ON COMMIT says, after a commit: of a block, or of one statement outside of one."""
        on_commit = self._temporaries.on_commit
        for name, is_dropped in list(on_commit.items()):
            if is_dropped:
                self._undo.drop(name)
                self._temporaries.forget_table(name)
                self._planner.forget_plans()
            else:
                self._undo.before_change(name, keeps_rows=False)
