"""psycopg 3 against the server: every format, parameters, pipelines, cursors, cancel, transactions, errors."""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
from psycopg import errors, pq
from psycopg.types.json import Jsonb

from tests.fsspeckit_sqlserver.conftest import RunningServer

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def connection(gateway: RunningServer) -> Iterator[Connection]:
    with psycopg.connect(gateway.dsn, autocommit=True) as opened:
        yield opened


VALUES: list[tuple[str, object]] = [
    ("true", True),
    ("1::smallint", 1),
    ("(-2147483648)::int", -2147483648),
    ("9223372036854775807::bigint", 9223372036854775807),
    ("1.5::real", 1.5),
    ("0.1::double precision", 0.1),
    ("12345.6789::numeric(18,4)", Decimal("12345.6789")),
    ("'grüße'", "grüße"),
    ("'ab'::bytea", b"ab"),
    ("date '2024-02-29'", dt.date(2024, 2, 29)),
    ("time '12:34:56.789'", dt.time(12, 34, 56, 789000)),
    ("timestamp '2024-02-29 12:34:56.5'", dt.datetime(2024, 2, 29, 12, 34, 56, 500000)),  # noqa: DTZ001
    ("timestamptz '2024-02-29 12:34:56+00'", dt.datetime(2024, 2, 29, 12, 34, 56, tzinfo=dt.UTC)),
    ("interval '3 days 04:05:06'", dt.timedelta(days=3, hours=4, minutes=5, seconds=6)),
    ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
    ("'{\"a\": [1, null]}'::json", {"a": [1, None]}),
    ("array[1, 2, null]", [1, 2, None]),
    ("array['a b', null, '']", ["a b", None, ""]),
    ("null", None),
]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=[value[0] for value in VALUES])
def test_values_come_out(connection: Connection, expression: str, expected: object, binary: bool) -> None:
    row = connection.execute(f"SELECT {expression}", binary=binary).fetchone()
    assert row == (expected,)


PARAMETERS: list[object] = [
    *(
        True,
        False,
        0,
        -1,
        32_767,
        2**31,
        2**62,
        1.5,
        float("inf"),
        Decimal("-0.0001"),
        Decimal("123456789.5"),
        "x",
        "",
        "ü",
    ),
    *(b"\x00\xff", dt.date(2024, 2, 29), dt.time(1, 2, 3), dt.datetime(2024, 1, 1, 1, 1, 1, 5), dt.timedelta(days=1)),  # noqa: DTZ001
    *(dt.datetime(2024, 1, 1, tzinfo=dt.UTC), uuid.UUID(int=5), [1, 2, 3], ["a", None, 'q"\\'], None),
]
CASTS = {
    bool: "bool",
    Decimal: "numeric(38,10)",
    bytes: "bytea",
    dt.timedelta: "interval",
    uuid.UUID: "uuid",
    float: "float8",
}


@pytest.mark.parametrize("wire_format", ["t", "b"], ids=["text", "binary"])
@pytest.mark.parametrize("value", PARAMETERS, ids=[repr(value) for value in PARAMETERS])
def test_parameters_go_in_and_come_back(connection: Connection, value: object, wire_format: str) -> None:
    cast = "text[]" if value == ["a", None, 'q"\\'] else CASTS.get(type(value))
    query = f"SELECT %{wire_format}{'::' + cast if cast else ''}"
    row = connection.execute(query, (value,)).fetchone()
    assert row == (value,)


def test_json_goes_in(connection: Connection) -> None:
    assert connection.execute("SELECT %s::text", (Jsonb({"a": 1}),)).fetchone() == ('{"a": 1}',)


def test_columns_are_described_with_their_types(connection: Connection) -> None:
    cursor = connection.execute("SELECT 1::int AS a, 'x' AS b, 1.5::numeric(10,2) AS c, now() AS d")
    assert cursor.description is not None
    assert [(column.name, column.type_code) for column in cursor.description] == [
        ("a", 23),
        ("b", 25),
        ("c", 1700),
        ("d", 1184),
    ]
    assert (cursor.description[2].precision, cursor.description[2].scale) == (10, 2)


def test_prepared_statements_are_reused(connection: Connection) -> None:
    for number in range(10):
        assert connection.execute("SELECT %s::int + 1", (number,), prepare=True).fetchone() == (number + 1,)


