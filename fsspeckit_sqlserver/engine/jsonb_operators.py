"""The operators of jsonb that DuckDB has not, as calls of macros. Pure: changes a copied tree."""

from __future__ import annotations

from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.coercions import adopt
from fsspeckit_sqlserver.engine.trees import call, copied, replace_node, string
from fsspeckit_sqlserver.engine.typing_rules import INTEGERS, TEXTS
from fsspeckit_sqlserver.types import oids

__all__ = ["note_jsonb_operator"]

_KEYS: Final = oids.ARRAY_OF[oids.TEXT]
_RIGHT: Final = {"||": oids.JSONB, "@>": oids.JSONB, "<@": oids.JSONB, "#-": _KEYS, "?|": _KEYS, "?&": _KEYS}
_TAKEN: Final = {**dict.fromkeys(INTEGERS, "index"), _KEYS: "keys"}
_TESTS: Final = frozenset({"@>", "?", "?|", "?&"})


def note_jsonb_operator(node: pb.Node, symbol: str, left: int | None, right: int | None) -> int | None:
    """Rewrite an operator of which one side is jsonb; return its type, None when it is none of these."""
    expression = node.a_expr
    if left == oids.JSONB and right is None and symbol in _RIGHT:
        adopt(expression.rexpr, _RIGHT[symbol], "MDY")
    elif right == oids.JSONB and left is None and symbol in {"||", "@>", "<@"}:
        adopt(expression.lexpr, oids.JSONB, "MDY")
    elif left != oids.JSONB:
        return None
    one, other, word = copied(expression.lexpr), copied(expression.rexpr), symbol
    if symbol == "<@":
        one, other, word = other, one, "@>"
    elif symbol == "-":
        taken = "text" if right is None or right in TEXTS else _TAKEN.get(right)
        if taken is None:
            return None
        word = f"- {taken}"
    elif symbol not in {*_RIGHT, "?"}:
        return None
    is_test = word in _TESTS
    replace_node(node, call(("gw_pg", "gw_jsonb_test" if is_test else "gw_jsonb_two"), string(word), one, other))
    return oids.BOOL if is_test else oids.JSONB
