"""Splices the columns of an Arrow batch into DataRow messages, end to end, ready for the socket.

Pure. Everything of fixed width that stands side by side (message tag, lengths, numbers) is laid out by numpy in one
record per row; what is left is joined by Arrow's `binary_join_element_wise`, whose data buffer is the stream.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from fsspeckit_lib.errors import ResourceExhausted
from fsspeckit_sqlserver.types.binary_out import binary_cells
from fsspeckit_sqlserver.types.cells import Cells, Fixed, Vector, assemble, binary_from_fixed, lengths_of
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.few import FEW_ROWS, encode_few
from fsspeckit_sqlserver.types.kernels import pc
from fsspeckit_sqlserver.types.style import TextStyle
from fsspeckit_sqlserver.types.text_out import text_cells

__all__ = ["RowEncoder"]

_MAX_BYTES: Final = 1 << 30  # Arrow's offsets and PostgreSQL's message lengths are both 31 bits


class RowTooLarge(ResourceExhausted):
    """One row does not fit into one message."""

    kind = "limit-exceeded"


class RowEncoder:
    """Encodes batches of the same columns, in the formats that Bind asked for. Safe to use from several threads."""

    def __init__(self, columns: Sequence[Column], formats: Sequence[int], style: TextStyle, tag: bytes = b"D") -> None:
        """Prepare for columns.

        Args:
            columns: as announced in RowDescription.
            formats: one per column; 0 is text, 1 is binary.
            style: how text is written.
            tag: of the messages: `d` for the rows of a binary COPY, which are laid out as DataRow is.
        """
        self._tag = tag
        self._columns = tuple(zip(columns, formats, strict=True))
        self._style = style

    def encode(self, batch: pa.RecordBatch) -> memoryview:
        """Return the rows of a batch as DataRow messages.

        Raises:
            Unsupported: a column's type has no PostgreSQL form; names the column and the type.
            RowTooLarge: one row is above 1 GiB.

        Source: PostgreSQL 16 manual, "Message Formats", DataRow. Lengths are bytes, int32 big-endian; NULL is -1.
        """
        if batch.num_rows <= FEW_ROWS and self._columns and self._style.extra_float_digits > 0:
            few = encode_few(self._columns, batch, self._tag)
            if few is not None:
                return memoryview(few)
        if not batch.num_rows:
            return memoryview(b"")
        cells = [
            (binary_cells if wire_format else text_cells)(array, column.type_oid, self._style)
            for (column, wire_format), array in zip(self._columns, batch.columns, strict=True)
        ]
        spliced = splice(cells, batch.num_rows, self._tag)
        if spliced is not None:
            return spliced
        if batch.num_rows == 1:
            raise RowTooLarge("a row is larger than 1 GiB and cannot be sent; select less of it")
        half = batch.num_rows // 2
        return memoryview(b"".join((self.encode(batch.slice(0, half)), self.encode(batch.slice(half)))))


def splice(cells: Sequence[Cells], row_count: int, tag: bytes = b"D") -> memoryview | None:
    """Return rows of these cells as DataRow messages, or None when they are too large for one buffer."""
    fixed_bytes = 6 + 4 * len(cells)
    variable_bytes: Vector | None = None
    run: list[Vector | bytes] = [struct.pack("!H", len(cells))]
    runs: list[list[Vector | bytes]] = [run]
    values: list[pa.Array] = []
    for cell in cells:
        if isinstance(cell, Fixed) and cell.valid is None:
            fixed_bytes += cell.width
            run.append(struct.pack("!i", cell.width))
            run.extend(cell.pieces)
            continue
        if isinstance(cell, Fixed):
            array = binary_from_fixed(cell.pieces, row_count, cell.valid)
        else:
            array = cell.array
        lengths, array = _lengths_and_values(array)
        run.append(lengths)
        sizes = np.maximum(lengths, 0).astype(np.int64) if array.null_count == 0 else lengths
        variable_bytes = sizes if variable_bytes is None else variable_bytes + sizes
        values.append(array)
        run = []
        runs.append(run)
    total_bytes = fixed_bytes * row_count + (0 if variable_bytes is None else int(variable_bytes.sum()))
    if total_bytes + row_count >= _MAX_BYTES:
        return None
    if variable_bytes is None:
        records = assemble((tag + struct.pack("!i", fixed_bytes), *runs[0]), row_count)
        return memoryview(records.view(np.uint8))  # type: ignore[arg-type] # numpy's arrays export the buffer protocol
    message_bytes = (variable_bytes + fixed_bytes).astype(">i4")
    runs[0] = [tag, message_bytes, *runs[0]]
    parts: list[pa.Array] = []
    for index, pieces in enumerate(runs):
        if pieces:
            parts.append(binary_from_fixed(pieces, row_count))
        if index < len(values):
            parts.append(values[index])
    joined = pc.binary_join_element_wise(*parts, b"")
    return memoryview(joined.buffers()[2])[: total_bytes + row_count]


def _lengths_and_values(array: pa.Array) -> tuple[Vector, pa.Array]:
    """Return the length fields (big-endian, NULL is -1) and the values as binary without NULLs."""
    lengths: Vector = lengths_of(array)
    if array.null_count:
        valid = pc.is_valid(array).to_numpy(zero_copy_only=False)
        if lengths[~valid].any():  # bytes lie under a NULL: Arrow allows it
            array = pc.fill_null(array, "" if pa.types.is_string(array.type) else b"")
        lengths = np.where(valid, lengths, np.int32(-1))
    buffers = array.buffers()
    values = pa.Array.from_buffers(pa.binary(), len(array), [None, *buffers[1:]], 0, array.offset)
    return lengths.astype(">i4"), values
