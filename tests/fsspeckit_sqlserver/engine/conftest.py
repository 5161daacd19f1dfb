"""One engine over the sample trips for all tests that only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fsspeckit_sqlserver.engine import DuckEngine
from tests.fsspeckit_sqlserver.engine.lakes import Client, engine_over, write_parquet, write_trips


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    folder = tmp_path_factory.mktemp("engine")
    write_trips(folder / "trips")
    write_parquet(
        "SELECT 'city' || range AS city, range * 1000 AS people FROM range(5)", folder / "cities" / "a.parquet"
    )
    write_parquet("SELECT 1 AS x", folder / "lake" / "one" / "a.parquet")
    write_parquet("SELECT 2 AS x", folder / "lake" / "two" / "b" / "c.parquet")
    (folder / "lake" / "empty").mkdir()
    tables = {"trips": folder / "trips", "geo.cities": folder / "cities"}
    with engine_over(tables, folder / "cache", schemas={"raw": folder / "lake"}, ttl_s=60.0) as opened:
        yield opened


@pytest.fixture
def client(engine: DuckEngine) -> Iterator[Client]:
    session = engine.open_session("ann", "lake")
    yield Client(session)
    session.close()
