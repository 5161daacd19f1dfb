"""Prepared statements whose tables change: rows of other types are refused, never converted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest
from psycopg import errors

from tests.fsspeckit_sqlserver.conftest import gateway_process

Connection = psycopg.Connection[tuple[object, ...]]


class _Lake:
    def __init__(self, folder: Path) -> None:
        self._folder, self._number = folder, 0

    def write(self, query: str) -> None:
        """Replace the files of the dataset by one."""
        self._number += 1
        staged = self._folder / f"_{self._number}.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({query}) TO '{staged}' (FORMAT parquet)")
        staged.rename(self._folder / "a.parquet")


@pytest.fixture
def lake(tmp_path: Path) -> _Lake:
    folder = tmp_path / "t"
    folder.mkdir()
    made = _Lake(folder)
    made.write("SELECT 1::BIGINT AS a, 'x' AS b")
    return made


@pytest.fixture
def client(lake: _Lake, tmp_path: Path) -> Iterator[Connection]:
    config = tmp_path / "c.yaml"
    config.write_text(
        f"storages:\n  here: {{protocol: file, path: {tmp_path}}}\n"
        f"cache: {{root: {tmp_path}/cache, max_size: 1GiB}}\n"
        "sqlserver:\n  manifest_ttl: 0s\n  tables: {t: {storage: here, path: t}}\n"
    )
    with gateway_process("--config", str(config)) as (_, url), psycopg.connect(url, autocommit=True) as connection:
        connection.prepare_threshold = 0
        yield connection


def changed(connection: Connection, wanted: object, sql: str) -> None:
    """Wait until a fresh statement gives these rows: the server lists the files again."""
    deadline = time.monotonic() + 20
    while connection.execute(sql, prepare=False).fetchall() != wanted and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1.5::DOUBLE AS a, 'x' AS b",
        "SELECT 1::BIGINT AS a, 'x' AS b, 2 AS c",
        "SELECT 1::BIGINT AS a",
        "SELECT 'x' AS b, 1::BIGINT AS a",
        "SELECT 'p' AS a, 'x' AS b",
    ],
)
@pytest.mark.parametrize("binary", [True, False])
def test_rows_of_other_columns_are_refused(lake: _Lake, client: Connection, query: str, binary: bool) -> None:
    client.execute("PREPARE p AS SELECT * FROM t")
    prepared = "SELECT * FROM t"
    assert client.execute(prepared, binary=binary).fetchall() == [(1, "x")]
    assert client.execute("EXECUTE p", prepare=False).fetchall() == [(1, "x")]
    lake.write(query)
    with duckdb.connect() as connection:
        rows = connection.execute(query).fetchall()
    changed(client, rows, "SELECT t.* FROM t")
    with pytest.raises(errors.FeatureNotSupported, match="cached plan must not change result type"):
        client.execute(prepared, binary=binary)
    with pytest.raises(errors.FeatureNotSupported, match="cached plan must not change result type"):
        client.execute("EXECUTE p", prepare=False)
    assert client.execute("SELECT t.* FROM t", prepare=False).fetchall() == rows


def test_other_files_with_the_same_columns_are_read(lake: _Lake, client: Connection) -> None:
    client.execute("PREPARE p AS SELECT a FROM t")
    assert client.execute("SELECT a FROM t").fetchall() == [(1,)]
    lake.write("SELECT 2::BIGINT AS a, 'y' AS b, true AS c")
    changed(client, [(2,)], "SELECT t.a FROM t")
    assert client.execute("SELECT a FROM t").fetchall() == [(2,)]
    assert client.execute("EXECUTE p", prepare=False).fetchall() == [(2,)]


def test_an_altered_temporary_table_is_told_too(client: Connection) -> None:
    client.prepare_threshold = None  # psycopg forgets what it prepared when it sees ALTER
    client.execute("CREATE TEMP TABLE q (a int)")
    client.execute("PREPARE p AS SELECT * FROM q")
    client.execute("ALTER TABLE q ALTER COLUMN a TYPE text")
    with pytest.raises(errors.FeatureNotSupported):
        client.execute("EXECUTE p")
