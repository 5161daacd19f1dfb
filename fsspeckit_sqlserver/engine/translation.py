"""DuckDB's exceptions in the gateway's tree, with the kinds `sqlstates` turns into PostgreSQL's codes.

The way in for everything DuckDB raises. Its exception classes are coarse (BinderException is a missing column as well
as a type mismatch), so the class comes first and the beginning of its message decides within it.
"""

from __future__ import annotations

import re
from typing import Final

import duckdb

from fsspeckit_lib.errors import Cancelled, GatewayError, Internal, Unavailable
from fsspeckit_lib.sql import StatementTooComplex
from fsspeckit_sqlserver.engine.errors import (
    AmbiguousColumn,
    AmbiguousFunction,
    ArraySubscriptProblem,
    BitLengthMismatch,
    CannotCoerce,
    CardinalityViolation,
    CheckViolation,
    ConstraintViolation,
    DataException,
    DatatypeMismatch,
    DatetimeOutOfRange,
    DependentObjects,
    DivisionByZero,
    DuplicateAlias,
    DuplicateColumn,
    DuplicateTable,
    GroupingError,
    InvalidColumnReference,
    InvalidDatetime,
    InvalidJson,
    InvalidLimit,
    InvalidLogarithmArgument,
    InvalidParameterValue,
    InvalidPowerArgument,
    InvalidRegexp,
    InvalidText,
    NotNullViolation,
    NumericOutOfRange,
    OutOfMemory,
    SequenceExhausted,
    StatementProblem,
    StringTooLong,
    SubstringError,
    UndefinedColumn,
    UndefinedDatabase,
    UndefinedFunction,
    UndefinedObject,
    UndefinedParameter,
    UndefinedSchema,
    UndefinedTable,
    UniqueViolation,
    UnsupportedStatement,
    WindowingError,
    WrongObjectType,
    WrongState,
)
from fsspeckit_sqlserver.engine.wording import reworded

__all__ = ["is_fatal", "translate_duckdb"]

_RULES: Final[tuple[tuple[type[Exception], str, type[StatementProblem]], ...]] = (
    (
        duckdb.BinderException,
        r"Referenced column|.* does not have a column named|Column .*(does not exist|cannot be referenced)",
        UndefinedColumn,
    ),
    (duckdb.BinderException, r"Table .* does not have a column with name|Referenced update column", UndefinedColumn),
    (duckdb.BinderException, r"Referenced table", UndefinedTable),
    (duckdb.BinderException, r"Ambiguous reference to table|Duplicate CTE name", DuplicateAlias),
    (duckdb.BinderException, r"Ambiguous reference to column", AmbiguousColumn),
    (duckdb.BinderException, r"Duplicate alias|Table .* already in", DuplicateAlias),
    (duckdb.BinderException, r"No function matches|Macro .* does not support", UndefinedFunction),
    (duckdb.BinderException, r"Could not choose a best candidate", AmbiguousFunction),
    (
        duckdb.BinderException,
        r".*must appear in the GROUP BY|.*cannot contain aggregates|.*aggregate function calls",
        GroupingError,
    ),
    (duckdb.BinderException, r".*window functions?", WindowingError),
    (duckdb.BinderException, r"Cannot (compare|mix|combine|create a list)|.*explicit cast", DatatypeMismatch),
    (duckdb.BinderException, r"LIMIT/OFFSET cannot be negative", InvalidLimit),
    (
        duckdb.BinderException,
        r"ORDER term out of range|for SELECT DISTINCT|table .* has \d+ columns available",
        InvalidColumnReference,
    ),
    (duckdb.BinderException, r"PERCENTILEs can only take", NumericOutOfRange),
    (duckdb.BinderException, r"Subquery returns|.*returns \d+ columns", StatementProblem),
    (duckdb.BinderException, r"", StatementProblem),
    (duckdb.CatalogException, r".*Table Function|.*Function with name|.*function", UndefinedFunction),
    (duckdb.CatalogException, r"Type with name", UndefinedObject),
    (duckdb.CatalogException, r"Column with name .* already exists", DuplicateColumn),
    (duckdb.CatalogException, r".*already exists", DuplicateTable),
    (duckdb.CatalogException, r"Existing object", WrongObjectType),
    (duckdb.CatalogException, r"(Table|View) with name|.*does not exist", UndefinedTable),
    (duckdb.CatalogException, r".*depend", DependentObjects),
    (duckdb.CatalogException, r"", UndefinedObject),
    (duckdb.ParserException, r"Duplicate CTE name", DuplicateAlias),
    (duckdb.ParserException, r"", StatementProblem),
    (duckdb.SyntaxException, r"", StatementProblem),
    (duckdb.ConversionException, r"invalid (date|time|timestamp)", InvalidDatetime),
    (duckdb.ConversionException, r"(date|time|timestamp).* out of range|Epoch", DatetimeOutOfRange),
    (duckdb.ConversionException, r"Could not convert string .* to INTERVAL", InvalidDatetime),
    (duckdb.ConversionException, r"Malformed JSON", InvalidJson),
    (duckdb.ConversionException, r"Unimplemented type for cast", CannotCoerce),
    (duckdb.ConversionException, r"extract specifier", InvalidParameterValue),
    (
        duckdb.ConversionException,
        r'.*out of range|Could not cast value .* to DECIMAL|Could not convert string "[\d.+-]+" to DECIMAL',
        NumericOutOfRange,
    ),
    (duckdb.ConversionException, r"", InvalidText),
    (duckdb.OutOfRangeException, r"cannot take square root", InvalidPowerArgument),
    (duckdb.OutOfRangeException, r"cannot take logarithm", InvalidLogarithmArgument),
    (duckdb.OutOfRangeException, r".*(date|timestamp|interval)", DatetimeOutOfRange),
    (duckdb.OutOfRangeException, r"", NumericOutOfRange),
    (duckdb.ConstraintException, r"NOT NULL", NotNullViolation),
    (duckdb.ConstraintException, r"CHECK", CheckViolation),
    (duckdb.ConstraintException, r"PRIMARY KEY|.*UNIQUE|Duplicate key", UniqueViolation),
    (duckdb.ConstraintException, r"", ConstraintViolation),
    (duckdb.SequenceException, r"currval", WrongState),
    (duckdb.SequenceException, r"", SequenceExhausted),
    (duckdb.DependencyException, r"", DependentObjects),
    (duckdb.TypeMismatchException, r"", DatatypeMismatch),
    (duckdb.InvalidTypeException, r"", DatatypeMismatch),
    (duckdb.InvalidInputException, r"Division by zero", DivisionByZero),
    (duckdb.InvalidInputException, r"More than one row", CardinalityViolation),
    (duckdb.InvalidInputException, r"Values were not provided|Parameter", UndefinedParameter),
    (
        duckdb.InvalidInputException,
        r"missing|unexpected|invalid (escape|character class|repetition|perl)|no argument for|bad repetition",
        InvalidRegexp,
    ),
    (duckdb.InvalidInputException, r"Malformed JSON", InvalidJson),
    (duckdb.InvalidInputException, r"Could not parse string .* according to format", InvalidDatetime),
    (duckdb.InvalidInputException, r"Invalid input for hex digit", InvalidParameterValue),
    (duckdb.InvalidInputException, r"Invalid UTF8 Codepoint", InvalidParameterValue),
    (duckdb.InvalidInputException, r"", DataException),
)
_PATTERNS: Final = tuple((kind, re.compile(pattern, re.IGNORECASE), problem) for kind, pattern, problem in _RULES)
# What the catalog's macros raise by error('code text').
_RAISED_PROBLEMS: Final[dict[str, type[StatementProblem] | type[UnsupportedStatement]]] = {
    "0A000": UnsupportedStatement,
    "22001": StringTooLong,
    "22003": NumericOutOfRange,
    "22008": DatetimeOutOfRange,
    "22011": SubstringError,
    "2201B": InvalidRegexp,
    "22023": InvalidParameterValue,
    "22026": BitLengthMismatch,
    "2202E": ArraySubscriptProblem,
    "22P02": InvalidText,
    "3D000": UndefinedDatabase,
    "3F000": UndefinedSchema,
    "42703": UndefinedColumn,
    "42704": UndefinedObject,
    "42809": WrongObjectType,
    "42883": UndefinedFunction,
    "42P01": UndefinedTable,
}
_RAISED = re.compile(
    rf"(?:Python exception occurred while executing the UDF: \w+: )?({'|'.join(_RAISED_PROBLEMS)}) (.*)", re.DOTALL
)
_ZONE = re.compile(r"Unknown TimeZone '(.*?)'.*", re.DOTALL)
_NOT_FINITE = re.compile(r'Could not convert string "[+-]?(nan|inf(inity)?)" to DECIMAL', re.IGNORECASE)
_PREFIX = re.compile(r"^[A-Za-z ]+ Error: ")
_EXCERPT = re.compile(r"\n\s*\nLINE \d+:.*", re.DOTALL)
_CANDIDATES = re.compile(r"\s*\n\s*(Candidate|Did you mean|Either add|You might)", re.DOTALL)


