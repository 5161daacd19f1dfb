"""SQL over an S3 server that fails: right rows or a clear error, at once when cancelled, never a wrong row."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import obstore
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.proxy import (
    ChangeHeader,
    Cut,
    Fault,
    FaultProxy,
    RandomFaults,
    Request,
    Reset,
    Script,
    Stall,
    Status,
    WrongLength,
)
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from tests.fsspeckit_sqlserver.conftest import gateway_process

ROWS, FILES = 20_000, 6
_prefixes = count(1)


@dataclass
class Lake:
    """A table `trips` in the storage, whose files are whole (`fetched`) or read in ranges (`ranged`)."""

    store: ObstoreObjects
    proxy: FaultProxy
    dsn: str
    folder: str
    scratch: Path

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.dsn, autocommit=True)

    def write(self, number: int, offset: int = 0) -> None:
        path = self.scratch / "next.parquet"
        ids = range(number * ROWS + offset, (number + 1) * ROWS + offset)
        table = pa.table({"id": pa.array(ids, pa.int64()), "name": [f"name {value} of {number}" for value in ids]})
        pq.write_table(table, path, compression="none", row_group_size=2_000)
        obstore.put(self.store.native, f"{self.folder}/part-{number}.parquet", path.read_bytes())

    def delete(self, number: int) -> None:
        obstore.delete(self.store.native, f"{self.folder}/part-{number}.parquet")


@contextmanager
def lake_over(s3_server: SeaweedFS, scratch: Path, *, has_cache: bool = True) -> Iterator[Lake]:
    s3_server.create_bucket("sql-faults")
    store = open_store("s3://sql-faults", s3_server.storage_options())
    assert isinstance(store, ObstoreObjects)
    folder = f"t{next(_prefixes)}"
    with FaultProxy.start(s3_server.endpoint_url) as proxy:
        options = {**s3_server.storage_options(), "endpoint_url": proxy.url, "timeout_s": "2", "max_retries": "2"}
        words = ", ".join(f"{name}: '{value}'" for name, value in options.items())
        config = scratch / "fsspeckit.yaml"
        size = "" if has_cache else ", max_size: 1KiB"  # no file fits: all are read in ranges
        config.write_text(
            f"storages: {{lake: {{protocol: s3, bucket: sql-faults, {words}}}}}\n"
            f"cache: {{root: {scratch}/cache{size}}}\n"
            f"sqlserver: {{manifest_ttl: 0s, tables: {{trips: {{storage: lake, path: {folder}/}}}}}}\n"
        )
        lake = Lake(store, proxy, "", folder, scratch)
        for number in range(FILES):
            lake.write(number)
        with gateway_process("--config", str(config)) as (process, url):
            lake.dsn = url
            yield lake
            assert process.poll() is None, "the server ended"


@pytest.fixture(params=[True, False], ids=["whole", "ranged"])
def lake(request: pytest.FixtureRequest, s3_server: SeaweedFS, tmp_path: Path) -> Iterator[Lake]:
    with lake_over(s3_server, tmp_path, has_cache=request.param) as opened:
        yield opened


def is_data(request: Request) -> bool:
    return request.method == "GET" and request.path.endswith(".parquet")


def total(connection: psycopg.Connection[tuple[object, ...]], number: int) -> object:
    """Ask for something that no answer is kept of, which reads one file's rows."""
    sql = "SELECT count(*), sum(id), count(DISTINCT name) FROM trips WHERE id BETWEEN %s AND %s AND now() IS NOT NULL"
    return connection.execute(sql, [number * ROWS, (number + 1) * ROWS - 1]).fetchone()


def right(number: int) -> tuple[int, int, int]:
    ids = range(number * ROWS, (number + 1) * ROWS)
    return (ROWS, sum(ids), ROWS)


def answer_or_error(
    connection: psycopg.Connection[tuple[object, ...]], number: int
) -> tuple[object, psycopg.Error | None]:
    try:
        return total(connection, number), None
    except psycopg.Error as error:
        return None, error


FAULTS: list[Fault] = [
    Status(503),
    Status(500),
    Reset(),
    Cut(1_000),
    WrongLength(7),
    WrongLength(-7),
    ChangeHeader("ETag", '"x"'),
]
TOLD = {"58030", "40001", "XX001"}


