"""The primitive fields of protocol 3: integers, strings and byte runs, read with bounds checks and written.

Pure. All integers are big-endian; a *string* is UTF-8 ended by a zero byte.
Source: PostgreSQL 16 manual, "Message Data Types".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from fsspeckit_lib.errors import BadInput

__all__ = [
    "FieldReader",
    "FramingError",
    "InvalidEncoding",
    "MalformedMessage",
    "counted",
    "cstring",
    "int16s",
    "int32s",
]

_INT16 = struct.Struct("!h")
_UINT16 = struct.Struct("!H")
_INT32 = struct.Struct("!i")
_UINT32 = struct.Struct("!I")


class FramingError(BadInput):
    """The byte stream cannot be cut into messages any more. Handler: say so and close the connection."""

    kind = "protocol-violation"


class MalformedMessage(BadInput):
    """One whole message arrived whose body makes no sense. The next one can still be read: the connection survives.

    `tag` says which message it was: the error of a simple query is followed by ReadyForQuery, that of the extended
    protocol by skipping to Sync.
    """

    kind = "protocol-violation"
    tag: bytes = b""


class InvalidEncoding(MalformedMessage):
    """Text that is not UTF-8."""

    kind = "invalid-encoding"


class FieldReader:
    """Reads fields off the front of one message body.

    Raises (all methods):
        MalformedMessage: the body ends before the field does.
    """

    __slots__ = ("_body", "_position")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._position = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        start = self._position
        if size < 0 or size > len(self._body) - start:
            raise MalformedMessage("insufficient data left in message")
        self._position = start + size
        return self._body[start : self._position]

    def byte(self) -> bytes:
        """Return the next byte as bytes of length one."""
        return self.take(1)

    def int16(self) -> int:
        """Return the next signed 16-bit integer."""
        return int(_INT16.unpack(self.take(2))[0])

    def count16(self) -> int:
        """Return the next 16-bit integer as the count it is used for: 0 … 65,535."""
        return int(_UINT16.unpack(self.take(2))[0])

    def int32(self) -> int:
        """Return the next signed 32-bit integer."""
        return int(_INT32.unpack(self.take(4))[0])

    def uint32(self) -> int:
        """Return the next unsigned 32-bit integer: an OID, a process id."""
        return int(_UINT32.unpack(self.take(4))[0])

    def cstring(self) -> str:
        """Return the next string, without its ending zero byte."""
        stop = self._body.find(b"\0", self._position)
        if stop < 0:
            raise MalformedMessage("invalid string in message: no ending zero byte")
        raw = self._body[self._position : stop]
        self._position = stop + 1
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            wrong = " ".join(f"0x{byte:02x}" for byte in raw[error.start : error.end])
            raise InvalidEncoding(f'invalid byte sequence for encoding "UTF8": {wrong}') from error

    def counted(self) -> bytes | None:
        """Return the next value with its 32-bit length before it; None for length -1, which is NULL."""
        size = self.int32()
        return None if size == -1 else self.take(size)

    def rest(self) -> bytes:
        """Return everything that is left."""
        return self.take(len(self._body) - self._position)

    def finish(self) -> None:
        """Check that nothing is left."""
        if self._position != len(self._body):
            raise MalformedMessage(f"invalid message format: {len(self._body) - self._position} bytes too many")


def cstring(text: str) -> bytes:
    """Return a string field. A zero byte inside would end it early, so it is cut out."""
    return text.replace("\0", "").encode(errors="replace") + b"\0"


def counted(value: bytes | None) -> bytes:
    """Return a value with its 32-bit length before it; None is length -1."""
    return b"\xff\xff\xff\xff" if value is None else _INT32.pack(len(value)) + value


def int16s(values: Sequence[int]) -> bytes:
    """Return 16-bit integers with their 16-bit count before them."""
    return struct.pack(f"!H{len(values)}h", len(values), *values)


def int32s(values: Sequence[int]) -> bytes:
    """Return unsigned 32-bit integers with their 16-bit count before them."""
    return struct.pack(f"!H{len(values)}I", len(values), *values)
