"""Fetching ahead for all open files at once, within one budget.

A `Prefetcher` says which span a handle will want; here it is fetched, in parts of at most `part_bytes`. Parts of all
files take turns, at most `per_file` of one file at a time, and together they never have more than `budget_bytes` in
flight: that bounds the memory, whatever is open. What is queued is not claimed: a reader who needs such bytes now
fetches them itself, so a file that stalls costs the others their prefetch at worst, never their reads.

Thread-safe; the lock is held for queue operations only. Threads are started when there is work and end without it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from typing import NamedTuple, TypeAlias

from fsspeckit_lib.errors import GatewayError
from fsspeckit_mount.vfs.handles import HandleTable, OpenFile

__all__ = ["Readahead"]

_log = logging.getLogger(__name__)

Span: TypeAlias = tuple[int, int]


class _Job(NamedTuple):
    """One part on its way."""

    opened: OpenFile
    span: Span


class Readahead:
    """The queue of a mount. A budget of 0 fetches nothing ahead."""

    def __init__(self, handles: HandleTable, budget_bytes: int, part_bytes: int = 16 << 20, per_file: int = 4) -> None:
        self._handles = handles
        self._budget_bytes = budget_bytes
        self._part_bytes = min(part_bytes, max(budget_bytes // 4, 1 << 20))
        self._per_file = per_file
        self._lock = threading.Lock()
        self._queues: OrderedDict[OpenFile, deque[Span]] = OrderedDict()  # whose turn is next comes first
        self._running: dict[OpenFile, int] = {}
        self._in_flight_bytes = 0
        self._closed = False

    @property
    def in_flight_bytes(self) -> int:
        """Bytes that are being fetched ahead now."""
        return self._in_flight_bytes

    def ask(self, opened: OpenFile, start: int, stop: int) -> None:
        """Begin to fetch [start, stop) when its turn comes, and return."""
        with self._lock:
            if self._closed or not self._budget_bytes:
                return
            queue = self._queues.setdefault(opened, deque())
            while start < stop:
                end = min(stop, start - start % self._part_bytes + self._part_bytes)
                queue.append((start, end))
                start = end
            jobs = self._take()
        self._start(jobs)

    def drop(self, opened: OpenFile) -> None:
        """Fetch nothing more for a file that nobody has open any more."""
        with self._lock:
            self._queues.pop(opened, None)

    def close(self) -> None:
        """Begin nothing more. What is in flight ends by itself."""
        with self._lock:
            self._closed = True
            self._queues.clear()

    def _take(self) -> list[_Job]:
        """Return the parts that may begin now, counted as running."""
        jobs: list[_Job] = []
        for opened in list(self._queues):
            queue = self._queues[opened]
            while queue and self._running.get(opened, 0) < self._per_file:
                start, stop = queue[0]
                if self._in_flight_bytes and self._in_flight_bytes + stop - start > self._budget_bytes:
                    return jobs
                if not self._handles.hold(opened):  # closed meanwhile
                    queue.clear()
                    break
                queue.popleft()
                self._in_flight_bytes += stop - start
                self._running[opened] = self._running.get(opened, 0) + 1
                jobs.append(_Job(opened, (start, stop)))
            del self._queues[opened]
            if queue:
                self._queues[opened] = queue  # the others come first next time
        return jobs

    def _start(self, jobs: list[_Job]) -> None:
        for job in jobs:
            threading.Thread(target=self._work, args=(job,), name="readahead", daemon=True).start()

    def _work(self, job: _Job | None) -> None:
        while job is not None:
            self._fetch(job)
            start, stop = job.span
            with self._lock:
                self._in_flight_bytes -= stop - start
                self._running[job.opened] -= 1
                if not self._running[job.opened]:
                    del self._running[job.opened]
                jobs = self._take()
            self._handles.leave(job.opened)
            job = jobs.pop() if jobs else None
            self._start(jobs)

    def _fetch(self, job: _Job) -> None:
        start, stop = job.span
        try:
            if not job.opened.local.is_present(start, stop):
                job.opened.local.fetch(start, stop)
        except (GatewayError, OSError) as error:  # whoever reads these bytes meets it again; OSError: at the very end
            _log.debug("%s: [%d, %d) was not fetched ahead: %s", job.opened.info.key, start, stop, error)
        except Exception:  # noqa: BLE001 - the edge of a thread; the reader meets it again
            _log.exception("%s: fetching ahead failed", job.opened.info.key)
