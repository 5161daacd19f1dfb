"""Structs as composite types: written as PostgreSQL writes them, read by the drivers that know such types."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import asyncpg
import psycopg
import pytest
from psycopg.types.composite import CompositeInfo, register_composite

from tests.fsspeckit_sqlserver.conftest import RunningServer, gateway_process
from tests.fsspeckit_sqlserver.engine.lakes import write_parquet
from tests.fsspeckit_sqlserver.test_clients_others import JDBC, PROGRAMS, run

_VALUES = [
    (1, "plain", None, "0.50", True),
    (2, "a b", "2024-02-29", "-1.25", False),
    (3, "", "0044-03-15 BC", None, None),
    (None, None, None, None, None),
    (-4, 'q"uo\\te', "infinity", "12.00", True),
    (5, "(paren,thesis)", "1999-01-08", "0.00", False),
    (6, "tab\tand\nline", "2000-01-01", "7.00", None),
    (7, "NULL", "2000-01-01", "7.00", None),
]


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _ours(row: tuple[Any, ...]) -> str:
    number, text, day, amount, flag = map(_literal, row)
    return (
        f"struct_pack(i := {number}::int, t := {text}::text, d := {day}::date, "
        f"n := struct_pack(x := {amount}::numeric(9,2), y := {flag}::bool))"
    )


def _theirs(row: tuple[Any, ...]) -> str:
    number, text, day, amount, flag = map(_literal, row)
    return f"ROW({number}, {text}, {day}, ROW({amount}, {flag})::inner_type)::outer_type"


@pytest.fixture(scope="module")
def both(gateway: RunningServer, postgres: str) -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    with psycopg.connect(gateway.dsn, autocommit=True) as ours, psycopg.connect(postgres, autocommit=True) as theirs:
        ours.execute("SET fsspeckit.struct_format = composite")
        theirs.execute("CREATE TYPE inner_type AS (x numeric(9,2), y bool)")
        theirs.execute("CREATE TYPE outer_type AS (i int, t text, d date, n inner_type)")
        yield ours, theirs
        theirs.execute("DROP TYPE outer_type; DROP TYPE inner_type")


def _cells(connection: psycopg.Connection[Any], sql: str, wire_format: int) -> list[bytes | None]:
    result = connection.pgconn.exec_params(sql.encode(), [], result_format=wire_format)
    assert not result.error_message, result.error_message
    return [result.get_value(0, place) for place in range(result.nfields)]


def _oids(connection: psycopg.Connection[Any], outer: str) -> dict[bytes, bytes]:
    """Return four bytes of each OID of ours or theirs → what stands for it in both."""
    (row,) = connection.execute(
        "SELECT t.oid::int8, t.typarray::int8, a.atttypid::int8 FROM pg_type t"
        " JOIN pg_attribute a ON a.attrelid = t.typrelid WHERE t.typname = %s AND a.attname = 'n'", [outer],
    ).fetchall()  # fmt: skip
    return dict(zip((oid.to_bytes(4, "big") for oid in row), (b"OUTE", b"OUTS", b"INNE"), strict=True))


@pytest.mark.parametrize("row", _VALUES)
def test_text_and_binary_are_postgresqls(
    both: tuple[psycopg.Connection[Any], psycopg.Connection[Any]], row: tuple[Any, ...]
) -> None:
    ours, theirs = both
    queries = (f"SELECT {_ours(row)}", f"SELECT {_theirs(row)}")
    assert _cells(ours, queries[0], 0) == _cells(theirs, queries[1], 0)
    oid = ours.execute(queries[0]).description[0].type_code  # type: ignore[index]
    (name,) = ours.execute("SELECT typname FROM pg_type WHERE oid = %s", [oid]).fetchone()  # type: ignore[misc]
    binary = []
    for connection, query, outer in zip(both, queries, (name, "outer_type"), strict=True):
        (cell,) = _cells(connection, query, 1)
        assert cell is not None
        for number, stands_for in _oids(connection, outer).items():
            cell = cell.replace(number, stands_for)
        binary.append(cell)
    assert binary[0] == binary[1]


def test_lists_of_structs_are_arrays(both: tuple[psycopg.Connection[Any], psycopg.Connection[Any]]) -> None:
    ours, theirs = both
    rows = ", ".join(f"({place}, {_ours(row)})" for place, row in enumerate(_VALUES))
    ours_sql = (
        f"SELECT array_agg(s ORDER BY p), array_agg(s ORDER BY p) FILTER (WHERE p > 99) FROM (VALUES {rows}) v(p, s)"
    )
    rows = ", ".join(f"({place}, {_theirs(row)})" for place, row in enumerate(_VALUES))
    theirs_sql = (
        f"SELECT array_agg(s ORDER BY p), array_agg(s ORDER BY p) FILTER (WHERE p > 99) FROM (VALUES {rows}) v(p, s)"
    )
    assert _cells(ours, ours_sql, 0) == _cells(theirs, theirs_sql, 0)


def test_psycopg_reads_them_as_tuples(both: tuple[psycopg.Connection[Any], psycopg.Connection[Any]]) -> None:
    connection = both[0]
    query = "SELECT struct_pack(a := g.i, b := 'x \"y\" ' || g.i) AS s FROM generate_series(1, 3) AS g(i)"
    cursor = connection.execute(query)
    assert cursor.description is not None
    (name,) = connection.execute("SELECT %s::oid::regtype::text", [cursor.description[0].type_code]).fetchone() or ("",)
    info = CompositeInfo.fetch(connection, name)
    assert info is not None
    assert (info.field_names, info.field_types) == (("a", "b"), (23, 25)) or list(info.field_names) == ["a", "b"]
    register_composite(info, connection)
    for binary in (False, True):
        rows = connection.execute(query, binary=binary).fetchall()
        assert [tuple(row[0]) for row in rows] == [(n, f'x "y" {n}') for n in (1, 2, 3)]
        (listed,) = connection.execute(f"SELECT array_agg(s) FROM ({query}) q", binary=binary).fetchone()  # type: ignore[misc]
        assert sorted(map(tuple, listed)) == [(n, f'x "y" {n}') for n in (1, 2, 3)]


_RECORDS = [
    '(1,"a b",2024-02-29,"(0.50,t)")',
    "(,,,)",
    '(2,"",,"(,)")',
    ' (3,"q""u\\\\o\\"te",1999-01-08,) ',
    "(-4,two words, 2024-02-29,)",
    "(1,a)b,,)",
    "(1,a,,,)",
    "(1,a,)",
    "1,a,,",
    '(1,"a,,)',
    "(1,a,,) x",
    "()",
    "",
    "(x,a,,)",
    '(1,a,,"(1)")',
]


def _with_record(connection: psycopg.Connection[Any], oid: int, value: bytes, wire_format: int) -> object:
    """Return the text of a record that was a parameter, or SQLSTATE and message."""
    result = connection.pgconn.exec_params(b"SELECT $1", [value], [oid], [wire_format])
    if result.error_message:
        return psycopg.errors.error_from_result(result).sqlstate, result.error_message.splitlines()[0]
    return result.get_value(0, 0)


def _outer_oid(connection: psycopg.Connection[Any], query: str) -> int:
    description = connection.execute(query).description
    assert description is not None
    return int(description[0].type_code)


@pytest.mark.parametrize("text", _RECORDS)
def test_records_as_parameters(both: tuple[psycopg.Connection[Any], psycopg.Connection[Any]], text: str) -> None:
    ours, theirs = both
    numbers = _outer_oid(ours, f"SELECT {_ours(_VALUES[0])}"), _outer_oid(theirs, f"SELECT {_theirs(_VALUES[0])}")
    answers = [_with_record(each, oid, text.encode(), 0) for each, oid in zip(both, numbers, strict=True)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("row", _VALUES[:2] + _VALUES[3:4] + _VALUES[5:])
def test_binary_records_as_parameters(
    both: tuple[psycopg.Connection[Any], psycopg.Connection[Any]], row: tuple[Any, ...]
) -> None:
    connection = both[0]
    query = f"SELECT {_ours(row)}"
    (text,), (binary,) = _cells(connection, query, 0), _cells(connection, query, 1)
    assert binary is not None
    oid = _outer_oid(connection, query)
    assert _with_record(connection, oid, binary, 1) == text
    for damaged in (binary[:-1], binary + b"x", b"", binary[:3] + b"\x07" + binary[4:]):
        answer = _with_record(connection, oid, damaged, 1)
        assert isinstance(answer, tuple)
        assert answer[0] == "22P03"


def test_psycopg_sends_them(both: tuple[psycopg.Connection[Any], psycopg.Connection[Any]]) -> None:
    connection = both[0]
    connection.execute("CREATE TEMP TABLE kept AS SELECT struct_pack(a := 1, b := 'x') AS r")
    oid = _outer_oid(connection, "SELECT r FROM kept")
    (name,) = connection.execute("SELECT typname FROM pg_type WHERE oid = %s", [oid]).fetchone() or ("",)
    info = CompositeInfo.fetch(connection, name)
    assert info is not None
    register_composite(info, connection)
    assert info.python_type is not None
    value = info.python_type(5, 'z "q"')
    for sign in ("%t", "%b"):
        assert connection.execute(f"SELECT {sign}", [value]).fetchone() == (value,)
        connection.execute(f"INSERT INTO kept VALUES ({sign})", [value])
        assert connection.execute(f"DELETE FROM kept WHERE r = {sign} RETURNING r", [value]).fetchall() == [(value,)]
    (listed,) = connection.execute("SELECT r FROM kept WHERE r = ANY(%s)", [[info.python_type(1, "x"), value]])
    assert tuple(listed[0]) == (1, "x")
    connection.execute("DROP TABLE kept")


@pytest.mark.asyncio
async def test_asyncpg_reads_them_as_records(gateway: RunningServer) -> None:
    connection = await asyncpg.connect(gateway.url, server_settings={"fsspeckit.struct_format": "composite"})
    try:
        inner = "struct_pack(x := NULL::text, y := [1, 2])".replace("[1, 2]", "ARRAY[1, 2]")
        value = await connection.fetchval(f"SELECT struct_pack(a := 1, n := {inner}) AS s")
        assert (value["a"], value["n"]["x"], value["n"]["y"]) == (1, None, [1, 2])
        listed = await connection.fetchval(f"SELECT array_agg(struct_pack(a := 1, n := {inner}))")
        assert [tuple(item) for item in listed] == [(1, (None, [1, 2]))]
    finally:
        await connection.close()


@pytest.mark.skipif(not os.path.exists(JDBC), reason="no JDBC driver: apt-get install libpostgresql-jdbc-java")
def test_jdbc_reads_them(gateway: RunningServer) -> None:
    url = f"jdbc:postgresql://127.0.0.1:{gateway.port}/anything"
    assert run("java", "-cp", JDBC, str(PROGRAMS / "Composite.java"), url).strip() == "ok"


def test_json_is_the_default_and_comes_back(gateway: RunningServer) -> None:
    query = "SELECT struct_pack(a := 1) AS s"
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        assert connection.execute(query).fetchone() == ({"a": 1},)
        connection.execute("SET fsspeckit.struct_format = composite")
        assert connection.execute(query).fetchone() == ("(1)",)
        connection.execute("RESET fsspeckit.struct_format")
        assert connection.execute(query).fetchone() == ({"a": 1},)
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            connection.execute("SET fsspeckit.struct_format = xml")


def test_as_the_server_is_configured(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("composites")
    write_parquet("SELECT 1 AS id, {'a': 1, 'b': [{'c': 'x'}]} AS record", folder / "t" / "a.parquet")
    config = folder / "fsspeckit.yaml"
    tables = {"t": {"url": f"{folder}/t"}}
    config.write_text(json.dumps({"sqlserver": {"struct_format": "composite", "tables": tables}}))
    with (
        gateway_process("--config", str(config), "--cache-dir", str(folder / "cache")) as (_, url),
        psycopg.connect(url, autocommit=True) as connection,
    ):
        cursor = connection.execute("SELECT record FROM t")
        assert cursor.fetchone() == ('(1,"{(x)}")',)
        assert cursor.description is not None
        (listed,) = connection.execute(
            "SELECT atttypid FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'record'"
        ).fetchone() or (0,)
        assert int(listed) == cursor.description[0].type_code
        with connection.cursor().copy("COPY (SELECT record FROM t) TO STDOUT") as copy:
            assert b"".join(bytes(part) for part in copy) == b'(1,"{(x)}")\n'
