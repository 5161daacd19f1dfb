"""The options of COPY, read from its parse tree and checked as PostgreSQL checks them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from fsspeckit_lib.errors import BadInput, InvalidValue, Unsupported
from fsspeckit_sqlserver.statement import SyntaxProblem
from fsspeckit_sqlserver.types.copy_out import CopyFormat

__all__ = ["ColumnNamedTwice", "copy_format"]

_FORMATS: dict[str, Literal["text", "csv", "binary"]] = {"text": "text", "csv": "csv", "binary": "binary"}
_TRUE = {"true", "on", "1", ""}
_FALSE = {"false", "off", "0"}


class UndefinedColumnInOption(BadInput):
    """FORCE_QUOTE and the like name a column that is not copied."""

    kind = "undefined-column"


class ColumnNotCopied(BadInput):
    """FORCE_QUOTE and the like name a column of the table that is not copied."""

    kind = "invalid-column-reference"


class ColumnNamedTwice(BadInput):
    """A list of columns has one of them twice."""

    kind = "duplicate-column"

    def __init__(self, name: str) -> None:
        super().__init__(f'column "{name}" specified more than once')


def copy_format(node: Any, names: Sequence[str]) -> CopyFormat:
    """Return the options of a COPY.

    Args:
        node: a `pg.CopyStmt`.
        names: the columns that are copied.

    Raises:
        SyntaxProblem, InvalidValue, Unsupported: in PostgreSQL's words and order.
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
    header = _header(given.pop("header"), node.is_from) if "header" in given else ""
    if "freeze" in given and _text(given.pop("freeze"), "true").lower() not in _TRUE | _FALSE:
        raise SyntaxProblem("freeze requires a Boolean value", 0)
    encoding = _text(given.pop("encoding", None), "utf8")
    if "".join(filter(str.isalnum, encoding.lower())) not in {"utf8", "unicode", "sqlascii"}:
        raise Unsupported(f"COPY encoding {encoding!r}: the gateway speaks UTF8")
    for name in given:
        if name not in {"delimiter", "null", "quote", "escape", "force_quote", "force_not_null", "force_null"}:
            raise SyntaxProblem(f'option "{name}" not recognized', 0)
    delimiter, null, quote, escape = _marks(given, kind, has_header=bool(header))
    for name, is_for_from in (("force_quote", False), ("force_not_null", True), ("force_null", True)):
        what = name.replace("_", " ")
        if name in given and kind != "csv":
            raise Unsupported(f"COPY {what} available only in CSV mode")
        if name in given and node.is_from is not is_for_from:
            raise Unsupported(f"COPY {what} only available using COPY {'FROM' if is_for_from else 'TO'}")
    if delimiter in null:
        raise Unsupported("COPY delimiter must not appear in the NULL specification")
    if kind == "csv" and quote in null:
        raise Unsupported("CSV quote character must not appear in the NULL specification")
    table = node.relation.relname if node.HasField("relation") else ""
    for name in ("force_quote", "force_not_null", "force_null"):
        _check_named(given.get(name), names, name, table, is_listed=bool(node.attlist))
    forced = [_places(given.get(f"force_{name}"), names) for name in ("quote", "not_null", "null")]
    is_on = header in {"on", "match"}
    return CopyFormat(_FORMATS[kind], delimiter, null, quote, escape, is_on, header == "match", *forced)


def _header(node: Any, is_from: bool) -> str:
    """Return `on`, `match`, or nothing for off."""
    text = _text(node, "true").lower()
    if text == "match":
        if not is_from:
            raise Unsupported('cannot use "match" with HEADER in COPY TO')
        return text
    if text not in _TRUE | _FALSE:
        raise SyntaxProblem('header requires a Boolean value or "match"', 0)
    return "on" if text in _TRUE else ""


def _marks(given: dict[str, Any], kind: str, *, has_header: bool) -> tuple[str, str, str, str]:
    """Return delimiter, null, quote and escape."""
    is_csv = kind == "csv"
    if kind == "binary":
        for name in ("delimiter", "null"):
            if name in given:
                raise SyntaxProblem(f"cannot specify {name.upper()} in BINARY mode", 0)
        if has_header:
            raise Unsupported("cannot specify HEADER in BINARY mode")
    delimiter = _one(given, "delimiter", "," if is_csv else "\t")
    if delimiter in "\r\n":
        raise InvalidValue("COPY delimiter cannot be newline or carriage return")
    null = _text(given.get("null"), "" if is_csv else "\\N")
    if "\r" in null or "\n" in null:
        raise InvalidValue("COPY null representation cannot use newline or carriage return")
    if not is_csv and delimiter in "\\.abcdefghijklmnopqrstuvwxyz0123456789":
        raise InvalidValue(f'COPY delimiter cannot be "{delimiter}"')
    for name in ("quote", "escape"):
        if name in given and not is_csv:
            raise Unsupported(f"COPY {name} available only in CSV mode")
    quote = _one(given, "quote", '"')
    if is_csv and delimiter == quote:
        raise InvalidValue("COPY delimiter and quote must be different")
    escape = _one(given, "escape", quote)
    for name, text in (("quote", quote), ("escape", escape)):
        if text in "\r\n":
            raise InvalidValue(f"COPY {name} cannot be newline or carriage return")
    return delimiter, null, quote, escape


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
    text = _text(given.get(name), default)
    if len(text.encode()) != 1:
        raise Unsupported(f"COPY {name} must be a single one-byte character")
    return text


def _check_named(node: Any, names: Sequence[str], option: str, table: str, *, is_listed: bool) -> None:
    """Make sure that the columns an option names are copied."""
    for item in node.list.items if node is not None else ():
        name = item.string.sval
        if name in names:
            continue
        if is_listed:
            raise ColumnNotCopied(f'{option.upper()} column "{name}" not referenced by COPY')
        where = f' of relation "{table}"' if table else ""
        raise UndefinedColumnInOption(f'column "{name}"{where} does not exist')


def _places(node: Any, names: Sequence[str]) -> frozenset[int]:
    if node is None:
        return frozenset()
    if node.WhichOneof("node") == "a_star":
        return frozenset(range(len(names)))
    wanted = [item.string.sval for item in node.list.items]
    for place, name in enumerate(wanted):
        if name not in names:
            raise UndefinedColumnInOption(f'column "{name}" does not exist')
        if name in wanted[:place]:
            raise ColumnNamedTwice(name)
    return frozenset(names.index(name) for name in wanted)
