"""Temporary objects, transactions, several open results, cancellation, describe."""

from __future__ import annotations

import datetime as dt
import threading
import time
from pathlib import Path

import pytest

from fsspeckit_lib.errors import Cancelled, GatewayError
from fsspeckit_sqlserver.engine import DuckEngine
from fsspeckit_sqlserver.engine.session import DuckSession
from fsspeckit_sqlserver.sqlstates import sqlstate
from fsspeckit_sqlserver.statement import parse_statements
from fsspeckit_sqlserver.types import oids
from tests.fsspeckit_sqlserver.engine.lakes import Client, engine_over, write_parquet, write_trips


def test_temporary_tables(client: Client, engine: DuckEngine) -> None:
    made = client.start("CREATE TEMP TABLE recent AS SELECT id, fare FROM trips WHERE year = 2023")
    assert (made.verb, made.affected, made.columns) == ("SELECT", 300, None)
    assert client.value("SELECT count(*) FROM recent") == 300
    assert client.value("SELECT count(*) FROM pg_temp.recent r JOIN trips t ON t.id = r.id") == 300
    added = client.start("INSERT INTO recent VALUES (1, 2.5), ($1, $2)", 7, "3.5")
    assert (added.verb, added.affected) == ("INSERT 0", 2)
    assert client.start("UPDATE recent SET fare = 0 WHERE id < 10").affected == 2
    assert client.start("DELETE FROM recent WHERE id < 10").affected == 2
    assert client.start("INSERT INTO recent SELECT id, fare FROM trips WHERE year = 2021").affected == 300
    with pytest.raises(GatewayError, match='relation "recent" already exists'):
        client.start("CREATE TEMP TABLE recent (a int)")
    assert client.start("CREATE TEMP TABLE IF NOT EXISTS recent AS SELECT 1").affected is None
    other = engine.open_session("bob", "lake")
    with pytest.raises(GatewayError, match="does not exist"):
        Client(other).rows("SELECT * FROM recent")
    other.close()
    assert client.start("DROP TABLE recent").verb == "DROP TABLE"
    with pytest.raises(GatewayError, match="does not exist"):
        client.rows("SELECT * FROM recent")
    with pytest.raises(GatewayError, match='table "recent" does not exist'):
        client.start("DROP TABLE recent")
    client.start("DROP TABLE IF EXISTS recent")


def test_a_temporary_table_hides_a_dataset(client: Client) -> None:
    client.start("CREATE TEMP TABLE trips (id int NOT NULL, name text DEFAULT 'x')")
    client.start("INSERT INTO trips (id) VALUES (1)")
    client.start("INSERT INTO trips VALUES (2)")
    assert client.rows("SELECT * FROM trips") == [(1, "x"), (2, "x")]
    assert client.value("SELECT count(*) FROM public.trips") == 900
    with pytest.raises(GatewayError) as caught:
        client.start("INSERT INTO trips VALUES (NULL)")
    assert sqlstate(caught.value) == "23502"


def test_temporary_views_see_the_files_of_the_moment(tmp_path: Path) -> None:
    write_parquet("SELECT 1 AS a", tmp_path / "t" / "1.parquet")
    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache") as engine:
        client = Client(engine.open_session("u", "d"))
        assert client.start("CREATE TEMP VIEW v AS SELECT a AS b FROM t").verb == "CREATE VIEW"
        client.start("CREATE TEMP VIEW w AS SELECT b * 10 AS c FROM v")
        assert client.rows("SELECT * FROM w") == [(10,)]
        write_parquet("SELECT 2 AS a", tmp_path / "t" / "2.parquet")
        assert client.rows("SELECT * FROM w ORDER BY c") == [(10,), (20,)]
        assert client.files_read("SELECT * FROM v WHERE b = 2") == 1
        with pytest.raises(GatewayError, match="already exists"):
            client.start("CREATE TEMP VIEW v AS SELECT 1")
        client.start("CREATE OR REPLACE TEMP VIEW v(x, y) AS SELECT a, a + 1 FROM t")
        assert client.names("SELECT * FROM v") == ["x", "y"]
        with pytest.raises(GatewayError, match="does not exist"):
            client.start("CREATE TEMP VIEW bad AS SELECT nope FROM t")
        with pytest.raises(GatewayError, match="is not a table"):
            client.start("DROP TABLE v")
        client.start("DROP VIEW w, v")
        with pytest.raises(GatewayError, match="does not exist"):
            client.rows("SELECT * FROM v")


