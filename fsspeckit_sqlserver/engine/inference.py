"""Which type PostgreSQL gives to each expression, and what it would do or refuse because of it.

One walk over a resolved tree, before it is put into DuckDB's dialect: children first, each returns its type or None
where it cannot be told. On the way constants in quotes take the type they meet, as PostgreSQL resolves `unknown`, and
what DuckDB would let pass (`true::date`, `1 AND true`) is refused. Nothing is refused unless both types are certain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.coercions import int4_series, is_numeric_of_float
from fsspeckit_sqlserver.engine.expression_types import Expressions, Names
from fsspeckit_sqlserver.engine.records import fields_of_star
from fsspeckit_sqlserver.engine.trees import names_of
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.mapping import numeric_typmod

__all__ = ["Inferred", "infer_types"]


@dataclass(frozen=True, slots=True)
class Inferred:
    """The type of one column of a result; oid None where DuckDB's own decides."""

    oid: int | None
    typmod: int = -1
    is_trimmed: bool = False  # a numeric without zeros at its end


def infer_types(
    node: pb.Node, columns: Callable[[Sequence[str]], frozenset[int]], date_order: str, *, is_strict: bool
) -> list[Inferred] | None:
    """Return the types of a query's columns, None when it has a `*`. Changes the tree as the module says.

    Args:
        node: holds a resolved SelectStmt.
        columns: name parts → the types of the columns of that name in base tables.
        date_order: how a date such as 1/2/2003 is read.
        is_strict: False for queries of the system catalog: nothing is refused or changed.
    """
    inference = _Inference(columns, date_order, is_strict=is_strict)
    names = inference.select(node.select_stmt)
    return None if names is None else [found for _, found in names]


