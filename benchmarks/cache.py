"""The cache: hits, misses, cold reads and random reads, each against what does the same without it, on SeaweedFS.

The miss at a million entries is measured in a root whose index was written directly, in the cache's own schema. Larger
is better everywhere; a goal "≤ 1.5 × the peer's time" stands as a ratio of rates "≥ 0.67".
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import obstore

from benchmarks.report import Row, row_of
from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

__all__ = ["run"]

_SMALL_BYTES = 4096
_HITS = 5000
_MISSES = 300
_RANDOM_READS, _RANDOM_BYTES, _RANDOM_THREADS = 500, 8192, 8


def run(quick: bool) -> list[Row]:
    """Return the rows of the cache's table."""
    runs = 3 if quick else 5
    large_bytes = (128 if quick else 1024) << 20
    entries = 100_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory(prefix="fsspeckit-bench-") as root, SeaweedFS.start(f"{root}/s3") as server:
        server.create_bucket("bench")
        store = open_store("s3://bench", server.storage_options())
        assert isinstance(store, ObstoreObjects)
        for number in range(_MISSES):
            obstore.put(store.native, f"small/{number:04}", random.randbytes(_SMALL_BYTES))
        with open(f"{root}/large", "wb") as file:
            for _ in range(large_bytes >> 20):
                file.write(random.randbytes(1 << 20))
        with open(f"{root}/large", "rb") as file:
            obstore.put(store.native, "large", file, max_concurrency=2)
        os.unlink(f"{root}/large")
        rows = [*_hits(root, store, runs), *_misses(root, store, runs, entries)]
        rows += [_cold(root, store, large_bytes, runs), *_random(root, store, runs)]
        return [*rows, *_start(f"{root}/many", entries)]


@contextlib.contextmanager
def _cache(folder: str) -> Iterator[Cache]:
    cache = Cache(CacheConfig(folder, max_size_bytes=1 << 40))
    try:
        yield cache
    finally:
        cache.close()


def _info(store: ObstoreObjects, key: str) -> ObjectInfo:
    entry = store.stat(key)
    assert isinstance(entry, ObjectInfo)
    return entry


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _hits(root: str, store: ObstoreObjects, runs: int) -> list[Row]:
    """Open, read 4 KB, close; the path of a complete copy; a read inside an open file."""
    info = _info(store, "small/0000")
    with _cache(f"{root}/hits") as cache:
        first = cache.open(store, info)
        first.fetch_all()
        path, descriptor = first.path, first.fileno()

        def ours() -> None:
            for _ in range(_HITS):
                handle = cache.open(store, info)
                handle.read(0, _SMALL_BYTES)
                handle.close()

        def plain() -> None:
            for _ in range(_HITS):
                opened = os.open(path, os.O_RDONLY)
                os.pread(opened, _SMALL_BYTES, 0)
                os.close(opened)

        def paths() -> None:
            for _ in range(_HITS):
                cache.complete_path(store, info)

        def reads() -> None:
            for _ in range(_HITS):
                first.read(0, _SMALL_BYTES)

        def preads() -> None:
            for _ in range(_HITS):
                os.pread(descriptor, _SMALL_BYTES, 0)

        kinds = (ours, plain, paths, reads, preads)
        times: list[list[float]] = [[] for _ in kinds]
        for turn in range(runs + 1):
            for number, kind in enumerate(kinds):
                seconds = _seconds(kind) / _HITS
                if turn:
                    times[number].append(seconds)
        first.close()
    hit_us, path_us = statistics.median(times[0]) * 1e6, statistics.median(times[2]) * 1e6
    return [
        Row("hit: open, read 4 KB, close", hit_us, "µs", 12 / hit_us, "12 µs", 1.0, runs),
        row_of("hit: open, read 4 KB, close", "1/s", _rates(times[0]), _rates(times[1]), "os.open, pread, close"),
        Row("path of a complete copy", path_us, "µs", 5 / path_us, "5 µs", 1.0, runs),
        row_of("read of 4 KB inside an open file", "1/s", _rates(times[3]), _rates(times[4]), "os.pread", 1 / 1.3),
    ]


def _rates(seconds: list[float]) -> list[float]:
    return [1 / found for found in seconds]


def _misses(root: str, store: ObstoreObjects, runs: int, entries: int) -> list[Row]:
    """A first read of 4 KB against obstore's bare GET, in an empty index and in a large one.

    Each turn reads under names of its own. A turn that begins with the eviction of the last one's copies also measures
    the disk: ext4 without a journal looks at every inode of the group that was freed in the last seconds.
    """
    infos = [_info(store, f"small/{number:04}") for number in range(_MISSES)]
    fill_root(f"{root}/many", entries)
    fill_root(f"{root}/few", 100)
    names = itertools.count()
    rows = []
    for what, folder, evicts in (
        ("miss of 4 KB, 100 entries", f"{root}/few", False),
        (f"miss of 4 KB, {entries:,} entries", f"{root}/many", False),
        ("miss of 4 KB just after evictions", f"{root}/few", True),
    ):
        ours, peers = [], []
        with _cache(folder) as cache:
            for turn in range(runs + 1):
                name = next(names)
                renamed = ObstoreObjects(store.native, store.url, (*store.namespace, f"as-{name}"))

                def miss(cache: Cache = cache, renamed: ObstoreObjects = renamed) -> None:
                    for info in infos:
                        handle = cache.open(renamed, info)
                        handle.read(0, _SMALL_BYTES)
                        handle.close()

                def bare() -> None:
                    for info in infos:
                        obstore.get_range(store.native, info.key, start=0, end=_SMALL_BYTES)

                if evicts:
                    miss()
                    cache.bind(renamed).evict("small")
                mine, theirs = _seconds(miss), _seconds(bare)
                if turn:
                    ours.append(_MISSES / mine)
                    peers.append(_MISSES / theirs)
        rows.append(row_of(what, "1/s", ours, peers, "obstore's GET", None if evicts else 1 / 1.5))
    return rows