def test_a_transaction_sees_one_snapshot(tmp_path: Path) -> None:
    write_parquet("SELECT 1 AS a", tmp_path / "t" / "1.parquet")
    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache") as engine:
        client = Client(engine.open_session("u", "d"))
        client.session.begin(0)
        assert client.value("SELECT count(*) FROM t") == 1
        write_parquet("SELECT 2 AS a", tmp_path / "t" / "2.parquet")
        assert client.value("SELECT count(*) FROM t") == 1
        client.session.commit()
        assert client.value("SELECT count(*) FROM t") == 2


def test_rollback_undoes_temporary_objects(client: Client) -> None:
    client.start("CREATE TEMP TABLE kept AS SELECT 1 AS a")
    client.session.begin(0)
    client.start("CREATE TEMP TABLE gone AS SELECT 1 AS a")
    client.start("CREATE TEMP VIEW gone_too AS SELECT 1 AS a")
    client.start("INSERT INTO kept VALUES (2)")
    assert client.value("SELECT count(*) FROM kept") == 2
    client.session.rollback()
    assert client.value("SELECT count(*) FROM kept") == 1
    for name in ("gone", "gone_too"):
        with pytest.raises(GatewayError, match="does not exist"):
            client.rows(f"SELECT * FROM {name}")
    client.session.begin(0)
    client.start("CREATE TEMP TABLE gone AS SELECT 3 AS a")
    client.session.commit()
    assert client.value("SELECT a FROM gone") == 3


def test_a_failed_statement_in_a_transaction_can_be_rolled_back(client: Client) -> None:
    client.start("CREATE TEMP TABLE t AS SELECT 1 AS a")
    client.session.begin(0)
    client.start("INSERT INTO t VALUES (2)")
    with pytest.raises(GatewayError):
        client.start("INSERT INTO t SELECT 1 / 0")
    client.session.rollback()
    assert client.rows("SELECT a FROM t") == [(1,)]


def test_several_results_are_open_at_once(client: Client) -> None:
    first = client.start("SELECT id, 'first' AS mark FROM trips ORDER BY id")  # no other test asks that
    second = client.start("SELECT id FROM trips ORDER BY id DESC")
    client.start("CREATE TEMP TABLE x AS SELECT range AS r FROM generate_series(1, 100000) g(range)")
    third = client.start("SELECT r FROM x ORDER BY r")
    seen = [rows.fetch(1) for rows in (first, second, third)]
    assert [part.column(0)[0].as_py() for part in seen if part is not None] == [0, 899, 1]
    assert client.value("SELECT count(*) FROM x") == 100_000  # the third is read into memory first
    client.start("DELETE FROM x")
    total = 1
    while (part := third.fetch(5000)) is not None:
        total += part.num_rows
    assert total == 100_000
    client.session.close()  # closes the others
    assert first.fetch(1) is None


@pytest.mark.parametrize("when", ["executing", "fetching"])
def test_interrupt_ends_a_statement_and_the_session_goes_on(client: Client, when: str) -> None:
    endless = (
        "SELECT count(*) FROM generate_series(1, 100000000000) g"
        if when == "executing"
        else ("SELECT g FROM generate_series(1, 100000000000) g")
    )
    stop = threading.Event()

    def cancel() -> None:
        while not stop.wait(0.05):
            client.session.interrupt()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        with pytest.raises(Cancelled):
            client.rows(endless)
    finally:
        stop.set()
        canceller.join()
    assert client.value("SELECT count(*) FROM trips") == 900


