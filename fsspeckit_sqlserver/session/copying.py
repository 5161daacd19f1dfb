"""COPY: rows out as CopyData, and rows of the client into a temporary table."""

from __future__ import annotations

from postgast import pg_query_pb2 as pg

from fsspeckit_lib.errors import AccessDenied, Cancelled, GatewayError, Unsupported
from fsspeckit_sqlserver.session.asking import open_copy, receive, stream_copy, write_copy
from fsspeckit_sqlserver.session.commands import (
    BeginTransaction,
    CloseRows,
    CommitTransaction,
    Flush,
    RollbackTransaction,
    Send,
    Steps,
)
from fsspeckit_sqlserver.session.copy_options import ColumnNamedTwice, copy_format
from fsspeckit_sqlserver.session.engine_calls import run_in_engine
from fsspeckit_sqlserver.session.errors import ProtocolViolation
from fsspeckit_sqlserver.session.local_rows import Done
from fsspeckit_sqlserver.session.nodes import inner_statement
from fsspeckit_sqlserver.session.ports import CopyTarget, Rows
from fsspeckit_sqlserver.session.state import SessionState
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types.copy_in import copy_reader
from fsspeckit_sqlserver.types.copy_out import BINARY_HEADER, BINARY_TRAILER, CopyFormat
from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.copying import CopyDataOut, CopyDoneOut, CopyInResponse, CopyOutResponse
from fsspeckit_sqlserver.wire.phases import Phase, next_phase

__all__ = ["copy"]


def copy(state: SessionState, statement: Statement, parameters: tuple[object, ...]) -> Steps[Rows]:
    """Carry out COPY … TO STDOUT and COPY … FROM STDIN.

    Raises:
        AccessDenied: it names a file or a program of the server.
    """
    node = statement.node
    if node.is_program or node.filename:
        what = "a program" if node.is_program else "a file"
        raise AccessDenied(f"COPY to or from {what} of the server is not allowed; use STDIN, STDOUT or psql's \\copy")
    if node.is_from:
        return (yield from _copy_in(state, statement))
    return (yield from _copy_out(state, statement, parameters))


def _copy_out(state: SessionState, statement: Statement, parameters: tuple[object, ...]) -> Steps[Rows]:
    try:
        rows = yield from run_in_engine(state, _query_of(statement.node), parameters)
    except GatewayError as error:
        _name_relation(error, statement.node)
        raise
    try:
        columns = rows.columns or ()
        names = [column.name for column in columns]
        chosen = copy_format(statement.node, names)
        yield Send(CopyOutResponse(chosen.wire_format, len(columns)))
        if chosen.header:
            yield Send(CopyDataOut(chosen.header_line(names)))
        streamed = yield from stream_copy(rows, columns, state.settings.style, chosen)
        if chosen.format == "binary":
            yield Send(CopyDataOut(BINARY_TRAILER if streamed.row_count else BINARY_HEADER + BINARY_TRAILER))
        yield Send(CopyDoneOut())
    finally:
        yield CloseRows(rows)
    done = Done("COPY")
    done.affected = streamed.row_count
    return done


def _name_relation(error: GatewayError, node: pg.CopyStmt) -> None:
    """Say of a column that the table does not have what COPY says of it, without a place."""
    if not node.HasField("relation"):
        return
    for item in node.attlist:
        if (
            error.kind == "undefined-column"
            and getattr(error, "message", "") == f'column "{item.string.sval}" does not exist'
        ):
            words = f'column "{item.string.sval}" of relation "{node.relation.relname}" does not exist'
            for name, value in (("message", words), ("hint", None), ("position", None)):
                setattr(error, name, value)


def _query_of(node: pg.CopyStmt) -> Statement:
    """Return the query of a COPY TO: its own, or one over the columns of its table."""
    if node.HasField("query"):
        if node.query.WhichOneof("node") != "select_stmt":
            raise Unsupported("COPY takes a query that changes nothing")
        return inner_statement(node.query)
    select = pg.Node()
    select.select_stmt.op = pg.SETOP_NONE
    select.select_stmt.limit_option = pg.LIMIT_OPTION_DEFAULT
    select.select_stmt.from_clause.add().range_var.CopyFrom(node.relation)
    names = [name.string.sval for name in node.attlist]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ColumnNamedTwice(name)
    for name in node.attlist:
        select.select_stmt.target_list.add().res_target.val.column_ref.fields.add().CopyFrom(name)
    if not node.attlist:
        select.select_stmt.target_list.add().res_target.val.column_ref.fields.add().a_star.SetInParent()
    return inner_statement(select)


def _copy_in(state: SessionState, statement: Statement) -> Steps[Rows]:
    """Take rows until the client ends them. All of them are kept, or none."""
    if statement.node.HasField("where_clause"):
        raise Unsupported("COPY FROM ... WHERE is not served; copy all rows, then delete")
    target = yield from open_copy(statement)
    chosen = copy_format(statement.node, [column.name for column in target.columns])
    transaction = state.transaction
    is_own = not transaction.in_engine
    if is_own:
        yield BeginTransaction(transaction.depth)
        transaction.in_engine = transaction.is_open
    state.has_written = True
    yield Send(CopyInResponse(chosen.wire_format, len(target.columns)))
    yield Flush()
    phase, state.phase = state.phase, Phase.COPY_IN
    try:
        count = yield from _take_rows(state, target, chosen)
    except GatewayError:
        if is_own and not transaction.is_open:
            yield RollbackTransaction()
        raise
    finally:
        if state.phase is not Phase.CLOSED:
            state.phase = phase
    if is_own and not transaction.is_open:
        yield CommitTransaction()
    done = Done("COPY")
    done.affected = count
    return done


def _take_rows(state: SessionState, target: CopyTarget, chosen: CopyFormat) -> Steps[int]:
    reader = copy_reader(target.columns, chosen)
    count = 0
    while True:
        message = yield from receive()
        state.phase = next_phase(state.phase, message)
        match message:
            case fe.CopyData(data):
                table = reader.feed(data)
            case fe.CopyDone():
                table = reader.finish()
            case fe.CopyFail(reason):
                raise Cancelled(f"COPY from stdin failed: {reason}")
            case fe.Terminate():
                raise ProtocolViolation("unexpected EOF on client connection with an open COPY")
            case _:
                continue  # Flush and Sync mean nothing here
        if table is not None:
            count += table.num_rows
            yield from write_copy(target, table)
        if isinstance(message, fe.CopyDone):
            return count
