"""Functions that make JSON, as texts that are put together as PostgreSQL puts them. Pure.

`json_build_object('a', x)` becomes `concat('{"a" : ', <x as JSON>, '}')::json`: the spacing is PostgreSQL's, and each
value is written by the macros of `catalog.json_macros`, by its type.
Source: PostgreSQL 15, json.c and jsonb.c.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.casts import rewrite_cast
from fsspeckit_sqlserver.engine.errors import InvalidParameterValue, UndefinedFunction, UnsupportedStatement
from fsspeckit_sqlserver.engine.trees import (
    call,
    cast,
    copied,
    names_of,
    operation,
    parsed_expression,
    string,
    type_name,
)
from fsspeckit_sqlserver.types.jsonb import key_order

__all__ = ["JSON_MAKERS", "json_made"]

_PLAIN: Final = frozenset({"to_json", "to_jsonb", "row_to_json", "array_to_json"})
_OBJECTS: Final = frozenset({"json_build_object", "jsonb_build_object"})
_ARRAYS: Final = frozenset({"json_build_array", "jsonb_build_array"})
_PAIRED: Final = frozenset({"json_object", "jsonb_object"})
_COLLECTED: Final = frozenset({"json_agg", "jsonb_agg"})
_COLLECTED_PAIRS: Final = frozenset({"json_object_agg", "jsonb_object_agg"})
JSON_MAKERS: Final = _PLAIN | _OBJECTS | _ARRAYS | _PAIRED | _COLLECTED | _COLLECTED_PAIRS

_SIMPLE: Final = frozenset({"column_ref", "a_const", "param_ref"})


def json_made(node: pb.Node, name: str, interval_style: str) -> pb.Node:
    """Return what to put in the place of a call of one of them, whose arguments are in DuckDB's dialect already.

    Raises:
        InvalidParameterValue: a key without a value, or NULL, in PostgreSQL's words.
        UndefinedFunction: there is none of so many arguments.
        UnsupportedStatement: VARIADIC.
    """
    return _Maker(node, name, interval_style).made()


class _Maker:
    def __init__(self, node: pb.Node, name: str, interval_style: str) -> None:
        self._node, self._name, self._style = node, name, interval_style
        self._is_binary = name.startswith("jsonb") or name == "to_jsonb"
        self._form = "jsonb" if self._is_binary else "json"
        self._arguments = [_row(argument) for argument in node.func_call.args]

    def made(self) -> pb.Node:
        name, arguments = self._name, self._arguments
        if self._node.func_call.func_variadic:
            raise UnsupportedStatement(f"{name}(VARIADIC ...) is not supported", "Write the arguments one by one.")
        if name in _OBJECTS:
            return self._object()
        if name in _ARRAYS:
            return self._array()
        if name in _COLLECTED and len(arguments) == 1:
            return self._collected()
        if name in _COLLECTED_PAIRS and len(arguments) == 2:
            return self._collected_pairs()
        if name in _PAIRED and len(arguments) in {1, 2}:
            return self._paired()
        is_pretty = len(arguments) == 2 and name in {"row_to_json", "array_to_json"}
        if name not in _PLAIN or not (len(arguments) == 1 or is_pretty):
            raise UndefinedFunction(f"function {name} with {len(arguments)} arguments does not exist")
        if not is_pretty:
            return _document(self._text(arguments[0]))
        choice = parsed_expression("CASE WHEN a THEN b ELSE c END")
        choice.case_expr.args[0].case_when.expr.CopyFrom(arguments[1])
        choice.case_expr.args[0].case_when.result.CopyFrom(self._text(arguments[0], "pretty"))
        choice.case_expr.defresult.CopyFrom(self._text(arguments[0]))
        return _document(choice)

    def _text(self, value: pb.Node, form: str = "") -> pb.Node:
        """Return the text of a value's JSON, NULL for NULL."""
        form = form or self._form
        if form == "json" and _is_json(value):
            return cast(value, type_name("varchar"))
        macro = "gw_json" if value.WhichOneof("node") in _SIMPLE else "gw_json_of"
        return call(("gw_pg", macro), value, string(f"{form} {self._style}"))

    def _value(self, value: pb.Node) -> pb.Node:
        """Return the text of a value's JSON, `null` for NULL."""
        if value.a_const.isnull:
            return string("null")
        both = parsed_expression("coalesce(v, 'null')")
        both.coalesce_expr.args[0].CopyFrom(self._text(value))
        return both

    def _object(self) -> pb.Node:
        arguments = self._arguments
        if len(arguments) % 2:
            raise InvalidParameterValue(
                "argument list must have even number of elements",
                f"The arguments of {self._name}() must consist of alternating keys and values.",
            )
        pairs = list(zip(arguments[::2], arguments[1::2], strict=True))
        keys = [_constant_key(key) for key, _ in pairs]
        for place, (key, _) in enumerate(pairs):
            if key.a_const.isnull:
                what = "key must not be null" if self._is_binary else "cannot be null"
                raise InvalidParameterValue(
                    f"argument {2 * place + 1}{':' if self._is_binary else ''} {what}", "Object keys should be text."
                )
        known = {key: place for place, key in enumerate(keys) if key is not None}  # the last of several
        is_sorted = self._is_binary and None not in keys
        if is_sorted:
            pairs = [pairs[known[key]] for key in key_order(known)]
        parts: list[pb.Node] = [string("{")]
        for number, (key, value) in enumerate(pairs):
            written = _constant_key(key)
            shown = _key_text(key) if written is None else string(json.dumps(written, ensure_ascii=False))
            parts += [string(", "), shown] if number else [shown]
            parts += [string(": " if self._is_binary else " : "), self._value(value)]
        made = _document(_concatenated([*parts, string("}")]))
        return made if is_sorted or not self._is_binary else call(("gw_pg", "gw_jsonb"), made)

    def _array(self) -> pb.Node:
        parts: list[pb.Node] = [string("[")]
        for number, value in enumerate(self._arguments):
            parts += [string(", "), self._value(value)] if number else [self._value(value)]
        return _document(_concatenated([*parts, string("]")]))

    def _collected(self) -> pb.Node:
        collected = copied(self._node)
        function = collected.func_call
        function.args[0].CopyFrom(self._arguments[0])
        _rename(function, "list")
        if function.agg_distinct and not function.agg_order:
            sort = function.agg_order.add().sort_by
            sort.node.CopyFrom(self._arguments[0])
            sort.sortby_dir, sort.sortby_nulls = pb.SORTBY_ASC, pb.SORTBY_NULLS_LAST
        form = string(f"{'aggb' if self._is_binary else 'agg'} {self._style}")
        return _document(call(("gw_pg", "gw_json_of"), collected, form))

    def _collected_pairs(self) -> pb.Node:
        key, value = self._arguments
        pairs = copied(self._node)
        between, comma = (": ", ", ") if self._is_binary else (" : ", ", ")
        pair = _concatenated([_key_text(key, "field name must not be null"), string(between), self._value(value)])
        del pairs.func_call.args[:]
        pairs.func_call.args.extend([pair, string(comma)])
        _rename(pairs.func_call, "string_agg")
        opening, closing = ("{", "}") if self._is_binary else ("{ ", " }")
        made = _document(operation("||", operation("||", string(opening), pairs), string(closing)))
        return call(("gw_pg", "gw_jsonb"), made) if self._is_binary else made

    def _paired(self) -> pb.Node:
        lists = [cast(argument, type_name("varchar", array_dimensions=1)) for argument in self._arguments]
        for constant in lists:
            rewrite_cast(constant)
        macro = "gw_json_pairs" if len(lists) == 2 else "gw_json_flat"
        made = _document(call(("gw_pg", macro), *lists))
        return call(("gw_pg", "gw_jsonb"), made) if self._is_binary else made


