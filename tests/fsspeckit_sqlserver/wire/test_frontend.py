"""Frontend messages: golden bytes survive every cut; every changed byte is a message, an error or a wait."""

from __future__ import annotations

import pytest

from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.fields import FramingError, InvalidEncoding, MalformedMessage
from fsspeckit_sqlserver.wire.framing import BODY_LIMITS, FrontendDecoder

STARTUP: list[tuple[fe.FrontendMessage, bytes]] = [
    (fe.SslRequest(), b"\0\0\0\x08\x04\xd2\x16\x2f"),
    (fe.GssEncRequest(), b"\0\0\0\x08\x04\xd2\x16\x30"),
    (fe.CancelRequest(7, b"\1\2\3\4"), b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07\1\2\3\4"),
    (fe.CancelRequest(2**31, b"k" * 32), b"\0\0\0\x2c\x04\xd2\x16\x2e\x80\0\0\0" + b"k" * 32),
    (
        fe.StartupMessage(3, 0, {"user": "me", "database": "db"}),
        b"\0\0\0\x1d\0\x03\0\0user\0me\0database\0db\0\0",
    ),
    (fe.StartupMessage(3, 2, {"user": "ü"}), b"\0\0\0\x11\0\x03\0\x02user\0\xc3\xbc\0\0"),
]
TAGGED: list[tuple[fe.FrontendMessage, bytes]] = [
    (fe.Query("select 1"), b"Q\0\0\0\x0dselect 1\0"),
    (fe.Query(""), b"Q\0\0\0\x05\0"),
    (fe.Parse("s", "select $1", (23, 0)), b"P\0\0\0\x1as\0select $1\0\0\x02\0\0\0\x17\0\0\0\0"),
    (
        fe.Bind("p", "s", (1,), (b"\0\0\0\x05", None, b""), (0, 1)),
        b"B\0\0\0\x24p\0s\0\0\x01\0\x01\0\x03\0\0\0\x04\0\0\0\x05\xff\xff\xff\xff\0\0\0\0\0\x02\0\0\0\x01",
    ),
    (fe.Bind("", "", (), (), ()), b"B\0\0\0\x0c\0\0\0\0\0\0\0\0"),
    (fe.Describe("S", "s"), b"D\0\0\0\x07Ss\0"),
    (fe.Describe("P", ""), b"D\0\0\0\x06P\0"),
    (fe.Execute("p", 100), b"E\0\0\0\x0ap\0\0\0\0\x64"),
    (fe.Close("P", "p"), b"C\0\0\0\x07Pp\0"),
    (fe.Flush(), b"H\0\0\0\x04"),
    (fe.Sync(), b"S\0\0\0\x04"),
    (fe.Terminate(), b"X\0\0\0\x04"),
    (fe.PasswordMessage(b"secret\0"), b"p\0\0\0\x0bsecret\0"),
    (fe.FunctionCall(b"\0\0\0\x01"), b"F\0\0\0\x08\0\0\0\x01"),
    (fe.CopyData(b"1\t2\n"), b"d\0\0\0\x081\t2\n"),
    (fe.CopyDone(), b"c\0\0\0\x04"),
    (fe.CopyFail("no"), b"f\0\0\0\x07no\0"),
]
GOLDEN = [(message, wire, True) for message, wire in STARTUP] + [(message, wire, False) for message, wire in TAGGED]
IDS = [f"{type(message).__name__} {len(wire)}" for message, wire, _ in GOLDEN]


def decoder_fed(data: bytes, *, in_startup: bool) -> FrontendDecoder:
    decoder = FrontendDecoder(max_message_bytes=10_000)
    if not in_startup:
        decoder.startup_done()
    decoder.feed(data)
    return decoder


@pytest.mark.parametrize(("message", "wire", "in_startup"), GOLDEN, ids=IDS)
def test_golden_bytes_survive_every_cut(message: fe.FrontendMessage, wire: bytes, in_startup: bool) -> None:
    assert fe.encode_frontend(message) == wire
    for cut in range(len(wire)):
        decoder = decoder_fed(wire[:cut], in_startup=in_startup)
        assert decoder.next_message() is None
        decoder.feed(wire[cut:] + b"S")  # a neighbour's first byte stays untouched
        assert decoder.next_message() == message
        assert decoder.pending_bytes == 1


@pytest.mark.parametrize(("message", "wire", "in_startup"), GOLDEN, ids=IDS)
def test_every_changed_byte_is_decoded_refused_or_waited_for(
    message: fe.FrontendMessage, wire: bytes, in_startup: bool
) -> None:
    for place in range(len(wire)):
        for byte in range(256):
            decoder = decoder_fed(wire[:place] + bytes([byte]) + wire[place + 1 :], in_startup=in_startup)
            try:
                found = decoder.next_message()
            except (FramingError, MalformedMessage):
                continue
            if found is not None and wire[place] != byte:
                # whatever it is now, it is a message of its own: what was said is what is understood
                assert decoder_fed(fe.encode_frontend(found), in_startup=in_startup).next_message() == found


def test_messages_come_out_in_order_whatever_the_pieces() -> None:
    stream = b"".join(wire for _, wire in TAGGED)
    for size in (1, 2, 3, 7, 64, len(stream)):
        decoder = decoder_fed(b"", in_startup=False)
        found = []
        for start in range(0, len(stream), size):
            decoder.feed(stream[start : start + size])
            while (message := decoder.next_message()) is not None:
                found.append(message)
        assert found == [message for message, _ in TAGGED]
        assert decoder.pending_bytes == 0


@pytest.mark.parametrize("tag", [tag for tag in BODY_LIMITS if tag], ids=lambda tag: tag.decode())
def test_a_huge_length_is_refused_before_its_body_comes(tag: bytes) -> None:
    for length in (0, 3, 100_000, 2**31, 2**32 - 1):
        decoder = decoder_fed(tag + length.to_bytes(4, "big"), in_startup=False)
        with pytest.raises(FramingError):
            decoder.next_message()


@pytest.mark.parametrize("length", [0, 7, 10_005, 2**31])
def test_a_startup_packet_has_its_limits(length: int) -> None:
    decoder = decoder_fed(length.to_bytes(4, "big") + b"\0\x03\0\0", in_startup=True)
    with pytest.raises((FramingError, MalformedMessage)):
        decoder.next_message()


@pytest.mark.parametrize("tag", [bytes([byte]) for byte in range(256) if bytes([byte]) not in BODY_LIMITS])
def test_unknown_tags_are_refused(tag: bytes) -> None:
    with pytest.raises(FramingError, match="invalid frontend message type"):
        decoder_fed(tag, in_startup=False).next_message()


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        (b"Q\0\0\0\x06\xff\0", InvalidEncoding),
        (b"Q\0\0\0\x05x", MalformedMessage),
        (b"Q\0\0\0\x07x\0y", MalformedMessage),
        (b"D\0\0\0\x06X\0", MalformedMessage),
        (b"B\0\0\0\x0e\0\0\0\x01\0\x02\0\0\0\0", MalformedMessage),  # a format that does not exist
        (b"B\0\0\0\x10\0\0\0\x02\0\0\0\0\0\0\0\0", MalformedMessage),  # two formats, no parameters
        (b"B\0\0\0\x10\0\0\0\0\0\x01\0\0\0\x09\0\0", MalformedMessage),  # a parameter longer than the message
    ],
)
def test_a_malformed_message_is_consumed_and_says_which_it_was(wire: bytes, error: type[MalformedMessage]) -> None:
    decoder = decoder_fed(wire + b"S\0\0\0\x04", in_startup=False)
    with pytest.raises(error) as caught:
        decoder.next_message()
    assert caught.value.tag == wire[:1]
    assert decoder.next_message() == fe.Sync()


def test_another_major_version_needs_no_layout() -> None:
    decoder = decoder_fed(b"\0\0\0\x0c\0\x02\0\0\xff\xff\xff\xff", in_startup=True)
    assert decoder.next_message() == fe.StartupMessage(2, 0, {})


def test_more_parameters_than_int16_has() -> None:
    message = fe.Bind("", "", (), (None,) * 40_000, ())
    decoder = FrontendDecoder()
    decoder.startup_done()
    decoder.feed(fe.encode_frontend(message))
    assert decoder.next_message() == message
