"""Functions that only the session can answer: settings, its process id, advisory locks, pg_notify.

Those without an effect are put into any query as constants. Those with one are served where they are all that is
selected, which is how programs call them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg

from fsspeckit_lib.errors import Unsupported
from fsspeckit_lib.sql.messages import child_messages
from fsspeckit_sqlserver.session.asking import release_lock, release_locks, take_lock
from fsspeckit_sqlserver.session.commands import Steps
from fsspeckit_sqlserver.session.errors import UndefinedParameter, UndefinedSetting
from fsspeckit_sqlserver.session.local_rows import LocalRows
from fsspeckit_sqlserver.session.nodes import constant_text, function_name, inner_statement
from fsspeckit_sqlserver.session.notifications import notify
from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.session.session_views import SESSION_VIEWS, put_session_views
from fsspeckit_sqlserver.session.settings_statements import set_one
from fsspeckit_sqlserver.session.settings_view import put_settings, setting_of
from fsspeckit_sqlserver.session.state import SessionState, notice
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.parameters import InvalidText

__all__ = ["call_functions", "functions_columns", "with_session_values"]

_LOCKS: Final = {
    "pg_advisory_lock": oids.VOID,
    "pg_advisory_lock_shared": oids.VOID,
    "pg_advisory_xact_lock": oids.VOID,
    "pg_advisory_xact_lock_shared": oids.VOID,
    "pg_try_advisory_lock": oids.BOOL,
    "pg_try_advisory_lock_shared": oids.BOOL,
    "pg_try_advisory_xact_lock": oids.BOOL,
    "pg_try_advisory_xact_lock_shared": oids.BOOL,
    "pg_advisory_unlock": oids.BOOL,
    "pg_advisory_unlock_shared": oids.BOOL,
    "pg_advisory_unlock_all": oids.VOID,
}
_FUNCTIONS: Final = {
    "set_config": oids.TEXT,
    "current_setting": oids.TEXT,
    "pg_backend_pid": oids.INT4,
    "pg_notify": oids.VOID,
    **_LOCKS,
}
_EFFECTS: Final = ("set_config", "pg_notify", "advisory", "pg_backend_pid")
_VALUES: Final = ("current_setting", "pg_backend_pid", "pg_settings", *SESSION_VIEWS)


def functions_columns(statement: Statement) -> tuple[Column, ...] | None:
    """Return the columns of a SELECT that calls nothing but functions of the session, else None.

    `SELECT set_config('search_path', '', false)` is how clients set parameters in one round trip, and
    `SELECT pg_backend_pid()` how pools learn whom to cancel.
    """
    node = statement.node
    lowered = statement.sql.lower()
    if statement.node_name != "select_stmt" or not any(name in lowered for name in _EFFECTS):
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
        values.append((yield from _call(state, function_name(call) or "", arguments)))
    yield from state.announce_changes(before)
    return LocalRows("SELECT", functions_columns(statement) or (), [values])


def _argument(node: Any, parameters: tuple[object, ...]) -> str | None:
    if node.WhichOneof("node") == "type_cast":
        return _argument(node.type_cast.arg, parameters)
    if node.WhichOneof("node") == "param_ref":
        number = node.param_ref.number
        if number > len(parameters):
            raise UndefinedParameter(f"there is no parameter ${number}")
        value = parameters[number - 1]
        return None if value is None else str(value)
    if node.WhichOneof("node") == "a_expr" and not node.a_expr.HasField("lexpr"):  # -1
        inner = _argument(node.a_expr.rexpr, parameters)
        return None if inner is None else f"{node.a_expr.name[-1].string.sval}{inner}"
    return constant_text(node)


def _call(state: SessionState, name: str, arguments: list[str | None]) -> Steps[str | int | bool | None]:
    match name, arguments:
        case "pg_backend_pid", []:
            return state.process_id
        case "set_config", [str(setting), value, is_local]:
            local = (is_local or "").lower() in {"true", "t", "on", "1"}
            if local and not state.transaction.is_open:  # ends with the statement
                return state.settings.checked(setting, value)
            set_one(state, setting.lower(), value, local=local)
            return state.settings.get(setting)
        case "current_setting", [str(setting), *missing_ok]:
            return _setting(state, setting, missing_ok)
        case "pg_notify", [str(channel), payload]:
            yield from notify(state, channel, payload or "")
            return ""
    if name in _LOCKS:
        return (yield from _lock(state, name, arguments))
    raise Unsupported(f"function {name} is not served with these arguments")


def _setting(state: SessionState, name: str, missing_ok: list[str | None]) -> str | None:
    try:
        return state.settings.get(name)
    except UndefinedSetting:
        if missing_ok and (missing_ok[0] or "").lower() in {"true", "t", "1", "on", "yes"}:
            return None
        raise


def _key(argument: str | None) -> int:
    try:
        return int(argument or 0)
    except ValueError:
        raise InvalidText(f'invalid input syntax for type bigint: "{argument}"') from None


def _lock(state: SessionState, name: str, arguments: list[str | None]) -> Steps[str | bool | None]:
    if name == "pg_advisory_unlock_all":
        yield from release_locks()
        state.held_locks.clear()
        return ""
    if not arguments or any(argument is None for argument in arguments):
        return None  # as every strict function
    key = tuple(map(_key, arguments))
    is_shared = name.endswith("_shared")
    if "unlock" in name:
        was_held = yield from release_lock(key, is_shared=is_shared)
        if was_held and (key, is_shared) in state.held_locks:
            state.held_locks.remove((key, is_shared))
        if not was_held:
            kind = "ShareLock" if is_shared else "ExclusiveLock"
            yield notice("WARNING", "01000", f"you don't own a lock of type {kind}")
        return was_held
    is_taken = yield from take_lock(key, is_shared=is_shared, waits="try" not in name)
    if is_taken and "xact" not in name:
        state.held_locks.append((key, is_shared))
    if "xact" in name and is_taken:
        if state.transaction.is_open:
            state.transaction_locks.append((key, is_shared))
        else:  # its transaction ends with the statement
            yield from release_lock(key, is_shared=is_shared)
    return is_taken if "try" in name else ""


def with_session_values(state: SessionState, statement: Statement) -> Statement:
    """Return the statement with the values of the session's functions in their place.

    Raises:
        UndefinedSetting: it asks for a setting that does not exist.
    """
    lowered = statement.sql.lower()
    if statement.node_name != "select_stmt" or not any(name in lowered for name in _VALUES):
        return statement
    holder = pg.Node()
    holder.select_stmt.CopyFrom(statement.node)
    is_changed = _put_values(state, holder)
    is_changed = put_session_views(state, statement, holder) or is_changed
    if not (put_settings(state.settings, holder) or is_changed):
        return statement
    return replace(inner_statement(holder), parameter_oids=statement.parameter_oids)


def _put_values(state: SessionState, message: Message) -> bool:
    found = False
    if isinstance(message, pg.ResTarget) and not message.name and _is_value(message.val):
        message.name = function_name(message.val.func_call) or ""
    if isinstance(message, pg.Node) and _is_value(message):
        arguments = [_argument(node, ()) for node in message.func_call.args]
        name = function_name(message.func_call)
        value: str | int | None = state.process_id
        if name == "current_setting":
            value = _setting(state, arguments[0] or "", arguments[1:])
        message.Clear()
        cast = message.type_cast
        if isinstance(value, int):
            cast.arg.a_const.ival.ival = value
        elif value is None:
            cast.arg.a_const.isnull = True
        else:
            cast.arg.a_const.sval.sval = value
        cast.type_name.names.add().string.sval = "int4" if isinstance(value, int) else "text"
        cast.type_name.typemod = -1
        return True
    if isinstance(message, pg.Node) and function_name(message.func_call) == "current_setting":
        message.CopyFrom(setting_of(state.settings, message.func_call.args[0]))
        return True
    for child in child_messages(message):
        found = _put_values(state, child) or found
    return found


def _is_value(node: Any) -> bool:
    """Return whether a node calls one of the functions with constants."""
    if node.WhichOneof("node") != "func_call":
        return False
    name, arguments = function_name(node.func_call), node.func_call.args
    if name == "pg_backend_pid":
        return not arguments
    return (
        name == "current_setting"
        and bool(arguments)
        and all(item.WhichOneof("node") in {"a_const", "type_cast"} and not _has_parameter(item) for item in arguments)
    )


def _has_parameter(node: Any) -> bool:
    while node.WhichOneof("node") == "type_cast":
        node = node.type_cast.arg
    return bool(node.WhichOneof("node") != "a_const")
