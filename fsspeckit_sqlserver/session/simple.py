"""The simple query protocol: one Query message, any number of statements, everything in text."""

from __future__ import annotations

from fsspeckit_sqlserver.session.asking import stream
from fsspeckit_sqlserver.session.blocks import commit, open_implicit
from fsspeckit_sqlserver.session.commands import CloseRows, Send, Steps
from fsspeckit_sqlserver.session.cursors import open_cursor
from fsspeckit_sqlserver.session.execution import command_tag, row_description, run
from fsspeckit_sqlserver.session.state import SessionState
from fsspeckit_sqlserver.statement import Statement, parse_statements
from fsspeckit_sqlserver.wire.backend import EMPTY_QUERY_RESPONSE, CommandComplete

__all__ = ["simple_query"]


def simple_query(state: SessionState, sql: str) -> Steps[None]:
    """Run the statements of one Query in order.

    Several of them share one implicit transaction block, which BEGIN among them makes explicit. The whole text is
    parsed before any of it runs.
    """
    yield from state.close_portals(name for name in state.portals if not name)  # a Query drops the unnamed portal
    state.statements.pop("", None)  # and the unnamed statement
    statements = parse_statements(sql)
    if not statements:
        yield Send(EMPTY_QUERY_RESPONSE)
    for statement in statements:
        if len(statements) > 1 and not state.transaction.is_open:
            open_implicit(state)
        yield from _run_one(state, statement)
    if state.transaction.implicit:
        yield from commit(state)


def _run_one(state: SessionState, statement: Statement) -> Steps[None]:
    rows = yield from run(state, statement, ())
    try:
        formats: tuple[int, ...] = ()
        if rows.columns is not None:
            formats = (0,) * len(rows.columns)
            if statement.node_name == "fetch_stmt":  # a BINARY cursor answers in binary even here
                formats = open_cursor(state, statement.node.portalname).formats
            yield Send(row_description(rows.columns, formats))
        streamed = yield from stream(rows, rows.columns, formats, state.settings.style)
        yield Send(CommandComplete(command_tag(rows, streamed.row_count)))
    finally:
        yield CloseRows(rows)
