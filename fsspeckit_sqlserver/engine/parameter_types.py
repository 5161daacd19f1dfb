"""Which types the statement itself tells of its open parameters: one walk in the order of PostgreSQL's own analysis.

The first place that needs a type of `$n` gives it. Operators and functions are resolved by their signatures, columns by
the relations of their query: those of subqueries and common table expressions from what they select.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.parameter_expressions import Columns, ParameterExpressions, Titled
from fsspeckit_sqlserver.engine.signatures import common_type
from fsspeckit_sqlserver.engine.trees import child_messages, names_of
from fsspeckit_sqlserver.types import oids

__all__ = ["ParameterTypes"]


class ParameterTypes(ParameterExpressions):
    """Visits a statement; `found` is what it tells."""

    # ---- statements

    def statement(self, message: Message) -> None:
        """Visit a statement, or a node that holds one."""
        if isinstance(message, pb.Node):
            kind = message.WhichOneof("node")
            if kind is not None:
                self.statement(getattr(message, kind))
        elif isinstance(message, pb.SelectStmt):
            self.select(message)
        elif isinstance(message, pb.InsertStmt | pb.UpdateStmt | pb.DeleteStmt):
            self._change(message)
        else:
            for child in child_messages(message):
                self.statement(child)

    def _change(self, message: pb.InsertStmt | pb.UpdateStmt | pb.DeleteStmt) -> None:
        self._with(message.with_clause)
        target = message.relation
        self.frames.append({(target.alias.aliasname or target.relname).casefold(): None})
        if isinstance(message, pb.InsertStmt):
            self._insert(message)
        else:
            for item in message.from_clause if isinstance(message, pb.UpdateStmt) else message.using_clause:
                self._from(item)
        if isinstance(message, pb.UpdateStmt):
            self._set(message.target_list)
        if not isinstance(message, pb.InsertStmt):
            self.condition(message.where_clause)
        for item in message.returning_clause.exprs:
            self.visit(item.res_target.val)
        self.frames.pop()

    def _set(self, targets: Iterable[pb.Node]) -> None:
        for target in targets:
            value = target.res_target.val
            self.visit(value)
            self.note(value, self.column_oids([target.res_target.name]))

    def _insert(self, insert: pb.InsertStmt) -> None:
        wanted = [self.column_oids([column.res_target.name]) for column in insert.cols]
        select = insert.select_stmt.select_stmt
        if select.values_lists:
            self._with(select.with_clause)
            for row in select.values_lists:
                for place, item in enumerate(row.list.items):
                    self.visit(item)
                    self.note(item, wanted[place] if place < len(wanted) else None)
        else:
            self.select(select)
            for target, kind in zip(select.target_list, wanted, strict=False):
                self.note(target.res_target.val, kind)
        self._set(insert.on_conflict_clause.target_list)
        self.condition(insert.on_conflict_clause.where_clause)

    # ---- queries

    def select(self, select: pb.SelectStmt) -> Titled:
        """Visit a query; return name and type of its columns."""
        outside = self.common
        self._with(select.with_clause)
        self.frames.append({})
        if select.op != pb.SETOP_NONE:
            found = self._set_operation(select)
        elif select.values_lists:
            found = self._values(select)
        else:
            found = self._plain(select)
        for item in select.sort_clause:
            self.visit(item.sort_by.node)
        for name in ("group_clause", "distinct_clause"):
            self.visit_all(getattr(select, name))
        for item in (select.limit_offset, select.limit_count):
            self.visit(item)
            self.note(item, oids.INT8)
        for item in select.window_clause:
            self.window(item.window_def)
        self.frames.pop()
        self.common = outside
        return found

    def _plain(self, select: pb.SelectStmt) -> Titled:
        for item in select.from_clause:
            self._from(item)
        found: Titled = []
        for target in select.target_list:
            value = target.res_target.val
            kind = self.visit(value)
            if found is None:
                continue
            if value.WhichOneof("node") == "column_ref" and value.column_ref.fields[-1].WhichOneof("node") == "a_star":
                everything = self._star(value.column_ref)
                found = None if everything is None else [*found, *everything]
            else:
                found.append((_title(target.res_target), kind))
        self.condition(select.where_clause)
        self.condition(select.having_clause)
        return found

    def _star(self, reference: pb.ColumnRef) -> Titled:
        frame = self.frames[-1]
        if len(reference.fields) > 1:
            chosen = [frame.get(reference.fields[-2].string.sval.casefold())]
        else:
            chosen = list(frame.values())
        found: list[tuple[str, int | None]] = []
        for columns in chosen:
            if columns is None:
                return None
            found.extend(columns.items())
        return found

    def _values(self, select: pb.SelectStmt) -> Titled:
        rows = [list(row.list.items) for row in select.values_lists]
        kinds = [[self.visit(item) for item in row] for row in rows]
        found: list[tuple[str, int | None]] = []
        for place in range(min(map(len, rows))):
            items = [row[place] for row in rows]
            if any(item.WhichOneof("node") == "set_to_default" for item in items):
                kind = None
            else:
                kind = self.meet(items, [row[place] for row in kinds])
            found.append((f"column{place + 1}", kind))
        return found

    def _set_operation(self, select: pb.SelectStmt) -> Titled:
        left, right = self.select(select.larg), self.select(select.rarg)
        if left is None or right is None:
            return left
        found: list[tuple[str, int | None]] = []
        for place, ((name, one), (_, other)) in enumerate(zip(left, right, strict=False)):
            met = common_type([one, other])
            for side in (select.larg, select.rarg):
                if side.op == pb.SETOP_NONE and not side.values_lists and place < len(side.target_list):
                    self.note(side.target_list[place].res_target.val, met)
            found.append((name, met))
        return found

    def _with(self, clause: pb.WithClause) -> None:
        if not clause.ctes:
            return
        self.common = dict(self.common)
        for item in clause.ctes:
            table = item.common_table_expr
            query = table.ctequery
            if query.WhichOneof("node") != "select_stmt":
                self.statement(query)
                continue
            aliases = names_of(table.aliascolnames)
            select, name = query.select_stmt, table.ctename.casefold()
            if clause.recursive and select.op != pb.SETOP_NONE:  # it sees its own first part
                self._with(select.with_clause)
                self.common[name] = _named(self.select(select.larg), aliases)
                self.select(select.rarg)
            else:
                self.common[name] = _named(self.select(select), aliases)

    def _from(self, item: pb.Node) -> None:
        kind = item.WhichOneof("node")
        frame = self.frames[-1]
        if kind == "join_expr":
            self._from(item.join_expr.larg)
            self._from(item.join_expr.rarg)
            self.condition(item.join_expr.quals)
        elif kind == "range_var":
            table = item.range_var
            own = None if table.schemaname else self.common.get(table.relname.casefold())
            if own is not None and table.alias.colnames:
                own = _named(list(own.items()), names_of(table.alias.colnames))
            frame[(table.alias.aliasname or table.relname).casefold()] = own
        elif kind == "range_subselect":
            subselect = item.range_subselect
            columns = _named(self.select(subselect.subquery.select_stmt), names_of(subselect.alias.colnames))
            frame[(subselect.alias.aliasname or f"*{len(frame)}").casefold()] = columns
        elif kind == "range_function":
            self._range_function(item.range_function)
        elif kind is not None:
            self.visit_all(child_messages(item))

    def _range_function(self, function: pb.RangeFunction) -> None:
        titles: list[tuple[str, int | None]] = []
        names: list[str] = []
        for part in function.functions:
            node = part.list.items[0] if part.WhichOneof("node") == "list" else part
            kind = self.visit(node)
            names.append(names_of(node.func_call.funcname)[-1] if node.WhichOneof("node") == "func_call" else "")
            titles.append((function.alias.aliasname or names[-1], None if kind == oids.RECORD else kind))
        if function.coldeflist:
            titles = [
                (each.column_def.colname, self.oid_of_type(each.column_def.type_name)) for each in function.coldeflist
            ]
        if function.ordinality:
            titles.append(("ordinality", oids.INT8))
        alias = function.alias.aliasname or (names[0] if names else "")
        self.frames[-1][alias.casefold()] = _named(titles, names_of(function.alias.colnames))


def _title(target: pb.ResTarget) -> str:
    if target.name:
        return str(target.name)
    value = target.val
    while value.WhichOneof("node") == "type_cast":
        value = value.type_cast.arg
    match value.WhichOneof("node"):
        case "column_ref":
            return str(value.column_ref.fields[-1].string.sval)
        case "func_call":
            return names_of(value.func_call.funcname)[-1]
        case "case_expr":
            return "case"
        case "coalesce_expr":
            return "coalesce"
    return "?column?"


def _named(found: Titled, aliases: Sequence[str]) -> Columns:
    """Return columns by name; an open constant has become text."""
    titles = [*aliases, *(title for title, _ in (found or [])[len(aliases) :])]
    kinds = [kind for _, kind in found or []] + [None] * len(aliases)
    return {
        title.casefold(): oids.TEXT if kind == oids.UNKNOWN else kind
        for title, kind in zip(titles, kinds, strict=False)
    }
