"""The second way to the kernel: libfuse 3 through mfusepy, for systems where the first one does not work.

The same virtual file system, asked by paths instead of inodes: each path is walked by lookups, which memory answers.
What libfuse's path interface has not: passthrough, inodes of our own in the kernel (a changed file is the same inode
there), invalidation, interrupting a call that waits. So an open of another version than the one that is open already
bypasses the page cache: pages of two versions are never mixed. Threads are libfuse's.

mfusepy loads libfuse when it is imported, so only who uses this driver imports this module.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import functools
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from fsspeckit_lib.errors import CacheStale, GatewayError, NotFound, Unsupported
from fsspeckit_mount.control import CONTROL_BYTES
from fsspeckit_mount.errnos import errno_of
from fsspeckit_mount.kernel.mounting import FILE_SYSTEM_TYPE
from fsspeckit_mount.options import MountOptions
from fsspeckit_mount.vfs.attributes import Attributes
from fsspeckit_mount.vfs.inodes import ROOT_NODEID
from fsspeckit_mount.vfs.names import Absence
from fsspeckit_mount.vfs.operations import FileSpan, VirtualFileSystem

__all__ = ["LibfuseDriver"]

_log = logging.getLogger(__name__)

_THREADS = 64
"""Calls that may wait for the storage at once; with libfuse's own default of 10, ten slow files stop the mount."""
_THREADS_SINCE = (3, 12)
_NAME_BYTES = 255  # libfuse's path interface takes no longer ones

_Call = TypeVar("_Call", bound=Callable[..., Any])

# mfusepy prefers libfuse 2 where both are installed, which knows no ioctl(2) on a directory
os.environ.setdefault("FUSE_LIBRARY_PATH", ctypes.util.find_library("fuse3") or "libfuse3.so.3")
try:
    import mfusepy
except (ImportError, OSError) as error:
    raise Unsupported(
        f"--driver libfuse: {error}; install mfusepy (pip install 'fsspeckit-gateway[libfuse]') and libfuse 3 "
        "(apt-get install fuse3), or use --driver kernel"
    ) from error


class LibfuseDriver:
    """One mount by libfuse."""

    name = "libfuse"

    def __init__(
        self,
        vfs: VirtualFileSystem,
        mountpoint: str,
        source: str,
        options: MountOptions,
        control: tuple[int, Callable[[bytes], bytes]],
    ) -> None:
        self._mountpoint = mountpoint
        self._operations = _Operations(vfs, control, xattrs=options.xattrs)
        names_s = options.attribute_ttl_s if options.kernel_cache else 0.0
        self._words: dict[str, Any] = {
            "fsname": source.replace("\\", "\\\\").replace(",", "\\,"),
            "subtype": FILE_SYSTEM_TYPE.partition(".")[2],
            "ro": True,
            "nosuid": True,
            "nodev": True,
            "noexec": options.no_exec,
            "default_permissions": True,
            "allow_other": options.allow_other,
            "use_ino": True,
            "entry_timeout": names_s,
            "attr_timeout": names_s,
            "negative_timeout": names_s,
        }
        if (mfusepy.fuse_version_major, mfusepy.fuse_version_minor) >= _THREADS_SINCE:
            self._words["max_threads"] = _THREADS
        self._thread: threading.Thread | None = None
        self._problem: BaseException | None = None
        self._ended = threading.Event()

    def start(self, on_end: Callable[[bool], None]) -> None:
        def loop() -> None:
            try:
                mfusepy.FUSE(self._operations, self._mountpoint, raw_fi=True, foreground=True, **self._words)
            except BaseException as error:  # noqa: BLE001 - the edge of the daemon's loop
                self._problem = error
                _log.error("libfuse ended: %s", error)
            self._ended.set()
            on_end(self._problem is not None)

        self._thread = threading.Thread(target=loop, name="libfuse", daemon=True)
        self._thread.start()
        while not self._operations.is_mounted.wait(0.05) and not self._ended.is_set():
            continue
        if self._ended.is_set():
            raise Unsupported(
                f"mountpoint {self._mountpoint}: libfuse could not mount ({self._problem}); its own words are in the "
                "log; --allow-other needs root, or the line user_allow_other in /etc/fuse.conf"
            )

    def believe_nothing(self, path: str) -> None:
        """Do nothing: libfuse's names and attributes end with `--attr-ttl`."""

    def status(self) -> dict[str, Any]:
        """Return the version of the library."""
        version = f"{mfusepy.fuse_version_major}.{mfusepy.fuse_version_minor}"
        return {"protocol": f"libfuse {version}", "passthrough": "no: libfuse cannot"}

    def join(self, timeout_s: float) -> None:
        """Wait until it has ended."""
        self._ended.wait(timeout_s)

    def close(self) -> None:
        """Do nothing: the mount ended with its thread."""


