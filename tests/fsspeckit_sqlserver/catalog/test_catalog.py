"""What psql and drivers ask of the system catalog, through the engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fsspeckit_sqlserver.catalog.dataset_oids import oid_of_name
from fsspeckit_sqlserver.catalog.definitions import relation_definitions, type_definitions
from fsspeckit_sqlserver.engine import DuckEngine
from fsspeckit_sqlserver.types import oids
from tests.fsspeckit_sqlserver.engine.lakes import Client, engine_over, write_parquet, write_trips


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    folder = tmp_path_factory.mktemp("catalog")
    write_trips(folder / "trips", years=(2021,))
    write_parquet("SELECT 1 AS \"Odd Name\", [1] AS list, {'a': 1} AS nested", folder / "odd" / "a.parquet")
    with engine_over({"trips": folder / "trips", "sales.Odd": folder / "odd"}, folder / "cache", ttl_s=60) as opened:
        yield opened


@pytest.fixture
def client(engine: DuckEngine) -> Iterator[Client]:
    session = engine.open_session("ann", "lake")
    yield Client(session)
    session.close()


def _oid(client: Client, name: str) -> object:
    return client.value("SELECT $1::regclass::oid", name)


def test_tables(client: Client) -> None:
    sql = """
        SELECT n.nspname, c.relname, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' END,
            pg_catalog.pg_get_userbyid(c.relowner)
        FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', '') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' {visible}
        ORDER BY 1, 2"""
    both = [("public", "trips", "table", "postgres"), ("sales", "Odd", "table", "postgres")]
    assert client.rows(sql.format(visible="")) == both
    visible = sql.format(visible="AND pg_catalog.pg_table_is_visible(c.oid)")
    assert client.rows(visible) == both[:1]
    client.session.set_parameter("search_path", "sales")
    assert client.rows(visible) == both[1:]


def test_one_table_found_by_a_pattern(client: Client) -> None:
    rows = client.rows(
        "SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c "
        "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relname OPERATOR(pg_catalog.~) '^(trips)$' COLLATE pg_catalog.default "
        "AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 2, 3"
    )
    assert [row[1:] for row in rows] == [("public", "trips")]
    assert rows[0][0] == _oid(client, "public.trips")


def test_columns_with_their_types(client: Client) -> None:
    sql = """
        SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
            (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d
             WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef),
            pg_catalog.col_description(a.attrelid, a.attnum)
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
    assert [row[:2] for row in client.rows(sql, "trips")] == [
        ("id", "bigint"),
        ("day", "date"),
        ("fare", "numeric(9,2)"),
        ("city", "text"),
        ("paid", "boolean"),
        ("year", "bigint"),
        ("month", "bigint"),
    ]
    assert [row[:2] for row in client.rows(sql, 'sales."Odd"')] == [
        ("Odd Name", "integer"),
        ("list", "integer[]"),
        ("nested", "json"),
    ]


def test_oids_are_the_same_in_every_process(client: Client) -> None:
    assert _oid(client, "trips") == oid_of_name("table", "public.trips", set())
    taken = {oid_of_name("table", "public.trips", set())}
    assert oid_of_name("table", "public.trips", taken) not in {_oid(client, "trips")}  # a collision moves on
    assert _oid(client, "pg_class") == 1259
    assert client.value("SELECT 'pg_catalog.pg_type'::regclass::oid") == 1247


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'trips'::regclass", "trips"),
        ("'sales.\"Odd\"'::regclass", 'sales."Odd"'),
        ("'pg_class'::regclass::text", "pg_class"),
        ("1259::regclass", "pg_class"),
        ("'now'::regproc", "now"),
        ("to_regclass('nothing')", None),
        ("'int4'::regtype", "integer"),
        ("'timestamp with time zone'::regtype::oid", oids.TIMESTAMPTZ),
        ("'int4[]'::regtype::oid", 1007),
        ("to_regtype('varchar')", oids.VARCHAR),
        ("23::regtype", "integer"),
        ("'public'::regnamespace::oid", 2200),
        ("11::regnamespace", "pg_catalog"),
        ("'ann'::regrole::text", "ann"),
        ("'boolin'::regproc::oid", 1242),
        ("format_type(1700, ((10 << 16) | 2) + 4)", "numeric(10,2)"),
        ("format_type(1043, 14)", "character varying(10)"),
        ("format_type(1009, NULL)", "text[]"),
        ("format_type(99999, NULL)", "???"),
        ("pg_get_userbyid(10)", "postgres"),
        ("pg_encoding_to_char(6)", "UTF8"),
        ("has_table_privilege('trips', 'SELECT')", True),
        ("has_schema_privilege('ann', 'public', 'USAGE')", True),
        ("pg_is_in_recovery()", False),
        ("current_setting('server_version_num')", "160004"),
        ("obj_description('trips'::regclass, 'pg_class') LIKE '3 parquet files at file://%'", True),
        ("pg_total_relation_size('trips') > 1000", True),
        ("pg_get_viewdef('trips'::regclass)", None),
        ("quote_ident('Odd')", '"Odd"'),
    ],
)
def test_functions(client: Client, expression: str, expected: object) -> None:
    assert client.value(f"SELECT {expression}") == expected


