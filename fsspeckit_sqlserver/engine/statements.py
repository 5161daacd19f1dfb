"""Which statements reach DuckDB, and how the others are refused. Pure: decided on the parse tree, by an allow-list."""

from __future__ import annotations

from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_lib.errors import GatewayError
from fsspeckit_sqlserver.command_tags import command_tag_of, object_words
from fsspeckit_sqlserver.engine.errors import (
    StatementProblem,
    UndefinedFunction,
    UndefinedTable,
    UnsupportedStatement,
    read_only,
)
from fsspeckit_sqlserver.engine.parameter_types import ParameterTypes
from fsspeckit_sqlserver.engine.parameters import oid_of_type
from fsspeckit_sqlserver.engine.trees import names_of
from fsspeckit_sqlserver.engine.typing_rules import type_words
from fsspeckit_sqlserver.statement import Statement
from fsspeckit_sqlserver.types import oids

__all__ = ["QUERIES", "check_statement", "dropped_names"]

QUERIES: Final = frozenset({"select_stmt", "explain_stmt"})
_ALTERING_PREFIXES: Final = (
    "alter_",
    "create",
    "drop",
    "composite_type",
    "define",
    "import_",
    "reassign",
    "reindex",
    "rule",
    "sec_label",
    "grant",
    "comment",
    "truncate",
    "rename",
    "index",
    "cluster",
    "refresh",
)
_RENAMED: Final = frozenset({pb.OBJECT_TABLE, pb.OBJECT_VIEW, pb.OBJECT_COLUMN})


def check_statement(statement: Statement) -> None:
    """Let a statement pass or raise the error a client should see.

    Raises:
        ReadOnly: it would change what the server only reads.
        UnsupportedStatement: this server has no such statement.
    """
    name, node = statement.node_name, statement.node
    if name == "select_stmt":
        if node.HasField("into_clause"):
            _check_temporary(node.into_clause.rel, "SELECT INTO")
        return
    if name == "explain_stmt":
        inner = node.query.WhichOneof("node")
        if inner != "select_stmt":
            raise UnsupportedStatement("EXPLAIN takes a query", "EXPLAIN SELECT ...")
        return
    if name == "create_table_as_stmt":
        if node.objtype == pb.OBJECT_MATVIEW:
            raise read_only("CREATE MATERIALIZED VIEW")
        _check_temporary(getattr(node.into, "rel"), "CREATE TABLE AS")  # noqa: B009  # protobuf field of a message
        if node.query.WhichOneof("node") != "select_stmt":
            raise UnsupportedStatement("CREATE TABLE AS takes a query")
        return
    if name == "create_stmt":
        _check_temporary(node.relation, "CREATE TABLE")
        return
    if name == "create_seq_stmt":
        _check_temporary(node.sequence, "CREATE SEQUENCE")
        return
    if name == "view_stmt":
        _check_temporary(node.view, "CREATE VIEW")
        return
    if name == "alter_table_stmt" and node.objtype == pb.OBJECT_TABLE:
        return
    if name == "rename_stmt" and node.rename_type in _RENAMED and node.HasField("relation"):
        return
    if name in {
        "insert_stmt",
        "update_stmt",
        "delete_stmt",
        "drop_stmt",
        "truncate_stmt",
        "index_stmt",
        "alter_seq_stmt",
        "vacuum_stmt",
        "discard_stmt",
    }:
        return
    if name == "call_stmt":
        raise _undefined_procedure(node.funccall)
    raise _refusal(statement)


def dropped_names(statement: pb.DropStmt, temp_schema: str) -> list[str]:
    """Return the names a DROP TABLE or DROP VIEW of temporary objects names.

    Raises:
        UnsupportedStatement, ReadOnly: it drops something else.
    """
    if statement.remove_type not in {pb.OBJECT_TABLE, pb.OBJECT_VIEW}:
        raise read_only(f"DROP {object_words(statement.remove_type)}")
    names = []
    for item in statement.objects:
        parts = names_of(item.list.items)
        if len(parts) > 1 and parts[-2] not in {"pg_temp", temp_schema}:
            raise read_only(f"DROP {object_words(statement.remove_type)}")
        names.append(parts[-1])
    return names


def _check_temporary(relation: pb.RangeVar, what: str) -> None:
    if relation.relpersistence != "t" and relation.schemaname != "pg_temp":
        keyword = what.split()[1] if what.startswith("CREATE ") else "TABLE"
        raise read_only(what, f"make it temporary (CREATE TEMP {keyword} ...)")


def _refusal(statement: Statement) -> GatewayError:
    name, shown = statement.node_name, command_tag_of(statement)
    if name.startswith(_ALTERING_PREFIXES):
        return read_only(shown)
    if name == "copy_stmt":
        return UnsupportedStatement("COPY is only supported TO STDOUT")
    return UnsupportedStatement(f"{shown} is not supported by this server")


def _undefined_procedure(called: pb.FuncCall) -> StatementProblem:
    """Return the error for CALL: there are no procedures."""
    types = ParameterTypes(lambda _: None, {}, oid_of_type)
    words = ", ".join(type_words(types.visit(argument) or oids.UNKNOWN) for argument in called.args)
    name = ".".join(names_of(called.funcname))
    return UndefinedFunction(
        f"procedure {name}({words}) does not exist",
        "No procedure matches the given name and argument types. You might need to add explicit type casts.",
    )


def undefined_temporary(name: str) -> StatementProblem:
    """Return the error for a temporary object that is not there."""
    return UndefinedTable(f'table "{name}" does not exist')
