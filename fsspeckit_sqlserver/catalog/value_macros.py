"""PostgreSQL's functions of text and time whose values differ from DuckDB's, as DuckDB macros in the schema `gw_pg`.

SQL text only. A macro's parameters are put into its body as they are written, as often as they stand there.
"""

from __future__ import annotations

from typing import Final

from fsspeckit_sqlserver.catalog.definitions import data_lines

__all__ = ["VALUE_MACROS"]

_SHORT_UNITS: Final = """('hour', 'hours', 'minute', 'minutes', 'second', 'seconds', 'millisecond', 'milliseconds',
    'microsecond', 'microseconds')"""

_TIMES: Final = (
    # DuckDB writes and reads `0044-03-15 (BC) 10:00:00`
    r"""CREATE MACRO gw_pg.gw_date_text(x) AS CASE WHEN x < '0001-01-01'
        THEN regexp_replace(x::VARCHAR, '^(\S+) \(BC\)(.*)$', '\1\2 BC') ELSE x::VARCHAR END""",
    "CREATE MACRO gw_pg.gw_date_texts(a) AS list_transform(a, lambda e: gw_pg.gw_date_text(e))",
    r"""CREATE MACRO gw_pg.gw_dated(x) AS CASE WHEN ends_with(x, ' BC')
        THEN regexp_replace(x, '^(\S+)(.*) BC$', '\1 (BC)\2')
        WHEN x LIKE '% +%' OR x LIKE '% -%' THEN regexp_replace(x, '(\d) +([+-]) *(\d)', '\1\2\3')
        WHEN upper(right(x, 2)) IN ('AM', 'PM') THEN strftime(strptime(x, ['%Y-%m-%d %I:%M %p', '%Y-%m-%d %I:%M%p',
            '%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M:%S%p']), '%Y-%m-%d %H:%M:%S') ELSE x END""",
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
    "CREATE MACRO gw_pg.zoned_by(i, t) AS timezone('UTC', t) + i",
    "CREATE MACRO gw_pg.local_by(i, t) AS timezone('UTC', t - i)",
    # PostgreSQL's interval_div: what is left of a month is days of it, what is left of a day is time
    """CREATE MACRO gw_pg.gw_divided(i, n) AS list_transform([{'p': gw_pg.gw_parts(i), 'n': n::DOUBLE}], lambda q:
        list_transform([{'m': q.p.m / q.n, 'd': q.p.d / q.n, 'u': q.p.u / q.n}], lambda e:
        list_transform([{'e': e, 'r': round((e.m - trunc(e.m)) * 30, 6)}], lambda v: to_months(trunc(v.e.m)::INTEGER)
            + to_days((trunc(v.e.d) + trunc(v.r))::INTEGER) + to_microseconds(round_even(
                v.e.u + round((v.e.d - trunc(v.e.d) + v.r - trunc(v.r)) * 86400, 6) * 1000000, 0)::BIGINT)
            )[1])[1])[1]""",
    # of days and time, of months and days: both with one sign
    """CREATE MACRO gw_pg.gw_justified(p) AS list_transform(list_transform(list_transform(
        [{'m': p.m, 'd': p.d + p.u // 86400000000, 'u': p.u % 86400000000}],
        lambda a: {'m': a.m + a.d // 30, 'd': a.d % 30, 'u': a.u}),
        lambda b: CASE
            WHEN b.m > 0 AND (b.d < 0 OR (b.d = 0 AND b.u < 0)) THEN {'m': b.m - 1, 'd': b.d + 30, 'u': b.u}
            WHEN b.m < 0 AND (b.d > 0 OR (b.d = 0 AND b.u > 0)) THEN {'m': b.m + 1, 'd': b.d - 30, 'u': b.u}
            ELSE b END),
        lambda c: CASE WHEN c.d > 0 AND c.u < 0 THEN to_months(c.m::INTEGER) + to_days(c.d::INTEGER - 1)
                + to_microseconds(c.u::BIGINT + 86400000000)
            WHEN c.d < 0 AND c.u > 0 THEN to_months(c.m::INTEGER) + to_days(c.d::INTEGER + 1)
                + to_microseconds(c.u::BIGINT - 86400000000)
            ELSE to_months(c.m::INTEGER) + to_days(c.d::INTEGER) + to_microseconds(c.u::BIGINT) END)[1]""",
    "CREATE MACRO gw_pg.justify_interval(i) AS gw_pg.gw_justified(gw_pg.gw_parts(i))",
    "CREATE MACRO gw_pg.trim_scale(x) AS x",
    # PostgreSQL's interpolation of intervals: each part alone
    """CREATE MACRO gw_pg.gw_between(a, p) AS a[floor(p)::INTEGER + 1]
        + (a[ceil(p)::INTEGER + 1] - a[floor(p)::INTEGER + 1]) * (p - floor(p))""",
    """CREATE MACRO gw_pg.gw_percentile(a, f) AS CASE WHEN f < 0 OR f > 1
        THEN error('22003 percentile value ' || f || ' is not between 0 and 1')::INTERVAL
        WHEN len(a) > 0 THEN gw_pg.gw_between(a, f::DOUBLE * (len(a) - 1)) END""",
    """CREATE MACRO gw_pg.interval_percentile(a, f) AS
        gw_pg.gw_percentile(list_filter(a, lambda e: e IS NOT NULL), f)""",
    """CREATE MACRO gw_pg.interval_percentiles(a, fs) AS list_transform(fs,
        lambda f: gw_pg.gw_percentile(list_filter(a, lambda e: e IS NOT NULL), f))""",
    """CREATE MACRO gw_pg.gw_fraction(f) AS CASE WHEN f < 0 OR f > 1
        THEN error('22003 percentile value ' || f || ' is not between 0 and 1')::DOUBLE ELSE f END""",
    """CREATE MACRO gw_pg.gw_cont_of(a, f) AS
        CASE WHEN len(a) > 0 THEN gw_pg.gw_between(a, gw_pg.gw_fraction(f) * (len(a) - 1)) END""",
    """CREATE MACRO gw_pg.gw_disc_of(a, f) AS
        CASE WHEN len(a) > 0 AND f IS NOT NULL THEN a[greatest(ceil(gw_pg.gw_fraction(f) * len(a)), 1)::INTEGER] END""",
    *(
        f"""CREATE MACRO gw_pg.gw_{kind}{form}(a, f) AS
            list_transform([list_filter(a, lambda e: e IS NOT NULL)], lambda v: {body})[1]"""
        for kind in ("cont", "disc")
        for form, body in (
            ("", f"gw_pg.gw_{kind}_of(v, f)"),
            ("_each", f"list_transform(f, lambda g: gw_pg.gw_{kind}_of(v, g))"),
        )
    ),
    """CREATE MACRO gw_pg.numeric_series(a, b, s) AS CASE
        WHEN s = 0 THEN error('22023 step size cannot equal zero')::BIGINT[]
        ELSE generate_series(0, floor((b - a) / s)::BIGINT) END.list_transform(lambda i: a + i * s)""",
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

_NEGATIVE: Final = "error('22011 negative substring length not allowed')"

_TEXTS: Final = (
    "CREATE MACRO gw_pg.gw_trimmed(x) AS rtrim(rtrim(x::VARCHAR, '0'), '.')",
    # a place before the first counts: of three characters from -1, the first two are not there
    "CREATE MACRO gw_pg.gw_substring_from(s, n) AS CASE WHEN n < 1 THEN s ELSE substring(s, n) END",
    f"""CREATE MACRO gw_pg.gw_substring_for(s, n, m) AS CASE
        WHEN m < 0 AND s IS NOT NULL AND n IS NOT NULL THEN {_NEGATIVE}::VARCHAR
        WHEN n < 1 THEN substring(s, 1,
            CASE WHEN n::BIGINT + m > 1 THEN n::BIGINT + m - 1 WHEN m IS NOT NULL THEN 0 END)
        ELSE substring(s, n, m) END""",
    "CREATE MACRO gw_pg.gw_bytes_from(b, n) AS unhex(gw_pg.gw_substring_from(hex(b), n * 2 - 1))",
    "CREATE MACRO gw_pg.gw_bytes_for(b, n, m) AS unhex(gw_pg.gw_substring_for(hex(b), n * 2 - 1, m * 2))",
    f"""CREATE MACRO gw_pg.gw_overlay(s, r, n, m) AS CASE
        WHEN n < 1 AND s IS NOT NULL AND r IS NOT NULL AND m IS NOT NULL THEN {_NEGATIVE}::VARCHAR
        ELSE substring(s, 1, n - 1) || r || gw_pg.gw_substring_from(s, n::BIGINT + m) END""",
    *(
        f"""CREATE MACRO gw_pg.gw_{name}(s, n, f) AS CASE WHEN n <= 0 AND s IS NOT NULL AND f IS NOT NULL THEN ''
        WHEN f = '' THEN left(s, n) ELSE {name}(s, n::INTEGER, CASE WHEN f = '' THEN ' ' ELSE f END) END"""
        for name in ("lpad", "rpad")
    ),
    """CREATE MACRO gw_pg.gw_split_part(s, d, n) AS CASE
        WHEN n = 0 AND s IS NOT NULL AND d IS NOT NULL
            THEN error('22023 field position must not be zero')::VARCHAR
        WHEN d = '' AND s IS NOT NULL AND n IS NOT NULL THEN CASE WHEN n IN (1, -1) THEN s ELSE '' END
        ELSE split_part(s, d, n) END""",
    """CREATE MACRO gw_pg.gw_pad_left(s, w) AS
        rpad(coalesce(s, ''), greatest(abs(w), length(coalesce(s, '')))::INTEGER, ' ')""",
    """CREATE MACRO gw_pg.gw_pad(s, w) AS CASE WHEN w < 0 THEN gw_pg.gw_pad_left(s, w)
        ELSE lpad(coalesce(s, ''), greatest(coalesce(w, 0), length(coalesce(s, '')))::INTEGER, ' ') END""",
    """CREATE MACRO gw_pg.to_hex(x) AS lower(CASE WHEN typeof(x) IN ('TINYINT', 'SMALLINT', 'INTEGER')
        THEN to_hex(x & 4294967295) ELSE to_hex(x) END)""",
    """CREATE MACRO gw_pg.gw_split(s, d) AS CASE WHEN s = '' THEN [] WHEN d = '' THEN [s]
        WHEN d IS NULL AND s IS NOT NULL THEN string_split(s, '') ELSE string_split(s, d) END""",
    "CREATE MACRO gw_pg.inet_server_port() AS NULL::INTEGER",
    "CREATE MACRO gw_pg.inet_client_port() AS NULL::INTEGER",
)
_SHIFTS: Final = (
    """CREATE MACRO gw_pg.gw_shifted_left(x, n, bits, mask) AS (((x::HUGEINT * (1::HUGEINT << (n & mask)))
        % (1::HUGEINT << bits) + (1::HUGEINT << bits) + (1::HUGEINT << (bits - 1)))
        % (1::HUGEINT << bits) - (1::HUGEINT << (bits - 1)))""",
    "CREATE MACRO gw_pg.gw_shifted_right(x, n, mask) AS x >> (n & mask)",
    """CREATE MACRO gw_pg.array_cat(a, b) AS
        CASE WHEN a IS NULL AND b IS NULL THEN NULL ELSE list_concat(a, b) END""",
)
_REGEXPS: Final = (
    "CREATE MACRO gw_pg.gw_rows(a) AS a",
    "CREATE MACRO gw_pg.gw_nulls(a) AS list_transform(a, lambda e: nullif(e, ''))",
    "CREATE MACRO gw_pg.gw_singles(a) AS list_transform(a, lambda e: [e])",
    "CREATE MACRO gw_pg.gw_zip(a, b) AS list_transform(a, lambda e, i: list_append(e, b[i]))",
    "CREATE MACRO gw_pg.gw_nth(a, n) AS a[n]",
    """CREATE MACRO gw_pg.gw_instr(s, p, before, start, is_end) AS CASE WHEN regexp_matches(s, p)
        THEN start + length(regexp_extract(s, before, 1)) + is_end * length(regexp_extract(s, p))
        WHEN s IS NOT NULL THEN 0 END::INTEGER""",
    *(
        f"""CREATE MACRO gw_pg.gw_{word}{kind}_list(s, a) AS
        list_transform(a, lambda e: {"NOT " if word else ""}{test})"""
        for word in ("", "not_")
        for kind, test in (
            ("like", "like_escape(s, e, '\\')"),
            ("ilike", "ilike_escape(s, e, '\\')"),
            ("match", "regexp_matches(s, '(?s)' || e)"),
            ("imatch", "regexp_matches(s, '(?is)' || e)"),
        )
    ),
    """CREATE MACRO gw_pg.gw_any(a) AS CASE WHEN list_contains(a, true) THEN true
        WHEN list_count(a) < len(a) OR a IS NULL THEN NULL ELSE false END""",
    """CREATE MACRO gw_pg.gw_all(a) AS CASE WHEN list_contains(a, false) THEN false
        WHEN list_count(a) < len(a) OR a IS NULL THEN NULL ELSE true END""",
    # a pattern that is no constant: its first group, or all of it
    r"""CREATE MACRO gw_pg.gw_substring_like(s, p) AS CASE WHEN NOT regexp_matches(s, '(?s)' || p) THEN NULL
        WHEN regexp_matches(p, '(^|[^\\])[(]($|[^?])') THEN nullif(regexp_extract(s, '(?s)' || p, 1), '')
        ELSE regexp_extract(s, '(?s)' || p) END""",
)
_KEYWORDS: Final = ", ".join(
    f"'{word}'" for word, kind, *_ in (line.split("|") for line in data_lines("keywords")) if kind != "U"
)
_IDENTIFIERS: Final = (
    f"""CREATE MACRO gw_pg.quote_ident(x) AS CASE
        WHEN regexp_full_match(x, '[a-z_][a-z0-9_]*') AND x NOT IN ({_KEYWORDS}) THEN x
        ELSE '"' || replace(x, '"', '""') || '"' END""",
    """CREATE MACRO gw_pg.gw_identifier(x) AS CASE
        WHEN x IS NULL THEN error('22023 null values cannot be formatted as an SQL identifier')::VARCHAR
        ELSE gw_pg.quote_ident(x) END""",
)
_CORNERS: Final = (
    """CREATE MACRO gw_pg.gw_days_between(a, b) AS CASE
        WHEN isinf(a) OR isinf(b) THEN error('22008 cannot subtract infinite dates')::BIGINT ELSE a - b END""",
    """CREATE MACRO gw_pg.gw_unbounded(x, v) AS CASE
        WHEN isinf(x) THEN CASE WHEN x > DATE '2000-01-01' THEN 'Infinity'::DOUBLE ELSE '-Infinity'::DOUBLE END
        ELSE v END""",
    """CREATE MACRO gw_pg.trim_array(a, n) AS CASE WHEN n < 0 OR n > len(a)
        THEN error('2202E number of elements to trim must be between 0 and ' || len(a)) ELSE a[1:len(a) - n] END""",
)

VALUE_MACROS: Final = (*_CORNERS, *_TIMES, *_TEXTS, *_SHIFTS, *_REGEXPS, *_IDENTIFIERS)
"""DDL of the macros, those used by others first."""
