SELEC 1
SELECT FROM WHERE
SELECT 1 +
SELECT (1
SELECT 'unclosed
SELECT * FROM nowhere
SELECT * FROM nowhere.nothing
SELECT nothing FROM people
SELECT people.nothing FROM people
SELECT x.id FROM people
SELECT id FROM people a, people b
SELECT * FROM people, people
SELECT * FROM people a, people a
SELECT nofunction(1)
SELECT length(1, 2, 3)
SELECT lower(5)
SELECT 1 + 'a'
SELECT 'a'::int
SELECT 1 + true
SELECT true + true
SELECT 'a' + 'b'
SELECT NOT 5
SELECT 1 AND true
SELECT * FROM people WHERE 5
SELECT * FROM people WHERE name
SELECT * FROM people WHERE sum(id) > 1
SELECT name, count(*) FROM people
SELECT id FROM people GROUP BY name
SELECT sum(sum(id)) FROM people
SELECT id FROM people HAVING id > 1
SELECT row_number() OVER () FROM people WHERE row_number() OVER () > 1
SELECT * FROM people ORDER BY 99
SELECT id FROM people ORDER BY nothing
SELECT id FROM people LIMIT -1
SELECT id FROM people OFFSET -1
SELECT id FROM people LIMIT 'a'
SELECT 1 UNION SELECT 1, 2
SELECT (SELECT 1, 2)
SELECT (SELECT id FROM people)
SELECT 1 = (SELECT id FROM people)
SELECT 1 IN (SELECT 1, 2)
SELECT CASE WHEN true THEN 1 ELSE 'a' END
SELECT COALESCE(1, 'a')
SELECT ARRAY[1, 'a']
SELECT ARRAY[1, true]
SELECT ARRAY[]
SELECT 1::nothing
SELECT CAST(1 AS nothing)
SELECT $1
SELECT '2024-01-01'::date + '2024-01-01'::date
SELECT date '2024-01-01' * 2
SELECT 'abc' ~ '('
SELECT substring('abc', 1, -1)
SELECT 1/0
SELECT id / 0 FROM people
SELECT 10 % 0
SELECT 99999999999999999999::int8
SELECT 1e400::float8
SELECT 300::int2 * 300::int2
SELECT -(-32768)::int2
SELECT 'abc'::numeric
SELECT 12345.678::numeric(5,2)
SELECT 'x'::json
SELECT chr(-1)
SELECT repeat('a', -1)
SELECT generate_series(1, 2, 0)
SELECT to_date('x', 'YYYY')
SELECT extract(nothing from date '2024-01-01')
SELECT date_trunc('nothing', now())
SELECT now() at time zone 'Nowhere/Here'
SELECT * FROM people TABLESAMPLE nothing (1)
SELECT a.* FROM people
SELECT count(DISTINCT *) FROM people
SELECT count() FROM people
SELECT sum(name) FROM people
SELECT avg('a'::text)
SELECT id FROM people FOR UPDATE
SELECT people FROM people GROUP BY id
SELECT 1 WHERE 1
SELECT 'a' COLLATE "nowhere"
SELECT * FROM generate_series(1)
SELECT DISTINCT name FROM people ORDER BY id
SELECT max(id) OVER (ORDER BY) FROM people
SELECT * FROM (SELECT 1)
SELECT * FROM (SELECT 1) x(a, b)
WITH a AS (SELECT 1) SELECT * FROM b
WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a
INSERT INTO people (nothing) VALUES (1)
INSERT INTO people VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9)
INSERT INTO people (id) VALUES ('a')
INSERT INTO nowhere VALUES (1)
UPDATE people SET nothing = 1
UPDATE nowhere SET id = 1
DELETE FROM nowhere
DELETE FROM people WHERE nothing = 1
DROP TABLE nowhere
DROP VIEW nowhere
DROP TABLE IF EXISTS nowhere
CREATE TEMP TABLE people (x int)
CREATE TEMP TABLE bad (x nothing)
CREATE TEMP TABLE twice (x int, x int)
CREATE TEMP VIEW v AS SELECT nothing FROM people
FETCH 1 FROM nothing
CLOSE nothing
EXECUTE nothing
DEALLOCATE nothing
MOVE 1 FROM nothing
SAVEPOINT a
RELEASE a
ROLLBACK TO a
DECLARE c CURSOR FOR SELECT 1
SET nothing = 1
SHOW nothing
RESET nothing
SET TimeZone = 'Nowhere/Here'
SET statement_timeout = 'x'
SET DateStyle = 'x'
SET server_version = '1'
SET client_encoding = 'nothing'
SET extra_float_digits = 9
SET bytea_output = 'x'
SET IntervalStyle = 'x'
SET standard_conforming_strings = 'x'
PREPARE p AS SELECT nothing
COPY nowhere TO STDOUT
COPY (SELECT nothing) TO STDOUT
VACUUM nowhere
SELECT set_config('nothing', 'x', false)
SELECT * FROM people TABLESAMPLE BERNOULLI (101)
SELECT * FROM people TABLESAMPLE BERNOULLI (-1)
SELECT * FROM people TABLESAMPLE BERNOULLI (1, 2)
PREPARE open AS SELECT $1 IS NULL
SELECT 'infinity'::date - '2024-01-01'::date
SELECT x - '-infinity'::date FROM (VALUES ('2024-01-01'::date)) AS t(x)
SELECT trim_array(ARRAY[1, 2, 3], 4)
SELECT trim_array(ARRAY[1, 2, 3], -1)
