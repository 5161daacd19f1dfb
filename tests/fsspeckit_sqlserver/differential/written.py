"""Written statements: functions, clauses, errors and the session's own statements."""

from __future__ import annotations

from pathlib import Path

SETUP = [
    "CREATE TEMP TABLE people (id int, name text, born date, height float8, paid numeric(10,2), tags text[], boss int)",
    "INSERT INTO people VALUES"  # noqa: ISC004
    " (1, 'Ada', '1815-12-10', 1.65, 100.50, '{a,b}', NULL), (2, 'Bob', '1990-06-15', 1.80, 20.00, '{}', 1),"
    " (3, 'Cy', NULL, 1.75, NULL, NULL, 1), (4, 'ada', '2000-02-29', NULL, 0.10, '{\"x y\",NULL}', 2)",
    "CREATE TEMP TABLE sums (g int, s int2, i int4, l int8, f float4, d float8, n numeric(12,3), b bool)",
    "INSERT INTO sums VALUES (1, 1, 10, 100, 1.5, 2.5, 1.125, true), (1, 2, 20, 200, 2.5, 3.5, 2.250, false),"  # noqa: ISC004
    " (2, 3, 30, 300, NULL, 4.5, 3.375, true), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
]

_HERE = Path(__file__).parent


def _lines(name: str) -> list[str]:
    """Return the statements of a file beside this one: one a line, with `\\n` for a line's end."""
    text = (_HERE / name).read_text(encoding="utf-8").removesuffix("\n")
    return [line.replace("\\n", "\n") for line in text.split("\n")]


