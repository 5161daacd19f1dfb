"""The server as a whole: hostile peers, slow readers, cancel, limits. Raw sockets against a process of its own."""

from __future__ import annotations

import asyncio
import errno
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil
import pytest

from fsspeckit_sqlserver.config import Limits
from fsspeckit_sqlserver.connection import Connection
from fsspeckit_sqlserver.server import Server
from fsspeckit_sqlserver.session.errors import ClientGone
from fsspeckit_sqlserver.wire import backend as be
from fsspeckit_sqlserver.wire import frontend as fe
from tests.fsspeckit_sqlserver.conftest import RunningServer, serving
from tests.fsspeckit_sqlserver.memory_engine import MemoryEngine
from tests.fsspeckit_sqlserver.raw_client import RawClient

FOREVER = "SELECT sum(a.i * b.i) FROM range(100000000) a(i), range(1000) b(i)"


@pytest.fixture
def client(server: RunningServer) -> Iterator[RawClient]:
    with RawClient(server.port) as raw:
        raw.start()
        yield raw


def is_well(server: RunningServer) -> bool:
    with RawClient(server.port) as raw:
        raw.start()
        return be.DataRow((b"1",)) in raw.query("SELECT 1")


def error_of(messages: list[be.BackendMessage]) -> str:
    found = [message.fields["C"] for message in messages if isinstance(message, be.ErrorResponse)]
    return found[0] if found else ""


@dataclass
class Peak:
    grown_bytes: int = 0


@contextmanager
def peak_memory(pid: int) -> Iterator[Peak]:
    """Watch how much a process grows, twenty times a second."""
    process, peak, over = psutil.Process(pid), Peak(), threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while not over.wait(0.05):
            peak.grown_bytes = max(peak.grown_bytes, process.memory_info().rss - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


class TestHostilePeers:
    @pytest.mark.parametrize(
        "said",
        [
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512),  # a TLS ClientHello
            b"\xff" * 100,
            b"\0" * 100,
            b"\0\0\0\x04",
            b"\0\0\x27\x14\0\x03\0\0" + b"x" * 10_000,
            fe.encode_frontend(fe.Query("SELECT 1")),
        ],
    )
    def test_garbage_at_the_start_ends_that_connection_only(self, server: RunningServer, said: bytes) -> None:
        with RawClient(server.port) as raw:
            raw.socket.sendall(said)
            heard = raw.until_closed()
            assert all(isinstance(message, be.ErrorResponse) for message in heard)
        assert is_well(server)

    @pytest.mark.parametrize(
        "said", [b"?\0\0\0\x04", b"Q\xff\xff\xff\xff", b"S\0\0\0\x05x", b"Q\0\0\0\0", b"D\0\0\xff\xff"]
    )
    def test_garbage_later_ends_that_connection_with_a_word(
        self, server: RunningServer, client: RawClient, said: bytes
    ) -> None:
        client.socket.sendall(said)
        (error,) = client.until_closed()
        assert isinstance(error, be.ErrorResponse)
        assert (error.fields["S"], error.fields["C"]) == ("FATAL", "08P01")
        assert is_well(server)

    def test_random_bytes_never_stop_the_server(self, server: RunningServer) -> None:
        source = random.Random(7)
        for _ in range(60):
            with RawClient(server.port) as raw, suppress(BrokenPipeError, ConnectionResetError):
                if source.random() < 0.7:
                    raw.start()
                tags = b"QPBDECHSXFdcfp"
                for _ in range(source.randrange(1, 8)):
                    body = source.randbytes(source.randrange(0, 40))
                    raw.socket.sendall(bytes([source.choice(tags)]) + (len(body) + 4).to_bytes(4, "big") + body)
                try:
                    raw.socket.shutdown(1)
                except OSError as error:  # the server was faster, and has closed the connection already
                    if error.errno != errno.ENOTCONN:
                        raise
                raw.until_closed()
        assert is_well(server)

    def test_half_messages_cost_nothing(self, server: RunningServer) -> None:
        process = psutil.Process(server.pid)
        before, threads = process.memory_info().rss, process.num_threads()
        halves = [RawClient(server.port) for _ in range(80)]
        for raw in halves:
            raw.start()
            raw.socket.sendall(b"Q\x01\x00\x00\x00SELECT")  # 16 MiB are announced, six bytes come
        assert is_well(server)
        assert process.memory_info().rss - before < 60 << 20
        assert process.num_threads() - threads < 40  # idle connections have no thread of their own
        for raw in halves:
            raw.socket.close()
        assert is_well(server)

    def test_a_flood_of_pipelined_messages_is_answered_in_order(self, client: RawClient) -> None:
        count = 3000
        client.send(*[fe.Query("SHOW server_encoding")] * count)
        heard = [client.until_ready() for _ in range(count)]
        assert all(be.DataRow((b"UTF8",)) in messages for messages in heard)

    def test_a_message_above_the_limit_is_refused(self) -> None:
        with serving("--max-message-bytes", "100000") as small, RawClient(small.port) as raw:
            raw.start()
            raw.socket.sendall(b"Q" + (200_000).to_bytes(4, "big"))
            assert error_of(raw.until_closed()) == "08P01"

    def test_silence_is_ended_after_the_login_timeout(self) -> None:
        with serving("--login-timeout", "0.3") as impatient:
            with RawClient(impatient.port) as raw:
                started = time.monotonic()
                assert raw.until_closed() == []
                assert time.monotonic() - started < 10
            with RawClient(impatient.port) as raw:
                raw.start()
                time.sleep(0.6)  # who has said who they are may be silent
                assert be.DataRow((b"1",)) in raw.query("SELECT 1")


