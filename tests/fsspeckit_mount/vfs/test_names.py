"""What lies at a name: how often the storage is asked, and what is believed meanwhile."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fsspeckit_lib.core.objects import Below, DirectoryInfo, ObjectInfo
from fsspeckit_lib.errors import AccessDenied, Unavailable
from fsspeckit_mount.vfs.inodes import InodeTable
from fsspeckit_mount.vfs.listings import Listings, Sighting
from fsspeckit_mount.vfs.names import Absence, Names
from fsspeckit_mount.vfs.ports import WouldBlock
from tests.fsspeckit_mount.fakes import OWNERSHIP, DictStorage, HandClock


class House:
    """One of each, wired together."""

    def __init__(self, *keys: str) -> None:
        self.storage = DictStorage(dict.fromkeys(keys, b"data"))
        self.clock = HandClock()
        self.inodes = InodeTable(OWNERSHIP)
        self.listings = Listings(self.storage, self.clock, 30.0)
        self.names = Names(self.storage, self.inodes, self.listings, self.clock, 1.0, prefixes_shadow_objects=True)

    def find(self, directory: str, name: str) -> Sighting | Absence:
        """Resolve as the kernel's LOOKUP does: what is found becomes an inode."""
        found = self.names.resolve(directory, name, may_block=True)
        if isinstance(found, Sighting):
            self.inodes.look_up(found.entry, found.seen_s)
        return found

    def at_once(self, directory: str, name: str) -> Sighting | Absence:
        return self.names.resolve(directory, name, may_block=False)

    def list(self, directory: str) -> None:
        self.listings.open(directory).load()


def test_an_unknown_name_must_be_asked_for() -> None:
    house = House("a")
    with pytest.raises(WouldBlock):
        house.at_once("", "a")
    found = house.find("", "a")
    assert isinstance(found, Sighting)
    assert found.entry == house.storage.info("a")
    assert house.at_once("", "a") == found


def test_a_file_is_believed_for_the_attribute_ttl_and_then_asked_once() -> None:
    house = House("a")
    house.find("", "a")
    house.clock.advance(0.9)
    house.at_once("", "a")
    house.clock.advance(0.2)
    with pytest.raises(WouldBlock):
        house.at_once("", "a")
    house.storage.requests.clear()
    house.storage.put("a", b"changed!")
    found = house.find("", "a")
    assert isinstance(found, Sighting)
    assert found.entry == ObjectInfo("a", 8, 1_000_000_000, "v1")
    assert house.storage.requests == {"stat": 1}  # that no keys lie below it is known by now


def test_a_directory_is_believed_for_the_directory_ttl() -> None:
    house = House("d/a")
    assert isinstance(house.find("", "d"), Sighting)
    house.clock.advance(29)
    house.at_once("", "d")
    house.clock.advance(2)
    with pytest.raises(WouldBlock):
        house.at_once("", "d")


def test_an_object_that_is_also_a_prefix_is_the_directory_whoever_asks_first() -> None:
    house = House("a", "a/b")
    found = house.find("", "a")
    assert isinstance(found, Sighting)
    assert found.entry == DirectoryInfo("a")
    listed = House("a", "a/b")
    listed.list("")
    assert isinstance(listed.at_once("", "a"), Sighting)
    assert listed.at_once("", "a").entry == DirectoryInfo("a")  # type: ignore[union-attr]


def test_a_listing_answers_for_its_names_without_another_request() -> None:
    house = House("d/a", "d/b")
    house.list("d")
    house.storage.requests.clear()
    assert isinstance(house.at_once("d", "a"), Sighting)
    absence = house.at_once("d", "missing")
    assert isinstance(absence, Absence)
    assert absence.valid_s == 30.0
    assert not house.storage.requests


def test_a_name_that_a_listing_lacks_appears_after_the_directory_ttl() -> None:
    house = House("d/a")
    house.list("d")
    house.storage.put("d/new", b"x")
    house.clock.advance(29)
    assert isinstance(house.at_once("d", "new"), Absence)
    house.clock.advance(2)
    assert isinstance(house.find("d", "new"), Sighting)


def test_an_absence_is_believed_for_the_attribute_ttl() -> None:
    house = House("a")
    assert isinstance(house.find("", "missing"), Absence)
    assert isinstance(house.at_once("", "missing"), Absence)
    house.storage.put("missing", b"x")
    house.clock.advance(1.1)
    assert isinstance(house.find("", "missing"), Sighting)


