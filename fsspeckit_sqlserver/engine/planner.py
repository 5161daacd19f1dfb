"""From a statement of one session to a plan and its files: names, plans kept, snapshots of the datasets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_lib.datasets import Manifest
from fsspeckit_lib.errors import AccessDenied, GatewayError
from fsspeckit_sqlserver.engine.compiler import Draft, Plan, bind_columns, compile_query, draft_query
from fsspeckit_sqlserver.engine.connections import Connections
from fsspeckit_sqlserver.engine.constant_parameters import constant_numbers, numeric_digits
from fsspeckit_sqlserver.engine.dialect import Surroundings
from fsspeckit_sqlserver.engine.errors import UndefinedParameter
from fsspeckit_sqlserver.engine.folding import Folder
from fsspeckit_sqlserver.engine.moments import Moment, bound_values
from fsspeckit_sqlserver.engine.origins import note_origins
from fsspeckit_sqlserver.engine.parameters import oid_of_value
from fsspeckit_sqlserver.engine.relations import known_relations, settle_columns
from fsspeckit_sqlserver.engine.resolve import SCAN_SCHEMA
from fsspeckit_sqlserver.engine.running import is_stale
from fsspeckit_sqlserver.engine.scanning import Prepared
from fsspeckit_sqlserver.engine.tables import DatasetTable, Shape
from fsspeckit_sqlserver.engine.temporaries import Temporaries
from fsspeckit_sqlserver.engine.temporary_catalog import TemporaryCatalog
from fsspeckit_sqlserver.engine.trees import walk
from fsspeckit_sqlserver.engine.world import World
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.composite import composite_column, row_types_of
from fsspeckit_sqlserver.types.mapping import column_for

__all__ = ["Planner", "check_values"]

_MAX_PLANS: Final = 256
_MAX_PLANS_OF_VALUES: Final = 64
_MAX_SHARED_PLANS: Final = 2_000


class Planner:
    """Plans the queries of one session. Also its names, as `resolve` asks for them."""

    def __init__(self, world: World, connections: Connections, temporaries: Temporaries) -> None:
        self._world, self._connections, self._temporaries = world, connections, temporaries
        self._plans: dict[tuple[object, ...], Plan] = {}
        self._plans_of_values: dict[tuple[object, ...], Plan] = {}
        self._constant_numbers: dict[str, tuple[int, ...]] = {}
        self._declared: dict[tuple[str, tuple[int, ...]], tuple[int, ...]] = {}
        self._snapshot: dict[str, Manifest] | None = None
        self._begun_at: dt.datetime | None = None
        connections.own_variables = TemporaryCatalog(world, connections, temporaries).variables

    # ---- engine.resolve.Relations

    @property
    def database(self) -> str:
        """The name of the session's database."""
        return self._connections.database

    @property
    def search_path(self) -> tuple[str, ...]:
        """Schemas in which unqualified names are looked for."""
        return self._connections.search_path

    @property
    def temp_schema(self) -> str:
        """The schema of the session's temporary objects."""
        return self._temporaries.schema

    def dataset(self, schema: str, name: str) -> DatasetTable | None:
        """Return the dataset of that name."""
        return self._world.dataset(schema, name)

    def catalog_relation(self, schema: str, name: str) -> tuple[str, str] | None:
        """Return where DuckDB has a relation of the catalog."""
        return self._world.catalog_relation(schema, name)

    def temp_view(self, name: str) -> pb.SelectStmt | None:
        """Return the query of a temporary view."""
        view = self._temporaries.views.get(name)
        return None if view is None else view.query

    def has_temp_table(self, name: str) -> bool:
        """Return whether there is such a temporary table."""
        if self._connections.has_lost_tables:
            self._temporaries.lose_tables()
        return name in self._temporaries.tables

    def has_schema(self, name: str) -> bool:
        """Return whether there is such a schema."""
        return name in {"pg_temp", self.temp_schema, "pg_catalog", "information_schema"} or self._world.has_schema(name)

    def use_sequence(self, name: str, *, gives: bool) -> bool:
        """Return whether there is such a sequence, which gives a number; note it as the last one that did."""
        temporaries = self._temporaries
        if gives:
            temporaries.silent.discard(name)
        if not name or (gives and name in temporaries.sequences and name != temporaries.last_sequence):
            self.forget_plans()
            temporaries.last_sequence = name
        return name in temporaries.sequences

    def is_silent(self, name: str) -> bool:
        """Return whether a sequence has given no number since DISCARD SEQUENCES."""
        return name in self._temporaries.silent

    @property
    def last_sequence(self) -> str:
        """The sequence that gave a number last; empty for none."""
        return self._temporaries.last_sequence

    def known_names(self) -> list[str]:
        """Return the names of all tables, for hints."""
        names = [*self._world.table_names(), *self._temporaries.tables, *self._temporaries.views]
        return names + [name.partition(".")[2] for name in names if name.startswith("public.")]

    # ---- transactions

    def begin(self) -> None:
        """Let later statements see one snapshot: each table's is taken when it is first read."""
        self._snapshot = {}
        self._begun_at = dt.datetime.now(dt.UTC)  # now() is the same in all statements of a transaction

    def end(self) -> None:
        """Go back to the files of the moment."""
        self._snapshot = self._begun_at = None

    def seen_before(self) -> frozenset[str]:
        """Return the tables whose snapshot earlier statements of the transaction have seen."""
        return frozenset(self._snapshot or ())

    def forget_plans(self) -> None:
        """Drop the plans: names mean something else now."""
        self._plans.clear()
        self._plans_of_values.clear()

    # ---- plans

    def surroundings(self, now_parameter: int | None = None) -> Surroundings:
        """Return what a statement may ask of its session."""
        world, connections = self._world, self._connections
        return Surroundings(
            connections.user,
            connections.database,
            world.version,
            tuple(filter(self.has_schema, connections.search_path)),
            world.macros,
            world.table_macros,
            now_parameter,
            None if self.is_shareable else self.temp_schema,
            connections.text_style,
            connections.time_zone,
            connections.float_digits,
        )

    def plan(
        self, statement: Statement, parameter_oids: Sequence[int] | None = None, values: Sequence[object] = ()
    ) -> tuple[Plan, list[Manifest]]:
        """Return the plan of a query and the manifest of each of its datasets, whose shapes are the plan's.

        Args:
            parameter_oids: what the client declared, 0 for what it leaves open; None to run what was described: the
                statement carries the types that were announced then, and they tell it from its namesakes.
            values: of the parameters, when it is run: their types where neither client nor statement tells.

        Raises:
            GatewayError: it does not resolve or bind, or the datasets cannot be read.
        """
        if parameter_oids is None:
            announced = statement.parameter_oids
            declared = self._declared.get((statement.sql, announced), announced)
        else:
            declared = tuple(oid if oid != oids.UNKNOWN else 0 for oid in parameter_oids)
        plan, manifests = self._plan(statement, declared, values)
        if parameter_oids is not None:
            if len(self._declared) > _MAX_PLANS:
                self._declared.clear()
            self._declared[statement.sql, plan.parameter_oids] = declared
        return plan, manifests

    def _plan(
        self, statement: Statement, declared: tuple[int, ...], values: Sequence[object]
    ) -> tuple[Plan, list[Manifest]]:
        fallback = tuple(oid_of_value(value) for value in values)
        constants, digits = self._constants(statement, values), tuple(numeric_digits(values).items())
        key = (statement.sql, declared, fallback, *self._connections.identity, *constants, *digits)
        plans = self._world.plans if self.is_shareable else self._plans
        if constants:
            plans = self._plans_of_values
        plan = plans.get(key)
        if (
            plan is None and fallback and not constants and not digits
        ):  # as it was described, where the values do not tell more
            described = plans.get((statement.sql, declared, (), *self._connections.identity))
            plan = described if described is not None and described.is_typed else None
        if plan is not None:
            manifests = self.manifests(plan.tables)
            if self._shapes(plan.tables, manifests) == plan.shapes:
                if plan.uses_variables:
                    self._world.prepare_catalog(self._connections.checkpoint)
                return plan, manifests
        checkpoint = self._connections.checkpoint  # thousands of values take seconds
        draft = draft_query(statement.node, self)
        checkpoint()
        manifests = self.manifests(draft.tables)
        shapes = self._shapes(draft.tables, manifests)
        relation_of = known_relations(draft.tables, shapes, self._temporaries.tables)
        origins = settle_columns(draft.node, relation_of, draft.resolution.views)
        if draft.resolution.uses_catalog:
            self._world.prepare_catalog(self._connections.checkpoint)
        plan = compile_query(
            draft,
            shapes,
            self.surroundings(),
            declared,
            self._column_oids(draft, shapes),
            self._world.stability,
            fallback,
            self._connections.date_order,
            values,
        )
        checkpoint()
        if plan.uses_variables and not draft.resolution.uses_catalog:  # the catalog's functions read its rows
            self._world.prepare_catalog(self._connections.checkpoint)
        cursor = self._connections.for_statement(uses_temp=plan.uses_temp, uses_variables=plan.uses_variables)
        try:
            bind_columns(plan, cursor)
            checkpoint()
            if self._connections.has_row_types:
                plan.columns = tuple(map(composite_column, plan.columns, plan.duckdb_types))
                self._world.note_row_types(row_types_of(plan.columns))
            note_origins(plan, origins, self._temporaries, self._world)
        finally:
            if not plan.uses_temp:
                cursor.close()
        plans[key] = plan
        limit = _MAX_PLANS if plans is self._plans else _MAX_PLANS_OF_VALUES if constants else _MAX_SHARED_PLANS
        while len(plans) > limit:
            try:
                plans.pop(next(iter(plans)), None)
            except (RuntimeError, StopIteration):  # another session did so just now
                break
        return plan, manifests

    def _constants(self, statement: Statement, values: Sequence[object]) -> tuple[object, ...]:
        """Return the values that have to be in the statement's text, and what else their plans depend on."""
        if not values:
            return ()
        numbers = self._constant_numbers.get(statement.sql)
        if numbers is None:
            if len(self._constant_numbers) > _MAX_PLANS:
                self._constant_numbers.clear()
            numbers = self._constant_numbers[statement.sql] = constant_numbers(statement.node)
        found = tuple((number, repr(values[number - 1])) for number in numbers if number <= len(values))
        return (self.is_shareable, *found) if found else ()

    @property
    def is_shareable(self) -> bool:
        """Whether names mean the same as in other sessions: there are no temporary objects."""
        return not (self._temporaries.tables or self._temporaries.views or self._temporaries.sequences)

    def _shapes(self, tables: Sequence[DatasetTable], manifests: Sequence[Manifest]) -> list[Shape]:
        return [self._world.shapes.of(table, manifest) for table, manifest in zip(tables, manifests, strict=True)]

    def manifests(self, tables: Sequence[DatasetTable], *, is_fresh: bool = False) -> list[Manifest]:
        """Return the manifest of each table: the transaction's snapshot, else one not older than the TTL.

        Nothing reads a table without its manifest, so whether the user may is asked here: of plans and answers that
        are kept, too.

        Args:
            is_fresh: list again, because the last one proved stale.

        Raises:
            AccessDenied: the user may not read one of them, in PostgreSQL's words.
        """
        found: dict[str, Manifest] = {}
        for table in tables:
            if not self._world.may_read(self._connections.user, table):
                raise AccessDenied(f"permission denied for table {table.name}")
            name = table.full_name
            if name in found:
                continue
            snapshot = self._snapshot
            if snapshot is not None and name in snapshot and not is_fresh:
                found[name] = snapshot[name]
                continue
            found[name] = table.dataset.manifest(checkpoint=self._connections.checkpoint, is_fresh=is_fresh)
            if snapshot is not None:
                snapshot[name] = found[name]
        return [found[table.full_name] for table in tables]

    def moment(self, now: dt.datetime | None = None) -> Moment:
        """Return when and where the statement runs."""
        connections = self._connections
        return Moment(now or self._begun_at or dt.datetime.now(dt.UTC), connections.time_zone, connections.date_order)

    def prepare(self, plan: Plan, manifests: Sequence[Manifest], parameters: Sequence[object]) -> Prepared:
        """Prune and fetch the files of a plan.

        Raises:
            CacheStale, FileGone: the files are not what the manifests say.
            AccessDenied, Unavailable, ResourceExhausted, Cancelled.
        """
        check_values(plan.parameters, parameters)
        now = self._begun_at or dt.datetime.now(dt.UTC)
        values = bound_values(parameters, plan.parameter_oids, self.moment(now))
        named: dict[str, object] = {str(number): value for number, value in enumerate(values, 1)}
        named[plan.now_name] = now
        surroundings = replace(self.surroundings(), now_parameter=plan.parameters + 1)
        return self._world.scanner.prepare(
            plan,
            manifests,
            values,
            self._connections.checkpoint,
            zone_is_utc=self._connections.zone_is_utc,
            now=now,
            fold=Folder(lambda: self._connections.cursor(for_catalog=False), surroundings, named),
        )

    def plan_and_prepare(self, query: Statement, parameters: Sequence[object]) -> tuple[Plan, Prepared]:
        """Plan a query and fetch its files; once more when they turn out to be other than listed."""
        seen_before = self.seen_before()
        plan, manifests = self.plan(query, values=parameters)
        try:
            return plan, self.prepare(plan, manifests, parameters)
        except GatewayError as error:
            if not is_stale(error) or any(table.full_name in seen_before for table in plan.tables):
                raise
        self.manifests(plan.tables, is_fresh=True)
        plan, manifests = self.plan(query, values=parameters)
        return plan, self.prepare(plan, manifests, parameters)

    def _column_oids(self, draft: Draft, shapes: Sequence[Shape]) -> Callable[[Sequence[str]], frozenset[int]]:
        relations: dict[str, Callable[[str], int | None]] = {}
        with_rows = self._connections.has_row_types
        for message in walk(draft.node):
            if not isinstance(message, pb.RangeVar):
                continue
            alias = (message.alias.aliasname or message.relname).casefold()
            if message.schemaname == SCAN_SCHEMA:
                relations[alias] = _oids_of(shapes[int(message.relname[1:])].columns, with_rows)
            elif message.catalogname == "temp":
                relations[alias] = _oids_of(self._temporaries.tables.get(message.relname, {}), with_rows)
            elif message.schemaname.startswith("gw_"):
                relations[alias] = _catalog_oids(self._world, message.relname)
        return lambda parts: _lookup_oid(relations, parts)


def _oids_of(columns: Mapping[str, str], with_rows: bool) -> Callable[[str], int | None]:
    found = {name.casefold(): (column_for(name, kind), kind) for name, kind in columns.items()}
    known = {
        name: (composite_column(column, kind) if with_rows else column).type_oid
        for name, (column, kind) in found.items()
    }
    return known.get


def _catalog_oids(world: World, relation: str) -> Callable[[str], int | None]:
    return lambda column: world.catalog_column_oid(relation, column)


def _lookup_oid(relations: dict[str, Callable[[str], int | None]], parts: Sequence[str]) -> frozenset[int]:
    name = parts[-1].casefold()
    if len(parts) > 1:
        found = relations.get(parts[-2].casefold())
        asked = [] if found is None else [found]
    else:
        asked = list(relations.values())
    return frozenset(oid for column_oid in asked if (oid := column_oid(name)) is not None)


def check_values(wanted: int, parameters: Sequence[object]) -> None:
    """Make sure that every `$n` has a value.

    Raises:
        UndefinedParameter: there are too few.
    """
    if len(parameters) < wanted:
        raise UndefinedParameter(f"there is no parameter ${len(parameters) + 1}")
