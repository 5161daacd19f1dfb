"""The message that tells a listening client of a NOTIFY. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from fsspeckit_sqlserver.wire.fields import cstring

__all__ = ["NotificationResponse"]


@dataclass(frozen=True, slots=True)
class NotificationResponse:
    """Session `process_id` notified `channel`. Source: PostgreSQL 16 manual, "Asynchronous Operations"."""

    tag: ClassVar[bytes] = b"A"
    process_id: int
    channel: str
    payload: str

    def body(self) -> bytes:
        """Return the message body."""
        return struct.pack("!I", self.process_id) + cstring(self.channel) + cstring(self.payload)
