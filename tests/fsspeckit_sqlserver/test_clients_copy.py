"""COPY through the interfaces for it: ADBC's ingest, raw connections of SQLAlchemy, pandas.

psqlODBC has none: it waits for ever after a COPY, with PostgreSQL too.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import adbc_driver_postgresql.dbapi
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from tests.fsspeckit_sqlserver.conftest import RunningServer

_MOMENT = dt.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=dt.UTC)
_TABLE = pa.table(
    {
        "number": pa.array([1, None, 3]),
        "small": pa.array([1, 2, 3], pa.int16()),
        "name": ["a", 'b "c"\t\\', None],
        "single": pa.array([1.5, 2, None], pa.float32()),
        "dbl": [1.5, None, float("inf")],
        "flag": [True, False, None],
        "day": [dt.date(2024, 2, 29), None, dt.date(1999, 1, 1)],
        "stamp": pa.array([_MOMENT.replace(tzinfo=None), None, None], pa.timestamp("us")),
        "moment": pa.array([_MOMENT, None, None], pa.timestamp("us", "UTC")),
        "raw": pa.array([b"\x00\xff", None, b""]),
        "numbers": pa.array([[1, 2], None, []], pa.list_(pa.int64())),
        "clock": pa.array([1_000_000, None, 3], pa.time64("us")),
    }
)


@pytest.mark.parametrize("mode", ["create", "replace"])
def test_adbc_ingests_into_a_temporary_table(gateway: RunningServer, mode: Any) -> None:
    with adbc_driver_postgresql.dbapi.connect(gateway.url) as connection, connection.cursor() as cursor:
        assert cursor.adbc_ingest("taken", _TABLE, mode=mode, temporary=True) == 3
        cursor.execute("SELECT * FROM taken")
        assert cursor.fetch_arrow_table().to_pylist() == _TABLE.to_pylist()
        with pytest.raises(Exception, match="already exists"):
            cursor.adbc_ingest("taken", _TABLE, mode="create", temporary=True)
        connection.rollback()


def test_adbc_ingests_decimals(gateway: RunningServer) -> None:
    with adbc_driver_postgresql.dbapi.connect(gateway.url) as connection, connection.cursor() as cursor:
        amounts = pa.table({"x": pa.array([Decimal("1.25"), None, Decimal("-3.00")], pa.decimal128(10, 2))})
        assert cursor.adbc_ingest("amounts", amounts, mode="create", temporary=True) == 3
        cursor.execute("SELECT sum(x)::float8 FROM amounts")
        assert cursor.fetchone() == (-1.75,)


def test_sqlalchemy_s_raw_connection_of_psycopg(gateway: RunningServer) -> None:
    engine = sa.create_engine(gateway.url.replace("postgresql://", "postgresql+psycopg://"))
    raw = engine.raw_connection()
    try:
        cursor: Any = raw.cursor()
        cursor.execute("CREATE TEMP TABLE q(a int, b text)")
        with cursor.copy("COPY q FROM STDIN") as copy:
            for row in [(1, "x\ty"), (2, None)]:
                copy.write_row(row)
        with cursor.copy("COPY (SELECT * FROM q ORDER BY a) TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["int4", "text"])
            assert list(copy.rows()) == [(1, "x\ty"), (2, None)]
    finally:
        raw.close()
        engine.dispose()


def test_sqlalchemy_s_raw_connection_of_psycopg2(gateway: RunningServer) -> None:
    engine = sa.create_engine(gateway.url.replace("postgresql://", "postgresql+psycopg2://"))
    raw = engine.raw_connection()
    try:
        cursor: Any = raw.cursor()
        cursor.execute("CREATE TEMP TABLE q(a int, b text)")
        cursor.copy_expert("COPY q FROM STDIN WITH CSV", io.StringIO("1,x\n2,\n"))
        assert cursor.rowcount == 2
        out = io.StringIO()
        cursor.copy_expert("COPY (SELECT * FROM q ORDER BY a) TO STDOUT WITH CSV HEADER", out)
        assert out.getvalue() == "a,b\n1,x\n2,\n"
    finally:
        raw.close()
        engine.dispose()


def test_rows_of_pandas_by_copy(gateway: RunningServer) -> None:
    def copy_rows(table: Any, connection: Any, keys: list[str], rows: Any) -> None:
        buffer = io.StringIO()
        csv.writer(buffer).writerows(rows)
        buffer.seek(0)
        with connection.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {table.name} ({', '.join(keys)}) FROM STDIN WITH CSV", buffer)

    engine = sa.create_engine(gateway.url.replace("postgresql://", "postgresql+psycopg2://"))
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TEMP TABLE frame(a bigint, b text)"))
            frame = pd.DataFrame({"a": range(5000), "b": [f"row {n}" for n in range(5000)]})
            table: Any = sa.table("frame")
            copy_rows(table, connection, list(frame.columns), frame.itertuples(index=False))
            assert connection.execute(sa.text("SELECT count(*), max(b) FROM frame")).one() == (5000, "row 999")
            read = pd.read_sql("SELECT * FROM frame ORDER BY a", connection)
            assert read.equals(frame)
    finally:
        engine.dispose()
