"""An exchange that is repeated is answered as if it were new, whatever was said in between.

The oracle is a second connection that says the same with a Flush behind it, which is never repeated.
"""

from __future__ import annotations

import random
from pathlib import Path

import psycopg
import pytest
import trustme

from fsspeckit_sqlserver.wire import backend as be
from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.notification import NotificationResponse
from tests.fsspeckit_sqlserver.conftest import RunningServer, gateway_process
from tests.fsspeckit_sqlserver.raw_client import RawClient

QUERIES = [
    "SELECT 1",
    "SELECT 1; SELECT 2",
    "SELECT 1/0",
    "SELECT timestamptz '2024-07-01 12:00:00+00', date '2024-07-01', '\\xff'::bytea, interval '1 day 2 hours'",
    "SELECT timestamptz '2024-07-01 12:00:00+00'::text, current_setting('TimeZone')",
    "SELECT 1.5::float8, pi()",
    "SELECT a FROM mine",
    "SELECT count(*) FROM pg_class WHERE relname = 'mine'",
    "SHOW TimeZone",
]
CHANGES = [
    "SET TimeZone = 'Asia/Tokyo'",
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'German'",
    "SET bytea_output = 'escape'",
    "SET IntervalStyle = 'iso_8601'",
    "SET extra_float_digits = -10",
    "SELECT set_config('datestyle', 'SQL, DMY', false)",
    "RESET ALL",
    "DISCARD ALL",
    "CREATE TEMP TABLE mine AS SELECT 1 AS a",
    "DROP TABLE IF EXISTS mine",
    "INSERT INTO mine VALUES (2)",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "PREPARE p AS SELECT 'another'",
    "DEALLOCATE ALL",
    "DECLARE c CURSOR WITH HOLD FOR SELECT generate_series(1, 9)",
    "FETCH 1 FROM c",
    "CLOSE ALL",
]
PARSED = [
    "SELECT 1",
    "SELECT $1::int + 1, $1::text",
    "SELECT $1::timestamptz",
    "SELECT now() = $1::timestamptz",
    "SET TimeZone = 'Europe/Paris'",
]


def asking(rng: random.Random) -> tuple[fe.FrontendMessage, ...]:
    if rng.random() < 0.5:
        return (fe.Query(rng.choice(QUERIES if rng.random() < 0.75 else CHANGES)),)
    name = rng.choice(["", "p", "q"])
    match rng.randrange(12):
        case 0:
            return (fe.Parse(name, rng.choice(PARSED), ()), fe.Sync())
        case 1:
            return (fe.Close("S", name), fe.Sync())
    values = rng.choice([(), (b"1",), (b"2024-01-01 00:00:00+00",), (None,)])
    bind = fe.Bind("", name, (), values, rng.choice([(), (1,)]))
    describe = (fe.Describe("P", ""),) if rng.random() < 0.5 else ()
    return (bind, *describe, fe.Execute("", 0), fe.Sync())


def shown(messages: list[be.BackendMessage]) -> list[object]:
    return [
        {key: value for key, value in message.fields.items() if key in "SCMDH"}
        if isinstance(message, be.ErrorResponse | be.NoticeResponse)
        else message
        for message in messages
    ]


@pytest.mark.parametrize("seed", range(6))
def test_repeated_exchanges_are_answered_as_new_ones(gateway: RunningServer, seed: int) -> None:
    rng = random.Random(seed)
    with RawClient(gateway.port) as repeating, RawClient(gateway.port) as oracle:
        repeating.start()
        oracle.start()
        for _ in range(150):
            asked = asking(rng)
            for _ in range(rng.choice([1, 1, 3])):
                repeating.send(*asked)
                oracle.send(*asked, fe.Flush())
                assert shown(repeating.until_ready()) == shown(oracle.until_ready()), asked


def test_a_notification_comes_before_a_repeated_answer(gateway: RunningServer) -> None:
    with RawClient(gateway.port) as listening, RawClient(gateway.port) as telling:
        listening.start()
        telling.start()
        listening.query("LISTEN news")
        for number in range(20):
            for _ in range(3):
                assert be.DataRow((b"1",)) in listening.query("SELECT 1")
            telling.query(f"NOTIFY news, '{number}'")
            heard: list[be.BackendMessage] = []
            while not any(isinstance(message, NotificationResponse) for message in heard):
                heard += listening.query("SELECT 1")
            assert sum(isinstance(message, NotificationResponse) for message in heard) == 1


def test_many_are_answered_that_are_asked_at_once(gateway: RunningServer) -> None:
    """One after the other in one piece, and a client that reads late."""
    with RawClient(gateway.port) as client:
        client.start()
        client.query("SELECT 1")
        for _ in range(2_000):
            client.send(fe.Query("SELECT 1"))
        for _ in range(2_000):
            assert be.DataRow((b"1",)) in client.until_ready()


def test_repeated_exchanges_travel_encrypted(dataset: Path, tmp_path: Path) -> None:
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    config = tmp_path / "fsspeckit.yaml"
    config.write_text(
        f"cache: {{root: {tmp_path}/cache}}\n"
        f"sqlserver: {{ssl_cert: {tmp_path}/server.pem, schemas: {{public: {{url: {dataset}}}}}}}\n"
    )
    with (
        gateway_process("--config", str(config)) as (_, url),
        psycopg.connect(f"{url}?sslmode=require", autocommit=True) as connection,
    ):
        assert connection.pgconn.ssl_in_use
        for number in range(60):
            assert connection.pgconn.exec_(b"SELECT 1").get_value(0, 0) == b"1"
            if number % 20 == 0:
                assert connection.execute("SELECT %s::int", [number]).fetchone() == (number,)
