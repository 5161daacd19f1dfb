"""PostgreSQL's functions in DuckDB: what passes, what is renamed, what is written differently, what is refused.

Pure. A name that is not in any of the tables below goes to DuckDB as it is, unless it is one that reads files,
settings or secrets, changes the process, or shows DuckDB's own catalog: those do not exist for a client.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.date_parsing import parsed_date
from fsspeckit_sqlserver.engine.errors import UndefinedFunction, UnsupportedStatement
from fsspeckit_sqlserver.engine.formatting import formatted
from fsspeckit_sqlserver.engine.patterns import similar_to_regexp
from fsspeckit_sqlserver.engine.regexp_functions import (
    regexp_count,
    regexp_instr,
    regexp_like,
    regexp_match,
    regexp_matches,
    regexp_replace,
    regexp_split,
    regexp_substr,
)
from fsspeckit_sqlserver.engine.regexps import regexp
from fsspeckit_sqlserver.engine.text_functions import overlay, pad, split_part, substring
from fsspeckit_sqlserver.engine.trees import (
    call,
    cast,
    integer,
    names_of,
    operation,
    parsed_expression,
    string,
    string_value,
    type_name,
)
from fsspeckit_sqlserver.engine.value_formats import value_text

__all__ = ["FROM_FUNCTIONS", "REWRITES", "SET_RETURNING", "check_function", "renamed"]

_HIDDEN = re.compile(
    r"(duckdb_|pragma_|read_|parquet_|arrow_|python_|pandas_|__|create_external|deregister_|destroy_|register_|"
    r"json_(de)?serialize|json_execute|icu_(calendar|collate|sort)|collate_|enable_|disable_|storage_|write_log|test_)"
)
_HIDDEN_NAMES: Final = frozenset(
    {
        "checkpoint",
        "force_checkpoint",
        "getvariable",
        "getenv",
        "glob",
        "query",
        "query_table",
        "seq_scan",
        "sniff_csv",
        "summary",
        "which_secret",
        "current_query",
        "current_setting",
        "set_config",
        "nextval",
        "currval",
        "setval",
        "lastval",
        "truncate_duckdb_logs",
        "index_key",
        "from_substrait",
        "copy_database",
        "import_database",
        "current_connection_id",
        "current_query_id",
        "current_transaction_id",
        "in_search_path",
        "cast_to_type",
        "hive_partition_component",
        "repeat_row",
        "sleep_ms",
        "error",
        "aggregate",
        "finalize",
        "combine",
        "to_aggregate_state",
        "stats",
        "parse_duckdb_log_message",
    }
)
FROM_FUNCTIONS: Final = frozenset({"generate_series", "unnest"})
"""DuckDB's own table functions a client may use in FROM."""

SET_RETURNING: Final = frozenset(
    {
        "generate_series",
        "generate_subscripts",
        "json_object_keys",
        "jsonb_object_keys",
        "numeric_series",
        "regexp_matches",
        "regexp_split_to_table",
        "string_to_table",
    }
)
"""Functions that give rows in PostgreSQL and a list in DuckDB: `unnest` goes around them in a SELECT list."""

_RENAMED: Final = {
    "every": "bool_and",
    "btrim": "trim",
    "jsonb_pretty": "json_pretty",
    "json_object_keys": "json_keys",
    "jsonb_object_keys": "json_keys",
    "jsonb_strip_nulls": "json_strip_nulls",
    "statement_timestamp": "now",
    "clock_timestamp": "now",
    "timeofday": "now",
    "array_cat": "list_concat",
    "array_ndims": "array_ndims",
    "string_to_table": "string_split",
    "bpchar": "trim",
    "random_normal": "random",
    "character_length": "length",
    "char_length": "length",
    "normalize": "nfc_normalize",
    "any_value": "any_value",
}


def check_function(name: str) -> None:
    """Refuse a function of DuckDB's that is not a client's business.

    Raises:
        UndefinedFunction: in PostgreSQL's words, as if it did not exist.
    """
    if name in _HIDDEN_NAMES or _HIDDEN.match(name):
        raise UndefinedFunction(f"function {name} does not exist")


def renamed(name: str) -> str:
    """Return DuckDB's name of a function of PostgreSQL's; the same name when it has none of its own."""
    return _RENAMED.get(name, name)


