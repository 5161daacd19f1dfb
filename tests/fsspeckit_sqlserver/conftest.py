"""What the SQL server's tests share: a server on the in-memory engine, and a real PostgreSQL as the oracle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from benchmarks.postgres import binaries, running_postgres


@dataclass(frozen=True)
class RunningServer:
    """A server process on the in-memory engine."""

    port: int
    pid: int

    @property
    def dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=tester dbname=anything"

    @property
    def url(self) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/anything"


@contextmanager
def serving(*flags: str) -> Iterator[RunningServer]:
    """Run a server; at the end it must stop by itself, with status 0 and nothing on stderr but its log."""
    command = [sys.executable, "-m", "tests.fsspeckit_sqlserver.memory_server", *flags]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield RunningServer(int(process.stdout.readline()), process.pid)
        assert process.poll() is None, "the server ended while it was used"
        process.communicate(timeout=30)
        assert process.returncode == 0


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    with serving() as running:
        yield running


@contextmanager
def gateway_process(*flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the real daemon; yield it and the address it announced. Stops it with SIGTERM."""
    command = [sys.executable, "-m", "fsspeckit_sqlserver.cli", "--listen", "127.0.0.1:0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().removeprefix("ready: ").strip()
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two tables: `trips` (hive-partitioned by year) and `types` (one column of each type)."""
    root = tmp_path_factory.mktemp("datasets")
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT i AS id, 2020 + i % 3 AS year, i * 0.5 AS fare, 'zone ' || i % 10 AS zone,"
            " timestamp '2024-01-01' + i * interval '1 minute' AS pickup FROM range(30000) t(i))"
            f" TO '{root}/trips' (FORMAT parquet, PARTITION_BY (year))"
        )
        os.mkdir(f"{root}/types")
        connection.execute(
            "COPY (SELECT true AS flag, 1::smallint AS small, 2 AS number, 3::bigint AS big, 1.5::real AS single,"
            " 2.5 AS half, 2.5::double AS dbl, 1.25::decimal(10,2) AS money, 'text' AS name, 'ab'::blob AS raw,"
            " date '2024-02-29' AS day, time '12:34:56' AS clock, timestamp '2024-02-29 12:34:56' AS stamp,"
            " timestamptz '2024-02-29 12:34:56+00' AS moment, uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' AS ident,"
            " [1, 2] AS numbers, {'a': 1} AS record UNION ALL SELECT" + " NULL," * 16 + " NULL)"
            f" TO '{root}/types/one.parquet' (FORMAT parquet)"
        )
    return root


@pytest.fixture(scope="session")
def gateway(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The real daemon on the real engine, over `dataset`."""
    cache = str(tmp_path_factory.mktemp("cache"))
    with gateway_process("--schema", f"public={dataset}", "--cache-dir", cache) as (process, url):
        yield RunningServer(int(url.rpartition(":")[2].partition("/")[0]), process.pid)
        assert process.poll() is None, "the server ended while it was used"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Connection string of a real PostgreSQL."""
    if binaries() is None:
        pytest.skip("no PostgreSQL server is installed to compare with; on Debian: apt-get install postgresql")
    with running_postgres() as dsn:
        yield dsn
