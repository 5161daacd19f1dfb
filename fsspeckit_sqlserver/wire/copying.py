"""The messages that open and end a COPY, and its data towards the client.

Pure. Rows do not come this way: `types.copy_out` splices whole batches of CopyData; `CopyDataOut` carries headers and
trailers, and is what tests decode. Source: PostgreSQL 16 manual, "COPY Operations" and "Message Formats".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from fsspeckit_sqlserver.wire.fields import FieldReader, int16s

__all__ = ["CopyDataOut", "CopyDoneOut", "CopyInResponse", "CopyOutResponse", "decode_copy_response"]


@dataclass(frozen=True, slots=True)
class CopyOutResponse:
    """Rows of so many columns follow as CopyData; format 0 is text, 1 is binary, for all of them."""

    tag: ClassVar[bytes] = b"H"
    wire_format: int
    columns: int

    def body(self) -> bytes:
        """Return the message body."""
        return struct.pack("!b", self.wire_format) + int16s((self.wire_format,) * self.columns)


@dataclass(frozen=True, slots=True)
class CopyInResponse:
    """Send rows of so many columns as CopyData; format 0 is text, 1 is binary, for all of them."""

    tag: ClassVar[bytes] = b"G"
    wire_format: int
    columns: int

    def body(self) -> bytes:
        """Return the message body."""
        return struct.pack("!b", self.wire_format) + int16s((self.wire_format,) * self.columns)


@dataclass(frozen=True, slots=True)
class CopyDataOut:
    """A piece of COPY data."""

    tag: ClassVar[bytes] = b"d"
    data: bytes

    def body(self) -> bytes:
        """Return the message body."""
        return self.data


@dataclass(frozen=True, slots=True)
class CopyDoneOut:
    """The end of COPY data."""

    tag: ClassVar[bytes] = b"c"

    def body(self) -> bytes:
        """Return the message body."""
        return b""


def decode_copy_response(reader: FieldReader) -> tuple[int, int]:
    """Return format and number of columns of a CopyOutResponse or CopyInResponse."""
    wire_format = reader.byte()[0]
    count = reader.count16()
    for _ in range(count):
        reader.int16()
    return wire_format, count
