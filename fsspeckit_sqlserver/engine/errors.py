"""What is wrong with a statement, with the kinds `sqlstates` turns into PostgreSQL's codes."""

from __future__ import annotations

from fsspeckit_lib.errors import BadInput, ReadOnly, ResourceExhausted, Unsupported

__all__ = [
    "AmbiguousColumn",
    "AmbiguousFunction",
    "ArraySubscriptProblem",
    "BitLengthMismatch",
    "CannotCoerce",
    "CardinalityViolation",
    "CheckViolation",
    "ConstraintViolation",
    "DataException",
    "DatatypeMismatch",
    "DatetimeOutOfRange",
    "DependentObjects",
    "DivisionByZero",
    "DuplicateAlias",
    "DuplicateColumn",
    "DuplicateTable",
    "ForeignKeyViolation",
    "GeneratedAlways",
    "GroupingError",
    "IndeterminateDatatype",
    "InvalidColumnReference",
    "InvalidDatetime",
    "InvalidJson",
    "InvalidLimit",
    "InvalidLogarithmArgument",
    "InvalidOffset",
    "InvalidParameterValue",
    "InvalidPowerArgument",
    "InvalidRegexp",
    "InvalidSample",
    "InvalidTableDefinition",
    "InvalidText",
    "NotNullViolation",
    "NumericOutOfRange",
    "OutOfMemory",
    "SequenceExhausted",
    "StatementProblem",
    "StringTooLong",
    "SubstringError",
    "UndefinedColumn",
    "UndefinedDatabase",
    "UndefinedFunction",
    "UndefinedObject",
    "UndefinedParameter",
    "UndefinedSchema",
    "UndefinedTable",
    "UniqueViolation",
    "UnsupportedStatement",
    "WindowingError",
    "WrongObjectType",
    "WrongState",
    "read_only",
]


class StatementProblem(BadInput):
    """A statement that cannot be run as it is written. `hint` and `position` go into the client's error message."""

    kind = "syntax-error"
    detail: str | None = None
    context: str | None = None
    schema: str | None = None
    table: str | None = None
    column: str | None = None
    constraint: str | None = None

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


class UndefinedDatabase(StatementProblem):
    """There is no such database."""

    kind = "undefined-database"


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


class ForeignKeyViolation(StatementProblem):
    """A key that the other table does not have, or still needs."""

    kind = "foreign-key-violation"


class CheckViolation(StatementProblem):
    """A row that breaks a CHECK."""

    kind = "check-violation"


class DependentObjects(StatementProblem):
    """Something depends on it."""

    kind = "dependent-objects"


class InvalidParameterValue(StatementProblem):
    """A value that a clause or function cannot take: LIMIT -1."""

    kind = "invalid-value"


class InvalidTableDefinition(StatementProblem):
    """A table that cannot be as it is described: two primary keys."""

    kind = "invalid-table-definition"


class SequenceExhausted(StatementProblem):
    """A sequence that has no more numbers."""

    kind = "sequence-exhausted"


class WrongState(StatementProblem):
    """Something that must come first has not been done: `currval` before `nextval`."""

    kind = "wrong-state"


class GeneratedAlways(StatementProblem):
    """A value for a column that makes its own."""

    kind = "generated-always"


class InvalidLimit(StatementProblem):
    """LIMIT -1."""

    kind = "invalid-limit"


class InvalidSample(StatementProblem):
    """TABLESAMPLE BERNOULLI (101)."""

    kind = "invalid-sample"


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


class ArraySubscriptProblem(StatementProblem):
    """A place in an array, or a number of elements, that it has not."""

    kind = "array-subscript"


class SubstringError(StatementProblem):
    """A substring of negative length."""

    kind = "substring-error"


class StringTooLong(StatementProblem):
    """A text or bit string does not fit into its column."""

    kind = "string-too-long"


class BitLengthMismatch(StatementProblem):
    """A bit string has another length than its column."""

    kind = "bit-length-mismatch"


class UnsupportedStatement(Unsupported):
    """A statement or clause of PostgreSQL's that this server does not run. `hint` says what to do instead."""

    def __init__(self, message: str, hint: str | None = None, position: int | None = None) -> None:
        super().__init__(message, hint, position)
        self.message, self.hint, self.position = message, hint, position

    def __str__(self) -> str:
        return " ".join(self.message.split())


class OutOfMemory(ResourceExhausted):
    """DuckDB's memory limit."""

    kind = "out-of-memory"


def read_only(tag: str, advice: str = "temporary tables and views may be made") -> ReadOnly:
    """Return the error for a statement that would change what this server only reads.

    Args:
        tag: what PostgreSQL calls the statement.
    """
    return ReadOnly(f"cannot execute {tag}: the datasets behind this server are only read; {advice}")
