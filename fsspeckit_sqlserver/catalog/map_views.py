"""Views of one row each: a map from OIDs to what the catalog's functions show for them. SQL text.

A subquery that asks for each row's own OID becomes a hash join in DuckDB, and its rows come in another order: psql's
\\gdesc, `SELECT name, format_type(type, modifier) FROM (VALUES …)`, counts on theirs. A query makes such a map once, as
fast as that join (2 ms for 600 types), and looking up in it leaves the rows where they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["map_views"]

_VIEW: Final = """CREATE VIEW gw_pg.gw_{name}_map AS SELECT map(list(gw_key), list(gw_text)) AS gw_map
    FROM (SELECT {key} AS gw_key, min({text}) AS gw_text FROM {source} WHERE {condition} GROUP BY ALL)"""

_CLASS_NAMES: Final = """SELECT lower(gw_schema || chr(9) || gw_name) AS gw_key, gw_oid FROM gw_pg.gw_class
    UNION ALL SELECT lower(chr(9) || gw_name), gw_oid FROM gw_pg.gw_class WHERE gw_is_visible"""

_WRITTEN: Final = (
    ("type", "gw_oid", "gw_shown", "gw_pg.gw_typename", "gw_is_shown"),
    # the parts of the name, which are quoted where they are shown
    (
        "class",
        "gw_oid",
        "CASE WHEN gw_is_visible THEN [gw_name] ELSE [gw_schema, gw_name] END",
        "gw_pg.gw_class",
        "true",
    ),
    # schema, tab, name, folded; no schema before what the search path finds
    ("class_oid", "gw_key", "gw_oid", f"({_CLASS_NAMES})", "true"),
    ("comment", "gw_oid * 65536::BIGINT + gw_number", "gw_text", "gw_pg.gw_comment", "true"),
)


def map_views(stems: Iterable[str]) -> tuple[str, ...]:
    """Return the DDL of the views.

    Args:
        stems: of the reg… types whose names come from a view `gw_<stem>` of OID and name.
    """
    named = [
        entry
        for stem in stems
        for entry in (
            (stem, "gw_oid", "gw_name", f"gw_pg.gw_{stem}", "true"),
            (f"{stem}_oid", "gw_name", "gw_oid", f"gw_pg.gw_{stem}", "gw_name IS NOT NULL"),
        )
    ]
    return tuple(
        _VIEW.format(name=name, key=key, text=text, source=source, condition=condition)
        for name, key, text, source, condition in (*_WRITTEN, *named)
    )
