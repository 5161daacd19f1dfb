"""psycopg 2, pg8000, ADBC, SQLAlchemy and pyodbc against the real daemon: values, parameters, cursors, errors, COPY."""

from __future__ import annotations

import datetime as dt
import io
import threading
import time
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import adbc_driver_postgresql.dbapi
import pg8000.dbapi
import psycopg2
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras
import pyarrow as pa
import pyodbc
import pytest
import sqlalchemy as sa

from tests.fsspeckit_sqlserver.conftest import RunningServer

VALUES: list[tuple[str, str, object]] = [
    ("bool", "true", True),
    ("int2", "-7", -7),
    ("int4", "2147483647", 2147483647),
    ("int8", "9223372036854775807", 9223372036854775807),
    ("float4", "1.5", 1.5),
    ("float8", "0.1", 0.1),
    ("numeric(18,4)", "12345.6789", Decimal("12345.6789")),
    ("text", "'grüße'", "grüße"),
    ("varchar", "'v'", "v"),
    ("date", "'2024-02-29'", dt.date(2024, 2, 29)),
    ("time", "'12:34:56.5'", dt.time(12, 34, 56, 500000)),
    ("timestamp", "'2024-02-29 12:34:56.5'", dt.datetime(2024, 2, 29, 12, 34, 56, 500000)),  # noqa: DTZ001
    ("timestamptz", "'2024-02-29 12:34:56+00'", dt.datetime(2024, 2, 29, 12, 34, 56, tzinfo=dt.UTC)),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
]
IDS = [kind for kind, _, _ in VALUES]


def same(found: Any, wanted: object) -> bool:
    """Compare a value; drivers differ in how they give UUIDs, bytes and single floats."""
    if isinstance(wanted, uuid.UUID):
        return str(found).lower() == str(wanted)
    if isinstance(wanted, bytes):
        return bytes(found) == wanted
    return bool(found == wanted)


