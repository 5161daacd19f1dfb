"""What the cache did since the process started."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

__all__ = ["LATENCY_BOUNDS_S", "CacheStats", "StatsCounter"]

LATENCY_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets of `CacheStats.download_counts`; the last bucket has none."""


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Counts since the start of this process, and the present size of the shared root.

    Attributes:
        hits: opens that found a complete copy.
        misses: opens that did not.
        bytes_from_cache: bytes handed out by `read` (passthrough reads never come here); of an open handle once closed.
        bytes_from_remote: bytes downloaded, each once.
        downloads: GETs of data that were answered.
        failed_downloads: GETs of data that failed.
        in_flight: GETs of data under way now.
        evictions: copies removed to stay below the bounds, or because of their age.
        confirmations: requests that asked the storage whether a version still holds.
        stale_serves: answers and opened copies that could not be confirmed during an outage.
        read_throughs: handles that found no room, and read from the storage itself.
        download_s: seconds spent in downloads, over all threads.
        download_counts: downloads by how long they took, for the bounds in `LATENCY_BOUNDS_S` and above.
        entries, size_bytes, pinned_bytes: what the root holds now, over all processes.
    """

    hits: int = 0
    misses: int = 0
    bytes_from_cache: int = 0
    bytes_from_remote: int = 0
    downloads: int = 0
    failed_downloads: int = 0
    in_flight: int = 0
    evictions: int = 0
    confirmations: int = 0
    stale_serves: int = 0
    read_throughs: int = 0
    download_s: float = 0.0
    download_counts: tuple[int, ...] = field(default=(0,) * (len(LATENCY_BOUNDS_S) + 1))
    entries: int = 0
    size_bytes: int = 0
    pinned_bytes: int = 0


_COUNTED = [found.name for found in fields(CacheStats) if found.type == "int"]


class StatsCounter:
    """Thread-safe running totals."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(_COUNTED, 0)
        self._download_s = 0.0
        self._latencies = [0] * (len(LATENCY_BOUNDS_S) + 1)

    def add(self, **amounts: int) -> None:
        """Add to the named counters."""
        with self._lock:
            for name, amount in amounts.items():
                self._counts[name] += amount

    def add_hit(self) -> None:
        """Count a hit: `add` for the one counter that is in a hurry."""
        with self._lock:
            self._counts["hits"] += 1

    def add_download(self, seconds: float, size_bytes: int | None) -> None:
        """Count a GET that has ended; None bytes: it failed."""
        with self._lock:
            counts = self._counts
            counts["in_flight"] -= 1
            if size_bytes is None:
                counts["failed_downloads"] += 1
                return
            counts["downloads"] += 1
            counts["bytes_from_remote"] += size_bytes
            self._download_s += seconds
            self._latencies[bisect.bisect_left(LATENCY_BOUNDS_S, seconds)] += 1

    def snapshot(self, **present: int) -> CacheStats:
        """Return the totals, with the size of the root as the index has it."""
        with self._lock:
            counts: Mapping[str, Any] = {**self._counts, **present}
            return replace(CacheStats(**counts), download_s=self._download_s, download_counts=tuple(self._latencies))
