"""Byte-range locks that hold between processes and vanish with their holder, however it ends.

Open-file-description locks (fcntl(2), F_OFD_SETLK): they belong to the open file, so threads that share one descriptor
share the lock and must exclude each other by other means. Waiting polls, so that every wait has a deadline.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import time
from collections.abc import Iterator

from fsspeckit_lib.errors import TimedOut

__all__ = ["LIVENESS_OFFSET", "hold_shared", "is_held_elsewhere", "locked"]

LIVENESS_OFFSET = 1 << 61
"""A shared lock on this byte says: some process has the file open."""

_FLOCK = struct.Struct("hhqqi4x")  # struct flock on 64-bit Linux: type, whence, start, len, pid
_F_OFD_SETLK = 37
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.0005, 0.05


@contextlib.contextmanager
def locked(descriptor: int, start: int, stop: int, *, who: str, timeout_s: float) -> Iterator[None]:
    """Hold the exclusive lock on bytes [start, stop) of the descriptor's lock space while the block runs.

    Raises:
        TimedOut: another process kept it for `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    pause_s = _FIRST_PAUSE_S
    while not _try(descriptor, fcntl.F_WRLCK, start, stop - start):
        if time.monotonic() > deadline:
            raise TimedOut(
                f"{who}: another process has been fetching the same bytes for {timeout_s:.0f} s; "
                "end it if it hangs, then read again"
            )
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LAST_PAUSE_S)
    try:
        yield
    finally:
        _try(descriptor, fcntl.F_UNLCK, start, stop - start)


def hold_shared(descriptor: int) -> None:
    """Say that this file is open here, until the descriptor is closed."""
    _try(descriptor, fcntl.F_RDLCK, LIVENESS_OFFSET, 1)


def is_held_elsewhere(path: str) -> bool:
    """Tell whether some open descriptor holds the liveness lock of the file; False when the file is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor, fcntl.F_WRLCK, LIVENESS_OFFSET, 1)
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int, start: int, length: int) -> bool:
    try:
        fcntl.fcntl(descriptor, _F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, start, length, 0))
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise
    return True
