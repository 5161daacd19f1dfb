"""One client: its bytes become messages on the event loop, and answers in a worker thread.

Everything belongs to the event loop, or to the one worker that `_inbox` admits, whose place the loop may take itself.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Protocol, cast

from fsspeckit_lib.errors import Cancelled, GatewayError
from fsspeckit_sqlserver.auth.access import Peer
from fsspeckit_sqlserver.auth.login import Gate, Login
from fsspeckit_sqlserver.auth.tls import HANDSHAKE_BYTE, TlsFailed, TlsLayer, TlsListener
from fsspeckit_sqlserver.config import Limits
from fsspeckit_sqlserver.inbox import End, Exchange, Inbox, Item
from fsspeckit_sqlserver.outlet import SocketOutlet
from fsspeckit_sqlserver.session.advisory import AdvisoryLocks
from fsspeckit_sqlserver.session.channels import Channels
from fsspeckit_sqlserver.session.driver import Driver
from fsspeckit_sqlserver.session.errors import ClientGone, ConnectionEnded, ShuttingDown
from fsspeckit_sqlserver.session.exchanges import MOST_ASKED_BYTES, asks_one_thing
from fsspeckit_sqlserver.session.ports import Engine
from fsspeckit_sqlserver.session.session import Session
from fsspeckit_sqlserver.wire.fields import FramingError, MalformedMessage
from fsspeckit_sqlserver.wire.framing import FrontendDecoder
from fsspeckit_sqlserver.wire.frontend import FrontendMessage, SslRequest, StartupMessage
from fsspeckit_sqlserver.wire.notification import NotificationResponse
from fsspeckit_sqlserver.workers import WorkerPool

__all__ = ["Connection", "Host"]

logger = logging.getLogger(__name__)


class Host(Protocol):
    """What a connection asks of the server. `server.Server` satisfies it."""

    limits: Limits
    gate: Gate
    tls: TlsListener | None
    locks: AdvisoryLocks
    channels: Channels
    workers: WorkerPool
    encoders: Executor

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection) -> None: ...

    def register(self, connection: Connection, secret_key: bytes, user: str) -> int: ...

    def cancel(self, process_id: int, secret_key: bytes) -> None: ...

    def insist(self, driver: Driver, reason: Cancelled) -> None: ...

    def deadline(self, milliseconds: int, expire: Callable[[], bool]) -> Callable[[], None]: ...


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: Host, loop: asyncio.AbstractEventLoop, engine: Engine) -> None:
        self._server = server
        self._loop = loop
        self._decoder = FrontendDecoder(server.limits.max_message_bytes)
        self._outlet = SocketOutlet(loop)
        self._session = Session(self._login, server.limits.settings)
        self._tls: TlsLayer | None = None
        self._is_first, self._is_direct = True, False
        self.driver = Driver(engine, self._outlet, _ConnectionSwitchboard(server, self), server.encoders)
        self.process_id = 0
        self.secret_key = b""
        self.user = ""
        self._idle_timer: asyncio.TimerHandle | None = None
        self._heard = 0  # how many messages have come: a timer that is older than the last one means nothing
        self._transport: asyncio.Transport | None = None
        self._login_timer: asyncio.TimerHandle | None = None
        self._reading_paused = False
        self._broken = False  # the byte stream cannot be cut into messages any more
        self._inbox = Inbox(server.limits.max_message_bytes, self._go_on_decoding)

    # The event loop's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._outlet.connected(self._transport)
        connected = transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if connected.family in {socket.AF_INET, socket.AF_INET6}:
                # asyncio does this only where the listener names its protocol; without it two small writes wait 40 ms
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._login_timer = self._loop.call_later(self._server.limits.login_timeout_s, self.abort)
        self._server.opened(self)
        delay_s = self._server.gate.failures.delay_s(self.address())
        if delay_s:
            self._pause_reading(True)
            self._loop.call_later(delay_s, self._decode)

    def data_received(self, data: bytes) -> None:
        self._heard += 1
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        if self._is_first and data[:1] == HANDSHAKE_BYTE and self._server.tls is not None:
            self._begin_tls(self._server.tls.layer())
            self._is_direct = True
        self._is_first = False
        if self._tls is not None:
            try:
                data, reply = self._tls.receive(data)
            except TlsFailed as error:
                logger.warning("connection from %s: %s", self.address(), error)
                self._write(self._tls.unsent)
                self._close()
                return
            self._write(reply)
            if self._is_direct and self._tls.is_established and not self._tls.has_alpn:
                logger.warning("connection from %s: encrypted at once, but not for PostgreSQL (ALPN)", self.address())
                self._close()
                return
        if self._repeat(data):
            return
        is_at_start = not self._decoder.pending_bytes
        self._decoder.feed(data)
        self._decode(data if is_at_start else b"")

    def _repeat(self, asked: bytes) -> bool:
        """Answer at once what was asked before and needs no thought; return whether that was done."""
        if not self._session.repeats(asked) or self._decoder.pending_bytes or not self._outlet.is_clear():
            return False
        if not self._inbox.occupy():
            return False
        answer = self._session.repeated(asked)
        if answer is not None:
            self._outlet.write(answer)
        if self._inbox.leave():
            self._server.workers.submit(self._work)
        return answer is not None

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        for timer in (self._login_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._outlet.lost()
        self._server.closed(self)
        self.driver.disconnect()
        self._server.insist(self.driver, ClientGone("the client closed the connection"))
        self._enqueue([(End(), 0)])

    def pause_writing(self) -> None:
        self._outlet.pause()

    def resume_writing(self) -> None:
        self._outlet.resume()

    def stop(self) -> None:
        """End the conversation: the server stops."""
        error = ShuttingDown("terminating connection due to administrator command")
        self._server.insist(self.driver, Cancelled(str(error)))
        self._enqueue([(error, 0)])

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _decode(self, asked: bytes = b"") -> None:
        """Hand whole messages to the worker, all that have come at once, unless it has too many of them already.

        Args:
            asked: the bytes in which they came, if they began with them.
        """
        items: list[tuple[Item, int]] = []
        most, most_bytes = self._inbox.room()
        while not self._broken and len(items) < most and most_bytes >= 0:
            before = self._decoder.pending_bytes
            item: Item | None
            try:
                item = self._decoder.next_message()
            except FramingError as error:
                self._broken = True
                item = error
            except MalformedMessage as error:
                item = error
            if item is None:
                break
            if isinstance(item, SslRequest) and self._server.tls is not None and self._tls is None:
                if self._decoder.pending_bytes:  # whoever sent it could put his own words into the encrypted session
                    self._broken = True
                    item = FramingError("received unencrypted data after SSL request")
                else:
                    self._write(b"S")
                    self._begin_tls(self._server.tls.layer())
                    continue
            if isinstance(item, StartupMessage):
                self._decoder.startup_done()
            size = before - self._decoder.pending_bytes
            most_bytes -= size
            items.append((item, size))
        if items and len(asked) <= MOST_ASKED_BYTES and asked and not self._decoder.pending_bytes:
            messages = tuple(item for item, _ in items)
            if asks_one_thing(messages):
                items = [(Exchange(asked, cast("tuple[FrontendMessage, ...]", messages)), len(asked))]
        if items:
            self._enqueue(items)
        most, most_bytes = self._inbox.room()
        self._pause_reading(self._broken or most <= 0 or most_bytes < 0)

    def _begin_tls(self, layer: TlsLayer) -> None:
        self._tls = self._outlet.tls = layer

    def _write(self, data: bytes) -> None:
        """Send what the encryption itself has to say: before anything queued, or between."""
        if data and self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def expect_client(self, milliseconds: int, otherwise: ConnectionEnded) -> None:
        """End the conversation with this error unless a message comes in time. Any thread."""
        heard = self._heard

        def arm() -> None:
            if heard == self._heard:
                self._idle_timer = self._loop.call_later(milliseconds / 1000, expire)

        def expire() -> None:
            if heard == self._heard:
                self._enqueue([(otherwise, 0)])

        self._loop.call_soon_threadsafe(arm)

    def admitted(self) -> None:
        """Take note that the login is over. Any thread."""
        timer = self._login_timer
        if timer is not None:
            self._loop.call_soon_threadsafe(timer.cancel)

    def address(self) -> str:
        """Return the client's address, without its port."""
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(name[0]).partition("%")[0] if isinstance(name, tuple) else "127.0.0.1"

    def _login(self, user: str, database: str) -> Login:
        layer = self._tls
        if layer is None:
            return Login(self._server.gate, Peer(self.address()), user, database)
        peer = Peer(self.address(), True, layer.client_name, layer.certificate_pem)
        return Login(self._server.gate, peer, user, database)

    def _go_on_decoding(self) -> None:
        self._loop.call_soon_threadsafe(self._decode)

    def _pause_reading(self, wanted: bool) -> None:
        if self._transport is None or self._transport.is_closing() or wanted == self._reading_paused:
            return
        self._reading_paused = wanted
        if wanted:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _enqueue(self, items: Sequence[tuple[Item, int]]) -> None:
        """Queue items and their sizes. Any thread."""
        if self._inbox.put(items):
            self._server.workers.submit(self._work)

    # The worker's side.

    def _work(self) -> None:
        """Answer messages until none is left."""
        while (item := self._inbox.take()) is not None:
            try:
                self._answer(item)
            except Exception:  # one connection's edge: it ends, the server goes on
                logger.exception("connection ended by an internal error")
                self._loop.call_soon_threadsafe(self.abort)

    def receive(self, give_up: Callable[[], bool]) -> FrontendMessage:
        """See `session.outside.Switchboard`."""
        return self._inbox.receive(give_up)

    def hear(self, notification: NotificationResponse) -> None:
        """Queue a notification. Any thread."""
        self._enqueue([(notification, 0)])

    def wake(self) -> None:
        """Make `receive` look at `give_up` again. Any thread."""
        self._inbox.wake()

    def _answer(self, item: Item) -> None:
        match item:
            case End():
                try:
                    self.driver.run(self._session.close())
                finally:
                    self.driver.close()
            case NotificationResponse():
                self.driver.run(self._session.hear(item))
            case ConnectionEnded():
                self.driver.run(self._session.fail(item))
            case Exchange(asked, messages):
                is_at_rest = self._session.is_at_rest
                self.driver.record()
                for message in messages:
                    self._handle(message)
                answer = self.driver.recorded()
                if answer and is_at_rest and self._session.is_at_rest:
                    self._session.keep(asked, messages, answer)
            case _:
                self._handle(item)

    def _handle(self, message: FrontendMessage | FramingError | MalformedMessage) -> None:
        try:
            self.driver.run(self._session.handle(message))
        except GatewayError as error:
            if not self._outlet_is_lost():
                raise
            logger.debug("client gone: %s", error)

    def _outlet_is_lost(self) -> bool:
        return self._transport is None or self._transport.is_closing()


class _ConnectionSwitchboard:
    """What one connection's driver asks of the server."""

    def __init__(self, server: Host, connection: Connection) -> None:
        self._server = server
        self._connection = connection

    def register(self, secret_key: bytes, user: str) -> int:
        return self._server.register(self._connection, secret_key, user)

    def expect_client(self, milliseconds: int, otherwise: ConnectionEnded) -> None:
        self._connection.expect_client(milliseconds, otherwise)

    def cancel(self, process_id: int, secret_key: bytes) -> None:
        self._server.cancel(process_id, secret_key)

    def receive(self, give_up: Callable[[], bool]) -> FrontendMessage:
        return self._connection.receive(give_up)

    def wake(self) -> None:
        self._connection.wake()

    @property
    def locks(self) -> AdvisoryLocks:
        return self._server.locks

    @property
    def channels(self) -> Channels:
        return self._server.channels

    @property
    def hear(self) -> Callable[[NotificationResponse], None]:
        return self._connection.hear

    def deadline(self, milliseconds: int, expire: Callable[[], bool]) -> Callable[[], None]:
        return self._server.deadline(milliseconds, expire)
