"""More parameters than 16 bits count, and numbers out of all proportion: the gateway's answers are PostgreSQL's."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import asyncpg.exceptions
import psycopg
import pytest

from fsspeckit_sqlserver.wire import backend as be
from fsspeckit_sqlserver.wire import frontend as fe
from tests.fsspeckit_sqlserver.conftest import RunningServer
from tests.fsspeckit_sqlserver.raw_client import RawClient


def _sum_of(count: int, cast: str = "::int") -> str:
    listing = ",".join(f"${number}{cast}" for number in range(1, count + 1))
    return f"SELECT count(*) FROM (VALUES (1), (1999)) AS v(x) WHERE x IN ({listing})"


def _bind(values: int, formats: int = 0, result_formats: int = 0) -> fe.Bind:
    return fe.Bind("", "", (0,) * formats, tuple(b"%d" % n for n in range(values)), (0,) * result_formats)


def _answers(port: int, user: str, messages: Sequence[fe.FrontendMessage]) -> list[object]:
    """Return what came, errors as their code and message; the connection must answer afterwards."""
    with RawClient(port, timeout_s=120) as client:
        client.send(fe.StartupMessage(3, 0, {"user": user, "database": "postgres"}))
        client.until_ready()
        client.send(*messages, *(() if isinstance(messages[-1], fe.Query) else (fe.Sync(),)))
        heard = client.until_ready()
        assert any(isinstance(message, be.DataRow) for message in client.query("SELECT 1"))
    return [
        (message.fields["C"], message.fields["M"]) if isinstance(message, be.ErrorResponse) else message
        for message in heard
    ]


_CASES: dict[str, Sequence[fe.FrontendMessage]] = {
    "one too few": [fe.Parse("", _sum_of(2), ()), _bind(1)],
    "many bound": [fe.Parse("", "SELECT $1::int AS a", ()), _bind(40_000)],
    "many formats": [fe.Parse("", "SELECT $1::int AS a", ()), _bind(1, 40_000)],
    "most formats": [fe.Parse("", "SELECT $1::int AS a", ()), _bind(1, 65_535)],
    "many result formats": [fe.Parse("", "SELECT $1::int AS a", ()), _bind(1, 0, 40_000)],
    "two thousand": [fe.Parse("", _sum_of(2_000), ()), fe.Describe("S", ""), _bind(2_000, 2_000), fe.Execute("", 0)],
    "declared and unused": [fe.Parse("", "SELECT $1::int AS a", (23,) * 40_000), fe.Describe("S", ""), _bind(40_000)],
    "more than Bind can count": [fe.Parse("", _sum_of(65_536), ()), _bind(65_535)],
    "far more": [fe.Parse("named", _sum_of(70_000), ()), fe.Bind("", "named", (), (b"1",) * 4, ())],
    "$0": [fe.Parse("", "SELECT $0::int", ())],
    "a gap": [fe.Parse("", "SELECT $2::int", ())],
    "a gap that is declared": [fe.Parse("", "SELECT $2::int AS a", (25,)), fe.Describe("S", "")],
    "a gap with an open type": [fe.Parse("", "SELECT $3::int AS a, $1::int AS b", (0, 0))],
    "$65535 alone": [fe.Parse("", "SELECT $65535::int", ())],
    "$65536 alone": [fe.Parse("", "SELECT $65536::int", ())],
    "$536870912": [fe.Parse("", "SELECT $536870912::int", ())],
    "$999999999": [fe.Parse("", "SELECT $999999999::int", ())],
    "$2147483647": [fe.Parse("", "SELECT $2147483647::int", ())],
    "in a simple query": [fe.Query("SELECT $1::int")],
    "in PREPARE": [fe.Query("PREPARE p AS SELECT $999999999")],
}


@pytest.mark.parametrize("case", _CASES)
def test_answered_as_postgresql_answers(gateway: RunningServer, postgres: str, case: str) -> None:
    port = int(str(psycopg.conninfo.conninfo_to_dict(postgres)["port"]))
    expected = _answers(port, "postgres", _CASES[case])
    found = _answers(gateway.port, "tester", _CASES[case])
    assert found == expected


def test_what_no_message_can_describe_is_refused(gateway: RunningServer) -> None:
    found = _answers(gateway.port, "tester", [fe.Parse("", _sum_of(65_536), ()), fe.Describe("S", "")])
    assert found[1] == (
        "08P01",
        'prepared statement "" has 65536 parameters, of which a message can describe 65535',
    )


def test_prepared_in_sql_as_many_as_a_message_holds(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        connection.execute(f"PREPARE many AS {_sum_of(3000)}")
        listing = ",".join(map(str, range(3000)))
        assert connection.execute(f"EXECUTE many({listing})").fetchall() == [(2,)]


@pytest.mark.parametrize(
    "query",
    ["SELECT count(*) FROM trips WHERE id IN ({})", "SELECT count(*) FROM (VALUES ({})) AS v(x)"],
    ids=["IN", "VALUES"],
)
def test_as_many_values_as_a_message_holds_for_most_drivers(gateway: RunningServer, query: str) -> None:
    values = range(30_000)
    separator = "), (" if "VALUES" in query else ", "
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        cursor = connection.execute(query.format(separator.join(["%s::int"] * len(values))), list(values))
        assert cursor.fetchone() == (len(values),)


def test_psycopg_says_it_itself(gateway: RunningServer) -> None:
    query = "SELECT 1 WHERE 1 IN (" + ",".join(["%s"] * 65_536) + ")"
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        with pytest.raises(psycopg.OperationalError, match="number of parameters must be between 0 and 65535"):
            connection.execute(query, [1] * 65_536)
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.asyncio
@pytest.mark.parametrize("count", [32_768, 40_000])
async def test_asyncpg_says_it_itself(gateway: RunningServer, count: int) -> None:
    connection = await asyncpg.connect(gateway.url)
    try:
        with pytest.raises(
            asyncpg.exceptions.InterfaceError, match="the number of query arguments cannot exceed 32767"
        ):
            await connection.fetch(_sum_of(1), *range(count))
        assert await connection.fetchval("SELECT 1") == 1
    finally:
        await connection.close()