Rewrite = Callable[[Sequence[pb.Node]], pb.Node | None]
"""Arguments → the expression to put in place of the call; None leaves it as it is."""


def _extract_path(arguments: Sequence[pb.Node], function: str) -> pb.Node | None:
    result = arguments[0]
    for key in arguments[1:]:
        result = call("json_extract", result, key)
    result.func_call.funcname[-1].string.sval = function
    return result


def _to_char(arguments: Sequence[pb.Node]) -> pb.Node | None:
    return value_text(arguments, None)


_PER_FIELD: Final = {
    **dict.fromkeys(("second", "seconds"), "1000000.0"),
    **dict.fromkeys(("millisecond", "milliseconds"), "1000.0"),
}
"""Field → how many microseconds."""


def _seconds(name: str, arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`extract(second from x)` and `extract(milliseconds from x)` have a fraction in PostgreSQL."""
    field = string_value(arguments[0]) if len(arguments) == 2 else None
    if field is None or field.lower() not in _PER_FIELD:
        return None
    node = pb.Node()
    node.a_expr.kind = pb.AEXPR_OP
    node.a_expr.name.add().string.sval = "/"
    node.a_expr.lexpr.CopyFrom(call("date_part", string("microseconds"), arguments[1]))
    node.a_expr.rexpr.a_const.fval.fval = _PER_FIELD[field.lower()]
    is_numeric = name == "extract" and field.lower().startswith("milli")
    return cast(node, type_name("numeric", 18, 3)) if is_numeric else node


_INTERVAL_PARTS: Final = {
    "years": "to_years",
    "months": "to_months",
    "weeks": "to_weeks",
    "days": "to_days",
    "hours": "to_hours",
    "mins": "to_minutes",
    "secs": "to_seconds",
}


def _make_interval(arguments: Sequence[pb.Node]) -> pb.Node | None:
    result = cast(string("0 days"), type_name("interval"))
    for (part, function), argument in zip(_INTERVAL_PARTS.items(), arguments, strict=False):
        name, value = function, argument
        if argument.WhichOneof("node") == "named_arg_expr":
            part = argument.named_arg_expr.name
            if part not in _INTERVAL_PARTS:
                return None
            name, value = _INTERVAL_PARTS[part], argument.named_arg_expr.arg
        total = pb.Node()
        total.a_expr.kind = pb.AEXPR_OP
        total.a_expr.name.add().string.sval = "+"
        total.a_expr.lexpr.CopyFrom(result)
        total.a_expr.rexpr.CopyFrom(call(name, value))
        result = total
    return result


def _substring(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """`substring(text from pattern)` is a regular expression, with `similar` or an escape one of SIMILAR TO."""
    if len(arguments) == 2 and (pattern := string_value(arguments[1])) is not None:
        found = regexp(pattern)
        group = 1 if found.groups else 0
        part = call("regexp_extract", arguments[0], string(found.pattern), integer(group))
        if group and found.may_lack_groups:
            return call("nullif", part, string(""))
        match = parsed_expression("CASE WHEN regexp_matches(s, p) THEN x END").case_expr
        match.args[0].case_when.expr.func_call.args[0].CopyFrom(arguments[0])
        match.args[0].case_when.expr.func_call.args[1].CopyFrom(string(found.pattern))
        match.args[0].case_when.result.CopyFrom(part)
        node = pb.Node()
        node.case_expr.CopyFrom(match)
        return node
    if len(arguments) == 3 and (pattern := string_value(arguments[1])) is not None:
        escape = string_value(arguments[2])
        parts = pattern.split(f'{escape}"') if escape else []
        if len(parts) != 3:
            raise UnsupportedStatement("substring(... similar ...) takes a constant pattern of three parts")
        before, middle, after = (similar_to_regexp(part)[4:-2] for part in parts)
        whole = f"(?s)^(?:{before.replace('.*', '.*?')})({middle})(?:{after})$"
        return call("nullif", call("regexp_extract", arguments[0], string(whole), integer(1)), string(""))
    return substring(arguments)


def _date_trunc(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """Centuries and millennia begin with a year 1; a third argument is the time zone whose days are meant."""
    if len(arguments) == 3:
        field, moment, zone = arguments
        local = call("timezone", zone, cast(moment, type_name("timestamptz")))
        return call("timezone", zone, call("date_trunc", field, local))
    word = string_value(arguments[0]) if len(arguments) == 2 else None
    if word is None or word.lower() not in {"century", "millennium"}:
        return None
    year = cast(string("1 year"), type_name("interval"))
    return operation("+", call("date_trunc", arguments[0], operation("-", arguments[1], year)), year)


def _generate_series(arguments: Sequence[pb.Node]) -> pb.Node | None:
    """Between dates PostgreSQL counts in timestamptz."""
    ends = list(arguments[:2])
    if len(arguments) != 3 or not any(_is_date(end) for end in ends):
        return None
    moments = [cast(end, type_name("timestamptz")) if _is_date(end) else end for end in ends]
    return call("generate_series", *moments, arguments[2])


def _is_date(node: pb.Node) -> bool:
    return node.WhichOneof("node") == "type_cast" and names_of(node.type_cast.type_name.names)[-1] == "date"


def _date_bin(arguments: Sequence[pb.Node]) -> pb.Node | None:
    return call("time_bucket", *arguments)


def _division(arguments: Sequence[pb.Node]) -> pb.Node | None:
    return call("trunc", operation("/", arguments[0], arguments[1]))


def _digest(arguments: Sequence[pb.Node]) -> pb.Node | None:
    return call("from_hex", call("sha256", *arguments))


def _array_length(arguments: Sequence[pb.Node]) -> pb.Node | None:
    return cast(call("json_array_length", *arguments), type_name("int4"))


def _similar(arguments: Sequence[pb.Node]) -> pb.Node | None:
    texts = [string_value(argument) for argument in arguments]
    if texts[0] is None or None in texts:
        raise UnsupportedStatement("SIMILAR TO takes a constant pattern; use ~ instead")
    return string(similar_to_regexp(*(text for text in texts if text is not None)))


def _count_nulls(arguments: Sequence[pb.Node], *, is_null: bool) -> pb.Node | None:
    total = integer(0)
    for argument in arguments:
        test = parsed_expression("(x IS NULL)::int4" if is_null else "(x IS NOT NULL)::int4")
        test.type_cast.arg.null_test.arg.CopyFrom(argument)
        both = pb.Node()
        both.a_expr.kind = pb.AEXPR_OP
        both.a_expr.name.add().string.sval = "+"
        both.a_expr.lexpr.CopyFrom(total)
        both.a_expr.rexpr.CopyFrom(test)
        total = both
    return total


REWRITES: Final[dict[str, Rewrite]] = {
    "to_char": _to_char,
    "to_date": lambda arguments: parsed_date(arguments, "date"),
    "to_timestamp": lambda arguments: parsed_date(arguments, "timestamptz"),
    "substring": _substring,
    "substr": substring,
    "date_bin": _date_bin,
    "date_trunc": _date_trunc,
    "generate_series": _generate_series,
    "div": _division,
    "sha256": _digest,
    "similar_to_escape": _similar,
    "format": formatted,
    "extract": lambda arguments: _seconds("extract", arguments),
    "date_part": lambda arguments: _seconds("date_part", arguments),
    "make_interval": _make_interval,
    "regexp_count": regexp_count,
    "regexp_instr": regexp_instr,
    "regexp_like": regexp_like,
    "regexp_match": regexp_match,
    "regexp_matches": regexp_matches,
    "regexp_replace": regexp_replace,
    "regexp_split_to_array": regexp_split,
    "regexp_split_to_table": regexp_split,
    "regexp_substr": regexp_substr,
    "overlay": overlay,
    "split_part": split_part,
    "lpad": lambda arguments: pad("lpad", arguments),
    "rpad": lambda arguments: pad("rpad", arguments),
    "chr": lambda arguments: call("chr", *(cast(argument, type_name("int4")) for argument in arguments)),
    "json_array_length": _array_length,
    "jsonb_array_length": _array_length,
    "num_nulls": lambda arguments: _count_nulls(arguments, is_null=True),
    "num_nonnulls": lambda arguments: _count_nulls(arguments, is_null=False),
    "json_extract_path": lambda arguments: _extract_path(arguments, "json_extract"),
    "jsonb_extract_path": lambda arguments: _extract_path(arguments, "json_extract"),
    "json_extract_path_text": lambda arguments: _extract_path(arguments, "json_extract_string"),
    "jsonb_extract_path_text": lambda arguments: _extract_path(arguments, "json_extract_string"),
}
"""Functions whose call looks different in DuckDB."""
