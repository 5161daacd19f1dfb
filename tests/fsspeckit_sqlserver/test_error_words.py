"""Words of errors are ASCII: psqlODBC, for one, garbles what follows any other character."""

from __future__ import annotations

import ast
import pathlib

import pytest

from tests.fsspeckit_sqlserver.compared import answers
from tests.fsspeckit_sqlserver.conftest import RunningServer

ROOT = pathlib.Path(__file__).parents[2] / "fsspeckit_sqlserver"
_PARTS = frozenset({"hint", "detail"})
REFUSED = {
    "CREATE TABLE made (a int)": "CREATE TABLE",
    "CREATE TABLE made AS SELECT 1 AS a": "CREATE TABLE AS",
    "SELECT 1 AS a INTO made": "SELECT INTO",
    "CREATE VIEW made AS SELECT 1 AS a": "CREATE VIEW",
    "CREATE MATERIALIZED VIEW made AS SELECT 1 AS a": "CREATE MATERIALIZED VIEW",
    "REFRESH MATERIALIZED VIEW made": "REFRESH MATERIALIZED VIEW",
    "CREATE DATABASE made": "CREATE DATABASE",
    "DROP DATABASE made": "DROP DATABASE",
    "CREATE INDEX ON trips (id)": "CREATE INDEX",
    "CREATE EXTENSION hstore": "CREATE EXTENSION",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'": "CREATE FUNCTION",
    "CREATE TYPE made AS (a int)": "CREATE TYPE",
    "CREATE SCHEMA made": "CREATE SCHEMA",
    "ALTER TABLE trips ADD COLUMN a int": "ALTER TABLE",
    "ALTER TABLE trips RENAME TO journeys": "ALTER TABLE",
    "DROP TABLE trips": "DROP TABLE",
    "DROP SCHEMA public": "DROP SCHEMA",
    "DROP TABLE public.trips": "DROP TABLE",
    "TRUNCATE trips": "TRUNCATE TABLE",
    "TRUNCATE public.trips": "TRUNCATE TABLE",
    "GRANT SELECT ON trips TO tester": "GRANT",
    "REVOKE SELECT ON trips FROM tester": "REVOKE",
    "COMMENT ON TABLE trips IS 'x'": "COMMENT",
    "INSERT INTO trips (id) VALUES (1)": "INSERT",
    "UPDATE trips SET id = 1": "UPDATE",
    "DELETE FROM public.trips": "DELETE",
    "REINDEX TABLE trips": "REINDEX",
}


def _words(path: pathlib.Path) -> list[ast.Constant]:
    found: list[ast.Constant] = []
    for node in ast.walk(ast.parse(path.read_text())):
        places: list[ast.AST] = []
        if isinstance(node, ast.Raise) and node.exc is not None:
            places = [node.exc]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {getattr(target, "attr", getattr(target, "id", "")) for target in targets}
            places = [node.value] if names & _PARTS else []
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
            places = [node.value]
        for place in places:
            found += [
                part for part in ast.walk(place) if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
    return found


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_errors_are_written_in_ascii(path: pathlib.Path) -> None:
    assert [part.value for part in _words(path) if not str(part.value).isascii()] == []


def test_what_would_change_a_dataset_is_named_by_its_command_tag(gateway: RunningServer) -> None:
    for sql, tag in REFUSED.items():
        ((_, code, words, *_),) = answers(gateway.dsn, [sql])
        assert (code, str(words)[2:].startswith(f"cannot execute {tag}")) == (b"25006", True), (sql, words)
        assert isinstance(words, bytes)
        assert words.isascii()


def test_a_transaction_that_only_reads_says_so(postgres: str, gateway: RunningServer) -> None:
    script = ["BEGIN READ ONLY", "CREATE TABLE made (a int)", "ROLLBACK"]
    assert answers(gateway.dsn, script) == answers(postgres, script)
