"""What one session remembers between messages: prepared statements, portals, settings, the transaction block."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from fsspeckit_sqlserver.auth.login import Login
from fsspeckit_sqlserver.session.commands import CloseRows, Listen, Notify, Send, SetParameter, Steps, Unlisten
from fsspeckit_sqlserver.session.exchanges import Exchanges
from fsspeckit_sqlserver.session.guc import SETTINGS
from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.session.scrolling import ScrollBuffer
from fsspeckit_sqlserver.session.settings import SessionSettings
from fsspeckit_sqlserver.session.transaction import Transaction
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.wire.backend import NoticeResponse, ParameterStatus
from fsspeckit_sqlserver.wire.notification import NotificationResponse
from fsspeckit_sqlserver.wire.phases import Phase

__all__ = ["Portal", "Prepared", "SessionState", "notice"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A parsed and described statement. `statement` is None for an empty query text; `text` is that of a PREPARE."""

    name: str
    statement: Statement | None
    parameter_oids: tuple[int, ...]
    columns: tuple[Column, ...] | None
    text: str = ""
    from_sql: bool = False
    made_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC), compare=False)


@dataclass(slots=True)
class Portal:
    """A statement with its parameters, ready to run or running. A cursor is a portal that DECLARE made.

    Attributes:
        formats: one wire format per column.
        rows: the running result; None before the first Execute.
        done: the result has been read to its end.
        hold: it outlives the transaction.
        is_fresh: the transaction that made it has not been committed; a rollback takes it along even if it is held.
        scroll: what a SCROLL cursor has read.
        text: of the DECLARE that made it.
        depth: savepoints that were set when it was made, less those released since.
    """

    name: str
    prepared: Prepared
    parameters: tuple[object, ...]
    formats: tuple[int, ...]
    rows: Rows | None = None
    done: bool = False
    hold: bool = False
    is_fresh: bool = False
    scroll: ScrollBuffer | None = None
    depth: int = 0
    text: str = ""
    made_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))


@dataclass(slots=True)
class SessionState:
    """Everything of one session that is not I/O."""

    settings: SessionSettings
    make_login: Callable[[str, str], Login]
    login: Login | None = None
    minor: int = 0
    user: str = ""
    database: str = ""
    process_id: int = 0
    phase: Phase = Phase.STARTUP
    transaction: Transaction = field(default_factory=Transaction)
    statements: dict[str, Prepared] = field(default_factory=dict)
    portals: dict[str, Portal] = field(default_factory=dict)
    has_written: bool = False
    transaction_locks: list[tuple[tuple[int, ...], bool]] = field(default_factory=list)
    held_locks: list[tuple[tuple[int, ...], bool]] = field(default_factory=list)
    started_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    at_commit: list[Listen | Unlisten | Notify] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    notified: list[NotificationResponse] = field(default_factory=list)
    exchanges: Exchanges = field(default_factory=Exchanges)

    def close_portals(self, names: Iterable[str]) -> Steps[None]:
        """Forget portals, and stop what they run."""
        for name in tuple(names):
            portal = self.portals.pop(name, None)
            if portal is not None and portal.rows is not None:
                yield CloseRows(portal.rows)

    def announce_changes(self, before: dict[str, str]) -> Steps[None]:
        """Tell engine and client which parameters differ from a `settings.snapshot()` taken earlier."""
        after = self.settings.snapshot()
        for name in sorted(before.keys() | after.keys()):
            known = SETTINGS.get(name.lower())
            default = known.default if known else ""
            value = after.get(name, default)
            if value != before.get(name, default):
                yield SetParameter(name, value)
                if known is not None and known.reported:
                    yield Send(ParameterStatus(known.name, value))


def notice(severity: str, code: str, message: str) -> Send:
    """Return the command that sends a notice or warning."""
    return Send(NoticeResponse({"S": severity, "V": severity, "C": code, "M": message}))