def test_an_interrupt_between_statements_is_forgotten(client: Client) -> None:
    client.session.interrupt()
    assert client.value("SELECT 1") == 1


def test_sessions_run_side_by_side(engine: DuckEngine) -> None:
    failures: list[object] = []

    def work(number: int) -> None:
        session = engine.open_session(f"user{number}", "lake")
        client = Client(session)
        try:
            for _ in range(5):
                assert client.value("SELECT count(*) FROM trips WHERE year = $1", 2021 + number % 3) == 300
                assert client.value("SELECT current_user") == f"user{number}"
                client.start(f"CREATE TEMP TABLE t AS SELECT {number} AS a")
                assert client.value("SELECT a FROM t") == number
                client.start("DROP TABLE t")
        except BaseException as error:  # noqa: BLE001  # handed to the main thread
            failures.append(error)
        finally:
            session.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


# ---- describe


def _shape(session: DuckSession, sql: str, *declared: int) -> tuple[tuple[int, ...], list[tuple[str, int]] | None]:
    (statement,) = parse_statements(sql)
    shape = session.describe(statement, declared)
    columns = None if shape.columns is None else [(column.name, column.type_oid) for column in shape.columns]
    return shape.parameter_oids, columns


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT $1", (oids.TEXT,)),
        ("SELECT $1::int, $2::date", (oids.INT4, oids.DATE)),
        ("SELECT 1 FROM trips WHERE id = $1 AND day >= $2 AND paid = $3", (oids.INT8, oids.DATE, oids.BOOL)),
        ("SELECT 1 FROM trips t WHERE $1 < t.fare AND city LIKE $2", (oids.NUMERIC, oids.TEXT)),
        ("SELECT 1 FROM trips WHERE id BETWEEN $1 AND $2 OR id IN ($3, $4)", (oids.INT8,) * 4),
        ("SELECT 1 FROM trips WHERE id = ANY($1)", (oids.ARRAY_OF[oids.INT8],)),
        ("SELECT 1 FROM trips LIMIT $1 OFFSET $2", (oids.INT8, oids.INT8)),
        ("SELECT id + $1 FROM trips", (oids.INT8,)),
        ("SELECT 1 WHERE $1", (oids.BOOL,)),
        ("SELECT 1 FROM (SELECT id AS i FROM trips) s WHERE s.i = $1", (oids.INT8,)),
        ("SELECT date_trunc($1, now())", (oids.TEXT,)),
        ("SELECT 1 FROM pg_class WHERE oid = $1 AND relname = $2", (oids.OID, oids.NAME)),
    ],
)
def test_parameter_types_are_inferred(client: Client, sql: str, parameters: tuple[int, ...]) -> None:
    assert _shape(client.session, sql)[0] == parameters


def test_declared_types_win(client: Client) -> None:
    assert _shape(client.session, "SELECT $1", oids.INT4) == ((oids.INT4,), [("?column?", oids.INT4)])
    assert _shape(client.session, "SELECT $1", oids.UNKNOWN)[0] == (oids.TEXT,)
    assert _shape(client.session, "SELECT 1", oids.INT4)[0] == (oids.INT4,)


@pytest.mark.parametrize(
    ("declared", "value", "expected"),
    [
        (oids.INT8, 5, oids.INT8),
        (oids.INT2, 5, oids.INT2),
        (oids.FLOAT8, 5.0, oids.FLOAT8),
        (oids.DATE, dt.date(2024, 1, 1), oids.DATE),
        (0, 5, oids.INT4),
        (0, 2**40, oids.INT8),
        (0, True, oids.BOOL),
        (0, "a", oids.TEXT),
        (0, None, oids.TEXT),
    ],
)
def test_results_have_the_types_that_were_announced(
    client: Client, declared: int, value: object, expected: int
) -> None:
    announced: tuple[int, ...] = ()
    if declared:
        announced, columns = _shape(client.session, "SELECT $1", declared)
        assert columns == [("?column?", expected)]
    rows = client.start("SELECT $1", value, announced=announced)
    assert rows.columns is not None
    assert rows.columns[0].type_oid == expected
    batch = rows.fetch(1)
    assert batch is not None
    assert batch.column(0)[0].as_py() == value
    rows.close()


