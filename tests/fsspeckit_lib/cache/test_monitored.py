"""The fsspec face: what a plain filesystem gives, from the cache, to pandas, pyarrow and DuckDB too."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
import s3fs
from fsspec.implementations.dirfs import DirFileSystem

from fsspeckit_lib import filesystem
from fsspeckit_lib.cache import CacheConfig, FileNameCacheMapper, MonitoredSimpleCacheFileSystem
from fsspeckit_lib.core.abstract_filesystem import AbstractFileSystem
from fsspeckit_lib.errors import InvalidValue
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from fsspeckit_lib.testing.servers import web_server

DATA = random.Random(41).randbytes(1_500_000)
Make = Callable[..., MonitoredSimpleCacheFileSystem]


@pytest.fixture(params=["local", "s3", "memory", "local folder", "s3 folder", "memory folder", "folder of s3fs"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, str]:
    """A filesystem and a folder in it."""
    if request.param == "local folder":
        (tmp_path / "bucket").mkdir()
        return filesystem(f"{tmp_path}/bucket"), "in"
    if request.param == "memory folder":
        return filesystem(f"memory://{tmp_path.name}"), "in"
    if request.param == "local":
        (tmp_path / "bucket").mkdir()
        return fsspec.filesystem("file", auto_mkdir=True), f"{tmp_path}/bucket"
    if request.param == "memory":
        fs = fsspec.filesystem("memory", skip_instance_cache=True)
        return fs, f"/{tmp_path.name}"
    server: SeaweedFS = request.getfixturevalue("s3_server")
    server.create_bucket("faces")
    if request.param == "s3 folder":
        return filesystem(f"s3://faces/{tmp_path.name}/root", server.storage_options()), "in"
    if request.param == "folder of s3fs":
        s3 = s3fs.S3FileSystem(
            key=server.access_key_id,
            secret=server.secret_access_key,
            endpoint_url=server.endpoint_url,
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        return DirFileSystem(path=f"faces/{tmp_path.name}/root", fs=s3), "in"
    return filesystem("s3", server.storage_options(), dirfs=False), f"faces/{tmp_path.name}"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[MonitoredSimpleCacheFileSystem] = []

    def build(fs: Any, **changes: Any) -> MonitoredSimpleCacheFileSystem:
        config = CacheConfig(
            str(tmp_path / "cache"), min_free_bytes=0, part_bytes=64 << 10, whole_bytes=16 << 10, **changes
        )
        made.append(MonitoredSimpleCacheFileSystem(fs=fs, cache_config=config))
        return made[-1]

    yield build
    for found in made:
        found.close()


def test_it_is_a_plain_filesystem(place: tuple[Any, str], make: Make) -> None:
    target, folder = place
    fs = make(target)
    assert isinstance(fs, AbstractFileSystem)
    target.pipe_file(f"{folder}/d/large", DATA)
    target.pipe_file(f"{folder}/d/small", b"one\ntwo\nthree")
    assert sorted(name.rpartition("/")[2] for name in fs.ls(f"{folder}/d", detail=False)) == ["large", "small"]
    assert fs.info(f"{folder}/d/large")["size"] == len(DATA)
    assert fs.cat_file(f"{folder}/d/large") == DATA
    assert fs.cat_file(f"{folder}/d/large", 5, 15) == DATA[5:15]
    assert fs.cat_ranges([f"{folder}/d/large"] * 2, [0, 9], [3, 12]) == [DATA[:3], DATA[9:12]]
    assert sorted(fs.find(folder)) == [f"{folder}/d/large", f"{folder}/d/small"]
    assert fs.isdir(f"{folder}/d")
    assert not fs.exists(f"{folder}/none")
    with pytest.raises(FileNotFoundError):
        fs.open(f"{folder}/none")
    for _ in range(3):  # the third one comes the quick way
        with fs.open(f"{folder}/d/small") as file:
            assert file.readline() == b"one\n"
            assert list(file) == [b"two\n", b"three"]
            assert file.seek(-5, 2) == 8
            assert file.read(2) == b"th"
            assert file.tell() == 10
            assert file.size == 13
        with pytest.raises((ValueError, OSError), match=r"closed|descriptor"):
            file.read(1)
    with fs.open(f"{folder}/d/small", "rt") as text:
        assert text.read() == "one\ntwo\nthree"
    stats = fs.stats()
    assert stats.hits >= 3
    assert stats.bytes_from_remote == len(DATA) + 13
    assert stats.in_flight == 0
    assert stats.downloads == sum(stats.download_counts)


def test_what_is_written_is_seen_at_once(place: tuple[Any, str], make: Make) -> None:
    target, folder = place
    fs = make(target, attribute_ttl_s=60.0, listing_ttl_s=60.0, absence_ttl_s=60.0)
    assert not fs.exists(f"{folder}/f")
    fs.pipe_file(f"{folder}/f", b"first")
    assert [fs.cat_file(f"{folder}/f"), fs.open(f"{folder}/f").read()] == [b"first"] * 2
    assert [name.rpartition("/")[2] for name in fs.ls(folder, detail=False)] == ["f"]
    with fs.open(f"{folder}/f", "wb") as file:
        file.write(b"second, longer")
    assert [fs.cat_file(f"{folder}/f"), fs.open(f"{folder}/f").read()] == [b"second, longer"] * 2
    fs.pipe_file(f"{folder}/g", b"g")
    assert len(fs.ls(folder)) == 2
    fs.cp_file(f"{folder}/f", f"{folder}/h")
    assert fs.cat_file(f"{folder}/h") == b"second, longer"
    fs.rm_file(f"{folder}/f")
    assert not fs.exists(f"{folder}/f")
    with pytest.raises(FileNotFoundError):
        fs.open(f"{folder}/f")


def test_another_version_is_seen_after_the_time(place: tuple[Any, str], make: Make) -> None:
    target, folder = place
    fs = make(target, attribute_ttl_s=0.0)
    for data in (b"first", b"second!", b"third"):
        target.pipe_file(f"{folder}/f", data)
        assert fs.open(f"{folder}/f").read() == data
        assert fs.open(f"{folder}/f").read() == data


def test_threads_share_a_file_object_each_with_its_own_position(place: tuple[Any, str], make: Make) -> None:
    target, folder = place
    fs = make(target)
    target.pipe_file(f"{folder}/f", DATA)
    for _ in range(2):  # while it comes, and complete
        file = fs.open(f"{folder}/f")
        wrong: list[int] = []

        def read(seed: int, file: Any = file, wrong: list[int] = wrong) -> None:
            source = random.Random(seed)
            for _ in range(100):
                start = source.randrange(len(DATA))
                file.seek(start)
                if file.read(5000) != DATA[start : start + 5000]:
                    wrong.append(start)

        threads = [threading.Thread(target=read, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        file.close()


def test_a_random_read_fetches_its_blocks_and_a_sequential_one_what_follows(place: tuple[Any, str], make: Make) -> None:
    target, folder = place
    target.pipe_file(f"{folder}/f", DATA)
    fs = make(target)
    with fs.open(f"{folder}/f") as file:
        file.seek(1_000_000)
        file.read(8192)
        assert fs.stats().bytes_from_remote == 3 * 4096
        while file.read(50_000):
            pass
    assert fs.stats().bytes_from_remote < len(DATA) - 990_000


def test_pandas(place: tuple[Any, str], make: Make) -> None:
    target, folder = place
    fs = make(target)
    frame = pd.DataFrame({"n": range(10_000), "t": [f"row {n}" for n in range(10_000)]})
    with fs.open(f"{folder}/f.csv", "wb") as file:
        frame.to_csv(file, index=False)
    with fs.open(f"{folder}/f.parquet", "wb") as file:
        frame.to_parquet(file)
    for _ in range(3):
        with fs.open(f"{folder}/f.csv") as file:
            pd.testing.assert_frame_equal(pd.read_csv(file), frame)
        with fs.open(f"{folder}/f.parquet") as file:
            pd.testing.assert_frame_equal(pd.read_parquet(file), frame)
        pd.testing.assert_frame_equal(pd.read_parquet(f"{folder}/f.parquet", filesystem=fs), frame)


def test_pyarrow(place: tuple[Any, str], make: Make) -> None:
    target, folder = place
    fs = make(target)
    table = pa.table({"n": list(range(50_000))})
    arrow = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(fs))
    pq.write_table(table, f"{folder}/d/f.parquet", filesystem=arrow)
    for _ in range(3):
        assert pq.read_table(f"{folder}/d/f.parquet", filesystem=arrow).equals(table)
    infos = arrow.get_file_info(pyarrow.fs.FileSelector(f"{folder}/d"))
    assert [info.base_name for info in infos] == ["f.parquet"]


def test_duckdb(place: tuple[Any, str], make: Make) -> None:
    target, folder = place
    fs = make(target)
    rows = 200_000
    table = pa.table({"n": list(range(rows)), "t": [str(n % 97) for n in range(rows)]})
    with target.open(f"{folder}/f.parquet", "wb") as file:
        pq.write_table(table, file, row_group_size=5_000)
    scheme = target.protocol if isinstance(target.protocol, str) else target.protocol[0]
    if scheme == "file":
        fs.protocol = scheme = "cached"  # DuckDB reads file:// itself
        target_strip = target._strip_protocol
        fs._strip_protocol = lambda path: target_strip(str(path).removeprefix("cached://"))  # type: ignore[method-assign]
    connection = duckdb.connect(config={"threads": 4})
    connection.register_filesystem(fs)
    for _ in range(20):
        found = connection.execute(
            f"SELECT sum(n), count(DISTINCT t) FROM read_parquet('{scheme}://{folder}/f.parquet')"
        )
        assert found.fetchone() == (rows * (rows - 1) // 2, 97)
    connection.close()
    assert fs.stats().hits


def test_a_mapper_and_a_protocol(tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    (tmp_path / "bucket" / "f").write_bytes(DATA)
    mapper = FileNameCacheMapper(str(tmp_path / "cache"), preserve_structure=True, max_size_gb=0.5)
    fs = MonitoredSimpleCacheFileSystem(target_protocol="file", cache_mapper=mapper)
    same = MonitoredSimpleCacheFileSystem(target_protocol="file", cache_mapper=mapper)
    assert fs.cache is same.cache
    assert fs.cache.config.max_size_bytes == 1 << 29
    assert fs.cat_file(f"{tmp_path}/bucket/f") == DATA
    copy = Path(mapper.cache_path(f"file{tmp_path}/bucket/f"))
    assert copy.read_bytes() == DATA
    assert mapper.remote_path(str(copy)) == f"file{tmp_path}/bucket/f"
    fs.close()
    assert same.cat_file(f"{tmp_path}/bucket/f") == DATA
    same.close()


@pytest.mark.parametrize("is_given", [True, False])
def test_a_web_server_by_its_urls(tmp_path: Path, make: Make, is_given: bool) -> None:
    (tmp_path / "site" / "d").mkdir(parents=True)
    (tmp_path / "site" / "d" / "large").write_bytes(DATA)
    with web_server(tmp_path / "site") as url:
        if is_given:
            fs = make(fsspec.filesystem("http", skip_instance_cache=True))
        else:
            fs = MonitoredSimpleCacheFileSystem("http", cache_mapper=FileNameCacheMapper(str(tmp_path / "cache")))
        for _ in range(2):
            assert fs.cat_file(f"{url}/d/large") == DATA
        assert fs.stats().hits == 1
        assert fs.ls(f"{url}/d", detail=False) == [f"{url}/d/large"]
        assert fs.find(url) == [f"{url}/d/large"]
        assert fs.open(f"{url}/d/large").read(10) == DATA[:10]
        fs.close()


def test_the_garbage_collector_closes_caches_without_waiting_for_anybody(tmp_path: Path) -> None:
    """It comes while another cache is being opened, in the thread that holds the lock of all caches."""
    script = (
        "import gc, sys\n"
        "from fsspeckit_lib.cache import *\n"
        "gc.set_threshold(1, 1, 1)\n"
        "for number in range(6):\n"
        "    mapper = FileNameCacheMapper(f'{sys.argv[1]}/{number}')\n"
        "    fs = MonitoredSimpleCacheFileSystem('memory', cache_mapper=mapper)\n"
        "    fs.itself = fs\n"
        "    fs.pipe('/a', b'x')\n"
        "    assert fs.cat('/a') == b'x'\n"
        "    del fs\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)


@pytest.mark.parametrize("size", [0, -1])
def test_a_cache_has_a_size(size: int) -> None:
    with pytest.raises(InvalidValue, match="max_size_gb"):
        FileNameCacheMapper("/nowhere", max_size_gb=size)
