"""Cuts a client's byte stream into messages.

Pure: fed with bytes, asked for messages. Memory is bounded by the limit of the message kind being read: a length above
it is refused when its four bytes arrive, not when the body does.
"""

from __future__ import annotations

import struct
from types import MappingProxyType
from typing import Final

from fsspeckit_sqlserver.wire.fields import FramingError, MalformedMessage
from fsspeckit_sqlserver.wire.frontend import FrontendMessage
from fsspeckit_sqlserver.wire.frontend_decoding import decode_frontend, decode_startup

__all__ = ["BODY_LIMITS", "DEFAULT_MAX_MESSAGE_BYTES", "FrontendDecoder"]

_LENGTH = struct.Struct("!I")
_SMALL_BYTES: Final = 10_000  # PQ_SMALL_MESSAGE_LIMIT and MAX_STARTUP_PACKET_LENGTH of PostgreSQL
_STARTUP: Final = b""

DEFAULT_MAX_MESSAGE_BYTES: Final = 64 << 20
"""PostgreSQL allows 1 GiB; a gateway that mostly reads has no use for it, and memory is shared by all clients."""

BODY_LIMITS: Final = MappingProxyType(
    {
        _STARTUP: _SMALL_BYTES,
        b"p": 65_535,  # PG_MAX_AUTH_TOKEN_LENGTH
        b"Q": None,
        b"P": None,
        b"B": None,
        b"F": None,
        b"d": None,
        b"D": _SMALL_BYTES,
        b"E": _SMALL_BYTES,
        b"C": _SMALL_BYTES,
        b"f": _SMALL_BYTES,
        b"H": 0,
        b"S": 0,
        b"X": 0,
        b"c": 0,
    }
)
"""Tag → largest body in bytes; None stands for the configured maximum. The empty tag is the startup packet."""


class FrontendDecoder:
    """Frontend messages out of bytes that come in any pieces.

    Starts with the startup kind, which has no tag; `startup_done` switches to tagged messages.
    """

    def __init__(self, max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES) -> None:
        self._max_message_bytes = max_message_bytes
        self._in_startup = True
        self._buffer = bytearray()
        self._start = 0  # of what is not decoded yet; consumed bytes are dropped once per feed, not once per message

    @property
    def pending_bytes(self) -> int:
        """How many bytes wait for the rest of their message, or to be asked for."""
        return len(self._buffer) - self._start

    def startup_done(self) -> None:
        """Expect tagged messages from here on: the startup message has been read."""
        self._in_startup = False

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes as they arrived."""
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += data

    def next_message(self) -> FrontendMessage | None:
        """Return the next whole message, or None until more bytes come.

        Raises:
            FramingError: unknown tag, or a length that is too short or above its limit. Nothing more can be decoded.
            MalformedMessage: the body is wrong; the message is consumed, and the next call goes on after it.
        """
        tag = _STARTUP
        if not self._in_startup:
            if not self.pending_bytes:
                return None
            tag = bytes(self._buffer[self._start : self._start + 1])
            if tag not in BODY_LIMITS:
                raise FramingError(f"invalid frontend message type {tag[0]}")
        length_at = self._start + len(tag)
        if len(self._buffer) < length_at + 4:
            return None
        body_bytes = _LENGTH.unpack_from(self._buffer, length_at)[0] - 4
        limit = BODY_LIMITS[tag]
        if not 0 <= body_bytes <= (self._max_message_bytes if limit is None else limit):
            what = f"message type {tag.decode()!r}" if tag else "startup packet"
            raise FramingError(f"invalid length of {what}: {body_bytes + 4} bytes")
        stop = length_at + 4 + body_bytes
        if len(self._buffer) < stop:
            return None
        body = bytes(self._buffer[length_at + 4 : stop])
        self._start = stop
        try:
            return decode_frontend(tag, body) if tag else decode_startup(body)
        except MalformedMessage as error:
            error.tag = tag
            raise
