"""Backend messages: golden bytes, and what a cut or a changed byte does to whoever decodes them."""

from __future__ import annotations

import pytest

from fsspeckit_sqlserver.wire import authentication as auth
from fsspeckit_sqlserver.wire import backend as be
from fsspeckit_sqlserver.wire import copying
from fsspeckit_sqlserver.wire.fields import FramingError, MalformedMessage
from fsspeckit_sqlserver.wire.notification import NotificationResponse

GOLDEN: list[tuple[be.BackendMessage, bytes]] = [
    (be.AuthenticationOk(), b"R\0\0\0\x08\0\0\0\0"),
    (auth.AuthenticationMd5Password(b"salt"), b"R\0\0\0\x0c\0\0\0\x05salt"),
    (auth.AuthenticationSasl(("SCRAM-SHA-256", "X")), b"R\0\0\0\x19\0\0\0\x0aSCRAM-SHA-256\0X\0\0"),
    (auth.AuthenticationSaslContinue(b"r=a"), b"R\0\0\0\x0b\0\0\0\x0br=a"),
    (auth.AuthenticationSaslFinal(b"v=b"), b"R\0\0\0\x0b\0\0\0\x0cv=b"),
    (be.BackendKeyData(5, b"\1\2\3\4"), b"K\0\0\0\x0c\0\0\0\x05\1\2\3\4"),
    (be.ParameterStatus("TimeZone", "UTC"), b"S\0\0\0\x11TimeZone\0UTC\0"),
    (be.NegotiateProtocolVersion(2, ("_pq_.x",)), b"v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0"),
    (be.ReadyForQuery("T"), b"Z\0\0\0\x05T"),
    (
        be.RowDescription((be.Field("a", 0, 0, 23, 4, -1, 1),)),
        b"T\0\0\0\x1a\0\x01a\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\x01",
    ),
    (be.RowDescription(()), b"T\0\0\0\x06\0\0"),
    (be.DataRow((b"x", None, b"")), b"D\0\0\0\x13\0\x03\0\0\0\x01x\xff\xff\xff\xff\0\0\0\0"),
    (be.ParameterDescription((23, 25)), b"t\0\0\0\x0e\0\x02\0\0\0\x17\0\0\0\x19"),
    (be.CommandComplete("SELECT 1"), b"C\0\0\0\x0dSELECT 1\0"),
    (be.ErrorResponse({"S": "ERROR", "C": "42P01", "M": "no"}), b"E\0\0\0\x17SERROR\0C42P01\0Mno\0\0"),
    (be.NoticeResponse({"S": "NOTICE"}), b"N\0\0\0\x0dSNOTICE\0\0"),
    (NotificationResponse(7, "news", "hello"), b"A\0\0\0\x13\0\0\0\x07news\0hello\0"),
    (copying.CopyOutResponse(1, 2), b"H\0\0\0\x0b\x01\0\x02\0\x01\0\x01"),
    (copying.CopyInResponse(0, 1), b"G\0\0\0\x09\0\0\x01\0\0"),
    (copying.CopyDataOut(b"1\t2\n"), b"d\0\0\0\x081\t2\n"),
    (copying.CopyDoneOut(), b"c\0\0\0\x04"),
    (be.PARSE_COMPLETE, b"1\0\0\0\x04"),
    (be.BIND_COMPLETE, b"2\0\0\0\x04"),
    (be.CLOSE_COMPLETE, b"3\0\0\0\x04"),
    (be.NO_DATA, b"n\0\0\0\x04"),
    (be.EMPTY_QUERY_RESPONSE, b"I\0\0\0\x04"),
    (be.PORTAL_SUSPENDED, b"s\0\0\0\x04"),
]
IDS = [wire[:1].decode() + str(index) for index, (_, wire) in enumerate(GOLDEN)]


@pytest.mark.parametrize(("message", "wire"), GOLDEN, ids=IDS)
def test_golden_bytes(message: be.BackendMessage, wire: bytes) -> None:
    assert be.encode_backend(message) == wire
    assert list(be.decode_backend(wire + wire)) == [message, message]


@pytest.mark.parametrize(("message", "wire"), GOLDEN, ids=IDS)
def test_a_cut_message_is_noticed(message: be.BackendMessage, wire: bytes) -> None:
    for cut in range(1, len(wire)):
        with pytest.raises((FramingError, MalformedMessage)):
            list(be.decode_backend(wire[:cut]))


@pytest.mark.parametrize(("message", "wire"), GOLDEN, ids=IDS)
def test_a_changed_byte_never_crashes_the_decoder(message: be.BackendMessage, wire: bytes) -> None:
    for place in range(len(wire)):
        for byte in range(256):
            try:
                list(be.decode_backend(wire[:place] + bytes([byte]) + wire[place + 1 :]))
            except (FramingError, MalformedMessage):
                continue


def test_a_zero_byte_inside_text_cannot_end_the_message_early() -> None:
    assert be.encode_backend(be.CommandComplete("SEL\0ECT")) == be.encode_backend(be.CommandComplete("SELECT"))
