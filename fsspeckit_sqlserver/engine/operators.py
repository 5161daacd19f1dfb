"""PostgreSQL's operators in DuckDB. Pure: rewrites nodes of a copied tree, whose operands are rewritten already."""

from __future__ import annotations

from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.casts import array_constant
from fsspeckit_sqlserver.engine.errors import UnsupportedStatement
from fsspeckit_sqlserver.engine.pattern_lists import PATTERN_OPERATORS, expand_pattern_list
from fsspeckit_sqlserver.engine.patterns import ArrayLiteral, parse_array
from fsspeckit_sqlserver.engine.regexp_functions import regexp_operator
from fsspeckit_sqlserver.engine.trees import (
    call,
    copied,
    names_of,
    parsed_expression,
    replace_node,
    string,
    string_value,
)

__all__ = ["rewrite_operator"]

_FUNCTION_OPERATORS: Final = {"->": "json_extract", "->>": "json_extract_string"}
_REGEXP_OPERATORS: Final = frozenset({"~", "!~", "~*", "!~*"})
_UNARY_FUNCTIONS: Final = {"|/": "sqrt", "||/": "cbrt", "@": "abs"}


def rewrite_operator(node: pb.Node) -> None:
    """Rewrite one operator, LIKE, BETWEEN or comparison with an array."""
    expression = node.a_expr
    symbol = expression.name[-1].string.sval if expression.name else ""
    if len(expression.name) > 1:  # OPERATOR(pg_catalog.~)
        del expression.name[:-1]
    if expression.kind == pb.AEXPR_OP:
        if symbol in _FUNCTION_OPERATORS and expression.HasField("lexpr"):
            replace_node(node, call(_FUNCTION_OPERATORS[symbol], expression.lexpr, expression.rexpr))
        elif symbol in {"#>", "#>>"}:
            replace_node(node, _json_path(expression, is_text=symbol == "#>>"))
        elif symbol == "#" and expression.HasField("lexpr"):
            replace_node(node, call("xor", expression.lexpr, expression.rexpr))
        elif symbol in _UNARY_FUNCTIONS and not expression.HasField("lexpr"):
            replace_node(node, call(_UNARY_FUNCTIONS[symbol], expression.rexpr))
        elif symbol in _REGEXP_OPERATORS and expression.HasField("lexpr"):
            replace_node(node, regexp_operator(symbol, copied(expression.lexpr), copied(expression.rexpr)))
        elif symbol == "^":
            replace_node(node, call("pow", expression.lexpr, expression.rexpr))
        elif symbol == "/" and _is_interval(expression.lexpr):  # DuckDB only multiplies intervals
            inverse = copied(node)
            inverse.a_expr.lexpr.Clear()
            inverse.a_expr.lexpr.a_const.fval.fval = "1.0"
            expression.name[-1].string.sval = "*"
            expression.rexpr.CopyFrom(inverse)
    elif expression.kind in {pb.AEXPR_LIKE, pb.AEXPR_ILIKE}:
        _like(node, symbol)
    elif expression.kind == pb.AEXPR_SIMILAR:
        found = call("regexp_matches", copied(expression.lexpr), copied(expression.rexpr))
        if symbol != "~":
            inner, found = found, pb.Node()
            found.bool_expr.boolop = pb.NOT_EXPR
            found.bool_expr.args.add().CopyFrom(inner)
        replace_node(node, found)
    elif expression.kind in {pb.AEXPR_BETWEEN_SYM, pb.AEXPR_NOT_BETWEEN_SYM}:
        low, high = (copied(item) for item in expression.rexpr.list.items)
        is_plain = expression.kind == pb.AEXPR_BETWEEN_SYM
        expression.kind = pb.AEXPR_BETWEEN if is_plain else pb.AEXPR_NOT_BETWEEN
        expression.name[-1].string.sval = "BETWEEN" if is_plain else "NOT BETWEEN"
        expression.rexpr.list.items[0].CopyFrom(call("least", low, high))
        expression.rexpr.list.items[1].CopyFrom(call("greatest", low, high))
    elif (
        expression.kind in {pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL}
        and expression.rexpr.sub_link.sub_link_type == pb.ARRAY_SUBLINK
        and expression.rexpr.WhichOneof("node") == "sub_link"
    ):
        _compare_with_rows(node)
    elif expression.kind in {pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL} and symbol in PATTERN_OPERATORS:
        for test in expand_pattern_list(node):
            rewrite_operator(test)
    elif expression.kind in {pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL}:
        text = string_value(expression.rexpr)
        elements = None if text is None else parse_array(text)
        if elements is not None:
            _compare_with_constants(expression, elements)
        elif _may_be_null(expression.rexpr, is_any=expression.kind == pb.AEXPR_OP_ANY):
            known = parsed_expression("CASE WHEN a IS NOT NULL THEN b END")
            known.case_expr.args[0].case_when.expr.null_test.arg.CopyFrom(expression.rexpr)
            known.case_expr.args[0].case_when.result.CopyFrom(node)
            replace_node(node, known)


