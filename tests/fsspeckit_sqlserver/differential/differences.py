"""Where the server means to differ from PostgreSQL 15: the list that `docs/postgresql-differences.md` shows.

Each entry says which statements it covers, by a pattern that is searched for in them, and why. A difference that no
entry covers fails the test, and so does an entry that covers none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["DIFFERENCES", "Difference", "render"]


@dataclass(frozen=True)
class Difference:
    """One entry.

    Attributes:
        what: what is different, for people.
        example: a statement that shows it.
        pattern: searched for in the statements it covers.
    """

    what: str
    example: str
    pattern: str
    compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", re.compile(self.pattern, re.DOTALL))


DIFFERENCES = [
    Difference(
        "A quotient, average, deviation, power or logarithm of numerics is double precision, as DuckDB computes it.",
        "SELECT avg(i), 7.0 / 2, power(2.0, 3)",
        r"/ '2'::numeric|::numeric / '2'::int|avg\(|SELECT 7\.0 / 2|1 / 3\.0|power\(2\.0|log\(2\.0|\^ '2'::numeric"
        r"|(stddev|var)_(pop|samp)\(i\)|round\(10\.0 / 4|59'\) / 300"
        r"|paid / 3",
    ),
    Difference(
        "A numeric without precision that is neither a constant nor a parameter has ten decimal places; zeros at its"
        " end are shown but where a result is a float that was cast. Numbers that meet in one column have the larger"
        " scale of the two.",
        "SELECT '2.50'::text::numeric",
        r"numeric\[\]|(float4|float8|text|varchar)::numeric|ELSE (2|0)\.5|coalesce\(paid, 0\)|UNION SELECT 2\.5",
    ),
    Difference(
        "A sum of integers out of a subquery is numeric where it has the name of a column of another type below.",
        "WITH t AS (SELECT sum(i) AS s FROM sums) SELECT s FROM t",
        r"sum\(i\) AS s FROM sums GROUP BY g\) SELECT",
    ),
    Difference(
        "`extract` gives epoch and seconds six decimals.",
        "SELECT extract(epoch from date '1970-01-02')",
        r"extract\(epoch from date",
    ),
    Difference(
        "Fractions of seconds beyond the sixth digit are cut off, not rounded; a precision is ignored.",
        "SELECT time(0) '12:34:56.7'",
        r"\.123456789|timestamp\(0\)|timestamptz\(1\)|time\(0\)",
    ),
    Difference(
        "`OVERLAPS` is not there.",
        "SELECT (date '2024-01-01', date '2024-02-01') OVERLAPS (date '2024-01-15', date '2024-03-01')",
        r"::time$|'::time [+-]|OVERLAPS",
    ),
    Difference(
        "Text that is not a constant is cast by DuckDB's rules: '12' is a time out of range and an array of one.",
        "SELECT '12'::text::int[]",
        r"'12'::(text|varchar)::(time|timetz|int4\[\]|text\[\])",
    ),
    Difference(
        "`pg_typeof` tells DuckDB's types apart: json and jsonb, text and character varying, the bit types are one.",
        "SELECT pg_typeof('{}'::jsonb)",
        r"pg_typeof\(('\{\"a|'12'::varchar|'101')",
    ),
    Difference(
        "The remainder of floating-point numbers is computed, not refused.",
        "SELECT 7::float8 % 2::float8",
        r"% '2'::float",
    ),
    Difference(
        "A part of a document of json is written without spaces, and a number that is taken out of a document loses the"
        " zeros at its end. The functions `jsonb_path_…` are not there; a `timetz` inside of a row does not become json"
        " (0A000).",
        "SELECT '{\"a\": {\"b\": 1}}'::json -> 'a'",
        r"jsonb_path|json ->|jsonb #>|jsonb_pretty",
    ),
    Difference(
        "A cast of a json document to another type says that the text is wrong, not that the document cannot be cast.",
        "SELECT '{}'::jsonb::int",
        r"'::jsonb::(bool|int|float|numeric)",
    ),
    Difference(
        "A whole row of a table is json unless `fsspeckit.struct_format` is composite; a constant in quotes inside of a"
        " row is of type text in the row's binary form, not unknown.",
        "SELECT ROW(1, 'a')",
        r"SELECT ROW\(|SELECT p FROM people",
    ),
    Difference(
        "Bit strings: an operator's result is `bit varying`, the empty one has one digit, a number becomes all its"
        " bits, and X'…' is bytea.",
        "SELECT B'101' || B'1'",
        r"''::varbit|B'101' (&|\|\|)|X'1F'|5::bit",
    ),
    Difference(
        "A bpchar is padded where it is shown, and is plain text before that.",
        "SELECT length('x'::char(5))",
        r"length\('x  '::char",
    ),
    Difference(
        "An array has one dimension for `array_ndims`; an array and a text in quotes do not concatenate.",
        "SELECT array_ndims(ARRAY[[1],[2]])",
        r"array_ndims|\[\] \|\| '!'",
    ),
    Difference(
        "Lists of lists whose lengths differ, or of which one is NULL, are no array: a result that holds one is refused"
        " (0A000); `to_json` shows it.",
        "SELECT ARRAY[[1, 2], [3]]",
        r"ARRAY\[\[1, 2\], \[3\]\]",
    ),
    Difference(
        "The values of the reg… types are text, and text of digits alone is an OID to them.",
        "SELECT '1259'::text::regclass",
        r"regclass|regtype|current_schemas",
    ),
    Difference(
        "The types inet, cidr, xml and tsvector are text; point, money and ranges are not there.",
        "SELECT inet '10.0.0.1'",
        r"inet|cidr|point|money|int4range|xml|tsvector",
    ),
    Difference(
        "These functions are not there, or only in part: `unistr`, `to_number`, `to_char` with EEEE of numerics or "
        "with signs and text between digits, `to_date` without a year or of a text shorter than its format.",
        "SELECT to_number('1,5', '9,9')",
        r"unistr|to_number|'Day'"
        r"|pg_column_size",
    ),
    Difference(
        "These clauses are refused: `FETCH … WITH TIES`, `ROWS FROM`; a SELECT list cannot be empty.",
        "SELECT FROM people",
        r"WITH TIES|ROWS FROM|^SELECT$|^SELECT FROM people",
    ),
    Difference(
        "What PostgreSQL 16 accepts is accepted: a subquery in FROM without an alias.",
        "SELECT * FROM (SELECT 1)",
        r"FROM \(SELECT 1\)$",
    ),
    Difference(
        "The order in which rows of floating-point numbers are added is DuckDB's, and so is how `percentile_cont` goes"
        " from one to the next: last digits may differ.",
        "SELECT regr_slope(d, i) FROM sums",
        r"regr_slope|percentile_cont\(0\.3\)",
    ),
    Difference(
        "A function in FROM that DuckDB has under another name gives its column that name, and rows WITH ORDINALITY are"
        " bigint.",
        "SELECT * FROM string_to_table('a,b', ',')",
        r"_to_table|WITH ORDINALITY|percentile_disc",
    ),
    Difference(
        "Some statements that are wrong are found to be so elsewhere, with a neighbouring SQLSTATE, or run.",
        "SELECT generate_series(1, 2, 0)",
        r"1e400|generate_series\(1, 2, 0\)",
    ),
    Difference(
        "TABLESAMPLE SYSTEM chooses rows, as BERNOULLI does, not pages; a seed gives other rows than PostgreSQL's.",
        "SELECT * FROM people TABLESAMPLE SYSTEM (50) REPEATABLE (1)",
        r"TABLESAMPLE SYSTEM \(50",
    ),
    Difference(
        "Years before 1 are counted with a year 0 by `extract` and `make_date`; a date or time that is put into a"
        " column of text, or into `text[]`, is ISO whatever the DateStyle.",
        "SELECT extract(year from date '0044-03-15 BC')",
        r"year from date '0044|make_date\(-44",
    ),
    Difference(
        "Regular expressions are RE2's: back references and looking ahead or behind are refused, and of several"
        " alternatives the first that matches is taken, not the longest. A pattern that is not a constant is not"
        " translated, but that `.` matches a line's end.",
        r"SELECT 'abab' ~ '(ab)\1'",
        r"\(ab\)\\1|\(\?=a\)|'\(foo\|foobar\)'",
    ),
    Difference(
        "numeric has neither NaN nor Infinity (0A000; `extract` of an infinite date is NULL), and the rows of"
        " `generate_series(numeric, …)` have the scale of the last.",
        "SELECT 'NaN'::numeric",
        r"'(NaN|Infinity)'::(float8::)?numeric|extract\(year from 'infinity|generate_series\(1, 2, 0\.5",
    ),
    Difference(
        "A `format` that is neither a constant nor a parameter is refused.",
        "SELECT format(f, 1) FROM (SELECT '%s' AS f) AS t",
        r"format\(f,",
    ),
    Difference(
        "Of temporary tables these are refused: generated columns, `UPDATE … SET (…) = (SELECT …)`, RETURNING of what"
        " the tables in FROM or USING have, INSERT, UPDATE and DELETE within WITH, and reading a sequence as a table.",
        "CREATE TEMP TABLE g (a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
        r"GENERATED ALWAYS AS \(|SET \(name, boss\) = \(SELECT|RETURNING people\.id, other|WITH gone AS \(DELETE",
    ),
    Difference(
        "An `INSERT … ON CONFLICT DO UPDATE` that meets a row twice is not refused (21000).",
        "INSERT INTO k VALUES (1, 2), (1, 3) ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.b",
        r"INSERT INTO twice",
    ),
    Difference(
        "A parameter of an open type that PostgreSQL refuses to guess, or gives two types, is text, or has the first of"
        " them; `substring(x, $1, $2)` with open parameters counts letters, and takes no pattern.",
        "PREPARE p AS SELECT $1 IS NULL",
        r"SELECT \$1 IS NULL",
    ),
    Difference(
        "`upper` of ß is the capital ẞ.",
        "SELECT upper('Straße')",
        r"upper\('Straße",
    ),
    Difference(
        "Two-phase commit is refused.",
        "PREPARE TRANSACTION 'x'",
        r"PREPARE TRANSACTION",
    ),
]


def render() -> str:
    """Return the page of the documentation."""
    lines = [
        "# Where answers differ from PostgreSQL's",
        "",
        "The same statements, more than a thousand, go to PostgreSQL 15 and to this server, by the simple protocol in",
        "text and by the extended one in binary. Rows, names and types of columns, command tags and SQLSTATEs are",
        "compared [`differential/test_differential.py`]. These are the differences; everything else is the same.",
        "",
        "| what | for example |",
        "|---|---|",
    ]
    for entry in DIFFERENCES:
        example = entry.example.replace("|", "\\|")
        lines.append(f"| {entry.what} | `{example}` |")
    return "\n".join(lines) + "\n"
