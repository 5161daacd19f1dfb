"""Walks through real trees of two S3 servers, which list keys in different orders: every name, and few requests."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from fsspeckit_lib.testing.proxy import FaultProxy
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from fsspeckit_lib.testing.servers import Moto
from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, mounted

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

_BUCKET = "walked"
_FOLDERS = [f"run {number:02}" for number in range(30)] + ["run", "run-", "run-a", "runé", "runs", "z"]
_KEYS = sorted(
    {f"tree/{folder}/part-{place}" for folder in _FOLDERS for place in range(5)}
    | {f"tree/{folder}/deep/{inner}/{place}.txt" for folder in _FOLDERS[::3] for inner in "abc" for place in range(2)}
    | {"tree/run/part-0-b", "tree/run.txt", "tree/z/empty", "outside"}
)


@pytest.fixture(params=["seaweedfs", "moto"])
def options(request: pytest.FixtureRequest, s3_server: SeaweedFS, tmp_path: Path) -> Iterator[dict[str, str]]:
    if request.param == "seaweedfs":
        yield s3_server.storage_options()
        return
    with Moto.start(tmp_path) as server:
        yield server.storage_options()


def _fill(server: SeaweedFS | Moto, options: dict[str, str]) -> None:
    server.create_bucket(_BUCKET)
    store = S3Store(
        _BUCKET,
        endpoint=options["endpoint_url"],
        access_key_id=options["access_key_id"],
        secret_access_key=options["secret_access_key"],
        region="us-east-1",
        client_options={"allow_http": True},
    )
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: obstore.put(store, key, b"" if key.endswith("empty") else b"x"), _KEYS))


def test_find_shows_every_name_and_asks_little(options: dict[str, str], s3_server: SeaweedFS, tmp_path: Path) -> None:
    _fill(s3_server if options == s3_server.storage_options() else Moto(options["endpoint_url"]), options)
    with FaultProxy.start(options["endpoint_url"]) as proxy:
        pairs = ",".join(f"{name}={value}" for name, value in {**options, "endpoint_url": proxy.url}.items())
        with mounted(f"s3://{_BUCKET}/tree", tmp_path, "-o", pairs) as mount:
            before = len(proxy.settled())
            shown = subprocess.run(
                ["find", str(mount.path), "-type", "f", "-printf", "tree/%P\n"],
                capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"},
            ).stdout  # fmt: skip
            asked = proxy.settled()[before:]
    assert sorted(shown.splitlines()) == [key for key in _KEYS if key.startswith("tree/")]
    directories = len({key.rpartition("/")[0] for key in _KEYS})
    assert directories > 60
    assert len(asked) < 20  # a LIST a directory would be one each
    assert {exchange.request.method for exchange in asked} == {"GET"}


def test_small_files_read_in_order_are_fetched_ahead_and_once_each(s3_server: SeaweedFS, tmp_path: Path) -> None:
    s3_server.create_bucket("in-order")
    options = s3_server.storage_options()
    store = S3Store(
        "in-order",
        endpoint=options["endpoint_url"],
        access_key_id=options["access_key_id"],
        secret_access_key=options["secret_access_key"],
        region="us-east-1",
        client_options={"allow_http": True},
    )
    for number in range(40):
        obstore.put(store, f"many/f{number:02}", f"{number}".encode() * 1000)
    with FaultProxy.start(options["endpoint_url"]) as proxy:
        pairs = ",".join(f"{name}={value}" for name, value in {**options, "endpoint_url": proxy.url}.items())
        with mounted("s3://in-order", tmp_path, "-o", pairs) as mount:
            names = sorted(path.name for path in (mount.path / "many").iterdir())
            for number, name in enumerate(names[:3]):
                assert (mount.path / "many" / name).read_text() == f"{number}" * 1000
            deadline = time.monotonic() + 20
            while len(_fetched(proxy)) < 5:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert set(_fetched(proxy)) == {f"/in-order/many/f{number:02}" for number in range(5)}
            for number, name in enumerate(names):
                assert (mount.path / "many" / name).read_text() == f"{number}" * 1000
            fetched = _fetched(proxy)
    assert sorted(fetched) == [f"/in-order/many/f{number:02}" for number in range(40)]


def _fetched(proxy: FaultProxy) -> list[str]:
    return [one.request.path for one in proxy.settled() if one.request.method == "GET" and "/f" in one.request.path]
