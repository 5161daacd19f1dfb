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

from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo
from fsspeckit_lib.errors import CacheStale
from fsspeckit_mount.vfs.attributes import Attributes, Ownership, attributes_of

if TYPE_CHECKING:
    from fsspeckit_mount.vfs.handles import OpenFile

__all__ = ["ROOT_NODEID", "Inode", "InodeTable", "is_same"]

ROOT_NODEID = 1


class Inode:
    """One version of one file, or one directory.

    Attributes:
        nodeid: the kernel's name for it.
        entry: what the storage said of it.
        attributes: what stat(2) shows.
        lookups: how many references the kernel holds. The table's.
        seen_s: when the storage was last known to have it at its key.
        opened: what its open handles share; None while nobody has it open. The handle table's.
    """

    __slots__ = ("attributes", "entry", "lookups", "nodeid", "opened", "seen_s")

    def __init__(self, nodeid: int, entry: Entry, attributes: Attributes, seen_s: float) -> None:
        self.nodeid = nodeid
        self.entry = entry
        self.attributes = attributes
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
        self.root = Inode(ROOT_NODEID, root, attributes_of(root, ownership), math.inf)
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

    def look_up(self, entry: Entry, seen_s: float) -> Inode:
        """Return the inode of `entry`, counting one reference of the kernel; a new one where this version is new."""
        with self._lock:
            inode = self._by_key.get(entry.key)
            if inode is None or not is_same(inode.entry, entry):
                self._last_nodeid += 1
                inode = Inode(self._last_nodeid, entry, attributes_of(entry, self._ownership), seen_s)
                self._by_nodeid[inode.nodeid] = inode
                self._by_key[entry.key] = inode
            else:
                inode.seen_s = max(inode.seen_s, seen_s)
                if inode.entry != entry and inode.is_directory:
                    inode.entry, inode.attributes = entry, attributes_of(entry, self._ownership)
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

    def vanish(self, key: str) -> None:
        """Note that nothing lies at `key` any more. Who has it open keeps it."""
        with self._lock:
            if key:
                self._by_key.pop(key, None)


def is_same(known: Entry, found: Entry) -> bool:
    """Tell whether two sightings of one key are the same inode: any two of a directory, or one version of a file."""
    if isinstance(known, ObjectInfo) and isinstance(found, ObjectInfo):
        return known.version == found.version
    return type(known) is type(found)
