"""What stat(2) shows of an entry of the storage.

Pure. Storages know no owners and modes: everything belongs to who mounted it, and nothing can be written. Inode numbers
are hashes, so that they survive a remount: of the key for a directory, of key and version for a file. A changed object
is thus a *replaced* file (its number changes, as after rename(2)), which is what it is: `tail -F` reopens it, and a
program that has the old version open cannot take the two for one.
"""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass

from fsspeckit_lib.core.objects import Entry, ObjectInfo

__all__ = ["Attributes", "Ownership", "attributes_of", "inode_number"]

_DIRECTORY_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Ownership:
    """What every file of the mount has in common.

    Attributes:
        uid, gid: who mounted it.
        file_mode, directory_mode: permission bits.
        mounted_ns: the time shown for a directory whose storage knows none.
    """

    uid: int
    gid: int
    mounted_ns: int
    file_mode: int = 0o444
    directory_mode: int = 0o555


@dataclass(frozen=True, slots=True)
class Attributes:
    """The fields of struct stat that differ from file to file. `mode` has the type bits."""

    ino: int
    size_bytes: int
    mtime_ns: int
    mode: int
    links: int
    uid: int
    gid: int

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)


def inode_number(entry: Entry) -> int:
    """Return the number that stat(2) and readdir(3) show: 63 bits, never 0 or 1, the same after every remount."""
    if isinstance(entry, ObjectInfo):
        text = f"{entry.key}\0{entry.version}"
    elif entry.key:
        text = entry.key
    else:
        return 1
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return max(2, int.from_bytes(digest, "little") >> 1)


def attributes_of(entry: Entry, ownership: Ownership) -> Attributes:
    """Return what stat(2) shows of `entry`."""
    if isinstance(entry, ObjectInfo):
        return Attributes(
            inode_number(entry),
            entry.size_bytes,
            max(0, entry.mtime_ns),
            stat.S_IFREG | ownership.file_mode,
            1,
            ownership.uid,
            ownership.gid,
        )
    return Attributes(
        inode_number(entry),
        _DIRECTORY_BYTES,
        entry.mtime_ns if entry.mtime_ns > 0 else ownership.mounted_ns,
        stat.S_IFDIR | ownership.directory_mode,
        2,
        ownership.uid,
        ownership.gid,
    )
