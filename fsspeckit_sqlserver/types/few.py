"""DataRow messages for a handful of rows of the commonest types, without the vector machinery. Pure.

Setting up Arrow kernels and numpy costs 50 to 150 µs whatever the batch holds, which is most of the time of a
`SELECT 1`; a plain loop over eight rows costs a tenth of that. Anything it does not know goes the vectorised way, and
the tests hold both to the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa

from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column

__all__ = ["FEW_ROWS", "encode_few"]

FEW_ROWS: Final = 8

Writer = Callable[[Any], bytes | None]
"""A value, never None → its bytes; None where the vectorised way must decide."""

_INTEGERS: Final = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32())


def _decimal_digits(value: int) -> bytes:
    return b"%d" % value


def _letter(value: bool) -> bytes:
    return b"t" if value else b"f"


def _shortest(value: float) -> bytes | None:
    """Return the float where Python's shortest form has the notation of PostgreSQL's."""
    size = abs(value)
    if not (size == 0 or 1e-4 <= size < 1e15):  # NaN as well
        return None
    return repr(value).removesuffix(".0").encode()


_TEXT: Final[Mapping[pa.DataType, Writer]] = MappingProxyType(
    {
        pa.string(): str.encode,
        pa.bool_(): _letter,
        pa.float64(): _shortest,
        **dict.fromkeys((*_INTEGERS, pa.uint64()), _decimal_digits),
    }
)

_BINARY: Final[Mapping[tuple[pa.DataType, int], Writer]] = MappingProxyType(
    {
        **{(pa.string(), oid): str.encode for oid in oids.TEXT_LIKE},
        (pa.float64(), oids.FLOAT8): struct.Struct("!d").pack,
        (pa.bool_(), oids.BOOL): struct.Struct("!?").pack,
        **{
            (integer, oid): struct.Struct(layout).pack
            for integer in _INTEGERS
            for oid, layout in ((oids.INT2, "!h"), (oids.INT4, "!i"), (oids.INT8, "!q"))
            if integer.bit_width + pa.types.is_unsigned_integer(integer) <= struct.calcsize(layout) * 8
        },
    }
)


def encode_few(columns: Sequence[tuple[Column, int]], batch: pa.RecordBatch, tag: bytes = b"D") -> bytes | None:
    """Return a batch of at most `FEW_ROWS` rows as DataRow messages, or None if the vectorised way must do it."""
    encoded: list[list[bytes | None]] = []
    for (column, wire_format), array in zip(columns, batch.columns, strict=True):
        kind = array.type
        writer = _BINARY.get((kind, column.type_oid)) if wire_format else _TEXT.get(kind)
        if writer is None:
            return None
        values: list[bytes | None] = []
        for value in array.to_pylist():
            cell = None if value is None else writer(value)
            if cell is None and value is not None:
                return None
            values.append(cell)
        encoded.append(values)
    head = struct.pack("!H", len(encoded))
    messages = []
    for row in zip(*encoded, strict=True):
        parts = [head]
        for cell in row:
            if cell is None:
                parts.append(b"\xff\xff\xff\xff")
            else:
                parts.append(len(cell).to_bytes(4, "big"))
                parts.append(cell)
        body = b"".join(parts)
        messages.append(tag + (len(body) + 4).to_bytes(4, "big") + body)
    return b"".join(messages)
