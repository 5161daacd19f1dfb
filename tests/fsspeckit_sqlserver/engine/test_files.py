"""Files that change, vanish, are evicted, are large, or cannot be read: never wrong rows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from fsspeckit_lib.errors import CacheStale, Corrupt, GatewayError, NotFound, Unavailable
from fsspeckit_sqlserver.engine import DuckEngine
from fsspeckit_sqlserver.engine.leases import FileBudget
from fsspeckit_sqlserver.engine.session import Rows
from tests.fsspeckit_sqlserver.engine.lakes import Client, WatchedStore, engine_over, write_parquet, write_trips

_FOREVER_S = 3600.0
# Footers are read with the 64 KiB at the end of a file: this much more than that is not in the cache yet.
_BULK = "md5(range::VARCHAR) AS pad FROM range(10000)"


def _fetch_all(rows: Rows) -> None:
    while rows.fetch(10_000) is not None:
        pass


class _Lake:
    def __init__(self, folder: Path) -> None:
        self.data, self.cache = folder / "data", folder / "cache"
        self.data.mkdir()
        self.store: WatchedStore | None = None

    def write(self, name: str, query: str, **options: object) -> None:
        """Write a file beside and rename it into its place, as a careful writer does."""
        staged = self.data / f"_{name}"
        write_parquet(query, staged, **options)
        staged.rename(self.data / name)

    @contextmanager
    def open(
        self, *, cache_bytes: int = 1 << 30, whole_file_bytes: int = 64 << 20
    ) -> Iterator[tuple[Client, DuckEngine]]:
        self.store = WatchedStore(self.data)
        with engine_over(
            {"t": self.store},
            self.cache,
            ttl_s=_FOREVER_S,
            cache_bytes=cache_bytes,
            whole_file_bytes=whole_file_bytes,
        ) as engine:
            yield Client(engine.open_session("u", "d")), engine


@pytest.fixture
def lake(tmp_path: Path) -> _Lake:
    return _Lake(tmp_path)


def test_a_file_that_changed_since_it_was_listed_is_read_anew(lake: _Lake) -> None:
    lake.write("a.parquet", "SELECT 1 AS x, 'z' AS pad")
    lake.write("b.parquet", f"SELECT 2 AS x, {_BULK}")
    with lake.open() as (client, _):
        assert client.value("SELECT count(*) FROM t WHERE x = 1") == 1  # the manifest is made, b is not fetched
        lake.write("b.parquet", "SELECT 3 AS x, 'z' AS pad")
        assert client.rows("SELECT DISTINCT x FROM t ORDER BY x") == [(1,), (3,)]


def test_a_file_that_vanished_is_left_out(lake: _Lake) -> None:
    lake.write("a.parquet", "SELECT 1 AS x, 'z' AS pad")
    lake.write("b.parquet", f"SELECT 2 AS x, {_BULK}")
    with lake.open() as (client, _):
        assert client.value("SELECT count(*) FROM t WHERE x = 1") == 1
        (lake.data / "b.parquet").unlink()
        assert client.rows("SELECT x FROM t") == [(1,)]


def test_a_dataset_that_vanished_is_an_error(lake: _Lake) -> None:
    lake.write("a.parquet", f"SELECT 1 AS x, {_BULK}")
    with lake.open() as (client, _):
        assert client.value("SELECT count(*) FROM t WHERE x = 9") == 0
        (lake.data / "a.parquet").unlink()
        with pytest.raises(NotFound, match=r"\*\.parquet"):
            client.rows("SELECT * FROM t")


def test_columns_that_change_under_a_statement_are_an_error(lake: _Lake) -> None:
    lake.write("a.parquet", f"SELECT range AS x, {_BULK}")
    with lake.open() as (client, _):
        assert client.value("SELECT count(*) FROM t WHERE x = -9") == 0
        lake.write("a.parquet", "SELECT 'text' AS x, 'z' AS pad")
        with pytest.raises(GatewayError, match="changed"):
            client.rows("SELECT x FROM t")
        assert client.rows("SELECT x FROM t") == [("text",)]  # the next statement sees the new ones


def test_an_open_transaction_is_told_instead(lake: _Lake) -> None:
    lake.write("a.parquet", f"SELECT 1 AS x, {_BULK}")
    with lake.open() as (client, _):
        client.session.begin(0)
        assert client.value("SELECT count(*) FROM t WHERE x = 9") == 0
        lake.write("a.parquet", "SELECT 2 AS x, 'y' AS pad")
        with pytest.raises(CacheStale):
            client.rows("SELECT x FROM t")
        client.session.rollback()


def test_eviction_does_not_reach_a_running_query(lake: _Lake) -> None:
    lake.data.rmdir()
    write_trips(lake.data, rows=4000)
    with lake.open() as (client, _):
        rows = client.start("SELECT id, city FROM t")
        first = rows.fetch(100)
        assert first is not None
        shutil.rmtree(lake.cache / "data")
        total = first.num_rows
        while (part := rows.fetch(10_000)) is not None:
            total += part.num_rows
        assert total == 9 * 4000


def test_a_cache_too_small_for_the_answer(lake: _Lake) -> None:
    for number in range(8):
        lake.write(f"{number}.parquet", f"SELECT {number} AS f, md5(range::VARCHAR) AS pad FROM range(20000)")
    size = (lake.data / "0.parquet").stat().st_size
    with lake.open(cache_bytes=3 * size) as (client, _):
        assert client.rows("SELECT f, count(*), min(pad) IS NOT NULL FROM t GROUP BY f ORDER BY f") == [
            (number, 20_000, True) for number in range(8)
        ]


def test_of_a_large_file_only_ranges_are_read(lake: _Lake) -> None:
    lake.write(
        "a.parquet",
        "SELECT range AS id, md5(range::VARCHAR) AS wide, range % 10 AS small FROM range(200000)",
        row_group_size=20_000,
    )
    size = (lake.data / "a.parquet").stat().st_size
    with lake.open(whole_file_bytes=100_000) as (client, _):
        assert lake.store is not None
        assert client.value("SELECT sum(small) FROM t WHERE id BETWEEN 50000 AND 50009") == 45
        assert lake.store.read_bytes < size / 4
        assert client.value("SELECT count(*) FROM t") == 200_000
        assert lake.store.read_bytes < size / 4
        assert client.value("SELECT count(DISTINCT wide) FROM t") == 200_000


def test_a_count_reads_footers_alone(lake: _Lake) -> None:
    lake.write("a.parquet", "SELECT range AS id, md5(range::VARCHAR) AS wide FROM range(100000)")
    size = (lake.data / "a.parquet").stat().st_size
    with lake.open() as (client, _):
        assert lake.store is not None
        assert client.value("SELECT count(*) FROM t") == 100_000
        assert lake.store.read_bytes < size / 4


def test_a_large_file_that_changes_while_it_is_read(lake: _Lake) -> None:
    # More than DuckDB reads ahead of whoever fetches (10 MiB).
    big = "SELECT range AS id, md5((range + {seed})::VARCHAR) AS wide FROM range(700000)"
    lake.write("a.parquet", big.format(seed=0), row_group_size=10_000)
    with lake.open(whole_file_bytes=100_000) as (client, _):
        rows = client.start("SELECT id, wide FROM t")
        assert rows.fetch(10) is not None
        lake.write("a.parquet", big.format(seed=7), row_group_size=10_000)
        with pytest.raises(CacheStale):
            _fetch_all(rows)
        rows.close()
        assert client.value("SELECT count(*) FROM t WHERE wide = md5((id + 7)::text)") == 700_000


def test_what_the_storage_says_reaches_the_client(lake: _Lake) -> None:
    lake.write("a.parquet", "SELECT range AS id, md5(range::VARCHAR) AS wide FROM range(50000)")
    for whole_file_bytes in (64 << 20, 1000):
        shutil.rmtree(lake.cache, ignore_errors=True)
        with lake.open(whole_file_bytes=whole_file_bytes) as (client, _):
            assert lake.store is not None
            assert client.value("SELECT count(*) FROM t WHERE id = -1") == 0
            lake.store.failure = Unavailable("s3://b/a.parquet: 503 Slow Down; try again later")
            with pytest.raises(Unavailable, match="503 Slow Down"):
                client.rows("SELECT wide FROM t")
            lake.store.failure = None
            assert client.value("SELECT count(DISTINCT wide) FROM t") == 50_000


def test_cancelling_a_download(lake: _Lake) -> None:
    lake.write("a.parquet", "SELECT range AS id, md5(range::VARCHAR) AS wide FROM range(50000)")
    with lake.open() as (client, _):
        assert lake.store is not None
        assert client.value("SELECT count(*) FROM t WHERE id = -1") == 0

        session = client.session
        lake.store.before_read = lambda _: session.interrupt()
        with pytest.raises(GatewayError, match="canceling statement"):
            client.rows("SELECT wide FROM t")
        lake.store.before_read = lambda _: None
        assert client.value("SELECT count(DISTINCT wide) FROM t") == 50_000


def test_a_replaced_database_goes_on(lake: _Lake) -> None:
    lake.write("a.parquet", "SELECT 1 AS x")
    with lake.open() as (client, engine):
        client.start("CREATE TEMP TABLE kept AS SELECT 1 AS a")
        assert client.rows("SELECT x FROM t") == [(1,)]
        engine.instance.replace(engine.instance.generation)
        assert client.rows("SELECT x FROM t") == [(1,)]
        assert client.rows("SELECT relname FROM pg_class WHERE relname = 't'") == [("t",)]
        with pytest.raises(GatewayError, match="does not exist"):
            client.rows("SELECT * FROM kept")
        client.start("CREATE TEMP TABLE kept AS SELECT 2 AS a")
        assert client.value("SELECT a FROM kept") == 2


def test_the_budget_counts_files_and_bytes() -> None:
    budget = FileBudget(cache_bytes=1000)
    assert budget.take(300)
    assert not budget.take(300)
    assert budget.take(200)
    budget.give_back(300)
    budget.give_back(200)
    assert budget.take(500)


def test_a_stopped_query_leaves_no_file_open(lake: _Lake) -> None:
    for name in "abc":
        lake.write(f"{name}.parquet", f"SELECT range AS id, {_BULK}")
    with lake.open(whole_file_bytes=1) as (client, engine):
        for wanted in range(1, 4):
            rows = client.start(f"SELECT id + {wanted}, pad FROM t")
            assert rows.fetch(10) is not None
            client.session.interrupt()
            rows.close()
            kept = len(os.listdir(engine.scanner.shelf.folder))
            assert _open_below(lake.cache) == kept  # DuckDB closes nothing of a query that was stopped


def test_files_that_several_queries_read_count_once(lake: _Lake) -> None:
    lake.write("a.parquet", f"SELECT range AS id, {_BULK}")
    size = (lake.data / "a.parquet").stat().st_size
    with lake.open(cache_bytes=3 * size) as (client, engine):  # half of which may be open: one file, not two
        clients = [Client(engine.open_session("u", "d")) for _ in range(4)]
        open_rows = [other.start(f"SELECT id + {number}, pad FROM t") for number, other in enumerate(clients)]
        assert len(list(Path(engine.scanner.shelf.folder).iterdir())) == 1
        for rows in open_rows:
            _fetch_all(rows)
            rows.close()
        assert client.value("SELECT count(id) FROM t") == 10_000


def test_duckdb_reads_ahead_while_a_file_is_read_in_ranges(lake: _Lake) -> None:
    lake.write("a.parquet", f"SELECT range AS id, {_BULK}")
    with lake.open(whole_file_bytes=1) as (client, engine):
        assert _reads_ahead(engine) is False
        rows = client.start("SELECT id, pad FROM t")
        assert rows.fetch(10) is not None
        assert _reads_ahead(engine) is True
        engine.instance.replace(engine.instance.generation)
        assert _reads_ahead(engine) is True
        rows.close()
        assert _reads_ahead(engine) is False


def _reads_ahead(engine: DuckEngine) -> bool:
    settings = "current_setting('disable_parquet_prefetching'), current_setting('read_ahead_depth')"
    with engine.instance.cursor() as cursor:
        row = cursor.execute(f"SELECT {settings}").fetchone()
    assert row in {(False, -1), (True, 2)}
    return row == (False, -1)


def _open_below(folder: Path) -> int:
    """Return how many files below a folder this process has open, but for the index."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            target = os.readlink(f"/proc/self/fd/{name}")
            count += target.startswith(f"{folder}/") and ".parquet" in target
    return count


