"""Rows of COPY FROM STDIN on their way into a temporary table: columns of text, cast by DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import duckdb
import pyarrow as pa
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.errors import GatewayError, ReadOnly
from fsspeckit_sqlserver.engine.connections import Connections
from fsspeckit_sqlserver.engine.errors import (
    DuplicateColumn,
    NumericOutOfRange,
    StatementProblem,
    UndefinedColumn,
    UndefinedTable,
)
from fsspeckit_sqlserver.engine.lengths import fitted, lengths_of
from fsspeckit_sqlserver.engine.planner import Planner
from fsspeckit_sqlserver.engine.tables import quoted
from fsspeckit_sqlserver.engine.temporaries import Temporaries
from fsspeckit_sqlserver.engine.translation import translate_duckdb
from fsspeckit_sqlserver.engine.trees import names_of
from fsspeckit_sqlserver.engine.undo import Undo
from fsspeckit_sqlserver.engine.violations import VIOLATIONS, explained
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.array_in import parse_array
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.mapping import column_for

__all__ = ["TableCopy", "open_table_copy"]

_INTEGERS: Final = {oids.INT2: "smallint", oids.INT4: "integer", oids.INT8: "bigint"}
_ROWS: Final = "gw_copied_rows"


class TableCopy:
    """A temporary table that takes rows. Satisfies `session.ports.CopyTarget`."""

    def __init__(
        self,
        connections: Connections,
        undo: Undo,
        temporaries: Temporaries,
        table: str,
        columns: Mapping[str, str],
        first_line: int,
    ) -> None:
        """Prepare for rows.

        Args:
            columns: name → DuckDB type, in the order the rows have them.
            first_line: the number of the line in which the first row is.
        """
        self._line, self._temporaries = first_line, temporaries
        self._connections, self._undo, self._table, self._types = connections, undo, table, columns
        self._lengths = lengths_of(temporaries.definitions.get(table))
        self.columns: tuple[Column, ...] = tuple(column_for(name, kind) for name, kind in columns.items())

    def write(self, rows: pa.Table) -> None:
        """Append rows of text; NULL is NULL.

        Raises:
            GatewayError: a value is none of its column's type, or a constraint forbids it.
        """
        arrays = [_lists(array, column) for array, column in zip(rows.columns, self.columns, strict=True)]
        table = pa.table(arrays, names=[str(place) for place in range(len(arrays))])
        values = ", ".join(
            fitted(_expression(f'"{place}"', kind, column), self._lengths.get(name))
            for place, ((name, kind), column) in enumerate(zip(self._types.items(), self.columns, strict=True))
        )
        names = ", ".join(quoted(name) for name in self._types)
        self._undo.before_append(self._table)
        connection = self._connections.main()
        connection.register(_ROWS, table)
        try:
            connection.execute(f"INSERT INTO temp.main.{quoted(self._table)} ({names}) SELECT {values} FROM {_ROWS}")
        except duckdb.Error as error:
            raise self._located(error) from error
        finally:
            connection.unregister(_ROWS)
        self._line += rows.num_rows

    def _located(self, error: duckdb.Error) -> GatewayError:
        """Return an error with the line and column of the first value that is none of its type."""
        found: tuple[int, int, str] | None = None
        for place, (kind, column) in enumerate(zip(self._types.values(), self.columns, strict=True)):
            name = f'"{place}"'
            expression = _expression(name, kind, column)
            if expression == name:
                continue
            rows = self._ask(
                f"SELECT n, {name}::VARCHAR FROM (SELECT row_number() OVER () - 1 AS n, {name} FROM {_ROWS})"
                f" WHERE {name} IS NOT NULL AND TRY({expression}) IS NULL ORDER BY n LIMIT 1"
            )
            if rows and (found is None or rows[0][0] < found[0]):
                found = (rows[0][0], place, rows[0][1])
        if found is None or isinstance(error, duckdb.ConstraintException):
            broken = translate_duckdb(error)
            broken.__cause__ = error
            if isinstance(broken, VIOLATIONS):
                return explained(broken, self._table, self._temporaries, self._connections)
            return broken
        row, place, text = found
        (name, kind), column = list(self._types.items())[place], self.columns[place]
        problem, expression = translate_duckdb(error), _expression(f'"{place}"', kind, column)
        try:
            self._connections.main().execute(f"SELECT {expression} FROM {_ROWS} OFFSET {row} LIMIT 1").fetchall()
        except duckdb.Error as own:
            problem = translate_duckdb(own)
        if column.type_oid in _INTEGERS and text.strip().lstrip("+-").isdigit():
            words = f'value "{text}" is out of range for type {_INTEGERS[column.type_oid]}'
            problem = NumericOutOfRange(words)
        if isinstance(problem, StatementProblem):
            problem.context = f'COPY {self._table}, line {self._line + row}, column {name}: "{text}"'
        return problem

    def _ask(self, sql: str) -> list[tuple[int, str]]:
        try:
            return [(row[0], row[1]) for row in self._connections.main().execute(sql).fetchall()]
        except duckdb.Error:
            return []


def _lists(array: pa.ChunkedArray, column: Column) -> pa.ChunkedArray | pa.Array:
    """Return arrays, which DuckDB does not read in PostgreSQL's text, as lists of text."""
    if column.type_oid not in oids.ELEMENT_OF:
        return array
    values = [None if text is None else parse_array(text, str) for text in array.to_pylist()]
    return pa.array(values) if any(values) else pa.array(values, pa.list_(pa.string()))


