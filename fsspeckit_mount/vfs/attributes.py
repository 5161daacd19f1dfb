"""What stat(2) shows of an entry of the storage.

Pure. Storages know no owners and modes: everything belongs to one user and has one mode, which are options of the
mount. Inode numbers are hashes, so that they survive a remount: of the key for a directory, of key and version for a
file. A changed object is thus a *replaced* file (its number changes, as after rename(2)), which is what it is:
`tail -F` reopens it, and a program that has the old version open cannot take the two for one.
"""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from fsspeckit_lib.core.objects import Entry, ExecutableInfo, LinkInfo, ObjectInfo

__all__ = ["Attributes", "Ownership", "Sight", "attributes_of", "file_type_of", "inode_number"]

Sight: TypeAlias = Entry | LinkInfo
"""What can lie at a name of the mount."""

_DIRECTORY_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Ownership:
    """What every file of the mount has in common.

    Attributes:
        uid, gid: owner of everything.
        mounted_ns: the time shown for a directory whose storage knows none.
        file_mode, directory_mode: permission bits. A program has an x for every r.
    """

    uid: int
    gid: int
    mounted_ns: int
    file_mode: int = 0o444
    directory_mode: int = 0o555


class Attributes(NamedTuple):
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


def inode_number(entry: Sight) -> int:
    """Return the number that stat(2) and readdir(3) show: 63 bits, never 0 or 1, the same after every remount."""
    if isinstance(entry, ObjectInfo):
        text = f"{entry.key}\0{entry.version}"
    elif isinstance(entry, LinkInfo):
        text = f"{entry.key}\0->{entry.target}"
    elif entry.key:
        text = entry.key
    else:
        return 1
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return max(2, int.from_bytes(digest, "little") >> 1)


def attributes_of(entry: Sight, ownership: Ownership) -> Attributes:
    """Return what stat(2) shows of `entry`."""
    uid, gid = ownership.uid, ownership.gid
    if isinstance(entry, ObjectInfo):
        mode = ownership.file_mode
        if isinstance(entry, ExecutableInfo):
            mode |= (mode & 0o444) >> 2
        mtime_ns = max(0, entry.mtime_ns)
        return Attributes(inode_number(entry), entry.size_bytes, mtime_ns, stat.S_IFREG | mode, 1, uid, gid)
    mtime_ns = entry.mtime_ns if entry.mtime_ns > 0 else ownership.mounted_ns
    if isinstance(entry, LinkInfo):
        size_bytes = len(entry.target.encode("utf-8", "surrogateescape"))
        return Attributes(inode_number(entry), size_bytes, mtime_ns, stat.S_IFLNK | 0o777, 1, uid, gid)
    mode = stat.S_IFDIR | ownership.directory_mode
    return Attributes(inode_number(entry), _DIRECTORY_BYTES, mtime_ns, mode, 2, uid, gid)


def file_type_of(entry: Sight) -> int:
    """Return the type that readdir(3) shows: the type bits of the mode, shifted by 12."""
    return 8 if isinstance(entry, ObjectInfo) else 10 if isinstance(entry, LinkInfo) else 4
