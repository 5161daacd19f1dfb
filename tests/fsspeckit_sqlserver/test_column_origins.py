"""Which table and column each column of a result is, in RowDescription and Describe, compared with PostgreSQL."""

from __future__ import annotations

import psycopg

from tests.fsspeckit_sqlserver.compared import answers
from tests.fsspeckit_sqlserver.conftest import RunningServer

MAKE = [
    "CREATE TEMP TABLE one (id int, name text, x float8)",
    "CREATE TEMP TABLE two (num int, id int, name text)",
    "CREATE TEMP TABLE three (id int, other int)",
    "INSERT INTO one VALUES (1, 'a', 0.5), (2, 'b', 1.5)",
    "INSERT INTO two VALUES (7, 1, 'c'), (8, 3, 'd')",
    "CREATE TEMP VIEW seen AS SELECT name, id AS number, id + 1 AS more FROM one",
    "CREATE TEMP VIEW deeper AS SELECT number, name FROM seen",
]
SCRIPT = [
    "SELECT id, name, x FROM one",
    "SELECT * FROM one",
    "SELECT x, one.*, name AS other FROM one",
    "SELECT o.name, o.id + 1, upper(o.name), o.x FROM one o",
    "SELECT a, b FROM one AS o (a, b)",
    "SELECT * FROM one AS o (a, b)",
    "SELECT ONE.Name FROM one",
    "SELECT pg_temp.one.id FROM pg_temp.one",
    "SELECT 1, 'a', NULL, id FROM one",
    "SELECT count(*), max(id), name FROM one GROUP BY name",
    "SELECT name FROM one GROUP BY name HAVING count(*) > 0",
    "SELECT DISTINCT name, id FROM one",
    "SELECT id, row_number() OVER (ORDER BY id) FROM one",
    "SELECT id FROM one ORDER BY x LIMIT 1",
    "SELECT one.id, two.id, two.num FROM one, two",
    "SELECT * FROM one, two",
    "SELECT * FROM one JOIN two ON one.id = two.id",
    "SELECT * FROM one LEFT JOIN two ON one.id = two.id",
    "SELECT * FROM one JOIN two USING (id)",
    "SELECT id FROM one JOIN two USING (id)",
    "SELECT id, one.id, two.id FROM one LEFT JOIN two USING (id)",
    "SELECT id, two.name FROM one RIGHT JOIN two USING (id)",
    "SELECT id, one.name FROM one FULL JOIN two USING (id)",
    "SELECT * FROM one FULL JOIN two USING (id)",
    "SELECT * FROM one NATURAL JOIN two",
    "SELECT name, num FROM one NATURAL LEFT JOIN two",
    "SELECT j.* FROM (one JOIN two USING (id)) AS j",
    "SELECT j.num, j.id FROM (one JOIN two USING (id)) AS j",
    "SELECT * FROM one JOIN two USING (id) JOIN three USING (id)",
    "SELECT other, id FROM one JOIN two USING (id) LEFT JOIN three USING (id)",
    "SELECT u.id FROM one JOIN two USING (id) AS u",
    "SELECT * FROM (SELECT name, id AS number FROM one) AS s",
    "SELECT number, name FROM (SELECT name, id AS number, x + 1 AS y FROM one) AS s",
    "SELECT y FROM (SELECT name, id AS number, x + 1 AS y FROM one) AS s",
    "SELECT * FROM (SELECT * FROM (SELECT x, name FROM one) AS a) AS b",
    "SELECT * FROM (SELECT one.id, two.id FROM one, two) AS s",
    "SELECT s.b FROM (SELECT id, name FROM one) AS s (a, b)",
    "SELECT * FROM (SELECT DISTINCT name FROM one) AS s",
    "SELECT * FROM (SELECT name, count(*) FROM one GROUP BY name) AS s",
    "SELECT * FROM (SELECT id FROM one LIMIT 1) AS s",
    "WITH c AS (SELECT name, id FROM one) SELECT id, name FROM c",
    "WITH c AS (SELECT name, id FROM one), d AS (SELECT * FROM c) SELECT * FROM d",
    "WITH c (a, b) AS (SELECT name, id + 1 FROM one) SELECT * FROM c",
    "WITH c AS MATERIALIZED (SELECT name FROM one) SELECT c.name, o.id FROM c JOIN one o ON o.name = c.name",
    "WITH RECURSIVE r AS (SELECT id FROM one UNION ALL SELECT id + 1 FROM r WHERE id < 3) SELECT id FROM r",
    "SELECT id FROM one UNION SELECT id FROM two",
    "SELECT id, name FROM one UNION ALL SELECT id, name FROM one",
    "SELECT * FROM (SELECT id FROM one EXCEPT SELECT id FROM two) AS s",
    "SELECT (SELECT name FROM one LIMIT 1), (SELECT o.id) FROM one o",
    "SELECT l.n, o.name FROM one o, LATERAL (SELECT o.id AS n) AS l",
    "SELECT l.name FROM one o LEFT JOIN LATERAL (SELECT name FROM two WHERE two.id = o.id) AS l ON true",
    "SELECT id FROM one WHERE id IN (SELECT id FROM two)",
    "SELECT g, id FROM generate_series(1, 2) AS g, one",
    "SELECT * FROM one, generate_series(1, 2) AS g",
    "SELECT * FROM (VALUES (1, 'a')) AS v (id, name)",
    "VALUES (1, 2)",
    "SELECT * FROM seen",
    "SELECT more, name FROM seen",
    "SELECT d.name, d.number FROM deeper AS d",
    "SELECT s.number, one.name FROM seen s JOIN one ON one.id = s.number",
    "TABLE one",
    "SELECT relname, oid, relkind FROM pg_class WHERE relname = 'pg_class'",
    "SELECT relname, attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.oid = 1259 AND attnum=1",
    "SELECT table_name FROM information_schema.tables WHERE table_name = 'pg_class'",
    "SELECT typname FROM pg_catalog.pg_type WHERE oid = 23",
    "SELECT CASE WHEN id = 1 THEN name END, coalesce(name, 'x'), name || 'y', -id FROM one",
    "INSERT INTO one VALUES (3, 'z', 1) RETURNING id, name, x + 1",
    "UPDATE one SET x = 2 WHERE id = 3 RETURNING *",
    "DELETE FROM one WHERE id = 3 RETURNING name, id",
]


