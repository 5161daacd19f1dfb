"""numeric in binary, both ways: base-10,000 digits, their weight, sign and display scale. Pure.

Source: PostgreSQL 16, `numeric_send` and `numeric_recv`: int16 digit count, weight of the first digit, sign
(0x0000, 0x4000, NaN 0xC000, infinities 0xD000 and 0xF000), display scale, then the digits.
"""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsspeckit_sqlserver.types.kernels import pc

__all__ = ["decimal_from_binary", "decimal_to_binary", "numeric_binary"]

_NEGATIVE: Final = 0x4000
_NAN: Final = 0xC000
_POSITIVE_INFINITY: Final = 0xD000
_NEGATIVE_INFINITY: Final = 0xF000


def numeric_binary(array: pa.Array) -> pa.Array:
    """Return decimals, integers or number texts in binary.

    Decimals of 18 digits at most, and wider ones whose values happen to fit 64 bits, are taken apart by numpy; the rest
    goes through their text.
    """
    if pa.types.is_integer(array.type):
        values = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
        if values.dtype != np.uint64 or not (values >> np.uint64(63)).any():
            return _from_int64(values.astype(np.int64), 0, array)
        array = array.cast(pa.decimal128(20, 0))
    if pa.types.is_decimal(array.type):
        if array.type.byte_width != 16:
            array = array.cast(pa.decimal128(array.type.precision, array.type.scale))
        limbs = np.frombuffer(array.buffers()[1], "<i8", 2 * len(array), array.offset * 16).reshape(-1, 2)
        low, high = limbs[:, 0], limbs[:, 1]
        if array.null_count:
            valid = pc.is_valid(array).to_numpy(zero_copy_only=False)
            low, high = np.where(valid, low, 0), np.where(valid, high, 0)
        if array.type.precision <= 18 or (high == low >> 63).all():
            return _from_int64(low, array.type.scale, array)
    texts = array.cast(pa.string()).to_pylist()
    return pa.array([None if text is None else decimal_to_binary(Decimal(text)) for text in texts], pa.binary())


