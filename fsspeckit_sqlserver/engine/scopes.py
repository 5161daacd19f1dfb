"""Which conditions of a statement are certain to hold for the rows of each dataset reference. Pure.

A condition may be pushed down to a reference when leaving out the rows it rejects cannot change the answer:

- WHERE and the ON of an inner join: always for rows that no outer join may fill with NULLs; for rows that it may, only
  a condition that NULLs cannot satisfy (`Conjunct.must_reject_nulls`; the reader checks it once the predicate is
  bound).
- ON of LEFT JOIN: for the right side; of RIGHT JOIN: for the left side; of FULL JOIN: for neither.
- Conditions outside of a subquery in FROM, or of a view or a common table expression used once: through it, when it
  only selects columns (no grouping, DISTINCT, LIMIT, window, set operation).

Names are resolved only when exactly one dataset at the level can be meant; everything else is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.sql import conjuncts
from fsspeckit_lib.sql.where import ColumnOf
from fsspeckit_sqlserver.engine.resolve import SCAN_SCHEMA
from fsspeckit_sqlserver.engine.trees import child_messages, names_of, walk

__all__ = ["Conjunct", "Reference", "analyse"]

ColumnsOf = Callable[[int], frozenset[str]]
"""Place of a dataset reference → the folded names of its columns."""


@dataclass(frozen=True, slots=True)
class Conjunct:
    """One condition that holds for every row a reference may contribute.

    Attributes:
        condition: a boolean expression.
        column_of: names this reference's columns in it.
        must_reject_nulls: apply it only when a row of NULLs cannot satisfy it.
    """

    condition: pb.Node
    column_of: ColumnOf
    must_reject_nulls: bool


@dataclass(slots=True)
class Reference:
    """One dataset reference.

    Attributes:
        conjuncts: all of them hold.
        limit: the constant row limit and offset of a query that is nothing but `SELECT … FROM this LIMIT n`: no more
            rows than their sum are looked at. Nodes, because they may be parameters.
    """

    place: int
    conjuncts: list[Conjunct] = field(default_factory=list)
    limit: tuple[pb.Node, pb.Node | None] | None = None


def analyse(statement: Message, columns_of: ColumnsOf) -> dict[int, Reference]:
    """Return what is known of each dataset reference of a resolved statement, by its place."""
    analysis = _Analysis(columns_of, statement)
    analysis.visit(statement)
    return analysis.references


@dataclass(slots=True)
class _Source:
    """One thing in FROM: how names reach it. `resolve` maps a column to a reference and its column."""

    alias: str
    resolve: Callable[[str], tuple[int, str] | None]
    columns: frozenset[str] | None  # None: not known
    places: frozenset[int]
    nullable: bool = False


class _Analysis:
    def __init__(self, columns_of: ColumnsOf, statement: Message) -> None:
        self._columns_of = columns_of
        self.references: dict[int, Reference] = {}
        self._cte_uses = _count_uses(statement)

    def visit(self, message: Message) -> None:
        """Visit every SELECT that is not part of another's FROM; those are entered from there."""
        if isinstance(message, pb.SelectStmt):
            self._select(message, {})
            return
        for child in child_messages(message):
            self.visit(child)

    # ---- one SELECT

    def _select(self, select: pb.SelectStmt, ctes: Mapping[str, pb.SelectStmt]) -> list[_Source]:
        """Analyse one SELECT and all below it; returns its sources, for conditions from outside."""
        ctes = self._with(select, ctes)
        if select.op != pb.SETOP_NONE:
            self._select(select.larg, ctes)
            self._select(select.rarg, ctes)
            return []
        sources: list[_Source] = []
        using: set[str] = set()
        for item in select.from_clause:
            sources.extend(self._from_item(item, ctes, using))
        if select.HasField("where_clause"):
            self._apply(select.where_clause, sources, using)
        self._limit(select, sources)
        for child in self._expressions(select):
            for nested in _outermost_selects(child):
                self._select(nested, ctes)
        return sources

    def _with(self, select: pb.SelectStmt, ctes: Mapping[str, pb.SelectStmt]) -> Mapping[str, pb.SelectStmt]:
        if not select.HasField("with_clause"):
            return ctes
        known = dict(ctes)
        for node in select.with_clause.ctes:
            cte = node.common_table_expr
            query = cte.ctequery.select_stmt
            used_once = self._cte_uses.get(cte.ctename, 0) == 1 and not select.with_clause.recursive
            if used_once and not cte.aliascolnames and cte.ctename not in known:
                known[cte.ctename] = query  # analysed where it is used
            else:
                known.pop(cte.ctename, None)
                self._select(query, {name: body for name, body in known.items() if name != cte.ctename})
        return known

    def _expressions(self, select: pb.SelectStmt) -> Sequence[Message]:
        """Return what may hold subqueries besides FROM and WITH."""
        parts: list[Message] = [*select.target_list, *select.group_clause, *select.sort_clause, *select.window_clause]
        parts.extend([*select.values_lists, *select.distinct_clause])
        singles = ("where_clause", "having_clause", "limit_count", "limit_offset")
        return [*parts, *(getattr(select, name) for name in singles if select.HasField(name))]

    # ---- FROM

    def _from_item(self, node: pb.Node, ctes: Mapping[str, pb.SelectStmt], using: set[str]) -> list[_Source]:
        kind = node.WhichOneof("node")
        if kind == "range_var":
            return [self._range_var(node.range_var, ctes)]
        if kind == "join_expr":
            return self._join(node.join_expr, ctes, using)
        if kind == "range_subselect":
            subselect = node.range_subselect
            sources = self._select(subselect.subquery.select_stmt, ctes)
            return [self._subselect(subselect.subquery.select_stmt, subselect.alias, sources)]
        for select in _outermost_selects(node):
            self._select(select, ctes)
        return [_Source("", _resolves_nothing, None, frozenset())]

    def _range_var(self, reference: pb.RangeVar, ctes: Mapping[str, pb.SelectStmt]) -> _Source:
        alias = (reference.alias.aliasname or reference.relname).casefold()
        if reference.schemaname == SCAN_SCHEMA:
            place = int(reference.relname[1:])
            self.references.setdefault(place, Reference(place))
            if reference.alias.colnames:
                return _Source(alias, _resolves_nothing, None, frozenset({place}))
            columns = self._columns_of(place)
            return _Source(alias, lambda name: (place, name) if name in columns else None, columns, frozenset({place}))
        body = None if reference.schemaname else ctes.get(reference.relname)
        if body is not None:
            inner = {name: other for name, other in ctes.items() if name != reference.relname}
            return self._subselect(body, reference.alias, self._select(body, inner), alias)
        return _Source(alias, _resolves_nothing, None, frozenset())

    def _subselect(
        self, select: pb.SelectStmt, alias: pb.Alias, sources: list[_Source], name: str | None = None
    ) -> _Source:
        places = frozenset().union(*(source.places for source in sources)) if sources else frozenset()
        shown = (name or alias.aliasname).casefold()
        if alias.colnames or not _is_transparent(select):
            return _Source(shown, _resolves_nothing, None, frozenset())
        outputs = _plain_outputs(select)
        if outputs is None:
            return _Source(shown, _resolves_nothing, None, frozenset())
        named, has_star = outputs

        def resolve(column: str) -> tuple[int, str] | None:
            if column in named:
                parts = named[column]
                return None if parts is None else _lookup(parts, sources)
            return _lookup((column,), sources) if has_star else None

        # A nullable source inside stays nullable outside: what is pushed through is checked against the worst case.
        nullable = any(source.nullable for source in sources)
        columns = None if has_star else frozenset(named)
        return _Source(shown, resolve, columns, places, nullable)

    def _join(self, join: pb.JoinExpr, ctes: Mapping[str, pb.SelectStmt], using: set[str]) -> list[_Source]:
        left = self._from_item(join.larg, ctes, using)
        right = self._from_item(join.rarg, ctes, using)
        if join.is_natural:
            using.add("*")
        using.update(name.casefold() for name in names_of(join.using_clause))
        if join.HasField("alias"):
            for select in _outermost_selects(join.quals):
                self._select(select, ctes)
            return [_Source(join.alias.aliasname.casefold(), _resolves_nothing, None, frozenset())]
        kind = join.jointype
        if join.HasField("quals"):
            for select in _outermost_selects(join.quals):
                self._select(select, ctes)
            filtered = {
                pb.JOIN_INNER: {*range(len(left) + len(right))},
                pb.JOIN_LEFT: {*range(len(left), len(left) + len(right))},
                pb.JOIN_RIGHT: {*range(len(left))},
            }.get(kind, set())
            self._apply(join.quals, left + right, using, filtered)
        if kind in {pb.JOIN_LEFT, pb.JOIN_FULL}:
            _make_nullable(right)
        if kind in {pb.JOIN_RIGHT, pb.JOIN_FULL}:
            _make_nullable(left)
        return left + right

    # ---- conditions

    def _apply(self, condition: pb.Node, sources: list[_Source], using: set[str], only: set[int] | None = None) -> None:
        for part in conjuncts(condition):
            for number, source in enumerate(sources):
                if only is not None and number not in only:
                    continue
                for place in source.places:
                    column_of = _column_of(place, sources, using)
                    conjunct = Conjunct(part, column_of, source.nullable)
                    self.references.setdefault(place, Reference(place)).conjuncts.append(conjunct)

    def _limit(self, select: pb.SelectStmt, sources: list[_Source]) -> None:
        """Note `SELECT … FROM t LIMIT n` without anything that looks at more rows than it returns."""
        if not select.HasField("limit_count") or len(sources) != 1 or len(sources[0].places) != 1:
            return
        if select.HasField("where_clause") or not _is_transparent(select, is_limit_fine=True):
            return
        if select.from_clause[0].WhichOneof("node") != "range_var":
            return  # a subquery may filter
        if select.from_clause[0].range_var.schemaname != SCAN_SCHEMA:
            return
        offset = select.limit_offset if select.HasField("limit_offset") else None
        (place,) = sources[0].places
        self.references[place].limit = (select.limit_count, offset)


