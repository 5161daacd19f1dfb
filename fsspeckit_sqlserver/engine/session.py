"""The engine's side of one client connection: plans, temporary objects, the open transaction, the running statements.

Statements that touch no temporary table run on a cursor of their own, so several results may be open at once. Those
that do run on the session's one connection that knows these tables; a result that is still open there is read into
memory first.

Used by one worker thread at a time, except `interrupt`.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import duckdb
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.datasets import Manifest
from fsspeckit_lib.errors import Cancelled, GatewayError, InvalidValue, ReadOnly
from fsspeckit_sqlserver.engine.compiler import Draft, Plan, bind_columns, compile_query, draft_query
from fsspeckit_sqlserver.engine.dialect import Dialect, Surroundings
from fsspeckit_sqlserver.engine.errors import (
    DuplicateTable,
    StatementProblem,
    UndefinedTable,
    UnsupportedStatement,
    WrongObjectType,
    is_fatal,
    translate_duckdb,
)
from fsspeckit_sqlserver.engine.explain import explain_json, explain_lines, explain_options
from fsspeckit_sqlserver.engine.folding import Folder
from fsspeckit_sqlserver.engine.instance import Instance
from fsspeckit_sqlserver.engine.parameters import cast_parameters, count_parameters, infer_parameters
from fsspeckit_sqlserver.engine.resolve import Resolution, resolve
from fsspeckit_sqlserver.engine.rows import KnownRows, NoRows, QueryRows, text_rows
from fsspeckit_sqlserver.engine.running import Running, is_stale
from fsspeckit_sqlserver.engine.scanning import Prepared, Scanner
from fsspeckit_sqlserver.engine.scans import fill_scans, group_files, scan_select
from fsspeckit_sqlserver.engine.statements import check_statement, dropped_names
from fsspeckit_sqlserver.engine.tables import DatasetTable, Shape, Shapes, quoted
from fsspeckit_sqlserver.engine.trees import copied, deparse, walk
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.mapping import column_for

__all__ = ["DuckSession", "SessionShape", "World"]

_MAX_PLANS: Final = 256
_UTC_NAMES: Final = frozenset({"utc", "etc/utc", "gmt", "etc/gmt", "zulu", "etc/zulu", "uct", "etc/uct"})


@dataclass(frozen=True, slots=True)
class SessionShape:
    """What `describe` returns (`session.ports.Shape`)."""

    parameter_oids: tuple[int, ...]
    columns: tuple[Column, ...] | None


class World(Protocol):
    """What a session asks of the engine."""

    @property
    def instance(self) -> Instance: ...

    @property
    def shapes(self) -> Shapes: ...

    @property
    def scanner(self) -> Scanner: ...

    @property
    def version(self) -> str: ...

    def dataset(self, schema: str, name: str) -> DatasetTable | None: ...

    def has_schema(self, name: str) -> bool: ...

    def table_names(self) -> tuple[str, ...]: ...

    def catalog_relation(self, schema: str, name: str) -> tuple[str, str] | None: ...

    def catalog_column_oid(self, relation: str, column: str) -> int | None: ...

    def set_variables(
        self, cursor: duckdb.DuckDBPyConnection, database: str, user: str, search_path: tuple[str, ...]
    ) -> None:
        """Tell a connection whose session it serves; the catalog's macros ask for it."""
        ...

    def prepare_catalog(self) -> None:
        """Bring the catalog's tables up to date, before a statement reads them."""
        ...

    @property
    def macros(self) -> dict[str, tuple[str, ...]]: ...

    @property
    def table_macros(self) -> dict[str, tuple[str, ...]]: ...


