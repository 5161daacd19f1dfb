"""JDBC, node, pgbench, pgcli, isql and postgres_fdw against the real daemon."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from tests.fsspeckit_sqlserver.conftest import RunningServer

PROGRAMS = Path(__file__).parent / "programs"
NODE_MODULES = Path(sys.prefix) / "node_modules"
JDBC = "/usr/share/java/postgresql.jar"


def run(*command: str, stdin: str | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, **(env or {})},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("javac") is None, reason="no Java: apt-get install openjdk-17-jdk-headless")
@pytest.mark.skipif(not os.path.exists(JDBC), reason="no JDBC driver: apt-get install libpostgresql-jdbc-java")
def test_jdbc(gateway: RunningServer) -> None:
    url = f"jdbc:postgresql://127.0.0.1:{gateway.port}/anything"
    assert run("java", "-cp", JDBC, str(PROGRAMS / "Jdbc.java"), url).strip() == "ok"


@pytest.mark.skipif(not (NODE_MODULES / "pg").is_dir(), reason="no pg and postgres: make test installs them with npm")
def test_node(gateway: RunningServer) -> None:
    program = str(PROGRAMS / "node_clients.js")
    assert run("node", program, str(NODE_MODULES.parent), str(gateway.port)).strip() == "ok"


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench(gateway: RunningServer, tmp_path: Path, mode: str) -> None:
    program = (shutil.which("pgbench") or next(iter(glob.glob("/usr/lib/postgresql/*/bin/pgbench")), None)) or "pgbench"
    script = tmp_path / "script.sql"
    script.write_text("\\set id random(0, 29999)\nSELECT zone, fare FROM trips WHERE id = :id;\nSELECT 1;\n")
    out = run(program, "-n", "-c", "8", "-j", "2", "-t", "10", "-M", mode, "-f", str(script), gateway.url)
    assert "number of failed transactions: 0" in out
    assert "80/80" in out


def test_pgcli(gateway: RunningServer, tmp_path: Path) -> None:
    program = os.path.join(os.path.dirname(sys.executable), "pgcli")
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "TERM": "dumb", "PAGER": "cat"}
    out = run(program, gateway.url, stdin="SELECT zone FROM trips WHERE id = 3;\n\\dt\n\\q\n", env=env)
    assert "zone 3" in out
    assert "types" in out


@pytest.mark.skipif(shutil.which("isql") is None, reason="no isql: apt-get install unixodbc")
def test_isql(gateway: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "odbc.ini").write_text(
        f"[gateway]\nDriver=PostgreSQL Unicode\nServername=127.0.0.1\nPort={gateway.port}\nDatabase=anything\n"
        "Username=tester\n"
    )
    env = {"ODBCINI": str(tmp_path / "odbc.ini")}
    out = run("isql", "gateway", "-b", "-d,", stdin="SELECT id, zone FROM trips WHERE id < 2 ORDER BY id\n", env=env)
    assert "0,zone 0" in out


@pytest.fixture
def foreign(postgres: str, gateway: RunningServer) -> psycopg.Connection[tuple[object, ...]]:
    """A real PostgreSQL with the gateway's tables as foreign ones."""
    connection = psycopg.connect(postgres, autocommit=True)
    connection.execute("CREATE EXTENSION IF NOT EXISTS postgres_fdw")
    connection.execute("DROP SERVER IF EXISTS gateway CASCADE")
    connection.execute("DROP SCHEMA IF EXISTS lake CASCADE")
    connection.execute("CREATE SCHEMA lake")
    connection.execute(
        "CREATE SERVER gateway FOREIGN DATA WRAPPER postgres_fdw"
        f" OPTIONS (host '127.0.0.1', port '{gateway.port}', dbname 'anything', use_remote_estimate 'true')"
    )
    connection.execute("CREATE USER MAPPING FOR CURRENT_USER SERVER gateway OPTIONS (user 'tester', password 'x')")
    connection.execute("IMPORT FOREIGN SCHEMA public LIMIT TO (trips, types) FROM SERVER gateway INTO lake")
    return connection


def test_postgres_fdw(foreign: psycopg.Connection[tuple[object, ...]]) -> None:
    assert foreign.execute("SELECT count(*), sum(id) FROM lake.trips").fetchone() == (30000, 449985000)
    assert foreign.execute("SELECT zone FROM lake.trips WHERE id = 17 AND year = 2022").fetchone() == ("zone 7",)
    rows = foreign.execute(
        "SELECT a.id FROM lake.trips a JOIN lake.trips b USING (id) WHERE a.id < 5 ORDER BY 1"
    ).fetchall()
    assert rows == [(0,), (1,), (2,), (3,), (4,)]
    flags = foreign.execute("SELECT flag, money, day, numbers FROM lake.types ORDER BY flag").fetchall()
    assert len(flags) == 2
    assert flags[1] == (None, None, None, None)
    with pytest.raises(errors.DatabaseError):
        foreign.execute("INSERT INTO lake.trips (id) VALUES (1)")
    foreign.close()
