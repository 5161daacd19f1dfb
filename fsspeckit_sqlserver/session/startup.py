"""The start of a session: encryption requests, protocol version, startup parameters, login, keys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from fsspeckit_lib.errors import Unsupported
from fsspeckit_sqlserver.auth.errors import InvalidAuthorization
from fsspeckit_sqlserver.auth.login import Login
from fsspeckit_sqlserver.session.asking import admit
from fsspeckit_sqlserver.session.commands import (
    CancelOther,
    CloseConnection,
    Flush,
    Send,
    SendByte,
    SetParameter,
    Steps,
)
from fsspeckit_sqlserver.session.guc import SETTINGS
from fsspeckit_sqlserver.session.state import SessionState
from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.authentication import AuthenticationMessage, AuthenticationOk
from fsspeckit_sqlserver.wire.backend import (
    BackendKeyData,
    NegotiateProtocolVersion,
    ParameterStatus,
)
from fsspeckit_sqlserver.wire.frontend import FrontendMessage
from fsspeckit_sqlserver.wire.phases import Phase

__all__ = ["LATEST_MINOR", "begin_session"]

LATEST_MINOR: Final = 2
"""Protocol 3.2 differs from 3.0 in the length of cancel keys alone; 3.1 was never used."""

_SHORT_KEY_BYTES: Final = 4
_LONG_KEY_BYTES: Final = 32


def begin_session(state: SessionState, message: FrontendMessage) -> Steps[None]:
    """Answer one message of the phases STARTUP and AUTHENTICATION.

    Raises:
        GatewayError: the client cannot be served; the connection ends with it.
    """
    match message:
        case fe.SslRequest() | fe.GssEncRequest():
            yield SendByte(b"N")
        case fe.CancelRequest(process_id, secret_key):
            yield CancelOther(process_id, secret_key)
            yield CloseConnection()
        case fe.StartupMessage():
            yield from _start(state, message)
        case fe.PasswordMessage(data):
            assert state.login is not None
            yield from _go_on(state, state.login, state.login.answer(data))
        case _:
            raise AssertionError(f"{message} in phase {state.phase}: the table of phases forbids it")


def _start(state: SessionState, message: fe.StartupMessage) -> Steps[None]:
    if message.major != 3:
        raise Unsupported(
            f"unsupported frontend protocol {message.major}.{message.minor}: server supports 3.0 to 3.{LATEST_MINOR}"
        )
    parameters = dict(message.parameters)
    user = parameters.pop("user", "")
    if not user:
        raise InvalidAuthorization("no PostgreSQL user name specified in startup packet")
    database = parameters.pop("database", "") or user
    if parameters.pop("replication", "off").lower() not in {"off", "false", "no", "0"}:
        raise Unsupported("replication connections are not served; connect without replication=...")
    unknown_options = tuple(name for name in parameters if name.startswith("_pq_."))
    minor = (
        message.minor if message.minor in {0, LATEST_MINOR} else (LATEST_MINOR if message.minor > LATEST_MINOR else 0)
    )
    if minor != message.minor or unknown_options:
        yield Send(NegotiateProtocolVersion(minor, unknown_options))
    state.user, state.database = user, database
    state.settings.set_default("session_authorization", user)
    for name, value in parameters.items():
        if name == "options":
            for option, chosen in _command_line(value):
                state.settings.set_default(option, chosen)
        elif name not in unknown_options:
            state.settings.set_default(name, value)
    state.minor = minor
    state.login = state.make_login(user, database)
    yield from _go_on(state, state.login, state.login.begin())


def _go_on(state: SessionState, login: Login, messages: Iterable[AuthenticationMessage]) -> Steps[None]:
    """Send what the login says; once it admits, open the session."""
    for message in messages:
        if isinstance(message, AuthenticationOk):
            yield from _enter(state, message)
        else:
            yield Send(message)
    if not login.admitted:
        yield Flush()


def _enter(state: SessionState, admitted: AuthenticationOk) -> Steps[None]:
    secret_bytes = _LONG_KEY_BYTES if state.minor == LATEST_MINOR else _SHORT_KEY_BYTES
    state.process_id, secret_key = yield from admit(state.user, state.database, secret_bytes)
    yield Send(admitted)
    for setting in SETTINGS.values():
        value = state.settings.get(setting.name)
        if setting.reported:
            yield Send(ParameterStatus(setting.name, value))
        if setting.reported or value != setting.default:
            yield SetParameter(setting.name, value)
    yield Send(BackendKeyData(state.process_id, secret_key))
    state.phase = Phase.READY


_WORD = re.compile(r"(?:\\.|\S)+", re.DOTALL)


def _command_line(options: str) -> list[tuple[str, str]]:
    """Return the settings of `options=-c name=value --name=value`; a backslash takes a space into a value.

    Raises:
        Unsupported: another switch of the postgres command.
    """
    words = [re.sub(r"\\(.)", r"\1", word, flags=re.DOTALL) for word in _WORD.findall(options)]
    found = []
    while words:
        word = words.pop(0)
        if word == "-c" and words:
            word = words.pop(0)
        elif word.startswith("-c"):
            word = word[2:]
        elif word.startswith("--"):
            word = word[2:].replace("-", "_", word[2:].partition("=")[0].count("-"))
        else:
            raise Unsupported(f"options: found {word!r}, wanted -c name=value or --name=value")
        name, equals, value = word.partition("=")
        if not equals:
            raise Unsupported(f"options: found {word!r}, wanted name=value")
        found.append((name, value))
    return found