class DuckSession:
    """See the module. Satisfies `session.ports.EngineSession`."""

    def __init__(self, world: World, user: str, database: str, on_close: Callable[[DuckSession], None]) -> None:
        self._world, self._on_close = world, on_close
        self.database = database
        self._user = user
        self.search_path: tuple[str, ...] = ("public",)
        self._time_zone = "UTC"
        self._cancel = threading.Event()
        self._lock = threading.Lock()  # guards _current
        self._current: Running | None = None
        self._open_rows: set[QueryRows] = set()
        self._main: duckdb.DuckDBPyConnection | None = None
        self._main_generation = -1
        self._main_rows: QueryRows | None = None
        self._temp_tables: dict[str, dict[str, str]] = {}
        self._temp_views: dict[str, tuple[Statement, pb.SelectStmt]] = {}
        self._temp_before: tuple[dict[str, dict[str, str]], dict[str, tuple[Statement, pb.SelectStmt]]] | None = None
        self._snapshot: dict[str, Manifest] | None = None
        self._begun_at: dt.datetime | None = None
        self._plans: OrderedDict[tuple[object, ...], Plan] = OrderedDict()
        self._is_closed = False

    # ---- session.ports.EngineSession

    def describe(self, statement: Statement, parameter_oids: Sequence[int]) -> SessionShape:
        """See `session.ports.EngineSession`."""
        self._cancel.clear()
        check_statement(statement)
        name = statement.node_name
        if name == "select_stmt" and not statement.node.HasField("into_clause"):
            plan, _ = self._plan(statement, parameter_oids)
            return SessionShape(plan.parameter_oids, plan.columns)
        if name == "explain_stmt":
            inner = _inner_query(statement)
            plan, _ = self._plan(inner, parameter_oids)
            kind = oids.JSON if explain_options(statement.node).is_json else oids.TEXT
            return SessionShape(plan.parameter_oids, (Column("QUERY PLAN", kind),))
        query = _query_of(statement)
        if query is not None:
            plan, _ = self._plan(query, parameter_oids)
            return SessionShape(plan.parameter_oids, None)
        return SessionShape(*self._describe_change(statement, parameter_oids))

    def execute(self, statement: Statement, parameters: Sequence[object]) -> QueryRows | KnownRows | NoRows:
        """See `session.ports.EngineSession`."""
        self._cancel.clear()
        check_statement(statement)
        name = statement.node_name
        if name == "select_stmt":
            if statement.node.HasField("into_clause"):
                return self._create_table_as(statement, parameters)
            return self._query(statement, parameters)
        if name == "explain_stmt":
            return self._explain(statement, parameters)
        if name == "create_table_as_stmt":
            return self._create_table_as(statement, parameters)
        if name == "create_stmt":
            return self._create_table(statement)
        if name == "view_stmt":
            return self._create_view(statement)
        if name == "drop_stmt":
            return self._drop(statement)
        return self._change(statement, parameters)

    def begin(self) -> None:
        """See `session.ports.EngineSession`. A table's snapshot is taken when a statement first reads it."""
        self._snapshot = {}
        self._begun_at = dt.datetime.now(dt.UTC)  # now() is the same in all of its statements
        self._temp_before = (
            {name: dict(columns) for name, columns in self._temp_tables.items()},
            dict(self._temp_views),
        )
        if self._main is not None:
            self._main.execute("BEGIN TRANSACTION")

    def commit(self) -> None:
        """See `session.ports.EngineSession`."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """See `session.ports.EngineSession`."""
        if self._temp_before is not None:
            self._temp_tables, self._temp_views = self._temp_before
            self._plans.clear()
        self._end("ROLLBACK")

    def set_parameter(self, name: str, value: str) -> None:
        """See `session.ports.EngineSession`."""
        folded = name.casefold()
        if folded == "timezone":
            self._set_time_zone(value)
        elif folded == "search_path":
            parts = [part.strip().strip("\"'") for part in value.split(",")]
            self.search_path = tuple(part for part in parts if part and part != "$user")
            self._plans.clear()

    def interrupt(self) -> None:
        """See `session.ports.EngineSession`. From any thread."""
        self._cancel.set()
        with self._lock:
            running = self._current
        if running is not None:
            running.interrupt()

    def close(self) -> None:
        """See `session.ports.EngineSession`."""
        if self._is_closed:
            return
        self._is_closed = True
        for rows in list(self._open_rows):
            rows.close()
        if self._main is not None:
            self._main.close()
        self._on_close(self)

    # ---- engine.resolve.Relations

    def dataset(self, schema: str, name: str) -> DatasetTable | None:
        """Return the dataset of that name."""
        return self._world.dataset(schema, name)

    def catalog_relation(self, schema: str, name: str) -> tuple[str, str] | None:
        """Return where DuckDB has a relation of the catalog."""
        return self._world.catalog_relation(schema, name)

    def temp_view(self, name: str) -> pb.SelectStmt | None:
        """Return the query of a temporary view."""
        found = self._temp_views.get(name)
        return None if found is None else found[1]

    def has_temp_table(self, name: str) -> bool:
        """Return whether there is such a temporary table."""
        return name in self._temp_tables

    def has_schema(self, name: str) -> bool:
        """Return whether there is such a schema."""
        return name in {"pg_temp", "pg_catalog", "information_schema"} or self._world.has_schema(name)

    def known_names(self) -> list[str]:
        """Return the names of all tables, for hints."""
        names = [*self._world.table_names(), *self._temp_tables, *self._temp_views]
        return names + [name.partition(".")[2] for name in names if name.startswith("public.")]

    # ---- plans

    def _surroundings(self) -> Surroundings:
        world = self._world
        return Surroundings(
            self._user, self.database, world.version, self.search_path, world.macros, world.table_macros
        )

    def _plan(self, statement: Statement, parameter_oids: Sequence[int]) -> tuple[Plan, list[Manifest]]:
        """Return the plan of a query and the manifest of each of its datasets, whose shapes are the plan's."""
        declared = tuple(oid if oid != oids.UNKNOWN else 0 for oid in parameter_oids)
        key = (statement.sql, declared if any(declared) else (), self._world.instance.generation)
        plan = self._plans.get(key)
        if plan is not None:
            manifests = self._manifests(plan.tables)
            if all(
                self._world.shapes.of(table, manifest) is shape
                for table, manifest, shape in zip(plan.tables, manifests, plan.shapes, strict=True)
            ):
                self._plans.move_to_end(key)
                if plan.uses_catalog:
                    self._world.prepare_catalog()
                return plan, manifests
        draft = draft_query(statement.node, self)
        manifests = self._manifests(draft.tables)
        shapes = [
            self._world.shapes.of(table, manifest) for table, manifest in zip(draft.tables, manifests, strict=True)
        ]
        if draft.resolution.uses_catalog:
            self._world.prepare_catalog()
        plan = compile_query(draft, shapes, self._surroundings(), declared, self._column_oids(draft, shapes))
        cursor = self._main_connection() if plan.uses_temp else self._cursor(for_catalog=plan.uses_variables)
        try:
            if plan.uses_temp:
                self._free_main()
            bind_columns(plan, cursor)
        finally:
            if cursor is not self._main:
                cursor.close()
        self._plans[key] = plan
        if len(self._plans) > _MAX_PLANS:
            self._plans.popitem(last=False)
        return plan, manifests

    def _manifests(self, tables: Sequence[DatasetTable], *, is_fresh: bool = False) -> list[Manifest]:
        found: dict[str, Manifest] = {}
        for table in tables:
            name = table.full_name
            if name in found:
                continue
            snapshot = self._snapshot
            if snapshot is not None and name in snapshot and not is_fresh:
                found[name] = snapshot[name]
                continue
            found[name] = table.dataset.manifest(checkpoint=self._checkpoint, is_fresh=is_fresh)
            if snapshot is not None:
                snapshot[name] = found[name]
        return [found[table.full_name] for table in tables]

    def _column_oids(self, draft: Draft, shapes: Sequence[Shape]) -> Callable[[Sequence[str]], int | None]:
        relations: dict[str, dict[str, int]] = {}
        for message in walk(draft.node):
            if not isinstance(message, pb.RangeVar):
                continue
            alias = (message.alias.aliasname or message.relname).casefold()
            if message.schemaname == "gw_scan":
                shape = shapes[int(message.relname[1:])]
                relations[alias] = {
                    name.casefold(): column_for(name, kind).type_oid for name, kind in shape.columns.items()
                }
            elif message.catalogname == "temp":
                columns = self._temp_tables.get(message.relname, {})
                relations[alias] = {name: column_for(name, kind).type_oid for name, kind in columns.items()}
            elif message.schemaname.startswith("gw_"):
                relations[alias] = _LazyColumns(self._world, message.relname)
        return lambda parts: _lookup_oid(relations, parts)

    def _checkpoint(self) -> None:
        if self._cancel.is_set():
            raise Cancelled("canceling statement due to user request")

    # ---- connections

    def _cursor(self, *, for_catalog: bool = True) -> duckdb.DuckDBPyConnection:
        cursor = self._world.instance.cursor()
        if for_catalog:
            self._world.set_variables(cursor, self.database, self._user, self.search_path)
        if self._time_zone.casefold() not in _UTC_NAMES:
            cursor.execute(f"SET TimeZone = '{self._time_zone}'")
        return cursor

    def _set_time_zone(self, value: str) -> None:
        zone = value.strip().strip("'")
        cursor = self._world.instance.cursor()
        try:
            cursor.execute("SET TimeZone = '" + zone.replace("'", "''") + "'")
        except duckdb.Error as error:
            raise InvalidValue(f'invalid value for parameter "TimeZone": "{value}"') from error
        finally:
            cursor.close()
        self._time_zone = zone.replace("'", "''")
        if self._main is not None:
            self._main.execute(f"SET TimeZone = '{self._time_zone}'")

    def _main_connection(self) -> duckdb.DuckDBPyConnection:
        """Return the connection that knows the temporary tables, opened when first needed."""
        generation = self._world.instance.generation
        if self._main is not None and self._main_generation != generation:
            self._main = None  # the database was replaced; its tables are gone
            self._temp_tables.clear()
        if self._main is None:
            self._main = self._cursor()
            self._main_generation = generation
            if self._snapshot is not None:
                self._main.execute("BEGIN TRANSACTION")
        return self._main

    def _free_main(self) -> None:
        if self._main_rows is not None:
            self._main_rows.keep_in_memory()
            self._main_rows = None

    def _end(self, word: str) -> None:
        self._snapshot = self._temp_before = self._begun_at = None
        if self._main is not None:
            self._free_main()
            try:
                self._main.execute(word)
            except duckdb.TransactionException as error:
                if "no transaction is active" not in str(error):  # it began after BEGIN: nothing was changed
                    raise translate_duckdb(error) from error
            except duckdb.Error as error:
                raise translate_duckdb(error) from error

    def _guard(self, running: Running | None) -> None:
        with self._lock:
            self._current = running
        if running is None:
            self._cancel.clear()

    def _failed(self, running: Running) -> None:
        if running.is_fatal:
            self._world.instance.replace(self._world.instance.generation)

    # ---- queries

    def _query(self, statement: Statement, parameters: Sequence[object]) -> QueryRows:
        seen_before = frozenset(self._snapshot or ())
        plan, manifests = self._plan(statement, ())
        self._check_values(plan.parameters, parameters)
        if plan.uses_temp:
            self._free_main()

        def start(is_fresh: bool) -> Running:
            if not is_fresh:
                return self._start(plan, manifests, parameters)
            self._manifests(plan.tables, is_fresh=True)
            again, fresh = self._plan(statement, ())
            if again.columns != plan.columns:
                raise StatementProblem("the columns of a table changed while it was read; run the statement again")
            return self._start(again, fresh, parameters)

        may_retry = not any(table.full_name in seen_before for table in plan.tables)
        rows = QueryRows(plan.columns, start, self._guard, self._forget, may_retry=may_retry)
        self._open_rows.add(rows)
        if plan.uses_temp:
            self._main_rows = rows
        return rows

    def _start(self, plan: Plan, manifests: Sequence[Manifest], parameters: Sequence[object]) -> Running:
        prepared = self._prepare(plan, manifests, parameters)
        cursor = self._main_connection() if plan.uses_temp else self._cursor(for_catalog=plan.uses_variables)
        running = Running(cursor, prepared.leases, owns_cursor=not plan.uses_temp)
        self._guard(running)
        is_small = plan.is_small or (plan.uses_catalog and not plan.tables)
        try:
            self._checkpoint()
            running.start(prepared.sql, prepared.parameters, plan.duckdb_types, is_small=is_small)
        except BaseException:
            running.close()
            self._failed(running)
            raise
        finally:
            self._guard(None)
        return running

    def _prepare(self, plan: Plan, manifests: Sequence[Manifest], parameters: Sequence[object]) -> Prepared:
        now = self._begun_at or dt.datetime.now(dt.UTC)
        values = [_plain(value) for value in parameters]
        named: dict[str, object] = {str(number): value for number, value in enumerate(values, 1)}
        named[plan.now_name] = now
        surroundings = replace(self._surroundings(), now_parameter=plan.parameters + 1)
        return self._world.scanner.prepare(
            plan,
            manifests,
            values,
            self._checkpoint,
            zone_is_utc=self._time_zone.casefold() in _UTC_NAMES,
            now=now,
            fold=Folder(lambda: self._cursor(for_catalog=False), surroundings, named),
        )

    def _forget(self, rows: QueryRows) -> None:
        self._open_rows.discard(rows)
        if self._main_rows is rows:
            self._main_rows = None

    def _check_values(self, wanted: int, parameters: Sequence[object]) -> None:
        if len(parameters) < wanted:
            raise StatementProblem(f"{len(parameters)} parameters were given, {wanted} are needed")

    def _explain(self, statement: Statement, parameters: Sequence[object]) -> KnownRows:
        options = explain_options(statement.node)
        plan, prepared = self._prepare_query(_inner_query(statement), parameters)
        words = "EXPLAIN (ANALYZE, FORMAT json)" if options.analyze else "EXPLAIN (FORMAT json)"
        rows = self._run_all(plan.uses_temp, f"{words} {prepared.sql}", prepared)
        text = "\n".join(str(row[-1]) for row in rows)
        if options.is_json:
            known = text_rows("QUERY PLAN", "EXPLAIN", [explain_json(prepared.reports, text)])
            known.columns = (Column("QUERY PLAN", oids.JSON),)
            return known
        return text_rows("QUERY PLAN", "EXPLAIN", explain_lines(prepared.reports, text))

    def _prepare_query(self, query: Statement, parameters: Sequence[object]) -> tuple[Plan, Prepared]:
        """Plan a query and fetch its files; once more when they turn out to be other than listed."""
        seen_before = frozenset(self._snapshot or ())
        plan, manifests = self._plan(query, ())
        self._check_values(plan.parameters, parameters)
        try:
            return plan, self._prepare(plan, manifests, parameters)
        except GatewayError as error:
            if not is_stale(error) or any(table.full_name in seen_before for table in plan.tables):
                raise
        self._manifests(plan.tables, is_fresh=True)
        plan, manifests = self._plan(query, ())
        return plan, self._prepare(plan, manifests, parameters)

    def _run_all(self, uses_temp: bool, sql: str, prepared: Prepared) -> list[tuple[object, ...]]:
        """Run a statement to its end and return its few rows."""
        cursor = self._main_connection() if uses_temp else self._cursor()
        if uses_temp:
            self._free_main()
        running = Running(cursor, prepared.leases, owns_cursor=not uses_temp)
        self._guard(running)
        try:
            self._checkpoint()
            return cursor.execute(sql, prepared.parameters or None).fetchall()
        except duckdb.Error as error:
            for lease in prepared.leases:
                noted = lease.error()
                if noted is not None:
                    raise noted from error
            if is_fatal(error):
                self._world.instance.replace(self._world.instance.generation)
            raise translate_duckdb(error) from error
        finally:
            self._guard(None)
            running.close()

    # ---- temporary objects

    def _create_table_as(self, statement: Statement, parameters: Sequence[object]) -> NoRows:
        query = _query_of(statement)
        assert query is not None, "checked"
        into = statement.node.into_clause if statement.node_name == "select_stmt" else statement.node.into
        name = into.rel.relname
        if self._is_taken(name, statement.node):
            return NoRows("CREATE TABLE AS")
        _, prepared = self._prepare_query(query, parameters)
        titles = [item.string.sval for item in into.col_names]
        columns = f" ({', '.join(quoted(title) for title in titles)})" if titles else ""
        data = " WITH NO DATA" if into.skip_data else ""
        sql = f"CREATE TEMP TABLE {quoted(name)}{columns} AS {prepared.sql}{data}"
        rows = self._run_all(True, sql, prepared)
        self._note_table(name)
        count = rows[0][0] if rows else 0
        return NoRows("SELECT", count if isinstance(count, int) else 0)

    def _create_table(self, statement: Statement) -> NoRows:
        node = pb.Node()
        node.create_stmt.CopyFrom(statement.node)
        name = node.create_stmt.relation.relname
        if self._is_taken(name, statement.node):
            return NoRows("CREATE TABLE")
        Dialect(self._surroundings()).rewrite(node)
        node.create_stmt.relation.relpersistence, node.create_stmt.relation.schemaname = "t", ""
        node.create_stmt.oncommit = pb.ONCOMMIT_NOOP
        self._run_all(True, deparse("create_stmt", node.create_stmt), Prepared("", {}, [], []))
        self._note_table(name)
        return NoRows("CREATE TABLE")

    def _create_view(self, statement: Statement) -> NoRows:
        node = statement.node
        name = node.view.relname
        if name in self._temp_tables:
            raise WrongObjectType(f'"{name}" is not a view')
        if name in self._temp_views and not node.replace:
            raise DuplicateTable(f'relation "{name}" already exists')
        select = pb.SelectStmt()
        select.CopyFrom(node.query.select_stmt)
        for target, alias in zip(select.target_list, node.aliases, strict=False):
            target.res_target.name = alias.string.sval
        view = Statement(deparse("select_stmt", select), "select_stmt", select)
        self._plan(view, ())  # it must bind
        self._temp_views[name] = (view, select)
        self._plans.clear()
        return NoRows("CREATE VIEW")

    def _drop(self, statement: Statement) -> NoRows:
        node = statement.node
        is_view = node.remove_type == pb.OBJECT_VIEW
        for name in dropped_names(node):
            if name in self._temp_views and is_view:
                del self._temp_views[name]
            elif name in self._temp_tables and not is_view:
                self._run_all(True, f"DROP TABLE temp.main.{quoted(name)}", Prepared("", {}, [], []))
                del self._temp_tables[name]
            elif name in self._temp_views or name in self._temp_tables:
                raise WrongObjectType(f'"{name}" is not a {"view" if is_view else "table"}')
            elif any(self.dataset(schema, name) is not None for schema in self.search_path):
                raise ReadOnly(f'cannot drop "{name}": the datasets behind this server are only read')
            elif not node.missing_ok:
                raise UndefinedTable(f'{"view" if is_view else "table"} "{name}" does not exist')
        self._plans.clear()
        return NoRows("DROP VIEW" if is_view else "DROP TABLE")

    def _is_taken(self, name: str, node: pb.CreateTableAsStmt | pb.CreateStmt | pb.SelectStmt) -> bool:
        """Return whether the table exists and that is fine (IF NOT EXISTS)."""
        if name not in self._temp_tables and name not in self._temp_views:
            return False
        if getattr(node, "if_not_exists", False):
            return True
        raise DuplicateTable(f'relation "{name}" already exists')

    def _note_table(self, name: str) -> None:
        relation = self._main_connection().sql(f"SELECT * FROM temp.main.{quoted(name)}")
        self._temp_tables[name] = {
            column.casefold(): str(kind) for column, kind in zip(relation.columns, relation.types, strict=True)
        }
        self._plans.clear()

    def _describe_change(
        self, statement: Statement, parameter_oids: Sequence[int]
    ) -> tuple[tuple[int, ...], tuple[Column, ...] | None]:
        if statement.node_name not in {"insert_stmt", "update_stmt", "delete_stmt"}:
            return (), None
        node, _ = self._resolved_change(statement)
        message = getattr(node, statement.node_name)
        count = max(count_parameters(message), len(parameter_oids))
        types = infer_parameters(message, parameter_oids, self._target_oids(message.relation.relname))
        if message.HasField("returning_clause"):
            raise UnsupportedStatement("RETURNING is not supported for temporary tables")
        return tuple(types.get(number, oids.TEXT) for number in range(1, count + 1)), None

    def _target_oids(self, table: str) -> Callable[[Sequence[str]], int | None]:
        columns = self._temp_tables.get(table, {})

        def column_oid(parts: Sequence[str]) -> int | None:
            kind = columns.get(parts[-1].casefold())
            return None if kind is None else column_for(parts[-1], kind).type_oid

        return column_oid

    def _resolved_change(self, statement: Statement) -> tuple[pb.Node, Resolution[DatasetTable]]:
        node = pb.Node()
        getattr(node, statement.node_name).CopyFrom(statement.node)
        resolution = resolve(getattr(node, statement.node_name), self)
        if resolution.uses_catalog:
            self._world.prepare_catalog()
        return node, resolution

    def _change(self, statement: Statement, parameters: Sequence[object]) -> NoRows | KnownRows:
        """Run INSERT, UPDATE or DELETE on a temporary table; datasets in it are read whole."""
        node, resolution = self._resolved_change(statement)
        name = statement.node_name
        message = getattr(node, name)
        parameter_oids, _ = self._describe_change(statement, ())
        self._check_values(len(parameter_oids), parameters)
        manifests = self._manifests(resolution.datasets)
        cast_parameters(message, dict(enumerate(parameter_oids, 1)))
        Dialect(self._surroundings()).rewrite(node)
        if name == "insert_stmt":
            self._name_first_columns(message, statement.node.relation.relname)
        count = count_parameters(message)
        named: dict[str, object] = {
            str(number): _plain(value) for number, value in enumerate(parameters, 1) if number <= count
        }
        prepared = Prepared("", named, [], [])
        try:
            selects = self._select_everything(resolution.datasets, manifests, prepared, count + 1)
        except BaseException:
            for lease in prepared.leases:
                lease.close()
            raise
        fill_scans(node, selects)
        rows = self._run_all(True, deparse(name, message), prepared)
        verb = {"insert_stmt": "INSERT 0", "update_stmt": "UPDATE", "delete_stmt": "DELETE"}[name]
        affected = rows[0][0] if rows else 0
        return NoRows(verb, affected if isinstance(affected, int) else 0)

    def _name_first_columns(self, insert: pb.InsertStmt, table: str) -> None:
        """`INSERT INTO t VALUES (1)` fills the first columns and leaves the others to their defaults."""
        rows = insert.select_stmt.select_stmt.values_lists
        names = list(self._temp_tables[table])
        if rows and not insert.cols and len(rows[0].list.items) < len(names):
            for name in names[: len(rows[0].list.items)]:
                insert.cols.add().res_target.name = name

    def _select_everything(
        self, tables: Sequence[DatasetTable], manifests: Sequence[Manifest], prepared: Prepared, first_number: int
    ) -> dict[int, pb.SelectStmt]:
        selects: dict[int, pb.SelectStmt] = {}
        for place, (table, manifest) in enumerate(zip(tables, manifests, strict=True)):
            shape = self._world.shapes.of(table, manifest)
            numbered = []
            for group, places in group_files(manifest, shape, range(len(manifest.files))).items():
                lease = self._world.scanner.lease(table, manifest, places, self._checkpoint)
                prepared.leases.append(lease)
                number = first_number + len(prepared.leases) - 1
                prepared.parameters[str(number)] = lease.paths
                numbered.append((group, number))
            selects[place] = scan_select(numbered, shape, is_hive=bool(manifest.partition_names))
        return selects