def test_columns_are_known_without_running(client: Client) -> None:
    columns = _shape(client.session, "SELECT id, day, fare, city, paid, year, count(*) FROM trips GROUP BY 1,2,3,4,5,6")
    assert columns[1] == [
        ("id", oids.INT8),
        ("day", oids.DATE),
        ("fare", oids.NUMERIC),
        ("city", oids.TEXT),
        ("paid", oids.BOOL),
        ("year", oids.INT8),
        ("count", oids.INT8),
    ]
    assert _shape(client.session, "SELECT oid, relname FROM pg_class")[1] == [("oid", oids.OID), ("relname", oids.NAME)]
    assert _shape(client.session, "EXPLAIN SELECT 1")[1] == [("QUERY PLAN", oids.TEXT)]
    assert _shape(client.session, "CREATE TEMP TABLE x AS SELECT $1::int AS a") == ((oids.INT4,), None)
    with pytest.raises(GatewayError, match="does not exist"):
        client.rows("SELECT * FROM x")


def test_a_slow_statement_is_not_run_by_describe(client: Client) -> None:
    started = time.monotonic()
    _shape(client.session, "SELECT count(*) FROM generate_series(1, 100000000000) g")
    assert time.monotonic() - started < 30


def test_describe_reports_what_does_not_bind(client: Client) -> None:
    with pytest.raises(GatewayError, match='column "nope" does not exist'):
        _shape(client.session, "SELECT nope FROM trips")


def test_insert_parameters_take_the_columns_types(client: Client) -> None:
    client.start("CREATE TEMP TABLE x (a int, b date)")
    assert _shape(client.session, "INSERT INTO x (b, a) VALUES ($1, $2)") == ((oids.DATE, oids.INT4), None)


def test_the_temporary_folder_is_removed(tmp_path: Path) -> None:
    write_trips(tmp_path / "t", years=(2021,), rows=10)
    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache") as engine:
        folder = Path(engine.scanner.shelf.folder)
        client = Client(engine.open_session("u", "d"))
        client.rows("SELECT count(*) + 1 FROM t")
        links = set(folder.iterdir())
        client.rows("SELECT count(*) + 2 FROM t")
        assert set(folder.iterdir()) == links  # both queries read the same ones
    assert not folder.exists()


def test_folders_of_killed_servers_are_removed(tmp_path: Path) -> None:
    write_trips(tmp_path / "t", years=(2021,), rows=10)
    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache") as engine:
        mine = Path(engine.scanner.shelf.folder)
        left = mine.with_name("fsspeckit-sql-4194305-abc")  # above the highest process number there is
        (left / "q1").mkdir(parents=True)
        with engine_over({"t": tmp_path / "t"}, tmp_path / "cache2"):
            assert not left.exists()
            assert mine.exists()


def test_planning_is_cancelled(client: Client) -> None:
    values = ", ".join(f"${number}" for number in range(1, 3_001))
    (statement,) = parse_statements(f"SELECT id FROM trips WHERE id IN ({values})")
    raised: list[BaseException] = []

    def describe() -> None:
        try:
            client.session.describe(statement, ())
        except GatewayError as error:
            raised.append(error)

    worker = threading.Thread(target=describe)
    worker.start()
    while worker.is_alive():
        client.session.interrupt()
        worker.join(0.01)
    assert [type(error) for error in raised] == [Cancelled]
    assert len(client.session.describe(statement, ()).parameter_oids) == 3_000