def _answers(call: _Call) -> _Call:
    """Turn errors of ours into errnos: the edge of one request."""

    @functools.wraps(call)
    def answer(*args: Any) -> Any:
        try:
            return call(*args)
        except OSError:
            raise
        except Exception as error:
            if not isinstance(error, GatewayError):
                _log.exception("%s failed", call.__name__)
            else:
                level = logging.WARNING if errno_of(error) == errno.EIO else logging.DEBUG
                _log.log(level, "%s: %s", call.__name__, error)
            raise OSError(errno_of(error), str(error)) from error

    return cast("_Call", answer)


class _Operations:
    """What mfusepy calls, each with a path. Thread-safe."""

    use_ns = True

    def __init__(self, vfs: VirtualFileSystem, control: tuple[int, Callable[[bytes], bytes]], *, xattrs: bool) -> None:
        self._vfs = vfs
        self._control = control
        self.is_mounted = threading.Event()
        self._lock = threading.Lock()
        self._versions: dict[str, Counter[int]] = {}  # path → nodeid (a version) → open handles
        if xattrs:
            self.getxattr, self.listxattr = self._getxattr, self._listxattr

    def init_with_config(self, _connection: Any, _config: Any) -> None:
        self.is_mounted.set()

    @_answers
    def getattr(self, path: str, info: Any = None) -> dict[str, Any]:
        if info is not None:
            inode = self._vfs.handles.file(info.fh).opened.inode
            return _stat(self._vfs.inodes.attributes(inode))
        with _Walk(self._vfs, path) as nodeid:
            return _stat(self._vfs.attributes(nodeid)[0])

    @_answers
    def readlink(self, path: str) -> str:
        with _Walk(self._vfs, path) as nodeid:
            return os.fsdecode(self._vfs.read_link(nodeid))

    @_answers
    def opendir(self, path: str) -> int:
        with _Walk(self._vfs, path) as nodeid:
            return self._vfs.open_directory(nodeid).fh

    @_answers
    def readdir_with_offset(self, _path: str, offset: int, fh: int) -> Iterator[tuple[str, dict[str, int], int]]:
        return self._items(fh, offset, list(self._vfs.read_directory(fh, offset, may_block=True)))

    def _items(self, fh: int, offset: int, items: list[Any]) -> Iterator[tuple[str, dict[str, int], int]]:
        """Yield until the caller has enough; it asks again with the last offset."""
        while items:
            for item in items:
                offset = item.next_offset
                if len(item.name) <= _NAME_BYTES:
                    mode = item.file_type << 12
                    yield os.fsdecode(item.name), {"st_mode": mode, "st_ino": item.ino}, offset
            try:
                items = list(self._vfs.read_directory(fh, offset, may_block=True))
            except GatewayError as error:
                raise OSError(errno_of(error), str(error)) from error

    @_answers
    def releasedir(self, _path: str, fh: int) -> int:
        self._vfs.release_directory(fh)
        return 0

    @_answers
    def open(self, path: str, info: Any) -> int:
        for attempt in (1, 2):
            with _Walk(self._vfs, path) as nodeid:
                try:
                    opened = self._vfs.open_file(nodeid, info.flags, may_block=True)
                except CacheStale:
                    if attempt == 2:
                        raise
                    continue  # replaced since it was believed: the name is asked again
                with self._lock:
                    versions = self._versions.setdefault(path, Counter())
                    info.direct_io = bool(set(versions) - {nodeid})
                    versions[nodeid] += 1
                info.fh = opened.fh
                return 0
        return 0

    @_answers
    def read(self, _path: str, size: int, offset: int, info: Any) -> bytes:
        found = self._vfs.read_now(info.fh, offset, size)
        if not isinstance(found, FileSpan):
            answer = self._vfs.read_waiting(info.fh, offset, size, found)
            if isinstance(answer, bytes):
                return answer
            found = answer
        return os.pread(found.fileno, found.stop - found.start, found.start)

    @_answers
    def release(self, path: str, info: Any) -> int:
        nodeid = self._vfs.handles.file(info.fh).opened.inode.nodeid
        with self._lock:
            versions = self._versions.get(path)
            if versions is not None:
                versions[nodeid] -= 1
                self._versions[path] = versions = +versions
                if not versions:
                    del self._versions[path]
        self._vfs.release_file(info.fh)
        return 0

    @_answers
    def statfs(self, _path: str) -> dict[str, int]:
        space = self._vfs.space()
        blocks, free = space.size_bytes // 4096, (space.size_bytes - space.used_bytes) // 4096
        return {
            "f_bsize": 4096,
            "f_frsize": 4096,
            "f_blocks": blocks,
            "f_bfree": free,
            "f_bavail": free,
            "f_files": space.files,
            "f_ffree": space.files,
            "f_favail": space.files,
            "f_namemax": _NAME_BYTES,
        }

    @_answers
    def _getxattr(self, path: str, name: str, _position: int = 0) -> bytes:
        with _Walk(self._vfs, path) as nodeid:
            value = self._vfs.xattrs.value(nodeid, os.fsencode(name), may_block=True)
        if value is None:
            raise OSError(mfusepy.ENOATTR, "no such attribute")
        return value

    @_answers
    def _listxattr(self, path: str) -> list[str]:
        with _Walk(self._vfs, path) as nodeid:
            return [os.fsdecode(name) for name in self._vfs.xattrs.names(nodeid)]

    @_answers
    def ioctl(self, _path: str, command: int, _argument: Any, _info: Any, _flags: int, data: Any) -> int:
        if command & 0xFFFFFFFF != self._control[0] or not data:
            raise Unsupported("ioctl: no such command")
        answer = self._control[1](ctypes.string_at(data, CONTROL_BYTES))
        ctypes.memmove(data, answer, len(answer))
        return 0


