from __future__ import annotations

import threading

import postgast
import pytest
from google.protobuf.message import DecodeError

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


@pytest.mark.parametrize(
    "deep",
    [
        "SELECT " + " + ".join(["1"] * 3_000),
        " UNION ALL ".join(["SELECT 1 AS first, 'a text' AS second, 2.5 AS third FROM somewhere"] * 500),
    ],
)
def test_what_is_long_and_not_too_deep_is_decoded(deep: str) -> None:
    assert len(deep) > 8_000
    assert len(parse_tree(deep).stmts) == 1


_COUNTS = [4_100, 30_000, 100_000]


@pytest.mark.parametrize("count", _COUNTS)
@pytest.mark.parametrize(
    ("before", "between", "after"),
    [
        ("SELECT 1", "+1", ""),
        ("SELECT 1", " + 1", ""),
        ("SELECT 1", "||1", ""),
        ("SELECT 1", "::a", ""),
        ("SELECT a", "->'b'", ""),
        ("SELECT a", " IS NULL", ""),
        ("SELECT a", ' COLLATE "C"', ""),
        ("SELECT a", " AT TIME ZONE b", ""),
        ("SELECT 1", " UNION SELECT 1", ""),
        ("SELECT 1 FROM a", " JOIN a ON b", ""),
        ("SELECT ", "- ", "a"),
        ("SELECT ", "NOT ", "a"),
        ("SELECT ", "f(", "1"),
        ("SELECT ", "(", "1"),
        ("SELECT ", "CASE WHEN a THEN ", "1"),
        ("SELECT * FROM ", "(SELECT * FROM ", "t"),
        ("SELECT ", "ARRAY[", "1"),
        ("SELECT ", "(1, ", "1"),
    ],
)
def test_a_thread_survives_what_is_too_deep(before: str, between: str, after: str, count: int) -> None:
    closing = {"f(": ")", "(": ")", "CASE WHEN a THEN ": " END", "ARRAY[": "]", "(1, ": ")", "(SELECT * FROM ": ") a"}
    text = before + between * count + after + closing.get(between, "") * count
    found: list[BaseException] = []

    def parse() -> None:
        try:
            parse_tree(text)
        except (StatementTooComplex, postgast.PgQueryError) as error:
            found.append(error)

    worker = threading.Thread(target=parse)
    worker.start()
    worker.join()
    assert found or count == 4_100 or between == "("  # parentheses are not kept
    assert "\n" not in "".join(map(str, found))


def test_the_switch_is_off_again() -> None:
    with pytest.raises(StatementTooComplex):
        parse_tree("SELECT " + "+".join(["100"] * 5_000))
    with pytest.raises(DecodeError):
        postgast.parse("SELECT " + "+".join(["1"] * 200))


@pytest.mark.parametrize(
    "flat",
    [
        ", ".join(["-1 + 2"] * 20_000),
        " OR ".join(["a = 1"] * 20_000),
        ", ".join(["date '2024-01-01'"] * 20_000),
        ", ".join(["f(a - 1, b -> 'c') + (2 * 3)"] * 5_000),
    ],
)
def test_many_short_chains_are_fine(flat: str) -> None:
    assert len(parse_tree(f"SELECT {flat} FROM t").stmts) == 1


def test_a_quote_hides_no_chain() -> None:
    chain = "+1" * 30_000
    for hidden in (
        f"E'\\'' {chain} || '",
        f"$a$'$a$ {chain} || '",
        f"1 /* ' */ {chain} || '",
        f"1 -- '\n {chain} || '",
    ):
        with pytest.raises(StatementTooComplex):
            parse_tree(f"SELECT {hidden}'")


def test_what_is_long_and_flat_is_fine() -> None:
    listed = ", ".join(str(number) for number in range(50_000))
    assert len(parse_tree(f"SELECT 1 WHERE a IN ({listed})").stmts) == 1


def test_errors_are_the_parsers_own() -> None:
    with pytest.raises(postgast.PgQueryError, match="syntax error"):
        parse_tree("SELEC 1")
