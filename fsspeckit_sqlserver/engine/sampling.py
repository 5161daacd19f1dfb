"""TABLESAMPLE, written as a condition on each row. Pure: rewrites a copied tree before its tables are resolved.

DuckDB's own clause takes no parameters, and with a seed its threads take other rows from run to run. A condition gives
each row its chance alone, so it does not matter which files were pruned or which thread reads a row. `REPEATABLE`
decides by the hash of the row and the seed: the same rows as long as the table is the same, over restarts too.
"""

from __future__ import annotations

from typing import Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import InvalidSample, UndefinedObject
from fsspeckit_sqlserver.engine.trees import (
    cast,
    child_messages,
    copied,
    names_of,
    parsed_select,
    replace_node,
    type_name,
    walk,
)

__all__ = ["rewrite_samples"]

_METHODS: Final = frozenset({"bernoulli", "system"})
_ANY: Final = "SELECT * FROM t WHERE random() * 100 < p"
_SAME: Final = "SELECT * FROM t WHERE (hash(t, s) % 9007199254740992)::float8 / 9007199254740992 * 100 < p"


def rewrite_samples(message: Message) -> None:
    """Turn `t TABLESAMPLE method (percentage)` into a subquery with a condition.

    Raises:
        UndefinedObject: no such method.
        InvalidSample: not one argument, or one that is no percentage.
    """
    for child in child_messages(message):
        rewrite_samples(child)
    if isinstance(message, pb.Node) and message.WhichOneof("node") == "range_table_sample":
        _rewrite(message)


def _rewrite(node: pb.Node) -> None:
    sample = copied(node).range_table_sample
    method = names_of(sample.method)[-1].lower()
    if method not in _METHODS:
        raise UndefinedObject(f"tablesample method {method} does not exist")
    if len(sample.args) != 1:
        raise InvalidSample(f"tablesample method {method} requires 1 argument, not {len(sample.args)}")
    _check(sample.args[0])
    table = sample.relation.range_var
    alias = table.alias.aliasname or table.relname
    select = parsed_select(_SAME if sample.HasField("repeatable") else _ANY)
    inner = select.from_clause[0].range_var
    inner.CopyFrom(table)
    inner.alias.Clear()
    inner.alias.aliasname = alias
    condition = select.where_clause.a_expr
    condition.rexpr.CopyFrom(cast(sample.args[0], type_name("float8")))
    if sample.HasField("repeatable"):
        (hashed,) = (part for part in walk(condition) if isinstance(part, pb.FuncCall))
        hashed.args[0].column_ref.fields[0].string.sval = alias
        hashed.args[1].CopyFrom(cast(sample.repeatable, type_name("float8")))
    replacement = pb.Node()
    replacement.range_subselect.subquery.select_stmt.CopyFrom(select)
    replacement.range_subselect.alias.aliasname = alias
    replacement.range_subselect.alias.colnames.extend(table.alias.colnames)
    replace_node(node, replacement)


def _check(percentage: pb.Node) -> None:
    constant = percentage.a_const
    if percentage.WhichOneof("node") == "a_expr" and not percentage.a_expr.HasField("lexpr"):
        constant = percentage.a_expr.rexpr.a_const
        if percentage.a_expr.name[-1].string.sval == "-" and constant.WhichOneof("val") in {"ival", "fval"}:
            raise InvalidSample("sample percentage must be between 0 and 100")
    if constant.isnull:
        raise InvalidSample("TABLESAMPLE parameter cannot be null")
    value = float(constant.fval.fval) if constant.WhichOneof("val") == "fval" else constant.ival.ival
    if not 0 <= value <= 100:
        raise InvalidSample("sample percentage must be between 0 and 100")
