"""Write the data files of the catalog from a running PostgreSQL: run this when its version changes.

    python -m fsspeckit_sqlserver.catalog.generate -h /tmp/pg -p 5432 -U postgres

The arguments go to psql. What is taken are names, numbers and types of PostgreSQL's own catalog, which is an interface:
the OIDs below 16384 never change between versions.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys

import duckdb

from fsspeckit_sqlserver.catalog.catalog import Catalog
from fsspeckit_sqlserver.catalog.definitions import type_definitions

_DATA = pathlib.Path(__file__).parent / "data"
_RELATIONS = """
SELECT n.nspname::text || ' ' || c.relname::text || ' ' || c.oid::text || ' ' || c.relkind::text || ' ' || (
    SELECT string_agg(a.attname || ':' || CASE
        WHEN t.typtype = 'd' THEN bt.typname ELSE t.typname END || CASE WHEN a.attnotnull THEN '!' ELSE '' END,
        ' ' ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type bt ON bt.oid = t.typbasetype
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') AND c.relname NOT LIKE '\\_%'
ORDER BY n.nspname DESC, c.relname
"""
_TYPES = """
SELECT concat_ws(' ', t.oid, t.typname, t.typlen, t.typbyval, t.typtype, t.typcategory, t.typispreferred,
    replace(t.typdelim::text, ' ', '_'), t.typelem, t.typarray, t.typinput::oid, t.typinput, t.typoutput::oid,
        t.typoutput,
    t.typreceive::oid, t.typreceive, t.typsend::oid, t.typsend, t.typmodin::oid, t.typmodin, t.typmodout::oid,
    t.typmodout, t.typalign, t.typstorage, t.typcollation, t.typsubscript::oid, t.typsubscript,
    replace(format_type(t.oid, NULL), ' ', '~'))
FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem
WHERE t.typnamespace = 11 AND t.typtype IN ('b', 'p', 'r', 'm') AND coalesce(e.typtype, 'b') <> 'c'
ORDER BY t.oid
"""
_SETTINGS = """
SELECT concat_ws('|', name, coalesce(unit, ''), context, vartype, coalesce(min_val, ''), coalesce(max_val, ''),
    coalesce(boot_val, ''))
FROM pg_settings WHERE category NOT LIKE 'Developer%' AND name NOT LIKE '%\\_file' AND name NOT LIKE '%directory%'
ORDER BY name
"""
_FUNCTIONS = "SELECT concat_ws(' ', oid, proname) FROM pg_proc WHERE pronamespace = 11 ORDER BY oid"
_RANGES = "SELECT concat_ws(' ', rngtypid, rngsubtype, rngmultitypid, rngcollation) FROM pg_range ORDER BY 1"

# What the parser resolves operators and functions by: `result:argument,argument`, then `v` and the type of each further
# argument, `d` and how many may be left out, `n` and the arguments' names, `s` of a set. Kinds of line: functions and
# aggregates, operators, implicit casts, categories of types (and whether preferred).
_SIGNATURES = """
WITH p AS (
    SELECT 'f ' || proname AS name, p.oid::int AS place, prorettype::int || ':' || replace(proargtypes::text, ' ', ',')
        || CASE WHEN provariadic <> 0 THEN '/v' || provariadic::int ELSE '' END
        || CASE WHEN pronargdefaults > 0 THEN '/d' || pronargdefaults || '/n'
            || coalesce(array_to_string(proargnames[:pronargs], ','), '') ELSE '' END
        || CASE WHEN proretset THEN '/s' ELSE '' END AS signature
    FROM pg_proc p WHERE pronamespace = 11 AND pronargs > 0 AND prokind <> 'p'
        AND NOT prorettype = ANY (ARRAY[2281, 2275, 2279, 3838, 3115, 325, 3310, 269])
        AND NOT proargtypes::oid[] && ARRAY[2281, 2275]::oid[] AND proname NOT LIKE 'binary\\_upgrade%'
    UNION ALL
    SELECT 'o ' || oprname, oid::int, oprresult::int || ':' ||
        CASE WHEN oprkind = 'b' THEN oprleft::int || ',' ELSE '' END || oprright::int
    FROM pg_operator WHERE oprnamespace = 11
)
SELECT name || ' ' || string_agg(signature, ' ' ORDER BY place) FROM p GROUP BY name
UNION ALL
SELECT 'c ' || castsource::int || ' ' || string_agg(casttarget::int::text, ' ' ORDER BY casttarget) FROM pg_cast
WHERE castcontext = 'i' AND castsource <> casttarget GROUP BY castsource
UNION ALL
SELECT 't ' || oid || ' ' || typcategory::text || CASE WHEN typispreferred THEN '!' ELSE '' END FROM pg_type
WHERE oid < 10000 AND typcategory <> 'A' AND typtype <> 'c'
ORDER BY 1
"""

# Name and signature of each, with the texts psql shows. Flags: s(trict), r (a set), volatility, parallel safety.
_PROCEDURES = """
SELECT concat_ws(E'\\t', p.oid, proname, prokind::text, CASE WHEN proisstrict THEN 's' ELSE '' END
    || CASE WHEN proretset THEN 'r' ELSE '' END || provolatile::text || proparallel::text,
    procost, prorows, provariadic::int, pronargdefaults, prorettype::int, proargtypes::text,
    coalesce(array_to_string(proallargtypes, ' '), ''), coalesce(array_to_string(proargmodes, ''), ''),
    coalesce(array_to_string(proargnames, ','), ''), pg_get_function_arguments(p.oid),
    pg_get_function_identity_arguments(p.oid), coalesce(pg_get_function_result(p.oid), ''))
FROM pg_proc p WHERE pronamespace = 11 ORDER BY p.oid
"""


_TRANSLATED = """
bpchar btrim clock_timestamp div every extract json_agg json_build_array json_build_object json_object_agg
json_object_keys jsonb_agg jsonb_array_length jsonb_build_array jsonb_build_object jsonb_extract_path
jsonb_extract_path_text jsonb_object jsonb_object_agg jsonb_object_keys jsonb_pretty jsonb_strip_nulls lastval
make_interval normalize num_nonnulls num_nulls percentile_cont percentile_disc pg_advisory_lock_shared
pg_advisory_unlock_shared pg_advisory_xact_lock_shared pg_try_advisory_lock_shared pg_try_advisory_xact_lock_shared
regexp_count regexp_instr regexp_like regexp_match regexp_substr statement_timestamp string_to_table timeofday to_char
to_date to_jsonb to_number
"""
"""Functions that the dialect writes otherwise for DuckDB, and those of the session."""


def _callable_names() -> set[str]:
    """Return the names of the functions that can be called here: DuckDB's, and the catalog's own."""
    with duckdb.connect() as connection:
        Catalog().install(connection)
        rows = connection.execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
    return {str(name).lower() for (name,) in rows} | set(_TRANSLATED.split())


def _write_procedures(lines: list[str]) -> None:
    named = {oid for kind in type_definitions() for oid, _ in kind.functions}
    known = _callable_names()
    kept = [line for line in lines if int(line.split("\t")[0]) in named or line.split("\t")[1] in known]
    (_DATA / "procedures.txt").write_text("\n".join(kept) + "\n")


def main() -> None:
    """Query and write."""
    for name, query in (
        *(("relations", _RELATIONS), ("types", _TYPES), ("settings", _SETTINGS), ("ranges", _RANGES)),
        *(("functions", _FUNCTIONS), ("signatures", _SIGNATURES)),
    ):
        result = subprocess.run(["psql", *sys.argv[1:], "-AtXc", query], check=True, capture_output=True, text=True)
        (_DATA / f"{name}.txt").write_text(result.stdout)
    command = ["psql", *sys.argv[1:], "-AtXc", _PROCEDURES]
    _write_procedures(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines())


if __name__ == "__main__":
    main()
