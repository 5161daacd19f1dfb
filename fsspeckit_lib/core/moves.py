"""Moves and recursive copies that lose nothing, on any filesystem of fsspec.

fsspec moves by copying and then removing the source. Where the target lies in the source, or is the source, that
removes what was just written: such a move, and such a recursive copy, is refused before anything is touched. A pattern
is expanded once, before the copy, so that what was moved to a name which it matches stays.
"""

from __future__ import annotations

import re
from typing import Any

import fsspec
from fsspec.implementations.memory import MemoryFileSystem as FsspecMemoryFileSystem

from fsspeckit_lib.common.transfer import identity
from fsspeckit_lib.errors import BadInput, Unsupported

__all__ = ["MemoryFileSystem", "SafeMoves", "move", "refuse_into_itself"]

_PATTERN = re.compile(r"[*?\[]")


def refuse_into_itself(fs: Any, path1: Any, path2: Any, *, recursive: bool, moving: bool) -> list[str]:
    """Make sure that no source would go onto or into itself; return the sources, patterns expanded.

    Raises:
        BadInput: one would.
    """
    pairs = _pairs(fs, path1, path2)
    for source, target in pairs:
        outer, inner = (identity(fs, str(fs._strip_protocol(path))) for path in (source, target))
        if inner[: len(outer)] != outer:
            continue
        if inner == outer:
            if moving or fs.isdir(source):
                raise BadInput(
                    f"{source}: source and target ({target}) are the same; nothing was done; name another target"
                )
        elif recursive or fs.isdir(source):
            verb = "moved" if moving else "copied"
            raise BadInput(
                f"{source}: cannot be {verb} into itself ({target}); nothing was done; name a target outside of it"
            )
    return [source for source, _ in pairs]


def move(fs: Any, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
    """Copy by fsspec's rules, then remove what was copied. A path onto itself, spelt the same, is left as it is.

    Raises:
        BadInput: a source would go onto or into itself; nothing was done.
        Unsupported: `maxdepth`, below which files would be removed without a copy.
    """
    if path1 == path2:
        return
    if maxdepth is not None:
        raise Unsupported("mv: found maxdepth, below which files would be removed uncopied; copy and rm them instead")
    sources = refuse_into_itself(fs, path1, path2, recursive=recursive, moving=True)
    if isinstance(path1, str) and _PATTERN.search(path1) and not recursive:
        sources = [source for source in sources if not fs.isdir(source)]
    if not sources:
        raise FileNotFoundError(f"{path1}: nothing to move")
    fs.copy(path1, path2, recursive=recursive, on_error="raise")
    for source in sources:
        fs.rm(source, recursive=recursive)


class SafeMoves(fsspec.AbstractFileSystem):
    """A filesystem that never moves or copies a folder into itself."""

    def copy(self, path1: Any, path2: Any, recursive: bool = False, *args: Any, **kwargs: Any) -> None:
        """Copy files, or with `recursive` folders, by fsspec's rules."""
        if recursive:
            refuse_into_itself(self, path1, path2, recursive=True, moving=False)
        super().copy(path1, path2, recursive, *args, **kwargs)  # type: ignore[no-untyped-call]

    def mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **_: Any) -> None:
        """Move files, or with `recursive` folders, by the rules of `copy`."""
        move(self, path1, path2, recursive, maxdepth)


class MemoryFileSystem(SafeMoves, FsspecMemoryFileSystem):
    """fsspec's own, on the same process-wide files."""


def _pairs(fs: Any, path1: Any, path2: Any) -> list[tuple[str, str]]:
    """Return each source with its target: into a folder that exists, unless the source ends with a slash."""
    if isinstance(path1, list) and isinstance(path2, list):
        return list(zip(map(str, path1), map(str, path2), strict=False))
    target = str(path2)
    if isinstance(path1, list):
        sources, into = [str(path) for path in path1], True
    elif _PATTERN.search(str(path1)):
        sources, into = fs.glob(path1), True
    else:
        sources, into = [str(path1)], target.endswith("/") or fs.isdir(target)
    return [
        (source, f"{target.rstrip('/')}/{source.rpartition('/')[2]}" if into and not source.endswith("/") else target)
        for source in sources
    ]
