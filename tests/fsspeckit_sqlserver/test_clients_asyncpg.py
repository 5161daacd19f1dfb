"""asyncpg against the server: all binary, prepared statements, portals with row limits, cancel by timeout."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import pytest
import pytest_asyncio

from tests.fsspeckit_sqlserver.conftest import RunningServer

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def connection(gateway: RunningServer) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(gateway.url, ssl=False)
    try:
        yield opened
    finally:
        await opened.close()


VALUES: list[tuple[str, object]] = [
    ("bool", True),
    ("int2", -5),
    ("int4", 2**31 - 1),
    ("int8", -(2**63)),
    ("float4", 0.5),
    ("float8", 0.1),
    ("text", "grüße"),
    ("varchar", "x"),
    ("bytea", b"\x00\xff"),
    ("date", dt.date(2024, 2, 29)),
    ("date", dt.date(1, 1, 1)),
    ("time", dt.time(23, 59, 59, 999999)),
    ("timestamp", dt.datetime(1969, 12, 31, 23, 59, 59, 999999)),  # noqa: DTZ001
    ("timestamptz", dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)),
    ("interval", dt.timedelta(days=3, seconds=5)),
    ("uuid", uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
    ("int4[]", [1, None, 3]),
    ("text[]", ["a", None, ""]),
    ("float8[]", []),
]


@pytest.mark.parametrize(("type_name", "value"), VALUES, ids=[f"{name} {value!r}" for name, value in VALUES])
async def test_values_go_in_and_come_back(connection: asyncpg.Connection, type_name: str, value: object) -> None:
    row = await connection.fetchrow(f"SELECT $1::{type_name} AS there, NULL::{type_name} AS nothing", value)
    assert row["there"] == value
    assert row["nothing"] is None


@pytest.mark.parametrize("text", ["0.00", "12.34", "-0.01", "99999999.99", "-10000.00", "1000000.00"])
async def test_numeric(connection: asyncpg.Connection, text: str) -> None:
    assert await connection.fetchval("SELECT $1::numeric(10,2)", Decimal(text)) == Decimal(text)


async def test_prepared_statements_know_their_types(connection: asyncpg.Connection) -> None:
    statement = await connection.prepare("SELECT $1::int AS a, $2::text AS b")
    assert [parameter.name for parameter in statement.get_parameters()] == ["int4", "text"]
    assert [(column.name, column.type.name) for column in statement.get_attributes()] == [("a", "int4"), ("b", "text")]
    assert [tuple(await statement.fetchrow(number, "x")) for number in range(3)] == [(0, "x"), (1, "x"), (2, "x")]


async def test_cursor_reads_by_portal_row_limits(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        seen = [
            row["i"]
            async for row in connection.cursor("SELECT i FROM generate_series(0, 10000 - 1) t(i)", prefetch=777)
        ]
    assert seen == list(range(10_000))


async def test_cursor_forward_and_fetch(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        cursor = await connection.cursor("SELECT i FROM generate_series(0, 99) t(i)")
        assert [row["i"] for row in await cursor.fetch(10)] == list(range(10))
        assert await cursor.forward(5) == 5
        assert (await cursor.fetchrow())["i"] == 15


async def test_timeout_cancels_the_statement(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await connection.fetch(
            "SELECT sum(a.i * b.i) FROM generate_series(0, 99999999) a(i), generate_series(0, 99) b(i)", timeout=0.3
        )
    assert await connection.fetchval("SELECT 1") == 1


async def test_several_statements(connection: asyncpg.Connection) -> None:
    assert await connection.execute("SELECT 1; SELECT 2, 3") == "SELECT 1"


async def test_error_then_go_on(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await connection.fetch("SELECT * FROM nowhere")
    assert await connection.fetchval("SELECT 1") == 1


async def test_failed_transaction(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        async with connection.transaction():
            await connection.fetch("SELECT * FROM nowhere")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        assert await connection.fetchval("SHOW transaction_isolation") == "repeatable read"
    assert await connection.fetchval("SELECT 1") == 1


async def test_nested_transactions_are_savepoints(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        with pytest.raises(asyncpg.UndefinedTableError):
            async with connection.transaction():
                await connection.fetch("SELECT * FROM nowhere")
        assert await connection.fetchval("SELECT 2") == 2


async def test_pool_resets_its_connections(gateway: RunningServer) -> None:
    async with asyncpg.create_pool(gateway.url, min_size=1, max_size=4, ssl=False) as pool:
        values = await asyncio.gather(*(pool.fetchval("SELECT $1::int", number) for number in range(40)))
    assert values == list(range(40))


async def test_large_result(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch(
        "SELECT i, i * 0.5::float8 AS half, 'row ' || i AS name FROM generate_series(0, 100000 - 1) t(i)"
    )
    assert len(rows) == 100_000
    assert tuple(rows[99_999]) == (99_999, 49_999.5, "row 99999")


async def test_copy_both_ways(connection: asyncpg.Connection) -> None:
    out = io.BytesIO()
    query = "SELECT id, zone FROM trips WHERE id < $1 ORDER BY id"
    assert await connection.copy_from_query(query, 3, output=out, format="csv") == "COPY 3"
    assert out.getvalue() == b"0,zone 0\n1,zone 1\n2,zone 2\n"
    await connection.execute("CREATE TEMP TABLE copied (id int, zone text, fare numeric(10,2), moment timestamptz)")
    moment = dt.datetime(2024, 2, 29, 12, 34, 56, tzinfo=dt.UTC)
    records = [(1, "a", Decimal("1.50"), moment), (2, None, None, None)]
    assert await connection.copy_records_to_table("copied", records=records) == "COPY 2"  # binary
    assert [tuple(row) for row in await connection.fetch("SELECT * FROM copied ORDER BY id")] == records


async def test_a_cursor_and_a_cancel(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        cursor = await connection.cursor("SELECT id FROM trips ORDER BY id")
        assert [row["id"] for row in await cursor.fetch(5)] == [0, 1, 2, 3, 4]
        await cursor.forward(100)
        row = await cursor.fetchrow()
        assert row is not None
        assert row["id"] == 105
    with pytest.raises(asyncio.TimeoutError):
        await connection.fetch(
            "SELECT count(*) FROM trips a, trips b, trips c WHERE a.id + b.id + c.id = -1", timeout=0.3
        )
    assert await connection.fetchval("SELECT 1") == 1


async def test_notifications_reach_their_listeners(connection: asyncpg.Connection, gateway: RunningServer) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    await connection.add_listener("news", lambda *told: heard.put_nowait(told[-1]))
    other = await asyncpg.connect(gateway.url, ssl=False)
    await other.execute("SELECT pg_notify('news', 'hello')")
    assert await asyncio.wait_for(heard.get(), 10) == "hello"
    await connection.remove_listener("news", lambda *_: None)
    await other.close()


async def test_many_parameters(connection: asyncpg.Connection) -> None:
    wanted = ", ".join(f"${number}::int" for number in range(1, 1001))
    assert await connection.fetchval(f"SELECT count(*) FROM (VALUES ({wanted})) v", *range(1000)) == 1
    with pytest.raises(Exception, match="cannot exceed 32767"):  # the driver's own limit
        await connection.fetchval("SELECT 1", *range(40_000))
