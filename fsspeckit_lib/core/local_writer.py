"""A local file on its way: written beside its place, synced, and given its name at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Callable, Iterator

from typing_extensions import Buffer

from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.core.objects import IfAbsent, Precondition
from fsspeckit_lib.errors import AlreadyExists, Conflict, GatewayError

__all__ = ["LocalWriter"]

_COPY_BYTES = 1 << 30


class LocalWriter:
    """An `ObjectWriter` of one path. `current_etag` tells the version that lies there now, or None.

    Preconditions hold against every writer that comes through here: they are checked under a lock of the folder, and a
    new name is given with link(2), which never replaces.
    """

    def __init__(self, path: str, current_etag: Callable[[], str | None], only: Precondition | None) -> None:
        self._path = path
        self._current_etag = current_etag
        self._only = only
        self._folder = os.path.dirname(path)
        self._temporary = f"{self._folder}/.{uuid.uuid4().hex[:12]}.part"
        with self._errors():
            os.makedirs(self._folder, exist_ok=True)
            self._descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)

    def write(self, data: Buffer) -> None:
        """Append."""
        view = memoryview(data).cast("B")
        with self._errors():
            while view:
                view = view[os.write(self._descriptor, view) :]

    def copy_from(self, source: str) -> None:
        """Append another local file."""
        with self._errors():
            descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
            try:
                while os.copy_file_range(descriptor, self._descriptor, _COPY_BYTES):
                    pass
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Sync the bytes, then give them their name."""
        try:
            with self._errors():
                os.fsync(self._descriptor)
                with self._locked_folder() as folder:
                    self._publish()
                    os.fsync(folder)
        finally:
            self.abort()

    def abort(self) -> None:
        """Remove what was written under the temporary name."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with contextlib.suppress(OSError):
            os.unlink(self._temporary)

    def _publish(self) -> None:
        if self._only is None:
            os.rename(self._temporary, self._path)
            return
        if isinstance(self._only, IfAbsent):
            try:
                os.link(self._temporary, self._path)
            except FileExistsError as error:
                raise AlreadyExists(f"{self._path}: it exists already, and only a new file was wanted") from error
            return
        current = self._current_etag()
        if current != self._only.etag:
            raise Conflict(
                f"{self._path}: found version {current!r}, wanted to replace {self._only.etag!r}; read it again"
            )
        os.rename(self._temporary, self._path)

    @contextlib.contextmanager
    def _locked_folder(self) -> Iterator[int]:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if self._only is not None:
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except GatewayError:
            raise
        except OSError as error:
            raise translate(error, self._path) from error
