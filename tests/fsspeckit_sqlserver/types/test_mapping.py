"""DuckDB's types as PostgreSQL's: the OIDs are asked of DuckDB and of a real PostgreSQL, not written twice."""

from __future__ import annotations

import duckdb
import psycopg
import pytest

from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.mapping import column_for, select_cast

TYPES = {
    "BOOLEAN": "bool",
    "TINYINT": "int2",
    "SMALLINT": "int2",
    "INTEGER": "int4",
    "BIGINT": "int8",
    "HUGEINT": "numeric",
    "UTINYINT": "int2",
    "USMALLINT": "int4",
    "UINTEGER": "int8",
    "UBIGINT": "numeric",
    "UHUGEINT": "numeric",
    "FLOAT": "float4",
    "DOUBLE": "float8",
    "DECIMAL(18,3)": "numeric(18,3)",
    "VARCHAR": "text",
    "BLOB": "bytea",
    "BIT": "varbit",
    "DATE": "date",
    "TIME": "time",
    "TIMETZ": "timetz",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMPTZ": "timestamptz",
    "INTERVAL": "interval",
    "UUID": "uuid",
    "JSON": "json",
    "ENUM('a', 'b')": "text",
    "STRUCT(a INTEGER, b VARCHAR[])": "json",
    "MAP(VARCHAR, INTEGER)": "json",
    "UNION(n INTEGER, s VARCHAR)": "json",
    "INTEGER[]": "int4[]",
    "INTEGER[][]": "int4[]",
    "INTEGER[3]": "int4[]",
    "DECIMAL(9,2)[]": "numeric[]",
    "STRUCT(a INTEGER)[]": "json",
    "STRUCT(a INTEGER[])": "json",
}


@pytest.mark.parametrize("duckdb_type", TYPES)
def test_every_type_has_its_oid(postgres: str, duckdb_type: str) -> None:
    with duckdb.connect() as connection:
        (found,) = connection.sql(f"SELECT NULL::{duckdb_type} AS c").types
    column = column_for("c", found)
    with psycopg.connect(postgres) as oracle:
        described = oracle.execute(f"SELECT NULL::{TYPES[duckdb_type]} AS c").pgresult
        assert described is not None
        assert (column.type_oid, column.typmod) == (described.ftype(0), described.fmod(0))
        assert column_for("c", str(found)) == column


def test_the_null_type_is_text() -> None:
    with duckdb.connect() as connection:
        (found,) = connection.sql("SELECT NULL").types
    assert column_for("c", found).type_oid == oids.TEXT


def test_lossy_types_are_cast_in_duckdb() -> None:
    assert select_cast("INTEGER") is None
    assert select_cast("UNION(n INTEGER, s VARCHAR)") == "JSON"
    for lossy in ("UHUGEINT", "BIGNUM", "TIME WITH TIME ZONE", "BIT"):
        assert select_cast(lossy) == "VARCHAR"


def test_oids_and_sizes_are_postgres_own(postgres: str) -> None:
    with psycopg.connect(postgres) as oracle:
        known = {oid: (array, size) for oid, array, size in oracle.execute("SELECT oid, typarray, typlen FROM pg_type")}
    for element, array in oids.ARRAY_OF.items():
        assert known[element][0] == array
    for oid, size in oids.TYPE_SIZE.items():
        assert known[oid][1] == size
