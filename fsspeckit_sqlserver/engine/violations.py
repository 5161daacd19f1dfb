"""What PostgreSQL says of a row that breaks a constraint: the constraint's name, the key, and the fields of the error.

DuckDB's messages name columns and values, not constraints; the table's definition tells the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from fsspeckit_sqlserver.engine.connections import Connections
from fsspeckit_sqlserver.engine.errors import (
    CheckViolation,
    ConstraintViolation,
    ForeignKeyViolation,
    NotNullViolation,
    StatementProblem,
    UniqueViolation,
)
from fsspeckit_sqlserver.engine.table_definitions import Constraint, TableDefinition
from fsspeckit_sqlserver.engine.temporaries import Temporaries

__all__ = ["VIOLATIONS", "described", "explained"]

VIOLATIONS: Final = (UniqueViolation, NotNullViolation, CheckViolation, ConstraintViolation)
"""Errors that `described` says more of."""

_DUPLICATE: Final = re.compile(r'[Dd]uplicate key "(.*?)"(?: violates (primary key|unique) constraint|$)', re.DOTALL)
_CHECK: Final = re.compile(r"expression (CHECK\(.*\))", re.DOTALL)
_MISSING: Final = re.compile(r'key "(.*?)" does not exist in the referenced table', re.DOTALL)
_NEEDED: Final = re.compile(r'key "(.*?)" is still referenced', re.DOTALL)
_NOT_NULL: Final = re.compile(r"NOT NULL constraint failed: \S+?\.(\S+)")


def explained(
    error: StatementProblem, table: str, temporaries: Temporaries, connections: Connections
) -> StatementProblem:
    """Return an error of `VIOLATIONS` about a temporary table as PostgreSQL words it."""

    def checks() -> list[str]:
        rows = connections.main().execute(
            "SELECT constraint_text FROM duckdb_constraints() WHERE database_name = 'temp' AND table_name = $1"
            " AND constraint_type = 'CHECK' ORDER BY constraint_index",
            [table],
        )
        return [text for (text,) in rows.fetchall()]

    referring = [
        (name, item)
        for name, other in temporaries.definitions.items()
        for item in other.constraints
        if item.kind == "f" and item.node.pktable.relname == table
    ]
    definition = temporaries.definitions.get(table, TableDefinition(()))
    return described(error, table, temporaries.schema, definition, checks, referring)


def described(
    error: StatementProblem,
    table: str,
    schema: str,
    definition: TableDefinition,
    checks_in_duckdb: Callable[[], Sequence[str]],
    referring: Sequence[tuple[str, Constraint]] = (),
) -> StatementProblem:
    """Return an error of `VIOLATIONS` as PostgreSQL words it.

    Args:
        checks_in_duckdb: asks for the texts of the table's CHECKs, in their order.
        referring: foreign keys of other tables that refer to this one.
    """
    text = str(error.__cause__ or error)
    if isinstance(error, NotNullViolation):
        column = _NOT_NULL.search(text)
        return _with(error, schema, table, column=column[1].strip('"') if column is not None else None)
    if isinstance(error, CheckViolation):
        return _check(error, text, table, schema, definition, checks_in_duckdb)
    if isinstance(error, UniqueViolation):
        return _unique(error, text, table, schema, definition)
    return _foreign(error, text, table, schema, definition, referring)


def _check(
    error: StatementProblem,
    text: str,
    table: str,
    schema: str,
    definition: TableDefinition,
    checks_in_duckdb: Callable[[], Sequence[str]],
) -> StatementProblem:
    names = sorted(item.name for item in definition.constraints if item.kind == "c")
    found = _CHECK.search(text)
    texts = list(checks_in_duckdb())
    if found is None or len(texts) != len(names) or found[1] not in texts:
        return _with(error, schema, table)
    name = names[texts.index(found[1])]
    words = f'new row for relation "{table}" violates check constraint "{name}"'
    return _with(CheckViolation(words), schema, table, constraint=name)


def _unique(
    error: StatementProblem, text: str, table: str, schema: str, definition: TableDefinition
) -> StatementProblem:
    found = _DUPLICATE.search(text)
    if found is None:
        return _with(error, schema, table)
    keys = [item for item in definition.constraints if item.kind in "pu"]
    for item in keys:
        values = _values_of(found[1], item.columns)
        if values is None and len(keys) == 1 and ":" not in found[1]:
            values = found[1]  # two rows of one statement
        if values is not None and (found[2] is None or (found[2] == "primary key") == (item.kind == "p")):
            problem = UniqueViolation(f'duplicate key value violates unique constraint "{item.name}"')
            problem.detail = f"Key ({', '.join(item.columns)})=({values}) already exists."
            return _with(problem, schema, table, constraint=item.name)
    return _with(error, schema, table)


def _foreign(
    error: StatementProblem,
    text: str,
    table: str,
    schema: str,
    definition: TableDefinition,
    referring: Sequence[tuple[str, Constraint]],
) -> StatementProblem:
    missing, needed = _MISSING.search(text), _NEEDED.search(text)
    if missing is not None:
        for item in definition.constraints:
            others = tuple(name.string.sval for name in item.node.pk_attrs) or item.columns
            values = _values_of(missing[1], others) if item.kind == "f" else None
            values = _sole(missing[1]) if values is None and item.kind == "f" else values
            if values is not None:
                problem = ForeignKeyViolation(
                    f'insert or update on table "{table}" violates foreign key constraint "{item.name}"'
                )
                problem.detail = (
                    f'Key ({", ".join(item.columns)})=({values}) is not present in table "{item.node.pktable.relname}".'
                )
                return _with(problem, schema, table, constraint=item.name)
    if needed is not None and referring:
        other, item = referring[0]
        values = _values_of(needed[1], item.columns) or _sole(needed[1])
        problem = ForeignKeyViolation(
            f'update or delete on table "{table}" violates foreign key constraint "{item.name}" on table "{other}"'
        )
        columns = ", ".join(name.string.sval for name in item.node.pk_attrs) or ", ".join(item.columns)
        problem.detail = f'Key ({columns})=({values}) is still referenced from table "{other}".'
        return _with(problem, schema, other, constraint=item.name)
    return _with(error, schema, table)


def _values_of(text: str, columns: Sequence[str]) -> str | None:
    """Return the values of `a: 1, b: x` where it names these columns."""
    pattern = ", ".join(f"{re.escape(column)}: (.*)" for column in columns)
    found = re.fullmatch(pattern, text, re.DOTALL | re.IGNORECASE)
    return None if found is None else ", ".join(found.groups())


def _sole(text: str) -> str:
    return text.partition(": ")[2] or text


def _with(
    error: StatementProblem, schema: str, table: str, *, column: str | None = None, constraint: str | None = None
) -> StatementProblem:
    error.schema, error.table, error.column, error.constraint = schema, table, column, constraint
    return error
