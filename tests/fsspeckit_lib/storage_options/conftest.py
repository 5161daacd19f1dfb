"""Fixtures: no environment and no home of the tester's, a server that records requests, moto's server."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fsspeckit_lib.testing.servers import Moto

_PREFIXES = (
    "AWS_", "AZURE_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_", "STORAGE_EMULATOR", "GITHUB_", "GH_", "GITLAB_", "CI_",
    "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy",
)  # fmt: skip


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No variable and no home folder of whoever runs the tests; returns the empty home."""
    for name in [*os.environ]:
        if name.startswith(_PREFIXES):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


class Recorder(ThreadingHTTPServer):
    """Answers every request with `ok` and keeps what was asked: (method, path, headers in lower case)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def last_headers(self) -> dict[str, str]:
        """The headers of the last request."""
        return self.requests[-1][2]


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_GET(self) -> None:
        self.server.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 23 Nov 2026 09:16:37 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"ok")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A running recorder."""
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def moto_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running moto server: S3, STS and the rest of AWS in memory."""
    with Moto.start(tmp_path_factory.mktemp("moto")) as server:
        yield server.endpoint_url
