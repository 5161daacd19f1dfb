"""A fault-injecting HTTP proxy on loopback: what stands between a client and a storage in the tests of failures.

It forwards every request as it came, so signatures stay valid (the Host header is the client's), and asks a *script*
before each one what shall go wrong. A script is any callable from `Request` to a `Fault` or None; `Script` plays faults
in order, `RandomFaults` draws them from a seed. Every exchange is written to `FaultProxy.log`.

One thread a client connection; bodies of requests are buffered, bodies of responses are streamed. HTTP/1.1 without TLS.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

__all__ = [
    "ChangeHeader", "Cut", "Exchange", "Fault", "FaultProxy", "LoseReply", "RandomFaults", "Request", "Reset",
    "Script", "Stall", "Status", "WrongLength",
]  # fmt: skip

_CHUNK_BYTES = 64 << 10
_HEAD_BYTES = 64 << 10
_UPSTREAM_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked: `headers` have lower-case names; `number` counts from 0 over the proxy's life."""

    number: int
    method: str
    target: str
    headers: dict[str, str] = field(repr=False)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def span(self) -> tuple[int, int] | None:
        """The half-open byte span that a Range header asks for, or None."""
        kind, _, text = self.headers.get("range", "").partition("=")
        first, dash, last = text.partition("-")
        return (int(first), int(last) + 1) if kind == "bytes" and dash and first and last else None


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status and do not ask the storage; 429 and 503 can carry Retry-After."""

    code: int
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection (RST) before anything is sent; the storage is not asked."""


@dataclass(frozen=True, slots=True)
class LoseReply:
    """Let the storage do it, then reset the connection: the client cannot know the outcome."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Promise the whole body, send this much of it, close the connection."""

    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Stall:
    """Send this much of the body, then nothing for so long (or until the proxy closes), then the rest."""

    seconds: float
    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class WrongLength:
    """Add this to the Content-Length that the storage gave; the body stays what it is, then the connection closes."""

    delta: int


@dataclass(frozen=True, slots=True)
class ChangeHeader:
    """Give the response another value of a header: `ChangeHeader("ETag", '"other"')` in the middle of a file."""

    name: str
    value: str


