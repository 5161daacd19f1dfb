"""Which units (files, row groups) may hold a row that a bound predicate makes TRUE.

Pure: array operations over the bounds of many units at once. Conservative: what is not known may match. Never wrong: a
unit is dropped only where its bounds prove that no row of it can match.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from fsspeckit_lib.sql.bind import AllOf, AnyOf, BoundPredicate, Differs, Inside, NotNull, Null, OneOf
from fsspeckit_lib.sql.bounds import Bounds, BoundsOf, Comparison, Mask
from fsspeckit_lib.sql.predicates import Anything, Never

__all__ = ["may_match"]

_FEW_VALUES = 16  # up to here one comparison per value is cheaper than a search per unit


def may_match(predicate: BoundPredicate, bounds_of: BoundsOf, units: int) -> Mask:
    """Return for each unit whether some row of it may match.

    Args:
        predicate: bound to the schema whose bounds `bounds_of` returns.
        bounds_of: the bounds of a column over the same n units.
        units: n.

    Returns:
        n booleans; not to be changed.
    """
    if isinstance(predicate, Anything):
        return np.ones(units, np.bool_)
    if isinstance(predicate, Never):
        return np.zeros(units, np.bool_)
    if isinstance(predicate, AllOf | AnyOf):
        result: Mask | None = None
        for child in predicate.children:
            mask = may_match(child, bounds_of, units)
            if result is None:
                result = mask
            else:
                result = result & mask if isinstance(predicate, AllOf) else result | mask
        assert result is not None, "AllOf and AnyOf have children"
        return result
    bounds = bounds_of(predicate.column)
    if bounds is None:
        return np.ones(units, np.bool_)
    return _leaf(predicate, bounds)


def _leaf(predicate: Inside | Differs | OneOf | Null | NotNull, bounds: Bounds) -> Mask:
    if isinstance(predicate, Null):
        return bounds.may_have_nulls
    if isinstance(predicate, NotNull):
        return bounds.may_have_values
    if isinstance(predicate, Inside):
        return bounds.may_have_values & _inside(predicate, bounds)
    if isinstance(predicate, Differs):
        tick = predicate.tick
        same = bounds.low.compare("equal", tick, if_unknown=False)
        same &= bounds.high.compare("equal", tick, if_unknown=False)
        return bounds.may_have_values & ~same
    return bounds.may_have_values & _one_of(predicate, bounds)


def _inside(predicate: Inside, bounds: Bounds) -> Mask:
    result = np.ones(len(bounds.rows), np.bool_)
    if predicate.low is not None and not predicate.may_be_nan:
        above: Comparison = "greater" if predicate.low_is_open else "greater_equal"
        result &= bounds.high.compare(above, predicate.low, if_unknown=True)
    if predicate.high is not None:
        below: Comparison = "less" if predicate.high_is_open else "less_equal"
        result &= bounds.low.compare(below, predicate.high, if_unknown=True)
    return result


def _one_of(predicate: OneOf, bounds: Bounds) -> Mask:
    ticks = predicate.ticks
    if len(ticks) <= _FEW_VALUES:
        result = np.zeros(len(bounds.rows), np.bool_)
        for tick in ticks:
            result |= _inside(Inside(predicate.column, tick, tick), bounds)
        return result
    outcome = []
    for lower, upper in zip(bounds.lower.to_pylist(), bounds.upper.to_pylist(), strict=True):
        if lower is None or upper is None:
            outcome.append(True)
            continue
        place = bisect_left(ticks, lower)
        outcome.append(place < len(ticks) and ticks[place] <= upper)
    return np.array(outcome, np.bool_)
