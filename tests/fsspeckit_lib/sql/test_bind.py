from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from fsspeckit_lib.sql import ANYTHING, Domain, Kind, bind, columns_of, may_match_nulls
from fsspeckit_lib.sql.bind import AllOf, AnyOf, BoundPredicate, Differs, Inside, NotNull, Null, OneOf
from fsspeckit_lib.sql.domains import Literal, Value
from fsspeckit_lib.sql.predicates import (
    NEVER,
    And,
    ColumnTerm,
    Compare,
    IsNull,
    Membership,
    Not,
    Operator,
    Or,
    Prefix,
)

_SCHEMA = {
    "i": Domain(Kind.INTEGER),
    "dec": Domain(Kind.DECIMAL, 2),
    "f": Domain(Kind.FLOAT64),
    "d": Domain(Kind.DATE),
    "ts": Domain(Kind.TIMESTAMP),
    "tz": Domain(Kind.TIMESTAMPTZ),
    "s": Domain(Kind.TEXT),
    "n": Domain(Kind.OTHER),
}
_DAY = 86_400_000_000


def _compare(column: str, operator: str, value: Value, *, is_typed: bool = True, cast: str | None = None) -> Compare:
    return Compare(ColumnTerm(column, cast), Operator(operator), Literal(value, is_typed))


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        (_compare("i", "=", 5), Inside("i", 5, 5)),
        (_compare("i", "<", 5), Inside("i", None, 4)),
        (_compare("i", ">", Decimal("4.5")), Inside("i", 5, None)),
        (_compare("i", "=", Decimal("4.5")), NEVER),
        (_compare("i", "<>", 5), Differs("i", 5)),
        (_compare("i", "<>", Decimal("4.5")), NotNull("i")),
        (_compare("i", "<", 2**70), NotNull("i")),
        (_compare("i", ">", 2**70), NEVER),
        (_compare("i", "=", "7", is_typed=False), Inside("i", 7, 7)),
        (_compare("i", "=", "7.0", is_typed=False), ANYTHING),
        (_compare("i", "=", "7"), ANYTHING),  # text for good: the engine compares as text or refuses
        (_compare("i", "=", None), NEVER),
        (_compare("dec", "=", Decimal("1.5")), Inside("dec", 150, 150)),
        (_compare("dec", "<=", "1.005", is_typed=False), Inside("dec", None, 101)),  # the cast rounds to either side
        (_compare("d", ">=", dt.date(1970, 1, 2)), Inside("d", 1, None)),
        (_compare("d", "=", "1970-01-03", is_typed=False), Inside("d", 2, 2)),
        (_compare("d", "<", dt.datetime.fromisoformat("1970-01-02 12:00")), Inside("d", None, 1)),
        (_compare("ts", "=", dt.date(1970, 1, 2)), Inside("ts", _DAY, _DAY)),
        (_compare("ts", "=", dt.date(1970, 1, 2), cast="date"), Inside("ts", _DAY, 2 * _DAY - 1)),
        (_compare("ts", "<>", dt.date(1970, 1, 2), cast="date"), NotNull("ts")),
        (_compare("s", "=", "a"), Inside("s", b"a", b"a")),
        (_compare("s", "<", "b"), Inside("s", None, b"b", high_is_open=True)),
        (_compare("s", "=", 5), ANYTHING),
        (_compare("n", "=", 5), ANYTHING),
        (_compare("missing", "=", 5), ANYTHING),
        (_compare("i", "=", 5, cast="int2"), ANYTHING),
    ],
)
def test_comparisons(comparison: Compare, expected: BoundPredicate) -> None:
    assert bind(comparison, _SCHEMA) == expected


def test_an_unknown_zone_widens_and_utc_does_not() -> None:
    naive = dt.datetime.fromisoformat("1970-01-02 00:00")
    wide = bind(_compare("tz", ">=", naive), _SCHEMA)
    assert isinstance(wide, Inside)
    assert isinstance(wide.low, int)
    assert wide.low < 0
    assert bind(_compare("tz", ">=", naive), _SCHEMA, zone_is_utc=True) == Inside("tz", _DAY, None)


def test_nan_hides_above_every_bound() -> None:
    above = bind(_compare("f", ">", 1.0), _SCHEMA)
    assert isinstance(above, Inside)
    assert above.may_be_nan
    both = bind(And((_compare("f", ">", 1.0), _compare("f", "<", 2.0))), _SCHEMA)
    assert isinstance(both, AllOf)
    assert not any(part.may_be_nan for part in both.children if isinstance(part, Inside))


def test_negation_goes_to_the_leaves() -> None:
    either = Or((_compare("i", "<", 3), IsNull(ColumnTerm("i"))))
    assert bind(Not(either), _SCHEMA) == AllOf((Inside("i", 3, None), NotNull("i")))
    assert bind(Not(Not(either)), _SCHEMA) == AnyOf((Inside("i", None, 2), Null("i")))
    assert bind(Not(Prefix(ColumnTerm("s"), "a")), _SCHEMA) == ANYTHING
    assert bind(Not(_compare("i", "=", None)), _SCHEMA) == NEVER  # NOT NULL is NULL


def test_memberships() -> None:
    member = Membership(ColumnTerm("i"), (Literal(3), Literal(1), Literal(None), Literal(3)))
    assert bind(member, _SCHEMA) == OneOf("i", (1, 3))
    assert bind(Not(member), _SCHEMA) == NEVER  # NOT IN with a NULL is never true
    assert bind(Membership(ColumnTerm("i"), ()), _SCHEMA) == NEVER


def test_prefixes() -> None:
    assert bind(Prefix(ColumnTerm("s"), "ab"), _SCHEMA) == Inside("s", b"ab", b"ac", high_is_open=True)
    assert bind(Prefix(ColumnTerm("s"), ""), _SCHEMA) == NotNull("s")
    assert bind(Prefix(ColumnTerm("i"), "a"), _SCHEMA) == ANYTHING


def test_what_nulls_can_satisfy() -> None:
    assert may_match_nulls(Null("i"))
    assert may_match_nulls(ANYTHING)
    assert not may_match_nulls(Inside("i", 1, 2))
    assert may_match_nulls(AnyOf((Inside("i", 1, 2), Null("i"))))
    assert not may_match_nulls(AllOf((Inside("i", 1, 2), Null("i"))))


def test_columns() -> None:
    assert columns_of(AllOf((Inside("i", 1, 2), Null("s")))) == {"i", "s"}
