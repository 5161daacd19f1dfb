"""Bytes on their way to one client: written at once where the socket takes them, else queued for the event loop.

A worker that answers writes to the socket itself: an answer that fits needs no turn of the event loop (two thread
switches, 50 µs and more on a busy server). What the socket does not take goes through asyncio's transport, in order.

Lock: `_changed` guards all but `_paused`, and is held over the worker's own write, which never blocks; so the duplicate
of the socket that it writes to is open as long as it is used.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from fsspeckit_sqlserver.auth.tls import TlsLayer

__all__ = ["WRITE_BYTES", "SocketOutlet"]

WRITE_BYTES: Final = 256 << 10
"""One write to the transport: what the socket does not take at once is copied there."""

_DIRECT_BYTES: Final = 64 << 10  # a batch is better sent by the loop's thread while the worker fetches the next
_QUEUE_BYTES: Final = 2 << 20  # encoded rows that wait for a slow client


class SocketOutlet:
    """See the module. `write`, `wait_writable`, `wake`, `close`: any thread; the rest: the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin without a connection."""
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self._changed = threading.Condition()
        self._queue: deque[memoryview] = deque()
        self._queued_bytes = 0
        self._pump_scheduled = False
        self._is_pumping = False
        self._paused = False
        self._closing = False
        self._lost = False
        self.tls: TlsLayer | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes, or queue them. Never blocks."""
        rest = memoryview(data)
        with self._changed:
            if self._lost:
                return
            if len(rest) <= _DIRECT_BYTES and self._is_direct():
                rest = rest[self._send(rest) :]
                if not len(rest):
                    return
            self._queue.append(rest)
            self._queued_bytes += len(rest)
            self._schedule_pump()

    def wait_writable(self, give_up: Callable[[], bool]) -> None:
        """Block until the queue is short enough to add a batch, or `give_up()`."""
        with self._changed:
            self._changed.wait_for(lambda: self._queued_bytes <= _QUEUE_BYTES or self._lost or give_up())

    def wake(self) -> None:
        """Make `wait_writable` look at `give_up` again."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Close the connection once everything queued is sent."""
        with self._changed:
            self._closing = True
            self._schedule_pump()

    def connected(self, transport: asyncio.Transport) -> None:
        """Take over a connection."""
        transport.set_write_buffer_limits(high=WRITE_BYTES)
        self._transport = transport
        connected = transport.get_extra_info("socket")
        if connected is not None:
            self._socket = connected.dup()
            self._socket.setblocking(False)

    def lost(self) -> None:
        """Take note that the connection is gone."""
        with self._changed:
            self._lost = True
            self._queue.clear()
            self._queued_bytes = 0
            if self._socket is not None:
                self._socket.close()
            self._changed.notify_all()

    def pause(self) -> None:
        """Wait: the transport has enough."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        self._pump()

    def is_clear(self) -> bool:
        """Return whether nothing waits for the client to read."""
        with self._changed:
            return self._is_empty()

    def _is_direct(self) -> bool:
        """Return whether the socket can be written to from here."""
        return self.tls is None and self._is_empty()

    def _is_empty(self) -> bool:
        """Return whether nothing is ahead of what is to be sent now."""
        if self._queue or self._pump_scheduled or self._is_pumping or self._paused:
            return False
        transport = self._transport
        return transport is not None and not transport.is_closing() and not transport.get_write_buffer_size()

    def _send(self, data: memoryview) -> int:
        """Return how many bytes the socket took. An error is met again, and told, by the transport."""
        if self._socket is None:
            return 0
        try:
            return self._socket.send(data)
        except OSError:
            return 0

    def _schedule_pump(self) -> None:
        if not self._pump_scheduled:
            self._pump_scheduled = True
            self._loop.call_soon_threadsafe(self._pump)

    def _pump(self) -> None:
        """Move bytes to the transport until it says stop."""
        transport = self._transport
        with self._changed:
            self._pump_scheduled, self._is_pumping = False, True
        try:
            while transport is not None and not self._paused:
                with self._changed:
                    if not self._queue:
                        self._is_pumping = False
                        if self._closing:
                            if self.tls is not None:
                                transport.write(self.tls.close())
                            transport.close()
                        return
                    data = self._queue[0]
                    piece = data[:WRITE_BYTES]
                    if len(piece) == len(data):
                        self._queue.popleft()
                    else:
                        self._queue[0] = data[WRITE_BYTES:]
                    self._queued_bytes -= len(piece)
                    self._changed.notify_all()
                transport.write(piece if self.tls is None else self.tls.encrypt(piece))
        finally:
            self._is_pumping = False
