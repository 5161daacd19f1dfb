"""Comparisons of rows, and their tests for NULL, as the comparisons of fields that PostgreSQL makes of them. Pure.

DuckDB compares rows as values: NULL equals NULL, and `(NULL, 1) > (2, 0)` is true. PostgreSQL's answer has three
values, and so have these expressions over the fields. They come before anything else, so that fields meet the types of
the fields opposite, and files are pruned by them.
Source: PostgreSQL 16 manual, "Row and Array Comparisons"; `make_row_comparison_op`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import StatementProblem, UnsupportedStatement
from fsspeckit_sqlserver.engine.missing_rows import name_unnested_fields, note_missing_rows
from fsspeckit_sqlserver.engine.naming import name_targets
from fsspeckit_sqlserver.engine.pattern_lists import PATTERN_OPERATORS, pattern_test
from fsspeckit_sqlserver.engine.record_functions import expand_record_function
from fsspeckit_sqlserver.engine.trees import (
    call,
    child_messages,
    column,
    copied,
    names_of,
    operation,
    parsed_expression,
    parsed_select,
    replace_node,
    walk,
)

__all__ = ["expand_rows"]

_COMPARISONS: Final = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
_MANY_ROWS: Final = 4  # of a list: then its columns are looked at first, which prunes files and is quick


def expand_rows(message: Message, aliases: frozenset[str] = frozenset()) -> None:
    """Rewrite every comparison of rows below a message, in place.

    Args:
        aliases: names of the relations around it: alone they mean a whole row.

    Raises:
        StatementProblem: rows of different lengths, as PostgreSQL words it.
    """
    if isinstance(message, pb.SelectStmt):
        name_targets(message)  # by what is written
        aliases = aliases | _aliases_of(message)
        note_missing_rows(message)
        name_unnested_fields(message)
    for child in child_messages(message):
        expand_rows(child, aliases)
    if isinstance(message, pb.Node):
        kind = message.WhichOneof("node")
        if kind == "a_expr":
            _expand_operator(message)
        elif kind == "range_function":
            expand_record_function(message)
        elif kind == "null_test":
            _expand_null_test(message, aliases)
        elif kind == "sub_link" and _is_expanded(message.sub_link):
            _expand_quantified(message)


def _is_expanded(link: pb.SubLink) -> bool:
    """Return whether a comparison with all rows of a query is one DuckDB has not: of a row, or LIKE."""
    is_like = bool(link.oper_name) and link.oper_name[-1].string.sval in PATTERN_OPERATORS
    return link.testexpr.WhichOneof("node") == "row_expr" or is_like


def _aliases_of(select: pb.SelectStmt) -> frozenset[str]:
    return frozenset(
        part.alias.aliasname or (part.relname if isinstance(part, pb.RangeVar) else "")
        for item in select.from_clause
        for part in walk(item)
        if isinstance(part, pb.RangeVar | pb.RangeSubselect)
    )


def _fields(node: pb.Node) -> list[pb.Node] | None:
    return [copied(field) for field in node.row_expr.args] if node.WhichOneof("node") == "row_expr" else None


def _without_star(node: pb.Node) -> None:
    """`t.*` where one value stands is the row `t`."""
    fields = node.column_ref.fields
    if node.WhichOneof("node") == "column_ref" and len(fields) == 2 and fields[1].HasField("a_star"):
        del fields[1]


def _expand_operator(node: pb.Node) -> None:
    expression = node.a_expr
    if _compares_with_array_of_rows(expression):
        link = pb.Node()
        link.sub_link.CopyFrom(expression.rexpr.sub_link)
        link.sub_link.sub_link_type = pb.ANY_SUBLINK if expression.kind == pb.AEXPR_OP_ANY else pb.ALL_SUBLINK
        link.sub_link.testexpr.CopyFrom(expression.lexpr)
        link.sub_link.oper_name.extend(expression.name)
        replace_node(node, link)
        _expand_quantified(node)
        return
    _without_star(expression.lexpr)
    _without_star(expression.rexpr)
    left = _fields(expression.lexpr)
    if left is None:
        return
    right = expression.rexpr
    symbol = expression.name[-1].string.sval if expression.name else ""
    if expression.kind == pb.AEXPR_OP and symbol in _COMPARISONS:
        fields = _fields(right)
        if fields is not None:
            replace_node(node, _compared(left, symbol, fields))
        elif right.WhichOneof("node") == "sub_link" and right.sub_link.sub_link_type == pb.EXPR_SUBLINK:
            replace_node(node, _compared_with_query(left, symbol, right.sub_link.subselect.select_stmt))
    elif expression.kind in {pb.AEXPR_DISTINCT, pb.AEXPR_NOT_DISTINCT} and (fields := _fields(right)) is not None:
        _check_lengths(left, fields)
        tests = [_distinct(one, other) for one, other in zip(left, fields, strict=True)]
        differs = _all(pb.OR_EXPR, tests)
        replace_node(node, differs if expression.kind == pb.AEXPR_DISTINCT else _not(differs))
    elif expression.kind == pb.AEXPR_IN:
        rows = [_fields(item) for item in right.list.items]
        if all(rows):
            found = _member(left, [row for row in rows if row])
            replace_node(node, found if symbol == "=" else _not(found))
    elif expression.kind in _BETWEEN and len(right.list.items) == 2:
        low, high = (_fields(item) for item in right.list.items)
        if low is not None and high is not None:
            inside = _all(pb.AND_EXPR, [_compared(left, ">=", low), _compared(left, "<=", high)])
            if expression.kind in {pb.AEXPR_BETWEEN_SYM, pb.AEXPR_NOT_BETWEEN_SYM}:
                turned = _all(pb.AND_EXPR, [_compared(left, ">=", high), _compared(left, "<=", low)])
                inside = _all(pb.OR_EXPR, [inside, turned])
            is_plain = expression.kind in {pb.AEXPR_BETWEEN, pb.AEXPR_BETWEEN_SYM}
            replace_node(node, inside if is_plain else _not(inside))


def _compares_with_array_of_rows(expression: pb.A_Expr) -> bool:
    """`x LIKE ANY (ARRAY(SELECT …))`."""
    return (
        expression.kind in {pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL}
        and expression.name[-1].string.sval in PATTERN_OPERATORS
        and expression.rexpr.WhichOneof("node") == "sub_link"
        and expression.rexpr.sub_link.sub_link_type == pb.ARRAY_SUBLINK
    )


_BETWEEN: Final = frozenset({pb.AEXPR_BETWEEN, pb.AEXPR_NOT_BETWEEN, pb.AEXPR_BETWEEN_SYM, pb.AEXPR_NOT_BETWEEN_SYM})


def _compared(left: Sequence[pb.Node], symbol: str, right: Sequence[pb.Node]) -> pb.Node:
    """Return the comparison of two rows, as one of their fields."""
    _check_lengths(left, right)
    pairs = list(zip(left, right, strict=True))
    if symbol in PATTERN_OPERATORS:
        return pattern_test(symbol, *pairs[0])
    if symbol in {"=", "<>", "!="}:
        tests = [operation(symbol, one, other) for one, other in pairs]
        return _all(pb.AND_EXPR if symbol == "=" else pb.OR_EXPR, tests)
    one, other = pairs[-1]
    result = operation(symbol, one, other)
    strict = symbol[0]
    for one, other in reversed(
        pairs[:-1]
    ):  # a >= x AND (a > x OR (a = x AND …)); the first says nothing new, but prunes
        equal = _all(pb.AND_EXPR, [operation("=", one, other), result])
        decided = _all(pb.OR_EXPR, [operation(strict, one, other), equal])
        result = _all(pb.AND_EXPR, [operation(strict + "=", one, other), decided])
    return result


def _member(left: Sequence[pb.Node], rows: Sequence[Sequence[pb.Node]]) -> pb.Node:
    """Return whether a row is in a list of rows."""
    found = _all(pb.OR_EXPR, [_compared(left, "=", row) for row in rows])
    if len(rows) < _MANY_ROWS:
        return found
    tests = []
    for place, field in enumerate(left):
        test = parsed_expression("x IN (1)")
        test.a_expr.lexpr.CopyFrom(field)
        del test.a_expr.rexpr.list.items[:]
        test.a_expr.rexpr.list.items.extend(row[place] for row in rows)
        tests.append(test)
    return _all(pb.AND_EXPR, [*tests, found])


def _compared_with_query(left: Sequence[pb.Node], symbol: str, query: pb.SelectStmt) -> pb.Node:
    """Return the comparison with the one row of a query; NULL where it has none."""
    result = pb.Node()
    result.sub_link.sub_link_type = pb.EXPR_SUBLINK
    select = _over(query, len(left))
    select.target_list[0].res_target.val.CopyFrom(_compared(left, symbol, _names(len(left))))
    result.sub_link.subselect.select_stmt.CopyFrom(select)
    return result


def _expand_quantified(node: pb.Node) -> None:
    """`(a, b) < ALL (SELECT …)`; IN and NOT IN stay where DuckDB knows them."""
    link = node.sub_link
    if link.sub_link_type not in {pb.ANY_SUBLINK, pb.ALL_SUBLINK}:
        return
    left = _fields(link.testexpr) or [copied(link.testexpr)]
    query = link.subselect.select_stmt
    symbol = link.oper_name[-1].string.sval if link.oper_name else "="
    is_any = link.sub_link_type == pb.ANY_SUBLINK
    is_member = (symbol == "=" and is_any) or (symbol in {"<>", "!="} and not is_any)
    if is_member and len(left) > 1 and not _is_correlated(query):
        _check_width(query, len(left))
        member = copied(node)
        member.sub_link.sub_link_type = pb.ANY_SUBLINK
        del member.sub_link.oper_name[:]
        replace_node(node, member if is_any else _not(member))
        return
    select = _over(query, len(left))
    matches = _compared(left, symbol, _names(len(left)))
    collected = "bool_or" if is_any else "bool_and"
    result = parsed_expression(
        f"CASE WHEN {collected}(m) {'' if is_any else 'IS FALSE'} THEN {is_any} WHEN bool_or(m IS NULL) THEN NULL"
        f" ELSE {not is_any} END"
    )
    for part in list(walk(result)):
        if isinstance(part, pb.Node) and part.WhichOneof("node") == "column_ref":
            replace_node(part, matches)
    select.target_list[0].res_target.val.CopyFrom(result)
    answer = pb.Node()
    answer.sub_link.sub_link_type = pb.EXPR_SUBLINK
    answer.sub_link.subselect.select_stmt.CopyFrom(select)
    replace_node(node, answer)


def _is_correlated(query: pb.SelectStmt) -> bool:
    """Return whether a query evidently names a relation around it."""
    known = {name for part in walk(query) if isinstance(part, pb.SelectStmt) for name in _aliases_of(part)}
    has_from = bool(known) or any(part for part in walk(query) if isinstance(part, pb.RangeFunction))
    return any(
        isinstance(part, pb.ColumnRef)
        and (part.fields[-2].string.sval not in known if len(part.fields) > 1 else not has_from)
        for part in walk(query)
    )


def _over(query: pb.SelectStmt, width: int) -> pb.SelectStmt:
    """Return `SELECT … FROM (query)`, whose columns have names nobody else has."""
    _check_width(query, width)
    select = parsed_select("SELECT 1 FROM (SELECT 1) AS gw_row")
    source = select.from_clause[0].range_subselect
    source.subquery.select_stmt.CopyFrom(query)
    for name in _names(width):
        source.alias.colnames.add().string.sval = name.column_ref.fields[-1].string.sval
    return select


def _check_width(query: pb.SelectStmt, width: int) -> None:
    values = [target.res_target.val for target in query.target_list]
    has_star = any(part.column_ref.fields and part.column_ref.fields[-1].HasField("a_star") for part in values)
    if values and not has_star and len(values) != width:
        raise StatementProblem(f"subquery has too {'many' if len(values) > width else 'few'} columns")


def _names(width: int) -> list[pb.Node]:
    return [column("gw_row", f"gw_field{place}") for place in range(width)]


def _expand_null_test(node: pb.Node, aliases: frozenset[str]) -> None:
    """A row is NULL when all of its fields are, and NOT NULL when none is."""
    test = node.null_test
    _without_star(test.arg)
    fields = _fields(test.arg)
    is_null = test.nulltesttype == pb.IS_NULL
    if fields is not None:
        tests = []
        for field in fields:
            one = pb.Node()
            one.null_test.arg.CopyFrom(field)
            one.null_test.nulltesttype = test.nulltesttype
            tests.append(one)
        replace_node(node, _all(pb.AND_EXPR, tests) if tests else parsed_expression("true"))
        return
    parts = names_of(test.arg.column_ref.fields)
    if len(parts) == 1 and parts[0] in aliases:
        replace_node(node, call(("gw_pg", "row_is_null" if is_null else "row_is_not_null"), test.arg))


def _check_lengths(left: Sequence[pb.Node], right: Sequence[pb.Node]) -> None:
    if len(left) != len(right):
        raise StatementProblem("unequal number of entries in row expressions")
    if not left:
        raise UnsupportedStatement("cannot compare rows of zero length")


def _distinct(left: pb.Node, right: pb.Node) -> pb.Node:
    node = operation("=", left, right)
    node.a_expr.kind = pb.AEXPR_DISTINCT
    return node


def _all(operator: pb.BoolExprType.ValueType, parts: Sequence[pb.Node]) -> pb.Node:
    if len(parts) == 1:
        return parts[0]
    node = pb.Node()
    node.bool_expr.boolop = operator
    node.bool_expr.args.extend(parts)
    return node


def _not(part: pb.Node) -> pb.Node:
    node = pb.Node()
    node.bool_expr.boolop = pb.NOT_EXPR
    node.bool_expr.args.add().CopyFrom(part)
    return node