def test_a_damaged_page_is_told_under_the_name_of_its_file(lake: _Lake) -> None:
    lake.write("a.parquet", "SELECT 1 AS x, 'z' AS pad")
    lake.write("b.parquet", f"SELECT 2 AS x, {_BULK}")
    content = bytearray((lake.data / "b.parquet").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    (lake.data / "b.parquet").write_bytes(content)
    for whole_file_bytes in (64 << 20, 0):
        with lake.open(whole_file_bytes=whole_file_bytes) as (client, _):
            with pytest.raises(Corrupt) as caught:
                client.rows("SELECT max(pad) FROM t")
            assert type(caught.value) is Corrupt
            assert str(caught.value).startswith(f"file://{lake.data}/b.parquet: ")
            assert "/dev/shm" not in str(caught.value)
            assert client.rows("SELECT pad FROM t WHERE x = 1") == [("z",)]


def test_an_empty_file_is_an_error_that_names_it(lake: _Lake) -> None:
    lake.write("a.parquet", "SELECT 1 AS x")
    (lake.data / "b.parquet").touch()
    (lake.data / "_SUCCESS").touch()
    with lake.open() as (client, _), pytest.raises(Corrupt, match=r"b\.parquet: .*0 bytes"):
        client.rows("SELECT count(*) FROM t")
