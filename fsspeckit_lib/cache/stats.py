"""What the cache did since the process started."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields, replace

__all__ = ["CacheStats", "StatsCounter"]


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Counts since the start of this process, and the present size of the shared root.

    Attributes:
        hits: opens that found a complete copy.
        misses: opens that did not.
        bytes_from_cache: bytes handed out by `read` (passthrough reads never come here).
        bytes_from_remote: bytes downloaded, each once.
        downloads: GETs of data that were sent.
        evictions: copies removed to stay below the bounds.
        entries, size_bytes: what the root holds now, over all processes.
    """

    hits: int = 0
    misses: int = 0
    bytes_from_cache: int = 0
    bytes_from_remote: int = 0
    downloads: int = 0
    evictions: int = 0
    entries: int = 0
    size_bytes: int = 0


class StatsCounter:
    """Thread-safe running totals."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = {field.name: 0 for field in fields(CacheStats)}

    def add(self, **amounts: int) -> None:
        """Add to the named counters."""
        with self._lock:
            for name, amount in amounts.items():
                self._counts[name] += amount

    def snapshot(self, *, entries: int, size_bytes: int) -> CacheStats:
        """Return the totals, with the size of the root as the index has it."""
        with self._lock:
            return replace(CacheStats(**self._counts), entries=entries, size_bytes=size_bytes)
