"""What a driver needs of the server around it: where bytes go, and who else is connected. Protocols only.

`outlet.SocketOutlet` and `connection.Connection` satisfy them; so do the stand-ins of the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fsspeckit_sqlserver.session.advisory import AdvisoryLocks
from fsspeckit_sqlserver.session.channels import Channels
from fsspeckit_sqlserver.session.errors import ConnectionEnded
from fsspeckit_sqlserver.wire.frontend import FrontendMessage
from fsspeckit_sqlserver.wire.notification import NotificationResponse

__all__ = ["Outlet", "Switchboard"]


class Outlet(Protocol):
    """Where bytes for the client go."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queue bytes. Never blocks; any thread."""
        ...

    def wait_writable(self, give_up: Callable[[], bool]) -> None:
        """Block until the queue is short enough to add a batch, or `give_up()`; `wake` makes it look again."""
        ...

    def wake(self) -> None:
        """Make `wait_writable` look at `give_up` again."""
        ...

    def close(self) -> None:
        """Close the connection once everything queued is sent."""
        ...


class Switchboard(Protocol):
    """What a driver needs of the server around it."""

    def register(self, secret_key: bytes, user: str) -> int:
        """Make this connection cancellable under the key; return its process id.

        Raises:
            TooManyConnections: the server, the user or the address has as many as it may have.
            ClientGone: the client has left already.
        """
        ...

    def cancel(self, process_id: int, secret_key: bytes) -> None:
        """Interrupt the connection with these keys, if there is one."""
        ...

    def receive(self, give_up: Callable[[], bool]) -> FrontendMessage:
        """Wait for the client's next message.

        Raises:
            ClientGone: there will be none, or `give_up()`.
            GatewayError: it cannot be decoded, or the server stops.
        """
        ...

    def expect_client(self, milliseconds: int, otherwise: ConnectionEnded) -> None:
        """End the conversation with this error unless the client says something within that time."""
        ...

    @property
    def locks(self) -> AdvisoryLocks:
        """The advisory locks of all sessions."""
        ...

    @property
    def channels(self) -> Channels:
        """Who listens to what."""
        ...

    def hear(self, notification: NotificationResponse) -> None:
        """Queue a notification for this connection's session. Any thread; never blocks."""
        ...

    def wake(self) -> None:
        """Make `receive` look at `give_up` again. Any thread."""
        ...

    def deadline(self, milliseconds: int, expire: Callable[[], bool]) -> Callable[[], None]:
        """Call `expire` after that time, again while it returns True; return what takes the deadline back."""
        ...
