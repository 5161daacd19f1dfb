"""Every keyword of PostgreSQL, wherever a name may stand: accepted and refused as PostgreSQL does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer

_PLACES = {
    "label": "SELECT 1 AS {}",
    "bare label": "SELECT 1 {}",
    "table alias": "SELECT {}.a FROM (SELECT 1 AS a) AS {}",
    "bare table alias": "SELECT * FROM (SELECT 1 AS a) {}",
    "column": "SELECT {} FROM (SELECT 1 AS {}) q GROUP BY {}",
    "qualified column": "SELECT q.{} FROM (SELECT 1 AS {}) q",
    "column alias": "SELECT {} FROM (SELECT 1) q({}) WHERE {} = 1",
    "CTE": "WITH {} AS (SELECT 1 AS a) SELECT * FROM {}",
    "window": "SELECT sum(x) OVER {} FROM (SELECT 1 AS x) q WINDOW {} AS (ORDER BY x)",
    "extended window": (
        "SELECT sum(x) OVER ({} ROWS UNBOUNDED PRECEDING) FROM (SELECT 1 AS x) q WINDOW {} AS (ORDER BY x)"
    ),
    "USING": "SELECT * FROM (SELECT 1 AS {}) a JOIN (SELECT 1 AS {}) b USING ({})",
    "table": "CREATE TEMP TABLE {} ({} int, b int DEFAULT 3)",
    "INSERT": "INSERT INTO {} ({}) VALUES (1) RETURNING {}, b",
    "UPDATE": "UPDATE {} SET {} = {}.{} + 1 WHERE {}.{} = 1",
    "SELECT": "SELECT {}.{}, {} FROM {}",
    "rename": "ALTER TABLE {} RENAME COLUMN {} TO other",
    "DROP": "DROP TABLE {}",
    "PREPARE": "PREPARE {} AS SELECT 1",
    "DEALLOCATE": "DEALLOCATE {}",
}
Pair = tuple[psycopg.Connection[Any], psycopg.Connection[Any]]


@pytest.fixture(scope="module")
def pair(postgres: str, gateway: RunningServer) -> Iterator[Pair]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        yield theirs, ours


def _answer(connection: psycopg.Connection[Any], sql: str) -> object:
    try:
        cursor = connection.execute(sql)
    except psycopg.Error as error:
        return error.sqlstate
    if cursor.description is None:
        return cursor.statusmessage
    return [column.name for column in cursor.description], cursor.fetchall()


@pytest.mark.parametrize("category", ["U", "C", "T", "R"])
def test_each_is_a_name_where_postgresql_takes_it_for_one(pair: Pair, category: str) -> None:
    theirs, ours = pair
    words = theirs.execute("SELECT word FROM pg_get_keywords() WHERE catcode = %s ORDER BY 1", [category]).fetchall()
    # reserved ones are values as well: `GROUP BY false` is no question of names
    places = [sql for place, sql in _PLACES.items() if category != "R" or place != "column"]
    statements = [sql.replace("{}", word) for (word,) in words for sql in places]
    assert len(statements) > 20 * len(places)
    unlike = [sql for sql in statements if _answer(ours, sql) != _answer(theirs, sql)]
    assert unlike == []


def test_the_list_of_them_is_postgresqls(pair: Pair) -> None:
    query = "SELECT * FROM pg_get_keywords() ORDER BY word"
    assert _answer(pair[1], query) == _answer(pair[0], query)
