"""What the SQL server's tests share: a server on the in-memory engine, and a real PostgreSQL as the oracle."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from benchmarks.postgres import binaries, running_postgres
from fsspeckit_sqlserver.server import Limits, Server, bind_listener
from tests.fsspeckit_sqlserver.memory_engine import MemoryEngine


@dataclass(frozen=True)
class RunningServer:
    """A server in a thread of this process."""

    port: int
    server: Server

    @property
    def dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=tester dbname=anything"

    @property
    def url(self) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/anything"


@contextmanager
def serving(limits: Limits | None = None) -> Iterator[RunningServer]:
    """Run a server on an in-memory engine."""
    listener = bind_listener("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    engine = MemoryEngine()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    started = threading.Event()
    servers: list[Server] = []

    async def main() -> None:
        server = Server(engine, limits)
        servers.append(server)
        await server.start(listener)
        started.set()
        await stop.wait()
        await server.stop()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), name="server")
    thread.start()
    try:
        assert started.wait(10)
        yield RunningServer(port, servers[0])
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        assert not thread.is_alive(), "the server did not stop"
        loop.close()
        listener.close()
        engine.close()


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Connection string of a real PostgreSQL."""
    if binaries() is None:
        pytest.skip("no PostgreSQL server is installed to compare with; on Debian: apt-get install postgresql")
    with running_postgres() as dsn:
        yield dsn
