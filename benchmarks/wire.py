"""(c) Results over the wire: the gateway against PostgreSQL 15 from Debian, the same rows, in the same run.

1 M rows of five mixed columns (bigint, double precision, text, timestamp, numeric) and rows shaped like TPC-H's
lineitem, read by a client that only counts bytes, so that the server is what is measured, and by three drivers. The
gateway reads them from parquet files through its cache; PostgreSQL from tables in its shared buffers. Short statements
are compared with DuckDB itself, in Python threads without a wire.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import adbc_driver_postgresql.dbapi
import asyncpg
import duckdb
import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.postgres import binaries, running_postgres
from benchmarks.report import Row, row_of
from fsspeckit_sqlserver.wire import frontend as fe

__all__ = ["run"]

_QUERY = "SELECT * FROM sales"
_SALES = (
    "i AS id, random() * 1000 AS price, 'customer ' || i % 10000 AS name,"
    " timestamp '2024-01-01' + (i * interval '1 second') AS sold, ((i % 1000000) / 100)::decimal(12,2) AS amount"
)
_LINEITEM = (
    "i // 4 AS l_orderkey, i % 200000 AS l_partkey, i % 10000 AS l_suppkey, (i % 4)::integer AS l_linenumber,"
    " (i % 50)::decimal(15,2) AS l_quantity, ((i * 7919) % 10000000 / 100)::decimal(15,2) AS l_extendedprice,"
    " (i % 11 / 100)::decimal(15,2) AS l_discount, (i % 9 / 100)::decimal(15,2) AS l_tax,"
    " substr('RAN', i % 3 + 1, 1) AS l_returnflag, substr('OF', i % 2 + 1, 1) AS l_linestatus,"
    " (date '1992-01-01' + (i % 2500)::integer)::date AS l_shipdate,"
    " (date '1992-01-01' + (i % 2480)::integer)::date AS l_commitdate,"
    " (date '1992-01-01' + (i % 2520)::integer)::date AS l_receiptdate,"
    " substr('DELIVER IN PERSON        ', 1, 25) AS l_shipinstruct, substr('TRUCK     ', 1, 10) AS l_shipmode,"
    " substr('egular courts above the furiously final pinto beans ', 1, (10 + i % 33)::integer) AS l_comment"
)
_SCHEMAS = {
    "sales": "id bigint, price double precision, name text, sold timestamp, amount numeric(12,2)",
    "lineitem": "l_orderkey bigint, l_partkey bigint, l_suppkey bigint, l_linenumber int, l_quantity numeric(15,2),"
    " l_extendedprice numeric(15,2), l_discount numeric(15,2), l_tax numeric(15,2), l_returnflag text,"
    " l_linestatus text, l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct text, l_shipmode text,"
    " l_comment text",
}
_CLIENTS = 16
_LOOKED_UP = 250_000  # rows of the one file that DuckDB is given


@dataclass(frozen=True, slots=True)
class _Peer:
    """A server to measure."""

    dsn: str
    pid: int

    @property
    def parts(self) -> tuple[int, str, str]:
        """Port, user, database."""
        parts = conninfo_to_dict(self.dsn)
        return int(parts["port"] or 0), str(parts["user"]), str(parts["dbname"])

    @property
    def url(self) -> str:
        """The same as a URL."""
        port, user, database = self.parts
        return f"postgresql://{user}@127.0.0.1:{port}/{database}"

    def reader(self) -> _CountingReader:
        return _CountingReader(*self.parts)


class _CountingReader:
    """A client that asks and counts the bytes of the answer."""

    def __init__(self, port: int, user: str, database: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(1 << 20)
        self.first_s = 0.0
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
        self._send(fe.Terminate())
        self._socket.close()

    def _send(self, *messages: fe.FrontendMessage) -> None:
        self._socket.sendall(b"".join(map(fe.encode_frontend, messages)))

    def _drain(self) -> int:
        """Read up to ReadyForQuery, whose six bytes end every answer."""
        total, tail = 0, b""
        started = time.perf_counter()
        self.first_s = 0.0
        while True:
            size = self._socket.recv_into(self._buffer)
            if not size:
                raise ConnectionError("the server closed the connection")
            self.first_s = self.first_s or time.perf_counter() - started
            total += size
            tail = (tail + bytes(self._buffer[max(0, size - 6) : size]))[-6:]
            if tail[:5] == b"Z\0\0\0\5":
                return total


@contextmanager
def _gateway(folder: str) -> Iterator[_Peer]:
    """Serve the parquet files below `folder` by the real daemon."""
    command = [sys.executable, "-m", "fsspeckit_sqlserver.cli", "--listen", "127.0.0.1:0", "--log-level", "warning"]
    command += ["--schema", f"public={folder}/data", "--cache-dir", f"{folder}/cache"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith("ready: "):
                raise RuntimeError("the gateway did not start")
            yield _Peer(line.removeprefix("ready: ").strip(), process.pid)
        finally:
            process.terminate()
            process.wait()


def _make_data(folder: str, rows: int, postgres: str) -> None:
    """Write the rows as parquet files, and load the same ones into PostgreSQL."""
    with duckdb.connect() as connection:
        for table, columns in (("sales", _SALES), ("lineitem", _LINEITEM)):
            os.makedirs(f"{folder}/data/{table}")
            connection.execute(f"CREATE TABLE {table} AS SELECT {columns} FROM range({rows}) t(i)")
            step = rows // 4
            for part in range(4):
                connection.execute(
                    f"COPY (FROM {table} LIMIT {step} OFFSET {part * step}) TO"
                    f" '{folder}/data/{table}/part-{part}.parquet'"
                )
            connection.execute(f"COPY {table} TO '{folder}/{table}.csv' (HEADER false)")
        os.makedirs(f"{folder}/data/many")
        connection.execute(
            f"COPY (SELECT i AS id, i * 2 AS twice FROM range({rows * 30}) t(i)) TO '{folder}/data/many/all.parquet'"
        )
    with psycopg.connect(postgres, autocommit=True) as connection:
        for table, schema in _SCHEMAS.items():
            connection.execute(f"CREATE TABLE {table} ({schema})")
            with (
                open(f"{folder}/{table}.csv", "rb") as file,
                connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy,
            ):
                while data := file.read(1 << 20):
                    copy.write(data)
            connection.execute(f"VACUUM (ANALYZE, FREEZE) {table}")


def _rate(act: Callable[[], object], count: int) -> float:
    """Return how many of `count` things `act` does in a second."""
    started = time.perf_counter()
    act()
    return count / (time.perf_counter() - started)


def _in_threads(works: Sequence[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _through_psycopg(peer: _Peer) -> object:
    with psycopg.connect(peer.dsn, autocommit=True) as connection:
        return len(connection.execute(_QUERY, binary=True).fetchall())


def _through_asyncpg(peer: _Peer) -> object:
    async def read() -> int:
        connection = await asyncpg.connect(peer.url)
        try:
            return len(await connection.fetch(_QUERY))
        finally:
            await connection.close()

    return asyncio.run(read())


def _through_adbc(peer: _Peer) -> object:
    with adbc_driver_postgresql.dbapi.connect(peer.url) as connection, connection.cursor() as cursor:
        cursor.execute(_QUERY)
        return cursor.fetch_arrow_table().num_rows


def run(quick: bool) -> list[Row]:
    """Measure and return the rows of the table."""
    if binaries() is None:
        raise RuntimeError("no PostgreSQL server to compare with; on Debian: apt-get install postgresql")
    rows, runs, seconds = (100_000, 1, 0.5) if quick else (1_000_000, 5, 3.0)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fsspeckit-bench-"))
        postgres = stack.enter_context(running_postgres())
        _make_data(folder, rows, postgres)
        ours, theirs = stack.enter_context(_gateway(folder)), _Peer(postgres, 0)
        return [
            *_readers(ours, theirs, rows, runs),
            *_four(ours, theirs, rows, runs),
            *_drivers(ours, theirs, rows, runs),
            *_many(ours, rows * 30),
            *_short(ours, folder, seconds, min(runs, 3)),
            *_connects(ours, theirs, 20 if quick else 100),
        ]


def _readers(ours: _Peer, theirs: _Peer, rows: int, runs: int) -> list[Row]:
    mine, peers = ours.reader(), theirs.reader()
    found = []
    for table in ("sales", "lineitem"):
        query = f"SELECT * FROM {table}"
        copy = f"COPY {table} TO STDOUT"
        cases: list[tuple[str, float, str, str]] = [
            ("text", 1.5, "text", query),
            ("binary", 2.0, "binary", query),
            ("COPY text", 2.0, "text", copy),
            ("COPY binary", 2.0, "text", f"{copy} (FORMAT binary)"),
        ]
        for name, goal, method, sql in cases:
            for reader in (mine, peers):  # once without the clock: caches, shared buffers, DuckDB's threads
                getattr(reader, method)(sql)
            rates: tuple[list[float], list[float]] = ([], [])
            for _ in range(runs):
                for reader, kept in zip((mine, peers), rates, strict=True):
                    kept.append(_rate(partial(getattr(reader, method), sql), rows))
            found.append(row_of(f"{rows:,} {table} to a byte counter, {name}", "rows/s", *rates, "PostgreSQL", goal))
    mine.close()
    peers.close()
    return found


def _four(ours: _Peer, theirs: _Peer, rows: int, runs: int) -> list[Row]:
    readers = [[peer.reader() for _ in range(4)] for peer in (ours, theirs)]
    found = []
    for name in ("text", "binary"):
        rates: tuple[list[float], list[float]] = ([], [])
        for _ in range(runs):
            for group, kept in zip(readers, rates, strict=True):
                works = [partial(getattr(reader, name), _QUERY) for reader in group]
                kept.append(_rate(partial(_in_threads, works), 4 * rows))
        found.append(row_of(f"four clients at once, {name}", "rows/s", *rates, "PostgreSQL", 1.2))
    for reader in (*readers[0], *readers[1]):
        reader.close()
    return found


def _drivers(ours: _Peer, theirs: _Peer, rows: int, runs: int) -> list[Row]:
    found = []
    drivers = (("psycopg 3", _through_psycopg), ("asyncpg", _through_asyncpg), ("ADBC", _through_adbc))
    for name, read in drivers:
        rates: tuple[list[float], list[float]] = ([], [])
        read(ours)
        for _ in range(runs):
            for peer, kept in zip((ours, theirs), rates, strict=True):
                kept.append(_rate(partial(read, peer), rows))
        found.append(row_of(f"{rows:,} sales through {name}", "rows/s", *rates, "PostgreSQL", 1.0))
    return found


def _many(ours: _Peer, rows: int) -> list[Row]:
    """A result that fits nowhere: when its first row comes, and what the server's memory grows by."""
    reader, process = ours.reader(), psutil.Process(ours.pid)
    reader.text("SELECT * FROM many LIMIT 1000000")
    before = peak = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    reader.text("SELECT * FROM many")
    done.set()
    watcher.join()
    first_s = reader.first_s
    reader.close()
    grown = max(1, (peak - before) >> 20)
    return [
        row_of(f"{rows:,} rows: first bytes", "per s", [1 / first_s], [1 / 0.3], "0.3 s", 1.0),
        row_of(f"{rows:,} rows: memory grows by {grown} MiB", "1/MiB", [1 / grown], [1 / 150], "150 MiB", 1.0),
    ]


