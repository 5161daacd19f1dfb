"""`cache:` of fsspeckit.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsspeckit_lib.cache import Quota
from fsspeckit_lib.errors import BadInput, GatewayError, InvalidValue, UnknownName
from fsspeckit_lib.service.settings import Settings, cache_config, load_settings

EXAMPLE = """
storages:
  here: {protocol: file, path: /srv/data}
cache:
  root: /var/cache/fsspeckit
  max_size: 50GiB
  min_free: 5%
  max_age: 30d
  quotas: {here: 10GiB, "file:///srv/other": 1GiB}
  when_offline: serve-stale
  attr_ttl: 5s
  dir_ttl: 1m
  negative_ttl: 500ms
"""


def _load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "fsspeckit.yaml"
    path.write_text(text)
    return load_settings(str(path))


def test_every_key_reaches_the_cache(tmp_path: Path) -> None:
    config = cache_config(_load(tmp_path, EXAMPLE), str(tmp_path / "cache"), None)
    assert config.max_size_bytes == 50 << 30
    assert config.max_age_s == 30 * 86400
    assert config.quotas == (
        Quota(("file", "srv", "data"), 10 << 30, "here"),
        Quota(("file", "srv", "other"), 1 << 30, "file:///srv/other"),
    )
    assert config.when_offline == "serve-stale"
    assert (config.attribute_ttl_s, config.listing_ttl_s, config.absence_ttl_s) == (5, 60, 0.5)


def test_a_quota_of_a_url_holds_where_a_storage_reaches_it_elsewhere(tmp_path: Path) -> None:
    storages = (
        "storages:\n"
        "  lake: {protocol: s3, bucket: analytics, endpoint_url: 'http://127.0.0.1:9000', anonymous: true}\n"
        "  raw: {protocol: s3, bucket: analytics, path: raw, endpoint_url: 'http://127.0.0.1:9001', anonymous: true}\n"
        "  other: {protocol: s3, bucket: analytics-2, endpoint_url: 'http://127.0.0.1:9002', anonymous: true}\n"
    )
    settings = _load(tmp_path, storages + "cache: {quotas: {'s3://analytics/raw/x': 1GiB}}")
    quotas = cache_config(settings, str(tmp_path), None).quotas
    assert quotas is not None
    assert [quota.namespace[1:] for quota in quotas] == [("analytics", "raw", "x")] * 3
    assert [quota.namespace[0].rpartition("-")[2] for quota in quotas][1:] == ["9000", "9001"]


def test_without_quotas_those_of_the_root_stay(tmp_path: Path) -> None:
    assert cache_config(_load(tmp_path, "cache: {}"), str(tmp_path), None).quotas is None
    assert cache_config(_load(tmp_path, "cache: {quotas: {}}"), str(tmp_path), None).quotas == ()


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("cache: {max_sise: 1GiB}", UnknownName, "cache: unknown key 'max_sise'; did you mean 'max_size'"),
        ("cache: {when_ofline: fail}", UnknownName, "did you mean 'when_offline'"),
        ("cache: {max_ages: 1d}", UnknownName, "did you mean 'max_age'"),
        ("cache: {when_offline: maybe}", InvalidValue, "cache.when_offline"),
        ("cache: {quotas: {here: much}}", InvalidValue, "cache.quotas.here: size: found 'much'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, text: str, kind: type[GatewayError], words: str) -> None:
    with pytest.raises(kind) as caught:
        _load(tmp_path, text)
    assert words in str(caught.value)


def test_a_quota_of_an_unknown_storage_is_named(tmp_path: Path) -> None:
    settings = _load(tmp_path, "storages: {lake: {protocol: file, path: /x}}\ncache: {quotas: {lack: 1GiB}}")
    with pytest.raises(BadInput, match=r"cache\.quotas: .*'lack'; did you mean 'lake'"):
        cache_config(settings, str(tmp_path), None)
