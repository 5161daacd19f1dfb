"""Which type PostgreSQL gives to each expression, and what it would do or refuse because of it.

One walk over a resolved tree, before it is put into DuckDB's dialect: children first, each returns its type or None
where it cannot be told. On the way constants in quotes take the type they meet, as PostgreSQL resolves `unknown`, and
what DuckDB would let pass (`true::date`, `1 AND true`) is refused. Nothing is refused unless both types are certain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.coercions import adopt, cast_literal, float8_of, int4_series, note_call
from fsspeckit_sqlserver.engine.errors import CannotCoerce, DatatypeMismatch, IndeterminateDatatype
from fsspeckit_sqlserver.engine.parameters import oid_of_type
from fsspeckit_sqlserver.engine.trees import call, child_messages, copied, names_of, replace_node
from fsspeckit_sqlserver.engine.typing_rules import (
    FIRST_ARGUMENT,
    INTEGERS,
    NUMBERS,
    RESULTS,
    TEXTS,
    castable,
    matched,
    promoted,
    sum_type,
    type_words,
)
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.mapping import numeric_typmod

__all__ = ["Inferred", "infer_types"]

_COMPARISONS: Final = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
_BOOLEAN_KINDS: Final = frozenset(
    {pb.AEXPR_LIKE, pb.AEXPR_ILIKE, pb.AEXPR_SIMILAR, pb.AEXPR_IN, pb.AEXPR_BETWEEN, pb.AEXPR_NOT_BETWEEN}
    | {pb.AEXPR_BETWEEN_SYM, pb.AEXPR_NOT_BETWEEN_SYM, pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL, pb.AEXPR_DISTINCT}
    | {pb.AEXPR_NOT_DISTINCT}
)
_DATES: Final = frozenset({oids.DATE, oids.TIMESTAMP, oids.TIMESTAMPTZ})
_Names = dict[str, "int | None"]


@dataclass(frozen=True, slots=True)
class Inferred:
    """The type of one column of a result; oid None where DuckDB's own decides."""

    oid: int | None
    typmod: int = -1


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


