"""SET, SHOW, RESET, DISCARD, LISTEN and the functions that read or set what only the session knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from postgast import pg_query_pb2 as pg

from fsspeckit_lib.errors import Unsupported
from fsspeckit_sqlserver.session.commands import ResetEngine, SetParameter, Steps
from fsspeckit_sqlserver.session.errors import ActiveTransaction
from fsspeckit_sqlserver.session.local_rows import Done, LocalRows, text_columns
from fsspeckit_sqlserver.session.nodes import constant_text, function_name, setting_value
from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.session.state import SessionState, notice
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column

__all__ = ["accept", "call_functions", "discard", "functions_columns", "set_variable", "show", "show_columns"]

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
        case pg.VAR_RESET_ALL:
            state.settings.reset_all()
        case pg.VAR_SET_MULTI:
            _set_characteristics(state, node)
        case pg.VAR_SET_CURRENT:
            state.settings.set(node.name, state.settings.get(node.name), local=local)
        case _:
            _set_one(state, node.name, setting_value(node), local=local)
    yield from state.announce_changes(before)
    return Done("RESET" if node.kind in {pg.VAR_RESET, pg.VAR_RESET_ALL} else "SET")


def _set_one(state: SessionState, name: str, value: str | None, *, local: bool) -> None:
    if name in {"session_authorization", "role"} and value not in {None, "none", "default", state.user}:
        raise Unsupported(f'cannot become "{value}": the gateway has no roles to change to; connect as that user')
    if name == "session_authorization":
        value = None  # back to who connected, which is where it already is
    state.settings.set(name, value, local=local)


def _set_characteristics(state: SessionState, node: Any) -> None:
    """Carry out SET TRANSACTION …, and SET SESSION CHARACTERISTICS AS TRANSACTION …."""
    for_session = node.name.upper() != "TRANSACTION"
    for option in node.args:
        name = option.def_elem.defname
        if for_session:
            name = f"default_{name}"
        state.settings.set(
            name, constant_text(option.def_elem.arg), local=not for_session and state.transaction.is_open
        )


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
        before = state.settings.snapshot()
        state.settings.reset_all()
        yield from state.announce_changes(before)
    if target in {pg.DISCARD_ALL, pg.DISCARD_TEMP} and state.has_written:
        yield ResetEngine()
        state.has_written = False
        for name, value in state.settings.snapshot().items():
            yield SetParameter(name, value)
    words = {pg.DISCARD_ALL: "ALL", pg.DISCARD_PLANS: "PLANS", pg.DISCARD_SEQUENCES: "SEQUENCES"}
    return Done(f"DISCARD {words.get(target, 'TEMP')}")


def accept(verb: str) -> Callable[[SessionState, Statement, tuple[object, ...]], Steps[Rows]]:
    """Return the handler of a statement that is accepted and needs nothing done: LISTEN, UNLISTEN, NOTIFY."""

    def handler(_state: SessionState, _statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
        yield from ()
        return Done(verb)

    return handler


_FUNCTIONS = {"set_config": oids.TEXT, "current_setting": oids.TEXT, "pg_backend_pid": oids.INT4}


def functions_columns(statement: Statement) -> tuple[Column, ...] | None:
    """Return the columns of a SELECT that calls nothing but functions of the session, else None.

    `SELECT set_config('search_path', '', false)` is how clients set parameters in one round trip, and
    `SELECT pg_backend_pid()` how pools learn whom to cancel. current_setting alone is the engine's.
    """
    node = statement.node
    lowered = statement.sql.lower()
    if statement.node_name != "select_stmt" or not ("set_config" in lowered or "pg_backend_pid" in lowered):
        return None  # spares every other query the walk below
    others = (node.from_clause, node.group_clause, node.values_lists, node.sort_clause, node.distinct_clause)
    if any(others) or node.HasField("where_clause") or node.HasField("with_clause") or node.op != pg.SETOP_NONE:
        return None
    columns = []
    for target in node.target_list:
        value = target.res_target.val
        name = function_name(value.func_call) if value.WhichOneof("node") == "func_call" else None
        if name is None or name not in _FUNCTIONS:
            return None
        columns.append(Column(target.res_target.name or name, _FUNCTIONS[name]))
    return tuple(columns)


def call_functions(state: SessionState, statement: Statement, parameters: tuple[object, ...]) -> Steps[Rows]:
    """Answer the SELECT that `functions_columns` recognised."""
    before = state.settings.snapshot()
    values = []
    for target in statement.node.target_list:
        call = target.res_target.val.func_call
        arguments = [_argument(node, parameters) for node in call.args]
        values.append(_call(state, function_name(call) or "", arguments))
    yield from state.announce_changes(before)
    return LocalRows("SELECT", functions_columns(statement) or (), [values])


def _argument(node: Any, parameters: tuple[object, ...]) -> str | None:
    if node.WhichOneof("node") == "type_cast":
        return _argument(node.type_cast.arg, parameters)
    if node.WhichOneof("node") == "param_ref":
        value = parameters[node.param_ref.number - 1]
        return None if value is None else str(value)
    return constant_text(node)


def _call(state: SessionState, name: str, arguments: list[str | None]) -> str | int | None:
    match name, arguments:
        case "pg_backend_pid", []:
            return state.process_id
        case "set_config", [str(setting), value, is_local]:
            local = (is_local or "").lower() in {"true", "t", "on", "1"}
            if not (local and not state.transaction.is_open):  # outside a block, local ends with the statement
                _set_one(state, setting.lower(), value, local=local)
            return state.settings.get(setting)
        case "current_setting", [str(setting)]:
            return state.settings.get(setting)
        case "current_setting", [str(setting), missing_ok]:
            known = {key.lower() for key in state.settings.all_values()}
            if (missing_ok or "").lower() in {"true", "t", "1"} and setting.lower() not in known:
                return None
            return state.settings.get(setting)
    raise Unsupported(f"function {name} is not served with these arguments")
