"""The columns a query gives, and what ORDER BY, GROUP BY and DISTINCT ON may say of them. Pure.

Source: PostgreSQL 15, `parse_clause.c` (findTargetlistEntrySQL92, transformDistinctClause).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import (
    AmbiguousColumn,
    InvalidColumnReference,
    StatementProblem,
    UnsupportedStatement,
)
from fsspeckit_sqlserver.engine.trees import child_messages, copied, walk

__all__ = [
    "Origin",
    "Output",
    "Outputs",
    "check_same_width",
    "check_sort_items",
    "check_subquery",
    "check_values",
    "ends_in_star",
    "first_location",
    "plain_name",
    "windows_of",
]


Origin: TypeAlias = tuple[str, str, int]
"""Schema and name of a table, and the number of its column."""


@dataclass(frozen=True, slots=True)
class Output:
    """One column: its name, and which column of FROM it is, or what expression; which of a table, if it is one."""

    name: str
    identity: object = None
    node: pb.Node | None = None
    origin: Origin | None = None

    def is_same(self, other: Output) -> bool:
        """Return whether two columns are certain to be the same."""
        if self.identity is not None or other.identity is not None:
            return self.identity == other.identity
        return self.node is not None and other.node is not None and _text(self.node) == _text(other.node)


@dataclass(slots=True)
class Outputs:
    """All columns of a query; `is_open` where there may be more."""

    columns: list[Output]
    is_open: bool = False

    def has(self, name: str, location: int, clause: str) -> bool:
        """Return whether there is a column of that name.

        Raises:
            AmbiguousColumn: there are several different ones.
        """
        folded = name.casefold()
        hits = [output for output in self.columns if output.name.casefold() == folded]
        if any(not hits[0].is_same(other) for other in hits[1:]):
            raise AmbiguousColumn(f'{clause} "{name}" is ambiguous', None, location + 1)
        return bool(hits)

    def without_origins(self) -> Outputs:
        """Return the columns of a set operation: none is a column of one table."""
        return Outputs([replace(output, origin=None) for output in self.columns], self.is_open)

    def check_position(self, node: pb.Node, clause: str) -> bool:
        """Return whether an item is a constant, which names a column by its place.

        Raises:
            InvalidColumnReference, StatementProblem: there is no such place.
        """
        if node.WhichOneof("node") != "a_const":
            return False
        constant = node.a_const
        if constant.isnull or constant.WhichOneof("val") != "ival":
            raise StatementProblem(f"non-integer constant in {clause}", None, constant.location + 1)
        place = constant.ival.ival
        if place < 1 or (place > len(self.columns) and not self.is_open):
            raise InvalidColumnReference(
                f"{clause} position {place} is not in select list", None, constant.location + 1
            )
        return True


def check_sort_items(select: pb.SelectStmt, outputs: Outputs, check: Callable[[pb.Node], object]) -> None:
    """Check ORDER BY.

    Args:
        check: an expression that is no column of the result; returns which column of FROM it is, if it is one.
    """
    is_union = select.op != pb.SETOP_NONE
    is_distinct = bool(select.distinct_clause) and select.distinct_clause[0].WhichOneof("node") is None
    for item in select.sort_clause:
        node = item.sort_by.node
        fields = node.column_ref.fields
        if len(fields) == 1 and outputs.has(fields[0].string.sval, node.column_ref.location, "ORDER BY"):
            continue
        if outputs.check_position(node, "ORDER BY"):
            continue
        identity = check(node)
        if is_union and identity is not None:
            raise UnsupportedOrder(first_location(node))
        is_hidden = not outputs.is_open and identity not in {output.identity for output in outputs.columns}
        if is_distinct and identity is not None and is_hidden:
            raise InvalidColumnReference(
                "for SELECT DISTINCT, ORDER BY expressions must appear in select list", None, first_location(node)
            )


def check_same_width(select: pb.SelectStmt, left: Outputs, right: Outputs) -> None:
    """Make sure that both sides of a set operation have as many columns."""
    if left.is_open or right.is_open or len(left.columns) == len(right.columns):
        return
    word = {pb.SETOP_INTERSECT: "INTERSECT", pb.SETOP_EXCEPT: "EXCEPT"}.get(select.op, "UNION")
    first = select.rarg.target_list[0] if select.rarg.target_list else pb.Node()
    raise StatementProblem(
        f"each {word} query must have the same number of columns", None, first_location(first.res_target.val)
    )


def check_values(select: pb.SelectStmt) -> int:
    """Return how many columns the rows of VALUES have, all as many."""
    rows = [row.list.items for row in select.values_lists]
    for row in rows:
        if len(row) != len(rows[0]):
            raise StatementProblem("VALUES lists must all be the same length", None, first_location(row[0]))
    return len(rows[0])


def check_subquery(link: pb.SubLink, outputs: Outputs) -> None:
    """Make sure that a subquery that stands for a value has one column."""
    if outputs.is_open or len(outputs.columns) == 1:
        return
    place = link.location + 1
    if link.sub_link_type in {pb.EXPR_SUBLINK, pb.ARRAY_SUBLINK}:
        raise StatementProblem("subquery must return only one column", None, place)
    is_row = link.testexpr.WhichOneof("node") == "row_expr"
    if link.sub_link_type in {pb.ANY_SUBLINK, pb.ALL_SUBLINK} and not is_row and outputs.columns:
        raise StatementProblem("subquery has too many columns", None, place)


class UnsupportedOrder(UnsupportedStatement):
    """ORDER BY of a set operation with anything but names and places of its columns."""

    def __init__(self, position: int | None) -> None:
        super().__init__(
            "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
            "Add the expression/function to every SELECT, or move the UNION into a FROM clause.",
        )
        self.detail = "Only result column names can be used, not expressions or functions."
        self.position = position


def first_location(node: pb.Node) -> int | None:
    """Return where an expression begins: the place of its leftmost part that has one."""

    places = [place for part in walk(node) if (place := getattr(part, "location", 0)) > 0]
    return min(places) + 1 if places else None


def _text(node: pb.Node) -> bytes:

    copy = copied(node)
    for part in walk(copy):
        if getattr(part, "location", 0):
            part.location = 0  # type: ignore[attr-defined]
    return bytes(copy.SerializeToString(deterministic=True))


def windows_of(select: pb.SelectStmt) -> list[tuple[int, str]]:
    """Return place and name of the windows that the SELECT list and ORDER BY name, but for those in subqueries."""
    found: list[tuple[int, str]] = []
    pending: list[Message] = [*select.target_list, *select.sort_clause]
    while pending:
        message = pending.pop()
        if isinstance(message, pb.SelectStmt):
            continue
        if isinstance(message, pb.FuncCall) and message.over.name:
            found.append((message.over.location, message.over.name))
        pending.extend(child_messages(message))
    return sorted(found)


def ends_in_star(fields: Sequence[pb.Node]) -> bool:
    """Return whether a column reference is `*` or `t.*`."""
    return bool(fields) and fields[-1].WhichOneof("node") == "a_star"


def plain_name(node: pb.Node) -> str | None:
    """Return the name that is all of an expression, None where it is more."""
    if node.WhichOneof("node") != "column_ref" or len(node.column_ref.fields) != 1:
        return None
    return node.column_ref.fields[0].string.sval or None
