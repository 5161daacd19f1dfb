"""SET, SHOW, RESET and DISCARD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from postgast import pg_query_pb2 as pg

from fsspeckit_lib.errors import Unsupported
from fsspeckit_sqlserver.session.commands import ReleaseLocks, ResetEngine, SetParameter, Steps, Unlisten
from fsspeckit_sqlserver.session.engine_calls import run_in_engine
from fsspeckit_sqlserver.session.errors import ActiveTransaction
from fsspeckit_sqlserver.session.local_rows import Done, LocalRows, text_columns
from fsspeckit_sqlserver.session.nodes import constant_text, setting_value
from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.session.settings import characteristic
from fsspeckit_sqlserver.session.state import SessionState, notice
from fsspeckit_sqlserver.session.transaction_modes import check_characteristic
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types.column import Column

__all__ = ["accept", "discard", "set_one", "set_variable", "show", "show_columns"]

_SHOW_ALL = ("name", "setting", "description")


def set_variable(state: SessionState, statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Carry out SET, SET LOCAL, RESET and SET TRANSACTION."""
    node = statement.node
    before = state.settings.snapshot()
    local = node.is_local
    if local and not state.transaction.is_open:
        yield notice("WARNING", "25P01", "SET LOCAL can only be used in transaction blocks")
        return Done("SET")
    match node.kind:
        case pg.VAR_RESET if node.name == "transaction_isolation" and not state.transaction.is_open:
            yield notice("WARNING", "25P01", "RESET TRANSACTION can only be used in transaction blocks")
        case pg.VAR_SET_MULTI if node.name == "TRANSACTION" and not state.transaction.is_open:
            yield notice("WARNING", "25P01", "SET TRANSACTION can only be used in transaction blocks")
        case pg.VAR_RESET_ALL:
            state.settings.reset_all()
        case pg.VAR_SET_MULTI:
            _set_characteristics(state, node)
        case pg.VAR_SET_CURRENT:
            state.settings.set(node.name, state.settings.get(node.name), local=local)
        case _:
            set_one(state, node.name, setting_value(node), local=local)
    yield from state.announce_changes(before)
    return Done("RESET" if node.kind in {pg.VAR_RESET, pg.VAR_RESET_ALL} else "SET")


def set_one(state: SessionState, name: str, value: str | None, *, local: bool) -> None:
    """Set one parameter, as SET and set_config do."""
    if name in {"session_authorization", "role"} and value not in {None, "none", "default", state.user}:
        raise Unsupported(f'cannot become "{value}": the gateway has no roles to change to; connect as that user')
    if name == "session_authorization":
        value = None  # back to who connected, which is where it already is
    if characteristic(name):
        check_characteristic(state, name.lower(), value)
    state.settings.set(name, value, local=local)


def _set_characteristics(state: SessionState, node: Any) -> None:
    """Carry out SET TRANSACTION …, and SET SESSION CHARACTERISTICS AS TRANSACTION …."""
    if node.name == "TRANSACTION SNAPSHOT":
        raise Unsupported("snapshots of other transactions cannot be imported")
    for_session = node.name != "TRANSACTION"
    for option in node.args:
        name, value = option.def_elem.defname, constant_text(option.def_elem.arg)
        if for_session:
            state.settings.set(f"default_{name}", value, local=False)
        else:
            set_one(state, name, value, local=True)


def show_columns(state: SessionState, statement: Statement) -> tuple[Column, ...]:
    """Return the columns of a SHOW."""
    if statement.node.name == "all":
        return text_columns(*_SHOW_ALL)
    return text_columns(state.settings.canonical_name(statement.node.name))


def show(state: SessionState, statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Answer SHOW with one parameter, or all of them."""
    yield from ()
    columns, name = show_columns(state, statement), statement.node.name
    if name == "all":
        return LocalRows("SHOW", columns, [(key, value, "") for key, value in state.settings.all_values().items()])
    return LocalRows("SHOW", columns, [(state.settings.get(name),)])


def discard(state: SessionState, statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Carry out DISCARD: ALL is what connection pools send between two users of a connection."""
    target = statement.node.target
    if target == pg.DISCARD_ALL:
        if state.transaction.is_open:
            raise ActiveTransaction("DISCARD ALL cannot run inside a transaction block")
        yield from state.close_portals(state.portals)
        state.statements.clear()
        yield Unlisten(None)
        state.channels.clear()
        state.held_locks.clear()
        yield ReleaseLocks()
        before = state.settings.snapshot()
        state.settings.reset_all()
        yield from state.announce_changes(before)
    if target == pg.DISCARD_SEQUENCES and state.has_written:
        yield from run_in_engine(state, statement, ())
    if target in {pg.DISCARD_ALL, pg.DISCARD_TEMP} and state.has_written:
        yield ResetEngine()
        state.has_written = False
        for name, value in state.settings.snapshot().items():
            yield SetParameter(name, value)
    words = {pg.DISCARD_ALL: "ALL", pg.DISCARD_PLANS: "PLANS", pg.DISCARD_SEQUENCES: "SEQUENCES"}
    return Done(f"DISCARD {words.get(target, 'TEMP')}")


def accept(verb: str) -> Callable[[SessionState, Statement, tuple[object, ...]], Steps[Rows]]:
    """Return the handler of a statement that is accepted and needs nothing done."""

    def handler(_state: SessionState, _statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
        yield from ()
        return Done(verb)

    return handler
