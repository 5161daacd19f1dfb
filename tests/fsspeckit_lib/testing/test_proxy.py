"""The fault proxy in front of a real S3 server: everything passes unharmed, and each fault is what it says."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import obstore
import pytest
from obstore.store import S3Store

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import CacheStale, GatewayError, NotFound, Unavailable
from fsspeckit_lib.testing.proxy import (
    ChangeHeader,
    Cut,
    Fault,
    FaultProxy,
    LoseReply,
    RandomFaults,
    Request,
    Reset,
    Script,
    Stall,
    Status,
    WrongLength,
)
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

DATA = random.Random(5).randbytes(3_000_001)


@pytest.fixture
def proxy(s3_server: SeaweedFS) -> Iterator[FaultProxy]:
    s3_server.create_bucket("proxied")
    with FaultProxy.start(s3_server.endpoint_url) as running:
        yield running


def _store(server: SeaweedFS, proxy: FaultProxy, retries: int = 0) -> ObstoreObjects:
    options = {**server.storage_options(), "endpoint_url": proxy.url, "max_retries": str(retries), "timeout_s": "5"}
    store = open_store("s3://proxied", options)
    assert isinstance(store, ObstoreObjects)
    return store


def _native(store: ObstoreObjects) -> S3Store:
    assert isinstance(store.native, S3Store)
    return store.native


def _stat(store: ObstoreObjects, key: str) -> ObjectInfo:
    info = store.stat(key)
    assert isinstance(info, ObjectInfo)
    return info


def _is_get(request: Request) -> bool:
    return request.method == "GET"


def test_everything_passes_unharmed(s3_server: SeaweedFS, proxy: FaultProxy) -> None:
    store = _store(s3_server, proxy)
    obstore.put(_native(store), "pass/a b/ü", DATA, use_multipart=True, chunk_size=5 << 20)
    obstore.put(_native(store), "pass/small", b"small")
    info = _stat(store, "pass/a b/ü")
    assert bytes(memoryview(store.read_range(info, 0, len(DATA)))) == DATA
    assert bytes(memoryview(store.read_range(info, 1000, 5000))) == DATA[1000:5000]
    assert {entry.key for page in store.list_recursive("pass") for entry in page} == {"pass/a b/ü", "pass/small"}
    with pytest.raises(NotFound):
        store.stat("pass/none")
    obstore.delete(_native(store), "pass/small")
    ranged = [exchange.request.span for exchange in proxy.settled() if exchange.request.span is not None]
    assert (1000, 5000) in ranged
    assert all(exchange.fault is None and exchange.status for exchange in proxy.settled())


@pytest.mark.parametrize(
    "fault",
    [Status(500), Status(503), Status(429, retry_after_s=0), Reset(), Cut(100_000), Cut(0), WrongLength(7),
     Stall(30, 1000), LoseReply()],
)  # fmt: skip
def test_each_fault_is_an_error_and_the_next_request_passes(
    s3_server: SeaweedFS, proxy: FaultProxy, fault: Fault
) -> None:
    store = _store(s3_server, proxy)
    obstore.put(_native(store), "faults", DATA)
    info = _stat(store, "faults")
    proxy.script = Script([fault], _is_get)
    impatient = _store(s3_server, proxy) if not isinstance(fault, Stall) else _impatient(s3_server, proxy)
    with pytest.raises(GatewayError):
        impatient.read_range(info, 0, len(DATA))
    assert bytes(memoryview(store.read_range(info, 0, len(DATA)))) == DATA
    if not isinstance(fault, Stall):  # that one is logged when it is over
        assert [exchange.fault for exchange in proxy.settled() if exchange.fault is not None] == [fault]


def _impatient(server: SeaweedFS, proxy: FaultProxy) -> ObstoreObjects:
    options = {**server.storage_options(), "endpoint_url": proxy.url, "max_retries": "0", "timeout_s": "0.5"}
    store = open_store("s3://proxied", options)
    assert isinstance(store, ObstoreObjects)
    return store


def test_another_etag_in_the_middle_is_stale(s3_server: SeaweedFS, proxy: FaultProxy) -> None:
    store = _store(s3_server, proxy)
    obstore.put(_native(store), "etag", DATA)
    info = _stat(store, "etag")
    proxy.script = Script([None, ChangeHeader("ETag", '"0123"')], _is_get)
    store.read_range(info, 0, 1000)
    with pytest.raises(CacheStale):
        store.read_range(info, 1000, 2000)


def test_a_short_stall_is_only_slow(s3_server: SeaweedFS, proxy: FaultProxy) -> None:
    store = _store(s3_server, proxy)
    obstore.put(_native(store), "stall", DATA)
    info = _stat(store, "stall")
    proxy.script = Script([Stall(0.2, 10)], _is_get)
    started = time.monotonic()
    assert bytes(memoryview(store.read_range(info, 0, len(DATA)))) == DATA
    assert time.monotonic() - started >= 0.2


def test_down_refuses_and_up_is_the_same_port(s3_server: SeaweedFS, proxy: FaultProxy) -> None:
    store = _store(s3_server, proxy)
    obstore.put(_native(store), "updown", b"x")
    proxy.down()
    with pytest.raises(Unavailable):
        store.stat("updown")
    proxy.up()
    assert _stat(store, "updown").size_bytes == 1


def test_a_seed_gives_the_same_faults() -> None:
    requests = [Request(number, "GET", "/x", {}) for number in range(200)]
    one, two = RandomFaults(7, 0.3, [Reset(), Cut(5)]), RandomFaults(7, 0.3, [Reset(), Cut(5)])
    assert [one(request) for request in requests] == [two(request) for request in requests]
    assert 20 < sum(fault is not None for fault in map(RandomFaults(1, 0.3, [Reset()]), requests)) < 100
