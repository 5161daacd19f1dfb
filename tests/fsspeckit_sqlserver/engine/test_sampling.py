"""TABLESAMPLE over real files: right shares, the same rows for a seed, whatever else the statement says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fsspeckit_sqlserver.engine.errors import InvalidSample, UndefinedObject
from tests.fsspeckit_sqlserver.engine.lakes import Client, engine_over, write_parquet

_ROWS = 60_000


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("samples")
    for part in range(3):
        write_parquet(
            f"SELECT {part} * 20000 + range AS id, 'n' || range AS name, range % 5 AS at FROM range(20000)",
            folder / "t" / f"{part}.parquet",
        )
    with engine_over({"t": folder / "t"}, folder / "cache", ttl_s=60.0) as engine:
        client = Client(engine.open_session("ann", "lake"))
        yield client
        client.session.close()


@pytest.mark.parametrize("method", ["BERNOULLI", "SYSTEM"])
@pytest.mark.parametrize("percentage", [0, 1, 12.5, 50, 100])
def test_the_share_is_right(lake: Client, method: str, percentage: float) -> None:
    expected = _ROWS * percentage / 100
    deviation = 6 * (expected * (1 - percentage / 100)) ** 0.5  # six sigma: one run in a billion
    for seed in ("", " REPEATABLE (7)"):
        count = lake.value(f"SELECT count(*) FROM t TABLESAMPLE {method} ({percentage}){seed}")
        assert isinstance(count, int)
        assert abs(count - expected) <= deviation


def test_a_seed_gives_the_same_rows_whatever_else_is_asked(lake: Client) -> None:
    sample = "t TABLESAMPLE BERNOULLI (10) REPEATABLE (42)"
    everything = {row for (row,) in lake.rows(f"SELECT id FROM {sample}")}
    assert {row for (row,) in lake.rows(f"SELECT id FROM {sample}")} == everything
    some = {row for (row,) in lake.rows(f"SELECT id FROM {sample} WHERE id BETWEEN 25000 AND 26000")}
    assert some == {number for number in everything if isinstance(number, int) and 25000 <= number <= 26000}
    assert lake.files_read(f"SELECT id FROM {sample} WHERE id BETWEEN 25000 AND 26000") == 1
    assert {row for (row,) in lake.rows(f"SELECT id FROM {sample.replace('42', '43')}")} != everything


def test_without_a_seed_the_rows_differ_and_are_not_kept(lake: Client) -> None:
    sql = "SELECT sum(id) FROM t TABLESAMPLE BERNOULLI (10)"
    assert len({str(lake.value(sql)) for _ in range(5)}) > 1


def test_the_percentage_may_be_a_parameter_and_the_table_temporary(lake: Client) -> None:
    assert lake.value("SELECT count(*) FROM t TABLESAMPLE BERNOULLI ($1)", 100.0) == _ROWS
    lake.rows("CREATE TEMP TABLE made AS SELECT * FROM t TABLESAMPLE BERNOULLI (10) REPEATABLE (1)")
    count = lake.value("SELECT count(*) FROM made")
    lake.rows("INSERT INTO made SELECT * FROM t AS x(a, b, c) TABLESAMPLE SYSTEM (10) REPEATABLE (1)")
    assert lake.value("SELECT count(*) FROM made TABLESAMPLE SYSTEM (100)") == 2 * int(str(count))
    lake.rows("DROP TABLE made")


def test_wrong_clauses(lake: Client) -> None:
    for percentage in ("-1", "100.5", "NULL"):
        with pytest.raises(InvalidSample):
            lake.rows(f"SELECT * FROM t TABLESAMPLE BERNOULLI ({percentage})")
    with pytest.raises(UndefinedObject):
        lake.rows("SELECT * FROM t TABLESAMPLE reservoir (1)")


def test_names_that_duckdb_reserves_stay_as_they_are(lake: Client) -> None:
    assert lake.names("SELECT at FROM t LIMIT 1") == ["at"]
    assert lake.names("WITH q(at, show) AS (SELECT 1, 2) SELECT * FROM q JOIN (SELECT 1 AS at) r USING (at)") == [
        *("at", "show")
    ]
    lake.rows("CREATE TEMP TABLE words (at int PRIMARY KEY, show text, lambda int DEFAULT 4, UNIQUE (show))")
    lake.rows("INSERT INTO words (at, show) VALUES (1, 'at')")
    assert lake.rows("UPDATE words SET show = 'by at' WHERE words.at = 1 RETURNING at, show, lambda") == [
        (1, "by at", 4)
    ]
    assert lake.names("SELECT * FROM words") == ["at", "show", "lambda"]
    lake.rows("DROP TABLE words")
