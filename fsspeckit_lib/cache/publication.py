"""Bytes into the cache's files, and a whole file to its place under `data/`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from typing_extensions import Buffer

from fsspeckit_lib.core.objects import ObjectInfo

__all__ = ["Placed", "create_in_place", "move_into_place", "write_all"]


class Placed(NamedTuple):
    """A file in its place: open for reading and writing, its path relative to the root, and how it looks."""

    descriptor: int
    path: str
    status: os.stat_result


def create_in_place(
    root: str,
    targets: tuple[str, Callable[[], str]],
    data: Buffer,
    info: ObjectInfo,
    drop_path: Callable[[str], None],
) -> Placed:
    """Write a small file where it belongs, without another name before: nobody believes a file that has no row.

    Inside the index's transaction, as `move_into_place`; the same arguments.
    """
    usual, beside = targets
    path = usual
    try:
        descriptor = _create(root, path)
    except (FileNotFoundError, NotADirectoryError):  # the first file of its folder, or a file in the folder's place
        _make_folder(root, os.path.dirname(path), drop_path)
        descriptor = _create(root, path)
    except IsADirectoryError:
        path = beside()
        descriptor = _create(root, path)
    try:
        write_all(descriptor, data, 0)
        if info.mtime_ns:
            os.utime(descriptor, ns=(info.mtime_ns, info.mtime_ns))
        return Placed(descriptor, path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        os.unlink(f"{root}/{path}")
        raise


def move_into_place(
    root: str,
    source: str,
    targets: tuple[str, Callable[[], str]],
    descriptor: int,
    info: ObjectInfo,
    drop_path: Callable[[str], None],
) -> tuple[str, os.stat_result]:
    """Give the file the remote's mtime, rename it over what lies at its target, and return its path and status.

    Runs inside the index's transaction, which is the tree's lock.

    Args:
        source: relative to `root`, as are the targets.
        targets: the usual path, and what returns the one to take when a folder lies there.
        descriptor: of the file, open for writing.
        drop_path: forgets and unlinks the copy at a path that must make way.
    """
    if info.mtime_ns:
        os.utime(descriptor, ns=(info.mtime_ns, info.mtime_ns))
    usual, beside = targets
    try:
        _rename(root, source, usual)
        path = usual
    except (FileNotFoundError, NotADirectoryError):  # the first file of its folder, or a file in the folder's place
        _make_folder(root, os.path.dirname(usual), drop_path)
        _rename(root, source, usual)
        path = usual
    except IsADirectoryError:
        path = beside()
        _rename(root, source, path)
    return path, os.fstat(descriptor)


def write_all(descriptor: int, data: Buffer, offset: int) -> None:
    """Write every byte of `data` at `offset`: pwrite(2) may take fewer than it is given."""
    view = memoryview(data).cast("B")
    written = 0
    while written < len(view):
        written += os.pwrite(descriptor, view[written:], offset + written)


def _create(root: str, path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(f"{root}/{path}", flags, 0o644)
    except FileExistsError:  # of a crash before its commit, or an edit: whoever has it open keeps it
        os.unlink(f"{root}/{path}")  # IsADirectoryError where it is a folder
        return os.open(f"{root}/{path}", flags, 0o644)


def _rename(root: str, source: str, target: str) -> None:
    os.rename(f"{root}/{source}", f"{root}/{target}")


def _make_folder(root: str, folder: str, drop_path: Callable[[str], None]) -> None:
    try:
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    except (NotADirectoryError, FileExistsError):
        # the copy of key `a` lies where key `a/b` needs a folder: it makes way and comes back beside it
        parent = folder
        while not os.path.isfile(f"{root}/{parent}"):
            parent = os.path.dirname(parent)
        drop_path(parent)
        os.makedirs(f"{root}/{folder}", exist_ok=True)