def _compare_with_constants(expression: pb.A_Expr, elements: ArrayLiteral) -> None:
    """`x = ANY ('{a,b}')`: the elements take the type of x, as DuckDB gives it to texts in a list behind IN."""
    symbol, is_any = expression.name[-1].string.sval, expression.kind == pb.AEXPR_OP_ANY
    is_listed = (symbol, is_any) in {("=", True), ("<>", False)}
    if not is_listed or not elements or any(isinstance(element, list) for element in elements):
        expression.rexpr.CopyFrom(array_constant(elements))
        return
    expression.kind = pb.AEXPR_IN
    expression.rexpr.Clear()
    for element in elements:
        item = expression.rexpr.list.items.add()
        if element is None:
            item.a_const.isnull = True
        else:
            item.CopyFrom(string(str(element)))


def _may_be_null(array: pb.Node, *, is_any: bool) -> bool:
    """Return whether an array may be NULL, and so the comparison: DuckDB's then is false, or true of all.

    Parameters of `= ANY` are taken for arrays, for the sake of what finds rows by them.
    """
    match array.WhichOneof("node"):
        case "type_cast":
            return _may_be_null(array.type_cast.arg, is_any=is_any)
        case "a_const":
            return bool(array.a_const.isnull)
        case "param_ref":
            return not is_any
    return not array.HasField("a_array_expr")


def _like(node: pb.Node, symbol: str) -> None:
    """Give LIKE its escape character: the backslash, which DuckDB's has not, unless another one is written."""
    expression = node.a_expr
    pattern = string_value(expression.rexpr)
    if pattern is not None and "\\" not in pattern:
        return  # a plain pattern stays, so that `LIKE 'a%'` remains a search for a prefix
    arguments = [copied(expression.rexpr), string("\\")]
    if _is_escaped(expression.rexpr):
        arguments = [copied(argument) for argument in expression.rexpr.func_call.args]
        if string_value(arguments[1]) == "":  # ESCAPE '': nothing escapes
            expression.rexpr.CopyFrom(arguments[0])
            return
    name = {"~~": "like", "!~~": "not_like", "~~*": "ilike", "!~~*": "not_ilike"}[symbol]
    replace_node(node, call(f"{name}_escape", expression.lexpr, *arguments))


def _compare_with_rows(node: pb.Node) -> None:
    """`x = ANY (ARRAY(SELECT …))` is `x = ANY (SELECT …)`, which DuckDB knows."""
    expression = copied(node).a_expr
    result = pb.Node()
    link = result.sub_link
    link.CopyFrom(expression.rexpr.sub_link)
    link.sub_link_type = pb.ANY_SUBLINK if expression.kind == pb.AEXPR_OP_ANY else pb.ALL_SUBLINK
    link.testexpr.CopyFrom(expression.lexpr)
    link.oper_name.extend(expression.name)
    replace_node(node, result)


def _is_escaped(pattern: pb.Node) -> bool:
    """Return whether a pattern of LIKE has an ESCAPE, which PostgreSQL's grammar makes a call of."""
    return pattern.WhichOneof("node") == "func_call" and names_of(pattern.func_call.funcname)[-1] == "like_escape"


def _is_interval(node: pb.Node) -> bool:
    return node.WhichOneof("node") == "type_cast" and names_of(node.type_cast.type_name.names)[-1] == "interval"


def _json_path(expression: pb.A_Expr, *, is_text: bool) -> pb.Node:
    """`x #> '{a,b}'`: one step per key."""
    text = string_value(expression.rexpr)
    if text is None:
        raise UnsupportedStatement("the operators #> and #>> take a constant path", "Use -> step by step.")
    keys = [key for key in text.strip().strip("{}").split(",") if key]
    result = copied(expression.lexpr)
    for place, key in enumerate(keys):
        is_last = place == len(keys) - 1
        step = string(key.strip().strip('"'))
        if key.strip().lstrip("-").isdigit():
            step = pb.Node()
            step.a_const.ival.ival = int(key)
        result = call("json_extract_string" if is_text and is_last else "json_extract", result, step)
    return result
