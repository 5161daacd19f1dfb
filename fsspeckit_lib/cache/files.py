"""An open file of the cache: whole, on its way, or read through, behind one face."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

from fsspeckit_lib.cache.readthrough import ReadThrough
from fsspeckit_lib.cache.stats import StatsCounter
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import Cancelled, Corrupt, ResourceExhausted

__all__ = ["CachedFile", "Incoming", "Nowhere"]

_logger = logging.getLogger(__name__)
_pread = os.pread
_LOG_INTERVAL_S = 10.0


class Incoming(Protocol):
    """A copy on its way, shared by the open handles of this process: `PartialFile`, `WholeFile`, `Nowhere`."""

    @property
    def descriptor(self) -> int: ...

    @property
    def path(self) -> str: ...

    @property
    def is_complete(self) -> bool: ...

    def is_present(self, start: int, stop: int) -> bool: ...

    def fetch(self, start: int, stop: int) -> None: ...

    def prefetch(self, start: int, stop: int) -> None: ...

    def distrust(self) -> None:
        """Claim nothing of what is here any more: the file is not what it was."""
        ...


class Nowhere:
    """No local file at all: the cache's disk takes none."""

    is_complete = False
    path = os.devnull

    def __init__(self, descriptor: int, reason: ResourceExhausted) -> None:
        self.descriptor = descriptor
        self._reason = reason

    def is_present(self, start: int, stop: int) -> bool:  # noqa: ARG002 - the others' signature
        """Tell that nothing is."""
        return False

    def fetch(self, start: int, stop: int) -> None:  # noqa: ARG002 - the others' signature
        """Say why not."""
        raise self._reason

    def prefetch(self, start: int, stop: int) -> None:
        """Do nothing."""

    def distrust(self) -> None:
        """Do nothing."""


