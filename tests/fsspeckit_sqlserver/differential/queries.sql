SELECT * FROM people ORDER BY id
SELECT id, name FROM people WHERE height > 1.7 ORDER BY id
SELECT * FROM people WHERE false
SELECT name FROM people ORDER BY name
SELECT name FROM people ORDER BY lower(name), id
SELECT born FROM people ORDER BY born
SELECT born FROM people ORDER BY born DESC
SELECT born FROM people ORDER BY born NULLS FIRST
SELECT born FROM people ORDER BY born DESC NULLS LAST LIMIT 2
SELECT id FROM people ORDER BY id LIMIT 2 OFFSET 1
SELECT id FROM people ORDER BY id FETCH FIRST 2 ROWS ONLY
SELECT id FROM people ORDER BY height FETCH FIRST 1 ROW WITH TIES
SELECT DISTINCT lower(name) FROM people ORDER BY 1
SELECT DISTINCT ON (lower(name)) name, id FROM people ORDER BY lower(name), id
SELECT count(*), count(born), count(DISTINCT lower(name)) FROM people
SELECT sum(s), sum(i), sum(l) FROM sums
SELECT sum(f), sum(d), sum(n) FROM sums
SELECT avg(s), avg(i), avg(l) FROM sums
SELECT avg(f), avg(d), avg(n) FROM sums
SELECT min(s), max(i), min(l), max(f), min(d), max(n) FROM sums
SELECT bool_and(b), bool_or(b), every(b) FROM sums
SELECT g, count(*) FROM sums GROUP BY g ORDER BY g
SELECT g, sum(i) FROM sums GROUP BY 1 HAVING sum(i) > 20 ORDER BY 1
SELECT g, sum(i) FILTER (WHERE b) FROM sums GROUP BY g ORDER BY g
SELECT g, b, count(*) FROM sums GROUP BY ROLLUP (g, b) ORDER BY g, b, 3
SELECT g, b, count(*) FROM sums GROUP BY CUBE (g, b) ORDER BY g, b, 3
SELECT g, grouping(g), count(*) FROM sums GROUP BY GROUPING SETS ((g), ()) ORDER BY g
SELECT array_agg(i ORDER BY i DESC) FROM sums
SELECT string_agg(name, ',' ORDER BY id) FROM people
SELECT json_agg(i ORDER BY i) FROM sums
SELECT stddev(d), variance(d), stddev_pop(d), var_samp(d) FROM sums
SELECT corr(d, i), covar_pop(d, i), regr_slope(d, i), regr_count(d, i) FROM sums
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY d), percentile_disc(0.5) WITHIN GROUP (ORDER BY i) FROM sums
SELECT mode() WITHIN GROUP (ORDER BY g) FROM sums
SELECT bit_and(i), bit_or(i) FROM sums
SELECT sum(i) FROM sums WHERE false
SELECT count(*) FROM sums WHERE false GROUP BY g
SELECT id, row_number() OVER (ORDER BY id), rank() OVER (ORDER BY lower(name)) FROM people ORDER BY id
SELECT id, lag(id) OVER (ORDER BY id), lead(id, 1, 0) OVER (ORDER BY id) FROM people ORDER BY id
SELECT g, sum(i) OVER (PARTITION BY g ORDER BY i ROWS UNBOUNDED PRECEDING) FROM sums ORDER BY g, i
SELECT ntile(2) OVER (ORDER BY id), dense_rank() OVER (ORDER BY id) FROM people
SELECT first_value(name) OVER w, last_value(name) OVER w FROM people WINDOW w AS (ORDER BY id) ORDER BY id
SELECT percent_rank() OVER (ORDER BY id), cume_dist() OVER (ORDER BY id) FROM people ORDER BY id
SELECT a.name, b.name FROM people a JOIN people b ON a.boss = b.id ORDER BY a.id
SELECT a.name, b.name FROM people a LEFT JOIN people b ON a.boss = b.id ORDER BY a.id
SELECT a.id, b.id FROM people a FULL JOIN people b ON a.boss = b.id ORDER BY 1, 2
SELECT count(*) FROM people a CROSS JOIN people b
SELECT count(*) FROM people a, people b WHERE a.id < b.id
SELECT id FROM people NATURAL JOIN (SELECT 1 AS id) x
SELECT * FROM people JOIN (SELECT 1 AS id) x USING (id)
SELECT p.* FROM people p WHERE p.id = 1
SELECT p FROM people p WHERE p.id = 2
SELECT id FROM people WHERE id IN (SELECT boss FROM people) ORDER BY id
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM people b WHERE b.boss = p.id) ORDER BY id
SELECT id, (SELECT count(*) FROM people b WHERE b.boss = p.id) FROM people p ORDER BY id
SELECT id, t FROM people, unnest(tags) t ORDER BY id, t
SELECT id, t.x, t.n FROM people, unnest(tags) WITH ORDINALITY t(x, n) ORDER BY id, n
SELECT id, x.b FROM people p, LATERAL (SELECT p.id * 2 AS b) x ORDER BY id
SELECT 1 UNION SELECT 2 ORDER BY 1
SELECT 1 UNION ALL SELECT 1
SELECT 1 INTERSECT SELECT 1
SELECT 1 EXCEPT SELECT 1
SELECT 1 UNION SELECT 2.5 ORDER BY 1
SELECT 1 UNION SELECT 'a'
SELECT NULL UNION SELECT 1 ORDER BY 1
WITH a AS (SELECT 1 AS x) SELECT x + 1 FROM a
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n
WITH a(x, y) AS (VALUES (1, 'a'), (2, 'b')) SELECT y FROM a WHERE x = 2
VALUES (1, 'a'), (2, 'b')
SELECT * FROM (VALUES (1, 'a'), (2, NULL)) v
SELECT * FROM (VALUES (1, 'a'), (2, NULL)) v(x, y)
TABLE people
SELECT * FROM generate_series(1, 3)
SELECT * FROM generate_series(1, 3) AS n
SELECT * FROM generate_series(1, 10, 4) AS g(n)
SELECT * FROM generate_series(3, 1, -1)
SELECT * FROM generate_series(timestamp '2024-01-01', '2024-01-03', '1 day')
SELECT * FROM generate_series(1, 3) WITH ORDINALITY
SELECT * FROM unnest(ARRAY[1,2], ARRAY['a','b']) AS t(a, b)
SELECT * FROM ROWS FROM (generate_series(1, 2), generate_series(1, 3))
SELECT * FROM json_each('{"a":1,"b":"x"}')
SELECT * FROM json_array_elements('[1,"a"]')
SELECT * FROM jsonb_array_elements_text('[1,"a"]')
SELECT * FROM regexp_split_to_table('a,b', ',')
SELECT * FROM string_to_table('a,b', ',')
SELECT
SELECT FROM people
SELECT 1;

