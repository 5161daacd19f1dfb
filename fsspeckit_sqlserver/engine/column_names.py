"""What each column reference of a resolved query means, by PostgreSQL's rules, before DuckDB gets to see it. Pure.

DuckDB looks for names otherwise: an alias of the SELECT list counts in WHERE and before the columns of outer queries,
and things in FROM see each other without LATERAL. So what is out of sight is refused here, with PostgreSQL's words, and
what an outer query has gets the name of its table. Order of the checks, and so of the errors, as in PostgreSQL 15
(`transformSelectStmt`): FROM, SELECT list, WHERE, HAVING, ORDER BY, GROUP BY, DISTINCT, LIMIT, WINDOW.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import InvalidColumnReference, StatementProblem, UndefinedObject
from fsspeckit_sqlserver.engine.namespaces import (
    Cte,
    Found,
    Level,
    RelationOf,
    Source,
    is_system_column,
    joined,
    missing_column,
    missing_table,
    renamed,
)
from fsspeckit_sqlserver.engine.naming import output_name
from fsspeckit_sqlserver.engine.output_names import (
    Output,
    Outputs,
    check_same_width,
    check_sort_items,
    check_subquery,
    check_values,
    ends_in_star,
    plain_name,
    windows_of,
)
from fsspeckit_sqlserver.engine.resolve import TEMP_SCHEMA
from fsspeckit_sqlserver.engine.trees import child_messages, names_of

__all__ = ["Scopes"]

_LEAVES: Final = frozenset({None, "a_const", "param_ref", "string", "integer", "a_star"})
_ONE_COLUMN: Final = frozenset(
    {"generate_series", "unnest", "regexp_split_to_table", "string_to_table", "generate_subscripts"}
)


_Ctes: TypeAlias = Mapping[str, Cte]


class Scopes:
    """Checks one statement, and qualifies its references to outer queries in place."""

    def __init__(self, relation_of: RelationOf, views: Sequence[tuple[pb.SelectStmt, str]] = ()) -> None:
        """Begin.

        Args:
            relation_of: tells what a resolved reference is.
            views: queries that stand in the place of views, and the views' names.
        """
        self._relation_of, self._views = relation_of, views

    def select(self, select: pb.SelectStmt, parent: Level | None, ctes: _Ctes) -> Outputs:
        """Check one query; return its columns.

        Raises:
            StatementProblem: a name is not in sight, or means several things.
        """
        ctes = self._with(select, parent, ctes)
        if select.op != pb.SETOP_NONE:
            outputs = self.select(select.larg, parent, ctes)
            others = self.select(select.rarg, parent, ctes)
            check_same_width(select, outputs, others)
            check_sort_items(select, outputs, lambda node: self._in_union(node, outputs))
            self._expressions((select.limit_count, select.limit_offset), Level(parent), ctes)
            return outputs.without_origins()
        level = Level(parent, is_locked=bool(select.locking_clause))
        if select.values_lists:
            self._expressions(select.values_lists, level, ctes)
            self._expressions(
                (*select.sort_clause, select.limit_count, select.limit_offset), Level(parent, [_OPEN]), ctes
            )
            width = check_values(select)
            return Outputs([Output(f"column{place + 1}") for place in range(width)])
        for item in select.from_clause:
            self.add_from(item, level, ctes)
        return self._after_from(select, level, ctes)

    def _after_from(self, select: pb.SelectStmt, level: Level, ctes: _Ctes) -> Outputs:
        outputs = self.targets(select.target_list, level, ctes)
        self._expressions((select.where_clause, select.having_clause), level, ctes)
        check_sort_items(select, outputs, lambda node: self._at(node, level, ctes))
        for item in select.group_clause:
            name = plain_name(item)
            if name is None or level.own_column(name, name.casefold(), 0, item.column_ref.location) is not None:
                self._item(item, "GROUP BY", outputs, level, ctes)
            elif not outputs.has(name, item.column_ref.location, "GROUP BY"):
                self._expressions((item,), level, ctes)
        for item in select.distinct_clause:
            name = plain_name(item)
            if name is None or not outputs.has(name, item.column_ref.location, "SELECT DISTINCT ON"):
                self._item(item, "SELECT DISTINCT ON", outputs, level, ctes)
        for limit, word in ((select.limit_count, "LIMIT"), (select.limit_offset, "OFFSET")):
            self._limit(limit, word, level, ctes)
        named = {item.window_def.name for item in select.window_clause}
        self._expressions(select.window_clause, level, ctes)
        for place, node in windows_of(select):
            if node not in named:
                raise UndefinedObject(f'window "{node}" does not exist', None, place + 1)
        return outputs

    def targets(self, items: Sequence[pb.Node], level: Level, ctes: _Ctes) -> Outputs:
        """Check a SELECT list, or RETURNING; return its columns."""
        outputs = Outputs([])
        for item in items:
            value = item.res_target.val
            name = item.res_target.name
            if value.WhichOneof("node") != "column_ref":
                self._expressions((value,), level, ctes)
                if value.WhichOneof("node") == "a_indirection" and ends_in_star(value.a_indirection.indirection):
                    outputs.is_open = True
                else:
                    outputs.columns.append(Output(name or output_name(value), node=value))
                continue
            fields = value.column_ref.fields
            if ends_in_star(fields):
                self._star(value, level, outputs)
                continue
            shown = name or fields[-1].string.sval
            found = self._reference(value, level)
            origin = level.whole_row(fields[-1].string.sval, len(fields)) if found is None else found.base
            outputs.columns.append(Output(shown, None if found is None else found.identity, value, origin))
        return outputs

    def expression(self, node: Message, level: Level, ctes: _Ctes | None = None) -> None:
        """Check an expression."""
        self._expressions((node,), level, ctes or {})

    # ---- WITH

    def _with(self, select: pb.SelectStmt, parent: Level | None, ctes: _Ctes) -> _Ctes:
        return self.common_tables(select.with_clause, parent, ctes) if select.HasField("with_clause") else ctes

    def common_tables(self, clause: pb.WithClause, parent: Level | None, ctes: _Ctes) -> _Ctes:
        """Check common table expressions; return those in sight after them."""
        known = dict(ctes)
        for item in clause.ctes:
            cte = item.common_table_expr
            titles = names_of(cte.aliascolnames)
            query = cte.ctequery.select_stmt
            inner = dict(known)
            if clause.recursive:
                inner |= {
                    other.common_table_expr.ctename: (names_of(other.common_table_expr.aliascolnames), True, ())
                    for other in clause.ctes
                    if other.common_table_expr.ctename not in known or other is item
                }
            outputs = self.select(query, parent, inner)
            is_open = outputs.is_open or cte.HasField("search_clause") or cte.HasField("cycle_clause")
            if len(titles) > len(outputs.columns) and not outputs.is_open:
                have = len(outputs.columns)
                raise InvalidColumnReference(
                    f'WITH query "{cte.ctename}" has {have} columns available but {len(titles)} columns specified',
                    None,
                    cte.location + 1,
                )
            columns = (*titles, *(output.name for output in outputs.columns[len(titles) :]))
            known[cte.ctename] = (columns, is_open, [output.origin for output in outputs.columns])
        return known

    # ---- FROM

    def add_from(self, node: pb.Node, level: Level, ctes: _Ctes) -> None:
        """Check one thing in FROM and let the level see it."""
        level.lateral = list(level.sources)
        before, level.sources = level.sources, []
        found = self._from_item(node, level, ctes)
        level.sources, level.lateral = [*before, *found], []

    def _from_item(self, node: pb.Node, level: Level, ctes: _Ctes) -> list[Source]:
        kind = node.WhichOneof("node")
        if kind == "range_var":
            source = self._table(node.range_var, ctes)
        elif kind == "join_expr":
            return self._join(node.join_expr, level, ctes)
        elif kind == "range_subselect":
            subselect = node.range_subselect
            level.is_lateral = bool(subselect.lateral)
            outputs = self.select(subselect.subquery.select_stmt, level, ctes)
            level.is_lateral = False
            names = [output.name for output in outputs.columns]
            source = Source(subselect.alias.aliasname, names, outputs.is_open)
            if view := self._view_of(subselect.subquery.select_stmt):
                source.is_table, source.schema, source.relation = True, TEMP_SCHEMA, view
            elif not outputs.is_open:
                source.bases = [output.origin for output in outputs.columns]
            source = renamed(source, subselect.alias)
        elif kind == "range_function":
            source = self._function(node.range_function, level, ctes)
        else:
            level.is_lateral = True
            self._expressions((node,), level, ctes)
            level.is_lateral = False
            source = Source("", [], is_open=True)
        level.everything.append(source)
        return [source]

    def _view_of(self, select: pb.SelectStmt) -> str:
        return next((name for query, name in self._views if query is select), "")

    def _table(self, reference: pb.RangeVar, ctes: _Ctes) -> Source:
        alias = reference.alias.aliasname or reference.relname
        relation = self._relation_of(reference)
        if relation is not None:
            source = Source(alias, list(relation.columns), False, relation.schema, relation.name)
            source.has_alias, source.is_table = alias != relation.name, True
        else:
            columns, is_open, bases = ctes.get(reference.relname, ((), True, ()))
            source = Source(alias, list(columns), is_open, "", reference.relname, alias != reference.relname)
            source.bases = () if is_open else bases
        return renamed(source, reference.alias)

    def _function(self, function: pb.RangeFunction, level: Level, ctes: _Ctes) -> Source:
        level.is_lateral = True
        self._expressions(function.functions, level, ctes)
        level.is_lateral = False
        called = function.functions[0].list.items[0] if function.functions else pb.Node()
        name = names_of(called.func_call.funcname)[-1] if called.WhichOneof("node") == "func_call" else ""
        alias = function.alias.aliasname or name
        columns = list(names_of(function.alias.colnames)) or ([] if function.coldeflist else [alias])
        columns += [item.column_def.colname for item in function.coldeflist][len(columns) :]
        return Source(alias, columns, is_open=name not in _ONE_COLUMN or function.ordinality or len(columns) > 1)

    def _join(self, join: pb.JoinExpr, level: Level, ctes: _Ctes) -> list[Source]:
        before = list(level.lateral)
        left = self._from_item(join.larg, level, ctes)
        level.lateral = [*before, *left]
        right = self._from_item(join.rarg, level, ctes)
        level.lateral = before
        on = [*left, *right]
        if join.HasField("quals"):
            outside, level.sources = level.sources, on
            self._expressions((join.quals,), level, ctes)
            level.sources = outside
        source, merged = joined(
            left, right, names_of(join.using_clause), is_natural=join.is_natural, kind=join.jointype
        )
        level.everything.append(source)
        if join.HasField("join_using_alias"):  # DuckDB has no such alias: the merged columns are reached without it
            named = Source(join.join_using_alias.aliasname, merged, gives_columns=False, is_join=True)
            named.bases = source.bases[: len(merged)]
            join.ClearField("join_using_alias")
            return [source, named, *on]
        if join.HasField("alias"):
            source.alias, source.is_qualifiable = join.alias.aliasname, True
            return [renamed(source, join.alias)]
        return [source, *on]

    # ---- expressions

    def _expressions(self, messages: Sequence[Message], level: Level, ctes: _Ctes) -> None:
        for message in messages:
            if isinstance(message, pb.Node):
                kind = message.WhichOneof("node")
                if kind == "column_ref":
                    self._reference(message, level)
                    continue
                if kind in _LEAVES:
                    continue
                message = getattr(message, kind)
            if isinstance(message, pb.A_Expr):  # half of all: three times as fast as by its fields
                self._expressions((message.lexpr, message.rexpr), level, ctes)
                continue
            if isinstance(message, pb.SelectStmt):
                self.select(message, level, ctes)
                continue
            if isinstance(message, pb.SubLink):
                self._expressions((message.testexpr,), level, ctes)
                check_subquery(message, self.select(message.subselect.select_stmt, level, ctes))
                continue
            if isinstance(message, pb.TypeName):
                continue
            self._expressions(child_messages(message), level, ctes)

    def _at(self, node: pb.Node, level: Level, ctes: _Ctes) -> object:
        """Check an expression of ORDER BY; return which column it is, None where it is none."""
        if node.WhichOneof("node") == "column_ref":
            found = self._reference(node, level)
            return None if found is None else found.identity
        self._expressions((node,), level, ctes)
        return None

    def _item(self, node: pb.Node, clause: str, outputs: Outputs, level: Level, ctes: _Ctes) -> None:
        if not outputs.check_position(node, clause):
            self._expressions((node,), level, ctes)

    def _limit(self, node: pb.Node, word: str, level: Level, ctes: _Ctes) -> None:
        kind = node.WhichOneof("node")
        if kind is None or kind in {"a_const", "param_ref"}:
            return
        self._expressions((node,), level, ctes)
        if kind == "column_ref":
            found = self._reference(node, level)
            if found is not None and found.source is not None and not found.depth:
                place = node.column_ref.location + 1
                raise InvalidColumnReference(f"argument of {word} must not contain variables", None, place)

    def _star(self, node: pb.Node, level: Level, outputs: Outputs) -> None:
        parts = names_of(node.column_ref.fields)[:-1]
        location = node.column_ref.location
        if not parts:
            if not level.sources:
                raise StatementProblem("SELECT * with no tables specified is not valid", None, location + 1)
            found = [source for source in level.sources if source.gives_columns]
        else:
            table = self._qualifier(node, parts, level, location)
            if table is None:
                outputs.is_open = True
                return
            found = [table]
        for source in found:
            outputs.is_open = outputs.is_open or source.is_open
            for place, column in enumerate(source.columns):
                origin = source.origins[place] if source.origins else None
                base, name = origin if origin is not None else (source, column)
                outputs.columns.append(Output(column, (id(base), name.casefold()), None, source.base(place)))

    def _qualifier(self, node: pb.Node, parts: Sequence[str], level: Level, location: int) -> Source | None:
        """Return the source that the qualifier of a reference names, None where that cannot be told."""
        name, schema = parts[-1], parts[-2] if len(parts) > 1 else ""
        found = level.table(name, schema)
        if found is None:
            if len(parts) == 1 and level.column(name, location) is not None:
                return None  # a field of a struct
            raise missing_table(level, name, location)
        if schema:
            del node.column_ref.fields[: len(parts) - 1]
        return found[0]

    def _reference(self, node: pb.Node, level: Level) -> Found | None:
        """Return what a column reference means, None where that is no column or cannot be told."""
        fields, location = node.column_ref.fields, node.column_ref.location
        if ends_in_star(fields):
            return None
        parts = names_of(fields)
        name = parts[-1]
        folded = name.casefold()
        if len(parts) == 1:
            found = level.column(name, location)
            if found is None:
                if is_system_column(level, folded, location) or level.table(name) is not None:
                    return None
                raise missing_column(level, "", name, location)
            self._qualify(node, found, level)
            return found
        source = self._qualifier(node, parts[:-1], level, location)
        if source is None:
            return None
        if source.has(folded) > 1:
            level.own_column(name, folded, 0, location)
        if source.has(folded):
            if source.is_join and not source.gives_columns:  # the name of what USING merged
                del fields[:-1]
            return replace(Found(source, folded, 0))
        if source.is_open or is_system_column(level, folded, location, source):
            return None
        raise missing_column(level, parts[-2], name, location)

    def _qualify(self, node: pb.Node, found: Found, level: Level) -> None:
        source = found.source
        if not found.depth or source is None or not source.alias or not source.is_qualifiable:
            return
        if level.is_shadowed(source, found.depth):
            return
        named = pb.Node()
        named.string.sval = source.alias
        column = pb.Node()
        column.CopyFrom(node.column_ref.fields[0])
        del node.column_ref.fields[:]
        node.column_ref.fields.extend([named, column])

    def _in_union(self, node: pb.Node, outputs: Outputs) -> object:
        if outputs.is_open:
            return None
        if node.WhichOneof("node") == "column_ref":
            parts = names_of(node.column_ref.fields)
            if len(parts) == 1:
                raise missing_column(Level(None), "", parts[0], node.column_ref.location)
            raise missing_table(Level(None), parts[-2], node.column_ref.location)
        return UNION_ORDER


UNION_ORDER: Final = object()
_OPEN: Final = Source("", [], is_open=True)
