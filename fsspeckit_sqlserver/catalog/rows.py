"""The rows of the system catalog: what is always there, and what follows from the datasets. Pure.

A row is given by the columns that matter; the others get PostgreSQL's usual defaults (0, false, empty), NULL where a
column may be NULL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from fsspeckit_sqlserver.catalog.dataset_oids import PUBLIC, dataset_oids, oid_of_name
from fsspeckit_sqlserver.catalog.definitions import (
    RelationDefinition,
    data_lines,
    relation_definitions,
    type_definitions,
)
from fsspeckit_sqlserver.catalog.procedures import procedure_rows
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.composite import RowType

__all__ = [
    "CatalogTable",
    "Row",
    "Rows",
    "attribute_row",
    "class_row",
    "dataset_rows",
    "defaults_of",
    "encoding_utf8",
    "row_type_rows",
    "static_rows",
]

Row: TypeAlias = Mapping[str, object]
Rows: TypeAlias = dict[str, list[Row]]
"""Relation of pg_catalog → rows."""

encoding_utf8: Final = 6
_OWNER: Final = 10
_PG_CATALOG, _TOAST, _INFORMATION_SCHEMA = 11, 99, 13207
_HEAP: Final = 2
_PG_CLASS: Final = 1259


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """A dataset as the catalog shows it. `rows` is 0 when not known yet."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    rows: int
    size_bytes: int
    comment: str


def static_rows() -> Rows:
    """Return the rows that do not depend on the datasets."""
    rows: Rows = {
        "pg_am": [
            {"oid": oid, "amname": name, "amtype": kind}
            for oid, name, kind in ((_HEAP, "heap", "t"), (403, "btree", "i"), (405, "hash", "i"))
        ],
        "pg_collation": [
            _collation(100, "default", "d", None),
            _collation(950, "C", "c", "C"),
            _collation(951, "POSIX", "c", "POSIX"),
        ],
        "pg_language": [
            {"oid": oid, "lanname": name, "lanowner": _OWNER, "lanpltrusted": name == "sql"}
            for oid, name in ((12, "internal"), (13, "c"), (14, "sql"))
        ],
        "pg_tablespace": [
            {"oid": oid, "spcname": name, "spcowner": _OWNER}
            for oid, name in ((1663, "pg_default"), (1664, "pg_global"))
        ],
        "pg_extension": [],
        "pg_settings": [_setting(line) for line in data_lines("settings")],
        "pg_range": [_range(line) for line in data_lines("ranges")],
        "pg_type": _types(),
        "pg_proc": procedure_rows(),
    }
    rows["pg_class"], rows["pg_attribute"] = _system_relations()
    return rows


def _collation(oid: int, name: str, provider: str, locale: str | None) -> Row:
    return {
        "oid": oid,
        "collname": name,
        "collnamespace": _PG_CATALOG,
        "collowner": _OWNER,
        "collprovider": provider,
        "collisdeterministic": True,
        "collencoding": -1,
        "collcollate": locale,
        "collctype": locale,
    }


def _setting(line: str) -> Row:
    name, unit, context, kind, low, high, default = line.split("|")
    value = {"server_version": "16.4", "server_version_num": "160004", "TimeZone": "UTC"}.get(name, default)
    return {
        "name": name,
        "setting": value,
        "unit": unit or None,
        "category": "PostgreSQL",
        "short_desc": name.replace("_", " "),
        "context": context,
        "vartype": kind,
        "source": "default",
        "min_val": low or None,
        "max_val": high or None,
        "boot_val": default or None,
        "reset_val": value or None,
        "pending_restart": False,
    }


def _range(line: str) -> Row:
    kind, subtype, multirange, collation = (int(field) for field in line.split(" "))
    return {"rngtypid": kind, "rngsubtype": subtype, "rngmultitypid": multirange, "rngcollation": collation}


def _types() -> list[Row]:
    return [
        {
            "oid": kind.oid,
            "typname": kind.name,
            "typnamespace": _PG_CATALOG,
            "typowner": _OWNER,
            "typlen": kind.length,
            "typbyval": kind.is_by_value,
            "typtype": kind.kind,
            "typcategory": kind.category,
            "typispreferred": kind.is_preferred,
            "typisdefined": True,
            "typdelim": kind.delimiter,
            "typelem": kind.element,
            "typarray": kind.array,
            "typalign": kind.alignment,
            "typstorage": kind.storage,
            "typtypmod": -1,
            "typcollation": kind.collation,
            **{column: function for column, (function, _) in zip(_TYPE_FUNCTIONS, kind.functions, strict=True)},
        }
        for kind in type_definitions()
    ]


