"""Reading a file that does not fit into the cache: straight from the storage, with one window of memory.

A read that continues the one before fetches a whole window, any other read exactly its bytes. Requests on one handle
are serialised: this is the degraded mode, in which being right and bounded comes before being fast.
"""

from __future__ import annotations

import threading

from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore

__all__ = ["ReadThrough"]


class ReadThrough:
    """Bytes of one version of one object, nothing of them kept but the last window."""

    def __init__(self, store: ObjectStore, info: ObjectInfo, window_bytes: int) -> None:
        self._store = store
        self._info = info
        self._window_bytes = window_bytes
        self._lock = threading.Lock()
        self._start, self._window = 0, b""
        self._next_start = -1

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes [start, stop), which lie inside the object.

        Raises:
            CacheStale, NotFound, AccessDenied, Unavailable, ShortRead: as the storage says.
        """
        with self._lock:
            if not (self._start <= start and stop <= self._start + len(self._window)):
                end = stop
                if start == self._next_start:
                    end = min(max(stop, start + self._window_bytes), self._info.size_bytes)
                self._window = bytes(memoryview(self._store.read_range(self._info, start, end)))
                self._start = start
            self._next_start = stop
            return self._window[start - self._start : stop - self._start]
