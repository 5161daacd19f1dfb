"""PostgreSQL's OIDs of the types the gateway speaks, and which array type belongs to which element type.

Pure. Source: PostgreSQL 16, `src/include/catalog/pg_type.dat`; the numbers never change between versions.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

__all__ = [
    "ARRAY_OF",
    "BIT",
    "BOOL",
    "BPCHAR",
    "BYTEA",
    "CHAR",
    "CID",
    "DATE",
    "ELEMENT_OF",
    "FLOAT4",
    "FLOAT8",
    "INET",
    "INT2",
    "INT2VECTOR",
    "INT4",
    "INT8",
    "INTERVAL",
    "JSON",
    "JSONB",
    "NAME",
    "NUMERIC",
    "OID",
    "OIDVECTOR",
    "RECORD",
    "REGCLASS",
    "REGNAMESPACE",
    "REGPROC",
    "REGPROCEDURE",
    "REGROLE",
    "REGTYPE",
    "SHOWN_NAMES",
    "TEXT",
    "TEXT_LIKE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "TIMETZ",
    "TYPE_SIZE",
    "UNKNOWN",
    "UUID",
    "VARBIT",
    "VARCHAR",
    "VOID",
    "XID",
    "oid_of_type",
]

BOOL: Final = 16
BYTEA: Final = 17
CHAR: Final = 18  # the one-byte type called "char"
NAME: Final = 19
INT8: Final = 20
INT2: Final = 21
INT2VECTOR: Final = 22
INT4: Final = 23
REGPROC: Final = 24
TEXT: Final = 25
OID: Final = 26
XID: Final = 28
CID: Final = 29
OIDVECTOR: Final = 30
JSON: Final = 114
FLOAT4: Final = 700
FLOAT8: Final = 701
UNKNOWN: Final = 705
INET: Final = 869
BPCHAR: Final = 1042
VARCHAR: Final = 1043
DATE: Final = 1082
TIME: Final = 1083
TIMESTAMP: Final = 1114
TIMESTAMPTZ: Final = 1184
INTERVAL: Final = 1186
TIMETZ: Final = 1266
BIT: Final = 1560
VARBIT: Final = 1562
NUMERIC: Final = 1700
REGPROCEDURE: Final = 2202
REGCLASS: Final = 2205
REGTYPE: Final = 2206
RECORD: Final = 2249
VOID: Final = 2278
UUID: Final = 2950
JSONB: Final = 3802
REGNAMESPACE: Final = 4089
REGROLE: Final = 4096

ARRAY_OF: Final = MappingProxyType(
    {
        BOOL: 1000,
        BYTEA: 1001,
        CHAR: 1002,
        NAME: 1003,
        INT2: 1005,
        INT2VECTOR: 1006,
        INT4: 1007,
        REGPROC: 1008,
        TEXT: 1009,
        OID: 1028,
        XID: 1011,
        CID: 1012,
        OIDVECTOR: 1013,
        BPCHAR: 1014,
        VARCHAR: 1015,
        INT8: 1016,
        FLOAT4: 1021,
        FLOAT8: 1022,
        INET: 1041,
        TIMESTAMP: 1115,
        DATE: 1182,
        TIME: 1183,
        TIMESTAMPTZ: 1185,
        INTERVAL: 1187,
        NUMERIC: 1231,
        TIMETZ: 1270,
        BIT: 1561,
        VARBIT: 1563,
        REGPROCEDURE: 2207,
        REGCLASS: 2210,
        REGTYPE: 2211,
        RECORD: 2287,
        UUID: 2951,
        JSON: 199,
        JSONB: 3807,
        REGNAMESPACE: 4090,
        REGROLE: 4097,
    }
)
"""Element type → its array type. PostgreSQL has one array type whatever the number of dimensions."""

ELEMENT_OF: Final = MappingProxyType({array: element for element, array in ARRAY_OF.items()})
"""Array type → its element type."""

TEXT_LIKE: Final = frozenset({TEXT, VARCHAR, BPCHAR, NAME, CHAR, UNKNOWN, JSON, INET})
"""Types whose binary form is their text form in UTF-8."""

TYPE_SIZE: Final = MappingProxyType(
    {
        BOOL: 1,
        CHAR: 1,
        NAME: 64,
        INT2: 2,
        INT4: 4,
        INT8: 8,
        OID: 4,
        XID: 4,
        CID: 4,
        REGPROC: 4,
        REGPROCEDURE: 4,
        REGCLASS: 4,
        REGTYPE: 4,
        REGNAMESPACE: 4,
        REGROLE: 4,
        FLOAT4: 4,
        FLOAT8: 8,
        DATE: 4,
        TIME: 8,
        TIMETZ: 12,
        TIMESTAMP: 8,
        TIMESTAMPTZ: 8,
        INTERVAL: 16,
        UUID: 16,
        UNKNOWN: -2,
        VOID: 4,
    }
)
"""`typlen` of the fixed-size types; every other type is variable, -1."""

SHOWN_NAMES: Final = MappingProxyType(
    {
        BOOL: "boolean",
        INT2: "smallint",
        INT4: "integer",
        INT8: "bigint",
        FLOAT4: "real",
        FLOAT8: "double precision",
        NUMERIC: "numeric",
        TEXT: "text",
        VARCHAR: "character varying",
        BPCHAR: "character",
        NAME: "name",
        BYTEA: "bytea",
        DATE: "date",
        TIME: "time without time zone",
        TIMETZ: "time with time zone",
        TIMESTAMP: "timestamp without time zone",
        TIMESTAMPTZ: "timestamp with time zone",
        INTERVAL: "interval",
        UUID: "uuid",
        JSON: "json",
        JSONB: "jsonb",
        BIT: "bit",
        VARBIT: "bit varying",
        OID: "oid",
    }
)
"""What `format_type` shows."""

_BY_NAME: Final = MappingProxyType(
    {
        "bool": BOOL,
        "bytea": BYTEA,
        "char": CHAR,
        "name": NAME,
        "int8": INT8,
        "int2": INT2,
        "int4": INT4,
        "text": TEXT,
        "oid": OID,
        "json": JSON,
        "float4": FLOAT4,
        "float8": FLOAT8,
        "bpchar": BPCHAR,
        "varchar": VARCHAR,
        "date": DATE,
        "time": TIME,
        "timestamp": TIMESTAMP,
        "timestamptz": TIMESTAMPTZ,
        "interval": INTERVAL,
        "timetz": TIMETZ,
        "bit": BIT,
        "varbit": VARBIT,
        "numeric": NUMERIC,
        "regclass": REGCLASS,
        "regtype": REGTYPE,
        "uuid": UUID,
        "jsonb": JSONB,
    }
)


def oid_of_type(name: str) -> int:
    """Return the OID of a type by PostgreSQL's internal name (`int4`, not `integer`), 0 for one not known here."""
    return _BY_NAME.get(name.lower(), 0)