class TestLimits:
    def test_one_client_too_many_is_told(self) -> None:
        with serving("--max-connections", "2") as small:
            first, second = RawClient(small.port), RawClient(small.port)
            first.start()
            second.start()
            with RawClient(small.port) as third:
                third.send(fe.StartupMessage(3, 0, {"user": "x"}))
                assert error_of(third.until_closed()) == "53300"
            first.send(fe.Terminate())
            first.until_closed()
            with RawClient(small.port) as fourth:
                assert fourth.start()
            first.socket.close()
            second.socket.close()


class TestCancel:
    def cancel(self, port: int, process_id: int, secret_key: bytes) -> None:
        with RawClient(port) as other:
            other.send(fe.CancelRequest(process_id, secret_key))
            assert other.until_closed() == []

    @pytest.mark.parametrize("minor", [0, 2])
    def test_a_running_statement(self, server: RunningServer, minor: int) -> None:
        with RawClient(server.port) as client:
            client.start(minor)
            assert client.keys is not None
            assert len(client.keys.secret_key) == (32 if minor else 4)
            client.send(fe.Query(FOREVER))
            time.sleep(0.2)
            self.cancel(server.port, client.keys.process_id, client.keys.secret_key)
            assert error_of(client.until_ready()) == "57014"
            assert be.DataRow((b"1",)) in client.query("SELECT 1")

    def test_wrong_keys_do_nothing(self, server: RunningServer, client: RawClient) -> None:
        assert client.keys is not None
        client.send(fe.Query("SELECT count(*) FROM range(3000000) t(i) WHERE hash(i) % 7 = 0"))
        self.cancel(server.port, client.keys.process_id, b"\0\0\0\0")
        self.cancel(server.port, 1, client.keys.secret_key)
        assert error_of(client.until_ready()) == ""

    def test_while_the_client_does_not_read(self, server: RunningServer) -> None:
        with RawClient(server.port, receive_buffer_bytes=4096) as client:
            client.start()
            assert client.keys is not None
            client.send(fe.Query("SELECT i, repeat('x', 100) FROM range(1000000000) t(i)"))
            time.sleep(0.5)  # the server is blocked by now
            self.cancel(server.port, client.keys.process_id, client.keys.secret_key)
            time.sleep(0.1)
            total, _ = client.count_bytes()
            assert total < 40 << 20
            assert be.DataRow((b"1",)) in client.query("SELECT 1")

    def test_a_client_that_leaves_stops_its_statement(self, server: RunningServer) -> None:
        process = psutil.Process(server.pid)
        with RawClient(server.port) as client:
            client.start()
            client.send(fe.Query(FOREVER))
            time.sleep(0.3)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            used = sum(process.cpu_times()[:2])
            time.sleep(0.3)
            if sum(process.cpu_times()[:2]) - used < 0.1:
                break
        else:
            pytest.fail("the statement of a client that is gone goes on")


