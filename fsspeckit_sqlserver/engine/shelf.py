"""Copies in the cache that queries read: opened once, named once for DuckDB, and shared while they are young.

DuckDB reads a copy through a link to its open descriptor (`/proc/self/fd/N`): an eviction removes the copy's name,
never its bytes, as long as a query reads it. Opening a copy, making its link and taking both away again costs 60 µs and
six system calls, each of which hands over the interpreter's lock; dashboards ask for the same files again at once. So a
file stays open for `KEEP_S` after it was opened, and is opened anew after that: the copy is checked again, and a copy
that the cache has evicted gives its bytes back to the disk.

Lock: `_lock` guards everything; no system call is made under it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final, Protocol

__all__ = ["KEEP_S", "Shelf", "Shelved"]

KEEP_S: Final = 10.0


class _OpenFile(Protocol):
    def fileno(self) -> int: ...

    def close(self) -> None: ...


class Shelved:
    """One open file: `path` is DuckDB's name of it."""

    __slots__ = ("file", "folder", "key", "on_close", "opened_at", "path", "uses")

    def __init__(
        self,
        key: Hashable,
        file: _OpenFile,
        path: str,
        folder: str | None,
        opened_at: float,
        on_close: Callable[[], None],
    ) -> None:
        self.key, self.file, self.path, self.folder = key, file, path, folder
        self.opened_at, self.on_close = opened_at, on_close
        self.uses = 1


class Shelf:
    """See the module. Thread-safe."""

    def __init__(
        self,
        folder: str,
        max_files: int,
        *,
        keep_s: float = KEEP_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin empty.

        Args:
            folder: for the links; exists, private to this process, contains no `=`.
            max_files: as many are kept; what is opened beyond that is closed after its use.
        """
        self.folder = folder
        self._max_files, self._keep_s, self._clock = max_files, keep_s, clock
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._kept: dict[Hashable, Shelved] = {}  # the oldest first
        self._timer: threading.Timer | None = None
        self._is_closed = False

    def borrow(self, keys: Sequence[Hashable]) -> list[Shelved | None]:
        """Return the young files of these keys, each to be given back; None where there is none."""
        oldest = self._clock() - self._keep_s
        with self._lock:
            found = [self._kept.get(key) for key in keys]
            for place, item in enumerate(found):
                if item is not None and item.opened_at > oldest:
                    item.uses += 1
                else:
                    found[place] = None
        return found

    def add(self, key: Hashable, file: _OpenFile, below: str, on_close: Callable[[], None] = lambda: None) -> Shelved:
        """Name an open file and keep it; it is to be given back, and closed by the shelf.

        Args:
            key: which content it is: the same content under the same `below`, always.
            below: the folders its path must end in, each with a slash after it.
            on_close: called when the shelf has closed it.

        Raises:
            OSError: the link cannot be made; the file is the caller's to close.
        """
        start = f"{self.folder}/f{next(self._numbers)}"
        folder = start if below else None
        path = f"{start}/{below}0.parquet" if below else f"{start}.parquet"
        if below:
            os.makedirs(f"{start}/{below}", mode=0o700)
        os.symlink(f"/proc/self/fd/{file.fileno()}", path)
        item = Shelved(key, file, path, folder, self._clock(), on_close)
        with self._lock:
            if len(self._kept) < self._max_files and not self._is_closed:
                before = self._kept.pop(key, None)  # too old, or opened by two at once: closed after its last use
                self._kept[key] = item
                self._wait()
            else:
                before = None
        self._close([before] if before is not None and not before.uses else [])
        return item

    def give_back(self, items: Iterable[Shelved]) -> None:
        """End the use of files."""
        unused = []
        with self._lock:
            for item in items:
                item.uses -= 1
                if not item.uses and self._kept.get(item.key) is not item:
                    unused.append(item)
        self._close(unused)

    def clear(self) -> bool:
        """Close what nobody uses, and return whether there was something."""
        with self._lock:
            unused = [item for item in self._kept.values() if not item.uses]
            for item in unused:
                del self._kept[item.key]
        self._close(unused)
        return bool(unused)

    def close(self) -> None:
        """Close what nobody uses, and keep nothing any more."""
        with self._lock:
            self._is_closed = True
            timer, self._timer = self._timer, None
            unused = [item for item in self._kept.values() if not item.uses]
            self._kept.clear()
        if timer is not None:
            timer.cancel()
        self._close(unused)

    def expire(self) -> None:
        """Let go of the files that are not young any more."""
        oldest = self._clock() - self._keep_s
        with self._lock:
            old = list(itertools.takewhile(lambda item: item.opened_at <= oldest, self._kept.values()))
            for item in old:
                del self._kept[item.key]
            self._timer = None
            self._wait()
        self._close([item for item in old if not item.uses])

    def _wait(self) -> None:
        """Come back when the oldest has had its time. Call with the lock held."""
        if self._kept and self._timer is None and not self._is_closed:
            self._timer = threading.Timer(self._keep_s, self.expire)
            self._timer.daemon = True
            self._timer.start()

    def _close(self, items: Sequence[Shelved]) -> None:
        for item in items:
            with contextlib.suppress(OSError):  # the folder is gone with the engine
                if item.folder is None:
                    os.unlink(item.path)
                else:
                    shutil.rmtree(item.folder)
            item.file.close()
            item.on_close()
