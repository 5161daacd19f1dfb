"""The command line: what it serves, what it says, and how it refuses. Every run is a real process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from s3fs.core import S3FileSystem

from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from tests.fsspeckit_sqlserver.conftest import RunningServer, gateway_process

COMMAND = [sys.executable, "-m", "fsspeckit_sqlserver.cli"]


def run(*flags: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *flags], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **(env or {})}
    )


def only_line(said: str) -> str:
    lines = said.splitlines()
    assert len(lines) == 1, said
    return lines[0]


def test_it_serves_until_sigterm(dataset: Path, tmp_path: Path) -> None:
    with gateway_process("--table", f"sales.trips={dataset}/trips", "--cache-dir", str(tmp_path)) as (process, url):
        assert url.startswith("postgresql://fsspeckit@127.0.0.1:")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM sales.trips WHERE year = 2021").fetchone() == (10_000,)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_ctrl_c_stops_it_while_a_statement_runs(dataset: Path, tmp_path: Path) -> None:
    with gateway_process("--table", f"trips={dataset}/trips", "--cache-dir", str(tmp_path)) as (process, url):
        connection = psycopg.connect(url, autocommit=True)
        connection.pgconn.send_query(b"SELECT count(*) FROM trips a, trips b, trips c")
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        connection.close()


def test_it_tells_systemd(dataset: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(30)
        flags = ["--table", f"trips={dataset}/trips", "--cache-dir", str(tmp_path / "cache")]
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with subprocess.Popen([*COMMAND, "--listen", "127.0.0.1:0", *flags], env=environment) as process:
            assert channel.recv(1000).startswith(b"READY=1\n")
            process.terminate()
            assert channel.recv(1000) == b"STOPPING=1"
        assert process.returncode == 0


def test_the_configuration_file(dataset: Path, tmp_path: Path) -> None:
    config = tmp_path / "fsspeckit.yaml"
    config.write_text(
        f"storages: {{lake: {{protocol: file, path: {dataset}}}}}\n"
        f"cache: {{root: {tmp_path}/cache}}\n"
        "sqlserver:\n  tables: {rides: {storage: lake, path: trips/, partitioning: hive}}\n"
        "  schemas: {raw: {storage: lake}}\n"
    )
    with gateway_process("--config", str(config)) as (_, url), psycopg.connect(url) as connection:
        rows = connection.execute("SELECT count(*) FROM rides UNION ALL SELECT count(*) FROM raw.trips").fetchall()
        assert rows == [(30_000,), (30_000,)]


def test_the_log_goes_to_its_file(dataset: Path, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    flags = ("--table", f"trips={dataset}/trips", "--cache-dir", str(tmp_path / "cache"), "--log-file", str(log))
    with gateway_process(*flags):
        pass
    assert "listening on 127.0.0.1" in log.read_text()


WRONG = [
    (("--listen", "127.0.0.1:0"), 2, "nothing to serve"),
    (("--listen", "0.0.0.0:5433", "--table", "a=/x"), 2, "127.0.0.1"),
    (("--listen", "example.com:5433", "--table", "a=/x"), 2, "wanted an IP address"),
    (("--listen", "5433", "--table", "a=/x"), 2, "wanted host:port"),
    (("--listen", "127.0.0.1:99999", "--table", "a=/x"), 2, "wanted host:port"),
    (("--table", "trips"), 2, "wanted name=URL"),
    (("--table", "=x"), 2, "wanted name=URL"),
    (("--table", "a.b.c=/x"), 2, "wanted name or schema.name"),
    (("--table", "pg_catalog.x=/x"), 2, "the server's own"),
    (("--table", "a=s4://bucket/x"), 2, "did you mean 's3'"),
    (("--table", "a=/x", "--table", "a=/y"), 2, "given twice"),
    (("--table", "a=/x", "-o", "=5"), 2, "name=value"),
    (("--table", "a=/x", "--cache-size", "much"), 2, "wanted bytes"),
    (("--table", "a=/x", "--log-level", "loud"), 2, "wanted one of"),
    (("--tabel", "a=/x"), 2, "--table"),
    (("--config", "/nowhere/fsspeckit.yaml"), 1, "/nowhere/fsspeckit.yaml"),
    (("--table", "a=/nowhere/at/all"), 1, "/nowhere/at/all"),
]


@pytest.mark.parametrize(("flags", "status", "says"), WRONG, ids=[" ".join(flags) for flags, _, _ in WRONG])
def test_bad_input_gets_one_line(flags: tuple[str, ...], status: int, says: str, tmp_path: Path) -> None:
    listen = () if "--listen" in flags else ("--listen", "127.0.0.1:0")
    done = run(*listen, *flags, "--cache-dir", str(tmp_path))
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    line = only_line(done.stderr)
    assert line.startswith("fsspeckit-sqlserver: ")
    assert says in line


def test_a_folder_without_parquet_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notes.txt").write_text("x")
    done = run("--listen", "127.0.0.1:0", "--table", f"a={tmp_path}/data", "--cache-dir", str(tmp_path / "cache"))
    assert done.returncode == 1
    line = only_line(done.stderr)
    assert "parquet" in line
    assert f"{tmp_path}/data" in line


def test_a_port_in_use(gateway: RunningServer, dataset: Path, tmp_path: Path) -> None:
    flags = ("--table", f"trips={dataset}/trips", "--cache-dir", str(tmp_path))
    done = run("--listen", f"127.0.0.1:{gateway.port}", *flags)
    assert done.returncode == 1
    line = only_line(done.stderr)
    assert f"127.0.0.1:{gateway.port}: another program listens there" in line


def test_help_names_every_flag() -> None:
    done = run("--help")
    assert done.returncode == 0
    for flag in ("--config", "--listen", "--table", "--schema", "-o", "--cache-dir", "--cache-size", "--log-file"):
        assert flag in done.stdout


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory, dataset: Path) -> Iterator[SeaweedFS]:
    with SeaweedFS.start(str(tmp_path_factory.mktemp("s3"))) as server:
        server.create_bucket("lake")
        filesystem = S3FileSystem(
            key=server.access_key_id,
            secret=server.secret_access_key,
            endpoint_url=server.endpoint_url,
            skip_instance_cache=True,
        )
        filesystem.put(f"{dataset}/trips", "lake/trips", recursive=True)
        yield server


def storage_flags(s3: SeaweedFS, table: str, tmp_path: Path, **changed: str) -> list[str]:
    options = {name: str(value) for name, value in s3.storage_options().items()} | changed
    pairs = ",".join(f"{name}={value}" for name, value in options.items())
    return ["--table", table, "-o", pairs, "--cache-dir", str(tmp_path / "cache")]


def test_a_table_in_a_bucket(s3: SeaweedFS, tmp_path: Path) -> None:
    with (
        gateway_process(*storage_flags(s3, "trips=s3://lake/trips", tmp_path)) as (_, url),
        psycopg.connect(url) as connection,
    ):
        query = "SELECT count(*), sum(fare) FROM trips WHERE year = 2021"
        assert connection.execute(query).fetchone() == (10_000, 74_997_500)


@pytest.mark.parametrize(
    ("table", "changed", "says"),
    [
        ("t=s3://nowhere/trips", {}, "nowhere"),
        ("t=s3://lake/empty", {}, "s3://lake/empty"),
        ("t=s3://lake/trips", {"secret_access_key": "wrong"}, "s3://lake/trips"),
        ("t=s3://lake/trips", {"endpoint_url": "http://127.0.0.1:1"}, "127.0.0.1:1"),
    ],
)
def test_what_cannot_be_reached(s3: SeaweedFS, tmp_path: Path, table: str, changed: dict[str, str], says: str) -> None:
    done = run("--listen", "127.0.0.1:0", *storage_flags(s3, table, tmp_path, **changed))
    assert done.returncode == 1
    line = only_line(done.stderr)
    assert says in line
    assert "wrong" not in line
