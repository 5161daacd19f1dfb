"""How long the fsspec face believes a version, an absence and a listing, and who is asked when."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence

import pytest

from fsspeckit_lib.cache import StorageCache
from fsspeckit_lib.core.objects import Entry, ObjectInfo
from fsspeckit_lib.errors import NotFound
from fsspeckit_lib.testing.faults import FaultyStore
from tests.fsspeckit_lib.cache.conftest import Setting


class CountingStore(FaultyStore):
    """Counts questions, and can say that nothing ever changes."""

    asked = 0
    never_changes = False

    @property
    def is_immutable(self) -> bool:
        return self.never_changes

    def stat(self, key: str) -> Entry:
        self.asked += 1
        return super().stat(key)

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        self.asked += 1
        return super().list_directory(key)


def _storage(setting: Setting, **ttls: float) -> tuple[StorageCache, CountingStore]:
    setting.config = dataclasses.replace(setting.config, **ttls)  # type: ignore[arg-type]
    setting.reopen()
    store = CountingStore(setting.store)
    return setting.cache.bind(store), store


def _size(storage: StorageCache, key: str) -> int:
    entry = storage.stat(key)
    assert isinstance(entry, ObjectInfo)
    return entry.size_bytes


def test_a_version_is_believed_for_its_time_then_confirmed_by_one_request(setting: Setting) -> None:
    setting.put("f", b"12345")
    storage, store = _storage(setting, attribute_ttl_s=0.3)
    assert [_size(storage, "f") for _ in range(5)] == [5] * 5
    assert store.asked == 1
    time.sleep(0.35)
    assert _size(storage, "f") == 5
    assert store.asked == 2
    assert setting.cache.stats().confirmations == 2


def test_a_confirmation_is_noted_and_a_change_drops_the_copy(setting: Setting) -> None:
    info = setting.put("f", b"12345")
    storage, _ = _storage(setting, attribute_ttl_s=0)
    assert storage.fetch(info)
    before = time.time()
    storage.stat("f")
    setting.cache.index.write_uses()
    ((_, row, _, _),) = storage.entries("f")
    assert row.confirmed_at >= before
    assert (row.etag, row.object_bytes, row.object_ns) == (info.etag, 5, info.mtime_ns)
    setting.put("f", b"123456")
    assert _size(storage, "f") == 6
    assert list(storage.entries("f")) == []
    assert not setting.copy_of("f").exists()


def test_an_absence_has_a_time_of_its_own_and_our_own_write_ends_it(setting: Setting) -> None:
    storage, store = _storage(setting, absence_ttl_s=60, listing_ttl_s=60)
    for _ in range(3):
        with pytest.raises(NotFound):
            storage.stat("d/f")
    assert store.asked == 1
    setting.put("d/f", b"x")
    storage.invalidate("d/f")
    assert _size(storage, "d/f") == 1


def test_a_listing_has_a_time_of_its_own_and_answers_for_its_names(setting: Setting) -> None:
    for name in "abc":
        setting.put(f"d/{name}", name.encode())
    storage, store = _storage(setting, attribute_ttl_s=60, listing_ttl_s=60, absence_ttl_s=60)
    assert [entry.key for entry in sorted(storage.list_directory("d"), key=lambda e: e.key)] == ["d/a", "d/b", "d/c"]
    assert [_size(storage, f"d/{name}") for name in "abc"] == [1, 1, 1]
    with pytest.raises(NotFound):
        storage.stat("d/none")
    storage.list_directory("d")
    assert store.asked == 1
    setting.put("d/e", b"ee")
    storage.invalidate("d/e")
    assert len(storage.list_directory("d")) == 4


def test_what_cannot_change_is_asked_once_over_restarts_too(setting: Setting) -> None:
    setting.put("d/f", b"12345")
    storage, store = _storage(setting, attribute_ttl_s=0, listing_ttl_s=0, absence_ttl_s=0)
    store.never_changes = True
    for _ in range(2):
        assert _size(storage, "d/f") == 5
        assert len(storage.list_directory("d")) == 1
        assert [info.key for page in storage.list_recursive("") for info in page] == ["d/f"]
        with pytest.raises(NotFound):
            storage.stat("d/none")
    asked = store.asked
    setting.reopen()
    storage = setting.cache.bind(store)
    assert _size(storage, "d/f") == 5
    assert len(storage.list_directory("d")) == 1
    assert store.asked == asked
    assert asked <= 5


def test_warm_then_evict(setting: Setting) -> None:
    for number in range(10):
        setting.put(f"d/{number}", bytes(number * 10_000))
    storage, _ = _storage(setting)
    infos = storage.objects_at("d")
    assert all(storage.fetch(info) for info in infos)
    assert all(storage.cached_path(info) for info in infos)
    assert storage.evict("d/9") == (1, 90_000, 0)
    assert storage.evict("d")[0] == 9
    assert setting.cache.used_bytes() == 0
