"""One remote file on its way into the cache: a sparse data file, the map of its present blocks, and who fetches what.

Two files under `partial/`: NAME holds the bytes at their own offsets, NAME.map one byte a block, so that every process
sees at once what any of them has fetched. Bytes are written before they are claimed. A gap is fetched
once: threads meet in `_in_flight`, processes at a lock on the map's bytes, after which the map is read again.
When every block is present the data file is renamed into its place under `data/`; descriptors stay good.

Lock order: `_lock` before the index; no network and no index call is made with `_lock` held, but in `_publish`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import NamedTuple

from fsspeckit_lib.cache import blocks
from fsspeckit_lib.cache.blocks import Span
from fsspeckit_lib.cache.config import BLOCK_BYTES
from fsspeckit_lib.cache.download import Download
from fsspeckit_lib.cache.index import Row
from fsspeckit_lib.cache.locks import hold_shared, is_held_elsewhere, locked
from fsspeckit_lib.cache.presence import PresenceMap
from fsspeckit_lib.cache.publication import move_into_place, write_all
from fsspeckit_lib.errors import Cancelled, Corrupt, GatewayError, ResourceExhausted

__all__ = ["PartialFile"]

_logger = logging.getLogger(__name__)


class _Files(NamedTuple):
    """The data file and its map."""

    descriptor: int
    presence: PresenceMap

    def close(self) -> None:
        """Close both."""
        self.presence.close()
        os.close(self.descriptor)


class PartialFile:
    """The sparse copy of one version of one object, shared by all its open handles in this process."""

    @classmethod
    def begin(cls, download: Download) -> PartialFile | None:
        """Open or create the two files, and claim them in the index. Local I/O only.

        Returns:
            None when a complete copy is there.
        """
        opened: list[_Files] = []

        def open_files(row: Row) -> bool:
            files, is_new = _open_files(download, row)
            opened.append(files)
            return is_new

        try:
            if not download.index.begin(download.entry_id, download.info, download.name, open_files):
                return None
        except BaseException:  # the claim could not be committed
            for files in opened:
                files.close()
            raise
        return cls(download, opened[0])

    def __init__(self, download: Download, files: _Files) -> None:
        """Take the two files over, as `begin` opened them."""
        self.info = download.info
        self.entry_id = download.entry_id
        self.handles = 0  # owned by the cache, under its lock
        self._download = download
        self._index = download.index
        self._path = download.path
        self._lock = threading.Lock()
        self._in_flight: dict[Span, Future[None]] = {}
        self._closed = False
        self._complete = False
        self._files = files
        self.descriptor, self._presence = files
        self._span = (0, blocks.count_blocks(self.info.size_bytes))
        if self._presence.is_whole():
            self._publish()

    @property
    def is_complete(self) -> bool:
        """True once every byte is present; the descriptor then shows the whole file."""
        if not self._complete and self._presence.is_whole():
            self._publish()  # another process fetched the last block
        return self._complete

    @property
    def path(self) -> str:
        """Where the data lies now."""
        return self._path

    def is_present(self, start: int, stop: int) -> bool:
        """Tell whether the bytes [start, stop) are here."""
        return self._complete or self._presence.is_present(blocks.block_span(start, stop))

    def fetch(self, start: int, stop: int) -> None:
        """Return once the bytes [start, stop) are present, fetching what nobody fetches yet.

        Raises:
            CacheStale, NotFound, AccessDenied, Unavailable, ShortRead: the download failed; nothing of it is claimed.
            ResourceExhausted: the bytes do not fit into the cache.
        """
        wanted = blocks.block_span(start, stop)
        while not self._presence.is_present(wanted):
            if self._closed:
                raise Cancelled(f"{self._download.who}: the file was closed while it was being read")
            own, others = self._claim(wanted)
            if len(own) == 1:
                self._run(*own[0])
            else:
                for span, future in own:
                    self._download.pool.submit(self._run, span, future)
            wait_for([future for _, future in own] + others)
            for _, future in own:
                future.result()
            # what others were fetching and failed to get is ours to try in the next round

    def prefetch(self, start: int, stop: int) -> None:
        """Start fetching what is missing of [start, stop) in the background; failures show at the read."""
        for span, future in self._claim(blocks.block_span(start, stop))[0]:
            self._download.pool.submit(self._run, span, future)

    def distrust(self) -> None:
        """Claim nothing of what is here any more, in no process: it is fetched again."""
        with self._lock:
            if self._complete or self._closed:
                return
            self._presence.clear()

    def close(self) -> None:
        """Drop the parts that have not begun, and close the files once those in flight have ended. Does not wait."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._in_flight:
                return  # the last of them closes the files
        self._close_files()

    def _close_files(self) -> None:
        status = os.fstat(self.descriptor)
        self._files.close()
        if self._complete:
            return
        try:
            is_put_down = self._index.put_down(
                self.entry_id, self.info.version, status, lambda: not is_held_elsewhere(f"{self._download.path}.map")
            )
        except GatewayError as error:  # it only costs the check for edits, and durability
            _logger.debug("%s: %s", self._download.path, error)
        else:
            if is_put_down:
                self._download.on_published(self.entry_id, self.info.version, status)

    def _claim(self, wanted: Span) -> tuple[list[tuple[Span, Future[None]]], list[Future[None]]]:
        """Return the parts of `wanted` that nobody fetches, now the caller's, and the futures of those others fetch."""
        own: list[tuple[Span, Future[None]]] = []
        part_blocks = self._download.config.part_bytes // BLOCK_BYTES
        with self._lock:
            if self._closed:
                return [], []
            others = [future for span, future in self._in_flight.items() if span[0] < wanted[1] and wanted[0] < span[1]]
            for gap in self._presence.gaps(wanted):
                for piece in blocks.subtract(gap, self._in_flight):
                    own.extend((part, Future()) for part in blocks.split(piece, part_blocks))
            self._in_flight.update(own)
        return own, others

    def _run(self, span: Span, future: Future[None]) -> None:
        """Fetch one claimed part and settle its future. Never raises: the future carries the error."""
        failure = self._download.attempt(lambda: self._fetch_part(span))
        with self._lock:
            del self._in_flight[span]
            is_last = self._closed and not self._in_flight
        if is_last:
            self._close_files()
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)

    def _fetch_part(self, span: Span) -> None:
        who, timeout_s = self._download.who, self._download.config.lock_timeout_s
        if self._closed:
            raise Cancelled(f"{who}: closed before this part was fetched")
        with locked(self._presence.descriptor, *span, who=who, timeout_s=timeout_s):
            for gap in self._presence.gaps(span):  # another process may have filled some
                self._fetch_gap(gap)
        if self._presence.is_whole():
            self._publish()

    def _fetch_gap(self, gap: Span) -> None:
        start, stop = gap[0] * BLOCK_BYTES, min(gap[1] * BLOCK_BYTES, self.info.size_bytes)
        self._index.admit(self.entry_id, self.info.version, stop - start, self._download.who)
        try:
            write_all(self.descriptor, self._download.get(start, stop), start)
        except BaseException:
            self._index.refund(self.entry_id, self.info.version, stop - start)
            raise
        self._presence.mark(gap)

    def _publish(self) -> None:
        with self._lock:
            if self._complete:
                return
            if os.fstat(self.descriptor).st_size != self.info.size_bytes:
                self._presence.clear()
                raise Corrupt(f"{self._path}: the file changed its size under the cache; nothing of it is used")
            moved: list[str] = []
            try:
                published = self._index.publish(self.entry_id, self.info, lambda: self._move(moved))
            except ResourceExhausted:
                # no room for the claim: the bytes are here and are read, and a later read publishes again
                if moved:
                    self._path = f"{self._download.config.root}/{moved[0]}"
                return
            if moved:
                self._path = f"{self._download.config.root}/{moved[0]}"
            elif published:
                self._adopt_published()
            self._complete = True
        if moved:
            self._download.on_published(self.entry_id, self.info.version, os.fstat(self.descriptor))

    def _adopt_published(self) -> None:
        """Another process published the copy; should this one have begun a second one, that goes."""
        for path in (self._download.path, f"{self._download.path}.map"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        row = self._index.lookup(self.entry_id)
        if row is not None and row.complete:
            self._path = f"{self._download.config.root}/{row.path}"

    def _move(self, moved: list[str]) -> tuple[str, os.stat_result]:
        """Rename the data file to its target and remove the map. Runs inside the index's transaction."""
        root = self._download.config.root
        path, status = move_into_place(
            root, self._download.name, self._download.targets, self.descriptor, self.info, self._index.drop_path
        )
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self._download.path}.map")
        moved.append(path)
        return path, status


