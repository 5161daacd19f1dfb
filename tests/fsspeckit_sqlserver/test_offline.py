"""The SQL server in an outage of its S3 server, `when_offline: serve-stale`, started before it and in it."""

from __future__ import annotations

from pathlib import Path

import obstore
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.proxy import FaultProxy
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from tests.fsspeckit_sqlserver.conftest import gateway_process


def test_queries_go_on_before_and_after_a_restart(s3_server: SeaweedFS, tmp_path: Path) -> None:
    s3_server.create_bucket("offline-sql")
    direct = open_store("s3://offline-sql", s3_server.storage_options())
    assert isinstance(direct, ObstoreObjects)
    for number in range(3):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(pa.table({"n": list(range(number * 100, number * 100 + 100))}), path)
        obstore.put(direct.native, f"trips/part-{number}.parquet", path.read_bytes())
    with FaultProxy.start(s3_server.endpoint_url) as proxy:
        options = {**s3_server.storage_options(), "endpoint_url": proxy.url, "max_retries": "0", "timeout_s": "3"}
        words = ", ".join(f"{name}: '{value}'" for name, value in options.items())
        config = tmp_path / "fsspeckit.yaml"
        config.write_text(
            f"storages: {{lake: {{protocol: s3, bucket: offline-sql, {words}}}}}\n"
            f"cache: {{root: {tmp_path}/cache, when_offline: serve-stale}}\n"
            "sqlserver: {tables: {trips: {storage: lake, path: trips/}}}\n"
        )
        with gateway_process("--config", str(config)) as (_, url), psycopg.connect(url) as connection:
            assert connection.execute("SELECT sum(n) FROM trips").fetchone() == (44_850,)
            proxy.down()
            assert connection.execute("SELECT sum(n) FROM trips WHERE n < 150").fetchone() == (11_175,)
        with gateway_process("--config", str(config)) as (_, url), psycopg.connect(url) as connection:
            assert connection.execute("SELECT sum(n), count(*) FROM trips").fetchone() == (44_850, 300)
