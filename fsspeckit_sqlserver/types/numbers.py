"""Floats and decimals in PostgreSQL's output text. Pure.

Arrow writes the shortest digits that read back the same, as PostgreSQL does, but leaves plain notation at other
magnitudes: those values, and NaN and the infinities, are written again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsspeckit_sqlserver.types.kernels import pc

__all__ = ["decimal_text", "float_text", "rounded_text"]


def float_text(array: pa.Array) -> pa.Array:
    """Return floats as `float4out` and `float8out` write them with extra_float_digits 1.

    PostgreSQL writes plain digits for 1e-4 ≤ |x| < 1e15 (float4: < 1e6), exponents of two digits at least elsewhere;
    Arrow 26 has its thresholds at 1e-6 and 1e10 and does not pad exponents.
    """
    if array.type == pa.float16():
        array = array.cast(pa.float32())
    is_single = array.type == pa.float32()
    text = pc.cast(array, pa.string())
    values: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    size = np.abs(values)
    with np.errstate(invalid="ignore"):
        as_is = (size >= 1e-4) & (size < (1e6 if is_single else 1e10)) | (size == 0)
        as_is |= np.isfinite(size) & (size >= (1e10 if is_single else 1e15))
    if as_is.all():
        return text
    odd = ~as_is
    if array.null_count:
        odd &= pc.is_valid(array).to_numpy(zero_copy_only=False)
    if not odd.any():
        return text
    chosen = values[odd]
    again = _single_text(chosen, text.filter(pa.array(odd))) if is_single else _double_text(chosen)
    return pc.replace_with_mask(text, pa.array(odd), again)


def rounded_text(array: pa.Array, extra_digits: int) -> pa.Array:
    """Return floats with 15 (float4: 6) digits and `extra_digits`, which is 0 or less, as C's `%g` writes them.

    Loops once over each distinct value: extra_float_digits 0 is for people who compare old listings.
    """
    digits = max(1, (6 if array.type == pa.float32() else 15) + extra_digits)
    encoded = array.dictionary_encode()
    names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    texts = [names.get(text := f"{value:.{digits}g}", text) for value in encoded.dictionary.to_pylist()]
    return pc.take(pa.array(texts, pa.string()), encoded.indices)


def _double_text(values: npt.NDArray[Any]) -> pa.Array:
    whole = np.abs(values) >= 1.0
    whole &= np.isfinite(values)
    whole[whole] = values[whole] == np.floor(values[whole])
    if whole.all():  # numbers that count something: the common case of large ones
        return pc.cast(pa.array(values.astype(np.int64)), pa.string())
    text = _names(values.astype("U32"))  # numpy's shortest form: plain below 1e16, exponents of two digits
    text[whole] = values[whole].astype(np.int64).astype("U32")
    return pa.array(text, pa.string())


def _single_text(values: npt.NDArray[Any], plain: pa.Array) -> pa.Array:
    large = np.abs(values) >= 1.0
    large &= np.isfinite(values)
    text = _names(values.astype("U32"))
    result = pa.array(text, pa.string())
    if large.any():  # plain digits of Arrow for 1e6 ≤ |x| < 1e10, to be written with an exponent
        digits = plain.filter(pa.array(large))
        for exponent in range(6, 10):
            pattern = rf"^(-?\d)(\d{{{exponent}}})(?:\.(\d+))?$"
            digits = pc.replace_substring_regex(digits, pattern, rf"\1.\2\3e+0{exponent}")
        digits = pc.replace_substring_regex(digits, r"\.?0*e", "e")
        result = pc.replace_with_mask(result, pa.array(large), digits)
    return result


def _names(text: npt.NDArray[Any]) -> npt.NDArray[Any]:
    for found, wanted in (("nan", "NaN"), ("inf", "Infinity"), ("-inf", "-Infinity")):
        text[text == found] = wanted
    return text


def decimal_text(array: pa.Array) -> pa.Array:
    """Return decimals with all digits of their scale, as `numeric_out` does."""
    scale = array.type.scale
    if scale <= 6:  # beyond, Arrow (like Java) writes small values as 0E-7
        return pc.cast(array, pa.string())
    buffers = array.buffers()
    unscaled_type = pa.decimal128(38, 0)
    if array.type.byte_width != 16:
        array = array.cast(pa.decimal128(38, scale))
        buffers = array.buffers()
    unscaled = pa.Array.from_buffers(unscaled_type, len(array), buffers, -1, array.offset)
    digits = pc.cast(unscaled, pa.string())
    sign = pc.if_else(pc.starts_with(digits, "-"), "-", "")
    digits = pc.ascii_lpad(pc.ascii_ltrim(digits, "-"), scale + 1, "0")
    whole = pc.utf8_slice_codeunits(digits, 0, -scale)
    fraction = pc.utf8_slice_codeunits(digits, -scale)
    return pc.binary_join_element_wise(sign, whole, pc.binary_join_element_wise("", fraction, "."), "")
