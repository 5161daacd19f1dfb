"""The open /dev/fuse of one mount: reading requests, writing replies, registering backing files.

Every system call on the descriptor is here. Source: Documentation/filesystems/fuse and fs/fuse/dev.c of Linux 6.18. One
read(2) returns one request, one write(2) or writev(2) takes one reply. The descriptor may be used from any thread.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import struct
import threading
from collections.abc import Sequence

from fsspeckit_mount.kernel.protocol import PAGE_BYTES

__all__ = ["REQUEST_BUFFER_EXTRA_BYTES", "FuseDevice"]

_log = logging.getLogger(__name__)

_BACKING_OPEN = 0x4010E501  # FUSE_DEV_IOC_BACKING_OPEN: _IOW(229, 1, struct fuse_backing_map)
_BACKING_CLOSE = 0x4004E502  # FUSE_DEV_IOC_BACKING_CLOSE: _IOW(229, 2, uint32_t)
_BACKING_MAP = struct.Struct("=iIQ")
_BACKING_ID = struct.Struct("=I")

_PASSING = frozenset({errno.ENOMEM, errno.ENFILE, errno.EMFILE, errno.EINTR, errno.EAGAIN})

REQUEST_BUFFER_EXTRA_BYTES = PAGE_BYTES
"""A request is at most max_write bytes of data plus its headers; the kernel refuses to read into less."""


class FuseDevice:
    """One FUSE connection."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._closing = threading.Lock()
        self._refused = False
        self.refusal = ""
        """Why the kernel takes no backing files; empty while it does."""

    def receive(self, buffer: bytearray) -> int:
        """Wait for a request and read it into `buffer`; return its length, or 0 once the file system is unmounted."""
        while True:
            try:
                return os.readv(self._fd, [buffer])
            except OSError as error:
                if error.errno in {errno.ENODEV, errno.EBADF, errno.ECONNABORTED}:
                    return 0
                if error.errno not in {errno.ENOENT, errno.EINTR, errno.EAGAIN}:  # ENOENT: it was interrupted unread
                    raise

    def send(self, parts: Sequence[bytes | memoryview]) -> bool:
        """Write one reply; return False when nobody waits for it any more."""
        try:
            os.writev(self._fd, parts)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ENODEV, errno.EBADF}:
                return False
            raise
        return True

    def register(self, fileno: int) -> int | None:
        """Make a local file a backing file; None where the kernel refuses.

        A refusal for good is logged once and not provoked again. EPERM: it needs CAP_SYS_ADMIN. ELOOP: the file lies on
        a stacked file system. EOPNOTSUPP: on one that cannot back others.
        """
        if self._refused:
            return None
        try:
            request = bytearray(_BACKING_MAP.pack(fileno, 0, 0))  # mutable, or ioctl() returns it and not the result
            backing_id: int = fcntl.ioctl(self._fd, _BACKING_OPEN, request)
        except OSError as error:
            self._refused = error.errno not in _PASSING
            if self._refused:
                self.refusal = f"{error.strerror}{'; it needs CAP_SYS_ADMIN' if error.errno == errno.EPERM else ''}"
            _log.info(
                "passthrough is refused by the kernel (%s): reads go through this process, which is slower%s",
                error.strerror,
                "; it needs CAP_SYS_ADMIN" if error.errno == errno.EPERM else "",
            )
            return None
        return backing_id

    def release(self, backing_id: int) -> None:
        """Take back a registered backing file. Open handles go on reading it."""
        if self._fd < 0:
            return
        try:
            fcntl.ioctl(self._fd, _BACKING_CLOSE, _BACKING_ID.pack(backing_id))
        except OSError as error:
            if error.errno not in {errno.ENODEV, errno.EBADF, errno.ENOTCONN}:  # unmounted: nothing is left to release
                _log.warning("backing file %d could not be released: %s", backing_id, error)

    def close(self) -> None:
        """Close the descriptor. What the kernel still asks for fails with ENOTCONN."""
        with self._closing:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