def test_columns_say_which_table_they_are_of(postgres: str, gateway: RunningServer) -> None:
    script = [*MAKE, *SCRIPT]
    theirs, ours = (answers(dsn, script, has_origins=True) for dsn in (postgres, gateway.dsn))
    assert [(sql, answer[3:]) for sql, *answer in ours] == [(sql, answer[3:]) for sql, *answer in theirs]


def test_columns_of_datasets_are_those_of_the_catalog(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn) as connection:
        sql = (
            "SELECT attrelid, attnum::int4, attname FROM pg_attribute WHERE attrelid = 'trips'::regclass AND attnum > 0"
        )
        known = {row[2]: row[:2] for row in connection.execute(sql)}
        for query in ("SELECT zone, year, id FROM trips LIMIT 1", "SELECT * FROM (SELECT * FROM trips) AS t LIMIT 1"):
            result = connection.execute(query).pgresult
            assert result is not None
            for place in range(result.nfields):
                name = (result.fname(place) or b"").decode()
                assert (result.ftable(place), result.ftablecol(place)) == known[name]
        described = connection.pgconn
        described.prepare(b"of", b"SELECT fare AS cost, fare + 1 FROM trips")
        shown = described.describe_prepared(b"of")
        assert (shown.ftable(0), shown.ftablecol(0)) == known["fare"]
        assert (shown.ftable(1), shown.ftablecol(1)) == (0, 0)
