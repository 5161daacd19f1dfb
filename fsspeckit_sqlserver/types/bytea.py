"""bytea in text: hex and escape. Pure."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fsspeckit_sqlserver.types.cells import data_of, offsets_of
from fsspeckit_sqlserver.types.kernels import pc

__all__ = ["escape_text", "hex_text"]

_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.dtype("<u2"))


def hex_text(array: pa.Array) -> pa.Array:
    r"""Return binary values as `\x` and two hex digits a byte."""
    offsets = offsets_of(array)
    start, stop = int(offsets[0]), int(offsets[-1])
    digits = _HEX[data_of(array)[start:stop]]
    widths = (offsets - start) * 2
    plain = pa.Array.from_buffers(pa.string(), len(array), [None, pa.py_buffer(widths), pa.py_buffer(digits)])
    text = pc.binary_join_element_wise("\\x", plain, "")
    return pc.if_else(pc.is_valid(array), text, None) if array.null_count else text


def escape_text(array: pa.Array) -> pa.Array:
    """Return binary values in the old escape format. Loops over values: nobody asks for it in bulk."""
    return pa.array([None if value is None else _escape(value) for value in array.to_pylist()], pa.string())


def _escape(value: bytes) -> str:
    return "".join("\\\\" if byte == 92 else chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}" for byte in value)
