"""One schema for many files: which columns a dataset has, of which type, and how each file's column becomes it.

Pure. A column that is missing in some files is NULL there; a type is widened where no value can change (INTEGER to
BIGINT, FLOAT to DOUBLE, DECIMAL to a larger one, DATE to TIMESTAMP); everything else is an error that names two files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from fsspeckit_lib.datasets.footers import NULL_TYPE, FileColumn, FileSchema
from fsspeckit_lib.datasets.partitions import PartitionType, domain_of
from fsspeckit_lib.errors import Unsupported
from fsspeckit_lib.sql import Domain, Kind

__all__ = ["DatasetColumn", "IncompatibleFiles", "domain_of_type", "unify", "widen"]

_SIGNED: Final = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}
_UNSIGNED: Final = {"UTINYINT": 8, "USMALLINT": 16, "UINTEGER": 32, "UBIGINT": 64}
_DIGITS: Final = {8: 3, 16: 5, 32: 10, 64: 20, 128: 38}
_FLOATS: Final = {"FLOAT", "DOUBLE"}
_TIMES: Final = ("DATE", "TIMESTAMP", "TIMESTAMP_NS")
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)\Z")
_DOMAINS: Final = {
    "BOOLEAN": Kind.BOOLEAN,
    "FLOAT": Kind.FLOAT32,
    "DOUBLE": Kind.FLOAT64,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "TIMESTAMP": Kind.TIMESTAMP,
    "TIMESTAMP_NS": Kind.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMPTZ,
    "VARCHAR": Kind.TEXT,
    "BLOB": Kind.BINARY,
    "UUID": Kind.UUID,
    "UBIGINT": Kind.FLOAT64,
    "HUGEINT": Kind.FLOAT64,
}


class IncompatibleFiles(Unsupported):
    """Two files of one dataset have a column of the same name whose types no common type holds without loss."""

    kind = "datatype-mismatch"


@dataclass(frozen=True, slots=True)
class DatasetColumn:
    """One column of a dataset.

    Attributes:
        name: as the first file that has it spells it; compared without regard to case, as DuckDB does.
        sql_type: DuckDB's type; for what is nested, a text that only tells types apart.
        domain: the order of its values.
        is_nested: a list, map or struct, whose type only DuckDB can name.
        partition_type: the type its folder names are read as, None for a column of the files.
    """

    name: str
    sql_type: str
    domain: Domain
    is_nested: bool = False
    partition_type: PartitionType | None = None


def domain_of_type(sql_type: str) -> Domain:
    """Return the order of the values of a DuckDB type."""
    if sql_type in _SIGNED and sql_type != "HUGEINT":
        return Domain(Kind.INTEGER)
    if sql_type in _UNSIGNED and sql_type != "UBIGINT":
        return Domain(Kind.INTEGER)
    if match := _DECIMAL.match(sql_type):
        return Domain(Kind.DECIMAL, int(match[2])) if int(match[1]) <= 18 else Domain(Kind.FLOAT64)
    return Domain(_DOMAINS.get(sql_type, Kind.OTHER))


def widen(first: str, second: str) -> str | None:
    """Return the narrowest DuckDB type that holds the values of both, or None where there is none without loss."""
    if first == second or second == NULL_TYPE:
        return first
    if first == NULL_TYPE:
        return second
    if first in _TIMES and second in _TIMES:
        return max(first, second, key=_TIMES.index)
    integers = [name for name in (first, second) if name in _SIGNED or name in _UNSIGNED]
    if len(integers) == 2:
        return _widen_integers(first, second)
    if first in _FLOATS or second in _FLOATS:
        other = second if first in _FLOATS else first
        small = other in {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"}
        return "DOUBLE" if other in _FLOATS or small else None  # a BIGINT does not fit into 53 bits
    left, right = _decimal_digits(first), _decimal_digits(second)
    if left is None or right is None:
        return None
    whole, scale = max(left[0], right[0]), max(left[1], right[1])
    return f"DECIMAL({whole + scale},{scale})" if whole + scale <= 38 else None


def unify(
    schemas: Sequence[tuple[FileSchema, str]], partition_types: Mapping[str, PartitionType], dataset: str
) -> tuple[DatasetColumn, ...]:
    """Return the columns of a dataset: those of the files in order of appearance, then the partition columns.

    Args:
        schemas: the distinct schemas of its files, each with the key of a file that has it.
        partition_types: partition columns in folder order. One that also lies in the files takes its value from the
            folder, as everywhere.
        dataset: its name, for the error.

    Raises:
        IncompatibleFiles: names the column, two files and their types.
    """
    partitions = {name.casefold(): (name, kind) for name, kind in partition_types.items()}
    found: dict[str, tuple[FileColumn, str, str]] = {}  # folded name → first column, unified type, file of the first
    for schema, key in schemas:
        for column in schema.columns:
            folded = column.name.casefold()
            if folded in partitions or folded not in found:
                found.setdefault(folded, (column, column.sql_type, key))
                continue
            first, sql_type, first_key = found[folded]
            unified = widen(sql_type, column.sql_type)
            if unified is None:
                raise IncompatibleFiles(
                    f"table {dataset}: column {first.name!r} is {sql_type} in {first_key} but {column.sql_type} in "
                    f"{key}; one type was wanted; rewrite one of the files, or serve them as two tables"
                )
            found[folded] = (first, unified, first_key)
    columns = []
    for folded, (first, sql_type, _) in found.items():
        if folded in partitions:
            columns.append(_partition_column(*partitions.pop(folded)))
        else:
            shown = "VARCHAR" if sql_type == NULL_TYPE else sql_type
            domain = first.domain if sql_type == first.sql_type else domain_of_type(sql_type)
            columns.append(DatasetColumn(first.name, shown, domain, first.is_nested))
    columns.extend(_partition_column(name, kind) for name, kind in partitions.values())
    return tuple(columns)


def _partition_column(name: str, kind: PartitionType) -> DatasetColumn:
    return DatasetColumn(name, kind, domain_of(kind), partition_type=kind)


def _widen_integers(first: str, second: str) -> str:
    signed = [_SIGNED[name] for name in (first, second) if name in _SIGNED]
    unsigned = [_UNSIGNED[name] for name in (first, second) if name in _UNSIGNED]
    if not signed:
        return max(first, second, key=lambda name: _UNSIGNED[name])
    bits = reduce(max, [*signed, *(2 * bits for bits in unsigned)])
    return next(name for name, width in _SIGNED.items() if width == bits)


def _decimal_digits(name: str) -> tuple[int, int] | None:
    """Return digits before and behind the point of a DECIMAL or an integer type."""
    if match := _DECIMAL.match(name):
        return int(match[1]) - int(match[2]), int(match[2])
    bits = _SIGNED.get(name) or _UNSIGNED.get(name)
    return None if bits is None else (_DIGITS[bits], 0)
