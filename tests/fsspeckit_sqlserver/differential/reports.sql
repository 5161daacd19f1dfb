SELECT id, row_number() OVER (ORDER BY id) FROM people ORDER BY id
SELECT id, rank() OVER (ORDER BY boss), dense_rank() OVER (ORDER BY boss) FROM people ORDER BY id
SELECT id, percent_rank() OVER (ORDER BY id), cume_dist() OVER (ORDER BY id) FROM people ORDER BY id
SELECT id, ntile(2) OVER (ORDER BY id) FROM people ORDER BY id
SELECT id, lag(name) OVER (ORDER BY id), lead(name, 2) OVER (ORDER BY id), lag(name, 1, 'none') OVER (ORDER BY id) FROM people ORDER BY id
SELECT id, first_value(name) OVER w, last_value(name) OVER w, nth_value(name, 2) OVER w FROM people WINDOW w AS (ORDER BY id) ORDER BY id
SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM people ORDER BY id
SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM people ORDER BY id
SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM people ORDER BY id
SELECT id, count(*) OVER (ORDER BY id RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM people ORDER BY id
SELECT id, max(id) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) FROM people ORDER BY id
SELECT id, count(*) OVER (ORDER BY boss GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM people ORDER BY id
SELECT id, sum(paid) OVER (PARTITION BY boss ORDER BY id) FROM people ORDER BY id
SELECT id, sum(paid) FILTER (WHERE id > 1) OVER (ORDER BY id) FROM people ORDER BY id
SELECT id, min(born) OVER (), max(born) OVER (PARTITION BY boss) FROM people ORDER BY id
SELECT id, string_agg(name, ',') OVER (ORDER BY id) FROM people ORDER BY id
SELECT id, array_agg(id) OVER (ORDER BY id) FROM people ORDER BY id
SELECT id, bool_and(id > 0) OVER (ORDER BY id), bool_or(id > 3) OVER (ORDER BY id) FROM people ORDER BY id
SELECT g, sum(i), sum(sum(i)) OVER () FROM sums GROUP BY g ORDER BY g
SELECT g, rank() OVER (ORDER BY sum(i) DESC) FROM sums GROUP BY g ORDER BY g
SELECT * FROM (SELECT id, row_number() OVER (PARTITION BY boss ORDER BY id DESC) AS rn FROM people) q WHERE rn = 1 ORDER BY id
SELECT g, b, sum(i) FROM sums GROUP BY GROUPING SETS ((g, b), (g), ()) ORDER BY g NULLS LAST, b NULLS LAST, 3
SELECT g, b, count(*) FROM sums GROUP BY ROLLUP (g, b) ORDER BY g, b, 3
SELECT g, b, count(*) FROM sums GROUP BY CUBE (g, b) ORDER BY g, b, 3
SELECT g, grouping(g), count(*) FROM sums GROUP BY ROLLUP (g) ORDER BY 1
SELECT g, b, grouping(g, b), count(*) FROM sums GROUP BY CUBE (g, b) ORDER BY 3, 1, 2
SELECT g, count(*) FROM sums GROUP BY GROUPING SETS (g, ()) HAVING count(*) > 1 ORDER BY g
SELECT count(*) FILTER (WHERE b), count(*) FILTER (WHERE NOT b), sum(i) FILTER (WHERE g = 1) FROM sums
SELECT g, count(DISTINCT b) FILTER (WHERE i > 5) FROM sums GROUP BY g ORDER BY g
SELECT string_agg(name, ', ' ORDER BY name DESC) FROM people
SELECT string_agg(DISTINCT lower(name), '|' ORDER BY lower(name)) FROM people
SELECT string_agg(id::text, ',' ORDER BY boss NULLS FIRST, id DESC) FROM people
SELECT array_agg(name ORDER BY id DESC) FROM people
SELECT array_agg(DISTINCT boss ORDER BY boss) FROM people
SELECT array_agg(paid ORDER BY paid NULLS FIRST) FROM people
SELECT json_agg(id ORDER BY id) FROM people
SELECT jsonb_agg(name ORDER BY id) FROM people
SELECT json_object_agg(id, name ORDER BY id) FROM people
SELECT mode() WITHIN GROUP (ORDER BY g) FROM sums
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i) FROM sums
SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY d) FROM sums
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY i) FROM sums
SELECT stddev_pop(i), stddev_samp(i), var_pop(i), var_samp(i) FROM sums WHERE i < 0
SELECT corr(d, i), covar_pop(d, i) FROM sums WHERE d < 0
SELECT bit_and(i), bit_or(i) FROM sums
SELECT every(b), bool_or(b) FROM sums
SELECT count(*), max(name) FROM people WHERE false
SELECT p.id, q.n FROM people p, LATERAL (SELECT p.id * 2 AS n) q ORDER BY p.id
SELECT p.id, q.name FROM people p LEFT JOIN LATERAL (SELECT name FROM people o WHERE o.boss = p.id ORDER BY o.id LIMIT 1) q ON true ORDER BY p.id
SELECT p.id, t.tag FROM people p CROSS JOIN LATERAL unnest(p.tags) AS t(tag) ORDER BY p.id, t.tag
SELECT p.id, s.n FROM people p, generate_series(1, p.id) AS s(n) WHERE p.id < 4 ORDER BY 1, 2
SELECT p.id, c.total FROM people p JOIN LATERAL (SELECT count(*) AS total FROM people o WHERE o.boss = p.id) c ON c.total > 0 ORDER BY p.id
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT * FROM t
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n * 2 FROM t WHERE n < 50) SELECT sum(n) FROM t
WITH RECURSIVE tree AS (SELECT id, boss, 0 AS depth FROM people WHERE boss IS NULL AND id = 1 UNION ALL SELECT p.id, p.boss, t.depth + 1 FROM people p JOIN tree t ON p.boss = t.id) SELECT * FROM tree ORDER BY id
WITH RECURSIVE path(id, way) AS (SELECT id, name FROM people WHERE id = 1 UNION ALL SELECT p.id, path.way || '/' || p.name FROM people p JOIN path ON p.boss = path.id) SELECT * FROM path ORDER BY id
WITH RECURSIVE f(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f WHERE b < 100) SELECT a FROM f ORDER BY a
WITH RECURSIVE d AS (SELECT date '2024-01-30' AS day UNION ALL SELECT (day + interval '1 day')::date FROM d WHERE day < '2024-02-02') SELECT * FROM d ORDER BY day
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b
WITH a AS MATERIALIZED (SELECT id FROM people) SELECT count(*) FROM a
WITH a AS NOT MATERIALIZED (SELECT id FROM people) SELECT max(id) FROM a
SELECT * FROM generate_series(1, 5, 2)
SELECT * FROM generate_series(5, 1, -2) AS g(n)
SELECT * FROM generate_series(date '2024-01-01', date '2024-01-03', interval '1 day')
SELECT d::date FROM generate_series(timestamp '2024-01-31', timestamp '2024-04-30', interval '1 month') AS d
SELECT generate_series(1, 3) AS n
SELECT generate_series(1, 3), 'x'
SELECT count(*) FROM generate_series(1, 1000) g WHERE g % 7 = 0
SELECT to_char(d, 'YYYY-MM'), count(*) FROM generate_series(timestamp '2024-01-01', timestamp '2024-03-10', interval '1 day') d GROUP BY 1 ORDER BY 1
SELECT date_trunc('year', timestamp '2024-05-17 13:45:59')
SELECT date_trunc('quarter', timestamp '2024-05-17 13:45:59')
SELECT date_trunc('month', date '2024-05-17')
SELECT date_trunc('week', timestamp '2024-05-17 13:45:59')
SELECT date_trunc('day', timestamp '2024-05-17 13:45:59.123')
SELECT date_trunc('hour', timestamp '2024-05-17 13:45:59.123')
SELECT date_trunc('minute', timestamp '2024-05-17 13:45:59.123')
SELECT date_trunc('second', timestamp '2024-05-17 13:45:59.123')
SELECT date_trunc('decade', timestamp '2024-05-17'), date_trunc('century', timestamp '2024-05-17'), date_trunc('millennium', timestamp '2024-05-17')
SELECT date_trunc('month', timestamptz '2024-05-17 13:45:59+00')
SELECT date_trunc('day', timestamptz '2024-05-17 23:45:59+00', 'Asia/Tokyo')
SELECT date_trunc('hour', interval '3 days 04:05:06')
SELECT extract(year FROM date '2024-05-17'), extract(month FROM date '2024-05-17'), extract(day FROM date '2024-05-17')
SELECT extract(quarter FROM date '2024-05-17'), extract(week FROM date '2024-12-30'), extract(isoyear FROM date '2024-12-30')
SELECT extract(dow FROM date '2024-05-19'), extract(isodow FROM date '2024-05-19'), extract(doy FROM date '2024-12-31')
SELECT extract(hour FROM timestamp '2024-05-17 13:45:59.5'), extract(minute FROM timestamp '2024-05-17 13:45:59.5'), extract(second FROM timestamp '2024-05-17 13:45:59.5')
SELECT extract(epoch FROM timestamp '2024-05-17 13:45:59.5')
SELECT extract(epoch FROM timestamptz '2024-05-17 13:45:59+00'), extract(epoch FROM interval '1 day 02:00:00')
SELECT extract(milliseconds FROM timestamp '2024-05-17 13:45:59.5'), extract(microseconds FROM timestamp '2024-05-17 13:45:59.5')
SELECT extract(decade FROM date '2024-05-17'), extract(century FROM date '2024-05-17'), extract(millennium FROM date '2024-05-17')
SELECT date_part('year', date '2024-05-17'), date_part('dow', timestamp '2024-05-17'), date_part('epoch', timestamp '1970-01-02')
SELECT extract(day FROM timestamp '2024-03-01' - timestamp '2024-02-01')
SELECT extract(year FROM age(timestamp '2024-05-17', timestamp '2000-06-18'))
SELECT age(timestamp '2024-05-17', timestamp '2000-06-18')
SELECT age(date '2024-03-01', date '2024-01-31')
SELECT age(timestamp '2024-01-01 10:00', timestamp '2024-01-02 12:30')
SELECT date '2024-03-01' - date '2024-02-01'
SELECT date '2024-03-01' + 5, date '2024-03-01' - 5
SELECT date '2024-01-31' + interval '1 month'
SELECT timestamp '2024-01-31 10:00' - interval '1 day 2 hours'
SELECT timestamp '2024-03-01' - timestamp '2024-02-01 12:00'
SELECT date '2024-05-17' + time '10:30'
SELECT timestamptz '2024-07-01 12:00+00' AT TIME ZONE 'Europe/Berlin'
SELECT timestamp '2024-07-01 12:00' AT TIME ZONE 'America/New_York'
SELECT (date '2024-05-17')::timestamp, (timestamp '2024-05-17 10:00')::date, (timestamp '2024-05-17 10:11:12')::time
SELECT make_date(2024, 2, 29), make_timestamp(2024, 2, 29, 12, 30, 15.5), make_time(8, 15, 23.5)
SELECT make_interval(days => 10), make_interval(hours => 5, mins => 30)
SELECT to_timestamp(1715953559)
SELECT to_timestamp('2024-05-17 13:45', 'YYYY-MM-DD HH24:MI')
SELECT to_date('17.05.2024', 'DD.MM.YYYY'), to_date('20240517', 'YYYYMMDD')
SELECT to_char(timestamp '2024-05-17 13:45:59', 'YYYY-MM-DD HH24:MI:SS')
SELECT to_char(timestamp '2024-05-17 13:45:59', 'DD.MM.YY'), to_char(timestamp '2024-05-17 13:45:59', 'HH12:MI AM')
SELECT to_char(date '2024-05-07', 'YYYY"W"IW'), to_char(date '2024-05-07', 'IYYY-IW'), to_char(date '2024-05-07', 'DDD')
SELECT to_char(timestamp '2024-05-07 13:45:59.123456', 'MS'), to_char(timestamp '2024-05-07 13:45:59.123456', 'US')
SELECT to_char(timestamp '2024-05-07', 'Mon YYYY'), to_char(timestamp '2024-05-07', 'Dy DD'), to_char(timestamp '2024-05-07', 'FMMonth FMDD')
SELECT to_char(timestamp '2024-05-07', 'Q'), to_char(timestamp '2024-05-07', 'YYYY-Q')
SELECT to_char(1234.5, 'FM999999.00'), to_char(1234567, 'FM9,999,999'), to_char(0.5, 'FM0.00'), to_char(12, 'FM0000')
SELECT date_bin('15 minutes', timestamp '2024-05-17 13:47:59', timestamp '2024-01-01')
SELECT timestamp '2024-05-17 13:45' BETWEEN '2024-05-17' AND '2024-05-18'
SELECT born, date_trunc('year', born)::date FROM people ORDER BY id
SELECT extract(year FROM born), count(*) FROM people GROUP BY 1 ORDER BY 1
SELECT date_part('month', born) AS m, sum(paid) FROM people GROUP BY m ORDER BY m
SELECT now() - interval '1 day' < now(), current_date - 1 < current_date
SELECT isfinite(date '2024-01-01'), isfinite(timestamp 'infinity')
SELECT justify_hours(interval '27 hours'), justify_days(interval '35 days')
SELECT interval '1 day' * 3, interval '1 hour' / 2, interval '1 day' + interval '2 hours'
SELECT interval '90 minutes', interval 'P1DT2H', interval '1 year 2 months'
SELECT name ~ '^A', name ~* '^a', name !~ 'b', name !~* 'B' FROM people ORDER BY id
SELECT regexp_replace('foobarbaz', 'b..', 'X'), regexp_replace('foobarbaz', 'b..', 'X', 'g')
SELECT regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g'), regexp_replace('Hello', 'L', 'x', 'gi')
SELECT regexp_match('foobarbequebaz', '(bar)(beque)'), regexp_match('abc', 'x')
SELECT regexp_split_to_array('a1b2c', '[0-9]'), regexp_split_to_array('hello world', '\s+')
SELECT regexp_split_to_table('a,b,c', ',') AS part
SELECT regexp_count('ABCABC', 'B'), regexp_like('abc', '^a'), regexp_substr('abc123', '[0-9]+'), regexp_instr('abc123', '[0-9]')
SELECT substring('Thomas' FROM '...$'), substring('Thomas' FROM 2 FOR 3), substring('foobar', 'o(.)b')
SELECT split_part('a,b,c', ',', 2), split_part('a,b,c', ',', -1), split_part('a', ',', 2)
SELECT position('b' IN 'abc'), strpos('abc', 'c'), overlay('abcdef' PLACING 'XX' FROM 3 FOR 2)
SELECT trim('  x '), trim(BOTH 'x' FROM 'xxaxx'), ltrim('xxa', 'x'), rtrim('axx', 'x'), btrim('xax', 'x')
SELECT lpad('5', 3, '0'), rpad('ab', 4), repeat('ab', 3), reverse('abc'), initcap('hello wORLD')
SELECT left('abcdef', 2), right('abcdef', 2), left('abcdef', -2), right('abcdef', -2)
SELECT concat('a', NULL, 1, true), concat_ws('-', 'a', NULL, 'b'), 'a' || 1 || 'b'
SELECT upper('abc'), lower('ABC'), length('häß'), char_length('häß'), octet_length('häß'), bit_length('abc')
SELECT replace('banana', 'an', 'AN'), translate('12345', '143', 'ax'), ascii('A'), chr(65), md5('abc')
SELECT starts_with('alphabet', 'alph'), 'abc' LIKE 'a%', 'abc' ILIKE 'A_C', 'a%c' LIKE 'a\%c'
SELECT format('%s is %s', 'a', 1), format('%I = %L', 'col x', 'it''s'), quote_ident('a b'), quote_literal('x''y')
SELECT string_to_array('a,b,,c', ','), string_to_array('a,b,NULL', ',', 'NULL'), array_to_string(ARRAY['a', NULL, 'c'], '-'), array_to_string(ARRAY['a', NULL, 'c'], '-', '*')
SELECT encode('abc'::bytea, 'hex'), encode('abc'::bytea, 'base64'), decode('616263', 'hex')
SELECT ARRAY[1, 2, 3], ARRAY[1, 2] || 3, 0 || ARRAY[1], ARRAY[1] || ARRAY[2, 3]
SELECT array_length(ARRAY[1, 2, 3], 1), cardinality(ARRAY[1, 2]), array_upper(ARRAY[1, 2], 1), array_lower(ARRAY[1, 2], 1)
SELECT array_append(ARRAY[1], 2), array_prepend(0, ARRAY[1]), array_cat(ARRAY[1], ARRAY[2]), array_remove(ARRAY[1, 2, 1], 1), array_replace(ARRAY[1, 2], 2, 5)
SELECT array_position(ARRAY['a', 'b'], 'b'), array_positions(ARRAY[1, 2, 1], 1), array_position(ARRAY[1], 9)
SELECT (ARRAY[10, 20, 30])[2], (ARRAY[10, 20, 30])[2:3], (ARRAY[1])[5]
SELECT ARRAY[1, 2] @> ARRAY[1], ARRAY[1] <@ ARRAY[1, 2], ARRAY[1, 2] && ARRAY[2, 3], ARRAY[1, 2] = ARRAY[1, 2]
SELECT 2 = ANY (ARRAY[1, 2]), 3 <> ALL (ARRAY[1, 2]), 1 < SOME (ARRAY[0, 2])
SELECT unnest(ARRAY[1, 2, 3])
SELECT u.n, u.o FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY AS u(n, o)
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['x', 'y']) AS t(a, b)
SELECT id, cardinality(tags), tags[1] FROM people ORDER BY id
SELECT id FROM people WHERE 'a' = ANY (tags) ORDER BY id
SELECT id FROM people WHERE tags && ARRAY['b', 'c'] ORDER BY id
SELECT tag, count(*) FROM people, unnest(tags) AS tag GROUP BY tag ORDER BY tag
SELECT ARRAY(SELECT id FROM people ORDER BY id)
SELECT array_agg(x) FROM (VALUES (1), (2)) v(x)
SELECT array_ndims(ARRAY[1]), array_dims(ARRAY[1, 2]), array_fill(7, ARRAY[3]), trim_array(ARRAY[1, 2, 3], 1)
SELECT '{"a": {"b": 1}}'::json -> 'a' -> 'b', '{"a": {"b": 1}}'::json #> '{a,b}', '{"a": "x"}'::json ->> 'a'
SELECT '[1, 2, 3]'::json -> 1, '[1, 2, 3]'::json ->> -1, '{"a": [1, {"b": 2}]}'::json #>> '{a,1,b}'
SELECT '{"a": 1, "b": 2}'::jsonb ->> 'b', ('{"a": 1}'::jsonb ->> 'a')::int + 1, '{"a": null}'::jsonb ->> 'a'
SELECT '{"a": 1, "b": 2}'::jsonb @> '{"a": 1}', '{"a": 1}'::jsonb <@ '{"a": 1, "b": 2}', '[1, 2]'::jsonb @> '[1]'
SELECT '{"a": 1}'::jsonb ? 'a', '{"a": 1}'::jsonb ?| ARRAY['a', 'z'], '{"a": 1}'::jsonb ?& ARRAY['a', 'z']
SELECT json_array_length('[1, 2, 3]'), jsonb_array_length('[]'), json_typeof('[1]'), jsonb_typeof('1.5')
SELECT * FROM json_array_elements('[1, 2]')
SELECT * FROM jsonb_array_elements_text('["a", "b"]')
SELECT * FROM json_each('{"a": 1, "b": "x"}')
SELECT * FROM jsonb_each_text('{"a": 1, "b": "x"}')
SELECT json_build_object('a', 1, 'b', 'x'), json_build_array(1, 'a', NULL), to_json('x'::text), to_jsonb(5)
SELECT json_extract_path('{"a": {"b": 1}}', 'a', 'b'), json_extract_path_text('{"a": "x"}', 'a')
SELECT jsonb_strip_nulls('{"a": null, "b": 1}'), jsonb_set('{"a": 1}', '{a}', '2')
SELECT '{"a": 1}'::jsonb || '{"b": 2}'::jsonb, '{"a": 1, "b": 2}'::jsonb - 'a', '[1, 2, 3]'::jsonb - 1
SELECT CASE WHEN id = 1 THEN 'one' WHEN id = 2 THEN 'two' ELSE 'many' END FROM people ORDER BY id
SELECT CASE id WHEN 1 THEN 10 ELSE 0.5 END FROM people ORDER BY id
SELECT coalesce(paid, 0), nullif(id, 1), greatest(id, 2), least(id, boss) FROM people ORDER BY id
SELECT count(*) FROM people WHERE boss IS DISTINCT FROM 1
SELECT id FROM people WHERE (id, name) IN ((1, 'Ada'), (2, 'x')) ORDER BY id
SELECT id FROM people WHERE (id, boss) = (2, 1)
SELECT id FROM people WHERE id IN (SELECT boss FROM people) ORDER BY id
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM people o WHERE o.boss = p.id) ORDER BY id
SELECT id FROM people WHERE id NOT IN (SELECT boss FROM people WHERE boss IS NOT NULL) ORDER BY id
SELECT id, (SELECT count(*) FROM people o WHERE o.boss = p.id) AS reports FROM people p ORDER BY id
SELECT id FROM people WHERE paid > ALL (SELECT paid FROM people WHERE paid < 1) ORDER BY id
SELECT p.name, b.name FROM people p LEFT JOIN people b ON b.id = p.boss ORDER BY p.id
SELECT p.name, b.name FROM people p RIGHT JOIN people b ON b.id = p.boss ORDER BY b.id, p.id
SELECT p.id, b.id FROM people p FULL JOIN people b ON b.id = p.boss ORDER BY p.id, b.id
SELECT count(*) FROM people NATURAL JOIN (SELECT id FROM people WHERE id < 3) q
SELECT id FROM people JOIN (VALUES (1, 'x'), (3, 'y')) v(id, tag) USING (id) ORDER BY id
SELECT id FROM people UNION SELECT boss FROM people ORDER BY 1
SELECT id FROM people INTERSECT SELECT boss FROM people ORDER BY 1
SELECT id FROM people EXCEPT SELECT boss FROM people ORDER BY 1
SELECT id FROM people UNION ALL SELECT boss FROM people ORDER BY 1 NULLS FIRST LIMIT 3
(SELECT id FROM people ORDER BY id LIMIT 1) UNION ALL (SELECT id FROM people ORDER BY id DESC LIMIT 1)
SELECT boss, count(*) AS n FROM people GROUP BY boss HAVING count(*) >= 1 ORDER BY n DESC, boss
SELECT lower(name) AS key, max(id) FROM people GROUP BY key ORDER BY key
SELECT 1 + max(id), sum(id) * 2, count(*) * 1.5 FROM people
SELECT g, sum(n), min(n), max(n), count(n) FROM sums GROUP BY g ORDER BY g
SELECT round(sum(n), 1), round(2.5), round(-2.5), round(2.567, 2), trunc(2.567, 1), ceil(2.1), floor(-2.1) FROM sums
SELECT 7 / 2, 7 % 3, -7 / 2, -7 % 3, 7.0 / 2 = 3.5, mod(7, 3), div(7, 2), power(2, 3), sqrt(16), abs(-5), sign(-3)
SELECT 10::float8 / 4, 1e3, 1.5e-3::float8, 0.1::float8 + 0.2::float8, 1/3::float8
SELECT round(10.0 / 4, 2), 100 * 1.0 / 8
SELECT sum(i) * 100.0 / nullif(sum(l), 0) > 0 FROM sums
SELECT width_bucket(5, 0, 10, 5), random() < 1, gcd(12, 18), lcm(4, 6), factorial(5)
SELECT cast('12' AS int) + 1, '1.50'::numeric, '2024-01-01'::date, 't'::boolean, 5::text || 'x', 1::boolean
SELECT true AND NULL, false OR NULL, NOT NULL::bool, NULL IS NULL, 1 = NULL
SELECT id FROM people ORDER BY name COLLATE "C", id
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(n, s) WHERE n > 1
VALUES (1, 'x'), (2, NULL)
SELECT DISTINCT boss FROM people ORDER BY boss NULLS FIRST
SELECT DISTINCT ON (boss) boss, id FROM people ORDER BY boss, id DESC
SELECT id FROM people ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY
SELECT "id" AS "The Id", name AS "select" FROM people ORDER BY "The Id" LIMIT 2
SELECT "people"."id" FROM "people" GROUP BY "people"."id" ORDER BY "people"."id" ASC
SELECT SUM("people"."paid") AS "sum", DATE_TRUNC('month', "people"."born") AS "born" FROM "people" GROUP BY DATE_TRUNC('month', "people"."born") ORDER BY DATE_TRUNC('month', "people"."born") ASC
SELECT "source"."boss" AS "boss", COUNT(*) AS "count" FROM (SELECT "people"."boss" AS "boss" FROM "people" WHERE "people"."id" > 1) AS "source" GROUP BY "source"."boss" ORDER BY "source"."boss" ASC
SELECT (CASE WHEN SUM("paid") > 0 THEN 'yes' ELSE 'no' END) AS "x", COUNT(DISTINCT "boss") AS "y" FROM "people" HAVING (COUNT(1) > 0)
SELECT CAST(EXTRACT(YEAR FROM "born") AS INTEGER) AS "yr", COUNT(1) AS "n" FROM people WHERE born IS NOT NULL GROUP BY 1 ORDER BY 1 ASC LIMIT 1000
SELECT date_trunc('day', born) AS time, count(*) AS value FROM people WHERE born BETWEEN '1900-01-01' AND '2020-01-01' GROUP BY 1 ORDER BY 1
SELECT floor(extract(epoch FROM timestamp '2024-05-17 13:47:59') / 300) * 300 AS "time"
SELECT * FROM (SELECT *, count(*) OVER () AS total FROM people) q ORDER BY id LIMIT 1
SELECT avg(id)::numeric(10, 2), round(avg(height)::numeric, 2) FROM people
SELECT id, paid / sum(paid) OVER () > 0.1 FROM people WHERE paid IS NOT NULL ORDER BY id
SELECT exists(SELECT 1 FROM people WHERE id = 99), (SELECT name FROM people WHERE id = 99)
SELECT pg_typeof(1), pg_typeof('x'::text), pg_typeof(1.5), pg_typeof(now()), pg_typeof(ARRAY[1])
SELECT string_agg(x, '' ORDER BY n DESC) FROM (VALUES ('a', 1), ('b', 2)) v(x, n)
SELECT count(*) FROM people p JOIN sums s ON s.g = p.id WHERE s.b IS NOT FALSE
SELECT id, name FROM people WHERE name SIMILAR TO '(A|B)%' ORDER BY id
SELECT id FROM people WHERE name BETWEEN 'A' AND 'C' ORDER BY id
SELECT id FROM people WHERE NOT (born < '1990-01-01') ORDER BY id
SELECT id FROM people WHERE born > date '1990-01-01' - interval '1 year' ORDER BY id
SELECT json_object_agg(id, paid ORDER BY id DESC) FILTER (WHERE id > 2) FROM people
SELECT json_agg(paid ORDER BY id) FILTER (WHERE id > 100) FROM people
SELECT regexp_split_to_table('a,b,c', ',') AS part, 1
SELECT string_to_table('a,b', ',')
SELECT to_char(timestamp '2024-05-07', 'YYYY "Q"Q'), to_char(date '2024-11-07', '"Quarter "Q')
SELECT date_trunc('century', timestamp '2000-05-17'), date_trunc('century', timestamp '1999-05-17'), date_trunc('millennium', timestamp '2000-12-31')
SELECT date_trunc('month', timestamptz '2024-05-31 23:45:59+00', 'Asia/Tokyo')
SELECT generate_series(date '2024-01-01', date '2024-01-02', interval '1 day')
SELECT d.day::date, count(p.id) FROM generate_series(date '2000-02-28', date '2000-03-01', interval '1 day') AS d(day) LEFT JOIN people p ON p.born = d.day GROUP BY 1 ORDER BY 1
SELECT a.n, b.n FROM generate_series(1, 2) a(n) CROSS JOIN generate_series(1, 2) b(n) ORDER BY 1, 2
SELECT id, coalesce(lag(id) OVER (ORDER BY id), 0) AS before FROM people ORDER BY id
SELECT id, id - lag(id) OVER w AS change, sum(id) OVER w AS total FROM people WINDOW w AS (PARTITION BY boss IS NULL ORDER BY id) ORDER BY id
SELECT id, last_value(id) OVER (PARTITION BY boss ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM people ORDER BY id
SELECT born, count(*) OVER (ORDER BY born RANGE BETWEEN interval '10 years' PRECEDING AND CURRENT ROW) FROM people WHERE born IS NOT NULL ORDER BY born
SELECT id, nth_value(id, 2) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM people ORDER BY id
SELECT sum(x) FROM (SELECT DISTINCT ON (boss) id AS x FROM people ORDER BY boss, id) q
SELECT g, array_agg(i ORDER BY i DESC NULLS LAST) FILTER (WHERE i > 10) FROM sums GROUP BY g ORDER BY g
SELECT g, string_agg(i::text, ',' ORDER BY i) FILTER (WHERE i IS NOT NULL) FROM sums GROUP BY g ORDER BY g
SELECT count(*) FILTER (WHERE boss = 1) * 100 / count(*) AS pct FROM people
SELECT min(name), max(name), min(born), max(born), min(height) FROM people
SELECT count(DISTINCT (id, boss)) FROM people
SELECT boss, sum(id) FROM people GROUP BY boss ORDER BY sum(id) DESC LIMIT 1
SELECT upper(left(name, 1)) || lower(substr(name, 2)) FROM people ORDER BY id
SELECT name || ' (' || id || ')' FROM people ORDER BY id
SELECT id::text || '-' || coalesce(boss::text, 'none') FROM people ORDER BY id
SELECT to_char(paid, 'FM999990.00') FROM people ORDER BY id
SELECT id, CASE WHEN paid IS NULL THEN 'none' WHEN paid >= 100 THEN 'much' ELSE 'some' END AS class FROM people ORDER BY id
SELECT sum(CASE WHEN boss = 1 THEN 1 ELSE 0 END) AS a, sum(CASE WHEN boss = 2 THEN paid END) AS b FROM people
SELECT * FROM people p WHERE p.id = (SELECT max(id) FROM people)
SELECT p.* FROM people p, sums s WHERE p.id = s.g AND s.i = 10
SELECT q.id FROM (SELECT id, dense_rank() OVER (ORDER BY boss NULLS FIRST) AS r FROM people) q WHERE q.r = 2 ORDER BY q.id
WITH monthly AS (SELECT date_trunc('month', born) AS m, count(*) AS n FROM people WHERE born IS NOT NULL GROUP BY 1) SELECT m, n, sum(n) OVER (ORDER BY m) FROM monthly ORDER BY m
WITH t AS (SELECT g, sum(i) AS total FROM sums GROUP BY g) SELECT g, total, round(100.0 * total / sum(total) OVER ()) = 50 FROM t ORDER BY g
WITH t AS (SELECT g, sum(i) AS s FROM sums GROUP BY g) SELECT s FROM t ORDER BY g
WITH RECURSIVE days(d) AS (SELECT date '2024-02-27' UNION ALL SELECT d + 1 FROM days WHERE d < date '2024-03-02') SELECT d, extract(dow FROM d) FROM days
WITH RECURSIVE t(n, s) AS (SELECT 1, 'a' UNION ALL SELECT n + 1, s || 'a' FROM t WHERE n < 4) SELECT * FROM t ORDER BY n DESC
SELECT extract(epoch FROM (timestamp '2024-01-02' - timestamp '2024-01-01'))::int
SELECT extract(year FROM now()) > 2000, date_trunc('month', now()) <= now(), age(now()) IS NOT NULL
SELECT date '2024-05-17' - interval '3 months', date_trunc('month', date '2024-05-17') + interval '1 month - 1 day'
SELECT (date_trunc('month', date '2024-02-10') + interval '1 month - 1 day')::date
SELECT timestamp '2024-05-17 10:00' < date '2024-05-18', date '2024-05-17' = timestamp '2024-05-17 00:00'
SELECT '2024-05-17'::date + '1 day'::interval, '10:00'::time + interval '30 minutes', time '10:00' - time '08:30'
SELECT (timestamp '2024-05-17 10:00' AT TIME ZONE 'UTC') AT TIME ZONE 'Asia/Tokyo'
SELECT name FROM people WHERE name ILIKE '%A%' OR name LIKE 'B__' ORDER BY id
SELECT count(*) FROM people WHERE name NOT LIKE '%a%' AND name NOT ILIKE 'b%'
SELECT regexp_replace(name, '[aeiou]', '*', 'gi') FROM people ORDER BY id
SELECT (regexp_match('key=value', '(\w+)=(\w+)'))[2]
SELECT array_length(string_to_array('a b c', ' '), 1), (string_to_array('a b c', ' '))[2]
SELECT unnest(string_to_array('x,y', ',')) AS part ORDER BY part DESC
SELECT id FROM people WHERE id = ANY ('{1,3}'::int[]) ORDER BY id
SELECT id FROM people WHERE id = ANY (ARRAY(SELECT boss FROM people)) ORDER BY id
SELECT array_agg(name ORDER BY name) @> ARRAY['Bob'] FROM people
SELECT ARRAY[[1, 2], [3, 4]], (ARRAY[[1, 2], [3, 4]])[2][1], array_length(ARRAY[[1, 2], [3, 4]], 2)
SELECT '{"a": {"b": [1, 2]}}'::jsonb -> 'a' -> 'b' ->> 0, '{"n": 5}'::jsonb ->> 'n' = '5'
SELECT (e ->> 'x')::int FROM json_array_elements('[{"x": 1}, {"x": 2}]') AS e ORDER BY 1
SELECT key FROM json_each('{"a": 1, "b": 2}') ORDER BY key DESC
SELECT j ->> 'name' AS name FROM (VALUES ('{"name": "x"}'::json)) v(j)
SELECT nullif(trim('  '), '') IS NULL, coalesce(nullif('', ''), 'empty')
SELECT round(1234.567, -2), round(0.5), round(1.5), trunc(-1.9), ceiling(1.01), floor(1.99)
SELECT ln(1), exp(0), log(100), degrees(pi()), radians(180), sin(0), cos(0), atan2(0, 1)
SELECT 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 16 >> 2
SELECT 1::smallint + 1::int, 1::int + 1::bigint, 1::real + 1::float8, 2147483647::bigint + 1
SELECT sum(x), avg(x) = 2 FROM (VALUES (1), (2), (3)) v(x)
SELECT max(x), min(y) FROM (VALUES (1, 'b'), (2, 'a')) v(x, y)
SELECT row_number() OVER () FROM people LIMIT 2
SELECT id FROM people ORDER BY boss NULLS FIRST, id DESC
SELECT id FROM people ORDER BY CASE WHEN boss IS NULL THEN 0 ELSE 1 END, name
SELECT name AS n FROM people ORDER BY length(name), n
SELECT 1 AS a UNION SELECT 2 ORDER BY a DESC
SELECT 'x' AS kind, count(*) FROM people UNION ALL SELECT 'y', count(*) FROM sums ORDER BY kind
SELECT * FROM (SELECT id FROM people LIMIT 2) a JOIN (SELECT id FROM people) b USING (id) ORDER BY id
SELECT count(*) FROM people a LEFT JOIN people b ON a.boss = b.id AND b.name = 'Ada' WHERE b.id IS NULL
SELECT count(*) FROM people a JOIN people b ON a.id < b.id
SELECT current_database() = current_catalog, current_schema() IS NOT NULL, version() LIKE 'PostgreSQL%'
SELECT has_table_privilege('pg_class', 'SELECT'), pg_encoding_to_char(6)::text, current_setting('server_encoding')
SELECT 'abc' = 'abc ', 'a' < 'B', 'Z' < 'a'
SELECT true::int, 0::bool, 'yes'::bool, 'off'::bool, true::text
SELECT 12345678901234567890, 1e400 IS NULL, .5, 5., 1_000 IS NULL
SELECT 0.1 + 0.2, 1.10 * 2, 3.00 - 1, 10 % 3.5, -2.50
SELECT 2 ^ 10, |/ 25, ||/ 27, @ -5, 7 % -3
SELECT e.value ->> 'x', e -> 'x' FROM json_array_elements('[{"x": 1}]') AS e
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM jsonb_array_elements_text('["Ada"]') AS n WHERE n = p.name)
SELECT e, e ->> 'a' FROM (VALUES ('[{"a":1},{"a":2}]'::json)) v(doc), LATERAL json_array_elements(doc) AS e ORDER BY 2
SELECT x FROM json_array_elements_text('["b", "a"]') AS x ORDER BY x
SELECT interval '1 day - 2 hours', interval '- 3 days', '1 year + 2 months'::interval
SELECT id FROM people WHERE id <> ALL (ARRAY(SELECT boss FROM people WHERE boss IS NOT NULL)) ORDER BY id
SELECT id FROM people WHERE id > ANY (ARRAY(SELECT 100 WHERE false)) ORDER BY id
