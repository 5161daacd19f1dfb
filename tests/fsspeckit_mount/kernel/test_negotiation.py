"""INIT with kernels of all ages."""

from __future__ import annotations

import struct

import pytest

from fsspeckit_lib.errors import Unsupported
from fsspeckit_mount.kernel.messages import Init
from fsspeckit_mount.kernel.negotiation import Wishes, major_only_reply, negotiate
from fsspeckit_mount.kernel.protocol import InitFlag

_WISHES = Wishes(1 << 20, passthrough=True, stack_depth=1)
_EVERYTHING = (1 << 64) - 1


def _fields(reply: bytes) -> tuple[int, ...]:
    assert len(reply) == 64
    return struct.unpack_from("<IIIIHHIIHHII", reply)


def test_a_kernel_that_offers_everything_gives_what_is_wanted_and_no_more() -> None:
    agreement = negotiate(Init(7, 45, 131072, _EVERYTHING), _WISHES)
    assert agreement is not None
    assert (agreement.minor, agreement.passthrough, agreement.direct_io_maps) == (45, True, True)
    fields = _fields(agreement.reply)
    assert fields[:3] == (7, 45, 131072)
    assert fields[6:11] == (1 << 20, 1, 256, 0, 0b11 << 4)
    assert fields[11] == 1
    assert not fields[3] & InitFlag.WRITEBACK_CACHE  # it would turn passthrough off silently
    assert fields[3] & InitFlag.INIT_EXT


def test_a_newer_minor_gets_ours() -> None:
    agreement = negotiate(Init(7, 99, 131072, _EVERYTHING), _WISHES)
    assert agreement is not None
    assert _fields(agreement.reply)[1] == agreement.minor == 45


def test_an_older_kernel_gets_no_second_word_of_flags() -> None:
    agreement = negotiate(Init(7, 31, 131072, (1 << 30) - 1), _WISHES)
    assert agreement is not None
    assert not agreement.passthrough
    assert not agreement.direct_io_maps
    assert _fields(agreement.reply)[10:] == (0, 0)


def test_passthrough_can_be_left_out() -> None:
    agreement = negotiate(Init(7, 45, 131072, _EVERYTHING), Wishes(1 << 20, passthrough=False, stack_depth=2))
    assert agreement is not None
    assert not agreement.passthrough
    assert _fields(agreement.reply)[10:] == (1 << 4, 0)


def test_a_newer_major_must_ask_again() -> None:
    assert negotiate(Init(8, 0, 0, 0), _WISHES) is None
    assert _fields(major_only_reply())[0] == 7


@pytest.mark.parametrize(("major", "minor"), [(6, 9), (7, 30), (0, 0)])
def test_a_kernel_that_is_too_old_is_refused(major: int, minor: int) -> None:
    with pytest.raises(Unsupported, match="newer"):
        negotiate(Init(major, minor, 0, 0), _WISHES)
