"""PostgreSQL's SQL gives PostgreSQL's answers. Every expected value was taken from PostgreSQL 15."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from fsspeckit_lib.errors import GatewayError
from tests.fsspeckit_sqlserver.engine.lakes import Client


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("initcap('hello wORLD')", "Hello World"),
        ("octet_length('äö')", 4),
        ("substring('hello' from 2 for 3)", "ell"),
        ("substring('foobar' from 'o(.)b')", "o"),
        ("substring('foobar' from 'o.b')", "oob"),
        ("overlay('hello' placing 'XX' from 2 for 2)", "hXXlo"),
        ("trim(both 'x' from 'xax')", "a"),
        ("btrim('xax', 'x')", "a"),
        ("position('l' in 'hello')", 3),
        ("format('%s-%s', 'a', 1)", "a-1"),
        ("format('%I=%L', 'a b', 'it''s')", "\"a b\"='it''s'"),
        ("'abc' ~ 'b'", True),
        ("'abc' OPERATOR(pg_catalog.~) '^(abc)$' COLLATE pg_catalog.default", True),
        ("'abc' ~* 'B'", True),
        ("'abc' !~ 'b'", False),
        ("'abc' SIMILAR TO '%b%'", True),
        ("'abc' SIMILAR TO 'b'", False),
        ("'a.c' SIMILAR TO 'abc'", False),
        ("regexp_match('foobar', 'o+')", ["oo"]),
        ("array_to_string(ARRAY['a', NULL, 'b'], ',', '*')", "a,*,b"),
        ("array_to_string(ARRAY['a', NULL, 'b'], ',')", "a,b"),
        ("array_upper(ARRAY[1, 2], 1)", 2),
        ("(ARRAY[1, 2, 3])[2]", 2),
        ("'{1,2,3}'::int[]", [1, 2, 3]),
        ("'{a,\"b c\",NULL}'::text[]", ["a", "b c", None]),
        ("'{{1,2},{3,4}}'::int[]", [[1, 2], [3, 4]]),
        ("'{}'::text[]", []),
        ("2 = ANY ('{1,2}')", True),
        ("1 <> ALL (ARRAY[2, 3])", True),
        ("2 ^ 10", 1024.0),
        ("|/ 16", 4.0),
        ("@ -5", 5),
        ("3 # 5", 6),
        ("7 / 2", 3),
        ("5::numeric", Decimal("5")),
        ("'1.23'::numeric", Decimal("1.23")),
        ("5.5::numeric(10,2)", Decimal("5.50")),
        ("12345678901234567890", Decimal("12345678901234567890")),
        ("'yes'::bool", True),
        ("'off'::boolean", False),
        ("'abcdef'::varchar(3)", "abc"),
        (r"'\xdeadbeef'::bytea", b"\xde\xad\xbe\xef"),
        ("'abc'::bytea", b"abc"),
        ("encode('abc'::bytea, 'hex')", "616263"),
        ("decode('616263', 'hex')", b"abc"),
        ("to_hex(255)", "ff"),
        ("date '2024-02-28' + 2", dt.date(2024, 3, 1)),
        ("date '2024-03-01' - date '2024-02-01'", 29),
        ("interval '3' day = interval '3 days'", True),
        ("interval '1 hour' / 2 = interval '30 minutes'", True),
        ("make_interval(days => 3) = interval '3 days'", True),
        ("extract(second FROM timestamp '2024-01-01 00:00:01.5')", 1.5),
        ("extract(dow FROM date '2024-05-17')", 5),
        ("date_part('month', timestamp '2024-05-17')", 5),
        ("to_char(timestamp '2024-05-07 09:08:07', 'YYYY-MM-DD HH24:MI:SS')", "2024-05-07 09:08:07"),
        ("to_char(timestamp '2024-05-07 15:08:07', 'HH12:MI AM')", "03:08 PM"),
        ("to_char(date '2024-05-07', 'DD Mon YYYY')", "07 May 2024"),
        ("to_char(1234.5, '9999.99')", " 1234.50"),
        ("to_char(1234567, '9,999,999')", " 1,234,567"),
        ("to_char(5, 'FM000')", "005"),
        ("to_date('20240507', 'YYYYMMDD')", dt.date(2024, 5, 7)),
        ("date_bin('15 minutes', timestamp '2024-01-01 10:07', timestamp '2024-01-01')::text", "2024-01-01 10:00:00"),
        ("5 BETWEEN SYMMETRIC 10 AND 1", True),
        ("1 IS DISTINCT FROM NULL", True),
        ("'{\"a\":{\"b\":[1,2]}}'::json -> 'a' -> 'b' ->> 1", "2"),
        ("'{\"a\":{\"b\":1}}'::jsonb #>> '{a,b}'", "1"),
        ("json_typeof('{}'::json)", "object"),
        ("json_array_length('[1,2]'::jsonb)", 2),
        ("width_bucket(5.35, 0.024, 10.06, 5)", 3),
        ("div(9, 4)", 2),
        ("num_nulls(1, NULL)", 1),
        ("quote_ident('a b')", '"a b"'),
        ("pg_typeof(1)", "integer"),
        ("pg_typeof('a'::text)", "text"),
        ("pg_typeof(now())", "timestamp with time zone"),
        ("pg_size_pretty(123456789::bigint)", "118 MB"),
        ("current_database()", "lake"),
        ("current_user", "ann"),
        ("session_user", "ann"),
        ("current_schema", "public"),
        ("current_schemas(false)", ["public"]),
        ("ARRAY(SELECT x FROM (VALUES (2), (1)) v(x) ORDER BY x)", [1, 2]),
        ("(SELECT every(x > 0) FROM (VALUES (1)) v(x))", True),
        ("(SELECT string_agg(x::text, ',' ORDER BY x DESC) FROM (VALUES (1), (2)) v(x))", "2,1"),
        ("(SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM (VALUES (1), (2)) v(x))", 1.5),
        ("(SELECT count(*) FILTER (WHERE x > 1) FROM (VALUES (1), (2)) v(x))", 1),
        ("'2024-01-01 10:00+02'::timestamptz = timestamptz '2024-01-01 08:00+00'", True),
        ("'today'::date = current_date", True),
        ("E'a\\nb'", "a\nb"),
        ("'a' || 1", "a1"),
        ("coalesce(NULL, 2)", 2),
        ("regexp_replace('foobar', 'o', '0', 'g')", "f00bar"),
        ("(row_number() OVER ())", 1),
        ("1::oid", 1),
    ],
)
def test_expressions(client: Client, expression: str, expected: object) -> None:
    value = client.value(f"SELECT {expression}")
    assert value == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT generate_series(1, 3)", [(1,), (2,), (3,)]),
        ("SELECT * FROM generate_series(1, 5, 2) AS g(n)", [(1,), (3,), (5,)]),
        ("SELECT g FROM generate_series(1, 2) g", [(1,), (2,)]),
        ("SELECT * FROM unnest(ARRAY['x', 'y']) WITH ORDINALITY AS t(v, n)", [("x", 1), ("y", 2)]),
        ("SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a']) AS t(v, n)", [(1, "a"), (2, None)]),
        ("SELECT unnest(ARRAY[1, 2]) AS u, unnest(ARRAY['a', 'b']) AS v", [(1, "a"), (2, "b")]),
        ("SELECT * FROM current_schema()", [("public",)]),
        ("SELECT * FROM regexp_split_to_table('a1b', '[0-9]') p", [("a",), ("b",)]),
        ("SELECT key, value FROM json_each('{\"a\":1}')", [("a", "1")]),
        ("SELECT value FROM json_array_elements('[1,2]')", [("1",), ("2",)]),
        ("SELECT x FROM (VALUES (3), (1), (NULL)) v(x) ORDER BY x", [(1,), (3,), (None,)]),
        ("SELECT x FROM (VALUES (3), (1), (NULL)) v(x) ORDER BY x DESC", [(None,), (3,), (1,)]),
        ("SELECT x FROM (VALUES (3), (1)) v(x) ORDER BY x USING >", [(3,), (1,)]),
        ("SELECT x FROM (VALUES (3), (1), (2)) v(x) ORDER BY x FETCH FIRST 2 ROWS ONLY", [(1,), (2,)]),
        ("SELECT x FROM (VALUES (1)) v(x) FOR UPDATE", [(1,)]),
        ("VALUES (1, 'a'), (2, 'b')", [(1, "a"), (2, "b")]),
        ("VALUES (2), (1) ORDER BY 1 LIMIT 1", [(1,)]),
        ("TABLE pg_catalog.pg_tablespace LIMIT 0", []),
        ("SELECT DISTINCT ON (g) g, x FROM (VALUES ('a', 1), ('a', 2)) v(g, x) ORDER BY g, x DESC", [("a", 2)]),
        (
            "SELECT g, sum(x) FROM (VALUES ('a', 1), ('b', 2)) v(g, x) GROUP BY ROLLUP (g) ORDER BY g",
            [
                ("a", 1),
                ("b", 2),
                (None, 3),
            ],
        ),
        ("WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT sum(n) FROM t", [(10,)]),
        ("SELECT 1 AS a UNION SELECT 2 UNION ALL SELECT 2 ORDER BY 1", [(1,), (2,), (2,)]),
        ("SELECT a.x, l.y FROM (VALUES (1), (2)) a(x), LATERAL (SELECT a.x * 10 AS y) l", [(1, 10), (2, 20)]),
        ("SELECT x::int FROM (VALUES ('1'), ('2')) v(x)", [(1,), (2,)]),
    ],
)
def test_queries(client: Client, sql: str, expected: list[tuple[object, ...]]) -> None:
    assert client.rows(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM trips ORDER BY id FETCH FIRST 1 ROW WITH TIES",
        "SELECT 'a' COLLATE \"de_DE\"",
        "SELECT xmlparse(DOCUMENT '<a/>')",
        "SELECT * FROM ROWS FROM (generate_series(1, 2), generate_series(1, 3))",
        "SELECT to_char(now(), city) FROM trips",
    ],
)
def test_what_is_not_supported_says_so(client: Client, sql: str) -> None:
    with pytest.raises(GatewayError, match="not supported"):
        client.rows(sql)
