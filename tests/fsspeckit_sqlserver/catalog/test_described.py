"""psql's backslash commands and SQLAlchemy's inspector, on PostgreSQL and here: temporary objects look the same."""

from __future__ import annotations

import re
import subprocess

import psycopg
import pytest
import sqlalchemy as sa

from tests.fsspeckit_sqlserver.conftest import RunningServer

_SETUP = """
CREATE TEMP TABLE par (id serial PRIMARY KEY, n text NOT NULL DEFAULT 'x', v int CHECK (v > 0), UNIQUE (n, v));
CREATE TEMP TABLE chi (pid int REFERENCES par (id), k bigint GENERATED ALWAYS AS IDENTITY, m varchar(5) DEFAULT 'abc');
CREATE INDEX chi_k ON chi (k);
CREATE TEMP SEQUENCE sq;
"""
_OBJECTS = ("par", "chi", "chi_k", "par_pkey", "sq")
_COMMANDS = (
    *(f"\\d{plus} {name}" for plus in ("", "+") for name in _OBJECTS),
    "\\di",
    "\\ds",
)
_EVERYWHERE = (
    *("\\d", "\\dS", "\\dtS", "\\dtS+", "\\dvS+", "\\dm", "\\dn+", "\\dnS+", "\\du+", "\\dg", "\\df", "\\dfS+ lower"),
    *("\\dfaS sum", "\\dfp", "\\dfwS", "\\dTS+ int4", "\\doS+ + int4 int4", "\\ddS", "\\dpS", "\\zS pg_class", "\\ddp"),
    *("\\dC+", "\\dcS+", "\\dF", "\\dFd+", "\\dFp", "\\dFt+", "\\dOS+", "\\dx", "\\l+", "\\dA+", "\\dAc+", "\\dAf+"),
    *("\\dAo+", "\\dAp+", "\\dLS+", "\\dE+", "\\db+", "\\dDS+", "\\drds", "\\dRp+", "\\dRs+", "\\dy+", "\\dX", "\\dP+"),
    *("\\des+", "\\deu+", "\\dew+", "\\det+", "\\dconfig+ work_mem", "\\dl+", "\\d+ pg_class", "\\dS+ pg_tables"),
)


def psql(dsn: str, commands: str) -> str:
    arguments = ["psql", "-X", "-q", "-d", dsn, "-f", "-"]
    done = subprocess.run(arguments, input=commands, capture_output=True, text=True, check=True, timeout=60)
    return re.sub(r"pg_temp_\d+", "pg_temp", done.stdout + done.stderr)


def squeezed(text: str) -> list[str]:
    """Return the lines of an answer, without what follows from the widths of its columns."""
    return [" ".join(line.replace("-", " ").split()) for line in text.splitlines()]


@pytest.mark.parametrize("command", _COMMANDS)
def test_temporary_objects_are_described_as_in_postgresql(postgres: str, gateway: RunningServer, command: str) -> None:
    wanted, found = (
        squeezed(psql(dsn, f"SET client_min_messages = error;\n{_SETUP}\n{command}\n"))
        for dsn in (postgres, re.sub("user=\\w+", "user=postgres", gateway.dsn))
    )
    assert found == wanted


@pytest.mark.parametrize("command", _EVERYWHERE)
def test_every_command_shows_the_same_columns(postgres: str, gateway: RunningServer, command: str) -> None:
    wanted, found = (
        [line for line in psql(dsn, f"CREATE TEMP TABLE mine (a int);\n{command}\n").splitlines() if " | " in line]
        for dsn in (postgres, gateway.dsn)
    )
    assert [" ".join(line.split()) for line in found[:1]] == [" ".join(line.split()) for line in wanted[:1]]


def test_the_inspector_of_sqlalchemy_sees_keys(postgres: str, gateway: RunningServer) -> None:
    wanted, found = (inspected(dsn) for dsn in (postgres, gateway.dsn))
    assert found == wanted


def inspected(dsn: str) -> list[str]:
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        for statement in filter(str.strip, _SETUP.split(";")):
            connection.execute(sa.text(statement))
        names = "SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()"
        schema = str(connection.execute(sa.text(names)).scalar())
        seen = sa.inspect(connection)
        questions = (
            *(seen.get_columns, seen.get_pk_constraint, seen.get_unique_constraints, seen.get_check_constraints),
            seen.get_foreign_keys,
        )
        return [
            str(question(table, schema=schema)).replace(schema, "T")
            for question in questions
            for table in ("par", "chi")
        ]
