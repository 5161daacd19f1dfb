"""The HTTP shell of the stand-ins: a real server on 127.0.0.1, a log of requests, faults, and who may see what.

`GitLabServer` and `GitHubServer` add the routes. A server runs in threads of this process and ends with its block:

    with GitLabServer.start(Project("group/project", repository)) as server:
        store = open_store("gitlab://group/project@main", {"base_url": server.url})
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import ssl
import struct
import threading
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote

from fsspeckit_lib.testing.forge.faults import Fault, FaultScript
from fsspeckit_lib.testing.forge.repository import GitRepository

__all__ = ["Answer", "ForgeServer", "Project", "Request", "Seen"]


@dataclass(slots=True)
class Project:
    """One repository on a server.

    Attributes:
        path: `group/sub/project` or `owner/repo`.
        tokens: token → `read` or `write`; any other token is unknown to the server (401).
        private: nobody without one of the tokens sees it (404).
        lfs: LFS objects by their SHA-256 in hex.
    """

    path: str
    repository: GitRepository
    id: int = 1
    private: bool = False
    tokens: dict[str, str] = field(default_factory=dict)
    lfs: dict[str, bytes] = field(default_factory=dict)

    def add_lfs(self, content: bytes) -> bytes:
        """Store an LFS object and return the pointer to commit for it."""
        oid = hashlib.sha256(content).hexdigest()
        self.lfs[oid] = content
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came. `parts` are the path's components, percent-decoded one by one."""

    method: str
    raw_path: str
    parts: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON; an empty object where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers. `body` is bytes, or anything that JSON can say."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A line of the log: what was asked, with which headers, and the status of the answer (0: none was given)."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    status: int


class ForgeServer:
    """A running server. Switches are plain attributes that tests set while it runs."""

    def __init__(self, *projects: Project, prefix: str = "") -> None:
        self.projects = list(projects)
        self.prefix = prefix
        self.faults = FaultScript()
        self.ranges = True
        """Honour `Range` on raw files."""
        self.lfs_ranges = True
        self.lfs_server = True
        self.graphql = True
        self.lfs_origin: str | None = None
        """Another server's URL that LFS objects are downloaded from; None is this one."""
        self.url = ""
        self._lock = threading.Lock()
        self._log: list[Seen] = []

    @classmethod
    @contextlib.contextmanager
    def start(
        cls, *projects: Project, prefix: str = "", certificate: tuple[str, str] | None = None, name: str = "127.0.0.1"
    ) -> Iterator[Self]:
        """Serve projects until the block ends.

        Args:
            prefix: the sub-path of the instance: `/git`.
            certificate: files of a certificate and its key: the server then speaks HTTPS.
            name: host name in `url`; it must lead to 127.0.0.1.
        """
        server = cls(*projects, prefix=prefix)
        listener = _Listener(("127.0.0.1", 0), server)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            listener.socket = context.wrap_socket(listener.socket, server_side=True)
        scheme = "https" if certificate is not None else "http"
        server.url = f"{scheme}://{name}:{listener.server_address[1]}{prefix}"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            listener.server_close()
            thread.join()
            for project in server.projects:
                project.repository.close()

    @property
    def requests(self) -> list[Seen]:
        """Everything that was asked so far, in the order of the answers."""
        with self._lock:
            return list(self._log)

    def count(self, text: str = "") -> int:
        """Return how many requests had `text` in `METHOD /path?query`."""
        return sum(text in f"{seen.method} {seen.path}" for seen in self.requests)

    def forget(self) -> None:
        """Empty the log."""
        with self._lock:
            self._log = []

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Return the right answer to a request."""

    def note(self, seen: Seen) -> None:
        """Add a line to the log."""
        with self._lock:
            self._log.append(seen)

    def project_at(self, path: str) -> Project | None:
        """Return the project of a path or a number."""
        return next((one for one in self.projects if path in {one.path, str(one.id)}), None)

    def knows(self, token: str) -> bool:
        """Tell whether any project knows a token."""
        return any(token in project.tokens for project in self.projects)


def raw(data: bytes, request: Request, honours_range: bool, headers: Mapping[str, str] | None = None) -> Answer:
    """Return bytes as an answer: a part where `Range: bytes=a-b` is asked for and honoured. Source: RFC 9110, 14."""
    found = {"Content-Type": "application/octet-stream", **(headers or {})}
    asked = request.headers.get("range", "")
    if not honours_range or not asked.startswith("bytes="):
        return Answer(200, data, found)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start, stop = int(first), min(int(last or len(data) - 1), len(data) - 1) + 1
    if start >= len(data):
        return Answer(416, b"", {**found, "Content-Range": f"bytes */{len(data)}"})
    return Answer(206, data[start:stop], {**found, "Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"})


def with_etag(answer: Answer, request: Request) -> Answer:
    """Return a JSON answer with an ETag, or 304 where the client has it."""
    if answer.status != 200:
        return answer
    etag = 'W/"' + hashlib.sha256(json.dumps(answer.body).encode()).hexdigest()[:32] + '"'
    if request.headers.get("if-none-match") == etag:
        return Answer(304, b"", {"ETag": etag})
    return Answer(answer.status, answer.body, {**answer.headers, "ETag": etag})


def basic_password(request: Request) -> str | None:
    """Return the password of HTTP Basic authentication, or None."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    return base64.b64decode(value).decode().partition(":")[2]


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], forge: ForgeServer) -> None:
        super().__init__(address, _Handler)
        self.forge = forge

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients of fault tests break connections on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def do_GET(self) -> None:  # the name that http.server looks for
        forge = self.server.forge
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        line = f"{self.command} {self.path}"
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = forge.faults.next_for(line)
        if fault is not None and fault.kind == "status":
            answer = Answer(fault.status, fault.body, fault.headers)
        elif fault is not None and fault.kind == "reset":
            forge.note(Seen(self.command, self.path, headers, 0))
            self._reset()
            return
        else:
            if fault is not None and fault.kind == "stall":
                time.sleep(fault.seconds)
            raw_path, _, query = self.path.partition("?")
            own = raw_path.removeprefix(forge.prefix)
            asked = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
            parts = tuple(unquote(part) for part in own.strip("/").split("/"))
            answer = forge.answer(Request(self.command, own, parts, asked, headers, body))
        if fault is not None and fault.kind == "lose":
            forge.note(Seen(self.command, self.path, headers, 0))
            self._reset()
            return
        forge.note(Seen(self.command, self.path, headers, answer.status))
        self._send(answer, fault)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        """Print nothing."""

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        body = answer.body
        headers = dict(answer.headers)
        if not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
            headers.setdefault("Content-Type", "application/json; charset=utf-8")
        if answer.status not in {204, 304}:
            headers.setdefault("Content-Length", str(len(body)))
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD" or answer.status in {204, 304}:
            return
        if fault is not None and fault.kind == "cut":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault is not None and fault.kind == "drip":
            step = len(body) // 10 + 1
            for start in range(0, len(body), step):
                self.wfile.write(body[start : start + step])
                self.wfile.flush()
                time.sleep(fault.seconds / 10)
        else:
            self.wfile.write(body)

    def _reset(self) -> None:
        """Break the connection with a reset, not an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
