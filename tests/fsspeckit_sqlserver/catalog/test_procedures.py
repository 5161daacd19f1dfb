"""The functions that pg_proc lists, as psql, JDBC and drivers ask for them, compared with PostgreSQL."""

from __future__ import annotations

import pytest

from tests.fsspeckit_sqlserver.compared import answers
from tests.fsspeckit_sqlserver.conftest import RunningServer

DESCRIBED = """SELECT n.nspname AS "Schema", p.proname AS "Name",
  pg_catalog.pg_get_function_result(p.oid) AS "Result data type",
  pg_catalog.pg_get_function_arguments(p.oid) AS "Argument data types",
  CASE p.prokind WHEN 'a' THEN 'agg' WHEN 'w' THEN 'window' WHEN 'p' THEN 'proc' ELSE 'func' END AS "Type"
FROM pg_catalog.pg_proc p LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname OPERATOR(pg_catalog.~) '^(abs)$' COLLATE pg_catalog.default
  AND pg_catalog.pg_function_is_visible(p.oid) ORDER BY 1, 2, 4"""
NAMED = "abs lower upper round count sum length substring now coalesce generate_series string_agg to_char row_number"
COLUMNS = "oid, proname, prokind, provolatile, proisstrict, proretset, pronargs, provariadic, prorettype"


@pytest.mark.parametrize("name", NAMED.split())
def test_functions_have_the_signatures_of_postgresql(postgres: str, gateway: RunningServer, name: str) -> None:
    columns = f"{COLUMNS}, array_to_string(proallargtypes, ' '), array_to_string(proargnames, ',')"
    script = [f"SELECT {columns} FROM pg_proc WHERE proname = '{name}' ORDER BY oid"]
    ((*_, theirs, _),), ((*_, ours, _),) = answers(postgres, script), answers(gateway.dsn, script)
    assert ours == theirs


def test_psql_describes_functions(postgres: str, gateway: RunningServer) -> None:
    ours, theirs = answers(gateway.dsn, [DESCRIBED]), answers(postgres, [DESCRIBED])
    assert ours[0][3] == theirs[0][3]
