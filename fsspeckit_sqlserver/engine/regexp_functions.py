"""The functions and operators of regular expressions, in DuckDB's. Pure: returns what to put in a call's place."""

from __future__ import annotations

from collections.abc import Sequence

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import InvalidParameterValue, UnsupportedStatement
from fsspeckit_sqlserver.engine.regexps import Regexp, regexp, replacement
from fsspeckit_sqlserver.engine.trees import (
    call,
    cast,
    copied,
    integer,
    integer_value,
    operation,
    parsed_expression,
    string,
    string_value,
    type_name,
)

__all__ = [
    "regexp_count",
    "regexp_instr",
    "regexp_like",
    "regexp_match",
    "regexp_matches",
    "regexp_operator",
    "regexp_replace",
    "regexp_split",
    "regexp_substr",
]


def regexp_operator(symbol: str, text: pb.Node, pattern: pb.Node) -> pb.Node:
    """`~`, `!~`, `~*`, `!~*`."""
    found = call("regexp_matches", text, _pattern(pattern, "i" if symbol.endswith("*") else "")[0])
    if not symbol.startswith("!"):
        return found
    node = pb.Node()
    node.bool_expr.boolop = pb.NOT_EXPR
    node.bool_expr.args.add().CopyFrom(found)
    return node


def regexp_like(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`regexp_like(s, p [, flags])`."""
    pattern, _ = _checked("regexp_like", arguments[1], _flags(arguments, 2))
    return call("regexp_matches", arguments[0], pattern)


def regexp_match(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """The groups of the first match, or all of it where the pattern has none."""
    pattern, known = _checked("regexp_match", arguments[1], _flags(arguments, 2))
    return _first_match(arguments[0], pattern, _known(known, "regexp_match"))


def regexp_matches(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """Rows of groups, as a list to unnest."""
    pattern, known = _pattern(arguments[1], _flags(arguments, 2))
    found = _known(known, "regexp_matches")
    if not found.is_global:
        first = _first_match(arguments[0], pattern, found)
        rows = parsed_expression("CASE WHEN x IS NOT NULL THEN ARRAY[x] END")
        rows.case_expr.args[0].case_when.expr.null_test.arg.CopyFrom(first)
        rows.case_expr.args[0].case_when.result.a_array_expr.elements[0].CopyFrom(first)
        return call(("gw_pg", "gw_rows"), rows)
    result = None
    for group in range(1, found.groups + 1) if found.groups else (0,):
        texts = call("regexp_extract_all", arguments[0], pattern, integer(group))
        if found.may_lack_groups and group:
            texts = call(("gw_pg", "gw_nulls"), texts)
        result = call(("gw_pg", "gw_singles"), texts) if result is None else call(("gw_pg", "gw_zip"), result, texts)
    return None if result is None else call(("gw_pg", "gw_rows"), result)


def regexp_split(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`regexp_split_to_array(s, p [, flags])`, and the rows of its table as a list."""
    pattern, _ = _checked("regexp_split_to_array", arguments[1], _flags(arguments, 2))
    return call("string_split_regex", arguments[0], pattern)


def regexp_replace(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`regexp_replace(s, p, r [, flags])` and `regexp_replace(s, p, r, start [, n [, flags]])`."""
    has_start = len(arguments) > 3 and integer_value(arguments[3]) is not None
    start, which = (_place(arguments, 3), _place(arguments, 4)) if has_start else (1, 1)
    pattern, known = _pattern(arguments[1], _flags(arguments, 5 if has_start else 3))
    is_global = "g" in _flags(arguments, 3) if not has_start else which == 0 and len(arguments) > 4
    del known
    if which > 1:
        raise UnsupportedStatement("regexp_replace of the second match or a later one is not supported")
    written = string_value(arguments[2])
    new = string(replacement(written)) if written is not None else _escaped(arguments[2])
    text = _from(arguments[0], start)
    result = call("regexp_replace", text, pattern, new, *([string("g")] if is_global else []))
    return result if start == 1 else operation("||", call("left", arguments[0], integer(start - 1)), result)


def regexp_count(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`regexp_count(s, p [, start [, flags]])`."""
    pattern, _ = _checked("regexp_count", arguments[1], _flags(arguments, 3))
    found = call("regexp_extract_all", _from(arguments[0], _place(arguments, 2)), pattern)
    return cast(call("len", found), type_name("int4"))


def regexp_substr(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`regexp_substr(s, p [, start [, n [, flags [, group]]]])`."""
    pattern, known = _checked("regexp_substr", arguments[1], _flags(arguments, 4))
    which, group = _place(arguments, 3), _group(arguments, 5)
    if known is not None and group > known.groups:
        from_nothing = pb.Node()
        from_nothing.a_const.isnull = True
        return cast(from_nothing, type_name("text"))
    text = _from(arguments[0], _place(arguments, 2))
    return call(("gw_pg", "gw_nth"), call("regexp_extract_all", text, pattern, integer(group)), integer(which))


def regexp_instr(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`regexp_instr(s, p [, start [, n [, end [, flags [, group]]]]])`."""
    pattern, known = _checked("regexp_instr", arguments[1], _flags(arguments, 5))
    found = _known(known, "regexp_instr")
    if _place(arguments, 3) != 1 or _group(arguments, 6):
        raise UnsupportedStatement("regexp_instr finds the first match only, not a later one or a part of one")
    start = _place(arguments, 2)
    text = _from(arguments[0], start)
    before = string(f"^(?s:(.*?))(?:{found.pattern})")
    is_end = integer(1 if _group(arguments, 4) else 0)
    return call(("gw_pg", "gw_instr"), text, pattern, before, integer(start), is_end)


def _first_match(text: pb.Node, pattern: pb.Node, found: Regexp) -> pb.Node:
    result = parsed_expression("CASE WHEN regexp_matches(s, p) THEN ARRAY[1] END")
    case = result.case_expr.args[0].case_when
    case.expr.func_call.args[0].CopyFrom(text)
    case.expr.func_call.args[1].CopyFrom(pattern)
    elements = case.result.a_array_expr.elements
    del elements[:]
    for group in range(1, found.groups + 1) if found.groups else (0,):
        part = call("regexp_extract", text, pattern, integer(group))
        elements.add().CopyFrom(call("nullif", part, string("")) if found.may_lack_groups and group else part)
    return result


def _pattern(node: pb.Node, flags: str) -> tuple[pb.Node, Regexp | None]:
    """Return a pattern for RE2, and what is known of it; of one that is no constant, only its options are."""
    text = string_value(node)
    if text is not None:
        found = regexp(text, flags)
        return string(found.pattern), found
    options = regexp(".", flags).pattern.removesuffix(".")
    return operation("||", string(options), copied(node)), None


def _checked(name: str, node: pb.Node, flags: str) -> tuple[pb.Node, Regexp | None]:
    if "g" in flags:
        raise InvalidParameterValue(f'{name}() does not support the "global" option')
    return _pattern(node, flags)


def _known(found: Regexp | None, name: str) -> Regexp:
    if found is None:
        raise UnsupportedStatement(f"{name} takes a constant pattern")
    return found


def _flags(arguments: Sequence[pb.Node], place: int) -> str:
    if len(arguments) <= place:
        return ""
    flags = string_value(arguments[place])
    if flags is None:
        raise UnsupportedStatement("flags of a regular expression must be constant")
    return flags


def _place(arguments: Sequence[pb.Node], place: int) -> int:
    """Return a constant start or occurrence."""
    number = integer_value(arguments[place]) if len(arguments) > place else 1
    if number is None:
        raise UnsupportedStatement("the start and the number of a match must be constant")
    if number < 0 or (number == 0 and place != 4):
        raise InvalidParameterValue(f'invalid value for parameter "{"start" if place < 4 else "n"}": {number}')
    return number


def _group(arguments: Sequence[pb.Node], place: int) -> int:
    number = integer_value(arguments[place]) if len(arguments) > place else 0
    if number is None:
        raise UnsupportedStatement("the number of a group must be constant")
    return number


def _from(text: pb.Node, start: int) -> pb.Node:
    return text if start == 1 else call("substr", text, integer(start))


def _escaped(new: pb.Node) -> pb.Node:
    return call("replace", new, string("\\&"), string("\\0"))
