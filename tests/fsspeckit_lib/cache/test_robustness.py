"""What may happen to the folder of a cache: found out, dropped, never served, never a crash."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from fsspeckit_lib.cache import Cache, CachedFile
from fsspeckit_lib.core.objects import ObjectInfo
from tests.fsspeckit_lib.cache.conftest import Setting

DATA = random.Random(61).randbytes(600_000)
KEYS = {f"d/{number}": DATA[number : 100_000 + number] for number in range(8)} | {"large": DATA}


def _fill(setting: Setting) -> dict[str, ObjectInfo]:
    infos = {}
    for key, data in KEYS.items():
        infos[key] = setting.put(key, data)
        file = setting.open(infos[key])
        assert file.read(0, 1 << 20) == data
        file.close()
    infos["part"] = setting.put("part", DATA[::-1])
    half = setting.open(infos["part"])
    half.read(0, 300_000)
    half.close()
    return infos


def _check(setting: Setting, infos: dict[str, ObjectInfo]) -> None:
    for key, info in infos.items():
        file = setting.open(info)
        assert file.read(0, 1 << 20) == (DATA[::-1] if key == "part" else KEYS[key])
        file.close()


@pytest.mark.parametrize("version", ["", "fsspeckit-cache 1\n", "fsspeckit-cache 99\n", "\0\xff garbage"])
def test_another_format_is_dropped_and_its_files_go(setting: Setting, version: str) -> None:
    infos = _fill(setting)
    setting.cache.close()
    (setting.root / "VERSION").write_text(version)
    stray = setting.root / "data" / "left" / "over"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"of another format")
    setting.cache = Cache(setting.config)
    assert setting.cache.stats().entries == 0
    setting.cache.sweep()
    assert not stray.exists()
    _check(setting, infos)


@pytest.mark.parametrize("seed", range(12))
def test_damage_anywhere_in_the_index(setting: Setting, seed: int) -> None:
    """Random bytes at a random place, a cut at a random place, both files of SQLite; also found only while running."""
    source = random.Random(seed)
    infos = _fill(setting)
    setting.cache.close()
    path = setting.root / "index.sqlite3"
    raw = bytearray(path.read_bytes())
    kind = seed % 4
    if kind == 0:
        raw[source.randrange(len(raw)) :] = b""
    elif kind == 1:
        for _ in range(20):
            place = source.randrange(len(raw))
            raw[place : place + 64] = source.randbytes(64)
    elif kind == 2:
        raw = bytearray(source.randbytes(len(raw)))
    else:
        raw[4096:] = source.randbytes(len(raw) - 4096)  # the header is right, the pages are not
    path.write_bytes(raw)
    setting.cache = Cache(setting.config)
    _check(setting, infos)
    _check(setting, infos)
    setting.reopen()
    _check(setting, infos)


def test_the_index_is_damaged_while_it_is_in_use(setting: Setting) -> None:
    infos = _fill(setting)
    opened = setting.open(infos["part"])
    connection = setting.cache.index.database.connection
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA cache_size = 0")
    path = setting.root / "index.sqlite3"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(random.Random(1).randbytes(size - 4096))
    setting.cache._memo.clear()
    _check(setting, infos)
    assert opened.read(0, 1 << 20) == DATA[::-1]
    opened.close()
    assert setting.cache.stats().entries > 0
    _check(setting, infos)


def test_the_folder_is_removed_while_it_is_in_use(setting: Setting) -> None:
    infos = _fill(setting)
    opened = setting.open(infos["large"])
    shutil.rmtree(setting.root)
    _check(setting, infos)
    assert opened.read(0, 1 << 20) == DATA
    opened.close()


@pytest.mark.parametrize("damage", ["edit", "cut", "same time"])
def test_a_sparse_file_that_was_changed_is_fetched_again(setting: Setting, damage: str) -> None:
    infos = _fill(setting)
    setting.cache.close()
    (sparse,) = (path for path in (setting.root / "partial").iterdir() if path.suffix != ".map")
    status = sparse.stat()
    if damage == "cut":
        os.truncate(sparse, 1000)
    else:
        with sparse.open("r+b") as file:
            file.write(b"edited")
    if damage == "same time":
        other = sparse.with_name("other")
        shutil.copy2(sparse, other)
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        other.rename(sparse)
    setting.cache = Cache(setting.config)
    _check(setting, infos)


def test_a_map_that_is_cut_while_it_is_open(setting: Setting) -> None:
    info = setting.put("large", DATA)
    file = setting.open(info)
    assert file.read(0, 300_000) == DATA[:300_000]
    (presence,) = (setting.root / "partial").glob("*.map")
    os.truncate(presence, 3)
    assert file.read(0, 300_000) == DATA[:300_000]
    assert file.read(0, 1 << 20) == DATA
    file.close()
    assert setting.copy_of("large").read_bytes() == DATA


def test_a_sparse_file_that_is_cut_while_it_is_open(setting: Setting) -> None:
    info = setting.put("large", DATA)
    file = setting.open(info)
    assert file.read(0, 300_000) == DATA[:300_000]
    os.truncate(file.path, 1000)
    assert file.read(0, 300_000) == DATA[:300_000]
    assert file.read(0, 1 << 20) == DATA
    file.close()
    _reads(setting.open(info), DATA)


def test_a_complete_copy_that_is_cut_while_it_is_open(setting: Setting) -> None:
    info = setting.put("large", DATA)
    _reads(setting.open(info), DATA)
    file = setting.open(info)
    os.truncate(file.path, 1000)
    _reads(file, DATA)
    _reads(setting.open(info), DATA)


def test_an_edit_that_restores_the_time_is_noticed(setting: Setting) -> None:
    info = setting.put("f", DATA)
    _reads(setting.open(info), DATA)
    copy = setting.copy_of("f")
    status = copy.stat()
    with copy.open("r+b") as file:
        file.write(b"edited")
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    _reads(setting.open(info), DATA)


def test_a_link_is_not_followed(setting: Setting, tmp_path: Path) -> None:
    info = setting.put("f", DATA)
    _reads(setting.open(info), DATA)
    copy = setting.copy_of("f")
    other = tmp_path / "other"
    copy.rename(other)
    copy.symlink_to(other)
    _reads(setting.open(info), DATA)


@pytest.mark.parametrize("how", [["cp", "-a"], ["cp", "-r"]], ids=["cp -a", "cp -r"])
def test_a_copied_folder_is_not_believed(setting: Setting, how: list[str]) -> None:
    infos = _fill(setting)
    setting.cache.bind(setting.store).pin("d")
    setting.cache.close()
    moved = setting.root.with_name("moved")
    subprocess.run([*how, str(setting.root), str(moved)], check=True)
    for path in moved.rglob("*"):
        if path.is_file() and "data" in path.parts:
            os.truncate(path, path.stat().st_size // 2)  # as a copy that was torn
    shutil.rmtree(setting.root)
    moved.rename(setting.root)
    setting.cache = Cache(setting.config)
    assert setting.cache.stats().entries == 0
    assert len(setting.cache.index.bounds.pins()) == 1  # what was to be kept is still to be kept
    setting.cache.sweep()
    assert list((setting.root / "data").iterdir()) == []
    _check(setting, infos)


def test_a_moved_folder_is_the_same(setting: Setting) -> None:
    infos = _fill(setting)
    setting.cache.close()
    moved = setting.root.with_name("moved")
    setting.root.rename(moved)
    moved.rename(setting.root)
    setting.cache = Cache(setting.config)
    before = len(setting.store.reads)
    _check(setting, {key: info for key, info in infos.items() if key != "part"})
    assert len(setting.store.reads) == before


@pytest.mark.parametrize("synced", [True, False], ids=["clean end", "power cut"])
def test_a_new_boot(setting: Setting, synced: bool) -> None:
    infos = _fill(setting)
    setting.cache.close()
    index = sqlite3.connect(setting.root / "index.sqlite3")
    index.execute("UPDATE entries SET boot_id = 7" + ("" if synced else ", synced = 0"))
    index.commit()
    index.close()
    if not synced:  # what was not written comes back as zeros, or short
        for path in (setting.root / "data").rglob("*"):
            if path.is_file():
                status = path.stat()
                path.write_bytes(bytes(status.st_size))
    setting.cache = Cache(setting.config)
    assert setting.cache.stats().entries == (len(infos) if synced else 0)
    before = len(setting.store.reads)
    _check(setting, infos)
    fetched = sum(stop - start for _, start, stop in setting.store.reads[before:])
    assert (fetched < 310_000) == synced


@pytest.mark.parametrize("closed", ["never", "at once", "before another one"])
def test_files_of_a_crash_are_found_and_go(setting: Setting, closed: str) -> None:
    """A kill before a commit leaves a file that no row claims: the next one to open sweeps it, by itself.

    One that is closed before its sweep has ended leaves that to the next one, or to the one after the last.
    """
    infos = _fill(setting)
    setting.cache.close()
    orphan = setting.copy_of("d/0")
    index = sqlite3.connect(setting.root / "index.sqlite3")
    index.execute("DELETE FROM entries WHERE CAST(id AS TEXT) LIKE '%/d/0'")
    index.execute("UPDATE meta SET value = 0 WHERE name = 'clean'")
    index.commit()
    index.close()
    setting.cache = Cache(setting.config)
    if closed == "at once":
        setting.reopen()
    elif closed == "before another one":
        other = Cache(setting.config)
        setting.cache.close()
        other.close()
        setting.cache = Cache(setting.config)
    for _ in range(600):  # in the background, at once
        if not orphan.exists():
            break
        time.sleep(0.05)
    assert not orphan.exists()
    assert setting.copy_of("d/1").exists()
    _check(setting, infos)


def test_a_torn_file_in_the_place_of_a_copy_is_replaced(setting: Setting) -> None:
    """A small file is written in its place; what a kill in the middle left there is never read, nor written over."""
    info = setting.put("d/small", DATA[:9000])
    setting.copy_of("d/small").parent.mkdir(parents=True)
    setting.copy_of("d/small").write_bytes(DATA[:4096] + bytes(904))
    with setting.copy_of("d/small").open("rb") as torn:
        for fetched in (1, 1):
            _reads(setting.open(info), DATA[:9000])
            assert len(setting.store.reads) == fetched
        assert torn.read() == DATA[:4096] + bytes(904)
    assert setting.copy_of("d/small").read_bytes() == DATA[:9000]
    assert setting.cache.used_bytes() == 9000


def test_a_folder_in_the_place_of_a_small_copy_stays(setting: Setting) -> None:
    info = setting.put("d", DATA[:9000])
    (setting.copy_of("d") / "deep").mkdir(parents=True)
    _reads(setting.open(info), DATA[:9000])
    _reads(setting.open(info), DATA[:9000])
    assert (setting.copy_of("d") / "deep").is_dir()
    assert len(setting.store.reads) == 1


def _reads(file: CachedFile, data: bytes) -> None:
    assert file.read(0, 1 << 20) == data
    file.close()
