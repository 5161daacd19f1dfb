"""Carries out what a session wants: calls the engine, encodes rows, hands bytes to the outlet.

One driver per connection. `run` is called by one worker thread at a time; `interrupt` and `disconnect` by any thread.
It blocks that thread while the engine works and while a slow client reads, never the event loop.

Lock: `_lock` guards `_running`, `_reason`, `_told` and `_generation`; nothing blocking is done under it.

Rows travel batch by batch: fetched here, encoded in the shared pool (Arrow and numpy release the GIL there), sent in
order. At most `WINDOW` batches are in flight, so memory does not grow with the result.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Final, Protocol

import pyarrow as pa

from fsspeckit_lib.errors import Cancelled, GatewayError, Internal
from fsspeckit_sqlserver.session import commands as c
from fsspeckit_sqlserver.session.errors import ClientGone, StatementTimeout
from fsspeckit_sqlserver.session.outside import Outlet, Switchboard
from fsspeckit_sqlserver.session.ports import Engine, EngineSession, Rows
from fsspeckit_sqlserver.types.copy_out import copy_encoder
from fsspeckit_sqlserver.types.datarow import RowEncoder
from fsspeckit_sqlserver.wire.backend import encode_backend
from fsspeckit_sqlserver.wire.frontend import FrontendMessage

__all__ = ["BATCH_ROWS", "Driver"]

logger = logging.getLogger(__name__)

BATCH_ROWS: Final = 16_384
"""Rows asked of the engine at a time: large enough for Arrow's kernels, small enough that a batch stays in the caches
(measured: 4,096 rows cost twice as much per row, 65,536 a quarter more)."""

INLINE_ROWS: Final = 1_024
"""A batch up to this size is encoded here: two thread switches cost more than that."""

WINDOW: Final = 3

_HELD_BYTES: Final = 32_768
"""Small messages wait for Flush up to this many bytes."""


class Encoder(Protocol):
    """Makes messages of batches."""

    def encode(self, batch: pa.RecordBatch) -> memoryview: ...


class Driver:
    """The hands of one session."""

    def __init__(self, engine: Engine, outlet: Outlet, switchboard: Switchboard, encoders: Executor) -> None:
        self._engine = engine
        self._outlet = outlet
        self._switchboard = switchboard
        self._encoders = encoders
        self._engine_session: EngineSession | None = None
        self._identity: tuple[str, str] = ("", "")
        self._held = bytearray()
        self._record: bytearray | None = None
        self._take_back_deadline: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self._running = False
        self._reason: Cancelled | None = None
        self._told = False
        self._generation = 0
        self._gone = False

    def run(self, steps: c.Steps[None]) -> None:
        """Carry out one message's commands to the end. Any error that escapes the session is the caller's."""
        with self._lock:
            self._running, self._reason, self._told = True, None, False
            self._generation += 1
        try:
            self._carry_out(steps)
        finally:
            with self._lock:
                self._running = False
            self._clear_deadline()
            steps.close()

    def interrupt(self, reason: Cancelled, *, generation: int | None = None) -> int | None:
        """Stop the message being carried out, if there is one; return its generation, None when idle.

        A call with the generation returned by an earlier one does nothing once that message is over, or has told its
        client the reason.
        """
        with self._lock:
            if not self._running or self._told or (generation is not None and generation != self._generation):
                return None
            self._reason = self._reason or reason
            session, current = self._engine_session, self._generation
        if session is not None:
            session.interrupt()
        self._outlet.wake()
        self._switchboard.wake()
        return current

    def disconnect(self) -> None:
        """Note that the client is gone: nothing more is fetched for it. What runs has to be interrupted as well."""
        self._gone = True

    def close(self) -> None:
        """Close the engine's side. Called by the last worker."""
        self._switchboard.channels.unlisten(None, self._switchboard.hear)
        self._switchboard.locks.release_all(self)
        self._close_engine()

    def _close_engine(self) -> None:
        session, self._engine_session = self._engine_session, None
        if session is not None:
            session.close()

    def flush(self) -> None:
        """Let held messages go."""
        if self._held:
            if self._record is not None:
                self._record += self._held
            self._outlet.write(self._held)
            self._held = bytearray()

    def record(self) -> None:
        """Keep a copy of what is sent, until `recorded`."""
        self._record = None if self._held else bytearray()

    def recorded(self) -> bytes:
        """Return what was sent since `record`; empty if that is not all, or still held back."""
        record, self._record = self._record, None
        return b"" if record is None or self._held else bytes(record)

    def _carry_out(self, steps: c.Steps[None]) -> None:
        answer: object = None
        error: GatewayError | None = None
        while True:
            try:
                command = steps.send(answer) if error is None else steps.throw(error)
            except StopIteration:
                return
            answer = error = None
            try:
                answer = self._do(command)
            except GatewayError as raised:
                error = self._shown(raised)
            except Exception as raised:  # one connection's edge: whatever the engine does, the client hears of it
                logger.exception("statement failed with an internal error")
                error = Internal(f"internal error: {type(raised).__name__}: {raised}")

    def _shown(self, raised: GatewayError) -> GatewayError:
        """Return the reason of an interrupt in place of the engine's own word for it."""
        with self._lock:
            reason = self._reason
            if isinstance(raised, Cancelled) and reason is not None:
                if not isinstance(reason, ClientGone):
                    self._reason, self._told = None, True  # what follows (rollback, ReadyForQuery) goes on
                return reason
        return raised

    def _check(self) -> None:
        """Raise the reason if someone interrupted."""
        with self._lock:
            reason = self._reason
        if self._gone:
            raise ClientGone("the client closed the connection")
        if reason is not None:
            raise reason

    def _session(self) -> EngineSession:
        if self._engine_session is None:
            raise Internal("the engine's session is not open")
        return self._engine_session

    def _do(self, command: c.Command) -> object:
        match command:
            case c.Send(message):
                self._held += encode_backend(message)
                if len(self._held) > _HELD_BYTES:
                    self.flush()
            case c.SendByte(answer):
                self._outlet.write(answer)
            case c.Flush():
                self.flush()
            case c.CloseConnection():
                self.flush()
                self._outlet.close()
            case c.CancelOther(process_id, secret_key):
                self._switchboard.cancel(process_id, secret_key)
            case c.StreamRows():
                return self._stream(command)
            case c.StreamCopy(rows, columns, style, chosen):
                return self._stream_encoded(rows, copy_encoder(columns, style, chosen), None, is_sent=True)
            case c.ReceiveMessage():
                return self._receive()
            case c.ExpectClient(milliseconds, otherwise):
                self._switchboard.expect_client(milliseconds, otherwise)
            case c.Deadline(milliseconds):
                self._set_deadline(milliseconds)
            case c.Admit(user, database, secret_bytes):
                return self._admit(user, database, secret_bytes)
            case _:
                return self._ask_engine(command)
        return None

    def _ask_engine(self, command: c.Command) -> object:
        match command:
            case c.DescribeStatement(statement, parameter_oids):
                self._check()
                return self._session().describe(statement, parameter_oids)
            case c.StartStatement(statement, parameters):
                self._check()
                return self._session().execute(statement, parameters)
            case c.Listen(channel):
                self._switchboard.channels.listen(channel, self._switchboard.hear)
            case c.Unlisten(channel_or_all):
                self._switchboard.channels.unlisten(channel_or_all, self._switchboard.hear)
            case c.Notify(notification):
                return self._switchboard.channels.notify(notification, self._switchboard.hear)
            case c.TakeLock(key, is_shared, waits):
                check = self._check if waits else None
                return self._switchboard.locks.take(self, key, is_shared=is_shared, check=check)
            case c.ReleaseLock(key, is_shared):
                return self._switchboard.locks.release(self, key, is_shared=is_shared)
            case c.ReleaseLocks():
                self._switchboard.locks.release_all(self)
            case c.OpenCopy(statement):
                self._check()
                return self._session().open_copy(statement)
            case c.WriteCopy(target, table):
                self._check()
                target.write(table)
            case c.SkipRows(rows, max_rows):
                return self._skip(rows, max_rows)
            case c.ReadRow(rows):
                return self._read_row(rows)
            case c.CloseRows(rows):
                rows.close()
            case c.BeginTransaction():
                self._session().begin(command.savepoints)
            case c.NestTransaction(depth):
                self._session().nest(depth)
            case c.UndoTransaction(depth):
                self._session().undo(depth)
            case c.CommitTransaction():
                self._session().commit()
            case c.RollbackTransaction():
                self._session().rollback()
            case c.SetParameter(name, value):
                self._session().set_parameter(name, value)
            case c.ResetEngine():
                self._close_engine()
                self._engine_session = self._engine.open_session(*self._identity)
            case _:
                raise Internal(f"unknown command {type(command).__name__}")
        return None

    def _admit(self, user: str, database: str, secret_bytes: int) -> tuple[int, bytes]:
        self._identity = (user, database)
        secret_key = secrets.token_bytes(secret_bytes)
        process_id = self._switchboard.register(secret_key, user)
        self._engine_session = self._engine.open_session(user, database)
        return process_id, secret_key

    def _set_deadline(self, milliseconds: int) -> None:
        self._clear_deadline()
        with self._lock:
            generation = self._generation

        def expire() -> bool:
            return self.interrupt(StatementTimeout(), generation=generation) is not None

        self._take_back_deadline = self._switchboard.deadline(milliseconds, expire)

    def _clear_deadline(self) -> None:
        if self._take_back_deadline is not None:
            self._take_back_deadline()
            self._take_back_deadline = None

    def _fetch(self, rows: Rows, row_count: int, max_rows: int | None) -> pa.RecordBatch | None:
        """Return the next batch within the limit, None at the end of the rows."""
        self._check()
        return rows.fetch(BATCH_ROWS if max_rows is None else min(BATCH_ROWS, max_rows - row_count))

    def _stream(self, command: c.StreamRows) -> c.Streamed:
        encoder = RowEncoder(command.columns or (), command.formats, command.style)
        return self._stream_encoded(command.rows, encoder, command.max_rows, is_sent=command.columns is not None)

    def _stream_encoded(self, rows: Rows, encoder: Encoder, max_rows: int | None, *, is_sent: bool) -> c.Streamed:
        pending: deque[Future[memoryview]] = deque()
        row_count, exhausted = 0, False
        try:
            while max_rows is None or row_count < max_rows:
                batch = self._fetch(rows, row_count, max_rows)
                if batch is None:
                    exhausted = True
                    break
                row_count += batch.num_rows
                if not is_sent:
                    continue
                # the first batch here as well: it is waited for, and what goes before all rows goes before it
                if (batch.num_rows <= INLINE_ROWS or row_count == batch.num_rows) and not pending:
                    self._write_rows(encoder.encode(batch))
                    continue
                pending.append(self._encoders.submit(encoder.encode, batch))
                while len(pending) >= WINDOW or (pending and pending[0].done()):
                    self._write_rows(pending.popleft().result())
            while pending:
                self._write_rows(pending.popleft().result())
        finally:
            for future in pending:
                future.cancel()
        return c.Streamed(row_count, exhausted)

    def _receive(self) -> FrontendMessage:
        self._check()
        try:
            return self._switchboard.receive(self._given_up)
        except ClientGone:
            self._check()  # what made it give up, if something did
            raise

    def _write_rows(self, encoded: memoryview) -> None:
        """Queue the rows of one batch behind what is held; block while the client is slow."""
        if len(encoded) + len(self._held) <= _HELD_BYTES:
            self._held += encoded
            return
        self._check()
        self._record = None  # more than anybody keeps
        self.flush()
        self._outlet.wait_writable(self._given_up)
        self._check()
        self._outlet.write(encoded)

    def _given_up(self) -> bool:
        return self._gone or self._reason is not None

    def _skip(self, rows: Rows, max_rows: int | None) -> c.Streamed:
        row_count = 0
        while max_rows is None or row_count < max_rows:
            batch = self._fetch(rows, row_count, max_rows)
            if batch is None:
                return c.Streamed(row_count, exhausted=True)
            row_count += batch.num_rows
        return c.Streamed(row_count, exhausted=False)

    def _read_row(self, rows: Rows) -> tuple[object, ...]:
        batch = self._fetch(rows, 0, None)
        if batch is None:
            return ()
        return tuple(column[0].as_py() for column in batch.columns)
