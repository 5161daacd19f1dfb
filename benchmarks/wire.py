"""(c) Results over the wire: the gateway against PostgreSQL 15 from Debian, the same rows, in the same run.

1 M rows of five mixed columns (bigint, double precision, text, timestamp, numeric), read by a client that only counts
bytes, so that the server is what is measured, and by psycopg. The gateway reads them from parquet files through its
cache; PostgreSQL from a table in its shared buffers.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import duckdb
import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.postgres import binaries, running_postgres
from benchmarks.report import Row, row_of
from fsspeckit_sqlserver.wire import frontend as fe

__all__ = ["run"]

_QUERY = "SELECT * FROM sales"
_COLUMNS = (
    "i AS id, random() * 1000 AS price, 'customer ' || i % 10000 AS name,"
    " timestamp '2024-01-01' + (i * interval '1 second') AS sold, ((i % 1000000) / 100)::decimal(12,2) AS amount"
)
_SCHEMA = "id bigint, price double precision, name text, sold timestamp, amount numeric(12,2)"


@dataclass(frozen=True, slots=True)
class _Peer:
    """A server to measure."""

    dsn: str

    def reader(self) -> _CountingReader:
        parts = conninfo_to_dict(self.dsn)
        return _CountingReader(int(parts["port"] or 0), str(parts["user"]), str(parts["dbname"]))


class _CountingReader:
    """A client that asks and counts the bytes of the answer."""

    def __init__(self, port: int, user: str, database: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._buffer = bytearray(1 << 20)
        self._send(fe.StartupMessage(3, 0, {"user": user, "database": database}))
        self._drain()

    def text(self, sql: str) -> int:
        """Return the bytes of the answer to a simple query."""
        self._send(fe.Query(sql))
        return self._drain()

    def binary(self, sql: str) -> int:
        """Return the bytes of the answer to an extended query with binary results."""
        self._send(fe.Parse("", sql, ()), fe.Bind("", "", (), (), (1,)), fe.Execute("", 0), fe.Sync())
        return self._drain()

    def close(self) -> None:
        self._socket.close()

    def _send(self, *messages: fe.FrontendMessage) -> None:
        self._socket.sendall(b"".join(map(fe.encode_frontend, messages)))

    def _drain(self) -> int:
        """Read up to ReadyForQuery, whose six bytes end every answer."""
        total, tail = 0, b""
        while True:
            size = self._socket.recv_into(self._buffer)
            if not size:
                raise ConnectionError("the server closed the connection")
            total += size
            tail = (tail + bytes(self._buffer[max(0, size - 6) : size]))[-6:]
            if tail[:5] == b"Z\0\0\0\5":
                return total


@contextmanager
def _gateway(folder: str) -> Iterator[_Peer]:
    """Serve the parquet files below `folder` by the real daemon."""
    command = [sys.executable, "-m", "fsspeckit_sqlserver.cli", "--listen", "127.0.0.1:0"]
    command += ["--table", f"sales={folder}/sales", "--cache-dir", f"{folder}/cache", "--log-level", "warning"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith("ready: "):
                raise RuntimeError("the gateway did not start")
            yield _Peer(line.removeprefix("ready: ").strip())
        finally:
            process.terminate()
            process.wait()


def _make_data(folder: str, rows: int, postgres: str) -> None:
    """Write the rows as parquet files, and load the same ones into PostgreSQL."""
    os.mkdir(f"{folder}/sales")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE sales AS SELECT {_COLUMNS} FROM range({rows}) t(i)")
        step = rows // 4
        for part in range(4):
            connection.execute(
                f"COPY (FROM sales WHERE id >= {part * step} AND id < {(part + 1) * step})"
                f" TO '{folder}/sales/part-{part}.parquet'"
            )
        connection.execute(f"COPY sales TO '{folder}/sales.csv' (HEADER false)")
    with psycopg.connect(postgres, autocommit=True) as connection, open(f"{folder}/sales.csv", "rb") as file:
        connection.execute(f"CREATE TABLE sales ({_SCHEMA})")
        with connection.cursor().copy("COPY sales FROM STDIN (FORMAT csv)") as copy:
            while data := file.read(1 << 20):
                copy.write(data)
        connection.execute("VACUUM (ANALYZE, FREEZE) sales")


def _rate(act: Callable[[], object], count: int) -> float:
    """Return how many of `count` things `act` does in a second."""
    started = time.perf_counter()
    act()
    return count / (time.perf_counter() - started)


def _through_psycopg(dsn: str, *, binary: bool) -> Callable[[], object]:
    def read() -> object:
        with psycopg.connect(dsn, autocommit=True) as connection:
            return len(connection.execute(_QUERY, binary=binary).fetchall())

    return read


def _round_trips(dsn: str, count: int) -> float:
    """Return `SELECT 1` round trips a second on one warm psycopg connection."""
    with psycopg.connect(dsn, autocommit=True) as connection, connection.cursor() as cursor:

        def ask(times: int) -> None:
            for _ in range(times):
                cursor.execute("SELECT 1").fetchone()

        ask(50)
        return _rate(lambda: ask(count), count)


def run(quick: bool) -> list[Row]:
    """Measure and return the rows of the table."""
    if binaries() is None:
        raise RuntimeError("no PostgreSQL server to compare with; on Debian: apt-get install postgresql")
    rows, runs = (100_000, 1) if quick else (1_000_000, 5)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fsspeckit-bench-"))
        postgres = stack.enter_context(running_postgres())
        _make_data(folder, rows, postgres)
        ours, theirs = stack.enter_context(_gateway(folder)), _Peer(postgres)
        return [*_readers(ours, theirs, rows, runs), *_drivers(ours, theirs, rows, runs, 200 if quick else 2000)]


def _readers(ours: _Peer, theirs: _Peer, rows: int, runs: int) -> list[Row]:
    mine, peers = ours.reader(), theirs.reader()
    measured: dict[str, tuple[list[float], list[float]]] = {"text": ([], []), "binary": ([], [])}
    for reader in (mine, peers):  # once without the clock: caches, shared buffers, DuckDB's threads
        reader.text(_QUERY)
        reader.binary(_QUERY)
    for _ in range(runs):
        for name, (our_rates, their_rates) in measured.items():
            our_rates.append(_rate(partial(getattr(mine, name), _QUERY), rows))
            their_rates.append(_rate(partial(getattr(peers, name), _QUERY), rows))
    mine.close()
    peers.close()
    return [
        row_of(f"{rows:,} × 5 to a byte counter, {name}", "rows/s", *rates, "PostgreSQL", 1.0)
        for name, rates in measured.items()
    ]


def _drivers(ours: _Peer, theirs: _Peer, rows: int, runs: int, trips: int) -> list[Row]:
    found = []
    for binary in (False, True):
        rates: tuple[list[float], list[float]] = ([], [])
        for _ in range(min(runs, 3)):
            for peer, kept in zip((ours, theirs), rates, strict=True):
                kept.append(_rate(_through_psycopg(peer.dsn, binary=binary), rows))
        name = f"{rows:,} × 5 through psycopg, {'binary' if binary else 'text'}"
        found.append(row_of(name, "rows/s", *rates, "PostgreSQL", None))
    latency = [_round_trips(ours.dsn, trips) for _ in range(runs)]
    their_latency = [_round_trips(theirs.dsn, trips) for _ in range(runs)]
    found.append(row_of("SELECT 1 through psycopg, warm", "trips/s", latency, [1000.0] * runs, "1 ms a trip", 1.0))
    found.append(row_of("SELECT 1 through psycopg, warm", "trips/s", latency, their_latency, "PostgreSQL", None))
    return found