class CachedFile:
    """One open handle on one version of one object. Every method may be called from any thread.

    The bytes are always those of `info`'s version: a remote change shows as CacheStale, never as a mixture. The
    descriptor stays good when the copy is evicted or replaced meanwhile.
    """

    __slots__ = (
        "_closed", "_descriptor", "_local_stop", "_lock", "_make_read_through", "_path", "_read_through", "_release",
        "_served", "_stats", "info", "partial",
    )  # fmt: skip

    def __init__(
        self,
        info: ObjectInfo,
        *,
        whole: tuple[int, str] | None,
        partial: Incoming | None,
        read_through: Callable[[], ReadThrough],
        release: Callable[[CachedFile], None],
        stats: StatsCounter,
    ) -> None:
        """Build a handle; `Cache` does.

        Args:
            whole: descriptor and path of the complete copy; exactly one of `whole` and `partial` is given.
        """
        self.info = info
        self.partial = partial
        self._descriptor, self._path = whole if whole is not None else (-1, "")
        self._local_stop = info.size_bytes if whole is not None else -1  # up to here nothing needs to be asked
        self._make_read_through = read_through
        self._read_through: ReadThrough | None = None
        self._release = release
        self._stats = stats
        self._served = 0  # changed without a lock: one store, which no other thread can split
        self._lock = threading.Lock()
        self._closed = False

    @property
    def is_complete(self) -> bool:
        """True when every byte is in the local file."""
        return self.partial is None or self.partial.is_complete

    @property
    def is_closed(self) -> bool:
        """True after `close`."""
        return self._closed

    @property
    def path(self) -> str:
        """Where the data lies now; a sparse file under `partial/` until it is complete."""
        return self._path if self.partial is None else self.partial.path

    def fileno(self) -> int:
        """Return the descriptor of the local file, good until `close`. Holes read as zeros: use it when complete."""
        return self._descriptor if self.partial is None else self.partial.descriptor

    def is_present(self, start: int, stop: int) -> bool:
        """Tell whether the bytes [start, stop), which lie inside the file, are all local."""
        return self.partial is None or self.partial.is_present(start, stop)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes [start, stop), clamped at the end of the file, fetching what is missing.

        Raises:
            CacheStale: the remote file is another version by now.
            NotFound, AccessDenied, Unavailable, ShortRead: the storage could not give what is missing.
        """
        if start < stop <= self._local_stop:
            wanted = stop - start
            data = _pread(self._descriptor, wanted, start)
            if len(data) == wanted:
                self._served += wanted
                return data
        if self._closed:
            raise Cancelled(f"{self.info.key}: read after it was closed")
        stop = min(stop, self.info.size_bytes)
        if start >= stop:
            return b""
        if not self.is_present(start, stop):
            self.fetch(start, stop)
            if self._read_through is not None and not self.is_present(start, stop):
                return self._read_through.read(start, stop)
        data = self._read_local(start, stop)
        if len(data) == stop - start:
            if self.partial is not None and self.partial.is_complete and not self._closed:
                self._descriptor = self.partial.descriptor  # from now on nothing needs to be asked
                self._local_stop = self.info.size_bytes
            return data
        self._local_stop = -1
        return self._read_distrusting(start, stop)

    def read_available(self, start: int, stop: int) -> bytes | None:
        """Return the bytes [start, stop) clamped at the end, or None when some would have to be fetched."""
        stop = min(stop, self.info.size_bytes)
        if start >= stop:
            return b""
        if not self.is_present(start, stop):
            return None
        data = self._read_local(start, stop)
        return data if len(data) == stop - start else None

    def fetch(self, start: int, stop: int) -> None:
        """Return once the bytes [start, stop) are local; `read`'s errors.

        Where they do not fit into the cache it returns without them, and `read` goes to the storage from then on.
        """
        stop = min(stop, self.info.size_bytes)
        if self.partial is None or start >= stop or self._read_through is not None:
            return
        try:
            self.partial.fetch(start, stop)
        except ResourceExhausted as error:
            self._begin_read_through(error)

    def fetch_all(self) -> None:
        """Return once the file is complete and published, or once it is known not to fit (see `fetch`)."""
        self.fetch(0, self.info.size_bytes)

    def prefetch(self, start: int, stop: int) -> None:
        """Start fetching what is missing of [start, stop) in the background; failures show at the read."""
        stop = min(stop, self.info.size_bytes)
        if self.partial is not None and start < stop and self._read_through is None:
            self.partial.prefetch(start, stop)

    def close(self) -> None:
        """Give the handle back. Safe to call twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._local_stop = -1
        self._release(self)

    @property
    def served_bytes(self) -> int:
        """Bytes that `read` took from the local file."""
        return self._served

    def _begin_read_through(self, reason: Exception) -> None:
        with self._lock:
            if self._read_through is None:
                self._read_through = self._make_read_through()
                self._stats.add(read_throughs=1)
                _warn(reason)

    def _read_distrusting(self, start: int, stop: int) -> bytes:
        """Read after the local file turned out to be shorter than it was: from the storage, and never from it again."""
        error = Corrupt(f"{self.path}: the cached file was cut while it was open; it is read from the storage")
        if self.partial is not None:
            self.partial.distrust()
        self._begin_read_through(error)
        assert self._read_through is not None
        return self._read_through.read(start, stop)

    def _read_local(self, start: int, stop: int) -> bytes:
        descriptor = self.fileno()
        data = _pread(descriptor, stop - start, start)
        if len(data) < stop - start:
            pieces = [data]  # pread(2) gives at most 2 GiB, and less on a signal
            while data and start + sum(map(len, pieces)) < stop:
                position = start + sum(map(len, pieces))
                data = _pread(descriptor, stop - position, position)
                pieces.append(data)
            data = b"".join(pieces)
        self._served += len(data)
        return data


_warned_at = float("-inf")


def _warn(reason: Exception) -> None:
    """Say it now and then: on a full disk it is true of every file."""
    global _warned_at
    now = time.monotonic()
    level = logging.WARNING if now - _warned_at > _LOG_INTERVAL_S else logging.DEBUG
    if level == logging.WARNING:
        _warned_at = now
    _logger.log(level, "reading through the cache: %s", reason)
