"""Statements that the engine runs, inside the transaction block they belong to."""

from __future__ import annotations

from fsspeckit_sqlserver.session.asking import start
from fsspeckit_sqlserver.session.commands import BeginTransaction, Steps
from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.session.state import SessionState
from fsspeckit_sqlserver.session.transaction_modes import refuse_when_read_only
from fsspeckit_sqlserver.statement import Statement

__all__ = ["run_in_engine"]

_READS = frozenset({"select_stmt", "explain_stmt"})


def run_in_engine(state: SessionState, statement: Statement, parameters: tuple[object, ...]) -> Steps[Rows]:
    """Start a statement in the engine.

    The engine's transaction opens with the first statement that needs it, as PostgreSQL takes its snapshot: BEGIN alone
    costs nothing.
    """
    transaction = state.transaction
    reads = _only_reads(statement)
    if not reads:
        refuse_when_read_only(state, statement)
    if transaction.is_open and not transaction.in_engine:
        yield BeginTransaction(transaction.depth)
        transaction.in_engine = True
    if not reads:
        state.has_written = True
    return (yield from start(statement, parameters))


def _only_reads(statement: Statement) -> bool:
    if statement.node_name == "select_stmt":
        return not statement.node.HasField("into_clause")
    return statement.node_name in _READS