def _open_files(download: Download, row: Row) -> tuple[_Files, bool]:
    """Open both files where they are what they should be, else make new ones; tell whether they are new.

    They are not when they do not fit each other, or are not as they were put down (a row with an inode). Such files
    are unlinked, never changed: another process may have them open.
    """
    count = max(1, blocks.count_blocks(download.info.size_bytes))
    wanted = ((download.path, download.info.size_bytes, 0o644), (f"{download.path}.map", count, 0o600))
    is_new = False
    with contextlib.ExitStack() as on_failure:
        try:
            descriptor, map_descriptor = (_open_existing(path, size, on_failure) for path, size, _ in wanted)
            status = os.fstat(descriptor)
            if row.inode and (status.st_ino, status.st_mtime_ns) != (row.inode, row.mtime_ns):
                _logger.warning("%s: was changed by somebody else; it is fetched again", download.path)
                raise FileNotFoundError(download.path)
        except FileNotFoundError:
            is_new = True
            on_failure.close()
            for path, _, _ in wanted:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            descriptor, map_descriptor = (_create(path, size, mode, on_failure) for path, size, mode in wanted)
            # a hole in the map could not be filled on a full disk, and its blocks would be fetched for nothing
            os.posix_fallocate(map_descriptor, 0, count)
        hold_shared(map_descriptor)
        on_failure.pop_all()
    return _Files(descriptor, PresenceMap(map_descriptor, count)), is_new


def _open_existing(path: str, size_bytes: int, on_failure: contextlib.ExitStack) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    if os.fstat(descriptor).st_size != size_bytes:
        os.close(descriptor)
        raise FileNotFoundError(path)
    on_failure.callback(os.close, descriptor)
    return descriptor


def _create(path: str, size_bytes: int, mode: int, on_failure: contextlib.ExitStack) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    on_failure.callback(os.close, descriptor)
    os.ftruncate(descriptor, size_bytes)
    return descriptor
