"""The fields of `to_char`, each of one value, as DuckDB macros in the schema `gw_pg`. SQL text only.

`t` is a timestamp, finite; `i` an interval; `s` a text of digits. `engine.date_formats` puts them together.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FORMAT_MACROS"]

_NUMBERS: Final = {  # of a timestamp
    "year": "CASE WHEN year(t) > 0 THEN year(t) ELSE 1 - year(t) END",
    "isoyear": "CASE WHEN isoyear(t) > 0 THEN isoyear(t) ELSE 1 - isoyear(t) END",
    "century": "CASE WHEN year(t) > 0 THEN (year(t) - 1) // 100 + 1 ELSE -(-year(t) // 100) - 1 END",
    "month": "month(t)",
    "day": "day(t)",
    "yearday": "dayofyear(t)",
    "isoday": "(weekofyear(t) - 1) * 7 + isodow(t)",
    "weekday": "dayofweek(t) + 1",
    "isoweekday": "isodow(t)",
    "week": "(dayofyear(t) - 1) // 7 + 1",
    "isoweek": "weekofyear(t)",
    "monthweek": "(day(t) - 1) // 7 + 1",
    "quarter": "quarter(t)",
    "julian": "t::DATE - DATE '1970-01-01' + 2440588",
    "hour": "hour(t)",
    "hour12": "(hour(t) + 11) % 12 + 1",
    "minute": "minute(t)",
    "second": "second(t)",
    "micros": "microsecond(t) % 1000000",
    "ofday": "hour(t) * 3600 + minute(t) * 60 + second(t)",
}
_PARTS: Final = {  # of an interval: each has the sign of its own part
    "year": "(gw_pg.gw_months(i) // 12)",
    "month": "(gw_pg.gw_months(i) % 12)",
    "day": "gw_pg.gw_days(i)",
    "hour": "trunc(gw_pg.gw_us(i) / 3600000000.0)::BIGINT",
    "hour12": "CASE WHEN (gw_pg.gw_us(i) / 3600000000.0)::BIGINT % 12 = 0 THEN 12 ELSE 0 END",
    "minute": "(trunc(gw_pg.gw_us(i) / 60000000.0)::BIGINT % 60)",
    "second": "(trunc(gw_pg.gw_us(i) / 1000000.0)::BIGINT % 60)",
    "micros": "(gw_pg.gw_us(i) % 1000000)",
    "ofday": "trunc(gw_pg.gw_us(i) / 1000000.0)::BIGINT",
}

FORMAT_MACROS: Final = (
    """CREATE MACRO gw_pg.gw_padded(s, w, f) AS CASE WHEN length(s) < w THEN lpad(s, w, f) ELSE s END""",
    """CREATE MACRO gw_pg.gw_digits(n, w) AS CASE WHEN n < 0
        THEN '-' || gw_pg.gw_padded((-n)::VARCHAR, w, '0') ELSE gw_pg.gw_padded(n::VARCHAR, w, '0') END""",
    "CREATE MACRO gw_pg.gw_joined(a, b) AS a || b",
    "CREATE MACRO gw_pg.gw_upper(s) AS upper(s)",
    "CREATE MACRO gw_pg.gw_lower(s) AS lower(s)",
    "CREATE MACRO gw_pg.gw_wide(s, w) AS rpad(s, w, ' ')",
    "CREATE MACRO gw_pg.gw_head(s, n) AS substring(s, 1, n)",
    """CREATE MACRO gw_pg.gw_ordinal(s) AS s || CASE WHEN s LIKE '%1_' THEN 'TH' ELSE
        CASE right(s, 1) WHEN '1' THEN 'ST' WHEN '2' THEN 'ND' WHEN '3' THEN 'RD' ELSE 'TH' END END""",
    *(f"CREATE MACRO gw_pg.gw_{name}_of(t) AS {body}" for name, body in _NUMBERS.items()),
    *(f"CREATE MACRO gw_pg.gw_{name}_in(i) AS {body}" for name, body in _PARTS.items()),
    "CREATE MACRO gw_pg.gw_quotient(n, m) AS n // m",
    """CREATE MACRO gw_pg.gw_fraction_digits(n, w) AS CASE WHEN n < 0
        THEN '-' || gw_pg.gw_padded((-n)::VARCHAR, w - 1, '0') ELSE gw_pg.gw_padded(n::VARCHAR, w, '0') END""",
    "CREATE MACRO gw_pg.gw_rest(n, m) AS n % m",
    "CREATE MACRO gw_pg.gw_era_of(t) AS CASE WHEN year(t) > 0 THEN 'AD' ELSE 'BC' END",
    """CREATE MACRO gw_pg.gw_half_of(t) AS CASE WHEN hour(t) < 12 THEN 'AM' ELSE 'PM' END""",
    "CREATE MACRO gw_pg.gw_half_in(i) AS CASE WHEN gw_pg.gw_hour_in(i) % 24 >= 12 THEN 'PM' ELSE 'AM' END",
    """CREATE MACRO gw_pg.gw_roman_of(t) AS (['I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX', 'X', 'XI',
        'XII'])[month(t)]""",
    # of a timestamptz: seconds east of Greenwich
    """CREATE MACRO gw_pg.gw_east(z) AS (epoch_us(z::TIMESTAMP) - epoch_us(z)) // 1000000""",
    """CREATE MACRO gw_pg.gw_zone_hours(e) AS CASE WHEN e < 0 THEN '-' ELSE '+' END
        || lpad((abs(e) // 3600)::VARCHAR, 2, '0')""",
    "CREATE MACRO gw_pg.gw_zone_minutes(e) AS lpad((abs(e) % 3600 // 60)::VARCHAR, 2, '0')",
    """CREATE MACRO gw_pg.gw_zone_short(e) AS CASE WHEN e < 0 THEN '-' ELSE '+' END || (abs(e) // 3600)
        || CASE WHEN abs(e) % 3600 // 60 <> 0 THEN ':' || gw_pg.gw_zone_minutes(e) ELSE '' END""",
    """CREATE MACRO gw_pg.gw_zone_offset(e) AS gw_pg.gw_zone_hours(e)
        || CASE WHEN abs(e) % 3600 // 60 <> 0 THEN ':' || gw_pg.gw_zone_minutes(e) ELSE '' END""",
    # DuckDB's offsets, as `engine.styling` finds the names of, are text
    """CREATE MACRO gw_pg.gw_zone_name(z, since, before) AS CASE WHEN z < TIMESTAMPTZ '1970-01-01 00:00:00+00'
        THEN coalesce(before[gw_pg.gw_zone_offset(gw_pg.gw_east(z))],
            error('0A000 to_char: the abbreviation of the time zone at that time is not known'))
        ELSE coalesce(since[gw_pg.gw_zone_offset(gw_pg.gw_east(z))],
            error('0A000 to_char: the abbreviation of the time zone at that time is not known')) END""",
    # two digits of a year: 69 is 2069, which strptime takes for 1969
    "CREATE MACRO gw_pg.gw_of_short_year(t) AS CASE WHEN year(t) = 1969 THEN t + INTERVAL 100 YEAR ELSE t END",
    # numbers: `t` is the rounded number's text, with its sign
    """CREATE MACRO gw_pg.gw_signed(t, n, p) AS CASE WHEN starts_with(t, '-') THEN n ELSE p END""",
    "CREATE MACRO gw_pg.gw_right_of(s, w) AS gw_pg.gw_padded(s, w, ' ')",
    """CREATE MACRO gw_pg.gw_float_digits(f, x, w) AS CASE WHEN x IS NULL THEN NULL
        WHEN isfinite(x) AND abs(x) < pow(10, w) - 0.5 THEN printf(f, x)
        ELSE error('0A000 to_char: the number has more digits than its type holds; cast it to numeric') END""",
    """CREATE MACRO gw_pg.gw_scientific(f, x) AS CASE WHEN x IS NULL THEN NULL
        WHEN isfinite(x) THEN CASE WHEN x < 0 OR signbit(x) THEN '' ELSE ' ' END || printf(f, x)
        ELSE error('0A000 to_char: NaN and infinity have no exponent') END""",
    """CREATE MACRO gw_pg.gw_whole_digits(i, before, after, shown, zero, filled, kept, f, g, r, lengths) AS CASE
        WHEN i = '0' AND zero = 0 AND after > 0 THEN
            CASE WHEN filled = 0 AND kept = 0 AND rtrim(f, '0') = '' THEN '0' ELSE '' END
        ELSE right(CASE WHEN g = '' THEN lpad(i, before, '0') ELSE regexp_replace(lpad(i, before, '0'), g, r) END,
            lengths[greatest(length(i), shown)]) END""",
    """CREATE MACRO gw_pg.gw_decimals(f, after, filled, kept) AS CASE WHEN after = 0 THEN ''
        WHEN filled = 1 THEN '.' || f ELSE '.' || left(f, kept) || rtrim(substring(f, kept + 1), '0') END""",
    """CREATE MACRO gw_pg.gw_number_parts(i, f, before, after, shown, zero, filled, kept, g, r, lengths) AS CASE
        WHEN length(i) > before THEN gw_pg.gw_whole_digits(repeat('#', before), before, after, shown, zero, filled,
            kept, '#', g, r, lengths) || CASE WHEN after = 0 THEN '' ELSE '.' || repeat('#', after) END
        ELSE gw_pg.gw_whole_digits(i, before, after, shown, zero, filled, kept, f, g, r, lengths)
            || gw_pg.gw_decimals(f, after, filled, kept) END""",
    """CREATE MACRO gw_pg.gw_number_body(t, before, after, shown, zero, filled, kept, g, r, lengths) AS
        gw_pg.gw_number_parts(split_part(ltrim(t, '-'), '.', 1), split_part(t, '.', 2), before, after, shown, zero,
            filled, kept, g, r, lengths)""",
    """CREATE MACRO gw_pg.gw_ordinal_of(t, before) AS CASE WHEN starts_with(t, '-') OR length(t) > before THEN ''
        ELSE substring(gw_pg.gw_ordinal(t), length(t) + 1) END""",
    """CREATE MACRO gw_pg.gw_roman(n) AS CASE WHEN n IS NULL THEN NULL WHEN n < 1 OR n > 3999 THEN repeat('#', 15)
        ELSE (['', 'M', 'MM', 'MMM'])[n // 1000 + 1]
        || (['', 'C', 'CC', 'CCC', 'CD', 'D', 'DC', 'DCC', 'DCCC', 'CM'])[n // 100 % 10 + 1]
        || (['', 'X', 'XX', 'XXX', 'XL', 'L', 'LX', 'LXX', 'LXXX', 'XC'])[n // 10 % 10 + 1]
        || (['', 'I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX'])[n % 10 + 1] END""",
)
"""DDL of the macros, those used by others first."""
