"""Arrays of several dimensions as parameters. Pure: changes a copied tree.

PostgreSQL has one type for arrays of any depth, DuckDB one for each: `$1::int[]` with `{{1,2},{3,4}}` has to be
`$1::int[][]` there, which only the value tells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.deparsing import deparse
from fsspeckit_sqlserver.engine.trees import parsed_expression, replace_node, walk
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids

__all__ = ["with_depths"]


def with_depths(statement: Statement, parameters: Sequence[object]) -> tuple[Statement, Sequence[object]]:
    """Return the statement with the depth of its parameters in their casts; both as they are where none is deep.

    `unnest($1)` and `= ANY ($1)` see an array's innermost elements: a parameter of theirs becomes flat instead.
    """
    depths = {
        number: depth
        for number, value in enumerate(parameters, 1)
        if isinstance(value, list) and (depth := _depth(value)) > 1
    }
    if not depths:
        return statement, parameters
    flat = _flat_uses(statement, depths)
    if flat:
        parameters = [
            _flattened(value) if number in flat and isinstance(value, list) else value
            for number, value in enumerate(parameters, 1)
        ]
        depths = {number: depth for number, depth in depths.items() if number not in flat}
        if not depths:
            return statement, parameters
    holder = pb.Node()
    getattr(holder, statement.node_name).CopyFrom(statement.node)
    pending: list[tuple[pb.Node, int]] = []
    for part in walk(holder):
        if not isinstance(part, pb.Node):
            continue
        if part.WhichOneof("node") == "type_cast" and part.type_cast.arg.param_ref.number in depths:
            target = part.type_cast.type_name
            missing = depths[part.type_cast.arg.param_ref.number] - len(target.array_bounds)
            for _ in range(missing if target.array_bounds else 0):
                target.array_bounds.add().integer.ival = -1
        elif part.WhichOneof("node") == "param_ref" and part.param_ref.number in depths:
            pending.append((part, part.param_ref.number))
    announced = list(statement.parameter_oids)
    for part, number in pending:
        element = oids.ELEMENT_OF.get(announced[number - 1]) if number <= len(announced) else None
        if element is not None:
            replace_node(part, parsed_expression(f"${number}::{oids.SHOWN_NAMES[element]}{'[]' * depths[number]}"))
    for number in depths:
        if number <= len(announced):
            announced[number - 1] = 0
    node = getattr(holder, statement.node_name)
    text = deparse(statement.node_name, node)
    return replace(statement, sql=text, node=node, parameter_oids=tuple(announced)), parameters


def _flat_uses(statement: Statement, numbers: Collection[int]) -> set[int]:
    """Return which parameters stand in `unnest(…)` and `ANY (…)` alone."""
    seen: dict[int, int] = dict.fromkeys(numbers, 0)
    for part in walk(statement.node):
        if isinstance(part, pb.ParamRef) and part.number in seen:
            seen[part.number] += 1
        elif isinstance(part, pb.FuncCall) and part.funcname[-1].string.sval == "unnest":
            _discount(seen, part.args)
        elif isinstance(part, pb.A_Expr) and part.kind in {pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL}:
            _discount(seen, [part.rexpr])
    return {number for number, count in seen.items() if not count}


def _discount(seen: dict[int, int], nodes: Iterable[pb.Node]) -> None:
    for node in nodes:
        bare = node.type_cast.arg if node.WhichOneof("node") == "type_cast" else node
        if bare.WhichOneof("node") == "param_ref" and bare.param_ref.number in seen:
            seen[bare.param_ref.number] -= 1


def _flattened(value: list[object]) -> list[object]:
    while value and isinstance(value[0], list):
        value = [element for inner in value if isinstance(inner, list) for element in inner]
    return value


def _depth(value: list[object]) -> int:
    """Return how many dimensions a list has; its first elements tell, as in an array all are alike."""
    depth = 1
    while value and isinstance(value[0], list):
        value = value[0]
        depth += 1
    return depth