class TestStreaming:
    @pytest.mark.parametrize("result_format", [0, 1], ids=["text", "binary"])
    def test_memory_does_not_grow_with_the_result(self, result_format: int) -> None:
        sql = "SELECT i, i * 0.5::double AS half, 'some text ' || i AS name FROM range({}) t(i)"
        with serving() as fresh, RawClient(fresh.port) as client:
            client.start()

            def run(rows: int) -> int:
                bind = fe.Bind("", "", (), (), (result_format,))
                client.send(fe.Parse("", sql.format(rows), ()), bind, fe.Execute("", 0), fe.Sync())
                return client.count_bytes()[0]

            run(300_000)  # warm: pools, tables, DuckDB's threads
            with peak_memory(fresh.pid) as peak:
                assert run(10_000_000) > 300 << 20
            assert peak.grown_bytes < 150 << 20

    def test_a_slow_reader_holds_back_the_statement_and_nobody_else(self) -> None:
        with serving() as fresh, RawClient(fresh.port, receive_buffer_bytes=4096) as slow:
            slow.start()
            process = psutil.Process(fresh.pid)
            before = process.memory_info().rss
            slow.send(fe.Query("SELECT i, repeat('x', 200) FROM range(100000000) t(i)"))
            for _ in range(10):
                time.sleep(0.1)
                assert is_well(fresh)
            assert process.memory_info().rss - before < 200 << 20

    def test_wide_rows(self, client: RawClient) -> None:
        client.send(fe.Query("SELECT repeat('x', 1000000) FROM range(64) t(i)"))
        total, _ = client.count_bytes()
        assert total > 64_000_000


class TestStopping:
    def test_clients_are_told(self) -> None:
        with serving() as fresh:
            busy, idle = RawClient(fresh.port), RawClient(fresh.port)
            busy.start()
            idle.start()
            busy.send(fe.Query(FOREVER))
            time.sleep(0.2)
            context_client = idle
        assert error_of(context_client.until_closed()) == "57P01"
        codes = [message.fields["C"] for message in busy.until_closed() if isinstance(message, be.ErrorResponse)]
        assert codes[-1] == "57P01"
        busy.socket.close()
        idle.socket.close()


def test_clients_that_leave_at_once_keep_no_place(server: RunningServer) -> None:
    """Health checks and connection attempts that were given up: more of them than there are places."""
    for _ in range(400):
        with RawClient(server.port) as hasty:
            hasty.send(fe.StartupMessage(3, 0, {"user": "hasty"}))
    deadline = time.monotonic() + 20
    while True:
        others = []
        try:
            for _ in range(90):
                others.append(RawClient(server.port))
                if not any(isinstance(said, be.ReadyForQuery) for said in others[-1].start_or_refused()):
                    break
            else:
                return
        finally:
            for raw in others:
                raw.socket.close()
        assert time.monotonic() < deadline, "places are taken by nobody"
        time.sleep(0.1)


def test_a_connection_that_closes_before_its_worker_registers_it_takes_no_place() -> None:
    """The order in which the two threads come is chance, on a busy machine more often this one."""

    async def close_and_register() -> None:
        engine = MemoryEngine()
        closed = Server(engine, Limits(max_connections=1))
        connection = Connection(closed, asyncio.get_running_loop(), engine)
        closed.opened(connection)
        closed.closed(connection)
        with pytest.raises(ClientGone):
            closed.register(connection, b"key", "hasty")
        another = Connection(closed, asyncio.get_running_loop(), engine)
        closed.opened(another)
        assert closed.register(another, b"key", "patient")
        engine.close()

    asyncio.run(close_and_register())