class _Inference:
    def __init__(self, columns: Callable[[Sequence[str]], frozenset[int]], date_order: str, *, is_strict: bool) -> None:
        self._columns, self._order, self._is_strict = columns, date_order, is_strict
        self._derived: dict[str, _Names] = {}
        self._cte: dict[str, _Names] = {}

    # ---- queries

    def select(self, select: pb.SelectStmt) -> list[tuple[str, Inferred]] | None:
        """Visit a query; return name and type of its columns, None when it has a `*`."""
        for item in select.with_clause.ctes:
            self._common_table(item.common_table_expr)
        if select.op != pb.SETOP_NONE:
            return self._set_operation(select)
        for item in select.from_clause:
            self._from(item)
        self._condition(select.where_clause, "WHERE")
        self._condition(select.having_clause, "HAVING")
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
            oid = self.visit(value)
            if found is None:
                continue
            if value.WhichOneof("node") == "column_ref" and value.column_ref.fields[-1].WhichOneof("node") == "a_star":
                found = None
                continue
            name = target.res_target.name
            if not name and value.WhichOneof("node") == "column_ref":
                name = value.column_ref.fields[-1].string.sval
            found.append((name.casefold(), Inferred(oid, _typmod_of(value))))
        return found

    def _values(self, select: pb.SelectStmt) -> list[tuple[str, Inferred]]:
        rows = [[self.visit(item) for item in row.list.items] for row in select.values_lists]
        width = min(map(len, rows))
        kinds = [self._meet([row[place] for row in rows], "VALUES") for place in range(width)]
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
                    self._adopt(side.target_list[place].res_target.val, met)
            found.append((name, Inferred(self._meet([one.oid, other.oid], word))))
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
            self._derived.setdefault(table.ctename.casefold(), {})
            self.select(select.rarg)
            return
        self._note(self._cte, table.ctename, self.select(select), names_of(table.aliascolnames))

    def _from(self, item: pb.Node) -> None:
        kind = item.WhichOneof("node")
        if kind == "join_expr":
            self._from(item.join_expr.larg)
            self._from(item.join_expr.rarg)
            self._condition(item.join_expr.quals, "JOIN/ON")
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
            kinds.append(kind if name == "generate_series" else None)
            names.append(name)
        alias = function.alias.aliasname or (names[0] if names else "")
        columns = [*names_of(function.alias.colnames)] or [alias]
        known: _Names = dict.fromkeys((column.casefold() for column in columns), None)
        if len(kinds) == 1 and kinds[0] is not None:
            known[columns[0].casefold()] = kinds[0]
        self._add(self._derived, alias, known)
        if self._is_strict and kinds == [oids.INT4] and not function.ordinality:
            int4_series(item, alias, columns[0])

    def _note(
        self, place: dict[str, _Names], name: str, found: list[tuple[str, Inferred]] | None, aliases: Sequence[str]
    ) -> None:
        if found is None:
            self._add(place, name, dict.fromkeys((alias.casefold() for alias in aliases), None))
            return
        titles = [*aliases, *(title for title, _ in found[len(aliases) :])]
        columns = {title.casefold(): kind.oid for title, (_, kind) in zip(titles, found, strict=False)}
        self._add(place, name, columns)

    @staticmethod
    def _add(place: dict[str, _Names], name: str, columns: _Names) -> None:
        key = name.casefold()
        if key in place and place[key] != columns:  # two queries under one name: nothing is certain
            columns = dict.fromkeys((*place[key], *columns), None)
        place[key] = columns

    # ---- expressions

    def visit_all(self, message: Message) -> None:
        """Visit whatever is in a message."""
        if isinstance(message, pb.Node):
            self.visit(message)
        elif isinstance(message, pb.SelectStmt):
            self.select(message)
        else:
            for child in child_messages(message):
                self.visit_all(child)

    def visit(self, node: pb.Node) -> int | None:
        """Visit an expression and return its type."""
        kind = node.WhichOneof("node")
        if kind is None:
            return None
        visitor = getattr(self, f"_{kind}", None)
        if visitor is not None:
            found: int | None = visitor(node)
            return found
        for child in child_messages(getattr(node, kind)):
            self.visit_all(child)
        return _SIMPLE.get(kind)

    def _a_const(self, node: pb.Node) -> int | None:
        constant = node.a_const
        match constant.WhichOneof("val"):
            case "ival":
                return oids.INT4
            case "fval":
                text = constant.fval.fval
                if self._is_strict and "e" in text.lower():  # a numeric: DuckDB reads 1e3 as a double
                    plain = format(Decimal(text), "f")
                    constant.fval.fval = plain if len(plain) <= 38 else text
                if not text.isdigit():
                    return oids.NUMERIC
                return oids.INT8 if int(text) < 2**63 else oids.NUMERIC
            case "boolval":
                return oids.BOOL
            case "bsval":
                return oids.BIT
        return None

    def _column_ref(self, node: pb.Node) -> int | None:
        parts = [part.casefold() for part in names_of(node.column_ref.fields)]
        if not parts or not parts[-1]:
            return None
        if len(parts) > 1 and parts[-2] in self._derived:
            return self._derived[parts[-2]].get(parts[-1])
        kinds: set[int | None] = set(self._columns(parts))
        if len(parts) == 1:
            kinds.update(columns[parts[0]] for columns in self._derived.values() if parts[0] in columns)
        return kinds.pop() if len(kinds) == 1 else None

    def _type_cast(self, node: pb.Node) -> int | None:
        target = oid_of_type(node.type_cast.type_name)
        argument = node.type_cast.arg
        if argument.WhichOneof("node") == "a_array_expr" and not argument.a_array_expr.elements:
            return target
        if argument.WhichOneof("node") == "a_array_expr" and target in oids.ELEMENT_OF:
            for element in argument.a_array_expr.elements:
                self.visit(element)
            return target
        source = self.visit(argument)
        if source == oids.REGPROC and target in TEXTS:
            replace_node(argument, call(("gw_pg", "regproc_text"), copied(argument)))
        if target is None or not self._is_strict:
            return target
        if source is not None and not castable(source, target):
            raise CannotCoerce(f"cannot cast type {type_words(source)} to {type_words(target)}")
        cast_literal(node, source, target, self._order)
        return target

    def _func_call(self, node: pb.Node) -> int | None:
        function = node.func_call
        kinds = [self.visit(argument) for argument in function.args]
        for part in (*function.agg_order, function.agg_filter, function.over):
            self.visit_all(part)
        name = names_of(function.funcname)[-1].lower()
        first = kinds[0] if kinds else None
        if self._is_strict and (changed := note_call(node, name, kinds)) is not None:
            return changed
        if name in RESULTS:
            return RESULTS[name]
        if name == "sum":
            return None if first is None else sum_type(first)
        if name in FIRST_ARGUMENT:
            return first
        if name in {"round", "ceil", "ceiling", "floor", "sign"} and first is not None:
            return oids.FLOAT8 if first in {*INTEGERS, oids.FLOAT4} else first
        if name in {"gcd", "lcm", "generate_series"} and len(kinds) > 1:
            numbers = [kind for kind in kinds if kind in NUMBERS]
            return promoted(numbers[0], numbers[1]) if len(numbers) == len(kinds) else None
        if name == "array_agg" and first is not None:
            return oids.ARRAY_OF.get(first)
        if name == "date_trunc" and len(kinds) > 1:
            return oids.TIMESTAMPTZ if kinds[1] == oids.DATE else kinds[1]
        return None

    def _bool_expr(self, node: pb.Node) -> int:
        word = {pb.AND_EXPR: "AND", pb.OR_EXPR: "OR"}.get(node.bool_expr.boolop, "NOT")
        for argument in node.bool_expr.args:
            self._condition(argument, word)
        return oids.BOOL

    def _condition(self, node: pb.Node, word: str) -> None:
        kind = self.visit(node)
        if kind not in {None, oids.BOOL} and self._is_strict:
            raise DatatypeMismatch(f"argument of {word} must be type boolean, not type {type_words(kind or 0)}")

    def _sub_link(self, node: pb.Node) -> int | None:
        link = node.sub_link
        self.visit(link.testexpr)
        found = self.select(link.subselect.select_stmt)
        if link.sub_link_type in {pb.EXISTS_SUBLINK, pb.ANY_SUBLINK, pb.ALL_SUBLINK}:
            return oids.BOOL
        first = found[0][1].oid if found else None
        if link.sub_link_type == pb.ARRAY_SUBLINK:
            return None if first is None else oids.ARRAY_OF.get(first)
        return first if link.sub_link_type == pb.EXPR_SUBLINK else None

    def _case_expr(self, node: pb.Node) -> int | None:
        case = node.case_expr
        subject = self.visit(case.arg)
        branches = []
        for item in case.args:
            if case.HasField("arg"):
                self.visit(item.case_when.expr)
                if subject is not None:
                    self._adopt(item.case_when.expr, subject)
            else:
                self._condition(item.case_when.expr, "CASE/WHEN")
            branches.append(item.case_when.result)
        if case.HasField("defresult"):
            branches.append(case.defresult)
        return self._choose(branches, "CASE")

    def _coalesce_expr(self, node: pb.Node) -> int | None:
        return self._choose(node.coalesce_expr.args, "COALESCE")

    def _min_max_expr(self, node: pb.Node) -> int | None:
        word = "GREATEST" if node.min_max_expr.op == pb.IS_GREATEST else "LEAST"
        return self._choose(node.min_max_expr.args, word)

    def _a_array_expr(self, node: pb.Node) -> int | None:
        elements = node.a_array_expr.elements
        if not elements and self._is_strict:
            raise IndeterminateDatatype(
                "cannot determine type of empty array", "Explicitly cast it: ARRAY[]::integer[]."
            )
        kind = self._choose(elements, "ARRAY")
        return None if kind is None else kind if kind in oids.ELEMENT_OF else oids.ARRAY_OF.get(kind)

    def _choose(self, branches: Iterable[pb.Node], word: str) -> int | None:
        nodes = list(branches)
        kind = self._meet([self.visit(node) for node in nodes], word)
        if kind is not None:
            for node in nodes:
                self._adopt(node, kind)
        return kind

    def _meet(self, kinds: Sequence[int | None], word: str) -> int | None:
        known = [kind for kind in kinds if kind is not None]
        if not known:
            return None
        met = matched(known)
        if met is None and self._is_strict:
            one = known[0]
            other = next(kind for kind in known[1:] if matched([one, kind]) is None)
            raise DatatypeMismatch(f"{word} types {type_words(one)} and {type_words(other)} cannot be matched")
        return met or None

    def _adopt(self, node: pb.Node, kind: int) -> None:
        if self._is_strict:
            adopt(node, kind, self._order)

    def _a_indirection(self, node: pb.Node) -> int | None:
        kind = self.visit(node.a_indirection.arg)
        steps = node.a_indirection.indirection
        for step in steps:
            self.visit_all(step)
        if len(steps) == 1 and steps[0].WhichOneof("node") == "a_indices" and kind in oids.ELEMENT_OF:
            return kind if steps[0].a_indices.is_slice else oids.ELEMENT_OF[kind or 0]
        return None

    def _collate_clause(self, node: pb.Node) -> int | None:
        return self.visit(node.collate_clause.arg)

    def _sqlvalue_function(self, node: pb.Node) -> int | None:
        operation = node.sqlvalue_function.op
        return _VALUES.get(operation)

    def _a_expr(self, node: pb.Node) -> int | None:
        expression = node.a_expr
        symbol = expression.name[-1].string.sval if expression.name else ""
        left, right = self.visit(expression.lexpr), None
        if expression.rexpr.WhichOneof("node") == "list":
            for item in expression.rexpr.list.items:
                self.visit(item)
                if left is not None and expression.kind == pb.AEXPR_IN:
                    self._adopt(item, left)
        else:
            right = self.visit(expression.rexpr)
        if expression.kind in _BOOLEAN_KINDS:
            return oids.BOOL
        if expression.kind == pb.AEXPR_NULLIF:
            return left
        if expression.kind != pb.AEXPR_OP:
            return None
        if not expression.HasField("lexpr"):
            return right if symbol in {"-", "+", "@", "~"} else None
        if symbol in _COMPARISONS or (symbol in {"+", "-", "*", "/", "%"} and (left in NUMBERS or right in NUMBERS)):
            if left is not None and right is None and left not in TEXTS:
                self._adopt(expression.rexpr, left)
                right = left if expression.rexpr.WhichOneof("node") == "type_cast" else right
            elif right is not None and left is None and right not in TEXTS:
                self._adopt(expression.lexpr, right)
                left = right if expression.lexpr.WhichOneof("node") == "type_cast" else left
        if symbol in _COMPARISONS:
            return oids.BOOL
        return self._operator(node, symbol, left, right)

    def _operator(self, node: pb.Node, symbol: str, left: int | None, right: int | None) -> int | None:
        expression = node.a_expr
        if symbol in {"@>", "<@", "&&"}:  # an array in quotes takes the other's type
            for side, kind in ((expression.rexpr, left), (expression.lexpr, right)):
                if kind in oids.ELEMENT_OF:
                    self._adopt(side, kind or 0)
        if symbol in {"~", "!~", "~*", "!~*", "~~", "@>", "<@", "&&", "^@", "?"}:
            return oids.BOOL
        if symbol == "||":
            return self._concatenation(node, left, right)
        if symbol in {"->", "#>"}:
            return left if left in {oids.JSON, oids.JSONB} else None
        if symbol in {"->>", "#>>"}:
            return oids.TEXT
        if left is None or right is None:
            return None
        if left in NUMBERS and right in NUMBERS:
            kind = promoted(left, right)
            if symbol == "/" and kind == oids.NUMERIC:
                return None  # a documented difference: double precision
            if kind == oids.FLOAT8 and oids.FLOAT8 not in (left, right) and self._is_strict:
                float8_of(expression.lexpr)
                float8_of(expression.rexpr)
            if symbol == "^":
                return oids.FLOAT8 if kind != oids.NUMERIC else None
            if symbol in {"<<", ">>"}:
                return left
            return kind
        if symbol == "-" and left == right == oids.DATE:
            return oids.INT4
        if symbol in {"+", "-"} and left in _DATES and right == oids.INTERVAL:
            return oids.TIMESTAMP if left == oids.DATE else left
        if symbol == "+" and left == oids.INTERVAL and right in _DATES:
            return oids.TIMESTAMP if right == oids.DATE else right
        if symbol in {"+", "-"} and left == oids.DATE and right in INTEGERS:
            return oids.DATE
        if symbol == "-" and left in _DATES and right in _DATES:
            return oids.INTERVAL
        return left if left == right == oids.INTERVAL else None

    def _concatenation(self, node: pb.Node, left: int | None, right: int | None) -> int | None:
        expression = node.a_expr
        if left in oids.ELEMENT_OF and right is not None and right not in oids.ELEMENT_OF and self._is_strict:
            replace_node(node, call("list_append", expression.lexpr, expression.rexpr))
            return left
        if right in oids.ELEMENT_OF and left is not None and left not in oids.ELEMENT_OF and self._is_strict:
            replace_node(node, call("list_prepend", expression.lexpr, expression.rexpr))
            return right
        if left in oids.ELEMENT_OF or right in oids.ELEMENT_OF:
            return left if left in oids.ELEMENT_OF else right
        if left == right == oids.BYTEA:
            return oids.BYTEA
        if {left, right} & TEXTS:
            return oids.TEXT
        return None


_SIMPLE: Final = {"null_test": oids.BOOL, "boolean_test": oids.BOOL, "grouping_func": oids.INT4}
_VALUES: Final = {
    pb.SVFOP_CURRENT_DATE: oids.DATE,
    pb.SVFOP_CURRENT_TIME: oids.TIMETZ,
    pb.SVFOP_CURRENT_TIMESTAMP: oids.TIMESTAMPTZ,
    pb.SVFOP_LOCALTIME: oids.TIME,
    pb.SVFOP_LOCALTIMESTAMP: oids.TIMESTAMP,
    **dict.fromkeys((pb.SVFOP_CURRENT_USER, pb.SVFOP_SESSION_USER, pb.SVFOP_USER, pb.SVFOP_CURRENT_ROLE), oids.NAME),
    **dict.fromkeys((pb.SVFOP_CURRENT_CATALOG, pb.SVFOP_CURRENT_SCHEMA), oids.NAME),
}


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
