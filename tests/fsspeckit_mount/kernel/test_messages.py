"""Requests: golden bytes, every cut of them, every changed byte."""

from __future__ import annotations

import contextlib

import pytest

from fsspeckit_mount.kernel import messages
from fsspeckit_mount.kernel.messages import Body, Header, MalformedRequest, parse_request
from fsspeckit_mount.kernel.protocol import Opcode


def _wire(opcode: int, body: str, nodeid: int = 7) -> bytes:
    """Return a request as Linux on a little-endian machine sends it, for unique 0x0102, uid 1000, gid 100, pid 42."""
    payload = bytes.fromhex(body)
    head = (
        (40 + len(payload)).to_bytes(4, "little")
        + opcode.to_bytes(4, "little")
        + bytes.fromhex("0201000000000000")
        + nodeid.to_bytes(8, "little")
        + bytes.fromhex("e8030000 64000000 2a000000 0000 0000")
    )
    return head + payload


GOLDEN: list[tuple[int, str, Body]] = [
    (Opcode.LOOKUP, "61 c3bc 00", messages.Lookup("aü".encode())),
    (Opcode.FORGET, "0300000000000000", messages.Forget(3)),
    (Opcode.GETATTR, "01000000 00000000 0500000000000000", messages.Getattr(1, 5)),
    (Opcode.READLINK, "", messages.Empty()),
    (Opcode.OPEN, "00800000 00000000", messages.Open(0x8000)),
    (
        Opcode.READ,
        "0900000000000000 0000100000000000 00000200 00000000 0000000000000000 00800000 00000000",
        messages.Read(9, 1 << 20, 128 << 10),
    ),
    (Opcode.STATFS, "", messages.Empty()),
    (Opcode.RELEASE, "0900000000000000 00800000 00000000 0000000000000000", messages.Release(9)),
    (Opcode.FSYNC, "0900000000000000 00000000 00000000", messages.Release(9)),
    (Opcode.GETXATTR, "00010000 00000000 757365722e6100", messages.Getxattr(b"user.a", 256)),
    (Opcode.LISTXATTR, "00010000 00000000", messages.Getxattr(b"", 256)),
    (Opcode.FLUSH, "0900000000000000 00000000 00000000 1100000000000000", messages.Release(9)),
    (Opcode.INIT, "07000000 1f000000 00000200 03000000", messages.Init(7, 31, 128 << 10, 3)),
    (
        Opcode.INIT,
        "07000000 2d000000 00000200 00000040 20000000" + "00000000" * 11,
        messages.Init(7, 45, 128 << 10, 1 << 30 | 1 << 37),
    ),
    (Opcode.OPENDIR, "00800100 00000000", messages.Open(0x18000)),
    (
        Opcode.READDIRPLUS,
        "0900000000000000 0200000000000000 00100000 00000000 0000000000000000 00800000 00000000",
        messages.Read(9, 2, 4096),
    ),
    (Opcode.ACCESS, "04000000 00000000", messages.Access(4)),
    (Opcode.INTERRUPT, "0a00000000000000", messages.Interrupt(10)),
    (Opcode.DESTROY, "", messages.Empty()),
    (
        Opcode.IOCTL,
        "0900000000000000 01000000 6646fcff 0000000000000000 03000000 fc3f0000 616263",
        messages.Ioctl(0xFFFC4666, 16380, b"abc"),
    ),
    (
        Opcode.BATCH_FORGET,
        "02000000 00000000 0500000000000000 0100000000000000 0600000000000000 0200000000000000",
        messages.BatchForget(((5, 1), (6, 2))),
    ),
    (Opcode.UNLINK, "6100", messages.Opaque(b"a\0")),
    (4242, "00ff", messages.Opaque(b"\x00\xff")),
]
_IDS = [f"{opcode}-{len(body)}" for opcode, body, _ in GOLDEN]


@pytest.mark.parametrize(("opcode", "hexed", "body"), GOLDEN, ids=_IDS)
def test_golden_bytes(opcode: int, hexed: str, body: Body) -> None:
    assert parse_request(_wire(opcode, hexed)) == (Header(opcode, 0x102, 7, 1000, 100, 42), body)


@pytest.mark.parametrize(("opcode", "hexed", "body"), GOLDEN, ids=_IDS)
def test_every_cut_is_malformed(opcode: int, hexed: str, body: Body) -> None:
    wire = _wire(opcode, hexed)
    for cut in range(len(wire)):
        with pytest.raises(MalformedRequest) as caught:
            parse_request(wire[:cut])
        assert (caught.value.header is None) == (cut < 40)
        assert str(cut if cut < 40 else caught.value.found) in str(caught.value)


@pytest.mark.parametrize(("opcode", "hexed", "body"), GOLDEN, ids=_IDS)
def test_every_cut_with_a_fitting_length_is_parsed_or_malformed(opcode: int, hexed: str, body: Body) -> None:
    wire = _wire(opcode, hexed)
    for cut in range(40, len(wire)):
        short = cut.to_bytes(4, "little") + wire[4:cut]
        with contextlib.suppress(MalformedRequest):
            assert parse_request(short)[0].unique == 0x102


@pytest.mark.parametrize(("opcode", "hexed", "body"), GOLDEN, ids=_IDS)
def test_every_changed_byte_is_parsed_or_malformed(opcode: int, hexed: str, body: Body) -> None:
    wire = _wire(opcode, hexed)
    for position in range(len(wire)):
        for value in range(256):
            changed = wire[:position] + bytes([value]) + wire[position + 1 :]
            try:
                parse_request(changed)
            except MalformedRequest:
                continue


def test_fields_that_a_newer_kernel_appends_are_ignored() -> None:
    header, body = parse_request(_wire(Opcode.OPEN, "00800000 00000000 ffffffffffffffff"))
    assert (header.opcode, body) == (Opcode.OPEN, messages.Open(0x8000))


def test_extensions_at_the_end_are_cut_off() -> None:
    wire = bytearray(_wire(Opcode.LOOKUP, "6100 000000000000" + "aa" * 8))
    wire[36] = 1  # total_extlen, in units of eight bytes
    assert parse_request(wire)[1] == messages.Lookup(b"a")
    wire[36] = 3
    with pytest.raises(MalformedRequest, match="extensions"):
        parse_request(wire)


@pytest.mark.parametrize("hexed", ["00", "61", "612f6200", ""], ids=["empty", "no end", "slash", "nothing"])
def test_a_name_that_cannot_be_one(hexed: str) -> None:
    with pytest.raises(MalformedRequest, match="name"):
        parse_request(_wire(Opcode.LOOKUP, hexed))


def test_nothing_of_the_buffer_is_kept() -> None:
    buffer = bytearray(_wire(Opcode.LOOKUP, "6100"))
    _, body = parse_request(buffer)
    buffer[:] = bytes(len(buffer))
    assert body == messages.Lookup(b"a")
