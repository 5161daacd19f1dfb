"""The numbers of the FUSE kernel protocol 7.x.

Source: include/uapi/linux/fuse.h of Linux 6.18 (protocol 7.45). Only values; the layouts are in `messages`, `replies`.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

__all__ = [
    "EPOCH_MINOR",
    "GETATTR_FH",
    "KERNEL_MAJOR",
    "MUTATIONS",
    "NOTIFY_INC_EPOCH",
    "NOTIFY_INVAL_ENTRY",
    "OLDEST_MINOR",
    "PAGE_BYTES",
    "ROOT_NODEID",
    "InitFlag",
    "Opcode",
    "OpenFlag",
]

KERNEL_MAJOR = 7
OLDEST_MINOR = 31
"""Linux 5.4, the oldest whose messages all have the sizes used here."""

ROOT_NODEID = 1
PAGE_BYTES = 4096
GETATTR_FH = 1 << 0
"""GETATTR carries a file handle."""

NOTIFY_INVAL_ENTRY = 3
NOTIFY_INC_EPOCH = 8
"""Since 7.44 (Linux 6.17): every name the kernel knows is looked up again. Takes no lock of the kernel."""
EPOCH_MINOR = 44


class Opcode(IntEnum):
    """What the kernel asks."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    SETATTR = 4
    READLINK = 5
    SYMLINK = 6
    MKNOD = 8
    MKDIR = 9
    UNLINK = 10
    RMDIR = 11
    RENAME = 12
    LINK = 13
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    FSYNC = 20
    SETXATTR = 21
    GETXATTR = 22
    LISTXATTR = 23
    REMOVEXATTR = 24
    FLUSH = 25
    INIT = 26
    OPENDIR = 27
    READDIR = 28
    RELEASEDIR = 29
    FSYNCDIR = 30
    GETLK = 31
    SETLK = 32
    SETLKW = 33
    ACCESS = 34
    CREATE = 35
    INTERRUPT = 36
    BMAP = 37
    DESTROY = 38
    IOCTL = 39
    POLL = 40
    NOTIFY_REPLY = 41
    BATCH_FORGET = 42
    FALLOCATE = 43
    READDIRPLUS = 44
    RENAME2 = 45
    LSEEK = 46
    COPY_FILE_RANGE = 47
    SETUPMAPPING = 48
    REMOVEMAPPING = 49
    SYNCFS = 50
    TMPFILE = 51
    STATX = 52
    COPY_FILE_RANGE_64 = 53


MUTATIONS = frozenset(
    {
        Opcode.SETATTR,
        Opcode.SYMLINK,
        Opcode.MKNOD,
        Opcode.MKDIR,
        Opcode.UNLINK,
        Opcode.RMDIR,
        Opcode.RENAME,
        Opcode.LINK,
        Opcode.WRITE,
        Opcode.SETXATTR,
        Opcode.REMOVEXATTR,
        Opcode.CREATE,
        Opcode.FALLOCATE,
        Opcode.RENAME2,
        Opcode.COPY_FILE_RANGE,
        Opcode.TMPFILE,
        Opcode.COPY_FILE_RANGE_64,
    }
)
"""Whatever would change something: refused with EROFS."""


class InitFlag(IntFlag):
    """Capabilities in INIT; from bit 32 on they travel in `flags2`, announced by INIT_EXT."""

    ASYNC_READ = 1 << 0
    DO_READDIRPLUS = 1 << 13
    READDIRPLUS_AUTO = 1 << 14
    WRITEBACK_CACHE = 1 << 16
    PARALLEL_DIROPS = 1 << 18
    MAX_PAGES = 1 << 22
    INIT_EXT = 1 << 30
    DIRECT_IO_ALLOW_MMAP = 1 << 36
    PASSTHROUGH = 1 << 37


class OpenFlag(IntFlag):
    """How the kernel shall treat an open file, in the reply to OPEN."""

    DIRECT_IO = 1 << 0
    KEEP_CACHE = 1 << 1
    CACHE_DIR = 1 << 3
    NOFLUSH = 1 << 5
    PASSTHROUGH = 1 << 7
