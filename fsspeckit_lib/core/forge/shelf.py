"""Blobs that came whole although a part was asked for, kept a while so that the next part costs no download.

Servers that ignore `Range` send a whole blob for every part of it. Small blobs are kept in memory, larger ones in
unnamed temporary files, both bounded; the one that was not used for longest goes first. One download of a blob at a
time: those who ask meanwhile wait for it.

Owner of a blob's bytes: its entry. Lock order: `_lock` is held only to look, never while bytes move.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["BlobShelf", "Landing"]

_IN_MEMORY_BYTES = 4 << 20


class Landing:
    """Where one download puts its bytes: in memory while they are few, then in an unnamed file."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._file: int | None = None
        self.size_bytes = 0

    def write(self, piece: bytes) -> None:
        """Append bytes."""
        self.size_bytes += len(piece)
        if self._file is None:
            self._pieces.append(piece)
            if self.size_bytes <= _IN_MEMORY_BYTES:
                return
            piece = b"".join(self._pieces)
            self._pieces = []
            self._file = _unnamed_file()
        view = memoryview(piece)
        while view:
            view = view[os.write(self._file, view) :]

    def restart(self) -> None:
        """Forget what came: the download starts again."""
        self.close()
        self.size_bytes = 0

    def read(self, start: int, stop: int) -> bytes:
        """Return bytes [start, stop)."""
        if self._file is None:
            if len(self._pieces) > 1:
                self._pieces = [b"".join(self._pieces)]
            return self._pieces[0][start:stop] if self._pieces else b""
        pieces = []
        while start < stop:
            piece = os.pread(self._file, stop - start, start)
            if not piece:
                break
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Give the memory or the file back."""
        self._pieces = []
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __del__(self) -> None:
        self.close()


@dataclass(slots=True)
class _Pending:
    done: threading.Event


class BlobShelf:
    """Whole blobs by name, at most `limit_bytes` of them together; the last one stays, whatever its size."""

    def __init__(self, limit_bytes: int = 1 << 30) -> None:
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Landing] = OrderedDict()
        self._pending: dict[str, _Pending] = {}

    def get(self, name: str) -> Landing | None:
        """Return the blob of that name if it is kept."""
        with self._lock:
            found = self._kept.get(name)
            if found is not None:
                self._kept.move_to_end(name)
            return found

    def get_or_load(self, name: str, load: Callable[[], Landing]) -> Landing:
        """Return the blob of that name, loading it where nobody else is at it. An error is only the loader's own."""
        while True:
            with self._lock:
                found = self._kept.get(name)
                if found is not None:
                    self._kept.move_to_end(name)
                    return found
                pending = self._pending.get(name)
                if pending is None:
                    mine = self._pending[name] = _Pending(threading.Event())
                    break
            pending.done.wait()
        try:
            landing = load()
            with self._lock:
                self._keep(name, landing)
            return landing
        finally:
            with self._lock:
                self._pending.pop(name, None)
            mine.done.set()

    def clear(self) -> None:
        """Forget everything; readers keep what they hold."""
        with self._lock:
            self._kept.clear()

    def _keep(self, name: str, landing: Landing) -> None:
        self._kept[name] = landing
        total = sum(kept.size_bytes for kept in self._kept.values())
        while total > self._limit_bytes and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            total -= dropped.size_bytes


def _unnamed_file() -> int:
    with tempfile.TemporaryFile(prefix="fsspeckit-blob-") as file:
        return os.dup(file.fileno())
