"""What gives the same again, by DuckDB's word, through macros and views."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from fsspeckit_sqlserver.catalog import Catalog
from fsspeckit_sqlserver.engine.stability import Stability, is_time_word, learn_stability, reads_clock
from fsspeckit_sqlserver.statement import parse_statements


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        Catalog().install(connection)
        yield connection


@pytest.fixture(scope="module")
def stability(database: duckdb.DuckDBPyConnection) -> Stability:
    return learn_stability(database)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT current_date",
        "SELECT 1 WHERE '2024-01-01' < CURRENT_TIMESTAMP(3)",
        "SELECT localtime",
        "SELECT 'today'::date",
        "SELECT '{yesterday,2020-01-01}'::date[]",
    ],
)
def test_the_time_of_the_day_in_the_clients_words(sql: str) -> None:
    (statement,) = parse_statements(sql)
    assert reads_clock(statement.node)
    assert is_time_word(" Now ")
    assert not is_time_word("nowhere")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT now()",
        "SELECT age(timestamp '2020-01-01')",
        "SELECT ago(interval '1 day')",  # a macro of DuckDB's over current_timestamp
        "SELECT pg_sleep(1)",  # a macro over sleep_ms
        "SELECT 1 FROM t ORDER BY random()",
        "SELECT gw_pg.current_setting('a')",  # a macro over a view over a table of the session's state
        "SELECT * FROM gw_pg.pg_stat_activity",  # a view over now()
        "SELECT * FROM gw_pg.pg_stat_get_activity(1)",
        "SELECT * FROM gw_pg.pg_settings",
        "SELECT a FROM gw_pg.no_such_table",
        "SELECT no_such_function(1)",
        "SELECT getvariable('gw_user')",  # in a client's own words
        'SELECT "current_date"',
        "SELECT * FROM gw_scan.t0 TABLESAMPLE system (10)",
    ],
)
def test_what_another_moment_or_session_answers_otherwise_is_not_repeatable(stability: Stability, sql: str) -> None:
    (statement,) = parse_statements(sql)
    assert not stability.is_repeatable(statement.node)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT upper(a) || b, sum(c) OVER (), age(timestamp '2020-01-01', timestamp '2021-01-01') FROM gw_scan.t0",
        "WITH q AS (SELECT 1 AS x) SELECT max(x), json_group_object(x, x) FROM q",
        "SELECT gw_pg.pg_table_is_visible(c.oid), gw_pg.regclass_text(c.oid) FROM gw_pg.pg_class c",
        "SELECT gw_pg.format_type(a.atttypid, -1) FROM gw_pg.pg_attribute a",
        "SELECT * FROM gw_info.columns JOIN gw_info.tables USING (table_name)",
        "SELECT * FROM generate_series(1, 3), unnest(ARRAY[1])",
    ],
)
def test_what_follows_from_what_is_read_is_repeatable(stability: Stability, sql: str) -> None:
    (statement,) = parse_statements(sql)
    assert stability.is_repeatable(statement.node)


def test_every_function_of_the_catalog_is_known(stability: Stability) -> None:
    """A macro that cannot be read would silently be asked again each time."""
    catalog = Catalog()
    unstable = {name for name in (*catalog.macros, *catalog.table_macros) if ("gw_pg", name) not in stability.functions}
    assert unstable == {
        "current_setting",
        "pg_lock_status",
        "pg_show_all_settings",
        "pg_stat_get_activity",
        "txid_current",
    }


def test_duckdb_tells_the_truth_about_functions_without_arguments(
    database: duckdb.DuckDBPyConnection, stability: Stability
) -> None:
    names = database.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability = 'CONSISTENT'"
        " AND function_type = 'scalar' AND len(parameters) = 0 AND regexp_full_match(function_name, '[a-z_]+')"
    ).fetchall()
    asked = 0
    for (name,) in names:
        if ("", name) not in stability.functions:
            continue
        try:
            first = database.execute(f"SELECT {name}()").fetchall()
        except duckdb.Error:
            continue  # it wants arguments after all
        asked += 1
        assert database.execute(f"SELECT {name}()").fetchall() == first, name
    assert asked > 10


def test_every_operator_of_duckdb_is_consistent(database: duckdb.DuckDBPyConnection) -> None:
    """Operators are not looked up."""
    assert database.execute(
        "SELECT count(*) FROM duckdb_functions()"
        " WHERE regexp_full_match(function_name, '[^a-zA-Z_ ]+') AND stability <> 'CONSISTENT'"
    ).fetchall() == [(0,)]
