"""The unbound predicate tree: what a WHERE clause says about the columns of one table.

Pure. `where` builds it from a parse tree, `bind` resolves it against a schema, `pruning` evaluates the bound form. Each
node asks "may some row make this TRUE?" in SQL's three-valued logic; `ANYTHING` stands for whatever was not understood
and is always answered with yes, also when negated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from fsspeckit_lib.sql.domains import Literal

__all__ = [
    "ANYTHING",
    "NEVER",
    "And",
    "Anything",
    "ColumnTerm",
    "Compare",
    "IsNull",
    "Membership",
    "Never",
    "Not",
    "Operator",
    "Or",
    "Predicate",
    "Prefix",
    "conjunction",
]


class Operator(Enum):
    """A comparison."""

    EQ = "="
    NE = "<>"
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    @property
    def negated(self) -> Operator:
        """The comparison that is TRUE where this one is FALSE."""
        return _NEGATED[self]

    @property
    def flipped(self) -> Operator:
        """The comparison with its two sides exchanged."""
        return _FLIPPED[self]


_NEGATED: Final = {
    Operator.EQ: Operator.NE,
    Operator.NE: Operator.EQ,
    Operator.LT: Operator.GE,
    Operator.GE: Operator.LT,
    Operator.GT: Operator.LE,
    Operator.LE: Operator.GT,
}
_FLIPPED: Final = {
    Operator.EQ: Operator.EQ,
    Operator.NE: Operator.NE,
    Operator.LT: Operator.GT,
    Operator.GT: Operator.LT,
    Operator.LE: Operator.GE,
    Operator.GE: Operator.LE,
}


@dataclass(frozen=True, slots=True)
class ColumnTerm:
    """A column, perhaps under one cast: `day`, `ts::date`. `cast` is PostgreSQL's name of the type, or None."""

    name: str
    cast: str | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """`term operator literal`."""

    term: ColumnTerm
    operator: Operator
    literal: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """`term IN (literals)`."""

    term: ColumnTerm
    literals: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    """`term LIKE 'prefix%'`: the text starts with these characters, and perhaps more is asked of it."""

    term: ColumnTerm
    prefix: str


@dataclass(frozen=True, slots=True)
class IsNull:
    """`term IS NULL`."""

    term: ColumnTerm


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    children: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    children: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; NULL stays NULL."""

    child: Predicate


@dataclass(frozen=True, slots=True)
class Anything:
    """Not understood: any row may match, whether negated or not."""


@dataclass(frozen=True, slots=True)
class Never:
    """FALSE or NULL for every row; `is_null` tells which, because NOT keeps NULL and turns FALSE into TRUE."""

    is_null: bool = False


Predicate: TypeAlias = Compare | Membership | Prefix | IsNull | And | Or | Not | Anything | Never

ANYTHING: Final = Anything()
NEVER: Final = Never()


def conjunction(predicates: list[Predicate]) -> Predicate:
    """Return the AND of several predicates, without what says nothing."""
    telling = tuple(predicate for predicate in predicates if not isinstance(predicate, Anything))
    if not telling:
        return ANYTHING
    return telling[0] if len(telling) == 1 else And(telling)
