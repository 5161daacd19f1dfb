from __future__ import annotations

import json

import pytest

from fsspeckit_lib.errors import GatewayError
from tests.fsspeckit_sqlserver.engine.lakes import Client


def test_a_plan_says_which_files_are_read_and_why_not_the_others(client: Client) -> None:
    lines = client.plan("SELECT count(*) FROM trips WHERE year = 2022 AND id < 350")
    assert lines[0].startswith("Scan of public.trips (file://")
    assert lines[1] == "  Files: 9 total, 1 read, 8 pruned"
    assert lines[2] == "  Pruned: 6 by partition, 2 by statistics"
    assert lines[3].startswith("  Bytes: ")
    assert lines[4] == "    year=2022/month=01/part-0.parquet"
    assert lines[5] == ""
    assert any("Read Parquet" in line for line in lines[6:])
    assert not any("/dev/shm" in line or "gw_" in line for line in lines)


def test_a_limit_is_named(client: Client) -> None:
    lines = client.plan("SELECT * FROM trips LIMIT 150")
    assert lines[1:3] == ["  Files: 9 total, 2 read, 7 pruned", "  Pruned: 0 by partition, 0 by statistics, 7 by LIMIT"]


def test_every_reference_has_its_own_scan(client: Client) -> None:
    lines = client.plan("SELECT 1 FROM trips a JOIN trips b USING (id) JOIN geo.cities c ON c.city = a.city")
    assert [line.split(" (")[0] for line in lines if line.startswith("Scan")] == [
        "Scan of public.trips",
        "Scan of public.trips",
        "Scan of geo.cities",
    ]


def test_long_lists_are_abbreviated(client: Client) -> None:
    lines = client.plan("SELECT 1 FROM trips a JOIN trips b USING (id)")
    assert len([line for line in lines if line.endswith(".parquet")]) == 18  # nine of each fit


def test_parameters_take_part(client: Client) -> None:
    assert client.files_read("SELECT * FROM trips WHERE year = $1 AND month = $2", 2021, 1) == 1


def test_analyze_runs_the_query(client: Client) -> None:
    lines = [str(line) for (line,) in client.rows("EXPLAIN ANALYZE SELECT sum(fare) FROM trips WHERE year = 2021")]
    assert any("actual rows=" in line and "time=" in line for line in lines)
    assert not any("actual" in str(line) for (line,) in client.rows("EXPLAIN (ANALYZE off, COSTS off) SELECT 1"))


def test_json(client: Client) -> None:
    rows = client.start("EXPLAIN (FORMAT json) SELECT * FROM trips WHERE year = 2021")
    assert rows.columns is not None
    assert [(column.name, column.type_oid) for column in rows.columns] == [("QUERY PLAN", 114)]
    ((text,),) = client.rows("EXPLAIN (FORMAT json) SELECT * FROM trips WHERE year = 2021")
    (document,) = json.loads(str(text))
    assert document["Scans"][0]["Files Read"] == 3
    assert document["Scans"][0]["Files Pruned By Partition"] == 6
    assert "/dev/shm" not in str(text)
    assert document["Plan"]


@pytest.mark.parametrize(
    "sql", ["EXPLAIN (FORMAT xml) SELECT 1", "EXPLAIN (NOPE) SELECT 1", "EXPLAIN DELETE FROM trips"]
)
def test_what_cannot_be_explained(client: Client, sql: str) -> None:
    with pytest.raises(GatewayError):
        client.rows(sql)
