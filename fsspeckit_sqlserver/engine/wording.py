"""DuckDB's messages in PostgreSQL's words, for those that people and programs know. Pure.

Tools match on some of these texts (`relation … does not exist`), and DuckDB's speak of its own settings and types.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = ["reworded", "type_word"]

_TYPES: Final = {
    "INT8": "smallint",
    "INT16": "smallint",
    "INT32": "integer",
    "INT64": "bigint",
    "INT128": "numeric",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "numeric",
    "DOUBLE": "double precision",
    "FLOAT": "real",
    "BOOL": "boolean",
    "BOOLEAN": "boolean",
    "VARCHAR": "text",
    "STRING_LITERAL": "unknown",
    "INTEGER_LITERAL": "integer",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "TIME": "time without time zone",
    "BLOB": "bytea",
    "UUID": "uuid",
    "INTERVAL": "interval",
    "DATE": "date",
}


def type_word(duckdb_type: str) -> str:
    """Return PostgreSQL's name of a DuckDB type."""
    text = duckdb_type.strip()
    if text.endswith("[]"):
        return type_word(text[:-2]) + "[]"
    return "numeric" if text.startswith("DECIMAL") else _TYPES.get(text, text.lower())


def _function(match: re.Match[str]) -> str:
    name, arguments = match[1], [part for part in match[2].split(", ") if part]
    return f"function {name}({', '.join(map(type_word, arguments))}) does not exist"


_RULES: Final[tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]] = (
    (r"Division by zero.*", "division by zero"),
    (r"Overflow in .* of (INT\d+).*", lambda match: f"{type_word(match[1])} out of range"),
    (
        r"Type \S+ with value .* out of range for the destination type (\S+)",
        lambda m: f"{type_word(m[1])} out of range",
    ),
    (r"Casting value \"(.*)\" to type DECIMAL\S* failed.*", "numeric field overflow"),
    (r"Could not cast value .* to DECIMAL.*", "numeric field overflow"),
    (r"Could not convert string \"(.*)\" to DECIMAL\(.*", r'invalid input syntax for type numeric: "\1"'),
    (
        r"Could not convert string '(.*)' to (.+?)(?: when casting from source column .*)?",
        lambda match: f'invalid input syntax for type {type_word(match[2])}: "{match[1]}"',
    ),
    (r"invalid (date|time|timestamp) field format: (\".*?\").*", r"invalid input syntax for type \1: \2"),
    (r"(?:date|time|timestamp) field value out of range: (\".*\").*", r"date/time field value out of range: \1"),
    (r"Malformed JSON.*", "invalid input syntax for type json"),
    (
        r"Unimplemented type for cast \((.+) -> (.+)\)",
        lambda match: f"cannot cast type {type_word(match[1])} to {type_word(match[2])}",
    ),
    (
        r"(?:Referenced column|Column) \"(.*?)\" (?:not found|was not found|referenced that|does not exist).*",
        r'column "\1" does not exist',
    ),
    (r"Table \"(.*)\" does not have a column named \"(.*)\".*", r"column \1.\2 does not exist"),
    (r"Referenced table \"(.*)\" not found.*", r'missing FROM-clause entry for table "\1"'),
    (r"Ambiguous reference to column name \"(.*?)\".*", r'column reference "\1" is ambiguous'),
    (r"Duplicate alias \"(.*?)\".*", r'table name "\1" specified more than once'),
    (
        r"(?:Scalar |Aggregate |Table |Macro )?Function with name (\S+) does not exist!?.*",
        r"function \1 does not exist",
    ),
    (r"No function matches the given name and argument types '(.*?)\((.*)\)'.*", _function),
    (r"Type with name (\S+) does not exist.*", r'type "\1" does not exist'),
    (
        r"column \"(.*)\" must appear in the GROUP BY clause.*",
        r'column "\1" must appear in the GROUP BY clause or be used in an aggregate function',
    ),
    (r"(\w+) clause cannot contain aggregates.*", r"aggregate functions are not allowed in \1"),
    (r"(\w+) clause cannot contain window functions.*", r"window functions are not allowed in \1"),
    (r"More than one row returned by a subquery.*", "more than one row returned by a subquery used as an expression"),
    (r"LIMIT/OFFSET cannot be negative", "LIMIT must not be negative"),
    (r"(?:Table|View) with name \"(.*)\" already exists.*", r'relation "\1" already exists'),
    (
        r"NOT NULL constraint failed: (\S+)\.(\S+)",
        r'null value in column "\2" of relation "\1" violates not-null constraint',
    ),
    (r"PRIMARY KEY or UNIQUE constraint violation: (.*)", r"duplicate key value violates unique constraint: \1"),
    (r"CHECK constraint failed on table (\".*?\").*", r"new row for relation \1 violates check constraint"),
    (r'(nextval: reached m\w+ value of sequence) "+(.*?)"+ (.*)', r'\1 "\2" \3'),
    (
        r"Could not choose a best candidate function for the function call \"(\w+)\((.*?)\)\".*",
        lambda match: f"function {match[1]}({', '.join(map(type_word, match[2].split(', ')))}) is not unique",
    ),
    (
        r"Could not choose a best candidate function for the function call \"(\W+)\((.*?), (.*?)\)\".*",
        lambda m: f"operator is not unique: {type_word(m[2])} {m[1]} {type_word(m[3])}",
    ),
    (
        r"Type \S+ with value .* can't be cast because the value is out of range for the destination type (\S+).*",
        lambda match: f"{type_word(match[1])} out of range",
    ),
    (r"(?:missing|unexpected) \).*", "invalid regular expression: parentheses () not balanced"),
    (r"missing \].*", "invalid regular expression: brackets [] not balanced"),
    (r"(?:no argument for repetition|bad repetition).*", "invalid regular expression: quantifier operand invalid"),
    (r"invalid character class range.*", "invalid regular expression: invalid character range"),
    (r"GROUP BY clause cannot contain aggregates.*", "aggregate functions are not allowed in GROUP BY"),
    (r"Target table has more column names than query result.*", "too many column names were specified"),
    (r"Invalid input for hex digit: (.*)", r'invalid hexadecimal digit: "\1"'),
    (r"Ambiguous reference to table \"(.*?)\".*", r'table name "\1" specified more than once'),
    (r"Duplicate CTE name \"(.*?)\".*", r'WITH query name "\1" specified more than once'),
    (
        r"Table \"(.*)\" does not have a column with name \"(.*)\".*",
        r'column "\2" of relation "\1" does not exist',
    ),
    (r"Referenced update column (.*?) not found.*", r'column "\1" does not exist'),
    (r"Column with name \"?(.*?)\"? already exists.*", r'column "\1" specified more than once'),
    (r"extract specifier (\".*?\") not recognized.*", r"unit \1 not recognized"),
    (r"Invalid UTF8 Codepoint.*", "requested character not valid for encoding"),
    (r"ORDER term out of range.*", "ORDER BY position is not in select list"),
)
_PATTERNS: Final = tuple((re.compile(pattern, re.DOTALL), replacement) for pattern, replacement in _RULES)


def reworded(message: str) -> tuple[str, bool]:
    """Return the message in PostgreSQL's words, and whether it is one of those known."""
    for pattern, replacement in _PATTERNS:
        match = pattern.fullmatch(message)
        if match is not None:
            return (replacement(match) if callable(replacement) else match.expand(replacement)), True
    return message, False
