"""One stream of keys as directories: never another than a LIST of each would show, and never more than is asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsspeckit_lib.core.objects import DirectoryInfo, ObjectInfo
from fsspeckit_lib.errors import Unavailable
from fsspeckit_mount.vfs.flatlist import FlatStream, Found, TreeBuilder
from fsspeckit_mount.vfs.listahead import ListAhead
from fsspeckit_mount.vfs.listings import Listing, Listings
from tests.fsspeckit_mount.fakes import DictStorage, HandClock

_NAMES = st.sampled_from(["a", "b", "a-", "a b", "ab", "é", "z.txt"])
_KEYS = st.sets(st.lists(_NAMES, min_size=1, max_size=4).map("/".join), max_size=40)


def _info(key: str, size_bytes: int = 1) -> ObjectInfo:
    return ObjectInfo(key, size_bytes, 0, "e")


def _by_bytes(keys: set[str]) -> list[str]:
    return sorted(keys, key=str.encode)


def _by_names(keys: set[str]) -> list[str]:
    return sorted(keys, key=lambda key: [name.encode() for name in key.split("/")])


def _names(entries: Sequence[object]) -> dict[str, bool]:
    """Return name → is a directory, as a listing shows it: a directory hides the object of its name."""
    shown: dict[str, bool] = {}
    for entry in entries:
        assert isinstance(entry, ObjectInfo | DirectoryInfo)
        shown[entry.name] = shown.get(entry.name, False) or isinstance(entry, DirectoryInfo)
    return shown


def _all_found(builder: TreeBuilder, keys: list[str], page: int) -> dict[str, Found]:
    found: list[Found] = []
    for start in range(0, len(keys), page):
        complete = builder.feed([_info(key) for key in keys[start : start + page]], float(start))
        assert complete is not None
        found += complete
    found += builder.finish()
    assert len({one.key for one in found}) == len(found)
    return {one.key: one for one in found}


@given(_KEYS, st.integers(1, 7), st.booleans())
def test_every_directory_is_what_its_own_listing_shows(keys: set[str], page: int, is_by_bytes: bool) -> None:
    ordered = _by_bytes(keys) if is_by_bytes else _by_names(keys)
    found = _all_found(TreeBuilder(""), ordered, page)
    folders = {key[:at] for key in keys for at, letter in enumerate(key) if letter == "/"}
    assert set(found) == folders
    for folder in folders:
        below = [key[len(folder) + 1 :] for key in keys if key.startswith(f"{folder}/")]
        wanted = {name.partition("/")[0]: False for name in below} | {
            name.partition("/")[0]: True for name in below if "/" in name
        }
        assert _names(found[folder].entries) == wanted
        first = min(ordered.index(f"{folder}/{name}") for name in below)
        assert found[folder].seen_s == first - first % page  # as old as its oldest key


def test_a_directory_has_passed_once_its_keys_cannot_come() -> None:
    builder = TreeBuilder("")
    assert not builder.has_passed("a")
    builder.feed([_info("b/x")], 0.0)
    assert builder.has_passed("a")
    assert not builder.has_passed("b")
    assert not builder.has_passed("c")


@pytest.mark.parametrize("order", [["b/x", "a/x"], ["a/x", "b/x", "a/y"], ["a/x", "a/x"]])
def test_keys_in_no_order_prove_nothing(order: list[str]) -> None:
    assert TreeBuilder("").feed([_info(key) for key in order], 0.0) is None


def test_an_empty_object_may_be_an_empty_directory() -> None:
    builder = TreeBuilder("")
    objects = [_info("a/file"), _info("a/marker", 0), _info("b/marker", 0), _info("b/marker/file"), _info("c/file")]
    complete = builder.feed(objects, 0.0)
    assert complete is not None
    found = {one.key: one for one in [*complete, *builder.finish()]}
    assert {key: one.is_sure for key, one in found.items()} == {"a": False, "b/marker": True, "b": True, "c": True}
    assert _names(found["b"].entries) == {"marker": True}


def test_a_marker_stands_where_its_slash_puts_it() -> None:
    builder = TreeBuilder("")  # the storage's order is `d/sub-2`, `d/sub/`, `d/sub/file`
    objects = [_info("d/sub-2"), _info("d/sub", 0), _info("d/sub/file"), _info("e/file")]
    complete = builder.feed(objects, 0.0)
    assert complete is not None
    found = {one.key: one for one in [*complete, *builder.finish()]}
    assert _names(found["d"].entries) == {"sub-2": False, "sub": True}
    assert found["d"].is_sure


class FlatStorage(DictStorage):
    """A storage of keys that lists from any of them on, `page_entries` at a time."""

    def list_from(self, key: str, after: str) -> Iterator[Sequence[ObjectInfo]]:
        prefix = f"{key}/" if key else ""
        keys = [name for name in sorted(self.files) if name.startswith(prefix) and name > after]
        for start in range(0, len(keys), self.page_entries):
            self._request("flat")
            yield [self.info(name) for name in keys[start : start + self.page_entries]]


class House:
    """A walk through directories of a storage of keys."""

    def __init__(self, files: dict[str, bytes], page_entries: int = 1000) -> None:
        self.storage = FlatStorage(files, page_entries)
        self.clock = HandClock()
        self.listings = Listings(self.storage, self.clock, 30.0)
        self.ahead = ListAhead(self.storage, self.listings, self.listings.open, self.clock)
        self.listings.take_ahead = self.ahead.take
        self.listings.open("").load()
        self.storage.requests.clear()

    def open(self, key: str) -> Listing:
        listing = self.listings.open(key)
        self.ahead.on_open(key)
        listing.load_at_hand()
        return listing

    def walk(self, *keys: str) -> list[list[str]]:
        shown = []
        for key in keys:
            listing = self.open(key)
            listing.load()
            found = (listing.at(position) for position in range(len(listing)))
            shown.append([one.entry.name for one in found if one is not None])
        return shown


def _files(directories: int, each: int) -> dict[str, bytes]:
    return {f"d{number:03}/f{place:03}": b"x" for number in range(directories) for place in range(each)}


def test_a_walk_costs_two_lists_and_then_one_request_a_page() -> None:
    house = House(_files(100, 20), page_entries=500)
    shown = house.walk(*(f"d{number:03}" for number in range(100)))
    assert shown == [[f"f{place:03}" for place in range(20)]] * 100
    assert house.storage.requests == {"list": 2, "flat": 4}  # 98 directories of 20 keys
    house.ahead.close()


def test_the_tree_below_is_in_the_same_stream() -> None:
    files = {f"d{number}/s{inner}/f": b"x" for number in range(9) for inner in range(5)}
    house = House(files)
    keys = [key for number in range(9) for key in (f"d{number}", *(f"d{number}/s{inner}" for inner in range(5)))]
    house.walk(*keys[:12])
    before = house.storage.requests["list"]
    assert house.walk(*keys[12:])[:2] == [[f"s{inner}" for inner in range(5)], ["f"]]
    assert house.storage.requests["list"] == before
    house.ahead.close()


def test_a_huge_neighbour_ends_the_stream_and_nothing_is_missing() -> None:
    files = {**_files(5, 3), **{f"d002/deep/{place:05}": b"x" for place in range(30_000)}}
    house = House(files)
    shown = house.walk(*(f"d{number:03}" for number in range(5)))
    assert sorted(shown[2]) == ["deep", "f000", "f001", "f002"]
    assert shown[3:] == [["f000", "f001", "f002"]] * 2
    assert house.storage.requests["flat"] <= 9 + 4  # the stream paused, and went on a little for who waited
    house.ahead.close()


def test_a_stream_that_fails_leaves_every_directory_to_its_own_list() -> None:
    class Broken(FlatStorage):
        def list_from(self, key: str, after: str) -> Iterator[Sequence[ObjectInfo]]:
            yield next(iter(super().list_from(key, after)))
            raise Unavailable("the listing broke off")

    house = House(_files(10, 10), page_entries=25)
    house.storage.__class__ = Broken
    assert house.walk(*(f"d{number:03}" for number in range(10))) == [[f"f{place:03}" for place in range(10)]] * 10
    house.ahead.close()


def test_what_was_listed_ahead_is_as_old_as_it_is() -> None:
    house = House(_files(10, 10))
    house.walk("d000", "d001", "d002")
    _wait_until_here(house, "d005")
    house.clock.advance(20.0)
    aged = house.open("d004")
    assert aged.is_complete
    assert house.clock() - aged.started_s == 20.0
    house.clock.advance(20.0)
    assert not house.open("d005").is_complete  # older than a listing may be
    house.ahead.close()


def test_what_lay_here_is_not_believed_for_longer() -> None:
    house = House(_files(10, 10))
    house.walk("d000", "d001", "d002")
    _wait_until_here(house, "d005")
    house.clock.advance(20.0)
    listing = house.open("d004")
    assert listing.reading_s == 0.0
    house.clock.advance(11.0)
    assert house.listings.fresh("d004") is None  # 31 s old
    house.ahead.close()


def test_a_page_is_as_old_as_the_question_before_it() -> None:
    house = House({})

    def pages() -> Iterator[Sequence[ObjectInfo]]:
        for number in range(3):  # the server's pages have other lengths: each begins with the end of one before
            house.clock.advance(10.0)
            yield [_info(f"d{number}/file")]

    stream = FlatStream("", pages(), house.clock)
    stream.run()
    ages = [found.seen_s for number in range(3) if (found := stream.take(f"d{number}", may_wait=False)) is not None]
    assert ages == [1000.0, 1000.0, 1010.0]


def test_directories_with_empty_files_are_listed_by_themselves_once_each() -> None:
    files = _files(100, 20)
    for number in range(0, 100, 2):
        files[f"d{number:03}/_SUCCESS"] = b""
    house = House(files, page_entries=500)
    shown = house.walk(*(f"d{number:03}" for number in range(100)))
    assert [len(names) for names in shown] == [21, 20] * 50
    assert house.storage.requests["list"] <= 2 + 50
    assert house.storage.requests["flat"] <= 5
    house.ahead.close()


def test_who_waits_for_a_storage_that_hangs_asks_by_himself_soon() -> None:
    release = threading.Event()

    def pages() -> Iterator[Sequence[ObjectInfo]]:
        release.wait(30)
        yield [_info("d/file")]

    stream = FlatStream("", pages(), HandClock(), patience_s=0.1)
    runner = threading.Thread(target=stream.run)
    runner.start()
    assert stream.take("d", may_wait=True) is None
    assert stream.was_given_up
    release.set()
    runner.join(20)


def test_what_nobody_came_for_is_forgotten() -> None:
    house = House(_files(10, 10))
    house.walk("d000", "d001", "d002")
    _wait_until_here(house, "d005")
    house.ahead.trim()
    assert house.ahead._streams
    house.clock.advance(31.0)
    house.ahead.trim()
    assert not house.ahead._streams
    house.ahead.close()


def test_refresh_forgets_what_was_listed_ahead() -> None:
    house = House(_files(10, 10))
    house.walk("d000", "d001", "d002")
    _wait_until_here(house, "d005")
    house.storage.files["d004/new"] = b"x"
    house.clock.advance(1.0)
    house.listings.drop_below("d004")
    assert "new" in house.walk("d004")[0]
    house.ahead.close()


def _wait_until_here(house: House, key: str) -> None:
    pause = threading.Event()
    while not any(stream.visit(key) and stream.has_ended for stream in house.ahead._streams):
        pause.wait(0.001)


def test_the_stream_waits_for_the_walk() -> None:
    house = House(_files(3000, 20))
    house.walk("d000", "d001", "d002")
    pause = threading.Event()
    while (asked := house.storage.requests["flat"]) < 9:  # 8,192 entries
        pause.wait(0.001)
    pause.wait(0.05)
    assert house.storage.requests["flat"] == asked
    house.walk("d003", *(f"d{number:03}" for number in range(4, 1000)))
    assert house.storage.requests["list"] == 2
    house.ahead.close()


def test_it_ends_by_itself_and_by_close() -> None:
    storage = FlatStorage(_files(2000, 20))
    stream = FlatStream("", storage.list_from("", ""), HandClock())
    runner = threading.Thread(target=stream.run)
    runner.start()
    stream.stop()
    runner.join(20)
    assert stream.has_ended
    assert stream.take("d000", may_wait=True) is None
