"""One column of a result as the wire describes it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Column"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of RowDescription.

    Attributes:
        name: as the client sees it.
        type_oid: PostgreSQL's OID of the type.
        typmod: PostgreSQL's type modifier, -1 for none (numeric(p,s): ((p << 16) | s) + 4).
        table_oid, number: the table whose column it is, unchanged, and which of its columns; 0 for others.
    """

    name: str
    type_oid: int
    typmod: int = -1
    table_oid: int = 0
    number: int = 0