@pytest.mark.parametrize("times", [1, 50])
def test_each_fault_gives_right_rows_or_a_clear_error(lake: Lake, times: int) -> None:
    with lake.connect() as connection:
        for place, fault in enumerate(FAULTS[:FILES]):
            lake.proxy.script = Script([fault] * times, is_data)
            found, told = answer_or_error(connection, place)
            assert found in {None, right(place)}, fault
            assert told is None or (told.sqlstate in TOLD and ("part-" in str(told) or "127.0.0.1" in str(told))), told
            lake.proxy.script = lambda _: None
            deadline = time.monotonic() + 30
            while True:
                try:
                    assert total(connection, place) == right(place), fault
                    break
                except psycopg.errors.IoError:  # the circuit is open
                    assert time.monotonic() < deadline
                    time.sleep(0.2)


@pytest.mark.parametrize("seed", [1])
def test_random_faults_never_give_wrong_rows(lake: Lake, seed: int) -> None:
    faults: list[Fault] = [Status(503), Reset(), Cut(1_000), Cut(100_000), WrongLength(5)]
    lake.proxy.script = RandomFaults(seed, 0.3, faults)
    with lake.connect() as connection:
        answered = 0
        for turn in range(24):
            found, told = answer_or_error(connection, turn % FILES)
            assert found in {None, right(turn % FILES)}
            assert told is None or told.sqlstate in TOLD, told
            answered += told is None
        assert answered, "nothing was answered"


def within(seconds: float, act: Callable[[], object]) -> None:
    """Run it in a thread that must end in time: far longer than it should need, far shorter than for ever."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive()


def test_a_storage_that_says_nothing_stops_nobody_else_and_can_be_cancelled(lake: Lake) -> None:
    with lake.connect() as waiting, lake.connect() as other:
        total(waiting, 0)
        told: list[psycopg.Error | None] = []
        for number, stalls in ((1, is_data), (2, lambda _: True)):  # reads; and listings as well
            lake.proxy.script = lambda request, stalls=stalls: Stall(60.0) if stalls(request) else None
            wait = partial(lambda number: told.append(answer_or_error(waiting, number)[1]), number)
            thread = threading.Thread(target=wait)
            thread.start()
            time.sleep(0.3)
            within(10, lambda: other.execute("SELECT relname FROM pg_class WHERE relname = 'trips'").fetchall())
            waiting.cancel()
            thread.join(1.5)  # below the storage's timeout
            assert [error.sqlstate for error in told if error is not None] == ["57014"] * number
        other.execute("SET statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            total(other, 2)
        lake.proxy.script = lambda _: None
        other.execute("RESET statement_timeout")
        assert total(other, 3) == right(3)
        assert waiting.execute("SELECT 1").fetchone() == (1,)


def test_a_storage_that_is_down_is_not_a_table_that_is_gone(lake: Lake) -> None:
    with lake.connect() as connection:
        assert total(connection, 0) == right(0)
        lake.proxy.down()
        with pytest.raises(psycopg.errors.IoError):
            total(connection, 1)
        assert connection.execute("SELECT relname FROM pg_class WHERE relname = 'trips'").fetchall() == [("trips",)]
        lake.proxy.up()
        deadline = time.monotonic() + 60
        while True:
            try:
                assert total(connection, 1) == right(1)
                break
            except psycopg.errors.IoError:  # until the circuit closes
                assert time.monotonic() < deadline
                time.sleep(0.2)


def test_files_that_are_replaced_and_removed_while_they_are_read(lake: Lake) -> None:
    """Each answer is of one version of each file."""
    stop = threading.Event()

    def change() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            lake.write(0, offset=turn % 2)
            if turn % 3 == 0:
                lake.delete(1)
                lake.write(1)

    writer = threading.Thread(target=change)
    writer.start()
    wrong: list[object] = []
    answered = 0
    try:
        with lake.connect() as connection:
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                try:
                    found = connection.execute(
                        "SELECT count(*), sum(id), count(DISTINCT name) FROM trips"
                        f" WHERE (name LIKE '% of 0' OR name LIKE '% of 1') AND {answered} >= 0"
                    ).fetchone()
                except psycopg.Error as error:
                    if error.sqlstate not in {"40001", "58030"}:
                        wrong.append(error)
                    continue
                answered += 1
                sums = {sum(range(ROWS)) + offset * ROWS + other for offset in (0, 1) for other in (0, right(1)[1])}
                if found is None or found[1] not in sums or found[0] != found[2]:
                    wrong.append(found)
    finally:
        stop.set()
        writer.join()
    assert not wrong
    assert answered