def _system_relations() -> tuple[list[Row], list[Row]]:
    type_oids = {kind.name: kind for kind in type_definitions()}
    classes: list[Row] = []
    attributes: list[Row] = []
    for relation in relation_definitions():
        namespace = _PG_CATALOG if relation.schema == "pg_catalog" else _INFORMATION_SCHEMA
        classes.append(class_row(relation.oid, relation.name, namespace, relation.kind, len(relation.columns)))
        for number, column in enumerate(relation.columns, 1):
            kind = type_oids.get(column.type_name, type_oids["text"])
            attributes.append(attribute_row(relation.oid, number, column.name, kind.oid, -1, column.is_required))
    return classes, attributes


def class_row(oid: int, name: str, namespace: int, kind: str, columns: int) -> dict[str, object]:
    """Return a row of pg_class; `kind` is its relkind."""
    return {
        "oid": oid,
        "relname": name,
        "relnamespace": namespace,
        "relowner": _OWNER,
        "relam": _HEAP if kind == "r" else 0,
        "relfilenode": oid if kind == "r" else 0,
        "reltuples": -1.0,
        "relpersistence": "p",
        "relkind": kind,
        "relnatts": columns,
        "relispopulated": True,
        "relreplident": "d" if kind == "r" else "n",
    }


def attribute_row(relation: int, number: int, name: str, type_oid: int, typmod: int, is_required: bool) -> Row:
    """Return a row of pg_attribute."""
    kind = _TYPE_BY_OID.get(type_oid) or _TYPE_BY_OID[oids.TEXT]
    return {
        "attrelid": relation,
        "attname": name,
        "atttypid": type_oid,
        "attstattarget": -1,
        "attlen": kind.length,
        "attnum": number,
        "attndims": 1 if kind.category == "A" else 0,
        "attcacheoff": -1,
        "atttypmod": typmod,
        "attbyval": kind.is_by_value,
        "attalign": kind.alignment,
        "attstorage": kind.storage,
        "attnotnull": is_required,
        "attislocal": True,
        "attcollation": kind.collation,
    }


