"""From a statement to a plan: resolved, analysed, in DuckDB's dialect, bound once.

A plan holds everything that does not depend on parameters or on the files of the moment, so a session keeps the plans
of its recent statements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import duckdb
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.deparsing import deparse
from fsspeckit_sqlserver.engine.announce import announced
from fsspeckit_sqlserver.engine.constant_parameters import settle_constants, settle_digits
from fsspeckit_sqlserver.engine.dialect import Dialect, Surroundings, point_at_own
from fsspeckit_sqlserver.engine.inference import Inferred, infer_types
from fsspeckit_sqlserver.engine.interval_constants import separate_intervals
from fsspeckit_sqlserver.engine.naming import name_targets, output_name
from fsspeckit_sqlserver.engine.null_arrays import mind_null_arrays
from fsspeckit_sqlserver.engine.parameters import (
    cast_parameters,
    count_parameters,
    drop_void_arguments,
    infer_parameters,
)
from fsspeckit_sqlserver.engine.resolve import Relations, Resolution, resolve
from fsspeckit_sqlserver.engine.row_comparisons import expand_rows
from fsspeckit_sqlserver.engine.sampling import rewrite_samples
from fsspeckit_sqlserver.engine.scans import fill_scans, point_at_shapes
from fsspeckit_sqlserver.engine.scopes import Reference, analyse
from fsspeckit_sqlserver.engine.sequences import quiet_sequences
from fsspeckit_sqlserver.engine.stability import Stability, reads_clock
from fsspeckit_sqlserver.engine.tables import DatasetTable, Shape, quoted
from fsspeckit_sqlserver.engine.translation import translate_duckdb
from fsspeckit_sqlserver.engine.trees import call, copied, parsed_select, replace_node, walk
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column

__all__ = ["Draft", "Plan", "bind_columns", "compile_query", "draft_query"]

ColumnSets: TypeAlias = Callable[[Sequence[str]], frozenset[int]]
"""Name parts of a column reference → the types of the columns it may mean."""

_MAX_TEXTS: Final = 16
_SMALL_NODES: Final = frozenset({"range_var", "range_subselect", "range_function", "join_expr"})


@dataclass(slots=True)
class Draft:
    """A query whose tables are known, before their columns are.

    Attributes:
        node: holds the resolved SelectStmt; a copy of its own.
        tables: dataset references by place.
    """

    node: pb.Node
    resolution: Resolution[DatasetTable]

    @property
    def tables(self) -> list[DatasetTable]:
        """The dataset of each reference."""
        return self.resolution.datasets


@dataclass(slots=True)
class Plan:
    """A query ready to run.

    Attributes:
        node: the tree in DuckDB's dialect, dataset references still by place.
        tables, shapes: of each dataset reference.
        references: what is known of each, by place.
        parameters: how many `$n` it has; the engine's own come after them, the statement's time first.
        uses_now: it asks for that time.
        parameter_oids: the type of each.
        columns: of the result.
        inferred: the columns' types in PostgreSQL, None where a `*` hides them.
        casts: how to write a result column out, with `{}` for its value, by place.
        is_small: touches no table: its answer is a handful of values.
        uses_variables: it calls the catalog, whose macros ask for the session's variables.
        is_repeatable: it gives the same rows as long as what it reads does not change.
        is_typed: every parameter has a type, whatever its value.
        is_lookup: rows whose column equals a value, in no order: a few, as a rule.
        reads_no_column: nothing but the number of rows matters.
    """

    node: pb.Node
    tables: list[DatasetTable]
    shapes: list[Shape]
    references: dict[int, Reference]
    parameters: int
    parameter_oids: tuple[int, ...]
    used_parameters: frozenset[int]
    uses_now: bool
    uses_temp: bool
    uses_catalog: bool
    is_small: bool
    reads_no_column: bool
    uses_variables: bool
    is_repeatable: bool
    is_typed: bool
    is_lookup: bool
    inferred: list[Inferred] | None = None
    columns: tuple[Column, ...] = ()
    duckdb_types: tuple[str, ...] = ()
    casts: dict[int, str] = field(default_factory=dict)
    texts: dict[object, str] = field(default_factory=dict)

    @property
    def now_name(self) -> str:
        """The name of the parameter that holds the statement's time."""
        return str(self.parameters + 1)

    def describing_sql(self) -> str:
        """Return the statement over empty tables."""
        node = copied(self.node)
        point_at_shapes(node, self.shapes)
        quiet_sequences(node)
        return deparse("select_stmt", node.select_stmt)

    def sql(self, key: object, selects: Callable[[], Sequence[pb.SelectStmt]]) -> str:
        """Return the statement over files.

        Args:
            key: tells apart what `selects` look like.
            selects: returns the scan of each dataset reference, by place.
        """
        text = self.texts.get(key)
        if text is None:
            node = copied(self.node)
            fill_scans(node, selects())
            text = self._with_casts(deparse("select_stmt", node.select_stmt))
            if len(self.texts) >= _MAX_TEXTS:
                self.texts.clear()
            self.texts[key] = text
        return text

    def _with_casts(self, text: str) -> str:
        if not self.casts:
            return text
        names = [f"c{place}" for place in range(len(self.columns))]
        listing = ", ".join(
            f"{self.casts.get(place, '{}').format(name)} AS {quoted(column.name)}"
            for place, (name, column) in enumerate(zip(names, self.columns, strict=True))
        )
        return f"SELECT {listing} FROM ({text}) AS q({', '.join(names)})"


