"""Composite values in expressions, the same statements to PostgreSQL: casts, comparisons, fields, NULL, text, json."""

from __future__ import annotations

from collections.abc import Iterator

import asyncpg
import psycopg
import pytest
from psycopg import pq

from tests.fsspeckit_sqlserver.conftest import RunningServer
from tests.fsspeckit_sqlserver.differential.running import Answer, Connection, answer_of, simple

_OURS = """CREATE TEMP TABLE parts AS SELECT g.i AS id, struct_pack(a := g.i::int, b := 'x' || g.i,
    n := (g.i * 0.5)::numeric(9,2)) AS rec, ARRAY[struct_pack(p := g.i::int)] AS recs
    FROM generate_series(0, 4) AS g(i)"""
_THEIRS = """CREATE TYPE row_type AS (a int, b text, n numeric(9,2)); CREATE TYPE element_type AS (p int);
    CREATE TEMP TABLE parts AS SELECT i AS id, ROW(i, 'x' || i, i * 0.5)::row_type AS rec,
    ARRAY[ROW(i)::element_type] AS recs FROM generate_series(0, 4) i"""


@pytest.fixture(scope="module")
def both(gateway: RunningServer, postgres: str) -> Iterator[tuple[Connection, Connection, str]]:
    """Our connection, PostgreSQL's, and our name of `row_type`."""
    with psycopg.connect(gateway.dsn, autocommit=True) as ours, psycopg.connect(postgres, autocommit=True) as theirs:
        ours.execute("SET fsspeckit.struct_format = composite")
        ours.execute(_OURS)
        theirs.execute(_THEIRS)
        described = ours.execute("SELECT rec FROM parts").description
        assert described is not None
        ((name,),) = ours.execute("SELECT typname FROM pg_type WHERE oid = %s", [described[0].type_code]).fetchall()
        yield ours, theirs, str(name)
        theirs.execute("DROP TABLE parts; DROP TYPE row_type; DROP TYPE element_type")


def _told(answer: Answer) -> object:
    """What both have to say, but for the OIDs of their own types."""
    return answer.sqlstate, [name for name, _ in answer.columns], answer.rows, answer.tag


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT rec, recs, recs[1], (recs[1]).p FROM parts ORDER BY id",
        "SELECT '(1,b,2.5)'::row_type AS r, ('(1,b,2.5)'::row_type).b, NULL::row_type AS z",
        'SELECT \'(1,"b ""c",)\'::row_type AS q',
        "SELECT ROW(1, 'b', 2.5)::row_type, ROW(1, NULL, '2.555')::row_type",
        "SELECT '(x,b,1)'::row_type",
        "SELECT '(1,b)'::row_type",
        "SELECT '1,b,2'::row_type",
        "SELECT ROW(1, 2)::row_type",
        "SELECT id FROM parts WHERE rec = ROW(1, 'x1', 0.50)::row_type",
        "SELECT id FROM parts WHERE rec <> ROW(1, 'x1', 0.50)::row_type ORDER BY id",
        "SELECT id FROM parts WHERE rec > '(2,a,0)'::row_type ORDER BY id",
        "SELECT id FROM parts WHERE rec IN ('(1,x1,0.50)', '(2,x2,1.00)') ORDER BY id",
        "SELECT (rec).a, (parts.rec).b, (rec).n + 1 FROM parts WHERE (rec).b > 'x1' ORDER BY (rec).a DESC",
        "SELECT (rec).* FROM parts ORDER BY id",
        "SELECT id, (p.rec).*, id FROM parts p ORDER BY id",
        "SELECT rec IS NULL, rec IS NOT NULL FROM parts ORDER BY id",
        "SELECT r IS NULL, r IS NOT NULL FROM (SELECT '(1,,)'::row_type AS r UNION ALL SELECT '(,,)') t ORDER BY 1",
        "SELECT '(,,)'::row_type IS NULL, '(1,,)'::row_type IS NULL, '(1,,)'::row_type IS NOT NULL",
        "SELECT rec::text, 'x' || rec::text FROM parts ORDER BY id",
        "SELECT row_to_json(rec), to_jsonb(rec), json_agg(rec) FROM parts WHERE id = 1 GROUP BY rec",
        "SELECT rec, count(*) FROM parts GROUP BY rec ORDER BY rec DESC",
        "SELECT array_agg(rec ORDER BY id), count(DISTINCT rec) FROM parts",
        "SELECT r.p FROM parts, unnest(recs) AS r ORDER BY r.p",
        "SELECT coalesce(rec, '(0,,)'), CASE WHEN id = 1 THEN rec END FROM parts ORDER BY id",
        "SELECT ROW(1, 'b c', 2.50, NULL, '', date '2024-02-29'), (1, true), ROW(1, ROW(2, 'a,b'))",
        "SELECT ARRAY[ROW(1, 'a'), ROW(2, 'b c')]",
    ],
)
def test_statements_have_postgresqls_answers(both: tuple[Connection, Connection, str], statement: str) -> None:
    ours, theirs, name = both
    assert _told(simple(ours, statement.replace("row_type", name))) == _told(simple(theirs, statement))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT $1::row_type AS r",
        "SELECT ($1::row_type).b AS b",
        "SELECT id FROM parts WHERE rec = $1::row_type",
    ],
)
def test_parameters_are_typed_by_a_cast(both: tuple[Connection, Connection, str], statement: str) -> None:
    ours, theirs, name = both
    for value in (b"(1,x1,0.5)", b'(1,"x""1",)', b"(1,x1)"):
        answer = answer_of(ours.pgconn.exec_params(statement.replace("row_type", name).encode(), [value]))
        assert _told(answer) == _told(answer_of(theirs.pgconn.exec_params(statement.encode(), [value])))


@pytest.mark.parametrize(
    ("statement", "value", "found"),
    [
        ("SELECT id FROM parts WHERE rec = $1", b"(1,x1,0.50)", [b"1"]),
        ("SELECT id FROM parts WHERE rec = '(1,x1,0.5)' OR rec = $1", b"(3,x3,1.5)", [b"1", b"3"]),
        ("SELECT id FROM parts WHERE rec = ANY($1)", b'{"(1,x1,0.50)","(2,x2,1.00)"}', [b"1", b"2"]),
    ],
)
def test_parameters_are_typed_by_what_they_meet(
    both: tuple[Connection, Connection, str], statement: str, value: bytes, found: list[bytes]
) -> None:
    """PostgreSQL 15 asks for a cast here: input of anonymous composite types is not implemented."""
    result = both[0].pgconn.exec_params(f"{statement} ORDER BY id".encode(), [value])
    assert result.status == pq.ExecStatus.TUPLES_OK, result.error_message
    assert [result.get_value(row, 0) for row in range(result.ntuples)] == found


@pytest.mark.asyncio
async def test_asyncpg_sends_tuples_for_what_it_was_told(gateway: RunningServer) -> None:
    connection = await asyncpg.connect(gateway.url, server_settings={"fsspeckit.struct_format": "composite"})
    try:
        await connection.execute("CREATE TEMP TABLE kept AS SELECT struct_pack(a := 1, b := 'x') AS r")
        assert await connection.fetchval("SELECT (r).b FROM kept WHERE r = $1", (1, "x")) == "x"
    finally:
        await connection.close()
