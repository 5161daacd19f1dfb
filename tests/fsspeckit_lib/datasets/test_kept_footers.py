"""Footers that outlive the process: used for just the files they are of, or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.ipc
import pytest

from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.datasets import Dataset, KeptFooters, Manifest, discover_files
from fsspeckit_lib.datasets.footers import Footer, SchemaPool, read_footer
from fsspeckit_lib.sql.bind import Inside
from tests.fsspeckit_sqlserver.engine.lakes import WatchedStore


def write(folder: Path, name: str, query: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")


class Lake:
    """Files of several schemas; every `manifest()` is that of a server that has just started."""

    def __init__(self, root: Path, cache: Cache, pool: ThreadPoolExecutor) -> None:
        self.data, self.kept_folder = root / "data", root / "footers"
        self.cache, self.pool = cache, pool
        for year in (2023, 2024):
            for part in range(3):
                write(
                    self.data,
                    f"year={year}/{part}.parquet",
                    f"SELECT range + {part} * 9000 AS id, range / 7 AS half, 'n' || range AS name, NULL AS nothing,"
                    f" DATE '{year}-01-01' + (range % 300)::int AS day, [range] AS list, range % 2 = 0 AS even,"
                    " (range * 1.5)::decimal(12, 2) AS price, uuid() AS ident, range::hugeint AS huge"
                    " FROM range(5000)",
                )
        write(self.data, "year=2024/other.parquet", "SELECT 7::smallint AS id, 'x' AS name, 1.5::real AS half")

    def manifest(self, *, keeps: bool = True) -> tuple[Manifest, set[str]]:
        """Return the manifest and the keys of the files that were read for it."""
        store = WatchedStore(self.data)
        with ThreadPoolExecutor(4) as pool:
            # A cache that knows nothing, so that every footer read is a read of the storage.
            kept = KeptFooters(str(self.kept_folder), store.namespace) if keeps else None
            dataset = Dataset("t", store, Uncached(store), pool, kept=kept)
            manifest = dataset.manifest()
        return manifest, {key for key, _, _ in store.reads}


class Uncached:
    """Satisfies `StorageFiles` without a cache."""

    def __init__(self, store: WatchedStore) -> None:
        self._store = store

    def open(self, info: ObjectInfo) -> UncachedFile:
        return UncachedFile(self._store, info)


class UncachedFile:
    def __init__(self, store: WatchedStore, info: ObjectInfo) -> None:
        self._store, self._info = store, info

    def read(self, start: int, stop: int) -> bytes:
        return bytes(self._store.read_range(self._info, start, stop))

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    cache = Cache(CacheConfig(str(tmp_path / "cache"), max_size_bytes=1 << 30, min_free_bytes=0))
    with ThreadPoolExecutor(4) as pool:
        yield Lake(tmp_path, cache, pool)
    cache.close()


def same(one: Manifest, other: Manifest) -> None:
    """Compare all that two manifests say, pruning included."""
    assert one.files == other.files
    assert one.columns == other.columns
    assert (one.rows, one.size_bytes, one.partition_names) == (other.rows, other.size_bytes, other.partition_names)
    for place in range(len(one.files)):
        assert one.footer(place) == other.footer(place)
    for column, low, high in (("id", 100, 200), ("id", 9100, 9200), ("id", 10**6, 10**7), ("year", 2024, 2024)):
        predicate = Inside(column, low, high)
        assert one.prune(predicate) == other.prune(predicate)


def test_a_restart_reads_no_footer(lake: Lake) -> None:
    first, read = lake.manifest()
    assert len(read) == 7
    again, read = lake.manifest()
    assert read == set()
    same(again, first)
    same(again, lake.manifest(keeps=False)[0])


def test_only_what_is_new_or_changed_is_read(lake: Lake) -> None:
    lake.manifest()
    write(lake.data, "year=2023/1.parquet", "SELECT 500000 + range AS id FROM range(10)")
    write(lake.data, "year=2025/new.parquet", "SELECT 600000 + range AS id FROM range(10)")
    (lake.data / "year=2024/0.parquet").unlink()
    manifest, read = lake.manifest()
    assert read == {"year=2023/1.parquet", "year=2025/new.parquet"}
    same(manifest, lake.manifest(keeps=False)[0])
    assert lake.manifest()[1] == set()
    assert len(os.listdir(lake.kept_folder)) == 1  # the one of before is gone


def test_a_damaged_file_is_dropped_and_written_anew(lake: Lake) -> None:
    expected, _ = lake.manifest()
    (name,) = os.listdir(lake.kept_folder)
    path = lake.kept_folder / name
    data = path.read_bytes()
    store = open_store(str(lake.data))
    kept = KeptFooters(str(lake.kept_folder), store.namespace)
    for place in range(0, len(data), 7):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        assert kept.load(SchemaPool()) == {}
        assert not path.exists()
        path.write_bytes(data[:place])
        assert kept.load(SchemaPool()) == {}
    path.write_bytes(data[:-1])
    manifest, read = lake.manifest()
    assert len(read) == 7
    same(manifest, expected)
    assert lake.manifest()[1] == set()


def test_what_has_the_right_checksum_and_is_nonsense_is_dropped(lake: Lake) -> None:
    expected, _ = lake.manifest()
    (name,) = os.listdir(lake.kept_folder)
    dataset = name.partition("-")[0]
    table = pa.ipc.open_file(pa.BufferReader((lake.kept_folder / name).read_bytes())).read_all()
    metadata = table.schema.metadata
    sink = pa.BufferOutputStream()
    changed = table.replace_schema_metadata({**metadata, b"format": b"fsspeckit-footers 999"})
    with pa.ipc.new_file(sink, changed.schema) as writer:
        writer.write_table(changed)
    cut = pa.BufferOutputStream()
    with pa.ipc.new_file(cut, table.schema.remove(3)) as writer:
        writer.write_table(table.remove_column(3))
    for data in (b"", b"nonsense", sink.getvalue().to_pybytes(), cut.getvalue().to_pybytes()):
        os.unlink(lake.kept_folder / os.listdir(lake.kept_folder)[0])
        checksum = hashlib.blake2b(data, digest_size=16).hexdigest()
        (lake.kept_folder / f"{dataset}-{checksum}.arrow").write_bytes(data)
        manifest, read = lake.manifest()
        assert len(read) == 7
        same(manifest, expected)


def test_every_footer_comes_back_as_it_was(lake: Lake) -> None:
    store = open_store(str(lake.data))
    infos = discover_files(store)
    files, pool = lake.cache.bind(store), SchemaPool()
    footers = [read_footer(files, info, pool) for info in infos]
    kept = KeptFooters(str(lake.kept_folder), store.namespace)
    kept.save(infos, footers)
    fresh = SchemaPool()
    found = kept.load(fresh)
    assert [found[info.key, info.version] for info in infos] == footers
    assert any(len(footer.row_group_rows) > 1 for footer in footers)
    read_again = read_footer(files, infos[0], fresh)  # one schema object for what is equal, wherever it came from
    assert read_again.schema is found[infos[0].key, infos[0].version].schema


def test_objects_that_nothing_tells_apart_are_not_kept(lake: Lake) -> None:
    store = open_store(str(lake.data))
    known, *_ = discover_files(store)
    footer = read_footer(lake.cache.bind(store), known, SchemaPool())
    nameless = ObjectInfo("b.parquet", known.size_bytes, 0, None)
    kept = KeptFooters(str(lake.kept_folder), store.namespace)
    kept.save([known, nameless], [footer, footer])
    assert list(kept.load(SchemaPool())) == [(known.key, known.version)]


def test_two_datasets_share_a_folder(lake: Lake) -> None:
    footer = Footer(SchemaPool().intern(lake.manifest()[0].files[0].schema), (1,), {})
    info = ObjectInfo("a.parquet", 1, 1, "e")
    other = KeptFooters(str(lake.kept_folder), ("elsewhere",))
    other.save([info], [footer])
    assert list(other.load(SchemaPool())) == [("a.parquet", "1:e")]
    assert lake.manifest()[1] == set()
    assert len(os.listdir(lake.kept_folder)) == 2


def test_a_folder_that_cannot_be_made_costs_nothing_but_the_footers(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    lake.kept_folder.write_text("a file stands here")
    for _ in range(2):
        manifest, read = lake.manifest()
        assert len(manifest.files) == len(read) == 7
    assert "footers are not kept" in caplog.text