class _Walk:
    """The nodeid of a path, held while it is used: every component is looked up, and forgotten again at the end."""

    def __init__(self, vfs: VirtualFileSystem, path: str) -> None:
        self._vfs = vfs
        self._path = path
        self._held: list[int] = []

    def __enter__(self) -> int:
        nodeid = ROOT_NODEID
        try:
            for name in self._path.strip("/").split("/") if self._path != "/" else ():
                found = self._vfs.lookup(nodeid, os.fsencode(name), may_block=True)
                if isinstance(found, Absence):
                    raise NotFound(f"{self._path}: not found")
                nodeid = found.nodeid
                self._held.append(nodeid)
        except BaseException:
            self.__exit__()
            raise
        return nodeid

    def __exit__(self, *_: object) -> None:
        for nodeid in self._held:
            self._vfs.forget(nodeid, 1)


def _stat(attributes: Attributes) -> dict[str, Any]:
    return {
        "st_ino": attributes.ino,
        "st_mode": attributes.mode,
        "st_nlink": attributes.links,
        "st_size": attributes.size_bytes,
        "st_blocks": (attributes.size_bytes + 511) // 512,
        "st_blksize": 128 << 10,
        "st_uid": attributes.uid,
        "st_gid": attributes.gid,
        "st_mtime": attributes.mtime_ns,
        "st_atime": attributes.mtime_ns,
        "st_ctime": attributes.mtime_ns,
    }
