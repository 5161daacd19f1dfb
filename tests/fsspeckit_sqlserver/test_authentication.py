"""Real clients at a server that asks for passwords and encrypts: libpq (psycopg), psql, asyncpg, pg8000."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pg8000.native
import psycopg
import pytest
import trustme

from benchmarks.postgres import binaries
from fsspeckit_sqlserver.auth.passwords import make_verifier
from fsspeckit_sqlserver.wire import backend as be
from fsspeckit_sqlserver.wire import frontend as fe
from tests.fsspeckit_sqlserver.conftest import RunningServer, serving
from tests.fsspeckit_sqlserver.raw_client import RawClient


@dataclass(frozen=True)
class Guarded:
    """A server that wants a password, and the files its clients need."""

    server: RunningServer
    folder: Path

    def dsn(self, user: str, password: str | None, **options: str) -> str:
        found = f"host=localhost hostaddr=127.0.0.1 port={self.server.port} user={user} dbname=lake connect_timeout=20"
        if password is not None:
            found += f" password={password}"
        options.setdefault("sslmode", "disable")
        return " ".join([found, *(f"{name}={value}" for name, value in options.items())])

    def encrypted(self, user: str, password: str | None, **options: str) -> str:
        return self.dsn(user, password, sslmode="verify-full", sslrootcert=f"{self.folder}/ca.pem", **options)


def _write_server_certificate(authority: trustme.CA, folder: Path) -> None:
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    _write_server_certificate(authority, folder)
    clients = trustme.CA()
    clients.cert_pem.write_to_path(str(folder / "clients.pem"))
    for name in ("carl", "mallory"):
        (trustme.CA() if name == "mallory" else clients).issue_cert(
            common_name="carl"
        ).private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))
        os.chmod(folder / f"{name}.pem", 0o600)
    settings = {
        "users": {"ann": {"password": str(make_verifier("pencil"))}, "bob": {"password": "päss wörd"}, "carl": {}},
        "ssl_cert": str(folder / "server.pem"),
        "ssl_ca": str(folder / "clients.pem"),
        "access": [
            {"method": "reject", "users": "eve"},
            {"method": "cert", "users": "carl", "tls": "required"},
            {"method": "scram-sha-256", "users": ["ann", "bob"], "databases": ["lake", "other"]},
            {"method": "scram-sha-256", "users": "all", "databases": "lake"},
        ],
    }
    with serving("--settings", json.dumps(settings)) as server:
        yield Guarded(server, folder)


def _encryption(dsn: str) -> tuple[str, bool]:
    """Connect, ask something; return the user and whether the connection is encrypted."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT 1").fetchone()
        assert row is not None
        return connection.info.user, bool(connection.pgconn.ssl_in_use)


def test_the_right_password_enters(guarded: Guarded) -> None:
    assert _encryption(guarded.dsn("ann", "pencil")) == ("ann", False)


def test_a_password_that_is_not_ascii(guarded: Guarded) -> None:
    assert _encryption(guarded.dsn("bob", "'päss wörd'")) == ("bob", False)


@pytest.mark.parametrize(
    ("user", "password", "message"),
    [
        ("ann", "wrong", 'password authentication failed for user "ann"'),
        ("nobody", "pencil", 'password authentication failed for user "nobody"'),
        ("carl", "pencil", 'password authentication failed for user "carl"'),
        ("eve", "pencil", 'rejects connection for host "127.0.0.1", user "eve"'),
    ],
)
def test_whoever_may_not_is_told_as_postgresql_tells_it(
    guarded: Guarded, user: str, password: str, message: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=message):
        psycopg.connect(guarded.dsn(user, password))


def test_a_database_that_no_rule_names(guarded: Guarded) -> None:
    with pytest.raises(psycopg.OperationalError, match='database "vault", no encryption'):
        psycopg.connect(guarded.dsn("ann", "pencil").replace("dbname=lake", "dbname=vault"))


@pytest.mark.parametrize("binding", ["disable", "prefer", "require"])
def test_encrypted_with_and_without_channel_binding(guarded: Guarded, binding: str) -> None:
    assert _encryption(guarded.encrypted("ann", "pencil", channel_binding=binding)) == ("ann", True)


def test_channel_binding_cannot_be_had_in_clear_text(guarded: Guarded) -> None:
    with pytest.raises(psycopg.OperationalError, match="channel binding"):
        psycopg.connect(guarded.dsn("ann", "pencil", channel_binding="require"))


def test_encrypted_from_the_first_byte(guarded: Guarded) -> None:
    assert _encryption(guarded.encrypted("ann", "pencil", sslnegotiation="direct")) == ("ann", True)


def test_encrypted_at_once_but_not_for_postgresql(guarded: Guarded) -> None:
    context = ssl.create_default_context(cafile=guarded.folder / "ca.pem")
    plain = socket.create_connection(("127.0.0.1", guarded.server.port), 20)
    with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
        assert encrypted.recv(1) == b""


