"""psql against the real daemon: every kind of statement, and the backslash commands people type first."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer

pytestmark = pytest.mark.skipif(
    shutil.which("psql") is None, reason="psql is not installed: apt-get install postgresql-client"
)


def psql(gateway: RunningServer, *commands: str, status: int = 0, flags: tuple[str, ...] = ("-At",)) -> str:
    arguments = [part for command in commands for part in ("-c", command)]
    done = subprocess.run(
        ["psql", "-X", "-d", gateway.url, *flags, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def test_tables(gateway: RunningServer) -> None:
    assert psql(gateway, r"\dt").splitlines() == [
        "public|trips|table|postgres",
        "public|types|table|postgres",
    ] or [line.split("|")[:3] for line in psql(gateway, r"\dt").splitlines()] == [
        ["public", "trips", "table"],
        ["public", "types", "table"],
    ]


def test_describe_a_table(gateway: RunningServer) -> None:
    columns = [line.split("|")[:2] for line in psql(gateway, r"\d trips").splitlines()]
    assert ["id", "bigint"] in columns
    assert ["zone", "text"] in columns
    assert ["pickup", "timestamp without time zone"] in columns


def test_schemas_databases_and_connection(gateway: RunningServer) -> None:
    assert psql(gateway, r"\dn").startswith("public|")
    assert any(line.startswith("anything|") for line in psql(gateway, r"\l").splitlines())
    assert 'as user "tester"' in psql(gateway, r"\conninfo")


@pytest.mark.parametrize(
    "command", [r"\d", r"\dv", r"\di", r"\df nothing", r"\du", r"\dT nothing", r"\d+ trips", r"\encoding", r"\dt *.*"]
)
def test_other_backslash_commands(gateway: RunningServer, command: str) -> None:
    psql(gateway, command)


def test_a_query(gateway: RunningServer) -> None:
    query = (
        "SELECT year, count(*), sum(fare)::numeric(12,2) FROM trips WHERE zone = 'zone 3' GROUP BY year ORDER BY year"
    )
    assert len(psql(gateway, query).splitlines()) == 3
    assert psql(gateway, "SELECT count(*) FROM trips WHERE pickup < '2024-01-02'") == "1440\n"


def test_every_type_prints_as_postgres_prints_it(gateway: RunningServer) -> None:
    first, second = psql(gateway, "SELECT * FROM types ORDER BY number NULLS LAST").splitlines()
    assert first == (
        r"t|1|2|3|1.5|2.5|2.5|1.25|text|\x6162|2024-02-29|12:34:56|2024-02-29 12:34:56|2024-02-29 12:34:56+00"
        '|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|{1,2}|{"a":1}'
    )
    assert second == "|" * 16


def test_statements_of_every_kind(gateway: RunningServer) -> None:
    out = psql(
        gateway,
        "BEGIN",
        "DECLARE c CURSOR FOR SELECT id FROM trips ORDER BY id",
        "FETCH 2 FROM c",
        "COMMIT",
        "PREPARE p(int) AS SELECT $1 + 1",
        "EXECUTE p(1)",
        "SET TimeZone TO 'Asia/Tokyo'",
        "SELECT timestamptz '2024-01-01 00:00:00+00'",
        "CREATE TEMP TABLE mine AS SELECT 1 AS i",
        "INSERT INTO mine VALUES (2), (3)",
        "SELECT sum(i) FROM mine",
        "DROP TABLE mine",
        "VALUES (1, 'a'), (2, 'b')",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x",
    ).splitlines()
    assert out == [
        *("BEGIN", "DECLARE CURSOR", "0", "1", "COMMIT", "PREPARE", "2", "SET", "2024-01-01 09:00:00+09"),
        *("SELECT 1", "INSERT 0 2", "6", "DROP TABLE", "1|a", "2|b", "1"),
    ]


def test_explain_names_the_files(gateway: RunningServer) -> None:
    plan = psql(gateway, "EXPLAIN SELECT count(*) FROM trips WHERE year = 2021")
    assert "year=2021" in plan or "1 of 3" in plan or "pruned" in plan.lower()


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT * FROM nowhere", "42P01"),
        ("SELECT nothing FROM trips", "42703"),
        ("SELECT nothing(1)", "42883"),
        ("SELEC 1", "42601"),
        ("INSERT INTO trips VALUES (1)", "25006"),
        ("DELETE FROM trips", "25006"),
        ("DROP TABLE trips", "25006"),
        ("SELECT 'x'::int", "22P02"),
        ("SELECT 1 / 0", "22012"),
    ],
)
def test_errors_are_postgres_errors(gateway: RunningServer, statement: str, code: str) -> None:
    said = psql(gateway, r"\set VERBOSITY verbose", statement, status=1)
    assert f"ERROR:  {code}:" in said


def test_a_script_with_several_statements(gateway: RunningServer) -> None:
    assert psql(gateway, "SELECT 1; SELECT 2; SELECT 3").splitlines() == ["1", "2", "3"]
    said = psql(gateway, "SELECT 1; SELECT * FROM nowhere; SELECT 3", status=1)
    assert "nowhere" in said


def test_fetch_count_uses_a_cursor(gateway: RunningServer) -> None:
    out = psql(gateway, r"\set FETCH_COUNT 1000", "SELECT id FROM trips ORDER BY id").splitlines()
    assert out == [str(number) for number in range(30_000)]


def test_copy_both_ways(gateway: RunningServer, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    psql(gateway, rf"\copy (SELECT id, zone FROM trips WHERE id < 3 ORDER BY id) TO '{out}' (FORMAT csv, HEADER)")
    assert out.read_text() == "id,zone\n0,zone 0\n1,zone 1\n2,zone 2\n"
    told = psql(
        gateway,
        "CREATE TEMP TABLE copied (id int, zone text)",
        rf"\copy copied FROM '{out}' (FORMAT csv, HEADER)",
        "SELECT count(*), max(zone) FROM copied",
    )
    assert told.splitlines() == ["CREATE TABLE", "COPY 3", "3|zone 2"]


def test_cursors_settings_and_notifications(gateway: RunningServer) -> None:
    told = psql(
        gateway,
        "BEGIN; DECLARE c SCROLL CURSOR FOR SELECT generate_series(1, 5)",
        "FETCH LAST c",
        "FETCH BACKWARD 2 c",
        "COMMIT",
        "SET DateStyle = 'German'",
        "SELECT date '2024-02-29'",
        "LISTEN news",
        "NOTIFY news, 'hello'",
        flags=("-At", "-q"),
    )
    assert told.splitlines()[:4] == ["5", "4", "3", "29.02.2024"]
    assert 'Asynchronous notification "news" with payload "hello" received' in told


def test_gdesc_lists_columns_in_their_order(gateway: RunningServer) -> None:
    """psql asks for the names of types in the order of a VALUES list, and counts on it."""
    query = "SELECT 1 AS a, 'x'::text AS b, 2.5::numeric(3,1) AS c, true AS d, now() AS e \\gdesc"
    done = subprocess.run(
        ["psql", "-X", "-At", "-d", gateway.url], input=query, capture_output=True, text=True, timeout=60, check=True
    )
    assert [line.split("|")[0] for line in done.stdout.splitlines()] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("shown", ["format_type(o, -1)", "o::regclass", "o::regtype", "pg_get_userbyid(o)"])
def test_names_of_oids_keep_the_order_of_their_rows(gateway: RunningServer, shown: str) -> None:
    values = "(VALUES (1, '1700'::oid), (2, '10'::oid), (3, '1259'::oid), (4, '23'::oid), (5, '25'::oid)) v (n, o)"
    found = psql(gateway, f"SELECT n, {shown}, obj_description(o), col_description(o, 1) FROM {values}")
    assert [line.split("|")[0] for line in found.splitlines()] == ["1", "2", "3", "4", "5"]
