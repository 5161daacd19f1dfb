"""What the server says: every backend message of protocol 3 as a value, encoded and, for tests and clients, decoded.

Pure. Rows do not come this way: `types.datarow` splices whole batches of DataRow messages out of Arrow; `DataRow` here
is their reference. Source: PostgreSQL 16 manual, "Message Formats".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, Literal, TypeAlias

from fsspeckit_sqlserver.wire.authentication import AuthenticationMessage, AuthenticationOk, decode_authentication
from fsspeckit_sqlserver.wire.copying import (
    CopyDataOut,
    CopyDoneOut,
    CopyInResponse,
    CopyOutResponse,
    decode_copy_response,
)
from fsspeckit_sqlserver.wire.fields import FieldReader, FramingError, counted, cstring, int32s
from fsspeckit_sqlserver.wire.notification import NotificationResponse

__all__ = [
    "BIND_COMPLETE",
    "CLOSE_COMPLETE",
    "EMPTY_QUERY_RESPONSE",
    "NO_DATA",
    "PARSE_COMPLETE",
    "PORTAL_SUSPENDED",
    "AuthenticationOk",
    "BackendKeyData",
    "BackendMessage",
    "Bare",
    "CommandComplete",
    "DataRow",
    "ErrorResponse",
    "Field",
    "NegotiateProtocolVersion",
    "NoticeResponse",
    "ParameterDescription",
    "ParameterStatus",
    "ReadyForQuery",
    "RowDescription",
    "TransactionStatus",
    "decode_backend",
    "encode_backend",
]

TransactionStatus: TypeAlias = Literal["I", "T", "E"]
"""Idle, in a transaction block, in a failed transaction block."""


@dataclass(frozen=True, slots=True)
class BackendKeyData:
    """What a CancelRequest must quote: four bytes of key in protocol 3.0, up to 256 in 3.2."""

    tag: ClassVar[bytes] = b"K"
    process_id: int
    secret_key: bytes

    def body(self) -> bytes:
        """Return the message body."""
        return struct.pack("!I", self.process_id) + self.secret_key


@dataclass(frozen=True, slots=True)
class ParameterStatus:
    """A run-time parameter that drivers follow, at its present value."""

    tag: ClassVar[bytes] = b"S"
    name: str
    value: str

    def body(self) -> bytes:
        """Return the message body."""
        return cstring(self.name) + cstring(self.value)


@dataclass(frozen=True, slots=True)
class NegotiateProtocolVersion:
    """We speak 3.`minor` at most, and do not know these `_pq_.` options."""

    tag: ClassVar[bytes] = b"v"
    minor: int
    unknown_options: tuple[str, ...]

    def body(self) -> bytes:
        """Return the message body. The version is the whole number 3.minor, as PostgreSQL sends it."""
        names = b"".join(map(cstring, self.unknown_options))
        return struct.pack("!HHI", 3, self.minor, len(self.unknown_options)) + names


@dataclass(frozen=True, slots=True)
class ReadyForQuery:
    """Your turn."""

    tag: ClassVar[bytes] = b"Z"
    status: TransactionStatus

    def body(self) -> bytes:
        """Return the message body."""
        return self.status.encode()


@dataclass(frozen=True, slots=True)
class Field:
    """One column of RowDescription."""

    name: str
    table_oid: int
    column_number: int
    type_oid: int
    type_size: int
    typmod: int
    format: int


_FIELD = struct.Struct("!IhIhih")


@dataclass(frozen=True, slots=True)
class RowDescription:
    """The columns of the rows that follow."""

    tag: ClassVar[bytes] = b"T"
    fields: tuple[Field, ...]

    def body(self) -> bytes:
        """Return the message body."""
        parts = [struct.pack("!H", len(self.fields))]
        for field in self.fields:
            parts.append(cstring(field.name))
            parts.append(
                _FIELD.pack(
                    field.table_oid,
                    field.column_number,
                    field.type_oid,
                    field.type_size,
                    field.typmod,
                    field.format,
                )
            )
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class DataRow:
    """One row. None is NULL."""

    tag: ClassVar[bytes] = b"D"
    values: tuple[bytes | None, ...]

    def body(self) -> bytes:
        """Return the message body."""
        return struct.pack("!H", len(self.values)) + b"".join(map(counted, self.values))


@dataclass(frozen=True, slots=True)
class ParameterDescription:
    """The parameter types of a statement."""

    tag: ClassVar[bytes] = b"t"
    type_oids: tuple[int, ...]

    def body(self) -> bytes:
        """Return the message body."""
        return int32s(self.type_oids)


@dataclass(frozen=True, slots=True)
class CommandComplete:
    """A statement ended well: `SELECT 5`, `BEGIN`."""

    tag: ClassVar[bytes] = b"C"
    command: str

    def body(self) -> bytes:
        """Return the message body."""
        return cstring(self.command)


class _Report:
    """The common form of errors and notices: pairs of a field letter and its text."""

    __slots__ = ()
    tag: ClassVar[bytes]
    fields: Mapping[str, str]

    def body(self) -> bytes:
        """Return the message body."""
        return b"".join(name.encode() + cstring(value) for name, value in self.fields.items()) + b"\0"


@dataclass(frozen=True, slots=True)
class ErrorResponse(_Report):
    """A statement or the connection failed. S, V: severity, C: SQLSTATE, M: message, D: detail, H: hint, P: place."""

    tag: ClassVar[bytes] = b"E"
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NoticeResponse(_Report):
    """Something worth knowing; not an answer to anything."""

    tag: ClassVar[bytes] = b"N"
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bare:
    """A message that is its tag alone."""

    tag: bytes

    def body(self) -> bytes:
        """Return the message body."""
        return b""


PARSE_COMPLETE: Final = Bare(b"1")
BIND_COMPLETE: Final = Bare(b"2")
CLOSE_COMPLETE: Final = Bare(b"3")
NO_DATA: Final = Bare(b"n")
EMPTY_QUERY_RESPONSE: Final = Bare(b"I")
PORTAL_SUSPENDED: Final = Bare(b"s")

BackendMessage: TypeAlias = (
    AuthenticationMessage
    | BackendKeyData
    | ParameterStatus
    | NegotiateProtocolVersion
    | ReadyForQuery
    | RowDescription
    | DataRow
    | ParameterDescription
    | CommandComplete
    | ErrorResponse
    | NoticeResponse
    | NotificationResponse
    | CopyOutResponse
    | CopyInResponse
    | CopyDataOut
    | CopyDoneOut
    | Bare
)


def encode_backend(message: BackendMessage) -> bytes:
    """Return a message as it travels: tag, length, body."""
    body = message.body()
    return message.tag + struct.pack("!I", len(body) + 4) + body


def decode_backend(data: bytes) -> Iterator[BackendMessage]:
    """Yield the messages of `data`, which holds whole ones only.

    Raises:
        FramingError: it ends inside a message, or has a tag the gateway never sends.
    """
    position = 0
    while position < len(data):
        tag = data[position : position + 1]
        if len(data) < position + 5 or tag not in _DECODERS:
            raise FramingError(f"unexpected backend message {tag!r} with {len(data) - position} bytes left")
        stop = position + 1 + int(struct.unpack_from("!I", data, position + 1)[0])
        if not position + 5 <= stop <= len(data):
            raise FramingError(f"backend message {tag!r} is cut off")
        reader = FieldReader(data[position + 5 : stop])
        yield _DECODERS[tag](reader)
        reader.finish()
        position = stop


def _decode_negotiate(reader: FieldReader) -> BackendMessage:
    version, count = reader.uint32(), reader.uint32()
    return NegotiateProtocolVersion(version & 0xFFFF, tuple(reader.cstring() for _ in range(count)))


def _decode_ready(reader: FieldReader) -> BackendMessage:
    match reader.byte():
        case b"I":
            return ReadyForQuery("I")
        case b"T":
            return ReadyForQuery("T")
        case b"E":
            return ReadyForQuery("E")
        case other:
            raise FramingError(f"unknown transaction status {other!r}")


def _decode_row_description(reader: FieldReader) -> BackendMessage:
    return RowDescription(
        tuple(Field(reader.cstring(), *_FIELD.unpack(reader.take(_FIELD.size))) for _ in range(reader.count16()))
    )


def _decode_report(reader: FieldReader) -> Mapping[str, str]:
    fields = {}
    while (letter := reader.byte()) != b"\0":
        fields[letter.decode("latin-1")] = reader.cstring()
    return MappingProxyType(fields)


_DECODERS: Final[Mapping[bytes, Callable[[FieldReader], BackendMessage]]] = MappingProxyType(
    {
        b"R": decode_authentication,
        b"K": lambda reader: BackendKeyData(reader.uint32(), reader.rest()),
        b"S": lambda reader: ParameterStatus(reader.cstring(), reader.cstring()),
        b"v": _decode_negotiate,
        b"Z": _decode_ready,
        b"T": _decode_row_description,
        b"D": lambda reader: DataRow(tuple(reader.counted() for _ in range(reader.count16()))),
        b"t": lambda reader: ParameterDescription(tuple(reader.uint32() for _ in range(reader.count16()))),
        b"C": lambda reader: CommandComplete(reader.cstring()),
        b"E": lambda reader: ErrorResponse(_decode_report(reader)),
        b"N": lambda reader: NoticeResponse(_decode_report(reader)),
        b"A": lambda reader: NotificationResponse(reader.uint32(), reader.cstring(), reader.cstring()),
        b"H": lambda reader: CopyOutResponse(*decode_copy_response(reader)),
        b"G": lambda reader: CopyInResponse(*decode_copy_response(reader)),
        b"d": lambda reader: CopyDataOut(reader.rest()),
        b"c": lambda _: CopyDoneOut(),
        b"1": lambda _: PARSE_COMPLETE,
        b"2": lambda _: BIND_COMPLETE,
        b"3": lambda _: CLOSE_COMPLETE,
        b"n": lambda _: NO_DATA,
        b"I": lambda _: EMPTY_QUERY_RESPONSE,
        b"s": lambda _: PORTAL_SUSPENDED,
    }
)