def _resolves_nothing(_: str) -> None:
    return None


def _make_nullable(sources: Sequence[_Source]) -> None:
    for source in sources:
        source.nullable = True


def _lookup(parts: Sequence[str], sources: Sequence[_Source]) -> tuple[int, str] | None:
    """Return the reference and column that a name means among some sources; None when unsure."""
    if len(parts) == 2:
        found = [source for source in sources if source.alias == parts[0].casefold()]
        return found[0].resolve(parts[1].casefold()) if len(found) == 1 else None
    if len(parts) != 1:
        return None
    name = parts[0].casefold()
    # A source whose columns are not known may have the name too; then the statement is ambiguous and fails anyway.
    hits = [hit for source in sources if (hit := source.resolve(name)) is not None]
    return hits[0] if len(hits) == 1 else None


def _column_of(place: int, sources: Sequence[_Source], using: set[str]) -> ColumnOf:
    def column_of(parts: Sequence[str]) -> str | None:
        if len(parts) == 1 and ("*" in using or parts[0].casefold() in using):
            return None  # merged from both sides of a join
        found = _lookup(parts, sources)
        return found[1] if found is not None and found[0] == place else None

    return column_of


def _is_transparent(select: pb.SelectStmt, *, is_limit_fine: bool = False) -> bool:
    """Return whether a SELECT passes its rows on one by one, so that conditions on its output hold for its input."""
    if select.op != pb.SETOP_NONE or select.values_lists or select.group_clause or select.distinct_clause:
        return False
    if select.HasField("having_clause") or select.window_clause:
        return False
    if not is_limit_fine and (select.HasField("limit_count") or select.HasField("limit_offset")):
        return False
    if is_limit_fine and select.sort_clause:
        return False
    # Any function may be an aggregate, a window function or set-returning.
    return not any(isinstance(message, pb.FuncCall) for target in select.target_list for message in walk(target))


