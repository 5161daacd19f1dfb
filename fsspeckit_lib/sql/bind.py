"""From the unbound predicate tree to one whose leaves are intervals on the columns' ticks.

Pure. Negations disappear (pushed to the leaves, which know their opposite in three-valued logic), constants become
places on the column's line, and what cannot be said with certainty becomes `ANYTHING`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, TypeAlias

from fsspeckit_lib.sql.domains import INT64_MAX, INT64_MIN, Domain, Interval, Kind, Literal, interval_of
from fsspeckit_lib.sql.predicates import (
    ANYTHING,
    NEVER,
    And,
    Anything,
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

__all__ = [
    "AllOf",
    "AnyOf",
    "BoundPredicate",
    "Differs",
    "Inside",
    "NotNull",
    "Null",
    "OneOf",
    "Tick",
    "bind",
    "columns_of",
    "may_match_nulls",
]

Tick: TypeAlias = int | float | bytes

_TEXT_CASTS: Final = frozenset({"text", "varchar"})
_DAY_TICKS: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Inside:
    """Some non-NULL value lies between low and high (None: no limit). `may_be_nan`: NaN counts as inside too."""

    column: str
    low: Tick | None
    high: Tick | None
    low_is_open: bool = False
    high_is_open: bool = False
    may_be_nan: bool = False


@dataclass(frozen=True, slots=True)
class Differs:
    """Some non-NULL value is another than `tick`."""

    column: str
    tick: Tick


@dataclass(frozen=True, slots=True)
class OneOf:
    """Some value is one of these, sorted and distinct."""

    column: str
    ticks: tuple[int, ...] | tuple[float, ...] | tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Null:
    """Some value is NULL."""

    column: str


@dataclass(frozen=True, slots=True)
class NotNull:
    """Some value is not NULL."""

    column: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of them."""

    children: tuple[BoundPredicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any of them."""

    children: tuple[BoundPredicate, ...]


BoundPredicate: TypeAlias = Inside | Differs | OneOf | Null | NotNull | AllOf | AnyOf | Anything | Never


def bind(predicate: Predicate, schema: Mapping[str, Domain], *, zone_is_utc: bool = False) -> BoundPredicate:
    """Return the predicate over a schema's ticks.

    Args:
        predicate: as `where` built it.
        schema: column → domain; names as the predicate has them. A column that is missing is not pruned with.
        zone_is_utc: see `interval_of`.
    """
    return _Binder(schema, zone_is_utc).bind(predicate, is_negated=False)


def may_match_nulls(predicate: BoundPredicate) -> bool:
    """Return whether a row with NULL in every column could make the predicate TRUE.

    A predicate that says no may be applied below an outer join, on the side that is filled with NULLs.
    """
    if isinstance(predicate, Null | Anything):
        return True
    if isinstance(predicate, AllOf):
        return all(may_match_nulls(child) for child in predicate.children)
    if isinstance(predicate, AnyOf):
        return any(may_match_nulls(child) for child in predicate.children)
    return False


def columns_of(predicate: BoundPredicate) -> frozenset[str]:
    """Return the columns a predicate needs bounds of."""
    if isinstance(predicate, AllOf | AnyOf):
        return frozenset().union(*(columns_of(child) for child in predicate.children))
    return frozenset() if isinstance(predicate, Anything | Never) else frozenset({predicate.column})


class _Binder:
    def __init__(self, schema: Mapping[str, Domain], zone_is_utc: bool) -> None:
        self._schema, self._zone_is_utc = schema, zone_is_utc

    def bind(self, predicate: Predicate, *, is_negated: bool) -> BoundPredicate:
        if isinstance(predicate, Not):
            return self.bind(predicate.child, is_negated=not is_negated)
        if isinstance(predicate, And | Or):
            children = [self.bind(child, is_negated=is_negated) for child in predicate.children]
            return _all_of(children) if isinstance(predicate, And) is not is_negated else _any_of(children)
        if isinstance(predicate, Anything):
            return ANYTHING
        if isinstance(predicate, Never):
            return ANYTHING if is_negated and not predicate.is_null else NEVER
        domain = self._schema.get(predicate.term.name)
        if domain is None or domain.kind is Kind.OTHER:
            return self._bind_null_test(predicate, domain, is_negated)
        if isinstance(predicate, IsNull):
            return self._bind_null_test(predicate, domain, is_negated)
        if isinstance(predicate, Compare):
            operator = predicate.operator.negated if is_negated else predicate.operator
            return self._compare(predicate.term, domain, operator, predicate.literal)
        if isinstance(predicate, Membership):
            return self._membership(predicate, domain, is_negated)
        return ANYTHING if is_negated else self._prefix(predicate, domain)

    def _bind_null_test(
        self, predicate: Compare | Membership | Prefix | IsNull, domain: Domain | None, is_negated: bool
    ) -> BoundPredicate:
        # A cast that fails raises, and a cast of NULL is NULL; JSON's null, which is not NULL, has no domain here.
        if not isinstance(predicate, IsNull) or domain is None or predicate.term.cast is not None:
            return ANYTHING
        return NotNull(predicate.term.name) if is_negated else Null(predicate.term.name)

    def _membership(self, predicate: Membership, domain: Domain, is_negated: bool) -> BoundPredicate:
        if is_negated:  # x NOT IN (a, b) is x <> a AND x <> b, NULL as soon as one of them is
            return _all_of(
                [self._compare(predicate.term, domain, Operator.NE, literal) for literal in predicate.literals]
            )
        equal = [self._compare(predicate.term, domain, Operator.EQ, literal) for literal in predicate.literals]
        points = [leaf for leaf in equal if isinstance(leaf, Inside) and leaf.low == leaf.high and leaf.low is not None]
        if len(points) < 2:
            return _any_of(equal)
        known = set(map(id, points))  # comparing leaves with each other would take a second for 8,000 of them
        others = [leaf for leaf in equal if id(leaf) not in known]
        ticks = sorted({leaf.low for leaf in points})  # type: ignore[type-var]  # one column: one type of ticks
        return _any_of([OneOf(predicate.term.name, tuple(ticks)), *others])  # type: ignore[arg-type]

    def _prefix(self, predicate: Prefix, domain: Domain) -> BoundPredicate:
        if domain.kind is not Kind.TEXT or predicate.term.cast not in {None, *_TEXT_CASTS}:
            return ANYTHING
        if not predicate.prefix:
            return NotNull(predicate.term.name)
        low = predicate.prefix.encode()
        return Inside(predicate.term.name, low, _after_prefix(low), high_is_open=True)

    def _compare(self, term: ColumnTerm, domain: Domain, operator: Operator, literal: Literal) -> BoundPredicate:
        if literal.value is None:
            return NEVER  # a comparison with NULL is NULL
        if term.cast is not None:
            if term.cast == "date" and domain.kind is Kind.TIMESTAMP:
                return self._compare_day(term, operator, literal)
            if not _is_widening(term.cast, domain):
                return ANYTHING
        place = interval_of(literal, domain, zone_is_utc=self._zone_is_utc)
        if place is None:
            return ANYTHING
        if domain.is_bytes or domain.is_float:
            return _compare_dense(term.name, domain, operator, place)
        return _compare_integral(term.name, operator, place)

    def _compare_day(self, term: ColumnTerm, operator: Operator, literal: Literal) -> BoundPredicate:
        """`ts::date = d` is `d <= ts < d + 1 day`; the cast cuts the time of day off."""
        place = interval_of(literal, Domain(Kind.DATE), zone_is_utc=self._zone_is_utc)
        if place is None:
            return ANYTHING
        days = _compare_integral(term.name, operator, place)
        if isinstance(days, Inside):
            low = None if days.low is None else int(days.low) * _DAY_TICKS
            high = None if days.high is None else (int(days.high) + 1) * _DAY_TICKS - 1
            return _inside_integral(term.name, low, high)
        return NotNull(term.name) if isinstance(days, Differs) else days


def _is_widening(cast: str, domain: Domain) -> bool:
    """Whether a cast changes neither the order nor the value, so that constants compare as they would without it."""
    if domain.kind is Kind.TEXT:
        return cast in _TEXT_CASTS
    if domain.kind is Kind.INTEGER:
        return cast == "int8"
    return cast == domain.kind.value and domain.kind in {Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ}


def _compare_integral(column: str, operator: Operator, place: Interval) -> BoundPredicate:
    low, high = place.low, place.high
    assert isinstance(low, Fraction)
    assert isinstance(high, Fraction)
    if operator is Operator.EQ:
        return _inside_integral(column, math.ceil(low), math.floor(high))
    if operator is Operator.NE:
        if place.is_point and low.denominator == 1 and INT64_MIN <= low.numerator <= INT64_MAX:
            return Differs(column, low.numerator)
        return NotNull(column)
    if operator is Operator.LT:
        return _inside_integral(column, None, math.ceil(high) - 1)
    if operator is Operator.LE:
        return _inside_integral(column, None, math.floor(high))
    if operator is Operator.GT:
        return _inside_integral(column, math.floor(low) + 1, None)
    return _inside_integral(column, math.ceil(low), None)


def _inside_integral(column: str, low: int | None, high: int | None) -> BoundPredicate:
    if low is not None and low <= INT64_MIN:
        low = None
    if high is not None and high >= INT64_MAX:
        high = None
    if (low is not None and low > INT64_MAX) or (high is not None and high < INT64_MIN):
        return NEVER
    if low is not None and high is not None and low > high:
        return NEVER  # an integer column = 1.5
    return NotNull(column) if low is None and high is None else Inside(column, low, high)


def _compare_dense(column: str, domain: Domain, operator: Operator, place: Interval) -> BoundPredicate:
    low, high = place.low, place.high
    assert not isinstance(low, Fraction)
    assert not isinstance(high, Fraction)
    if operator is Operator.EQ:
        return Inside(column, low, high)
    if operator is Operator.NE:
        # NaN differs from everything and lies outside of the bounds, so floats cannot be pruned by <>.
        return Differs(column, low) if place.is_point and not domain.is_float else NotNull(column)
    if operator is Operator.LT:
        return Inside(column, None, high, high_is_open=place.is_point)
    if operator is Operator.LE:
        return Inside(column, None, high)
    # NaN is greater than every number (DuckDB, PostgreSQL), and no upper bound covers it.
    return Inside(column, low, None, low_is_open=operator is Operator.GT and place.is_point, may_be_nan=domain.is_float)


def _after_prefix(prefix: bytes) -> bytes | None:
    """Return the smallest byte string greater than all that start with `prefix`; None when there is none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None


def _all_of(children: list[BoundPredicate]) -> BoundPredicate:
    telling = [child for child in children if not isinstance(child, Anything)]
    if any(isinstance(child, Never) for child in telling):
        return NEVER
    if not telling:
        return ANYTHING
    # x >= 5 alone may be true for NaN; beside x <= 9 it may not.
    capped = {leaf.column for leaf in telling if isinstance(leaf, Inside) and not leaf.may_be_nan}
    telling = [
        replace(leaf, may_be_nan=False) if isinstance(leaf, Inside) and leaf.column in capped else leaf
        for leaf in telling
    ]
    return telling[0] if len(telling) == 1 else AllOf(tuple(telling))


def _any_of(children: list[BoundPredicate]) -> BoundPredicate:
    if any(isinstance(child, Anything) for child in children):
        return ANYTHING
    possible = [child for child in children if not isinstance(child, Never)]
    if not possible:
        return NEVER
    return possible[0] if len(possible) == 1 else AnyOf(tuple(possible))
