"""Which relation each table reference of a statement means. Pure: rewrites the references of a copied tree.

Search order as in PostgreSQL: common table expressions in scope, temporary objects, pg_catalog, then the search path.
What is none of these does not exist, so DuckDB never gets to guess (it would take `"file.parquet"` for a file).

A dataset becomes `gw_scan.t<n>`, n counting references; `scans` puts the files there. A temporary view becomes its own
query in parentheses, so that it sees the files of the moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.common.names import nearest
from fsspeckit_sqlserver.engine.errors import StatementProblem, UndefinedTable, UnsupportedStatement, read_only
from fsspeckit_sqlserver.engine.row_comparisons import expand_rows
from fsspeckit_sqlserver.engine.sequences import SEQUENCE_FUNCTIONS, point_at_sequence
from fsspeckit_sqlserver.engine.trees import child_messages, copied, replace_node

__all__ = ["SCAN_SCHEMA", "TEMP_SCHEMA", "Relations", "Resolution", "resolve"]

SCAN_SCHEMA: Final = "gw_scan"
TEMP_SCHEMA: Final = "pg_temp"
_MAX_VIEW_DEPTH: Final = 32

Table = TypeVar("Table")
Found = TypeVar("Found", covariant=True)


class Relations(Protocol[Found]):
    """What the resolver asks: the names a session can see."""

    @property
    def database(self) -> str: ...

    @property
    def search_path(self) -> tuple[str, ...]: ...

    @property
    def temp_schema(self) -> str:
        """The session's own schema of temporary objects."""
        ...

    def dataset(self, schema: str, name: str) -> Found | None:
        """Return the dataset of that name."""
        ...

    def catalog_relation(self, schema: str, name: str) -> tuple[str, str] | None:
        """Return DuckDB's schema and name of a relation of pg_catalog or information_schema."""
        ...

    def temp_view(self, name: str) -> pb.SelectStmt | None:
        """Return the query of a temporary view."""
        ...

    def has_temp_table(self, name: str) -> bool: ...

    def has_schema(self, name: str) -> bool: ...

    def use_sequence(self, name: str, *, gives: bool) -> bool:
        """Return whether there is such a sequence; note it as the last one where it gives a number."""
        ...

    def is_silent(self, name: str) -> bool:
        """Return whether a sequence has given no number since DISCARD SEQUENCES."""
        ...

    @property
    def last_sequence(self) -> str:
        """The sequence that gave a number last in this session; empty for none."""
        ...

    def known_names(self) -> list[str]:
        """Return the names of all datasets and temporary objects, for the hint."""
        ...


@dataclass(slots=True)
class Resolution(Generic[Table]):
    """What a statement refers to: datasets by their place in `gw_scan.t<place>`, and whether it touches the rest.

    `views` are the queries that took the place of temporary views.
    """

    datasets: list[Table] = field(default_factory=list)
    views: list[tuple[pb.SelectStmt, str]] = field(default_factory=list)
    uses_temp: bool = False
    uses_catalog: bool = False


def resolve(message: Message, relations: Relations[Table]) -> Resolution[Table]:
    """Rewrite every table reference below `message` and return what they are.

    Raises:
        UndefinedTable, UndefinedSchema: with the nearest name that exists.
        ReadOnly: a dataset or catalog relation is the target of a change.
    """
    resolver = _Resolver(relations)
    resolver.visit(message, frozenset(), 0)
    return resolver.resolution


