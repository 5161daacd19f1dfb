"""`x LIKE ANY (array)`, and the other operators of patterns. Pure: rewrites nodes of a copied tree."""

from __future__ import annotations

from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import InvalidText
from fsspeckit_sqlserver.engine.patterns import parse_array
from fsspeckit_sqlserver.engine.trees import (
    call,
    copied,
    null,
    operation,
    parsed_expression,
    replace_node,
    string,
    string_value,
)

__all__ = ["PATTERN_OPERATORS", "expand_pattern_list", "pattern_test"]

_LIKES: Final = {"~~": "like", "!~~": "not_like", "~~*": "ilike", "!~~*": "not_ilike"}
_REGEXPS: Final = {"~": "match", "!~": "not_match", "~*": "imatch", "!~*": "not_imatch"}
PATTERN_OPERATORS: Final = frozenset({*_LIKES, *_REGEXPS})


def pattern_test(symbol: str, text: pb.Node, pattern: pb.Node) -> pb.Node:
    """Return one comparison with a pattern, as PostgreSQL's parser reads it."""
    node = operation(symbol, text, pattern)
    if symbol in _LIKES:
        node.a_expr.kind = pb.AEXPR_ILIKE if symbol.endswith("*") else pb.AEXPR_LIKE
    return node


def expand_pattern_list(node: pb.Node) -> list[pb.Node]:
    """Replace a comparison with the elements of an array by several; returns them, to be rewritten in turn.

    Raises:
        InvalidText: an array in quotes that is none.
    """
    expression = copied(node).a_expr
    symbol = expression.name[-1].string.sval
    is_any = expression.kind == pb.AEXPR_OP_ANY
    patterns = _elements(expression.rexpr)
    if patterns is None:
        kind = {**_LIKES, **_REGEXPS}[symbol]
        tests = call(("gw_pg", f"gw_{kind}_list"), expression.lexpr, expression.rexpr)
        replace_node(node, call(("gw_pg", "gw_any" if is_any else "gw_all"), tests))
        return []
    if not patterns:
        replace_node(node, parsed_expression("false" if is_any else "true"))
        return []
    node.Clear()
    node.bool_expr.boolop = pb.OR_EXPR if is_any else pb.AND_EXPR
    node.bool_expr.args.extend(pattern_test(symbol, expression.lexpr, pattern) for pattern in patterns)
    if len(patterns) == 1:
        replace_node(node, copied(node.bool_expr.args[0]))
        return [node]
    return list(node.bool_expr.args)


def _elements(array: pb.Node) -> list[pb.Node] | None:
    """Return the elements of an array that is written out; None for any other."""
    if array.WhichOneof("node") == "type_cast":
        return _elements(array.type_cast.arg)
    if array.WhichOneof("node") == "a_array_expr":
        return [copied(element) for element in array.a_array_expr.elements]
    text = string_value(array)
    if text is None:
        return None
    found = parse_array(text)
    if found is None:
        raise InvalidText(f'malformed array literal: "{text}"')
    return [string(element) if isinstance(element, str) else null() for element in found]
