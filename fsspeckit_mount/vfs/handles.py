"""Open files and directories, and in which way the kernel reads each file.

The kernel reads an open file from the backing file it was given (passthrough), or by READs to us: into its page cache
(cached), or straight into the reader's memory (direct). Linux keeps passthrough and the others apart per inode: while
one handle is open one way, an open the other way fails with EIO (fs/fuse/iomode.c). So the first open of an inode
decides for all that overlap with it, and the decision ends with the last release. The kernel leaves a mode *before* it
sends RELEASE, so this count never runs ahead of it.

A complete file is passthrough where the kernel takes it, else cached. An incomplete one is direct: its bytes are in the
page cache once already, as those of the local file, and a READ that waits for the network can be interrupted.

A complete file stays open for a moment after its last close, registered and all: who opens files one after the other,
or one file again and again, then pays for neither the index nor the kernel's table. What was opened longer ago than
`_KEPT_S` is opened anew, so that the cache learns what is in use and a copy that was changed by anybody is noticed.

Thread-safe: the table's lock guards everything here but the local files themselves. It is held while a backing file is
registered (one ioctl), never while bytes are fetched.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass
from enum import Enum

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import CacheStale
from fsspeckit_mount.vfs.inodes import Inode
from fsspeckit_mount.vfs.listings import Listing
from fsspeckit_mount.vfs.ports import BackingFiles, Clock, LocalFile
from fsspeckit_mount.vfs.prefetch import Prefetcher

__all__ = ["DirectoryHandle", "FileHandle", "HandleTable", "IoMode", "OpenFile"]


class IoMode(Enum):
    """How the kernel reads an inode while it is open."""

    PASSTHROUGH = "passthrough"
    CACHED = "cached"
    DIRECT = "direct"


_KEPT_S = 5.0
_IDLE_S = 2.0
_IDLE_FILES = 2048
"""Closed files that are kept open, and how long: an evicted copy takes its disk space for that long."""


class OpenFile:
    """What all open handles of one inode share.

    Attributes:
        local: the local copy.
        users: handles, and opens that are under way.
        handles: handles the kernel has.
        mode: how the kernel reads it, decided by the first of `handles`.
        backing_id: of the registered backing file while the mode is passthrough, else 0.
        opened_s: when the cache was asked for it.
        closed_s: when the last use ended, while it is kept open without any.
    """

    __slots__ = (
        "backing_id", "closed_s", "handles", "info", "inode", "is_whole", "local", "mode", "opened_s", "users",
    )  # fmt: skip

    def __init__(self, inode: Inode, info: ObjectInfo, local: LocalFile, opened_s: float) -> None:
        self.opened_s = opened_s
        self.closed_s = opened_s
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


class FileHandle:
    """One open(2) of a file. `prefetcher` is made for who reads what is not complete."""

    __slots__ = ("_prefetcher", "fh", "is_unread", "opened")

    def __init__(self, fh: int, opened: OpenFile) -> None:
        self.fh = fh
        self.opened = opened
        self.is_unread = True
        self._prefetcher: Prefetcher | None = None

    @property
    def prefetcher(self) -> Prefetcher:
        if self._prefetcher is None:
            self._prefetcher = Prefetcher(self.opened.info.size_bytes)
        return self._prefetcher


@dataclass(frozen=True, slots=True)
class DirectoryHandle:
    """One opendir(3): reads one listing from beginning to end, whatever happens meanwhile."""

    fh: int
    inode: Inode
    listing: Listing


class HandleTable:
    """Everything that is open."""

    def __init__(self, backing_files: BackingFiles | None, clock: Clock) -> None:
        self._backing_files = backing_files
        self._clock = clock
        self._idle: OrderedDict[OpenFile, None] = OrderedDict()  # the longest closed first
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
        stale = None
        with self._lock:
            opened = inode.opened
            if opened is None:
                return None
            if not opened.users:
                del self._idle[opened]
                if self._clock() - opened.opened_s > _KEPT_S:
                    inode.opened, stale = None, opened
            opened.users += 1
        if stale is not None:
            self._discard(stale)
            return None
        return opened

    def share(self, inode: Inode, info: ObjectInfo, local: LocalFile) -> OpenFile:
        """Make `local` what the handles of the inode share, counted as used; another caller's, if that came first."""
        with self._lock:
            opened = inode.opened
            if opened is None:
                inode.opened = opened = OpenFile(inode, info, local, self._clock())
            elif not opened.users:
                del self._idle[opened]
            opened.users += 1
        if opened.local is not local:
            local.close()
        return opened

    def open_file(self, opened: OpenFile) -> FileHandle:
        """Turn one use of `opened` into a handle, and decide the mode where this is the first one."""
        handle = FileHandle(next(self._numbers), opened)
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
            is_last = opened.handles == 0
        self.leave(opened)
        return opened if is_last else None

    def modes(self) -> Counter[IoMode]:
        """Return how many handles are read in which way."""
        with self._lock:
            return Counter(handle.opened.mode for handle in self._files.values())

    def leave(self, opened: OpenFile) -> None:
        """Give back one use; after the last one a complete file is kept open for a while, any other is closed."""
        with self._lock:
            opened.users -= 1
            if opened.users:
                return
            if opened.is_whole and opened.inode.lookups:
                opened.closed_s = self._clock()
                self._idle[opened] = None
                if len(self._idle) <= _IDLE_FILES:
                    return
                opened, _ = self._idle.popitem(last=False)
            opened.inode.opened = None
        self._discard(opened)

    def trim(self, idle_s: float = _IDLE_S) -> None:
        """Close what has not been used for so long; called now and then."""
        before_s = self._clock() - idle_s
        while True:
            with self._lock:
                opened = next(iter(self._idle), None)
                if opened is None or opened.closed_s > before_s:
                    return
                del self._idle[opened]
                opened.inode.opened = None
            self._discard(opened)

    def forget(self, inode: Inode) -> None:
        """Keep nothing open for an inode that the kernel has forgotten."""
        with self._lock:
            opened = inode.opened
            if opened is None or opened.users:
                return
            del self._idle[opened]
            inode.opened = None
        self._discard(opened)

    def _discard(self, opened: OpenFile) -> None:
        if opened.backing_id and self._backing_files is not None:
            self._backing_files.release(opened.backing_id)
            opened.backing_id = 0
        opened.local.close()

    def close(self) -> None:
        """Close everything, after the kernel has gone."""
        for fh in list(self._files):
            self.release_file(fh)
        self.trim(-1.0)
        self._directories.clear()

    def _decide(self, opened: OpenFile) -> None:
        if opened.backing_id:
            return  # it was kept open, and is registered still
        if not opened.check_whole():
            opened.mode = IoMode.DIRECT
            return
        opened.mode = IoMode.CACHED
        if self._backing_files is not None and opened.info.size_bytes:
            backing_id = self._backing_files.register(opened.local.fileno())
            if backing_id is not None:
                opened.mode, opened.backing_id = IoMode.PASSTHROUGH, backing_id
