"""The options of COPY, read from its parse tree and checked as PostgreSQL checks them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from fsspeckit_lib.errors import BadInput, InvalidValue, Unsupported
from fsspeckit_sqlserver.statement import SyntaxProblem
from fsspeckit_sqlserver.types.copy_out import CopyFormat

__all__ = ["copy_format"]

_FORMATS: dict[str, Literal["text", "csv", "binary"]] = {"text": "text", "csv": "csv", "binary": "binary"}
_TRUE = {"true", "on", "1", ""}


class UndefinedColumnInOption(BadInput):
    """FORCE_QUOTE and the like name a column that is not copied."""

    kind = "undefined-column"


def copy_format(node: Any, names: Sequence[str]) -> CopyFormat:
    """Return the options of a COPY.

    Args:
        node: a `pg.CopyStmt`.
        names: the columns that are copied.

    Raises:
        SyntaxProblem, InvalidValue, Unsupported: in PostgreSQL's words.
    """
    given: dict[str, Any] = {}
    for option in node.options:
        name = option.def_elem.defname
        if name in given:
            raise SyntaxProblem("conflicting or redundant options", 0)
        given[name] = option.def_elem.arg
    kind = _text(given.pop("format", None)) or "text"
    if kind not in _FORMATS:
        raise InvalidValue(f'COPY format "{kind}" not recognized')
    is_csv, is_binary = kind == "csv", kind == "binary"
    for name in ("delimiter", "null", "header"):
        if is_binary and name in given:
            raise SyntaxProblem(f"cannot specify {name.upper()} in BINARY mode", 0)
    for name in ("quote", "escape", "force_quote", "force_not_null", "force_null"):
        if not is_csv and name in given:
            raise Unsupported(f"COPY {name.replace('_', ' ')} available only in CSV mode")
    header = _text(given.pop("header"), "true") if "header" in given else "false"
    delimiter = _one(given, "delimiter", "," if is_csv else "\t")
    quote = _one(given, "quote", '"')
    escape = _one(given, "escape", quote)
    if is_csv and delimiter == quote:
        raise InvalidValue("COPY delimiter and quote must be different")
    if not is_csv and delimiter in "\\.abcdefghijklmnopqrstuvwxyz0123456789":
        raise InvalidValue(f'COPY delimiter cannot be "{delimiter}"')
    null = _text(given.pop("null", None), "" if is_csv else "\\N")
    if delimiter in null:
        raise Unsupported("COPY delimiter must not appear in the NULL specification")
    encoding = _text(given.pop("encoding", None), "utf8")
    if "".join(filter(str.isalnum, encoding.lower())) not in {"utf8", "unicode", "sqlascii"}:
        raise Unsupported(f"COPY encoding {encoding!r}: the gateway speaks UTF8")
    given.pop("freeze", None)
    forced = {name: _places(given.pop(f"force_{name}", None), names) for name in ("quote", "not_null", "null")}
    if given:
        raise SyntaxProblem(f'option "{next(iter(given))}" not recognized', 0)
    return CopyFormat(
        _FORMATS[kind],
        delimiter,
        null,
        quote,
        escape,
        header.lower() in _TRUE | {"match"},
        header.lower() == "match",
        forced["quote"],
        forced["not_null"],
        forced["null"],
    )


def _text(node: Any, default: str = "") -> str:
    kind = None if node is None else node.WhichOneof("node")
    match kind:
        case "string":
            return str(node.string.sval)
        case "boolean":
            return "true" if node.boolean.boolval else "false"
        case "integer":
            return str(node.integer.ival)
    return default


def _one(given: dict[str, Any], name: str, default: str) -> str:
    text = _text(given.pop(name, None), default)
    if len(text.encode()) != 1:
        raise Unsupported(f"COPY {name} must be a single one-byte character")
    if text in "\r\n":
        raise InvalidValue(f"COPY {name} cannot be newline or carriage return")
    return text


def _places(node: Any, names: Sequence[str]) -> frozenset[int]:
    if node is None:
        return frozenset()
    if node.WhichOneof("node") == "a_star":
        return frozenset(range(len(names)))
    wanted = [item.string.sval for item in node.list.items]
    for name in wanted:
        if name not in names:
            raise UndefinedColumnInOption(f'column "{name}" does not exist')
    return frozenset(names.index(name) for name in wanted)
