from __future__ import annotations

from collections.abc import Sequence

import postgast
import pytest

from fsspeckit_lib.sql import ANYTHING, parse_where
from fsspeckit_lib.sql.domains import Literal
from fsspeckit_lib.sql.predicates import (
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

_X = ColumnTerm("x")


def _column_of(parts: Sequence[str]) -> str | None:
    return parts[-1] if parts[-1] in {"x", "y"} and parts[0] in {"x", "y", "t"} else None


def _parsed(condition: str, *parameters: object) -> Predicate:
    select = postgast.parse(f"SELECT 1 FROM t WHERE {condition}").stmts[0].stmt.select_stmt
    return parse_where(select.where_clause, _column_of, parameters)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("x = 1", Compare(_X, Operator.EQ, Literal(1))),
        ("1 < t.x", Compare(_X, Operator.GT, Literal(1))),
        ("x <> -2", Compare(_X, Operator.NE, Literal(-2))),
        ("x = 'a'", Compare(_X, Operator.EQ, Literal("a", is_typed=False))),
        ("x = 'a'::text", Compare(_X, Operator.EQ, Literal("a"))),
        ("x::date = NULL", Compare(ColumnTerm("x", "date"), Operator.EQ, Literal(None))),
        ("x", Compare(_X, Operator.EQ, Literal(True))),
        ("NOT x", Not(Compare(_X, Operator.EQ, Literal(True)))),
        ("x IS NULL", IsNull(_X)),
        ("x IS NOT NULL", Not(IsNull(_X))),
        ("x IN (1, 2)", Membership(_X, (Literal(1), Literal(2)))),
        ("x NOT IN (1)", Not(Membership(_X, (Literal(1),)))),
        ("x LIKE 'ab%c'", Prefix(_X, "ab")),
        ("x LIKE 'ab'", Compare(_X, Operator.EQ, Literal("ab"))),
        (r"x LIKE 'a\%b%'", Prefix(_X, "a%b")),
        ("x LIKE '_a'", Prefix(_X, "")),
        ("starts_with(x, 'ab')", Prefix(_X, "ab")),
        ("x ^@ 'ab'", Prefix(_X, "ab")),
        ("false", Never()),
        ("NULL", Never(is_null=True)),
        ("true", ANYTHING),
        ("z = 1", ANYTHING),
        ("u.x = 1", ANYTHING),
        ("x = y", ANYTHING),
        ("x = (SELECT 1)", ANYTHING),
        ("x LIKE 'a%' ESCAPE '!'", ANYTHING),
        ("x::numeric(3,1) = 1", ANYTHING),
        ("x = 1 OR z = 2", Or((Compare(_X, Operator.EQ, Literal(1)), ANYTHING))),
        (
            "x = 1 AND y > 2",
            And((Compare(_X, Operator.EQ, Literal(1)), Compare(ColumnTerm("y"), Operator.GT, Literal(2)))),
        ),
    ],
)
def test_conditions(condition: str, expected: Predicate) -> None:
    assert _parsed(condition) == expected


def test_parameters_take_the_place_of_constants() -> None:
    assert _parsed("x = $2", None, 5) == Compare(_X, Operator.EQ, Literal(5))
    assert _parsed("x = $1", "a") == Compare(_X, Operator.EQ, Literal("a", is_typed=False))
    assert _parsed("x = ANY($1)", [1, 2]) == Membership(_X, (Literal(1), Literal(2)))
    assert _parsed("x = $3", 1) == ANYTHING  # no such value


def test_a_fold_evaluates_what_is_no_literal() -> None:
    select = postgast.parse("SELECT 1 FROM t WHERE x = 2 * 3").stmts[0].stmt.select_stmt
    assert parse_where(select.where_clause, _column_of, (), lambda _: Literal(6)) == Compare(
        _X, Operator.EQ, Literal(6)
    )
