"""pg_settings, current_setting and set_config: the session's values, as PostgreSQL shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer

_NAMES = "('DateStyle', 'statement_timeout', 'work_mem', 'search_path', 'enable_sort', 'my.own', 'bytea_output')"
_LOOK = f"SELECT name, setting, unit, source, reset_val, vartype FROM pg_settings WHERE name IN {_NAMES} ORDER BY 1"
_SCRIPT = (
    _LOOK,
    "SET statement_timeout = '90s'",
    "SET DateStyle = 'German'",
    "SET work_mem = '16MB'",
    "SET search_path = public, pg_temp",
    "SET my.own = 'some ''text'''",
    _LOOK,
    "SELECT set_config('enable_sort', 'off', false)",
    "SELECT set_config('bytea_output', 'escape', true)",
    "SELECT s.setting FROM pg_catalog.pg_settings AS s WHERE s.name = 'bytea_output'",
    "SELECT current_setting('my.own'), current_setting('my.none', true), current_setting('work_mem')",
    "SELECT current_setting(lower(x)) FROM (VALUES ('WORK_MEM'), ('My.Own')) AS v(x)",
    "SELECT bool_and(current_setting(name) IS NOT NULL) FROM pg_settings WHERE name IN ('work_mem', 'my.own')",
    "BEGIN",
    "SELECT set_config('bytea_output', 'escape', true)",
    "SELECT setting, source FROM pg_settings WHERE name = 'bytea_output'",
    "ROLLBACK",
    _LOOK,
    "SELECT current_setting('no_such_setting')",
    "SELECT set_config('no_such_setting', 'x', false)",
    "SELECT set_config('DateStyle', 'nonsense', true)",
    "RESET work_mem",
    "SELECT setting, source FROM pg_settings WHERE name = 'work_mem'",
    "RESET ALL",
    "SELECT name, setting FROM pg_settings WHERE name IN ('DateStyle', 'statement_timeout', 'work_mem') ORDER BY name",
)


@pytest.fixture
def pair(postgres: str, gateway: RunningServer) -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    with psycopg.connect(postgres, autocommit=True) as theirs, psycopg.connect(gateway.dsn, autocommit=True) as ours:
        for connection in (theirs, ours):
            connection.execute("SET DateStyle = 'ISO, MDY'")
        yield theirs, ours


def _answer(connection: psycopg.Connection[Any], statement: str) -> object:
    try:
        cursor = connection.execute(statement)
    except psycopg.Error as error:
        return error.sqlstate, str(error).splitlines()[0]
    return cursor.fetchall() if cursor.description else cursor.statusmessage


def test_a_session_s_values(pair: tuple[psycopg.Connection[Any], psycopg.Connection[Any]]) -> None:
    theirs, ours = pair
    for statement in _SCRIPT:
        assert _answer(ours, statement) == _answer(theirs, statement), statement


def test_what_the_startup_message_asked_for(gateway: RunningServer, postgres: str) -> None:
    question = (
        "SELECT setting, source, reset_val FROM pg_settings WHERE name IN ('statement_timeout', 'application_name')"
        " ORDER BY name"
    )
    options = {"options": "-c statement_timeout=30s", "application_name": "tool"}
    with psycopg.connect(gateway.dsn, **options) as ours, psycopg.connect(postgres, **options) as theirs:  # type: ignore[arg-type]
        assert ours.execute(question).fetchall() == theirs.execute(question).fetchall()