@pytest.mark.parametrize("oid", ["oid", "c.oid", "pg_class.oid", "c.oid::regclass::oid"])
def test_arguments_are_not_captured_by_the_macros_own_names(client: Client, oid: str) -> None:
    sql = (
        f"SELECT relname, pg_table_is_visible({oid}), pg_relation_size({oid}) > 0, obj_description({oid}) IS NOT NULL "
        "FROM pg_class {alias} WHERE relname IN ('trips', 'Odd', 'pg_class') ORDER BY relname"
    )
    alias = "" if oid.startswith("pg_class") else "c"
    assert client.rows(sql.format(alias=alias)) == [
        ("Odd", False, True, True),
        ("pg_class", True, False, False),
        ("trips", True, True, True),
    ]


def test_information_schema(client: Client) -> None:
    assert client.rows(
        "SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables "
        "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 2"
    ) == [("lake", "public", "trips", "BASE TABLE"), ("lake", "sales", "Odd", "BASE TABLE")]
    assert client.rows(
        "SELECT column_name, ordinal_position, data_type, numeric_precision, numeric_scale, is_nullable, udt_name "
        "FROM information_schema.columns WHERE table_name = 'trips' AND ordinal_position BETWEEN 2 AND 4"
    ) == [
        ("day", 2, "date", None, None, "YES", "date"),
        ("fare", 3, "numeric", 9, 2, "YES", "numeric"),
        ("city", 4, "text", None, None, "YES", "text"),
    ]
    schemas = {name for (name,) in client.rows("SELECT schema_name FROM information_schema.schemata")}
    assert {"public", "sales", "pg_catalog", "information_schema"} <= schemas


def test_databases_and_roles(client: Client) -> None:
    assert ("lake", "UTF8") in client.rows(
        "SELECT d.datname, pg_catalog.pg_encoding_to_char(d.encoding) FROM pg_catalog.pg_database d ORDER BY 1"
    )
    assert {"ann", "postgres"} <= {name for (name,) in client.rows("SELECT rolname FROM pg_roles")}
    assert client.value("SELECT datname FROM pg_database WHERE datname = current_database()") == "lake"


def test_every_relation_can_be_read(client: Client) -> None:
    for relation in relation_definitions():
        names = client.names(f'SELECT * FROM {relation.schema}."{relation.name}" LIMIT 0')
        assert names == [column.name for column in relation.columns], relation.name


def test_every_type_is_listed_with_its_array(client: Client) -> None:
    rows = client.rows("SELECT oid, typname, typelem, typarray, typlen, typcategory FROM pg_type")
    assert len([row for row in rows if "struct_" not in str(row[1])]) == len(type_definitions())
    by_oid = {row[0]: row for row in rows}
    for element, array in oids.ARRAY_OF.items():
        if element in by_oid and element != oids.RECORD:
            assert by_oid[array][2] == element
            assert by_oid[element][3] == array
    assert by_oid[oids.INT4][1:] == ("int4", 0, 1007, 4, "N")


def test_types_as_drivers_load_them(client: Client) -> None:
    rows = client.rows(
        "SELECT t.oid, t.typname, t.typtype, t.typreceive::regproc::text, b.typname FROM pg_catalog.pg_type t "
        "LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typelem WHERE t.typname IN ('int4', '_int4') ORDER BY 1"
    )
    assert rows == [(23, "int4", "b", "int4recv", None), (1007, "_int4", "b", "array_recv", "int4")]


def test_the_catalog_has_oids_of_type_oid_and_system_columns(client: Client) -> None:
    rows = client.start("SELECT oid, c.xmin, relname, relnatts FROM pg_class c WHERE relname = 'trips'")
    assert rows.columns is not None
    assert [(column.name, column.type_oid) for column in rows.columns] == [
        ("oid", oids.OID),
        ("xmin", oids.OID),
        ("relname", oids.NAME),
        ("relnatts", oids.INT2),
    ]
    rows.close()


def test_new_columns_show_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("grow")
    write_parquet("SELECT 1 AS a", folder / "t" / "1.parquet")
    with engine_over({"t": folder / "t"}, folder / "cache") as engine:
        client = Client(engine.open_session("u", "d"))
        sql = "SELECT column_name FROM information_schema.columns WHERE table_name = 't' ORDER BY ordinal_position"
        assert client.rows(sql) == [("a",)]
        write_parquet("SELECT 1 AS a, 2 AS b", folder / "t" / "2.parquet")
        client.rows("SELECT * FROM t")
        assert client.rows(sql) == [("a",), ("b",)]


def test_hundreds_of_tables(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("many")
    write_parquet("SELECT 1 AS a, 'x' AS b", folder / "model.parquet")
    content = (folder / "model.parquet").read_bytes()
    for number in range(300):
        place = folder / "lake" / f"t{number:04}" / "a.parquet"
        place.parent.mkdir(parents=True)
        place.write_bytes(content)
    with engine_over({}, folder / "cache", schemas={"raw": folder / "lake"}, ttl_s=60) as engine:
        client = Client(engine.open_session("u", "d"))
        assert client.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'raw'::regnamespace") == 300
        assert client.value("SELECT count(*) FROM information_schema.columns WHERE table_schema = 'raw'") == 600
