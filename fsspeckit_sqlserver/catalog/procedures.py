"""pg_proc: the functions of PostgreSQL that can be called here, and those that types name. Values.

`generate` wrote them from PostgreSQL's own pg_proc: OIDs, signatures and the texts that psql and JDBC show.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from fsspeckit_sqlserver.catalog.definitions import data_lines

__all__ = ["PROCEDURE_MACROS", "procedure_rows", "procedure_texts"]

_OWNER, _PG_CATALOG, _INTERNAL = 10, 11, 12
_TEXTS: Final = {
    "pg_get_function_arguments": "arguments",
    "pg_get_function_identity_arguments": "identity",
    "pg_get_function_result": "result",
}
PROCEDURE_MACROS: Final = tuple(
    f"CREATE OR REPLACE MACRO gw_pg.{name}(o) AS (SELECT any_value(gw_p.gw_text) FROM "
    f"(SELECT oid AS gw_oid, {column} AS gw_text FROM gw_pg.gw_procedure) gw_p WHERE gw_p.gw_oid = o)"
    for name, column in _TEXTS.items()
)


@lru_cache(maxsize=1)
def _fields() -> list[list[str]]:
    return [line.split("\t") for line in data_lines("procedures")]


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(" ") if part]


@lru_cache(maxsize=1)
def procedure_rows() -> list[Mapping[str, object]]:
    """Return the rows of pg_proc."""
    found: list[Mapping[str, object]] = []
    for (
        oid,
        name,
        kind,
        flags,
        cost,
        rows,
        variadic,
        defaults,
        result,
        arguments,
        everything,
        modes,
        names,
        *_,
    ) in _fields():
        kinds = _numbers(arguments)
        found.append(
            {
                "oid": int(oid),
                "proname": name,
                "pronamespace": _PG_CATALOG,
                "proowner": _OWNER,
                "prolang": _INTERNAL,
                "procost": float(cost),
                "prorows": float(rows),
                "provariadic": int(variadic),
                "prokind": kind,
                "proisstrict": "s" in flags[:-2],
                "proretset": "r" in flags[:-2],
                "provolatile": flags[-2],
                "proparallel": flags[-1],
                "pronargs": len(kinds),
                "pronargdefaults": int(defaults),
                "prorettype": int(result),
                "proargtypes": kinds,
                "proallargtypes": _numbers(everything) or None,
                "proargmodes": list(modes) or None,
                "proargnames": names.split(",") if names else None,
                "prosrc": name,
            }
        )
    return found


def procedure_texts() -> list[Mapping[str, object]]:
    """Return what `pg_get_function_arguments` and its kin say of each."""
    return [
        {"oid": int(fields[0]), "arguments": fields[-3], "identity": fields[-2], "result": fields[-1] or None}
        for fields in _fields()
    ]
