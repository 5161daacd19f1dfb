"""How one statement is prepared and run: by the session itself, or by the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, TypeAlias

from fsspeckit_sqlserver.session import copying, cursors, notifications, settings_statements
from fsspeckit_sqlserver.session.asking import describe
from fsspeckit_sqlserver.session.blocks import allowed_when_failed, lock_table, transaction_statement
from fsspeckit_sqlserver.session.commands import Deadline, Steps
from fsspeckit_sqlserver.session.engine_calls import run_in_engine
from fsspeckit_sqlserver.session.errors import FailedTransaction
from fsspeckit_sqlserver.session.functions import call_functions, functions_columns, with_session_values
from fsspeckit_sqlserver.session.nodes import inner_statement
from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.session.state import Prepared, SessionState, notice
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.wire.backend import Field, RowDescription

__all__ = ["command_tag", "prepare", "row_description", "run", "set_deadline"]

Handler: TypeAlias = Callable[[SessionState, Statement, tuple[object, ...]], Steps[Rows]]


LOCAL: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "transaction_stmt": transaction_statement,
        "variable_set_stmt": settings_statements.set_variable,
        "variable_show_stmt": settings_statements.show,
        "discard_stmt": settings_statements.discard,
        "listen_stmt": notifications.listen_statement,
        "unlisten_stmt": notifications.unlisten_statement,
        "notify_stmt": notifications.notify_statement,
        "lock_stmt": lock_table,
        "constraints_set_stmt": settings_statements.accept("SET CONSTRAINTS"),
        "declare_cursor_stmt": cursors.declare,
        "fetch_stmt": cursors.fetch,
        "close_portal_stmt": cursors.close,
        "prepare_stmt": cursors.prepare,
        "execute_stmt": cursors.execute,
        "deallocate_stmt": cursors.deallocate,
        "copy_stmt": copying.copy,
    }
)
"""Kind of statement → who carries it out. What is missing goes to the engine."""


def _refuse_in_failed_block(state: SessionState, statement: Statement) -> None:
    if state.transaction.status == "E" and not allowed_when_failed(statement):
        raise FailedTransaction


def run(state: SessionState, statement: Statement, parameters: tuple[object, ...]) -> Steps[Rows]:
    """Start a statement and return its rows.

    Raises:
        FailedTransaction: the block is failed, and this does not end it.
        GatewayError: whatever the statement runs into.
    """
    _refuse_in_failed_block(state, statement)
    yield from set_deadline(state)
    if handler := LOCAL.get(statement.node_name):
        state.exchanges.forget()
        return (yield from handler(state, statement, parameters))
    if functions_columns(statement) is not None:
        state.exchanges.forget()
        return (yield from call_functions(state, statement, parameters))
    if statement.node_name != "select_stmt":
        state.exchanges.forget()
    filled = with_session_values(state, statement)
    rows = yield from run_in_engine(state, filled, parameters)
    state.exchanges.is_constant = filled is statement and getattr(rows, "is_constant", False)
    for code, text in getattr(rows, "notices", ()):
        yield notice("NOTICE", code, text)
    return rows


def set_deadline(state: SessionState) -> Steps[None]:
    """Start the clock of statement_timeout: for each Parse and each statement, and each time a portal goes on."""
    if timeout_ms := state.settings.statement_timeout_ms:
        yield Deadline(timeout_ms)


def prepare(state: SessionState, name: str, statement: Statement | None, wanted: Sequence[int]) -> Steps[Prepared]:
    """Find a statement's parameters and columns without running it.

    Args:
        wanted: parameter types as the client named them; 0, or none, means: infer.
    """
    if statement is None:
        return Prepared(name, None, tuple(wanted), None)
    _refuse_in_failed_block(state, statement)
    yield from set_deadline(state)
    if statement.node_name == "declare_cursor_stmt":  # pg8000 and SQLAlchemy bind the parameters of its query
        query = with_session_values(state, inner_statement(statement.node.query))
        shape = yield from describe(query, wanted)
        return Prepared(name, replace(statement, parameter_oids=shape.parameter_oids), shape.parameter_oids, None)
    if statement.node_name in LOCAL:
        return Prepared(name, statement, tuple(wanted), _local_columns(state, statement))
    columns = functions_columns(statement)
    if columns is not None:
        count = max(len(wanted), statement.sql.count("$"))  # each is text, wherever it stands
        return Prepared(name, statement, (oids.TEXT,) * count if "$" in statement.sql else (), columns)
    shape = yield from describe(with_session_values(state, statement), wanted)
    return Prepared(name, replace(statement, parameter_oids=shape.parameter_oids), shape.parameter_oids, shape.columns)


def _local_columns(state: SessionState, statement: Statement) -> tuple[Column, ...] | None:
    match statement.node_name:
        case "variable_show_stmt":
            return settings_statements.show_columns(state, statement)
        case "fetch_stmt" if not statement.node.ismove:
            return cursors.open_cursor(state, statement.node.portalname).prepared.columns
        case "execute_stmt":
            return cursors.prepared_statement(state, statement.node.name).columns
    return None


def row_description(columns: Sequence[Column], formats: Sequence[int]) -> RowDescription:
    """Return the message that announces rows of these columns in these formats."""
    return RowDescription(
        tuple(
            Field(
                column.name,
                column.table_oid,
                column.number,
                column.type_oid,
                oids.TYPE_SIZE.get(column.type_oid, -1),
                column.typmod,
                wire_format,
            )
            for column, wire_format in zip(columns, formats, strict=True)
        )
    )


def command_tag(rows: Rows, sent: int) -> str:
    """Return the tag of CommandComplete: `SELECT 5`, `INSERT 0 3`, `BEGIN`."""
    if rows.affected is not None:
        return f"{rows.verb} {rows.affected}"
    return f"{rows.verb} {sent}" if rows.verb in {"SELECT", "FETCH"} else rows.verb