def _short(ours: _Peer, folder: str, seconds: float, runs: int) -> list[Row]:
    """Statements a second over 16 connections of pgbench, against DuckDB's own in 16 Python threads."""
    found = []
    file = f"{folder}/data/sales/part-0.parquet"
    lookup = "SELECT name, price FROM sales WHERE id = "
    cases: list[tuple[str, str, str, bool, float | None]] = [
        ("SELECT 1", "SELECT 1;", "SELECT 1", False, 0.85),
        (
            "  a number, another each time",
            f"\\set id random(0, {_LOOKED_UP - 1})\nSELECT :id::int;",
            "SELECT $1::int",
            True,
            None,
        ),
        (
            "a lookup of one row",
            f"\\set id random(0, {_LOOKED_UP - 1})\n{lookup}:id;",
            lookup.replace("sales", f"read_parquet('{file}')") + "$1",
            True,
            0.85,
        ),
    ]
    for name, script, duckdb_sql, has_parameter, goal in cases:
        database = duckdb.connect()
        cursors = [database.cursor() for _ in range(_CLIENTS)]
        direct = [
            partial(_ask, partial(_fetch, cursor, duckdb_sql), place, has_parameter=has_parameter)
            for place, cursor in enumerate(cursors)
        ]
        rates: tuple[list[float], list[float]] = ([], [])
        _pgbench(ours, folder, script, 1.0)
        for _ in range(runs):
            rates[0].append(_pgbench(ours, folder, script, seconds))
            counts = [0] * _CLIENTS
            stop_at = time.monotonic() + seconds
            _in_threads([partial(work, counts, stop_at) for work in direct])
            rates[1].append(sum(counts) / seconds)
        found.append(row_of(f"{name}, {_CLIENTS} connections", "per s", *rates, "DuckDB in threads", goal))
        database.close()
    return found


