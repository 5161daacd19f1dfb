"""The messages of a login: what the server asks for, and how a PasswordMessage answers it.

Pure. Source: PostgreSQL 16 manual, "Message Formats" (AuthenticationSASL and its kin), "SASL Authentication".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from fsspeckit_sqlserver.wire.fields import FieldReader, FramingError, cstring

__all__ = [
    "AuthenticationMd5Password",
    "AuthenticationMessage",
    "AuthenticationOk",
    "AuthenticationSasl",
    "AuthenticationSaslContinue",
    "AuthenticationSaslFinal",
    "decode_authentication",
    "read_password",
    "read_sasl_initial",
]


@dataclass(frozen=True, slots=True)
class AuthenticationOk:
    """The client may enter."""

    tag: ClassVar[bytes] = b"R"

    def body(self) -> bytes:
        """Return the message body."""
        return struct.pack("!I", 0)


@dataclass(frozen=True, slots=True)
class AuthenticationMd5Password:
    """Wanted: `md5` and the hash of password, user and this salt of four bytes."""

    tag: ClassVar[bytes] = b"R"
    salt: bytes

    def body(self) -> bytes:
        """Return the message body."""
        return struct.pack("!I4s", 5, self.salt)


@dataclass(frozen=True, slots=True)
class AuthenticationSasl:
    """Wanted: the first message of one of these mechanisms, the preferred one first."""

    tag: ClassVar[bytes] = b"R"
    mechanisms: tuple[str, ...]

    def body(self) -> bytes:
        """Return the message body."""
        return struct.pack("!I", 10) + b"".join(map(cstring, self.mechanisms)) + b"\0"


@dataclass(frozen=True, slots=True)
class AuthenticationSaslContinue:
    """The server's first message of the mechanism."""

    tag: ClassVar[bytes] = b"R"
    data: bytes

    def body(self) -> bytes:
        """Return the message body."""
        return struct.pack("!I", 11) + self.data


@dataclass(frozen=True, slots=True)
class AuthenticationSaslFinal:
    """The server's last message of the mechanism; AuthenticationOk follows."""

    tag: ClassVar[bytes] = b"R"
    data: bytes

    def body(self) -> bytes:
        """Return the message body."""
        return struct.pack("!I", 12) + self.data


AuthenticationMessage: TypeAlias = (
    AuthenticationOk
    | AuthenticationMd5Password
    | AuthenticationSasl
    | AuthenticationSaslContinue
    | AuthenticationSaslFinal
)


def decode_authentication(reader: FieldReader) -> AuthenticationMessage:
    """Return the message of tag R whose body follows.

    Raises:
        FramingError: a request the gateway never makes.
    """
    match reader.uint32():
        case 0:
            return AuthenticationOk()
        case 5:
            return AuthenticationMd5Password(reader.take(4))
        case 10:
            mechanisms = []
            while name := reader.cstring():
                mechanisms.append(name)
            return AuthenticationSasl(tuple(mechanisms))
        case 11:
            return AuthenticationSaslContinue(reader.rest())
        case 12:
            return AuthenticationSaslFinal(reader.rest())
        case other:
            raise FramingError(f"unexpected authentication request {other}")


def read_sasl_initial(data: bytes) -> tuple[str, bytes | None]:
    """Return mechanism and first message of a SASLInitialResponse, the body of a PasswordMessage.

    Raises:
        MalformedMessage: it is none.
    """
    reader = FieldReader(data)
    found = reader.cstring(), reader.counted()
    reader.finish()
    return found


def read_password(data: bytes) -> str:
    """Return the text of a PasswordMessage that answers a request for one.

    Raises:
        MalformedMessage: it is none.
    """
    reader = FieldReader(data)
    text = reader.cstring()
    reader.finish()
    return text
