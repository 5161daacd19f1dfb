"""What is deparsed reads as the same tree: the deparser forgets parentheses, `deparsing` puts them in."""

from __future__ import annotations

import re

import postgast
import pytest
from google.protobuf.message import Message

from fsspeckit_sqlserver.deparsing import deparse

_INNER = [
    "a or b", "a and b", "not a", "a is null", "a is true", "a in (1)", "a not in (1)", "a between 1 and 2",
    "a not between 1 and 2", "a like 'x'", "a ilike 'x' escape 'y'", "a similar to 'x'", "a = b", "a < b", "a + b",
    "a || b", "a is distinct from b", "a = any(b)", "-a", "a at time zone 'x'", "a collate \"C\"", "a::int", "a, b",
    "case when a then b end", "exists (select 1)", "select 1", "array[1]", "a -> b", "- 5", "a in (select 1)",
    "a = any (select 1)", "a is null or b", "@ a", "nullif(a, b)",
]  # fmt: skip
_AROUND = [
    "({}) is null", "({}) is true", "({}) is not unknown", "not ({})", "({}) in (true)", "true in (({}))",
    "({}) is distinct from c", "c is not distinct from ({})", "({})::text", "({}) collate x", "({}) = c", "c = ({})",
    "({}) < c", "({}) + c", "c - ({})", "c * ({})", "- ({})", "({}) and c", "c or ({})", "({}) between c and d",
    "c between ({}) and d", "c between d and ({})", "c not between d and ({})", "({}) like c", "c like ({})",
    "c ilike ({}) escape 'x'", "({}) similar to c", "({})[1]", "({}).f", "({}) = any (c)", "c = any (({}))",
    "({}) at time zone c", "c at time zone ({})", "({}) in (select 1)", "({}) = all (select 1)", "({}) -> c",
    "c -> ({})", "({}) || c", "case ({}) when 1 then 2 end", "f(({}))", "array[({})]", "coalesce(({}), 1)",
    "extract(year from ({}))", "({}) between symmetric c and d", "({}) ^ c", "c ^ ({})", "c in (({}), 2)",
    "position(({}) in c)", "substring(({}) from 2)", "trim(({}) from c)", "(({}), 1) = (1, 2)",
]  # fmt: skip


def _without_places(tree: Message) -> str:
    return re.sub(r"\s*(\w*location|\w*list_start|\w*list_end): -?\d+(?=\n)", "", str(tree))


@pytest.mark.parametrize("around", _AROUND)
def test_an_operand_stays_one(around: str) -> None:
    compared = 0
    for inner in _INNER:
        try:
            tree = postgast.parse(f"SELECT {around.format(inner)} FROM t")
        except postgast.PgQueryError:
            continue  # no SQL
        again = postgast.parse(deparse("select_stmt", tree.stmts[0].stmt.select_stmt))
        assert _without_places(again) == _without_places(tree), around.format(inner)
        compared += 1
    assert compared > 20