def _plain_outputs(select: pb.SelectStmt) -> tuple[dict[str, tuple[str, ...] | None], bool] | None:
    """Return output name → the column reference behind it (None: an expression), and whether there is a bare star."""
    named: dict[str, tuple[str, ...] | None] = {}
    has_star = False
    for target in select.target_list:
        value = target.res_target.val
        parts: tuple[str, ...] | None = None
        if value.WhichOneof("node") == "column_ref":
            fields = value.column_ref.fields
            if fields[-1].WhichOneof("node") == "a_star":
                if len(fields) > 1:
                    return None
                has_star = True
                continue
            parts = names_of(fields)
        name = (target.res_target.name or (parts[-1] if parts else "")).casefold()
        if not name:
            continue  # an expression whose name nobody can rely on
        if name in named:
            parts = None
        named[name] = parts
    return named, has_star


def _outermost_selects(message: Message) -> list[pb.SelectStmt]:
    if isinstance(message, pb.SelectStmt):
        return [message]
    return [select for child in child_messages(message) for select in _outermost_selects(child)]


def _count_uses(statement: Message) -> dict[str, int]:
    uses: dict[str, int] = {}
    for message in walk(statement):
        if isinstance(message, pb.RangeVar) and not message.schemaname:
            uses[message.relname] = uses.get(message.relname, 0) + 1
    return uses
