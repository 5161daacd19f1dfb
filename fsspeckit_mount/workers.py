"""Threads for what blocks: as many as are waiting, none when nothing is.

A stalled storage makes every answer wait, and a fixed pool of threads would then be used up by the first files that
stall. So threads are started when none is idle and end after a while without work; a thread that waits costs its stack
only. Jobs may carry a key (an inode): at most `per_key` jobs of one key run at once, the others of that key queue, so
one slow file cannot take all threads either.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Workers"]

_log = logging.getLogger(__name__)

Job: TypeAlias = Callable[[], None]


class Workers:
    """An elastic pool. `submit` never waits."""

    def __init__(self, name: str, limit: int, *, per_key: int = 16, idle_s: float = 20.0) -> None:
        self._name = name
        self._limit = limit
        self._per_key = per_key
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[tuple[Job, int] | None] = queue.SimpleQueue()
        self._closed = False
        self._threads = 0
        self._free = 0  # threads that are waiting for a job, less the jobs that are waiting for a thread
        self._running: dict[int, int] = {}
        self._held: dict[int, deque[Job]] = {}

    @property
    def thread_count(self) -> int:
        """Threads alive now."""
        return self._threads

    def submit(self, job: Job, key: int = 0) -> None:
        """Run `job` in some thread soon. Key 0 is no key."""
        with self._lock:
            if key:
                running = self._running.get(key, 0)
                if running >= self._per_key:
                    self._held.setdefault(key, deque()).append(job)
                    return
                self._running[key] = running + 1
            start = self._enqueue(job, key)
        if start:
            self._start_thread()

    def close(self) -> None:
        """Let every thread end once it has nothing to do; what was submitted is still run."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._jobs.put(None)

    def _enqueue(self, job: Job, key: int) -> bool:
        self._jobs.put((job, key))
        self._free -= 1
        if self._free >= 0 or self._threads >= self._limit:
            return False
        self._threads += 1
        self._free += 1
        return True

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                taken = self._jobs.get(timeout=0.0 if self._closed else self._idle_s)
            except queue.Empty:
                taken = None
            if taken is None:
                with self._lock:
                    if self._free <= 0:
                        continue  # a job came just now and counts on this thread
                    self._free -= 1
                    self._threads -= 1
                    return
            job, key = taken
            try:
                job()
            except BaseException:  # noqa: BLE001 - a job answers its errors itself; what comes here is a defect
                _log.exception("a job of the %s workers failed", self._name)
            with self._lock:
                self._free += 1
                start = self._finished(key) if key else False
            if start:
                self._start_thread()

    def _finished(self, key: int) -> bool:
        held = self._held.get(key)
        if held:
            job = held.popleft()
            if not held:
                del self._held[key]
            return self._enqueue(job, key)
        self._running[key] -= 1
        if not self._running[key]:
            del self._running[key]
        return False