class TestPsycopg2:
    @pytest.fixture
    def connection(self, gateway: RunningServer) -> Iterator[Any]:
        connection = psycopg2.connect(gateway.dsn)
        psycopg2.extras.register_uuid(conn_or_curs=connection)
        yield connection
        connection.close()

    @pytest.mark.parametrize(("kind", "literal", "wanted"), VALUES, ids=IDS)
    def test_values_in_and_out(self, connection: Any, kind: str, literal: str, wanted: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {literal}::{kind}, %s::{kind}, NULL::{kind}", (wanted,))
            first, second, third = cursor.fetchone()
        assert same(first, wanted)
        assert same(second, wanted)
        assert third is None

    def test_arrays_json_and_intervals(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT %s::int[], %s::text[], %s::interval, '{\"a\": 1}'::json", ([1, None], ["a b"], dt.timedelta(3))
            )
            assert cursor.fetchone() == ([1, None], ["a b"], dt.timedelta(3), {"a": 1})

    def test_a_server_cursor(self, connection: Any) -> None:
        with connection.cursor("named") as cursor:
            cursor.itersize = 1000
            cursor.execute("SELECT id FROM trips ORDER BY id")
            assert [row[0] for row in cursor] == list(range(30000))

    def test_a_scrollable_cursor(self, connection: Any) -> None:
        with connection.cursor("scrolling", scrollable=True) as cursor:
            cursor.execute("SELECT generate_series(1, 100)")
            assert cursor.fetchmany(3) == [(1,), (2,), (3,)]
            cursor.scroll(-2)
            assert cursor.fetchone() == (2,)
            cursor.scroll(50, mode="absolute")
            assert cursor.fetchone() == (51,)

    def test_errors_and_transactions(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            with pytest.raises(psycopg2.errors.lookup("42P01")):
                cursor.execute("SELECT * FROM nowhere")
            with pytest.raises(psycopg2.errors.lookup("25P02")):
                cursor.execute("SELECT 1")
            connection.rollback()
            cursor.execute("SELECT 1")

    def test_cancel(self, connection: Any) -> None:
        timer = threading.Timer(0.2, connection.cancel)
        timer.start()
        started = time.monotonic()
        with connection.cursor() as cursor, pytest.raises(psycopg2.errors.lookup("57014")):
            cursor.execute("SELECT count(*) FROM trips a, trips b, trips c WHERE a.id + b.id + c.id = -1")
        assert time.monotonic() - started < 10

    def test_copy_both_ways(self, connection: Any) -> None:
        out = io.StringIO()
        with connection.cursor() as cursor:
            cursor.copy_expert("COPY (SELECT id, zone, NULL AS n FROM trips WHERE id < 3 ORDER BY id) TO STDOUT", out)
            assert out.getvalue() == "0\tzone 0\t\\N\n1\tzone 1\t\\N\n2\tzone 2\t\\N\n"
            cursor.execute("CREATE TEMP TABLE copied (id int, zone text, n text)")
            out.seek(0)
            cursor.copy_from(out, "copied")
            cursor.execute("SELECT count(*), count(n), max(zone) FROM copied")
            assert cursor.fetchone() == (3, 0, "zone 2")

    def test_notifications(self, connection: Any, gateway: RunningServer) -> None:
        connection.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
        with connection.cursor() as cursor:
            cursor.execute("LISTEN news")
        other = psycopg2.connect(gateway.dsn)
        with other.cursor() as cursor:
            cursor.execute("NOTIFY news, 'hello'")
        connection.poll()
        assert not connection.notifies  # until the commit
        other.commit()
        other.close()
        for _ in range(100):
            connection.poll()
            if connection.notifies:
                break
            time.sleep(0.02)
        assert (connection.notifies[0].channel, connection.notifies[0].payload) == ("news", "hello")


class TestPg8000:
    @pytest.fixture
    def connection(self, gateway: RunningServer) -> Iterator[Any]:
        connection = pg8000.dbapi.connect("tester", host="127.0.0.1", port=gateway.port, database="anything")  # type: ignore[no-untyped-call]
        yield connection
        connection.close()

    @pytest.mark.parametrize(("kind", "literal", "wanted"), VALUES, ids=IDS)
    def test_values_in_and_out(self, connection: Any, kind: str, literal: str, wanted: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SELECT {literal}::{kind}, CAST(%s AS {kind}), NULL::{kind}", (wanted,))
        first, second, third = cursor.fetchone()
        assert same(first, wanted)
        assert same(second, wanted)
        assert third is None

    def test_errors_rows_and_copy(self, connection: Any) -> None:
        cursor = connection.cursor()
        with pytest.raises(pg8000.dbapi.DatabaseError) as caught:
            cursor.execute("SELECT nothing FROM trips")
        assert caught.value.args[0]["C"] == "42703"
        connection.rollback()
        cursor.execute("SELECT id FROM trips ORDER BY id")
        assert len(cursor.fetchall()) == 30000
        cursor.execute("CREATE TEMP TABLE copied (id int, zone text)")
        cursor.execute("COPY copied FROM STDIN", stream=io.BytesIO(b"1\ta\n2\t\\N\n"))
        out = io.BytesIO()
        cursor.execute("COPY copied TO STDOUT (FORMAT csv)", stream=out)
        assert out.getvalue() == b"1,a\n2,\n"


class TestAdbc:
    @pytest.fixture
    def connection(self, gateway: RunningServer) -> Iterator[Any]:
        with adbc_driver_postgresql.dbapi.connect(gateway.url) as connection:
            yield connection

    def test_every_type_comes_as_arrow(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT flag, small, number, big, single, dbl, money, name, raw, day, clock, stamp, moment, numbers"
                " FROM types"
            )
            table = cursor.fetch_arrow_table()
        assert table.num_rows == 2
        assert table.column("number").type == pa.int32()
        assert table.column("day").to_pylist() == [dt.date(2024, 2, 29), None]
        assert table.column("numbers").to_pylist() == [[1, 2], None]
        assert table.column("money").to_pylist() == ["1.25", None]  # ADBC gives numerics as text

    def test_parameters_and_errors(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM trips WHERE id < $1 AND zone = $2", parameters=(100, "zone 1"))
            assert cursor.fetchone() == (10,)
            with pytest.raises(Exception, match="does not exist"):
                cursor.execute("SELECT * FROM nowhere")

    def test_a_large_result(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM trips")
            assert cursor.fetch_arrow_table().num_rows == 30000

    def test_the_schema_of_a_table(self, connection: Any) -> None:
        assert connection.adbc_get_table_schema("trips").names[:1] == ["id"]


class TestSqlAlchemy:
    @pytest.fixture
    def engine(self, gateway: RunningServer) -> Iterator[sa.Engine]:
        engine = sa.create_engine(gateway.url.replace("postgresql://", "postgresql+psycopg://"))
        yield engine
        engine.dispose()

    def test_a_reflected_table(self, engine: sa.Engine) -> None:
        trips = sa.Table("trips", sa.MetaData(), autoload_with=engine)
        assert {"id", "year", "fare", "zone", "pickup"} == {column.name for column in trips.columns}
        with engine.connect() as connection:
            query = sa.select(trips.c.zone, sa.func.count()).where(trips.c.id < sa.bindparam("limit"))
            rows = connection.execute(query.group_by(trips.c.zone).order_by(trips.c.zone), {"limit": 20}).all()
        assert [tuple(row) for row in rows[:2]] == [("zone 0", 2), ("zone 1", 2)]

    def test_the_inspector(self, engine: sa.Engine) -> None:
        inspector = sa.inspect(engine)
        assert set(inspector.get_table_names()) >= {"trips", "types"}
        assert "public" in inspector.get_schema_names()
        assert inspector.get_pk_constraint("trips")["constrained_columns"] == []
        assert inspector.get_indexes("trips") == []
        assert inspector.get_foreign_keys("trips") == []
        assert inspector.get_view_names() == []
        kinds = {column["name"]: str(column["type"]) for column in inspector.get_columns("types")}
        assert kinds["flag"] == "BOOLEAN"
        assert kinds["money"] == "NUMERIC(10, 2)"
        assert kinds["numbers"] == "ARRAY"

    def test_like_with_an_escape(self, engine: sa.Engine) -> None:
        trips = sa.table("trips", sa.column("zone"))
        with engine.connect() as connection:
            query = (
                sa.select(sa.func.count()).select_from(trips).where(trips.c.zone.startswith("zone_", autoescape=True))
            )
            assert connection.execute(query).scalar() == 0
            query = sa.select(sa.func.count()).select_from(trips).where(trips.c.zone.contains("e 1", autoescape=True))
            assert connection.execute(query).scalar() == 3000

    def test_streaming_and_transactions(self, engine: sa.Engine) -> None:
        with engine.connect() as connection:
            result = connection.execute(sa.text("SELECT id FROM trips"), execution_options={"stream_results": True})
            assert sum(1 for _ in result) == 30000
            connection.execute(sa.text("CREATE TEMP TABLE t (x int)"))
            connection.execute(sa.text("INSERT INTO t VALUES (:x)"), [{"x": 1}, {"x": 2}])
            assert connection.execute(sa.text("SELECT sum(x) FROM t")).scalar() == 3
            connection.rollback()


class TestOdbc:
    @pytest.fixture
    def connection(self, gateway: RunningServer) -> Iterator[Any]:
        if "PostgreSQL Unicode" not in pyodbc.drivers():
            pytest.skip("psqlODBC is not installed; on Debian: apt-get install odbc-postgresql")
        connection = pyodbc.connect(
            f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={gateway.port};Database=anything;Uid=tester;"
            "UseDeclareFetch=1;Fetch=100",
            autocommit=True,
        )
        yield connection
        connection.close()

    @pytest.mark.parametrize(
        ("kind", "literal", "wanted"), [value for value in VALUES if value[0] not in {"timestamptz", "time", "bool"}]
    )
    def test_values_out(self, connection: Any, kind: str, literal: str, wanted: object) -> None:
        row = connection.execute(f"SELECT {literal}::{kind}, NULL::{kind}").fetchone()
        assert same(row[0], wanted)
        assert row[1] is None

    def test_parameters_cursors_and_errors(self, connection: Any) -> None:
        query = "SELECT count(*) FROM trips WHERE id < ? AND zone = ? AND pickup > ?"
        assert connection.execute(query, 100, "zone 1", dt.datetime(2023, 1, 1)).fetchone()[0] == 10  # noqa: DTZ001
        assert len(connection.execute("SELECT id FROM trips").fetchall()) == 30000  # DECLARE and FETCH 100
        with pytest.raises(pyodbc.Error) as caught:
            connection.execute("SELECT * FROM nowhere")
        assert caught.value.args[0] == "42P01"

    def test_the_catalog(self, connection: Any) -> None:
        names = {row.table_name for row in connection.cursor().tables(schema="public")}
        assert {"trips", "types"} <= names
        columns = {row.column_name for row in connection.cursor().columns(table="trips")}
        assert {"id", "zone", "year"} <= columns
