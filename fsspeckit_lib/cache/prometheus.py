"""The cache's counters for Prometheus: a collector over `Cache.stats()`, for a registry of `prometheus_client`.

That package is the optional extra `metrics`; this module is imported by whoever has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from fsspeckit_lib.cache.stats import LATENCY_BOUNDS_S, CacheStats

__all__ = ["CacheCollector"]

_COUNTERS = {
    "hits": "Opens that found a complete copy",
    "misses": "Opens that did not",
    "bytes_from_cache": "Bytes read from local copies (kernel passthrough is not seen)",
    "bytes_from_remote": "Bytes downloaded",
    "failed_downloads": "Downloads that failed",
    "evictions": "Copies removed to stay below the bounds",
    "confirmations": "Requests that asked whether a version still holds",
    "stale_serves": "Answers and copies that could not be confirmed during an outage",
    "read_throughs": "Handles that found no room in the cache",
}
_GAUGES = {
    "in_flight": "Downloads under way",
    "entries": "Objects in the cache, over all processes",
    "size_bytes": "Bytes that count against the limit, over all processes",
    "pinned_bytes": "Bytes that eviction leaves alone, over all processes",
}


class CacheCollector(Collector):
    """Yields the families `fsspeckit_cache_…`. Register it: `REGISTRY.register(CacheCollector(cache.stats))`."""

    def __init__(self, stats: Callable[[], CacheStats]) -> None:
        self._stats = stats

    def collect(self) -> Iterable[Metric]:
        """Take one snapshot and yield its families."""
        stats = self._stats()
        for name, words in _COUNTERS.items():
            yield CounterMetricFamily(f"fsspeckit_cache_{name}", words, value=getattr(stats, name))
        for name, words in _GAUGES.items():
            yield GaugeMetricFamily(f"fsspeckit_cache_{name}", words, value=getattr(stats, name))
        buckets: list[tuple[str, float]] = []
        total = 0
        for bound, count in zip([*map(str, LATENCY_BOUNDS_S), "+Inf"], stats.download_counts, strict=True):
            total += count
            buckets.append((bound, total))
        yield HistogramMetricFamily(
            "fsspeckit_cache_download_seconds", "How long downloads took", buckets=buckets, sum_value=stats.download_s
        )
