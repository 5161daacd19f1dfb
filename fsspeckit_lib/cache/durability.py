"""When a copy counts as durable: after the file system that holds it was synced as a whole.

One syncfs(2) covers every copy published before it, where an fdatasync each costs a journal commit per file (0.7 ms for
1 MiB, measured). Until then a copy counts only within the running boot. The same thread does what else may wait: it
writes uses and what was learned of the storage, removes what is too old, and sweeps files without a row.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Callable, Sequence

from fsspeckit_lib.cache.index import CacheIndex

__all__ = ["Keeper"]

_logger = logging.getLogger(__name__)

_INTERVAL_S = 15.0


class Keeper:
    """A thread that keeps the root in order now and then."""

    def __init__(self, root: str, index: CacheIndex, chores: Sequence[Callable[[], object]]) -> None:
        """Prepare it.

        Args:
            chores: called in turn at the start, every 15 s, and at the end; a failure is logged.
        """
        self._index = index
        self._chores = chores
        self._lock = threading.Lock()
        self._pending: list[tuple[bytes, str, int, int]] = []
        self._stopping = threading.Event()
        self._descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="cache-keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_stopping(self) -> bool:
        """True once the end was asked for: a long chore breaks off."""
        return self._stopping.is_set()

    def add(self, entry_id: bytes, version: str, status: os.stat_result) -> None:
        """Remember a copy that was published, or put down, just now."""
        with self._lock:
            self._pending.append((entry_id, version, status.st_ino, status.st_mtime_ns))

    def close(self) -> None:
        """Sync what is left and end the thread."""
        self._stopping.set()
        self._thread.join()
        os.close(self._descriptor)

    def _run(self) -> None:
        self._do_chores()
        while not self._stopping.wait(_INTERVAL_S):
            self._do_chores()
            self._sync()
        self._do_chores()
        self._sync()

    def _do_chores(self) -> None:
        for chore in self._chores:
            try:
                chore()
            except Exception as error:  # noqa: BLE001 - the edge of this thread: nobody waits for it
                _logger.warning("the cache could not be kept in order: %s", error)

    def _sync(self) -> None:
        with self._lock:
            covered, self._pending = self._pending, []
        if not covered:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(self._descriptor) != 0:  # since Linux 5.8 it reports failed writes
            reason = os.strerror(ctypes.get_errno())
            _logger.warning("the cache could not be synced (%s); after a power cut it will be fetched again", reason)
            return
        try:
            self._index.mark_synced(covered)
        except Exception as error:  # noqa: BLE001 - the edge of this thread
            _logger.warning("the cache's index could not be written (%s); after a power cut it is fetched again", error)
