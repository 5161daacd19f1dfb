"""ALTER TABLE of temporary tables: columns added, dropped, renamed, given other types; tables and views renamed."""

from __future__ import annotations

from typing import Final

import duckdb
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.deparsing import deparse
from fsspeckit_sqlserver.engine.connections import Connections
from fsspeckit_sqlserver.engine.dialect import Dialect
from fsspeckit_sqlserver.engine.errors import (
    DuplicateColumn,
    DuplicateTable,
    UndefinedColumn,
    UndefinedTable,
    UnsupportedStatement,
    read_only,
)
from fsspeckit_sqlserver.engine.making import Making
from fsspeckit_sqlserver.engine.planner import Planner
from fsspeckit_sqlserver.engine.rows import NoRows
from fsspeckit_sqlserver.engine.sequences import keep_sequences
from fsspeckit_sqlserver.engine.tables import quoted
from fsspeckit_sqlserver.engine.temporaries import Temporaries
from fsspeckit_sqlserver.engine.translation import translate_duckdb
from fsspeckit_sqlserver.engine.undo import Undo

__all__ = ["Altering"]

_CONSTRAINTS: Final = frozenset({pb.AT_AddConstraint, pb.AT_DropConstraint})
_NEW_COLUMN: Final = pb.AT_AddColumn
_OLD_COLUMN: Final = frozenset(
    {pb.AT_DropColumn, pb.AT_AlterColumnType, pb.AT_ColumnDefault, pb.AT_SetNotNull, pb.AT_DropNotNull}
)


