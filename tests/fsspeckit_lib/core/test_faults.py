"""Storages that fail: right bytes or a clear error in time, never a short read, never a file taken as gone."""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fsspeckit_lib.common.circuit_breaker import BreakerState, CircuitOpen
from fsspeckit_lib.core.endpoints import FAILURE_THRESHOLD, Endpoint
from fsspeckit_lib.core.objects import IfAbsent, ObjectInfo, WritableStore
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import (
    AlreadyExists,
    GatewayError,
    NotFound,
    OutcomeUnknown,
    ShortRead,
    TransferBroken,
    Unavailable,
    Unsupported,
)
from fsspeckit_lib.testing.proxy import (
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

DATA = random.Random(3).randbytes(300_000)
FAULTS: list[Fault] = [Status(500), Status(503), Status(429), Reset(), Cut(1000), Cut(0), Stall(3.0, 500), LoseReply()]


@pytest.fixture
def proxy(s3_server: SeaweedFS) -> Iterator[FaultProxy]:
    with FaultProxy.start(s3_server.endpoint_url) as running:
        yield running


@pytest.fixture
def store(proxy: FaultProxy, s3_server: SeaweedFS, s3_store: ObstoreObjects) -> WritableStore:
    s3_store.put("file", DATA)
    s3_store.put("folder/one", b"1")
    options = {**s3_server.storage_options(), "endpoint_url": proxy.url, "timeout_s": "1", "max_retries": "3"}
    found = open_store(s3_store.url, options)
    assert isinstance(found, ObstoreObjects)
    return found


def test_a_fifth_of_the_answers_failing_gives_right_bytes_or_a_clear_error(
    store: WritableStore, proxy: FaultProxy
) -> None:
    info = store.stat("file")
    assert isinstance(info, ObjectInfo)
    draw = random.Random(11)
    right, failed = 0, []

    def attempt(number: int) -> bool:
        kind = number % 5
        if kind == 0:
            start = draw.randrange(len(DATA) - 1)
            stop = draw.randrange(start + 1, len(DATA) + 1)
            return bytes(memoryview(store.read_range(info, start, stop))) == DATA[start:stop]
        if kind == 1:
            return bytes(memoryview(store.get("file")[1])) == DATA
        if kind == 2:
            return store.stat("file") == info
        if kind == 3:
            return {entry.name for page in store.list_directory("") for entry in page} >= {"file", "folder"}
        store.put(f"written/{number}", DATA[:number])
        return True

    proxy.script = RandomFaults(7, 0.2, FAULTS)
    for number in range(200):
        began = time.monotonic()
        try:
            assert attempt(number), f"operation {number} gave a wrong answer"
            right += 1
        except (Unavailable, ShortRead, OutcomeUnknown) as error:
            failed.append(error)
        assert time.monotonic() - began < 40, "an operation must end within its deadlines"
    proxy.script = None
    assert right > 150
    for number in range(4, 200, 5):
        try:
            found = bytes(memoryview(store.get(f"written/{number}")[1]))
        except NotFound:
            continue  # its put failed, and said so
        assert found == DATA[:number]


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_a_fault_that_passes_is_not_seen(store: WritableStore, proxy: FaultProxy, fault: Fault) -> None:
    info = store.stat("file")
    assert isinstance(info, ObjectInfo)
    operations: list[Callable[[], object]] = [
        lambda: store.read_range(info, 5, 200_000),
        lambda: store.get("file"),
        lambda: store.stat("file"),
    ]
    if not isinstance(fault, Stall):  # an answer that stalled is not waited for twice
        operations += [
            lambda: list(store.list_directory("folder")),
            lambda: list(store.list_recursive("")),
            lambda: store.delete(["folder/never"]),
        ]
    for operation in operations:
        proxy.script = Script([fault])
        operation()


@pytest.mark.parametrize("fault", [Reset(), Status(500), Cut(10)], ids=repr)
def test_a_fault_that_stays_is_an_error_not_a_missing_file(
    store: WritableStore, proxy: FaultProxy, fault: Fault
) -> None:
    info = store.stat("file")
    assert isinstance(info, ObjectInfo)
    proxy.script = lambda _: fault
    with pytest.raises(Unavailable):
        store.read_range(info, 0, 100_000)
    if not isinstance(fault, Cut):  # the answer to HEAD has no body to cut
        with pytest.raises(Unavailable):
            store.stat("file")
    with pytest.raises(Unavailable):
        list(store.list_directory("folder"))


def test_a_wrong_length_is_never_a_short_read(store: WritableStore, proxy: FaultProxy) -> None:
    info = store.stat("file")
    assert isinstance(info, ObjectInfo)
    for delta in (-10, 10):
        proxy.script = Script([WrongLength(delta)])
        try:
            found = bytes(memoryview(store.read_range(info, 100, 90_000)))
        except GatewayError:
            continue
        assert found == DATA[100:90_000]


def test_a_lost_reply_to_a_conditional_write_is_an_unknown_outcome(store: WritableStore, proxy: FaultProxy) -> None:
    def is_put(request: Request) -> bool:
        return request.method == "PUT"

    proxy.script = Script([LoseReply()], is_put)
    with pytest.raises(OutcomeUnknown, match="look whether it happened"):
        store.put("lock", b"mine", only=IfAbsent())
    with pytest.raises(AlreadyExists):  # it did happen, and was not taken back
        store.put("lock", b"again", only=IfAbsent())
    assert bytes(memoryview(store.get("lock")[1])) == b"mine"


def test_a_dead_endpoint_is_not_asked_again_and_again_and_comes_back_by_itself(
    store: WritableStore, proxy: FaultProxy
) -> None:
    proxy.down()
    for _ in range(FAILURE_THRESHOLD):
        with pytest.raises(Unavailable):
            store.stat("file")
    with pytest.raises(CircuitOpen, match="cannot connect"):
        store.stat("file")
    began = time.monotonic()
    with pytest.raises(CircuitOpen):
        store.stat("file")
    assert time.monotonic() - began < 1  # it waits for nothing
    proxy.up()
    deadline = time.monotonic() + 20
    while True:
        try:
            assert isinstance(store.stat("file"), ObjectInfo)
            break
        except Unavailable:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_an_endpoint_bounds_its_requests_in_flight() -> None:
    endpoint = Endpoint("test", max_concurrency=3, survives_fork=True)
    lock, most, now = threading.Lock(), 0, 0

    def request() -> None:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    threads = [threading.Thread(target=endpoint.call, args=("x", request)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3


def test_a_read_that_breaks_off_is_repeated_and_a_change_is_not() -> None:
    endpoint = Endpoint("test", retries=2, survives_fork=True)
    calls = 0

    def breaks() -> None:
        nonlocal calls
        calls += 1
        raise TransferBroken("x: broke off")

    with pytest.raises(TransferBroken):
        endpoint.call("x", breaks)
    assert calls == 3
    with pytest.raises(OutcomeUnknown):
        endpoint.change("x", breaks)
    assert calls == 4
    assert endpoint.breaker.state is BreakerState.CLOSED


def _stat_in_child(store: ObstoreObjects, pipe: int) -> None:
    try:
        store.stat("file")
        word = b"answered"
    except Unsupported as error:
        word = b"refused" if "spawn" in str(error) else b"unclear"
    os.write(pipe, word)
    os._exit(0)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_is_refused_at_once_and_does_not_hurt_its_parent(s3_store: ObstoreObjects) -> None:
    s3_store.put("file", b"x")
    receive, send = os.pipe()
    child = multiprocessing.get_context("fork").Process(target=_stat_in_child, args=(s3_store, send))
    child.start()
    assert os.read(receive, 100) == b"refused"
    child.join(20)
    assert child.exitcode == 0
    assert isinstance(s3_store.stat("file"), ObjectInfo)
    os.close(receive)
    os.close(send)
