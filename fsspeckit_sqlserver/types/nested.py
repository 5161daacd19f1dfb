"""Lists in PostgreSQL's array text, and structs, maps and lists of them as json. Pure."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsspeckit_lib.errors import Unsupported
from fsspeckit_sqlserver.types.interval import Interval
from fsspeckit_sqlserver.types.kernels import pc
from fsspeckit_sqlserver.types.quoting import quoted

__all__ = ["RaggedLists", "array_text", "json_text", "vector_text"]

_NEEDS_QUOTES: Final = r'[{}",\\\s]|^$|^(?i:null)$'
_BACKSLASHED: Final = r"\\\1"


class RaggedLists(Unsupported):
    """Lists of lists that no array of PostgreSQL can be."""

    hint = "Show it with to_json(...), or take it apart with unnest(...)."

    def __init__(self) -> None:
        super().__init__("lists of lists of different lengths are no array")


def array_text(
    array: pa.Array, element_text: Callable[[pa.Array], pa.Array], bounds: npt.NDArray[np.int32] | None = None
) -> pa.Array:
    """Return lists as `{a,b,NULL,"c d"}`; a list of lists has its inner braces unquoted.

    Args:
        array: a list array of any depth.
        element_text: writes the innermost values.
        bounds: where in `array` each value of the column begins; None when `array` is the column.

    Raises:
        RaggedLists: inner lists of one value differ in length.
    """
    values = array.flatten() if array.offset or array.null_count else array.values
    offsets = _compact_offsets(array)
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type) or pa.types.is_fixed_size_list(values.type):
        if not pa.types.is_list(values.type):
            values = values.cast(pa.list_(values.type.value_type))
        starts = offsets.to_numpy(zero_copy_only=False)
        starts = starts if bounds is None else starts[bounds]
        _check_sizes(starts, values)
        texts = array_text(values, element_text, starts)
    else:
        texts = quoted(element_text(values), _NEEDS_QUOTES, _BACKSLASHED)
    lists = pa.ListArray.from_arrays(offsets, pc.fill_null(texts, "NULL"))
    joined = pc.binary_join_element_wise("{", pc.binary_join(lists, ","), "}", "")
    return pc.if_else(pc.is_valid(array), joined, None) if array.null_count else joined


def _check_sizes(starts: npt.NDArray[np.int32], inner: pa.Array) -> None:
    """Check that lists are equally long but where another value of the column starts; a NULL is no list.

    Raises:
        RaggedLists.
    """
    first = int(starts[0])
    inner = inner.slice(first, int(starts[-1]) - first)
    lengths = pc.fill_null(pc.list_value_length(inner), -1).to_numpy(zero_copy_only=False)
    differs = np.flatnonzero(lengths[1:] != lengths[:-1]) + 1  # where a list is not as long as the one before
    if inner.null_count or not np.isin(differs, starts - first).all():
        raise RaggedLists


def vector_text(array: pa.Array) -> pa.Array:
    """Return int2vector and oidvector: numbers with spaces between."""
    values = array.flatten() if array.offset or array.null_count else array.values
    lists = pa.ListArray.from_arrays(_compact_offsets(array), pc.cast(values, pa.string()))
    joined = pc.binary_join(lists, " ")
    return pc.if_else(pc.is_valid(array), joined, None) if array.null_count else joined


def _compact_offsets(array: pa.Array) -> pa.Array:
    """Return offsets into `array.flatten()`; a NULL list is empty there."""
    if not array.offset and not array.null_count:
        return array.offsets
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    sums = pc.cumulative_sum(lengths).cast(pa.int32())
    return pa.concat_arrays([pa.array([0], pa.int32()), sums])


def json_text(array: pa.Array) -> pa.Array:
    """Return nested values as json. Loops over values: Arrow has no kernel for it."""
    return pa.array([None if value is None else _dump(value) for value in _with_maps(array)], pa.string())


def _with_maps(array: pa.Array) -> list[object]:
    values: list[object] = array.to_pylist(maps_as_pydicts="lossy") if _has_map(array.type) else array.to_pylist()
    return values


def _has_map(kind: pa.DataType) -> bool:
    return pa.types.is_map(kind) or any(_has_map(kind.field(index).type) for index in range(kind.num_fields))


def _dump(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else f'"{value}"'
        case decimal.Decimal():
            return format(value, "f")
        case dict():
            return "{" + ",".join(f"{_quote(str(key))}:{_dump(item)}" for key, item in value.items()) + "}"
        case pa.MonthDayNano(months, days, nanoseconds):
            return _quote(Interval(months, days, nanoseconds // 1000).text())
        case list() | tuple():
            return "[" + ",".join(map(_dump, value)) + "]"
        case bytes():
            return _quote("\\x" + value.hex())
        case datetime.datetime() | datetime.date() | datetime.time():
            return _quote(value.isoformat())
    return _quote(str(value))


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
