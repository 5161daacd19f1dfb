"""The catalog of a session that has temporary tables: its rows, and the views and macros that show them.

The catalog's tables are shared by all sessions, so what only one may see is not in them. Its rows are session
variables of DuckDB, lists of structs; the schema `gw_own` has, of every view and macro that depends on them, a second
form that adds those rows. Statements of sessions with temporary tables are pointed at these; the others pay nothing.
SQL text and values only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fsspeckit_sqlserver.catalog.definitions import RelationDefinition, duckdb_type, relation_definitions
from fsspeckit_sqlserver.catalog.macros import HELPERS, MACROS
from fsspeckit_sqlserver.catalog.rows import Row, attribute_row, class_row, defaults_of
from fsspeckit_sqlserver.catalog.table_macros import TABLE_MACROS
from fsspeckit_sqlserver.catalog.views import VIEWS, definition_text, view_ddl
from fsspeckit_sqlserver.types.column import Column

__all__ = [
    "OWN_SCHEMA",
    "TempColumn",
    "TempKey",
    "TempNumbers",
    "TempRelation",
    "own_ddl",
    "own_names",
    "temp_variables",
]

OWN_SCHEMA: Final = "gw_own"
_FILLED: Final = (
    *("pg_class", "pg_attribute", "pg_attrdef", "pg_namespace"),
    *("pg_constraint", "pg_index", "pg_sequence", "pg_depend"),
)
_NAMESPACE_OID: Final = 16_383  # below every OID of a relation, above those of PostgreSQL's own objects
_OWNER: Final = 10
_HEAP_CLASS: Final = 1_259  # pg_class
_BTREE: Final = 403


_DEFINITION: Final = definition_text("o", "0")
_PRETTY: Final = definition_text("o", "p::INTEGER")
_COLUMN: Final = definition_text("o", "n")
_OWN_CLASS: Final = """CREATE VIEW gw_own.gw_class AS SELECT c.oid AS gw_oid, c.relname AS gw_name,
    n.nspname AS gw_schema, CASE WHEN n.nspname = getvariable('gw_temp_schema')::VARCHAR THEN true ELSE
        (n.nspname = 'pg_catalog' OR list_contains(getvariable('gw_path'), n.nspname))
        AND NOT list_contains(getvariable('gw_temp_names')::VARCHAR[], c.relname) END AS gw_is_visible
    FROM gw_own.pg_class c JOIN gw_own.pg_namespace n ON n.oid = c.relnamespace"""
_OWN_TEXTS: Final = {
    "gw_class": _OWN_CLASS,
    "gw_schema_name": """CREATE MACRO gw_own.gw_schema_name(s) AS
        CASE s WHEN 'pg_temp' THEN getvariable('gw_temp_schema')::VARCHAR ELSE s END""",
    "pg_get_constraintdef": f"""CREATE MACRO gw_own.pg_get_constraintdef(o) AS {_DEFINITION},
        (o, p) AS {_PRETTY}""",
    "pg_get_indexdef": f"""CREATE MACRO gw_own.pg_get_indexdef(o) AS {_DEFINITION}, (o, n) AS {_COLUMN},
        (o, n, p) AS {_COLUMN}""",
    "pg_get_serial_sequence": """CREATE MACRO gw_own.pg_get_serial_sequence(t, c) AS (SELECT min(g.text) FROM
        (SELECT unnest(getvariable('gw_temp_serials')::STRUCT(name VARCHAR, text VARCHAR)[]) AS g)
        WHERE g.name = regexp_replace(t, '^.*[.]', '') || '.' || c)""",
    "pg_my_temp_schema": f"CREATE MACRO gw_own.pg_my_temp_schema() AS {_NAMESPACE_OID}::UINTEGER",
}
_NAME = re.compile(r'\bgw_(?:pg|info)\.("?)(\w+)\1')
_MADE = re.compile(r"CREATE (?:VIEW|MACRO) gw_pg\.(\w+)")


@dataclass(frozen=True, slots=True)
class TempColumn:
    """A column: name and type, NOT NULL, the text of its DEFAULT."""

    column: Column
    is_required: bool = False
    default: str | None = None
    identity: str = ""


@dataclass(frozen=True, slots=True)
class TempKey:
    """A constraint or index of a table.

    Attributes:
        kind: contype of the constraint; empty for an index alone.
        oid, index_oid: 0 for what there is not.
        places: of its columns, from 1; 0 for an expression.
        text, index_text: their definitions.
        others: the OID of the table a foreign key refers to, and the places of its columns.
    """

    name: str
    kind: str
    oid: int
    index_oid: int
    is_unique: bool
    places: tuple[int, ...]
    text: str
    index_text: str
    others: tuple[int, tuple[int, ...]] = (0, ())


@dataclass(frozen=True, slots=True)
class TempNumbers:
    """A sequence, and the column (its table's OID and its place) that it belongs to."""

    oid: int
    name: str
    type_oid: int
    start: int
    step: int
    lowest: int
    highest: int
    cycle: bool
    table: tuple[str, str, int, int] | None = None


@dataclass(frozen=True, slots=True)
class TempRelation:
    """A temporary table, or view."""

    oid: int
    name: str
    is_view: bool
    columns: tuple[TempColumn, ...]
    keys: tuple[TempKey, ...] = ()


def temp_variables(
    schema: str, relations: Sequence[TempRelation], sequences: Sequence[TempNumbers] = ()
) -> dict[str, object]:
    """Return the session variables that hold the rows of these relations; `schema` is their pg_temp_N."""
    rows: dict[str, list[Row]] = {name: [] for name in _FILLED}
    texts: list[Row] = []
    serials: list[Row] = []
    rows["pg_namespace"].append({"oid": _NAMESPACE_OID, "nspname": schema, "nspowner": _OWNER})
    foreign = [(relation.oid, key.others[0]) for relation in relations for key in relation.keys if key.kind == "f"]
    referring = {oid for pair in foreign for oid in pair}  # both ends have triggers
    for relation in relations:
        kind = "v" if relation.is_view else "r"
        row = class_row(relation.oid, relation.name, _NAMESPACE_OID, kind, len(relation.columns))
        has_index = any(key.index_oid for key in relation.keys)
        has_triggers = relation.oid in referring
        checks = sum(key.kind == "c" for key in relation.keys)
        rows["pg_class"].append(
            row | {"relpersistence": "t", "relhasindex": has_index, "relchecks": checks, "relhastriggers": has_triggers}
        )
        for key in relation.keys:
            _add_key(rows, texts, relation, key)
        for number, item in enumerate(relation.columns, 1):
            column = item.column
            attribute = dict(
                attribute_row(
                    relation.oid, number, column.name, column.type_oid, column.typmod, is_required=item.is_required
                )
            )
            attribute["attidentity"] = item.identity
            if item.default is not None and not item.identity:
                attribute["atthasdef"] = True
                rows["pg_attrdef"].append(
                    {"oid": relation.oid, "adrelid": relation.oid, "adnum": number, "adbin": item.default}
                )
            rows["pg_attribute"].append(attribute)
    for sequence in sequences:
        _add_sequence(rows, serials, sequence)
    variables: dict[str, object] = {f"gw_temp_{name}": _complete(name, content) for name, content in rows.items()}
    variables["gw_temp_schema"] = schema
    variables["gw_temp_names"] = [relation.name for relation in relations]
    variables["gw_temp_texts"], variables["gw_temp_serials"] = texts, serials
    return variables


def _add_key(rows: dict[str, list[Row]], texts: list[Row], relation: TempRelation, key: TempKey) -> None:
    if key.kind:
        others, places = key.others
        rows["pg_constraint"].append(
            {
                "oid": key.oid,
                "conname": key.name,
                "connamespace": _NAMESPACE_OID,
                "contype": key.kind,
                "convalidated": True,
                "conrelid": relation.oid,
                "conindid": key.index_oid,
                "confrelid": others,
                "confupdtype": "a" if key.kind == "f" else " ",
                "confdeltype": "a" if key.kind == "f" else " ",
                "confmatchtype": "s" if key.kind == "f" else " ",
                "conislocal": True,
                "connoinherit": key.kind != "c",
                "conkey": list(key.places),
                "confkey": list(places) or None,
                "conbin": key.text if key.kind == "c" else None,
            }
        )
        texts.append({"key": key.oid * 64, "text": key.text})
        pretty = f"CHECK {key.text[7:-1]}" if key.text.startswith("CHECK ((") else key.text
        texts.append({"key": key.oid * 64 + 1, "text": pretty})
    if not key.index_oid:
        return
    row = class_row(key.index_oid, key.name, _NAMESPACE_OID, "i", len(key.places))
    rows["pg_class"].append(row | {"relpersistence": "t", "relam": _BTREE, "relfilenode": key.index_oid})
    count = len(key.places)
    rows["pg_index"].append(
        {
            "indexrelid": key.index_oid,
            "indrelid": relation.oid,
            "indnatts": count,
            "indnkeyatts": count,
            "indisunique": key.is_unique,
            "indisprimary": key.kind == "p",
            "indimmediate": True,
            "indisvalid": True,
            "indisready": True,
            "indislive": True,
            "indkey": list(key.places),
            "indcollation": [0] * count,
            "indclass": [0] * count,
            "indoption": [0] * count,
            "indexprs": key.index_text if 0 in key.places else None,
        }
    )
    texts.append({"key": key.index_oid * 64, "text": key.index_text})
    for number, place in enumerate(key.places, 1):
        if place:
            column = relation.columns[place - 1].column
            rows["pg_attribute"].append(
                attribute_row(key.index_oid, number, column.name, column.type_oid, column.typmod, is_required=False)
            )
            texts.append({"key": key.index_oid * 64 + number, "text": column.name})


def _add_sequence(rows: dict[str, list[Row]], serials: list[Row], sequence: TempNumbers) -> None:
    row = class_row(sequence.oid, sequence.name, _NAMESPACE_OID, "S", 3)
    rows["pg_class"].append(row | {"relpersistence": "t"})
    rows["pg_sequence"].append(
        {
            "seqrelid": sequence.oid,
            "seqtypid": sequence.type_oid,
            "seqstart": sequence.start,
            "seqincrement": sequence.step,
            "seqmax": sequence.highest,
            "seqmin": sequence.lowest,
            "seqcache": 1,
            "seqcycle": sequence.cycle,
        }
    )
    if sequence.table is not None:
        table, column, oid, place = sequence.table
        rows["pg_depend"].append(
            {
                "classid": _HEAP_CLASS,
                "objid": sequence.oid,
                "refclassid": _HEAP_CLASS,
                "refobjid": oid,
                "refobjsubid": place,
                "deptype": "a",
            }
        )
        serials.append({"name": f"{table}.{column}", "text": f"pg_temp.{sequence.name}"})


def _complete(name: str, rows: Iterable[Row]) -> list[Row]:
    relation = _relations()[name]
    defaults = defaults_of(relation)
    return [
        {column.name: row.get(column.name, defaults.get(column.name)) for column in relation.columns} for row in rows
    ]


@lru_cache(maxsize=1)
def own_ddl() -> tuple[tuple[str, str], ...]:
    """Return name and DDL of everything in `gw_own`, in the order in which it is made."""
    relations = _relations()
    own = {name: _filled_view(name) for name in _FILLED}
    others = {name: view_ddl(relations[name], query) for (_, name), query in VIEWS.items()}
    others |= {_made(text): text for text in (*HELPERS, *MACROS, *TABLE_MACROS)}
    found = set(own)
    while True:
        more = {name for name, text in others.items() if name not in found and not found.isdisjoint(_named(text))}
        more |= set(_OWN_TEXTS) - found
        if not more:
            break
        found |= more
    own |= {name: _OWN_TEXTS.get(name) or _pointed(text, found) for name, text in others.items() if name in found}
    return tuple(own.items())


@lru_cache(maxsize=1)
def own_names() -> frozenset[str]:
    """Return the relations and functions of the catalog that have a form of their own for such sessions."""
    return frozenset(name for name, _ in own_ddl())


@lru_cache(maxsize=1)
def _relations() -> Mapping[str, RelationDefinition]:
    return {relation.name: relation for relation in relation_definitions()}


def _named(text: str) -> set[str]:
    return {name for _, name in _NAME.findall(text)}


def _made(text: str) -> str:
    found = _MADE.search(text)
    assert found is not None, text
    return found[1]


def _filled_view(name: str) -> str:
    columns = _relations()[name].columns
    fields = ", ".join(f'"{column.name}" {duckdb_type(column.type_name)}' for column in columns)
    listing = ", ".join(f'gw_row."{column.name}"' for column in columns)
    return (
        f"CREATE VIEW {OWN_SCHEMA}.{name} AS SELECT * FROM gw_pg.{name} UNION ALL SELECT {listing} "
        f"FROM (SELECT unnest(getvariable('gw_temp_{name}')::STRUCT({fields})[]) AS gw_row)"
    )


def _pointed(text: str, own: set[str]) -> str:
    """Return DDL with the names in `own` moved to the schema of sessions."""
    return _NAME.sub(lambda found: f"{OWN_SCHEMA}.{found[2]}" if found[2] in own else found[0], text)
