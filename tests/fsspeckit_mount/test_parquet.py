"""One column of a large parquet file on a real S3 server: how much of the file is fetched, by the proxy's count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.proxy import FaultProxy
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, mounted, run_python

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

_COLUMNS, _ROWS, _GROUP_ROWS = 20, 1_250_000, 250_000
_COLUMN_BYTES = 8 * _ROWS
_READERS = {
    "pyarrow": "import pyarrow.parquet as pq\nprint(pq.read_table(path, columns=[name])[name].to_numpy().sum())",
    "DuckDB": "import duckdb\nprint(duckdb.sql(f\"SELECT sum({name}) FROM '{path}'\").fetchall()[0][0])",
    "polars": "import polars\nprint(polars.scan_parquet(path).select(name).collect()[name].sum())",
}


@pytest.fixture(scope="module")
def table() -> pa.Table:
    values = np.random.default_rng(7)
    return pa.table({f"c{number}": values.random(_ROWS) for number in range(_COLUMNS)})


@pytest.fixture(scope="module")
def proxy(s3_server: SeaweedFS, table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultProxy]:
    """A proxy before a bucket with a file of 200 MB: five row groups, each column in chunks of 2 MB."""
    path = tmp_path_factory.mktemp("parquet") / "wide.parquet"
    pq.write_table(table, path, compression="none", use_dictionary=False, row_group_size=_GROUP_ROWS)
    assert path.stat().st_size > 200_000_000
    s3_server.create_bucket("parquet")
    store = open_store("s3://parquet", s3_server.storage_options())
    assert isinstance(store, ObstoreObjects)
    obstore.put(store.native, "wide.parquet", path)
    path.unlink()
    with FaultProxy.start(s3_server.endpoint_url) as found:
        yield found


@pytest.mark.parametrize("driver", ["kernel", "libfuse"])
def test_one_column_costs_little_more_than_its_own_bytes(
    s3_server: SeaweedFS, proxy: FaultProxy, table: pa.Table, tmp_path: Path, driver: str
) -> None:
    options = {**s3_server.storage_options(), "endpoint_url": proxy.url, "attr_ttl": "1h"}
    words = ",".join(f"{name}={value}" for name, value in options.items())
    with mounted("s3://parquet", tmp_path, "-o", words, "--driver", driver) as mount:
        path = mount.path / "wide.parquet"
        for column, (reader, program) in zip(("c3", "c9", "c15"), _READERS.items(), strict=True):
            before = len(proxy.settled())
            seen = run_python(f"path, name = {json.dumps(str(path))}, {column!r}\n{program}")
            assert float(seen) == pytest.approx(table[column].to_numpy().sum())
            fetched = sum(exchange.body_bytes for exchange in proxy.settled()[before:])
            assert _COLUMN_BYTES // 2 < fetched <= 2 * _COLUMN_BYTES + (1 << 20), reader