def test_several_statements_in_one_query(connection: Connection) -> None:
    cursor = connection.execute("SELECT 1; SELECT 2, 'x'; SET application_name TO here")
    assert cursor.fetchall() == [(1,)]
    assert cursor.nextset()
    assert cursor.fetchall() == [(2, "x")]
    assert cursor.nextset()
    assert cursor.statusmessage == "SET"
    assert connection.info.parameter_status("application_name") == "here"


def test_empty_query(connection: Connection) -> None:
    cursor = connection.execute("  -- nothing\n;")
    assert cursor.pgresult is not None
    assert cursor.pgresult.status == pq.ExecStatus.EMPTY_QUERY


def test_startup_parameters(connection: Connection) -> None:
    info = connection.info
    assert info.server_version == 160004
    assert info.encoding == "utf-8"
    expected = {
        "server_encoding": "UTF8",
        "integer_datetimes": "on",
        "standard_conforming_strings": "on",
        "TimeZone": "UTC",
    }
    assert {name: info.parameter_status(name) for name in expected} == expected
    assert info.parameter_status("session_authorization") == "tester"


def test_options_of_the_connection_string(gateway: RunningServer) -> None:
    dsn = f"{gateway.dsn} application_name=app options='-c statement_timeout=5s -c TimeZone=Asia/Tokyo'"
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("5s",)
        assert connection.info.parameter_status("TimeZone") == "Asia/Tokyo"
        assert connection.execute("SHOW application_name").fetchone() == ("app",)


def test_pipeline(connection: Connection) -> None:
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int", (number,)) for number in range(50)]
    assert [cursor.fetchone() for cursor in cursors] == [(number,) for number in range(50)]


def test_pipeline_skips_to_sync_after_an_error(connection: Connection) -> None:
    def send() -> None:
        with connection.pipeline() as pipeline:
            connection.execute("SELECT 1")
            connection.execute("SELECT * FROM nowhere")
            connection.execute("SELECT 2")
            pipeline.sync()

    with pytest.raises(errors.UndefinedTable):
        send()
    assert connection.execute("SELECT 3").fetchone() == (3,)


def test_server_cursor(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn) as connection, connection.cursor(name="c") as cursor:
        cursor.itersize = 1000
        cursor.execute("SELECT i FROM generate_series(0, 5000 - 1) t(i)")
        assert sum(1 for _ in cursor) == 5000


