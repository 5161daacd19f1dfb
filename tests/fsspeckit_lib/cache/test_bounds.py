"""Cap, free space, quotas, pins and age: enforced before bytes are fetched, and over all who use the root."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsspeckit_lib.cache import Cache, CacheConfig, Quota
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import Conflict, ResourceExhausted
from tests.fsspeckit_lib.cache.conftest import Setting

DATA = random.Random(11).randbytes(400_000)


def _fetch(setting: Setting, key: str, size: int = 100_000) -> ObjectInfo:
    info = setting.put(key, DATA[:size])
    file = setting.open(info)
    assert file.read(0, size) == DATA[:size]
    file.close()
    return info


def _with(setting: Setting, **changes: object) -> None:
    setting.config = dataclasses.replace(setting.config, **changes)  # type: ignore[arg-type]
    setting.reopen()


def _cached(setting: Setting) -> list[str]:
    return [key for key, row, _, _ in setting.cache.bind(setting.store).entries() if row.complete]


def test_a_quota_holds_for_its_storage_alone(setting: Setting) -> None:
    namespace = (*setting.store.namespace, "small")
    _with(setting, quotas=(Quota(namespace, 250_000, "small"),))
    for name in "abcd":
        _fetch(setting, f"small/{name}")
        _fetch(setting, f"large/{name}")
    assert _cached(setting) == ["large/a", "large/b", "large/c", "large/d", "small/c", "small/d"]
    assert [use.size_bytes for use in setting.cache.index.bounds.quotas()] == [200_000]


def test_a_quota_holds_for_every_process_that_uses_the_root(setting: Setting) -> None:
    _fetch(setting, "q/a")
    quota = Quota((*setting.store.namespace, "q"), 250_000, "q")
    other = Cache(dataclasses.replace(setting.config, quotas=(quota,)))  # counts what was there before
    assert [use.size_bytes for use in other.index.bounds.quotas()] == [100_000]
    for name in "bcd":  # by the one that was never told of it
        _fetch(setting, f"q/{name}")
    assert _cached(setting) == ["q/c", "q/d"]
    other.close()
    setting.reopen()
    assert [use.name for use in setting.cache.index.bounds.quotas()] == ["q"]
    _with(setting, quotas=())
    assert setting.cache.index.bounds.quotas() == []


def test_what_exceeds_a_quota_is_read_through(setting: Setting) -> None:
    _with(setting, quotas=(Quota(setting.store.namespace, 50_000, "all"),))
    _fetch(setting, "f")
    assert setting.cache.stats().entries == 0


def test_pinned_copies_stay_and_count(setting: Setting) -> None:
    _with(setting, max_size_bytes=350_000)
    storage = setting.cache.bind(setting.store)
    _fetch(setting, "keep/a")
    storage.pin("keep")
    for name in "bcdef":
        _fetch(setting, name)
    assert _cached(setting) == ["e", "f", "keep/a"]
    _fetch(setting, "keep/g")  # what comes below a pinned folder is pinned
    assert setting.cache.stats().pinned_bytes == 200_000
    setting.put("big/x", DATA[:200_000])
    with pytest.raises(ResourceExhausted, match=r"200000 bytes to pin and 200000 bytes pinned before exceed .* 350000"):
        storage.pin("big")
    with pytest.raises(Conflict, match="pinned with its folder"):
        storage.unpin("keep/a")
    assert storage.evict("") == (1, 100_000, 2)
    assert storage.unpin("") == 1
    assert setting.cache.stats().pinned_bytes == 0
    assert storage.evict("")[0] == 2
    assert list(setting.copy_of("keep").glob("*")) == []


def test_when_only_pins_are_left_the_rest_is_read_through(setting: Setting) -> None:
    _with(setting, max_size_bytes=150_000)
    _fetch(setting, "p")
    setting.cache.bind(setting.store).pin("p")
    _fetch(setting, "other")
    assert _cached(setting) == ["p"]
    assert setting.cache.stats().read_throughs == 1


def test_pins_outlive_a_restart_and_a_new_version(setting: Setting) -> None:
    _fetch(setting, "p")
    setting.cache.bind(setting.store).pin("p")
    setting.reopen()
    _fetch(setting, "p", 120_000)
    assert setting.cache.stats().pinned_bytes == 120_000


def test_what_nobody_used_for_long_goes_but_not_a_pinned_copy(setting: Setting) -> None:
    for name in ("old", "pinned", "new"):
        _fetch(setting, name)
    setting.cache.bind(setting.store).pin("pinned")
    setting.cache.close()
    index = sqlite3.connect(setting.root / "index.sqlite3")
    index.execute("UPDATE entries SET used_at = ? WHERE CAST(id AS TEXT) NOT LIKE '%/new'", (time.time() - 3600,))
    index.commit()
    index.close()
    setting.config = dataclasses.replace(setting.config, max_age_s=1800.0)
    setting.cache = Cache(setting.config)
    deadline = time.monotonic() + 20
    while "old" in _cached(setting):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert _cached(setting) == ["new", "pinned"]
    assert not setting.copy_of("old").exists()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 4 MB of its own."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a tmpfs")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)  # a failed test may hold files open


def test_a_full_disk_is_read_through(setting: Setting, small_disk: Path) -> None:
    contents = {f"f{number}": random.Random(number).randbytes(300_000) for number in range(6)}
    contents |= {f"s{number}": random.Random(number).randbytes(9_000) for number in range(6)}
    for key, data in contents.items():
        setting.put(key, data)
    config = CacheConfig(str(small_disk / "cache"), min_free_bytes=0, part_bytes=64 << 10, whole_bytes=16 << 10)
    cache = Cache(config)
    filler = (small_disk / "filler").open("wb", buffering=0)

    def read_all() -> None:
        for key, data in contents.items():
            file = cache.open(setting.store, setting.info(key))
            assert file.read(0, 1 << 20) == data
            assert file.read(5, 17) == data[5:17]
            file.close()

    disk = os.statvfs(small_disk)
    filler.write(bytes(disk.f_bavail * disk.f_frsize - 700_000))  # room for two of the six
    read_all()
    with contextlib.suppress(OSError):
        while True:  # and now for nothing at all
            filler.write(bytes(4096))
    read_all()
    assert cache.complete_path(setting.store, setting.info("f5")) is None
    filler.truncate(0)
    read_all()
    assert cache.complete_path(setting.store, setting.info("f5")) is not None
    filler.close()
    cache.close()


def _fill(small_disk: Path) -> Path:
    path = small_disk / "filler"
    with path.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))
    return path


@pytest.mark.parametrize("has_reserve", [True, False])
def test_a_cache_is_opened_and_emptied_on_a_full_disk(setting: Setting, small_disk: Path, has_reserve: bool) -> None:
    infos = {f"f{number}": setting.put(f"f{number}", DATA[:300_000]) for number in range(4)}
    root = small_disk / "cache"
    config = CacheConfig(str(root), min_free_bytes=0, part_bytes=64 << 10, whole_bytes=16 << 10)
    cache = Cache(config)
    for key in ("f0", "f1"):
        file = cache.open(setting.store, infos[key])
        file.fetch_all()
        file.close()
    cache.close()
    if not has_reserve:
        (root / "reserve").unlink()
    filler = _fill(small_disk)
    cache = Cache(config)
    for info in infos.values():
        file = cache.open(setting.store, info)
        assert file.read(0, 1 << 20) == DATA[:300_000]
        file.close()
    assert cache.index.database.is_volatile is not has_reserve
    assert bool(cache.stats().evictions) == has_reserve  # what was read last took the place of others, whole or in part
    if has_reserve:
        for key in infos:
            cache.bind(setting.store).evict(key)
        assert cache.used_bytes() == 0
    filler.unlink()
    cache._keep_index()
    if not has_reserve:  # what was claimed before is there again
        assert cache.complete_path(setting.store, infos["f1"]) is not None
    file = cache.open(setting.store, infos["f2"])
    file.fetch_all()
    assert file.is_complete
    file.close()
    cache.close()
    assert (root / "reserve").exists()


def test_a_new_cache_on_a_full_disk_reads_through_until_there_is_room(setting: Setting, small_disk: Path) -> None:
    info = setting.put("f", DATA[:300_000])
    filler = _fill(small_disk)
    cache = Cache(CacheConfig(str(small_disk / "cache"), min_free_bytes=0, part_bytes=64 << 10))
    file = cache.open(setting.store, info)
    assert file.read(0, 1 << 20) == DATA[:300_000]
    file.close()
    filler.unlink()
    cache._keep_index()
    file = cache.open(setting.store, info)
    file.fetch_all()
    assert file.is_complete
    file.close()
    cache.close()
    assert (small_disk / "cache" / "VERSION").exists()
    cache = Cache(cache.config)
    assert cache.complete_path(setting.store, info) is not None
    cache.close()


def test_min_free_keeps_the_disk_free(setting: Setting, small_disk: Path) -> None:
    cache = Cache(CacheConfig(str(small_disk / "cache"), min_free_bytes=3_000_000, part_bytes=64 << 10))
    for number in range(8):
        info = setting.put(f"f{number}", DATA[:300_000])
        file = cache.open(setting.store, info)
        assert file.read(0, 300_000) == DATA[:300_000]
        file.close()
        disk = os.statvfs(small_disk)
        assert disk.f_bavail * disk.f_frsize > 2_700_000  # less what the index itself takes
    cache.close()
