"""Who walks a tree finds the next directories listed; who opens a single one causes nothing more."""

from __future__ import annotations

import time

from fsspeckit_mount.vfs.listahead import ListAhead
from fsspeckit_mount.vfs.listings import Listings
from tests.fsspeckit_mount.fakes import DictStorage, HandClock


def _tree(directories: int) -> tuple[DictStorage, Listings, ListAhead]:
    files = {f"d{number:02}/f": b"x" for number in range(directories)}
    storage = DictStorage({**files, "z-file": b"x"})
    clock = HandClock()
    listings = Listings(storage, clock, 30.0)
    listings.open("").load()
    storage.requests.clear()
    return storage, listings, ListAhead(storage, listings, listings.open, clock)


def _complete(listings: Listings) -> list[str]:
    found = (listings.fresh(f"d{number:02}") for number in range(40))
    return [listing.key for listing in found if listing is not None and listing.is_complete]


def test_neighbours_opened_in_order_are_followed() -> None:
    storage, listings, ahead = _tree(40)
    ahead.on_open("d00")
    ahead.on_open("d01")
    assert storage.requests.total() == 0
    ahead.on_open("d02")
    deadline = time.monotonic() + 20
    while len(_complete(listings)) < 8:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert _complete(listings) == [f"d{number:02}" for number in range(3, 11)]
    ahead.on_open("d03")
    while len(_complete(listings)) < 9:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert storage.requests["list"] == 9
    ahead.close()


def test_directories_here_and_there_are_not() -> None:
    storage, _, ahead = _tree(40)
    for key in ("d30", "d05", "d20", "", "z-file", "unknown"):
        ahead.on_open(key)
    ahead.close()
    ahead.on_open("d21")
    assert storage.requests.total() == 0
