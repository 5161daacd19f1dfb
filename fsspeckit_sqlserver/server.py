"""The asyncio shell: the listening socket, its connections, worker threads.

Threads: the event loop reads, decodes and writes; it never waits. A connection with messages to answer takes a worker
thread, which runs its session and driver (and so the engine) until none are left; an idle connection has no thread.
Batches are encoded in a pool of their own, one thread a core.

Lock order: none is held while another is taken. `_registry_lock` guards `_registered`.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final

from fsspeckit_lib.errors import AccessDenied, Cancelled, Conflict, InvalidValue
from fsspeckit_sqlserver.auth.access import AccessRule
from fsspeckit_sqlserver.auth.failures import Failures
from fsspeckit_sqlserver.auth.login import Gate
from fsspeckit_sqlserver.auth.tls import TlsListener
from fsspeckit_sqlserver.config import Limits
from fsspeckit_sqlserver.connection import Connection
from fsspeckit_sqlserver.session.advisory import AdvisoryLocks
from fsspeckit_sqlserver.session.channels import Channels
from fsspeckit_sqlserver.session.driver import Driver
from fsspeckit_sqlserver.session.errors import ClientGone, TooManyConnections
from fsspeckit_sqlserver.session.ports import Engine
from fsspeckit_sqlserver.workers import WorkerPool

__all__ = ["AddressInUse", "Limits", "Server", "bind_listener"]

logger = logging.getLogger(__name__)

_REPEAT_S: Final = 0.02  # an interrupt is repeated until the statement has seen it
_STOP_S: Final = 5.0


class AddressInUse(Conflict):
    """Another program listens on the address."""

    kind = "address-in-use"


def bind_listener(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address; port 0 takes a free one.

    Raises:
        AddressInUse, AccessDenied, InvalidValue: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)  # some kernels say only here that another socket listens
    except (OSError, OverflowError) as error:
        listener.close()
        code = error.errno if isinstance(error, OSError) else None
        if code == errno.EADDRINUSE:
            raise AddressInUse(
                f"listen address {host}:{port}: another program listens there; stop it, or choose another with --listen"
            ) from error
        if code == errno.EACCES:
            raise AccessDenied(
                f"listen address {host}:{port}: this user may not listen below port 1024; choose another with --listen"
            ) from error
        raise InvalidValue(f"listen address {host}:{port}: {error}; wanted an address of this machine") from error
    return listener


class Server:
    """Connections of one engine on one address."""

    def __init__(
        self, engine: Engine, limits: Limits | None = None, *, gate: Gate | None = None, tls: TlsListener | None = None
    ) -> None:
        """Prepare it.

        Args:
            gate: who may enter; None lets everybody in who reaches the address.
            tls: what encrypts connections that ask for it; None refuses to.
        """
        self._engine = engine
        self.gate = gate or Gate((AccessRule("trust"),), Failures(time.monotonic))
        self.tls = tls
        self.locks, self.channels = AdvisoryLocks(), Channels()
        self.limits = limits or Limits()
        # A worker may be blocked by a slow client, so each connection can have one; a few more answer cancel requests.
        self.workers = WorkerPool(self.limits.max_connections + 16, "session")
        self.encoders: Executor = ThreadPoolExecutor(max(2, os.cpu_count() or 1), "encoder")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._registered: dict[int, Connection] = {}
        self._registry_lock = threading.Lock()

    async def start(self, listener: socket.socket) -> None:
        """Listen on a socket that `bind_listener` has bound."""
        loop = self._loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Connection(self, loop, self._engine), sock=listener, backlog=512
        )

    async def stop(self) -> None:
        """Stop listening, interrupt what runs, tell the clients, close. Takes a few seconds at most."""
        if self._listener is not None:
            self._listener.close()
        for connection in tuple(self._connections):
            connection.stop()
        deadline = asyncio.get_running_loop().time() + _STOP_S
        while self._connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        for connection in tuple(self._connections):
            connection.abort()
        await asyncio.sleep(0)
        await asyncio.to_thread(self.workers.shutdown)
        self.encoders.shutdown(wait=False)

    # Called by connections, on the loop.

    def opened(self, connection: Connection) -> None:
        """Take note of a connection; drop it when far too many have not even said who they are."""
        self._connections.add(connection)
        if len(self._connections) > 2 * self.limits.max_connections + 16:
            connection.abort()

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        with self._registry_lock:  # so that `register` sees that it is gone, or is seen here
            self._connections.discard(connection)
            self._registered.pop(connection.process_id, None)

    # Called by drivers, on any thread.

    def register(self, connection: Connection, secret_key: bytes, user: str) -> int:
        """Make a connection cancellable; return its process id.

        Raises:
            TooManyConnections: the limit is reached.
            ClientGone: it has been closed.
        """
        with self._registry_lock:
            if connection not in self._connections:
                raise ClientGone("the client closed the connection")
            if len(self._registered) >= self.limits.max_connections:
                raise TooManyConnections("sorry, too many clients already")
            limits, others = self.limits, self._registered.values()
            if 0 < limits.max_connections_per_user <= sum(other.user == user for other in others):
                raise TooManyConnections(f'too many connections for role "{user}"')
            address = connection.address()
            if 0 < limits.max_connections_per_address <= sum(other.address() == address for other in others):
                raise TooManyConnections(f"too many connections from address {address}")
            process_id = secrets.randbelow(2**31 - 1) + 1
            while process_id in self._registered:
                process_id = secrets.randbelow(2**31 - 1) + 1
            self._registered[process_id] = connection
            connection.process_id, connection.secret_key, connection.user = process_id, secret_key, user
        connection.admitted()
        return process_id

    def cancel(self, process_id: int, secret_key: bytes) -> None:
        """Interrupt the statement of the connection with these keys; wrong keys are ignored, as in PostgreSQL."""
        with self._registry_lock:
            connection = self._registered.get(process_id)
        if connection is None or not hmac.compare_digest(connection.secret_key, secret_key):
            logger.warning("cancel request with unknown keys ignored")
            return
        self.insist(connection.driver, Cancelled("canceling statement due to user request"))

    def insist(self, driver: Driver, reason: Cancelled) -> None:
        """Interrupt what a driver does, until it has stopped.

        The first interrupt may reach DuckDB just before the statement starts there, and is lost then.
        """
        generation = driver.interrupt(reason)
        if generation is not None:
            self._repeat(lambda: driver.interrupt(reason, generation=generation) is not None)

    def deadline(self, milliseconds: int, expire: Callable[[], bool]) -> Callable[[], None]:
        """Call `expire` after that time, and again while it returns True; return what takes the deadline back."""
        timers: list[asyncio.TimerHandle] = []
        taken_back = threading.Event()

        def arm() -> None:
            if not taken_back.is_set():
                timers.append(self._running_loop().call_later(milliseconds / 1000, fire))

        def fire() -> None:
            if expire():
                self._repeat(expire)

        def take_back() -> None:
            taken_back.set()
            for timer in timers:
                self._running_loop().call_soon_threadsafe(timer.cancel)

        self._running_loop().call_soon_threadsafe(arm)
        return take_back

    def _repeat(self, act: Callable[[], bool]) -> None:
        """Call `act` on the loop every few milliseconds until it returns False."""
        loop = self._running_loop()

        def again() -> None:
            if act():
                loop.call_later(_REPEAT_S, again)

        loop.call_soon_threadsafe(loop.call_later, _REPEAT_S, again)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None
        return self._loop
