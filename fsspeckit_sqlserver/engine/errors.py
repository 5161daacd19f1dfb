"""DuckDB's exceptions in the gateway's tree, with the kinds `sqlstates` turns into PostgreSQL's codes.

The way in for everything DuckDB raises. Its exception classes are coarse (BinderException is a missing column as well
as a type mismatch), so the class comes first and the beginning of its message decides within it.
"""

from __future__ import annotations

import re
from typing import Final

import duckdb

from fsspeckit_lib.errors import (
    BadInput,
    Cancelled,
    GatewayError,
    Internal,
    ResourceExhausted,
    Unavailable,
    Unsupported,
)
from fsspeckit_sqlserver.engine.wording import reworded

__all__ = [
    "AmbiguousColumn",
    "AmbiguousFunction",
    "CannotCoerce",
    "CardinalityViolation",
    "ConstraintViolation",
    "DataException",
    "DatatypeMismatch",
    "DivisionByZero",
    "DuplicateTable",
    "GroupingError",
    "IndeterminateDatatype",
    "InvalidDatetime",
    "InvalidParameterValue",
    "InvalidText",
    "NumericOutOfRange",
    "StatementProblem",
    "UndefinedColumn",
    "UndefinedFunction",
    "UndefinedObject",
    "UndefinedParameter",
    "UndefinedSchema",
    "UndefinedTable",
    "UnsupportedStatement",
    "WrongObjectType",
    "is_fatal",
    "translate_duckdb",
]


class StatementProblem(BadInput):
    """A statement that cannot be run as it is written. `hint` and `position` go into the client's error message."""

    kind = "syntax-error"

    def __init__(self, message: str, hint: str | None = None, position: int | None = None) -> None:
        super().__init__(message, hint, position)
        self.message, self.hint, self.position = message, hint, position

    def __str__(self) -> str:
        return " ".join(self.message.split())


class UndefinedTable(StatementProblem):
    """No such table, view or alias."""

    kind = "undefined-table"


class UndefinedColumn(StatementProblem):
    """No such column."""

    kind = "undefined-column"


class UndefinedFunction(StatementProblem):
    """No such function, or none for these types."""

    kind = "undefined-function"


class UndefinedObject(StatementProblem):
    """No such type, role or setting."""

    kind = "undefined-object"


class UndefinedParameter(StatementProblem):
    """`$n` without a value."""

    kind = "undefined-parameter"


class UndefinedSchema(StatementProblem):
    """No such schema."""

    kind = "undefined-schema"


class AmbiguousColumn(StatementProblem):
    """Several tables have the column."""

    kind = "ambiguous-column"


class AmbiguousFunction(StatementProblem):
    """Several functions fit."""

    kind = "ambiguous-function"


class DuplicateTable(StatementProblem):
    """The name is taken."""

    kind = "duplicate-table"


class DuplicateColumn(StatementProblem):
    """A column name comes twice."""

    kind = "duplicate-column"


class DuplicateAlias(StatementProblem):
    """A table name or alias comes twice in one FROM."""

    kind = "duplicate-alias"


class WrongObjectType(StatementProblem):
    """It is a view where a table was wanted, or the like."""

    kind = "wrong-object-type"


class GroupingError(StatementProblem):
    """A column that is neither grouped nor aggregated, or an aggregate where none may be."""

    kind = "grouping-error"


class WindowingError(StatementProblem):
    """A window function where none may be."""

    kind = "windowing-error"


class DatatypeMismatch(StatementProblem):
    """Types that do not go together."""

    kind = "datatype-mismatch"


class IndeterminateDatatype(StatementProblem):
    """Nothing tells the type."""

    kind = "indeterminate-datatype"


class CannotCoerce(StatementProblem):
    """There is no such cast."""

    kind = "cannot-coerce"


class DataException(StatementProblem):
    """A value that a function or cast cannot take."""

    kind = "data-exception"


class DivisionByZero(StatementProblem):
    """Division by zero."""

    kind = "division-by-zero"


class NumericOutOfRange(StatementProblem):
    """A number that its type cannot hold."""

    kind = "numeric-out-of-range"


