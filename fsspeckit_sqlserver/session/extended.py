"""The extended query protocol: Parse, Bind, Describe, Execute, Close."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from fsspeckit_sqlserver.session.asking import stream
from fsspeckit_sqlserver.session.blocks import allowed_when_failed
from fsspeckit_sqlserver.session.commands import CloseRows, Send, Steps
from fsspeckit_sqlserver.session.cursors import has_columns, open_cursor, prepared_statement
from fsspeckit_sqlserver.session.errors import (
    DuplicateCursor,
    DuplicateStatement,
    FailedTransaction,
    PlanChanged,
    ProtocolViolation,
    UndefinedCursor,
)
from fsspeckit_sqlserver.session.execution import command_tag, prepare, row_description, run, set_deadline
from fsspeckit_sqlserver.session.state import Portal, Prepared, SessionState
from fsspeckit_sqlserver.statement import SyntaxProblem, parse_statements
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.parameters import decode_parameter
from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.backend import (
    BIND_COMPLETE,
    CLOSE_COMPLETE,
    EMPTY_QUERY_RESPONSE,
    NO_DATA,
    PARSE_COMPLETE,
    PORTAL_SUSPENDED,
    CommandComplete,
    ParameterDescription,
)

__all__ = ["bind", "close", "describe", "execute", "parse"]

_MOST_PARAMETERS: Final = 65_535
"""Counts of Parse, Bind and ParameterDescription are unsigned 16-bit integers."""
_PARAMETER: Final = re.compile(r"\$(\d+)")


def parse(state: SessionState, message: fe.Parse) -> Steps[None]:
    """Prepare one statement."""
    if message.name and message.name in state.statements:
        raise DuplicateStatement(f'prepared statement "{message.name}" already exists')
    if not message.name:
        state.statements.pop("", None)  # a failed Parse leaves no unnamed statement behind
    statements = parse_statements(message.sql)
    if len(statements) > 1:
        raise SyntaxProblem("cannot insert multiple commands into a prepared statement", 0)
    statement = statements[0] if statements else None
    count = _unbindable(message.sql)
    if statement is not None and count:  # as PostgreSQL: it can be prepared, and no Bind can fill it
        state.statements[message.name] = Prepared(message.name, statement, (oids.UNKNOWN,) * count, None)
        yield Send(PARSE_COMPLETE)
        return
    state.statements[message.name] = yield from prepare(state, message.name, statement, message.parameter_oids)
    yield Send(PARSE_COMPLETE)


def _unbindable(sql: str) -> int:
    """Return how many parameters a statement has, if they are more than Bind can count; else 0.

    Only where each has a place in the text: `$999999999` alone is the engine's to refuse.
    """
    if sql.count("$") <= _MOST_PARAMETERS:
        return 0
    numbers = set(map(int, _PARAMETER.findall(sql)))
    return len(numbers) if _MOST_PARAMETERS < len(numbers) == max(numbers) else 0


def bind(state: SessionState, message: fe.Bind) -> Steps[None]:
    """Make a portal of a prepared statement and its parameters."""
    prepared = prepared_statement(state, message.statement)
    statement = prepared.statement
    if statement is not None and state.transaction.status == "E" and not allowed_when_failed(statement):
        raise FailedTransaction
    if message.portal:
        if message.portal in state.portals:
            raise DuplicateCursor(f'portal "{message.portal}" already exists')
    else:
        yield from state.close_portals(("",))
    expected = len(prepared.parameter_oids)
    if len(message.parameters) != expected:
        raise ProtocolViolation(
            f"bind message supplies {len(message.parameters)} parameters, "
            f'but prepared statement "{message.statement}" requires {expected}'
        )
    formats = _spread(message.parameter_formats, expected)
    parameters = tuple(
        decode_parameter(oid, wire_format, value, number)
        for number, (oid, wire_format, value) in enumerate(
            zip(prepared.parameter_oids, formats, message.parameters, strict=True), 1
        )
    )
    result_formats = _result_formats(message.result_formats, prepared)
    state.portals[message.portal] = Portal(
        message.portal, prepared, parameters, result_formats, depth=state.transaction.depth
    )
    yield Send(BIND_COMPLETE)


def _result_formats(wanted: tuple[int, ...], prepared: Prepared) -> tuple[int, ...]:
    if prepared.columns is None:
        return ()  # of any number, as PostgreSQL: there is nothing to send
    count = len(prepared.columns)
    if len(wanted) > 1 and len(wanted) != count:
        raise ProtocolViolation(f"bind message has {len(wanted)} result formats but query has {count} columns")
    return _spread(wanted, count)


def _spread(formats: Sequence[int], count: int) -> tuple[int, ...]:
    """Return one format per value: none stands for text, one for all."""
    if not formats:
        return (0,) * count
    return tuple(formats) if len(formats) == count else (formats[0],) * count


def describe(state: SessionState, message: fe.Describe) -> Steps[None]:
    """Answer what a statement takes and gives, or what a portal gives. Runs nothing."""
    if message.target == "S":
        prepared = prepared_statement(state, message.name)
        if len(prepared.parameter_oids) > _MOST_PARAMETERS:
            count = len(prepared.parameter_oids)
            raise ProtocolViolation(
                f'prepared statement "{message.name}" has {count} parameters, of which a message can describe '
                f"{_MOST_PARAMETERS}"
            )
        yield Send(ParameterDescription(prepared.parameter_oids))
        formats: tuple[int, ...] = (0,) * len(prepared.columns or ())
    else:
        portal = _portal(state, message.name)
        prepared, formats = portal.prepared, portal.formats
    yield Send(NO_DATA if prepared.columns is None else row_description(prepared.columns, formats))


def _portal(state: SessionState, name: str) -> Portal:
    if name not in state.portals:
        raise UndefinedCursor(f'portal "{name}" does not exist')
    return open_cursor(state, name)


def execute(state: SessionState, message: fe.Execute) -> Steps[None]:
    """Run a portal, or go on with it, for at most `max_rows` rows."""
    portal = _portal(state, message.portal)
    statement = portal.prepared.statement
    if statement is None:
        yield Send(EMPTY_QUERY_RESPONSE)
        return
    if portal.rows is None:
        rows = yield from run(state, statement, portal.parameters)
        # COMMIT and ROLLBACK have just closed every portal, this one too.
        if message.portal in state.portals:
            portal.rows = rows
    elif state.transaction.status == "E":
        raise FailedTransaction
    else:
        yield from set_deadline(state)
        rows = portal.rows
    columns = portal.prepared.columns
    if not has_columns(rows, columns):  # the client has been told others
        yield CloseRows(rows)
        portal.rows = None
        raise PlanChanged
    limit = message.max_rows if message.max_rows > 0 and columns is not None else None
    streamed = yield from stream(rows, columns, portal.formats, state.settings.style, limit)
    if not streamed.exhausted:
        yield Send(PORTAL_SUSPENDED)
        return
    portal.done = True
    yield Send(CommandComplete(command_tag(rows, streamed.row_count)))
    if portal.rows is None:
        yield CloseRows(rows)


def close(state: SessionState, message: fe.Close) -> Steps[None]:
    """Forget a statement or a portal; nothing happens if there is none."""
    if message.target == "S":
        state.statements.pop(message.name, None)
    else:
        yield from state.close_portals((message.name,))
    yield Send(CLOSE_COMPLETE)
