"""INIT: which version and which capabilities both sides use.

Pure. The kernel offers, the server takes what it wants of that. Source: fuse_init_in/out in include/uapi/linux/fuse.h,
process_init_reply() in fs/fuse/inode.c of Linux 6.18.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from fsspeckit_lib.errors import Unsupported
from fsspeckit_mount.kernel.messages import Init
from fsspeckit_mount.kernel.protocol import KERNEL_MAJOR, OLDEST_MINOR, PAGE_BYTES, InitFlag

__all__ = ["Agreement", "Wishes", "major_only_reply", "negotiate"]

_INIT_OUT = Struct("=IIIIHHIIHHIIH22x")
_NEWEST_MINOR = 45
_MAX_BACKGROUND = 512
"""Reads that may be under way at once without anyone waiting for each. It is shared by all files of the mount: with
the kernel's 12, two slow files would stop the readahead of every other one."""
_CONGESTED = 384
_TIME_GRANULARITY_NS = 1


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the server would like.

    Attributes:
        max_io_bytes: largest READ; a multiple of the page size.
        passthrough: hand backing files to the kernel where it can take them.
        stack_depth: 1, or 2 where the backing files lie on a stacked file system (overlayfs).
    """

    max_io_bytes: int
    passthrough: bool
    stack_depth: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was settled.

    Attributes:
        minor: of the protocol.
        passthrough: the kernel takes backing files.
        direct_io_maps: a file opened with DIRECT_IO can be mapped shared (Linux 6.6).
        reply: the body of the answer.
    """

    minor: int
    passthrough: bool
    direct_io_maps: bool
    reply: bytes


def negotiate(init: Init, wishes: Wishes) -> Agreement | None:
    """Return the agreement, or None where the kernel speaks a newer major version and must ask again.

    None is answered with our major version alone; the kernel then repeats INIT in that version.

    Raises:
        Unsupported: the kernel is too old.
    """
    if init.major > KERNEL_MAJOR:
        return None
    if init.major < KERNEL_MAJOR or init.minor < OLDEST_MINOR:
        raise Unsupported(
            f"FUSE: the kernel speaks protocol {init.major}.{init.minor}, wanted {KERNEL_MAJOR}.{OLDEST_MINOR} or "
            "newer (Linux 5.4)"
        )
    wanted = (
        InitFlag.ASYNC_READ
        | InitFlag.DO_READDIRPLUS
        | InitFlag.READDIRPLUS_AUTO
        | InitFlag.PARALLEL_DIROPS
        | InitFlag.MAX_PAGES
        | InitFlag.INIT_EXT
        | InitFlag.DIRECT_IO_ALLOW_MMAP
    )
    if wishes.passthrough:
        wanted |= InitFlag.PASSTHROUGH
    flags = init.flags & wanted
    if not flags & InitFlag.INIT_EXT:
        flags &= 0xFFFFFFFF
    passthrough = bool(flags & InitFlag.PASSTHROUGH)
    reply = _INIT_OUT.pack(
        KERNEL_MAJOR,
        min(init.minor, _NEWEST_MINOR),
        init.max_readahead_bytes,
        flags & 0xFFFFFFFF,
        _MAX_BACKGROUND,
        _CONGESTED,
        wishes.max_io_bytes,
        _TIME_GRANULARITY_NS,
        wishes.max_io_bytes // PAGE_BYTES,
        0,
        flags >> 32,
        wishes.stack_depth if passthrough else 0,
        0,
    )
    direct_io_maps = bool(flags & InitFlag.DIRECT_IO_ALLOW_MMAP)
    return Agreement(min(init.minor, _NEWEST_MINOR), passthrough, direct_io_maps, reply)


def major_only_reply() -> bytes:
    """Return the body that tells a kernel of a newer major version which one is spoken here."""
    return _INIT_OUT.pack(KERNEL_MAJOR, _NEWEST_MINOR, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
