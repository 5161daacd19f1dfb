"""What a temporary table is made of, beyond what DuckDB keeps: names of constraints, indexes, identity columns. Pure.

CREATE TABLE becomes a `TableDefinition`: LIKE is expanded, `serial` and IDENTITY become defaults, and every constraint
has the name PostgreSQL would choose. DuckDB gets a table written from it, with its constraints in the order in which
PostgreSQL checks them. Sources: PostgreSQL 15, `parse_utilcmd.c` and `indexcmds.c` (ChooseConstraintName).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.deparsing import deparse_expression
from fsspeckit_sqlserver.engine.coercions import adopt
from fsspeckit_sqlserver.engine.errors import (
    InvalidTableDefinition,
    UndefinedColumn,
    UnsupportedStatement,
)
from fsspeckit_sqlserver.engine.trees import call, names_of, replace_node, string, walk
from fsspeckit_sqlserver.types import oids

__all__ = [
    "Constraint",
    "Index",
    "SequenceRequest",
    "TableDefinition",
    "added_constraint",
    "define_table",
    "sequence_default",
]

_SERIALS: Final = {
    "smallserial": "int2",
    "serial2": "int2",
    "serial": "int4",
    "serial4": "int4",
    "bigserial": "int8",
    "serial8": "int8",
}
_LIKE_CONSTRAINTS, _LIKE_DEFAULTS, _LIKE_IDENTITY, _LIKE_INDEXES = 4, 8, 32, 64
_KINDS: Final = {
    pb.CONSTR_PRIMARY: "p",
    pb.CONSTR_UNIQUE: "u",
    pb.CONSTR_CHECK: "c",
    pb.CONSTR_FOREIGN: "f",
}
_SUFFIXES: Final = {"u": "key", "c": "check", "f": "fkey"}


@dataclass(frozen=True, slots=True)
class Constraint:
    """A key or condition. `is_index`: a unique index that is no constraint."""

    name: str
    kind: str
    columns: tuple[str, ...]
    node: pb.Constraint
    is_index: bool = False

    @property
    def text(self) -> str:
        """Its definition as `pg_get_constraintdef` shows it."""
        listing = ", ".join(self.columns)
        if self.kind == "c":
            return f"CHECK (({deparse_expression(self.node.raw_expr)}))"
        if self.kind == "f":
            others = ", ".join(names_of(self.node.pk_attrs))
            return f"FOREIGN KEY ({listing}) REFERENCES {self.node.pktable.relname}({others})"
        return f"{'PRIMARY KEY' if self.kind == 'p' else 'UNIQUE'} ({listing})"


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is there to be listed: name, columns (empty for an expression) and definition."""

    name: str
    columns: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class SequenceRequest:
    """A sequence that belongs to a column: its name, type, and options of CREATE SEQUENCE."""

    name: str
    column: str
    type_name: str
    options: tuple[pb.Node, ...] = ()


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """One table.

    Attributes:
        columns: with NOT NULL and DEFAULT as their only constraints.
        identities: column → `a` or `d`: GENERATED ALWAYS, BY DEFAULT.
        sequences: that belong to its columns.
    """

    columns: tuple[pb.ColumnDef, ...]
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    identities: tuple[tuple[str, str], ...] = ()
    sequences: tuple[SequenceRequest, ...] = ()

    def create_node(self, name: str) -> pb.Node:
        """Return the CREATE TEMP TABLE that makes it."""
        node = pb.Node()
        create = node.create_stmt
        create.relation.relname, create.relation.relpersistence, create.relation.inh = name, "t", True
        create.oncommit = pb.ONCOMMIT_NOOP
        for column in self.columns:
            made = create.table_elts.add().column_def
            made.CopyFrom(column)
            for item in made.constraints if made.type_name.array_bounds else ():
                kind = oids.ARRAY_OF.get(oids.oid_of_type(names_of(made.type_name.names)[-1]), 0)
                adopt(item.constraint.raw_expr, kind, "MDY")
        ranks = {"c": 0, "p": 1, "u": 2, "f": 3}
        checks = sorted(item.name for item in self.constraints if item.kind == "c")
        for item in sorted(self.constraints, key=lambda item: (ranks[item.kind], _rank(item, checks))):
            copy = create.table_elts.add().constraint
            copy.CopyFrom(item.node)
            copy.conname = ""
        return node

    def default_of(self, column: str) -> pb.Node | None:
        """Return the expression a column has by default."""
        for item in self.columns:
            if item.colname.casefold() == column.casefold():
                for part in item.constraints:
                    if part.constraint.contype == pb.CONSTR_DEFAULT:
                        return part.constraint.raw_expr
        return None

    def with_constraint(self, constraint: Constraint) -> TableDefinition:
        """Return the table with one more."""
        return replace(self, constraints=(*self.constraints, constraint))


