"""An outage of a real S3 server behind a proxy that goes down: what is known is served, counted and logged; no more."""

from __future__ import annotations

import dataclasses
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest

from fsspeckit_lib.cache import Cache, CacheConfig, OfflineStore, StorageCache
from fsspeckit_lib.core.objects import Entry, ObjectInfo, ObjectStore
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import AccessDenied, NotFound, Unavailable
from fsspeckit_lib.testing.faults import FaultyStore
from fsspeckit_lib.testing.proxy import FaultProxy, Script, Status
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

DATA = random.Random(21).randbytes(700_000)
KEYS = {"d/large": DATA, "d/small": DATA[:3000], "d/empty": b"", "e/f/deep": DATA[:5000]}


@dataclasses.dataclass
class Lake:
    """A bucket behind a proxy, and a cache that may be opened again."""

    proxy: FaultProxy
    server: SeaweedFS
    config: CacheConfig
    prefix: str
    cache: Cache

    def store(self) -> ObjectStore:
        """Return the storage as a daemon sees it."""
        options = {**self.server.storage_options(), "endpoint_url": self.proxy.url}
        options |= {"max_retries": "0", "timeout_s": "2"}
        return self.cache.resilient(open_store(f"s3://offline/{self.prefix}", options))

    def storage(self) -> StorageCache:
        """Return it through the cache."""
        return self.cache.bind(self.store())

    def restart(self) -> None:
        """Open the cache's root again."""
        self.cache.close()
        self.cache = Cache(self.config)


@pytest.fixture
def lake(s3_server: SeaweedFS, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lake]:
    s3_server.create_bucket("offline")
    prefix = request.node.name.replace("[", "-").replace("]", "")
    direct = open_store(f"s3://offline/{prefix}", s3_server.storage_options())
    assert isinstance(direct, ObstoreObjects)
    for key, data in KEYS.items():
        obstore.put(direct.native, key, data)
    config = CacheConfig(
        str(tmp_path / "cache"), min_free_bytes=0, when_offline="serve-stale", retry_offline_s=0, attribute_ttl_s=0
    )
    with FaultProxy.start(s3_server.endpoint_url) as proxy:
        found = Lake(proxy, s3_server, config, prefix, Cache(config))
        yield found
        found.cache.close()


def _info(store: ObjectStore, key: str) -> ObjectInfo:
    entry = store.stat(key)
    assert isinstance(entry, ObjectInfo)
    return entry


def _names(store: ObjectStore, key: str) -> set[str]:
    return {entry.key for page in store.list_directory(key) for entry in page}


def _warm(lake: Lake) -> None:
    storage = lake.storage()
    for key in KEYS:
        assert storage.fetch(_info(storage.store, key))
    assert _names(storage.store, "") == {"d", "e"}
    assert _names(storage.store, "d") == {"d/large", "d/small", "d/empty"}
    with pytest.raises(NotFound):
        storage.store.stat("d/none")


@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "restarted in the outage"])
def test_what_is_known_is_served_counted_and_logged(
    lake: Lake, restarted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    _warm(lake)
    lake.proxy.down()
    if restarted:
        lake.restart()
    store = lake.store()
    with caplog.at_level(logging.WARNING):
        store.check()
        for key, data in KEYS.items():
            info = _info(store, key)
            assert info.size_bytes == len(data)
            file = lake.cache.open(store, info)
            assert file.is_complete
            assert file.read(0, 1 << 20) == data
            file.close()
    assert _names(store, "") == {"d", "e"}
    assert _names(store, "d") == {"d/large", "d/small", "d/empty"}
    with pytest.raises(NotFound, match="when the storage was last reached"):
        store.stat("d/none")
    assert lake.cache.stats().stale_serves == 1 + 2 * len(KEYS) + 3
    assert sum("as it was when the storage was last reached" in record.message for record in caplog.records) == 1


def test_what_is_not_known_stays_an_error_and_never_an_absence(lake: Lake) -> None:
    store = lake.store()
    info = _info(store, "d/large")
    file = lake.cache.open(store, info)
    assert file.read(0, 10) == DATA[:10]
    assert _names(store, "d")
    lake.proxy.down()
    for key in ("never/asked", "e/f/deep"):
        with pytest.raises(Unavailable):
            store.stat(key)
    with pytest.raises(Unavailable):
        list(store.list_directory("e"))
    with pytest.raises(Unavailable):
        file.read(600_000, 600_010)
    assert file.read(0, 10) == DATA[:10]  # what is here, is
    lake.proxy.up()
    assert file.read(600_000, 600_010) == DATA[600_000:600_010]
    file.close()


def test_a_listing_of_everything_answers_for_its_folders(lake: Lake) -> None:
    store = lake.store()
    assert {info.key for page in store.list_recursive("") for info in page} == set(KEYS)
    lake.proxy.down()
    assert {info.key for page in store.list_recursive("e") for info in page} == {"e/f/deep"}
    assert _names(store, "") == {"d", "e"}
    assert _names(store, "e") == {"e/f"}


def test_what_the_storage_said_is_not_an_outage(lake: Lake) -> None:
    _warm(lake)
    store = lake.store()
    assert isinstance(store, OfflineStore)
    lake.proxy.script = Script([Status(403)])
    with pytest.raises(AccessDenied):
        store.stat("d/small")
    with pytest.raises(NotFound):
        store.stat("d/small/none")
    assert not store.is_offline


def test_an_overloaded_storage_is_one_that_cannot_be_reached(lake: Lake) -> None:
    _warm(lake)
    store = lake.store()
    lake.proxy.script = Script([Status(503)] * 3)
    assert _info(store, "d/small").size_bytes == 3000
    assert lake.cache.stats().stale_serves == 1


def test_it_is_noticed_that_the_storage_is_back(lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    _warm(lake)
    store = lake.store()
    lake.proxy.down()
    assert _info(store, "d/small").size_bytes == 3000
    lake.proxy.up()
    direct = open_store(f"s3://offline/{lake.prefix}", lake.server.storage_options())
    assert isinstance(direct, ObstoreObjects)
    obstore.put(direct.native, "d/small", b"new")
    assert _info(store, "d/small").size_bytes == 3
    assert any("answers again after" in record.message for record in caplog.records)


def test_a_dead_storage_is_left_alone_for_a_while(lake: Lake) -> None:
    _warm(lake)
    inner = FaultyStore(open_store(f"s3://offline/{lake.prefix}", lake.server.storage_options()))
    asked: list[str] = []

    class Counting(FaultyStore):
        def stat(self, key: str) -> Entry:
            asked.append(key)
            return super().stat(key)

    counting = Counting(inner)
    lake.config = dataclasses.replace(lake.config, retry_offline_s=60.0)
    lake.restart()
    store = lake.cache.resilient(counting)
    store.stat("d/small")
    counting.outage = Unavailable("away")
    for _ in range(20):
        store.stat("d/small")
    assert len(asked) == 2


def test_fail_means_fail(lake: Lake) -> None:
    _warm(lake)
    lake.config = dataclasses.replace(lake.config, when_offline="fail")
    lake.restart()
    store = lake.store()
    lake.proxy.down()
    with pytest.raises(Unavailable):
        store.stat("d/small")


def test_the_face_with_its_own_times_does_not_take_an_old_answer_for_a_new_one(lake: Lake) -> None:
    _warm(lake)
    storage = lake.storage()
    lake.proxy.down()
    before = storage.last_known("d/small")
    assert storage.stat("d/small") == _info(lake.store(), "d/small")
    assert storage.last_known("d/small") == before
