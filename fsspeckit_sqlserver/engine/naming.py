"""The names PostgreSQL gives to columns that have none, put into the tree so that DuckDB gives the same.

Pure. Source: PostgreSQL manual, SELECT, "SELECT List", and the behaviour of PostgreSQL 15: a cast passes the name of
what it casts, a function gives its own, everything else is `?column?`.
"""

from __future__ import annotations

from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.trees import names_of

__all__ = ["is_session_word", "name_targets", "output_name"]

_UNNAMED: Final = "?column?"
_VALUE_FUNCTIONS: Final = {
    pb.SVFOP_CURRENT_DATE: "current_date",
    pb.SVFOP_CURRENT_TIME: "current_time",
    pb.SVFOP_CURRENT_TIME_N: "current_time",
    pb.SVFOP_CURRENT_TIMESTAMP: "current_timestamp",
    pb.SVFOP_CURRENT_TIMESTAMP_N: "current_timestamp",
    pb.SVFOP_LOCALTIME: "localtime",
    pb.SVFOP_LOCALTIME_N: "localtime",
    pb.SVFOP_LOCALTIMESTAMP: "localtimestamp",
    pb.SVFOP_LOCALTIMESTAMP_N: "localtimestamp",
    pb.SVFOP_CURRENT_ROLE: "current_role",
    pb.SVFOP_CURRENT_USER: "current_user",
    pb.SVFOP_USER: "user",
    pb.SVFOP_SESSION_USER: "session_user",
    pb.SVFOP_CURRENT_CATALOG: "current_catalog",
    pb.SVFOP_CURRENT_SCHEMA: "current_schema",
}
_SESSION_WORDS: Final = frozenset(
    {"current_role", "current_user", "user", "session_user", "current_catalog", "current_schema"}
    | {"current_database", "version", "getpgusername"}
)
# How sure PostgreSQL is of a name: a cast's or CASE's own name yields to a better one of its argument.
_NONE, _WEAK, _STRONG = 0, 1, 2


def name_targets(select: pb.SelectStmt) -> None:
    """Give every unnamed item of a SELECT list its PostgreSQL name."""
    for target in select.target_list:
        result = target.res_target
        # A bare column keeps its name by itself, and an error about it stays one about a column.
        if not result.name and result.val.WhichOneof("node") != "column_ref" and not _is_star(result.val):
            result.name = output_name(result.val)


def output_name(node: pb.Node) -> str:
    """Return the name PostgreSQL gives to an expression in a SELECT list."""
    strength, name = _figure(node)
    return name if strength else _UNNAMED


def is_session_word(node: pb.Node) -> bool:
    """Return whether a node is `current_user`, `current_schema()` or another text that a session does not change."""
    kind = node.WhichOneof("node")
    is_call = kind == "sqlvalue_function" or (kind == "func_call" and not node.func_call.args)
    return is_call and output_name(node) in _SESSION_WORDS


def _is_star(node: pb.Node) -> bool:
    kind = node.WhichOneof("node")
    if kind == "column_ref":
        return len(node.column_ref.fields) > 0 and bool(node.column_ref.fields[-1].WhichOneof("node") == "a_star")
    if kind == "a_indirection":
        return bool(node.a_indirection.indirection[-1].WhichOneof("node") == "a_star")
    return False


def _figure(node: pb.Node) -> tuple[int, str]:
    kind = node.WhichOneof("node")
    if kind == "column_ref":
        names = [field.string.sval for field in node.column_ref.fields if field.WhichOneof("node") == "string"]
        return (_STRONG, names[-1]) if names else (_NONE, "")
    if kind == "a_indirection":
        fields = [item.string.sval for item in node.a_indirection.indirection if item.WhichOneof("node") == "string"]
        return (_STRONG, fields[-1]) if fields else _figure(node.a_indirection.arg)
    if kind == "func_call":
        return _STRONG, names_of(node.func_call.funcname)[-1]
    if kind == "a_expr" and node.a_expr.kind == pb.AEXPR_NULLIF:
        return _STRONG, "nullif"
    if kind == "type_cast":
        strength, name = _figure(node.type_cast.arg)
        if strength == _STRONG:
            return strength, name
        return _WEAK, names_of(node.type_cast.type_name.names)[-1]
    if kind == "collate_clause":
        return _figure(node.collate_clause.arg)
    if kind == "grouping_func":
        return _STRONG, "grouping"
    if kind == "sub_link":
        return _figure_sublink(node.sub_link)
    if kind == "case_expr":
        strength, name = _figure(node.case_expr.defresult) if node.case_expr.HasField("defresult") else (_NONE, "")
        return (strength, name) if strength == _STRONG else (_WEAK, "case")
    if kind == "min_max_expr":
        return _STRONG, "greatest" if node.min_max_expr.op == pb.IS_GREATEST else "least"
    if kind == "sqlvalue_function":
        return _STRONG, _VALUE_FUNCTIONS.get(node.sqlvalue_function.op, _UNNAMED)
    simple = {"a_array_expr": "array", "row_expr": "row", "coalesce_expr": "coalesce", "xml_expr": "xml"}
    return (_STRONG, simple[kind]) if kind in simple else (_NONE, "")


def _figure_sublink(link: pb.SubLink) -> tuple[int, str]:
    if link.sub_link_type == pb.EXISTS_SUBLINK:
        return _STRONG, "exists"
    if link.sub_link_type == pb.ARRAY_SUBLINK:
        return _STRONG, "array"
    if link.sub_link_type == pb.EXPR_SUBLINK:
        select = link.subselect.select_stmt
        if select.target_list:
            target = select.target_list[0].res_target
            return (_STRONG, target.name) if target.name else _figure(target.val)
        return _STRONG, "column1"
    return _NONE, ""
