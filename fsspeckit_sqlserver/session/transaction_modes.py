"""The characteristics of one transaction: its isolation level, whether it only reads, whether it is deferrable.

Pure. When each may be set, and what a transaction that only reads refuses, with PostgreSQL 15's words (`variable.c`:
check_XactIsoLevel, check_transaction_read_only; `utility.c`: ClassifyUtilityCommandAsReadOnly). Its temporary tables
may be written, as there.
"""

from __future__ import annotations

from typing import Final

from fsspeckit_lib.errors import ReadOnly
from fsspeckit_sqlserver.command_tags import command_tag_of
from fsspeckit_sqlserver.session.errors import ActiveTransaction
from fsspeckit_sqlserver.session.state import SessionState
from fsspeckit_sqlserver.statement import Statement

__all__ = ["check_characteristic", "refuse_when_read_only", "transaction_modes"]

_NAMES: Final = ("transaction_isolation", "transaction_read_only", "transaction_deferrable")
_HARMLESS: Final = frozenset(
    {"explain_stmt", "insert_stmt", "update_stmt", "delete_stmt", "vacuum_stmt", "copy_stmt", "discard_stmt"}
)


def transaction_modes(state: SessionState) -> dict[str, str]:
    """Return the characteristics of the present transaction."""
    return {name: state.settings.get(name) for name in _NAMES}


def check_characteristic(state: SessionState, name: str, value: str | None) -> None:
    """Make sure that a characteristic may be set now.

    Raises:
        ActiveTransaction: the transaction has begun to read, or is divided by a savepoint.
        GatewayError: there is no such value.
    """
    transaction, now = state.transaction, state.settings.get(name)
    wanted = state.settings.checked(name, value)
    if not transaction.is_open:
        return
    is_nested, has_read = transaction.depth > 0, transaction.in_engine
    if name == "transaction_isolation" and wanted != now:
        if has_read:
            raise ActiveTransaction("SET TRANSACTION ISOLATION LEVEL must be called before any query")
        if is_nested:
            raise ActiveTransaction("SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction")
    if name == "transaction_read_only" and wanted == "off" and now == "on" and is_nested:
        raise ActiveTransaction("cannot set transaction read-write mode inside a read-only transaction")
    if name == "transaction_read_only" and wanted == "off" and now == "on" and has_read:
        raise ActiveTransaction("transaction read-write mode must be set before any query")
    if name == "transaction_deferrable" and is_nested:
        raise ActiveTransaction("SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction")
    if name == "transaction_deferrable" and has_read:
        raise ActiveTransaction("SET TRANSACTION [NOT] DEFERRABLE must be called before any query")


def refuse_when_read_only(state: SessionState, statement: Statement) -> None:
    """Make sure that a statement which is no plain query may run in the present transaction.

    Raises:
        ReadOnly: the transaction only reads.
    """
    if statement.node_name not in _HARMLESS and state.settings.get("transaction_read_only") == "on":
        raise ReadOnly(f"cannot execute {command_tag_of(statement)} in a read-only transaction")
