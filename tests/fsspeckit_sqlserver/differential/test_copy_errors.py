"""COPY that goes wrong: the same error as PostgreSQL's, with its CONTEXT where the value is none of its type."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer

_TABLE: LiteralString = "CREATE TEMP TABLE ct (a int, b date, c text, d int CHECK (d > 0), e int UNIQUE)"


def told(dsn: str, sql: LiteralString, data: str, *, has_context: bool) -> tuple[object, ...]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_TABLE)
        with pytest.raises(psycopg.Error) as caught, connection.cursor().copy(sql) as copy:
            copy.write(data)
        found = caught.value.diag
        names = (found.table_name, found.column_name, found.constraint_name)
        return found.sqlstate, found.message_primary, *names, found.context if has_context else None


@pytest.mark.parametrize(
    ("sql", "data"),
    [
        ("COPY ct (a, c) FROM STDIN", "1\tx\n2\ty\nz\tq\n"),
        ("COPY ct (a, b) FROM STDIN", "1\t2024-01-01\n2\tnope\n"),
        ("COPY ct (a) FROM STDIN (FORMAT csv, HEADER)", "a\n1\nx\n"),
        ("COPY ct (a, b) FROM STDIN (FORMAT csv)", '1,2024-01-01\n"x",2024\n'),
        ("COPY ct (a) FROM STDIN", "1\n99999999999\n"),
        ("COPY ct (a) FROM STDIN (HEADER false)", "x\n"),
    ],
)
def test_a_value_is_named_with_its_line_and_column(
    postgres: str, gateway: RunningServer, sql: LiteralString, data: str
) -> None:
    wanted = told(postgres, sql, data, has_context=True)
    assert told(gateway.dsn, sql, data, has_context=True) == wanted


@pytest.mark.parametrize(
    ("sql", "data"),
    [
        ("COPY ct (d, e) FROM STDIN", "1\t1\n0\t2\n"),
        ("COPY ct (d, e) FROM STDIN", "1\t1\n1\t1\n"),
        ("COPY ct (nope) FROM STDIN", ""),
        ("COPY ct (a, a) FROM STDIN", ""),
        ("COPY ct (a) FROM STDIN (FORCE_NULL (a))", ""),
        ("COPY ct (a) FROM STDIN (FORMAT csv, FORCE_NULL (c))", ""),
        ("COPY ct FROM STDIN (FORMAT csv, FORCE_NOT_NULL (nope))", ""),
        ("COPY ct (a) FROM STDIN (FORMAT csv, FORCE_QUOTE (a))", ""),
    ],
)
def test_what_else_is_wrong_is_named(postgres: str, gateway: RunningServer, sql: LiteralString, data: str) -> None:
    wanted = told(postgres, sql, data, has_context=False)
    assert told(gateway.dsn, sql, data, has_context=False) == wanted
