"""From a WHERE clause, as PostgreSQL's parser read it, to a predicate over the columns of one table.

Pure. Whatever is not certainly understood becomes `ANYTHING`: functions, subqueries, other tables' columns, collations.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from postgast import pg_query_pb2 as pb

from fsspeckit_lib.sql.domains import Literal
from fsspeckit_lib.sql.literals import Constants, Fold, type_name_of
from fsspeckit_lib.sql.predicates import (
    ANYTHING,
    And,
    ColumnTerm,
    Compare,
    IsNull,
    Membership,
    Never,
    Not,
    Operator,
    Or,
    Predicate,
    Prefix,
)

__all__ = ["ColumnOf", "conjuncts", "parse_where"]

ColumnOf: TypeAlias = Callable[[Sequence[str]], str | None]
"""Name parts of a column reference (`a.x`, `x`) → the column of this table they mean, None when another's or unsure."""

_OPERATORS: Final = {
    "=": Operator.EQ,
    "<>": Operator.NE,
    "!=": Operator.NE,
    "<": Operator.LT,
    "<=": Operator.LE,
    ">": Operator.GT,
    ">=": Operator.GE,
}


def conjuncts(node: pb.Node) -> list[pb.Node]:
    """Return the expressions that a condition requires all of: the operands of its outermost ANDs."""
    if node.WhichOneof("node") == "bool_expr" and node.bool_expr.boolop == pb.AND_EXPR:
        return [part for argument in node.bool_expr.args for part in conjuncts(argument)]
    return [node]


def parse_where(
    node: pb.Node, column_of: ColumnOf, parameters: Sequence[object] = (), fold: Fold | None = None
) -> Predicate:
    """Return what a condition says about the columns that `column_of` knows.

    Args:
        node: a boolean expression.
        column_of: names the columns of the one table in question.
        parameters: values of `$1`, `$2`, ….
        fold: evaluates constant expressions that are not literals.
    """
    return _Where(column_of, Constants(parameters, fold)).predicate(node)


