from __future__ import annotations

import threading

import postgast
import pytest

from fsspeckit_lib.sql import StatementTooComplex, parse_tree


@pytest.mark.parametrize(
    "deep",
    [
        "SELECT " + "+".join(["1"] * 3000),
        "SELECT " + "- " * 3000 + "1",
        "SELECT 1" + "::a" * 2000,
        "SELECT " + "(SELECT " * 800 + "1" + ")" * 800,
        "SELECT " + "CASE WHEN a THEN 1 ELSE " * 200 + "1" + " END" * 200,
        "SELECT " + "f(" * 2000 + "1" + ")" * 2000,
        "SELECT * FROM " + "(SELECT * FROM " * 300 + "t" + ") a" * 300,
        " UNION ".join(["SELECT 1"] * 500),
        "SELECT a" + "->'b'" * 1500,
    ],
)
def test_deep_trees_are_decoded_in_a_thread(deep: str) -> None:
    found: list[object] = []
    worker = threading.Thread(target=lambda: found.append(postgast.deparse(parse_tree(deep))))
    worker.start()
    worker.join()
    assert found


def test_what_is_deep_and_long_is_refused() -> None:
    with pytest.raises(StatementTooComplex) as caught:
        parse_tree("SELECT " + "+".join(["1"] * 20_000))
    assert "\n" not in str(caught.value)
    with pytest.raises(StatementTooComplex):  # the switch is off again
        parse_tree("SELECT " + "+".join(["100"] * 4_000))


def test_what_is_long_and_flat_is_fine() -> None:
    listed = ", ".join(str(number) for number in range(50_000))
    assert len(parse_tree(f"SELECT 1 WHERE a IN ({listed})").stmts) == 1


def test_errors_are_the_parsers_own() -> None:
    with pytest.raises(postgast.PgQueryError, match="syntax error"):
        parse_tree("SELEC 1")
