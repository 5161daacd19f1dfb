"""Runs a script against two servers, so that a test can say that they answer the same."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus

__all__ = ["answers"]

_SHOWN = (
    DiagnosticField.SQLSTATE,
    DiagnosticField.MESSAGE_PRIMARY,
    DiagnosticField.MESSAGE_DETAIL,
    DiagnosticField.MESSAGE_HINT,
    DiagnosticField.STATEMENT_POSITION,
)


def answers(dsn: str, script: Sequence[str], *, has_origins: bool = False) -> list[tuple[object, ...]]:
    """Return what a server says to each statement of one connection: notices, and rows or the fields of an error.

    Args:
        has_origins: with the table and the number of each column, the table by its name.
    """
    heard: list[object] = []
    told: list[tuple[object, ...]] = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.add_notice_handler(lambda found: heard.append((found.sqlstate, found.message_primary)))
        for sql in script:
            heard.clear()
            result = connection.pgconn.exec_(sql.encode())
            if result.status == ExecStatus.FATAL_ERROR:
                told.append((sql, *(result.error_field(shown) for shown in _SHOWN), *heard))
                continue
            columns = [
                (result.fname(place), result.ftype(place), result.fmod(place)) for place in range(result.nfields)
            ]
            rows = [tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples)]
            origins: list[object] = []
            if has_origins:
                for place in range(result.nfields):
                    table = result.ftable(place)
                    found = connection.pgconn.exec_(f"SELECT relname FROM pg_class WHERE oid = {table}".encode())
                    origins.append((found.get_value(0, 0) if found.ntuples else None, result.ftablecol(place)))
            told.append((sql, result.command_status, columns, rows, origins, *heard))
    return told
