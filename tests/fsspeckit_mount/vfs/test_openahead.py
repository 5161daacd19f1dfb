"""Who opens small files in order finds the next ones fetched; nobody else causes anything."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import Unavailable
from fsspeckit_mount.vfs.listings import Listings
from fsspeckit_mount.vfs.openahead import OpenAhead
from tests.fsspeckit_mount.fakes import DictStorage, FakeCache, HandClock


class SizedCache(FakeCache):
    """A cache that may hold so many bytes."""

    def __init__(self, storage: DictStorage, size_bytes: int) -> None:
        super().__init__(storage)
        self._size_bytes = size_bytes

    def space(self) -> tuple[int, int]:
        return self._size_bytes, 0


class House:
    """A directory that was listed, and whoever opens its files."""

    def __init__(self, files: dict[str, bytes], most_bytes: int = 100, cache_bytes: int = 1 << 30) -> None:
        self.storage = DictStorage(files)
        self.clock = HandClock()
        self.cache = SizedCache(self.storage, cache_bytes)
        self.listings = Listings(self.storage, self.clock, 30.0)
        self.listings.open("d").load()
        self.ahead = OpenAhead(self.listings, self.cache, self.clock, most_bytes)

    def open(self, *names: str, is_here: bool = False) -> None:
        for name in names:
            self.ahead.on_open(self.storage.info(f"d/{name}"), is_here=is_here)

    def fetched(self, count: int) -> list[str]:
        """Wait until so many files have been fetched ahead and closed; return the names of all that were begun."""
        deadline = time.monotonic() + 20
        while sum(file.is_closed for file in self.cache.opened) < count:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        return sorted(file._info.name for file in self.cache.opened)


def _files(count: int, size_bytes: int = 10) -> dict[str, bytes]:
    return {f"d/f{number:03}": bytes(size_bytes) for number in range(count)}


def test_the_third_in_order_fetches_the_next_ones_and_more_with_each() -> None:
    house = House(_files(100))
    house.open("f000", "f001")
    assert house.fetched(0) == []
    house.open("f002")
    assert house.fetched(2) == ["f003", "f004"]
    house.open("f003", is_here=True)
    assert house.fetched(4) == ["f003", "f004", "f005", "f006"]
    house.open(*(f"f{number:03}" for number in range(4, 40)), is_here=True)
    assert house.fetched(53) == [f"f{number:03}" for number in range(3, 56)]  # sixteen ahead, each once
    house.ahead.close()


def test_readers_that_share_a_directory_count_together() -> None:
    house = House(_files(100))
    house.open("f001", "f000", "f003", "f002", "f005")
    assert house.fetched(2) == ["f006", "f007"]
    house.ahead.close()


@pytest.mark.parametrize(
    "open_files",
    [
        lambda house: house.open("f050", "f010", "f090", "f030", "f070", "f000"),
        lambda house: house.open("f009", "f008", "f007", "f006", "f005"),
        lambda house: house.open(*(f"f{number:03}" for number in range(20)), is_here=True),
        lambda house: house.open(*(["f000"] * 10)),
    ],
    ids=["here and there", "backwards", "all in the cache", "one again and again"],
)
def test_others_cause_nothing(open_files: Callable[[House], None]) -> None:
    house = House(_files(100))
    open_files(house)
    house.ahead.close()
    assert house.cache.opened == []


def test_who_leaves_most_files_out_is_not_followed_for_long() -> None:
    house = House({f"d/f{number:03}": b"x" for number in range(600)})
    house.open(*(f"f{number:03}" for number in range(0, 600, 8)))
    house.ahead.close()
    assert len(house.cache.opened) < 60


def test_only_small_files_with_an_ending_that_was_opened() -> None:
    files = {f"d/f{number:03}.{ending}": b"x" for number in range(10) for ending in ("png", "py")}
    house = House({**files, "d/f003.py": bytes(1000), "d/f004.py": b""})
    house.open("f000.py", "f001.py", "f002.py")
    assert house.fetched(2) == ["f005.py", "f006.py"]
    house.ahead.close()


def test_no_more_than_a_share_of_the_cache() -> None:
    house = House(_files(100), most_bytes=10, cache_bytes=16 * 25)
    house.open(*(f"f{number:03}" for number in range(12)))
    assert house.fetched(11) == [f"f{number:03}" for number in range(3, 14)]  # two ahead of the last
    house.ahead.close()


def test_a_storage_that_fails_is_the_opens_business() -> None:
    house = House(_files(10))
    house.storage.failure = Unavailable("down")
    house.open("f000", "f001", "f002")
    assert house.fetched(2) == ["f003", "f004"]
    house.ahead.close()


def test_what_is_here_is_not_fetched_and_old_walks_are_forgotten() -> None:
    house = House(_files(10))
    info = house.storage.info("d/f003")
    assert isinstance(info, ObjectInfo)
    house.cache.complete.add(info)
    house.open("f000", "f001", "f002")
    assert house.fetched(1) == ["f004"]
    house.clock.advance(11.0)
    house.ahead.trim()
    house.open("f003", is_here=True)
    house.ahead.close()
    assert house.fetched(1) == ["f004"]
