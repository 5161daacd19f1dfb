"""Names and errors: the same rows, and of an error the same words, SQLSTATE, detail, hint and place as PostgreSQL's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from tests.fsspeckit_sqlserver.conftest import RunningServer
from tests.fsspeckit_sqlserver.differential.running import Connection, answer_of

_FIELDS = (
    pq.DiagnosticField.SQLSTATE,
    pq.DiagnosticField.MESSAGE_PRIMARY,
    pq.DiagnosticField.MESSAGE_DETAIL,
    pq.DiagnosticField.MESSAGE_HINT,
    pq.DiagnosticField.STATEMENT_POSITION,
    pq.DiagnosticField.CONTEXT,
    pq.DiagnosticField.TABLE_NAME,
    pq.DiagnosticField.COLUMN_NAME,
    pq.DiagnosticField.CONSTRAINT_NAME,
)
_HERE = Path(__file__).parent


@pytest.fixture
def pair(postgres: str, gateway: RunningServer) -> Iterator[tuple[Connection, Connection]]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        for connection in (theirs, ours):
            connection.add_notice_handler(lambda _: None)
        yield theirs, ours


def told(connection: Connection, sql: str, *, is_extended: bool) -> object:
    """Return all that a client is told: the fields of an error, or columns, rows and tag."""
    execute = connection.pgconn
    result = execute.exec_params(sql.encode(), [], None, None, 0) if is_extended else execute.exec_(sql.encode())
    if result.status == pq.ExecStatus.FATAL_ERROR:
        return {field.name: found.decode() for field in _FIELDS if (found := result.error_field(field))}
    answer = answer_of(result)
    return answer.columns, answer.rows, answer.tag


@pytest.mark.parametrize("is_extended", [False, True], ids=["simple", "extended"])
@pytest.mark.parametrize("name", ["names", "tables", "mistakes", "views"])
def test_what_is_told_is_the_same(pair: tuple[Connection, Connection], name: str, is_extended: bool) -> None:
    theirs, ours = pair
    unexpected = []
    for statement in (_HERE / f"{name}.sql").read_text(encoding="utf-8").splitlines():
        wanted = told(theirs, statement, is_extended=is_extended)
        found = told(ours, statement, is_extended=is_extended)
        if found != wanted:
            unexpected.append(f"{statement}\n   ours: {found}\n theirs: {wanted}")
    assert not unexpected, f"{len(unexpected)} differences:\n" + "\n".join(unexpected)
