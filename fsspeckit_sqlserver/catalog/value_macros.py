"""PostgreSQL's functions of text and time whose values differ from DuckDB's, as DuckDB macros in the schema `gw_pg`.

SQL text only. A macro's parameters are put into its body as they are written, as often as they stand there.
"""

from __future__ import annotations

from typing import Final

__all__ = ["VALUE_MACROS"]

_SHORT_UNITS: Final = """('hour', 'hours', 'minute', 'minutes', 'second', 'seconds', 'millisecond', 'milliseconds',
    'microsecond', 'microseconds')"""

_TIMES: Final = (
    # PostgreSQL's difference of moments has days of 24 hours; DuckDB's counts days on the session's calendar
    """CREATE MACRO gw_pg.gw_days_and_time(us) AS
        to_days((us // 86400000000)::INTEGER) + to_microseconds(us % 86400000000)""",
    "CREATE MACRO gw_pg.moment_difference(a, b) AS gw_pg.gw_days_and_time(epoch_us(a) - epoch_us(b))",
    # months and days move the local clock, which is read anew: as standard time in the hour that comes twice
    """CREATE MACRO gw_pg.gw_moved(t, m, d) AS (t::TIMESTAMP + to_months(m) + to_days(d))::TIMESTAMPTZ""",
    """CREATE MACRO gw_pg.moment_plus(t, i) AS CASE WHEN gw_pg.gw_months(i) = 0 AND gw_pg.gw_days(i) = 0 THEN t + i
        ELSE gw_pg.gw_moved(t, gw_pg.gw_months(i), gw_pg.gw_days(i)) + to_microseconds(gw_pg.gw_us(i)) END""",
    """CREATE MACRO gw_pg.moment_minus(t, i) AS CASE WHEN gw_pg.gw_months(i) = 0 AND gw_pg.gw_days(i) = 0 THEN t - i
        ELSE gw_pg.gw_moved(t, -gw_pg.gw_months(i), -gw_pg.gw_days(i)) - to_microseconds(gw_pg.gw_us(i)) END""",
    # centuries and millennia begin with a year 1
    """CREATE MACRO gw_pg.gw_trunc_local(u, t) AS CASE WHEN lower(u) IN ('century', 'centuries', 'millennium',
            'millennia')
        THEN date_trunc(u, t - INTERVAL 1 YEAR) + INTERVAL 1 YEAR ELSE date_trunc(u, t) END""",
    # below a day the offset stays: in the hour that comes twice, the local clock does not tell which one it is
    f"""CREATE MACRO gw_pg.date_trunc_zoned(u, t) AS CASE WHEN lower(u) IN {_SHORT_UNITS}
        THEN t - to_microseconds(epoch_us(t::TIMESTAMP) - epoch_us(date_trunc(u, t::TIMESTAMP)))
        ELSE gw_pg.gw_trunc_local(u, t::TIMESTAMP)::TIMESTAMPTZ END""",
    f"""CREATE MACRO gw_pg.date_trunc_in(u, t, z) AS CASE WHEN lower(u) IN {_SHORT_UNITS}
        THEN t - to_microseconds(epoch_us(timezone(z, t)) - epoch_us(date_trunc(u, timezone(z, t))))
        ELSE timezone(z, gw_pg.gw_trunc_local(u, timezone(z, t))) END""",
    """CREATE MACRO gw_pg.gw_stride(i) AS CASE
        WHEN gw_pg.gw_months(i) <> 0 THEN
            error('0A000 timestamps cannot be binned into intervals containing months or years')::BIGINT
        WHEN gw_pg.gw_days(i) * 86400000000 + gw_pg.gw_us(i) <= 0 THEN
            error('22008 stride must be greater than zero')::BIGINT
        ELSE gw_pg.gw_days(i) * 86400000000 + gw_pg.gw_us(i) END""",
    """CREATE MACRO gw_pg.gw_bin(s, t, o) AS o + (t - o) - ((t - o) % s + s) % s""",
    """CREATE MACRO gw_pg.date_bin_zoned(i, t, o) AS
        make_timestamptz(gw_pg.gw_bin(gw_pg.gw_stride(i), epoch_us(t), epoch_us(o)))""",
    """CREATE MACRO gw_pg.date_bin_local(i, t, o) AS
        make_timestamp(gw_pg.gw_bin(gw_pg.gw_stride(i), epoch_us(t), epoch_us(o)))""",
)

VALUE_MACROS: Final = _TIMES
"""DDL of the macros, those used by others first."""
