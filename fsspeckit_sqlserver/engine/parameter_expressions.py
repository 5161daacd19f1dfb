"""Which types expressions tell of the open parameters within them.

Whoever knows the queries around them keeps `frames`, the relations in sight. See `parameter_types`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import AmbiguousFunction
from fsspeckit_sqlserver.engine.signatures import Found, common_type, find_function, find_operator, function_names
from fsspeckit_sqlserver.engine.trees import child_messages, names_of
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.composite import RowArrayOid, RowTypeOid

__all__ = ["ColumnOids", "Columns", "ParameterExpressions", "Titled"]

ColumnOids: TypeAlias = Callable[[Sequence[str]], int | None]
"""Name parts of a column reference → the type OID of the column, None when not known or not one."""

Columns: TypeAlias = dict[str, int | None]
Titled: TypeAlias = "list[tuple[str, int | None]] | None"
"""A query's columns; None where a `*` hides them."""
_SQL_VALUES: Final = {
    pb.SVFOP_CURRENT_DATE: oids.DATE,
    pb.SVFOP_CURRENT_TIME: oids.TIMETZ,
    pb.SVFOP_CURRENT_TIME_N: oids.TIMETZ,
    pb.SVFOP_CURRENT_TIMESTAMP: oids.TIMESTAMPTZ,
    pb.SVFOP_CURRENT_TIMESTAMP_N: oids.TIMESTAMPTZ,
    pb.SVFOP_LOCALTIME: oids.TIME,
    pb.SVFOP_LOCALTIMESTAMP: oids.TIMESTAMP,
}
_BETWEENS: Final = frozenset({pb.AEXPR_BETWEEN, pb.AEXPR_NOT_BETWEEN, pb.AEXPR_BETWEEN_SYM, pb.AEXPR_NOT_BETWEEN_SYM})
_LIKES: Final = frozenset({pb.AEXPR_LIKE, pb.AEXPR_ILIKE, pb.AEXPR_SIMILAR})


