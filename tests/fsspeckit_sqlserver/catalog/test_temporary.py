"""Temporary tables in the catalog of the session that has them, as PostgreSQL shows them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import adbc_driver_postgresql.dbapi
import pandas
import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa

from tests.fsspeckit_sqlserver.conftest import RunningServer

_SETUP = (
    "CREATE TEMP TABLE mine (id int NOT NULL DEFAULT 5, label text, amount numeric(9,2))",
    "CREATE TEMP VIEW seen AS SELECT label, id AS number FROM mine",
)
_QUESTIONS = (
    (
        "SELECT relname, relkind, relpersistence, relnatts, pg_table_is_visible(oid) FROM pg_class"
        " WHERE relname IN ('mine', 'seen') ORDER BY 1"
    ),
    (
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull, atthasdef, attnum FROM pg_attribute"
        " WHERE attrelid = 'mine'::regclass AND attnum > 0 ORDER BY attnum"
    ),
    "SELECT adnum, pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'mine'::regclass",
    "SELECT table_name, table_type, is_insertable_into FROM information_schema.tables WHERE table_name = 'mine'",
    (
        "SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_name IN ('mine', 'seen') ORDER BY 1, 3"
    ),
    (
        "SELECT n.nspname ~ '^pg_temp_[0-9]+$', n.oid = pg_my_temp_schema() FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relname = 'mine'"
    ),
    (
        "SELECT 'mine'::regclass::text, to_regclass('mine')::text, to_regclass('pg_temp.seen')::text,"
        " to_regclass('nothing') IS NULL, to_regclass('public.mine') IS NULL"
    ),
    (
        "SELECT 'mine'::regclass = c.oid, to_regclass(n.nspname || '.mine') = c.oid, 'pg_temp.mine'::regclass = c.oid"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relname = 'mine'"
    ),
    "SELECT has_table_privilege('mine', 'select'), has_column_privilege('mine', 'label', 'select')",
    "SELECT cardinality(current_schemas(true)), (current_schemas(true))[1] ~ '^pg_temp_', current_schema()",
    "SELECT count(*) FROM pg_tables WHERE tablename = 'mine' AND schemaname LIKE 'pg_temp%'",
    "SELECT viewname FROM pg_views WHERE viewname = 'seen'",
)
_LATER = (
    "ALTER TABLE mine RENAME TO yours",
    "SELECT to_regclass('mine') IS NULL, to_regclass('yours') IS NULL",
    "DROP VIEW seen",
    "BEGIN",
    "CREATE TEMP TABLE fleeting AS SELECT 1 AS a",
    "INSERT INTO fleeting SELECT relnatts FROM pg_class WHERE relname = 'fleeting'",
    "SELECT count(*), sum(a) FROM fleeting",
    "ROLLBACK",
    "SELECT relname FROM pg_class WHERE relname IN ('yours', 'seen', 'fleeting')",
    "DROP TABLE yours",
    "SELECT count(*) FROM pg_class WHERE relpersistence = 't'",
)

Pair = tuple[psycopg.Connection[Any], psycopg.Connection[Any]]


@pytest.fixture
def pair(postgres: str, gateway: RunningServer) -> Iterator[Pair]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        yield theirs, ours


def _answers(connection: psycopg.Connection[Any], statements: tuple[str, ...]) -> list[object]:
    return [
        cursor.fetchall() if (cursor := connection.execute(statement)).description else cursor.statusmessage
        for statement in statements
    ]


def test_the_session_sees_them_as_in_postgresql(pair: Pair) -> None:
    theirs, ours = pair
    for statements in (_SETUP, _QUESTIONS, _LATER):
        assert _answers(ours, statements) == _answers(theirs, statements)


def test_other_sessions_do_not(gateway: RunningServer) -> None:
    question = "SELECT to_regclass('hidden'), (SELECT count(*) FROM pg_class WHERE relname = 'hidden')"
    with psycopg.connect(gateway.dsn, autocommit=True) as one, psycopg.connect(gateway.dsn, autocommit=True) as other:
        one.execute("CREATE TEMP TABLE hidden (a int)")
        other.execute("CREATE TEMP TABLE own (b int)")
        assert one.execute(question).fetchone() != (None, 0)
        assert other.execute(question).fetchone() == (None, 0)
        (schema,) = one.execute("SELECT (current_schemas(true))[1]").fetchone() or ("",)
        assert one.execute(f"SELECT * FROM {schema}.hidden").fetchall() == []
        for statement in (f"SELECT * FROM {schema}.own", f"DROP TABLE {schema}.own"):
            with pytest.raises(psycopg.Error):
                other.execute(statement)
        one.execute(f"DROP TABLE {schema}.hidden")
        assert one.execute(question).fetchone() == (None, 0)


def test_a_temporary_table_hides_a_dataset(gateway: RunningServer) -> None:
    question = (
        "SELECT n.nspname = 'public', pg_table_is_visible(c.oid) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relname = 'trips' ORDER BY 1"
    )
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        assert connection.execute(question).fetchall() == [(True, True)]
        connection.execute("CREATE TEMP TABLE trips (a int)")
        assert connection.execute(question).fetchall() == [(False, True), (True, False)]
        connection.execute("DISCARD ALL")
        assert connection.execute(question).fetchall() == [(True, True)]


def test_a_search_path_set_later_is_obeyed(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE mine AS SELECT oid FROM pg_class WHERE relname = 'trips'")
        question = "SELECT pg_table_is_visible(m.oid) FROM mine m"
        assert connection.execute(question).fetchone() == (True,)
        connection.execute("SET search_path = information_schema")
        assert connection.execute(question).fetchone() == (False,)


def test_psql_describes_them(gateway: RunningServer, postgres: str) -> None:
    script = "\\set QUIET on\n" + ";\n".join(_SETUP) + ";\n\\d mine\n\\d seen\n\\dt mine\n"
    shown = []
    for dsn in (gateway.dsn, postgres):
        done = subprocess.run(["psql", "-X", dsn], input=script, capture_output=True, text=True, timeout=60, check=True)
        assert not done.stderr
        shown.append(re.sub(r"pg_temp_\d+", "pg_temp_0", re.sub(r"[ -]*\n", "\n", done.stdout)))
    ours, theirs = (re.sub(r" +", " ", text) for text in shown)
    assert ours.replace("pg_temp_0", "").splitlines()[:8] == theirs.replace("pg_temp_0", "").splitlines()[:8]
    assert '"pg_temp_0.mine"' in ours
    assert '"pg_temp_0.seen"' in ours
    assert "pg_temp_0 | mine | table" in ours


def test_sqlalchemy_and_pandas_append(gateway: RunningServer) -> None:
    engine = sa.create_engine(gateway.url.replace("postgresql", "postgresql+psycopg"))
    frame = pandas.DataFrame({"id": [1, 2], "label": ["a", "b"]})
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE TEMP TABLE frames (id bigint, label text)"))
        inspector = sa.inspect(connection)
        assert inspector.has_table("frames")
        assert "frames" in inspector.get_temp_table_names()
        assert [column["name"] for column in inspector.get_columns("frames")] == ["id", "label"]
        for _ in range(2):
            frame.to_sql("frames", connection, if_exists="append", index=False)
        reflected = sa.Table("frames", sa.MetaData(), autoload_with=connection)
        assert connection.execute(sa.select(sa.func.count()).select_from(reflected)).scalar() == 4
    engine.dispose()


def test_adbc_appends(gateway: RunningServer) -> None:
    table = pa.table({"id": [1, 2], "label": ["a", None]})
    with adbc_driver_postgresql.dbapi.connect(gateway.url) as connection, connection.cursor() as cursor:
        for mode in ("create", "append", "create_append"):
            assert cursor.adbc_ingest("given", table, mode=mode, temporary=True) == 2
        cursor.execute("SELECT count(*), count(label) FROM given")
        assert cursor.fetchone() == (6, 3)
