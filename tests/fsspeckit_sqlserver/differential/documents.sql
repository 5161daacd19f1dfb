SELECT '{"b":1, "a":2}'::json::jsonb
SELECT '{"b":{"z":1,"y":2}}'::jsonb -> 'b'
SELECT '{}'::jsonb = '{ }'::jsonb
SELECT ('{"a"' || '')::jsonb
SELECT ('{"b":1, "a":2}' || '')::jsonb
SELECT (to_jsonb(t) -> 'a')::int + 1 FROM (SELECT 1 AS a, 1.50 AS b) t
SELECT * FROM json_each_text('{"b": 1, "a": {"x":2}}')
SELECT * FROM json_object_keys('{"b": 1, "a": 2}')
SELECT * FROM jsonb_array_elements('[1, {"b":1,"a": 2}]')
SELECT * FROM jsonb_each('{"b": 1, "a": {"x":2}}')
SELECT * FROM jsonb_each('{"bb": 1, "a": {"x":2}}')
SELECT * FROM jsonb_each('{"bb": 1, "a": {"x":2}}') AS t(k, v)
SELECT a.id, count(b) FROM people a LEFT JOIN people b ON b.boss = a.id GROUP BY a.id ORDER BY a.id
SELECT a.id, count(b.*) FROM people a LEFT JOIN people b ON b.boss = a.id GROUP BY a.id ORDER BY a.id
SELECT array_to_json(ARRAY[1,2,3]), array_to_json(ARRAY['a','b']), array_to_json(ARRAY[[1,2],[3,4]])
SELECT array_to_json(ARRAY[1,2,3], true)
SELECT array_to_json(ARRAY[1.50, NULL])
SELECT array_to_json(array_agg(row_to_json(t))) FROM (SELECT 1 AS b, 1.50 AS a) t
SELECT array_to_json(array_agg(t)) FROM (SELECT 1 AS b, 1.50 AS a) t
SELECT coalesce(json_agg(t), '[]') FROM (SELECT id, paid, born FROM people WHERE id > 100) t
SELECT coalesce(json_agg(t), '[]'::json) FROM (SELECT id, paid, born FROM people WHERE id > 100) t
SELECT id, (SELECT json_agg(c) FROM (SELECT b.id, b.name FROM people b WHERE b.boss = a.id ORDER BY 1) c) AS staff FROM people a ORDER BY id
SELECT json_agg(DISTINCT id) FROM people WHERE id < 3
SELECT json_agg(born ORDER BY id) FROM people
SELECT json_agg(height ORDER BY id) FROM people
SELECT json_agg(id ORDER BY id) FILTER (WHERE id > 2) FROM people
SELECT json_agg(id) FROM people WHERE false
SELECT json_agg(id) OVER (ORDER BY id) FROM people
SELECT json_agg(json_build_object('id', id, 'paid', paid) ORDER BY id) FROM people
SELECT json_agg(name ORDER BY id) FROM people
SELECT json_agg(p ORDER BY id DESC) FROM people p
SELECT json_agg(p) FROM people p
SELECT json_agg(paid ORDER BY id) FROM people
SELECT json_agg(row_to_json(p) ORDER BY id) FROM people p
SELECT json_agg(t) FROM (SELECT id, paid, born FROM people ORDER BY id) t
SELECT json_agg(t)::jsonb FROM (SELECT 1 AS b, 2 AS a) t
SELECT json_agg(t.*) FROM (SELECT 1 AS a) t
SELECT json_agg(tags ORDER BY id) FROM people
SELECT json_agg(x) FROM (VALUES ('2024-01-01 00:00'::timestamp), (NULL)) v(x)
SELECT json_build_array()
SELECT json_build_array(1, 'a', 1.50, NULL, true, date '2024-01-01')
SELECT json_build_object('a b', 1, 2, 'x', true, 3)
SELECT json_build_object('a')
SELECT json_build_object('a', 1, 'a', 2)
SELECT json_build_object('a', 1, 'b', 1.50, 'c', timestamp '2024-01-01', 'd', NULL)
SELECT json_build_object('a', ARRAY[1,2], 'b', json_build_object('c', 'x'))
SELECT json_build_object('r', ROW(1, 2))
SELECT json_build_object('type', 'x', 'items', json_agg(json_build_object('n', name))) FROM people WHERE id < 3
SELECT json_build_object('x', '{"z":1,  "a":2}'::jsonb, 'y', '{"z":1,   "a":2}'::json)
SELECT json_build_object()
SELECT json_build_object(NULL, 1)
SELECT json_build_object(NULLIF(name, 'Ada'), id) FROM people WHERE id = 1
SELECT json_build_object(name, id) FROM people WHERE id = 1
SELECT json_object('{a,1,b,2}')
SELECT json_object('{a,b}', '{1,2}')
SELECT json_object(ARRAY['a','b'], ARRAY['1',NULL])
SELECT json_object_agg(NULL::text, 1)
SELECT json_object_agg(id, p) FROM people p WHERE id = 1
SELECT json_object_agg(k, v) FROM (VALUES ('a', 1), ('b', NULL)) t(k, v)
SELECT json_object_agg(name, born ORDER BY id) FROM people
SELECT json_object_agg(name, paid) FROM (SELECT * FROM people ORDER BY id) p
SELECT json_object_keys('{"b": 1, "a": 2}')
SELECT json_strip_nulls('{"a": 1, "b": null}'), jsonb_strip_nulls('{"a": 1, "b": null}')
SELECT jsonb_agg(DISTINCT name) FROM people WHERE id < 3
SELECT jsonb_agg(jsonb_build_object('id', id, 'paid', paid) ORDER BY id) FROM people
SELECT jsonb_agg(n) FROM (SELECT n FROM sums ORDER BY i) q
SELECT jsonb_agg(name ORDER BY id) FROM people
SELECT jsonb_agg(p ORDER BY id) FROM people p
SELECT jsonb_array_elements('[1, {"b":1,"a": 2}]')
SELECT jsonb_build_array(1, 'a', 1.50, NULL, true)
SELECT jsonb_build_object('a', 1) = '{"a":1}'
SELECT jsonb_build_object('a', 1)::text, json_build_object('a', 1)::text, to_jsonb(ARRAY[1,2])::text
SELECT jsonb_build_object('a', 1, 'a', 2)
SELECT jsonb_build_object('b', 1, 'a', 2) ->> 'a'
SELECT jsonb_build_object('b', 1, 'a', 2.50, 'cc', 'x')
SELECT jsonb_build_object('b', jsonb_build_array(1, 'x', 2.0), 'a', NULL)
SELECT jsonb_build_object('f', 1e20::float8, 'g', 1e-7::float8, 'h', '-0'::float8)
SELECT jsonb_build_object('n', n, 'i', i) FROM sums ORDER BY i
SELECT jsonb_build_object('x', '{"z":1,"a":2}'::jsonb, 'y', '{"z":1,"a":2}'::json)
SELECT jsonb_build_object(name, id, 'a', 1, name, 2) FROM people WHERE id = 1
SELECT jsonb_object('{a,1,b,2}')
SELECT jsonb_object('{b,1,a,2}')
SELECT jsonb_object_agg(id, p) FROM people p WHERE id = 1
SELECT jsonb_object_agg(name, paid) FROM people
SELECT jsonb_object_keys('{"b": 1, "a": 2}')
SELECT jsonb_object_keys('{"bb": 1, "a": 2}')
SELECT jsonb_pretty('{"a": 1, "b": [1, 2]}')
SELECT jsonb_strip_nulls('{"a": 1, "b": null}')
SELECT key, value FROM jsonb_each('{"bb": 1, "a": {"x":2}}')
SELECT row_to_json(ROW(1, 'a', 1.50, NULL))
SELECT row_to_json(a), row_to_json(b) FROM people a JOIN people b ON a.boss = b.id ORDER BY a.id
SELECT row_to_json(b) FROM people a LEFT JOIN people b ON a.boss = b.id ORDER BY a.id
SELECT row_to_json(p) FROM people p ORDER BY id
SELECT row_to_json(t) FROM (SELECT * FROM people WHERE id = 1) t JOIN (SELECT 1 AS a) s ON true
SELECT row_to_json(t) FROM (SELECT p.id, (SELECT json_agg(c.name) FROM people c WHERE c.boss = p.id) AS kids FROM people p WHERE id = 1) t
SELECT row_to_json(t) FROM (SELECT timestamp '2024-01-01 10:00' AS m) t
SELECT row_to_json(t)::text FROM (SELECT 1 AS a, 1.50 AS b) t
SELECT row_to_json(t, true) FROM (SELECT 1 AS a, 'x' AS b) t
SELECT row_to_json(t.*) FROM (SELECT 1 AS a) t
SELECT row_to_json(x) FROM (SELECT sum(paid) AS s, max(born) AS m, count(*) AS c FROM people) x
SELECT timetz '10:00+02', timetz '10:00:00+2', timetz '10:00 -8'
SELECT to_json('\x01ff'::bytea), to_json('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid), to_json(true), to_json(NULL::int), to_json('a'::text)
SELECT to_json('x')
SELECT to_json('x'), 1
SELECT to_json('{"a": 1}'::json), to_json('{"b":1,"a":2}'::jsonb)
SELECT to_json(1.1::float4), to_json(1e10::float4)
SELECT to_json(1.50), to_json(1.5::numeric(10,3)), to_json(100::numeric(10,2)), to_json(0.00)
SELECT to_json(1.5::float8), to_json(1e20::float8), to_json(1e-7::float8), to_json('infinity'::float8), to_json(3::float8)
SELECT to_json(12345678901234567890), to_json(9223372036854775807), to_json((-1)::int2)
SELECT to_json(ARRAY[1.50, 2.00]), to_json(ARRAY['a', NULL]), to_json(ARRAY[[1,2],[3,4]]), to_json(ARRAY[timestamp '2024-01-01']), to_json(ARRAY[1.5::float8, 'NaN'])
SELECT to_json(ARRAY[]::int[])
SELECT to_json(ARRAY[true, NULL]), to_json(ARRAY[date '2024-01-01', NULL]), to_json(ARRAY[interval '1 day']), to_json(ARRAY['\x01'::bytea])
SELECT to_json(B'101')
SELECT to_json(NULL)
SELECT to_json(ROW(1, 'a', date '2024-01-01'))
SELECT to_json(date '0044-03-15 BC'), to_json(timestamp '0044-03-15 10:00 BC')
SELECT to_json(date 'infinity'), to_json(timestamp '-infinity')
SELECT to_json(p.tags) FROM people p ORDER BY id
SELECT to_json(sum(paid)), to_json(avg(height)), to_json(count(*)), to_json(max(born)) FROM people
SELECT to_json(t.*) FROM (SELECT 1 AS a) t
SELECT to_json(timestamp '2024-01-01 10:00:00.5'), to_json(timestamptz '2024-01-01 10:00+02'), to_json(date '2024-01-01')
SELECT to_jsonb('NaN'::float8), to_jsonb(1.5::float8)
SELECT to_jsonb(1.50), to_jsonb('a'::text), to_jsonb(ARRAY[1,2]), to_jsonb(timestamp '2024-01-01'), to_jsonb(date '2024-01-01')
SELECT to_jsonb(1e300::float8)
SELECT to_jsonb(NULL)
SELECT to_jsonb(p) FROM people p ORDER BY id
SELECT to_jsonb(x) FROM (SELECT sum(paid) AS s, max(born) AS m, count(*) AS c FROM people) x
SELECT v -> 'a' FROM jsonb_array_elements('[{"b":1,"a": 2}]') AS v
SELECT v FROM jsonb_array_elements('[1, {"b":1,"a": 2}]') AS v
SELECT value FROM jsonb_array_elements('[1, {"b":1,"a": 2}]')
WITH q AS (SELECT * FROM people) SELECT json_agg(q ORDER BY id) FROM q
WITH q AS (SELECT id, paid FROM people) SELECT row_to_json(q) FROM q ORDER BY id
SELECT row_to_json(t) FROM (SELECT timestamptz '2024-01-01 10:00+00' AS m, date '2024-02-29' AS d, 1.50 AS n, 2.0::float8 AS f, 'NaN'::float8 AS nn, '\x01ff'::bytea AS b, interval '1 day 2 hours' AS i, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS u, ARRAY[1,2] AS a, NULL::int AS z, true AS x, time '10:00' AS ti, 'x"y\z' AS s) t
SELECT to_jsonb(t) FROM (SELECT timestamptz '2024-01-01 10:00+00' AS m, date '0044-03-15 BC' AS d, 1.50 AS n, 1e20::float8 AS f, 'NaN'::float8 AS nn, '\x01ff'::bytea AS b, interval '1 day 2 hours' AS i, ARRAY[1.50,NULL] AS a, E'a\tb\x01' AS s) t
SELECT to_json('x'::text), to_json(timetz '10:00+02'), to_json(E'a\x7f'::text)
SELECT '{"a":1}'::jsonb || '{"b":2}'::jsonb, '{"a":1}'::jsonb || '{"a":2}', '[1]'::jsonb || '2', '1'::jsonb || '2', '{"a":1}'::jsonb || '[1]', jsonb_build_object('z', id) || jsonb_build_object('a', name) FROM people ORDER BY id
SELECT '{"a":1,"b":2}'::jsonb - 'a', '["a","b"]'::jsonb - 'a', '["a","b"]'::jsonb - 0, '["a","b"]'::jsonb - -1, '{"a":1,"b":2,"c":3}'::jsonb - ARRAY['a','c'], '[1]'::jsonb - 5
SELECT '"x"'::jsonb - 'a'
SELECT '{"a":1}'::jsonb - 1
SELECT '{"a":{"b":1,"c":[1,2]}}'::jsonb #- '{a,c,0}', '{"a":1}'::jsonb #- '{x}', '[1,[2,3]]'::jsonb #- '{1,-1}'
SELECT '{"a":1,"b":[1,2,{"c":"d"}]}'::jsonb @> '{"a":1}', '{"a":1}'::jsonb @> '{"a":2}', '[1,2,3]'::jsonb @> '[3,1]', '[1,[2]]'::jsonb @> '[2]', '["a"]'::jsonb @> '"a"', '1'::jsonb @> '1.0', '{"a":[1,{"b":2}]}'::jsonb @> '{"a":[{"b":2}]}', '{"b":1}' <@ '{"a":1,"b":1}'::jsonb, 'true'::jsonb @> '1'
SELECT '{"a":1}'::jsonb ? 'a', '["a"]'::jsonb ? 'a', '"a"'::jsonb ? 'a', '{"a":1}'::jsonb ? 'b', '{"a":1,"b":2}'::jsonb ?| ARRAY['x','b'], '{"a":1,"b":2}'::jsonb ?& ARRAY['a','b'], '{"a":1}'::jsonb ?& '{a,c}'
SELECT jsonb_set('{"a": 1}', '{a}', '2'), jsonb_set('{"a":{"b":1}}', '{a,c}', '[1]'), jsonb_set('{"a":1}', '{b}', '2', false), jsonb_set('[1,2]', '{0}', '"x"'), jsonb_set('[1,2]', '{9}', '3'), jsonb_set('[1]', '{-5}', '0'), jsonb_set('{"a":1}'::jsonb, ARRAY['a','b'], '1')
SELECT jsonb_set('1', '{a}', '2')
SELECT jsonb_set('[1]', '{x}', '2')
SELECT NULL::jsonb || '{}', '{}'::jsonb || NULL, NULL::jsonb @> '{}', jsonb_set(NULL, '{a}', '1')
SELECT id FROM people WHERE to_jsonb(people) @> '{"boss": 1}' ORDER BY id
SELECT id, to_jsonb(people) - 'tags' - 'born' FROM people ORDER BY id
SELECT id FROM people WHERE to_jsonb(tags) ? 'a' ORDER BY id
SELECT power(0, 2)::text, power(2, 10)::text
