SELECT length('grüße')
SELECT char_length('abc')
SELECT octet_length('grüße')
SELECT bit_length('abc')
SELECT lower('ÄB')
SELECT upper('äb')
SELECT initcap('hello wORLD')
SELECT substring('hello' from 2 for 3)
SELECT substring('hello', 2)
SELECT substr('hello', 2, 2)
SELECT left('hello', 2)
SELECT left('hello', -2)
SELECT right('hello', 2)
SELECT position('l' in 'hello')
SELECT strpos('hello', 'l')
SELECT overlay('hello' placing 'XX' from 2 for 3)
SELECT replace('hello', 'l', 'L')
SELECT trim('  x  ')
SELECT trim(both 'x' from 'xxaxx')
SELECT ltrim('  x')
SELECT rtrim('x  ')
SELECT btrim('xyxtrimyyx', 'xyz')
SELECT trim(leading 'x' from 'xxa')
SELECT repeat('ab', 3)
SELECT reverse('abc')
SELECT lpad('hi', 5)
SELECT lpad('hi', 5, 'xy')
SELECT rpad('hi', 5, 'xy')
SELECT lpad('hello', 2)
SELECT split_part('a,b,c', ',', 2)
SELECT split_part('a,b,c', ',', -1)
SELECT split_part('a,b,c', ',', 9)
SELECT concat('a', NULL, 1, true)
SELECT concat_ws(',', 'a', NULL, 'b')
SELECT 'a' || 1
SELECT 'a' || NULL
SELECT ascii('A')
SELECT chr(65)
SELECT chr(8364)
SELECT md5('x')
SELECT encode('abc'::bytea, 'hex')
SELECT encode('abc'::bytea, 'base64')
SELECT decode('616263', 'hex')
SELECT decode('YWJj', 'base64')
SELECT quote_ident('a b')
SELECT quote_literal('it''s')
SELECT quote_nullable(NULL)
SELECT to_hex(255)
SELECT starts_with('hello', 'he')
SELECT translate('12345', '143', 'ax')
SELECT format('%s and %I', 'a', 'b c')
SELECT format('%L', 'x')
SELECT string_to_array('a,b,c', ',')
SELECT string_to_array('a,b,NULL', ',', 'NULL')
SELECT array_to_string(ARRAY['a',NULL,'c'], ',')
SELECT array_to_string(ARRAY['a',NULL,'c'], ',', '*')
SELECT regexp_replace('hello', 'l+', 'L')
SELECT regexp_replace('hello', 'l', 'L', 'g')
SELECT regexp_match('abc123', '[a-z]+')
SELECT regexp_match('abc123', '([a-z]+)([0-9]+)')
SELECT regexp_split_to_array('a1b2c', '[0-9]')
SELECT 'hello' ~ 'l+'
SELECT 'hello' !~ 'x'
SELECT 'Hello' ~* 'hel'
SELECT 'hello' LIKE 'h%'
SELECT 'hello' LIKE 'h_llo'
SELECT 'HELLO' ILIKE 'h%'
SELECT 'a%b' LIKE 'a\%b'
SELECT 'a_b' LIKE 'a#_b' ESCAPE '#'
SELECT 'abc' SIMILAR TO '(a|b)%'
SELECT 'abc' NOT LIKE 'x%'
SELECT 'b' BETWEEN 'a' AND 'c'
SELECT 'abc' < 'abd'
SELECT sha256('abc'::bytea)
SELECT unistr('d\0061t')
SELECT string_agg(x, ',') FROM (VALUES ('a'),('b')) v(x)
SELECT text 'x' = 'x'|'x'::char(3) = 'x'|'x'::char(3) || '|'
SELECT length('x  '::char(5))
SELECT normalize('a')
SELECT regexp_count('aXbXc', 'X')
SELECT regexp_like('abc', 'b')
SELECT regexp_substr('abc', 'b.')
SELECT regexp_instr('abc', 'b')
SELECT abs(-5)
SELECT abs(-5.5)
SELECT ceil(1.2)
SELECT ceiling(-1.2)
SELECT floor(1.8)
SELECT floor(-1.8::float8)
SELECT round(1.5)
SELECT round(2.5)
SELECT round(-2.5)
SELECT round(2.5::float8)
SELECT round(1.255, 2)
SELECT trunc(1.9)
SELECT trunc(-1.987, 2)
SELECT mod(7, 3)
SELECT mod(-7, 3)
SELECT mod(7.5, 2)
SELECT div(7, 2)
SELECT div(-7, 2)
SELECT power(2, 10)
SELECT power(2.0, 3)
SELECT power(2::float8, 0.5)
SELECT sqrt(16)
SELECT sqrt(2::float8)
SELECT cbrt(27::float8)
SELECT exp(0::float8)
SELECT ln(1::float8)
SELECT log(100::float8)
SELECT log(2.0, 8.0)
SELECT sign(-3)
SELECT sign(2.5)
SELECT pi()
SELECT degrees(pi())
SELECT radians(180::float8)
SELECT sin(0::float8)
SELECT cos(0::float8)
SELECT tan(0::float8)
SELECT atan2(1::float8, 1::float8)
SELECT asin(1::float8)
SELECT gcd(12, 18)
SELECT lcm(4, 6)
SELECT factorial(5)
SELECT width_bucket(5, 0, 10, 5)
SELECT greatest(1, 2, 3)
SELECT least(1, NULL, 3)
SELECT greatest('a', 'b')
SELECT greatest(1, 2.5)
SELECT nullif(1, 1)
SELECT nullif(1, 2)
SELECT coalesce(NULL, NULL, 3)
SELECT 1 + 1
SELECT 7 / 2
SELECT -7 / 2
SELECT 7 % 3
SELECT -7 % 3
SELECT 7.0 / 2
SELECT 1 / 3.0
SELECT 2 ^ 3
SELECT 2.5 * 2
SELECT 1.10 + 2.205
SELECT 10 - 0.001
SELECT 1e3
SELECT 1.5e-3
SELECT 0.1 + 0.2
SELECT 0.1::float8 + 0.2::float8
SELECT 2147483647 + 1
SELECT 9223372036854775807 + 1
SELECT 32767::int2 + 1::int2
SELECT 1::int2 + 1::int4
SELECT 1::int4 * 1::int8
SELECT 3 & 5
SELECT 3 | 5
SELECT 3 # 5
SELECT ~3
SELECT 1 << 4
SELECT 256 >> 2
SELECT 5 = 5.0
SELECT 5 = 5::float8
SELECT 1/0
SELECT 1.0/0
SELECT 1::float8/0
SELECT 0::float8/0::float8
SELECT 5 / 0.0::float8
SELECT sqrt(-1::float8)
SELECT ln(0::float8)
SELECT 'NaN'::float8 = 'NaN'::float8
SELECT 'NaN'::float8 > 1
SELECT 'Infinity'::float8 - 'Infinity'::float8
SELECT 1::bool
SELECT 0::int::bool
SELECT true::int
SELECT 100::int2::text
SELECT 12345678901234567890
SELECT 0.00001
SELECT 123456789.123456789
SELECT -5::int % 3
SELECT 5 !== 3
SELECT scale(1.50)
SELECT min_scale(1.50)
SELECT trim_scale(1.50)
SELECT bit_count('101'::bit(3))
SELECT to_char(1234.5, '9,999.99')
SELECT to_char(12, '000')
SELECT to_char(-5, '999')
SELECT to_char(0.5, 'FM0.00')
SELECT to_number('1,234.5', '9,999.9')
SELECT random() < 1
SELECT setseed(0.5)
SELECT numeric '1.10'
SELECT 1.10::numeric(10,1)
SELECT 1.15::numeric(10,1)
SELECT 12.345::numeric(4,1)
SELECT 99999::numeric(3)
SELECT (1.5)::int
SELECT (2.5)::int
SELECT (3.5)::int
SELECT (2.5::float8)::int
SELECT (-2.5)::int
SELECT date '2024-01-31' + 1
SELECT date '2024-03-01' - date '2024-02-01'
SELECT date '2024-01-31' + interval '1 month'
SELECT timestamp '2024-01-31 10:00' + interval '1 month'
SELECT timestamp '2024-03-01' - timestamp '2024-02-01 12:00'
SELECT age(timestamp '2024-03-01', timestamp '2023-01-15')
SELECT date_trunc('month', timestamp '2024-02-29 12:34:56')
SELECT date_trunc('day', date '2024-02-29')
SELECT date_trunc('hour', timestamptz '2024-02-29 12:34:56+00')
SELECT date_trunc('week', timestamp '2024-02-29')
SELECT date_trunc('quarter', timestamp '2024-05-05')
SELECT extract(year from date '2024-02-29')
SELECT extract(month from timestamp '2024-02-29 12:00')
SELECT extract(epoch from timestamp '2024-02-29 12:00')
SELECT extract(dow from date '2024-02-29')
SELECT extract(doy from date '2024-02-29')
SELECT extract(week from date '2024-02-29')
SELECT extract(second from timestamp '2024-02-29 12:00:01.5')
SELECT extract(hour from time '12:34')
SELECT extract(day from interval '3 days')
SELECT extract(isodow from date '2024-03-03')
SELECT extract(century from date '2024-02-29')
SELECT extract(milliseconds from time '12:34:56.7')
SELECT extract(quarter from date '2024-02-29')
SELECT date_part('year', date '2024-02-29')
SELECT date_part('epoch', interval '1 day')
SELECT make_date(2024, 2, 29)
SELECT make_time(12, 34, 56.5)
SELECT make_timestamp(2024, 2, 29, 12, 34, 56.5)
SELECT make_interval(days => 3)
SELECT make_interval(1, 2, 0, 3)
SELECT to_char(timestamp '2024-02-29 12:34:56', 'YYYY-MM-DD HH24:MI:SS')
SELECT to_char(date '2024-02-29', 'Mon DD, YYYY')
SELECT to_char(timestamp '2024-02-09 02:34:56', 'FMDD FMMonth HH12:MI AM')
SELECT to_char(date '2024-02-29', 'Day')
SELECT to_date('2024-02-29', 'YYYY-MM-DD')
SELECT to_timestamp('2024-02-29 12:34', 'YYYY-MM-DD HH24:MI')
SELECT to_timestamp(0)
SELECT to_timestamp(1709210096.5)
SELECT interval '1 day' + interval '2 hours'
SELECT interval '1 day' * 2
SELECT interval '1 day' / 2
SELECT interval '1 month' = interval '30 days'
SELECT -interval '1 day'
SELECT interval '36 hours'
SELECT justify_hours(interval '36 hours')
SELECT justify_days(interval '35 days')
SELECT justify_interval(interval '1 mon -1 hour')
SELECT interval '1.5 days'
SELECT timestamptz '2024-02-29 12:00:00+00' at time zone 'Europe/Berlin'
SELECT timestamp '2024-02-29 12:00:00' at time zone 'Europe/Berlin'
SELECT timestamptz '2024-02-29 12:00+00'::date
SELECT timestamptz '2024-02-29 12:00+00'::timestamp
SELECT date '2024-02-29' = timestamp '2024-02-29'
SELECT date '2024-02-29' < timestamptz '2024-02-29 01:00+00'
SELECT (date '2024-01-01', date '2024-02-01') OVERLAPS (date '2024-01-15', date '2024-03-01')
SELECT isfinite(date 'infinity')
SELECT date 'infinity' > date '2024-01-01'
SELECT date_bin('15 minutes', timestamp '2024-02-29 12:34:56', timestamp '2001-01-01')
SELECT time '12:00' + interval '90 minutes'
SELECT time '12:00' - time '10:30'
SELECT date '2024-02-29' + time '12:00'
SELECT now() = now()
SELECT now() = current_timestamp
SELECT current_date = now()::date
SELECT clock_timestamp() >= now()
SELECT pg_typeof(now())
SELECT pg_typeof(current_date)
SELECT pg_typeof(localtimestamp)
SELECT pg_typeof(current_time)
SELECT extract(timezone from timestamptz '2024-01-01 00:00+00')
SELECT timestamp '2024-02-29 12:34:56'::time
SELECT interval '25:00:00'
SELECT interval '1 year' > interval '11 months'
SELECT interval '3' day
SELECT interval '1-2' year to month
SELECT date '2024-02-30'
SELECT timestamp 'x'
SELECT make_date(2024, 2, 30)
SELECT 'today'::date = current_date
SELECT timestamp '2024-02-29 12:34:56.123456789'
SELECT timestamp(0) '2024-02-29 12:34:56.7'
SELECT timestamptz '2024-02-29 12:34:56.789+00'::timestamptz(1)
SELECT time(0) '12:34:56.7'
SELECT extract(epoch from date '1970-01-02')
SELECT extract(microseconds from time '00:00:01')
SELECT ARRAY[1,2,3]
SELECT ARRAY['a','b']
SELECT ARRAY[]::int[]
SELECT ARRAY[1,NULL,3]
SELECT (ARRAY[1,2,3])[2]
SELECT (ARRAY[1,2,3])[5]
SELECT (ARRAY[1,2,3])[1:2]
SELECT ARRAY[1,2] || ARRAY[3]
SELECT ARRAY[1,2] || 3
SELECT 0 || ARRAY[1,2]
SELECT array_length(ARRAY[1,2,3], 1)
SELECT cardinality(ARRAY[1,2,3])
SELECT array_append(ARRAY[1], 2)
SELECT array_prepend(0, ARRAY[1])
SELECT array_cat(ARRAY[1], ARRAY[2])
SELECT array_position(ARRAY['a','b'], 'b')
SELECT array_remove(ARRAY[1,2,1], 1)
SELECT array_replace(ARRAY[1,2], 1, 9)
SELECT array_upper(ARRAY[1,2], 1)
SELECT array_lower(ARRAY[1,2], 1)
SELECT array_dims(ARRAY[1,2])
SELECT array_ndims(ARRAY[ARRAY[1],ARRAY[2]])
SELECT ARRAY[1,2] @> ARRAY[1]
SELECT ARRAY[1] <@ ARRAY[1,2]
SELECT ARRAY[1,2] && ARRAY[2,3]
SELECT ARRAY[1,2] = ARRAY[1,2]
SELECT ARRAY[1,2] < ARRAY[1,3]
SELECT 1 = ANY(ARRAY[1,2])
SELECT 1 <> ALL(ARRAY[2,3])
SELECT 3 > ALL('{1,2}'::int[])
SELECT 'a' = ANY('{a,b}')
SELECT array_fill(0, ARRAY[3])
SELECT array_positions(ARRAY[1,2,1], 1)
SELECT trim_array(ARRAY[1,2,3], 1)
SELECT ARRAY(SELECT 1)
SELECT '{1,2}'::int[] = ARRAY[1,2]
SELECT '{"a": {"b": 2}}'::json -> 'a'
SELECT '{"a": {"b": 2}}'::json ->> 'a'
SELECT '[1,2,3]'::json -> 1
SELECT '[1,2,3]'::json ->> 1
SELECT '{"a": {"b": 2}}'::json #> '{a,b}'
SELECT '{"a": {"b": 2}}'::jsonb #>> '{a,b}'
SELECT '{"a":1}'::jsonb @> '{"a":1}'
SELECT '{"a":1}'::jsonb ? 'a'
SELECT json_typeof('[1]'::json)
SELECT jsonb_typeof('1'::jsonb)
SELECT json_array_length('[1,2]'::json)
SELECT jsonb_array_length('[1,2,3]'::jsonb)
SELECT to_json('a'::text)
SELECT to_jsonb(1)
SELECT to_json(ARRAY[1,2])
SELECT json_build_object('a', 1, 'b', 'x')
SELECT json_build_array(1, 'a', NULL)
SELECT row_to_json(ROW(1, 'a'))
SELECT jsonb_build_object('a', 1)
SELECT json_object('{a,1,b,2}')
SELECT jsonb_set('{"a":1}'::jsonb, '{a}', '2')
SELECT '{"a":1}'::jsonb || '{"b":2}'::jsonb
SELECT '{"a":1,"b":2}'::jsonb - 'a'
SELECT jsonb_pretty('{"a":1}'::jsonb)
SELECT jsonb_strip_nulls('{"a":null}'::jsonb)
SELECT json_extract_path_text('{"a":{"b":"c"}}'::json, 'a', 'b')
SELECT '{"a":1}'::jsonb = '{"a": 1}'::jsonb
SELECT ('{"a":1.5}'::jsonb ->> 'a')::float8
SELECT ('{"n":5}'::json ->> 'n')::int + 1
SELECT jsonb_path_exists('{"a":1}'::jsonb, '$.a')
SELECT (json '[1]')::text
SELECT true AND NULL
SELECT true OR NULL
SELECT NOT NULL::bool
SELECT NULL IS NULL
SELECT NULL = NULL
SELECT true IS TRUE
SELECT NULL::bool IS UNKNOWN
SELECT 1 IS DISTINCT FROM NULL
SELECT 1 IN (1,2)
SELECT 1 NOT IN (2,NULL)
SELECT NULL IN (1)
SELECT 1 BETWEEN 0 AND 2
SELECT 2 BETWEEN SYMMETRIC 3 AND 1
SELECT CASE WHEN true THEN 'a' ELSE 'b' END
SELECT CASE 1 WHEN 1 THEN 'x' END
SELECT CASE WHEN false THEN 1 END
SELECT CASE WHEN true THEN 1 ELSE 2.5 END
SELECT CAST(1 AS text)
SELECT CAST('1' AS int)
SELECT NULL
SELECT 'a'
SELECT 1
SELECT 1.5
SELECT true
SELECT 'a' AS "Some Name"
SELECT 1 AS one, 2 AS two
SELECT ROW(1, 'a')
SELECT (1, 2) = (1, 2)
SELECT (1, 2) < (1, 3)
SELECT (1, NULL) IS NULL
SELECT EXISTS (SELECT 1)
SELECT EXISTS (SELECT 1 WHERE false)
SELECT (SELECT 5)
SELECT (SELECT 1 WHERE false)
SELECT 1 = (SELECT 1)
SELECT 'a'::text COLLATE "C"
SELECT gen_random_uuid() IS NOT NULL
SELECT pg_typeof(1)
SELECT pg_typeof('x'::text)
SELECT pg_typeof(1.5)
SELECT pg_typeof(NULL)
SELECT current_schema
SELECT current_schemas(true)
SELECT version() IS NOT NULL
SELECT pg_backend_pid() > 0
SELECT current_setting('TimeZone')
SELECT current_setting('bogus')
SELECT current_setting('bogus', true)
SELECT current_setting('server_version_num')::int > 1
SELECT pg_is_in_recovery()
SELECT txid_current() >= 0
SELECT pg_sleep(0)
SELECT 'x'::bytea || 'y'::bytea
SELECT length('abc'::bytea)
SELECT get_byte('abc'::bytea, 1)
SELECT substring('abcdef'::bytea from 2 for 2)
SELECT 'abc'::bytea = 'abc'::bytea
SELECT B'101'
SELECT B'101' & B'110'
SELECT length(B'101')
SELECT B'101' || B'1'
SELECT X'1F'
SELECT '101'::bit(3)::int
SELECT 5::bit(8)
SELECT 'a'::regclass
SELECT 'people'::regclass::text
SELECT 'pg_class'::regclass
SELECT 'pg_class'::regclass::oid
SELECT 'int4'::regtype
SELECT 'nothing'::regclass
SELECT 'nothing'::regtype
SELECT to_regclass('nothing')
SELECT format_type(23, -1)
SELECT format_type(1700, 655366)
SELECT obj_description(1259, 'pg_class') IS NULL
SELECT pg_size_pretty(1234567::bigint)
SELECT pg_advisory_lock(1)
SELECT pg_try_advisory_lock(2)
SELECT pg_advisory_unlock(2)
SELECT pg_advisory_unlock(99)
SELECT pg_advisory_unlock_all()
SELECT pg_advisory_xact_lock(3)
SELECT pg_notify('c', 'x')
SELECT pg_column_size(1)
SELECT num_nulls(1, NULL, 2)
SELECT num_nonnulls(1, NULL)
SELECT inet '10.0.0.1'
SELECT '10.0.0.0/8'::cidr
SELECT point '(1,2)'
SELECT money '1.5'
SELECT int4range(1, 5)
SELECT '<a/>'::xml
SELECT 'a b'::tsvector
SELECT host(inet '10.0.0.1/8')
SELECT generate_series(1, 3)
SELECT unnest(ARRAY[1,2])
SELECT regexp_matches('a1b2', '[0-9]', 'g')
SELECT ARRAY[[1, 2], [3]]
SELECT row_to_json(t) FROM (SELECT timestamp '2024-01-01 10:00' AS m) t
SELECT 12345.678::float4::numeric(12,4), 1.005::float8::numeric(10,2)
SELECT ARRAY[true, NULL, false]::text
SELECT 'tr'::bool, 'of'::bool
SELECT json_object_keys('{"a":1,"b":2}')
SELECT date '0044-03-15 BC' || '!'
SELECT upper('Straße')
