"""Statements that make, fill and drop temporary objects: all that a session may change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from postgast import pg_query_pb2 as pb

from fsspeckit_lib.datasets import Manifest
from fsspeckit_sqlserver.deparsing import deparse
from fsspeckit_sqlserver.engine.altering import Altering
from fsspeckit_sqlserver.engine.changed_columns import settle_change
from fsspeckit_sqlserver.engine.coercions import adopt
from fsspeckit_sqlserver.engine.compiler import Plan
from fsspeckit_sqlserver.engine.connections import Connections
from fsspeckit_sqlserver.engine.defaulted import settle_defaults
from fsspeckit_sqlserver.engine.dialect import Dialect, point_at_own
from fsspeckit_sqlserver.engine.dropping import Dropping
from fsspeckit_sqlserver.engine.errors import (
    DuplicateTable,
    WrongObjectType,
)
from fsspeckit_sqlserver.engine.lengths import enforce_lengths, lengths_of
from fsspeckit_sqlserver.engine.making import Making
from fsspeckit_sqlserver.engine.moments import bound_values
from fsspeckit_sqlserver.engine.parameters import cast_parameters, count_parameters, infer_parameters
from fsspeckit_sqlserver.engine.planner import Planner, check_values
from fsspeckit_sqlserver.engine.relations import known_relations
from fsspeckit_sqlserver.engine.resolve import Resolution, resolve
from fsspeckit_sqlserver.engine.row_comparisons import expand_rows
from fsspeckit_sqlserver.engine.rows import KnownRows, NoRows, known_rows
from fsspeckit_sqlserver.engine.sampling import rewrite_samples
from fsspeckit_sqlserver.engine.scanning import Prepared
from fsspeckit_sqlserver.engine.scans import fill_scans, group_files, scan_select
from fsspeckit_sqlserver.engine.table_definitions import TableDefinition
from fsspeckit_sqlserver.engine.tables import DatasetTable, quoted
from fsspeckit_sqlserver.engine.temporaries import Temporaries, TempView
from fsspeckit_sqlserver.engine.undo import Undo
from fsspeckit_sqlserver.engine.violations import VIOLATIONS, explained
from fsspeckit_sqlserver.engine.world import World
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.mapping import column_for

__all__ = ["Changes", "inner_query", "query_of"]

_VERBS = {"insert_stmt": "INSERT 0", "update_stmt": "UPDATE", "delete_stmt": "DELETE"}


class Changes:
    """Runs the statements of one session that change something. Each has passed `check_statement`."""

    def __init__(
        self, world: World, connections: Connections, planner: Planner, temporaries: Temporaries, undo: Undo
    ) -> None:
        self._world, self._connections, self._planner, self._temporaries = world, connections, planner, temporaries
        self._undo = undo
        self._making = Making(connections, planner, temporaries, undo)
        self._dropping = Dropping(planner, temporaries, undo, self._making)
        self._altering = Altering(connections, planner, temporaries, undo, self._making)

    def execute(self, statement: Statement, parameters: Sequence[object]) -> NoRows | KnownRows:
        """Run one of them to its end."""
        name = statement.node_name
        if name in {"create_table_as_stmt", "select_stmt"}:
            return self._create_table_as(statement, parameters)
        if name == "create_stmt":
            return self._create_table(statement)
        if name == "create_seq_stmt":
            return self._making.create_sequence(statement.node)
        if name == "alter_seq_stmt":
            return self._making.restart_sequence(statement.node)
        if name == "discard_stmt":  # SEQUENCES: the session does the rest
            self._temporaries.forget_numbers()
            self._planner.forget_plans()
            return NoRows("DISCARD SEQUENCES")
        if name == "vacuum_stmt":
            return self._dropping.vacuum(statement.node)
        if name == "index_stmt":
            self._dropping.temporary(statement.node.relation, "CREATE INDEX")
            return self._making.create_index(statement.node)
        if name == "view_stmt":
            return self._create_view(statement)
        if name == "truncate_stmt":
            return self._dropping.truncate(statement.node)
        if name == "alter_table_stmt":
            return self._altering.alter(statement.node)
        if name == "rename_stmt":
            return self._altering.rename(statement.node)
        return self._dropping.drop(statement.node) if name == "drop_stmt" else self._change(statement, parameters)

    def parameter_oids(self, statement: Statement, declared: Sequence[int]) -> tuple[int, ...]:
        """Return the types of a statement's parameters, without running it.

        Raises:
            GatewayError: it does not resolve.
        """
        query = query_of(statement)
        if query is not None:
            return self._planner.plan(query, declared)[0].parameter_oids
        if statement.node_name not in _VERBS:
            return ()
        node, _ = self._resolved(statement)
        message = getattr(node, statement.node_name)
        if statement.node_name == "insert_stmt" and not message.cols:  # `INSERT INTO t VALUES ($1)`: by place
            for column in self._temporaries.tables.get(message.relation.relname, {}):
                message.cols.add().res_target.name = column
        types = infer_parameters(message, declared, self._target_oids(message.relation.relname))
        count = max(count_parameters(message), len(declared))
        return tuple(types.get(number, oids.TEXT) for number in range(1, count + 1))

    def end_transaction(self) -> None:
        """Do what ON COMMIT says, after a commit: of a block, or of one statement outside of one."""
        self._dropping.end_transaction()

    # ---- making

    def _create_table_as(self, statement: Statement, parameters: Sequence[object]) -> NoRows:
        query = query_of(statement)
        assert query is not None, "checked"
        into = statement.node.into_clause if statement.node_name == "select_stmt" else statement.node.into
        name = into.rel.relname
        if self._is_taken(name, statement.node):
            return NoRows("CREATE TABLE AS", notices=[_skipped(name)])
        _, prepared = self._planner.plan_and_prepare(query, parameters)
        titles = ", ".join(quoted(item.string.sval) for item in into.col_names)
        columns = f" ({titles})" if titles else ""
        data = " WITH NO DATA" if into.skip_data else ""
        sql = f"CREATE TEMP TABLE {quoted(name)}{columns} AS {prepared.sql}{data}"
        rows = self._connections.run_all(sql, prepared, uses_temp=True)
        self._note_table(name, into.on_commit)
        return NoRows("CREATE TABLE AS") if into.skip_data else NoRows("SELECT", _count(rows))

    def _create_table(self, statement: Statement) -> NoRows:
        name = statement.node.relation.relname
        if self._is_taken(name, statement.node):
            return NoRows("CREATE TABLE", notices=[_skipped(name)])
        self._making.create_table(statement.node)
        self._note_table(name, statement.node.oncommit)
        return NoRows("CREATE TABLE")

    def _create_view(self, statement: Statement) -> NoRows:
        node = statement.node
        name = node.view.relname
        if self._planner.has_temp_table(name):
            raise WrongObjectType(f'"{name}" is not a view')
        if name in self._temporaries.views and not node.replace:
            raise DuplicateTable(f'relation "{name}" already exists')
        select = pb.SelectStmt()
        select.CopyFrom(node.query.select_stmt)
        for target, alias in zip(select.target_list, node.aliases, strict=False):
            target.res_target.name = alias.string.sval
        plan, _ = self._planner.plan(Statement(deparse("select_stmt", select), "select_stmt", select))  # it must bind
        self._temporaries.views[name] = TempView(select, plan.columns)
        self._planner.forget_plans()
        return NoRows("CREATE VIEW")

    def _is_taken(self, name: str, node: pb.CreateTableAsStmt | pb.CreateStmt | pb.SelectStmt) -> bool:
        """Return whether the table exists and that is fine (IF NOT EXISTS)."""
        temporaries = self._temporaries
        if (
            not self._planner.has_temp_table(name)
            and name not in temporaries.views
            and name not in temporaries.sequences
        ):
            return False
        if getattr(node, "if_not_exists", False):
            return True
        raise DuplicateTable(f'relation "{name}" already exists')

    def _note_table(self, name: str, on_commit: int) -> None:
        self._temporaries.on_commit.pop(name, None)
        if on_commit in {pb.ONCOMMIT_DROP, pb.ONCOMMIT_DELETE_ROWS}:
            self._temporaries.on_commit[name] = on_commit == pb.ONCOMMIT_DROP
        relation = self._connections.main().sql(f"SELECT * FROM temp.main.{quoted(name)}")
        self._temporaries.tables[name] = {
            column.casefold(): str(kind) for column, kind in zip(relation.columns, relation.types, strict=True)
        }
        self._undo.made(name)
        self._planner.forget_plans()

    def returned(self, statement: Statement) -> Plan | None:
        """Return the plan of the rows that RETURNING gives, as a query over the table; None without one."""
        if statement.node_name not in _VERBS or not statement.node.HasField("returning_clause"):
            return None
        select = pb.SelectStmt(op=pb.SETOP_NONE, limit_option=pb.LIMIT_OPTION_DEFAULT)
        select.target_list.extend(statement.node.returning_clause.exprs)
        select.from_clause.add().range_var.CopyFrom(statement.node.relation)
        return self._planner.plan(Statement(deparse("select_stmt", select), "select_stmt", select))[0]

    # ---- INSERT, UPDATE, DELETE

    def _change(self, statement: Statement, parameters: Sequence[object]) -> NoRows | KnownRows:
        """Run a change of a temporary table; datasets in it are read whole."""
        node, resolution = self._resolved(statement)
        returned = self.returned(statement)
        name = statement.node_name
        message = getattr(node, name)
        definition = self._making.definition(statement.node.relation.relname)
        settle_defaults(message, definition)
        if name == "insert_stmt":
            self._note_sequences(message, definition)
        types = self.parameter_oids(statement, statement.parameter_oids)
        check_values(len(types), parameters)
        self._adopt_constants(message)
        manifests = self._planner.manifests(resolution.datasets)
        cast_parameters(message, dict(enumerate(types, 1)))
        columns = list(self._temporaries.tables[statement.node.relation.relname])
        lengths = lengths_of(definition)
        enforce_lengths(message, lengths, columns, self._width(statement) if lengths and name == "insert_stmt" else 0)
        Dialect(self._planner.surroundings()).rewrite(node)
        if not self._planner.is_shareable:
            point_at_own(node)
        if name == "insert_stmt":
            self._name_first_columns(message, statement.node.relation.relname, self._width(statement))
        count = count_parameters(message)
        values = bound_values(parameters, types, self._planner.moment())
        prepared = _nothing()
        prepared.parameters.update({str(number): value for number, value in enumerate(values, 1) if number <= count})
        try:
            selects = self._select_everything(resolution.datasets, manifests, prepared, count + 1)
        except BaseException:
            for lease in prepared.leases:
                lease.close()
            raise
        fill_scans(node, selects)
        table = statement.node.relation.relname
        if name == "insert_stmt" and not message.HasField("on_conflict_clause"):
            self._undo.before_append(table)
        else:
            self._undo.before_change(table)
        try:
            rows = self._connections.run_all(deparse(name, message), prepared, uses_temp=True)
        except VIOLATIONS as error:
            raise explained(error, table, self._temporaries, self._connections) from error.__cause__
        if returned is not None:
            return known_rows(returned.columns, _VERBS[name], rows)
        return NoRows(_VERBS[name], _count(rows))

    def _note_sequences(self, insert: pb.InsertStmt, definition: TableDefinition) -> None:
        """Note which sequence gives a number now, for `lastval`."""
        named = {item.res_target.name for item in insert.cols}
        for request in definition.sequences:
            if request.column not in named:
                self._planner.use_sequence(request.name, gives=True)

    def _resolved(self, statement: Statement) -> tuple[pb.Node, Resolution[DatasetTable]]:
        node = pb.Node()
        getattr(node, statement.node_name).CopyFrom(statement.node)
        rewrite_samples(node)
        expand_rows(node)
        resolution = resolve(getattr(node, statement.node_name), self._planner)
        tables = resolution.datasets
        shapes = list(map(self._world.shapes.of, tables, self._planner.manifests(tables)))
        relations = known_relations(tables, shapes, self._temporaries.tables)
        settle_change(getattr(node, statement.node_name), relations)
        if resolution.uses_catalog:
            self._world.prepare_catalog(self._connections.checkpoint)
        return node, resolution

    def _target_oids(self, table: str) -> Callable[[Sequence[str]], int | None]:
        columns = self._temporaries.tables.get(table, {})

        def column_oid(parts: Sequence[str]) -> int | None:
            kind = columns.get(parts[-1].casefold())
            return None if kind is None else column_for(parts[-1], kind).type_oid

        return column_oid

    def _adopt_constants(self, message: pb.InsertStmt | pb.UpdateStmt | pb.DeleteStmt) -> None:
        """Give constants in quotes the types of the columns they are put into, as PostgreSQL resolves them."""
        order, oid_of = self._connections.date_order, self._target_oids(message.relation.relname)
        if isinstance(message, pb.UpdateStmt):
            for target in message.target_list:
                adopt(target.res_target.val, oid_of([target.res_target.name]) or 0, order)
        elif isinstance(message, pb.InsertStmt):
            names = [item.res_target.name for item in message.cols]
            names = names or list(self._temporaries.tables.get(message.relation.relname, {}))
            kinds = [oid_of([column]) or 0 for column in names]
            select = message.select_stmt.select_stmt
            rows = [row.list.items for row in select.values_lists]
            rows = rows or [[target.res_target.val for target in select.target_list]]
            for row in rows:
                for item, kind in zip(row, kinds, strict=False):
                    adopt(item, kind, order)

    def _name_first_columns(self, insert: pb.InsertStmt, table: str, width: int) -> None:
        """`INSERT INTO t VALUES (1)` fills the first columns and leaves the others to their defaults."""
        select = insert.select_stmt.select_stmt
        if insert.cols or not insert.HasField("select_stmt"):
            return
        names = list(self._temporaries.tables[table])
        count = len(select.values_lists[0].list.items) if select.values_lists else width
        if count < len(names):
            for name in names[:count]:
                insert.cols.add().res_target.name = name

    def _width(self, statement: Statement) -> int:
        """Return how many columns the query of an INSERT gives."""
        select = pb.SelectStmt()
        select.CopyFrom(statement.node.select_stmt.select_stmt)
        if statement.node.HasField("with_clause"):
            select.with_clause.MergeFrom(statement.node.with_clause)
        if select.values_lists or not statement.node.HasField("select_stmt") or statement.node.cols:
            return 0
        plan, _ = self._planner.plan(Statement(deparse("select_stmt", select), "select_stmt", select))
        return len(plan.columns)

    def _select_everything(
        self, tables: Sequence[DatasetTable], manifests: Sequence[Manifest], prepared: Prepared, first_number: int
    ) -> list[pb.SelectStmt]:
        selects: list[pb.SelectStmt] = []
        for table, manifest in zip(tables, manifests, strict=True):
            shape = self._world.shapes.of(table, manifest)
            numbered = []
            for group, places in group_files(manifest, shape, range(len(manifest.files))).items():
                lease = self._world.scanner.lease(table, manifest, places, self._connections.checkpoint)
                prepared.leases.append(lease)
                number = first_number + len(prepared.leases) - 1
                prepared.parameters[str(number)] = lease.paths
                numbered.append((group, number))
            selects.append(scan_select(numbered, shape, bool(manifest.partition_names)))
        return selects


def _nothing() -> Prepared:
    return Prepared("", {}, [], [])


def _count(rows: Sequence[tuple[object, ...]]) -> int:
    """Return DuckDB's one number for what a change did."""
    count = rows[0][0] if rows else 0
    return count if isinstance(count, int) else 0


def inner_query(statement: Statement) -> Statement:
    """Return the query inside EXPLAIN or CREATE TABLE AS."""
    select = statement.node.query.select_stmt
    return Statement(deparse("select_stmt", select), "select_stmt", select, statement.parameter_oids)


def query_of(statement: Statement) -> Statement | None:
    """Return the query of CREATE TABLE AS and SELECT INTO, None for other statements."""
    if statement.node_name == "create_table_as_stmt":
        return inner_query(statement)
    if statement.node_name == "select_stmt" and statement.node.HasField("into_clause"):
        select = pb.SelectStmt()
        select.CopyFrom(statement.node)
        select.ClearField("into_clause")
        return Statement(deparse("select_stmt", select), "select_stmt", select, statement.parameter_oids)
    return None


def _skipped(name: str) -> tuple[str, str]:
    return "42P07", f'relation "{name}" already exists, skipping'
