"""The functions that what goes into a column with a declared length is put through. SQL only.

Source: PostgreSQL 15, `varchar.c` (varchar, bpchar) and `varbit.c` (bit, varbit): an assignment cuts blanks off, and
refuses to cut anything else. A bpchar is kept without the blanks it is padded with where it is shown.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LENGTH_MACROS"]

LENGTH_MACROS: Final = (
    """CREATE MACRO gw_pg.gw_fit_varchar(x, n) AS CASE WHEN length(x::VARCHAR) <= n THEN x::VARCHAR
        WHEN length(rtrim(x::VARCHAR, ' ')) <= n THEN left(x::VARCHAR, n)
        WHEN x IS NOT NULL THEN error('22001 value too long for type character varying(' || n || ')') END""",
    """CREATE MACRO gw_pg.gw_fit_bpchar(x, n) AS CASE WHEN length(rtrim(x::VARCHAR, ' ')) <= n
            THEN rtrim(x::VARCHAR, ' ')
        WHEN x IS NOT NULL THEN error('22001 value too long for type character(' || n || ')') END""",
    """CREATE MACRO gw_pg.gw_fit_bit(x, n) AS CASE WHEN length((x::BIT)::VARCHAR) = n THEN x::BIT
        WHEN x IS NOT NULL THEN error('22026 bit string length ' || length((x::BIT)::VARCHAR)
            || ' does not match type bit(' || n || ')') END""",
    """CREATE MACRO gw_pg.gw_fit_varbit(x, n) AS CASE WHEN length((x::BIT)::VARCHAR) <= n THEN x::BIT
        WHEN x IS NOT NULL THEN error('22001 bit string too long for type bit varying(' || n || ')') END""",
)
