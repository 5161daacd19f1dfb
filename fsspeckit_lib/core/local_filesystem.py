"""The local disk as an fsspec filesystem: fsspec's own, but a file appears whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import stat as stat_module
from typing import Any

from fsspec.implementations import local

from fsspeckit_lib.common.local_files import DEFAULT_MODE, LocalFile, mode_of, refuse_links
from fsspeckit_lib.core.builtin_errors import fsspec_errors
from fsspeckit_lib.core.copying import BoundedCopies
from fsspeckit_lib.core.moves import refuse_into_itself
from fsspeckit_lib.core.open_files import WrittenWhole

__all__ = ["LocalFileSystem", "LocalWriterFile"]


class LocalFileSystem(BoundedCopies, local.LocalFileSystem):
    """fsspec's own, with whole files, and recursive copies that write nothing through a link below their target.

    Written beside and renamed at close: new files, replaced files and copies. In place: what is appended to or updated,
    and what is no regular file (a pipe, a device).
    """

    def cp_file(self, path1: Any, path2: Any, below: str | None = None, **kwargs: Any) -> None:
        """Copy one file; with `below` a link in its place is replaced, and one to a folder on its way is an error."""
        source, target = (str(self._strip_protocol(path)) for path in (path1, path2))  # type: ignore[no-untyped-call]
        if below is not None:
            refuse_links(str(self._strip_protocol(below)), target)  # type: ignore[no-untyped-call]
        if not os.path.isfile(source) or not _is_replaceable(target):
            super().cp_file(source, target, **kwargs)  # type: ignore[no-untyped-call]
            return
        place = os.path.split(target if below is not None else os.path.realpath(target))
        if not self.auto_mkdir and not os.path.isdir(place[0]):
            raise FileNotFoundError(f"{place[0]}: no such folder")
        with fsspec_errors(), LocalFile(*place, mode_of(os.stat(source))) as file:
            file.copy_from(source)
            file.replace()

    def mv(self, path1: Any, path2: Any, recursive: bool = True, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Rename a file or a folder, into a folder that exists, as mv(1) does: always with all that lies below."""
        if path1 != path2:
            refuse_into_itself(self, path1, path2, recursive=True, moving=True)
            local.LocalFileSystem.mv(self, path1, path2)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: Any = None,
        autocommit: bool = True,
        cache_options: Any = None,
        **kwargs: Any,
    ) -> Any:
        target = str(self._strip_protocol(path))  # type: ignore[no-untyped-call]
        if mode not in {"wb", "xb"} or not autocommit or not _is_replaceable(target):
            return super()._open(  # type: ignore[no-untyped-call]
                path, mode, block_size=block_size, autocommit=autocommit, cache_options=cache_options, **kwargs
            )
        if mode == "xb" and os.path.lexists(target):
            raise FileExistsError(f"{target}: it exists already")
        folder, name = os.path.split(os.path.realpath(target))  # a link is written through, as open(2) does
        if not self.auto_mkdir and not os.path.isdir(folder):
            raise FileNotFoundError(f"{folder}: no such folder")
        with fsspec_errors():
            return LocalWriterFile(LocalFile(folder, name, DEFAULT_MODE), target, is_new=mode == "xb")


class LocalWriterFile(WrittenWhole, io.BufferedWriter):
    """A file open for writing beside its place; it gets its name at close, and a block that raises drops it."""

    def __init__(self, file: LocalFile, path: str, *, is_new: bool) -> None:
        self._file, self._is_new = file, is_new
        self.path = path
        super().__init__(io.FileIO(os.dup(file.descriptor), "wb"))

    def close(self) -> None:
        """Give the file its name.

        Raises:
            FileExistsError: only a new file was wanted, and another one came first; OSError as the disk says.
        """
        if self.closed:
            return
        try:
            super().close()
            if self._is_new:
                self._file.link()
            else:
                self._file.replace()
        finally:
            self._file.abort()

    def discard(self) -> None:
        """Drop the file; what had its name stays."""
        if not self.closed:
            self._file.abort()
            with contextlib.suppress(OSError):
                super().close()


def _is_replaceable(path: str) -> bool:
    """Tell whether a rename may put a file there: not over a folder, a pipe or a device."""
    try:
        return stat_module.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        return False
