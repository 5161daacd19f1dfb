"""Transaction blocks: BEGIN, COMMIT, ROLLBACK and savepoints, carried out on session and engine together."""

from __future__ import annotations

from postgast import pg_query_pb2 as pg

from fsspeckit_lib.errors import GatewayError, Unsupported
from fsspeckit_sqlserver.session.commands import (
    CommitTransaction,
    NestTransaction,
    ReleaseLock,
    RollbackTransaction,
    Steps,
    UndoTransaction,
)
from fsspeckit_sqlserver.session.errors import NoActiveTransaction
from fsspeckit_sqlserver.session.local_rows import Done
from fsspeckit_sqlserver.session.nodes import constant_text
from fsspeckit_sqlserver.session.notifications import forget, publish
from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.session.state import SessionState, notice
from fsspeckit_sqlserver.session.transaction_modes import check_characteristic, transaction_modes
from fsspeckit_sqlserver.statement import Statement

__all__ = ["abandon", "allowed_when_failed", "commit", "lock_table", "open_implicit", "transaction_statement"]

_ENDS = {pg.TRANS_STMT_COMMIT, pg.TRANS_STMT_ROLLBACK, pg.TRANS_STMT_ROLLBACK_TO, pg.TRANS_STMT_PREPARE}


def allowed_when_failed(statement: Statement) -> bool:
    """Return whether a failed block accepts the statement: only what ends the block, or leads out of the failure."""
    return statement.node_name == "transaction_stmt" and statement.node.kind in _ENDS


def open_implicit(state: SessionState) -> None:
    """Open the block that surrounds a Query of several statements."""
    state.transaction.open(implicit=True)
    state.settings.begin()


def commit(state: SessionState) -> Steps[None]:
    """End the block and keep what it did."""
    yield from _close_portals(state)
    for portal in state.portals.values():
        portal.is_fresh = False
    before = state.settings.snapshot()
    in_engine = state.transaction.in_engine
    state.transaction.close()
    try:
        if in_engine:
            yield CommitTransaction()
    except GatewayError:
        state.settings.rollback()
        yield from state.announce_changes(before)
        raise
    state.settings.commit()
    yield from state.announce_changes(before)
    yield from _end_locks(state)
    yield from publish(state)


def abandon(state: SessionState) -> Steps[None]:
    """End the block and undo what it did."""
    yield from state.close_portals(name for name, portal in state.portals.items() if portal.is_fresh)
    yield from _close_portals(state)
    before = state.settings.snapshot()
    in_engine = state.transaction.in_engine
    state.transaction.close()
    state.settings.rollback()
    forget(state)
    if in_engine:
        yield RollbackTransaction()
    yield from _end_locks(state)
    yield from state.announce_changes(before)


def _end_locks(state: SessionState) -> Steps[None]:
    """Give back the advisory locks of the transaction."""
    taken, state.transaction_locks = state.transaction_locks, []
    for key, is_shared in taken:
        yield ReleaseLock(key, is_shared)


def lock_table(state: SessionState, _statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Accept LOCK TABLE in a block: its tables are only read, and it sees one state of them anyway.

    Raises:
        NoActiveTransaction: outside a block.
    """
    yield from ()
    if not state.transaction.is_open:
        raise NoActiveTransaction("LOCK TABLE can only be used in transaction blocks")
    return Done("LOCK TABLE")


def _close_portals(state: SessionState) -> Steps[None]:
    yield from state.close_portals(name for name, portal in state.portals.items() if not portal.hold)


def transaction_statement(state: SessionState, statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Carry out one statement that begins, ends or divides a block."""
    node, transaction = statement.node, state.transaction
    match node.kind:
        case pg.TRANS_STMT_BEGIN | pg.TRANS_STMT_START:
            yield from _begin(state, node)
            return Done("BEGIN" if node.kind == pg.TRANS_STMT_BEGIN else "START TRANSACTION")
        case pg.TRANS_STMT_COMMIT | pg.TRANS_STMT_ROLLBACK:
            return Done((yield from _end(state, node, keep=node.kind == pg.TRANS_STMT_COMMIT)))
        case pg.TRANS_STMT_SAVEPOINT:
            transaction.savepoint(node.savepoint_name)
            state.settings.savepoint(node.savepoint_name)
            yield from _nest(state)
            return Done("SAVEPOINT")
        case pg.TRANS_STMT_RELEASE:
            transaction.release(node.savepoint_name)
            for portal in state.portals.values():
                portal.depth = min(portal.depth, transaction.depth)
            yield from _nest(state)
            return Done("RELEASE")
        case pg.TRANS_STMT_ROLLBACK_TO:
            transaction.rollback_to(node.savepoint_name)
            before = state.settings.snapshot()
            state.settings.rollback_to(node.savepoint_name)
            newer = [name for name, portal in state.portals.items() if portal.depth >= transaction.depth]
            yield from state.close_portals(newer)
            if transaction.in_engine:
                yield UndoTransaction(transaction.depth)
            yield from state.announce_changes(before)
            return Done("ROLLBACK")
    raise Unsupported("two-phase commit is not served; max_prepared_transactions is 0")


def _nest(state: SessionState) -> Steps[None]:
    if state.transaction.in_engine:
        yield NestTransaction(state.transaction.depth)


def _begin(state: SessionState, node: pg.TransactionStmt) -> Steps[None]:
    transaction = state.transaction
    if transaction.status == "T":
        yield notice("WARNING", "25001", "there is already a transaction in progress")
    else:
        if not transaction.implicit:
            state.settings.begin()
        transaction.open(implicit=False)
    _take_options(state, node)


def _end(state: SessionState, node: pg.TransactionStmt, *, keep: bool) -> Steps[str]:
    transaction = state.transaction
    if transaction.status == "I":
        yield notice("WARNING", "25P01", "there is no transaction in progress")
    keep = keep and transaction.status != "E"
    modes = transaction_modes(state)
    yield from commit(state) if keep else abandon(state)
    if node.chain:
        state.settings.begin()
        for name, value in modes.items():
            state.settings.set(name, value, local=True)
        transaction.open(implicit=False)
    return "COMMIT" if keep else "ROLLBACK"


def _take_options(state: SessionState, node: pg.TransactionStmt) -> None:
    """Keep isolation level and access mode. Every block sees one snapshot, so every level holds."""
    for option in node.options:
        name, value = option.def_elem.defname, constant_text(option.def_elem.arg)
        check_characteristic(state, name, value)
        state.settings.set(name, value, local=True)
