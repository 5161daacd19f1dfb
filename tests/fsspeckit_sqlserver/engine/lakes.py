"""Small datasets in local folders, an engine over them, and a hand to run SQL: for the tests of this room."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
from typing_extensions import Buffer

from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.objects import Entry, ObjectInfo, ObjectStore
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import GatewayError
from fsspeckit_sqlserver.auth.rights import EVERYTHING, ReadRights
from fsspeckit_sqlserver.engine import DuckEngine, TableSource, open_engine
from fsspeckit_sqlserver.engine.session import DuckSession, Rows
from fsspeckit_sqlserver.statement import parse_statements

Row = tuple[object, ...]


def write_parquet(query: str, path: Path, **options: object) -> None:
    """Write the rows of a DuckDB query into one parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    listing = "".join(f", {name} {value}" for name, value in options.items())
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet{listing})")


def write_trips(folder: Path, years: Sequence[int] = (2021, 2022, 2023), rows: int = 100) -> None:
    """Write one file per year and month 1 to 3: id (ascending over all files), day, fare, city, paid."""
    number = 0
    for year in years:
        for month in (1, 2, 3):
            first = number * rows
            write_parquet(
                f"SELECT {first} + range AS id, DATE '{year}-{month:02}-01' + (range % 28)::INTEGER AS day, "
                f"((range % 50) + 0.5)::DECIMAL(9,2) AS fare, "
                f"CASE WHEN range % 10 = 0 THEN NULL ELSE 'city' || (range % 7) END AS city, range % 2 = 0 AS paid "
                f"FROM range({rows})",
                folder / f"year={year}" / f"month={month:02}" / "part-0.parquet",
            )
            number += 1


@dataclass
class Client:
    """Runs statements in one session and fetches all of their rows."""

    session: DuckSession
    parameters: list[object] = field(default_factory=list)

    def start(self, sql: str, *parameters: object, announced: tuple[int, ...] = ()) -> Rows:
        (statement,) = parse_statements(sql)
        return self.session.execute(dataclasses.replace(statement, parameter_oids=announced), parameters)

    def table(self, sql: str, *parameters: object, batch: int = 1000) -> pa.Table | None:
        rows = self.start(sql, *parameters)
        batches = []
        while (part := rows.fetch(batch)) is not None:
            assert 0 < part.num_rows <= batch
            batches.append(part)
        rows.close()
        return pa.Table.from_batches(batches) if batches else None

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        table = self.table(sql, *parameters)
        return [] if table is None else list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def value(self, sql: str, *parameters: object) -> object:
        ((value,),) = self.rows(sql, *parameters)
        return value

    def names(self, sql: str, *parameters: object) -> list[str]:
        rows = self.start(sql, *parameters)
        assert rows.columns is not None
        names = [column.name for column in rows.columns]
        rows.close()
        return names

    def plan(self, sql: str, *parameters: object) -> list[str]:
        return [str(line) for (line,) in self.rows(f"EXPLAIN {sql}", *parameters)]

    def files_read(self, sql: str, *parameters: object) -> int:
        """How many files the plan reads, over all scans."""
        return sum(
            int(line.split(" total, ")[1].split(" read")[0])
            for line in self.plan(sql, *parameters)
            if line.startswith("  Files:")
        )


class WatchedStore:
    """A store that notes what is read of it, and fails or waits when told to."""

    def __init__(self, folder: Path) -> None:
        self._inner = open_store(str(folder))
        self.reads: list[tuple[str, int, int]] = []
        self.failure: GatewayError | None = None
        self.before_read: Callable[[ObjectInfo], None] = lambda _: None

    @property
    def url(self) -> str:
        return self._inner.url

    @property
    def namespace(self) -> tuple[str, ...]:
        return self._inner.namespace

    @property
    def is_immutable(self) -> bool:
        return self._inner.is_immutable

    def check(self) -> None:
        self._inner.check()

    def stat(self, key: str) -> Entry:
        return self._inner.stat(key)

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        return self._inner.list_directory(key)

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        return self._inner.list_recursive(key)

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        self.before_read(info)
        if self.failure is not None:
            raise self.failure
        self.reads.append((info.key, start, stop))
        return self._inner.read_range(info, start, stop)

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        if self.failure is not None:
            raise self.failure
        return self._inner.get(key)

    def close(self) -> None:
        self._inner.close()

    @property
    def read_bytes(self) -> int:
        return sum(stop - start for _, start, stop in self.reads)


@contextmanager
def engine_over(
    tables: Mapping[str, Path | ObjectStore],
    cache_folder: Path,
    *,
    schemas: Mapping[str, Path] | None = None,
    ttl_s: float = 0.0,
    cache_bytes: int = 1 << 30,
    whole_file_bytes: int = 64 << 20,
    rights: ReadRights = EVERYTHING,
) -> Iterator[DuckEngine]:
    """Open an engine with a cache of its own."""
    cache = Cache(CacheConfig(str(cache_folder), max_size_bytes=cache_bytes, min_free_bytes=0))
    sources = {
        name: TableSource(open_store(str(place)) if isinstance(place, Path) else place)
        for name, place in tables.items()
    }
    engine = open_engine(
        sources,
        {name: TableSource(open_store(str(folder))) for name, folder in (schemas or {}).items()},
        cache=cache,
        memory_limit="1GB",
        threads=2,
        manifest_ttl_s=ttl_s,
        whole_file_bytes=whole_file_bytes,
        rights=rights,
    )
    try:
        yield engine
    finally:
        engine.close()
        cache.close()