class ParameterExpressions:
    """Visits expressions; `found` is what they tell."""

    def __init__(
        self, column_oids: ColumnOids, declared: dict[int, int], oid_of_type: Callable[[pb.TypeName], int | None]
    ) -> None:
        """Begin.

        Args:
            column_oids: tells the columns of base relations.
            declared: n → type, of the parameters that are not open.
            oid_of_type: tells a written type.
        """
        self.column_oids, self.oid_of_type = column_oids, oid_of_type
        self.found = declared
        self.frames: list[dict[str, Columns | None]] = []  # alias → columns; None for a base relation
        self.common: dict[str, Columns] = {}

    def select(self, select: pb.SelectStmt) -> Titled:
        """Visit a query; return name and type of its columns."""
        raise NotImplementedError

    def window(self, window: pb.WindowDef) -> None:
        """Visit a window."""
        self.visit_all(window.partition_clause)
        for part in window.order_clause:
            self.visit(part.sort_by.node)
        for offset in (window.start_offset, window.end_offset):
            self.visit(offset)
            self.note(offset, None if window.frame_options & 2 else oids.INT8)  # 2: RANGE

    def condition(self, node: pb.Node) -> None:
        """Visit what has to be a condition."""
        self.visit(node)
        self.note(node, oids.BOOL)

    def visit(self, node: pb.Node) -> int | None:
        """Visit an expression; return its type, UNKNOWN of what has none yet, None where it cannot be told."""
        kind = node.WhichOneof("node")
        if kind is None:
            return None
        visitor = getattr(self, f"_{kind}", None)
        if visitor is not None:
            found: int | None = visitor(getattr(node, kind))
            return found
        self.visit_all(child_messages(getattr(node, kind)))
        return oids.BOOL if kind in {"null_test", "boolean_test"} else None

    def visit_all(self, messages: Iterable[Message]) -> None:
        """Visit whatever is in messages."""
        for message in messages:
            if isinstance(message, pb.Node):
                self.visit(message)
            elif isinstance(message, pb.SelectStmt):
                self.select(message)
            else:
                self.visit_all(child_messages(message))

    def note(self, node: pb.Node, kind: int | None) -> None:
        """Give a bare parameter a type, unless it has one."""
        if kind is None or node.WhichOneof("node") != "param_ref" or kind == oids.UNKNOWN:
            return
        self.found.setdefault(node.param_ref.number, kind)

    def _param_ref(self, reference: pb.ParamRef) -> int:
        return self.found.get(reference.number, oids.UNKNOWN)

    def _a_const(self, constant: pb.A_Const) -> int | None:
        match constant.WhichOneof("val"):
            case "ival":
                return oids.INT4
            case "fval":
                text = constant.fval.fval
                return oids.INT8 if text.isdigit() and int(text) < 2**63 else oids.NUMERIC
            case "boolval":
                return oids.BOOL
            case "bsval":
                return oids.BIT
        return oids.UNKNOWN

    def _column_ref(self, reference: pb.ColumnRef) -> int | None:
        parts = names_of(reference.fields)
        if not parts or not all(parts):
            return None
        name = parts[-1].casefold()
        for frame in reversed(self.frames):
            if len(parts) > 1:
                alias = parts[-2].casefold()
                if alias in frame:
                    columns = frame[alias]
                    if columns is None:
                        return self.column_oids(parts)
                    return columns[name] if name in columns else self.column_oids([name])
                continue
            for alias, columns in frame.items():
                if columns is not None:
                    if name in columns:
                        return columns[name]
                elif (kind := self.column_oids([alias, name])) is not None:
                    return kind
        return self.column_oids(parts)

    def _type_cast(self, node: pb.TypeCast) -> int | None:
        target = self.oid_of_type(node.type_name)
        element = oids.ELEMENT_OF.get(target or 0)
        if element is not None and node.arg.WhichOneof("node") == "a_array_expr":
            for item in node.arg.a_array_expr.elements:
                self.visit(item)
                self.note(item, element)
        else:
            self.visit(node.arg)
        self.note(node.arg, target)
        return target

    def _func_call(self, function: pb.FuncCall) -> int | None:
        name = names_of(function.funcname)[-1].lower()
        arguments = list(function.args)
        if function.agg_within_group:
            arguments += [part.sort_by.node for part in function.agg_order]
        nodes = [each.named_arg_expr.arg if each.HasField("named_arg_expr") else each for each in arguments]
        kinds = tuple(self.visit(node) for node in nodes)
        if arguments and not function.func_variadic:
            if any(each.HasField("named_arg_expr") for each in arguments):
                found = self._by_name(name, arguments, kinds)
            else:
                found = find_function(name, kinds)
            if found is not None:
                for node, kind in zip(nodes, found.arguments, strict=False):
                    self.note(node, kind)
        else:
            found = _WITHOUT.get(name)
        self.condition(function.agg_filter)
        if not function.agg_within_group:
            for part in function.agg_order:
                self.visit(part.sort_by.node)
        if function.HasField("over"):
            self.window(function.over)
        return None if found is None else found.result

    def _by_name(self, name: str, arguments: Sequence[pb.Node], kinds: Sequence[int | None]) -> Found | None:
        names = function_names(name)
        asked = [
            each.named_arg_expr.name if each.HasField("named_arg_expr") else names[place : place + 1][0:1]
            for place, each in enumerate(arguments)
        ]
        if not names:
            return None
        every: list[int | None] = [None] * len(names)
        places = [names.index(each) if each in names else place for place, each in enumerate(asked)]
        for place, kind in zip(places, kinds, strict=True):
            every[place] = kind
        found = find_function(name, tuple(every))
        return None if found is None else Found(tuple(found.arguments[place] for place in places), found.result)

    def _bool_expr(self, node: pb.BoolExpr) -> int:
        for argument in node.args:
            self.condition(argument)
        return oids.BOOL

    def meet(self, nodes: Sequence[pb.Node], kinds: Iterable[int | None]) -> int | None:
        """Return the type in which expressions meet, and give it to those that have none."""
        met = common_type(kinds)
        for node in nodes:
            self.note(node, met)
        return met

    def _choose(self, nodes: Sequence[pb.Node]) -> int | None:
        return self.meet(nodes, [self.visit(node) for node in nodes])

    def _coalesce_expr(self, node: pb.CoalesceExpr) -> int | None:
        return self._choose(node.args)

    def _min_max_expr(self, node: pb.MinMaxExpr) -> int | None:
        return self._choose(node.args)

    def _case_expr(self, case: pb.CaseExpr) -> int | None:
        subject = self.visit(case.arg)
        branches: list[pb.Node] = []
        for item in case.args:
            when = item.case_when.expr
            if case.HasField("arg"):
                if subject == oids.UNKNOWN:
                    subject = oids.TEXT
                    self.note(case.arg, subject)
                self._between("=", case.arg, subject, when, self.visit(when))
            else:
                self.condition(when)
            branches.append(item.case_when.result)
        kinds = [self.visit(branch) for branch in branches]
        if case.HasField("defresult"):
            branches.insert(0, case.defresult)  # whose type comes first
            kinds.insert(0, self.visit(case.defresult))
        else:
            kinds.append(oids.UNKNOWN)
        return self.meet(branches, kinds)

    def _a_array_expr(self, array: pb.A_ArrayExpr) -> int | None:
        kind = self._choose(array.elements) if array.elements else None
        return kind if kind in oids.ELEMENT_OF else oids.ARRAY_OF.get(kind or 0)

    def _sub_link(self, link: pb.SubLink) -> int | None:
        found = self.select(link.subselect.select_stmt)
        first = found[0][1] if found else None
        if link.sub_link_type in {pb.ANY_SUBLINK, pb.ALL_SUBLINK}:
            symbol = link.oper_name[-1].string.sval if link.oper_name else "="
            test = link.testexpr
            if test.WhichOneof("node") == "row_expr":
                for item, (_, kind) in zip(test.row_expr.args, found or (), strict=False):
                    self._between(symbol, item, self.visit(item), None, kind)
            else:
                self._between(symbol, test, self.visit(test), None, first)
            return oids.BOOL
        if link.sub_link_type == pb.EXISTS_SUBLINK:
            return oids.BOOL
        if link.sub_link_type == pb.ARRAY_SUBLINK:
            return oids.ARRAY_OF.get(first or 0)
        return oids.TEXT if first == oids.UNKNOWN else first

    def _a_indirection(self, node: pb.A_Indirection) -> int | None:
        kind = self.visit(node.arg)
        result = kind
        for step in node.indirection:
            if step.WhichOneof("node") != "a_indices":
                return None
            indices = step.a_indices
            for bound in (indices.lidx, indices.uidx):
                self.visit(bound)
                self.note(bound, oids.TEXT if kind == oids.JSONB else oids.INT4)
            if not indices.is_slice:
                result = oids.ELEMENT_OF.get(kind or 0, kind if kind == oids.JSONB else None)
        return result

    def _collate_clause(self, node: pb.CollateClause) -> int | None:
        kind = self.visit(node.arg)
        self.note(node.arg, oids.TEXT)
        return oids.TEXT if kind == oids.UNKNOWN else kind

    def _sqlvalue_function(self, node: pb.SQLValueFunction) -> int | None:
        return _SQL_VALUES.get(node.op, oids.NAME)

    def _grouping_func(self, _: pb.GroupingFunc) -> int:
        return oids.INT4

    def _a_expr(self, expression: pb.A_Expr) -> int | None:
        symbol = expression.name[-1].string.sval if expression.name else "="
        left, right, kind = expression.lexpr, expression.rexpr, expression.kind
        if kind == pb.AEXPR_IN:
            items = list(right.list.items)
            self._in(symbol, left, items)
            return oids.BOOL
        if kind in _BETWEENS:
            one = self.visit(left)
            for item in right.list.items:
                self._between("<=", left, one, item, self.visit(item))
                one = self.visit(left) if one == oids.UNKNOWN else one
            return oids.BOOL
        if {left.WhichOneof("node"), right.WhichOneof("node")} == {"row_expr"}:
            for one_item, other_item in zip(left.row_expr.args, right.row_expr.args, strict=False):
                self._between(symbol, one_item, self.visit(one_item), other_item, self.visit(other_item))
            return oids.BOOL
        if kind == pb.AEXPR_SIMILAR:
            symbol = "~"
        if not expression.HasField("lexpr"):
            operand = self.visit(right)
            found = find_operator(symbol, (operand,))
            self.note(right, found.arguments[0] if found else None)
            return found.result if found else None
        one, other = self.visit(left), self.visit(right)
        if kind in {pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL}:
            self._with_array(symbol, left, one, right, other)
            return oids.BOOL
        result = self._between(symbol, left, one, right, other)
        if kind == pb.AEXPR_NULLIF:
            return oids.TEXT if one == other == oids.UNKNOWN else other if one == oids.UNKNOWN else one
        return oids.BOOL if kind in {*_LIKES, pb.AEXPR_DISTINCT, pb.AEXPR_NOT_DISTINCT} else result

    def _in(self, symbol: str, left: pb.Node, items: list[pb.Node]) -> None:
        if left.WhichOneof("node") == "row_expr":
            for item in items:
                for one, other in zip(left.row_expr.args, item.row_expr.args, strict=False):
                    self._between(symbol, one, self.visit(one), other, self.visit(other))
            return
        one = self.visit(left)
        kinds = [self.visit(item) for item in items]
        constants = [kind for item, kind in zip(items, kinds, strict=True) if item.WhichOneof("node") != "column_ref"]
        met = common_type([one, *constants]) if len(constants) > 1 else None
        for item, kind in zip(items, kinds, strict=True):
            if met is not None and item.WhichOneof("node") != "column_ref":
                self.note(item, met)
                kind = met
            self._between(symbol, left, one, item, kind)

    def _between(
        self, symbol: str, left: pb.Node, one: int | None, right: pb.Node | None, other: int | None
    ) -> int | None:
        """Resolve an operator between two operands; return its result's type."""
        for row, node in ((one, right), (other, left)):
            if isinstance(row, RowTypeOid) and node is not None:
                self.note(node, row)
                return oids.BOOL
        found = find_operator(symbol, (one, other))
        if found is None:
            if symbol == "+" and {one, other} == {oids.DATE, oids.UNKNOWN}:  # days, an interval or a time
                words = " + ".join("date" if kind == oids.DATE else "unknown" for kind in (one, other))
                raise AmbiguousFunction(
                    f"operator is not unique: {words}",
                    "Could not choose a best candidate operator. You might need to add explicit type casts.",
                )
            return None
        self.note(left, found.arguments[0])
        if right is not None:
            self.note(right, found.arguments[1])
        return found.result

    def _with_array(self, symbol: str, left: pb.Node, one: int | None, right: pb.Node, other: int | None) -> None:
        if isinstance(one, RowTypeOid):
            self.note(right, RowArrayOid(one))
            return
        if right.WhichOneof("node") == "sub_link":
            return
        element = oids.UNKNOWN if other == oids.UNKNOWN else oids.ELEMENT_OF.get(other or 0)
        found = find_operator(symbol, (one, element))
        if found is not None:
            self.note(left, found.arguments[0])
            self.note(right, oids.ARRAY_OF.get(found.arguments[1] or 0))


_WITHOUT: Final = {
    **dict.fromkeys(
        ("now", "transaction_timestamp", "statement_timestamp", "clock_timestamp"), Found((), oids.TIMESTAMPTZ)
    ),
    **dict.fromkeys(("count", "row_number", "rank", "dense_rank"), Found((), oids.INT8)),
    **dict.fromkeys(("random", "pi", "percent_rank", "cume_dist"), Found((), oids.FLOAT8)),
    **dict.fromkeys(("version",), Found((), oids.TEXT)),
    **dict.fromkeys(("current_database", "current_schema"), Found((), oids.NAME)),
    "gen_random_uuid": Found((), oids.UUID),
    "pg_backend_pid": Found((), oids.INT4),
}
"""What functions without arguments give; `count(*)` among them."""