def _pgbench(peer: _Peer, folder: str, script: str, seconds: float) -> float:
    """Return how many statements a second pgbench has answered: prepared, all connections from one thread."""
    path = f"{folder}/pgbench.sql"
    with open(path, "w") as file:
        file.write(script)
    port, user, database = peer.parts
    command = [f"{binaries()}/pgbench", "-n", "-M", "prepared", "-c", str(_CLIENTS), "-j", "1", "-f", path]
    command += ["-T", str(max(1, round(seconds))), "-h", "127.0.0.1", "-p", str(port), "-U", user, database]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^tps = ([0-9.]+)", output, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pgbench said no rate: {output}")
    return float(found[1])


def _fetch(cursor: duckdb.DuckDBPyConnection, sql: str, *parameters: object) -> object:
    return cursor.execute(sql, list(parameters) or None).fetchall()


def _ask(act: Callable[..., object], place: int, counts: list[int], stop_at: float, *, has_parameter: bool) -> None:
    """Ask again and again until the time is over; a lookup for another row each time."""
    number = place
    while time.monotonic() < stop_at:
        number += 7919
        act(*((number % _LOOKED_UP,) if has_parameter else ()))
        counts[place] += 1


def _connects(ours: _Peer, theirs: _Peer, count: int) -> list[Row]:
    """Connect, `SELECT 1`, close, one after the other."""

    def once(peer: _Peer) -> None:
        for _ in range(count):
            reader = peer.reader()
            reader.text("SELECT 1")
            reader.close()

    once(ours)
    mine, peers = _rate(partial(once, ours), count), _rate(partial(once, theirs), count)
    return [
        row_of("connect, SELECT 1, close", "per s", [mine], [200.0], "5 ms each", 1.0),
        row_of("connect, SELECT 1, close", "per s", [mine], [peers], "PostgreSQL", None),
    ]
