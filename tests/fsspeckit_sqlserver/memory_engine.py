"""An engine for tests: one DuckDB in memory, nothing else. Satisfies `session.ports.Engine` by its shape alone.

It knows no catalogs and guesses parameter types from casts (`$1::int`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from fsspeckit_lib.errors import BadInput, Cancelled, GatewayError, Unsupported
from fsspeckit_sqlserver.session.ports import CopyTarget, Rows, Shape
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.mapping import column_for, select_cast

_PARAMETER = re.compile(r"\$(\d+)(?:::([a-z0-9]+(?:\[\])?))?")
_OIDS = {
    name: oids.oid_of_type(name)
    for name in ("bool", "int2", "int4", "int8", "float4", "float8", "date", "time", "timestamp", "timestamptz", "text")
} | {"uuid": oids.UUID, "bytea": oids.BYTEA, "json": oids.JSON}
_NAMES = {"int": "int4", "integer": "int4", "bigint": "int8", "smallint": "int2", "double": "float8", "real": "float4"}


class UndefinedTable(BadInput):
    kind = "undefined-table"


class DivisionByZero(BadInput):
    kind = "data-exception"


@dataclass(frozen=True)
class MemoryShape:
    parameter_oids: tuple[int, ...]
    columns: tuple[Column, ...] | None


def translated(error: duckdb.Error) -> GatewayError:
    text = str(error).partition("\n")[0]
    match error:
        case duckdb.InterruptException():
            return Cancelled("canceling statement due to user request")
        case duckdb.CatalogException():
            return UndefinedTable(text)
        case duckdb.ConversionException() | duckdb.OutOfRangeException() | duckdb.InvalidInputException():
            return DivisionByZero(text)
    return BadInput(text)


def run(cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object]) -> duckdb.DuckDBPyRelation | None:
    """DDL and DML run at once and have no relation, whatever the stub says."""
    return cursor.sql(sql, params=list(parameters)) if parameters else cursor.sql(sql)


class MemoryRows:
    def __init__(self, cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object]) -> None:
        self._cursor = cursor
        self.affected: int | None = None
        self.columns: tuple[Column, ...] | None = None
        self._reader: pa.RecordBatchReader | None = None
        self._left: pa.RecordBatch | None = None
        try:
            relation = run(cursor, sql, parameters)
            if relation is None:
                return
            self.columns = tuple(
                column_for(name, kind) for name, kind in zip(relation.columns, relation.types, strict=True)
            )
            casts = [select_cast(kind) for kind in relation.types]
            if any(casts):
                relation = relation.project(
                    ", ".join(
                        f'"{name}"' if cast is None else f'"{name}"::{cast} AS "{name}"'
                        for name, cast in zip(relation.columns, casts, strict=True)
                    )
                )
            self._reader = relation.to_arrow_reader(16_384)
        except duckdb.Error as error:
            raise translated(error) from error
        self.verb = "SELECT"

    verb = "CREATE TABLE"

    def fetch(self, max_rows: int) -> pa.RecordBatch | None:
        if self._reader is None:
            return None
        try:
            while self._left is None or not self._left.num_rows:
                self._left = self._reader.read_next_batch()
        except StopIteration:
            return None
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            if "INTERRUPT" in str(error) or "Interrupt" in str(error):
                raise Cancelled("canceling statement due to user request") from error
            raise BadInput(str(error).partition("\n")[0]) from error
        batch, self._left = self._left.slice(0, max_rows), self._left.slice(max_rows)
        return batch

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._cursor.close()


class MemorySession:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._open: list[duckdb.DuckDBPyConnection] = []
        self._lock = threading.Lock()
        self._casts: dict[str, str] = {}
        self.parameters: dict[str, str] = {}

    def describe(self, statement: Statement, parameter_oids: Sequence[int]) -> Shape:
        found: dict[int, int] = {}
        for number, type_name in _PARAMETER.findall(statement.sql):
            is_array = type_name.endswith("[]")
            base = type_name.removesuffix("[]")
            oid = oids.oid_of_type(_NAMES.get(base, base))
            found.setdefault(int(number), oids.ARRAY_OF[oid] if is_array else oid)
        types = [
            (parameter_oids[number] if number < len(parameter_oids) else 0) or found.get(number + 1, 0) or oids.TEXT
            for number in range(max(found, default=0))
        ]
        if statement.node_name != "select_stmt":
            return MemoryShape(tuple(types), None)
        try:
            cursor = self._connection.cursor()
            cursor.execute(f"SET TimeZone = '{self.parameters.get('TimeZone', 'UTC')}'")
            self._casts[statement.sql] = sql = self._with_casts(statement.sql, types)
            relation = cursor.sql(sql, params=[None] * len(types)) if types else cursor.sql(sql)
            names, kinds = relation.columns, relation.types
        except duckdb.Error as error:
            raise translated(error) from error
        return MemoryShape(tuple(types), tuple(column_for(name, kind) for name, kind in zip(names, kinds, strict=True)))

    def _with_casts(self, sql: str, types: Sequence[int]) -> str:
        """Give each bare `$1` the type the client named: DuckDB would take the value's own."""
        names = {oid: name for name, oid in _OIDS.items()} | {
            oids.ARRAY_OF[oid]: f"{name}[]" for name, oid in _OIDS.items()
        }

        def cast(match: re.Match[str]) -> str:
            name = names.get(types[int(match[1]) - 1]) if not match[2] else None
            return f"{match[0]}::{name}" if name else match[0]

        return _PARAMETER.sub(cast, sql)

    def execute(self, statement: Statement, parameters: Sequence[object]) -> Rows:
        cursor = self._connection.cursor()
        cursor.execute(f"SET TimeZone = '{self.parameters.get('TimeZone', 'UTC')}'")
        with self._lock:
            self._open.append(cursor)
        return MemoryRows(cursor, self._casts.get(statement.sql, statement.sql), parameters)

    def open_copy(self, statement: Statement) -> CopyTarget:
        raise Unsupported("this engine copies nothing in")

    def begin(self, savepoints: int) -> None: ...

    def nest(self, depth: int) -> None: ...

    def undo(self, depth: int) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def set_parameter(self, name: str, value: str) -> None:
        self.parameters[name] = value

    def interrupt(self) -> None:
        with self._lock:
            cursors = list(self._open)
        for cursor in cursors:
            try:
                cursor.interrupt()
            except duckdb.Error:  # it is closed by now
                with self._lock:
                    self._open.remove(cursor)

    def close(self) -> None:
        self._connection.close()


class MemoryEngine:
    def __init__(self) -> None:
        self._database = duckdb.connect()

    def open_session(self, user: str, database: str) -> MemorySession:
        return MemorySession(self._database.cursor())

    def close(self) -> None:
        self._database.close()
