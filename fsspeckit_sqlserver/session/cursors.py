"""SQL-level cursors and prepared statements: DECLARE, FETCH, MOVE, CLOSE; PREPARE, EXECUTE, DEALLOCATE.

They share their names with the portals and statements of the extended protocol, as in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from postgast import pg_query_pb2 as pg

from fsspeckit_sqlserver.session.asking import describe, read_row, skip
from fsspeckit_sqlserver.session.commands import CloseRows, Steps
from fsspeckit_sqlserver.session.engine_calls import run_in_engine
from fsspeckit_sqlserver.session.errors import (
    DuplicateCursor,
    DuplicateStatement,
    ForwardOnly,
    NoActiveTransaction,
    PlanChanged,
    UndefinedCursor,
    UndefinedStatement,
)
from fsspeckit_sqlserver.session.functions import with_session_values
from fsspeckit_sqlserver.session.local_rows import CursorRows, Done
from fsspeckit_sqlserver.session.nodes import inner_statement
from fsspeckit_sqlserver.session.ports import Rows
from fsspeckit_sqlserver.session.scrolling import ScrollBuffer, ScrolledRows
from fsspeckit_sqlserver.session.state import Portal, Prepared, SessionState
from fsspeckit_sqlserver.statement import Statement, SyntaxProblem
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.oids import ARRAY_OF, ELEMENT_OF, oid_of_type
from fsspeckit_sqlserver.types.parameters import decode_parameter

__all__ = [
    "close",
    "deallocate",
    "declare",
    "execute",
    "fetch",
    "has_columns",
    "open_cursor",
    "prepare",
    "prepared_statement",
]

# Bits of DeclareCursorStmt.options: parsenodes.h of PostgreSQL.
_BINARY: Final = 0x0001
_SCROLL: Final = 0x0002
_HOLD: Final = 0x0020
_ALL: Final = 2**31 - 1  # FETCH ALL is LONG_MAX, or INT_MAX where long is 32 bits


def open_cursor(state: SessionState, name: str) -> Portal:
    """Return the portal or cursor of this name.

    Raises:
        UndefinedCursor: there is none.
    """
    try:
        return state.portals[name]
    except KeyError:
        raise UndefinedCursor(f'cursor "{name}" does not exist') from None


def prepared_statement(state: SessionState, name: str) -> Prepared:
    """Return the prepared statement of this name.

    Raises:
        UndefinedStatement: there is none.
    """
    try:
        return state.statements[name]
    except KeyError:
        shown = f'prepared statement "{name}"' if name else "unnamed prepared statement"
        raise UndefinedStatement(f"{shown} does not exist") from None


def declare(state: SessionState, statement: Statement, parameters: tuple[object, ...]) -> Steps[Rows]:
    """Open a cursor and start its query."""
    node = statement.node
    hold = bool(node.options & _HOLD)
    if not hold and not state.transaction.is_open:
        raise NoActiveTransaction("DECLARE CURSOR can only be used in transaction blocks")
    if node.portalname in state.portals:
        raise DuplicateCursor(f'cursor "{node.portalname}" already exists')
    query = replace(inner_statement(node.query), parameter_oids=statement.parameter_oids)
    rows = yield from run_in_engine(state, with_session_values(state, query), parameters)
    columns = rows.columns or ()
    formats = (1 if node.options & _BINARY else 0,) * len(columns)
    prepared = Prepared("", query, (), columns)
    scroll = ScrollBuffer(rows) if node.options & _SCROLL else None
    state.portals[node.portalname] = Portal(
        node.portalname,
        prepared,
        parameters,
        formats,
        rows,
        hold=hold,
        is_fresh=state.transaction.is_open,
        scroll=scroll,
        depth=state.transaction.depth,
        text=statement.source.strip() or statement.sql,
    )
    return Done("DECLARE CURSOR")


def fetch(state: SessionState, statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Answer the next rows of a cursor (FETCH), or step over them (MOVE)."""
    node = statement.node
    portal = open_cursor(state, node.portalname)
    if portal.scroll is not None:
        scrolled = ScrolledRows(portal.prepared.columns, portal.scroll, node.direction, node.how_many)
        if not node.ismove:
            return scrolled
        moved = Done("MOVE")
        moved.affected = (yield from skip(scrolled, None)).row_count
        return moved
    limit: int | None = node.how_many
    if node.direction == pg.FETCH_RELATIVE and node.how_many >= 1:
        yield from _skip(portal, node.how_many - 1)
        limit = 1
    elif node.direction != pg.FETCH_FORWARD or node.how_many < 0:
        raise ForwardOnly
    elif node.how_many >= _ALL:
        limit = None
    if portal.rows is None:  # a portal of the extended protocol that has not run yet
        if portal.prepared.statement is None:
            raise UndefinedCursor(f'cursor "{portal.name}" has no query')
        portal.rows = yield from run_in_engine(state, portal.prepared.statement, portal.parameters)
    if not node.ismove:
        return CursorRows("FETCH", portal.rows, limit)
    moved = Done("MOVE")
    moved.affected = yield from _skip(portal, limit)
    return moved


