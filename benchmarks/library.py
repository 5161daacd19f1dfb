"""The library: import time, and the data plane against obstore itself and against s3fs, on SeaweedFS.

Every run measures all contenders one after the other on the same server; larger is better everywhere.
"""

from __future__ import annotations

import asyncio
import http.client
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import obstore
import s3fs
from obstore.store import S3Store

from benchmarks.report import Row, row_of
from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

__all__ = ["run"]

_IMPORT_LIMIT_S = 0.150
_SMALL_OBJECTS, _SMALL_BYTES = 200, 4096
_HEADS = 100


def run(quick: bool) -> list[Row]:
    """Return the rows of the library's table."""
    runs = 3 if quick else 5
    return [
        _import_time(runs),
        *_data_plane(runs, (64 if quick else 256) << 20),
        *_listing(runs, 10_000 if quick else 100_000),
        _cache_hits(runs),
    ]


def _import_time(runs: int) -> Row:
    code = "import time; start = time.perf_counter(); import fsspeckit_lib; print(time.perf_counter() - start)"
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(runs)
    ]
    median_s = statistics.median(seconds)
    return Row(
        "import fsspeckit_lib", median_s * 1000, "ms", _IMPORT_LIMIT_S / median_s, "the limit of 150 ms", 1.0, runs
    )


