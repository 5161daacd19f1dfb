"""Both daemons on one cache root, as processes: what one has read is warm for the other, on a real S3 server."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import obstore
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.demo.stage import mounted, sql_server
from fsspeckit_lib.testing.ports import free_ports
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

SCRIPTS = sysconfig.get_path("scripts")
PARTS = 6


@pytest.fixture
def environment(s3_server: SeaweedFS) -> dict[str, str]:
    """The environment that reaches the test server."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": s3_server.endpoint_url,
        "AWS_ACCESS_KEY_ID": s3_server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_access_key,
        "AWS_REGION": "us-east-1",
    }


@pytest.fixture
def dataset(s3_store: ObstoreObjects, tmp_path: Path) -> dict[str, bytes]:
    """A dataset of a few files in the storage: key → bytes."""
    files = {}
    for part in range(PARTS):
        path = tmp_path / f"part-{part}.parquet"
        numbers = list(range(part * 1000, part * 1000 + 1000))
        pq.write_table(pa.table({"n": numbers, "word": [f"w{number}" for number in numbers]}), path)
        files[f"t/p={part}/part.parquet"] = path.read_bytes()
    for key, data in files.items():
        obstore.put(s3_store.native, key, data)
    return files


@pytest.fixture
def doors(
    s3_store: ObstoreObjects, dataset: dict[str, bytes], environment: dict[str, str], tmp_path: Path
) -> Iterator[tuple[Path, int, Path]]:
    """The mountpoint, the SQL port, and the cache root they share."""
    mountpoint, cache = tmp_path / "mnt", tmp_path / "cache"
    mountpoint.mkdir()
    port = free_ports(1)[0]
    mount = [f"{SCRIPTS}/fsspeckit-mount", s3_store.url, str(mountpoint), "--cache-dir", str(cache)]
    serve = [f"{SCRIPTS}/fsspeckit-sqlserver", "--listen", f"127.0.0.1:{port}", "--cache-dir", str(cache)]
    with (
        mounted([*mount, "--log-file", str(tmp_path / "mount.log")], mountpoint, environment) as refused,
        sql_server([*serve, "--table", f"t={s3_store.url}/t"], environment),
    ):
        assert refused is None
        yield mountpoint, port, cache


def _copies(cache: Path) -> dict[str, bytes]:
    return {str(path)[str(path).index("/t/p=") + 1 :]: path.read_bytes() for path in cache.rglob("data/**/*.parquet")}


def test_what_sql_read_is_cached_for_the_mount_and_the_other_way_round(
    doors: tuple[Path, int, Path], dataset: dict[str, bytes]
) -> None:
    mountpoint, port, cache = doors
    with psycopg.connect(f"host=127.0.0.1 port={port} user=u dbname=d") as connection:
        row = connection.execute("SELECT count(*), min(n), max(n) FROM t WHERE p IN (1, 2)").fetchone()
        assert row == (2000, 1000, 2999)
        cached = _copies(cache)
        assert {key for key in cached if "p=1/" in key or "p=2/" in key} == {
            f"t/p={part}/part.parquet" for part in (1, 2)
        }
        for key, data in dataset.items():
            digest = subprocess.run(["sha256sum", mountpoint / key], capture_output=True, text=True, check=True).stdout
            assert digest.split()[0] == hashlib.sha256(data).hexdigest()
        assert _copies(cache) == dataset
        assert connection.execute("SELECT sum(n) FROM t").fetchone() == (sum(range(PARTS * 1000)),)


def test_a_remote_change_reaches_both(
    doors: tuple[Path, int, Path], dataset: dict[str, bytes], s3_store: ObstoreObjects, tmp_path: Path
) -> None:
    mountpoint, port, _ = doors
    key = "t/p=0/part.parquet"
    with psycopg.connect(f"host=127.0.0.1 port={port} user=u dbname=d", autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (PARTS * 1000,)
        assert (mountpoint / key).read_bytes() == dataset[key]
        path = tmp_path / "changed.parquet"
        pq.write_table(pa.table({"n": [-1], "word": ["changed"]}), path)
        obstore.put(s3_store.native, key, path.read_bytes())
        seen: set[object] = set()
        for _ in range(600):
            count = connection.execute("SELECT count(*) FROM t").fetchone()
            seen.add(count)
            assert count in {(PARTS * 1000,), (PARTS * 1000 - 999,)}  # one version or the other, no mixture
            data = (mountpoint / key).read_bytes()
            assert data in {dataset[key], path.read_bytes()}
            if count == (PARTS * 1000 - 999,) and data == path.read_bytes():
                break
            subprocess.run(["sleep", "0.1"], check=True)
        else:
            pytest.fail(f"the change was not seen in a minute: {seen}")
