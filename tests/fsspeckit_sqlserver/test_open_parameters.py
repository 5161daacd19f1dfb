"""Parameters whose types the client leaves open, compared with PostgreSQL: their types, and the answers with values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias, cast

import psycopg
import pytest
from psycopg.abc import Buffer

from tests.fsspeckit_sqlserver.conftest import RunningServer

Connection: TypeAlias = "psycopg.Connection[tuple[object, ...]]"
Pair: TypeAlias = tuple[Connection, Connection]

TABLE = """CREATE TEMP TABLE v (id int, name text, d date, ts timestamp, tz timestamptz, ia int[], f float8,
    i2 smallint, n numeric(10,2), i8 bigint, b bool, u uuid, j jsonb, t time)"""
ROWS = """INSERT INTO v (id, name, d, ts, tz, ia, f, i2, n, i8, b) VALUES
    (1, 'name1', '2024-01-05', '2024-01-05 10:00', '2024-01-05 10:00+00', '{1,2,3}', 1.5, 2, 12.34, 100, true),
    (2, 'name2', '2024-02-05', '2024-02-05 10:00', '2024-02-05 10:00+00', '{4,5}', 2.5, 3, 99.99, 200, false),
    (3, null, null, null, null, null, null, null, null, null, null)"""
STATEMENTS = [
    line
    for line in (Path(__file__).parent / "differential/parameters.sql").read_text().splitlines()
    if line[:2] != "--"
]
ANSWERS: list[tuple[str, list[str | None]]] = [
    ("select round(n,$1) from v where id=1", ["1"]),
    ("select round(n,$1) from v where id=1", ["-1"]),
    ("select round(n,$1) from v where id=1", [None]),
    ("select round($1::numeric,$2)", ["2.555", "2"]),
    ("select trunc(n,$1) from v where id=1", ["1"]),
    ("select percentile_cont($1) within group (order by f) from v", ["0.5"]),
    ("select percentile_cont($1) within group (order by f) from v", [None]),
    ("select percentile_disc($1) within group (order by id) from v", ["0.5"]),
    ("select json_build_object($1::text,name) from v where id=1", ["k"]),
    ("select json_build_object($1::text,name,$2::text,5) from v where id=1", ["k", "l"]),
    ("select jsonb_array_elements($1::jsonb)", ["[1,2]"]),
    ("select jsonb_array_elements($1)", ["[1,2]"]),
    ("select * from jsonb_array_elements_text($1)", ['["a","b"]']),
    ("select * from jsonb_array_elements_text($1)", [None]),
    ("select * from jsonb_to_recordset($1) as x(a int, b text) where a=$2", ['[{"a":1,"b":"x"},{"a":2,"b":"y"}]', "2"]),
    ("select * from json_each_text($1)", ['{"a":1}']),
    ("select jsonb_object_keys($1)", ['{"a":1}']),
    ("select id from v where name similar to $1", ["name(1|3)"]),
    ("select id from v where name similar to $1", [None]),
    ("select to_date($1,$2)", ["05 2024", "MM YYYY"]),
    ("select to_date($1,$2)", ["05 2024", None]),
    ("select to_timestamp($1,$2)", ["2024-05-01 10", "YYYY-MM-DD HH24"]),
    ('select \'{"a":{"b":7}}\'::json #>> $1', ["{a,b}"]),
    ('select \'{"a":{"b":7}}\'::jsonb #> $1', ["{a,b}"]),
    ('select \'{"a":{"b":7}}\'::jsonb #> $1', [None]),
    ("select format($1,name,id) from v where id=1", ["%s-%s"]),
    ("select format($1,name) from v where id=1", [None]),
    ("select regexp_replace(name,$1,$2,$3) from v where id=1", ["[a-z]", "x", "g"]),
    ("select regexp_replace(name,$1,$2) from v where id=1", ["(n)(a)", "\\2\\1"]),
    ("select regexp_matches(name,$1) from v where id=1", ["(n)(.)"]),
    ("select regexp_replace(name,$1,'x',$2) from v where id=1", ["N", None]),
    ("select to_char(d,$1) from v where id=1", ["YYYY/MM"]),
    ("select to_char(d,$1) from v where id=1", [None]),
    ("select to_char(id,$1) from v where id=1", ["FM000"]),
    ("select substring(name from $1) from v where id=1", ["2"]),
    ("select substring(name from $1) from v where id=1", ["m(e)"]),
    ("select coalesce(id,$1) from v", ["7"]),
    ("select id from v where id = any($1)", ["{1,3}"]),
    ("select id from v where ia @> $1", ["{1}"]),
    ("select id from v where ia && $1", ["{1,4}"]),
    ("select lag(id,$1) over (order by id) from v", ["1"]),
    ("select lag(id,$1,$2) over (order by id) from v", ["1", "9"]),
    ("select * from generate_series($1::int,$2)", ["1", "3"]),
    ("select make_date($1,2,3)", ["2024"]),
    ("select age($1,ts) from v", ["2025-01-01"]),
    ("select ts-$1 from v", ["2024-01-01"]),
    ("select d-$1 from v", ["2024-01-01"]),
    ("select max(d)-$1 from v", ["2024-01-01"]),
    ("select now()-$1 > '1 day'", ["2024-01-01"]),
    ("select interval '1 day'*$1", ["1.5"]),
    ("values ($1),(5)", ["4"]),
    ("select id from v where length(name)=$1", ["5"]),
    ("select ia||$1 from v where id=1", ["{9}"]),
    ("select array_append(ia,$1) from v where id=1", ["9"]),
    ("select array[$1,5]", ["9"]),
    ("select $1=any(ia) from v", ["4"]),
    ("select id from v where ia[1]=$1", ["1"]),
    ("select id from v where extract(year from d)=$1", ["2024"]),
    ("select id from v where date_trunc('day',ts)=$1", ["2024-01-05"]),
    ("select count(*) from v having count(*)>$1", ["2"]),
    ("with p as (select id as a from v) select * from p where a=$1", ["1"]),
    ("select ntile($1) over (order by id) from v", ["2"]),
    ("select nth_value(id,$1) over (order by id) from v", ["2"]),
    ("select make_interval(days=>$1)", ["3"]),
    ("select date_bin($1,ts,$2) from v", ["1 day", "2024-01-01"]),
    ("select array_position(ia,$1) from v", ["2"]),
    ("select array_replace(ia,$1,$2) from v where id=1", ["2", "7"]),
    ("select trim_array(ia,$1) from v where id=1", ["1"]),
    ("select string_agg(name,$1) from v", [","]),
    ("select overlay(name placing $1 from $2) from v where id=1", ["ZZ", "2"]),
    ("select case when id=$1 then $2 else 0 end from v", ["1", "5"]),
    ("select f^$1 from v where id=1", ["2"]),
    ("select id<<$1 from v where id=1", ["2"]),
    ("select nullif(id,$1) from v", ["2"]),
    ("select chr($1)", ["65"]),
    ("select to_hex($1::int)", ["255"]),
    ("select repeat(name,$1) from v where id=1", ["2"]),
    ("select width_bucket($1,0,10,5)", ["3"]),
    ("select encode($1,$2)", ["\\x6162", "hex"]),
    ("select array_fill($1::int,$2)", ["1", "{2}"]),
    ("select unnest($1::int[])", ["{1,2}"]),
    ("select x from unnest($1::int[]) x where x>$2", ["{1,2}", "1"]),
    ("select generate_series(d,$1,$2) from v where id=1", ["2024-01-06", "1 day"]),
    ("select id from v order by id limit $1 offset $2", ["1", "1"]),
    ("select id from v where (d,id)>($1,$2)", ["2024-01-10", "0"]),
    ("select id from v where (id,name) in (($1,$2))", ["1", "name1"]),
    ("select greatest(d,$1) from v where id=1", ["2025-01-01"]),
    ("select sum(f*$1) from v", ["2"]),
    ("select jsonb_set('{\"a\":1}'::jsonb,$1,$2)", ["{a}", "5"]),
    ("select '{\"a\":1}'::jsonb || $1", ['{"b":2}']),
    ("select '{\"a\":1}'::jsonb - $1", ["a"]),
    ("select '{\"a\":1}'::jsonb @> $1", ['{"a":1}']),
    ("select '{\"a\":1}'::jsonb ? $1", ["a"]),
    ("select jsonb_extract_path_text('{\"a\":1}'::jsonb,$1)", ["a"]),
]
NUMERICS: list[tuple[str, list[str | None]]] = [
    ("SELECT $1::numeric", ["0.12345678901234"]),
    ("SELECT $1::numeric, $2::numeric", ["2.50", None]),
    ("SELECT $1::numeric", ["1e5"]),
    ("SELECT $1::numeric", ["-12345678901234567890123456789012345678"]),
    ("SELECT $1::numeric(10, 2), $1::numeric::text", ["2.555"]),
    ("SELECT n * $1, n + $2 FROM v WHERE id = 1", ["2.5", "0.001"]),
    ("SELECT id FROM v WHERE n = $1", ["12.340000000001"]),
    ("SELECT id FROM v WHERE n = $1", ["12.34"]),
    ("SELECT sum(n) * $1 FROM v", ["2"]),
    ("SELECT n FROM v WHERE n BETWEEN $1 AND $2 ORDER BY n", ["12.339999999999999999999", "99.990000000000001"]),
]


@pytest.fixture(scope="module")
def pair(postgres: str, gateway: RunningServer) -> Iterator[Pair]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        for connection in (theirs, ours):
            connection.execute("SET timezone = 'UTC'")
            connection.execute(TABLE)
            connection.execute(ROWS)
        yield theirs, ours


def described(connection: Connection, sql: str, declared: Sequence[int] = ()) -> object:
    """Return the types of parameters and columns, or the SQLSTATE."""
    found = connection.pgconn.prepare(b"", sql.encode(), declared or None)
    if not found.error_message:
        found = connection.pgconn.describe_prepared(b"")
    if found.error_message:
        return found.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    parameters = [found.param_type(place) for place in range(found.nparams)]
    return parameters, [found.ftype(place) for place in range(found.nfields)]


def answered(connection: Connection, values: Sequence[str | None]) -> object:
    """Run what was prepared last; return the rows, or the SQLSTATE."""
    encoded: list[Buffer | None] = [None if value is None else value.encode() for value in values]
    found = connection.pgconn.exec_prepared(b"", cast("list[Buffer]", encoded))
    if found.error_message:
        return found.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    return [[found.get_value(row, place) for place in range(found.nfields)] for row in range(found.ntuples)]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_open_parameters_have_the_same_types(pair: Pair, sql: str) -> None:
    theirs, ours = (described(connection, sql) for connection in pair)
    assert ours == theirs


@pytest.mark.parametrize(("sql", "values"), ANSWERS)
def test_answers_with_values_are_the_same(pair: Pair, sql: str, values: list[str | None]) -> None:
    theirs, ours = ((described(connection, sql), answered(connection, values)) for connection in pair)
    assert ours == theirs


@pytest.mark.parametrize(("sql", "values"), NUMERICS)
def test_numerics_keep_their_digits(pair: Pair, sql: str, values: list[str | None]) -> None:
    theirs, ours = ((described(connection, sql), answered(connection, values)) for connection in pair)
    assert ours == theirs


def test_values_that_become_constants_may_change(pair: Pair) -> None:
    """Each has a plan of its own, of which a few are kept."""
    for connection in pair:
        described(connection, "SELECT round(n, $1), $2::int FROM v WHERE id = 1")
    for number in range(-3, 30):
        theirs, ours = (answered(connection, [str(number % 5 - 2), str(number)]) for connection in pair)
        assert ours == theirs


@pytest.mark.parametrize("arguments", ["$1, $2", "$2, $1"])
def test_void_arguments_are_dropped(pair: Pair, arguments: str) -> None:
    """As JDBC calls `{? = call abs(?)}`."""
    declared = [0, 0]
    declared[int(arguments[1]) - 1], declared[int(arguments[5]) - 1] = 2278, 23
    values: list[str | None] = ["-5", "-5"]
    values[int(arguments[1]) - 1] = None
    sql = f"SELECT * FROM abs({arguments}) AS result"
    theirs, ours = ((described(connection, sql, declared), answered(connection, values)) for connection in pair)
    assert ours == theirs
    assert theirs[1] == [[b"5"]]


@pytest.mark.parametrize("sql", ["CALL nothing()", "CALL nothing(1, 'x')", "CALL pg_catalog.nothing($1)"])
def test_procedures_do_not_exist(pair: Pair, sql: str) -> None:
    theirs, ours = (described(connection, sql) for connection in pair)
    assert ours == theirs == b"42883"
