"""What the SQL server's tests share: a server on the in-memory engine, and a real PostgreSQL as the oracle."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from benchmarks.postgres import binaries, running_postgres


@dataclass(frozen=True)
class RunningServer:
    """A server process on the in-memory engine."""

    port: int
    pid: int

    @property
    def dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=tester dbname=anything"

    @property
    def url(self) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/anything"


@contextmanager
def serving(*flags: str) -> Iterator[RunningServer]:
    """Run a server; at the end it must stop by itself, with status 0 and nothing on stderr but its log."""
    command = [sys.executable, "-m", "tests.fsspeckit_sqlserver.memory_server", *flags]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield RunningServer(int(process.stdout.readline()), process.pid)
        assert process.poll() is None, "the server ended while it was used"
        process.communicate(timeout=30)
        assert process.returncode == 0


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
