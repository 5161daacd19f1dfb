"""An open file of the cache: whole, on its way, or read through, behind one face."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from fsspeckit_lib.cache.partial import PartialFile
from fsspeckit_lib.cache.readthrough import ReadThrough
from fsspeckit_lib.cache.stats import StatsCounter
from fsspeckit_lib.cache.whole import WholeFile
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import ResourceExhausted

__all__ = ["CachedFile"]

_logger = logging.getLogger(__name__)


class CachedFile:
    """One open handle on one version of one object. Every method may be called from any thread.

    The bytes are always those of `info`'s version: a remote change shows as CacheStale, never as a mixture. The
    descriptor stays good when the copy is evicted or replaced meanwhile.
    """

    def __init__(
        self,
        info: ObjectInfo,
        *,
        whole: tuple[int, str] | None,
        partial: PartialFile | WholeFile | None,
        read_through: Callable[[], ReadThrough],
        fits: bool,
        release: Callable[[CachedFile], None],
        stats: StatsCounter,
    ) -> None:
        """Build a handle; `Cache` does.

        Args:
            whole: descriptor and path of the complete copy; exactly one of `whole` and `partial` is given.
            fits: False for a file larger than the whole cache, which is read through from the start.
        """
        self.info = info
        self.partial = partial
        self._whole = whole
        self._make_read_through = read_through
        self._read_through = None if fits else read_through()
        self._release = release
        self._stats = stats
        self._lock = threading.Lock()
        self._closed = False

    @property
    def is_complete(self) -> bool:
        """True when every byte is in the local file."""
        return self._whole is not None or (self.partial is not None and self.partial.is_complete)

    @property
    def path(self) -> str:
        """Where the data lies now; a sparse file under `partial/` until it is complete."""
        if self._whole is not None:
            return self._whole[1]
        assert self.partial is not None
        return self.partial.path

    def fileno(self) -> int:
        """Return the descriptor of the local file, good until `close`. Holes read as zeros: use it when complete."""
        if self._whole is not None:
            return self._whole[0]
        assert self.partial is not None
        return self.partial.descriptor

    def is_present(self, start: int, stop: int) -> bool:
        """Tell whether the bytes [start, stop), which lie inside the file, are all local."""
        return self.partial is None or self.partial.is_present(start, stop)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes [start, stop), clamped at the end of the file, fetching what is missing.

        Raises:
            CacheStale: the remote file is another version by now.
            NotFound, AccessDenied, Unavailable, ShortRead: the storage could not give what is missing.
        """
        stop = min(stop, self.info.size_bytes)
        if start >= stop:
            return b""
        if not self.is_present(start, stop):
            self.fetch(start, stop)
            if self._read_through is not None and not self.is_present(start, stop):
                return self._read_through.read(start, stop)
        return self._pread(start, stop)

    def read_available(self, start: int, stop: int) -> bytes | None:
        """Return the bytes [start, stop) clamped at the end, or None when some would have to be fetched."""
        stop = min(stop, self.info.size_bytes)
        if start >= stop:
            return b""
        if not self.is_present(start, stop):
            return None
        return self._pread(start, stop)

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
            with self._lock:
                if self._read_through is None:
                    self._read_through = self._make_read_through()
                    _logger.warning("reading through the cache: %s", error)

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
        self._release(self)

    def _pread(self, start: int, stop: int) -> bytes:
        data = os.pread(self.fileno(), stop - start, start)
        self._stats.add(bytes_from_cache=len(data))
        if len(data) == stop - start:
            return data
        pieces = [data]  # pread(2) gives at most 2 GiB, and less on a signal
        while data and start + sum(map(len, pieces)) < stop:
            position = start + sum(map(len, pieces))
            data = os.pread(self.fileno(), stop - position, position)
            pieces.append(data)
        return b"".join(pieces)
