"""`fsspeckit cache …` as processes of their own, beside a process that has the same root open."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
import pytest

from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

COMMAND = os.path.join(sysconfig.get_path("scripts"), "fsspeckit")
DATA = random.Random(51).randbytes(700_000)


@dataclass
class Lake:
    """A configuration with one storage, and another process's view of the cache."""

    config: Path
    cache: Cache
    store: ObstoreObjects

    def run(self, *words: str, status: int = 0) -> str:
        """Run `fsspeckit cache …` and return what it printed."""
        command = [COMMAND, "cache", *words, "--config", str(self.config)]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert finished.returncode == status, finished.stderr
        assert "Traceback" not in finished.stderr
        return finished.stdout if status == 0 else finished.stderr

    def facts(self, *words: str) -> list[Any]:
        """Run with --json and return what it says."""
        return [json.loads(line) for line in self.run(*words, "--json").splitlines()]

    def info(self, key: str) -> ObjectInfo:
        """Return what the storage says."""
        entry = self.store.stat(key)
        assert isinstance(entry, ObjectInfo)
        return entry


@pytest.fixture
def lake(s3_server: SeaweedFS, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lake]:
    s3_server.create_bucket("commands")
    prefix = request.node.name.replace("[", "-").replace("]", "")
    store = open_store(f"s3://commands/{prefix}", s3_server.storage_options())
    assert isinstance(store, ObstoreObjects)
    for number in range(5):
        obstore.put(store.native, f"d/{number}", DATA[: 100_000 + number])
    obstore.put(store.native, "large", DATA)
    words = ", ".join(f"{name}: '{value}'" for name, value in s3_server.storage_options().items())
    config = tmp_path / "fsspeckit.yaml"
    config.write_text(
        f"storages: {{lake: {{protocol: s3, bucket: commands/{prefix}, {words}}}}}\n"
        f"cache: {{root: {tmp_path}/cache, max_size: 2MiB, min_free: 0, quotas: {{lake: 1800KiB}}}}\n"
    )
    cache = Cache(CacheConfig(str(tmp_path / "cache"), max_size_bytes=2 << 20, min_free_bytes=0))
    yield Lake(config, cache, store)
    cache.close()


def test_warm_status_ls_evict_clear(lake: Lake) -> None:
    (warmed,) = lake.facts("warm", "lake/d")
    assert (warmed["objects"], warmed["fetched"], warmed["failed"]) == (5, 5, {})
    assert "5 were here" in lake.run("warm", "lake/d")
    assert lake.cache.complete_path(lake.store, lake.info("d/3")) is not None  # the other process has it at once
    (status,) = lake.facts("status")
    assert (status["entries"], status["size_bytes"]) == (5, 500_010)
    assert status["quotas"] == [{"name": "lake", "size_bytes": 500_010, "max_size_bytes": 1800 << 10}]
    assert [row["name"].rpartition("/")[2] for row in lake.facts("ls")] == list("01234")
    assert [row["cached_bytes"] for row in lake.facts("ls", "lake/d/2")] == [100_002]
    assert "5 objects" in lake.run("status")
    assert "whole" in lake.run("ls", "lake")
    assert lake.facts("evict", "lake/d/2") == [{"removed": 1, "size_bytes": 100_002, "kept": 0}]
    assert lake.cache.complete_path(lake.store, lake.info("d/2")) is None
    footers = Path(lake.cache.config.root, "footers", "one.arrow")
    footers.parent.mkdir()
    footers.write_bytes(b"kept")
    assert "removed 4 copies" in lake.run("clear")
    assert not footers.parent.exists()
    assert lake.cache.used_bytes() == 0


def test_warm_says_what_did_not_stay(lake: Lake) -> None:
    for number in range(20):
        obstore.put(lake.store.native, f"many/{number:02}", DATA[:100_000])
    assert "2 objects made way for others" in lake.run("warm", "lake/many", status=1)
    assert lake.cache.used_bytes() == 18 * 100_000