def _from_int64(values: npt.NDArray[np.int64], scale: int, array: pa.Array) -> pa.Array:
    """Return unscaled 64-bit integers with `scale` decimals as numeric; NULL where `array` is."""
    count = len(values)
    magnitude = np.abs(values).view(np.uint64)  # of the smallest int64 too: its abs overflows to itself
    if int(magnitude.max(initial=0)) < 2**32:
        magnitude = magnitude.astype(np.uint32)  # divides twice as fast
    whole, fraction = _divided(magnitude, 10**scale)
    fraction_groups = -(-scale // 4)
    padding = fraction_groups * 4 - scale
    groups: list[npt.NDArray[Any]] = []
    if padding and fraction_groups:  # the last group holds its digits at the left: 0.5 is 5000
        fraction, last = _divided(fraction, 10 ** (4 - padding))
        groups.append(last * last.dtype.type(10**padding))
        fraction_groups -= 1
    for _ in range(fraction_groups):
        fraction, group = _divided(fraction, 10_000)
        groups.append(group)
    whole_groups = 0
    while whole_groups == 0 or whole.any():
        whole, group = _divided(whole, 10_000)
        groups.append(group)
        whole_groups += 1
    groups.reverse()  # most significant first
    width = len(groups)
    # which of the groups is the first that is not 0, and behind which are only zeros
    first, after_last = np.full(count, width, np.int8), np.zeros(count, np.int8)
    for place in range(width - 1, -1, -1):
        first[groups[place] != 0] = place
    for place in range(width):
        after_last[groups[place] != 0] = place + 1
    is_zero = first == width
    first[is_zero] = 0
    digit_count = after_last - first
    words = np.empty((count, 4 + width), ">u2")
    words[:, 0] = digit_count
    words[:, 1] = np.where(is_zero, 0, whole_groups - 1 - first).astype(np.int16).view(np.uint16)
    words[:, 2] = np.where(values < 0, _NEGATIVE, 0)
    words[:, 3] = scale
    _lay_from_first(words, groups, first)
    sizes = 8 + 2 * digit_count.astype(np.int32)
    buffers: list[Any] = [None]
    wanted = np.arange(4 + width, dtype=np.int8) < (digit_count + np.int8(4))[:, None]
    if array.null_count:
        valid = pc.is_valid(array).to_numpy(zero_copy_only=False)
        wanted &= valid[:, None]
        sizes = np.where(valid, sizes, 0)
        buffers = [pa.py_buffer(np.packbits(valid, bitorder="little"))]
    offsets = np.zeros(count + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    return pa.Array.from_buffers(pa.binary(), count, [*buffers, pa.py_buffer(offsets), pa.py_buffer(words[wanted])])


def _lay_from_first(words: npt.NDArray[Any], groups: list[npt.NDArray[Any]], first: npt.NDArray[np.int8]) -> None:
    """Put each row's digits into `words` from its column 4 on, without the zeros before the first."""
    width = len(groups)
    for place in range(width):
        words[:, 4 + place] = groups[place]
    for skipped in range(1, width):
        rows = np.flatnonzero(first == skipped)
        if len(rows):
            for place in range(width - skipped):
                words[rows, 4 + place] = groups[place + skipped][rows]


def _divided(values: npt.NDArray[Any], by: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return quotient and remainder. numpy's floor division by a constant is vectorised, its divmod is not."""
    if by > np.iinfo(values.dtype).max:
        return np.zeros_like(values), values
    divisor = values.dtype.type(by)
    quotient = values // divisor
    return quotient, values - quotient * divisor


def decimal_to_binary(value: Decimal) -> bytes:
    """Return one decimal in binary."""
    if value.is_nan():
        return struct.pack("!HhHH", 0, 0, _NAN, 0)
    if value.is_infinite():
        return struct.pack("!HhHH", 0, 0, _POSITIVE_INFINITY if value > 0 else _NEGATIVE_INFINITY, 0)
    negative, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    scale = max(0, -exponent)
    text = "".join(map(str, digits)) + "0" * max(0, exponent)
    text = text.rjust(scale + 1, "0")
    whole, fraction = text[: len(text) - scale], text[len(text) - scale :]
    whole = whole.rjust(-(-len(whole) // 4) * 4, "0")
    fraction = fraction.ljust(-(-len(fraction) // 4) * 4, "0")
    joined = whole + fraction
    groups = [int(joined[place : place + 4]) for place in range(0, len(joined), 4)]
    weight = len(whole) // 4 - 1
    while groups and groups[0] == 0:
        groups.pop(0)
        weight -= 1
    while groups and groups[-1] == 0:
        groups.pop()
    if not groups:
        weight, negative = 0, 0
    sign = _NEGATIVE if negative else 0
    return struct.pack(f"!HhHH{len(groups)}H", len(groups), weight, sign, scale, *groups)


def decimal_from_binary(data: bytes) -> Decimal:
    """Return the decimal of one binary numeric.

    Raises:
        ValueError, struct.error: not a numeric.
    """
    count, weight, sign, scale = struct.unpack_from("!HhHH", data)
    if sign == _NAN:
        return Decimal("NaN")
    if sign in {_POSITIVE_INFINITY, _NEGATIVE_INFINITY}:
        return Decimal("Infinity" if sign == _POSITIVE_INFINITY else "-Infinity")
    if sign not in {0, _NEGATIVE} or len(data) != 8 + 2 * count:
        raise ValueError("not a numeric")
    groups = struct.unpack_from(f"!{count}H", data, 8)
    if any(group >= 10_000 for group in groups):
        raise ValueError("not a numeric: digit above 9999")
    whole = "".join(f"{groups[place] if place < count else 0:04}" for place in range(weight + 1))
    first = max(0, weight + 1)
    leading = "0000" * max(0, -weight - 1)
    fraction = (leading + "".join(f"{group:04}" for group in groups[first:]))[:scale].ljust(scale, "0")
    text = f"{'-' if sign else ''}{whole.lstrip('0') or '0'}"
    return Decimal(f"{text}.{fraction}" if scale else text)
