"""Open files and directories, and in which way the kernel reads each file.

The kernel reads an open file from the backing file it was given (passthrough), or by READs to us: into its page cache
(cached), or straight into the reader's memory (direct). Linux keeps passthrough and the others apart per inode: while
one handle is open one way, an open the other way fails with EIO (fs/fuse/iomode.c). So the first open of an inode
decides for all that overlap with it, and the decision ends with the last release. The kernel leaves a mode *before* it
sends RELEASE, so this count never runs ahead of it.

A complete file is passthrough where the kernel takes it, else cached. An incomplete one is direct: its bytes are in the
page cache once already, as those of the local file, and a READ that waits for the network can be interrupted.

Thread-safe: the table's lock guards everything here but the local files themselves. It is held while a backing file is
registered (one ioctl), never while bytes are fetched.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import dataclass
from enum import Enum

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import CacheStale
from fsspeckit_mount.vfs.inodes import Inode
from fsspeckit_mount.vfs.listings import Listing
from fsspeckit_mount.vfs.ports import BackingFiles, LocalFile
from fsspeckit_mount.vfs.prefetch import Prefetcher

__all__ = ["DirectoryHandle", "FileHandle", "HandleTable", "IoMode", "OpenFile"]


class IoMode(Enum):
    """How the kernel reads an inode while it is open."""

    PASSTHROUGH = "passthrough"
    CACHED = "cached"
    DIRECT = "direct"


class OpenFile:
    """What all open handles of one inode share.

    Attributes:
        local: the local copy.
        users: handles, and opens that are under way.
        handles: handles the kernel has.
        mode: how the kernel reads it, decided by the first of `handles`.
        backing_id: of the registered backing file while the mode is passthrough, else 0.
    """

    __slots__ = ("backing_id", "handles", "info", "inode", "is_whole", "local", "mode", "users")

    def __init__(self, inode: Inode, info: ObjectInfo, local: LocalFile) -> None:
        self.inode = inode
        self.info = info
        self.local = local
        self.users = 0
        self.handles = 0
        self.mode = IoMode.CACHED
        self.backing_id = 0
        self.is_whole = False

    def check_whole(self) -> bool:
        """Tell whether every byte is here. Once true it stays so while the file is open."""
        if not self.is_whole:
            self.is_whole = self.local.is_complete
        return self.is_whole


@dataclass(frozen=True, slots=True)
class FileHandle:
    """One open(2) of a file."""

    fh: int
    opened: OpenFile
    prefetcher: Prefetcher


@dataclass(frozen=True, slots=True)
class DirectoryHandle:
    """One opendir(3): reads one listing from beginning to end, whatever happens meanwhile."""

    fh: int
    inode: Inode
    listing: Listing


class HandleTable:
    """Everything that is open."""

    def __init__(self, backing_files: BackingFiles | None) -> None:
        self._backing_files = backing_files
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._files: dict[int, FileHandle] = {}
        self._directories: dict[int, DirectoryHandle] = {}

    def __len__(self) -> int:
        return len(self._files) + len(self._directories)

    def file(self, fh: int) -> FileHandle:
        """Return an open file; CacheStale where the kernel names one that is not open."""
        try:
            return self._files[fh]
        except KeyError:
            raise CacheStale(f"file handle {fh}", "closed", "unknown") from None

    def directory(self, fh: int) -> DirectoryHandle:
        """Return an open directory; CacheStale where the kernel names one that is not open."""
        try:
            return self._directories[fh]
        except KeyError:
            raise CacheStale(f"directory handle {fh}", "closed", "unknown") from None

    def open_directory(self, inode: Inode, listing: Listing) -> DirectoryHandle:
        """Return a new handle."""
        handle = DirectoryHandle(next(self._numbers), inode, listing)
        self._directories[handle.fh] = handle
        return handle

    def release_directory(self, fh: int) -> None:
        """Close a handle; an unknown one is ignored."""
        self._directories.pop(fh, None)

    def join(self, inode: Inode) -> OpenFile | None:
        """Return what the inode's open handles share, counted as used; None where nobody has it open."""
        with self._lock:
            if inode.opened is not None:
                inode.opened.users += 1
            return inode.opened

    def share(self, inode: Inode, info: ObjectInfo, local: LocalFile) -> OpenFile:
        """Make `local` what the handles of the inode share, counted as used; another caller's, if that came first."""
        with self._lock:
            opened = inode.opened
            if opened is None:
                inode.opened = opened = OpenFile(inode, info, local)
            opened.users += 1
        if opened.local is not local:
            local.close()
        return opened

    def open_file(self, opened: OpenFile) -> FileHandle:
        """Turn one use of `opened` into a handle, and decide the mode where this is the first one."""
        handle = FileHandle(next(self._numbers), opened, Prefetcher(opened.info.size_bytes))
        with self._lock:
            if opened.handles == 0:
                self._decide(opened)
            opened.handles += 1
            self._files[handle.fh] = handle
        return handle

    def hold(self, opened: OpenFile) -> bool:
        """Count one more use of what is open; False where it has been closed."""
        with self._lock:
            if not opened.handles:
                return False
            opened.users += 1
            return True

    def use(self, fh: int) -> OpenFile:
        """Return what an open handle reads, counted as used: it outlives the handle until `leave`."""
        with self._lock:
            handle = self.file(fh)
            handle.opened.users += 1
            return handle.opened

    def release_file(self, fh: int) -> OpenFile | None:
        """Close a handle; return what it shared if that was the last one. An unknown handle is ignored."""
        with self._lock:
            handle = self._files.pop(fh, None)
            if handle is None:
                return None
            opened = handle.opened
            opened.handles -= 1
            if opened.handles == 0 and opened.backing_id and self._backing_files is not None:
                self._backing_files.release(opened.backing_id)
                opened.backing_id = 0
            is_last = opened.handles == 0
        self.leave(opened)
        return opened if is_last else None

    def modes(self) -> Counter[IoMode]:
        """Return how many handles are read in which way."""
        with self._lock:
            return Counter(handle.opened.mode for handle in self._files.values())

    def leave(self, opened: OpenFile) -> None:
        """Give back one use; the last one closes the local file."""
        with self._lock:
            opened.users -= 1
            if opened.users:
                return
            opened.inode.opened = None
        opened.local.close()

    def close(self) -> None:
        """Close everything, after the kernel has gone."""
        for fh in list(self._files):
            self.release_file(fh)
        self._directories.clear()

    def _decide(self, opened: OpenFile) -> None:
        opened.backing_id = 0
        if not opened.check_whole():
            opened.mode = IoMode.DIRECT
            return
        opened.mode = IoMode.CACHED
        if self._backing_files is not None and opened.info.size_bytes:
            backing_id = self._backing_files.register(opened.local.fileno())
            if backing_id is not None:
                opened.mode, opened.backing_id = IoMode.PASSTHROUGH, backing_id
