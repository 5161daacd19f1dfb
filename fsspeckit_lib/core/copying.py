"""What fsspec's filesystems lack when they copy whole trees: trailing slashes below a root, and care about links.

fsspec's rules ("Copying files and directories"): a source folder goes into a target folder that exists, unless the
source ends with a slash; a target that ends with a slash is a folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

from fsspec.compression import compr
from fsspec.core import get_compression
from fsspec.implementations.dirfs import DirFileSystem

from fsspeckit_lib.core.builtin_errors import fsspec_errors
from fsspeckit_lib.core.moves import SafeMoves, move, refuse_into_itself
from fsspeckit_lib.core.open_files import CompressedWriter, TextWriter
from fsspeckit_lib.errors import GatewayError

__all__ = ["BoundedCopies", "RootedFileSystem"]

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

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: Any = None,
        cache_options: Any = None,
        compression: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Open a file; text and compressed ones too appear whole at close, or not at all if their block raises."""
        if "r" in mode or ("b" in mode and compression is None):
            return super().open(path, mode, block_size, cache_options, compression, **kwargs)  # type: ignore[no-untyped-call]
        if "b" not in mode:
            text = {name: kwargs.pop(name) for name in ("encoding", "errors", "newline") if name in kwargs}
            binary = f"{mode.replace('t', '')}b"
            return TextWriter(self.open(path, binary, block_size, cache_options, compression, **kwargs), **text)
        below = super().open(path, mode, block_size, cache_options, **kwargs)  # type: ignore[no-untyped-call]
        compress: Any = compr[get_compression(path, compression)]
        return below if compress is None else CompressedWriter(compress(below, mode=mode[0]), below)

    def walk(
        self, path: Any, maxdepth: int | None = None, topdown: bool = True, on_error: Any = "raise", **kwargs: Any
    ) -> Iterator[tuple[str, Any, Any]]:
        """Yield each folder with its folders and files, as os.walk does.

        What cannot be listed raises: an unreachable storage is not an empty one. A folder that is not there, or no
        more, is left out; with `on_error="omit"` every other one is too, and a function is told of them.
        """
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        path = str(self._strip_protocol(path)).rstrip("/") or self.root_marker  # type: ignore[no-untyped-call]
        try:
            asked = {name: kwargs[name] for name in kwargs if name != "detail"}
            listing = self.ls(path, detail=True, **asked)  # type: ignore[no-untyped-call]
        except FileNotFoundError:
            if path == self.root_marker and on_error == "raise":
                raise
            return
        except (OSError, GatewayError) as error:
            if on_error == "raise":
                raise
            if callable(on_error):
                on_error(error)
            return
        folders: dict[str, Any] = {}
        files: dict[str, Any] = {}
        for info in listing:
            full = info["name"].rstrip("/")
            name = full.rpartition("/")[2]
            if full == path:
                files.setdefault("", info) if info["type"] != "directory" else None
            elif info["type"] == "directory":
                folders[name] = info
            else:
                files[name] = info
        full_names = {name: info["name"].rstrip("/") for name, info in folders.items()}
        found: tuple[str, Any, Any] = (path, folders, files)
        if not kwargs.get("detail"):
            found = (path, list(folders), list(files))
        if topdown:
            yield found
        if maxdepth is None or maxdepth > 1:
            deeper = None if maxdepth is None else maxdepth - 1
            for name in found[1]:
                yield from self.walk(full_names[name], deeper, topdown, on_error, **kwargs)
        if not topdown:
            yield found

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

    @property
    def transaction(self) -> Any:
        """The transaction of the filesystem below: ours would hold nothing back."""
        return self.fs.transaction

    def start_transaction(self) -> Any:
        """Begin a transaction of the filesystem below."""
        return self.fs.start_transaction()

    def end_transaction(self) -> None:
        """End it."""
        self.fs.end_transaction()

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