EXPRESSIONS = _lines("expressions.sql")
QUERIES = _lines("queries.sql")
REPORTS = _lines("reports.sql")
ERRORS = _lines("errors.sql")
TEXTS = _lines("texts.sql")
DOCUMENTS = _lines("documents.sql")
RANDOM = _lines("random.sql")
ZONED = [["SET TimeZone = 'Europe/Berlin'", statement, "RESET TimeZone"] for statement in _lines("zones.sql")]
SCRIPTS: list[list[str]] = [
    ["BEGIN", "SELECT 1", "COMMIT"],
    ["BEGIN", "SELECT 1/0", "SELECT 1", "COMMIT"],
    ["BEGIN", "SELECT 1/0", "ROLLBACK", "SELECT 1"],
    [
        "START TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SHOW transaction_isolation",
        "COMMIT",
        "SHOW transaction_isolation",
    ],
    ["BEGIN READ ONLY", "SHOW transaction_read_only", "END"],
    ["BEGIN", "BEGIN", "COMMIT", "COMMIT"],
    ["ROLLBACK"],
    ["ABORT"],
    ["BEGIN", "SAVEPOINT a", "SELECT 1/0", "ROLLBACK TO a", "SELECT 2", "RELEASE a", "COMMIT"],
    ["BEGIN", "SAVEPOINT a", "SAVEPOINT b", "ROLLBACK TO SAVEPOINT a", "RELEASE b", "ROLLBACK"],
    [
        "BEGIN",
        "CREATE TEMP TABLE sp (x int)",
        "SAVEPOINT a",
        "INSERT INTO sp VALUES (1)",
        "ROLLBACK TO a",
        "SELECT * FROM sp",
        "COMMIT",
        "DROP TABLE sp",
    ],
    ["BEGIN", "SET LOCAL statement_timeout = '5s'", "SHOW statement_timeout", "COMMIT", "SHOW statement_timeout"],
    ["BEGIN", "SET statement_timeout = '5s'", "ROLLBACK", "SHOW statement_timeout"],
    ["SET application_name = 'x'", "SHOW application_name", "RESET application_name", "SHOW application_name"],
    ["SET search_path = public, pg_catalog", "SHOW search_path", "RESET search_path"],
    [
        "SET TimeZone = 'Europe/Berlin'",
        "SELECT '2024-07-01 00:00+00'::timestamptz",
        "SHOW TimeZone",
        "SET TIME ZONE DEFAULT",
        "SHOW TimeZone",
    ],
    ["SET TIME ZONE 'America/St_Johns'", "SELECT '2024-01-01 00:00+00'::timestamptz", "RESET TimeZone"],
    ["SET DateStyle = 'ISO, DMY'", "SHOW DateStyle", "SELECT '01/02/2024'::date", "RESET DateStyle"],
    [
        "SET DateStyle = 'German'",
        "SHOW DateStyle",
        "SELECT date '2024-02-29', timestamp '2024-02-29 12:34:56.5', timestamptz '2024-02-29 12:34:56+00'",
        "RESET DateStyle",
    ],
    [
        "SET DateStyle = 'SQL, MDY'",
        "SELECT date '2024-02-29', timestamp '2024-02-29 12:34:56.5', timestamptz '2024-02-29 12:34:56+00'",
        "RESET DateStyle",
    ],
    [
        "SET DateStyle = 'SQL, DMY'",
        "SELECT date '2024-02-29', timestamp '2024-02-29 12:34:56.5', timestamptz '2024-02-29 12:34:56+00'",
        "RESET DateStyle",
    ],
    [
        "SET DateStyle = 'Postgres, MDY'",
        "SELECT date '2024-02-29', timestamp '2024-02-29 12:34:56.5', timestamptz '2024-02-29 12:34:56+00'",
        "RESET DateStyle",
    ],
    [
        "SET DateStyle = 'Postgres, DMY'",
        "SELECT date '2024-02-29', timestamp '2024-02-29 12:34:56.5', timestamptz '2024-02-29 12:34:56+00'",
        "RESET DateStyle",
    ],
    [
        "SET DateStyle = 'German'",
        "SELECT date '2024-02-29'::text, timestamp '2024-02-29 12:34:56'::text || '!'",
        "RESET DateStyle",
    ],
    [
        "SET DateStyle = 'ISO, DMY'",
        "SELECT date '29.2.2024'::text, timestamp '2024-02-29 12:34:56'::text || '!'",
        "RESET DateStyle",
    ],
    [
        "SET IntervalStyle = 'postgres_verbose'",
        "SELECT interval '1 year 2 mons -3 days 04:05:06.7', interval '0', interval '-1 day'",
        "RESET IntervalStyle",
    ],
    [
        "SET IntervalStyle = 'sql_standard'",
        "SELECT interval '1 year 2 mons -3 days 04:05:06.7', interval '0', interval '1 day', interval '1-2'",
        "RESET IntervalStyle",
    ],
    [
        "SET IntervalStyle = 'iso_8601'",
        "SELECT interval '1 year 2 mons -3 days 04:05:06.7', interval '0', interval '-1 day'",
        "RESET IntervalStyle",
    ],
    [
        "SET extra_float_digits = 0",
        "SELECT 0.1::float8 + 0.2::float8, 0.1::float4, 1e15::float8, 123456.789::float4",
        "RESET extra_float_digits",
    ],
    ["SET extra_float_digits = -3", "SELECT pi(), 1/3.0::float8, 1.5::float4", "RESET extra_float_digits"],
    ["SET extra_float_digits = 3", "SELECT 0.1::float8 + 0.2::float8, 0.1::float4", "RESET extra_float_digits"],
    ["SET bytea_output = 'escape'", "SELECT '\\x0041ff5c'::bytea", "RESET bytea_output", "SELECT '\\x0041ff5c'::bytea"],
    [
        "SET TimeZone = 'America/New_York'",
        "SELECT to_json(timestamptz '2024-07-01 12:00+00'), to_jsonb(ARRAY[timestamptz '2024-01-01 12:00:00.5+00'])",
        "SELECT row_to_json(t) FROM (SELECT timestamptz '2024-07-01 12:00+00' AS m) t",
        "RESET TimeZone",
    ],
    [
        "SET IntervalStyle = 'iso_8601'",
        "SELECT to_json(interval '1 day 2 hours'), jsonb_agg(interval '1 mon')",
        "SELECT row_to_json(t) FROM (SELECT interval '1 day 2 hours' AS i) t",
        "RESET IntervalStyle",
    ],
    [
        "SET DateStyle = 'German'",
        "SELECT to_json(date '2024-02-01'), json_agg(t) FROM (SELECT timestamp '2024-02-01 10:00' AS m) t",
        "RESET DateStyle",
    ],
    ["PREPARE p AS SELECT 1", "EXECUTE p", "DEALLOCATE p", "EXECUTE p"],
    [
        "PREPARE p (int, text) AS SELECT $1 + 1, $2",
        "EXECUTE p(1, 'a')",
        "EXECUTE p(1)",
        "EXECUTE p('x', 'a')",
        "PREPARE p AS SELECT 2",
        "DEALLOCATE ALL",
    ],
    ["PREPARE q AS SELECT * FROM people WHERE id = $1", "EXECUTE q(2)", "DEALLOCATE PREPARE q"],
    [
        "BEGIN",
        "DECLARE c CURSOR FOR SELECT * FROM generate_series(1, 10) n",
        "FETCH c",
        "FETCH 2 FROM c",
        "FETCH NEXT c",
        "MOVE 2 IN c",
        "FETCH FORWARD 3 FROM c",
        "FETCH ALL FROM c",
        "FETCH 1 FROM c",
        "CLOSE c",
        "COMMIT",
    ],
    [
        "BEGIN",
        "DECLARE c SCROLL CURSOR FOR SELECT * FROM generate_series(1, 10) n",
        "FETCH LAST c",
        "FETCH FIRST c",
        "FETCH ABSOLUTE 5 c",
        "FETCH RELATIVE -2 c",
        "FETCH PRIOR c",
        "FETCH BACKWARD 2 c",
        "FETCH BACKWARD ALL c",
        "FETCH ABSOLUTE -1 c",
        "FETCH ABSOLUTE 0 c",
        "FETCH 0 c",
        "FETCH RELATIVE 0 c",
        "FETCH 20 c",
        "FETCH -3 c",
        "MOVE BACKWARD ALL c",
        "MOVE FORWARD ALL c",
        "MOVE ABSOLUTE 3 c",
        "FETCH RELATIVE 0 c",
        "MOVE LAST c",
        "MOVE 0 c",
        "ROLLBACK",
    ],
    ["BEGIN", "DECLARE c NO SCROLL CURSOR FOR SELECT 1", "FETCH PRIOR c", "ROLLBACK"],
    [
        "DECLARE h CURSOR WITH HOLD FOR SELECT * FROM generate_series(1, 3) n",
        "FETCH 1 h",
        "BEGIN",
        "FETCH 1 h",
        "COMMIT",
        "FETCH ALL h",
        "CLOSE h",
    ],
    [
        "BEGIN",
        "DECLARE h CURSOR WITH HOLD FOR SELECT * FROM generate_series(1, 3) n",
        "FETCH 1 h",
        "COMMIT",
        "FETCH ALL h",
        "CLOSE h",
    ],
    ["BEGIN", "DECLARE h CURSOR WITH HOLD FOR SELECT * FROM generate_series(1, 3) n", "ROLLBACK", "FETCH ALL h"],
    ["BEGIN", "DECLARE c CURSOR FOR SELECT 1", "DECLARE c CURSOR FOR SELECT 2", "ROLLBACK"],
    ["BEGIN", "DECLARE c BINARY CURSOR FOR SELECT 7::int4, 'x'", "FETCH c", "COMMIT", "FETCH c"],
    ["CLOSE ALL"],
    ["DISCARD PLANS", "DISCARD SEQUENCES"],
    [
        "CREATE TEMP TABLE d (x int)",
        "INSERT INTO d VALUES (1)",
        "UPDATE d SET x = 2 WHERE x = 1",
        "UPDATE d SET x = 3 WHERE x = 9",
        "DELETE FROM d",
        "DROP TABLE d",
    ],
    [
        "CREATE TEMP TABLE r (x int, y text DEFAULT 'd')",
        "INSERT INTO r (x) VALUES (1), (2) RETURNING x, y",
        "UPDATE r SET x = x + 1 RETURNING *",
        "DELETE FROM r WHERE x = 2 RETURNING y",
        "DROP TABLE r",
    ],
    [
        "CREATE TEMP TABLE c AS SELECT 1 AS x",
        "SELECT x INTO TEMP c2 FROM c",
        "CREATE TEMP VIEW cv AS SELECT x + 1 AS y FROM c",
        "SELECT * FROM cv",
        "DROP VIEW cv",
        "DROP TABLE c, c2",
    ],
    ["CREATE TEMP TABLE IF NOT EXISTS people (z int)", "TRUNCATE sums_copy"],
    ["CREATE TEMP TABLE tr AS SELECT 1 AS x", "TRUNCATE tr", "SELECT count(*) FROM tr", "DROP TABLE tr"],
    [
        "CREATE TEMP TABLE al (x int)",
        "ALTER TABLE al ADD COLUMN y text",
        "INSERT INTO al VALUES (1, 'a')",
        "SELECT * FROM al",
        "DROP TABLE al",
    ],
    [
        "CREATE TEMP TABLE nn (x int NOT NULL PRIMARY KEY)",
        "INSERT INTO nn VALUES (NULL)",
        "INSERT INTO nn VALUES (1)",
        "INSERT INTO nn VALUES (1)",
        "DROP TABLE nn",
    ],
    ["CREATE TEMP TABLE ck (x int CHECK (x > 0))", "INSERT INTO ck VALUES (0)", "DROP TABLE ck"],
    ["LISTEN a", "NOTIFY a", "NOTIFY a, 'p'", "UNLISTEN a", "UNLISTEN *"],
    ["SELECT pg_advisory_lock(1)", "SELECT pg_advisory_unlock(1)", "SELECT pg_advisory_unlock(1)"],
    ["SELECT 1; SELECT 'a'"],
    ["SELECT 1; SELECT 1/0; SELECT 2"],
    ["BEGIN; SELECT 1; COMMIT"],
    ["SELECT 1;;; SELECT 2"],
    [
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SHOW default_transaction_read_only",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    ],
    ["SHOW server_version_num_x", "SHOW is_superuser_x"],
    [
        "SELECT set_config('application_name', 'y', false)",
        "SELECT current_setting('application_name')",
        "RESET ALL",
        "SHOW application_name",
    ],
    ["SELECT set_config('my.var', 'z', false)", "SELECT current_setting('my.var')", "SHOW my.var"],
    ["SET my.own = 'q'", "SELECT current_setting('my.own', true)"],
    ["EXPLAIN (FORMAT nothing) SELECT 1", "EXPLAIN (nothing) SELECT 1"],
    ["SET CONSTRAINTS ALL DEFERRED"],
    ["LOCK TABLE people"],
    ["SET ROLE NONE", "RESET ROLE", "SET SESSION AUTHORIZATION DEFAULT"],
    ["PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'"],
]
