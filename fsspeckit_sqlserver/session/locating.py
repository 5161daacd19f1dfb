"""Where in a statement an error is, and PostgreSQL's words for it, found out after the fact. Pure.

What DuckDB refuses comes without a place that a client could use. The parse tree has the places: a function by its
name, a constant by its text, an operator by its symbol. Where the tree does not tell which part is meant, none is
given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.errors import GatewayError
from fsspeckit_lib.sql.messages import child_messages

__all__ = ["locate"]

Tree: TypeAlias = Sequence[Message]
_Finder: TypeAlias = Callable[[Tree, re.Match[str]], int | None]

_FUNCTION_HINT: Final = (
    "No function matches the given name and argument types. You might need to add explicit type casts."
)
_OPERATOR_HINT: Final = (
    "No operator matches the given name and argument types. You might need to add explicit type casts."
)
_PREFIX_HINT: Final = (
    "No operator matches the given name and argument type. You might need to add an explicit type cast."
)
_SYMBOL: Final = re.compile(r"function ([-+*/<>=~!@#%^&|`?]+)\((.*)\) does not exist")
_FUNCTION: Final = re.compile(r"function ([\w.]+)(?:\((.*)\))? does not exist")
_NOT_UNIQUE: Final = re.compile(r"(?:operator|function) (?:is not unique: .* ([^\w\s]+) .*|(\w+)\(.*\) is not unique)")
_UNGROUPED: Final = re.compile(r'column "(.*)" (must appear in the GROUP BY clause.*)')
_WINDOWS: Final = frozenset(
    {
        *("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead"),
        *("first_value", "last_value", "nth_value"),
    }
)
_CONSTANTS: Final = {"ival": "integer", "fval": "numeric", "sval": "unknown", "boolval": "boolean"}
_AGGREGATES: Final = frozenset(
    {
        *("sum", "count", "avg", "min", "max", "bool_and", "bool_or", "every", "string_agg", "array_agg", "bit_and"),
        *("bit_or", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "corr", "covar_pop"),
        *("covar_samp", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg"),
    }
)


def locate(error: GatewayError, statements: Sequence[Message]) -> None:
    """Give an error its place, in bytes from 1, and its hint, where the statements show them.

    Args:
        statements: the trees of the text in which the places count.
    """
    message = getattr(error, "message", None)
    if not isinstance(message, str) or getattr(error, "position", None):
        return
    parts = [part for statement in statements for part in _walk(statement)]
    if (found := _SYMBOL.fullmatch(message)) is not None:
        _name_operator(error, found, parts)
    elif (found := _FUNCTION.fullmatch(message)) is not None:
        _name_function(error, found, parts)
    elif (found := _UNGROUPED.fullmatch(message)) is not None:
        _name_ungrouped(error, found, parts)
    else:
        for pattern, find in _RULES:
            if (found := pattern.fullmatch(message)) is not None:
                _set(error, position=find(parts, found))
                break
    if message == "Window functions are not supported here":
        _name_window(error, parts)
    elif message == "LIMIT must not be negative":
        offsets = [part.limit_offset for part in parts if isinstance(part, pb.SelectStmt)]
        if any(node.a_const.ival.ival < 0 for node in offsets):
            _set(error, message="OFFSET must not be negative", kind="invalid-offset")
    if error.kind == "ambiguous-function" and (found := _NOT_UNIQUE.fullmatch(message)) is not None:
        place = _operator(parts, found[1]) if found[1] else _function(parts, found[2])
        word = "operator" if found[1] else "function"
        hint = f"Could not choose a best candidate {word}. You might need to add explicit type casts."
        _set(error, position=place, hint=hint)


def _name_window(error: GatewayError, parts: Tree) -> None:
    """Name the window function that has no OVER, which DuckDB does not."""
    calls = [part for part in parts if isinstance(part, pb.FuncCall) and not part.HasField("over")]
    calls = [call for call in calls if call.funcname[-1].string.sval in _WINDOWS]
    if calls:
        message = f"window function {calls[0].funcname[-1].string.sval} requires an OVER clause"
        _set(error, message=message, kind="wrong-object-type", position=calls[0].location + 1)


def _set(error: GatewayError, **values: object) -> None:
    for name, value in values.items():
        if value is not None and hasattr(error, name):
            setattr(error, name, value)


def _walk(message: Message) -> Iterator[Message]:
    """Yield a message and all below it, in the order in which they are written as far as the tree has it."""
    yield message
    for child in child_messages(message):
        yield from _walk(child)


# ---- functions and operators


def _name_operator(error: GatewayError, found: re.Match[str], parts: Tree) -> None:
    arguments = found[2].split(", ")
    place = _operator(parts, found[1])
    if place is None:
        return
    is_prefix = len(arguments) == 1
    words = f"{found[1]} {arguments[0]}" if is_prefix else f" {found[1]} ".join(arguments[:2])
    message = f"operator does not exist: {words}"
    _set(error, message=message, hint=_PREFIX_HINT if is_prefix else _OPERATOR_HINT, position=place)


def _name_function(error: GatewayError, found: re.Match[str], parts: Tree) -> None:
    name = found[1].rpartition(".")[2].lower()
    place = _function(parts, name)
    if place is None:
        return
    call = next(part for part in parts if isinstance(part, pb.FuncCall) and part.funcname[-1].string.sval == name)
    shown = ".".join(item.string.sval for item in call.funcname)
    kinds = [_constant_type(argument) for argument in call.args]
    if found[2] is not None:
        _set(error, message=f"function {shown}({found[2]}) does not exist")
    elif None not in kinds:
        _set(error, message=f"function {shown}({', '.join(map(str, kinds))}) does not exist")
    _set(error, hint=_FUNCTION_HINT, position=place)


def _constant_type(node: pb.Node) -> str | None:
    kind = node.a_const.WhichOneof("val") if node.WhichOneof("node") == "a_const" else None
    return None if kind is None else _CONSTANTS.get(kind)


def _operator(parts: Tree, symbol: str) -> int | None:
    return _only(
        part.location
        for part in parts
        if isinstance(part, pb.A_Expr) and part.name and part.name[-1].string.sval == symbol
    )


def _function(parts: Tree, name: str) -> int | None:
    return _only(
        part.location
        for part in parts
        if isinstance(part, pb.FuncCall) and part.funcname[-1].string.sval.lower() == name.lower()
    )


def _only(places: Iterator[int]) -> int | None:
    """Return the one place there is, from 1; the first of several is as likely as any other to be wrong."""
    found = list(places)
    return found[0] + 1 if len(found) == 1 and found[0] > 0 else None


def _start(message: Message) -> int | None:
    """Return where an expression begins."""
    places = [place for part in _walk(message) if (place := getattr(part, "location", 0)) > 0]
    return min(places) + 1 if places else None


# ---- constants, types, clauses


def _constant(parts: Tree, found: re.Match[str]) -> int | None:
    return _only(
        part.location
        for part in parts
        if isinstance(part, pb.A_Const) and part.WhichOneof("val") == "sval" and part.sval.sval == found[1]
    )


def _cast_constant(parts: Tree, found: re.Match[str]) -> int | None:
    return _constant([part.arg.a_const for part in parts if isinstance(part, pb.TypeCast)], found)


def _type(parts: Tree, found: re.Match[str]) -> int | None:
    return _only(
        part.location
        for part in parts
        if isinstance(part, pb.TypeName) and part.names and part.names[-1].string.sval == found[1]
    )


def _cast(parts: Tree, _found: re.Match[str]) -> int | None:
    return _only(part.location for part in parts if isinstance(part, pb.TypeCast))


def _collation(parts: Tree, found: re.Match[str]) -> int | None:
    return _only(
        part.location
        for part in parts
        if isinstance(part, pb.CollateClause) and part.collname[-1].string.sval == found[1]
    )


def _name_ungrouped(error: GatewayError, found: re.Match[str], parts: Tree) -> None:
    """Find a column that is not grouped: the first that is no argument of an aggregate; name its table."""
    for select in parts:
        if not isinstance(select, pb.SelectStmt):
            continue
        pending: list[Message] = [*select.target_list, *select.sort_clause, select.having_clause]
        named = [part for item in pending for part in _outside_of_aggregates(item) if _is_named(part, found[1])]
        if named:
            fields = [field.string.sval for field in named[0].fields]
            table = fields[-2] if len(fields) > 1 else _sole_table(select)
            shown = f"{table}.{fields[-1]}" if table else found[1]
            _set(error, message=f'column "{shown}" {found[2]}', position=named[0].location + 1)
            return


def _sole_table(select: pb.SelectStmt) -> str:
    if len(select.from_clause) != 1:
        return ""
    item = select.from_clause[0]
    if item.WhichOneof("node") == "range_var":
        return str(item.range_var.alias.aliasname or item.range_var.relname)
    return str(item.range_subselect.alias.aliasname)


def _is_named(reference: pb.ColumnRef, name: str) -> bool:
    last: str = reference.fields[-1].string.sval
    return last.casefold() == name.rpartition(".")[2].casefold()


def _outside_of_aggregates(message: Message) -> Iterator[pb.ColumnRef]:
    if isinstance(message, pb.ColumnRef):
        yield message
    elif isinstance(message, pb.FuncCall) and message.funcname[-1].string.sval in _AGGREGATES:
        return
    elif not isinstance(message, pb.SelectStmt):
        for child in child_messages(message):
            yield from _outside_of_aggregates(child)


def _clause(parts: Tree, found: re.Match[str]) -> Message | None:
    names = {"WHERE": "where_clause", "HAVING": "having_clause"}
    selects = [part for part in parts if isinstance(part, pb.SelectStmt | pb.UpdateStmt | pb.DeleteStmt)]
    name = names.get(found[1])
    clauses = [part for part in selects if name in {field.name for field, _ in part.ListFields()}]
    return getattr(clauses[0], name) if len(clauses) == 1 and name is not None else None


def _start_of_clause(parts: Tree, found: re.Match[str]) -> int | None:
    clause = _clause(parts, found)
    if clause is not None:
        return _start(clause)
    operators = {"AND": pb.AND_EXPR, "OR": pb.OR_EXPR, "NOT": pb.NOT_EXPR}
    wanted = operators.get(found[1])
    arguments = [
        argument
        for part in parts
        if isinstance(part, pb.BoolExpr) and part.boolop == wanted
        for argument in part.args
        if argument.WhichOneof("node") in {"a_const", "column_ref"}
    ]
    arguments = [item for item in arguments if item.a_const.WhichOneof("val") != "boolval"]
    if found[1] == "CASE/WHEN":
        arguments = [part.expr for part in parts if isinstance(part, pb.CaseWhen)]
    return _only(getattr(item, item.WhichOneof("node")).location for item in arguments if item.WhichOneof("node"))


def _aggregate_in(parts: Tree, found: re.Match[str]) -> int | None:
    if found[1] == "GROUP BY":
        clauses: list[Message] = [
            item for part in parts if isinstance(part, pb.SelectStmt) for item in part.group_clause
        ]
    else:
        clause = _clause(parts, found)
        clauses = [] if clause is None else [clause]
    return _only(
        part.location
        for item in clauses
        for part in _walk(item)
        if isinstance(part, pb.FuncCall) and part.funcname[-1].string.sval in _AGGREGATES
    )


def _window_in(parts: Tree, found: re.Match[str]) -> int | None:
    clause = _clause(parts, found)
    calls = [] if clause is None else [part for part in _walk(clause) if isinstance(part, pb.FuncCall)]
    return _only(part.location for part in calls if part.HasField("over"))


def _nested_aggregate(parts: Tree, _found: re.Match[str]) -> int | None:
    inner = [
        part.location
        for outer in parts
        if isinstance(outer, pb.FuncCall) and outer.funcname[-1].string.sval in _AGGREGATES
        for argument in outer.args
        for part in _walk(argument)
        if isinstance(part, pb.FuncCall) and part.funcname[-1].string.sval in _AGGREGATES
    ]
    return inner[0] + 1 if inner else None


def _window_without_over(parts: Tree, found: re.Match[str]) -> int | None:
    return _function(parts, found[1])


def _of_union(parts: Tree, _found: re.Match[str]) -> int | None:
    rights = [part.rarg for part in parts if isinstance(part, pb.SelectStmt) and part.op != pb.SETOP_NONE]
    if len(rights) != 1 or len(rights[0].target_list) != 1:
        return None
    places = [
        place for part in _walk(rights[0].target_list[0].res_target.val) if (place := getattr(part, "location", 0)) > 0
    ]
    return min(places) + 1 if places else None


def _sample(parts: Tree, _found: re.Match[str]) -> int | None:
    return _only(part.location for part in parts if isinstance(part, pb.RangeTableSample))


def _array(parts: Tree, _found: re.Match[str]) -> int | None:
    return _only(part.location for part in parts if isinstance(part, pb.A_ArrayExpr) and not part.elements)


def _parameter(parts: Tree, found: re.Match[str]) -> int | None:
    return _only(part.location for part in parts if isinstance(part, pb.ParamRef) and part.number == int(found[1]))


def _common_table(parts: Tree, found: re.Match[str]) -> int | None:
    places = [part.location for part in parts if isinstance(part, pb.CommonTableExpr) and part.ctename == found[1]]
    return places[1] + 1 if len(places) > 1 else None


_RULES: Final[tuple[tuple[re.Pattern[str], _Finder], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), find)
    for pattern, find in (
        (r"invalid input syntax for (?:type )?[\w ]+(?:\[\])*: \"(.*)\"", _constant),
        (r"date/time field value out of range: \"(.*)\"", _constant),
        (r"value \"(.*)\" is out of range for type [\w ]+", _constant),
        (r"malformed array literal: \"(.*)\"", _constant),
        (r"relation \"(.*)\" does not exist", _cast_constant),
        (r"type \"(.*)\" does not exist", lambda parts, found: _type(parts, found) or _cast_constant(parts, found)),
        (r"cannot cast type .* to .*", _cast),
        (r"collation \"(.*)\" for encoding .* does not exist", _collation),
        (r"argument of (\S+) must be type boolean, not type .*", _start_of_clause),
        (r"aggregate functions are not allowed in (.*)", _aggregate_in),
        (r"window functions are not allowed in (.*)", _window_in),
        (r"aggregate function calls cannot be nested", _nested_aggregate),
        (r"window function (\w+) requires an OVER clause", _window_without_over),
        (r"(?:UNION|INTERSECT|EXCEPT) types .* cannot be matched", _of_union),
        (r"tablesample method \S+ (?:does not exist|requires .*)", _sample),
        (r"cannot determine type of empty array", _array),
        (r"could not determine data type of parameter \$(\d+)", _parameter),
        (r"there is no parameter \$(\d+)", _parameter),
        (r"WITH query name \"(.*)\" specified more than once", _common_table),
        (r"(\w+)\(\*\) must be used to call a parameterless aggregate function", _window_without_over),
    )
)
