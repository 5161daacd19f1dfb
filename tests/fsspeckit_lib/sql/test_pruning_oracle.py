"""Pruning never drops a file that holds a matching row: random predicates, DuckDB itself as the oracle.

The oracle shares nothing with the code under test: DuckDB evaluates the predicate's text over every file and says which
files have rows that satisfy it.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import postgast
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.datasets import Dataset, Manifest
from fsspeckit_lib.sql import bind, parse_where

_FILES = 14
_ROWS = 40
_ZONE = "America/New_York"


@dataclass(frozen=True)
class Lake:
    manifest: Manifest
    folder: Path
    oracle: duckdb.DuckDBPyConnection
    columns: frozenset[str]


def _column_values(rng: random.Random, file: int) -> dict[str, list[object]]:
    """Values that cluster by file, with NULLs, NaN, infinities, equal values and empty strings among them."""
    base = file * 10
    day = dt.date(2024, 1, 1) + dt.timedelta(days=file)
    moment = dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=7 * file)
    letters = "abcdefghijklmn"[file]

    def nullable(value: object, share: float = 0.1) -> object:
        return None if rng.random() < share else value

    rows: dict[str, list[object]] = {
        name: [] for name in ["i", "big", "f", "f32", "dec", "d", "ts", "tz", "s", "b", "tm", "c"]
    }
    for _ in range(_ROWS):
        rows["i"].append(nullable(base + rng.randrange(10), 1.0 if file == 3 else 0.1))
        rows["big"].append(nullable(2**53 + file * 2 + rng.randrange(3)))
        special = rng.choice([math.nan, math.inf, -math.inf]) if file % 4 == 0 and rng.random() < 0.1 else None
        rows["f"].append(nullable(special if special is not None else base + rng.random() * 3))
        rows["f32"].append(nullable(special if special is not None else 0.1 * file + rng.randrange(2)))
        rows["dec"].append(nullable(Decimal(file * 100 + rng.randrange(100)) / 100))
        rows["d"].append(nullable(day + dt.timedelta(days=rng.randrange(2))))
        naive = moment.replace(tzinfo=None) + dt.timedelta(seconds=rng.randrange(36_000), microseconds=rng.randrange(3))
        rows["ts"].append(nullable(naive))
        rows["tz"].append(nullable(moment + dt.timedelta(seconds=rng.randrange(36_000))))
        rows["s"].append(nullable(rng.choice(["", letters, letters + "z", letters * 3, letters + "ü", letters + "%x"])))
        rows["b"].append(nullable(file % 3 == 0 if file % 2 else rng.random() < 0.5))
        rows["tm"].append(nullable(dt.time(file, rng.randrange(60))))
        rows["c"].append(7 if file != 5 else None)
    return rows


_TYPES = {
    "i": pa.int32(),
    "big": pa.int64(),
    "f": pa.float64(),
    "f32": pa.float32(),
    "dec": pa.decimal128(9, 2),
    "d": pa.date32(),
    "ts": pa.timestamp("us"),
    "tz": pa.timestamp("us", "UTC"),
    "s": pa.string(),
    "b": pa.bool_(),
    "tm": pa.time64("us"),
    "c": pa.int64(),
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("lake")
    rng = random.Random(7)
    for file in range(_FILES):
        values = _column_values(rng, file)
        if file == 9:
            values["i"], values["s"] = [None] * _ROWS, [None] * _ROWS
        table = pa.table({name: pa.array(values[name], kind) for name, kind in _TYPES.items()})
        part = "__HIVE_DEFAULT_PARTITION__" if file == 6 else str(file // 2)
        target = folder / f"p={part}" / f"{file}.parquet"
        target.parent.mkdir(exist_ok=True)
        without = [] if file % 5 else ["dec", "tz"]  # some columns have no statistics
        pq.write_table(
            table,
            target,
            row_group_size=15,
            write_statistics=[name for name in _TYPES if name not in without],
            store_schema=bool(file % 2),
        )
    cache = Cache(CacheConfig(str(tmp_path_factory.mktemp("cache"))))
    store = open_store(str(folder))
    with ThreadPoolExecutor(4) as pool:
        manifest = Dataset("lake", store, cache.bind(store), pool).manifest()
    oracle = duckdb.connect()
    oracle.execute("SET integer_division = true")
    oracle.execute(
        f"CREATE TABLE t AS SELECT * EXCLUDE (filename), parse_filename(filename) AS file "
        f"FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true, filename = true)"
    )
    yield Lake(manifest, folder, oracle, frozenset([*_TYPES, "p"]))
    oracle.close()
    cache.close()


_NUMBERS = st.one_of(
    st.integers(-5, 150).map(str),
    st.integers(2**53 - 2, 2**53 + 40).map(str),
    st.decimals(-1, 20, places=2).map(str),
    st.floats(-2, 150).map(lambda value: f"{value:.4e}"),
    st.sampled_from(["0.1", "1.3", "0.1::float4", "1e0", "'5'", "'12'", "9223372036854775807", "'1.005'", "2.675"]),
)
_DATES = st.dates(dt.date(2023, 12, 28), dt.date(2024, 1, 18)).flatmap(
    lambda day: st.sampled_from([f"'{day}'", f"DATE '{day}'", f"'{day}'::date", f"TIMESTAMP '{day} 07:00:00'"])
)
_MOMENTS = st.datetimes(dt.datetime.fromisoformat("2023-12-30"), dt.datetime.fromisoformat("2024-01-08")).flatmap(
    lambda moment: st.sampled_from(
        [
            f"'{moment:%Y-%m-%d %H:%M:%S}'",
            f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}'",
            f"'{moment:%Y-%m-%d}'",
            f"DATE '{moment:%Y-%m-%d}'",
            f"TIMESTAMPTZ '{moment:%Y-%m-%d %H:%M:%S}+00'",
            f"'{moment:%Y-%m-%d %H:%M:%S}+02'::timestamptz",
            f"'{moment:%Y-%m-%dT%H:%M:%S}Z'",
        ]
    )
)
_TEXTS = st.one_of(
    st.sampled_from(["''", "'a'", "'cz'", "'ddd'", "'eü'", "'n%x'", "'zzz'", "'f'::text"]),
    st.text("abcdefz%ü", max_size=3).map(lambda text: f"'{text}'"),
)
_TIMES = st.sampled_from(["TIME '03:00:00'", "TIME '12:30:00'"])
_BOOLEANS = st.sampled_from(["true", "false", "'t'", "'false'"])
_LITERALS = {
    "i": _NUMBERS,
    "big": _NUMBERS,
    "f": _NUMBERS,
    "f32": _NUMBERS,
    "dec": _NUMBERS,
    "c": _NUMBERS,
    "p": _NUMBERS,
    "d": _DATES,
    "ts": _MOMENTS,
    "tz": _MOMENTS,
    "s": _TEXTS,
    "b": _BOOLEANS,
    "tm": _TIMES,
}
_CASTS = {
    "ts": ["ts", "ts", "ts::date"],
    "s": ["s", "s", "s::text"],
    "i": ["i", "i", "i::bigint"],
    "d": ["d", "d::date"],
}


@st.composite
def _leaves(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from(sorted(_LITERALS)))
    term = draw(st.sampled_from(_CASTS.get(column, [column])))
    literal = _LITERALS[column] if not term.endswith("::date") else _DATES
    shape = draw(st.sampled_from(["compare", "flipped", "in", "between", "null", "distinct", "any", "like", "bool"]))
    one = draw(literal)
    if shape == "compare":
        return f"{term} {draw(st.sampled_from(['=', '<>', '<', '<=', '>', '>=']))} {one}"
    if shape == "flipped":
        return f"{one} {draw(st.sampled_from(['=', '<>', '<', '<=', '>', '>=']))} {term}"
    if shape == "in":
        more = draw(st.lists(st.one_of(literal, st.just("NULL")), max_size=3))
        return f"{term} {draw(st.sampled_from(['IN', 'NOT IN']))} ({', '.join([one, *more])})"
    if shape == "between":
        return f"{term} {draw(st.sampled_from(['BETWEEN', 'NOT BETWEEN']))} {one} AND {draw(literal)}"
    if shape == "null":
        return f"{column} IS {draw(st.sampled_from(['', 'NOT ']))}NULL"
    if shape == "distinct":
        return (
            f"{term} IS {draw(st.sampled_from(['', 'NOT ']))}DISTINCT FROM {draw(st.one_of(literal, st.just('NULL')))}"
        )
    if shape == "any":
        return f"{term} {draw(st.sampled_from(['= ANY', '<> ALL']))} (ARRAY[{one}, {draw(literal)}])"
    if shape == "like":
        pattern = draw(st.text("abcn%_z", min_size=1, max_size=3))
        return f"s {draw(st.sampled_from(['LIKE', 'NOT LIKE']))} '{pattern}'"
    return draw(
        st.sampled_from(
            ["b", "NOT b", "b IS TRUE", "b IS NOT TRUE", "b IS FALSE", "b IS NOT FALSE", "b IS UNKNOWN", "b = b"]
        )
    )


_PREDICATES = st.recursive(
    _leaves(),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} AND {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} OR {pair[1]})"),
        inner.map(lambda part: f"NOT ({part})"),
    ),
    max_leaves=5,
)


def _kept(lake: Lake, predicate: str, *, zone_is_utc: bool) -> set[str]:
    where = postgast.parse(f"SELECT 1 FROM t WHERE {predicate}").stmts[0].stmt.select_stmt.where_clause
    tree = parse_where(where, lambda parts: parts[-1] if parts[-1] in lake.columns else None)
    bound = bind(tree, lake.manifest.domains, zone_is_utc=zone_is_utc)
    pruning = lake.manifest.prune(bound)
    assert pruning.total == len(pruning.files) + pruning.by_partition + pruning.by_statistics
    return {lake.manifest.files[place].info.name for place in pruning.files}


def _matching(lake: Lake, predicate: str, zone: str) -> set[str] | None:
    lake.oracle.execute(f"SET TimeZone = '{zone}'")
    try:
        rows = lake.oracle.execute(f"SELECT DISTINCT file FROM t WHERE {predicate}").fetchall()
    except duckdb.Error:
        return None  # the engine refuses it whatever was pruned
    return {str(name) for (name,) in rows}


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(predicate=_PREDICATES)
def test_no_file_with_a_matching_row_is_pruned(lake: Lake, predicate: str) -> None:
    for zone in ("UTC", _ZONE):
        matching = _matching(lake, predicate, zone)
        if matching is not None:
            missing = matching - _kept(lake, predicate, zone_is_utc=zone == "UTC")
            assert not missing, f"{predicate} in {zone}: rows in {sorted(missing)} would be lost"


@pytest.mark.parametrize(
    ("predicate", "at_most"),
    [
        ("i = 25", 1),
        ("i IN (5, 15, 25)", 3),
        ("i BETWEEN 20 AND 39", 2),
        ("i < 0", 0),
        ("i IS NOT NULL AND p = 4", 1),
        ("p IS NULL", 1),
        ("p IN (0, 1)", 4),
        ("d = '2024-01-05'", 2),
        ("d >= DATE '2024-01-14'", 2),
        ("ts < '2024-01-01 06:00:00'", 2),
        ("ts::date = '2024-01-01'", 4),
        ("s LIKE 'c%'", 11),  # the empty string is in every file, so only the upper bounds tell
        ("s = 'ccc'", 11),
        ("f BETWEEN 20 AND 21", 3),
        ("NOT (i >= 20)", 3),
        ("c <> 7", 0),
        ("c IS NULL", 1),
        ("b AND i = 25", 1),
        ("i = 1.5", 0),
        ("big = 9007199254741020", 2),
    ],
)
def test_what_must_not_be_read(lake: Lake, predicate: str, at_most: int) -> None:
    matching = _matching(lake, predicate, "UTC")
    assert matching is not None
    kept = _kept(lake, predicate, zone_is_utc=True)
    assert matching <= kept
    assert len(kept) <= at_most


@pytest.mark.parametrize(
    "predicate",
    [
        "lower(s) = 'a'",
        "i + 1 = 3",
        "s ~ 'a'",
        "i IN (SELECT 1)",
        "s COLLATE \"C\" = 'a'",
        "s ILIKE 'a%'",
        "random() < 2",
    ],
)
def test_what_is_not_understood_keeps_everything(lake: Lake, predicate: str) -> None:
    assert len(_kept(lake, predicate, zone_is_utc=True)) == _FILES
    assert len(_kept(lake, f"NOT ({predicate})", zone_is_utc=True)) == _FILES