class DatetimeOutOfRange(StatementProblem):
    """A date or time that its type cannot hold."""

    kind = "datetime-out-of-range"


class InvalidDatetime(StatementProblem):
    """Text that is no date or time."""

    kind = "invalid-datetime"


class InvalidText(StatementProblem):
    """Text that is no value of the type."""

    kind = "invalid-text"


class InvalidRegexp(StatementProblem):
    """Text that is no regular expression."""

    kind = "invalid-regexp"


class InvalidJson(StatementProblem):
    """Text that is no JSON."""

    kind = "invalid-json"


class CardinalityViolation(StatementProblem):
    """A subquery used as a value returned several rows."""

    kind = "cardinality-violation"


class ConstraintViolation(StatementProblem):
    """A constraint of a temporary table."""

    kind = "constraint-violation"


class UniqueViolation(StatementProblem):
    """A second row with the same key."""

    kind = "unique-violation"


class NotNullViolation(StatementProblem):
    """NULL where none may be."""

    kind = "not-null-violation"


class CheckViolation(StatementProblem):
    """A row that breaks a CHECK."""

    kind = "check-violation"


class DependentObjects(StatementProblem):
    """Something depends on it."""

    kind = "dependent-objects"


class InvalidParameterValue(StatementProblem):
    """A value that a clause or function cannot take: LIMIT -1."""

    kind = "invalid-value"


class InvalidLimit(StatementProblem):
    """LIMIT -1."""

    kind = "invalid-limit"


class InvalidOffset(StatementProblem):
    """OFFSET -1."""

    kind = "invalid-offset"


class InvalidPowerArgument(StatementProblem):
    """The square root of a negative number."""

    kind = "invalid-power-argument"


class InvalidLogarithmArgument(StatementProblem):
    """The logarithm of zero or less."""

    kind = "invalid-logarithm-argument"


class InvalidColumnReference(StatementProblem):
    """ORDER BY or a column list names a column that is not there to be named."""

    kind = "invalid-column-reference"


class SubstringError(StatementProblem):
    """A substring of negative length."""

    kind = "substring-error"


class UnsupportedStatement(Unsupported):
    """A statement or clause of PostgreSQL's that this server does not run. `hint` says what to do instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message, self.hint = message, hint

    def __str__(self) -> str:
        return " ".join(self.message.split())


class OutOfMemory(ResourceExhausted):
    """DuckDB's memory limit."""

    kind = "out-of-memory"


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
    (duckdb.BinderException, r"Subquery returns|.*returns \d+ columns", StatementProblem),
    (duckdb.BinderException, r"", StatementProblem),
    (duckdb.CatalogException, r".*Table Function|.*Function with name|.*function", UndefinedFunction),
    (duckdb.CatalogException, r"Type with name", UndefinedObject),
    (duckdb.CatalogException, r"Column with name .* already exists", DuplicateColumn),
    (duckdb.CatalogException, r".*already exists", DuplicateTable),
    (duckdb.CatalogException, r"Existing object", WrongObjectType),
    (duckdb.CatalogException, r"(Table|View) with name|.*does not exist", UndefinedTable),
    (duckdb.CatalogException, r"Column with name .* already exists", DuplicateColumn),
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
    (duckdb.InvalidInputException, r"Invalid UTF8 Codepoint", InvalidParameterValue),
    (duckdb.InvalidInputException, r"", DataException),
)
_PATTERNS: Final = tuple((kind, re.compile(pattern, re.IGNORECASE), problem) for kind, pattern, problem in _RULES)
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
        return InvalidParameterValue(re.sub(r"Unknown TimeZone '(.*?)'.*", r'time zone "\1" not recognized', text))
    if isinstance(error, duckdb.NotSupportedError | duckdb.PermissionException):
        return UnsupportedStatement(message, hint)
    for kind, pattern, problem in _PATTERNS:
        if isinstance(error, kind) and pattern.match(text):
            shown, is_known = reworded(message)
            if is_known and hint is not None and not hint.startswith(("Candidate bindings", "Candidate tables")):
                hint = None  # lists of DuckDB's own functions and settings
            return problem(shown, hint)
    return Internal(text)
