"""Look-ups in files that have been decoded find what look-ups in the files find, and the tables go again."""

from __future__ import annotations

import shutil
import threading
import time
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from fsspeckit_lib.errors import GatewayError
from fsspeckit_sqlserver.engine import DuckEngine
from fsspeckit_sqlserver.engine.decoded import DECODED_SCHEMA, DecodedFiles
from tests.fsspeckit_sqlserver.engine.lakes import Client, engine_over, write_parquet, write_trips

EVERYTHING = (
    "SELECT i AS id, i % 2 = 0 AS flag, i::SMALLINT AS small, i::UTINYINT AS tiny, i::HUGEINT * 10000000000 AS huge,"
    " CASE WHEN i % 5 = 0 THEN 'nan'::DOUBLE WHEN i % 7 = 0 THEN NULL ELSE i / 3 END AS number, -0.0::FLOAT AS zero,"
    " (i / 7)::DECIMAL(12, 4) AS amount, 'text ' || i AS name, repeat('x', i) AS long, encode('b' || i) AS bytes,"
    " DATE '1992-01-01' + i::INTEGER AS day, TIME '10:00:00' + i * INTERVAL '1 second' AS hour,"
    " TIMESTAMP '1444-03-15 10:00:00' AS old, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS moment,"
    " INTERVAL '1 day' * i AS span, uuid() AS identity, [i, NULL, i + 1] AS list, {'a': i, 'b': 'x'} AS pair,"
    " MAP {'k': i} AS map, [{'a': [i]}] AS nested, '{\"a\": 1}'::JSON AS doc, NULL AS nothing"
    " FROM range(50) t(i)"
)


def decoded_tables(engine: DuckEngine) -> list[str]:
    cursor = engine.instance.cursor()
    query = f"SELECT table_name FROM duckdb_tables() WHERE schema_name = '{DECODED_SCHEMA}' ORDER BY table_name"
    found = [str(name) for (name,) in cursor.execute(query).fetchall()]
    cursor.close()
    return found


def look_up_until_decoded(engine: DuckEngine, client: Client, sql: str, *parameters: object) -> None:
    deadline = time.monotonic() + 20
    before = decoded_tables(engine)
    while decoded_tables(engine) == before:
        assert time.monotonic() < deadline, "the file was not decoded"
        for number in range(20):
            client.rows(sql, number, *parameters)


def test_every_type_comes_back_as_from_the_file(tmp_path: Path) -> None:
    write_parquet(EVERYTHING, tmp_path / "t" / "1.parquet", ROW_GROUP_SIZE=10)
    asked = [
        "SELECT * FROM t WHERE id = $1",
        "SELECT flag, count(*) FROM t WHERE flag = ($1 % 2 = 0) GROUP BY flag",
        "SELECT x.name, x.number FROM t AS x WHERE x.flag = ($1 = 0) AND id > 7",
        "SELECT id FROM t WHERE number = 'NaN' AND id > $1",
        "SELECT row_number() OVER (), id FROM t WHERE flag = ($1 = 1)",
        "SELECT id FROM t WHERE rowid = $1",
        "SELECT filename FROM t WHERE id = $1",
    ]

    def answers(client: Client) -> list[object]:
        found: list[object] = []
        for sql in asked:
            for number in range(10):
                try:
                    found.append((sql, repr(client.rows(sql, number))))
                except GatewayError as error:
                    found.append((sql, str(error)))
        return found

    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache", ttl_s=60.0) as engine:
        engine.scanner._decoded.close()
        expected = answers(Client(engine.open_session("u", "d")))
        assert decoded_tables(engine) == []
    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache", ttl_s=60.0) as engine:
        client = Client(engine.open_session("u", "d"))
        look_up_until_decoded(engine, client, "SELECT id FROM t WHERE id = $1 AND now() IS NOT NULL")
        assert answers(client) == expected
        assert len(decoded_tables(engine)) == 1


def test_partitions_and_columns_that_other_files_have(tmp_path: Path) -> None:
    write_trips(tmp_path / "trips")
    write_parquet(
        "SELECT 9000 + i AS id, 'late' AS note FROM range(9) t(i)", tmp_path / "trips/year=2024/month=01/a.parquet"
    )
    with engine_over({"trips": tmp_path / "trips"}, tmp_path / "cache", ttl_s=60.0) as engine:
        client = Client(engine.open_session("u", "d"))
        sql = "SELECT id, year, month, fare, city, note FROM trips WHERE id = $1"
        before = [client.rows(sql, number) for number in (5, 105, 9003)]
        look_up_until_decoded(engine, client, "SELECT id FROM trips WHERE id = $1 % 50 AND now() IS NOT NULL")
        look_up_until_decoded(engine, client, "SELECT id FROM trips WHERE id = 9000 + $1 % 9 AND now() IS NOT NULL")
        assert [client.rows(f"{sql} AND now() IS NOT NULL", number) for number in (5, 105, 9003)] == before


