CREATE TEMP TABLE people (id int, name text, born date, height float8, paid numeric(10,2), tags text[], boss int)
INSERT INTO people VALUES (1, 'Ada', '1815-12-10', 1.65, 100.50, '{a,b}', NULL), (2, 'Bob', '1990-06-15', 1.80, 20.00, '{}', 1), (3, 'Cy', NULL, 1.75, NULL, NULL, 1), (4, 'ada', '2000-02-29', NULL, 0.10, NULL, 2)
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
SELECT 300::int2 * 300::int2
SELECT -(-32768)::int2
SELECT 'abc'::numeric
SELECT repeat('a', -1)
SELECT extract(nothing from date '2024-01-01')
SELECT now() at time zone 'Nowhere/Here'
SELECT * FROM people TABLESAMPLE nothing (1)
SELECT a.* FROM people
SELECT count(DISTINCT *) FROM people
SELECT count() FROM people
SELECT sum(name) FROM people
SELECT avg('a'::text)
SELECT id FROM people FOR UPDATE
SELECT 1 WHERE 1
SELECT 'a' COLLATE "nowhere"
SELECT * FROM generate_series(1)
SELECT DISTINCT name FROM people ORDER BY id
SELECT max(id) OVER (ORDER BY) FROM people
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
SET server_version = '1'
SET client_encoding = 'nothing'
SET extra_float_digits = 9
SET standard_conforming_strings = 'x'
PREPARE p AS SELECT nothing
COPY (SELECT nothing) TO STDOUT
SELECT set_config('nothing', 'x', false)
SELECT * FROM people TABLESAMPLE BERNOULLI (101)
SELECT * FROM people TABLESAMPLE BERNOULLI (-1)
SELECT * FROM people TABLESAMPLE BERNOULLI (1, 2)
SELECT public.nofunc(1)
SELECT upper(name, 2) FROM people
SELECT abs('a'::text)
SELECT round('x'::text, 1)
SELECT name + 1 FROM people
SELECT name * id FROM people
SELECT born = 'nope' FROM people
SELECT * FROM people WHERE id = 'abc'
SELECT * FROM people WHERE born < 'abc'
SELECT * FROM people WHERE height > 'high'
SELECT * FROM people WHERE id IN (1, 'x')
SELECT * FROM people WHERE id BETWEEN 1 AND 'z'
SELECT * FROM people WHERE id
SELECT * FROM people WHERE NOT name
SELECT * FROM people WHERE name AND true
SELECT 'é', nope FROM people
SELECT 'éé' FROM nope
SELECT 'é', 'x'::int
SELECT 'a'::date
SELECT date 'x'
SELECT '25:00'::time
SELECT '2024-02-30'::date
SELECT 'x'::bool
SELECT 'x'::uuid
SELECT 'x'::float8
SELECT 'x'::bigint
SELECT 'x'::smallint
SELECT '99999'::smallint
SELECT '3000000000'::int
SELECT 'x'::interval
SELECT 'x'::timestamp
SELECT 1::date
SELECT true::date
SELECT now()::int
SELECT CASE WHEN 1 THEN 2 END
SELECT CASE WHEN id THEN 2 END FROM people
SELECT CASE WHEN true THEN 1 ELSE 'abc' END
SELECT COALESCE(id, 'abc') FROM people
SELECT GREATEST(1, 'abc')
SELECT NULLIF(1, 'abc')
SELECT ARRAY[1, 'abc']
SELECT 1 UNION SELECT 'abc'
SELECT 1 UNION SELECT 1, 2
SELECT id FROM people UNION SELECT name FROM people
SELECT id, count(*) FROM people
SELECT p.id, count(*) FROM people p
SELECT name, max(id) FROM people GROUP BY id
SELECT id + 1, count(*) FROM people GROUP BY name
SELECT count(*) FROM people WHERE count(*) > 1
SELECT count(*) FROM people GROUP BY count(*)
SELECT id FROM people WHERE max(id) = 1
SELECT sum(count(*)) FROM people
SELECT id FROM people GROUP BY id HAVING name = 'a'
SELECT id FROM people GROUP BY id ORDER BY name
SELECT rank() FROM people
SELECT rank() OVER (), count(*) FROM people WHERE rank() OVER () = 1
SELECT count(DISTINCT) FROM people
SELECT max(*) FROM people
SELECT (SELECT id, name FROM people)
SELECT (SELECT id FROM people)
SELECT id IN (SELECT id, name FROM people) FROM people
SELECT EXISTS (SELECT nope FROM people)
SELECT * FROM people JOIN nope ON true
SELECT * FROM people, nope
SELECT * FROM (SELECT * FROM nope) x
WITH x AS (SELECT * FROM nope) SELECT * FROM x
WITH x(a, b) AS (SELECT 1) SELECT * FROM x
SELECT * FROM nosuchfn(1)
SELECT * FROM lower('a') AS x(a, b)
SELECT CAST('x' AS int)
SELECT CAST(id AS nope) FROM people
SELECT id::nope FROM people
SELECT tags[nope] FROM people
SELECT - name FROM people
SELECT id @> 2 FROM people
SELECT 1 FROM people LIMIT 'x'
SELECT 1 FROM people LIMIT 1 OFFSET 'y'
SELECT 1 FROM people LIMIT -5
SELECT 1 FROM people OFFSET -5
SELECT substring('abc' FROM 0 FOR -1)
SELECT sqrt(-1)
SELECT ln(0)
SELECT ln(-1)
SELECT log(0)
SELECT 1 / 0
SELECT 1.0 / 0
SELECT 1 % 0
SELECT mod(1, 0)
SELECT div(1, 0)
SELECT 2147483647 + 1
SELECT 9223372036854775807 + 1
SELECT id * 2147483647 FROM people
SELECT 32767::int2 + 1::int2
SELECT factorial(-1)
SELECT '1 day'::interval + 1
SELECT now() + 1
SELECT lpad('a')
SELECT split_part('a,b', ',', 0)
SELECT regexp_replace('a', '(', 'b')
SELECT 'a' SIMILAR TO '('
SELECT format('%s')
SELECT format('%z', 1)
SELECT decode('zz', 'hex')
SELECT generate_series(1)
SELECT json_build_object('a')
SELECT current_setting('nope')
SELECT nextval('nope')
SELECT 'nope'::regclass
SELECT 'nope'::regtype
SELECT 'x' COLLATE nope
SELECT now() AT TIME ZONE 'nope'
SELECT now() AT TIME ZONE 5
SELECT array_agg() FROM people
SELECT sum(name) FROM people
SELECT bool_and(id) FROM people
SELECT lag(id) FROM people
SELECT sum(id) OVER (PARTITION BY nope) FROM people
SELECT $1::int
SELECT 1 AS a, 2 AS a ORDER BY a
TABLE nope
VALUES (1), (2, 3)
SELECT 1 a b
SELECT 1,
SELECT * FROM
SELECT * FROM people WHERE
SELECT * FROM people GROUP
SELECT * FROM people ORDER id
SELECT * people
SELEC * FROM people
SELECT * FROM people WHERE id =
SELECT "unclosed
SELECT 'unclosed
SELECT $$unclosed
SELECT /* unclosed
SELECT 1;; SELECT 2 SELECT 3
INSERT INTO people
INSERT people VALUES (1)
INSERT INTO people VALUES (1, 2, 3, 4, 5, 6, 7, 8)
INSERT INTO people (id) VALUES ('x')
INSERT INTO people (id) VALUES (1.5), ('x')
INSERT INTO people (id) SELECT 'x'
INSERT INTO people (born) VALUES ('nope')
UPDATE people SET id = 'x'
UPDATE people SET id = 1 WHERE nope
UPDATE people SET id = (SELECT 1, 2)
UPDATE people SET id = 1 FROM nope
DELETE FROM people WHERE id = 'x'
DELETE FROM people USING nope
DELETE people
DROP TABLE nope
TRUNCATE nope
ALTER TABLE nope ADD COLUMN a int
ALTER TABLE people ADD COLUMN id int
ALTER TABLE people DROP COLUMN nope
ALTER TABLE people RENAME COLUMN id TO name
ALTER TABLE people ALTER COLUMN nope SET NOT NULL
ALTER TABLE people ADD COLUMN y nope
CREATE TEMP TABLE people (a int)
CREATE TEMP TABLE xx (a int, a int)
CREATE TEMP TABLE xx (a nope)
CREATE TEMP TABLE xx (a int DEFAULT nope)
CREATE TEMP TABLE xx (a int DEFAULT 'x')
CREATE TEMP TABLE xx AS SELECT nope
CREATE TEMP TABLE xx (a, b, c) AS SELECT 1, 2
EXPLAIN SELECT nope FROM people
PREPARE pp AS SELECT nope FROM people
PREPARE pp AS SELECT * FROM nope
EXECUTE nope
DECLARE cc CURSOR WITH HOLD FOR SELECT nope FROM people
COPY people (id, id) TO STDOUT
COPY (SELECT nope FROM people) TO STDOUT
COPY people TO STDOUT (FORMAT csv, DELIMITER 'ab')
COPY people TO STDOUT (FORMAT csv, QUOTE 'ab')
COPY people TO STDOUT (FORCE_QUOTE (name))
COPY people TO STDOUT (FORMAT csv, FORCE_NULL (name))
COPY people TO STDOUT (FORMAT csv, FORCE_NOT_NULL (name))
COPY people TO STDOUT (FORMAT text, QUOTE '"')
COPY people TO STDOUT (FORMAT text, ESCAPE '"')
COPY people TO STDOUT (FORMAT binary, DELIMITER ',')
COPY people TO STDOUT (FORMAT binary, NULL 'x')
COPY people TO STDOUT (FORMAT binary, HEADER)
COPY people TO STDOUT (DELIMITER E'\n')
COPY people TO STDOUT (NULL E'\n')
COPY people TO STDOUT (HEADER nope)
COPY people TO STDOUT (HEADER match)
COPY people TO STDOUT (DELIMITER 'a')
COPY people TO STDOUT (FORMAT csv, DELIMITER '"')
COPY people TO STDOUT (FORMAT csv, NULL '"')
COPY people TO STDOUT WHERE id = 1
SET nope.x.y = 1
SET timezone = 'nope'
SET search_path = 5
SHOW nope
RESET nope
LISTEN
LOCK TABLE nope
