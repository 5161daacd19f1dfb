"""A real PostgreSQL from Debian on a free loopback port: the peer of the benchmarks, the oracle of the tests.

initdb refuses root, so as root everything runs as the package's own user `postgres`.
"""

from __future__ import annotations

import getpass
import glob
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fsspeckit_lib.testing.ports import free_ports

__all__ = ["binaries", "running_postgres"]


def binaries() -> str | None:
    """Return the folder of the newest installed PostgreSQL server's programs, None when there is none."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    return os.path.dirname(found[-1]) if found else None


@contextmanager
def running_postgres() -> Iterator[str]:
    """Yield the connection string of a fresh cluster, which is gone afterwards.

    fsync is off and 256 MB of shared buffers hold what the benchmarks read: the peer runs from memory, as the gateway's
    cache does.
    """
    programs = binaries()
    if programs is None:
        raise RuntimeError("no PostgreSQL server found; on Debian: apt-get install postgresql")
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    user = "postgres" if as_user else getpass.getuser()
    folder = tempfile.mkdtemp(prefix="fsspeckit-postgres-")
    try:
        if as_user:
            shutil.chown(folder, "postgres")
        data = f"{folder}/data"
        initdb = [f"{programs}/initdb", "-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        subprocess.run([*as_user, *initdb], check=True, capture_output=True, cwd=folder)
        (port,) = free_ports(1)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": folder,
            "fsync": "off",
            "shared_buffers": "256MB",
            "autovacuum": "off",
            "timezone": "UTC",
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with open(f"{folder}/log", "wb") as log:
            server = subprocess.Popen(
                [*as_user, f"{programs}/postgres", "-D", data, *flags], stdout=log, stderr=log, cwd=folder
            )
        try:
            _wait(programs, port, server, f"{folder}/log")
            yield f"host=127.0.0.1 port={port} user={user} dbname=postgres"
        finally:
            server.terminate()  # runuser passes it on; SIGTERM would wait for clients, and none is left
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(programs: str, port: int, server: subprocess.Popen[bytes], log: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        probe = [f"{programs}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        if subprocess.run(probe, check=False, env={**os.environ, "PGCONNECT_TIMEOUT": "1"}).returncode == 0:
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    with open(log, encoding="utf-8", errors="replace") as file:
        raise RuntimeError(f"PostgreSQL did not start: {file.read()[-1000:]}")
