"""Hive partitioning: columns whose values lie in the names of folders, `year=2024/month=01/`.

Pure. Values are percent-decoded; `__HIVE_DEFAULT_PARTITION__` is NULL. A column gets the narrowest type that all of its
values have, as DuckDB infers them: BIGINT, DATE, TIMESTAMP, else VARCHAR.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias
from urllib.parse import quote, unquote

import pyarrow as pa

from fsspeckit_lib.sql import Bounds, Domain, Kind
from fsspeckit_lib.sql.domains import INT64_MAX, INT64_MIN

__all__ = [
    "HIVE_NULL",
    "PartitionType",
    "Partitions",
    "domain_of",
    "infer_type",
    "partition_bounds",
    "partition_folder",
    "split_partitions",
]

HIVE_NULL: Final = "__HIVE_DEFAULT_PARTITION__"

PartitionType: TypeAlias = Literal["BIGINT", "DATE", "TIMESTAMP", "VARCHAR"]
Partitions: TypeAlias = tuple[tuple[str, str | None], ...]
"""Names and values of one file's folders, outermost first; None is NULL."""

_BIGINT = re.compile(r"[+-]?\d{1,19}\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?\Z", re.ASCII)
_DOMAINS: Final = {
    "BIGINT": Domain(Kind.INTEGER),
    "DATE": Domain(Kind.DATE),
    "TIMESTAMP": Domain(Kind.TIMESTAMP),
    "VARCHAR": Domain(Kind.TEXT),
}
_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001  # values without a zone
_EPOCH_DAY: Final = dt.date(1970, 1, 1).toordinal()


def split_partitions(key: str) -> Partitions:
    """Return the partition columns in a file's path: every folder of the form `name=value`."""
    found = []
    for folder in key.split("/")[:-1]:
        name, equals, value = folder.partition("=")
        if equals and name:
            found.append((unquote(name), None if value == HIVE_NULL else unquote(value)))
    return tuple(found)


def partition_folder(name: str, value: str | None) -> str:
    """Return the folder's name for one partition value; `split_partitions` undoes it."""
    return f"{quote(name, safe='')}={HIVE_NULL if value is None else quote(value, safe='')}"


def infer_type(values: Iterable[str | None]) -> PartitionType:
    """Return the narrowest type that all values have; VARCHAR when there is none but NULL."""
    known = {value for value in values if value is not None}
    if not known:
        return "VARCHAR"
    if all(_BIGINT.match(value) and INT64_MIN <= int(value) <= INT64_MAX for value in known):
        return "BIGINT"
    if all(_DATE.match(value) and _is_valid(value) for value in known):
        return "DATE"
    if all((_TIMESTAMP.match(value) or _DATE.match(value)) and _is_valid(value) for value in known):
        return "TIMESTAMP"
    return "VARCHAR"


def domain_of(partition_type: PartitionType) -> Domain:
    """Return how the values of a partition column are ordered."""
    return _DOMAINS[partition_type]


def partition_bounds(values: Sequence[str | None], partition_type: PartitionType, rows: pa.Array) -> Bounds:
    """Return the bounds of a partition column, one unit per value: its value is all there is in it."""
    array_type = pa.binary() if partition_type == "VARCHAR" else pa.int64()
    ticks = pa.array([None if value is None else _tick(value, partition_type) for value in values], array_type)
    null_count = pa.array(
        [count if value is None else 0 for value, count in zip(values, rows.to_pylist(), strict=True)], pa.int64()
    )
    return Bounds(ticks, ticks, null_count, rows)


def _tick(value: str, partition_type: PartitionType) -> int | bytes:
    if partition_type == "BIGINT":
        return int(value)
    if partition_type == "DATE":
        return dt.date.fromisoformat(value).toordinal() - _EPOCH_DAY
    if partition_type == "TIMESTAMP":
        return (dt.datetime.fromisoformat(value) - _EPOCH) // dt.timedelta(microseconds=1)
    return value.encode()


def _is_valid(value: str) -> bool:
    try:
        dt.datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