def _rank(item: Constraint, checks: Sequence[str]) -> int:
    return checks.index(item.name) if item.kind == "c" else 0


def sequence_default(name: str) -> pb.Node:
    """Return `nextval` of a temporary sequence."""
    return call(("gw_sequence", "nextval"), string(f"temp.main.{_quoted(name)}"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass(slots=True)
class _Builder:
    table: str
    date_order: str
    taken: set[str]
    columns: list[pb.ColumnDef] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    identities: list[tuple[str, str]] = field(default_factory=list)
    sequences: list[SequenceRequest] = field(default_factory=list)
    nodes: list[tuple[pb.Constraint, str]] = field(default_factory=list)

    def name_for(self, *parts: str) -> str:
        """Return a name of these parts that is not taken."""
        stem = "_".join(part for part in parts if part)
        name, number = stem, 0
        while name in self.taken:
            number += 1
            name = f"{stem}{number}"
        self.taken.add(name)
        return name

    def column(self, source: pb.ColumnDef) -> None:
        column = pb.ColumnDef()
        column.CopyFrom(source)
        del column.constraints[:]
        name = column.colname
        words = names_of(column.type_name.names)
        default: pb.Node | None = None
        is_required = False
        if len(words) == 1 and words[0] in _SERIALS:
            kind = _SERIALS[words[0]]
            del column.type_name.names[:]
            for word in ("pg_catalog", kind):
                column.type_name.names.add().string.sval = word
            default, is_required = self.sequence(name, kind, ()), True
        for item in source.constraints:
            constraint = item.constraint
            if constraint.contype == pb.CONSTR_DEFAULT:
                default = self.default(column, constraint.raw_expr)
            elif constraint.contype == pb.CONSTR_NOTNULL:
                is_required = True
            elif constraint.contype == pb.CONSTR_IDENTITY:
                default = self.sequence(name, words[-1], tuple(constraint.options))
                is_required = True
                self.identities.append((name, constraint.generated_when))
            elif constraint.contype == pb.CONSTR_GENERATED:
                raise UnsupportedStatement("generated columns are not supported", "Compute the column in a view.")
            elif constraint.contype in _KINDS:
                self.nodes.append((constraint, name))
        if is_required:
            column.constraints.add().constraint.contype = pb.CONSTR_NOTNULL
        if default is not None:
            given = column.constraints.add().constraint
            given.contype = pb.CONSTR_DEFAULT
            given.raw_expr.CopyFrom(default)
        self.columns.append(column)

    def sequence(self, column: str, kind: str, options: tuple[pb.Node, ...]) -> pb.Node:
        name = self.name_for(self.table, column, "seq")
        self.sequences.append(SequenceRequest(name, column, kind, options))
        return sequence_default(name)

    def default(self, column: pb.ColumnDef, expression: pb.Node) -> pb.Node:
        for part in walk(expression):
            if isinstance(part, pb.ColumnRef):
                place = part.location + 1
                raise UnsupportedStatement("cannot use column reference in DEFAULT expression", None, place)
        copy = pb.Node()
        copy.CopyFrom(expression)
        kind = oids.oid_of_type(names_of(column.type_name.names)[-1])
        checked = pb.Node()
        checked.CopyFrom(copy)
        adopt(checked, oids.ARRAY_OF.get(kind, 0) if column.type_name.array_bounds else kind, self.date_order)
        is_array = bool(column.type_name.array_bounds)
        if copy.WhichOneof("node") == "a_const" and checked.WhichOneof("node") == "type_cast" and not is_array:
            replace_node(copy, checked)
        return copy

    def constraint(self, source: pb.Constraint, column: str) -> None:
        """Name a constraint of the table, or of one column."""
        node = pb.Constraint()
        node.CopyFrom(source)
        kind = _KINDS[node.contype]
        if column and kind in "pu":
            node.keys.add().string.sval = column
        if column and kind == "f":
            node.fk_attrs.add().string.sval = column
        if kind == "c":
            columns = tuple(dict.fromkeys(part.fields[-1].string.sval for part in _columns_in(node.raw_expr)))
        else:
            columns = names_of(node.keys if kind in "pu" else node.fk_attrs)
        known = {item.colname.casefold() for item in self.columns}
        for name in columns:
            if name.casefold() not in known and kind != "c":
                word = "key" if kind in "pu" else "foreign key"
                place = node.location + 1
                raise UndefinedColumn(
                    f'column "{name}" {"named in" if kind in "pu" else "referenced in"} {word}'
                    f"{'' if kind in 'pu' else ' constraint'} does not exist",
                    None,
                    place if kind in "pu" else None,
                )
        if kind == "p" and any(item.kind == "p" for item in self.constraints):
            raise InvalidTableDefinition(
                f'multiple primary keys for table "{self.table}" are not allowed', None, node.location + 1
            )
        name = node.conname
        if not name and kind == "p":
            name = self.name_for(self.table, "pkey")
        elif not name and kind == "c":
            name = self.name_for(self.table, columns[0] if len(columns) == 1 else column, "check")
        elif not name:
            name = self.name_for(self.table, "_".join(columns), _SUFFIXES[kind])
        self.taken.add(name)
        self.constraints.append(Constraint(name, kind, columns, node))
        if kind == "p":
            self.require(columns)

    def require(self, columns: Iterable[str]) -> None:
        for column in self.columns:
            if column.colname in columns and not any(
                item.constraint.contype == pb.CONSTR_NOTNULL for item in column.constraints
            ):
                column.constraints.add().constraint.contype = pb.CONSTR_NOTNULL

    def like(self, clause: pb.TableLikeClause, source: TableDefinition) -> None:
        """Take over what a LIKE clause names."""
        options = clause.options
        always = dict(source.identities)
        for item in source.columns:
            column = pb.ColumnDef()
            column.CopyFrom(item)
            is_required = any(part.constraint.contype == pb.CONSTR_NOTNULL for part in item.constraints)
            default = source.default_of(item.colname)
            del column.constraints[:]
            if is_required:
                column.constraints.add().constraint.contype = pb.CONSTR_NOTNULL
            if item.colname in always:
                default = None
                if options & _LIKE_IDENTITY:
                    default = self.sequence(item.colname, names_of(item.type_name.names)[-1], ())
                    self.identities.append((item.colname, always[item.colname]))
            elif not options & _LIKE_DEFAULTS:
                default = None
            if default is not None:
                given = column.constraints.add().constraint
                given.contype = pb.CONSTR_DEFAULT
                given.raw_expr.CopyFrom(default)
            self.columns.append(column)
        for constraint in source.constraints:
            node = pb.Constraint()
            node.CopyFrom(constraint.node)
            if constraint.kind == "c" and options & _LIKE_CONSTRAINTS:
                node.conname = constraint.name
                self.nodes.append((node, ""))
            elif constraint.kind in "pu" and options & _LIKE_INDEXES:
                node.conname = ""
                self.nodes.append((node, ""))


def _columns_in(node: pb.Node) -> list[pb.ColumnRef]:
    return [part for part in walk(node) if isinstance(part, pb.ColumnRef)][::-1]


def define_table(
    create: pb.CreateStmt,
    definition_of: Callable[[pb.RangeVar], TableDefinition],
    taken: Iterable[str],
    date_order: str,
) -> TableDefinition:
    """Return what a CREATE TABLE makes.

    Args:
        definition_of: the table that a LIKE clause names.
        taken: names of relations that there are.

    Raises:
        StatementProblem: it is wrong; in PostgreSQL's words.
    """
    builder = _Builder(create.relation.relname, date_order, set(taken))
    for element in create.table_elts:
        kind = element.WhichOneof("node")
        if kind == "column_def":
            builder.column(element.column_def)
        elif kind == "table_like_clause":
            builder.like(element.table_like_clause, definition_of(element.table_like_clause.relation))
        else:
            builder.nodes.append((element.constraint, ""))
    for node, column in sorted(builder.nodes, key=lambda pair: pair[0].contype != pb.CONSTR_PRIMARY):
        builder.constraint(node, column)
    return TableDefinition(
        tuple(builder.columns),
        tuple(builder.constraints),
        tuple(builder.indexes),
        tuple(builder.identities),
        tuple(builder.sequences),
    )


def added_constraint(
    definition: TableDefinition, node: pb.Constraint, table: str, taken: Iterable[str]
) -> TableDefinition:
    """Return a table with one more constraint, named as PostgreSQL would.

    Raises:
        StatementProblem: it is wrong; in PostgreSQL's words.
    """
    builder = _Builder(table, "MDY", set(taken), columns=list(map(copied_column, definition.columns)))
    builder.constraints = list(definition.constraints)
    builder.constraint(node, "")
    return replace(definition, columns=tuple(builder.columns), constraints=tuple(builder.constraints))


def copied_column(column: pb.ColumnDef, name: str = "") -> pb.ColumnDef:
    """Return a copy of a column, under another name if one is given."""
    copy = pb.ColumnDef()
    copy.CopyFrom(column)
    copy.colname = name or column.colname
    return copy
