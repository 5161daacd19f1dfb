"""One client connection as a state machine: messages in, commands out.

Does no I/O: `handle` is a generator of commands (`session.commands`), and whoever drives it carries them out. Errors of
a statement are answered here; what escapes `handle` is a defect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fsspeckit_lib.errors import GatewayError, Unsupported
from fsspeckit_sqlserver.auth.login import Login
from fsspeckit_sqlserver.session import extended
from fsspeckit_sqlserver.session.blocks import abandon
from fsspeckit_sqlserver.session.commands import CloseConnection, ExpectClient, Flush, Send, Steps
from fsspeckit_sqlserver.session.errors import ClientGone, IdleInTransaction, IdleSession
from fsspeckit_sqlserver.session.locating import locate
from fsspeckit_sqlserver.session.notifications import deliver
from fsspeckit_sqlserver.session.settings import SessionSettings
from fsspeckit_sqlserver.session.simple import simple_query
from fsspeckit_sqlserver.session.startup import begin_session
from fsspeckit_sqlserver.session.state import SessionState
from fsspeckit_sqlserver.sqlstates import report
from fsspeckit_sqlserver.statement import SyntaxProblem, parse_statements
from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.backend import ErrorResponse, ReadyForQuery
from fsspeckit_sqlserver.wire.fields import FramingError, MalformedMessage
from fsspeckit_sqlserver.wire.frontend import FrontendMessage
from fsspeckit_sqlserver.wire.notification import NotificationResponse
from fsspeckit_sqlserver.wire.phases import Phase, after_error, next_phase

__all__ = ["Session", "error_response"]

_LOCATED_LENGTH = 100_000
_EXTENDED_TAGS = frozenset({b"P", b"B", b"D", b"E", b"C", b"H"})


def error_response(error: GatewayError, severity: str = "ERROR") -> ErrorResponse:
    """Return the message that tells a client of an error. Severity is ERROR, or FATAL when the connection ends."""
    told = report(error)
    fields = {"S": severity, "V": severity, "C": told.code, "M": told.message}
    if told.detail:
        fields["D"] = told.detail
    if told.hint:
        fields["H"] = told.hint
    if told.position:
        fields["P"] = str(told.position)
    objects = {"s": told.schema, "t": told.table, "c": told.column, "n": told.constraint}
    fields |= {letter: text for letter, text in {"W": told.context, **objects}.items() if text}
    return ErrorResponse(fields)


class Session:
    """The server's half of one conversation."""

    def __init__(self, make_login: Callable[[str, str], Login], defaults: Mapping[str, str] | None = None) -> None:
        """Begin it.

        Args:
            make_login: returns the way in of a user to a database, over this connection.
            defaults: run-time parameters that the server sets otherwise than PostgreSQL.
        """
        self._state = SessionState(SessionSettings(defaults or {}), make_login)

    @property
    def phase(self) -> Phase:
        """Where the conversation is."""
        return self._state.phase

    def handle(self, message: FrontendMessage | FramingError | MalformedMessage) -> Steps[None]:
        """Answer one message, or what came of an attempt to decode one."""
        state = self._state
        if state.phase is Phase.CLOSED:
            return
        try:
            if isinstance(message, FramingError):
                raise message
            if isinstance(message, MalformedMessage):
                yield from self._malformed(message)
                return
            before, state.phase = state.phase, next_phase(state.phase, message)
        except FramingError as error:
            yield from self._end(error)
            return
        if isinstance(message, fe.Terminate):
            yield CloseConnection()
        elif before in {Phase.STARTUP, Phase.AUTHENTICATION}:
            yield from self._start(message)
        elif before is Phase.SKIPPING and not isinstance(message, fe.Sync):
            return
        else:
            yield from self._serve(message)

    def hear(self, notification: NotificationResponse) -> Steps[None]:
        """Tell the client of a notification, now or when its transaction is over."""
        state = self._state
        state.notified.append(notification)
        if state.phase is Phase.READY:
            yield from deliver(state)
            yield Flush()

    def fail(self, error: GatewayError) -> Steps[None]:
        """End the conversation with a FATAL error: the server stops, or is full."""
        if self._state.phase is not Phase.CLOSED:
            yield from self._end(error)

    def repeats(self, asked: bytes) -> bool:
        """Return whether `repeated` is worth asking. From any thread."""
        return asked in self._state.exchanges

    def repeated(self, asked: bytes) -> bytes | None:
        """Return what these bytes were answered before, if they would be answered so now."""
        state = self._state
        if not self.is_at_rest or state.notified:
            return None
        answer = state.exchanges.find(asked, state.statements)
        if answer is not None and asked[:1] == b"Q":
            state.statements.pop("", None)  # as `simple_query` does
        return answer

    def keep(self, asked: bytes, messages: Sequence[FrontendMessage], answer: bytes) -> None:
        """Keep an exchange that began and ended at rest, to be repeated if its statement is constant."""
        state = self._state
        if state.exchanges.is_constant and not state.settings.idle_timeout_ms(in_transaction=False):
            state.exchanges.keep(asked, messages, answer, state.statements)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is begun: no sequence of messages, no transaction block."""
        return self._state.phase is Phase.READY and not self._state.transaction.is_open

    def close(self) -> Steps[None]:
        """Stop everything that runs: the client is gone, or the conversation is over."""
        self._state.phase = Phase.CLOSED
        yield from self._state.close_portals(self._state.portals)
        yield from abandon(self._state)

    def _start(self, message: FrontendMessage) -> Steps[None]:
        try:
            yield from begin_session(self._state, message)
        except ClientGone:
            raise
        except GatewayError as error:
            yield from self._end(error)
            return
        if self._state.phase is Phase.READY:
            yield from self._ready()

    def _serve(self, message: FrontendMessage) -> Steps[None]:
        state = self._state
        try:
            yield from self._dispatch(message)
        except ClientGone:
            raise
        except GatewayError as error:
            self._place_error(error, message)
            yield from self._answer_error(error)
            state.phase = after_error(state.phase)
        if isinstance(message, fe.Query | fe.Sync | fe.FunctionCall) and state.phase is Phase.READY:
            yield from self._ready()

    def _dispatch(self, message: FrontendMessage) -> Steps[None]:
        state = self._state
        match message:
            case fe.Query(sql):
                yield from simple_query(state, sql)
            case fe.Parse():
                yield from extended.parse(state, message)
            case fe.Bind():
                yield from extended.bind(state, message)
            case fe.Describe():
                yield from extended.describe(state, message)
            case fe.Execute():
                yield from extended.execute(state, message)
            case fe.Close():
                yield from extended.close(state, message)
            case fe.Flush():
                yield Flush()
            case fe.Sync():
                if not state.transaction.is_open:  # outside a block every statement is its own: portals end here
                    yield from state.close_portals(name for name, portal in state.portals.items() if not portal.hold)
            case fe.FunctionCall():
                raise Unsupported("fast-path function calls are not served; use SELECT function(...)")
            case _:
                pass  # the rest of a COPY that is over

    def _place_error(self, error: GatewayError, message: FrontendMessage) -> None:
        """Find an error's place, and turn it from bytes of UTF-8, as parse trees count, into characters."""
        if isinstance(error, SyntaxProblem):
            return
        text = message.sql if isinstance(message, fe.Query | fe.Parse) else ""
        if isinstance(message, fe.Execute) and (portal := self._state.portals.get(message.portal)) is not None:
            text = "" if portal.prepared.statement is None else portal.prepared.statement.source
        if not text or len(text) > _LOCATED_LENGTH:
            return
        locate(error, [statement.node for statement in parse_statements(text)])
        position = getattr(error, "position", None)
        if position and not text.isascii():
            setattr(error, "position", len(text.encode()[: position - 1].decode(errors="ignore")) + 1)  # noqa: B010

    def _malformed(self, error: MalformedMessage) -> Steps[None]:
        state = self._state
        if state.phase in {Phase.STARTUP, Phase.AUTHENTICATION}:
            yield from self._end(error)
        elif state.phase is not Phase.SKIPPING:
            yield from self._answer_error(error)
            if error.tag in _EXTENDED_TAGS:
                state.phase = Phase.SKIPPING
            else:
                state.phase = Phase.READY
                yield from self._ready()

    def _answer_error(self, error: GatewayError) -> Steps[None]:
        yield Send(error_response(error))
        yield Flush()  # asyncpg ends a sequence with Flush, and sends its Sync when it has seen the error
        if self._state.transaction.implicit:
            yield from abandon(self._state)
        else:
            self._state.transaction.fail()

    def _ready(self) -> Steps[None]:
        yield from deliver(self._state)
        state = self._state
        yield Send(ReadyForQuery(state.transaction.status))
        yield Flush()
        is_idle = state.transaction.status == "I"
        timeout_ms = state.settings.idle_timeout_ms(in_transaction=not is_idle)
        if timeout_ms:
            yield ExpectClient(timeout_ms, IdleSession() if is_idle else IdleInTransaction())

    def _end(self, error: GatewayError) -> Steps[None]:
        self._state.phase = Phase.CLOSED
        yield Send(error_response(error, "FATAL"))
        yield CloseConnection()