Fault: TypeAlias = Status | Reset | LoseReply | Cut | Stall | WrongLength | ChangeHeader


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what became of it: `status` is 0 where no response was sent, `body_bytes` what went out."""

    request: Request
    fault: Fault | None
    status: int
    body_bytes: int


class Script:
    """Faults in order, one for each request that matches; None lets one pass. Afterwards everything passes."""

    def __init__(self, faults: Sequence[Fault | None], matches: Callable[[Request], bool] = lambda _: True) -> None:
        self._faults = list(faults)
        self._matches = matches
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Fault | None:
        """Return the next fault, if the request matches."""
        with self._lock:
            return self._faults.pop(0) if self._faults and self._matches(request) else None


class RandomFaults:
    """One of `faults` with a probability, drawn from a seed, for each request that matches."""

    def __init__(
        self,
        seed: int,
        probability: float,
        faults: Sequence[Fault],
        matches: Callable[[Request], bool] = lambda _: True,
    ) -> None:
        self._random = random.Random(seed)
        self._probability = probability
        self._faults = list(faults)
        self._matches = matches
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Fault | None:
        """Draw."""
        if not self._matches(request):
            return None
        with self._lock:
            return self._random.choice(self._faults) if self._random.random() < self._probability else None


class FaultProxy:
    """A running proxy in front of one HTTP endpoint.

    Attributes:
        url: where clients reach it.
        log: every exchange that ended, in that order; a client may have its answer a moment before (`settled` waits).
        script: asked before each request; assign another one at any time, None lets everything pass.
    """

    def __init__(self, upstream_url: str, script: Callable[[Request], Fault | None] | None = None) -> None:
        parts = urlsplit(upstream_url)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.script = script
        self.log: list[Exchange] = []
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._number = 0
        self._closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._port = 0
        self.up()
        self.url = f"http://127.0.0.1:{self._port}"

    @classmethod
    @contextlib.contextmanager
    def start(cls, upstream_url: str, script: Callable[[Request], Fault | None] | None = None) -> Iterator[FaultProxy]:
        """Run a proxy until the block ends."""
        proxy = cls(upstream_url, script)
        try:
            yield proxy
        finally:
            proxy.close()

    def settled(self, timeout_s: float = 30.0) -> list[Exchange]:
        """Return the log once no exchange is under way.

        Raises:
            TimeoutError: one was under way all that time.
        """
        with self._idle:
            if not self._idle.wait_for(lambda: len(self.log) == self._number, timeout_s):
                raise TimeoutError(f"the proxy at {self.url}: an exchange has not ended within {timeout_s:g} s")
            return list(self.log)

    def up(self) -> None:
        """Listen (again, on the same port)."""
        if self._listener is not None:
            return
        self._closing.clear()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(128)
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="fault-proxy", daemon=True).start()

    def down(self) -> None:
        """Refuse connections and break those that are open, as a dead endpoint does."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        self._closing.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End."""
        self.down()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), name="fault-proxy", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._connections.add(client)
        try:
            with client, contextlib.suppress(OSError, _Closed):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Conversation(self, client, self._upstream, self._closing).run()
        finally:
            with self._lock:
                self._connections.discard(client)

    def _begin(self, head: bytes) -> tuple[Request, Fault | None]:
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = dict(line.split(":", 1) for line in lines[1:] if ":" in line)
        with self._lock:
            number, self._number = self._number, self._number + 1
        request = Request(number, method, target, {name.lower(): value.strip() for name, value in headers.items()})
        return request, self.script(request) if self.script is not None else None

    def _end(self, exchange: Exchange) -> None:
        with self._idle:
            self.log.append(exchange)
            self._idle.notify_all()


class _Closed(Exception):
    """The peer ended the connection, or the exchange demands its end."""


