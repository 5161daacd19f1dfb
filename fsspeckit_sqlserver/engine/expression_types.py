"""Which type PostgreSQL gives to an expression, from the types of what it is made of.

Children first: each visit returns the type, or None where it cannot be told. On the way constants in quotes take the
type they meet, and what PostgreSQL refuses because of types is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.coercions import (
    adopt,
    cast_literal,
    note_call,
)
from fsspeckit_sqlserver.engine.errors import CannotCoerce, DatatypeMismatch, IndeterminateDatatype
from fsspeckit_sqlserver.engine.operator_types import operator_type
from fsspeckit_sqlserver.engine.ordered_sets import note_ordered_set
from fsspeckit_sqlserver.engine.parameters import oid_of_type
from fsspeckit_sqlserver.engine.records import cast_to_row, note_null_test
from fsspeckit_sqlserver.engine.trees import call, child_messages, copied, names_of, replace_node
from fsspeckit_sqlserver.engine.typing_rules import (
    FIRST_ARGUMENT,
    INTEGERS,
    NUMBERS,
    RESULTS,
    TEXTS,
    castable,
    matched,
    nullif_type,
    promoted,
    sum_type,
    type_words,
)
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.composite import RowTypeOid

__all__ = ["Expressions", "Names"]

_COMPARISONS: Final = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
_BOOLEAN_KINDS: Final = frozenset(
    {pb.AEXPR_LIKE, pb.AEXPR_ILIKE, pb.AEXPR_SIMILAR, pb.AEXPR_IN, pb.AEXPR_BETWEEN, pb.AEXPR_NOT_BETWEEN}
    | {pb.AEXPR_BETWEEN_SYM, pb.AEXPR_NOT_BETWEEN_SYM, pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL, pb.AEXPR_DISTINCT}
    | {pb.AEXPR_NOT_DISTINCT}
)
_BETWEENS: Final = frozenset({pb.AEXPR_BETWEEN, pb.AEXPR_NOT_BETWEEN, pb.AEXPR_BETWEEN_SYM, pb.AEXPR_NOT_BETWEEN_SYM})
_DATES: Final = frozenset({oids.DATE, oids.TIMESTAMP, oids.TIMESTAMPTZ})
Names: TypeAlias = "dict[str, int | None]"
"""Folded column name → type; None where it is not known."""


class Expressions:
    """Visits expressions; whoever knows the queries around them gives the types of columns and subqueries."""

    def __init__(self, columns: Callable[[Sequence[str]], frozenset[int]], date_order: str, *, is_strict: bool) -> None:
        """Begin; see `inference.infer_types`."""
        self._columns, self._order, self._is_strict = columns, date_order, is_strict
        self._derived: dict[str, Names] = {}

    def subquery(self, select: pb.SelectStmt) -> list[int | None]:
        """Visit a query and return the types of its columns; empty where they cannot be told."""
        raise NotImplementedError

    def visit_all(self, message: Message) -> None:
        """Visit whatever is in a message."""
        if isinstance(message, pb.Node):
            self.visit(message)
        elif isinstance(message, pb.SelectStmt):
            self.subquery(message)
        elif isinstance(message, pb.WindowDef):
            self._window(message)
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

    def _window(self, window: pb.WindowDef) -> None:
        for part in window.partition_clause:
            self.visit(part)
        order = [self.visit(part.sort_by.node) for part in window.order_clause]
        for offset in (window.start_offset, window.end_offset):
            self.visit(offset)
            if len(order) == 1 and order[0] is not None:  # RANGE '1 day' PRECEDING
                self.adopt(offset, oids.INTERVAL if order[0] in _DATES else order[0])

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
        if isinstance(target, RowTypeOid):
            cast_to_row(node, target, lambda made, oid: cast_literal(made, None, oid, self._order), source)
            return target
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
        name = names_of(function.funcname)[-1].lower()
        first = kinds[0] if kinds else None
        order = [self.visit(part.sort_by.node) for part in function.agg_order]
        for part in (function.agg_filter, function.over):
            self.visit_all(part)
        if function.agg_within_group:
            return note_ordered_set(node, name, kinds, order) if self._is_strict else None
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
        if name == "array_prepend" and len(kinds) > 1:
            return kinds[1]
        if name in {"array_agg", "array_fill"} and first is not None:
            return oids.ARRAY_OF.get(first)
        if name == "date_trunc" and len(kinds) > 1:
            return oids.TIMESTAMPTZ if kinds[1] == oids.DATE else kinds[1]
        return None

    def _null_test(self, node: pb.Node) -> int:
        kind = self.visit(node.null_test.arg)
        if isinstance(kind, RowTypeOid):
            note_null_test(node, kind)
        return oids.BOOL

    def _bool_expr(self, node: pb.Node) -> int:
        word = {pb.AND_EXPR: "AND", pb.OR_EXPR: "OR"}.get(node.bool_expr.boolop, "NOT")
        for argument in node.bool_expr.args:
            self.condition(argument, word)
        return oids.BOOL

    def condition(self, node: pb.Node, word: str) -> None:
        """Visit what has to be a condition."""
        kind = self.visit(node)
        if kind not in {None, oids.BOOL} and self._is_strict:
            raise DatatypeMismatch(f"argument of {word} must be type boolean, not type {type_words(kind or 0)}")

    def _sub_link(self, node: pb.Node) -> int | None:
        link = node.sub_link
        self.visit(link.testexpr)
        found = self.subquery(link.subselect.select_stmt)
        if link.sub_link_type in {pb.EXISTS_SUBLINK, pb.ANY_SUBLINK, pb.ALL_SUBLINK}:
            return oids.BOOL
        first = found[0] if found else None
        if link.sub_link_type == pb.ARRAY_SUBLINK:
            return None if first is None else oids.ARRAY_OF.get(first)
        return first if link.sub_link_type == pb.EXPR_SUBLINK else None

    def _case_expr(self, node: pb.Node) -> int | None:
        case = node.case_expr
        subject = self.visit(case.arg)
        branches = [case.defresult] if case.HasField("defresult") else []  # whose type comes first
        for item in case.args:
            if case.HasField("arg"):
                self.visit(item.case_when.expr)
                if subject is not None:
                    self.adopt(item.case_when.expr, subject)
            else:
                self.condition(item.case_when.expr, "CASE/WHEN")
            branches.append(item.case_when.result)
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
        if all(each.a_const.WhichOneof("val") == "sval" or each.a_const.isnull for each in elements):
            return oids.ARRAY_OF[oids.TEXT]
        kind = self._choose(elements, "ARRAY")
        return None if kind is None else kind if kind in oids.ELEMENT_OF else oids.ARRAY_OF.get(kind)

    def _choose(self, branches: Iterable[pb.Node], word: str) -> int | None:
        nodes = list(branches)
        kind = self.meet([self.visit(node) for node in nodes], word)
        if kind is not None:
            for node in nodes:
                self.adopt(node, kind)
        return kind

    def meet(self, kinds: Sequence[int | None], word: str) -> int | None:
        """Return the one type of several branches, None where it cannot be told."""
        known = [kind for kind in kinds if kind is not None]
        if not known:
            return None
        met = matched(known)
        if met is None and self._is_strict:
            one = known[0]
            other = next(kind for kind in known[1:] if matched([one, kind]) is None)
            raise DatatypeMismatch(f"{word} types {type_words(one)} and {type_words(other)} cannot be matched")
        return met or None

    def adopt(self, node: pb.Node, kind: int) -> None:
        """Give a constant in quotes the type it meets."""
        if self._is_strict:
            adopt(node, kind, self._order)

    def _a_indirection(self, node: pb.Node) -> int | None:
        kind = self.visit(node.a_indirection.arg)
        steps = node.a_indirection.indirection
        for step in steps:
            self.visit_all(step)
        if isinstance(kind, RowTypeOid) and len(steps) == 1 and steps[0].WhichOneof("node") == "string":
            name = steps[0].string.sval.casefold()
            return next((each.type_oid for each in kind.row_type.fields if each.name.casefold() == name), None)
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
                is_between = expression.kind in _BETWEENS and left not in TEXTS
                if left is not None and (expression.kind == pb.AEXPR_IN or is_between):
                    self.adopt(item, left)
        else:
            right = self.visit(expression.rexpr)
        if expression.kind in _BOOLEAN_KINDS:
            return oids.BOOL
        if expression.kind == pb.AEXPR_NULLIF:
            return nullif_type(left, right)
        if expression.kind != pb.AEXPR_OP:
            return None
        if not expression.HasField("lexpr"):
            return right if symbol in {"-", "+", "@", "~"} else None
        if symbol in _COMPARISONS or (symbol in {"+", "-", "*", "/", "%"} and (left in NUMBERS or right in NUMBERS)):
            if left is not None and right is None and left not in TEXTS:
                self.adopt(expression.rexpr, left)
                right = left if expression.rexpr.WhichOneof("node") == "type_cast" else right
            elif right is not None and left is None and right not in TEXTS:
                self.adopt(expression.lexpr, right)
                left = right if expression.lexpr.WhichOneof("node") == "type_cast" else left
        if symbol in _COMPARISONS:
            return oids.BOOL
        return operator_type(node, symbol, left, right, self._order if self._is_strict else None)


_SIMPLE: Final = {"boolean_test": oids.BOOL, "grouping_func": oids.INT4}
_VALUES: Final = {
    pb.SVFOP_CURRENT_DATE: oids.DATE,
    pb.SVFOP_CURRENT_TIME: oids.TIMETZ,
    pb.SVFOP_CURRENT_TIMESTAMP: oids.TIMESTAMPTZ,
    pb.SVFOP_LOCALTIME: oids.TIME,
    pb.SVFOP_LOCALTIMESTAMP: oids.TIMESTAMP,
    **dict.fromkeys((pb.SVFOP_CURRENT_USER, pb.SVFOP_SESSION_USER, pb.SVFOP_USER, pb.SVFOP_CURRENT_ROLE), oids.NAME),
    **dict.fromkeys((pb.SVFOP_CURRENT_CATALOG, pb.SVFOP_CURRENT_SCHEMA), oids.NAME),
}
