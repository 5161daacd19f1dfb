"""Listings: one LIST, streamed; positions that never move; duplicates; failures halfway."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsspeckit_lib.core.objects import DirectoryInfo, ObjectInfo
from fsspeckit_lib.errors import NotFound, Unavailable
from fsspeckit_mount.vfs.attributes import Sight
from fsspeckit_mount.vfs.listings import Listing, Listings, Sighting
from tests.fsspeckit_mount.fakes import DictStorage, HandClock


def _listing(names: list[str], page_entries: int = 3) -> tuple[DictStorage, HandClock, Listing]:
    storage, clock = DictStorage(dict.fromkeys(names, b"x"), page_entries), HandClock()
    return storage, clock, Listing("", storage, clock)


def _shown(listing: Listing) -> list[Sight]:
    return [found.entry for found in map(listing.at, range(len(listing))) if found is not None]


def test_pages_are_asked_for_as_far_as_they_are_read() -> None:
    storage, _, listing = _listing([f"f{number}" for number in range(9)])
    listing.load(1)
    assert (len(listing), storage.requests["list"]) == (3, 1)
    listing.load(4)
    assert (len(listing), storage.requests["list"]) == (6, 2)
    assert not listing.is_complete
    listing.load()
    assert (len(listing), listing.is_complete) == (9, True)
    listing.load()
    assert storage.requests["list"] == 3


def test_many_readers_cause_one_list() -> None:
    storage, _, listing = _listing([f"f{number}" for number in range(50)])
    readers = [threading.Thread(target=listing.load) for _ in range(10)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert storage.requests["list"] == 17
    assert len(_shown(listing)) == 50


@given(st.lists(st.sampled_from(["a", "a/x", "b", "b/y/z", "c", "d/q"]), unique=True), st.integers(1, 4))
def test_a_name_that_is_object_and_prefix_is_the_directory(keys: list[str], page_entries: int) -> None:
    _, _, listing = _listing(keys, page_entries)
    listing.load()
    shown = {entry.name: isinstance(entry, DirectoryInfo) for entry in _shown(listing)}
    assert len(_shown(listing)) == len(shown)
    assert shown == {
        name: any(key.startswith(f"{name}/") for key in keys) for name in {key.partition("/")[0] for key in keys}
    }


def test_names_that_no_file_can_have_are_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    names = ["..", ".", "nul\0", "x" * 1025, "ü" * 513, "good", "ü" * 512, "x" * 1024]
    _, _, listing = _listing(names, 100)
    listing.load()
    assert sorted(entry.name for entry in _shown(listing)) == sorted(["good", "ü" * 512, "x" * 1024])
    assert "names that no file can have" in caplog.text


def test_positions_stay_when_names_come_and_go() -> None:
    _, clock, listing = _listing(["a", "b", "c"])
    listing.load()
    listing.replace("b", None)
    assert listing.find("b") is None
    assert [entry.name for entry in _shown(listing)] == ["a", "c"]
    assert len(listing) == 3
    changed = ObjectInfo("c", 9, 9, "new")
    clock.advance(5)
    listing.replace("c", Sighting(changed, clock()))
    assert listing.find("c") == Sighting(changed, clock())
    listing.replace("unknown", Sighting(changed, clock()))
    assert listing.find("unknown") is None


def test_entries_are_as_old_as_their_page() -> None:
    _, clock, listing = _listing(["a", "b", "c", "d"], page_entries=2)
    first = clock()
    listing.load(2)
    clock.advance(7)
    listing.load()
    seen = [found.seen_s for found in map(listing.at, range(4)) if found is not None]
    assert seen == [first, first, first + 7, first + 7]


def test_a_listing_that_broke_off_is_not_begun_again() -> None:
    storage, clock, _ = _listing([f"f{number}" for number in range(9)])
    listings = Listings(storage, clock, 30.0)
    listing = listings.open("")
    listing.load(3)
    storage.failure = Unavailable("down")
    with pytest.raises(Unavailable):
        listing.load()
    storage.failure = None
    with pytest.raises(Unavailable):
        listing.load()
    assert listings.fresh("") is None
    again = listings.open("")
    again.load()
    assert len(again) == 9


def test_fresh_until_the_ttl() -> None:
    storage, clock, _ = _listing(["a"])
    listings = Listings(storage, clock, 30.0)
    listing = listings.open("")
    clock.advance(29.9)
    assert listings.open("") is listing
    clock.advance(0.2)
    assert listings.fresh("") is None
    assert listings.open("") is not listing


def test_renew_begins_one_new_listing_for_all_who_find_the_old_one_stale() -> None:
    storage, clock, _ = _listing(["a"])
    listings = Listings(storage, clock, 30.0)
    old = listings.open("")
    new = listings.renew(old)
    assert new is not old
    assert listings.renew(old) is new
    listings.drop("")
    assert listings.fresh("") is None


def test_a_new_list_becomes_cheaper_than_asking_one_by_one() -> None:
    _, _, listing = _listing([f"f{number}" for number in range(9)])
    assert not any(listing.is_cheaper_than_asking() for _ in range(10))  # not loaded: its size is unknown
    listing.load()
    assert listing.is_cheaper_than_asking()


def test_the_least_recently_used_listings_make_room() -> None:
    storage = DictStorage({f"d{number:03}/f{name}": b"" for number in range(200) for name in range(10)})
    listings = Listings(storage, HandClock(), 30.0, kept_entries=700)
    for number in range(200):
        listings.open(f"d{number:03}").load()
        assert listings.fresh("d000") is not None or number > 60
        listings.open("d000").load()
    assert listings.fresh("d000") is not None
    assert listings.fresh("d001") is None
    assert listings.fresh("d199") is not None


def test_a_directory_that_was_deleted_before_it_was_read_is_gone_for_every_reader() -> None:
    listing = Listing("gone", DictStorage({"other": b"x"}), HandClock())
    for _ in range(2):
        with pytest.raises(NotFound):
            listing.load()
    assert listing.has_failed
