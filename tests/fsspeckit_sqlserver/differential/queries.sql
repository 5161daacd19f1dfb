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
SELECT count(*) from (values (1::int8),(2),(NULL)) v(x) where x = any('{1,2}')
SELECT count(*) from (values (1::int8),(2),(NULL)) v(x) where x <> all('{1,NULL}')
SELECT count(*) from (values (1::int8),(2),(NULL)) v(x) where not x = any('{1,NULL}')
SELECT count(*) from (values ('1'),('2'),(NULL)) v(x) where x = any('{1,2}')
SELECT count(*) from (values (timestamp '2024-01-01 00:00:01')) v(x) where x = any('{2024-01-01 00:00:01,2024-01-01 00:00:02}')
SELECT count(*) from (values (timestamp '2024-01-01 00:00:01')) v(x) where x::date = any('{2024-01-01,2024-01-02}')
SELECT count(*) from (values (1.00::numeric(12,2)),(2.5)) v(x) where x = any('{1.00,2.5}')
SELECT count(*) from (values (1.00::float8),(2.5)) v(x) where x <> all('{1.00,3}')
SELECT count(*) from (values (true)) v(d) where d = any('{t,f}')
SELECT count(*) from (values (1)) v(d) where d < any('{1,2}')
SELECT count(*) from (values (1)) v(d) where d = any('{}') is not true
SELECT count(*) from (values (1)) v(d) where d <> all('{}')
SELECT count(*) from (values ('{00000000-0000-0000-0000-000000000000}'::uuid)) v(u) where u = any('{00000000-0000-0000-0000-000000000000}')
SELECT count(*) from (values (1)) v(d) where d = any('{x}')
SELECT 1 = any('{1}'), 'a' = any('{a,b}'), 2 <> all('{1,2}')
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
select x, (x,1) = any (select 1,1), (x,1) <> all (select 1,1), (x,1) = any(select x, 1 where false), (x,1) < all (select 2,2 union all select 3,3), (x,1) > any (select 2,2 union all select 0,0) from (values (1),(null),(3)) v(x)
select p.* is null, p.* is not null from people p order by id
select (p.*) = (q.*) from people p, people q where p.id=1 and q.id=1
select a.x, a.y, b.x, b.y, (a.x,a.y)=(b.x,b.y), (a.x,a.y)<>(b.x,b.y), (a.x,a.y)<(b.x,b.y), (a.x,a.y)<=(b.x,b.y), (a.x,a.y)>(b.x,b.y), (a.x,a.y)>=(b.x,b.y), (a.x,a.y) is distinct from (b.x,b.y), (a.x,a.y) is not distinct from (b.x,b.y) from (select * from (values (1),(2),(null)) p(x), (values (1),(2),(null)) q(y)) a, (select * from (values (1),(2),(null)) p(x), (values (1),(2),(null)) q(y)) b order by 1,2,3,4
select a.x, a.y, (a.x,a.y) in ((1,1),(1,null),(2,1)), (a.x,a.y) not in ((1,1),(1,null),(2,1)), (a.x,a.y) in ((1,1),(2,2),(1,2),(2,1),(null,1)), (a.x,a.y) not in ((1,1),(2,2),(1,2),(2,null),(2,1)), (a.x,a.y) in ((1,1),(2,2),(1,2),(2,1),(3,3)), (a.x,a.y) not in ((1,1),(2,2),(1,2),(3,3)) from (select * from (values (1),(2),(null)) p(x), (values (1),(2),(null)) q(y)) a order by 1,2
select a.x, a.y, (a.x,a.y) in (select 1,1 union all select 1,null::int), (a.x,a.y) not in (select 1,1 union all select 1,null::int), (a.x,a.y) not in (select 1,1 where false), (a.x,a.y) not in (select null::int,2) from (select * from (values (1),(2),(null)) p(x), (values (1),(2),(null)) q(y)) a order by 1,2
select a.x, a.y, (a.x,a.y) < any (select 1,1 union all select 1,null::int), (a.x,a.y) >= all (select 1,1 union all select 1,null::int), (a.x,a.y) = all (select 1,1), (a.x,a.y) <> any (select null::int,2) from (select * from (values (1),(2),(null)) p(x), (values (1),(2),(null)) q(y)) a order by 1,2
select a.x, a.y, (a.x,a.y) in (select b.x, b.y from (values (1,1),(2,null)) b(x,y) where b.x = a.x), (a.x,a.y) not in (select b.x, b.y from (values (1,1),(2,null)) b(x,y) where b.x = a.x) from (select * from (values (1),(2),(null)) p(x), (values (1),(2),(null)) q(y)) a order by 1,2
select a.x, a.y, (a.x,a.y,1) < (1,2,3), (a.x,a.y,1) >= (1,2,null), (1,a.y,a.x) <= (1,2,2), (a.x,a.y,'b') > (1,2,'a') from (select * from (values (1),(2),(null)) p(x), (values (1),(2),(null)) q(y)) a order by 1,2
select id from people where (id, name) > (select id, name from people where id = 2) order by 1
select id from people where (select 2, 'Bob') < (id, name) order by 1
select (1,2) in (select 1), 1
select (1,2) in (select 1,2,3)
select (1,2) = (select 1,2 union all select 1,3)
select id from people where (lower(name), id) in (('ada', 4), ('bob', 2)) order by 1
select id from people where (born, id) between ('1900-01-01', 0) and ('1999-12-31', 9) order by 1
select id from people where (id) in (1,2) order by 1
select id from people where row(id) in (row(1),row(2)) order by 1
select id from people where row(id) in (select id from people) order by 1
select id from people where row(id) = (select 1) order by 1
select id from people where (paid, id) < (100.5, 2) order by 1
select id from people where not ((paid, id) < (100.5, 2)) order by 1
select id from people where (paid, id) < (100.5, 2) is true order by 1
select count(*) filter (where (boss, id) > (1, 2)), bool_and((boss,id) > (0,0)) from people
select case when (boss,id) >= (1,2) then 'x' else 'y' end from people order by id
select id, people is null from people order by 1
select q.id from people p left join people q on (p.id, p.name) = (q.boss, q.name) order by 1
select p.id, q is null, q is not null from people p left join people q on p.id = q.boss order by 1, q.id
select id, (id = 1 or height > 1.7) is null, (not b) is null from people, (values (null::bool),(true)) v(b) order by id, b
select x, (x = 1) in (select true), (x = 1 or x = 3) in (true), (x > 1) = any (array[true]), (x is null or x = 1) in (true, null), (x > 1 or x < 0) is unknown, (x=1 or x=3) is not true from (values (1),(null),(3)) v(x)
select x from (values (1),(null),(3)) v(x) where (x,1) > (2,0)
select x, (x,1) = (1,1), (x,1) <> (1,1), (x,1) < (1,2), (x,1)<=(1,1), (x,1)>=(1,1), (x,1)>(1,0) from (values (1),(null),(3)) v(x)
select x, (x,1) in ((1,1)), (x,1) not in ((1,1)), (x,1) in ((1,2),(3,null)), (x,2) in ((1,1)) from (values (1),(null),(3)) v(x)
select x, row(x,1) = row(1,1), row(x,1) < row(1,2), row(x)=row(1), row(x) > row(1) from (values (1),(null),(3)) v(x)
select x, (x,1) is distinct from (null,1), (x,1) is not distinct from (1,1), (x,2) is not distinct from (null,1) from (values (1),(null),(3)) v(x)
select x, (x,1) in (select 1,1), (x,1) not in (select 1,1), (x,1) in (select null::int,1), (x,2) in (select null::int,1), (x, null::int) not in (select 3,1) from (values (1),(null),(3)) v(x)
select x, (x,1) = (select 1,1), (x,1) < (select 2,1), (x,1) <> (select 1,1), (x,1) = (select 1,1 where false) from (values (1),(null),(3)) v(x)
select x, (x,1) = any (select 1,1), (x,1) <> all (select 1,1), (x,1) = any(select x, 1 where false), (x,1) < all (select 2,2 union all select 3,3), (x,1) > any (select 2,2 union all select 0,0) from (values (1),(null),(3)) v(x)
select (null,null) is null, row(null,1) is not null, row(1,null) is null, row(1,2) is not null, (1,2) is null
select row(null) is null, row(1) is not null
select (1,2,null) = (1,3,null), (1,null,2) < (2,1,1), (1,null) < (1,2), (null,1)=(null,2)
select count(*) from people where (height,id) > (1.7, 1)
select id from people where (boss,id) >= (1, 3) order by id
select id from people where not (boss,id) >= (1, 3) order by id
select id from people where (born, id) >= ('1990-06-15', 1) order by id
select id from people where (born, id) in (('1990-06-15', 2), ('1815-12-10', 1)) order by id
select id from people where (boss, id) in (select boss, id from people) order by id
select id from people where (boss, id) not in (select boss, id from people where id > 1) order by id
select (1,2) = (1,2,3)
select (1,2) = (1,'x')
select (1,2) between (1,1) and (1,3), (1,2) not between (1,1) and (1,3)
select row() = row()
select case when (1,null) = (1,2) then 'a' when (1,null) <> (2,2) then 'b' end
select p.id from people p join people q on (p.id, p.boss) = (q.id, q.boss) order by 1
select x from (values (1),(null),(3)) v(x) order by (x,1)
select a = b, a < b, a is not distinct from b from (values (row(1,null::int), row(1,null::int))) v(a,b)
select row(1,2) = any (array[row(1,2)])
select (x,1) <= (select max(id), 1 from people) from (values (1),(null)) v(x)
select array(select (id,boss) in (select id, boss from people p2 where p2.id = p.id) from people p order by id)
select people is null from people order by id
select people is not null from people order by id
select p.* is null, p.* is not null from people p order by id
select (p.*) = (q.*) from people p, people q where p.id=1 and q.id=1
select id from people p where p is not null order by id
select p = q from people p, people q where p.id=1 and q.id=1
select 1 as current_schema order by current_schema
select id as current_user from people order by current_user, id
select id as session_user from people order by session_user desc, 1
select id as user from people order by user, 1
select id as current_catalog from people order by current_catalog, 1
select id as "current_user" from people order by "current_user" desc
select id as "localtime", count(*) from people group by "localtime" order by "localtime"
select id as current_date from people order by current_date, 1
select current_schema order by current_schema
select 1 as x order by current_schema(), current_database(), version()
SELECT rank(2) WITHIN GROUP (ORDER BY id) FROM people
SELECT dense_rank(2) WITHIN GROUP (ORDER BY id) FROM people
SELECT percent_rank(2) WITHIN GROUP (ORDER BY id) FROM people
SELECT cume_dist(2) WITHIN GROUP (ORDER BY id) FROM people
SELECT rank(2) WITHIN GROUP (ORDER BY id DESC), cume_dist(2) WITHIN GROUP (ORDER BY id DESC) FROM people
SELECT g, rank(15) WITHIN GROUP (ORDER BY i), dense_rank(15) WITHIN GROUP (ORDER BY i), percent_rank(15) WITHIN GROUP (ORDER BY i), cume_dist(15) WITHIN GROUP (ORDER BY i) FROM sums GROUP BY g ORDER BY g
SELECT rank(NULL) WITHIN GROUP (ORDER BY paid), rank(20.00) WITHIN GROUP (ORDER BY paid NULLS FIRST) FROM people
SELECT rank('Bob') WITHIN GROUP (ORDER BY name), dense_rank('Bob') WITHIN GROUP (ORDER BY name DESC) FROM people
SELECT rank(1, 20) WITHIN GROUP (ORDER BY g, i) FROM sums
SELECT dense_rank(1, 15) WITHIN GROUP (ORDER BY g, i DESC) FROM sums
SELECT rank(2) WITHIN GROUP (ORDER BY id) FILTER (WHERE id > 1) FROM people
SELECT rank(2) WITHIN GROUP (ORDER BY id) FROM people WHERE false
SELECT percent_rank(2) WITHIN GROUP (ORDER BY id), cume_dist(2) WITHIN GROUP (ORDER BY id) FROM people WHERE false
SELECT rank() WITHIN GROUP (ORDER BY id) FROM people
SELECT rank(1, 2) WITHIN GROUP (ORDER BY id) FROM people
SELECT percentile_cont(NULL) WITHIN GROUP (ORDER BY id) FROM people
SELECT percentile_disc(NULL) WITHIN GROUP (ORDER BY id) FROM people
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id), percentile_disc(0.5) WITHIN GROUP (ORDER BY id) FROM people
SELECT percentile_cont(ARRAY[0.25, 0.5, NULL]) WITHIN GROUP (ORDER BY id) FROM people
SELECT percentile_disc(ARRAY[0.25, 0.5, NULL]) WITHIN GROUP (ORDER BY id) FROM people
SELECT percentile_disc(ARRAY[0.25, 0.5]) WITHIN GROUP (ORDER BY name DESC) FROM people
SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY id) FROM people
SELECT percentile_cont(g * 0.25) WITHIN GROUP (ORDER BY i) FROM sums GROUP BY g ORDER BY g
SELECT percentile_cont('{0.25,0.75}'::float8[]) WITHIN GROUP (ORDER BY id) FROM people
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY born), percentile_disc(0.5) WITHIN GROUP (ORDER BY paid) FROM people
SELECT mode() WITHIN GROUP (ORDER BY boss) FROM people
SELECT mode() WITHIN GROUP (ORDER BY g), mode() WITHIN GROUP (ORDER BY g DESC) FROM sums
SELECT mode() WITHIN GROUP (ORDER BY name) FROM people
SELECT mode() WITHIN GROUP (ORDER BY name DESC) FROM people
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i) FILTER (WHERE i > 10) FROM sums
SELECT percentile_cont(0.3) WITHIN GROUP (ORDER BY paid), percentile_cont(0.3) WITHIN GROUP (ORDER BY height DESC) FROM people
VALUES (1259::oid),(1247)
VALUES (1247),(1259::oid)
SELECT CASE WHEN true THEN 1::oid ELSE 2 END
SELECT COALESCE(1::oid, 2)
SELECT ARRAY[1::oid, 2]
SELECT GREATEST(1::oid, 2)
SELECT 1::int2 UNION ALL SELECT 2
SELECT 1::int8 UNION ALL SELECT 2
SELECT 1.5 UNION ALL SELECT 2::float8
SELECT 1.5 UNION ALL SELECT 2::float4
SELECT 1 UNION ALL SELECT 2::float4
SELECT 1::float4 UNION ALL SELECT 2::float8
SELECT ARRAY[1::float4, 2]
SELECT ARRAY[1::float4, 2.5]
SELECT ARRAY[1::int2, 2::int8]
SELECT COALESCE('1', 2)
SELECT COALESCE(NULL::int2, 3::int8, 4)
SELECT CASE WHEN true THEN 'a' END
SELECT CASE WHEN true THEN 'a'::varchar ELSE 'b'::text END
SELECT CASE WHEN true THEN 'b'::text ELSE 'a'::varchar END
SELECT CASE WHEN true THEN 'a'::varchar ELSE 'b' END
SELECT CASE WHEN true THEN 'a'::name ELSE 'b'::text END
SELECT CASE WHEN true THEN 'a'::name ELSE 'b' END
SELECT 'a'::varchar(3) UNION ALL SELECT 'b'::varchar(5)
SELECT 'a'::varchar(3) UNION ALL SELECT 'b'::varchar(3)
SELECT NULL UNION ALL SELECT 1
SELECT NULL UNION ALL SELECT NULL
SELECT 'a' UNION ALL SELECT 'b'
SELECT date '2024-01-01' UNION ALL SELECT timestamp '2024-01-01 10:00'
SELECT date '2024-01-01' UNION ALL SELECT '2024-02-01'
SELECT CASE WHEN true THEN date '2024-01-01' ELSE timestamptz '2024-01-01 10:00+00' END
SELECT COALESCE(date '2024-01-01', timestamp '2024-01-01')
SELECT GREATEST(date '2024-01-01', '2024-05-01')
SELECT LEAST(1, 2.5, 3::float8)
SELECT interval '1 day' UNION ALL SELECT '2 days'
SELECT json '{}' UNION ALL SELECT '[]'
SELECT 1 UNION SELECT 'a'
SELECT 1 UNION SELECT 'a'::text
SELECT true UNION SELECT 1
SELECT NULLIF(1, 2.5), NULLIF(1.5, 1), NULLIF('a', 'b'), NULLIF(1::int2, 1)
VALUES (NULL, 1), ('x', 2)
VALUES (1), (NULL), (3::int8)
VALUES ('2024-01-01'::date), ('2024-01-02')
VALUES ('a'::varchar), ('b')
SELECT * FROM (VALUES (1259::oid), (1247)) v(x)
SELECT ARRAY['a', NULL], ARRAY[NULL, 1], ARRAY[NULL]
SELECT ARRAY[date '2024-01-01', '2024-01-02'], ARRAY[date '2024-01-01', timestamp '2024-01-01']
SELECT ARRAY['a'::varchar, 'b'], ARRAY['a'::name, 'b'::text]
SELECT 1::oid = 1, 1::oid < 2, 1::oid IN (1, 2)
SELECT max(x) FROM (VALUES (1::oid), (2)) v(x)
SELECT 1::oid::int4, 1::oid::int8, 1::oid::text
SELECT 'pg_class'::regclass::oid, 'pg_class'::regclass::int4, 'pg_class'::regclass::text
SELECT 1::int8 & 3, 1::int2 | 2::int2, 5 # 3, ~5::int8
SELECT 1::int2 + 1::int2, 1::int2 + 1::int8, 1::int4 * 2.5, 2.5 * 1::float8, 1::float4 + 1, 1::float4 + 1.5, 1::float4 * 1::float4
SELECT date '2024-01-01' + 1, date '2024-01-01' - date '2023-01-01', date '2024-01-01' + time '10:00', date '2024-01-01' + interval '1 day', timestamp '2024-01-01' - timestamp '2023-01-01', now() - now(), age(date '2024-01-01'), time '10:00' + interval '1 hour', interval '1 day' * 2, interval '1 day' / 2, 2 * interval '1 day', 1.5 * interval '1 day'
SELECT date '0044-03-15 BC'::text, '0044-03-15 BC'::date, timestamp '0044-03-15 10:00 BC'::text
SELECT date '0044-03-15 BC' || '!', concat(date '0044-03-15 BC', 'x'), format('%s', date '0044-03-15 BC')
SELECT timestamptz '0044-03-15 10:00+00 BC'::text
SELECT array_to_string(ARRAY[date '0044-03-15 BC'], ','), ARRAY[date '0044-03-15 BC']::text
SELECT string_agg(d::text, ',') FROM (VALUES (date '0044-03-15 BC'), (date '2024-01-01')) v(d)
SELECT d::text, d::varchar(20), 'x' || d FROM (VALUES (date '0044-03-15 BC'), (date 'infinity'), (date '10000-01-01'), (NULL)) v(d)
SELECT ('0044-03-15' || ' BC')::date
SELECT ('0044-03-15' || ' BC')::timestamp
SELECT t::date FROM (VALUES ('0044-03-15 BC'::text), ('2024-01-01')) v(t)
SELECT 'infinity'::text::date, ('-inf' || 'inity')::timestamp
SELECT date '0044-03-15 BC' + 1, date '0044-03-15 BC' - interval '1 year'
SELECT date_trunc('year', timestamp '0044-03-15 10:00 BC')
SELECT d::numeric, f::numeric, d::numeric(10,2), f::numeric(10,1) FROM sums
SELECT (d + 0.1)::numeric FROM sums
SELECT d::numeric::text FROM sums
SELECT round(d::numeric, 2), round((d/3)::numeric, 2) FROM sums
SELECT round(avg(d)::numeric, 2), sum(d)::numeric FROM sums
SELECT d::int, d::int8, 2.5::float8::int, 3.5::float8::int, (-2.5)::float8::int, 2.5::numeric::int, 3.5::numeric::int
SELECT extract(year from date '0044-03-15 BC')
SELECT make_date(-44, 3, 15)
SELECT 'NaN'::float8::numeric
SELECT ('{1,2}'::text)::text || '!', 'a' || 'b'
SELECT interval '1 mon 3 days 04:05:06.7' / 2, interval '1 year' / 7, interval '10 days' / 3, interval '-1 mon 5 days' / 4, interval '1 day' / 2.5, interval '1 day' / 2::float8
SELECT interval '1 day' / 0
SELECT interval '1 mon' * 1.5, 2.5 * interval '1 day 1 hour', interval '1 day' * 2::float8, interval '1 mon 3 days' * 0.3
SELECT sum(x), sum(x) FILTER (WHERE x > interval '1 hour') FROM (VALUES (interval '1 day'), (interval '2 hours'), (NULL), (interval '1 mon -3 days')) v(x)
SELECT sum(x) OVER (ORDER BY n) FROM (VALUES (1, interval '1 day'), (2, interval '2 hours')) v(n, x)
SELECT sum(x) FROM (SELECT interval '1 day' AS x WHERE false) t
SELECT avg(x) FROM (VALUES (interval '1 day'), (interval '2 hours'), (NULL), (interval '1 mon')) v(x)
SELECT justify_interval(interval '1 mon -1 hour'), justify_interval(interval '35 days 30 hours'), justify_interval(interval '-1 day 25 hours'), justify_interval(interval '-35 days 30 hours'), justify_interval(interval '1 mon -31 days')
SELECT trim_scale(1.500), trim_scale(8.4100), trim_scale(100.00), trim_scale(n) FROM sums
SELECT array_fill(7, ARRAY[3]), make_date(2024, json_array_length('[1,2]'), 3), jsonb_array_length('[1,2]') + 1
SELECT min(interval '1 day'), max(interval '1 day'), count(interval '1 day')
SELECT id, 'a' = ALL(tags), 'a' <> ALL(tags), 'a' = ANY(tags), 'a' <> ANY(tags), 'a' > ALL(tags), 'a' < ANY(tags) FROM people ORDER BY id
SELECT id, name = ALL(tags), name <> ALL(tags), name = ANY(tags), name LIKE ANY(tags), name LIKE ALL(tags) FROM people ORDER BY id
SELECT 1 = ALL(NULL::int[]), 1 <> ALL(NULL::int[]), 1 = ANY(NULL::int[]), NULL = ANY('{}'::int[]), NULL = ALL('{}'::int[]), 1 = ALL('{}'::int[])
SELECT 1 = ALL(ARRAY[1,NULL]), 1 <> ALL(ARRAY[2,NULL]), 1 = ANY(ARRAY[2,NULL]), 1 > ANY(ARRAY[2,NULL]), 1 > ALL(ARRAY[0,NULL])
SELECT upper(name) = ALL(tags) FROM people ORDER BY id
SELECT (name || '') = ALL(tags), (name || '') = ANY(tags) FROM people ORDER BY id
SELECT to_char(date '2024-05-06', 'Mon DD, YYYY') = ALL(tags) FROM people ORDER BY id
SELECT date_part('year', 'infinity'::timestamp), date_part('month', 'infinity'::timestamp), date_part('epoch', '-infinity'::date)
SELECT date_part('year', x), x - '2024-01-01'::date FROM (VALUES ('2024-01-05'::date), (NULL)) AS t(x)
SELECT trim_array(ARRAY[1, 2, 3], 3), trim_array(ARRAY['a', 'b'], 0), trim_array(NULL::int[], 1), trim_array(ARRAY[1], NULL)
SELECT extract(year from 'infinity'::date)
SELECT 'Infinity'::float8::numeric