class _Inference(Expressions):
    def __init__(self, columns: Callable[[Sequence[str]], frozenset[int]], date_order: str, *, is_strict: bool) -> None:
        super().__init__(columns, date_order, is_strict=is_strict)
        self._cte: dict[str, Names] = {}

    def subquery(self, select: pb.SelectStmt) -> list[int | None]:
        """See `Expressions`."""
        return [kind.oid for _, kind in self.select(select) or ()]

    def select(self, select: pb.SelectStmt) -> list[tuple[str, Inferred]] | None:
        """Visit a query; return name and type of its columns, None when it has a `*`."""
        for item in select.with_clause.ctes:
            self._common_table(item.common_table_expr)
        if select.op != pb.SETOP_NONE:
            return self._set_operation(select)
        for item in select.from_clause:
            self._from(item)
        self.condition(select.where_clause, "WHERE")
        self.condition(select.having_clause, "HAVING")
        for name in ("group_clause", "sort_clause", "distinct_clause", "window_clause"):
            for item in getattr(select, name):
                self.visit_all(item)
        for item in (select.limit_count, select.limit_offset):
            self.visit(item)
        if select.values_lists:
            return self._values(select)
        found: list[tuple[str, Inferred]] | None = []
        for target in select.target_list:
            value = target.res_target.val
            if (row := fields_of_star(target)) is not None:
                self.visit(row)
                found = None
                continue
            oid = self.visit(value)
            if found is None:
                continue
            if value.WhichOneof("node") == "column_ref" and value.column_ref.fields[-1].WhichOneof("node") == "a_star":
                everything = self._star(select, len(value.column_ref.fields) > 1)
                found = None if everything is None else [*found, *everything]
                continue
            name = target.res_target.name
            if not name and value.WhichOneof("node") == "column_ref":
                name = value.column_ref.fields[-1].string.sval
            found.append((name.casefold(), Inferred(oid, _typmod_of(value), is_numeric_of_float(value))))
        return found

    def _star(self, select: pb.SelectStmt, is_qualified: bool) -> list[tuple[str, Inferred]] | None:
        """Return the columns of `*` where FROM is one subquery or common table expression."""
        if is_qualified or len(select.from_clause) != 1:
            return None
        item = select.from_clause[0]
        if item.WhichOneof("node") == "range_subselect":
            known = self._derived.get(item.range_subselect.alias.aliasname.casefold())
        elif item.WhichOneof("node") == "range_var" and not item.range_var.schemaname:
            known = self._cte.get(item.range_var.relname.casefold())
        elif item.WhichOneof("node") == "range_function" and not item.range_function.ordinality:
            known = self._document_star(item.range_function)
        else:
            known = None
        return [(name, Inferred(oid)) for name, oid in known.items()] if known else None

    def _document_star(self, function: pb.RangeFunction) -> Names | None:
        items = function.functions[0].list.items if len(function.functions) == 1 else ()
        name = names_of(items[0].func_call.funcname)[-1:] if items else ()
        if not name or name[0] not in _DOCUMENT_ROWS:
            return None
        known = dict(self._derived.get((function.alias.aliasname or name[0]).casefold(), {}))
        if len(known) == 2 and "key" not in known and "array" in name[0]:  # the alias, and what it stands for
            del known["value"]
        return known

    def _values(self, select: pb.SelectStmt) -> list[tuple[str, Inferred]]:
        rows = [[self.visit(item) for item in row.list.items] for row in select.values_lists]
        width = min(map(len, rows))
        kinds = [self.meet([row[place] for row in rows], "VALUES") for place in range(width)]
        for place, kind in enumerate(kinds):
            items = [row.list.items[place].a_const.WhichOneof("val") for row in select.values_lists]
            if kind is None and "sval" in items and set(items) <= {"sval", None}:  # constants in quotes alone
                kinds[place] = oids.TEXT
        return [(f"column{place + 1}", Inferred(kind)) for place, kind in enumerate(kinds)]

    def _set_operation(self, select: pb.SelectStmt) -> list[tuple[str, Inferred]] | None:
        word = {pb.SETOP_INTERSECT: "INTERSECT", pb.SETOP_EXCEPT: "EXCEPT"}.get(select.op, "UNION")
        left, right = self.select(select.larg), self.select(select.rarg)
        for name in ("sort_clause", "distinct_clause"):
            for item in getattr(select, name):
                self.visit_all(item)
        if left is None or right is None or len(left) != len(right):
            return None
        found = []
        for place, ((name, one), (_, other)) in enumerate(zip(left, right, strict=True)):
            for side, met in ((select.larg, other.oid), (select.rarg, one.oid)):
                if met is not None and side.op == pb.SETOP_NONE and place < len(side.target_list):
                    self.adopt(side.target_list[place].res_target.val, met)
            found.append((name, Inferred(self.meet([one.oid, other.oid], word))))
        return found

    def _common_table(self, table: pb.CommonTableExpr) -> None:
        query = table.ctequery
        if query.WhichOneof("node") != "select_stmt":
            self.visit_all(query)
            return
        select = query.select_stmt
        first = select.larg if select.op != pb.SETOP_NONE else select
        if select.op != pb.SETOP_NONE:  # a recursive query sees its own first part
            found = self.select(first)
            self._note(self._cte, table.ctename, found, names_of(table.aliascolnames))
            self.select(select.rarg)
            return
        self._note(self._cte, table.ctename, self.select(select), names_of(table.aliascolnames))

    def _from(self, item: pb.Node) -> None:
        kind = item.WhichOneof("node")
        if kind == "join_expr":
            self._from(item.join_expr.larg)
            self._from(item.join_expr.rarg)
            self.condition(item.join_expr.quals, "JOIN/ON")
        elif kind == "range_subselect":
            subselect = item.range_subselect
            found = self.select(subselect.subquery.select_stmt)
            self._note(self._derived, subselect.alias.aliasname, found, names_of(subselect.alias.colnames))
        elif kind == "range_function":
            self._range_function(item)
        elif kind == "range_var":
            table = item.range_var
            known = None if table.schemaname else self._cte.get(table.relname.casefold())
            if known is not None:
                self._add(self._derived, table.alias.aliasname or table.relname, known)
        else:
            self.visit_all(item)

    def _range_function(self, item: pb.Node) -> None:
        function = item.range_function
        kinds: list[int | None] = []
        names: list[str] = []
        for part in function.functions:
            node = part.list.items[0] if part.WhichOneof("node") == "list" else part
            kind = self.visit(node)
            name = names_of(node.func_call.funcname)[-1] if node.WhichOneof("node") == "func_call" else ""
            if name == "numeric_series":
                name = "generate_series"
                function.alias.aliasname = function.alias.aliasname or name
            if name in {"json_object_keys", "jsonb_object_keys"}:
                function.alias.aliasname = function.alias.aliasname or name
            kinds.append(kind if name == "generate_series" or name in _DOCUMENT_ROWS else None)
            names.append(name)
        alias = function.alias.aliasname or (names[0] if names else "")
        columns = [*names_of(function.alias.colnames)] or [alias]
        known: Names = dict.fromkeys((column.casefold() for column in columns), None)
        if len(kinds) == 1 and names[0] in _DOCUMENT_ROWS:
            known = _document_columns(names[0], alias, names_of(function.alias.colnames), kinds[0])
        elif len(kinds) == 1 and kinds[0] is not None:
            known[columns[0].casefold()] = kinds[0]
        self._add(self._derived, alias, known)
        if self._is_strict and kinds == [oids.INT4] and not function.ordinality:
            int4_series(item, alias, columns[0])

    def _note(
        self, place: dict[str, Names], name: str, found: list[tuple[str, Inferred]] | None, aliases: Sequence[str]
    ) -> None:
        if found is None:
            self._add(place, name, dict.fromkeys((alias.casefold() for alias in aliases), None))
            return
        titles = [*aliases, *(title for title, _ in found[len(aliases) :])]
        columns = {title.casefold(): kind.oid for title, (_, kind) in zip(titles, found, strict=False)}
        self._add(place, name, columns)

    @staticmethod
    def _add(place: dict[str, Names], name: str, columns: Names) -> None:
        key = name.casefold()
        if key in place and place[key] != columns:  # two queries under one name: nothing is certain
            columns = dict.fromkeys((*place[key], *columns), None)
        place[key] = columns


