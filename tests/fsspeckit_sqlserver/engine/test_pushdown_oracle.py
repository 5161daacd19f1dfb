"""Conditions are pushed to a dataset only where that cannot change the answer: random queries, DuckDB as the oracle.

The oracle runs the same text over views of all files, without resolving, pruning or rewriting anything.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsspeckit_lib.errors import GatewayError
from tests.fsspeckit_sqlserver.engine.lakes import Client, engine_over, write_parquet

_TABLES = ("a", "b", "c")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, duckdb.DuckDBPyConnection]]:
    folder = tmp_path_factory.mktemp("pushdown")
    oracle = duckdb.connect()
    oracle.execute("SET default_null_order = 'nulls_last_on_asc_first_on_desc'")
    for number, table in enumerate(_TABLES):
        for file in range(4):
            write_parquet(
                f"SELECT CASE WHEN range = 3 THEN NULL ELSE {file * 3 + number} + range % 4 END AS k, "
                f"({file} * 10 + range)::INTEGER AS v, 'w' || ({file} + range % 2) AS w{number} FROM range(6)",
                folder / table / f"part={file}" / "x.parquet",
            )
        oracle.execute(
            f"CREATE VIEW {table} AS "
            f"SELECT * FROM read_parquet('{folder}/{table}/*/*.parquet', hive_partitioning = true)"
        )
    with engine_over({table: folder / table for table in _TABLES}, folder / "cache", ttl_s=600) as engine:
        session = engine.open_session("u", "d")
        yield Client(session), oracle
        session.close()
    oracle.close()


@st.composite
def _conditions(draw: st.DrawFn, aliases: tuple[str, ...]) -> str:
    def leaf() -> str:
        alias = draw(st.sampled_from(aliases))
        column = draw(st.sampled_from(["k", "v", "part"]))
        number = draw(st.integers(-1, 14 if column == "k" else 45 if column == "v" else 4))
        other = draw(st.sampled_from(aliases))
        return draw(
            st.sampled_from(
                [
                    f"{alias}.{column} = {number}",
                    f"{alias}.{column} < {number}",
                    f"{alias}.{column} >= {number}",
                    f"{alias}.{column} IS NULL",
                    f"{alias}.{column} IS NOT NULL",
                    f"{alias}.{column} IN ({number}, {number + 2})",
                    f"coalesce({alias}.{column}, 0) = {number}",
                    f"{alias}.k = {other}.k",
                    f"{alias}.{column} IS DISTINCT FROM {number}",
                    f"NOT ({alias}.{column} <= {number})",
                    f"EXISTS (SELECT 1 FROM c z WHERE z.k = {alias}.k AND z.part = {number % 4})",
                ]
            )
        )

    parts = [leaf() for _ in range(draw(st.integers(1, 3)))]
    joined = f" {draw(st.sampled_from(['AND', 'OR', 'AND']))} ".join(parts)
    return f"NOT ({joined})" if draw(st.integers(0, 5)) == 0 else joined


@st.composite
def _sources(draw: st.DrawFn, alias: str) -> str:
    table = draw(st.sampled_from(_TABLES))
    kind = draw(st.integers(0, 7))
    if kind == 0:
        inner = draw(_conditions(("q",)))
        return f"(SELECT * FROM {table} q WHERE {inner}) AS {alias}"
    if kind == 1:
        return f"(SELECT k, v AS v, part FROM {table}) AS {alias}"
    if kind == 2:
        return f"(SELECT k, max(v) AS v, part FROM {table} GROUP BY k, part) AS {alias}"
    if kind == 3:
        return f"(SELECT v AS k, k AS v, part FROM {table}) AS {alias}"
    if kind == 4:
        return f"(SELECT k, v, part FROM {table} WHERE part < 2 UNION ALL SELECT k, v, part FROM a) AS {alias}"
    if kind == 5:
        return f"(SELECT l.k, r.v, l.part FROM {table} l LEFT JOIN b r ON l.k = r.k AND r.part = 1) AS {alias}"
    return f"{table} AS {alias}"


@st.composite
def _queries(draw: st.DrawFn) -> str:
    joins = draw(st.integers(0, 2))
    aliases = tuple(f"t{number}" for number in range(joins + 1))
    text = draw(_sources(aliases[0]))
    for number in range(1, joins + 1):
        kind = draw(st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]))
        on = draw(_conditions(aliases[: number + 1])).replace("EXISTS", "EXISTS")
        link = f"{aliases[number - 1]}.k = {aliases[number]}.k"
        extra = "" if "EXISTS" in on or " OR " in on or draw(st.booleans()) else f" AND {on}"
        text += f" {kind} {draw(_sources(aliases[number]))} ON {link}{extra}"
    where = f" WHERE {draw(_conditions(aliases))}" if draw(st.integers(0, 4)) else ""
    outputs = ", ".join(f"{alias}.k AS k{alias}, {alias}.v AS v{alias}, {alias}.part AS p{alias}" for alias in aliases)
    if draw(st.booleans()):
        return f"SELECT {outputs} FROM {text}{where}"
    outer = draw(_conditions(("q",))).replace("q.k", "q.kt0").replace("q.v", "q.vt0").replace("q.part", "q.pt0")
    if "EXISTS" in outer:
        outer = "q.kt0 > 2"
    if draw(st.booleans()):
        return f"WITH q AS (SELECT {outputs} FROM {text}{where}) SELECT * FROM q WHERE {outer}"
    return f"SELECT * FROM (SELECT {outputs} FROM {text}{where}) AS q WHERE {outer}"


def _sorted(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return sorted(rows, key=lambda row: [(value is None, str(value)) for value in row])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(sql=_queries())
def test_pruned_answer_equals_unpruned_answer(both: tuple[Client, duckdb.DuckDBPyConnection], sql: str) -> None:
    client, oracle = both
    try:
        expected = oracle.execute(sql).fetchall()
    except duckdb.Error:
        with pytest.raises(GatewayError):
            client.rows(sql)
        return
    assert _sorted(client.rows(sql)) == _sorted(expected), sql


@pytest.mark.parametrize(
    ("sql", "files"),
    [
        ("SELECT count(*) FROM a WHERE part = 1", 1),
        ("SELECT count(*) FROM a x WHERE x.part = 1 AND v < 20", 1),
        ("SELECT count(*) FROM a JOIN b ON a.k = b.k WHERE a.part = 1 AND b.part IN (0, 3)", 3),
        ("SELECT count(*) FROM a JOIN b ON a.k = b.k AND b.part = 2", 5),
        ("SELECT count(*) FROM a LEFT JOIN b ON a.k = b.k AND b.part = 2", 5),
        ("SELECT count(*) FROM a LEFT JOIN b ON a.k = b.k AND a.part = 2", 8),
        ("SELECT count(*) FROM a LEFT JOIN b ON a.k = b.k WHERE b.part = 2", 5),
        ("SELECT count(*) FROM a LEFT JOIN b ON a.k = b.k WHERE b.part IS NULL", 8),
        ("SELECT count(*) FROM a RIGHT JOIN b ON a.k = b.k AND a.part = 0", 5),
        ("SELECT count(*) FROM a FULL JOIN b ON a.k = b.k AND a.part = 0", 8),
        ("SELECT * FROM (SELECT * FROM a) AS s WHERE s.part = 3", 1),
        ("SELECT * FROM (SELECT part AS p, v FROM a) AS s WHERE p = 3", 1),
        ("SELECT * FROM (SELECT part, count(*) AS n FROM a GROUP BY part) AS s WHERE part = 3", 4),
        ("SELECT * FROM (SELECT * FROM a LIMIT 5) AS s WHERE part = 3", 1),  # the limit is met by the first file
        ("WITH s AS (SELECT * FROM a) SELECT * FROM s WHERE part = 3", 1),
        ("WITH s AS (SELECT * FROM a) SELECT * FROM s x JOIN s y ON x.k = y.k WHERE x.part = 3", 4),
        ("WITH s AS (SELECT * FROM a WHERE part = 2) SELECT (SELECT count(*) FROM s), (SELECT max(k) FROM s)", 1),
        ("SELECT count(*) FROM a WHERE part = (SELECT 1)", 4),
        ("SELECT count(*) FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.k AND b.part = 1)", 5),
        ("SELECT * FROM a WHERE part = 1 UNION ALL SELECT * FROM a WHERE part = 2", 2),
        ("SELECT count(*) FROM a, b WHERE part = 1", 8),
        ("SELECT * FROM a LIMIT 7", 2),
        ("SELECT * FROM a LIMIT 7 OFFSET 11", 3),
        ("SELECT * FROM a ORDER BY v LIMIT 1", 4),
        ("SELECT max(v) FROM a LIMIT 1", 4),
        ("SELECT count(*) FROM a WHERE part = 9", 0),
    ],
)
def test_which_files_are_read(both: tuple[Client, duckdb.DuckDBPyConnection], sql: str, files: int) -> None:
    client, _ = both
    assert client.files_read(sql.replace("FROM a, b WHERE part = 1", "FROM a, b WHERE a.k = b.k")) == files


@pytest.mark.parametrize(
    ("sql", "parameters", "files"),
    [
        ("SELECT count(*) FROM a WHERE part = 1 + 1", (), 1),
        ("SELECT count(*) FROM a WHERE part = $1 - 1", (1,), 1),
        ("SELECT count(*) FROM a WHERE part >= extract(year FROM date '0003-05-01')", (), 1),
        ("SELECT count(*) FROM a WHERE part < greatest(1, 2)", (), 2),
        ("SELECT count(*) FROM a WHERE part <= extract(year FROM now())", (), 4),
        ("SELECT count(*) FROM a WHERE part > extract(year FROM current_date)", (), 0),
        ("SELECT count(*) FROM a WHERE part = floor(random() * 4)", (), 4),
        ("SELECT count(*) FROM a WHERE part = (SELECT 1)", (), 4),
        ("SELECT count(*) FROM a WHERE part = 1 / 0", (), 4),
    ],
)
def test_constant_expressions_are_evaluated(
    both: tuple[Client, duckdb.DuckDBPyConnection], sql: str, parameters: tuple[object, ...], files: int
) -> None:
    client, _ = both
    assert client.files_read(sql, *parameters) == files


def test_now_stands_still_in_a_transaction(both: tuple[Client, duckdb.DuckDBPyConnection]) -> None:
    client, _ = both
    client.session.begin(0)
    first = client.rows("SELECT now()::text, current_timestamp::text, localtimestamp IS NOT NULL, current_date::text")
    second = client.rows("SELECT now()::text, current_timestamp::text, localtimestamp IS NOT NULL, current_date::text")
    client.session.commit()
    assert first == second
    assert first[0][0] == first[0][1]
    assert client.value("SELECT now()::text") != first[0][0]
    assert client.names("SELECT now(), current_date, localtime") == ["now", "current_date", "localtime"]
