from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsspeckit_lib.datasets.partitions import (
    PartitionType,
    infer_type,
    partition_bounds,
    partition_folder,
    split_partitions,
)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a.parquet", ()),
        ("year=2024/month=01/a.parquet", (("year", "2024"), ("month", "01"))),
        ("x/year=2024/y/a.parquet", (("year", "2024"),)),
        ("k=a%20b%2Fc/a.parquet", (("k", "a b/c"),)),
        ("k=__HIVE_DEFAULT_PARTITION__/a.parquet", (("k", None),)),
        ("k=/a.parquet", (("k", ""),)),
        ("k=a=b/a.parquet", (("k", "a=b"),)),
        ("=a/a.parquet", ()),
        ("year=2024/a=b.parquet", (("year", "2024"),)),
    ],
)
def test_splitting(key: str, expected: tuple[tuple[str, str | None], ...]) -> None:
    assert split_partitions(key) == expected


@given(st.text(min_size=1), st.one_of(st.none(), st.text().filter(lambda text: text != "__HIVE_DEFAULT_PARTITION__")))
def test_folder_names_go_both_ways(name: str, value: str | None) -> None:
    folder = partition_folder(name, value)
    assert "/" not in folder
    assert split_partitions(f"{folder}/a.parquet") == ((name, value),)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-2", "007"], "BIGINT"),
        (["1", None], "BIGINT"),
        (["9223372036854775808"], "VARCHAR"),
        (["1", "1.5"], "VARCHAR"),
        (["2024-01-31", "2024-02-29"], "DATE"),
        (["2024-02-30"], "VARCHAR"),
        (["2024-01-31", "2024-01-31 10:00"], "TIMESTAMP"),
        (["2024-01-31T10:00:01.5"], "TIMESTAMP"),
        (["a", "1"], "VARCHAR"),
        (["٣"], "VARCHAR"),  # digits of other scripts are none
        ([None], "VARCHAR"),
    ],
)
def test_types_are_inferred_as_duckdb_infers_them(values: list[str | None], expected: PartitionType) -> None:
    assert infer_type(values) == expected
    known = [value for value in values if value is not None]
    if expected != "VARCHAR" and known:
        with duckdb.connect() as oracle:
            for value in known:
                oracle.execute(f"SELECT CAST($1 AS {expected})", [value])


def test_bounds_are_the_values_themselves() -> None:
    bounds = partition_bounds(["2", None], "BIGINT", pa.array([5, 7]))
    assert bounds.lower.to_pylist() == bounds.upper.to_pylist() == [2, None]
    assert bounds.null_count.to_pylist() == [0, 7]