def test_a_deleted_file_vanishes_from_inodes_and_listing() -> None:
    house = House("d/a", "d/b")
    house.list("d")
    house.find("d", "a")
    del house.storage.files["d/a"]
    house.clock.advance(1.1)
    assert isinstance(house.find("d", "a"), Absence)
    assert house.inodes.present("d/a") is None
    listing = house.listings.fresh("d")
    assert listing is not None
    assert listing.find("a") is None


@pytest.mark.parametrize("failure", [Unavailable("down"), AccessDenied("no")])
def test_an_outage_is_never_an_absence(failure: Unavailable | AccessDenied) -> None:
    house = House("a")
    house.find("", "a")
    house.clock.advance(1.1)
    house.storage.failure = failure
    for name in ("a", "other"):
        with pytest.raises(type(failure)):
            house.find("", name)
    house.storage.failure = None
    assert isinstance(house.find("", "a"), Sighting)


def test_many_callers_ask_once() -> None:
    house = House("a")
    house.storage.gate = threading.Event()
    found: list[Sighting | Absence] = []
    callers = [threading.Thread(target=lambda: found.append(house.find("", "a"))) for _ in range(8)]
    for caller in callers:
        caller.start()
    house.storage.gate.set()
    for caller in callers:
        caller.join()
    assert len(found) == 8
    assert house.storage.requests["stat"] <= 2  # a caller that came after the first answer may find it in no inode yet


def test_looking_at_every_file_of_an_aged_listing_costs_a_few_requests() -> None:
    house = House(*(f"d/f{number}" for number in range(500)))
    house.list("d")
    house.clock.advance(10)
    house.storage.requests.clear()
    for number in range(500):
        assert isinstance(house.find("d", f"f{number}"), Sighting)
    assert sum(house.storage.requests.values()) < 15


def test_a_doubted_inode_is_asked_for_at_once() -> None:
    house = House("d/a")
    house.list("d")
    house.find("d", "a")
    inode = house.inodes.present("d/a")
    assert inode is not None
    house.storage.put("d/a", b"new")
    house.names.doubt(inode)
    with pytest.raises(WouldBlock):
        house.at_once("d", "a")
    found = house.find("d", "a")
    assert isinstance(found, Sighting)
    assert found.entry == house.storage.info("d/a")


def test_a_slow_list_is_believed_for_as_long_as_it_takes_but_opens_are_not_lenient() -> None:
    house = House(*(f"d/f{number}" for number in range(5000)))

    class SlowStorage(DictStorage):
        def _request(self, kind: str) -> None:
            super()._request(kind)
            if kind == "list":
                house.clock.advance(1.0)

    house.storage = slow = SlowStorage(house.storage.files)
    house.listings = Listings(slow, house.clock, 30.0)
    house.names = Names(slow, house.inodes, house.listings, house.clock, 1.0, prefixes_shadow_objects=True)
    house.list("d")
    slow.requests.clear()
    for number in range(5000):
        house.at_once("d", f"f{number}")
    assert not slow.requests
    inode = house.inodes.look_up(slow.info("d/f0"), house.clock() - 5.0)
    with pytest.raises(WouldBlock):
        house.names.confirm(inode, may_block=False)
    assert house.names.confirm(inode, may_block=True)
    assert house.names.confirm(inode, may_block=False)
    slow.put("d/f0", b"changed")
    house.clock.advance(3.0)
    assert not house.names.confirm(inode, may_block=True)
    assert isinstance(house.find("d", "f0"), Sighting)


def test_without_a_ttl_every_question_goes_to_the_storage_and_none_to_a_new_list() -> None:
    house = House(*(f"d/f{number}" for number in range(100)))
    house.names = Names(house.storage, house.inodes, house.listings, house.clock, 0.0, prefixes_shadow_objects=False)
    house.list("d")
    house.storage.requests.clear()
    for number in range(100):
        house.clock.advance(0.001)
        house.find("d", f"f{number}")
    assert house.storage.requests == {"stat": 100}


class AskedBothStorage(DictStorage):
    """A storage that answers both questions about a name in two requests."""

    def stat_both(self, key: str) -> tuple[ObjectInfo | None, Below]:
        self.requests["stat"] += 1
        self.requests["walk"] += 1
        below = [self.info(name) for name in self.files if name.startswith(f"{key}/")]
        found = self.info(key) if key in self.files else None
        return found, Below(bool(below), below if len(below) < 900 else None)


