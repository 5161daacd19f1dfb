"""A local file on its way, with preconditions: `common.local_files` under the data plane's rules and errors."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator

from typing_extensions import Buffer

from fsspeckit_lib.common.local_files import DEFAULT_MODE, LocalFile
from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.core.objects import IfAbsent, Precondition
from fsspeckit_lib.errors import AlreadyExists, Conflict, GatewayError

__all__ = ["LocalWriter"]


class LocalWriter:
    """An `ObjectWriter` of `key` below the folder `root`, below which no link to a folder is followed.

    Preconditions hold against every writer that comes through here: they are checked under a lock of the folder, and a
    new name is given with link(2), which never replaces. `current_etag` tells the version that lies there now, or None.
    """

    def __init__(
        self,
        root: str,
        key: str,
        current_etag: Callable[[], str | None],
        only: Precondition | None,
        mode: int = DEFAULT_MODE,
    ) -> None:
        self._path = os.path.join(root, key)
        self._current_etag = current_etag
        self._only = only
        with self._errors():
            self._file = LocalFile(root, key, mode)

    def write(self, data: Buffer) -> None:
        """Append."""
        with self._errors():
            self._file.write(data)

    def copy_from(self, source: str) -> None:
        """Append another local file."""
        with self._errors():
            self._file.copy_from(source)

    def close(self) -> None:
        """Sync the bytes, then give them their name."""
        try:
            with self._errors():
                if self._only is not None:
                    fcntl.flock(self._file.folder, fcntl.LOCK_EX)  # until the descriptor is closed
                self._publish()
        finally:
            self.abort()

    def abort(self) -> None:
        """Remove what was written under the temporary name."""
        self._file.abort()

    def _publish(self) -> None:
        if isinstance(self._only, IfAbsent):
            try:
                self._file.link()
            except FileExistsError as error:
                raise AlreadyExists(f"{self._path}: it exists already, and only a new file was wanted") from error
            return
        if self._only is not None:
            current = self._current_etag()
            if current != self._only.etag:
                raise Conflict(
                    f"{self._path}: found version {current!r}, wanted to replace {self._only.etag!r}; read it again"
                )
        self._file.replace()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except GatewayError:
            raise
        except OSError as error:
            raise translate(error, self._path) from error
