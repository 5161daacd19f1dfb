"""What fsspec's filesystems lack when they copy whole trees: trailing slashes below a root, and care about links.

fsspec's rules ("Copying files and directories"): a source folder goes into a target folder that exists, unless the
source ends with a slash; a target that ends with a slash is a folder.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from typing import Any

from fsspec.implementations import local
from fsspec.implementations.dirfs import DirFileSystem

from fsspeckit_lib.common.local_files import refuse_links
from fsspeckit_lib.core.builtin_errors import fsspec_errors
from fsspeckit_lib.core.moves import SafeMoves, move, refuse_into_itself

__all__ = ["BoundedCopies", "LocalFileSystem", "RootedFileSystem"]

_PATTERN = re.compile(r"[*?\[]")


class BoundedCopies(SafeMoves):
    """A filesystem whose `cp_file`, `get_file` and `put_file` take `below`: the root of a recursive copy's target."""

    def copy(self, path1: Any, path2: Any, recursive: bool = False, *args: Any, **kwargs: Any) -> None:
        """Copy files, or with `recursive` folders, by fsspec's rules."""
        bound = _bound(path2, recursive)
        path1, path2 = self._settled(path1, path2, self.isdir)
        super().copy(path1, path2, recursive, *args, **{**kwargs, **bound})

    def get(self, rpath: Any, lpath: Any, recursive: bool = False, *args: Any, **kwargs: Any) -> None:
        """Download files, or with `recursive` folders, by fsspec's rules."""
        bound = _bound(lpath, recursive)
        rpath, lpath = self._settled(rpath, lpath, os.path.isdir)
        super().get(rpath, lpath, recursive, *args, **{**kwargs, **bound})  # type: ignore[no-untyped-call]

    def put(self, lpath: Any, rpath: Any, recursive: bool = False, *args: Any, **kwargs: Any) -> None:
        """Upload files, or with `recursive` folders, by fsspec's rules."""
        bound = _bound(rpath, recursive)
        super().put(lpath, rpath, recursive, *args, **{**kwargs, **bound})  # type: ignore[no-untyped-call]

    def _settled(self, source: Any, target: Any, is_folder: Callable[[str], bool]) -> tuple[Any, Any]:
        """Return source and target with what goes into a folder spelt out, for a source without a parent.

        fsspec cuts the last component off what the sources have in common; where that is all there is, it cuts nothing.
        """
        if (
            not isinstance(source, str)
            or not isinstance(target, str)
            or source.endswith("/")
            or _PATTERN.search(source)
        ):
            return source, target
        name = str(self._strip_protocol(source))  # type: ignore[no-untyped-call]
        if not name or "/" in name or not (target.endswith("/") or is_folder(target)):
            return source, target
        into = f"{target.rstrip('/')}/{name}"
        is_dir = self.isdir(source)  # type: ignore[no-untyped-call]
        return (f"{source}/" if is_dir else source), into


class LocalFileSystem(BoundedCopies, local.LocalFileSystem):
    """fsspec's own, but a recursive copy writes nothing through a link that stands below its target."""

    def cp_file(self, path1: Any, path2: Any, below: str | None = None, **kwargs: Any) -> None:
        """Copy one file; with `below` a link in its place is replaced, and one to a folder on its way is an error."""
        if below is not None:
            root, target = (str(self._strip_protocol(path)) for path in (below, path2))  # type: ignore[no-untyped-call]
            refuse_links(root, target)
            if os.path.islink(target) and not os.path.isdir(path1):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(target)
        super().cp_file(path1, path2, **kwargs)  # type: ignore[no-untyped-call]

    def mv(self, path1: Any, path2: Any, recursive: bool = True, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Rename a file or a folder, into a folder that exists, as mv(1) does: always with all that lies below."""
        if path1 != path2:
            refuse_into_itself(self, path1, path2, recursive=True, moving=True)
            local.LocalFileSystem.mv(self, path1, path2)


class RootedFileSystem(DirFileSystem):
    """fsspec's own, but a trailing slash, which means something in a copy, is not lost."""

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        """List a folder. The root of an object storage's part is empty where no key begins with it."""
        try:
            return super().ls(path, detail=detail, **kwargs)  # type: ignore[no-untyped-call]
        except FileNotFoundError:
            if path.strip("/") or not hasattr(self.fs, "_place"):
                raise
            with fsspec_errors():
                self.fs._place(self.path).store.check()  # a bucket that is not there is still an error
            return []

    def copy(self, path1: Any, path2: Any, *args: Any, **kwargs: Any) -> None:
        """Copy files, or with `recursive` folders, by fsspec's rules."""
        source, target = self._kept(path1), self._kept(path2)
        if not isinstance(self.fs, SafeMoves) and (args[0] if args else kwargs.get("recursive")):
            refuse_into_itself(self.fs, source, target, recursive=True, moving=False)
        self.fs.copy(source, target, *args, **kwargs)

    def get(self, rpath: Any, *args: Any, **kwargs: Any) -> None:
        """Download files, or with `recursive` folders, by fsspec's rules."""
        self.fs.get(self._kept(rpath), *args, **kwargs)

    def put(self, lpath: Any, rpath: Any, *args: Any, **kwargs: Any) -> None:
        """Upload files, or with `recursive` folders, by fsspec's rules."""
        self.fs.put(lpath, self._kept(rpath), *args, **kwargs)

    def mv(self, path1: Any, path2: Any, *args: Any, **kwargs: Any) -> None:
        """Move files, or with `recursive` folders, by the rules of `copy`."""
        source, target = self._kept(path1), self._kept(path2)
        if isinstance(self.fs, SafeMoves):
            self.fs.mv(source, target, *args, **kwargs)
        else:
            move(self.fs, source, target, *args, **kwargs)

    def _kept(self, path: Any) -> Any:
        joined = self._join(path)  # type: ignore[no-untyped-call]
        return f"{joined}/" if isinstance(path, str) and path.endswith("/") and not joined.endswith("/") else joined


def _bound(target: Any, recursive: bool) -> dict[str, Any]:
    return {"below": os.fspath(target)} if recursive and isinstance(target, str | os.PathLike) else {}
