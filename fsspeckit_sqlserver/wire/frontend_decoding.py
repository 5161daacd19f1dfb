"""From the bytes of a client to its messages: the bodies of protocol 3, decoded.

Pure. Source: PostgreSQL 16 manual, "Message Formats"; protocol 3.2 adds secret keys longer than four bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from fsspeckit_sqlserver.wire.fields import FieldReader, MalformedMessage
from fsspeckit_sqlserver.wire.frontend import (
    CANCEL_CODE,
    GSSENC_CODE,
    SSL_CODE,
    Bind,
    CancelRequest,
    Close,
    CopyData,
    CopyDone,
    CopyFail,
    Describe,
    Execute,
    Flush,
    FrontendMessage,
    FunctionCall,
    GssEncRequest,
    Parse,
    PasswordMessage,
    Query,
    SslRequest,
    StartupMessage,
    Sync,
    Target,
    Terminate,
)

__all__ = ["decode_frontend", "decode_startup"]


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
