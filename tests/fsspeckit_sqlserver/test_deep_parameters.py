"""Arrays of several dimensions and bit strings as parameters; lists that are no arrays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import psycopg
import pytest
from psycopg import errors

from tests.fsspeckit_sqlserver.conftest import RunningServer

Connection = psycopg.Connection[tuple[object, ...]]

VALUES: list[tuple[str, list[object]]] = [
    ("SELECT $1::int[]", [[[1, 2], [3, 4]]]),
    ("SELECT $1::int[], $2::int[]", [[[1, 2], [3, None]], [5]]),
    ("SELECT $1::text[]", [[["a", "b c"], ["{}", "NULL"]]]),
    ("SELECT $1::float8[]", [[[[1.5], [2.5]], [[3.5], [4.5]]]]),
    ("SELECT unnest($1::int[])", [[[1, 2], [3, 4]]]),
    ("SELECT 3 = ANY($1::int[])", [[[1, 2], [3, 4]]]),
    ("SELECT 5 <> ALL($1::int[]), $2::int", [[[1, 2], [3, 4]], 7]),
    ("SELECT $1::int[] = ARRAY[[1, 2], [3, 4]]", [[[1, 2], [3, 4]]]),
]


async def fetched(dsn: str, sql: str, values: list[object]) -> object:
    fields = dict(part.split("=") for part in dsn.split())
    connection = await asyncpg.connect(
        host=fields["host"], port=int(fields["port"]), user=fields["user"], database=fields["dbname"]
    )
    try:
        return [tuple(row) for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


@pytest.mark.parametrize(("sql", "values"), VALUES)
def test_deep_arrays(postgres: str, gateway: RunningServer, sql: str, values: list[object]) -> None:
    theirs, ours = (asyncio.run(fetched(dsn, sql, values)) for dsn in (postgres, gateway.dsn))
    assert ours == theirs


def test_bit_strings(postgres: str, gateway: RunningServer) -> None:
    values: list[object] = [asyncpg.BitString.from_int(5, 3), asyncpg.BitString.from_int(255, 10)]
    sql = "SELECT $1::bit(3), $2::varbit"
    theirs, ours = (asyncio.run(fetched(dsn, sql, values)) for dsn in (postgres, gateway.dsn))
    assert str(ours) == str(theirs)


@pytest.fixture
def client(gateway: RunningServer) -> Iterator[Connection]:
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("value", ["[[1,2],[3]]", "[[1],null]", "[[[1]],[[1,2]]]"])
def test_ragged_lists_are_no_arrays(client: Connection, value: str, binary: bool) -> None:
    sql = f"SELECT ARRAY{value.replace('[', 'ARRAY[').removeprefix('ARRAY')}"
    with pytest.raises(errors.FeatureNotSupported):
        client.execute(sql, binary=binary)
    assert client.execute("SELECT ARRAY[[1, 2], [3, 4]]", binary=binary).fetchall() == [([[1, 2], [3, 4]],)]
