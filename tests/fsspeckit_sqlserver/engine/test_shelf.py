"""The shelf of open files: shared while young, never closed while in use, never kept for long."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsspeckit_sqlserver.engine.shelf import Shelf
from tests.fsspeckit_sqlserver.engine.lakes import Client, engine_over, write_parquet

_KEEP_S = 10.0


class _File:
    """An open file of the disk."""

    def __init__(self, path: Path, text: str) -> None:
        path.write_text(text)
        self._descriptor = os.open(path, os.O_RDONLY)
        self.is_closed = False

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True
        os.close(self._descriptor)


class _Place:
    """A shelf whose clock is set by hand."""

    def __init__(self, folder: Path, max_files: int = 8) -> None:
        self.now = 0.0
        self.links, self.data = folder / "links", folder / "data"
        self.links.mkdir()
        self.data.mkdir()
        self.shelf = Shelf(str(self.links), max_files, keep_s=_KEEP_S, clock=lambda: self.now)

    def file(self, text: str) -> _File:
        return _File(self.data / f"{len(os.listdir(self.data))}", text)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[_Place]:
    found = _Place(tmp_path)
    yield found
    found.shelf.close()


def test_a_young_file_is_shared_and_an_old_one_is_not(place: _Place) -> None:
    file = place.file("one")
    first = place.shelf.add("k", file, "")
    (second,) = place.shelf.borrow(["k"])
    assert second is first
    assert Path(first.path).read_text() == "one"
    place.shelf.give_back([first, first])
    assert not file.is_closed

    place.now = _KEEP_S - 0.1
    assert place.shelf.borrow(["k", "other"]) == [first, None]
    place.now = _KEEP_S
    assert place.shelf.borrow(["k"]) == [None]
    place.shelf.give_back([first])


def test_what_is_read_when_its_time_is_over_is_closed_after_its_last_use(place: _Place) -> None:
    file = place.file("one")
    item = place.shelf.add("k", file, "")
    place.now = _KEEP_S
    place.shelf.expire()
    assert Path(item.path).read_text() == "one"
    place.shelf.give_back([item])
    assert file.is_closed
    assert os.listdir(place.links) == []


def test_an_unused_file_is_closed_when_its_time_is_over(place: _Place) -> None:
    old, young = place.file("old"), place.file("young")
    place.shelf.give_back([place.shelf.add("old", old, "")])
    place.now = _KEEP_S / 2
    place.shelf.give_back([place.shelf.add("young", young, "a=1/b=2/")])
    place.now = _KEEP_S
    place.shelf.expire()
    assert (old.is_closed, young.is_closed) == (True, False)
    place.now = 2 * _KEEP_S
    place.shelf.expire()
    assert young.is_closed
    assert os.listdir(place.links) == []


def test_two_that_open_the_same_at_once_close_both(place: _Place) -> None:
    files = [place.file("one"), place.file("one")]
    items = [place.shelf.add("k", file, "") for file in files]
    assert place.shelf.borrow(["k"]) == [items[1]]
    place.shelf.give_back([*items, items[1]])
    assert [file.is_closed for file in files] == [True, False]
    place.shelf.close()
    assert files[1].is_closed


def test_what_is_beyond_the_limit_is_closed_after_its_use(tmp_path: Path) -> None:
    place = _Place(tmp_path, max_files=1)
    kept, beyond = place.file("kept"), place.file("beyond")
    place.shelf.give_back([place.shelf.add("kept", kept, "")])
    item = place.shelf.add("beyond", beyond, "")
    assert Path(item.path).read_text() == "beyond"
    place.shelf.give_back([item])
    assert (kept.is_closed, beyond.is_closed) == (False, True)
    place.shelf.close()
    assert kept.is_closed


def test_the_clock_runs_by_itself(tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    shelf = Shelf(str(links), 8, keep_s=0.01)
    closed = threading.Event()

    class Told(_File):
        def close(self) -> None:
            super().close()
            closed.set()

    shelf.give_back([shelf.add("k", Told(tmp_path / "file", "x"), "")])
    assert closed.wait(30)
    shelf.close()


def test_a_file_that_cannot_be_named_stays_the_callers(place: _Place) -> None:
    file = place.file("one")
    place.links.rmdir()
    with pytest.raises(OSError, match="No such file"):
        place.shelf.add("k", file, "")
    assert not file.is_closed
    file.close()


def test_a_file_that_changed_is_another_one(tmp_path: Path) -> None:
    data = tmp_path / "t"
    data.mkdir()
    write_parquet("SELECT 1 AS x", data / "a.parquet")
    with engine_over({"t": data}, tmp_path / "cache", ttl_s=0.0) as engine:
        client = Client(engine.open_session("u", "d"))
        for number in range(2, 5):
            assert client.rows("SELECT x FROM t") == [(number - 1,)]
            write_parquet(f"SELECT {number} AS x", data / "new")
            (data / "new").rename(data / "a.parquet")
        assert client.rows("SELECT x FROM t") == [(4,)]
