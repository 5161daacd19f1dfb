"""The SQL server's first query over many files after a restart, with footers that were kept and without.

What the cache holds is the same in both: every footer was read before.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.report import Row, row_of
from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.stores import open_store
from fsspeckit_sqlserver.engine import TableSource, open_engine
from fsspeckit_sqlserver.statement import parse_statements

__all__ = ["run"]

_QUERY = "SELECT count(*), sum(price) FROM t WHERE id = 12345"


def run(quick: bool) -> list[Row]:
    """Measure."""
    count, runs = (500, 1) if quick else (10_000, 5)
    with tempfile.TemporaryDirectory(prefix="bench-restart-") as folder:
        root = Path(folder)
        _write(root / "t", count)
        _first_query(root)  # fetches, and keeps
        with_footers, without = [], []
        for _ in range(runs):
            with_footers.append(count / _first_query(root))
            shutil.rmtree(root / "cache" / "footers")
            without.append(count / _first_query(root))
        seconds = ", ".join(f"{count / rate:.2f} s" for rate in (max(with_footers), max(without)))
        print(f"first query over {count} files, with and without kept footers, best: {seconds}", flush=True)
        name = f"first query after a restart, {count:,} files"
        return [row_of(name, "files/s", with_footers, without, "no kept footers", 4.0)]


def _write(folder: Path, count: int) -> None:
    for number in range(count):
        first = number * 10
        place = folder / f"year={2015 + number % 10}" / f"month={1 + number // 10 % 12:02}"
        os.makedirs(place, exist_ok=True)
        table = pa.table(
            {
                "id": pa.array(range(first, first + 10)),
                "price": [number / 2] * 10,
                "name": [f"customer {number}"] * 10,
                "day": pa.array([number] * 10, pa.date32()),
                "at": pa.array([number] * 10, pa.timestamp("us")),
                "flag": [True, False] * 5,
                "quantity": pa.array(range(10), pa.int32()),
                "rate": [1.5] * 10,
            }
        )
        pq.write_table(table, place / f"{number:06}.parquet")


def _first_query(root: Path) -> float:
    """Return the seconds from the first statement of a new engine to its last row."""
    cache = Cache(CacheConfig(str(root / "cache"), max_size_bytes=4 << 30, min_free_bytes=0))
    engine = open_engine({"t": TableSource(open_store(str(root / "t")))}, cache=cache)
    try:
        session = engine.open_session("bench", "bench")
        (statement,) = parse_statements(_QUERY)
        began = time.perf_counter()
        rows = session.execute(statement, ())
        while rows.fetch(1000) is not None:
            pass
        seconds = time.perf_counter() - began
        rows.close()
        session.close()
        return seconds
    finally:
        engine.close()
        cache.close()
