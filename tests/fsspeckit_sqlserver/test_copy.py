"""COPY both ways: the bytes PostgreSQL sends, the rows and errors it makes of what it is sent."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress

import psycopg
import pytest
from psycopg import errors

from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.backend import ErrorResponse, ReadyForQuery
from tests.fsspeckit_sqlserver.conftest import RunningServer
from tests.fsspeckit_sqlserver.raw_client import RawClient

Connection = psycopg.Connection[tuple[object, ...]]

COLUMNS = "(a int, b text, c date, d numeric(10,2), e bytea, f bool, g text[], h timestamptz, i float8)"
ROWS = (
    r"(1, E'a\tb\n\"q\"\\', '2024-02-29', 1.50, '\x00ff', true, '{a,\"b c\",NULL}', '2024-02-29 12:00+00', 0.1),"
    r"(2, '', '0044-01-01 BC', NULL, '', false, '{}', NULL, 1.5),"
    r"(NULL, NULL, NULL, -5, NULL, NULL, NULL, '2000-01-01 00:00:00.5+00', 1e20),"
    r"(4, '\N,x', 'infinity', 0, 'abc', NULL, '{1}', NULL, -1), (5, '\.', NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
).replace(r"\"", '"')
OUT = [
    "COPY t TO STDOUT",
    "COPY t (b, a) TO STDOUT",
    "COPY (SELECT a, b FROM t WHERE a > 1) TO STDOUT",
    "COPY (SELECT 1 WHERE false) TO STDOUT",
    "COPY (SELECT 1 WHERE false) TO STDOUT (FORMAT binary)",
    "COPY t TO STDOUT (HEADER)",
    "COPY t TO STDOUT (DELIMITER '|', NULL 'nil')",
    "COPY t TO STDOUT (DELIMITER '-')",
    "COPY t TO STDOUT (FORMAT csv)",
    "COPY t TO STDOUT (FORMAT csv, HEADER)",
    "COPY t TO STDOUT WITH CSV HEADER",
    "COPY t TO STDOUT (FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '!', NULL 'N', FORCE_QUOTE *)",
    "COPY t TO STDOUT (FORMAT csv, FORCE_QUOTE (a, b))",
    "COPY t TO STDOUT (FORMAT csv, DELIMITER ':')",
    "COPY t TO STDOUT (FORMAT binary)",
]
WRONG = [
    "COPY t TO STDOUT (DELIMITER 'ab')",
    "COPY t TO STDOUT (DELIMITER 'a')",
    "COPY t TO STDOUT (FORMAT x)",
    "COPY t TO STDOUT (nothing)",
    "COPY t TO STDOUT (HEADER, HEADER)",
    "COPY t TO STDOUT (QUOTE '\"')",
    "COPY t TO STDOUT (FORMAT binary, DELIMITER ',')",
    "COPY t TO STDOUT (FORMAT csv, DELIMITER '\"')",
    "COPY t TO STDOUT (FORMAT csv, NULL ',')",
    "COPY t (zz) TO STDOUT",
    "COPY nowhere TO STDOUT",
    "COPY t TO '/tmp/x'",
    "COPY (SELECT 1/0) TO STDOUT",
    "COPY t (a, a) TO STDOUT",
    "COPY t TO STDOUT (FORMAT csv, HEADER maybe)",
    "COPY t TO STDOUT (FORMAT csv, HEADER 2)",
    "COPY t TO STDOUT (HEADER match)",
    "COPY t TO STDOUT (FORMAT binary, HEADER)",
    "COPY t TO STDOUT (FORMAT csv, NULL '\"')",
    "COPY t TO STDOUT (FORMAT csv, NULL E'\\n')",
    "COPY t TO STDOUT (NULL E'x\\r')",
    "COPY t TO STDOUT (DELIMITER E'\\n')",
    "COPY t TO STDOUT (FREEZE maybe)",
    "COPY t TO STDOUT (FORMAT csv, FORCE_NULL (a))",
    "COPY t TO STDOUT (FORMAT csv, FORCE_NOT_NULL (a))",
    "COPY t TO STDOUT (FORCE_QUOTE (a))",
    "COPY t TO STDOUT (FORMAT csv, FORCE_QUOTE (a, a))",
    "COPY t TO STDOUT (FORMAT csv, FORCE_QUOTE (zz))",
    "COPY t TO STDOUT (FORMAT csv, QUOTE 'ab')",
    "COPY t TO STDOUT (FORMAT csv, ESCAPE '')",
    "COPY t TO STDOUT (OIDS)",
]
IN: list[tuple[str, bytes]] = [
    ("COPY u (a, b) FROM STDIN", b"1\tx\n2\t\\N\n"),
    ("COPY u (a, b) FROM STDIN", b"1\tx\n\\.\n"),
    ("COPY u (a, b) FROM STDIN", b"1\tno end of line"),
    ("COPY u (a, b) FROM STDIN", b"1\t\\x41\\102\\q\\t\\\\\n2\ta\\\\n\n"),
    ("COPY u (b, a) FROM STDIN (DELIMITER '|', NULL 'nil')", b"x|1\nnil|2\n"),
    ("COPY u FROM STDIN (FORMAT csv, HEADER)", b"h\n5,,,,,,,,\n"),
    ("COPY u (a, b) FROM STDIN (FORMAT csv, NULL 'x')", b'1,"x"\n2,x\n3,"a\nb""c"\n'),
    ("COPY u (a, b) FROM STDIN (FORMAT csv, QUOTE '''', ESCAPE '!')", b"1,'a!'b'\n"),
    ("COPY u (a, g) FROM STDIN (FORMAT csv)", b'1,"{a,""b c""}"\n'),
    ("COPY u (a, e, h) FROM STDIN", b"1\t\\\\x00ff\t2024-01-01 00:00:00+00\n"),
    ("COPY u (a) FROM STDIN", b""),
]
# Pieces that meet in every order: of them the generated data of the next tests is made.
TEXT_PIECES = [
    *(b"1", b"a", b"\t", b"\t", b"\n", b"\n", b"\r\n", b"\\N", b"\\\n", b"\\\t", b"\\\\", b"\\.", b"\\.\n", b"\\x41"),
    *(
        b"\\101",
        b"\\n",
        b"\\",
        b"|",
        b"\xc3\xa9",
        b"1\ta\n",
        b"2\tb\n",
        b"",
        b"\\xff",
        b"\\0",
        b"\\q",
        b"N",
        b"\xff",
        b"\0",
    ),
]
CSV_PIECES = [
    *(
        b"1",
        b"a",
        b",",
        b",",
        b"\n",
        b"\n",
        b"\r\n",
        b'"',
        b'"',
        b'"a"',
        b'""',
        b'"x\ny"',
        b"\\.",
        b"\\.\n",
        b"'",
        b"!",
    ),
    *(b"\xc3\xa9", b"1,a\n", b'2,"b"\n', b"nil", b"\r", b"", b" ", b'"",', b",\n", b'"a""b"', b"\xff", b"\\"),
]
TEXT_OPTIONS = ["", "(DELIMITER '|')", "(NULL '')", "(HEADER)", "(NULL 'a')"]
CSV_OPTIONS = [
    *("(FORMAT csv)", "(FORMAT csv, NULL 'nil')", "(FORMAT csv, HEADER)", "(FORMAT csv, FORCE_NULL (a, b))"),
    *("(FORMAT csv, FORCE_NOT_NULL (b))", "(FORMAT csv, QUOTE '''', ESCAPE '!')", "(FORMAT csv, ESCAPE '\\')"),
    *("(FORMAT csv, FORCE_NULL (b), FORCE_NOT_NULL (b), NULL 'nil')", "(FORMAT csv, DELIMITER '|')"),
]
BAD: list[tuple[str, bytes]] = [
    ("COPY u (a, b) FROM STDIN", b"1\tx\ty\n"),
    ("COPY u (a, b) FROM STDIN", b"1\n"),
    ("COPY u (a, b) FROM STDIN", b"x\ty\n"),
    ("COPY u (d) FROM STDIN", b"123456789.00\n"),
    ("COPY nowhere FROM STDIN", b""),
    ("COPY u (zz) FROM STDIN", b""),
    ("COPY u (a, a) FROM STDIN", b""),
    ("COPY u (a, b) FROM STDIN (FORMAT binary)", b"xx"),
    ("COPY u (a) FROM STDIN (FORMAT csv, HEADER match)", b"z\n1\n"),
    ("COPY u (a) FROM STDIN (FORMAT csv, HEADER match)", b"a,b\n1\n"),
    ("COPY u (a) FROM STDIN (FORMAT csv, FORCE_QUOTE (a))", b"1\n"),
    ("COPY u (a, b) FROM STDIN (FORMAT csv)", b'1,"unclosed'),
    ("COPY u (a, b) FROM STDIN (FORMAT csv)", b"\n"),
    ("COPY u (a, b) FROM STDIN (FORMAT csv)", b"1,a\r\n2,b\n"),
    ("COPY u (a, b) FROM STDIN", b"1\ta\0b\n"),
    ("COPY u (a, b) FROM STDIN", b"1\ta\xff\n"),
]


@pytest.fixture
def pair(postgres: str, gateway: RunningServer) -> Iterator[tuple[Connection, Connection]]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        for connection in (theirs, ours):
            connection.prepare_threshold = None
            connection.execute(f"CREATE TEMP TABLE t {COLUMNS}")
            connection.execute(f"INSERT INTO t VALUES {ROWS}")
            connection.execute(f"CREATE TEMP TABLE u {COLUMNS}")
        yield theirs, ours


def copied_out(connection: Connection, sql: str) -> list[bytes]:
    with connection.cursor() as cursor, cursor.copy(sql) as copy:
        return [bytes(data) for data in copy]


def sqlstate(connection: Connection, sql: str, pieces: Sequence[bytes] | None = None) -> str | None:
    """Return the SQLSTATE of a COPY that fails; None when it does not."""
    try:
        with connection.cursor() as cursor, cursor.copy(sql) as copy:
            for piece in pieces or ():
                copy.write(piece)
            if pieces is None:
                list(copy)
    except psycopg.Error as error:
        return error.sqlstate or "none"
    return None


@pytest.mark.parametrize("sql", OUT)
def test_rows_go_out_as_postgres_writes_them(pair: tuple[Connection, Connection], sql: str) -> None:
    theirs, ours = pair
    assert copied_out(ours, sql) == copied_out(theirs, sql)


@pytest.mark.parametrize("sql", WRONG)
def test_what_postgres_refuses_is_refused(pair: tuple[Connection, Connection], sql: str) -> None:
    theirs, ours = pair
    wanted = sqlstate(theirs, sql)
    assert wanted is not None
    assert sqlstate(ours, sql) == wanted
    assert ours.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("pieces", [1, 7, 10_000])
@pytest.mark.parametrize(("sql", "data"), IN)
def test_rows_come_in(pair: tuple[Connection, Connection], sql: str, data: bytes, pieces: int) -> None:
    rows = []
    for connection in pair:
        with connection.cursor() as cursor:
            with cursor.copy(sql) as copy:
                for start in range(0, len(data), pieces):
                    copy.write(data[start : start + pieces])
            rows.append((cursor.statusmessage, connection.execute("SELECT * FROM u ORDER BY a").fetchall()))
    assert rows[1] == rows[0]


def outcome(connection: Connection, sql: str, data: bytes) -> object:
    """Return the rows a COPY left, or its SQLSTATE."""
    connection.execute("TRUNCATE v")
    failed = sqlstate(connection, sql, [data])
    return failed or sorted(connection.execute("SELECT a, b FROM v").fetchall(), key=str)


@pytest.mark.parametrize("columns", ["a, b", "b"])
@pytest.mark.parametrize(
    ("options", "pieces"),
    [*((option, TEXT_PIECES) for option in TEXT_OPTIONS), *((option, CSV_PIECES) for option in CSV_OPTIONS)],
)
def test_generated_data_is_read_as_postgres_reads_it(
    pair: tuple[Connection, Connection], options: str, pieces: list[bytes], columns: str
) -> None:
    chance = random.Random(f"{options} {columns}")
    sql = (
        f"COPY v ({columns}) FROM STDIN {options if 'b' in columns and 'a,' in columns else options.replace('a, ', '')}"
    )
    for connection in pair:
        connection.execute("CREATE TEMP TABLE v (a text, b text)")
    for _ in range(60):
        data = b"".join(chance.choices(pieces[:-1] if chance.random() < 0.9 else pieces, k=chance.randint(1, 9)))
        theirs, ours = (outcome(connection, sql, data) for connection in pair)
        assert ours == theirs, (sql, data)


def test_a_row_may_be_cut_anywhere(pair: tuple[Connection, Connection]) -> None:
    """Rows longer than what is looked at in one go, with line ends in them."""
    _, ours = pair
    value = b'x""\n' * (1 << 20)
    data = b'1,"' + value + b'"\r\n2,b"c"d\r\n' + b'3,"' + value + b'"\r\n'
    with ours.cursor() as cursor, cursor.copy("COPY u (a, b) FROM STDIN (FORMAT csv)") as copy:
        for start in range(0, len(data), 1 << 20):
            copy.write(data[start : start + (1 << 20)])
    rows = ours.execute("SELECT a, length(b), left(b, 3) FROM u ORDER BY a").fetchall()
    assert rows == [(1, 3 << 20, 'x"\n'), (2, 3, "bcd"), (3, 3 << 20, 'x"\n')]


@pytest.mark.parametrize(("sql", "data"), BAD)
def test_bad_data_is_refused_and_leaves_nothing(pair: tuple[Connection, Connection], sql: str, data: bytes) -> None:
    theirs, ours = pair
    wanted = sqlstate(theirs, sql, [data])
    assert wanted is not None
    assert sqlstate(ours, sql, [data]) == wanted
    assert ours.execute("SELECT count(*) FROM u").fetchone() == (0,)


@pytest.mark.parametrize("kind", ["text", "csv", "binary"])
def test_what_goes_out_comes_in(pair: tuple[Connection, Connection], kind: str) -> None:
    _, ours = pair
    columns = "a, b, d, e, f, g, h, i"  # Python has no dates BC
    data = copied_out(ours, f"COPY (SELECT {columns} FROM t) TO STDOUT (FORMAT {kind})")
    with ours.cursor() as cursor, cursor.copy(f"COPY u ({columns}) FROM STDIN (FORMAT {kind})") as copy:
        for piece in data:
            copy.write(piece)
    both = [ours.execute(f"SELECT {columns} FROM {table} ORDER BY a").fetchall() for table in ("t", "u")]
    assert both[0] == both[1]


def test_a_large_table(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn) as connection:
        rows = copied_out(connection, "COPY (SELECT id, zone, fare FROM trips) TO STDOUT")
        assert len(rows) == 30000
        connection.execute("CREATE TEMP TABLE many (id bigint, zone text, fare numeric(10, 1))")
        with connection.cursor() as cursor, cursor.copy("COPY many FROM STDIN") as copy:
            for _ in range(8):
                copy.write(b"".join(rows))
        assert connection.execute("SELECT count(*), count(DISTINCT id) FROM many").fetchone() == (240000, 30000)


def test_a_client_that_gives_up_or_leaves_keeps_nothing(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE half (x int)")
        with connection.cursor() as cursor, suppress(ZeroDivisionError), cursor.copy("COPY half FROM STDIN") as copy:
            copy.write(b"1\n")
            raise ZeroDivisionError
        assert connection.execute("SELECT count(*) FROM half").fetchone() == (0,)
        with pytest.raises(errors.ReadOnlySqlTransaction), connection.cursor() as cursor:
            cursor.copy("COPY trips FROM STDIN").__enter__()
    with RawClient(gateway.port) as raw:
        raw.start()
        raw.query("CREATE TEMP TABLE half (x int)")
        raw.send(fe.Query("COPY half FROM STDIN; SELECT 1"), fe.CopyData(b"1\n"))
    with RawClient(gateway.port) as raw:
        raw.start()
        raw.query("CREATE TEMP TABLE half (x int)")
        raw.send(fe.Query("COPY half FROM STDIN"), fe.CopyData(b"1\n"), fe.Query("SELECT 1"))
        heard = raw.until_ready()
        assert isinstance(heard[1], ErrorResponse)
        assert heard[1].fields["C"] == "08P01"  # a Query in the middle of COPY, as PostgreSQL says it
        assert heard[2] == ReadyForQuery("I")


def test_several_copies_in_one_query(gateway: RunningServer) -> None:
    with RawClient(gateway.port) as raw:
        raw.start()
        raw.query("CREATE TEMP TABLE two (x int)")
        raw.send(fe.Query("COPY two FROM STDIN; COPY two FROM STDIN; COPY two TO STDOUT"))
        raw.send(fe.CopyData(b"1\n"), fe.CopyDone(), fe.CopyData(b"2\n"), fe.Sync(), fe.CopyDone())
        words = [type(message).__name__ for message in raw.until_ready()]
    assert words == [
        *["CopyInResponse", "CommandComplete"] * 2,
        *["CopyOutResponse", "CopyDataOut", "CopyDataOut", "CopyDoneOut", "CommandComplete", "ReadyForQuery"],
    ]