def dataset_rows(
    tables: Sequence[CatalogTable],
    databases: Iterable[str],
    users: Iterable[str],
    denied: Iterable[tuple[str, str, str]] = (),
) -> Rows:
    """Return the rows that follow from the datasets, the databases clients asked for and the users they are.

    Args:
        denied: user, schema, table: who may not read what.
    """
    known = dataset_oids((table.schema, table.name) for table in tables)
    taken, namespaces, table_oids = known.taken, known.namespaces, known.tables
    rows: Rows = {name: [] for name in ("pg_class", "pg_attribute", "pg_description", "pg_stat_user_tables")}
    for table in sorted(tables, key=lambda table: (table.schema, table.name)):
        oid = table_oids[table.schema, table.name]
        row = class_row(oid, table.name, namespaces[table.schema], "r", len(table.columns))
        row["relpages"] = min(table.size_bytes // 8192, 2**31 - 1)
        row["reltuples"] = float(table.rows) if table.rows else -1.0
        rows["pg_class"].append(row)
        for number, column in enumerate(table.columns, 1):
            rows["pg_attribute"].append(
                attribute_row(oid, number, column.name, column.type_oid, column.typmod, is_required=False)
            )
        rows["pg_description"].append(
            {"objoid": oid, "classoid": _PG_CLASS, "objsubid": 0, "description": table.comment}
        )
        rows["pg_stat_user_tables"].append(
            {"relid": oid, "schemaname": table.schema, "relname": table.name, "n_live_tup": table.rows}
        )
    rows["pg_namespace"] = [
        {"oid": oid, "nspname": name, "nspowner": _OWNER}
        for name, oid in (
            ("pg_toast", _TOAST),
            ("pg_catalog", _PG_CATALOG),
            ("information_schema", _INFORMATION_SCHEMA),
            *namespaces.items(),
        )
    ]
    rows["gw_size"] = [
        {"oid": table_oids[table.schema, table.name], "size_bytes": table.size_bytes} for table in tables
    ]
    rows["gw_denied"] = [{"role": role, "oid": table_oids[schema, name]} for role, schema, name in denied]
    rows["pg_database"] = [_database(oid_of_name("database", name, taken), name) for name in sorted(set(databases))]
    roles = ["postgres", *sorted(set(users) - {"postgres"})]
    rows["pg_authid"] = [
        _role(_OWNER if name == "postgres" else oid_of_name("role", name, taken), name) for name in roles
    ]
    return rows


def row_type_rows(row_types: Sequence[RowType]) -> Rows:
    """Return the rows of composite types and their array types."""
    rows: Rows = {"pg_class": [], "pg_attribute": [], "pg_type": [], "gw_type_name": []}
    for kind in row_types:
        row = class_row(kind.relation_oid, kind.name, PUBLIC, "c", len(kind.fields))
        row["reltype"] = kind.oid
        rows["pg_class"].append(row)
        rows["pg_attribute"] += [
            attribute_row(kind.relation_oid, number, field.name, field.type_oid, field.typmod, is_required=False)
            for number, field in enumerate(kind.fields, 1)
        ]
        rows["pg_type"] += [
            _made_type(
                kind.oid, kind.name, "c", "C", _RECORD_FUNCTIONS, typarray=kind.array_oid, typrelid=kind.relation_oid
            ),
            _made_type(kind.array_oid, f"_{kind.name}", "b", "A", _ARRAY_FUNCTIONS, typelem=kind.oid),
        ]
        rows["gw_type_name"] += [
            {"oid": oid, "shown": shown, "is_shown": is_shown}
            for oid, shown, is_shown in (
                (kind.oid, kind.name, True),
                (kind.array_oid, f"{kind.name}[]", True),
                (kind.array_oid, f"_{kind.name}", False),
            )
        ]
    return rows


_TYPE_FUNCTIONS: Final = ("typinput", "typoutput", "typreceive", "typsend", "typmodin", "typmodout", "typsubscript")
_RECORD_FUNCTIONS: Final = (2290, 2291, 2402, 2403, 0, 0, 0)
_ARRAY_FUNCTIONS: Final = (750, 751, 2400, 2401, 0, 0, 6179)


def _made_type(oid: int, name: str, kind: str, category: str, functions: Sequence[int], **more: int) -> Row:
    return {
        "oid": oid,
        "typname": name,
        "typnamespace": PUBLIC,
        "typowner": _OWNER,
        "typlen": -1,
        "typtype": kind,
        "typcategory": category,
        "typisdefined": True,
        "typdelim": ",",
        "typalign": "d",
        "typstorage": "x",
        "typtypmod": -1,
        **dict(zip(_TYPE_FUNCTIONS, functions, strict=True)),
        **more,
    }


def _database(oid: int, name: str) -> Row:
    return {
        "oid": oid,
        "datname": name,
        "datdba": _OWNER,
        "encoding": encoding_utf8,
        "datlocprovider": "c",
        "datallowconn": True,
        "datconnlimit": -1,
        "dattablespace": 1663,
        "datcollate": "C.UTF-8",
        "datctype": "C.UTF-8",
    }


def _role(oid: int, name: str) -> Row:
    return {
        "oid": oid,
        "rolname": name,
        "rolsuper": name == "postgres",
        "rolinherit": True,
        "rolcanlogin": True,
        "rolconnlimit": -1,
    }


def defaults_of(relation: RelationDefinition) -> dict[str, object]:
    """Return the value each required column has when a row does not give it."""
    values: dict[str, object] = {}
    for column in relation.columns:
        if not column.is_required:
            continue
        if column.type_name in {"bool"}:
            values[column.name] = False
        elif column.type_name in {"int2", "int4", "int8", "oid", "xid", "regproc", "float4", "float8"}:
            values[column.name] = 0
        elif column.type_name.startswith("_") or column.type_name.endswith("vector"):
            values[column.name] = []
        elif column.type_name in {"name", "text", "varchar", "char"}:
            values[column.name] = ""
    return values


_TYPE_BY_OID: Final = {kind.oid: kind for kind in type_definitions()}
