"""Columns that make their own values, and DEFAULT among the values of INSERT and UPDATE. Pure."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.changed_columns import Change
from fsspeckit_sqlserver.engine.errors import (
    GeneratedAlways,
    InvalidColumnReference,
    UndefinedObject,
    UnsupportedStatement,
)
from fsspeckit_sqlserver.engine.table_definitions import TableDefinition

__all__ = ["settle_defaults"]


def settle_defaults(change: Change, definition: TableDefinition) -> None:
    """Check a change against the table's identity columns, and take out what DuckDB has no word for.

    Raises:
        GeneratedAlways: a value is given for a column that makes its own.
        UnsupportedStatement: OVERRIDING USER VALUE of an identity column.
    """
    always = {column for column, kind in definition.identities if kind == "a"}
    if isinstance(change, pb.UpdateStmt):
        for item in change.target_list:
            name, value = item.res_target.name, item.res_target.val
            if value.multi_assign_ref.source.WhichOneof("node") == "sub_link":
                raise UnsupportedStatement(
                    "UPDATE ... SET (...) = (SELECT ...) is not supported", "UPDATE ... FROM (SELECT ...)"
                )
            if name in always and item.res_target.val.WhichOneof("node") != "set_to_default":
                raise _always(f'column "{name}" can only be updated to DEFAULT', name)
        return
    if not isinstance(change, pb.InsertStmt):
        return
    if change.HasField("on_conflict_clause"):
        _name_columns(change, definition)
    override, change.override = change.override, pb.OVERRIDING_NOT_SET
    if override == pb.OVERRIDING_USER_VALUE and definition.identities:
        raise UnsupportedStatement("OVERRIDING USER VALUE is not supported", "Leave the column out.")
    if not always or override == pb.OVERRIDING_SYSTEM_VALUE or not change.HasField("select_stmt"):
        return
    columns = [item.res_target.name for item in change.cols] or [item.colname for item in definition.columns]
    rows = [row.list.items for row in change.select_stmt.select_stmt.values_lists]
    for place, name in enumerate(columns):
        given = [row[place].WhichOneof("node") for row in rows if place < len(row)]
        if name in always and (set(given) - {"set_to_default"} or not rows):
            width = len(change.select_stmt.select_stmt.target_list)
            if rows or place < width:
                error = _always(f'cannot insert a non-DEFAULT value into column "{name}"', name)
                error.hint = "Use OVERRIDING SYSTEM VALUE to override."
                raise error


def _name_columns(insert: pb.InsertStmt, definition: TableDefinition) -> None:
    """Write ON CONFLICT ON CONSTRAINT by the constraint's columns, and make sure that they have one.

    Raises:
        UndefinedObject: there is no such constraint.
        InvalidColumnReference: no key has these columns.
    """
    infer = insert.on_conflict_clause.infer
    keys = [item for item in definition.constraints if item.kind in "pu"]
    if infer.conname:
        found = next((item for item in keys if item.name == infer.conname and not item.is_index), None)
        if found is None:
            table = insert.relation.alias.aliasname or insert.relation.relname
            raise UndefinedObject(f'constraint "{infer.conname}" for table "{table}" does not exist')
        infer.conname = ""
        for column in found.columns:
            element = infer.index_elems.add().index_elem
            element.name, element.ordering = column, pb.SORTBY_DEFAULT
            element.nulls_ordering = pb.SORTBY_NULLS_DEFAULT
        return
    named = {item.index_elem.name.casefold() for item in infer.index_elems}
    if named and all({column.casefold() for column in item.columns} != named for item in keys):
        raise InvalidColumnReference(
            "there is no unique or exclusion constraint matching the ON CONFLICT specification"
        )


def _always(message: str, column: str) -> GeneratedAlways:
    error = GeneratedAlways(message)
    error.detail = f'Column "{column}" is an identity column defined as GENERATED ALWAYS.'
    return error
