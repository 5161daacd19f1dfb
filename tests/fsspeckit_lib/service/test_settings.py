"""fsspeckit.yaml: what is right is taken, what is wrong is named with its place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fsspeckit_lib.errors import BadInput, GatewayError, InvalidValue, NotFound, UnknownName
from fsspeckit_lib.service.settings import Settings, cache_config, load_settings, parse_option_pairs
from tests.fsspeckit_lib.storage_options.leaks import shown_with_locals

EXAMPLE = """
storages:
  lake: {protocol: s3, bucket: analytics, endpoint_url: "${TEST_ENDPOINT}", access_key_id: "${TEST_KEY:-nobody}",
         secret_access_key: x}
  here: {protocol: file, path: /srv/data}
cache: {root: /var/cache/fsspeckit, max_size: 50GiB, min_free: 5%}
mounts:
  - {storage: lake, path: raw/, mountpoint: /mnt/lake, read_only: true, attr_ttl: 500ms}
sqlserver:
  listen: 127.0.0.1:5433
  tables: {sales.trips: {storage: lake, path: datasets/trips/, partitioning: hive}}
  schemas: {raw: {storage: lake, path: datasets/}}
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Settings]:
    def write_and_load(text: str) -> Settings:
        path = tmp_path / "fsspeckit.yaml"
        path.write_text(text)
        return load_settings(str(path))

    return write_and_load


def test_the_example_of_the_documentation(load: Callable[[str], Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ENDPOINT", "http://127.0.0.1:8333")
    settings = load(EXAMPLE)
    assert settings.mounts[0].attr_ttl_s == 0.5
    assert settings.sqlserver.tables["sales.trips"].partitioning == "hive"
    store = settings.open_path("lake", "raw/", {})
    assert store.url == "s3://analytics/raw"
    assert store.namespace == ("s3-127.0.0.1-8333", "analytics", "raw")
    assert settings.open_source("here", {}).url == "file:///srv/data"
    config = cache_config(settings, None, None)
    assert config.root == "/var/cache/fsspeckit"
    assert config.max_size_bytes == 50 << 30
    assert config.min_free_bytes > 0
    assert cache_config(settings, "/elsewhere", 7).root == "/elsewhere"
    assert cache_config(settings, "/elsewhere", 7).max_size_bytes == 7


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("cach: 1", UnknownName, "unknown key 'cach'; did you mean 'cache'"),
        ("mounts: [{storage: a, mountpont: b}]", UnknownName, "mounts.0: unknown key 'mountpont'; did you mean"),
        ("sqlserver: {tables: {t: {storag: x}}}", UnknownName, "sqlserver.tables.t: unknown key 'storag'"),
        ("mounts: [{storage: a}]", InvalidValue, "mounts.0.mountpoint"),
        ("cache: {max_size: 5x}", InvalidValue, "cache.max_size: size: found '5x'"),
        ("cache: {min_free: 200%}", InvalidValue, "min_free"),
        ("mounts: [{storage: a, mountpoint: b, attr_ttl: soon}]", InvalidValue, "attr_ttl"),
        ("storages: {x: {bucket: b}}", BadInput, "storages.x: found no protocol"),
        ("storages: {x: {protocol: s33}}", UnknownName, "storages.x: unknown scheme 's33'; did you mean 's3'?"),
        ("storages: {x: {protocol: s3, bukcet: b}}", UnknownName, "storages.x: AwsStorageOptions: unknown option"),
        ("storages: {x: {protocol: sftp, host: h, prot: 22}}", UnknownName, "did you mean 'port'?"),
        ("storages: {x: {protocol: az, container: c, timeout: soon}}", InvalidValue, "storages.x"),
        ("storages: {x: {endpoint_url: '${NOT_SET_ANYWHERE}'}}", BadInput, "x: endpoint_url: ${NOT_SET_ANYWHERE}"),
        ("a: [", BadInput, "no valid YAML"),
        ("- 1", BadInput, "found a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    load: Callable[[str], Settings], text: str, kind: type[GatewayError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        load(text)
    assert words in str(caught.value)
    assert "fsspeckit.yaml" in str(caught.value)


def test_a_missing_file_is_said() -> None:
    with pytest.raises(NotFound, match="configuration file /nope"):
        load_settings("/nope")


def test_a_secret_in_the_file_is_not_shown(load: Callable[[str], Settings]) -> None:
    settings = load("storages: {lake: {protocol: s3, bucket: b, secret_access_key: hunter2}}")
    assert "hunter2" not in repr(settings)
    with pytest.raises(InvalidValue) as caught:
        load("storages: {lake: {protocol: s3, bucket: b, secret_access_key: hunter2, timeout_s: soon}}")
    assert "storages.lake" in str(caught.value)
    shown = shown_with_locals(caught.value)
    assert "storages.lake" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(("source", "words"), [("lak", "did you mean 'lake'"), ("s4://x", "did you mean 's3'")])
def test_sources_that_name_nothing(load: Callable[[str], Settings], source: str, words: str) -> None:
    settings = load("storages: {lake: {protocol: s3, bucket: b}}")
    with pytest.raises(BadInput) as caught:
        settings.open_source(source, {})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("storage", "url", "namespace"),
    [
        ("{protocol: s3, bucket: b, path: p/q}", "s3://b/p/q/sub", ("s3", "b", "p", "q", "sub")),
        ("{protocol: GCS, bucket: b}", "gs://b/sub", ("gs", "b", "sub")),
        ("{protocol: abfss, container: c, account_name: a}", "az://c/sub", ("az-a", "c", "sub")),
        ("{protocol: az, url: abfss://c@a.dfs.core.windows.net/p}", "az://c/p/sub", ("az-a", "c", "p", "sub")),
        ("{protocol: file, path: /srv}", "file:///srv/sub", None),
    ],
)
def test_where_a_storage_is(
    load: Callable[[str], Settings], monkeypatch: pytest.MonkeyPatch, storage: str, url: str,
    namespace: tuple[str, ...] | None,
) -> None:  # fmt: skip
    for name in [*os.environ]:
        if name.startswith(("AWS_", "GOOGLE_", "AZURE_", "STORAGE_")):
            monkeypatch.delenv(name)
    store = load(f"storages: {{it: {storage}}}").open_path("it", "sub", {})
    assert store.url == url
    assert namespace is None or store.namespace == namespace


def test_flags_win_over_the_file(load: Callable[[str], Settings]) -> None:
    settings = load("storages: {lake: {protocol: s3, bucket: b, endpoint_url: 'http://127.0.0.1:1'}}")
    for name in ("endpoint_url", "endpoint"):
        store = settings.open_source("lake", {name: "http://127.0.0.1:2"})
        assert store.namespace[0] == "s3-127.0.0.1-2"


def test_option_pairs() -> None:
    assert parse_option_pairs(["a=1,b=x=y", "c"]) == {"a": "1", "b": "x=y", "c": "true"}
    with pytest.raises(BadInput, match="name=value"):
        parse_option_pairs(["=1"])