def draft_query(select: pb.SelectStmt, relations: Relations[DatasetTable]) -> Draft:
    """Resolve the tables of a query.

    Raises:
        UndefinedTable, UndefinedSchema, UnsupportedStatement.
    """
    node = pb.Node()
    node.select_stmt.CopyFrom(select)
    if select.values_lists and not select.HasField("with_clause"):
        _name_top_values(node)
    rewrite_samples(node)
    expand_rows(node)
    return Draft(node, resolve(node, relations))


def compile_query(
    draft: Draft,
    shapes: list[Shape],
    surroundings: Surroundings,
    declared_oids: Sequence[int],
    column_oids: ColumnSets,
    stability: Stability,
    value_oids: Sequence[int] = (),
    date_order: str = "MDY",
    values: Sequence[object] = (),
) -> Plan:
    """Return the plan of a query whose datasets have these shapes. `bind_columns` completes it.

    Args:
        declared_oids: types the client gave to its parameters, 0 for none.
        column_oids: types of the columns in sight that a name may mean.
        stability: of the database's functions and relations.
        value_oids: types of the parameters' values, for what nothing else tells.
        date_order: how a date such as 1/2/2003 is read.
        values: of the parameters, for those that have to be constants; empty before they are known.
    """
    node = draft.node
    if oids.VOID in declared_oids:
        drop_void_arguments(node, declared_oids)
    names = [shape.folded_names for shape in shapes]
    references = analyse(copied(node), lambda place: names[place])
    count = max(count_parameters(node), len(declared_oids))
    types = infer_parameters(node, declared_oids, lambda parts: _only(column_oids(parts)))
    is_typed = len(types) >= count
    for number, oid in enumerate(value_oids, 1):
        if oid:
            types.setdefault(number, oid)
    if count:
        settle_constants(node, types, values)
    used = frozenset(message.number for message in walk(node) if isinstance(message, pb.ParamRef))
    kinds = {message.WhichOneof("node") for message in walk(node) if isinstance(message, pb.Node)}
    for message in walk(node):
        if isinstance(message, pb.SelectStmt):
            name_targets(message)  # before the casts, which would give `SELECT $1` the type's name
    is_timeless = not reads_clock(node)
    cast_parameters(node, types)
    _keep_constant_keys(node)
    settle_digits(node, types, values)
    inferred = infer_types(node, column_oids, date_order, is_strict=not draft.resolution.uses_catalog)
    for target, kind in zip(node.select_stmt.target_list, inferred or (), strict=False):
        if kind.oid == oids.REGPROC:  # shown as a name: ADBC learns from them how to read a type
            value = target.res_target.val
            target.res_target.name = target.res_target.name or output_name(value)
            replace_node(value, call(("gw_pg", "regproc_text"), copied(value)))
    is_catalog = draft.resolution.uses_catalog and not draft.tables and not draft.resolution.uses_temp
    surroundings = replace(surroundings, now_parameter=count + 1)
    mind_null_arrays(node)
    separate_intervals(node)
    Dialect(surroundings, has_system_columns=is_catalog).rewrite(node)
    uses_variables = draft.resolution.uses_catalog or _calls_catalog(node)
    if uses_variables and surroundings.temp_schema is not None:
        point_at_own(node)
    return Plan(
        node,
        draft.tables,
        shapes,
        references,
        count,
        tuple(types.get(number, oids.TEXT) for number in range(1, count + 1)),
        used,
        any(isinstance(message, pb.ParamRef) and message.number == count + 1 for message in walk(node)),
        draft.resolution.uses_temp,
        draft.resolution.uses_catalog,
        is_small=not kinds & _SMALL_NODES,
        reads_no_column="column_ref" not in kinds,
        uses_variables=uses_variables,
        is_repeatable=is_timeless and stability.is_repeatable(node) and not draft.resolution.uses_temp,
        is_typed=is_typed,
        is_lookup=_is_lookup(node.select_stmt),
        inferred=inferred,
    )


