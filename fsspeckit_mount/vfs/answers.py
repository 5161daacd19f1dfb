"""What the virtual file system answers: values that a driver turns into its own messages. No behaviour."""

from __future__ import annotations

from typing import NamedTuple

from fsspeckit_mount.vfs.attributes import Attributes
from fsspeckit_mount.vfs.handles import IoMode
from fsspeckit_mount.vfs.listings import Sighting

__all__ = ["DirectoryItem", "FileSpan", "Missing", "Node", "OpenedDirectory", "OpenedFile", "SpaceReport"]


class Node(NamedTuple):
    """An inode as the kernel is told of it: how long its name and its attributes hold, in seconds."""

    nodeid: int
    attributes: Attributes
    name_valid_s: float
    attributes_valid_s: float


class DirectoryItem(NamedTuple):
    """One entry of a directory. `sighting` is None for `.` and `..`; `next_offset` resumes after it.

    `file_type` is as readdir(3) has it.
    """

    name: bytes
    ino: int
    file_type: int
    next_offset: int
    sighting: Sighting | None


class FileSpan(NamedTuple):
    """Bytes that lie in a local file: [start, stop) of the descriptor."""

    fileno: int
    start: int
    stop: int


class Missing(NamedTuple):
    """Bytes that are not here: [start, stop) is what to fetch for the read in question.

    `ahead` is what to fetch ahead once they are here: the first byte of a file does not share the line with more.
    """

    start: int
    stop: int
    ahead: tuple[int, int] | None = None


class OpenedFile(NamedTuple):
    """A new handle, how the kernel shall read it, and for passthrough the registered file."""

    fh: int
    mode: IoMode
    backing_id: int


class OpenedDirectory(NamedTuple):
    """A new handle; whether the kernel may keep what it reads, and whether it may use what it kept before."""

    fh: int
    may_keep: bool
    is_kept: bool


class SpaceReport(NamedTuple):
    """What statfs(2) shows: the room of the cache, since storages do not tell theirs."""

    size_bytes: int
    used_bytes: int
    files: int
