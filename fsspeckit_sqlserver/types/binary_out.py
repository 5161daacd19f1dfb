"""Arrow columns in PostgreSQL's binary form. Pure.

Numbers, dates and times are byte-swapped by numpy; text goes as it lies. Loops over values: timetz, bit strings, and
lists of more than one dimension. Source: the send functions of PostgreSQL 16.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsspeckit_lib.errors import Unsupported
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.binary_numeric import numeric_binary
from fsspeckit_sqlserver.types.cells import (
    Bools,
    Cells,
    Fixed,
    Var,
    binary_from_fixed,
    data_of,
    lengths_of,
    offsets_of,
    valid_mask,
)
from fsspeckit_sqlserver.types.composite import RowArrayOid, RowTypeOid, record_binary
from fsspeckit_sqlserver.types.kernels import pc
from fsspeckit_sqlserver.types.nested import RaggedLists
from fsspeckit_sqlserver.types.style import TextStyle
from fsspeckit_sqlserver.types.text_out import plain, text_array
from fsspeckit_sqlserver.types.times import days_since_1970, microseconds_since_1970

__all__ = ["binary_cells"]

_DAYS_TO_2000: Final = 10_957
_US_TO_2000: Final = _DAYS_TO_2000 * 86_400_000_000
_INFINITY_US: Final = 2**63 - 1
_INFINITY_DAY: Final = 2**31 - 1

_NUMBERS: Final = {
    oids.INT2: ">i2",
    oids.INT4: ">i4",
    oids.INT8: ">i8",
    oids.FLOAT4: ">f4",
    oids.FLOAT8: ">f8",
    oids.OID: ">u4",
    oids.XID: ">u4",
    oids.CID: ">u4",
    oids.REGPROC: ">u4",
    oids.REGPROCEDURE: ">u4",
    oids.REGCLASS: ">u4",
    oids.REGTYPE: ">u4",
    oids.REGNAMESPACE: ">u4",
    oids.REGROLE: ">u4",
}


def binary_cells(array: pa.Array, type_oid: int, style: TextStyle) -> Cells:
    """Return a column's binary form.

    Args:
        array: n values of any type that DuckDB exports.
        type_oid: the type it was announced as, whose binary form is wanted.
        style: for types whose binary form is their text.

    Raises:
        Unsupported: the Arrow type cannot become that type.
    """
    if not len(array):  # the elements of empty lists
        return Var(pa.array([], pa.string()))
    array = plain(array)
    kind = array.type
    types = pa.types
    if types.is_null(kind):
        return Var(pa.nulls(len(array), pa.string()))
    if type_oid in _NUMBERS and types.is_decimal(kind):
        array = array.cast(pa.float64() if type_oid in {oids.FLOAT4, oids.FLOAT8} else pa.int64(), safe=False)
        kind = array.type
    if type_oid in _NUMBERS and (types.is_integer(kind) or types.is_floating(kind)):
        return Fixed((_values(array).astype(_NUMBERS[type_oid]),), valid_mask(array))
    match type_oid:
        case oids.BOOL if types.is_boolean(kind):
            return Fixed(
                (pc.fill_null(array, False).to_numpy(zero_copy_only=False).astype(np.uint8),), valid_mask(array)
            )
        case oids.DATE if types.is_date(kind):
            days = days_since_1970(array)
            shifted = np.where(np.abs(days) == _INFINITY_DAY, days, days - _DAYS_TO_2000)
            shifted[days == -_INFINITY_DAY] = -(2**31)
            return Fixed((shifted.astype(">i4"),), valid_mask(array))
        case oids.TIMESTAMP | oids.TIMESTAMPTZ if types.is_timestamp(kind):
            stamps = microseconds_since_1970(array)
            shifted = np.where(np.abs(stamps) == _INFINITY_US, stamps, stamps - _US_TO_2000)
            shifted[stamps == -_INFINITY_US] = -(2**63)
            return Fixed((shifted.astype(">i8"),), valid_mask(array))
        case oids.TIME if types.is_time(kind):
            return Fixed((microseconds_since_1970(array).astype(">i8"),), valid_mask(array))
        case oids.NUMERIC if types.is_decimal(kind) or types.is_integer(kind) or types.is_string(kind):
            return Var(numeric_binary(array))
        case oids.INTERVAL if types.is_interval(kind):
            return _intervals(array)
        case oids.REGTYPE if types.is_string(kind):
            numbers = [None if text is None else _TYPE_NUMBERS.get(text, 0) for text in array.to_pylist()]
            return binary_cells(pa.array(numbers, pa.uint32()), oids.OID, style)
        case oids.UUID if types.is_string(kind):
            return _uuids(array)
        case oids.BYTEA if types.is_binary(kind):
            return Var(array)
        case oids.JSONB:
            return Var(
                pc.binary_join_element_wise(
                    pa.scalar(b"\x01"), text_array(array, type_oid, style).cast(pa.binary()), b""
                )
            )
        case oids.TIMETZ if types.is_string(kind):
            return Var(pa.array([None if text is None else _timetz(text) for text in array.to_pylist()], pa.binary()))
        case oids.VARBIT | oids.BIT if types.is_string(kind):
            return Var(pa.array([None if text is None else _bits(text) for text in array.to_pylist()], pa.binary()))
    if types.is_struct(kind) and isinstance(type_oid, RowTypeOid):
        return Var(
            record_binary(array, type_oid.row_type.fields, lambda values, oid: _binary_array(values, oid, style))
        )
    if types.is_list(kind) and isinstance(type_oid, RowArrayOid):
        return Var(_arrays(array, type_oid.element, style, lower_bound=1))
    if type_oid in oids.ELEMENT_OF and types.is_list(kind):
        return Var(_arrays(array, oids.ELEMENT_OF[type_oid], style, lower_bound=1))
    if type_oid in {oids.INT2VECTOR, oids.OIDVECTOR} and types.is_list(kind):
        element = oids.INT2 if type_oid == oids.INT2VECTOR else oids.OID
        return Var(_arrays(array, element, style, lower_bound=0))
    if type_oid in oids.TEXT_LIKE or type_oid == oids.VOID:
        return Var(text_array(array, type_oid, style))
    raise Unsupported(
        f"a column of Arrow type {kind} cannot be sent in the binary form of type {type_oid}; ask for text"
    )


def _binary_array(array: pa.Array, type_oid: int, style: TextStyle) -> pa.Array:
    cells = binary_cells(array, type_oid, style)
    return binary_from_fixed(cells.pieces, len(array), cells.valid) if isinstance(cells, Fixed) else cells.array


_TYPE_NUMBERS: Final = {
    **{name: oid for oid, name in oids.SHOWN_NAMES.items()},
    **{
        f"{oids.SHOWN_NAMES[element]}[]": array
        for element, array in oids.ARRAY_OF.items()
        if element in oids.SHOWN_NAMES
    },
    "unknown": oids.UNKNOWN,
}


def _values(array: pa.Array) -> npt.NDArray[Any]:
    """Return numbers; NULLs are 0."""
    if array.null_count:
        array = pc.fill_null(array, 0)
    values: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return values


def _intervals(array: pa.Array) -> Fixed:
    raw = np.frombuffer(
        array.buffers()[1],
        np.dtype([("months", "<i4"), ("days", "<i4"), ("ns", "<i8")]),
        len(array),
        array.offset * 16,
    )
    pieces = ((raw["ns"] // 1000).astype(">i8"), raw["days"].astype(">i4"), raw["months"].astype(">i4"))
    return Fixed(pieces, valid_mask(array))


_NIBBLE: Final = np.zeros(256, np.uint8)
for _digit, _letters in enumerate(
    ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "aA", "bB", "cC", "dD", "eE", "fF")
):
    for _letter in _letters:
        _NIBBLE[ord(_letter)] = _digit
_UUID_DIGITS: Final = np.array([place for place in range(36) if place not in {8, 13, 18, 23}])


def _uuids(array: pa.Array) -> Fixed:
    """Return 16 bytes for each text of 36 characters, as DuckDB writes a UUID."""
    valid = valid_mask(array)
    if valid is not None:
        array = pc.fill_null(array, "00000000-0000-0000-0000-000000000000")
    offsets = offsets_of(array)
    start = int(offsets[0])
    letters = data_of(array)[start : start + 36 * len(array)].reshape(-1, 36)
    nibbles = _NIBBLE[letters[:, _UUID_DIGITS]]
    octets = (nibbles[:, 0::2] << 4) | nibbles[:, 1::2]
    return Fixed((np.ascontiguousarray(octets).view("V16")[:, 0],), valid)


def _timetz(text: str) -> bytes:
    """Return microseconds of the day and seconds west of Greenwich."""
    for place in range(len(text) - 1, 0, -1):
        if text[place] in "+-":
            clock, sign, zone = text[:place], text[place], text[place + 1 :].split(":")
            break
    else:
        clock, sign, zone = text, "+", ["0"]
    hours, minutes, seconds = clock.split(":")
    whole, _, fraction = seconds.partition(".")
    microseconds = ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 1_000_000 + int(
        fraction.ljust(6, "0")[:6] or 0
    )
    offset = sum(int(part) * factor for part, factor in zip(zone, (3600, 60, 1), strict=False))
    return struct.pack("!qi", microseconds, -offset if sign == "+" else offset)


def _bits(text: str) -> bytes:
    padded = text.ljust((len(text) + 7) // 8 * 8, "0")
    octets = bytes(int(padded[place : place + 8], 2) for place in range(0, len(padded), 8))
    return struct.pack("!i", len(text)) + octets


def _arrays(array: pa.Array, element_oid: int, style: TextStyle, lower_bound: int) -> pa.Array:
    """Return lists in the binary array form.

    One dimension: the elements of all lists are laid end to end with their lengths before them, and each list is a
    slice of that behind a header. More dimensions: one by one.
    """
    if pa.types.is_nested(array.type.value_type) and not pa.types.is_struct(array.type.value_type):
        return _deep_arrays(array, element_oid, style)
    values = array.flatten() if array.offset or array.null_count else array.values
    counts = np.diff(offsets_of(array)).astype(np.int64)
    valid = valid_mask(array)
    if valid is not None:
        counts[~valid] = 0
    ends = np.cumsum(counts)
    starts = ends - counts
    stream, element_offsets, element_valid = _element_stream(values, element_oid, style)
    has_null = _any_between(element_valid, starts, ends)
    size = element_offsets[ends] - element_offsets[starts]
    filled = counts > 0
    header_bytes = np.where(filled, 20, 12)
    headers = np.zeros(len(array), np.dtype([("f", ">i4", (5,))]))["f"]
    headers[:, 0] = filled  # dimensions
    headers[:, 1] = has_null
    headers[:, 2] = np.uint32(int(element_oid)).view(np.int32)
    headers[:, 3] = counts
    headers[:, 4] = lower_bound
    header_offsets = np.concatenate(([0], np.cumsum(header_bytes))).astype(np.int32)
    octets = np.ascontiguousarray(headers).view(np.uint8).reshape(len(array), 20)
    header_data = octets[np.arange(20) < header_bytes[:, None]]
    head = _binary(header_offsets, header_data, len(array))
    body_offsets = np.concatenate(([0], np.cumsum(size))).astype(np.int32)
    body = _binary(body_offsets, stream, len(array))  # NULL lists are empty, so slices lie end to end
    joined = pc.binary_join_element_wise(head, body, b"")
    return joined if valid is None else pc.if_else(pa.array(valid), joined, None)


def _element_stream(
    values: pa.Array, element_oid: int, style: TextStyle
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], Bools | None]:
    """Return the elements with their lengths before them, end to end; where each starts; which are not NULL."""
    cells = binary_cells(values, element_oid, style)
    count = len(values)
    item = binary_from_fixed(cells.pieces, count, cells.valid) if isinstance(cells, Fixed) else cells.array
    valid = valid_mask(item)
    lengths = lengths_of(item).astype(np.int64)
    if valid is not None:
        lengths = np.where(valid, lengths, -1)
        item = pc.fill_null(item, "" if pa.types.is_string(item.type) else b"")
    offsets = np.concatenate(([0], np.cumsum(np.maximum(lengths, 0) + 4)))
    if not count:
        return np.zeros(0, np.uint8), offsets, None
    prefixed = pc.binary_join_element_wise(
        binary_from_fixed((lengths.astype(">i4"),), count), item.cast(pa.binary()), b""
    )
    return data_of(prefixed)[: int(offsets[-1])], offsets, valid


def _any_between(valid: Bools | None, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> Bools:
    """Return for each list whether one of its elements is NULL."""
    if valid is None:
        return np.zeros(len(starts), np.bool_)
    sums = np.concatenate(([0], np.cumsum(~valid)))
    found: Bools = sums[ends] > sums[starts]
    return found


def _binary(offsets: npt.NDArray[np.int32], data: npt.NDArray[np.uint8], count: int) -> pa.Array:
    return pa.Array.from_buffers(
        pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))]
    )


def _deep_arrays(array: pa.Array, element_oid: int, style: TextStyle) -> pa.Array:
    kind = _innermost(array.type)
    encoded = [_deep_array(value.as_py(), kind, element_oid, style) if value.is_valid else None for value in array]
    return pa.array(encoded, pa.binary())


def _innermost(kind: pa.DataType) -> pa.DataType:
    return _innermost(kind.value_type) if pa.types.is_nested(kind) and not pa.types.is_struct(kind) else kind


def _deep_array(value: list[Any], kind: pa.DataType, element_oid: int, style: TextStyle) -> bytes:
    sizes: list[int] = []
    flat = value
    while flat and isinstance(flat[0], list):
        sizes.append(len(flat[0]))
        if any(not isinstance(item, list) or len(item) != len(flat[0]) for item in flat):
            raise RaggedLists
        flat = [element for item in flat for element in item]
    if not flat:
        return struct.pack("!iiI", 0, 0, element_oid)
    sizes = [len(value), *sizes]
    stream, _, valid = _element_stream(plain(pa.array(flat, kind)), element_oid, style)
    header = struct.pack("!iiI", len(sizes), 0 if valid is None else 1, element_oid)
    return header + b"".join(struct.pack("!ii", size, 1) for size in sizes) + stream.tobytes()
