"""A file of the local disk on its way: written beside its place and given its name at once, never through a link.

Below the folder that a person named, every step is an openat(2) with O_NOFOLLOW: a symbolic link that stands where a
folder should be is an error, and what it leads to stays untouched, also if the link appears meanwhile. The named folder
itself may be a link, as rsync takes `dst/`.

Modes are cp(1)'s: a file that is replaced keeps its mode; a new copy of a local file gets the source's, less the umask.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat as stat_module
import uuid
from collections.abc import Callable
from typing import Self

from typing_extensions import Buffer

from fsspeckit_lib.errors import IsADirectory, NotADirectory

__all__ = ["DEFAULT_MODE", "LocalFile", "mode_of", "open_folder", "refuse_links", "remove_file"]

DEFAULT_MODE = 0o666
_PERMISSIONS = 0o777
_COPY_BYTES = 64 << 20
_READ_BYTES = 4 << 20
_NOT_IN_THE_KERNEL = {errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}
"""copy_file_range(2): two file systems of different kinds, or one that cannot."""


def open_folder(root: str, key: str, *, create: bool = False) -> int:
    """Return a descriptor of the folder `key` below `root`; only `root` itself may be, or lie behind, a link.

    Raises:
        NotADirectory: a link or a file stands in the way.
        OSError: as open(2) and mkdir(2).
    """
    if create:
        os.makedirs(root, exist_ok=True)
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    shown = root.rstrip("/")
    for part in key.split("/") if key else []:
        shown = f"{shown}/{part}"
        try:
            inner = _enter(descriptor, part, shown, create)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def refuse_links(root: str, path: str) -> None:
    """Make sure that no link to a folder stands between `root` and `path`, which need not be there yet.

    Raises:
        NotADirectory: one does.
    """
    parent = os.path.dirname(os.path.relpath(path, root))
    with contextlib.suppress(FileNotFoundError):
        os.close(open_folder(root, "" if parent.startswith("..") else parent))


def remove_file(root: str, key: str) -> None:
    """Unlink one file below `root`, or the link that stands in its place."""
    folder_key, _, name = key.rpartition("/")
    folder = open_folder(root, folder_key)
    try:
        os.unlink(name, dir_fd=folder)
    finally:
        os.close(folder)


def mode_of(status: os.stat_result) -> int:
    """Return the permissions that a copy of this file begins with."""
    return status.st_mode & _PERMISSIONS


class LocalFile:
    """A new file at `key` below the folder `root`; missing folders are made. `folder` is the descriptor of its folder.

    Raises:
        NotADirectory: a link or a file stands where a folder of the key should be.
        IsADirectory: a folder has the name.
        OSError: as the system calls.
    """

    def __init__(self, root: str, key: str, mode: int = DEFAULT_MODE) -> None:
        folder_key, _, self.name = key.rpartition("/")
        self._temporary = f".{uuid.uuid4().hex[:12]}.part"
        self.folder = open_folder(root, folder_key, create=True)
        self.descriptor = -1
        try:
            old = self._status()
            if old is not None and stat_module.S_ISDIR(old.st_mode):
                raise IsADirectory(f"{root.rstrip('/')}/{key}: is a folder, a file was to be written")
            kept = old is not None and stat_module.S_ISREG(old.st_mode)
            wanted = mode_of(old) if old is not None and kept else mode
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self.descriptor = os.open(self._temporary, flags, wanted, dir_fd=self.folder)
            if kept:
                os.fchmod(self.descriptor, wanted)  # exactly the old one, whatever the umask
        except BaseException:
            self.abort()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()

    def write(self, data: Buffer) -> None:
        """Append."""
        view = memoryview(data).cast("B")
        while view:
            view = view[os.write(self.descriptor, view) :]

    def copy_from(self, source: str, on_bytes: Callable[[int], object] = lambda _: None) -> int:
        """Append another local file, inside the kernel where it can; return the bytes."""
        total = 0
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while count := self._copy_some(descriptor):
                total += count
                on_bytes(count)
        finally:
            os.close(descriptor)
        return total

    def replace(self) -> None:
        """Sync the bytes, then give them their name; what had it before is gone."""
        os.fsync(self.descriptor)
        os.rename(self._temporary, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        os.fsync(self.folder)

    def link(self) -> None:
        """Sync the bytes, then give them their name if nothing has it: FileExistsError otherwise."""
        os.fsync(self.descriptor)
        os.link(self._temporary, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        os.fsync(self.folder)

    def abort(self) -> None:
        """Remove what has only its temporary name, and close. Harmless after `replace` and `link`."""
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary, dir_fd=self.folder)
            os.close(self.descriptor)
        if self.folder >= 0:
            os.close(self.folder)
        self.descriptor = self.folder = -1

    def _status(self) -> os.stat_result | None:
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _copy_some(self, source: int) -> int:
        try:
            return os.copy_file_range(source, self.descriptor, _COPY_BYTES)
        except OSError as error:
            if error.errno not in _NOT_IN_THE_KERNEL:
                raise
        data = os.read(source, _READ_BYTES)
        self.write(data)
        return len(data)


def _enter(folder: int, name: str, shown: str, create: bool) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    if create:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENOTDIR}:
            raise
        is_link = stat_module.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        found = "a symbolic link" if is_link else "a file"
        raise NotADirectory(
            f"{shown}: is {found} where a folder of the destination should be; nothing was written there; "
            "remove it, or name the folder that it leads to"
            if is_link
            else f"{shown}: is a file where a folder of the destination should be; remove or rename it"
        ) from error
