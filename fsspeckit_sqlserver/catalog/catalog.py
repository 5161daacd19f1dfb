"""The system catalog inside DuckDB: installed once per database, its rows renewed when the datasets change."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Mapping, Sequence

import duckdb
import pyarrow as pa

from fsspeckit_sqlserver.catalog.definitions import (
    DUCKDB_SCHEMAS,
    arrow_type,
    data_lines,
    duckdb_type,
    relation_definitions,
    type_definitions,
)
from fsspeckit_sqlserver.catalog.json_macros import install_json
from fsspeckit_sqlserver.catalog.length_macros import LENGTH_MACROS
from fsspeckit_sqlserver.catalog.macros import HELPERS, MACROS, macro_names
from fsspeckit_sqlserver.catalog.procedures import PROCEDURE_MACROS, procedure_texts
from fsspeckit_sqlserver.catalog.rows import CatalogTable, Row, dataset_rows, defaults_of, row_type_rows, static_rows
from fsspeckit_sqlserver.catalog.table_macros import TABLE_MACROS
from fsspeckit_sqlserver.catalog.temporary import OWN_SCHEMA, own_ddl
from fsspeckit_sqlserver.catalog.views import VIEWS, view_ddl
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.composite import RowType
from fsspeckit_sqlserver.types.mapping import column_for

__all__ = ["Catalog", "CatalogTable"]

_OWN_TABLES = (
    "CREATE TABLE gw_pg.gw_size(oid UINTEGER, size_bytes BIGINT)",
    "CREATE TABLE gw_pg.gw_type_name(oid UINTEGER, shown VARCHAR, is_shown BOOLEAN)",
    "CREATE TABLE gw_pg.gw_function(oid UINTEGER, name VARCHAR)",
    "CREATE TABLE gw_pg.gw_procedure(oid UINTEGER, arguments VARCHAR, identity VARCHAR, result VARCHAR)",
    # maps as in `map_views`, but of thousands of rows that never change: made once
    "CREATE TABLE gw_pg.gw_regproc_map(gw_map MAP(UINTEGER, VARCHAR))",
    "CREATE TABLE gw_pg.gw_regproc_oid_map(gw_map MAP(VARCHAR, UINTEGER))",
    "CREATE TABLE gw_pg.gw_denied(role VARCHAR, oid UINTEGER)",
    (
        "CREATE TABLE gw_pg.gw_keyword(word VARCHAR, catcode VARCHAR, barelabel BOOLEAN, catdesc VARCHAR,"
        " baredesc VARCHAR)"
    ),
)
_OWN_COLUMNS: Mapping[str, tuple[tuple[str, pa.DataType], ...]] = {
    "gw_size": (("oid", pa.uint32()), ("size_bytes", pa.int64())),
    "gw_function": (("oid", pa.uint32()), ("name", pa.string())),
    "gw_procedure": (
        *(("oid", pa.uint32()), ("arguments", pa.string())),
        *(("identity", pa.string()), ("result", pa.string())),
    ),
    "gw_denied": (("role", pa.string()), ("oid", pa.uint32())),
    "gw_type_name": (("oid", pa.uint32()), ("shown", pa.string()), ("is_shown", pa.bool_())),
    "gw_keyword": (
        *(("word", pa.string()), ("catcode", pa.string()), ("barelabel", pa.bool_())),
        *(("catdesc", pa.string()), ("baredesc", pa.string())),
    ),
}
_TYPE_ALIASES = {
    "int": 23,
    "decimal": 1700,
    "dec": 1700,
    "float": 701,
    "varchar": 1043,
    "char": 1042,
    "timestamp": 1114,
    "time": 1083,
}


_KEYWORD_WORDS = {
    "C": "unreserved (cannot be function or type name)",
    "R": "reserved",
    "T": "reserved (can be function or type name)",
    "U": "unreserved",
}

_COLUMN_TYPES: Mapping[str, int] = {"name": oids.NAME, "char": oids.CHAR, "regproc": oids.REGPROC, "oid": oids.OID}


class Catalog:
    """Where the relations and functions of the catalog are, and what is in them. Thread-safe after `install`."""

    def __init__(self) -> None:
        self._relations = {(relation.schema, relation.name): relation for relation in relation_definitions()}
        self._column_oids = {
            relation.name: {
                column.name: _COLUMN_TYPES.get(column.type_name)
                or column_for(column.name, duckdb_type(column.type_name)).type_oid
                for column in relation.columns
            }
            for relation in self._relations.values()
        }
        self.macros = macro_names(MACROS)
        self.table_macros = macro_names(TABLE_MACROS)
        self._started = dt.datetime.now(dt.UTC)
        self._lock = threading.Lock()

    def relation(self, schema: str, name: str) -> tuple[str, str] | None:
        """Return DuckDB's schema and name of a relation, or None."""
        return (DUCKDB_SCHEMAS[schema], name) if (schema, name) in self._relations else None

    def relation_oid(self, schema: str, name: str) -> int:
        """Return the OID of a relation, 0 for none."""
        relation = self._relations.get((schema, name))
        return 0 if relation is None else relation.oid

    def column_oid(self, relation: str, column: str) -> int | None:
        """Return the type OID of a column of the catalog as its rows are sent."""
        return self._column_oids.get(relation, {}).get(column)

    def install(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create schemas, tables, views, macros and the rows that never change in an empty database."""
        statements = [f"CREATE SCHEMA {schema}" for schema in DUCKDB_SCHEMAS.values()]
        statements += _OWN_TABLES
        views = []
        for key, relation in self._relations.items():
            listing = ", ".join(f'"{column.name}" {duckdb_type(column.type_name)}' for column in relation.columns)
            place = f'{DUCKDB_SCHEMAS[relation.schema]}."{relation.name}"'
            if key in VIEWS:
                views.append(view_ddl(relation, VIEWS[key]))
            else:
                statements.append(f"CREATE TABLE {place} ({listing})")
        for statement in statements:
            connection.execute(statement)
        self.set_variables(connection, "postgres", "postgres", ("public",))
        install_json(connection)
        for statement in (*views, *HELPERS, *MACROS, *TABLE_MACROS, *PROCEDURE_MACROS, *LENGTH_MACROS):
            connection.execute(statement)
        rows = static_rows()
        rows["gw_type_name"] = _type_names()
        rows["gw_procedure"] = procedure_texts()
        rows["gw_function"] = [_function(line) for line in data_lines("functions")]
        rows["gw_keyword"] = [_keyword(line) for line in data_lines("keywords")]
        for name, content in rows.items():
            self._insert(connection, name, content)
        connection.execute("INSERT INTO gw_pg.gw_regproc_map SELECT map(list(oid), list(name)) FROM gw_pg.gw_function")
        connection.execute(
            "INSERT INTO gw_pg.gw_regproc_oid_map SELECT map(list(name), list(oid))"
            " FROM (SELECT name, min(oid) AS oid FROM gw_pg.gw_function GROUP BY name)"
        )
        connection.execute(
            "INSERT INTO gw_pg.pg_timezone_names "
            "SELECT name, abbrev, utc_offset::INTERVAL, is_dst FROM pg_timezone_names()"
        )

    def install_own(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create what shows sessions their temporary tables as well: made when one first has some, in 30 ms."""
        self.set_variables(connection, "postgres", "postgres", ("public",))
        connection.execute("BEGIN TRANSACTION")
        connection.execute(f"CREATE SCHEMA {OWN_SCHEMA}")
        for _, statement in own_ddl():
            connection.execute(statement)
        connection.execute("COMMIT")

    def fill(
        self,
        connection: duckdb.DuckDBPyConnection,
        tables: Sequence[CatalogTable],
        databases: Iterable[str],
        users: Iterable[str],
        denied: Iterable[tuple[str, str, str]] = (),
        row_types: Iterable[RowType] = (),
    ) -> None:
        """Replace the rows that follow from the datasets, in one transaction.

        Args:
            denied: user, schema, table: who may not read what.
            row_types: composite types that queries have announced.
        """
        rows = dataset_rows(tables, databases, users, denied)
        static = static_rows()
        known = sorted({kind.oid: kind for kind in row_types}.values(), key=lambda kind: kind.oid)
        composite = row_type_rows(known)
        for name in ("pg_class", "pg_attribute"):
            rows[name] += static[name] + composite[name]
        rows["pg_type"] = static["pg_type"] + composite["pg_type"]
        rows["gw_type_name"] = _type_names() + composite["gw_type_name"]
        with self._lock:
            connection.execute("BEGIN TRANSACTION")
            for name, content in rows.items():
                connection.execute(f"DELETE FROM gw_pg.{name}")
                self._insert(connection, name, content)
            connection.execute("COMMIT")

    def set_variables(
        self, connection: duckdb.DuckDBPyConnection, database: str, user: str, search_path: tuple[str, ...]
    ) -> None:
        """Tell a connection whose session it serves; the macros and views ask for it."""
        values = {
            "gw_database": database,
            "gw_user": user,
            "gw_path": list(search_path),
            "gw_started": str(self._started),
        }
        for name, value in values.items():
            connection.execute(f"SET VARIABLE {name} = $1", [value])

    def _insert(self, connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Row]) -> None:
        if not rows:
            return
        own = _OWN_COLUMNS.get(name)
        if own is not None:
            columns: Sequence[tuple[str, pa.DataType]] = own
            defaults: Mapping[str, object] = {}
        else:
            relation = self._relations["pg_catalog", name]
            columns = [(column.name, arrow_type(column.type_name)) for column in relation.columns]
            defaults = defaults_of(relation)
        arrays = [pa.array([row.get(column, defaults.get(column)) for row in rows], kind) for column, kind in columns]
        table = pa.table(arrays, names=[column for column, _ in columns])
        connection.register("gw_rows", table)
        try:
            connection.execute(f"INSERT INTO gw_pg.{name} SELECT * FROM gw_rows")
        finally:
            connection.unregister("gw_rows")


def _function(line: str) -> Row:
    oid, name = line.split(" ")
    return {"oid": int(oid), "name": name}


def _keyword(line: str) -> Row:
    word, category, bare = line.split("|")
    return {
        "word": word,
        "catcode": category,
        "barelabel": bare == "t",
        "catdesc": _KEYWORD_WORDS[category],
        "baredesc": "can be bare label" if bare == "t" else "requires AS",
    }


def _type_names() -> list[Row]:
    names: list[Row] = []
    for kind in type_definitions():
        names.append({"oid": kind.oid, "shown": kind.shown_name, "is_shown": True})
        if kind.name != kind.shown_name:
            names.append({"oid": kind.oid, "shown": kind.name, "is_shown": False})
        if kind.array:
            names.append({"oid": kind.array, "shown": f"{kind.name}[]", "is_shown": False})
    names.extend({"oid": oid, "shown": alias, "is_shown": False} for alias, oid in _TYPE_ALIASES.items())
    names.extend(
        {"oid": oids.ARRAY_OF[oid], "shown": f"{alias}[]", "is_shown": False} for alias, oid in _TYPE_ALIASES.items()
    )
    return names
