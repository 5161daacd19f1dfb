"""LISTEN, UNLISTEN and NOTIFY of one session: what waits for the end of its transaction, and what it has to be told."""

from __future__ import annotations

from fsspeckit_lib.errors import InvalidValue
from fsspeckit_sqlserver.session.commands import Listen, Notify, Send, Steps, Unlisten
from fsspeckit_sqlserver.session.local_rows import Done
from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.session.state import SessionState
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.wire.notification import NotificationResponse

__all__ = ["deliver", "forget", "listen_statement", "notify", "notify_statement", "publish", "unlisten_statement"]


def listen_statement(state: SessionState, statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Carry out LISTEN: in a block, at its end."""
    yield from _change(state, Listen(statement.node.conditionname))
    return Done("LISTEN")


def unlisten_statement(state: SessionState, statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Carry out UNLISTEN of one channel, or of all."""
    yield from _change(state, Unlisten(statement.node.conditionname or None))
    return Done("UNLISTEN")


def notify_statement(state: SessionState, statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Carry out NOTIFY."""
    yield from notify(state, statement.node.conditionname, statement.node.payload)
    return Done("NOTIFY")


def notify(state: SessionState, channel: str, payload: str) -> Steps[None]:
    """Notify a channel: in a block at its end, and the same words once.

    Raises:
        InvalidValue: no channel, or words that are too long.
    """
    if not channel:
        raise InvalidValue("channel name cannot be empty")
    if len(channel.encode()) > 63:
        raise InvalidValue("channel name too long")
    if len(payload.encode()) >= 8000:
        raise InvalidValue("payload string too long")
    yield from _change(state, Notify(NotificationResponse(state.process_id, channel, payload)))


def _change(state: SessionState, command: Listen | Unlisten | Notify) -> Steps[None]:
    if not state.transaction.is_open:
        yield from _carry_out(state, command)
    elif command not in state.at_commit:
        state.at_commit.append(command)


def publish(state: SessionState) -> Steps[None]:
    """Carry out what waited for the transaction's commit."""
    waiting, state.at_commit = state.at_commit, []
    for command in waiting:
        yield from _carry_out(state, command)


def _carry_out(state: SessionState, command: Listen | Unlisten | Notify) -> Steps[None]:
    is_heard_here = yield command
    match command:
        case Listen(channel) if channel not in state.channels:
            state.channels.append(channel)
        case Unlisten(channel):
            state.channels = [name for name in state.channels if channel is not None and name != channel]
    if isinstance(command, Notify) and is_heard_here:
        state.notified.append(command.notification)  # told before ReadyForQuery, as PostgreSQL does


def forget(state: SessionState) -> None:
    """Drop what waited for the commit of a transaction that was rolled back."""
    state.at_commit = []


def deliver(state: SessionState) -> Steps[None]:
    """Tell the client what others notified, if it is between two transactions."""
    if state.transaction.status != "I":
        return
    waiting, state.notified = state.notified, []
    for notification in waiting:
        yield Send(notification)
