r"""How dates, times and intervals become text inside of expressions, as DuckDB macros in the schema `gw_pg`.

DuckDB writes ISO. A macro `styled_<dates>_<intervals>` writes any value under other styles, by its type: what is no
date, timestamp or interval stays as it is. `interval_text` is PostgreSQL's own style of intervals. A macro's argument
is put into its body as often as it is named there, so each is named once, as the element of a list.
Source: PostgreSQL 16, `EncodeDateOnly`, `EncodeDateTime`, `EncodeInterval`. SQL text only.
"""

from __future__ import annotations

from typing import Final

__all__ = ["STYLE_MACROS"]

_FRACTION: Final = (
    "CASE WHEN p.u % 1000000 = 0 THEN '' ELSE '.' || rtrim(lpad((abs(p.u) % 1000000)::VARCHAR, 6, '0'), '0') END"
)
_YEARS: Final = "(abs(p.m) // 12 * sign(p.m))::INTEGER"
_MONTHS: Final = "(abs(p.m) % 12 * sign(p.m))::INTEGER"
_HOURS: Final = "(abs(p.u) // 3600000000)"
_MINUTES: Final = "(abs(p.u) // 60000000 % 60)"
_SECONDS: Final = "(abs(p.u) // 1000000 % 60)"
_CLOCK: Final = (
    f"{_HOURS} || ':' || lpad({_MINUTES}::VARCHAR, 2, '0') || ':' || lpad({_SECONDS}::VARCHAR, 2, '0') || {_FRACTION}"
)
_LOW, _HIGH = "least(p.m, p.d, p.u)", "greatest(p.m, p.d, p.u)"


def _unit(number: str, unit: str) -> str:
    return f"CASE WHEN {number} <> 0 THEN {number} || ' {unit}' || CASE WHEN {number} = 1 THEN '' ELSE 's' END END"


# DuckDB writes this style but for some letters and signs
_POSTGRES: Final = r"""regexp_replace(regexp_replace(replace(i::VARCHAR, 'month', 'mon'),
    '-1 (year|mon|day)( |$)', '-1 \1s\2', 'g'), '(-\d+ [a-z]+) (\d)', '\1 +\2', 'g')"""
_SQL: Final = f"""CASE WHEN {_LOW} = 0 AND {_HIGH} = 0 THEN '0'
    WHEN ({_LOW} < 0 AND {_HIGH} > 0) OR (p.m <> 0 AND (p.d <> 0 OR p.u <> 0))
    THEN CASE WHEN p.m < 0 THEN '-' ELSE '+' END || abs({_YEARS}) || '-' || abs({_MONTHS})
        || CASE WHEN p.d < 0 THEN ' -' ELSE ' +' END || abs(p.d)
        || CASE WHEN p.u < 0 THEN ' -' ELSE ' +' END || {_CLOCK}
    ELSE CASE WHEN {_LOW} < 0 THEN '-' ELSE '' END || CASE WHEN p.m <> 0 THEN abs({_YEARS}) || '-' || abs({_MONTHS})
        WHEN p.d <> 0 THEN abs(p.d) || ' ' || {_CLOCK} ELSE {_CLOCK} END END"""
_ISO: Final = f"""CASE WHEN {_LOW} = 0 AND {_HIGH} = 0 THEN 'PT0S'
    ELSE 'P' || concat(nullif({_YEARS}, 0) || 'Y', nullif({_MONTHS}, 0) || 'M', nullif(p.d, 0) || 'D')
        || CASE WHEN p.u = 0 THEN '' ELSE 'T' || concat(nullif({_HOURS} * sign(p.u), 0)::BIGINT || 'H',
            nullif({_MINUTES} * sign(p.u), 0)::BIGINT || 'M', CASE WHEN p.u % 60000000 <> 0
            THEN CASE WHEN p.u < 0 THEN '-' ELSE '' END || {_SECONDS} || {_FRACTION} || 'S' END) END END"""
# the first part that is not zero gives the sign of the whole, p.s
_VERBOSE: Final = f"""CASE WHEN {_LOW} = 0 AND {_HIGH} = 0 THEN '@ 0' ELSE concat_ws(' ', '@',
    {_unit(f"({_YEARS} * p.s)", "year")}, {_unit(f"({_MONTHS} * p.s)", "mon")}, {_unit("(p.d * p.s)", "day")},
    {_unit(f"({_HOURS} * sign(p.u) * p.s)::BIGINT", "hour")}, {_unit(f"({_MINUTES} * sign(p.u) * p.s)::BIGINT", "min")},
    CASE WHEN p.u % 60000000 <> 0 THEN CASE WHEN p.u * p.s < 0 THEN '-' ELSE '' END || {_SECONDS} || {_FRACTION}
        || CASE WHEN p.u * p.s % 60000000 = 1000000 THEN ' sec' ELSE ' secs' END END,
    CASE WHEN p.s < 0 THEN 'ago' END) END"""
_INTERVALS: Final = {"sql_standard": _SQL, "iso_8601": _ISO, "postgres_verbose": _VERBOSE}

