"""`json_to_recordset(x) AS t(a int, b text)`, and its kin, as a query of the documents' keys. Pure."""

from __future__ import annotations

from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.trees import (
    cast,
    column,
    copied,
    names_of,
    operation,
    parsed_select,
    replace_node,
    string,
    type_name,
)

__all__ = ["expand_record_function"]

_SETS: Final = frozenset({"json_to_recordset", "jsonb_to_recordset"})
_RECORDS: Final = frozenset({"json_to_record", "jsonb_to_record"})
_DOCUMENTS: Final = frozenset({"json", "jsonb"})


def expand_record_function(node: pb.Node) -> None:
    """Rewrite one function in FROM that has a column definition list; others stay as they are."""
    function = node.range_function
    definitions = [*function.coldeflist]
    items = function.functions[0].list.items if len(function.functions) == 1 else []
    if items and len(items) > 1 and items[1].list.items:  # `ROWS FROM (f(x) AS (a int))`
        return
    called = items[0].func_call if items and items[0].WhichOneof("node") == "func_call" else None
    name = names_of(called.funcname)[-1] if called is not None else ""
    if not definitions or called is None or name not in _SETS | _RECORDS or len(called.args) != 1:
        return
    select = parsed_select("SELECT 1 FROM json_array_elements(x) AS gw_element(gw_value)")
    document = copied(called.args[0])
    if document.WhichOneof("node") == "param_ref":  # so that its type is told
        document = cast(document, type_name(name.partition("_")[0]))
    if name in _SETS:
        source = select.from_clause[0].range_function.functions[0].list.items[0].func_call
        source.args[0].CopyFrom(document)
        document = column("gw_element", "gw_value")
    else:
        del select.from_clause[:]
    del select.target_list[:]
    for definition in definitions:
        target = select.target_list.add().res_target
        target.name = definition.column_def.colname
        kind = definition.column_def.type_name
        is_document = kind.array_bounds or names_of(kind.names)[-1] in _DOCUMENTS
        field = operation("->" if is_document else "->>", document, string(target.name))
        target.val.CopyFrom(cast(field, kind))
    alias = copied(node).range_function.alias
    result = pb.Node()
    result.range_subselect.lateral = True
    result.range_subselect.subquery.select_stmt.CopyFrom(select)
    result.range_subselect.alias.CopyFrom(alias)
    if not alias.aliasname:
        result.range_subselect.alias.aliasname = name
    replace_node(node, result)
