"""The inodes the kernel knows, by the ids it knows them by.

An inode of a file is one *version* of one object and never changes: content, size and time always belong together, and
whatever the kernel keeps of it stays true for ever. A changed object gets a new inode under the old name; the old one
lives on, nameless, while somebody has it open. An inode of a directory is its key.

A nodeid is never used twice. The kernel counts how often it was told of an inode (`lookups`) and gives the counts back
in FORGET; at zero the inode is freed.

Thread-safe: one lock, held for a few dictionary operations and never while anything else is called.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from fsspeckit_lib.core.objects import DirectoryInfo, LinkInfo, ObjectInfo
from fsspeckit_lib.errors import CacheStale
from fsspeckit_mount.vfs.attributes import Attributes, Ownership, Sight, attributes_of

if TYPE_CHECKING:
    from fsspeckit_mount.vfs.handles import OpenFile

__all__ = ["ROOT_NODEID", "Inode", "InodeTable", "is_same"]

ROOT_NODEID = 1


class Inode:
    """One version of one file, or one directory.

    Attributes:
        nodeid: the kernel's name for it.
        entry: what the storage said of it. What stat(2) shows is made of it when asked for: a million inodes are
            common, and few of them are looked at twice.
        lookups: how many references the kernel holds. The table's.
        seen_s: when the storage was last known to have it at its key.
        opened: what its open handles share; None while nobody has it open. The handle table's.
    """

    __slots__ = ("entry", "lookups", "nodeid", "opened", "seen_s")

    def __init__(self, nodeid: int, entry: Sight, seen_s: float) -> None:
        self.nodeid = nodeid
        self.entry = entry
        self.lookups = 0
        self.seen_s = seen_s
        self.opened: OpenFile | None = None

    @property
    def key(self) -> str:
        return self.entry.key

    @property
    def is_directory(self) -> bool:
        return isinstance(self.entry, DirectoryInfo)


class InodeTable:
    """Inodes by nodeid, and the present one of each key."""

    def __init__(self, ownership: Ownership) -> None:
        self._lock = threading.Lock()
        self._ownership = ownership
        root = DirectoryInfo("")
        self.root = Inode(ROOT_NODEID, root, math.inf)
        self.root.lookups = 1  # the kernel never forgets the root
        self._by_nodeid = {ROOT_NODEID: self.root}
        self._by_key = {"": self.root}
        self._last_nodeid = ROOT_NODEID

    def __len__(self) -> int:
        return len(self._by_nodeid)

    def get(self, nodeid: int) -> Inode:
        """Return the inode the kernel means.

        Raises:
            CacheStale: it was forgotten. The kernel should not ask, and looks the name up again when it did.
        """
        try:
            return self._by_nodeid[nodeid]
        except KeyError:
            raise CacheStale(f"inode {nodeid}", "forgotten", "unknown") from None

    def present(self, key: str) -> Inode | None:
        """Return the inode that the kernel knows under `key` now, or None."""
        return self._by_key.get(key)

    def attributes(self, inode: Inode) -> Attributes:
        """Return what stat(2) shows of an inode."""
        return attributes_of(inode.entry, self._ownership)

    def look_up(self, entry: Sight, seen_s: float) -> Inode:
        """Return the inode of `entry`, counting one reference of the kernel; a new one where this version is new."""
        with self._lock:
            inode = self._by_key.get(entry.key)
            if inode is None or not is_same(inode.entry, entry):
                self._last_nodeid += 1
                inode = Inode(self._last_nodeid, entry, seen_s)
                self._by_nodeid[inode.nodeid] = inode
                self._by_key[entry.key] = inode
            else:
                inode.seen_s = max(inode.seen_s, seen_s)
                if not (isinstance(entry, DirectoryInfo) and entry.mtime_ns == 0):  # keep a time that was found out
                    inode.entry = entry
            inode.lookups += 1
            return inode

    def forget(self, nodeid: int, lookups: int) -> Inode | None:
        """Give back references; return the inode when that was the last one and it is freed."""
        with self._lock:
            inode = self._by_nodeid.get(nodeid)
            if inode is None or nodeid == ROOT_NODEID:
                return None
            inode.lookups -= lookups
            if inode.lookups > 0:
                return None
            del self._by_nodeid[nodeid]
            if self._by_key.get(inode.key) is inode:
                del self._by_key[inode.key]
            return inode

    def confirm(self, inode: Inode, seen_s: float) -> None:
        """Note that the storage still has exactly this at its key."""
        with self._lock:
            inode.seen_s = max(inode.seen_s, seen_s)

    def doubt(self, inode: Inode) -> None:
        """Note that the storage has something else at the key by now: the next lookup asks it."""
        with self._lock:
            inode.seen_s = -math.inf

    def date(self, inode: Inode, mtime_ns: int) -> None:
        """Note when a directory last changed, where its storage knows no times of directories."""
        with self._lock:
            if isinstance(inode.entry, DirectoryInfo) and inode.entry.mtime_ns != mtime_ns:
                inode.entry = DirectoryInfo(inode.entry.key, mtime_ns)

    def doubt_below(self, key: str) -> list[Inode]:
        """Believe nothing at or below `key` any more; return the inodes this is about."""
        prefix = f"{key}/" if key else ""
        with self._lock:
            found = [inode for inode in self._by_key.values() if inode.key == key or inode.key.startswith(prefix)]
            for inode in found:
                if inode.nodeid != ROOT_NODEID:
                    inode.seen_s = -math.inf
            return found

    def vanish(self, key: str) -> None:
        """Note that nothing lies at `key` any more. Who has it open keeps it."""
        with self._lock:
            if key:
                self._by_key.pop(key, None)


def is_same(known: Sight, found: Sight) -> bool:
    """Tell whether two sightings of one key are the same inode: any two of a directory, or one version of a file."""
    if known is found:
        return True
    if isinstance(known, ObjectInfo) and isinstance(found, ObjectInfo):
        return known.size_bytes == found.size_bytes and known.version == found.version
    if isinstance(known, LinkInfo) and isinstance(found, LinkInfo):
        return known.target == found.target
    return type(known) is type(found)
