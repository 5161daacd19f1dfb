"""varchar(n), char(n) and bit(n) of temporary tables, compared with PostgreSQL."""

from __future__ import annotations

import psycopg
import pytest

from tests.fsspeckit_sqlserver.compared import answers
from tests.fsspeckit_sqlserver.conftest import RunningServer

SCRIPT = [
    "CREATE TEMP TABLE v (a varchar(3), b char(4), c numeric(5,2), d bit(3), e varbit(4), f varchar, k int UNIQUE)",
    "INSERT INTO v VALUES ('abc', 'ab', 1.234, B'101', B'11', 'x', 1)",
    "SELECT * FROM v",
    "SELECT s.b, s.a FROM (SELECT * FROM v) AS s",
    "INSERT INTO v (a) VALUES ('abcd')",
    "INSERT INTO v (a) VALUES ('abc   ')",
    "INSERT INTO v (a) VALUES (NULL), ('')",
    "INSERT INTO v (b) VALUES ('abcde')",
    "INSERT INTO v (b) VALUES ('abcd  '), ('x ')",
    "INSERT INTO v (d) VALUES (B'10')",
    "INSERT INTO v (e) VALUES (B'10101')",
    "INSERT INTO v (e, d) VALUES (B'1', B'111') RETURNING e, d",
    "UPDATE v SET a = 'toolong'",
    "UPDATE v SET a = 'new' WHERE k = 1 RETURNING a, b",
    "INSERT INTO v (a) SELECT 'abcdef'",
    "INSERT INTO v (a) SELECT x FROM (VALUES ('abcdef'::text)) AS t (x)",
    "INSERT INTO v SELECT 'xyz', 'w'",
    "INSERT INTO v (k, a) VALUES (1, 'z') ON CONFLICT (k) DO UPDATE SET a = 'toolong'",
    "INSERT INTO v (k, a) VALUES (1, 'z') ON CONFLICT (k) DO UPDATE SET a = EXCLUDED.a RETURNING a, b",
    "SELECT a, b, d, e, length(a) FROM v ORDER BY a, b, d, e",
    "CREATE TEMP VIEW w AS SELECT b, a FROM v",
    "SELECT * FROM w ORDER BY a, b LIMIT 2",
    "SELECT attname, atttypid, atttypmod FROM pg_attribute WHERE attrelid='v'::regclass AND attnum > 0 ORDER BY 3, 1",
]


def test_lengths_are_kept_and_announced(postgres: str, gateway: RunningServer) -> None:
    assert answers(gateway.dsn, SCRIPT) == answers(postgres, SCRIPT)


def test_parameters_and_copied_rows_are_held_to_them(postgres: str, gateway: RunningServer) -> None:
    for dsn in (postgres, gateway.dsn):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE TEMP TABLE v (a varchar(3), b char(2))")
            connection.execute("INSERT INTO v VALUES (%s, %s)", ("ab ", "c"))
            with pytest.raises(psycopg.errors.StringDataRightTruncation, match="character varying"):
                connection.execute("INSERT INTO v VALUES (%s, %s)", ("abcd", "c"))
            with connection.cursor() as cursor, cursor.copy("COPY v FROM STDIN") as copy:
                copy.write_row(("xyz   ", "d"))
            with (
                pytest.raises(psycopg.errors.StringDataRightTruncation),
                connection.cursor() as cursor,
                cursor.copy("COPY v FROM STDIN") as copy,
            ):
                copy.write_row(("wxyz", "d"))
            assert connection.execute("SELECT a, b FROM v ORDER BY a").fetchall() == [("ab ", "c "), ("xyz", "d ")]
