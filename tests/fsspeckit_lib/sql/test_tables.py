from __future__ import annotations

import pytest

from fsspeckit_lib.errors import BadInput
from fsspeckit_lib.sql import table_names


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 1", []),
        ("SELECT * FROM a JOIN s.b USING (x), c", ["a", "s.b", "c"]),
        ("WITH q AS (SELECT * FROM a) SELECT * FROM q JOIN b ON true", ["a", "b"]),
        ("WITH q AS (SELECT * FROM q) SELECT * FROM q", ["q"]),  # not recursive: the inner q is a table
        ("WITH RECURSIVE q AS (SELECT 1 UNION SELECT * FROM q) SELECT * FROM q", []),
        ("SELECT (SELECT max(x) FROM a) FROM b WHERE EXISTS (SELECT 1 FROM c)", ["a", "b", "c"]),
        ("INSERT INTO a SELECT * FROM b; DELETE FROM c", ["a", "b", "c"]),
        ('SELECT * FROM "Mixed"."Case"', ["Mixed.Case"]),
        ("SELECT 'FROM x' -- FROM y", []),
        ("SELECT * FROM f(1), a, a", ["a"]),
    ],
)
def test_table_names(sql: str, names: list[str]) -> None:
    assert table_names(sql) == names


def test_what_is_no_sql() -> None:
    with pytest.raises(BadInput, match="syntax error"):
        table_names("SELEC 1")
