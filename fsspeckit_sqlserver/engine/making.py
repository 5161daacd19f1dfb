"""CREATE TABLE, CREATE SEQUENCE and CREATE INDEX of temporary objects, and the constraints ALTER TABLE adds and drops.

What DuckDB makes is written from a `TableDefinition`. DuckDB cannot rename a table that has an index, and `undo`
renames; so a unique index is a constraint of a table made anew. Any other index is noted only: it changes no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.deparsing import deparse, deparse_expression, quoted_text
from fsspeckit_sqlserver.engine.column_names import Scopes
from fsspeckit_sqlserver.engine.connections import Connections
from fsspeckit_sqlserver.engine.dialect import Dialect
from fsspeckit_sqlserver.engine.errors import (
    DuplicateTable,
    UndefinedColumn,
    UndefinedObject,
    UndefinedTable,
    UniqueViolation,
    UnsupportedStatement,
)
from fsspeckit_sqlserver.engine.namespaces import Level, Source
from fsspeckit_sqlserver.engine.planner import Planner
from fsspeckit_sqlserver.engine.row_comparisons import expand_rows
from fsspeckit_sqlserver.engine.rows import NoRows
from fsspeckit_sqlserver.engine.scanning import Prepared
from fsspeckit_sqlserver.engine.sequences import keep_sequences
from fsspeckit_sqlserver.engine.table_definitions import (
    Constraint,
    Index,
    SequenceRequest,
    TableDefinition,
    added_constraint,
    copied_column,
    define_table,
)
from fsspeckit_sqlserver.engine.tables import quoted
from fsspeckit_sqlserver.engine.temporaries import Temporaries, TempSequence
from fsspeckit_sqlserver.engine.trees import names_of, parsed_expression, parsed_select, type_name, walk
from fsspeckit_sqlserver.engine.undo import Undo
from fsspeckit_sqlserver.engine.wording import type_word
from fsspeckit_sqlserver.statement import Statement

__all__ = ["Making"]

_RANGES: Final = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1}


class Making:
    """Makes the temporary objects of one session that are no queries."""

    def __init__(self, connections: Connections, planner: Planner, temporaries: Temporaries, undo: Undo) -> None:
        self._connections, self._planner, self._temporaries, self._undo = connections, planner, temporaries, undo

    # ---- tables

    def create_table(self, node: pb.CreateStmt) -> TableDefinition:
        """Make a table and the sequences of its columns."""
        temporaries = self._temporaries
        name = node.relation.relname
        if node.inh_relations or node.HasField("partspec") or node.HasField("of_typename"):
            raise UnsupportedStatement("temporary tables neither inherit, nor have partitions or a row type")
        definition = define_table(node, self._like, temporaries.taken_names(), self._connections.date_order)
        self._check_conditions(name, definition)
        for request in definition.sequences:
            self._make_sequence(request, name)
        try:
            self._run(self.ddl(name, definition))
        except BaseException:
            for request in definition.sequences:
                temporaries.sequences.pop(request.name, None)
            raise
        temporaries.definitions[name] = definition
        return definition

    def ddl(self, name: str, definition: TableDefinition) -> str:
        """Return DuckDB's statement that makes a table."""
        node = definition.create_node(name)
        expand_rows(node)
        keep_sequences(node, self._planner)
        Dialect(self._planner.surroundings()).rewrite(node)
        return deparse("create_stmt", node.create_stmt)

    def definition(self, table: str) -> TableDefinition:
        """Return the definition of a temporary table; what DuckDB says where it was made by a query."""
        known = self._temporaries.definitions.get(table)
        if known is not None:
            return known
        columns = []
        for name, kind in self._temporaries.tables[table].items():
            try:
                columns.append(_column(name, kind))
            except UnsupportedStatement:  # rows of structs can be changed; the table cannot be made anew
                columns.append(pb.ColumnDef(colname=name, is_local=True, type_name=type_name("struct")))
        return TableDefinition(tuple(columns))

    def _like(self, relation: pb.RangeVar) -> TableDefinition:
        name = relation.relname
        if relation.schemaname in {"", "pg_temp", self._temporaries.schema} and self._planner.has_temp_table(name):
            return self.definition(name)
        select = parsed_select("SELECT * FROM t")
        select.from_clause[0].range_var.CopyFrom(relation)
        plan, _ = self._planner.plan(Statement(deparse("select_stmt", select), "select_stmt", select))
        pairs = zip(plan.columns, plan.duckdb_types, strict=True)
        return TableDefinition(tuple(_column(column.name, kind) for column, kind in pairs))

    def _check_conditions(self, table: str, definition: TableDefinition) -> None:
        source = Source(table, [column.colname for column in definition.columns], relation=table)
        level = Level(None, [source], everything=[source])
        for item in definition.constraints:
            if item.kind == "c":
                Scopes(lambda _: None).expression(item.node.raw_expr, level)

    # ---- sequences

    def create_sequence(self, node: pb.CreateSeqStmt) -> NoRows:
        """Make a sequence of its own."""
        name = node.sequence.relname
        if name in self._temporaries.taken_names():
            if node.if_not_exists:
                return NoRows("CREATE SEQUENCE", notices=[("42P07", f'relation "{name}" already exists, skipping')])
            raise DuplicateTable(f'relation "{name}" already exists')
        kinds = [
            names_of(option.def_elem.arg.type_name.names)[-1]
            for option in node.options
            if option.def_elem.defname == "as"
        ]
        self._make_sequence(SequenceRequest(name, "", kinds[0] if kinds else "int8", tuple(node.options)), "")
        self._planner.forget_plans()
        return NoRows("CREATE SEQUENCE")

    def drop_sequence(self, name: str) -> bool:
        """Forget a sequence; False when there is none. DuckDB's own goes with the session: a rollback needs it."""
        if self._temporaries.sequences.pop(name, None) is None:
            return False
        self._planner.forget_plans()
        return True

    def _make_sequence(self, request: SequenceRequest, table: str) -> None:
        options: dict[str, int | bool] = {}
        for option in request.options:
            element = option.def_elem
            if element.defname in {"owned_by", "as", "cache", "sequence_name"}:
                continue
            kind = element.arg.WhichOneof("node")
            value = element.arg.boolean.boolval if kind == "boolean" else element.arg.integer.ival
            if kind == "float":
                value = int(element.arg.float.fval)
            if kind is not None:
                options[element.defname] = value
        step = int(options.get("increment", 1))
        largest = _RANGES.get(request.type_name, _RANGES["int8"])
        lowest = int(options.get("minvalue", 1 if step > 0 else -largest - 1))
        highest = int(options.get("maxvalue", largest if step > 0 else -1))
        start = int(options.get("start", lowest if step > 0 else highest))
        cycle = bool(options.get("cycle", False))
        self._run(
            f"CREATE OR REPLACE TEMP SEQUENCE {quoted(request.name)} INCREMENT BY {step} MINVALUE {lowest}"
            f" MAXVALUE {highest} START {start}{' CYCLE' if cycle else ''}"
        )
        self._temporaries.sequences[request.name] = TempSequence(
            request.type_name, start, step, lowest, highest, cycle, table, request.column
        )

    def restart(self, table: str) -> None:
        """Let the sequences of a table begin again: TRUNCATE … RESTART IDENTITY."""
        for name, sequence in self._temporaries.sequences.items():
            if sequence.table == table:
                self._run(f"SELECT setval('temp.main.{quoted(name)}', {sequence.start}, false)")

    # ---- indexes and constraints

    def create_index(self, node: pb.IndexStmt) -> NoRows:
        """Note an index; make the table anew for a unique one."""
        table = node.relation.relname
        known = self._temporaries.tables[table]
        names = [item.index_elem.name for item in node.index_params]
        for name in names:
            if name and name.casefold() not in known:
                raise UndefinedColumn(f'column "{name}" does not exist')
        taken = self._temporaries.taken_names()
        index = node.idxname
        if not index:
            stem = "_".join([table, *(name or "expr" for name in names), "idx"])
            index = next(name for number in range(len(taken) + 1) if (name := f"{stem}{number or ''}") not in taken)
        elif index in taken:
            if node.if_not_exists:
                return NoRows("CREATE INDEX", notices=[("42P07", f'relation "{index}" already exists, skipping')])
            raise DuplicateTable(f'relation "{index}" already exists')
        definition = self.definition(table)
        if node.unique:
            if not all(names) or node.HasField("where_clause") or node.nulls_not_distinct:
                raise UnsupportedStatement("a unique index takes columns only, and no condition")
            made = pb.Constraint(contype=pb.CONSTR_UNIQUE)
            for name in names:
                made.keys.add().string.sval = name
            constraint = Constraint(index, "u", tuple(names), made, is_index=True)
            self._remake(table, definition.with_constraint(constraint), index)
        else:
            listing = ", ".join(
                item.index_elem.name or f"({deparse_expression(item.index_elem.expr)})" for item in node.index_params
            )
            text = f"USING {node.access_method or 'btree'} ({listing})"
            if node.HasField("where_clause"):
                text += f" WHERE ({deparse_expression(node.where_clause)})"
            shown = replace(definition, indexes=(*definition.indexes, Index(index, tuple(names), text)))
            self._temporaries.replace_definition(table, shown)
        return NoRows("CREATE INDEX")

    def drop_index(self, name: str) -> bool:
        """Drop an index; return False when there is none."""
        for table, definition in self._temporaries.definitions.items():
            if any(item.name == name for item in definition.indexes):
                kept = tuple(item for item in definition.indexes if item.name != name)
                self._temporaries.replace_definition(table, replace(definition, indexes=kept))
                return True
            if any(item.name == name and item.is_index for item in definition.constraints):
                rest = tuple(item for item in definition.constraints if item.name != name)
                self._remake(table, replace(definition, constraints=rest), name)
                return True
        return False

    def add_constraint(self, table: str, node: pb.Constraint) -> None:
        """Carry out ALTER TABLE … ADD CONSTRAINT."""
        definition = added_constraint(self.definition(table), node, table, self._temporaries.taken_names())
        self._check_conditions(table, definition)
        self._remake(table, definition, definition.constraints[-1].name)

    def drop_constraint(self, table: str, name: str, *, missing_ok: bool) -> None:
        """Carry out ALTER TABLE … DROP CONSTRAINT."""
        definition = self.definition(table)
        rest = tuple(item for item in definition.constraints if item.name != name or item.is_index)
        if len(rest) == len(definition.constraints):
            if missing_ok:
                return
            raise UndefinedObject(f'constraint "{name}" of relation "{table}" does not exist')
        self._remake(table, replace(definition, constraints=rest), name)

    def follow(self, table: str) -> None:
        """Note which columns a table has, after an ALTER TABLE that DuckDB carried out."""
        known = self._temporaries.definitions.get(table)
        if known is None:
            return
        old = {column.colname.casefold(): column for column in known.columns}
        columns = []
        rows = self._connections.main().execute(f"PRAGMA table_info({quoted_text(f'temp.main.{quoted(table)}')})")
        for _, name, kind, is_required, default, _ in rows.fetchall():
            column = _column(name, str(kind))
            before = old.get(name.casefold())
            if before is not None and before.type_name.names == column.type_name.names:
                column.type_name.CopyFrom(before.type_name)
            if is_required:
                column.constraints.add().constraint.contype = pb.CONSTR_NOTNULL
            if default is not None:
                given = column.constraints.add().constraint
                given.contype = pb.CONSTR_DEFAULT
                kept = known.default_of(name)
                given.raw_expr.CopyFrom(kept if kept is not None else parsed_expression(str(default)))
            columns.append(column)
        self._temporaries.replace_definition(table, replace(known, columns=tuple(columns)))

    def rename_column(self, table: str, column: str, new: str) -> None:
        """Let keys and conditions name a column otherwise."""
        known = self._temporaries.definitions.get(table)
        if known is None:
            return
        constraints = []
        for item in known.constraints:
            node = pb.Constraint()
            node.CopyFrom(item.node)
            for part in walk(node):
                if isinstance(part, pb.String) and part.sval.casefold() == column.casefold():
                    part.sval = new
            names = tuple(new if name.casefold() == column.casefold() else name for name in item.columns)
            constraints.append(replace(item, node=node, columns=names))
        columns = [copied_column(item, new if item.colname == column else item.colname) for item in known.columns]
        self._temporaries.replace_definition(
            table, replace(known, constraints=tuple(constraints), columns=tuple(columns))
        )

    def restart_sequence(self, node: pb.AlterSeqStmt) -> NoRows:
        """Carry out ALTER SEQUENCE … RESTART."""
        name = node.sequence.relname
        known = self._temporaries.sequences.get(name)
        if known is None:
            if node.missing_ok:
                return NoRows("ALTER SEQUENCE")
            raise UndefinedTable(f'relation "{name}" does not exist')
        if [option.def_elem.defname for option in node.options] != ["restart"]:
            raise UnsupportedStatement("this form of ALTER SEQUENCE is not supported", "Make the sequence anew.")
        argument = node.options[0].def_elem.arg
        start = argument.integer.ival if argument.WhichOneof("node") == "integer" else known.start
        self._run(f"SELECT setval('temp.main.{quoted(name)}', {start}, false)")
        return NoRows("ALTER SEQUENCE")

    def _remake(self, table: str, definition: TableDefinition, index: str) -> None:
        try:
            self._undo.before_change(table, definition=self.ddl(table, definition))
        except UniqueViolation as error:
            raise UniqueViolation(f'could not create unique index "{index}"', error.hint) from error
        self._temporaries.replace_definition(table, definition)
        self._planner.forget_plans()

    def _run(self, sql: str) -> None:
        self._connections.run_all(sql, Prepared("", {}, [], []), uses_temp=True)


def undefined_index(name: str) -> UndefinedTable | UndefinedObject:
    """Return the error for an index that is not there."""
    return UndefinedObject(f'index "{name}" does not exist')


def _column(name: str, kind: str) -> pb.ColumnDef:
    """Return a column of a DuckDB type."""
    stem, dimensions = kind, 0
    while stem.endswith("[]"):
        stem, dimensions = stem[:-2], dimensions + 1
    shown = stem.lower().replace("decimal", "numeric") if stem.startswith("DECIMAL(") else type_word(stem)
    if ("(" in shown and not shown.startswith("numeric(")) or '"' in shown:
        raise UnsupportedStatement(f'column "{name}" is of a type that no column of a temporary table can be given')
    column = pb.ColumnDef(colname=name, is_local=True)
    column.type_name.CopyFrom(parsed_expression(f"NULL::{shown}{'[]' * dimensions}").type_cast.type_name)
    return column


def names_in(items: Sequence[pb.Node]) -> list[str]:
    """Return the last part of each name of a DROP."""
    return [names_of(item.list.items)[-1] for item in items]
