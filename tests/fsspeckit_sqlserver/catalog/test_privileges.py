"""has_table_privilege with what there is and what there is not, as PostgreSQL answers."""

from __future__ import annotations

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer


@pytest.mark.parametrize(
    "expression",
    [
        "has_table_privilege('mine', 'select')",
        "has_table_privilege('mine', 'SELECT, nonsense')",
        "has_table_privilege('mine'::regclass::oid, 'Select')",
        "has_table_privilege(current_user, 'mine', 'SELECT WITH GRANT OPTION, select')",
        "has_table_privilege('nothing', 'select')",
        "has_table_privilege('mine', 'nonsense')",
        "has_table_privilege(NULL::text, 'select')",
        "has_any_column_privilege('nothing', 'select')",
    ],
)
def test_answered_as_postgresql_answers(gateway: RunningServer, postgres: str, expression: str) -> None:
    answers = []
    for dsn in (gateway.dsn, postgres):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE TEMP TABLE mine (a int)")
            try:
                answers.append(connection.execute(f"SELECT {expression}").fetchone())
            except psycopg.Error as error:
                answers.append((error.sqlstate, str(error).splitlines()[0]))
    assert answers[0] == answers[1]