class _Resolver(Generic[Table]):
    def __init__(self, relations: Relations[Table]) -> None:
        self._relations = relations
        self.resolution: Resolution[Table] = Resolution()

    def visit(self, message: Message, ctes: frozenset[str], depth: int) -> None:
        with_clause: pb.WithClause | None = (
            message.with_clause
            if isinstance(message, pb.SelectStmt | pb.InsertStmt | pb.UpdateStmt | pb.DeleteStmt)
            and message.HasField("with_clause")
            else None
        )
        if with_clause is not None:
            ctes = self._visit_ctes(with_clause, ctes, depth)
        target = message.relation if isinstance(message, pb.InsertStmt | pb.UpdateStmt | pb.DeleteStmt) else None
        if target is not None:
            self._resolve_target(target, type(message).__name__.removesuffix("Stmt").upper())
        if isinstance(message, pb.FuncCall) and message.funcname[-1].string.sval in SEQUENCE_FUNCTIONS:
            self.resolution.uses_temp = True
            point_at_sequence(message, self._relations)
        for child in child_messages(message):
            if isinstance(child, pb.WithClause | pb.RangeVar | pb.IntoClause):
                continue
            if isinstance(child, pb.Node) and child.WhichOneof("node") == "range_var":
                self._resolve_reference(child, ctes, depth)
            else:
                self.visit(child, ctes, depth)

    def _visit_ctes(self, clause: pb.WithClause, ctes: frozenset[str], depth: int) -> frozenset[str]:
        visible = ctes
        if clause.recursive:
            visible = visible | {cte.common_table_expr.ctename for cte in clause.ctes}
        for cte in clause.ctes:
            expression = cte.common_table_expr
            if expression.ctequery.WhichOneof("node") != "select_stmt":
                raise UnsupportedStatement("WITH holding INSERT, UPDATE or DELETE is not supported")
            self.visit(expression.ctequery, visible, depth)
            visible = visible | {expression.ctename}
        return visible

    def _resolve_reference(self, node: pb.Node, ctes: frozenset[str], depth: int) -> None:
        reference = node.range_var
        self._check_database(reference)
        reference.inh = True  # ONLY means nothing here
        if not reference.schemaname and reference.relname in ctes:
            return
        if reference.schemaname in {"", TEMP_SCHEMA, self._relations.temp_schema}:
            view = self._relations.temp_view(reference.relname)
            if view is not None:
                self._expand_view(node, view, depth)
                return
            if self._relations.has_temp_table(reference.relname):
                self._point_at_temp(reference)
                return
        for schema in self._schemas_of(reference):
            if schema in {"pg_catalog", "information_schema"}:
                place = self._relations.catalog_relation(schema, reference.relname)
                if place is not None:
                    self.resolution.uses_catalog = True
                    _point(reference, *place)
                    return
            table = self._relations.dataset(schema, reference.relname)
            if table is not None:
                _point(reference, SCAN_SCHEMA, f"t{len(self.resolution.datasets)}")
                self.resolution.datasets.append(table)
                return
        raise self._undefined(reference)

    def _resolve_target(self, target: pb.RangeVar, tag: str) -> None:
        self._check_database(target)
        if target.schemaname in {"", TEMP_SCHEMA, self._relations.temp_schema}:
            if self._relations.has_temp_table(target.relname):
                self._point_at_temp(target)
                return
            if self._relations.temp_view(target.relname) is not None:
                raise StatementProblem(f'cannot change view "{target.relname}"')
        for schema in self._schemas_of(target):
            found = self._relations.dataset(schema, target.relname) is not None
            if found or self._relations.catalog_relation(schema, target.relname) is not None:
                raise read_only(tag, "write into a temporary table (CREATE TEMP TABLE ... AS SELECT ...)")
        raise self._undefined(target)

    def _schemas_of(self, reference: pb.RangeVar) -> tuple[str, ...]:
        if reference.schemaname:
            return (reference.schemaname,)
        return ("pg_catalog", *(name for name in self._relations.search_path if name != "pg_catalog"))

    def _check_database(self, reference: pb.RangeVar) -> None:
        if reference.catalogname and reference.catalogname != self._relations.database:
            raise UnsupportedStatement(
                f"cross-database references are not implemented: "
                f'"{reference.catalogname}.{reference.schemaname}.{reference.relname}"'
            )
        reference.catalogname = ""

    def _point_at_temp(self, reference: pb.RangeVar) -> None:
        self.resolution.uses_temp = True
        name = reference.relname
        if not reference.HasField("alias"):
            reference.alias.aliasname = name
        reference.catalogname, reference.schemaname = "temp", "main"

    def _expand_view(self, node: pb.Node, view: pb.SelectStmt, depth: int) -> None:
        if depth >= _MAX_VIEW_DEPTH:
            raise StatementProblem(f'view "{node.range_var.relname}" refers to itself')
        reference = copied(node).range_var
        replacement = pb.Node()
        replacement.range_subselect.subquery.select_stmt.CopyFrom(view)
        expand_rows(replacement)
        if reference.HasField("alias"):
            replacement.range_subselect.alias.CopyFrom(reference.alias)
        else:
            replacement.range_subselect.alias.aliasname = reference.relname
        name = reference.relname
        replace_node(node, replacement)
        self.resolution.views.append((node.range_subselect.subquery.select_stmt, name))
        self.visit(node.range_subselect.subquery, frozenset(), depth + 1)

    def _undefined(self, reference: pb.RangeVar) -> StatementProblem:
        schema, name = reference.schemaname, reference.relname
        shown = f"{schema}.{name}" if schema else name
        close = nearest(shown, self._relations.known_names())
        hint = f'Perhaps you meant "{close}".' if close else None
        return UndefinedTable(f'relation "{shown}" does not exist', hint, _position(reference))


def _point(reference: pb.RangeVar, schema: str, name: str) -> None:
    if not reference.HasField("alias"):
        reference.alias.aliasname = reference.relname
    reference.schemaname, reference.relname = schema, name


def _position(reference: pb.RangeVar) -> int | None:
    return reference.location + 1 if reference.location >= 0 else None
