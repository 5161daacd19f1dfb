"""Plays conversations against the session alone: no socket, no thread, no DuckDB.

A *playbook* is a list of what the client says; `play` carries out the session's commands with a scripted engine and
returns what the client would hear, each message shortened to a word or two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from fsspeckit_lib.errors import GatewayError
from fsspeckit_sqlserver.auth.access import AccessRule, Peer
from fsspeckit_sqlserver.auth.failures import Failures
from fsspeckit_sqlserver.auth.login import Gate, Login
from fsspeckit_sqlserver.session import commands as c
from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.session.session import Session
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.wire import authentication, copying
from fsspeckit_sqlserver.wire import backend as be
from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.fields import FramingError, MalformedMessage
from fsspeckit_sqlserver.wire.notification import NotificationResponse

Said = fe.FrontendMessage | FramingError | MalformedMessage


class ScriptedRows:
    """A column `i` with the numbers from 0."""

    affected: int | None = None

    def __init__(self, count: int | None, verb: str = "SELECT") -> None:
        self.verb = verb
        self.columns: tuple[Column, ...] | None = None if count is None else (Column("i", oids.INT8),)
        self.left = count or 0
        self.is_closed = False

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        size = min(max_rows, self.left)
        self.left -= size
        return pa.record_batch([pa.array(range(size), pa.int64())], names=["i"]) if size else None

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Stage:
    """The scripted engine and a note of everything it was asked.

    Attributes:
        rows: SQL text → how many rows it has; None for a statement without a result set.
        errors: SQL text → the error that running it raises.
    """

    rows: Mapping[str, int | None] = field(default_factory=dict)
    errors: Mapping[str, GatewayError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    started: list[ScriptedRows] = field(default_factory=list)
    gate: Gate = field(default_factory=lambda: Gate((AccessRule("trust"),), Failures(lambda: 0.0)))
    peer: Peer = field(default_factory=lambda: Peer("127.0.0.1"))
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        self.session = Session(lambda user, database: Login(self.gate, self.peer, user, database))

    def play(self, *said: Said) -> list[str]:
        """Say these messages one after the other; return what is heard."""
        heard: list[str] = []
        for message in said:
            self._carry_out(self.session.handle(message), heard)
        return heard

    def leave(self) -> None:
        """The client is gone."""
        self._carry_out(self.session.close(), [])

    def _carry_out(self, steps: c.Steps[None], heard: list[str]) -> None:
        answer: object = None
        error: GatewayError | None = None
        while True:
            try:
                command = steps.send(answer) if error is None else steps.throw(error)
            except StopIteration:
                return
            answer = error = None
            try:
                answer = self._do(command, heard)
            except GatewayError as raised:
                error = raised

    def _do(self, command: c.Command, heard: list[str]) -> object:
        match command:
            case c.Send(message):
                heard.append(short(message))
            case c.SendByte(byte):
                heard.append(byte.decode())
            case c.CloseConnection():
                heard.append("closed")
            case c.Admit(user, database, secret_bytes):
                self.asked.append(f"open {user} {database}")
                return 7, b"k" * secret_bytes
            case c.DescribeStatement(statement, parameter_oids):
                self.asked.append(f"describe {statement.sql}")
                return self._describe(statement, parameter_oids)
            case c.StartStatement(statement, parameters):
                self.asked.append(f"start {statement.sql}" + (f" {parameters}" if parameters else ""))
                return self._start(statement)
            case c.StreamRows(rows, _, _, _, max_rows):
                return stream(rows, max_rows, heard)
            case c.SkipRows(rows, max_rows):
                return stream(rows, max_rows, [])
            case c.ReadRow(rows):
                batch = rows.fetch(1)
                return () if batch is None else tuple(column[0].as_py() for column in batch.columns)
            case c.CloseRows(rows):
                rows.close()
            case c.BeginTransaction():
                self.asked.append("begin")
            case c.NestTransaction(depth):
                self.asked.append(f"nest {depth}")
            case c.UndoTransaction(depth):
                self.asked.append(f"undo {depth}")
            case c.CommitTransaction():
                self.asked.append("commit")
            case c.RollbackTransaction():
                self.asked.append("rollback")
            case c.SetParameter(name, value):
                self.asked.append(f"set {name}={value}")
            case c.CancelOther(process_id, secret_key):
                self.asked.append(f"cancel {process_id} {secret_key.decode()}")
            case c.ResetEngine():
                self.asked.append("reset")
            case c.Listen(channel) | c.Unlisten(channel):
                self.asked.append(f"{type(command).__name__.lower()} {channel or '*'}")
            case c.Notify(told):
                self.asked.append(f"notify {told.channel} {told.payload}".strip())
            case c.TakeLock(key):
                self.asked.append(f"lock {key}")
                return True
            case c.ReleaseLock(key):
                self.asked.append(f"unlock {key}")
                return True
            case c.ReleaseLocks():
                self.asked.append("unlock all")
            case c.ExpectClient(milliseconds, otherwise):
                self.asked.append(f"expect {milliseconds} {otherwise.kind}")
            case c.Deadline(milliseconds):
                self.asked.append(f"deadline {milliseconds}")
        return None

    def _describe(self, statement: Statement, parameter_oids: Sequence[int]) -> ScriptedShape:
        if statement.sql in self.errors:
            raise self.errors[statement.sql]
        count = max(len(parameter_oids), statement.sql.count("$"))
        known = [*parameter_oids, *[0] * count][:count]
        columns = None if self.rows.get(statement.sql, 1) is None else (Column("i", oids.INT8),)
        return ScriptedShape(tuple(oid or oids.INT8 for oid in known), columns)

    def _start(self, statement: Statement) -> Rows:
        if statement.sql in self.errors:
            raise self.errors[statement.sql]
        count = self.rows.get(statement.sql, 1)
        rows = ScriptedRows(count, "SELECT" if count is not None else "CREATE TABLE")
        self.started.append(rows)
        return rows


@dataclass(frozen=True)
class ScriptedShape:
    parameter_oids: tuple[int, ...]
    columns: tuple[Column, ...] | None


def stream(rows: Rows, max_rows: int | None, heard: list[str]) -> c.Streamed:
    sent = 0
    while max_rows is None or sent < max_rows:
        batch = rows.fetch(100 if max_rows is None else max_rows - sent)
        if batch is None:
            if sent:
                heard.append(f"{sent} rows")
            return c.Streamed(sent, exhausted=True)
        sent += batch.num_rows
    if sent:
        heard.append(f"{sent} rows")
    return c.Streamed(sent, exhausted=False)


_WORDS = {b"1": "parsed", b"2": "bound", b"3": "forgotten", b"n": "no data", b"I": "empty", b"s": "suspended"}


def short(message: be.BackendMessage) -> str:
    """Return the gist of a message."""
    match message:
        case be.Bare(tag):
            return _WORDS[tag]
        case be.ReadyForQuery(status):
            return f"ready {status}"
        case be.CommandComplete(command):
            return command
        case be.ErrorResponse(fields):
            return f"{fields['S']} {fields['C']}"
        case be.NoticeResponse(fields):
            return f"{fields['S']} {fields['C']}"
        case be.RowDescription(fields):
            return "columns " + " ".join(field.name for field in fields)
        case be.ParameterDescription(type_oids):
            return f"parameters {' '.join(map(str, type_oids))}".strip()
        case be.ParameterStatus(name, value):
            return f"{name}={value}"
        case copying.CopyOutResponse(wire_format, columns):
            return f"copy out {wire_format} {columns}"
        case copying.CopyInResponse(wire_format, columns):
            return f"copy in {wire_format} {columns}"
        case copying.CopyDataOut(data):
            return f"data {data!r}"
        case copying.CopyDoneOut():
            return "copied"
        case be.BackendKeyData(process_id, secret_key):
            return f"keys {process_id} {len(secret_key)}"
        case be.NegotiateProtocolVersion(minor, unknown):
            return f"negotiate 3.{minor} {' '.join(unknown)}".strip()
        case authentication.AuthenticationOk():
            return "welcome"
        case authentication.AuthenticationSasl(mechanisms):
            return f"wanted {' '.join(mechanisms)}"
        case authentication.AuthenticationMd5Password():
            return "wanted md5"
        case authentication.AuthenticationSaslContinue():
            return "challenge"
        case authentication.AuthenticationSaslFinal():
            return "proved too"
        case be.DataRow():
            return "row"
        case NotificationResponse(process_id, channel, payload):
            return f"notified {process_id} {channel} {payload}".strip()


def ready_stage(
    rows: Mapping[str, int | None] | None = None, errors: Mapping[str, GatewayError] | None = None
) -> Stage:
    """Return a stage whose session has been started; what was asked so far is forgotten."""
    stage = Stage(rows or {}, errors or {})
    stage.play(fe.StartupMessage(3, 0, {"user": "me"}))
    stage.asked.clear()
    return stage