class _Where:
    def __init__(self, column_of: ColumnOf, constants: Constants) -> None:
        self._column_of, self._constants = column_of, constants

    def predicate(self, node: pb.Node) -> Predicate:
        kind = node.WhichOneof("node")
        if kind == "bool_expr":
            return self._bool(node.bool_expr)
        if kind == "a_expr":
            return self._expression(node.a_expr)
        if kind == "null_test":
            return self._null_test(node.null_test)
        if kind == "boolean_test":
            return self._boolean_test(node.boolean_test)
        if kind == "func_call":
            return self._function(node.func_call)
        if kind == "a_const":
            return self._truth(node)
        if kind in {"column_ref", "type_cast"}:
            term = self._term(node)
            if term is not None and term.cast in {None, "bool"}:
                return Compare(ColumnTerm(term.name), Operator.EQ, Literal(True))
        return ANYTHING

    def _bool(self, expression: pb.BoolExpr) -> Predicate:
        children = tuple(self.predicate(argument) for argument in expression.args)
        if expression.boolop == pb.NOT_EXPR:
            return Not(children[0])
        return And(children) if expression.boolop == pb.AND_EXPR else Or(children)

    def _truth(self, node: pb.Node) -> Predicate:
        literal = self._constants.value_of(node)
        if literal is not None and literal.value is False:
            return Never()
        return Never(is_null=True) if literal is not None and literal.value is None else ANYTHING

    def _expression(self, expression: pb.A_Expr) -> Predicate:
        kind = expression.kind
        symbol = expression.name[-1].string.sval if expression.name else ""
        if kind == pb.AEXPR_OP:
            if symbol == "^@":
                return self._prefix(expression.lexpr, expression.rexpr)
            operator = _OPERATORS.get(symbol)
            return ANYTHING if operator is None else self._compare(expression.lexpr, operator, expression.rexpr)
        if kind == pb.AEXPR_IN:
            return self._membership(expression.lexpr, expression.rexpr, is_negated=symbol == "<>")
        if kind == pb.AEXPR_OP_ANY and symbol == "=":
            return self._membership(expression.lexpr, expression.rexpr, is_negated=False)
        if kind == pb.AEXPR_OP_ALL and symbol in {"<>", "!="}:
            return self._membership(expression.lexpr, expression.rexpr, is_negated=True)
        if kind in {pb.AEXPR_BETWEEN, pb.AEXPR_NOT_BETWEEN}:
            inside = self._between(expression.lexpr, *expression.rexpr.list.items)
            return inside if kind == pb.AEXPR_BETWEEN else Not(inside)
        if kind == pb.AEXPR_LIKE:
            like = self._like(expression.lexpr, expression.rexpr)
            return like if symbol == "~~" else Not(like)
        if kind == pb.AEXPR_NOT_DISTINCT:
            return self._not_distinct(expression.lexpr, expression.rexpr)
        return ANYTHING

    def _compare(self, left: pb.Node, operator: Operator, right: pb.Node) -> Predicate:
        term = self._term(left)
        if term is None:
            term, right, operator = self._term(right), left, operator.flipped
        literal = None if term is None else self._constants.value_of(right)
        return ANYTHING if term is None or literal is None else Compare(term, operator, literal)

    def _membership(self, left: pb.Node, right: pb.Node, *, is_negated: bool) -> Predicate:
        term = self._term(left)
        literals = None if term is None else self._constants.values_of(right)
        if term is None or literals is None or not _are_alike(literals):
            return ANYTHING
        member = Membership(term, literals)
        return Not(member) if is_negated else member

    def _between(self, left: pb.Node, low: pb.Node, high: pb.Node) -> Predicate:
        ends = [self._constants.value_of(node) for node in (low, high)]
        known = [end for end in ends if end is not None]
        if len(known) == 2 and not _are_alike(known):
            return ANYTHING
        return And((self._compare(left, Operator.GE, low), self._compare(left, Operator.LE, high)))

    def _like(self, left: pb.Node, right: pb.Node) -> Predicate:
        term = self._term(left)
        pattern = None if term is None else self._constants.value_of(right)
        if term is None or pattern is None or not isinstance(pattern.value, str):
            return ANYTHING  # a pattern with ESCAPE is a function call and ends here too
        prefix, rest = _literal_prefix(pattern.value)
        if not rest:
            return Compare(term, Operator.EQ, Literal(prefix))
        # LIKE says more than its prefix does, so its negation says nothing: Prefix is never pruned when negated.
        return Prefix(term, prefix)

    def _prefix(self, left: pb.Node, right: pb.Node) -> Predicate:
        term, literal = self._term(left), self._constants.value_of(right)
        if term is None or literal is None or not isinstance(literal.value, str):
            return ANYTHING
        return Prefix(term, literal.value)

    def _not_distinct(self, left: pb.Node, right: pb.Node) -> Predicate:
        term = self._term(left)
        if term is None:
            term, right = self._term(right), left
        literal = None if term is None else self._constants.value_of(right)
        if term is None or literal is None:
            return ANYTHING
        if literal.value is None:
            return IsNull(term)
        # Unlike =, it is FALSE, not NULL, for a NULL column: the added IS NOT NULL makes its negation right.
        return And((Compare(term, Operator.EQ, literal), Not(IsNull(term))))

    def _null_test(self, test: pb.NullTest) -> Predicate:
        term = self._term(test.arg)
        if term is None:
            return ANYTHING
        return IsNull(term) if test.nulltesttype == pb.IS_NULL else Not(IsNull(term))

    def _boolean_test(self, test: pb.BooleanTest) -> Predicate:
        term = self._term(test.arg)
        if term is None or term.cast is not None:
            return ANYTHING
        is_true: Predicate = And((Compare(term, Operator.EQ, Literal(True)), Not(IsNull(term))))
        is_false: Predicate = And((Compare(term, Operator.EQ, Literal(False)), Not(IsNull(term))))
        return {
            pb.IS_TRUE: is_true,
            pb.IS_NOT_TRUE: Or((is_false, IsNull(term))),
            pb.IS_FALSE: is_false,
            pb.IS_NOT_FALSE: Or((is_true, IsNull(term))),
            pb.IS_UNKNOWN: IsNull(term),
            pb.IS_NOT_UNKNOWN: Not(IsNull(term)),
        }.get(test.booltesttype, ANYTHING)

    def _function(self, call: pb.FuncCall) -> Predicate:
        if call.funcname[-1].string.sval == "starts_with" and len(call.args) == 2:
            return self._prefix(call.args[0], call.args[1])
        return ANYTHING

    def _term(self, node: pb.Node) -> ColumnTerm | None:
        kind = node.WhichOneof("node")
        if kind == "type_cast" and not node.type_cast.type_name.typmods:
            inner = self._term(node.type_cast.arg)
            if inner is None or inner.cast is not None:
                return None
            return ColumnTerm(inner.name, type_name_of(node.type_cast.type_name))
        if kind != "column_ref":
            return None
        parts = [field.string.sval for field in node.column_ref.fields if field.WhichOneof("node") == "string"]
        if len(parts) != len(node.column_ref.fields):
            return None  # a star
        name = self._column_of(parts)
        return None if name is None else ColumnTerm(name)


def _are_alike(literals: Sequence[Literal]) -> bool:
    """Return whether constants that are compared together have one type, as each would have alone.

    The engine brings a list, an array and the ends of BETWEEN to one common type, which changes values: in
    `x IN (1e0, 9007199254740993)` both sides become DOUBLE, in `ARRAY[2, '1.5']` the text becomes an integer.
    """
    return len({_family(literal) for literal in literals if literal.value is not None}) <= 1


def _family(literal: Literal) -> tuple[bool, str]:
    value = literal.value
    if isinstance(value, bool):
        return literal.is_typed, "bool"
    if isinstance(value, int | Decimal):
        return literal.is_typed, "exact"
    if isinstance(value, dt.datetime):
        return literal.is_typed, "timestamp" if value.tzinfo is None else "timestamptz"
    return literal.is_typed, type(value).__name__


def _literal_prefix(pattern: str) -> tuple[str, str]:
    """Return the characters a LIKE pattern starts with literally, and the rest of it; `\\` escapes."""
    prefix: list[str] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        if character in "%_":
            return "".join(prefix), pattern[place:]
        if character == "\\":
            place += 1
            if place == len(pattern):
                return "".join(prefix), "\\"  # malformed: the engine raises
            character = pattern[place]
        prefix.append(character)
        place += 1
    return "".join(prefix), ""
