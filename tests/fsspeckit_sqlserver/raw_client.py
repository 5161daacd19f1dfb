"""A client that says exactly what it is told, byte by byte if need be."""

from __future__ import annotations

import socket
import struct
import time

from fsspeckit_sqlserver.wire import backend as be
from fsspeckit_sqlserver.wire import frontend as fe


class RawClient:
    """One socket to a server on this machine."""

    def __init__(self, port: int, *, receive_buffer_bytes: int = 0, timeout_s: float = 20) -> None:
        self.socket = socket.socket()
        if receive_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(timeout_s)
        self.socket.connect(("127.0.0.1", port))
        self._buffer = b""
        self.keys: be.BackendKeyData | None = None

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *messages: fe.FrontendMessage) -> None:
        self.socket.sendall(b"".join(map(fe.encode_frontend, messages)))

    def start(self, minor: int = 0) -> list[be.BackendMessage]:
        self.send(fe.StartupMessage(3, minor, {"user": "raw"}))
        heard = self.until_ready()
        self.keys = next(message for message in heard if isinstance(message, be.BackendKeyData))
        return heard

    def start_or_refused(self) -> list[be.BackendMessage]:
        """Say who one is; return all up to ReadyForQuery, or up to the end."""
        self.send(fe.StartupMessage(3, 0, {"user": "raw"}))
        try:
            return self.until_ready()
        except ConnectionResetError:
            return []

    def next_message(self) -> be.BackendMessage | None:
        """Return the next message, None when the server closed the connection."""
        while len(self._buffer) < 5 or len(self._buffer) < 1 + struct.unpack_from("!I", self._buffer, 1)[0]:
            data = self.socket.recv(1 << 16)
            if not data:
                return None
            self._buffer += data
        stop = 1 + struct.unpack_from("!I", self._buffer, 1)[0]
        (message,) = be.decode_backend(self._buffer[:stop])
        self._buffer = self._buffer[stop:]
        return message

    def until_ready(self) -> list[be.BackendMessage]:
        heard = []
        while (message := self.next_message()) is not None:
            heard.append(message)
            if isinstance(message, be.ReadyForQuery):
                break
        return heard

    def until_closed(self) -> list[be.BackendMessage]:
        heard = []
        try:
            while (message := self.next_message()) is not None:
                heard.append(message)
        except ConnectionResetError:
            pass
        return heard

    def query(self, sql: str) -> list[be.BackendMessage]:
        self.send(fe.Query(sql))
        return self.until_ready()

    def count_bytes(self) -> tuple[int, float]:
        """Read up to ReadyForQuery without looking; return the bytes and the seconds until the first of them."""
        total, tail, first_s = 0, b"", 0.0
        started = time.monotonic()
        buffer = bytearray(1 << 20)
        while True:
            size = self.socket.recv_into(buffer)
            assert size, "the server closed the connection"
            first_s = first_s or time.monotonic() - started
            total += size
            tail = (tail + bytes(buffer[max(0, size - 6) : size]))[-6:]
            if tail[:5] == b"Z\0\0\0\5":
                return total, first_s
