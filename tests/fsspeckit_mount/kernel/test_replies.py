"""Replies: their bytes, read back with layouts written down here a second time."""

from __future__ import annotations

import stat
import struct

from fsspeckit_mount.kernel import replies
from fsspeckit_mount.vfs.attributes import Attributes
from fsspeckit_mount.vfs.operations import Node, SpaceReport

_FILE = Attributes(77, 1025, 3_000_000_007, stat.S_IFREG | 0o444, 1, 1000, 100)
_ATTRIBUTES = (77, 1025, 3, 3, 3, 3, 7, 7, 7, 0o100444, 1, 1000, 100, 0, 131072, 0)


def test_header_and_error() -> None:
    assert replies.encode_reply(5, b"ab") == bytes.fromhex("12000000 00000000 0500000000000000") + b"ab"
    assert replies.reply_header(5, 2) == replies.encode_reply(5, b"ab")[:16]
    assert replies.error_reply(5, 2) == bytes.fromhex("10000000 feffffff 0500000000000000")


def test_attributes() -> None:
    body = replies.attributes_body(_FILE, 1.5)
    assert len(body) == 104
    assert struct.unpack_from("<QII", body) == (1, 500_000_000, 0)
    assert struct.unpack_from("<6Q10I", body, 16) == _ATTRIBUTES


def test_entry() -> None:
    body = replies.entry_body(Node(9, _FILE, 0.25, 86400.0))
    assert len(body) == 128
    assert struct.unpack_from("<4Q2I", body) == (9, 0, 0, 86400, 250_000_000, 0)
    assert struct.unpack_from("<6Q10I", body, 40) == _ATTRIBUTES


def test_an_entry_whose_time_is_over_holds_for_nothing() -> None:
    body = replies.entry_body(Node(9, _FILE, -3.0, 0.0))
    assert struct.unpack_from("<4Q2I", body) == (9, 0, 0, 0, 0, 0)


def test_negative_entry() -> None:
    body = replies.negative_entry_body(30)
    assert len(body) == 128
    assert struct.unpack_from("<4Q2I", body) == (0, 0, 30, 0, 0, 0)


def test_open_and_statfs() -> None:
    assert struct.unpack("<QIi", replies.open_body(3, 0x80, 12)) == (3, 0x80, 12)
    body = replies.statfs_body(SpaceReport(1 << 40, 1 << 30, 99))
    assert len(body) == 80
    free = (1 << 28) - (1 << 18)
    assert struct.unpack_from("<5Q4I", body) == (1 << 28, free, free, 99, 99, 4096, 1024, 4096, 0)


def test_sizes_ioctls_and_notices() -> None:
    assert replies.size_body(7) == bytes.fromhex("07000000 00000000")
    assert replies.ioctl_body(b"ab") == bytes(16) + b"ab"
    assert replies.epoch_notice() == bytes.fromhex("10000000 08000000 0000000000000000")
    assert replies.gone_notice(5, b"ab") == bytes.fromhex(
        "23000000 03000000 0000000000000000 0500000000000000 02000000 00000000 616200"
    )


def test_directory_entries_are_aligned_and_stay_within_the_size() -> None:
    buffer = replies.DirectoryBuffer(80, plus=False)
    names = [b"a", b"abcdefgh", b"abcdefghi"]
    taken = []
    for number, name in enumerate(names):
        if buffer.takes(name):
            buffer.add(name, 100 + number, number + 1, 8)
            taken.append(name)
    body = buffer.body()
    assert taken == names[:2]
    assert len(body) == 32 + 32
    assert struct.unpack_from("<QQII", body) == (100, 1, 1, 8)
    assert body[24:32] == b"a" + bytes(7)
    assert struct.unpack_from("<QQII", body, 32) == (101, 2, 8, 8)
    assert body[56:64] == b"abcdefgh"


def test_readdirplus_entries() -> None:
    buffer = replies.DirectoryBuffer(400, plus=True)
    buffer.add_node(b"..", None, 1, 2, 4)
    buffer.add_node(b"file", Node(9, _FILE, 1.0, 1.0), 77, 3, 8)
    assert not buffer.takes(b"x" * 200)
    body = buffer.body()
    assert len(body) == 2 * 160
    assert body[:128] == bytes(128)
    assert struct.unpack_from("<Q", body, 160) == (9,)
    assert struct.unpack_from("<QQII", body, 160 + 128) == (77, 3, 4, 8)


def test_an_empty_directory_buffer_is_the_end() -> None:
    assert replies.DirectoryBuffer(4096, plus=True).body() == b""
