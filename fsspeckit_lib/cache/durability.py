"""When a published copy counts as durable: after the file system that holds it was synced as a whole.

One syncfs(2) covers every copy published before it, where an fdatasync each costs a journal commit per file (0.7 ms for
1 MiB, measured). Until then a copy counts only within the running boot.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading

from fsspeckit_lib.cache.index import CacheIndex

__all__ = ["Syncer"]

_logger = logging.getLogger(__name__)

_INTERVAL_S = 15.0


class Syncer:
    """A thread that now and then writes the uses, and syncs the root's file system when there is something new."""

    def __init__(self, root: str, index: CacheIndex) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._pending: list[tuple[bytes, str, int]] = []
        self._stopping = threading.Event()
        self._descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="cache-sync", daemon=True)
        self._thread.start()

    def add(self, entry_id: bytes, version: str, inode: int) -> None:
        """Remember a copy that was published just now."""
        with self._lock:
            self._pending.append((entry_id, version, inode))

    def close(self) -> None:
        """Sync what is left and end the thread."""
        self._stopping.set()
        self._thread.join()
        os.close(self._descriptor)

    def _run(self) -> None:
        while not self._stopping.wait(_INTERVAL_S):
            self._sync()
        self._sync()

    def _sync(self) -> None:
        with self._lock:
            covered, self._pending = self._pending, []
        try:
            self._index.write_uses()
        except Exception:
            _logger.exception("what was used last could not be written; eviction goes by older uses")
        if not covered:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(self._descriptor) != 0:  # since Linux 5.8 it reports failed writes
            reason = os.strerror(ctypes.get_errno())
            _logger.warning("the cache could not be synced (%s); after a power cut it will be fetched again", reason)
            return
        try:
            self._index.mark_synced(covered)
        except Exception:
            _logger.exception("the cache's index could not be written; after a power cut it will be fetched again")
