"""Functions in FROM, and VALUES there, as DuckDB takes them. Pure: rewrites nodes of a copied tree."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import UnsupportedStatement
from fsspeckit_sqlserver.engine.functions import FROM_FUNCTIONS
from fsspeckit_sqlserver.engine.naming import output_name
from fsspeckit_sqlserver.engine.trees import call, copied, names_of, parsed_select, replace_node, walk

__all__ = ["check_row_function", "name_elements", "name_values", "rewrite_row_function"]

_LIST_FUNCTIONS: Final = frozenset(
    {"string_split", "string_split_regex", "json_keys", "generate_subscripts", "gw_rows", "numeric_series"}
)


_ELEMENT_FUNCTIONS: Final = frozenset(
    {"json_array_elements", "jsonb_array_elements", "json_array_elements_text", "jsonb_array_elements_text"}
)


def check_row_function(function: pb.RangeFunction) -> None:
    """Refuse what DuckDB has not.

    Raises:
        UnsupportedStatement: ROWS FROM, or a column definition list.
    """
    if len(function.functions) != 1 or function.is_rowsfrom:
        raise UnsupportedStatement("ROWS FROM (...) is not supported", "Join the functions instead.")
    if function.coldeflist:
        raise UnsupportedStatement("a column definition list after a function is not supported")


def rewrite_row_function(node: pb.Node, table_macros: Collection[tuple[str, ...]]) -> None:
    """Rewrite one function in FROM.

    Args:
        table_macros: DuckDB's names of the catalog's functions that give rows.
    """
    function = node.range_function
    item = function.functions[0].list.items[0]
    parts = names_of(item.func_call.funcname) if item.WhichOneof("node") == "func_call" else ()
    name = parts[-1] if parts else ""
    if name == "unnest" and len(item.func_call.args) > 1:
        _unnest_side_by_side(node)
        return
    if name in FROM_FUNCTIONS or parts in table_macros:
        _table_function(node, name)
        return
    # A function that gives one value, or a list: `FROM f(x) AS a` is `(SELECT f(x) AS a) AS a`.
    if function.ordinality:
        raise UnsupportedStatement(f"WITH ORDINALITY is not supported for {name or 'an expression'}")
    alias = function.alias.aliasname or output_name(item)
    select = parsed_select("SELECT 1")
    target = select.target_list[0].res_target
    target.val.CopyFrom(call("unnest", item) if name in _LIST_FUNCTIONS else item)
    target.name = alias
    replace_node(node, _subselect(select, alias, function.alias))


def _table_function(node: pb.Node, name: str) -> None:
    function = node.range_function
    if not function.HasField("alias"):
        function.alias.aliasname = name
    if function.ordinality and name not in FROM_FUNCTIONS:  # a macro: count its rows
        select = parsed_select("SELECT *, row_number() OVER () AS ordinality FROM t")
        select.from_clause[0].CopyFrom(node)
        select.from_clause[0].range_function.ordinality = False
        select.from_clause[0].range_function.ClearField("alias")
        replace_node(node, _subselect(select, function.alias.aliasname, copied(node).range_function.alias))
    elif name in {"generate_series", "unnest"} and not function.alias.colnames and not function.ordinality:
        function.alias.colnames.add().string.sval = function.alias.aliasname


def _unnest_side_by_side(node: pb.Node) -> None:
    """`unnest(a, b) WITH ORDINALITY`: one SELECT list, whose lists DuckDB unnests in step."""
    function = copied(node).range_function
    arrays = function.functions[0].list.items[0].func_call.args
    select = parsed_select("SELECT 1")
    del select.target_list[:]
    for array in arrays:
        select.target_list.add().res_target.val.CopyFrom(call("unnest", array))
    if function.ordinality:
        longest = call("greatest", *(call("len", array) for array in arrays))
        one = pb.Node()
        one.a_const.ival.ival = 1
        select.target_list.add().res_target.val.CopyFrom(call("unnest", call("generate_series", one, longest)))
    replace_node(node, _subselect(select, function.alias.aliasname or "unnest", function.alias))


def _subselect(select: pb.SelectStmt, alias: str, columns: pb.Alias) -> pb.Node:
    node = pb.Node()
    node.range_subselect.lateral = True
    node.range_subselect.subquery.select_stmt.CopyFrom(select)
    node.range_subselect.alias.aliasname = alias
    for part in columns.colnames:
        node.range_subselect.alias.colnames.add().CopyFrom(part)
    return node


def name_elements(select: pb.SelectStmt) -> None:
    """Let the alias of `FROM json_array_elements(x) AS e` mean its one column, `e.value`, as in PostgreSQL."""
    aliases = {
        part.alias.aliasname
        for item in select.from_clause
        for part in walk(item)
        if isinstance(part, pb.RangeFunction) and _gives_elements(part)
    }
    if not aliases:
        return
    for target in select.target_list:
        field = target.res_target.val.column_ref.fields
        if len(field) == 1 and field[0].string.sval in aliases and not target.res_target.name:
            target.res_target.name = field[0].string.sval
    for part in walk(select):
        if isinstance(part, pb.ColumnRef) and len(part.fields) == 1 and part.fields[0].string.sval in aliases:
            part.fields.add().string.sval = "value"


def _gives_elements(function: pb.RangeFunction) -> bool:
    if len(function.functions) != 1 or function.alias.colnames or not function.alias.aliasname:
        return False
    called = function.functions[0].list.items[0].func_call.funcname
    return bool(called) and called[-1].string.sval in _ELEMENT_FUNCTIONS


def name_values(item: pb.Node) -> None:
    """Name the columns of `(VALUES …) AS v` as PostgreSQL does."""
    if item.WhichOneof("node") == "join_expr":
        name_values(item.join_expr.larg)
        name_values(item.join_expr.rarg)
        return
    if item.WhichOneof("node") != "range_subselect":
        return
    subselect = item.range_subselect
    rows = subselect.subquery.select_stmt.values_lists
    if rows:
        if not subselect.HasField("alias"):
            subselect.alias.aliasname = "*VALUES*"
        for number in range(len(subselect.alias.colnames), len(rows[0].list.items)):
            subselect.alias.colnames.add().string.sval = f"column{number + 1}"
