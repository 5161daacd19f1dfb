"""What PostgreSQL's catalogs say of types: which casts exist, what operators and functions give. Tables only.

Source: PostgreSQL 16, `pg_cast.dat`, `pg_proc.dat`, `pg_operator.dat`; checked against a server by the differential
tests. A function that is not here has the type DuckDB gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.oids import SHOWN_NAMES

__all__ = [
    "FIRST_ARGUMENT",
    "INTEGERS",
    "NUMBERS",
    "RESULTS",
    "TEXTS",
    "castable",
    "matched",
    "nullif_type",
    "promoted",
    "sum_type",
    "type_words",
]

INTEGERS: Final = (oids.INT2, oids.INT4, oids.INT8)
NUMBERS: Final = (*INTEGERS, oids.NUMERIC, oids.FLOAT4, oids.FLOAT8)
TEXTS: Final = frozenset({oids.TEXT, oids.VARCHAR, oids.BPCHAR, oids.NAME, oids.CHAR, oids.UNKNOWN})
_OID_LIKE: Final = frozenset({oids.OID, oids.REGCLASS, oids.REGTYPE, oids.REGPROC, oids.REGNAMESPACE, oids.REGROLE})

# Beyond casts to and from text, which every type has.
_CASTS: Final[Mapping[int, frozenset[int]]] = {
    oids.BOOL: frozenset({oids.INT4}),
    oids.INT2: frozenset({*NUMBERS, *_OID_LIKE}),
    oids.INT4: frozenset({*NUMBERS, *_OID_LIKE, oids.BOOL, oids.BIT}),
    oids.INT8: frozenset({*NUMBERS, *_OID_LIKE, oids.BIT}),
    oids.NUMERIC: frozenset(NUMBERS),
    oids.FLOAT4: frozenset(NUMBERS),
    oids.FLOAT8: frozenset(NUMBERS),
    oids.BYTEA: frozenset(),
    oids.DATE: frozenset({oids.TIMESTAMP, oids.TIMESTAMPTZ}),
    oids.TIME: frozenset({oids.TIMETZ, oids.INTERVAL}),
    oids.TIMETZ: frozenset({oids.TIME}),
    oids.TIMESTAMP: frozenset({oids.DATE, oids.TIME, oids.TIMESTAMPTZ}),
    oids.TIMESTAMPTZ: frozenset({oids.DATE, oids.TIME, oids.TIMETZ, oids.TIMESTAMP}),
    oids.INTERVAL: frozenset({oids.TIME}),
    oids.UUID: frozenset(),
    oids.JSON: frozenset({oids.JSONB}),
    oids.JSONB: frozenset({oids.JSON, oids.BOOL, *NUMBERS}),
    oids.BIT: frozenset({oids.VARBIT, oids.INT4, oids.INT8}),
    oids.VARBIT: frozenset({oids.BIT}),
}

_TEXT = (
    "lower upper initcap substring substr left right overlay replace trim btrim ltrim rtrim repeat reverse lpad rpad "
    "split_part concat concat_ws chr md5 encode quote_ident quote_literal quote_nullable to_hex translate format "
    "array_to_string regexp_replace string_agg to_char json_extract_path_text jsonb_extract_path_text json_typeof "
    "jsonb_typeof current_setting set_config version pg_size_pretty format_type obj_description col_description "
    "regexp_substr regexp_split_to_table array_dims unistr"
)
_INT4 = (
    "length char_length character_length octet_length bit_length position strpos ascii array_length array_upper "
    "array_lower array_ndims cardinality json_array_length jsonb_array_length ntile grouping get_byte width_bucket "
    "num_nulls num_nonnulls pg_backend_pid regexp_count regexp_instr scale min_scale array_position pg_column_size"
)
_VOID = "pg_sleep pg_advisory_lock pg_advisory_xact_lock pg_advisory_unlock_all pg_notify setseed"
_FLOAT8 = (
    "sqrt cbrt exp ln power pow pi degrees radians sin cos tan asin acos atan atan2 random date_part corr covar_pop"
)
_BOOL = "starts_with bool_and bool_or every isfinite regexp_like pg_try_advisory_lock pg_advisory_unlock"
RESULTS: Final[Mapping[str, int]] = {
    **dict.fromkeys(_TEXT.split(), oids.TEXT),
    **dict.fromkeys(_INT4.split(), oids.INT4),
    **dict.fromkeys(_VOID.split(), oids.VOID),
    **dict.fromkeys(_FLOAT8.split(), oids.FLOAT8),
    **dict.fromkeys(_BOOL.split(), oids.BOOL),
    **dict.fromkeys(("count", "row_number", "rank", "dense_rank", "regr_count", "txid_current"), oids.INT8),
    **dict.fromkeys(("extract", "div", "to_number"), oids.NUMERIC),
    **dict.fromkeys(("now", "transaction_timestamp", "statement_timestamp", "clock_timestamp"), oids.TIMESTAMPTZ),
    **dict.fromkeys(("to_json", "row_to_json", "json_build_object", "json_build_array", "json_agg"), oids.JSON),
    **dict.fromkeys(("to_jsonb", "jsonb_build_object", "jsonb_build_array", "jsonb_agg"), oids.JSONB),
    **dict.fromkeys(("jsonb_strip_nulls", "jsonb_object_agg", "jsonb_extract_path", "jsonb_set"), oids.JSONB),
    **dict.fromkeys(("jsonb_object", "jsonb_array_elements"), oids.JSONB),
    **dict.fromkeys(("array_to_json", "json_object", "json_object_agg", "json_array_elements"), oids.JSON),
    **dict.fromkeys(("json_strip_nulls", "json_extract_path"), oids.JSON),
    **dict.fromkeys(
        ("json_array_elements_text", "jsonb_array_elements_text", "json_object_keys", "jsonb_object_keys"), oids.TEXT
    ),
    **dict.fromkeys(("current_schema", "current_database", "current_user", "session_user"), oids.NAME),
    **dict.fromkeys(("make_date", "to_date"), oids.DATE),
    **dict.fromkeys(("make_interval", "justify_days", "justify_hours", "justify_interval", "age"), oids.INTERVAL),
    **dict.fromkeys(
        ("string_to_array", "regexp_match", "regexp_matches", "regexp_split_to_array"), oids.ARRAY_OF[oids.TEXT]
    ),
    "pg_typeof": oids.REGTYPE,
    "current_schemas": oids.ARRAY_OF[oids.NAME],
    "make_time": oids.TIME,
    "make_timestamp": oids.TIMESTAMP,
    "to_timestamp": oids.TIMESTAMPTZ,
    "gen_random_uuid": oids.UUID,
    "array_positions": oids.ARRAY_OF[oids.INT4],
    "sha256": oids.BYTEA,
    "decode": oids.BYTEA,
}
"""Function → what it gives, whatever its arguments are."""

_SAME = (
    "min max lag lead first_value last_value nth_value any_value mode abs mod trunc array_append array_cat "
    "array_remove array_replace trim_array trim_scale percentile_disc bit_and bit_or bit_xor"
)
FIRST_ARGUMENT: Final = frozenset(_SAME.split())
"""Functions that give the type of their first argument."""


def type_words(oid: int) -> str:
    """Return the name PostgreSQL shows for a type."""
    element = oids.ELEMENT_OF.get(oid)
    return f"{type_words(element)}[]" if element is not None else SHOWN_NAMES.get(oid, "unknown")


def castable(source: int, target: int) -> bool:
    """Return whether PostgreSQL has the cast; True where nothing is known against it."""
    if source == target or source in TEXTS or target in TEXTS or oids.VOID in (source, target):
        return True
    one, other = oids.ELEMENT_OF.get(source), oids.ELEMENT_OF.get(target)
    if one is not None and other is not None:
        return castable(one, other)
    if (one is not None and target in SHOWN_NAMES) or (other is not None and source in SHOWN_NAMES):
        return False
    known = _CASTS.get(source)
    return known is None or target not in SHOWN_NAMES or target in known


def promoted(left: int, right: int) -> int:
    """Return the type in which two numbers meet: real with anything but real is double precision."""
    if left == right:
        return left
    if oids.FLOAT8 in (left, right) or oids.FLOAT4 in (left, right):
        return oids.FLOAT8
    return max(left, right, key=NUMBERS.index)


_CATEGORIES: Final[Mapping[int, str]] = {
    **dict.fromkeys((*NUMBERS, *_OID_LIKE), "number"),
    **dict.fromkeys((oids.TEXT, oids.VARCHAR, oids.BPCHAR, oids.NAME, oids.CHAR), "text"),
    **dict.fromkeys((oids.DATE, oids.TIME, oids.TIMETZ, oids.TIMESTAMP, oids.TIMESTAMPTZ), "date"),
    **dict.fromkeys((oids.BIT, oids.VARBIT), "bits"),
}
_PREFERRED: Final = frozenset({oids.FLOAT8, oids.OID, oids.TEXT, oids.TIMESTAMPTZ, oids.VARBIT})
_FLOATS: Final = frozenset({oids.FLOAT4, oids.FLOAT8})
_ANY_TEXT: Final = frozenset({oids.TEXT, oids.VARCHAR, oids.BPCHAR, oids.NAME})
_IMPLICIT: Final[Mapping[int, frozenset[int]]] = {
    oids.INT2: frozenset({oids.INT4, oids.INT8, oids.NUMERIC, *_FLOATS, *_OID_LIKE}),
    oids.INT4: frozenset({oids.INT8, oids.NUMERIC, *_FLOATS, *_OID_LIKE}),
    oids.INT8: frozenset({oids.NUMERIC, *_FLOATS, *_OID_LIKE}),
    oids.NUMERIC: _FLOATS,
    oids.FLOAT4: frozenset({oids.FLOAT8}),
    oids.OID: _OID_LIKE,
    **dict.fromkeys(_OID_LIKE - {oids.OID}, frozenset({oids.OID})),
    **dict.fromkeys((oids.TEXT, oids.VARCHAR, oids.BPCHAR), _ANY_TEXT),
    oids.NAME: frozenset({oids.TEXT}),
    oids.CHAR: frozenset({oids.TEXT}),
    oids.DATE: frozenset({oids.TIMESTAMP, oids.TIMESTAMPTZ}),
    oids.TIMESTAMP: frozenset({oids.TIMESTAMPTZ}),
    oids.TIME: frozenset({oids.TIMETZ, oids.INTERVAL}),
    oids.BIT: frozenset({oids.VARBIT}),
    oids.VARBIT: frozenset({oids.BIT}),
}


def matched(kinds: list[int]) -> int | None:
    """Return the one type of the branches of CASE, COALESCE, ARRAY or UNION; None where they cannot be matched.

    The first, unless a later one is of its category and takes it without a cast that would not be taken back.
    Source: PostgreSQL 16 manual, "UNION, CASE, and Related Constructs"; `select_common_type`.
    """
    first = kinds[0]
    for other in kinds[1:]:
        if other == first or oids.UNKNOWN in (first, other):
            continue
        category = _CATEGORIES.get(first)
        if category is None or _CATEGORIES.get(other) != category:
            return None if first in SHOWN_NAMES and other in SHOWN_NAMES else 0
        is_taken = other in _IMPLICIT.get(first, ())
        if first not in _PREFERRED and is_taken and first not in _IMPLICIT.get(other, ()):
            first = other
    if any(kind != first and first not in _IMPLICIT.get(kind, ()) and kind in _CATEGORIES for kind in kinds):
        return None
    return first


def nullif_type(left: int | None, right: int | None) -> int | None:
    """Return the type of NULLIF: that of the left side of the comparison, after it has met the right one."""
    if left not in NUMBERS or right not in NUMBERS:
        return left
    has_own = {left, right} <= {*INTEGERS} or {left, right} <= _FLOATS
    return left if has_own else promoted(left, right)


def sum_type(argument: int) -> int | None:
    """Return what `sum` gives."""
    if argument in {oids.INT2, oids.INT4}:
        return oids.INT8
    return oids.NUMERIC if argument == oids.INT8 else argument if argument in NUMBERS else None