-- nothing
SELECT 1 AS a, 2 AS a
SELECT 'a' 'b'
SELECT 'a'\n'b'
SELECT E'a\nb'
SELECT $$it's$$
SELECT U&'d\0061t'
SELECT 1::text::int
SELECT id::text, born::text, height::text, paid::text FROM people ORDER BY id
SELECT max(name), min(born) FROM people
SELECT id, CASE WHEN height IS NULL THEN 'none' ELSE height::text END FROM people ORDER BY id
SELECT paid + 1, paid * 2, paid / 3, round(paid, 1) FROM people WHERE id = 1
SELECT height * 2, height / 3, id / 2, id % 2, id * 1.5 FROM people WHERE id = 2
SELECT sum(paid), avg(paid), sum(id), avg(id) FROM people
SELECT tags[1], array_length(tags, 1), tags @> '{a}' FROM people ORDER BY id
SELECT extract(year from born), date_part('month', born), born + 1, born - date '2000-01-01' FROM people ORDER BY id
SELECT count(*) FROM people WHERE born > '1900-01-01'
SELECT count(*) FROM people WHERE id = '1'
SELECT count(*) FROM people WHERE name LIKE 'A%'
SELECT count(*) FROM people WHERE (id, name) IN ((1, 'Ada'), (2, 'x'))
SELECT count(*) FROM people WHERE id = ANY('{1,2}')
SELECT people.id FROM people WHERE people.name = 'Bob'
SELECT relname FROM pg_class WHERE oid = 1259
SELECT typname, typlen FROM pg_type WHERE oid = 23
SELECT nspname FROM pg_namespace WHERE nspname = 'public'
SELECT * FROM people TABLESAMPLE BERNOULLI (100) ORDER BY id
SELECT count(*) FROM people AS p TABLESAMPLE SYSTEM (0) WHERE p.id > 0
SELECT p.a FROM people AS p(a, b) TABLESAMPLE BERNOULLI (100) REPEATABLE (1.5) ORDER BY p.a
SELECT id FROM people TABLESAMPLE SYSTEM (50) REPEATABLE (1) ORDER BY id
WITH q(at, "by") AS (SELECT 1, 2) SELECT * FROM q JOIN (SELECT 1 AS at, 3 AS show) r USING (at)
SELECT at.id AS at, at.name AS lambda FROM people AS at ORDER BY at.id LIMIT 1
