from __future__ import annotations

import duckdb
import pytest

from fsspeckit_lib.datasets.footers import NULL_TYPE, FileColumn, FileSchema
from fsspeckit_lib.datasets.schema import IncompatibleFiles, domain_of_type, unify, widen
from fsspeckit_lib.sql import Domain, Kind


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("INTEGER", "INTEGER", "INTEGER"),
        ("INTEGER", "BIGINT", "BIGINT"),
        ("UTINYINT", "TINYINT", "SMALLINT"),
        ("UBIGINT", "BIGINT", "HUGEINT"),
        ("UINTEGER", "USMALLINT", "UINTEGER"),
        ("FLOAT", "DOUBLE", "DOUBLE"),
        ("INTEGER", "DOUBLE", "DOUBLE"),
        ("BIGINT", "DOUBLE", None),
        ("DECIMAL(9,2)", "DECIMAL(10,4)", "DECIMAL(11,4)"),
        ("DECIMAL(9,2)", "INTEGER", "DECIMAL(12,2)"),
        ("DECIMAL(38,10)", "DECIMAL(38,20)", None),
        ("DATE", "TIMESTAMP", "TIMESTAMP"),
        ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_NS"),
        ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", None),
        ("VARCHAR", "INTEGER", None),
        (NULL_TYPE, "DATE", "DATE"),
        ("nested (a INTEGER)", "nested (a VARCHAR)", None),
    ],
)
def test_widening(first: str, second: str, expected: str | None) -> None:
    assert widen(first, second) == expected
    assert widen(second, first) == expected
    if expected is not None and NULL_TYPE not in (first, second):
        with duckdb.connect() as oracle:  # every widening is a cast DuckDB has
            oracle.execute(f"SELECT CAST(NULL::{first} AS {expected}), CAST(NULL::{second} AS {expected})")


def _schema(**columns: str) -> FileSchema:
    return FileSchema(tuple(FileColumn(name, kind, domain_of_type(kind)) for name, kind in columns.items()))


def test_columns_of_all_files_in_order_of_appearance() -> None:
    columns = unify([(_schema(a="INTEGER", b="VARCHAR"), "1"), (_schema(c="DATE", A="BIGINT"), "2")], {}, "t")
    assert [(column.name, column.sql_type) for column in columns] == [("a", "BIGINT"), ("b", "VARCHAR"), ("c", "DATE")]


def test_partition_columns_win_over_the_files_own() -> None:
    columns = unify([(_schema(year="VARCHAR", a="INTEGER"), "1")], {"year": "BIGINT", "month": "BIGINT"}, "t")
    assert [(column.name, column.sql_type, column.partition_type) for column in columns] == [
        ("year", "BIGINT", "BIGINT"),
        ("a", "INTEGER", None),
        ("month", "BIGINT", "BIGINT"),
    ]


def test_a_column_of_nothing_but_null_becomes_text() -> None:
    (column,) = unify([(FileSchema((FileColumn("a", NULL_TYPE, Domain(Kind.OTHER)),)), "1")], {}, "t")
    assert column.sql_type == "VARCHAR"


def test_incompatible_files_are_both_named() -> None:
    with pytest.raises(IncompatibleFiles) as caught:
        unify([(_schema(a="INTEGER"), "x/1.parquet"), (_schema(a="VARCHAR"), "x/2.parquet")], {}, "trips")
    text = str(caught.value)
    for part in ("trips", "'a'", "INTEGER", "VARCHAR", "x/1.parquet", "x/2.parquet"):
        assert part in text
