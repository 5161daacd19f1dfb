from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typing_extensions import Buffer

from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.objects import Entry, ObjectInfo, ObjectStore
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.datasets import Dataset
from fsspeckit_lib.errors import BadInput, Cancelled, NotFound
from fsspeckit_lib.sql.bind import Inside


class _CountingStore:
    """A store that counts listings and reads."""

    def __init__(self, inner: ObjectStore) -> None:
        self._inner = inner
        self.listings = 0
        self.read_keys: list[str] = []

    @property
    def url(self) -> str:
        return self._inner.url

    @property
    def namespace(self) -> tuple[str, ...]:
        return self._inner.namespace

    @property
    def is_immutable(self) -> bool:
        return self._inner.is_immutable

    def check(self) -> None:
        self._inner.check()

    def stat(self, key: str) -> Entry:
        return self._inner.stat(key)

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        return self._inner.list_directory(key)

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        self.listings += 1
        return self._inner.list_recursive(key)

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        self.read_keys.append(info.key)
        return self._inner.read_range(info, start, stop)

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        self.read_keys.append(key)
        return self._inner.get(key)

    def close(self) -> None:
        self._inner.close()


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class _Lake:
    def __init__(self, folder: Path, cache: Cache, pool: ThreadPoolExecutor) -> None:
        self.folder = folder / "data"
        self.folder.mkdir()
        self.clock = _Clock()
        self.store = _CountingStore(open_store(str(self.folder)))
        self.cache, self.pool = cache, pool

    def write(self, name: str, **columns: Sequence[object]) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_name(f".{path.name}.tmp")
        pq.write_table(pa.table({key: list(values) for key, values in columns.items()}), staged)
        staged.rename(path)

    def dataset(self, **options: str) -> Dataset:
        return Dataset(
            "trips",
            self.store,
            self.cache.bind(self.store),
            self.pool,
            ttl_s=30,
            clock=self.clock,
            partitioning=options.get("partitioning", "auto"),
        )


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[_Lake]:
    cache = Cache(CacheConfig(str(tmp_path / "cache"), min_free_bytes=0))
    with ThreadPoolExecutor(4) as pool:
        yield _Lake(tmp_path, cache, pool)
    cache.close()


def test_a_manifest_is_believed_for_its_ttl(lake: _Lake) -> None:
    lake.write("a.parquet", x=[1, 2])
    dataset = lake.dataset()
    dataset.open()
    first = dataset.manifest()
    assert lake.store.listings == 1
    lake.write("b.parquet", x=[3])
    assert dataset.manifest() is first
    lake.clock.now = 31
    second = dataset.manifest()
    assert [file.info.key for file in second.files] == ["a.parquet", "b.parquet"]
    assert second.rows == 3
    assert lake.store.listings == 2
    lake.clock.now = 62
    assert dataset.manifest() is second  # nothing changed: the same snapshot


def test_only_new_and_changed_footers_are_read(lake: _Lake) -> None:
    lake.write("a.parquet", x=[1])
    lake.write("b.parquet", x=[2])
    lake.write("c.parquet", x=[3])
    dataset = lake.dataset()
    dataset.manifest()
    lake.store.read_keys.clear()
    lake.write("b.parquet", x=[20, 21])
    lake.write("d.parquet", x=[4])
    (lake.folder / "c.parquet").unlink()
    manifest = dataset.manifest(is_fresh=True)
    assert set(lake.store.read_keys) == {"b.parquet", "d.parquet"}
    assert [file.rows for file in manifest.files] == [1, 2, 1]
    assert manifest.prune(Inside("x", 20, 21)).files == (1,)
    assert manifest.prune(Inside("x", 1, 1)).files == (0,)  # its statistics came along


def test_the_preview_reads_one_footer_and_knows_all_partitions(lake: _Lake) -> None:
    for year in (2023, 2024):
        lake.write(f"year={year}/a.parquet", x=[1])
    lake.write("year=soon/a.parquet", x=[1])
    dataset = lake.dataset()
    preview = dataset.preview()
    assert len(set(lake.store.read_keys)) == 1
    assert [(column.name, column.sql_type) for column in preview.columns] == [("x", "BIGINT"), ("year", "VARCHAR")]
    assert dataset.manifest().columns == preview.columns
    assert dataset.preview() is dataset.manifest()


def test_partitioning_modes(lake: _Lake) -> None:
    lake.write("year=2024/a.parquet", x=[1])
    assert lake.dataset().manifest().partition_names == ("year",)
    assert lake.dataset(partitioning="none").manifest().partition_names == ()
    lake.write("b.parquet", x=[1])
    assert lake.dataset().manifest().partition_names == ()  # auto: not all files have them
    with pytest.raises(BadInput, match=r"year=2024/a\.parquet"):
        lake.dataset(partitioning="hive").manifest()


def test_missing_columns_are_null_and_pruned_as_such(lake: _Lake) -> None:
    lake.write("a.parquet", x=[1])
    lake.write("b.parquet", x=[1], y=[2])
    manifest = lake.dataset().manifest()
    assert manifest.prune(Inside("y", 0, 9)).files == (1,)


def test_statistics_survive_widening(lake: _Lake) -> None:
    lake.write("a.parquet", x=pa.array([1, 2], pa.int32()))
    lake.write("b.parquet", x=pa.array([2**40], pa.int64()))
    manifest = lake.dataset().manifest()
    assert manifest.prune(Inside("x", 2, 5)).files == (0,)


def test_an_emptied_dataset_is_an_error_not_an_old_answer(lake: _Lake) -> None:
    lake.write("a.parquet", x=[1])
    dataset = lake.dataset()
    dataset.manifest()
    (lake.folder / "a.parquet").unlink()
    lake.clock.now = 31
    with pytest.raises(NotFound, match=r"\*\.parquet"):
        dataset.manifest()


def test_whoever_waits_may_give_up(lake: _Lake) -> None:
    lake.write("a.parquet", x=[1])
    dataset = lake.dataset()
    entered, leave = threading.Event(), threading.Event()

    def slow() -> None:
        entered.set()
        leave.wait(20)

    def cancel() -> None:
        raise Cancelled("enough")

    worker = threading.Thread(target=lambda: dataset.manifest(checkpoint=slow))
    worker.start()
    assert entered.wait(20)
    with pytest.raises(Cancelled):
        dataset.manifest(checkpoint=cancel)
    leave.set()
    worker.join()
    assert dataset.manifest().rows == 1