def _expression(name: str, kind: str, column: Column) -> str:
    if kind == "VARCHAR":
        return name
    match column.type_oid:
        case oids.BYTEA:
            return f"CASE WHEN starts_with({name}, '\\x') THEN unhex(substr({name}, 3)) ELSE encode({name}) END"
        case oids.DATE | oids.TIMESTAMP | oids.TIMESTAMPTZ:
            return f"CAST(replace({name}, ' BC', ' (BC)') AS {kind})"
    return f"CAST({name} AS {kind})"


def open_table_copy(
    statement: Statement, planner: Planner, temporaries: Temporaries, connections: Connections, undo: Undo
) -> TableCopy:
    """Return the table of a COPY FROM.

    Raises:
        ReadOnly: it is a dataset.
        UndefinedTable, UndefinedColumn, DuplicateColumn.
    """
    node = statement.node
    name = node.relation.relname
    if not planner.has_temp_table(name) or node.relation.schemaname not in {"", "pg_temp", temporaries.schema}:
        schemas: Sequence[str] = (node.relation.schemaname,) if node.relation.schemaname else planner.search_path
        if any(planner.dataset(schema, name) is not None for schema in schemas):
            raise ReadOnly(f'cannot COPY to "{name}": the datasets behind this server are only read')
        raise UndefinedTable(f'relation "{name}" does not exist')
    known = temporaries.tables[name]
    wanted = [part.casefold() for part in names_of(node.attlist)] or list(known)
    for place, column in enumerate(wanted):
        if column not in known:
            raise UndefinedColumn(f'column "{column}" of relation "{name}" does not exist')
        if column in wanted[:place]:
            raise DuplicateColumn(f'column "{column}" specified more than once')
    has_header = any(option.def_elem.defname == "header" and _is_on(option.def_elem.arg) for option in node.options)
    columns = {column: known[column] for column in wanted}
    return TableCopy(connections, undo, temporaries, name, columns, 2 if has_header else 1)


def _is_on(argument: pb.Node) -> bool:
    """Return whether an option is on, as it is when it stands alone."""
    kind = argument.WhichOneof("node")
    if kind == "boolean":
        return bool(argument.boolean.boolval)
    if kind == "integer":
        return bool(argument.integer.ival)
    return argument.string.sval.lower() not in {"off", "false"}
