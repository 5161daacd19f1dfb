"""From a parse tree to SQL that means the same: what libpg_query's own deparser forgets is added. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.sql.messages import child_messages

__all__ = ["deparse", "deparse_expression", "quoted_text"]


def quoted_text(text: str) -> str:
    """Return a text as an SQL constant."""
    return "'" + text.replace("'", "''") + "'"


def deparse(node_name: str, node: Message) -> str:
    """Return the SQL of one statement, for PostgreSQL's parser or DuckDB's."""
    tree = pb.ParseResult(version=_version())
    getattr(tree.stmts.add().stmt, node_name).CopyFrom(node)
    _protect_words(tree)
    text: str = postgast.deparse(tree)
    # the name that WINDOW defines is written without quotes, whatever it is
    return _UNQUOTED.sub(r'"\1"', text.replace(f'"{_MARK}', '"')) if _MARK in text else text


def deparse_expression(node: pb.Node) -> str:
    """Return the SQL of one expression, as PostgreSQL writes it."""
    select = pb.SelectStmt(op=pb.SETOP_NONE, limit_option=pb.LIMIT_OPTION_DEFAULT)
    select.target_list.add().res_target.val.CopyFrom(node)
    tree = pb.ParseResult(version=_version())
    tree.stmts.add().stmt.select_stmt.CopyFrom(select)
    return str(postgast.deparse(tree)).removeprefix("SELECT ")


def _protect_words(message: Message) -> None:
    """Let names that DuckDB reserves and PostgreSQL does not be written in quotes.

    The deparser quotes what PostgreSQL needs quoted, which a name with a mark is; `deparse` takes the mark out again.
    """
    if isinstance(message, pb.ColumnRef):
        _mark_all(message.fields)
    elif isinstance(message, pb.Alias):
        _mark_all(message.colnames)
    elif isinstance(message, pb.JoinExpr):
        _mark_all(message.using_clause)
    elif isinstance(message, pb.CommonTableExpr):
        _mark_all(message.aliascolnames)
    elif isinstance(message, pb.Constraint):
        _mark_all(message.keys)
    else:
        _parenthesize(message)
    for name in _NAME_FIELDS.get(type(message), ()):
        if getattr(message, name) in _DUCKDB_WORDS:
            setattr(message, name, _MARK + getattr(message, name))
    for child in child_messages(message):
        kind = type(child)
        while kind is pb.Node:
            name = child.WhichOneof("node")
            if name is None:
                break
            child = getattr(child, name)
            kind = type(child)
        if kind not in _NAMELESS:
            _protect_words(child)


def _parenthesize(message: Message) -> None:
    """Put parentheses where the deparser forgets them: `(a OR b) IS NULL` came out as `a OR b IS NULL`.

    A row of one field that is not called ROW is written as its field in parentheses.
    """
    if isinstance(message, pb.A_Expr):
        kinds = _COMPOUND if message.kind not in _WELL_WRITTEN else _UNARY if not message.HasField("lexpr") else _LINKS
        for name in ("lexpr", "rexpr"):
            operand = getattr(message, name)
            if operand.WhichOneof("node") == "list":
                if message.kind in _BETWEEN:
                    for item in operand.list.items:
                        _enclose(item, _COMPOUND)
            else:
                _enclose(operand, kinds)
    elif isinstance(message, pb.NullTest | pb.BooleanTest | pb.CollateClause | pb.A_Indirection):
        _enclose(message.arg, _COMPOUND if not isinstance(message, pb.A_Indirection) else _NOT_INDEXED)
    elif isinstance(message, pb.SubLink) and message.HasField("testexpr"):
        _enclose(message.testexpr, _COMPOUND)
    elif isinstance(message, pb.FuncCall) and message.funcformat == pb.COERCE_SQL_SYNTAX:
        for argument in message.args:
            _enclose(argument, _COMPOUND)


def _enclose(node: pb.Node, kinds: frozenset[str]) -> None:
    kind = node.WhichOneof("node")
    if kind not in kinds or (kind == "sub_link" and node.sub_link.sub_link_type not in _LINK_TYPES):
        return
    if kind == "func_call" and node.func_call.funcformat != pb.COERCE_SQL_SYNTAX:  # x AT TIME ZONE y is one, too
        return
    inner = pb.Node()
    inner.CopyFrom(node)
    node.row_expr.row_format = pb.COERCE_IMPLICIT_CAST
    node.row_expr.args.add().CopyFrom(inner)


_WELL_WRITTEN: Final = frozenset({pb.AEXPR_OP, pb.AEXPR_NULLIF})
_BETWEEN: Final = frozenset({pb.AEXPR_BETWEEN, pb.AEXPR_NOT_BETWEEN, pb.AEXPR_BETWEEN_SYM, pb.AEXPR_NOT_BETWEEN_SYM})
_LINKS: Final = frozenset({"sub_link"})
_LINK_TYPES: Final = frozenset({pb.ANY_SUBLINK, pb.ALL_SUBLINK, pb.EXISTS_SUBLINK})
_UNARY: Final = frozenset({"sub_link", "collate_clause", "func_call"})
_COMPOUND: Final = frozenset({*_UNARY, "a_expr", "bool_expr", "null_test", "boolean_test"})
_NOT_INDEXED: Final = frozenset({*_COMPOUND, "case_expr", "a_const"})


def _mark_all(names: Sequence[pb.Node]) -> None:
    for node in names:
        if node.WhichOneof("node") == "string" and node.string.sval in _DUCKDB_WORDS:
            node.string.sval = _MARK + node.string.sval


_MARK: Final = "\ue0fa\ue0fb"  # for private use: no text has these two side by side
_NAMELESS: Final = frozenset({pb.Node, pb.TypeName, pb.ParamRef, pb.A_Const, pb.String})
_UNQUOTED = re.compile(rf"{_MARK}(\w+)")
_NAME_FIELDS: Final[Mapping[type[Message], tuple[str, ...]]] = {
    pb.Alias: ("aliasname",),
    pb.AlterTableCmd: ("name",),
    pb.ColumnDef: ("colname",),
    pb.CommonTableExpr: ("ctename",),
    pb.RangeVar: ("relname",),
    pb.ResTarget: ("name",),
    pb.WindowDef: ("name", "refname"),
}
# duckdb_keywords() tried one by one as alias, column and table, DuckDB 2.0; `deparse` quotes none of these.
_DUCKDB_WORDS: Final = frozenset(
    [
        "anti",
        "asof",
        "at",
        "by",
        "describe",
        "glob",
        "lambda",
        "pivot",
        "pivot_longer",
        "pivot_wider",
        "positional",
        "qualify",
        "recursive",
        "semi",
        "set",
        "show",
        "summarize",
        "unpack",
        "unpivot",
    ]
)


@lru_cache(maxsize=1)
def _version() -> int:
    return int(postgast.parse("SELECT 1").version)
