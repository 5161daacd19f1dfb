"""Extended attributes: what the storage and the cache know of a file beside what stat(2) has room for.

`user.fsspeckit.url` where it lies in the storage; `user.fsspeckit.etag` the storage's word for the version;
`user.fsspeckit.storage_class` its word for where it is kept (asked for, one request); `user.fsspeckit.cached` how much
of it is here: `complete`, `partial` or `no`.

Thread-safe.
"""

from __future__ import annotations

from typing import Final

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_mount.vfs.inodes import Inode, InodeTable
from fsspeckit_mount.vfs.ports import FileCache, HasClasses, Storage, WouldBlock

__all__ = ["ExtendedAttributes"]

_PREFIX: Final = b"user.fsspeckit."


class ExtendedAttributes:
    """Those of one mount."""

    def __init__(self, storage: Storage, cache: FileCache, inodes: InodeTable) -> None:
        self._storage = storage
        self._cache = cache
        self._inodes = inodes

    def names(self, nodeid: int) -> list[bytes]:
        """Return the names an inode has. That it has a storage class is not certain before it is asked for."""
        entry = self._inodes.get(nodeid).entry
        found = [b"url"]
        if isinstance(entry, ObjectInfo):
            found.append(b"cached")
            if entry.etag:
                found.append(b"etag")
            if isinstance(self._storage, HasClasses):
                found.append(b"storage_class")
        return [_PREFIX + name for name in found]

    def value(self, nodeid: int, name: bytes, *, may_block: bool) -> bytes | None:
        """Return the value of an attribute, None where the inode has none of that name.

        Raises:
            WouldBlock: the storage must be asked, and `may_block` is False.
            GatewayError: it could not be found out.
        """
        inode = self._inodes.get(nodeid)
        if not name.startswith(_PREFIX):
            return None
        text = self._text(inode, name[len(_PREFIX) :], may_block=may_block)
        return None if text is None else text.encode("utf-8", "surrogateescape")

    def _text(self, inode: Inode, name: bytes, *, may_block: bool) -> str | None:
        entry = inode.entry
        if name == b"url":
            return f"{self._storage.url}/{entry.key}" if entry.key else self._storage.url
        if not isinstance(entry, ObjectInfo):
            return None
        if name == b"etag":
            return entry.etag
        if name == b"storage_class" and isinstance(self._storage, HasClasses):
            if not may_block:
                raise WouldBlock
            return self._storage.storage_class(entry)
        if name == b"cached":
            if not may_block:
                raise WouldBlock  # the index may be asked
            if self._cache.cached_path(entry) is not None:
                return "complete"
            return "partial" if inode.opened is not None else "no"
        return None
