"""One column's values as bytes, before they are spliced into rows.

Pure, on numpy and Arrow. Two forms: `Fixed` when every value has the same width (its pieces go into the rows with one
strided copy per batch), `Var` for everything else (spliced by an Arrow kernel).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsspeckit_sqlserver.types.kernels import pc

__all__ = ["Bools", "Cells", "Fixed", "Var", "binary_from_fixed", "data_of", "lengths_of", "offsets_of", "valid_mask"]

Vector: TypeAlias = npt.NDArray[Any]
Bools: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Fixed:
    """Values of one width.

    Attributes:
        pieces: the value's bytes in order, each a vector of n items (any dtype: its bytes are taken as they lie in
            memory) or bytes that are the same in every row.
        valid: False where the value is NULL; None when nothing is.
    """

    pieces: tuple[Vector | bytes, ...]
    valid: Bools | None = None

    @property
    def width(self) -> int:
        """Bytes of one value."""
        return sum(len(piece) if isinstance(piece, bytes) else piece.dtype.itemsize for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Var:
    """Values of any width: a string or binary array with 32-bit offsets; null is NULL."""

    array: pa.Array


Cells: TypeAlias = Fixed | Var


def valid_mask(array: pa.Array) -> Bools | None:
    """Return which values are not NULL, None when all are."""
    if not array.null_count:
        return None
    mask: Bools = pc.is_valid(array).to_numpy(zero_copy_only=False)
    return mask


def offsets_of(array: pa.Array) -> npt.NDArray[np.int32]:
    """Return the n+1 offsets of a string, binary or list array."""
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(len(array) + 1, np.int32)
    return np.frombuffer(buffer, np.int32, len(array) + 1, array.offset * 4)


def data_of(array: pa.Array) -> npt.NDArray[np.uint8]:
    """Return the data bytes of a string or binary array; its offsets count from their start."""
    buffer = array.buffers()[2]
    return np.frombuffer(buffer, np.uint8) if buffer is not None and buffer.size else np.zeros(0, np.uint8)


def lengths_of(array: pa.Array) -> npt.NDArray[np.int32]:
    """Return the byte length of each value of a string or binary array; what NULLs have is not said."""
    return np.diff(offsets_of(array))


def assemble(pieces: Sequence[Vector | bytes], row_count: int) -> Vector:
    """Return the pieces laid side by side: a vector of n packed records."""
    formats = [f"V{len(piece)}" if isinstance(piece, bytes) else piece.dtype for piece in pieces]
    records = np.empty(row_count, np.dtype({"names": [f"f{i}" for i in range(len(pieces))], "formats": formats}))
    for index, piece in enumerate(pieces):
        records[f"f{index}"] = np.void(piece) if isinstance(piece, bytes) else piece
    return records


def binary_from_fixed(pieces: Sequence[Vector | bytes], row_count: int, valid: Bools | None = None) -> pa.Array:
    """Return fixed-width values as an Arrow binary array; NULL where `valid` is False."""
    records = assemble(pieces, row_count)
    if valid is None:
        offsets = np.arange(0, (row_count + 1) * records.dtype.itemsize, records.dtype.itemsize, dtype=np.int32)
        return pa.Array.from_buffers(
            pa.binary(), row_count, [None, pa.py_buffer(offsets), pa.py_buffer(records.view(np.uint8))]
        )
    offsets = np.zeros(row_count + 1, np.int32)
    np.cumsum(valid * records.dtype.itemsize, out=offsets[1:])
    bits = np.packbits(valid, bitorder="little")
    data = np.ascontiguousarray(records[valid]).view(np.uint8)
    return pa.Array.from_buffers(
        pa.binary(), row_count, [pa.py_buffer(bits), pa.py_buffer(offsets), pa.py_buffer(data)]
    )