def test_a_name_in_a_large_directory_that_was_never_listed_costs_two_requests() -> None:
    house = House()
    house.storage = AskedBothStorage({f"big/file-{number:05}": b"x" for number in range(2000)})
    house.listings = Listings(house.storage, house.clock, 30.0)
    house.names = Names(house.storage, house.inodes, house.listings, house.clock, 1.0, prefixes_shadow_objects=True)
    house.find("", "big")
    house.storage.requests.clear()
    assert isinstance(house.find("big", "file-00007"), Sighting)
    assert house.storage.requests == {"stat": 1, "walk": 1}
    house.storage.page_entries = 1000
    house.storage.requests.clear()
    house.find("big", "file-00009")  # the second looks whether the directory is small, once
    assert house.storage.requests.total() == 3
    for number in (11, 13):
        house.storage.requests.clear()
        house.find("big", f"file-{number:05}")
        assert house.storage.requests.total() == 2
    house.storage.requests.clear()
    assert isinstance(house.find("big", "none"), Absence)
    assert house.storage.requests.total() == 2


def test_a_small_directory_shows_all_of_it_when_its_own_name_is_asked_for() -> None:
    house = House()
    house.storage = AskedBothStorage({**{f"d/file-{number:02}": b"x" for number in range(50)}, "d/sub/below": b"x"})
    house.listings = Listings(house.storage, house.clock, 30.0)
    house.names = Names(house.storage, house.inodes, house.listings, house.clock, 1.0, prefixes_shadow_objects=True)
    assert isinstance(house.find("", "d"), Sighting)
    for number in range(50):
        assert isinstance(house.find("d", f"file-{number:02}"), Sighting)
    folder = house.find("d", "sub")
    assert isinstance(folder, Sighting)
    assert isinstance(folder.entry, DirectoryInfo)
    assert isinstance(house.find("d", "none"), Absence)
    assert house.storage.requests == {"stat": 1, "walk": 1}


def test_an_empty_object_may_be_a_directory_so_the_page_decides_nothing() -> None:
    house = House("d/a", "d/b", "d/c")
    house.storage.put("d/empty", b"")
    house.find("d", "a")
    house.storage.requests.clear()
    house.find("d", "b")
    assert house.listings.fresh("d") is None
    assert house.storage.requests == {"walk": 2, "stat": 1}


def test_who_looks_while_the_page_is_asked_for_waits_for_it() -> None:
    house = House(*(f"d/file-{number:02}" for number in range(20)))
    house.find("d", "file-00")
    house.storage.requests.clear()
    house.storage.gate = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(house.find, "d", f"file-{number:02}") for number in range(1, 9)]
        while not house.storage.requests["walk"]:
            time.sleep(0.001)
        house.storage.gate.set()
        assert all(isinstance(answer.result(), Sighting) for answer in answers)
    assert house.storage.requests == {"walk": 1}


def test_the_second_name_of_a_small_directory_shows_all_of_it_in_one_request() -> None:
    house = House(*(f"d/file-{number:02}" for number in range(50)), "d/sub/below")
    house.find("d", "file-01")
    house.storage.requests.clear()
    for number in range(2, 50):
        assert isinstance(house.find("d", f"file-{number:02}"), Sighting)
    folder = house.find("d", "sub")
    assert isinstance(folder, Sighting)
    assert isinstance(folder.entry, DirectoryInfo)
    assert isinstance(house.find("d", "none"), Absence)
    assert house.storage.requests == {"walk": 1}


def test_refresh_asks_again_for_what_lies_there_and_nothing_else() -> None:
    house = House("d/a", "d/b", "e")
    house.list("")
    house.list("d")
    house.find("", "d")
    house.find("d", "a")
    house.find("", "e")
    assert house.names.refresh("d/a") >= 1
    house.at_once("d", "b")
    with pytest.raises(WouldBlock):
        house.at_once("d", "a")
    house.names.refresh("d")
    for name in ("a", "b"):
        with pytest.raises(WouldBlock):
            house.at_once("d", name)
    house.at_once("", "e")
    house.names.refresh("")
    with pytest.raises(WouldBlock):
        house.at_once("", "e")


def test_refresh_of_a_name_that_was_absent() -> None:
    house = House("d/a")
    house.list("d")
    assert isinstance(house.at_once("d", "new"), Absence)
    house.storage.put("d/new", b"x")
    house.names.refresh("d/new")
    assert isinstance(house.find("d", "new"), Sighting)
