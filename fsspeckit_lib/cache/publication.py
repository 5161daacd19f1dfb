"""Bytes into the cache's files, and a whole file to its place under `data/`."""

from __future__ import annotations

import os
from collections.abc import Callable

from typing_extensions import Buffer

from fsspeckit_lib.core.objects import ObjectInfo

__all__ = ["move_into_place", "write_all"]


def move_into_place(
    root: str,
    source: str,
    targets: tuple[str, str],
    descriptor: int,
    info: ObjectInfo,
    drop_path: Callable[[str], None],
) -> tuple[str, os.stat_result]:
    """Give the file the remote's mtime, rename it over what lies at its target, and return its path and status.

    Runs inside the index's transaction, which is the tree's lock.

    Args:
        source: relative to `root`, as are the targets.
        targets: the usual path, and the one to take when a folder lies there.
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
        _rename(root, source, beside)
        path = beside
    return path, os.fstat(descriptor)


def write_all(descriptor: int, data: Buffer, offset: int) -> None:
    """Write every byte of `data` at `offset`: pwrite(2) may take fewer than it is given."""
    view = memoryview(data).cast("B")
    written = 0
    while written < len(view):
        written += os.pwrite(descriptor, view[written:], offset + written)


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
