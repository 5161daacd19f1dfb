"""The same statements to PostgreSQL and to us: equal rows, types, names, tags and SQLSTATEs, but for a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.fsspeckit_sqlserver.conftest import RunningServer
from tests.fsspeckit_sqlserver.differential import values, written
from tests.fsspeckit_sqlserver.differential.differences import DIFFERENCES, Difference, render
from tests.fsspeckit_sqlserver.differential.running import Answer, Connection, extended, simple

FAMILIES: dict[str, list[list[str]]] = {
    "types, casts and operators": [[statement] for statement in values.GENERATED],
    "functions": [[statement] for statement in written.EXPRESSIONS],
    "queries": [[statement] for statement in written.QUERIES],
    "texts and patterns": [[statement] for statement in written.TEXTS],
    "documents": [[statement] for statement in written.DOCUMENTS],
    "random expressions": [[statement] for statement in written.RANDOM],
    "reports": [[statement] for statement in written.REPORTS],
    "errors": [[statement] for statement in written.ERRORS],
    "sessions": written.SCRIPTS,
    "zones": written.ZONED,
}
DOCUMENTATION = Path(__file__).parents[3] / "docs" / "postgresql-differences.md"

found_differences: set[int] = set()


@pytest.fixture(scope="module")
def pair(postgres: str, gateway: RunningServer) -> Iterator[tuple[Connection, Connection]]:
    theirs, ours = psycopg.connect(postgres, autocommit=True), psycopg.connect(gateway.dsn, autocommit=True)
    for connection in (theirs, ours):
        connection.add_notice_handler(lambda _: None)
        for statement in written.SETUP:
            answer = simple(connection, statement)
            assert not answer.sqlstate, answer
    yield theirs, ours
    theirs.close()
    ours.close()


def covering(statement: str) -> Difference | None:
    for place, entry in enumerate(DIFFERENCES):
        if entry.compiled.search(statement):
            found_differences.add(place)
            return entry
    return None


def test_there_are_a_thousand() -> None:
    assert sum(len(script) for scripts in FAMILIES.values() for script in scripts) >= 1000


@pytest.mark.parametrize("run", [simple, extended], ids=["simple", "extended"])
@pytest.mark.parametrize("family", FAMILIES)
def test_answers_are_the_same(
    pair: tuple[Connection, Connection], family: str, run: Callable[[Connection, str], Answer]
) -> None:
    theirs, ours = pair
    unexpected = []
    for script in FAMILIES[family]:
        for place, statement in enumerate(script):
            wanted, answer = run(theirs, statement), run(ours, statement)
            difference = answer.difference(wanted)
            whole = " ; ".join(script[: place + 1])
            if difference and covering(whole) is None:
                unexpected.append(f"{difference}: {whole}\n   ours: {answer.shown}\n theirs: {wanted.shown}")
        if len(script) > 1:
            for connection in pair:
                for statement in ("ROLLBACK", "DEALLOCATE ALL", "CLOSE ALL"):
                    simple(connection, statement)
    assert not unexpected, f"{len(unexpected)} differences:\n" + "\n".join(unexpected[:40])


def test_every_difference_on_the_list_is_one() -> None:
    if not found_differences:
        pytest.skip("runs with the comparisons")
    stale = [entry.what for place, entry in enumerate(DIFFERENCES) if place not in found_differences]
    assert not stale


def test_the_documentation_shows_the_list() -> None:
    assert DOCUMENTATION.read_text(encoding="utf-8") == render()
