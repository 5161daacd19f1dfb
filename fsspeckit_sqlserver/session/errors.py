"""What a session refuses or reports, each with the kind that `sqlstates` turns into PostgreSQL's SQLSTATE."""

from __future__ import annotations

from fsspeckit_lib.errors import BadInput, Cancelled, Conflict, InvalidValue, NotFound, ResourceExhausted, Unavailable

__all__ = [
    "ActiveTransaction",
    "ClientGone",
    "ConnectionEnded",
    "DuplicateCursor",
    "DuplicateStatement",
    "FailedTransaction",
    "ForwardOnly",
    "IdleInTransaction",
    "IdleSession",
    "InvalidSetting",
    "NoActiveTransaction",
    "PlanChanged",
    "ProtocolViolation",
    "ReadOnlySetting",
    "ShuttingDown",
    "StatementTimeout",
    "TooManyConnections",
    "UndefinedCursor",
    "UndefinedParameter",
    "UndefinedSavepoint",
    "UndefinedSetting",
    "UndefinedStatement",
]


class FailedTransaction(Conflict):
    """A statement came while the transaction block is failed: only its end is accepted."""

    kind = "failed-transaction"

    def __init__(self) -> None:
        super().__init__("current transaction is aborted, commands ignored until end of transaction block")


class NoActiveTransaction(Conflict):
    """The statement makes sense inside a transaction block only."""

    kind = "no-active-transaction"


class ActiveTransaction(Conflict):
    """The statement makes sense outside a transaction block only."""

    kind = "active-transaction"


class PlanChanged(Conflict):
    """A prepared statement's columns are not the ones its Describe announced."""

    kind = "unsupported"  # PostgreSQL says feature_not_supported, and drivers prepare again on it

    def __init__(self) -> None:
        super().__init__("cached plan must not change result type")


class UndefinedStatement(NotFound):
    """No prepared statement has this name."""

    kind = "undefined-statement"


class UndefinedCursor(NotFound):
    """No cursor or portal has this name."""

    kind = "undefined-cursor"


class UndefinedSavepoint(NotFound):
    """No savepoint has this name."""

    kind = "undefined-savepoint"


class UndefinedSetting(BadInput):
    """No run-time parameter has this name."""

    kind = "undefined-setting"

    def __init__(self, name: str, close: str | None) -> None:
        super().__init__(name, close)
        self.name = name
        self.hint = f'Perhaps you meant "{close}".' if close else None

    def __str__(self) -> str:
        return f'unrecognized configuration parameter "{self.name}"'


class UndefinedParameter(BadInput):
    """A Query names a parameter, which only Bind can give."""

    kind = "undefined-parameter"


class InvalidSetting(InvalidValue):
    """A run-time parameter cannot have this value."""

    def __init__(self, name: str, wanted: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(name, wanted, known)
        self.name, self.wanted = name, wanted
        self.hint = f"Available values: {', '.join(known)}." if known else None

    def __str__(self) -> str:
        return f'invalid value for parameter "{self.name}": "{self.wanted}"'


class ReadOnlySetting(BadInput):
    """The run-time parameter is fixed."""

    kind = "read-only-setting"


class DuplicateStatement(Conflict):
    """A prepared statement of this name exists."""

    kind = "duplicate-statement"


class DuplicateCursor(Conflict):
    """A cursor or portal of this name exists."""

    kind = "duplicate-cursor"


class ForwardOnly(Conflict):
    """A cursor was asked to go back."""

    kind = "wrong-state"
    hint = "Declare it again, or fetch forward."

    def __init__(self) -> None:
        super().__init__("cursor can only scan forward")


class ProtocolViolation(BadInput):
    """The client and the server disagree about where they are in the protocol."""

    kind = "protocol-violation"


class StatementTimeout(Cancelled):
    """`statement_timeout` ran out."""

    kind = "statement-timeout"

    def __init__(self) -> None:
        super().__init__("canceling statement due to statement timeout")


class ClientGone(Cancelled):
    """The connection is closed: nobody is left to answer."""


class TooManyConnections(ResourceExhausted):
    """The connection limit is reached."""

    kind = "too-many-connections"


class ConnectionEnded(Unavailable):
    """The server ends the connection: a FATAL error, whatever goes on."""


class IdleSession(ConnectionEnded):
    """`idle_session_timeout` ran out."""

    kind = "idle-session-timeout"

    def __init__(self) -> None:
        super().__init__("terminating connection due to idle-session timeout")


class IdleInTransaction(ConnectionEnded):
    """`idle_in_transaction_session_timeout` ran out."""

    kind = "idle-in-transaction-timeout"

    def __init__(self) -> None:
        super().__init__("terminating connection due to idle-in-transaction timeout")


class ShuttingDown(ConnectionEnded):
    """The server is stopping."""

    kind = "shutting-down"