_ISO_DATE: Final = r"regexp_replace(v.t, '^(\S+) \(BC\)(.*)$', '\1\2 BC')"
_OFFSET: Final = r"regexp_extract(v.t, '[+-]\d\d(?::\d\d)*$')"
_YEAR: Final = r"TRY_CAST(regexp_extract(v.t, '^\d+') AS INTEGER)"
_WEEKDAY: Final = r"left(dayname(TRY_CAST(regexp_extract(v.t, '^\S+(?: \(BC\))?') AS DATE)), 3)"
_MONTH: Final = (
    "['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']"
    r"[TRY_CAST(regexp_extract(v.t, '^\d+-(\d\d)', 1) AS INTEGER)]"
)
# `w` is how the parts of a date are put, `z` has offset → abbreviation of the session's zone since 1970, `b` those
# that are certain before
_DATE: Final = rf"regexp_replace({_ISO_DATE}, '^(\d+)-(\d\d)-(\d\d)', w)"
_NAMED_DATE: Final = rf"""regexp_replace({_ISO_DATE}, '^(\d+)-(\d\d)-(\d\d) ([\d:.]+)', {_WEEKDAY}
    || CASE WHEN f THEN ' \3 ' || {_MONTH} ELSE ' ' || {_MONTH} || ' \3' END || ' \4 \1')"""
_ABBREVIATION: Final = f"""coalesce(
    CASE WHEN contains(v.t, 'BC') OR {_YEAR} < 1970 THEN b[{_OFFSET}] ELSE z[{_OFFSET}] END,
    error('0A000 the name of the time zone at ' || v.t || ' is not certain; SET DateStyle = ISO'))"""
_MOMENTS: Final = {"iso": _ISO_DATE, "plain": _DATE, "named": _NAMED_DATE}


def _zoned(dates: str) -> str:
    if dates == "iso":
        return _ISO_DATE
    return rf"regexp_replace({_MOMENTS[dates]}, '[+-]\d\d(?::\d\d)*( BC)?$', ' ' || {_ABBREVIATION} || '\1')"


def _styled(dates: str, intervals: str) -> str:
    return rf"""CREATE MACRO gw_pg.styled_{dates}_{intervals}(x, w, f, z, b) AS
        list_transform([{{'t': x::VARCHAR, 'k': typeof(x)}}], lambda v: CASE
            WHEN v.k = 'INTERVAL' THEN gw_pg.interval_{intervals}(TRY_CAST(v.t AS INTERVAL))
            WHEN NOT starts_with(v.k, 'TIMESTAMP') AND v.k <> 'DATE' THEN v.t
            WHEN NOT regexp_matches(v.t, '^\d') THEN v.t
            WHEN v.k = 'DATE' THEN {_ISO_DATE if dates == "iso" else _DATE}
            WHEN v.k = 'TIMESTAMP WITH TIME ZONE' THEN {_zoned(dates)} ELSE {_MOMENTS[dates]} END)[1]"""


_KINDS: Final = [(dates, intervals) for dates in _MOMENTS for intervals in ("postgres", *_INTERVALS)]
_BOOL_LETTERS: Final = (
    "CREATE MACRO gw_pg.bool_letters(x) AS list_transform(x, lambda e: CASE WHEN e THEN 't' WHEN NOT e THEN 'f' END)"
)

_FLOAT_LIST: Final = (
    "CREATE MACRO gw_pg.float_list(x) AS list_transform(x, lambda e: CASE e::VARCHAR WHEN 'nan' THEN 'NaN' WHEN 'inf'"
    " THEN 'Infinity' WHEN '-inf' THEN '-Infinity' ELSE regexp_replace(e::VARCHAR, '[.]0$', '') END)"
)

STYLE_MACROS: Final = (
    _BOOL_LETTERS,
    _FLOAT_LIST,
    # an interval's parts: months, days, and the microseconds that are left
    "CREATE MACRO gw_pg.gw_months(i) AS (datepart('year', i) * 12 + datepart('month', i))::INTEGER",
    "CREATE MACRO gw_pg.gw_days(i) AS datepart('day', i)::INTEGER",
    "CREATE MACRO gw_pg.gw_us(i) AS epoch_us(i - to_months(gw_pg.gw_months(i)) - to_days(gw_pg.gw_days(i)))",
    """CREATE MACRO gw_pg.gw_parts(i) AS list_transform([i], lambda e: {'m': gw_pg.gw_months(e), 'd': gw_pg.gw_days(e),
        'u': gw_pg.gw_us(e)})[1]""",
    *(
        f"""CREATE MACRO gw_pg.interval_{name}(i) AS list_transform([gw_pg.gw_parts(i)], lambda q: list_transform(
            [{{'m': q.m, 'd': q.d, 'u': q.u, 's': CASE WHEN q.m <> 0 THEN sign(q.m) WHEN q.d <> 0 THEN sign(q.d)
                ELSE sign(q.u) END::BIGINT}}], lambda p: CASE WHEN p.m IS NULL THEN NULL ELSE {body} END)[1])[1]"""
        for name, body in _INTERVALS.items()
    ),
    f"CREATE MACRO gw_pg.interval_text(i) AS {_POSTGRES}",
    "CREATE MACRO gw_pg.interval_list(a) AS list_transform(a, lambda e: gw_pg.interval_text(e))",
    "CREATE MACRO gw_pg.interval_postgres(i) AS gw_pg.interval_text(i)",
    *(_styled(*kinds) for kinds in _KINDS),
    *(
        f"""CREATE MACRO gw_pg.styled_list_{dates}_{intervals}(a, w, f, z, b) AS
            list_transform(a, lambda e: gw_pg.styled_{dates}_{intervals}(e, w, f, z, b))"""
        for dates, intervals in _KINDS
    ),
)
"""DDL of the macros, those used by others first."""