def test_a_changed_file_is_seen(tmp_path: Path) -> None:
    write_parquet("SELECT i AS id, 'old' AS word FROM range(100) t(i)", tmp_path / "t" / "1.parquet")
    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache") as engine:
        client = Client(engine.open_session("u", "d"))
        sql = "SELECT word FROM t WHERE id = $1"
        look_up_until_decoded(engine, client, f"{sql} AND now() IS NOT NULL")
        assert client.value(sql, 50) == "old"
        write_parquet("SELECT i AS id, 'new' AS word FROM range(200) t(i)", tmp_path / "t" / "2.new")
        shutil.move(tmp_path / "t" / "2.new", tmp_path / "t" / "1.parquet")
        assert client.value(sql, 50) == "new"
        assert client.value(sql, 150) == "new"


def test_a_file_too_large_for_the_memory_is_not_decoded(tmp_path: Path) -> None:
    write_parquet("SELECT i AS id, repeat('x', 2000) AS word FROM range(40000) t(i)", tmp_path / "t" / "1.parquet")
    write_parquet("SELECT i AS id FROM range(200) t(i)", tmp_path / "small" / "1.parquet")
    tables = {"t": tmp_path / "t", "small": tmp_path / "small"}
    with engine_over(tables, tmp_path / "cache", ttl_s=60.0) as engine:
        client = Client(engine.open_session("u", "d"))
        for number in range(60):  # 40,000 rows of two values may fit, and turn out not to
            client.rows("SELECT word FROM t WHERE id = $1", number)
        look_up_until_decoded(engine, client, "SELECT id FROM small WHERE id = $1 AND now() IS NOT NULL")
        deadline = time.monotonic() + 20
        while len(decoded_tables(engine)) > 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)


class Inline(Executor):
    """Does at once what it is given."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_tables_go_when_nobody_uses_them(tmp_path: Path) -> None:
    write_parquet("SELECT i AS id FROM range(100) t(i)", tmp_path / "t" / "1.parquet")
    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache", ttl_s=60.0) as engine:
        clock = Clock()
        decoded = DecodedFiles(engine.instance, Inline(), clock=clock)
        engine.scanner._decoded = decoded
        client = Client(engine.open_session("u", "d"))
        look_up_until_decoded(engine, client, "SELECT id FROM t WHERE id = $1 AND now() IS NOT NULL")
        clock.now = 59.0
        decoded.expire()
        assert len(decoded_tables(engine)) == 1
        client.value("SELECT id FROM t WHERE id = $1", 3)
        clock.now = 118.0
        decoded.expire()
        assert len(decoded_tables(engine)) == 1
        held = client.start("SELECT id FROM t WHERE id >= 0 AND id = id AND now() IS NOT NULL")
        clock.now = 500.0
        decoded.expire()
        assert len(decoded_tables(engine)) == 1, "a statement reads it"
        assert held.fetch(1000) is not None
        held.close()
        decoded.expire()
        assert decoded_tables(engine) == []
        assert client.value("SELECT id FROM t WHERE id = $1", 4) == 4
        decoded.close()


@pytest.mark.parametrize("threads", [8])
def test_look_ups_while_tables_come_and_go(tmp_path: Path, threads: int) -> None:
    for part in range(4):
        write_parquet(
            f"SELECT {part * 100} + i AS id, 'n' || ({part * 100} + i) AS name FROM range(100) t(i)",
            tmp_path / "t" / f"{part}.parquet",
        )
    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache", ttl_s=60.0) as engine:
        wrong: list[object] = []
        stop = threading.Event()

        def look_up(place: int) -> None:
            client = Client(engine.open_session("u", "d"))
            number = place
            while not stop.is_set():
                number = (number + 37) % 400
                try:
                    found = client.rows("SELECT name FROM t WHERE id = $1 AND now() IS NOT NULL", number)
                except GatewayError as error:
                    wrong.append(error)
                    return
                if found != [(f"n{number}",)]:
                    wrong.append((number, found))

        workers = [threading.Thread(target=look_up, args=(place,)) for place in range(threads)]
        for worker in workers:
            worker.start()
        seen = 0
        deadline = time.monotonic() + 20
        while seen < 10 and time.monotonic() < deadline:
            seen += bool(decoded_tables(engine))
            decoded = engine.scanner._decoded
            for table in decoded._tables.values():
                table.used_at = float("-inf")
            decoded.expire()
        stop.set()
        for worker in workers:
            worker.join()
        assert not wrong
        assert seen >= 10