class _LazyColumns(dict[str, int]):
    """The column types of one relation of the catalog, looked up when asked for."""

    def __init__(self, world: World, relation: str) -> None:
        super().__init__()
        self._world, self._relation = world, relation

    def get(self, key: str, default: object = None) -> int | None:  # type: ignore[override]
        del default
        return self._world.catalog_column_oid(self._relation, key)


def _lookup_oid(relations: dict[str, dict[str, int]], parts: Sequence[str]) -> int | None:
    name = parts[-1].casefold()
    if len(parts) > 1:
        found = relations.get(parts[-2].casefold())
        return None if found is None else found.get(name)
    candidates = {oid for columns in relations.values() if (oid := columns.get(name)) is not None}
    return candidates.pop() if len(candidates) == 1 else None


def _plain(value: object) -> object:
    """Return a parameter as DuckDB takes it: what is no plain value (an interval) goes as its text."""
    module = type(value).__module__
    if value is None or module in {"builtins", "datetime", "decimal", "uuid"}:
        return value
    return str(value)


def _inner_query(statement: Statement) -> Statement:
    select = statement.node.query.select_stmt
    return Statement(deparse("select_stmt", select), "select_stmt", select)


def _query_of(statement: Statement) -> Statement | None:
    """Return the query of CREATE TABLE AS and SELECT INTO."""
    if statement.node_name == "create_table_as_stmt":
        return _inner_query(statement)
    if statement.node_name == "select_stmt" and statement.node.HasField("into_clause"):
        node = pb.Node()
        node.select_stmt.CopyFrom(statement.node)
        select = copied(node).select_stmt
        select.ClearField("into_clause")
        return Statement(deparse("select_stmt", select), "select_stmt", select)
    return None