def test_held_cursor_outlives_its_transaction(connection: Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT i FROM generate_series(0, 5 - 1) t(i)")
    connection.execute("COMMIT")
    assert connection.execute("FETCH 2 FROM c").fetchall() == [(0,), (1,)]
    assert connection.execute("MOVE 1 FROM c").statusmessage == "MOVE 1"
    assert connection.execute("FETCH ALL FROM c").statusmessage == "FETCH 2"
    assert connection.execute("CLOSE c").statusmessage == "CLOSE CURSOR"
    with pytest.raises(errors.InvalidCursorName):
        connection.execute("FETCH 1 FROM c")


def test_portal_row_limits(connection: Connection) -> None:
    """Execute with a row limit suspends; the next Execute goes on. psycopg has no call for it, so libpq's is used."""
    with connection.transaction():
        connection.execute("DECLARE big CURSOR FOR SELECT i FROM generate_series(0, 40000 - 1) t(i)")
        seen = 0
        while rows := connection.execute("FETCH 17000 FROM big").fetchall():
            assert rows[0] == (seen,)
            seen += len(rows)
        assert seen == 40_000


def test_transactions(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn) as connection:
        connection.execute("SELECT 1")
        assert connection.info.transaction_status == pq.TransactionStatus.INTRANS
        with pytest.raises(errors.UndefinedTable):
            connection.execute("SELECT * FROM nowhere")
        with pytest.raises(errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        assert connection.execute("COMMIT").statusmessage == "ROLLBACK"
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_savepoints_lead_out_of_a_failed_block(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn) as connection:
        connection.execute("SELECT 1")
        with pytest.raises(errors.UndefinedTable), connection.transaction():
            connection.execute("SELECT * FROM nowhere")
        assert connection.execute("SELECT 2").fetchone() == (2,)


def test_settings_follow_the_transaction(connection: Connection) -> None:
    def zone() -> str:
        return str((connection.execute("SHOW TimeZone").fetchone() or ("",))[0])

    connection.execute("SET TimeZone TO 'Europe/Berlin'")
    connection.execute("BEGIN; SET LOCAL TimeZone TO 'Asia/Tokyo'")
    assert zone() == "Asia/Tokyo"
    connection.execute("COMMIT")
    assert zone() == "Europe/Berlin"
    connection.execute("BEGIN; SET TimeZone TO 'America/Lima'; ROLLBACK")
    assert zone() == "Europe/Berlin"
    assert str(connection.info.timezone) == "Europe/Berlin"
    assert connection.execute("SELECT timestamptz '2024-07-01 00:00:00+00'::timestamptz").fetchone() == (
        dt.datetime(2024, 7, 1, tzinfo=dt.UTC),
    )
    connection.execute("RESET ALL")
    assert zone() == "UTC"


def test_set_config_and_current_setting(connection: Connection) -> None:
    assert connection.execute("SELECT set_config(%s, %s, false)", ("search_path", "a, b")).fetchone() == ("a, b",)
    assert connection.execute("SHOW search_path").fetchone() == ("a, b",)
    row = connection.execute("SELECT pg_backend_pid() AS pid").fetchone()
    assert row == (connection.info.backend_pid,)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELEC 1", errors.SyntaxError),
        ("SET nonsense TO 1", errors.UndefinedObject),
        ("SET server_version TO '1'", errors.CantChangeRuntimeParam),
        ("SET client_encoding TO LATIN1", errors.FeatureNotSupported),
        ("SET TimeZone TO 'Mars/Olympus'", errors.InvalidParameterValue),
        ("SAVEPOINT x", errors.NoActiveSqlTransaction),
        ("FETCH 1 FROM nothing", errors.InvalidCursorName),
        ("EXECUTE nothing", errors.InvalidSqlStatementName),
        ("DEALLOCATE nothing", errors.InvalidSqlStatementName),
        ("PREPARE TRANSACTION 'x'", errors.FeatureNotSupported),
        ("COPY x FROM STDIN", errors.UndefinedTable),
    ],
)
def test_errors_have_their_sqlstate(connection: Connection, statement: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        connection.execute(statement)
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_syntax_error_says_where(connection: Connection) -> None:
    with pytest.raises(errors.SyntaxError) as caught:
        connection.execute("SELECT 1 FRM x y")
    assert caught.value.diag.statement_position == "14"
    assert caught.value.diag.severity == "ERROR"


def test_wrong_parameters_are_refused(connection: Connection) -> None:
    result = connection.pgconn.exec_params(b"SELECT $1::int", [b"x"], [23])
    assert result.error_field(pq.DiagnosticField.SQLSTATE) == b"22P02"
    result = connection.pgconn.exec_params(b"SELECT $1::int", [b"\0\0"], [23], [1])
    assert result.error_field(pq.DiagnosticField.SQLSTATE) == b"22P03"
    result = connection.pgconn.exec_params(b"SELECT $1::int", [])
    assert result.error_field(pq.DiagnosticField.SQLSTATE) == b"08P01"


def test_cancel_ends_the_statement_and_not_the_connection(connection: Connection) -> None:
    started = time.monotonic()
    timer = threading.Timer(0.3, connection.cancel)
    timer.start()
    with pytest.raises(errors.QueryCanceled, match="user request"):
        connection.execute("SELECT sum(a.i * b.i) FROM generate_series(0, 99999999) a(i), generate_series(0, 99) b(i)")
    timer.join()
    assert time.monotonic() - started < 20
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_cancel_while_rows_stream(connection: Connection) -> None:
    def read() -> None:
        with connection.cursor() as cursor:
            for seen, _ in enumerate(cursor.stream("SELECT i FROM generate_series(0, 999999999) t(i)")):
                if seen == 1000:
                    connection.cancel()

    with pytest.raises(errors.QueryCanceled):
        read()
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_cancel_while_idle_does_nothing(connection: Connection) -> None:
    connection.cancel()
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_statement_timeout(connection: Connection) -> None:
    connection.execute("SET statement_timeout TO '200ms'")
    with pytest.raises(errors.QueryCanceled, match="statement timeout"):
        connection.execute("SELECT sum(a.i * b.i) FROM generate_series(0, 99999999) a(i), generate_series(0, 99) b(i)")
    assert connection.execute("SELECT 1").fetchone() == (1,)
    connection.execute("RESET statement_timeout")


def test_discard_all_forgets_everything(connection: Connection) -> None:
    connection.execute("PREPARE p AS SELECT 1")
    connection.execute("SET application_name TO 'before'")
    connection.execute("DISCARD ALL")
    with pytest.raises(errors.InvalidSqlStatementName):
        connection.execute("EXECUTE p")
    assert connection.execute("SHOW application_name").fetchone() == ("",)


def test_sql_prepare_and_execute(connection: Connection) -> None:
    connection.execute("PREPARE plus(int, text) AS SELECT $1::int + 1, $2::text || '!'")
    assert connection.execute("EXECUTE plus(1 + 1, upper('x'))").fetchone() == (3, "X!")
    connection.execute("DEALLOCATE plus")


def test_notices_of_needless_transaction_statements(connection: Connection) -> None:
    notices: list[str | None] = []
    connection.add_notice_handler(lambda diagnostic: notices.append(diagnostic.sqlstate))
    assert connection.execute("COMMIT").statusmessage == "COMMIT"
    connection.execute("BEGIN; BEGIN; ROLLBACK")
    assert notices == ["25P01", "25001"]


def test_several_statements_are_one_transaction(connection: Connection) -> None:
    connection.execute("SET application_name TO 'kept'")
    with pytest.raises(errors.UndefinedTable):
        connection.execute("SET application_name TO 'lost'; SELECT * FROM nowhere")
    assert connection.execute("SHOW application_name").fetchone() == ("kept",)


@pytest.mark.parametrize("rows", [0, 1, 1024, 1025, 16_384, 16_385, 200_000])
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_results_of_any_size_arrive_whole(connection: Connection, rows: int, binary: bool) -> None:
    columns = "i, 'row ' || i AS t, CASE WHEN i % 3 = 0 THEN NULL ELSE i * 0.5 END AS f"
    query = f"SELECT {columns} FROM generate_series(0, {rows} - 1) t(i)"
    fetched = connection.execute(query, binary=binary).fetchall()
    assert len(fetched) == rows
    for index in {0, rows // 2, rows - 1} if rows else set():
        half = None if index % 3 == 0 else index * 0.5
        assert fetched[index][:2] == (index, f"row {index}")
        assert fetched[index][2] == (None if half is None else pytest.approx(half))


def test_one_text_prepared_for_several_types_keeps_them_apart(connection: Connection) -> None:
    connection.prepare_threshold = 0
    values = ["x", 3, "10", dt.date(2024, 2, 29), 5, "x", dt.date(2024, 2, 29), 2**40, 1.5, True, "z"]
    for value in [*values, *reversed(values)]:
        for wire_format in ("t", "b"):
            got = connection.execute(f"SELECT %{wire_format} AS v", (value,), binary=wire_format == "b").fetchone()
            assert got == (value,)
    compare = "SELECT %t < '9'"
    assert connection.execute(compare, ("10",)).fetchone() == (True,)
    assert connection.execute(compare, (10,)).fetchone() == (False,)
    assert connection.execute(compare, ("10",)).fetchone() == (True,)


def test_sql_level_prepare_keeps_types_of_equal_texts_apart(connection: Connection) -> None:
    connection.execute("PREPARE h1(text) AS SELECT $1 < '9' AS g")
    connection.execute("PREPARE h2(bigint) AS SELECT $1 < '9' AS g")
    assert connection.execute("EXECUTE h1('10')").fetchone() == (True,)
    assert connection.execute("EXECUTE h2(10)").fetchone() == (False,)
    assert connection.execute("EXECUTE h1('10')").fetchone() == (True,)


def test_statements_that_differ_in_parentheses_alone_are_two(connection: Connection) -> None:
    connection.execute("PREPARE loose AS SELECT true OR false IS NULL")
    connection.execute("PREPARE tight AS SELECT (true OR false) IS NULL")
    assert connection.execute("EXECUTE loose").fetchall() == [(True,)]
    assert connection.execute("EXECUTE tight").fetchall() == [(False,)]
    with connection.cursor().copy("COPY (SELECT (true OR false) IS NULL) TO STDOUT") as copy:
        assert [bytes(data) for data in copy] == [b"f\n"]
