"""The cache on a real S3 server behind a proxy that cuts, stalls, lies and fails: right bytes, or a clean error."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import obstore
import pytest

from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import GatewayError
from fsspeckit_lib.testing.proxy import (
    ChangeHeader,
    Cut,
    Fault,
    FaultProxy,
    RandomFaults,
    Request,
    Reset,
    Script,
    Stall,
    Status,
    WrongLength,
)
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

DATA = random.Random(71).randbytes(1_000_000)


def _is_get(request: Request) -> bool:
    return request.method == "GET" and "range" in request.headers


def _store(server: SeaweedFS, proxy: FaultProxy, prefix: str) -> tuple[ObstoreObjects, ObjectInfo]:
    server.create_bucket("faulty")
    direct = open_store(f"s3://faulty/{prefix}", server.storage_options())
    assert isinstance(direct, ObstoreObjects)
    obstore.put(direct.native, "key", DATA)
    options = {**server.storage_options(), "endpoint_url": proxy.url, "max_retries": "0", "timeout_s": "5"}
    store = open_store(f"s3://faulty/{prefix}", options)
    assert isinstance(store, ObstoreObjects)
    info = store.stat("key")
    assert isinstance(info, ObjectInfo)
    return store, info


def _config(tmp_path: Path) -> CacheConfig:
    return CacheConfig(str(tmp_path / "cache"), min_free_bytes=0, part_bytes=64 << 10, whole_bytes=0)


@pytest.mark.parametrize("seed", range(4))
def test_random_faults_give_right_bytes_or_an_error(s3_server: SeaweedFS, tmp_path: Path, seed: int) -> None:
    source = random.Random(seed)
    faults: list[Fault] = [
        Cut(1000), Cut(0), Stall(0.05, 5000), Status(500), Status(429), Reset(), WrongLength(-3), WrongLength(9),
        ChangeHeader("ETag", '"0123456789abcdef0123456789abcdef"'),
    ]  # fmt: skip
    with FaultProxy.start(s3_server.endpoint_url) as proxy:
        store, info = _store(s3_server, proxy, f"random-{seed}")
        proxy.script = RandomFaults(seed, 0.4, faults, _is_get)
        cache = Cache(_config(tmp_path))
        failures = 0
        for _ in range(60):
            start = source.randrange(len(DATA))
            stop = min(len(DATA), start + source.randrange(1, 200_000))
            file = cache.open(store, info)
            try:
                assert file.read(start, stop) == DATA[start:stop]
            except GatewayError:
                failures += 1
            finally:
                file.close()
        assert any(exchange.fault for exchange in proxy.settled())
        proxy.script = None
        deadline = time.monotonic() + 60
        while True:  # a storage that failed so often is left alone for a while
            file = cache.open(store, info)
            try:
                assert file.read(0, len(DATA)) == DATA
                break
            except GatewayError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            finally:
                file.close()
        cache.close()


def test_eight_staggered_readers_of_a_slow_key_whose_first_download_fails(s3_server: SeaweedFS, tmp_path: Path) -> None:
    with FaultProxy.start(s3_server.endpoint_url) as proxy:
        store, info = _store(s3_server, proxy, "staggered")
        proxy.script = Script([Cut(30_000), *[Stall(0.05, 100)] * 40], _is_get)
        cache = Cache(_config(tmp_path))
        outcomes: list[bytes | GatewayError] = []

        def read(number: int) -> None:
            time.sleep(number * 0.03)
            file = cache.open(store, info)
            try:
                outcomes.append(file.read(0, len(DATA)))
            except GatewayError as error:
                outcomes.append(error)
            finally:
                file.close()

        threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        right = [outcome for outcome in outcomes if outcome == DATA]
        errors = [outcome for outcome in outcomes if isinstance(outcome, GatewayError)]
        assert len(right) + len(errors) == 8
        assert len(right) >= 7  # only the one whose own request was cut may fail
        cache.close()