def _skip(portal: Portal, count: int | None) -> Steps[int]:
    if portal.rows is None or count == 0:
        return 0
    return (yield from skip(portal.rows, count)).row_count


def close(state: SessionState, statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Close one cursor, or all of them."""
    name = statement.node.portalname
    if not name:
        yield from state.close_portals(state.portals)
        return Done("CLOSE CURSOR ALL")
    open_cursor(state, name)
    yield from state.close_portals((name,))
    return Done("CLOSE CURSOR")


def prepare(state: SessionState, statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Keep a statement under a name."""
    node = statement.node
    if node.name in state.statements:
        raise DuplicateStatement(f'prepared statement "{node.name}" already exists')
    query = inner_statement(node.query)
    wanted = tuple(_oid_of(argument.type_name) for argument in node.argtypes)
    shape = yield from describe(query, wanted)
    query = replace(query, parameter_oids=shape.parameter_oids)
    state.statements[node.name] = Prepared(
        node.name, query, shape.parameter_oids, shape.columns, statement.source.strip() or statement.sql, from_sql=True
    )
    return Done("PREPARE")


def execute(state: SessionState, statement: Statement, parameters: tuple[object, ...]) -> Steps[Rows]:
    """Run a kept statement. Its arguments are expressions: the engine works them out first."""
    node = statement.node
    prepared = prepared_statement(state, node.name)
    if prepared.statement is None:
        raise UndefinedStatement(f'prepared statement "{node.name}" is empty')
    values: tuple[object, ...] = ()
    if node.params:
        select = pg.Node()
        select.select_stmt.op = pg.SETOP_NONE
        select.select_stmt.limit_option = pg.LIMIT_OPTION_DEFAULT
        for argument in node.params:
            select.select_stmt.target_list.add().res_target.val.CopyFrom(argument)
        rows = yield from run_in_engine(state, inner_statement(select), parameters)
        try:
            values = yield from read_row(rows)
        finally:
            yield CloseRows(rows)
    if len(values) != len(prepared.parameter_oids):
        raise SyntaxProblem(
            f'wrong number of parameters for prepared statement "{node.name}": '
            f"expected {len(prepared.parameter_oids)} parameters but got {len(values)}",
            0,
        )
    values = tuple(
        decode_parameter(oid, 0, value.encode(), number) if oid in ELEMENT_OF and isinstance(value, str) else value
        for number, (value, oid) in enumerate(zip(values, prepared.parameter_oids, strict=True), 1)
    )
    rows = yield from run_in_engine(state, prepared.statement, values)
    if not has_columns(rows, prepared.columns):
        yield CloseRows(rows)
        raise PlanChanged
    return rows


def _oid_of(written: pg.TypeName) -> int:
    oid = oid_of_type(written.names[-1].string.sval)
    return ARRAY_OF.get(oid, 0) if written.array_bounds else oid


def has_columns(rows: Rows, described: Sequence[Column] | None) -> bool:
    """Return whether rows have the columns that were described: files or tables may have changed in between."""
    found = rows.columns or ()
    return len(found) == len(described or ()) and all(
        (column.name, column.type_oid) == (wanted.name, wanted.type_oid)
        for column, wanted in zip(found, described or (), strict=True)
    )


def deallocate(state: SessionState, statement: Statement, _parameters: tuple[object, ...]) -> Steps[Rows]:
    """Forget one kept statement, or all of them."""
    yield from ()
    if statement.node.isall or not statement.node.name:
        state.statements.clear()
        return Done("DEALLOCATE ALL")
    prepared_statement(state, statement.node.name)
    del state.statements[statement.node.name]
    return Done("DEALLOCATE")
