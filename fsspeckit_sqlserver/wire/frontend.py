"""What a client says: every frontend message of protocol 3 as a value, decoded from its body and encoded again.

Pure. Decoding serves the server; encoding serves the tests and the clients of `benchmarks/`.
Source: PostgreSQL 16 manual, "Message Formats"; protocol 3.2 adds secret keys longer than four bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, Literal, TypeAlias

from fsspeckit_sqlserver.wire.fields import FieldReader, MalformedMessage, counted, cstring, int16s, int32s

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
    "decode_frontend",
    "decode_startup",
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


def decode_startup(body: bytes) -> FrontendMessage:
    """Return the startup-kind message with this body (what follows the length).

    Raises:
        MalformedMessage: it is none of them.
    """
    reader = FieldReader(body)
    code = reader.uint32()
    if code in (SSL_CODE, GSSENC_CODE):
        reader.finish()
        return SslRequest() if code == SSL_CODE else GssEncRequest()
    if code == CANCEL_CODE:
        process_id, secret_key = reader.uint32(), reader.rest()
        if not 4 <= len(secret_key) <= 256:
            raise MalformedMessage(f"invalid length of cancel key: {len(secret_key)} bytes, wanted 4 to 256")
        return CancelRequest(process_id, secret_key)
    parameters: dict[str, str] = {}
    if code >> 16 == 3:  # another major version may have another layout: its number is all that is needed
        while name := reader.cstring():
            parameters[name] = reader.cstring()
        reader.finish()
    return StartupMessage(code >> 16, code & 0xFFFF, MappingProxyType(parameters))


def decode_frontend(tag: bytes, body: bytes) -> FrontendMessage:
    """Return the message with this tag and body.

    Raises:
        KeyError: no message has this tag.
        MalformedMessage: the body is not that message's.
    """
    return _DECODERS[tag](body)


def _query(body: bytes) -> Query:
    reader = FieldReader(body)
    message = Query(reader.cstring())
    reader.finish()
    return message


def _parse(body: bytes) -> Parse:
    reader = FieldReader(body)
    name, sql = reader.cstring(), reader.cstring()
    oids = tuple(reader.uint32() for _ in range(reader.count16()))
    reader.finish()
    return Parse(name, sql, oids)


def _bind(body: bytes) -> Bind:
    reader = FieldReader(body)
    portal, statement = reader.cstring(), reader.cstring()
    parameter_formats = _formats(reader)
    parameters = tuple(reader.counted() for _ in range(reader.count16()))
    result_formats = _formats(reader)
    reader.finish()
    if len(parameter_formats) > 1 and len(parameter_formats) != len(parameters):
        raise MalformedMessage(
            f"bind message has {len(parameter_formats)} parameter formats but {len(parameters)} parameters"
        )
    return Bind(portal, statement, parameter_formats, parameters, result_formats)


def _formats(reader: FieldReader) -> tuple[int, ...]:
    formats = tuple(reader.int16() for _ in range(reader.count16()))
    for code in formats:
        if code not in {0, 1}:
            raise MalformedMessage(f"unsupported format code: {code}")
    return formats


def _target(reader: FieldReader, message: str) -> Target:
    match reader.byte():
        case b"S":
            return "S"
        case b"P":
            return "P"
        case other:
            raise MalformedMessage(f"invalid {message} message subtype {other[0]}")


def _describe(body: bytes) -> Describe:
    reader = FieldReader(body)
    message = Describe(_target(reader, "DESCRIBE"), reader.cstring())
    reader.finish()
    return message


def _close(body: bytes) -> Close:
    reader = FieldReader(body)
    message = Close(_target(reader, "CLOSE"), reader.cstring())
    reader.finish()
    return message


def _execute(body: bytes) -> Execute:
    reader = FieldReader(body)
    message = Execute(reader.cstring(), reader.int32())
    reader.finish()
    return message


def _copy_fail(body: bytes) -> CopyFail:
    reader = FieldReader(body)
    message = CopyFail(reader.cstring())
    reader.finish()
    return message


def _bare(message: FrontendMessage) -> Callable[[bytes], FrontendMessage]:
    def decode(body: bytes) -> FrontendMessage:
        FieldReader(body).finish()
        return message

    return decode


_DECODERS: Final[Mapping[bytes, Callable[[bytes], FrontendMessage]]] = MappingProxyType(
    {
        PasswordMessage.tag: PasswordMessage,
        Query.tag: _query,
        Parse.tag: _parse,
        Bind.tag: _bind,
        Describe.tag: _describe,
        Execute.tag: _execute,
        Close.tag: _close,
        Flush.tag: _bare(Flush()),
        Sync.tag: _bare(Sync()),
        Terminate.tag: _bare(Terminate()),
        FunctionCall.tag: FunctionCall,
        CopyData.tag: CopyData,
        CopyDone.tag: _bare(CopyDone()),
        CopyFail.tag: _copy_fail,
    }
)
