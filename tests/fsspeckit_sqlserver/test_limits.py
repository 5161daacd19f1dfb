"""What one server lends to its clients, and what it does when somebody takes too much or too long."""

from __future__ import annotations

import glob
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import errors

from fsspeckit_sqlserver.engine.queueing import FairQueue
from fsspeckit_sqlserver.wire.backend import DataRow, ReadyForQuery
from fsspeckit_sqlserver.wire.frontend import Query
from tests.fsspeckit_sqlserver.conftest import RunningServer, gateway_process
from tests.fsspeckit_sqlserver.raw_client import RawClient

CONFIG = """
sqlserver:
  manifest_ttl: 1s
  limits:
    connections: 6
    connections_per_user: 3
    login_timeout: 1s
    max_message_size: 64KiB
    memory: 512MiB
    threads: 2
    running: 1
  schemas: {{public: {{url: "{folder}"}}}}
"""


@pytest.fixture(scope="module")
def limited(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("limited")
    (folder / "fsspeckit.yaml").write_text(CONFIG.format(folder=dataset))
    flags = ("--config", str(folder / "fsspeckit.yaml"), "--cache-dir", str(folder / "cache"))
    with gateway_process(*flags) as (process, url):
        yield RunningServer(int(url.rpartition(":")[2].partition("/")[0]), process.pid)


def test_connections_are_counted_by_user(limited: RunningServer) -> None:
    held = [psycopg.connect(limited.dsn) for _ in range(3)]
    with pytest.raises(psycopg.OperationalError, match='too many connections for role "tester"'):
        psycopg.connect(limited.dsn)
    other = limited.dsn.replace("user=tester", "user=somebody")
    held += [psycopg.connect(other) for _ in range(3)]
    with pytest.raises(psycopg.OperationalError, match="too many clients already"):
        psycopg.connect(limited.dsn.replace("user=tester", "user=third"))
    for connection in held:
        connection.close()


def test_a_login_has_its_time(limited: RunningServer) -> None:
    with RawClient(limited.port) as raw:
        assert raw.until_closed() == []  # a second passes


def test_a_message_has_its_size(limited: RunningServer) -> None:
    with psycopg.connect(limited.dsn) as connection, pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT '" + "x" * 100_000 + "'")


def test_much_in_small_messages_gets_through(limited: RunningServer) -> None:
    """More than a message's size waits at once: reading stops, and goes on."""
    with psycopg.connect(limited.dsn, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE wide (t text)")
        with connection.cursor() as cursor, cursor.copy("COPY wide FROM STDIN") as copy:
            for _ in range(300):
                copy.write(b"x" * 30_000 + b"\n")
        assert connection.execute("SELECT count(*), max(length(t)) FROM wide").fetchone() == (300, 30_000)
    with RawClient(limited.port) as raw:
        raw.start()
        raw.send(*[Query("SELECT '" + "x" * 20_000 + "'")] * 40)
        assert all(isinstance(raw.until_ready()[-1], ReadyForQuery) for _ in range(40))


def test_idle_sessions_end(limited: RunningServer) -> None:
    with psycopg.connect(limited.dsn, autocommit=True) as connection:
        connection.execute("SET idle_session_timeout = '100ms'")
        time.sleep(0.5)
        with pytest.raises(errors.IdleSessionTimeout, match="terminating connection due to idle-session timeout"):
            connection.execute("SELECT 1")


def test_idle_transactions_end(limited: RunningServer) -> None:
    with psycopg.connect(limited.dsn) as connection:
        connection.execute("SET idle_in_transaction_session_timeout = '100ms'")
        time.sleep(0.5)
        with pytest.raises(errors.IdleInTransactionSessionTimeout):
            connection.execute("SELECT 1")


def test_a_busy_session_is_not_idle(limited: RunningServer) -> None:
    with psycopg.connect(limited.dsn, autocommit=True) as connection:
        connection.execute("SET idle_session_timeout = '150ms'")
        for _ in range(5):
            time.sleep(0.06)
            connection.execute("SELECT count(*) FROM trips")


def test_one_place_serves_several_at_once(limited: RunningServer) -> None:
    """`running: 1`: queries take turns batch by batch, and the catalog is exempt."""
    slow = psycopg.connect(limited.dsn, autocommit=True)
    quick = psycopg.connect(limited.dsn, autocommit=True)
    done = threading.Event()

    def run() -> None:
        try:
            slow.execute("SELECT count(*) FROM trips a, trips b, trips c WHERE a.id + b.id + c.id = -1")
        except errors.QueryCanceled:
            done.set()

    worker = threading.Thread(target=run)
    worker.start()
    time.sleep(0.3)
    assert quick.execute("SELECT count(*) FROM pg_class").fetchone() is not None
    quick.execute("SET statement_timeout = '300ms'")
    with pytest.raises(errors.QueryCanceled):  # waits for its turn, and can be interrupted there
        quick.execute("SELECT count(*) FROM trips WHERE fare > 1")
    slow.cancel_safe()
    worker.join(10)
    assert done.is_set()
    assert quick.execute("SELECT count(*) FROM trips WHERE fare > 1").fetchone() == (29997,)
    slow.close()
    quick.close()


def test_turns_go_round_by_user() -> None:
    queue = FairQueue(1)
    order: list[str] = []
    workers = []

    def work(user: str) -> None:
        with queue.turn(user, lambda: None):
            order.append(user)

    with queue.turn("first", lambda: None):
        for waiting, user in enumerate(("a", "a", "a", "b"), 1):
            workers.append(threading.Thread(target=work, args=(user,)))
            workers[-1].start()
            while queue.waiting < waiting:
                time.sleep(0.001)
    for worker in workers:
        worker.join(5)
    assert order == ["a", "b", "a", "a"]


def test_whoever_gives_up_leaves_the_queue() -> None:
    queue = FairQueue(1)

    def refuse() -> None:
        raise KeyboardInterrupt

    with queue.turn("first", lambda: None), pytest.raises(KeyboardInterrupt), queue.turn("second", refuse):
        pass
    assert queue.waiting == 0
    with queue.turn("third", lambda: None):
        pass


def test_idle_connections_cost_little(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "fsspeckit.yaml").write_text(
        f'sqlserver:\n  limits: {{connections: 600}}\n  schemas: {{public: {{url: "{dataset}"}}}}\n'
    )
    flags = ("--config", str(tmp_path / "fsspeckit.yaml"), "--cache-dir", str(tmp_path / "cache"))
    with gateway_process(*flags) as (daemon, url):
        port = int(url.rpartition(":")[2].partition("/")[0])
        process = psutil.Process(daemon.pid)
        with RawClient(port) as first:
            first.start()
            before, threads = process.memory_info().rss, process.num_threads()
            idle = [RawClient(port) for _ in range(500)]
            for raw in idle:
                raw.start()
                raw.query("SELECT 1")
            assert process.memory_info().rss - before < 60 << 20  # 120 KiB each
            assert process.num_threads() - threads < 20
            assert any(isinstance(message, DataRow) for message in first.query("SELECT count(*) FROM trips"))
            for raw in idle:
                raw.socket.close()


def test_a_killed_server_leaves_nothing_for_long(dataset: Path, tmp_path: Path) -> None:
    """Folders for spilling and for links of a process that is gone are removed at the next start."""

    def folders() -> set[str]:
        places = (tempfile.gettempdir(), "/dev/shm")
        return {path for place in places for path in glob.glob(f"{place}/fsspeckit-s*-{killed.pid}-*")}

    flags = ("--schema", f"public={dataset}", "--cache-dir", str(tmp_path / "cache"))
    with gateway_process(*flags) as (killed, _):
        assert folders()
        killed.kill()
        killed.wait()
        assert folders()
        with gateway_process(*flags):
            assert not folders()
