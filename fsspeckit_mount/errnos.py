"""From the error tree to errno: what a program that reads the mount gets to see.

Pure. Total: a kind without a line of its own has the errno of its nearest base class; `GatewayError` itself is EIO. A
storage that cannot be reached is EIO and never ENOENT, so that nobody takes an outage for deleted files.
"""

from __future__ import annotations

import errno

from fsspeckit_lib.errors import GatewayError

__all__ = ["ERRNO_BY_KIND", "errno_of"]

ERRNO_BY_KIND = {
    "error": errno.EIO,
    "bad-input": errno.EINVAL,
    "not-found": errno.ENOENT,
    "access-denied": errno.EACCES,
    "read-only": errno.EROFS,
    "conflict": errno.EBUSY,
    "already-exists": errno.EEXIST,
    "is-a-directory": errno.EISDIR,
    "not-a-directory": errno.ENOTDIR,
    "cache-stale": errno.ESTALE,
    "unavailable": errno.EIO,
    "outcome-unknown": errno.EIO,
    "corrupt": errno.EIO,
    "resource-exhausted": errno.ENOSPC,
    "unsupported": errno.EOPNOTSUPP,
    "unnameable-key": errno.EIO,  # the folder is there and cannot be shown whole: logged, unlike EOPNOTSUPP
    "cancelled": errno.EINTR,
    "internal": errno.EIO,
}


def errno_of(error: BaseException) -> int:
    """Return the errno for an error: of our tree, of the operating system, or any other (EIO)."""
    for kind in type(error).__mro__:
        if issubclass(kind, GatewayError) and kind.kind in ERRNO_BY_KIND:
            return ERRNO_BY_KIND[kind.kind]
    if isinstance(error, OSError) and error.errno:
        return error.errno
    return errno.EIO