def _data_plane(runs: int, large_bytes: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, SeaweedFS.start(folder) as server:
        server.create_bucket("bench")
        store = open_store("s3://bench", server.storage_options())
        assert isinstance(store, ObstoreObjects)
        native = store.native
        assert isinstance(native, S3Store)
        peer = s3fs.S3FileSystem(
            key=server.access_key_id,
            secret=server.secret_access_key,
            endpoint_url=server.endpoint_url,
            skip_instance_cache=True,
        )
        for number in range(_SMALL_OBJECTS):
            obstore.put(native, f"small/{number:03}", bytes(_SMALL_BYTES))
        obstore.put(native, "large", bytes(large_bytes))
        infos = [info for page in store.list_recursive("small") for info in page]
        large = store.stat("large")
        assert isinstance(large, ObjectInfo)

        def ours_gets() -> None:
            for info in infos:
                store.read_range(info, 0, _SMALL_BYTES)

        def native_gets() -> None:
            for info in infos:
                obstore.get_range(native, info.key, start=0, end=_SMALL_BYTES)

        def s3fs_gets() -> None:
            for info in infos:
                peer.cat_file(f"bench/{info.key}", start=0, end=_SMALL_BYTES)

        face = filesystem("s3", server.storage_options())
        names = [f"bench/{info.key}" for info in infos]

        def ours_heads() -> None:
            for info in infos[:_HEADS]:
                store.stat(info.key)

        def native_heads() -> None:
            for info in infos[:_HEADS]:
                obstore.head(native, info.key)

        def s3fs_heads() -> None:
            for info in infos[:_HEADS]:
                peer.invalidate_cache()
                peer.info(f"bench/{info.key}")

        urls = obstore.sign(native, "GET", [info.key for info in infos], timedelta(minutes=30))
        connection = http.client.HTTPConnection(urlsplit(server.endpoint_url).netloc)

        def bare_gets() -> None:
            for url in urls:
                connection.request("GET", url.partition(server.endpoint_url)[2])
                connection.getresponse().read()

        small = _rates([ours_gets, native_gets, s3fs_gets, bare_gets], len(infos), runs)
        heads = _rates([ours_heads, native_heads, s3fs_heads], _HEADS, runs)
        many = _rates([lambda: face.cat(names), lambda: peer.cat(names)], len(infos), runs)
        connection.close()
        whole = _rates(
            [
                lambda: store.read_range(large, 0, large_bytes),
                lambda: obstore.get(native, "large").bytes(),
                lambda: peer.cat_file("bench/large"),
            ],
            large_bytes / 1e6,
            runs,
        )
    return [
        row_of("GET of 4 KB, one after the other", "GET/s", small[0], small[1], "obstore", 0.77),
        row_of("GET of 4 KB, one after the other", "GET/s", small[0], small[2], "s3fs", 10.0),
        row_of("GET of 4 KB, one after the other", "GET/s", small[0], small[3], "http.client, signed before"),
        row_of("the same, http.client, signed before", "GET/s", small[3], small[2], "s3fs"),
        row_of("cat of 200 files of 4 KB in one call", "files/s", many[0], many[1], "s3fs"),
        row_of("HEAD, one after the other", "HEAD/s", heads[0], heads[1], "obstore", 0.77),
        row_of("HEAD, one after the other", "HEAD/s", heads[0], heads[2], "s3fs", 10.0),
        row_of(f"GET of {large_bytes >> 20} MiB", "MB/s", whole[0], whole[1], "obstore", 0.87),
        row_of(f"GET of {large_bytes >> 20} MiB", "MB/s", whole[0], whole[2], "s3fs"),
    ]


def _listing(runs: int, count: int) -> list[Row]:
    """List one flat folder, recursively and as a directory."""
    with tempfile.TemporaryDirectory() as folder, SeaweedFS.start(folder) as server:
        server.create_bucket("bench")
        store = open_store("s3://bench", server.storage_options())
        assert isinstance(store, ObstoreObjects)
        native = store.native

        async def fill() -> None:
            slots = asyncio.Semaphore(32)

            async def put(number: int) -> None:
                async with slots:
                    await obstore.put_async(native, f"many/file-{number:07}", b"x")

            await asyncio.gather(*(put(number) for number in range(count)))

        asyncio.run(fill())
        before = _rss_bytes()
        growth = 0

        def ours() -> None:
            nonlocal growth
            for _ in store.list_recursive("many"):
                growth = max(growth, _rss_bytes() - before)

        rates = _rates(
            [
                ours,
                lambda: sum(len(page) for page in obstore.list(native, "many", chunk_size=1000)),
                lambda: sum(len(page) for page in store.list_directory("many")),
                lambda: len(obstore.list_with_delimiter(native, "many")["objects"]),
            ],
            count,
            runs,
        )
    return [
        row_of(f"list {count:,} keys below a prefix", "keys/s", rates[0], rates[1], "obstore", 0.77),
        row_of(f"list a directory of {count:,} keys", "keys/s", rates[2], rates[3], "obstore", 0.77),
        Row("memory while listing below a prefix", growth / 1e6, "MB", 20e6 / max(growth, 1), "20 MB", 1.0, runs),
    ]


def _rss_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def _cache_hits(runs: int) -> Row:
    """Open, read 4 KB, close: through the cache, and with the os functions on the same copy."""
    import os

    count = 5000
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/bucket")
        with open(f"{folder}/bucket/file", "wb") as file:
            file.write(bytes(1 << 20))
        store = open_store(f"{folder}/bucket")
        info = store.stat("file")
        assert isinstance(info, ObjectInfo)
        cache = Cache(CacheConfig(f"{folder}/cache"))
        first = cache.open(store, info)
        first.fetch_all()
        path = first.path
        first.close()

        def ours() -> None:
            for _ in range(count):
                handle = cache.open(store, info)
                handle.read(0, 4096)
                handle.close()

        def plain() -> None:
            for _ in range(count):
                descriptor = os.open(path, os.O_RDONLY)
                os.pread(descriptor, 4096, 0)
                os.close(descriptor)

        rates = _rates([ours, plain], count, runs)
        cache.close()
    return row_of("cache hit: open, read 4 KB, close", "1/s", rates[0], rates[1], "os.open, pread, close")


def _rates(contenders: list[Callable[[], object]], amount: float, runs: int) -> list[list[float]]:
    """Return amount per second for each contender and run; the contenders take turns, after one round uncounted."""
    rates: list[list[float]] = [[] for _ in contenders]
    for turn in range(runs + 1):
        for number, contender in enumerate(contenders):
            started = time.perf_counter()
            contender()
            if turn:
                rates[number].append(amount / (time.perf_counter() - started))
    return rates
