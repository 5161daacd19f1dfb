"""The engine's side of one client connection: it describes, runs and explains statements.

Its parts: `connections` (DuckDB), `planner` (names, plans, snapshots), `temporaries` and `changes` (what it may
change). Used by one worker thread at a time, except `interrupt`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import duckdb

from fsspeckit_lib.datasets import Manifest
from fsspeckit_lib.sql import StatementTooComplex
from fsspeckit_sqlserver.engine.answers import KnownAnswer, RememberedRows, key_of_values
from fsspeckit_sqlserver.engine.changes import Changes, inner_query
from fsspeckit_sqlserver.engine.compiler import Plan
from fsspeckit_sqlserver.engine.connections import Connections
from fsspeckit_sqlserver.engine.copying import TableCopy, open_table_copy
from fsspeckit_sqlserver.engine.deep_parameters import with_depths
from fsspeckit_sqlserver.engine.errors import StatementProblem
from fsspeckit_sqlserver.engine.explain import explain_json, explain_lines, explain_options
from fsspeckit_sqlserver.engine.planner import Planner
from fsspeckit_sqlserver.engine.rows import KnownRows, NoRows, QueryRows, text_rows
from fsspeckit_sqlserver.engine.running import Running
from fsspeckit_sqlserver.engine.stability import is_time_word
from fsspeckit_sqlserver.engine.statements import check_statement
from fsspeckit_sqlserver.engine.temporaries import Temporaries
from fsspeckit_sqlserver.engine.translation import translate_duckdb
from fsspeckit_sqlserver.engine.undo import Undo
from fsspeckit_sqlserver.engine.world import World
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column

__all__ = ["DuckSession", "Rows", "SessionShape"]


Rows: TypeAlias = QueryRows | RememberedRows | KnownAnswer | KnownRows | NoRows


@dataclass(frozen=True, slots=True)
class SessionShape:
    """What `describe` returns (`session.ports.Shape`)."""

    parameter_oids: tuple[int, ...]
    columns: tuple[Column, ...] | None


class DuckSession:
    """See the module. Satisfies `session.ports.EngineSession`."""

    def __init__(self, world: World, user: str, database: str, on_close: Callable[[DuckSession], None]) -> None:
        """Open a session; costs nothing until a statement comes."""
        self._world = world
        self._connections = Connections(world, user, database)
        self._temporaries = Temporaries()
        self._planner = Planner(world, self._connections, self._temporaries)
        self._undo = Undo(self._connections, self._temporaries)
        self._changes = Changes(world, self._connections, self._planner, self._temporaries, self._undo)
        self._open_rows: set[QueryRows] = set()
        self._on_close = on_close
        self._is_closed = False

    def describe(self, statement: Statement, parameter_oids: Sequence[int]) -> SessionShape:
        """See `session.ports.EngineSession`."""
        self._connections.start_call()
        try:
            return self._describe(statement, self._world.with_row_types(parameter_oids))
        except RecursionError as error:
            raise StatementTooComplex() from error
        except duckdb.Error as error:
            raise translate_duckdb(error) from error

    def execute(self, statement: Statement, parameters: Sequence[object]) -> Rows:
        """See `session.ports.EngineSession`."""
        self._connections.start_call()
        try:
            return self._execute(statement, parameters)
        except RecursionError as error:
            raise StatementTooComplex() from error
        except duckdb.Error as error:
            raise translate_duckdb(error) from error

    def _describe(self, statement: Statement, parameter_oids: Sequence[int]) -> SessionShape:
        check_statement(statement)
        if _is_query(statement):
            plan, _ = self._planner.plan(statement, parameter_oids)
            return SessionShape(plan.parameter_oids, plan.columns)
        if statement.node_name == "explain_stmt":
            plan, _ = self._planner.plan(inner_query(statement), parameter_oids)
            kind = oids.JSON if explain_options(statement.node).is_json else oids.TEXT
            return SessionShape(plan.parameter_oids, (Column("QUERY PLAN", kind),))
        returned = self._changes.returned(statement)
        columns = None if returned is None else returned.columns
        return SessionShape(self._changes.parameter_oids(statement, parameter_oids), columns)

    def _execute(self, statement: Statement, parameters: Sequence[object]) -> Rows:
        check_statement(statement)
        if _is_query(statement):
            return self._query(*with_depths(statement, parameters))
        if statement.node_name == "explain_stmt":
            return self._explain(statement, parameters)
        rows = self._changes.execute(*with_depths(statement, parameters))
        if not self._undo.is_open and self._temporaries.on_commit:
            self._changes.end_transaction()
        return rows

    def open_copy(self, statement: Statement) -> TableCopy:
        """See `session.ports.EngineSession`."""
        self._connections.start_call()
        return open_table_copy(statement, self._planner, self._temporaries, self._connections, self._undo)

    def begin(self, savepoints: int) -> None:
        """See `session.ports.EngineSession`. A table's snapshot is taken when a statement first reads it."""
        self._planner.begin()
        self._undo.begin(savepoints)

    def nest(self, depth: int) -> None:
        """See `session.ports.EngineSession`."""
        self._undo.nest(depth)

    def undo(self, depth: int) -> None:
        """See `session.ports.EngineSession`."""
        self._planner.forget_plans()
        try:
            self._undo.undo(depth)
        except duckdb.Error as error:
            raise translate_duckdb(error) from error

    def commit(self) -> None:
        """See `session.ports.EngineSession`."""
        self._planner.end()
        self._undo.commit()
        if self._temporaries.on_commit:
            self._changes.end_transaction()

    def rollback(self) -> None:
        """See `session.ports.EngineSession`."""
        self._planner.end()
        self._planner.forget_plans()
        self._undo.rollback()

    def set_parameter(self, name: str, value: str) -> None:
        """See `session.ports.EngineSession`."""
        folded = name.casefold()
        if folded == "timezone":
            self._connections.set_time_zone(value)
        elif folded == "datestyle":
            self._connections.date_order = value.rpartition(",")[2].strip() or "MDY"
            self._connections.date_style = value.partition(",")[0].strip() or "ISO"
        elif folded == "intervalstyle":
            self._connections.interval_style = value
        elif folded == "extra_float_digits":
            self._connections.float_digits = min(int(value), 1)
        elif folded == "fsspeckit.struct_format":
            self._connections.has_row_types = value == "composite"
            self._planner.forget_plans()
        elif folded == "search_path":
            parts = [part.strip().strip("\"'") for part in value.split(",")]
            self._connections.search_path = tuple(part for part in parts if part and part != "$user")
            self._planner.forget_plans()

    def interrupt(self) -> None:
        """See `session.ports.EngineSession`. From any thread."""
        self._connections.interrupt()

    def close(self) -> None:
        """See `session.ports.EngineSession`."""
        if self._is_closed:
            return
        self._is_closed = True
        for rows in list(self._open_rows):
            rows.close()
        self._connections.close()
        self._on_close(self)

    # ---- queries

    def _query(self, statement: Statement, parameters: Sequence[object]) -> QueryRows | RememberedRows | KnownAnswer:
        seen_before = self._planner.seen_before()
        plan, manifests = self._planner.plan(statement, values=parameters)
        key = self._answer_key(plan, manifests, statement, parameters)
        if key is None:
            return self._fresh_query(statement, parameters, plan, manifests, seen_before)
        answers = self._world.answers
        answer = answers.find(key)
        if answer is not None:
            return KnownAnswer(answer, is_constant=not plan.tables and not plan.uses_variables)
        rows = self._fresh_query(statement, parameters, plan, manifests, seen_before)
        return RememberedRows(rows, lambda fresh: answers.keep(key, fresh))

    def _answer_key(
        self, plan: Plan, manifests: Sequence[Manifest], statement: Statement, parameters: Sequence[object]
    ) -> tuple[object, ...] | None:
        """Return all that the answer depends on; None when it is not to be kept."""
        if not plan.is_repeatable or plan.uses_now or not self._planner.is_shareable:
            return None
        if any(map(is_time_word, parameters)):
            return None
        connections, world = self._connections, self._world
        return (
            statement.sql,
            plan.columns,
            plan.parameter_oids,
            key_of_values(parameters),
            connections.identity,
            world.catalog_state if plan.uses_variables else None,
            *map(world.answers.number_of, manifests),
        )

    def _fresh_query(
        self,
        statement: Statement,
        parameters: Sequence[object],
        plan: Plan,
        manifests: Sequence[Manifest],
        seen_before: frozenset[str],
    ) -> QueryRows:

        def start(is_fresh: bool) -> Running:
            if not is_fresh:
                return self._start(plan, manifests, parameters)
            self._planner.manifests(plan.tables, is_fresh=True)
            again, fresh = self._planner.plan(statement, values=parameters)
            if again.columns != plan.columns:
                raise StatementProblem("the columns of a table changed while it was read; run the statement again")
            return self._start(again, fresh, parameters)

        may_retry = not any(table.full_name in seen_before for table in plan.tables)
        rows = QueryRows(plan.columns, start, self._connections.guard, self._forget, may_retry=may_retry)
        self._open_rows.add(rows)
        if plan.uses_temp:
            self._connections.occupy_main(rows)
        return rows

    def _start(self, plan: Plan, manifests: Sequence[Manifest], parameters: Sequence[object]) -> Running:
        prepared = self._planner.prepare(plan, manifests, parameters)
        connections = self._connections
        running = connections.attempt(
            prepared,
            uses_temp=plan.uses_temp,
            uses_variables=plan.uses_variables,
            is_exempt=not plan.tables and (plan.is_small or plan.uses_catalog),
        )
        connections.guard(running)
        is_small, is_lookup = plan.is_small or (plan.uses_catalog and not plan.tables), plan.is_lookup
        if plan.used_parameters and '"NULL"' in plan.duckdb_types:
            is_small = is_lookup = False  # bound with NULL: only the values tell the type
        try:
            connections.checkpoint()
            running.start(prepared.sql, prepared.parameters, plan.duckdb_types, is_small=is_small, is_lookup=is_lookup)
        except BaseException:
            running.close()
            raise
        finally:
            connections.guard(None)
        return running

    def _forget(self, rows: QueryRows) -> None:
        self._open_rows.discard(rows)
        self._connections.forget(rows)

    def _explain(self, statement: Statement, parameters: Sequence[object]) -> KnownRows:
        options = explain_options(statement.node)
        plan, prepared = self._planner.plan_and_prepare(inner_query(statement), parameters)
        words = "EXPLAIN (ANALYZE, FORMAT json)" if options.analyze else "EXPLAIN (FORMAT json)"
        rows = self._connections.run_all(f"{words} {prepared.sql}", prepared, uses_temp=plan.uses_temp)
        text = "\n".join(str(row[-1]) for row in rows)
        if options.is_json:
            return text_rows("QUERY PLAN", "EXPLAIN", [explain_json(prepared.reports, text)], oids.JSON)
        return text_rows(
            "QUERY PLAN",
            "EXPLAIN",
            explain_lines(prepared.reports, text, len(plan.columns) if options.has_costs else None),
        )


def _is_query(statement: Statement) -> bool:
    return statement.node_name == "select_stmt" and not statement.node.HasField("into_clause")
