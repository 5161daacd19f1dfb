"""The data plane on a local folder: `os.pread`, `os.scandir`, no server.

A version of a file is (inode, size, mtime, ctime in ns): its ETag. A read checks it on the open descriptor before and
after the bytes, so a file that is rewritten in place meanwhile is CacheStale, not a mixture.
Symbolic links are followed only to places below the root, so that a mount never shows what lies outside of it.
"""

from __future__ import annotations

import os
import shutil
import stat as stat_module
from collections.abc import Iterator, Sequence

from typing_extensions import Buffer

from fsspeckit_lib.common.local_files import DEFAULT_MODE, mode_of
from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.core.local_writer import LocalWriter
from fsspeckit_lib.core.objects import (
    DirectoryInfo,
    Entry,
    IfAbsent,
    ObjectInfo,
    Precondition,
    check_is_directory,
    check_span,
    objects_below,
    write_whole,
)
from fsspeckit_lib.errors import AccessDenied, CacheStale, IsADirectory, NotADirectory, NotFound, ShortRead

__all__ = ["LocalObjects"]

_PAGE_ENTRIES = 1000


class LocalObjects:
    """An `ObjectStore` on the folder `root` (absolute path)."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/") or "/"
        self._real_root = os.path.realpath(self._root)
        self._namespace = ("file", *(part for part in self._root.split("/") if part))

    @property
    def url(self) -> str:
        """The folder as a file:// URL."""
        return f"file://{self._root}"

    @property
    def namespace(self) -> tuple[str, ...]:
        """`file` and the components of the folder's path."""
        return self._namespace

    @property
    def is_immutable(self) -> bool:
        """False: objects may be replaced at any time."""
        return False

    def check(self) -> None:
        """Make sure that the root is a directory that can be reached."""
        check_is_directory(self)

    def stat(self, key: str) -> Entry:
        """Return the file or folder at `key`. Sockets, devices and links out of the root are NotFound."""
        path = self._path(key)
        try:
            status = os.stat(path)
        except NotADirectoryError as error:
            raise NotFound(f"{path}: not found (a file is in its way)") from error
        except OSError as error:
            raise translate(error, path) from error
        entry = self._entry(key, status) if self._is_inside(path) else None
        if entry is None:
            raise NotFound(f"{path}: neither a regular file nor a folder inside {self._root}")
        return entry

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """Yield the children of folder `key`, a thousand at a time."""
        path = self._path(key)
        if not self._is_inside(path):
            raise NotFound(f"{path}: leads out of {self._root}")
        page: list[Entry] = []
        try:
            with os.scandir(path) as entries:
                for child in entries:
                    entry = self._child(f"{key}/{child.name}" if key else child.name, child)
                    if entry is not None:
                        page.append(entry)
                    if len(page) >= _PAGE_ENTRIES:
                        yield page
                        page = []
        except NotADirectoryError as error:
            raise NotADirectory(f"{path}: is a file, a folder was wanted") from error
        except OSError as error:
            raise translate(error, path) from error
        if page:
            yield page

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """Yield every file below folder `key`."""
        return objects_below(self, key)

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        """Return bytes [start, stop) of that version of the file."""
        path = self._path(info.key)
        check_span(path, info, start, stop)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                self._check(path, info, os.fstat(descriptor))
                data = os.pread(descriptor, stop - start, start)
                self._check(path, info, os.fstat(descriptor))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise translate(error, path) from error
        if len(data) != stop - start:
            raise ShortRead(path, start, stop - start, len(data))
        return data

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """Return the object at `key`, whole."""
        entry = self.stat(key)
        if not isinstance(entry, ObjectInfo):
            raise IsADirectory(f"{self.url}/{key}: is a directory, an object was wanted")
        return entry, self.read_range(entry, 0, entry.size_bytes) if entry.size_bytes else self._read_to_end(key)

    def _read_to_end(self, key: str) -> bytes:
        """Return what a file without a size has: those of /proc say 0, whatever they hold (proc(5))."""
        path = self._path(key)
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise translate(error, path) from error

    def close(self) -> None:
        """Release nothing: descriptors live for one read."""

    def put(self, key: str, data: Buffer, *, only: Precondition | None = None) -> None:
        """Write one file, whole."""
        write_whole(self.open_writer(key, only=only), data)

    def open_writer(self, key: str, *, only: Precondition | None = None, mode: int = DEFAULT_MODE) -> LocalWriter:
        """Begin a file: beside its place, synced and renamed at close. Missing folders are made.

        Args:
            mode: of a new file, less the umask; a file that is replaced keeps its own.
        """
        path = self._path_below_root(key)
        return LocalWriter(*os.path.split(path), lambda: self._etag_or_none(key), only, mode)

    def copy(self, source: str, target: str, *, only: IfAbsent | None = None) -> None:
        """Copy inside the kernel (`copy_file_range`), which shares the blocks where the file system can."""
        entry = self.stat(source)
        if not isinstance(entry, ObjectInfo):
            raise IsADirectory(f"{self._path(source)}: is a folder, a file was wanted")
        mode = mode_of(os.stat(self._path(source)))
        writer = self.open_writer(target, only=only, mode=mode)
        try:
            writer.copy_from(self._path(source))
        except BaseException:
            writer.abort()
            raise
        writer.close()

    def delete_tree(self, key: str) -> int:
        """Remove a folder and all below it, as rm(1) does: a link goes, what it leads to stays. Return the files.

        Of the root, what it holds is removed.
        """
        path = self._path_below_root(key) if key else self._root
        try:
            if not key:
                return sum(self._remove(entry) for entry in list(os.scandir(path)))
            if os.path.islink(path):
                os.unlink(path)
                return 1
            count = sum(len(files) for _, _, files in os.walk(path, followlinks=False))
            shutil.rmtree(path)
        except OSError as error:
            raise translate(error, path) from error
        return count

    def _remove(self, entry: os.DirEntry[str]) -> int:
        if entry.is_dir(follow_symlinks=False):
            return self.delete_tree(entry.name)
        os.unlink(entry.path)
        return 1

    def delete(self, keys: Sequence[str]) -> None:
        """Unlink one by one; folders stay."""
        for key in keys:
            path = self._path_below_root(key)
            try:
                os.unlink(path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise translate(error, path) from error

    def _path_below_root(self, key: str) -> str:
        path = self._path(key)
        if not key:
            raise IsADirectory(f"{path}: is the root of the storage, a file below it was wanted")
        if not self._is_inside(os.path.dirname(path)):
            raise AccessDenied(f"{path}: leads out of {self._root}; nothing was written")
        return path

    def _etag_or_none(self, key: str) -> str | None:
        try:
            entry = self.stat(key)
        except NotFound:
            return None
        if not isinstance(entry, ObjectInfo):
            raise IsADirectory(f"{self._path(key)}: is a folder, a file was wanted")
        return entry.etag

    def _path(self, key: str) -> str:
        if key and ("\0" in key or any(part in {"", ".", ".."} for part in key.split("/"))):
            raise NotFound(f"{self._root}/{key}: no file can have this name")
        return f"{self._root.rstrip('/')}/{key}" if key else self._root

    def _check(self, path: str, info: ObjectInfo, status: os.stat_result) -> None:
        if _etag(status) != info.etag:
            raise CacheStale(path, info.version, f"{status.st_size}:{_etag(status)}")

    def _child(self, key: str, child: os.DirEntry[str]) -> Entry | None:
        try:
            if child.is_symlink() and not (self._is_inside(child.path) and _leads_down(child.path)):
                return None
            return self._entry(key, child.stat())
        except (FileNotFoundError, NotADirectoryError):
            return None  # a dangling link, or deleted since the folder was read
        except OSError as error:
            raise translate(error, child.path) from error

    def _entry(self, key: str, status: os.stat_result) -> Entry | None:
        if stat_module.S_ISDIR(status.st_mode):
            return DirectoryInfo(key, status.st_mtime_ns)
        if stat_module.S_ISREG(status.st_mode):
            return ObjectInfo(key, status.st_size, status.st_mtime_ns, _etag(status))
        return None

    def _is_inside(self, path: str) -> bool:
        """Tell whether `path`, with every link on the way followed, is the root or below it."""
        real_path = os.path.realpath(path)
        return real_path == self._real_root or real_path.startswith(self._real_root.rstrip("/") + "/")


def _leads_down(link: str) -> bool:
    """Tell whether a link does not lead to a folder that it lies in: following such a one would never end."""
    target = os.path.realpath(link)
    return not f"{os.path.realpath(os.path.dirname(link))}/".startswith(f"{target.rstrip('/')}/")


def _etag(status: os.stat_result) -> str:
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"
