"""What a client says: every frontend message of protocol 3 as a value, and as it travels.

Pure. `frontend_decoding` serves the server; encoding serves the tests and the clients of `benchmarks/`.
Source: PostgreSQL 16 manual, "Message Formats"; protocol 3.2 adds secret keys longer than four bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeAlias

from fsspeckit_sqlserver.wire.fields import counted, cstring, int16s, int32s

__all__ = [
    "CANCEL_CODE",
    "GSSENC_CODE",
    "SSL_CODE",
    "Bind",
    "CancelRequest",
    "Close",
    "CopyData",
    "CopyDone",
    "CopyFail",
    "Describe",
    "Execute",
    "Flush",
    "FrontendMessage",
    "FunctionCall",
    "GssEncRequest",
    "Parse",
    "PasswordMessage",
    "Query",
    "SslRequest",
    "StartupMessage",
    "Sync",
    "Target",
    "Terminate",
    "encode_frontend",
]

SSL_CODE: Final = 80877103
GSSENC_CODE: Final = 80877104
CANCEL_CODE: Final = 80877102

Target: TypeAlias = Literal["S", "P"]
"""What Describe and Close name: a prepared statement or a portal."""


@dataclass(frozen=True, slots=True)
class StartupMessage:
    """The first message of a session. `parameters` has at least `user`."""

    tag: ClassVar[bytes] = b""
    major: int
    minor: int
    parameters: Mapping[str, str]

    def body(self) -> bytes:
        """Return the message without its length."""
        pairs = b"".join(cstring(name) + cstring(value) for name, value in self.parameters.items())
        return struct.pack("!HH", self.major, self.minor) + pairs + b"\0"


@dataclass(frozen=True, slots=True)
class SslRequest:
    """May we speak TLS? Answered with one byte; the client then goes on."""

    tag: ClassVar[bytes] = b""

    def body(self) -> bytes:
        """Return the message without its length."""
        return struct.pack("!I", SSL_CODE)


@dataclass(frozen=True, slots=True)
class GssEncRequest:
    """May we speak GSSAPI encryption? Answered with one byte; the client then goes on."""

    tag: ClassVar[bytes] = b""

    def body(self) -> bytes:
        """Return the message without its length."""
        return struct.pack("!I", GSSENC_CODE)


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Stop what the session with these keys is doing. Comes on a connection of its own; never answered."""

    tag: ClassVar[bytes] = b""
    process_id: int
    secret_key: bytes

    def body(self) -> bytes:
        """Return the message without its length."""
        return struct.pack("!II", CANCEL_CODE, self.process_id) + self.secret_key


@dataclass(frozen=True, slots=True)
class PasswordMessage:
    """Any answer during authentication: a password, a SASL or a GSSAPI token. The phase says which."""

    tag: ClassVar[bytes] = b"p"
    data: bytes

    def body(self) -> bytes:
        """Return the message body."""
        return self.data


@dataclass(frozen=True, slots=True)
class Query:
    """The simple protocol: any number of statements in one text."""

    tag: ClassVar[bytes] = b"Q"
    sql: str

    def body(self) -> bytes:
        """Return the message body."""
        return cstring(self.sql)


@dataclass(frozen=True, slots=True)
class Parse:
    """Prepare one statement. `parameter_oids` may be shorter than the parameters; 0 means: infer."""

    tag: ClassVar[bytes] = b"P"
    name: str
    sql: str
    parameter_oids: tuple[int, ...]

    def body(self) -> bytes:
        """Return the message body."""
        return cstring(self.name) + cstring(self.sql) + int32s(self.parameter_oids)


@dataclass(frozen=True, slots=True)
class Bind:
    """Give a prepared statement its parameters: a portal.

    Attributes:
        parameter_formats: none (all text), one for all, or one per parameter; 0 is text, 1 is binary.
        parameters: None is NULL.
        result_formats: none (all text), one for all, or one per column.
    """

    tag: ClassVar[bytes] = b"B"
    portal: str
    statement: str
    parameter_formats: tuple[int, ...]
    parameters: tuple[bytes | None, ...]
    result_formats: tuple[int, ...]

    def body(self) -> bytes:
        """Return the message body."""
        return b"".join(
            (
                cstring(self.portal),
                cstring(self.statement),
                int16s(self.parameter_formats),
                struct.pack("!H", len(self.parameters)),
                *map(counted, self.parameters),
                int16s(self.result_formats),
            )
        )


@dataclass(frozen=True, slots=True)
class Describe:
    """Ask for the parameters and columns of a statement, or the columns of a portal."""

    tag: ClassVar[bytes] = b"D"
    target: Target
    name: str

    def body(self) -> bytes:
        """Return the message body."""
        return self.target.encode() + cstring(self.name)


@dataclass(frozen=True, slots=True)
class Execute:
    """Run a portal, or go on with it. `max_rows` 0 means: to the end."""

    tag: ClassVar[bytes] = b"E"
    portal: str
    max_rows: int

    def body(self) -> bytes:
        """Return the message body."""
        return cstring(self.portal) + struct.pack("!i", self.max_rows)


@dataclass(frozen=True, slots=True)
class Close:
    """Forget a statement or a portal. Not an error if there is none."""

    tag: ClassVar[bytes] = b"C"
    target: Target
    name: str

    def body(self) -> bytes:
        """Return the message body."""
        return self.target.encode() + cstring(self.name)


@dataclass(frozen=True, slots=True)
class Flush:
    """Send what is there."""

    tag: ClassVar[bytes] = b"H"

    def body(self) -> bytes:
        """Return the message body."""
        return b""


@dataclass(frozen=True, slots=True)
class Sync:
    """The end of one extended-protocol sequence: answered with ReadyForQuery, errors or not."""

    tag: ClassVar[bytes] = b"S"

    def body(self) -> bytes:
        """Return the message body."""
        return b""


@dataclass(frozen=True, slots=True)
class Terminate:
    """Good-bye."""

    tag: ClassVar[bytes] = b"X"

    def body(self) -> bytes:
        """Return the message body."""
        return b""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """The obsolete fast-path call of a function. Kept whole: only its refusal is served."""

    tag: ClassVar[bytes] = b"F"
    data: bytes

    def body(self) -> bytes:
        """Return the message body."""
        return self.data


@dataclass(frozen=True, slots=True)
class CopyData:
    """A piece of COPY data."""

    tag: ClassVar[bytes] = b"d"
    data: bytes

    def body(self) -> bytes:
        """Return the message body."""
        return self.data


@dataclass(frozen=True, slots=True)
class CopyDone:
    """The end of COPY data."""

    tag: ClassVar[bytes] = b"c"

    def body(self) -> bytes:
        """Return the message body."""
        return b""


@dataclass(frozen=True, slots=True)
class CopyFail:
    """The client gives up its COPY, and says why."""

    tag: ClassVar[bytes] = b"f"
    message: str

    def body(self) -> bytes:
        """Return the message body."""
        return cstring(self.message)


FrontendMessage: TypeAlias = (
    StartupMessage
    | SslRequest
    | GssEncRequest
    | CancelRequest
    | PasswordMessage
    | Query
    | Parse
    | Bind
    | Describe
    | Execute
    | Close
    | Flush
    | Sync
    | Terminate
    | FunctionCall
    | CopyData
    | CopyDone
    | CopyFail
)


def encode_frontend(message: FrontendMessage) -> bytes:
    """Return a message as it travels: tag (none for the startup kind), length, body."""
    body = message.body()
    return message.tag + struct.pack("!I", len(body) + 4) + body