def is_fatal(error: BaseException) -> bool:
    """Return whether an exception means that the DuckDB instance must not be used any more."""
    return isinstance(error, duckdb.InternalException | duckdb.FatalException)


def translate_duckdb(error: Exception) -> GatewayError:
    """Return the gateway's error for one of DuckDB's. The text loses DuckDB's excerpt, which shows rewritten SQL."""
    text = _EXCERPT.sub("", _PREFIX.sub("", str(error), count=1)).strip()
    if isinstance(error, duckdb.InterruptException):
        return Cancelled("canceling statement due to user request")
    if isinstance(error, duckdb.InvalidInputException) and (raised := _RAISED.match(text)) is not None:
        return _RAISED_PROBLEMS[raised[1]](raised[2])
    if text.startswith("Max expression depth limit"):
        return StatementTooComplex()
    if isinstance(error, duckdb.OutOfMemoryException):
        return OutOfMemory(f"{text}; ask for less, or raise the server's memory limit")
    if is_fatal(error):
        return Internal(f"the query engine failed and was started anew: {text}")
    if isinstance(error, duckdb.BinderException) and text.startswith("Parameter/argument count mismatch"):
        return UndefinedParameter(text)
    if isinstance(error, duckdb.IOException | duckdb.HTTPException):
        return Unavailable(text)
    message, hint = text, None
    if cut := _CANDIDATES.search(text):
        message, hint = text[: cut.start()], " ".join(text[cut.start() :].split())
    if text.startswith("Unknown TimeZone"):
        return InvalidParameterValue(_ZONE.sub(r'time zone "\1" not recognized', text))
    if isinstance(error, duckdb.NotSupportedError | duckdb.PermissionException):
        return UnsupportedStatement(message, hint)
    if isinstance(error, duckdb.ConversionException) and _NOT_FINITE.match(text):
        return UnsupportedStatement("numeric NaN and Infinity are not supported", "Use double precision.")
    for kind, pattern, problem in _PATTERNS:
        if isinstance(error, kind) and pattern.match(text):
            shown, is_known = reworded(message)
            if is_known and hint is not None and not hint.startswith(("Candidate bindings", "Candidate tables")):
                hint = None  # lists of DuckDB's own functions and settings
            return problem(shown, hint)
    return Internal(text)