class _Conversation:
    """One client connection and its connection to the storage."""

    def __init__(
        self, proxy: FaultProxy, client: socket.socket, upstream: tuple[str, int], closing: threading.Event
    ) -> None:
        self._proxy, self._client, self._upstream, self._closing = proxy, client, upstream, closing

    def run(self) -> None:
        """Serve requests until either side ends."""
        received = bytearray()
        with contextlib.closing(socket.create_connection(self._upstream, _UPSTREAM_TIMEOUT_S)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answered = bytearray()
            while True:
                head = _head(self._client, received)
                request, fault = self._proxy._begin(head)
                status, sent = 0, 0
                try:
                    if request.headers.get("expect", "").lower() == "100-continue":
                        self._client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                        lines = head.split(b"\r\n")
                        head = b"\r\n".join(line for line in lines if not line.lower().startswith(b"expect:"))
                    body = b"".join(_body(self._client, received, request.headers))
                    if isinstance(fault, Reset):
                        self._reset()
                    if isinstance(fault, Status):
                        status = fault.code
                        self._answer(fault)
                        continue
                    server.sendall(head + b"\r\n\r\n" + body)
                    status, sent = self._relay(server, answered, request, fault)
                except _Ended as end:
                    status, sent = end.status, end.sent
                    raise _Closed from None
                finally:
                    self._proxy._end(Exchange(request, fault, status, sent))

    def _relay(
        self, server: socket.socket, answered: bytearray, request: Request, fault: Fault | None
    ) -> tuple[int, int]:
        head = _head(server, answered)
        status = int(head.split(b" ", 2)[1])
        while status == 100:
            head = _head(server, answered)
            status = int(head.split(b" ", 2)[1])
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        if isinstance(fault, LoseReply):
            self._reset()
        if isinstance(fault, ChangeHeader):
            lines = [line for line in lines if not line.lower().startswith(f"{fault.name.lower()}:")]
            lines.append(f"{fault.name}: {fault.value}")
        if isinstance(fault, WrongLength):
            length = max(0, int(headers.get("content-length", "0")) + fault.delta)
            lines = [line for line in lines if not line.lower().startswith("content-length:")]
            lines.append(f"Content-Length: {length}")
        self._client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        sent = 0
        has_body = request.method != "HEAD" and status not in {204, 304}
        limit = fault.after_bytes if isinstance(fault, Cut | Stall) else -1
        for chunk in _body(server, answered, headers, is_response=True) if has_body else ():
            piece = chunk
            if limit >= 0 and sent + len(piece) > limit:
                first, piece = piece[: limit - sent], piece[limit - sent :]
                self._client.sendall(first)
                sent += len(first)
                self._strike(fault, status, sent)
                limit = -1
            self._client.sendall(piece)
            sent += len(piece)
        if limit >= 0:  # a body no longer than that, or none: it strikes at the end
            self._strike(fault, status, sent)
        if isinstance(fault, WrongLength) or headers.get("connection", "").lower() == "close":
            raise _Ended(status, sent)
        return status, sent

    def _strike(self, fault: Fault | None, status: int, sent: int) -> None:
        if isinstance(fault, Cut):
            raise _Ended(status, sent)
        if isinstance(fault, Stall) and self._closing.wait(fault.seconds):
            raise _Ended(status, sent)

    def _answer(self, fault: Status) -> None:
        code = {403: "AccessDenied", 404: "NoSuchKey", 429: "SlowDown", 503: "SlowDown"}.get(
            fault.code, "InternalError"
        )
        body = f"<Error><Code>{code}</Code><Message>injected {fault.code}</Message></Error>".encode()
        retry = f"Retry-After: {fault.retry_after_s:g}\r\n" if fault.retry_after_s is not None else ""
        head = f"HTTP/1.1 {fault.code} Injected\r\nContent-Type: application/xml\r\n{retry}"
        self._client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def _reset(self) -> None:
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close(2) sends RST
        raise _Ended(0, 0)


class _Ended(Exception):
    """The connection must be closed after this exchange."""

    def __init__(self, status: int, sent: int) -> None:
        super().__init__(status, sent)
        self.status, self.sent = status, sent


def _head(peer: socket.socket, received: bytearray) -> bytes:
    """Return the next message's head without its empty line; `received` keeps what came after it."""
    while (end := received.find(b"\r\n\r\n")) < 0:
        _receive(peer, received)
        if len(received) > _HEAD_BYTES and b"\r\n\r\n" not in received:
            raise _Closed
    head = bytes(received[:end])
    del received[: end + 4]
    return head


def _body(
    peer: socket.socket, received: bytearray, headers: dict[str, str], *, is_response: bool = False
) -> Iterator[bytes]:
    """Yield a body as it is on the wire: by Content-Length, chunked with its framing, or up to the end."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        yield from _chunked(peer, received)
        return
    if "content-length" not in headers and is_response:
        with contextlib.suppress(_Closed):
            while True:
                if received:
                    yield bytes(received)
                    received.clear()
                _receive(peer, received)
        return
    left = int(headers.get("content-length", "0"))
    while left:
        if not received:
            _receive(peer, received)
        piece = bytes(received[:left])
        del received[:left]
        left -= len(piece)
        yield piece


def _chunked(peer: socket.socket, received: bytearray) -> Iterator[bytes]:
    while True:
        while (end := received.find(b"\r\n")) < 0:
            _receive(peer, received)
        size = int(bytes(received[:end]).partition(b";")[0], 16)
        whole = end + 2 + size + 2
        while len(received) < whole:
            _receive(peer, received)
        yield bytes(received[:whole])
        del received[:whole]
        if size == 0:
            return


def _receive(peer: socket.socket, received: bytearray) -> None:
    data = peer.recv(_CHUNK_BYTES)
    if not data:
        raise _Closed
    received += data
