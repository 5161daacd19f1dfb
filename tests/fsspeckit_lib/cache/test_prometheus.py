"""The counters as Prometheus scrapes them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from fsspeckit_lib.cache.prometheus import CacheCollector
from tests.fsspeckit_lib.cache.conftest import Setting


def test_a_scrape_says_what_stats_says(setting: Setting) -> None:
    info = setting.put("f", bytes(10_000))
    for _ in range(3):
        file = setting.open(info)
        assert file.read(0, 10_000) == bytes(10_000)
        file.close()
    registry = CollectorRegistry()
    registry.register(CacheCollector(setting.cache.stats))
    families = {family.name: family for family in text_string_to_metric_families(generate_latest(registry).decode())}
    values = {name: family.samples[0].value for name, family in families.items() if len(family.samples) == 1}
    stats = setting.cache.stats()
    assert values["fsspeckit_cache_hits"] == stats.hits == 2
    assert values["fsspeckit_cache_misses"] == 1
    assert values["fsspeckit_cache_bytes_from_cache"] == stats.bytes_from_cache == 30_000
    assert values["fsspeckit_cache_bytes_from_remote"] == 10_000
    assert values["fsspeckit_cache_size_bytes"] == 10_000
    samples = {sample.name: sample.value for sample in families["fsspeckit_cache_download_seconds"].samples}
    assert samples["fsspeckit_cache_download_seconds_count"] == 1
    assert samples["fsspeckit_cache_download_seconds_sum"] == stats.download_s > 0
