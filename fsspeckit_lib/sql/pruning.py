"""Which units (files, row groups) may hold a row that a bound predicate makes TRUE.

Pure: Arrow kernels over the bounds of many units at once. Conservative: what is not known may match. Never wrong: a
unit is dropped only where its bounds prove that no row of it can match.
"""

from __future__ import annotations

from bisect import bisect_left

import pyarrow as pa
import pyarrow.compute as pc

from fsspeckit_lib.sql.bind import AllOf, AnyOf, BoundPredicate, Differs, Inside, NotNull, Null, OneOf, Tick
from fsspeckit_lib.sql.bounds import Bounds, BoundsOf
from fsspeckit_lib.sql.predicates import Anything, Never

__all__ = ["may_match"]

_FEW_VALUES = 16  # up to here one kernel per value is cheaper than a search per unit


def may_match(predicate: BoundPredicate, bounds_of: BoundsOf, units: int) -> pa.BooleanArray:
    """Return for each unit whether some row of it may match.

    Args:
        predicate: bound to the schema whose bounds `bounds_of` returns.
        bounds_of: the bounds of a column over the same n units.
        units: n.

    Returns:
        n booleans without nulls.
    """
    if isinstance(predicate, Anything):
        return _constant(True, units)
    if isinstance(predicate, Never):
        return _constant(False, units)
    if isinstance(predicate, AllOf | AnyOf):
        combine = "and" if isinstance(predicate, AllOf) else "or"
        result: pa.BooleanArray | None = None
        for child in predicate.children:
            mask = may_match(child, bounds_of, units)
            result = mask if result is None else _kernel(combine, result, mask)
        assert result is not None, "AllOf and AnyOf have children"
        return result
    bounds = bounds_of(predicate.column)
    if bounds is None:
        return _constant(True, units)
    return _leaf(predicate, bounds)


def _constant(value: bool, units: int) -> pa.BooleanArray:
    return pa.repeat(pa.scalar(value), units)


def _leaf(predicate: Inside | Differs | OneOf | Null | NotNull, bounds: Bounds) -> pa.BooleanArray:
    if isinstance(predicate, Null):
        return _or_unknown(_kernel("greater", bounds.null_count, 0))
    has_values = _or_unknown(_kernel("less", bounds.null_count, bounds.rows))
    if isinstance(predicate, NotNull):
        return has_values
    if isinstance(predicate, Inside):
        return _kernel("and", has_values, _inside(predicate, bounds))
    if isinstance(predicate, Differs):
        tick = _scalar(predicate.tick, bounds)
        same = _kernel("and_kleene", _kernel("equal", bounds.lower, tick), _kernel("equal", bounds.upper, tick))
        return _kernel("and", has_values, _kernel("invert", _kernel("coalesce", same, False)))
    return _kernel("and", has_values, _one_of(predicate, bounds))


def _inside(predicate: Inside, bounds: Bounds) -> pa.BooleanArray:
    result = _constant(True, len(bounds.rows))
    if predicate.low is not None and not predicate.may_be_nan:
        compare = "greater" if predicate.low_is_open else "greater_equal"
        result = _kernel("and", result, _or_unknown(_kernel(compare, bounds.upper, _scalar(predicate.low, bounds))))
    if predicate.high is not None:
        compare = "less" if predicate.high_is_open else "less_equal"
        result = _kernel("and", result, _or_unknown(_kernel(compare, bounds.lower, _scalar(predicate.high, bounds))))
    return result


def _one_of(predicate: OneOf, bounds: Bounds) -> pa.BooleanArray:
    ticks = predicate.ticks
    if len(ticks) <= _FEW_VALUES:
        result = _constant(False, len(bounds.rows))
        for tick in ticks:
            result = _kernel("or", result, _inside(Inside(predicate.column, tick, tick), bounds))
        return result
    outcome = []
    for lower, upper in zip(bounds.lower.to_pylist(), bounds.upper.to_pylist(), strict=True):
        if lower is None or upper is None:
            outcome.append(True)
            continue
        place = bisect_left(ticks, lower)
        outcome.append(place < len(ticks) and ticks[place] <= upper)
    return pa.array(outcome, pa.bool_())


def _scalar(tick: Tick, bounds: Bounds) -> pa.Scalar:
    return pa.scalar(tick, bounds.lower.type)


def _or_unknown(mask: pa.BooleanArray) -> pa.BooleanArray:
    return _kernel("coalesce", mask, True)


def _kernel(name: str, *arguments: object) -> pa.BooleanArray:
    return pc.call_function(name, list(arguments))