def _cold(root: str, store: ObstoreObjects, large_bytes: int, runs: int) -> Row:
    """The whole of a large object into the cache, against parallel ranged GETs to a file (the best of three)."""
    info = _info(store, "large")
    ours, peers = [], []

    def native(parts: int, part_bytes: int) -> float:
        path = f"{root}/native"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        try:

            def fetch(start: int) -> None:
                stop = min(start + part_bytes, large_bytes)
                os.pwrite(descriptor, obstore.get_range(store.native, "large", start=start, end=stop), start)

            def everything() -> None:
                with ThreadPoolExecutor(parts) as pool:
                    list(pool.map(fetch, range(0, large_bytes, part_bytes)))

            return large_bytes / 1e6 / _seconds(everything)
        finally:
            os.close(descriptor)
            os.unlink(path)

    for _ in range(runs):
        peers.append(max(native(4, 16 << 20), native(8, 8 << 20), native(16, 8 << 20)))
        with _cache(f"{root}/cold") as cache:
            handle = cache.open(store, info)
            ours.append(large_bytes / 1e6 / _seconds(handle.fetch_all))
            handle.close()
        shutil.rmtree(f"{root}/cold")
    return row_of(f"cold {large_bytes >> 20} MiB into the cache", "MB/s", ours, peers, "obstore to a file", 0.9)


def _random(root: str, store: ObstoreObjects, runs: int) -> list[Row]:
    """500 reads of 8 KB at random places of a large object, eight at once: their rate, and the bytes they cost."""
    info = _info(store, "large")
    source = random.Random(1)
    starts = [source.randrange(info.size_bytes - _RANDOM_BYTES) for _ in range(_RANDOM_READS)]
    ours, peers, fetched = [], [], []

    def in_parallel(read: Callable[[int], object]) -> float:
        with ThreadPoolExecutor(_RANDOM_THREADS) as pool:
            return _RANDOM_READS / _seconds(lambda: list(pool.map(read, starts)))

    for _ in range(runs):
        peers.append(in_parallel(lambda at: obstore.get_range(store.native, "large", start=at, end=at + _RANDOM_BYTES)))
        with _cache(f"{root}/random") as cache:
            handle = cache.open(store, info)
            read = handle.read
            ours.append(in_parallel(lambda at, read=read: read(at, at + _RANDOM_BYTES)))  # type: ignore[misc]
            fetched.append(cache.stats().bytes_from_remote / (_RANDOM_READS * _RANDOM_BYTES))
            handle.close()
        shutil.rmtree(f"{root}/random")
    amplification = statistics.median(fetched)
    return [
        row_of("random 8 KB of a large object", "1/s", ours, peers, "obstore's 8 KB GETs", 0.5),
        Row("random 8 KB: fetched ÷ asked", amplification, "×", 2 / amplification, "2 ×", 1.0, runs),
    ]


_START = """
import sys, time
from fsspeckit_lib.cache import Cache, CacheConfig
started = time.perf_counter()
cache = Cache(CacheConfig(sys.argv[1], max_size_bytes=1 << 40))
cache.stats()
seconds = time.perf_counter() - started
memory_kb = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(seconds, memory_kb)
cache.close()
"""


def _start(folder: str, entries: int) -> list[Row]:
    """Opening a root with that many entries, in a process of its own: time, its memory, and what an entry costs."""
    found = [
        subprocess.run(
            [sys.executable, "-c", _START, folder], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(3)
    ]
    seconds = statistics.median(float(words[0]) for words in found)
    memory_mb = statistics.median(int(words[1]) / 1000 for words in found)
    per_entry = os.stat(f"{folder}/index.sqlite3").st_size / entries
    return [
        Row(f"start with {entries:,} entries", seconds * 1000, "ms", 1 / seconds, "1 s", 1.0, 3),
        Row("memory of that process", memory_mb, "MB", 100 / memory_mb, "100 MB", 1.0, 3),
        Row("index, bytes an entry", per_entry, "B", 1.0, "itself", None, 1),
    ]


def fill_root(folder: str, entries: int) -> None:
    """Write the rows of so many complete copies into a root, without their files."""
    with _cache(folder):
        pass
    connection = sqlite3.connect(f"{folder}/index.sqlite3")
    (boot,) = connection.execute("SELECT value FROM meta WHERE name = 'boot'").fetchone()
    connection.executemany(
        "INSERT INTO entries VALUES (?, ?, ?, 1, 4096, ?, 1, 1, ?, ?, 1, 0, 4096, 1, ?, 0)",
        (
            (
                f"s3/elsewhere/folder-{number % 1000:04}/part-{number:09}.parquet".encode(),
                f'4096:"{number:032x}"',
                f"data/s3/elsewhere/folder-{number % 1000:04}/part-{number:09}.parquet".encode(),
                number,
                float(number),
                boot,
                f'"{number:032x}"',
            )
            for number in range(entries)
        ),
    )
    connection.commit()
    connection.close()
