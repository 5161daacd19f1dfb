"""One statement on one server: what a client is told, as one comparable value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from psycopg import pq

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Answer:
    """What one server says to one statement. `rows` is None where there is no result set."""

    columns: tuple[tuple[str, int], ...] = ()
    rows: tuple[tuple[bytes | None, ...], ...] | None = None
    tag: str = ""
    sqlstate: str = ""
    message: str = ""

    @property
    def shown(self) -> str:
        """The answer in one line."""
        if self.sqlstate:
            return f"{self.sqlstate} {self.message}"
        return f"{self.columns} {self.rows} {self.tag}"[:300]

    def difference(self, theirs: Answer) -> str:
        """Return what differs from the oracle's answer, in one word; empty for nothing."""
        if self.sqlstate != theirs.sqlstate:
            return "sqlstate"
        if [oid for _, oid in self.columns] != [oid for _, oid in theirs.columns]:
            return "types"
        if self.columns != theirs.columns:
            return "names"
        if self.rows != theirs.rows:
            return "rows"
        return "tag" if self.tag != theirs.tag else ""


def answer_of(result: pq.abc.PGresult) -> Answer:
    columns = tuple(((result.fname(place) or b"").decode(), result.ftype(place)) for place in range(result.nfields))
    if result.status in {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE}:
        state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
        message = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode()
        return Answer(sqlstate=state or "none", message=message)
    rows = None
    if result.status == pq.ExecStatus.TUPLES_OK:
        rows = tuple(
            tuple(result.get_value(row, column) for column in range(result.nfields)) for row in range(result.ntuples)
        )
    return Answer(columns, rows, (result.command_status or b"").decode())


def simple(connection: Connection, sql: str) -> Answer:
    """Run by the simple protocol: text."""
    return answer_of(connection.pgconn.exec_(sql.encode()))


def extended(connection: Connection, sql: str) -> Answer:
    """Run by the extended protocol, without parameters: binary."""
    return answer_of(connection.pgconn.exec_params(sql.encode(), [], None, None, 1))