def _row(argument: pb.Node) -> pb.Node:
    """Return an argument; `t.*` is the row `t`."""
    found = copied(argument)
    fields = found.column_ref.fields
    if found.WhichOneof("node") == "column_ref" and len(fields) == 2 and fields[1].HasField("a_star"):
        del fields[1]
    return found


def _document(text: pb.Node) -> pb.Node:
    return cast(text, type_name("json"))


def _concatenated(parts: Sequence[pb.Node]) -> pb.Node:
    """Return `concat(…)`, constants side by side as one."""
    merged: list[pb.Node] = []
    for part in parts:
        if merged and all(node.a_const.WhichOneof("val") == "sval" for node in (merged[-1], part)):
            merged[-1] = string(merged[-1].a_const.sval.sval + part.a_const.sval.sval)
        else:
            merged.append(part)
    return merged[0] if len(merged) == 1 else call("concat", *merged)


def _constant_key(key: pb.Node) -> str | None:
    match key.a_const.WhichOneof("val"):
        case "sval":
            return str(key.a_const.sval.sval)
        case "ival":
            return str(key.a_const.ival.ival)
        case "boolval":
            return "true" if key.a_const.boolval.boolval else "false"
    return None


def _key_text(key: pb.Node, problem: str = "argument of a key cannot be null") -> pb.Node:
    both = parsed_expression(f"coalesce(to_json(k::varchar)::varchar, error('22023 {problem}')::varchar)")
    both.coalesce_expr.args[0].type_cast.arg.func_call.args[0].type_cast.arg.CopyFrom(key)
    return both


def _is_json(node: pb.Node) -> bool:
    """Return whether an expression is evidently JSON already."""
    match node.WhichOneof("node"):
        case "type_cast":
            target = node.type_cast.type_name
            return not target.array_bounds and names_of(target.names)[-1] == "json"
        case "sub_link":
            targets = node.sub_link.subselect.select_stmt.target_list
            is_value = node.sub_link.sub_link_type == pb.EXPR_SUBLINK and len(targets) == 1
            return is_value and _is_json(targets[0].res_target.val)
        case "coalesce_expr":
            return any(_is_json(argument) for argument in node.coalesce_expr.args)
    return False


def _rename(function: pb.FuncCall, name: str) -> None:
    del function.funcname[:]
    function.funcname.add().string.sval = name
