"""What the cache promises, one promise a test. The remote is a real folder; faults come from a wrapper around it."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fsspeckit_lib.cache import Cache, CachedFile
from fsspeckit_lib.cache.config import BLOCK_BYTES
from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import CacheStale, Cancelled, GatewayError, Unavailable
from tests.fsspeckit_lib.cache.conftest import Setting

DATA = random.Random(1).randbytes(1_000_003)


def _everything(file: CachedFile) -> bytes:
    data = file.read(0, 1 << 40)
    file.close()
    return data


def test_the_copy_is_an_ordinary_file_at_the_keys_own_path(setting: Setting) -> None:
    info = setting.put("a/b c/ü.csv", DATA)
    with_handle = setting.open(info)
    with_handle.fetch_all()
    assert with_handle.is_complete
    copy = setting.copy_of("a/b c/ü.csv")
    assert with_handle.path == str(copy)
    assert copy.read_bytes() == DATA
    assert copy.stat().st_mtime_ns == info.mtime_ns
    assert str(copy).endswith("bucket/a/b c/ü.csv")
    with_handle.close()


def test_a_hit_asks_the_storage_nothing(setting: Setting) -> None:
    info = setting.put("f", DATA)
    assert _everything(setting.open(info)) == DATA
    setting.store.outage = Unavailable("the storage is away")
    before = len(setting.store.reads)
    hit = setting.open(info)
    assert hit.is_complete
    assert os.pread(hit.fileno(), len(DATA), 0) == DATA
    assert _everything(hit) == DATA
    assert len(setting.store.reads) == before
    assert setting.cache.stats().hits == 1


def test_a_bucket_and_its_folder_share_one_copy(setting: Setting) -> None:
    setting.put("folder/f", DATA)
    assert _everything(setting.open(setting.info("folder/f"))) == DATA
    folder = LocalObjects(str(setting.folder / "folder"))
    info = folder.stat("f")
    assert isinstance(info, ObjectInfo)
    file = setting.cache.open(folder, info)
    assert file.is_complete
    file.close()
    assert setting.cache.stats().entries == 1


def test_a_read_fetches_only_the_blocks_it_needs(setting: Setting) -> None:
    info = setting.put("f", DATA)
    file = setting.open(info)
    assert file.read(500_000, 500_010) == DATA[500_000:500_010]
    assert setting.store.reads == [("f", 122 * BLOCK_BYTES, 123 * BLOCK_BYTES)]
    assert file.read_available(500_000, 500_005) == DATA[500_000:500_005]
    assert file.read_available(0, 10) is None
    assert not setting.copy_of("f").exists()
    file.close()


def test_nothing_is_published_before_it_is_whole(setting: Setting) -> None:
    info = setting.put("f", DATA)
    file = setting.open(info)
    setting.store.fail_reads = [Unavailable("cut")]
    with pytest.raises(Unavailable):
        file.fetch_all()
    assert not setting.copy_of("f").exists()
    assert not file.is_complete
    assert setting.cache.complete_path(setting.store, info) is None
    assert _everything(file) == DATA  # a later read fetches what is missing
    assert setting.copy_of("f").read_bytes() == DATA


def test_a_cut_download_claims_nothing(setting: Setting) -> None:
    info = setting.put("f", DATA[:50_000])
    setting.store.cut_reads = 1
    file = setting.open(info)
    with pytest.raises(GatewayError):
        file.read(0, 50_000)
    assert file.read_available(0, 1) is None
    assert setting.cache.used_bytes() == 0
    assert _everything(file) == DATA[:50_000]


def test_an_empty_file_is_complete_at_once(setting: Setting) -> None:
    file = setting.open(setting.put("e", b""))
    assert file.is_complete
    assert file.read(0, 10) == b""
    assert setting.copy_of("e").stat().st_size == 0
    file.close()


def test_thirty_two_readers_make_one_download(setting: Setting) -> None:
    info = setting.put("f", DATA)
    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(lambda _: _everything(setting.open(info)), range(32)))
    assert set(results) == {DATA}
    fetched = sorted((start, stop) for _, start, stop in setting.store.reads)
    assert sum(stop - start for start, stop in fetched) == len(DATA)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(fetched))


def test_eight_staggered_readers_of_a_download_that_fails_first(setting: Setting) -> None:
    info = setting.put("f", DATA[:60_000])
    setting.store.fail_reads = [Unavailable("the first one fails")]
    outcomes: list[object] = []

    def read() -> None:
        file = setting.open(info)
        try:
            outcomes.append(file.read(0, 1 << 20))
        except Unavailable as error:
            outcomes.append(error)
        finally:
            file.close()

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
    assert len(errors) == 1  # the one whose own request failed
    assert all(outcome == DATA[:60_000] for outcome in outcomes if outcome not in errors)


def test_two_versions_are_never_mixed(setting: Setting) -> None:
    old = setting.put("f", DATA)
    file = setting.open(old)
    assert file.read(0, 10) == DATA[:10]
    changed = bytes(len(DATA))
    new = setting.put("f", changed)
    with pytest.raises(CacheStale, match="reopen"):
        file.read(500_000, 500_010)
    assert file.read(0, 10) == DATA[:10]  # what is here is still the version that was opened
    assert _everything(setting.open(new)) == changed
    file.close()


def test_an_open_complete_copy_survives_replacement_and_eviction(make_setting: Callable[..., Setting]) -> None:
    setting = make_setting(max_size_bytes=1_500_000)
    old = setting.put("f", DATA)
    file = setting.open(old)
    file.fetch_all()
    new = setting.put("f", DATA[::-1])
    assert _everything(setting.open(new)) == DATA[::-1]
    assert _everything(setting.open(setting.put("g", DATA))) == DATA  # evicts f
    assert not setting.copy_of("f").exists()
    assert _everything(file) == DATA


def test_the_cap_holds_and_the_least_recently_used_goes(make_setting: Callable[..., Setting]) -> None:
    setting = make_setting(max_size_bytes=350_000)
    infos = {name: setting.put(name, DATA[:100_000]) for name in "abcd"}
    for name in "abc":
        _everything(setting.open(infos[name]))
    _everything(setting.open(infos["a"]))  # used again
    _everything(setting.open(infos["d"]))
    assert [name for name in "abcd" if setting.copy_of(name).exists()] == ["a", "c", "d"]
    assert setting.cache.used_bytes() <= 350_000
    assert setting.cache.stats().evictions == 1
    assert _everything(setting.open(infos["b"])) == DATA[:100_000]


def test_a_file_larger_than_the_cache_is_read_through(make_setting: Callable[..., Setting]) -> None:
    setting = make_setting(max_size_bytes=200_000)
    kept = setting.put("kept", DATA[:100_000])
    _everything(setting.open(kept))
    file = setting.open(setting.put("large", DATA))
    file.fetch_all()
    assert not file.is_complete
    assert file.read(123_456, 654_321) == DATA[123_456:654_321]
    assert b"".join(file.read(start, start + 50_000) for start in range(0, len(DATA), 50_000)) == DATA
    file.close()
    assert setting.copy_of("kept").exists()  # nothing was evicted for it


def test_open_sparse_files_are_not_evicted_and_the_rest_reads_through(make_setting: Callable[..., Setting]) -> None:
    setting = make_setting(max_size_bytes=300_000)
    first = setting.open(setting.put("first", DATA[:200_000]))
    first.read(0, 190_000)
    second = setting.open(setting.put("second", DATA[:250_000]))
    assert second.read(0, 250_000) == DATA[:250_000]
    assert setting.cache.used_bytes() <= 300_000
    assert first.read(0, 200_000) == DATA[:200_000]
    first.close()
    second.close()


def test_the_index_survives_a_restart(setting: Setting) -> None:
    info = setting.put("f", DATA)
    _everything(setting.open(info))
    part = setting.put("part", DATA)
    half = setting.open(part)
    half.read(0, 500_000)
    half.close()
    setting.reopen()
    file = setting.open(info)
    assert file.is_complete
    file.close()
    before = len(setting.store.reads)
    half = setting.open(part)
    assert half.read_available(0, 500_000) == DATA[:500_000]
    assert _everything(half) == DATA
    assert min(start for _, start, _ in setting.store.reads[before:]) >= 490_000


@pytest.mark.parametrize("damage", ["edit", "truncate", "grow", "delete", "replace", "folder"])
def test_a_copy_changed_behind_its_back_is_fetched_again(setting: Setting, damage: str) -> None:
    info = setting.put("f", DATA)
    _everything(setting.open(info))
    copy = setting.copy_of("f")
    if damage == "edit":
        copy.write_bytes(bytes(len(DATA)))
    elif damage == "truncate":
        os.truncate(copy, 100)
    elif damage == "grow":
        os.truncate(copy, len(DATA) + 1)
    elif damage == "delete":
        copy.unlink()
    elif damage == "replace":
        other = copy.with_name("other")
        other.write_bytes(bytes(len(DATA)))
        os.utime(other, ns=(info.mtime_ns, info.mtime_ns))
        other.rename(copy)
    else:
        copy.unlink()
        copy.mkdir()
    assert _everything(setting.open(info)) == DATA


@pytest.mark.parametrize("damage", ["garbage", "empty", "future", "removed"])
def test_an_unusable_index_is_a_miss_never_a_crash(setting: Setting, damage: str) -> None:
    info = setting.put("f", DATA)
    _everything(setting.open(info))
    setting.cache.close()
    index = setting.root / "index.sqlite3"
    if damage == "garbage":
        index.write_bytes(b"not a database" * 1000)
    elif damage == "empty":
        index.write_bytes(b"")
    elif damage == "future":
        connection = sqlite3.connect(index)
        connection.execute("PRAGMA user_version = 99")
        connection.commit()
        connection.close()
    else:
        index.unlink()
    setting.reopen()
    assert _everything(setting.open(info)) == DATA
    assert setting.copy_of("f").read_bytes() == DATA


def test_another_format_of_the_root_is_a_miss(setting: Setting) -> None:
    info = setting.put("f", DATA)
    _everything(setting.open(info))
    setting.cache.close()
    (setting.root / "VERSION").write_text("fsspeckit-cache 99\n")
    setting.reopen()
    file = setting.open(info)
    assert not file.is_complete
    assert _everything(file) == DATA


def test_a_cache_copied_from_elsewhere_is_not_believed(setting: Setting) -> None:
    info = setting.put("f", DATA)
    _everything(setting.open(info))
    setting.cache.close()
    moved = setting.root.with_name("moved")
    shutil.copytree(setting.root, moved, copy_function=shutil.copy)  # other inodes, other times
    shutil.rmtree(setting.root)
    moved.rename(setting.root)
    setting.reopen()
    file = setting.open(info)
    assert not file.is_complete
    assert _everything(file) == DATA


def test_what_was_not_synced_ends_with_the_boot(setting: Setting) -> None:
    info = setting.put("f", DATA)
    _everything(setting.open(info))
    setting.cache.close()
    index = sqlite3.connect(setting.root / "index.sqlite3")
    index.execute("UPDATE entries SET boot_id = 'an earlier one', synced = 0")
    index.commit()
    index.close()
    setting.reopen()
    assert setting.cache.stats().entries == 0
    assert not setting.copy_of("f").exists()
    assert _everything(setting.open(info)) == DATA


def test_what_was_synced_outlives_the_boot(setting: Setting) -> None:
    info = setting.put("f", DATA)
    _everything(setting.open(info))
    setting.cache.close()  # waits for the sync
    index = sqlite3.connect(setting.root / "index.sqlite3")
    index.execute("UPDATE entries SET boot_id = 'an earlier one'")
    index.commit()
    index.close()
    setting.reopen()
    file = setting.open(info)
    assert file.is_complete
    file.close()


def test_a_key_that_is_a_file_and_a_folder(setting: Setting) -> None:
    one = setting.put("a", DATA[:100])
    assert _everything(setting.open(one)) == DATA[:100]
    (setting.folder / "a").unlink()
    two = setting.put("a/b", DATA[:200])
    assert _everything(setting.open(two)) == DATA[:200]
    shutil.rmtree(setting.folder / "a")
    three = setting.put("a", DATA[:300])
    assert _everything(setting.open(three)) == DATA[:300]
    file = setting.open(three)
    assert file.path.endswith("/%~+a")
    file.close()
    still = setting.open(two)
    assert still.is_complete
    still.close()


def test_prefetch_brings_what_comes_next(setting: Setting) -> None:
    info = setting.put("f", DATA)
    file = setting.open(info)
    file.prefetch(0, len(DATA))
    file.fetch(0, len(DATA))  # waits for the parts in flight, fetches none of them twice
    assert sum(stop - start for _, start, stop in setting.store.reads) == len(DATA)
    file.close()


def test_closing_drops_what_has_not_begun_and_never_waits(setting: Setting) -> None:
    info = setting.put("f", DATA)
    setting.store.gate.clear()
    file = setting.open(info)
    file.prefetch(0, len(DATA))
    file.close()  # the gate is shut: this would never return if it waited
    with pytest.raises(Cancelled):
        file.read(900_000, 900_010)
    setting.store.gate.set()
    setting.cache.close()
    assert len(setting.store.reads) <= setting.config.parallel_parts


def test_leftovers_of_a_crash_are_removed_at_the_next_start(setting: Setting) -> None:
    setting.cache.close()
    for name in ("partial/deadbeef", "partial/deadbeef.map"):
        (setting.root / name).write_bytes(b"x")
    setting.reopen()
    assert list((setting.root / "partial").iterdir()) == []


@pytest.mark.parametrize("is_open", [True, False])
def test_a_publication_that_was_killed_between_rename_and_commit(setting: Setting, is_open: bool) -> None:
    info = setting.put("f", DATA)
    first = setting.open(info)
    first.read(0, 500_000)
    if not is_open:
        first.close()
    setting.copy_of("f").parent.mkdir(parents=True)
    os.rename(
        next(path for path in (setting.root / "partial").iterdir() if path.suffix != ".map"), setting.copy_of("f")
    )
    other = Cache(setting.config)  # as another process sees it
    second = other.open(setting.store, info)
    assert second.read(0, 1 << 30) == DATA
    if is_open:
        assert first.read(0, 1 << 30) == DATA
        first.close()
    second.close()
    third = other.open(setting.store, info)
    assert _everything(third) == DATA
    other.close()
    assert setting.copy_of("f").read_bytes() == DATA
    assert list((setting.root / "partial").iterdir()) == []


def test_the_root_is_private(setting: Setting) -> None:
    assert setting.root.stat().st_mode & 0o777 == 0o700


def test_a_root_that_cannot_be_used_is_said(make_setting: Callable[..., Setting], tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file")
    with pytest.raises(GatewayError, match="cache folder"):
        make_setting()