def bind_columns(plan: Plan, cursor: duckdb.DuckDBPyConnection) -> None:
    """Let DuckDB bind the plan and note its columns. Runs nothing.

    Raises:
        StatementProblem: it does not bind.
    """
    parameters: dict[str, None] = {str(number): None for number in plan.used_parameters}
    if plan.uses_now:
        parameters[plan.now_name] = None
    try:
        relation = cursor.sql(plan.describing_sql(), params=parameters or None)
        types = tuple(str(kind) for kind in relation.types)
        names = list(relation.columns)
    except duckdb.Error as error:
        raise translate_duckdb(error) from error
    is_catalog = plan.uses_catalog and not plan.tables
    inferred = plan.inferred if plan.inferred is not None and len(plan.inferred) == len(types) else None
    columns = []
    sent = list(types)
    for place, (name, kind) in enumerate(zip(names, types, strict=True)):
        if is_catalog and kind == "UINTEGER":
            columns.append(Column(name, oids.OID))
            continue
        if is_catalog and kind == "UINTEGER[]":
            columns.append(Column(name, oids.ARRAY_OF[oids.OID]))
            continue
        column, template, sent_kind = announced(name, kind, inferred[place] if inferred else Inferred(None))
        columns.append(column)
        sent[place] = sent_kind
        if template is not None:
            plan.casts[place] = template
    plan.columns, plan.duckdb_types = tuple(columns), tuple(sent)


def _is_lookup(select: pb.SelectStmt) -> bool:
    others = (select.group_clause, select.sort_clause, select.distinct_clause, select.values_lists)
    if select.op != pb.SETOP_NONE or any(others) or len(select.from_clause) != 1 or select.HasField("with_clause"):
        return False
    condition = select.where_clause
    parts = condition.bool_expr.args if condition.bool_expr.boolop == pb.AND_EXPR else ()
    return any(
        part.a_expr.kind == pb.AEXPR_OP
        and part.a_expr.name[-1].string.sval == "="
        and {part.a_expr.lexpr.WhichOneof("node"), part.a_expr.rexpr.WhichOneof("node")} & {"column_ref"}
        for part in (condition, *parts)
        if part.WhichOneof("node") == "a_expr"
    )


def _keep_constant_keys(node: pb.Node) -> None:
    """`ORDER BY $1` and `GROUP BY $1` go by a constant, which DuckDB wants in an expression."""
    for select in walk(node):
        if not isinstance(select, pb.SelectStmt):
            continue
        for key in (*(item.sort_by.node for item in select.sort_clause), *select.group_clause):
            inner = key
            while inner.WhichOneof("node") == "type_cast":
                inner = inner.type_cast.arg
            if inner.WhichOneof("node") == "param_ref":
                value = copied(key)
                key.Clear()
                key.coalesce_expr.args.add().CopyFrom(value)


def _only(kinds: frozenset[int]) -> int | None:
    """Return the one type of a set, None for none and for several."""
    return next(iter(kinds)) if len(kinds) == 1 else None


def _calls_catalog(node: pb.Node) -> bool:
    return any(
        isinstance(message, pb.FuncCall) and message.funcname[0].string.sval == "gw_pg" for message in walk(node)
    )


def _name_top_values(node: pb.Node) -> None:
    """`VALUES (1, 2)` alone has the columns column1, column2."""
    values = copied(node)
    wrapper = parsed_select('SELECT * FROM (SELECT 1) AS "*VALUES*"')
    wrapper.from_clause[0].range_subselect.subquery.CopyFrom(values)
    inner = wrapper.from_clause[0].range_subselect.subquery.select_stmt
    for name in ("limit_count", "limit_offset"):
        if inner.HasField(name):
            getattr(wrapper, name).CopyFrom(getattr(inner, name))
            inner.ClearField(name)
    wrapper.limit_option, inner.limit_option = inner.limit_option, pb.LIMIT_OPTION_DEFAULT
    wrapper.sort_clause.extend(inner.sort_clause)
    del inner.sort_clause[:]
    node.select_stmt.CopyFrom(wrapper)
