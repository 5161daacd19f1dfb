"""A small remote file on its way into the cache: fetched whole, in one GET, by whichever reader comes first.

For files of at most one fetch there is nothing to gain from a sparse file and a map: a cold open costs one file and one
transaction, in which the file is made and written in its place. Nobody believes a file without a row, so it needs no
other name before: what a kill leaves there is replaced by the next fetch, or swept.

Threads meet at `_future`; processes at a lock on one byte of the root's lock file, chosen by the entry's hash, after
which the index is asked again whether another one has published the file meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future

from typing_extensions import Buffer

from fsspeckit_lib.cache.download import Download
from fsspeckit_lib.cache.publication import Placed, create_in_place
from fsspeckit_lib.errors import Cancelled

__all__ = ["WholeFile"]


class WholeFile:
    """One version of one small object, shared by all its open handles in this process; the twin of `PartialFile`."""

    def __init__(self, download: Download, open_published: Callable[[], tuple[int, str] | None]) -> None:
        """Do nothing yet; an empty file is published at once.

        Args:
            open_published: returns descriptor and path of the complete copy, if another process published it.
        """
        self.info = download.info
        self.entry_id = download.entry_id
        self.handles = 0  # owned by the cache, under its lock
        self.descriptor = -1
        self._download = download
        self._index = download.index
        self._path = download.path
        self._open_published = open_published
        self._lock = threading.Lock()
        self._future: Future[None] | None = None
        self._closed = False
        if self.info.size_bytes == 0:
            self._publish(b"")

    @property
    def is_complete(self) -> bool:
        """True once the file is whole."""
        return self.descriptor >= 0

    @property
    def path(self) -> str:
        """Where the data lies, once it is complete."""
        return self._path

    def is_present(self, start: int, stop: int) -> bool:  # noqa: ARG002 - the twin's signature
        """Tell whether the bytes are here: all of them or none."""
        return self.descriptor >= 0

    def fetch(self, start: int, stop: int) -> None:  # noqa: ARG002 - the twin's signature
        """Return once the whole file is here; see `PartialFile.fetch` for the errors."""
        while self.descriptor < 0:
            future, is_own = self._claim()
            if is_own:
                self._run(future)
                future.result()
            else:
                future.exception()  # what another reader failed to get is ours to try in the next round

    def prefetch(self, start: int, stop: int) -> None:  # noqa: ARG002 - the twin's signature
        """Start fetching the file in the background; failures show at the read."""
        if self.descriptor < 0 and not self._closed:
            future, is_own = self._claim()
            if is_own:
                self._download.pool.submit(self._run, future)

    def distrust(self) -> None:
        """Do nothing: a complete copy is checked at each open."""

    def close(self) -> None:
        """Close the file, or leave that to the fetch in flight. Does not wait."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._future is not None:
                return
        self._close_file()

    def _close_file(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)

    def _claim(self) -> tuple[Future[None], bool]:
        with self._lock:
            if self._closed:
                raise Cancelled(f"{self._download.who}: the file was closed while it was being read")
            if self._future is not None:
                return self._future, False
            self._future = Future()
            return self._future, True

    def _run(self, future: Future[None]) -> None:
        """Fetch and settle the future. Never raises: the future carries the error."""
        failure = self._download.attempt(self._fetch)
        with self._lock:
            self._future = None
            is_last = self._closed
        if is_last:
            self._close_file()
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)

    def _fetch(self) -> None:
        if self.descriptor >= 0:
            return  # a fetch ended between the caller's look and its claim
        if self._closed:
            raise Cancelled(f"{self._download.who}: closed before it was fetched")
        with self._download.locked():
            found = self._open_published()
            if found is not None:
                self.descriptor, self._path = found
                return
            size_bytes = self.info.size_bytes
            self._index.bounds.check_room(self.entry_id, size_bytes, self._download.who)
            self._publish(self._download.get(0, size_bytes))

    def _publish(self, data: Buffer) -> None:
        download, root = self._download, self._download.config.root
        placed: Placed | None = None

        def place() -> tuple[str, os.stat_result]:
            nonlocal placed
            placed = create_in_place(root, download.targets, data, self.info, self._index.drop_path)
            return placed.path, placed.status

        try:
            self._index.publish_whole(self.entry_id, self.info, download.who, place)
        except BaseException:
            if placed is not None:
                os.close(placed.descriptor)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{root}/{placed.path}")
            raise
        assert placed is not None
        self._path = f"{root}/{placed.path}"
        self.descriptor = placed.descriptor
        download.on_published(self.entry_id, self.info.version, placed.status)