_DOCUMENT_ROWS: Final = frozenset(
    f"{kind}_{name}"
    for kind in ("json", "jsonb")
    for name in ("each", "each_text", "array_elements", "array_elements_text")
)


def _document_columns(function: str, alias: str, names: Sequence[str], kind: int | None) -> Names:
    """Return the columns of a function that takes a document apart; its alias means the only one as well."""
    if kind is None:
        kind = oids.TEXT if function.endswith("_text") else oids.JSONB if function.startswith("jsonb") else oids.JSON
    columns: list[tuple[str, int | None]] = [("value", kind)]
    if "each" in function:
        columns.insert(0, ("key", oids.TEXT))
    if not names and len(columns) == 1 and alias not in {function, ""}:
        return {alias.casefold(): kind, "value": kind}
    titles = [*names, *(name for name, _ in columns[len(names) :])]
    return {title.casefold(): oid for title, (_, oid) in zip(titles, columns, strict=False)}


def _typmod_of(node: pb.Node) -> int:
    """Return the type modifier of a cast: the length of a text, digits of a numeric."""
    if node.WhichOneof("node") != "type_cast":
        return -1
    target = node.type_cast.type_name
    numbers = [item.a_const.ival.ival for item in target.typmods if item.WhichOneof("node") == "a_const"]
    if not numbers or target.array_bounds:
        return -1
    match names_of(target.names)[-1]:
        case "varchar" | "bpchar":
            return int(numbers[0]) + 4
        case "bit" | "varbit":
            return int(numbers[0])
        case "numeric":
            return numeric_typmod(numbers[0], numbers[1] if len(numbers) > 1 else 0)
    return -1