class Altering:
    """Alters the temporary objects of one session."""

    def __init__(
        self, connections: Connections, planner: Planner, temporaries: Temporaries, undo: Undo, making: Making
    ) -> None:
        self._connections, self._planner, self._temporaries, self._undo = connections, planner, temporaries, undo
        self._making = making

    def alter(self, node: pb.AlterTableStmt) -> NoRows:
        """Carry out ALTER TABLE with its commands, all or none."""
        table = node.relation.relname
        if not self._is_there(node.relation, missing_ok=node.missing_ok):
            return NoRows("ALTER TABLE")
        constraints = [item for item in node.cmds if item.alter_table_cmd.subtype in _CONSTRAINTS]
        if constraints:
            if len(constraints) < len(node.cmds):
                raise UnsupportedStatement("constraints are added and dropped in a statement of their own")
            for item in constraints:
                self._constraint(table, item.alter_table_cmd)
            return NoRows("ALTER TABLE")
        known = dict(self._temporaries.tables[table])
        statements = [text for item in node.cmds for text in self._command(node.relation, item.alter_table_cmd, known)]
        if statements:
            self._undo.before_change(table)
            self._run(statements)
            self._note(table)
        return NoRows("ALTER TABLE")

    def rename(self, node: pb.RenameStmt) -> NoRows:
        """Carry out ALTER TABLE … RENAME of a table, a view or a column."""
        table, new = node.relation.relname, node.newname
        tag = "ALTER VIEW" if pb.OBJECT_VIEW in {node.rename_type, node.relation_type} else "ALTER TABLE"
        tables, views = self._temporaries.tables, self._temporaries.views
        is_view = table in views and not self._planner.has_temp_table(table)
        if not is_view and not self._is_there(node.relation, missing_ok=node.missing_ok):
            return NoRows(tag)
        if node.rename_type == pb.OBJECT_COLUMN:
            if is_view:
                raise UnsupportedStatement(
                    "ALTER VIEW ... RENAME COLUMN is not supported", "CREATE OR REPLACE VIEW ..."
                )
            known = tables[table]
            self._must_have(table, node.subname, known)
            self._must_not_have(table, new, known)
            self._undo.before_change(table)
            self._run([f"ALTER TABLE {_place(table)} RENAME COLUMN {quoted(node.subname)} TO {quoted(new)}"])
            self._making.rename_column(table, node.subname, new)
            self._note(table)
            return NoRows(tag)
        if self._planner.has_temp_table(new) or new in views:
            raise DuplicateTable(f'relation "{new}" already exists')
        if is_view:
            views[new] = views.pop(table)
            self._planner.forget_plans()
            return NoRows(tag)
        self._undo.before_change(table)
        self._run([f"ALTER TABLE {_place(table)} RENAME TO {quoted(new)}"])
        tables[new] = tables.pop(table)
        self._temporaries.rename_table(table, new)
        if table in self._temporaries.on_commit:
            self._temporaries.on_commit[new] = self._temporaries.on_commit.pop(table)
        self._undo.made(new)
        self._planner.forget_plans()
        return NoRows(tag)

    def _constraint(self, table: str, command: pb.AlterTableCmd) -> None:
        if command.subtype == pb.AT_DropConstraint:
            self._making.drop_constraint(table, command.name, missing_ok=command.missing_ok)
        else:
            self._making.add_constraint(table, getattr(command, "def").constraint)

    # ---- one command

    def _command(self, relation: pb.RangeVar, command: pb.AlterTableCmd, known: dict[str, str]) -> list[str]:
        """Return DuckDB's statements for one command, and note in `known` which columns there are then."""
        table, kind = relation.relname, command.subtype
        definition = getattr(command, "def")
        name = definition.column_def.colname if kind == _NEW_COLUMN else command.name
        if kind not in _OLD_COLUMN and kind != _NEW_COLUMN:
            raise UnsupportedStatement("this form of ALTER TABLE is not supported", "Make the table anew.")
        if command.missing_ok and (name.casefold() in known) == (kind == _NEW_COLUMN):
            return []  # IF EXISTS, IF NOT EXISTS
        if kind != _NEW_COLUMN:
            self._must_have(table, name, known)
            if kind == pb.AT_DropColumn:
                del known[name.casefold()]
            return [self._text(relation, command)]
        self._must_not_have(table, name, known)
        known[name.casefold()] = ""
        column = definition.column_def
        constraints = [item.constraint.contype for item in column.constraints]
        others = [item for item in column.constraints if item.constraint.contype != pb.CONSTR_NOTNULL]
        kept = [pb.Node() for _ in others]
        for copy, item in zip(kept, others, strict=True):
            copy.CopyFrom(item)
        del column.constraints[:]
        column.constraints.extend(kept)  # DuckDB adds columns without constraints only
        texts = [self._text(relation, command)]
        if pb.CONSTR_NOTNULL in constraints:
            texts.append(f"ALTER TABLE {_place(table)} ALTER COLUMN {quoted(name)} SET NOT NULL")
        return texts

    def _text(self, relation: pb.RangeVar, command: pb.AlterTableCmd) -> str:
        node = pb.Node()
        alter = node.alter_table_stmt
        alter.objtype = pb.OBJECT_TABLE
        alter.relation.CopyFrom(relation)
        alter.relation.catalogname, alter.relation.schemaname = "temp", "main"
        alter.cmds.add().alter_table_cmd.CopyFrom(command)
        keep_sequences(node, self._planner)
        Dialect(self._planner.surroundings()).rewrite(node)
        return deparse("alter_table_stmt", alter)

    # ---- names

    def _is_there(self, relation: pb.RangeVar, *, missing_ok: bool) -> bool:
        name, schema = relation.relname, relation.schemaname
        if schema in {"", "pg_temp", self._temporaries.schema} and self._planner.has_temp_table(name):
            return True
        schemas = (schema,) if schema else self._planner.search_path
        if any(self._planner.dataset(part, name) is not None for part in schemas):
            raise read_only("ALTER TABLE")
        if missing_ok:
            return False
        raise UndefinedTable(f'relation "{name}" does not exist')

    def _must_have(self, table: str, column: str, known: dict[str, str]) -> None:
        if column.casefold() not in known:
            raise UndefinedColumn(f'column "{column}" of relation "{table}" does not exist')

    def _must_not_have(self, table: str, column: str, known: dict[str, str]) -> None:
        if column.casefold() in known:
            raise DuplicateColumn(f'column "{column}" of relation "{table}" already exists')

    # ---- DuckDB

    def _run(self, statements: list[str]) -> None:
        connection = self._connections.main()
        try:
            connection.execute("BEGIN TRANSACTION")
            try:
                for text in statements:
                    connection.execute(text)
                connection.execute("COMMIT")
            except duckdb.Error:
                connection.execute("ROLLBACK")
                raise
        except duckdb.Error as error:
            raise translate_duckdb(error) from error

    def _note(self, table: str) -> None:
        relation = self._connections.main().sql(f"SELECT * FROM {_place(table)}")
        self._temporaries.tables[table] = {
            column.casefold(): str(kind) for column, kind in zip(relation.columns, relation.types, strict=True)
        }
        self._making.follow(table)
        self._planner.forget_plans()


def _place(table: str) -> str:
    return f"temp.main.{quoted(table)}"