def test_what_is_not_there_is_not_done(lake: Lake, tmp_path: Path) -> None:
    lake.run("warm", "lake/d")
    for verb in ("evict", "verify"):
        assert "nothing is cached there" in lake.run(verb, "lake/typo", status=1)
    command = [COMMAND, "cache", "verify", "--cache-dir", f"{tmp_path}/cache"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "found no URL" in done.stderr


def test_get_copies_what_the_cache_may_not_hold(lake: Lake, tmp_path: Path) -> None:
    data = DATA * 4
    obstore.put(lake.store.native, "huge", data)
    assert "name a TARGET" in lake.run("get", "lake/huge", status=1)
    lake.run("get", "lake/huge", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == data
    assert lake.cache.used_bytes() == 0


def test_get_answers_in_an_outage_as_configured(tmp_path: Path) -> None:
    config = tmp_path / "fsspeckit.yaml"
    command = [COMMAND, "cache", "get", "lake/a", "--config", str(config)]
    with SeaweedFS.start(tmp_path / "server") as server:
        server.create_bucket("outage")
        words = ", ".join(f"{name}: '{value}'" for name, value in server.storage_options().items())
        store = open_store("s3://outage", server.storage_options())
        assert isinstance(store, ObstoreObjects)
        store.put("a", DATA)
        config.write_text(
            f"storages: {{lake: {{protocol: s3, bucket: outage, max_retries: 0, {words}}}}}\n"
            f"cache: {{root: {tmp_path}/cache, min_free: 0, when_offline: serve-stale}}\n"
        )
        subprocess.run(command, check=True, timeout=60)
    path = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True).stdout.strip()
    assert Path(path).read_bytes() == DATA


def test_get_prints_the_path_or_copies(lake: Lake, tmp_path: Path) -> None:
    path = Path(lake.run("get", "lake/large").strip())
    assert path.read_bytes() == DATA
    assert path.is_relative_to(tmp_path / "cache" / "data")
    lake.run("get", "lake/large", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == DATA
    assert "is a folder" in lake.run("get", "lake/d", status=2)
    assert "not found" in lake.run("get", "lake/none", status=1)


def test_pins(lake: Lake) -> None:
    (pinned,) = lake.facts("pin", "lake/d")
    assert pinned["objects"] == pinned["fetched"] == 5
    (status,) = lake.facts("status")
    assert status["pinned_bytes"] == 500_010
    assert len(status["pins"]) == 1
    assert "5 stay because they are pinned" in lake.run("clear")
    obstore.put(lake.store.native, "huge/f", bytes(1_900_000))
    assert "exceed the cache's limit" in lake.run("pin", "lake/huge", status=1)
    lake.run("unpin", "lake/d")
    assert "nothing is pinned there" in lake.run("unpin", "lake/d", status=1)
    assert "removed 5 copies" in lake.run("clear")


def test_verify_finds_and_repairs(lake: Lake) -> None:
    lake.run("warm", "lake")
    file = lake.cache.open(lake.store, lake.info("large"))
    file.close()
    partial = obstore.put(lake.store.native, "partial", DATA[::-1])
    assert partial["e_tag"]
    handle = lake.cache.open(lake.store, lake.info("partial"))
    handle.read(300_000, 300_010)
    assert "7 right" in lake.run("verify", "lake")
    assert {found["how"] for found in lake.facts("verify", "lake")} == {"md5", "bytes"}
    os.pwrite(handle.fileno(), b"wrong", 300_000)  # in place, while it is open
    copy = lake.cache.complete_path(lake.store, lake.info("d/1"))
    assert copy is not None
    Path(copy).write_bytes(b"edited")
    obstore.put(lake.store.native, "d/2", b"another version")
    stray = Path(copy).with_name("stray")
    stray.write_bytes(b"nobody's")
    assert "2 copies are not what they should be" in lake.run("verify", status=1)
    said = lake.run("verify", "--repair")
    assert "1 changed, 1 orphaned, 1 outdated, 4 right, 1 wrong" in said
    handle.close()
    assert not stray.exists()
    assert "4 right" in lake.run("verify")


@pytest.mark.parametrize("command", ["status", "ls", "verify", "clear"])
def test_without_a_cache_it_says_so(command: str, tmp_path: Path) -> None:
    finished = subprocess.run(
        [COMMAND, "cache", command, "--cache-dir", str(tmp_path / "none")], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 1
    assert "there is no cache; see --cache-dir" in finished.stderr
    assert not (tmp_path / "none").exists()


def test_urls_and_paths_without_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "f").write_bytes(DATA)
    command = [COMMAND, "cache", "get", f"{tmp_path}/source/f", "--cache-dir", str(tmp_path / "cache")]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert Path(finished.stdout.strip()).read_bytes() == DATA
