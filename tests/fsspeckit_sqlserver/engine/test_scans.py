"""Files in the place of a table: as they are, or behind a query that brings them to the table's columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from fsspeckit_lib.errors import GatewayError
from tests.fsspeckit_sqlserver.engine.lakes import Client, engine_over, write_parquet


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    for name in ("same", "turned", "wider", "named"):
        (tmp_path / name).mkdir()
    write_parquet("SELECT 1 AS a, 'x' AS b", tmp_path / "same/1.parquet")
    write_parquet("SELECT 2 AS a, 'y' AS b", tmp_path / "same/2.parquet")
    write_parquet("SELECT 1 AS a, 'x' AS b", tmp_path / "turned/1.parquet")
    write_parquet("SELECT 'y' AS b, 2 AS a", tmp_path / "turned/2.parquet")
    write_parquet("SELECT 1 AS a", tmp_path / "wider/1.parquet")
    write_parquet("SELECT 2::BIGINT AS a, 'y' AS b", tmp_path / "wider/2.parquet")
    write_parquet("SELECT 7 AS filename, 8 AS rowid", tmp_path / "named/1.parquet")
    tables = {name: tmp_path / name for name in ("same", "turned", "wider", "named")}
    with engine_over(tables, tmp_path / "cache") as engine:
        yield Client(engine.open_session("u", "d"))


@pytest.mark.parametrize("table", ["same", "turned"])
def test_files_in_any_order_of_columns(client: Client, table: str) -> None:
    assert client.rows(f"SELECT * FROM {table} ORDER BY a") == [(1, "x"), (2, "y")]
    assert client.rows(f"SELECT t.b, x FROM {table} AS t(x, b) ORDER BY x") == [("x", 1), ("y", 2)]
    assert client.rows(f"SELECT count(*) FROM {table} AS l JOIN {table} AS r USING (a, b)") == [(2,)]
    assert client.rows(f"SELECT b FROM {table} TABLESAMPLE BERNOULLI (100) ORDER BY b") == [("x",), ("y",)]
    assert client.rows(f"SELECT (t).a FROM (SELECT t FROM {table} t) q(t) ORDER BY 1") == [(1,), (2,)]


def test_files_with_other_columns(client: Client) -> None:
    assert client.rows("SELECT * FROM wider ORDER BY a") == [(1, None), (2, "y")]


@pytest.mark.parametrize("column", ["filename", "file_row_number", "file_index", "FileName"])
def test_columns_that_duckdb_adds_are_not_there(client: Client, column: str) -> None:
    with pytest.raises(GatewayError, match="does not exist"):
        client.rows(f"SELECT {column} FROM same")
    outer = f"SELECT (SELECT count(*) FROM same WHERE {column}::text = 'outer') FROM (SELECT 'outer' AS {column}) o"
    assert client.rows(outer) == [(2,)]


def test_columns_that_are_called_as_duckdbs_own(client: Client) -> None:
    assert client.rows("SELECT filename, rowid FROM named") == [(7, 8)]
    assert client.rows("SELECT * FROM named") == [(7, 8)]


def test_duckdb_adds_no_other_columns_to_files(tmp_path: Path) -> None:
    """The names that `scans` keeps apart are all there are: DuckDB proposes them where a name is not found."""
    write_parquet("SELECT 1 AS a", tmp_path / "1.parquet")
    with duckdb.connect() as connection:
        for guess in ("filenam", "file_ro_number", "file_inde", "file", "row_group", "row", "path"):
            with pytest.raises(duckdb.BinderException) as raised:
                connection.execute(f"SELECT {guess} FROM read_parquet('{tmp_path}/1.parquet')")
            proposed = str(raised.value).partition("Candidate bindings:")[2].partition("\n")[0]
            names = {name.strip().strip('"') for name in proposed.split(",") if name.strip()}
            assert names <= {"a", "filename", "file_index", "file_row_number", "rowid"}, guess


@pytest.mark.parametrize("kind", ["DOUBLE", "FLOAT"])
def test_values_that_are_no_numbers_are_found(tmp_path: Path, kind: str) -> None:
    """Least and greatest values in a footer leave them out; to PostgreSQL they are greater than all others."""
    values = "(0, 1.0), (1, 'nan'::DOUBLE), (2, 9.0), (3, -0.0), (4, 5.0), (5, NULL)"
    write_parquet(f"SELECT id, f::{kind} AS f FROM (VALUES {values}) v (id, f)", tmp_path / "t" / "1.parquet")
    write_parquet(f"SELECT i AS id, 2::{kind} AS f FROM range(6, 9) r (i)", tmp_path / "t" / "2.parquet")
    with engine_over({"t": tmp_path / "t"}, tmp_path / "cache") as engine:
        client = Client(engine.open_session("u", "d"))
        for condition, found in {
            "f = 'NaN'": [1],
            "f > 100": [1],
            "f >= 9": [1, 2],
            "f <= 100": [0, 2, 3, 4, 6, 7, 8],
            "f < 'NaN'": [0, 2, 3, 4, 6, 7, 8],
            "f <> 2": [0, 1, 2, 3, 4],
            "f IN (5, 'NaN')": [1, 4],
            "NOT f <= 5": [1, 2],
            "f BETWEEN 9 AND 'NaN'": [1, 2],
        }.items():
            assert client.rows(f"SELECT id FROM t WHERE {condition} ORDER BY id") == [(number,) for number in found], (
                condition
            )
        assert client.rows("SELECT max(f)::text, min(f) FROM t WHERE id <> 3") == [("NaN", 1.0)]
        assert client.rows("SELECT max(f)::text FROM t") == [("NaN",)]
        assert client.rows("SELECT id FROM t ORDER BY f DESC NULLS LAST LIMIT 2") == [(1,), (2,)]
        assert client.rows("SELECT a.id FROM t AS a JOIN t AS b ON a.f = b.f AND b.f = 'NaN'") == [(1,)]