def test_old_versions_of_tls_are_refused(guarded: Guarded) -> None:
    context = ssl.create_default_context(cafile=guarded.folder / "ca.pem")
    context.set_alpn_protocols(["postgresql"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    plain = socket.create_connection(("127.0.0.1", guarded.server.port), 20)
    with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
        assert encrypted.version() == "TLSv1.2"
    context.options &= ~(ssl.OP_NO_TLSv1_1 | ssl.OP_NO_TLSv1)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", guarded.server.port), 20) as plain, pytest.raises(OSError):
        context.wrap_socket(plain, server_hostname="localhost")


def test_a_large_result_travels_encrypted(guarded: Guarded) -> None:
    with psycopg.connect(guarded.encrypted("ann", "pencil")) as connection:
        rows = connection.execute("SELECT range, repeat('x', 100) FROM range(200000)").fetchall()
    assert len(rows) == 200_000
    assert rows[-1] == (199_999, "x" * 100)


def test_a_certificate_enters_without_a_password(guarded: Guarded) -> None:
    key = str(guarded.folder / "carl.pem")
    assert _encryption(guarded.encrypted("carl", None, sslcert=key, sslkey=key)) == ("carl", True)


@pytest.mark.parametrize(
    ("certificate", "user", "message"),
    [
        ("carl", "nobody", "no password supplied"),
        ("mallory", "carl", "unknown ca|alert|connection"),
        (None, "carl", "certificate authentication failed"),
    ],
)
def test_a_certificate_of_another_name_or_authority(
    guarded: Guarded, certificate: str | None, user: str, message: str
) -> None:
    key = f"{guarded.folder}/{certificate}.pem"
    options = {"sslcert": key, "sslkey": key} if certificate else {"sslcert": "/nowhere"}
    with pytest.raises(psycopg.OperationalError, match=message):
        psycopg.connect(guarded.encrypted(user, None, **options))


def test_psql(guarded: Guarded) -> None:
    found = binaries()
    assert found is not None
    command = [f"{found}/psql", "-XAtc", "SELECT 42", guarded.encrypted("ann", None)]
    environment = {**os.environ, "PGPASSWORD": "pencil"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "42\n", "")


def test_asyncpg(guarded: Guarded) -> None:
    async def ask(**options: Any) -> Any:
        connection = await asyncpg.connect(
            host="localhost", port=guarded.server.port, user="ann", password="pencil", database="lake", **options
        )
        try:
            return await connection.fetchval("SELECT 42")
        finally:
            await connection.close()

    context = ssl.create_default_context(cafile=guarded.folder / "ca.pem")
    assert asyncio.run(ask(ssl=False)) == 42
    assert asyncio.run(ask(ssl=context)) == 42
    context.set_alpn_protocols(["postgresql"])
    assert asyncio.run(ask(ssl=context, direct_tls=True)) == 42


def test_pg8000(guarded: Guarded) -> None:
    context = ssl.create_default_context(cafile=guarded.folder / "ca.pem")
    for encryption in (None, context):
        with pg8000.native.Connection(  # type: ignore[no-untyped-call]
            "ann",
            host="localhost",
            port=guarded.server.port,
            password="pencil",
            database="lake",
            ssl_context=encryption,
        ) as connection:
            assert connection.run("SELECT 42") == [[42]]


def test_what_comes_before_the_handshake_is_refused(guarded: Guarded) -> None:
    """CVE-2021-23214: words in clear text before the handshake must not become the encrypted session's."""
    with RawClient(guarded.server.port) as client:
        client.send(fe.SslRequest(), fe.StartupMessage(3, 0, {"user": "ann"}))
        heard = client.until_closed()
    (told,) = heard
    assert isinstance(told, be.ErrorResponse)
    assert told.fields["M"] == "received unencrypted data after SSL request"


def test_nonsense_after_the_answer_ends_that_connection_alone(guarded: Guarded) -> None:
    with socket.create_connection(("127.0.0.1", guarded.server.port), 20) as client:
        client.sendall(fe.encode_frontend(fe.SslRequest()))
        assert client.recv(1) == b"S"
        client.sendall(b"\x16\x03\x01\x00\x50" + os.urandom(200))  # a whole record, so that nothing is waited for
        while client.recv(1000):
            pass
    assert _encryption(guarded.encrypted("ann", "pencil")) == ("ann", True)


def test_a_cancel_request_needs_no_login(guarded: Guarded) -> None:
    with psycopg.connect(guarded.encrypted("ann", "pencil"), autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.cancel_safe(timeout=10)
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_new_certificate_is_read_without_a_restart(guarded: Guarded) -> None:
    def served() -> bytes | None:
        context = ssl.create_default_context(cafile=guarded.folder / "ca.pem")
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["postgresql"])
        plain = socket.create_connection(("127.0.0.1", guarded.server.port), 20)
        with context.wrap_socket(plain) as encrypted:
            return encrypted.getpeercert(binary_form=True)

    before = served()
    old = (guarded.folder / "server.pem").read_bytes()
    with psycopg.connect(guarded.encrypted("ann", "pencil")) as connection:
        (guarded.folder / "server.pem").write_text("nonsense")
        os.kill(guarded.server.pid, signal.SIGHUP)
        time.sleep(0.3)
        assert served() == before
        _write_server_certificate(trustme.CA(), guarded.folder)
        os.kill(guarded.server.pid, signal.SIGHUP)
        deadline = time.monotonic() + 20
        while served() == before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert connection.execute("SELECT 1").fetchone() == (1,)
    (guarded.folder / "server.pem").write_bytes(old)
    os.kill(guarded.server.pid, signal.SIGHUP)
    while served() != before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_without_tls_says_so() -> None:
    with serving() as server, pytest.raises(psycopg.OperationalError, match="does not support SSL"):
        psycopg.connect(f"{server.dsn} sslmode=require")
