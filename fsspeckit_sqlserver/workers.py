"""The threads that answer clients: as many as are busy at once, kept when they are done.

`concurrent.futures` makes a Future for each piece of work, which nobody here asks for: 15 µs of a 40 µs answer.

Lock: `_lock` guards `_idle`, `_threads` and `_is_closed`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

__all__ = ["WorkerPool"]


class WorkerPool:
    """See the module. Work is handed over in order; it catches its own errors."""

    def __init__(self, max_threads: int, name: str) -> None:
        """Begin without a thread."""
        self._max_threads, self._name = max_threads, name
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._is_closed = False

    def submit(self, work: Callable[[], None]) -> None:
        """Let a thread do it, now or when one is free. Nothing is done after `shutdown`."""
        with self._lock:
            if self._is_closed:
                return
            if self._idle > 0:
                self._idle -= 1
            elif len(self._threads) < self._max_threads:
                thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            else:
                self._idle -= 1  # owed: whoever is done next goes on with it
        self._waiting.put(work)

    def shutdown(self) -> None:
        """Wait until everything that was submitted is done, and end the threads."""
        with self._lock:
            self._is_closed = True
            threads = list(self._threads)
        for _ in threads:
            self._waiting.put(None)
        for thread in threads:
            thread.join()

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            work()
            del work  # an idle thread keeps no connection alive
            with self._lock:
                self._idle += 1
