from __future__ import annotations

import datetime as dt
import io
import uuid
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.datasets.footers import Footer, SchemaPool, parse_footer, read_footer
from fsspeckit_lib.errors import Corrupt
from fsspeckit_lib.sql import Kind


class _Bytes:
    """A file in memory that counts what is read of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads: list[tuple[int, int]] = []

    def open(self, info: ObjectInfo) -> _Bytes:
        del info
        return self

    def read(self, start: int, stop: int) -> bytes:
        self.reads.append((start, stop))
        return self.data[start:stop]

    def close(self) -> None: ...


def _written(table: pa.Table, **options: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def _read(data: bytes) -> tuple[Footer, _Bytes]:
    file = _Bytes(data)
    return read_footer(file, ObjectInfo("a.parquet", len(data), 0, None), SchemaPool(), "s3://b"), file


_MOMENT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
_TICKS = int(_MOMENT.timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("values", "kind", "sql_type", "domain", "bounds"),
    [
        ([3, 1], pa.int8(), "TINYINT", Kind.INTEGER, (1, 3)),
        ([3, 1], pa.int64(), "BIGINT", Kind.INTEGER, (1, 3)),
        ([2**32 - 1, 1], pa.uint32(), "UINTEGER", Kind.INTEGER, (1, 2**32 - 1)),
        ([1.5, float("nan")], pa.float64(), "DOUBLE", Kind.FLOAT64, (1.5, 1.5)),
        ([True, False], pa.bool_(), "BOOLEAN", Kind.BOOLEAN, (0, 1)),
        (["b", "a"], pa.string(), "VARCHAR", Kind.TEXT, (b"a", b"b")),
        (["b", "a"], pa.dictionary(pa.int32(), pa.string()), "VARCHAR", Kind.TEXT, (b"a", b"b")),
        ([b"b", b"a"], pa.binary(), "BLOB", Kind.BINARY, (b"a", b"b")),
        ([Decimal("1.50")], pa.decimal128(9, 2), "DECIMAL(9,2)", Kind.DECIMAL, (150, 150)),
        ([_MOMENT.date()], pa.date32(), "DATE", Kind.DATE, (19723, 19723)),
        ([_MOMENT], pa.timestamp("ms", "UTC"), "TIMESTAMP WITH TIME ZONE", Kind.TIMESTAMPTZ, (_TICKS, _TICKS)),
        ([_MOMENT.replace(tzinfo=None)], pa.timestamp("us"), "TIMESTAMP", Kind.TIMESTAMP, (_TICKS, _TICKS)),
        ([1], pa.timestamp("ns"), "TIMESTAMP_NS", Kind.TIMESTAMP, (0, 1)),  # pushed outwards to microseconds
        ([dt.time(0, 0, 1)], pa.time64("us"), "TIME", Kind.TIME, (1_000_000, 1_000_000)),
        ([uuid.UUID(int=1).bytes], pa.uuid(), "UUID", Kind.UUID, (uuid.UUID(int=1).bytes, uuid.UUID(int=1).bytes)),
    ],
)
def test_types_and_bounds(
    values: list[object], kind: pa.DataType, sql_type: str, domain: Kind, bounds: tuple[object, object]
) -> None:
    array = (
        pa.array(values, pa.string()).dictionary_encode() if pa.types.is_dictionary(kind) else pa.array(values, kind)
    )
    data = _written(pa.table({"x": array}))
    footer, _ = _read(data)
    (column,) = footer.schema.columns
    assert (column.sql_type, column.domain.kind) == (sql_type, domain)
    assert footer.statistics[0] == [(*bounds, 0)]
    with duckdb.connect() as oracle:  # the type is the one DuckDB reads
        oracle.register("t", pa.table({"n": [1]}))
        described = oracle.execute("SELECT column_type FROM (DESCRIBE SELECT NULL::" + sql_type + ")").fetchall()
        assert described == [(sql_type.replace(",", ","),)]


def test_wide_numbers_have_bounds_that_are_pushed_outwards() -> None:
    table = pa.table({"u": pa.array([2**63 + 1], pa.uint64()), "d": pa.array([Decimal("0.1")], pa.decimal128(30, 1))})
    footer, _ = _read(_written(table))
    for place, value in ((0, 2**63 + 1), (1, 0.1)):
        ((low, high, _),) = footer.statistics[place]
        assert isinstance(low, float)
        assert isinstance(high, float)
        assert low < value < high


def test_nested_columns_have_no_bounds() -> None:
    table = pa.table({"a": [1], "l": [[1]], "s": [{"x": 1, "y": "b"}], "z": [2]})
    footer, _ = _read(_written(table))
    assert [column.is_nested for column in footer.schema.columns] == [False, True, True, False]
    assert sorted(footer.statistics) == [0, 3]
    assert "x BIGINT, y VARCHAR" in footer.schema.columns[2].sql_type


def test_each_row_group_has_its_own_bounds() -> None:
    footer, _ = _read(_written(pa.table({"x": [1, 2, None, None, 5]}), row_group_size=2))
    assert footer.row_group_rows == (2, 2, 1)
    assert footer.statistics[0] == [(1, 2, 0), (None, None, 2), (5, 5, 0)]
    assert footer.rows == 5


def test_files_without_statistics() -> None:
    footer, _ = _read(_written(pa.table({"x": [1]}), write_statistics=False))
    assert footer.statistics[0] == [(None, None, None)]


def test_a_small_footer_is_one_read_and_a_large_one_two() -> None:
    small, file = _read(_written(pa.table({"x": [1]})))
    assert small.rows == 1
    assert len(file.reads) == 1
    wide, file = _read(_written(pa.table({f"column_{number}_{'x' * 200}": [1] for number in range(400)})))
    assert len(wide.schema.columns) == 400
    assert len(file.reads) == 2
    assert len(wide.statistics) == 100  # the first hundred columns of a wide table


def test_equal_schemas_are_shared() -> None:
    pool = SchemaPool()
    data = _written(pa.table({"x": [1]}))
    tail = data[-(int.from_bytes(data[-8:-4], "little") + 8) :]
    assert parse_footer(tail, "a", pool).schema is parse_footer(tail, "b", pool).schema


@pytest.mark.parametrize("cut", [1, 4, 8, 11, 40])
def test_a_cut_file_is_corrupt(cut: int) -> None:
    data = _written(pa.table({"x": [1]}))
    with pytest.raises(Corrupt, match=r"s3://b/a\.parquet"):
        _read(data[:-cut])


def test_bytes_that_are_no_parquet_are_corrupt() -> None:
    for data in (b"hello", b"x" * 100, b"PAR1" + b"\xff" * 40 + (30).to_bytes(4, "little") + b"PAR1"):
        with pytest.raises(Corrupt):
            _read(data)
    with pytest.raises(Corrupt, match="claims"):
        _read(
            b"PAR1"
            + (2**31).to_bytes(4, "little")
            + b"xxxxxxxxPAR1"[:0]
            + b"aaaa"
            + (9999).to_bytes(4, "little")
            + b"PAR1"
        )
