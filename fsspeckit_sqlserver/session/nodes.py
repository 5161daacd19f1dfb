"""Reads what the session needs out of parse trees: constants, names, options. Pure.

Nodes are protobuf messages of libpg_query; `postgast` types them as Any.
"""

from __future__ import annotations

from typing import Any

from postgast import pg_query_pb2 as pg

from fsspeckit_lib.errors import Unsupported
from fsspeckit_sqlserver.deparsing import deparse
from fsspeckit_sqlserver.statement import Statement

__all__ = ["constant_text", "function_name", "inner_statement", "setting_value"]


def constant_text(node: Any) -> str | None:
    """Return the text of a constant node (`'x'`, `5`, `-1.5`, `true`, `'x'::text`), None for NULL.

    Raises:
        Unsupported: the node is an expression.
    """
    match node.WhichOneof("node"):
        case "type_cast":
            return constant_text(node.type_cast.arg)
        case "a_const":
            constant = node.a_const
            if constant.isnull:
                return None
            match constant.WhichOneof("val"):
                case "sval":
                    return str(constant.sval.sval)
                case "ival":
                    return str(constant.ival.ival)
                case "fval":
                    return str(constant.fval.fval)
                case "boolval":
                    return "true" if constant.boolval.boolval else "false"
        case "column_ref":  # SET x TO word
            return ".".join(field.string.sval for field in node.column_ref.fields)
        case "string":
            return str(node.string.sval)
    raise Unsupported("a constant is wanted here, not an expression")


def setting_value(statement: Any) -> str | None:
    """Return the value of a SET statement as one text, lists joined as PostgreSQL joins them; None for DEFAULT."""
    if statement.kind in {pg.VAR_SET_DEFAULT, pg.VAR_RESET} or not statement.args:
        return None
    values = [constant_text(argument) for argument in statement.args]
    if statement.name == "search_path":
        return ", ".join(_quoted_identifier(value or "") for value in values)
    return ", ".join(value or "" for value in values)


def _quoted_identifier(name: str) -> str:
    if name and name == name.lower() and name.replace("_", "a").isalnum() and not name[0].isdigit():
        return name
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def function_name(call: Any) -> str | None:
    """Return the lower-case name of a function call: bare, or of pg_catalog; None for other schemas."""
    parts = [part.string.sval.lower() for part in call.funcname]
    if len(parts) == 1 or (len(parts) == 2 and parts[0] == "pg_catalog"):
        return str(parts[-1])
    return None


def inner_statement(node: Any) -> Statement:
    """Return the statement wrapped by PREPARE, DECLARE CURSOR or a rewritten tree as one of its own.

    Args:
        node: a `pg.Node`.
    """
    own = pg.Node()
    own.CopyFrom(node)
    name = node.WhichOneof("node")
    return Statement(deparse(name, getattr(own, name)), name, getattr(own, name))
