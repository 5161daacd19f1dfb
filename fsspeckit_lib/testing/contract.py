"""What every storage has to do, as tests: a new storage subclasses these and brings a fixture `place`.

    class TestMyStorage(WriteContract):
        @pytest.fixture
        def place(self, my_server) -> ContractPlace:
            return fill(ContractPlace(open_store("my://…"), put=…))

`ReadContract` is for storages that can only be read, `WriteContract` adds changes, and both try fsspec's face of the
same store. The oracle is a dict of what was put behind the store's back.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import Buffer

from fsspeckit_lib.core.abstract_filesystem import as_writable
from fsspeckit_lib.core.objects import DirectoryInfo, IfAbsent, IfMatch, ObjectInfo, ObjectStore, WritableStore
from fsspeckit_lib.core.store_filesystem import StoreFileSystem
from fsspeckit_lib.errors import (
    AlreadyExists,
    CacheStale,
    Conflict,
    GatewayError,
    InvalidValue,
    IsADirectory,
    NotADirectory,
    NotFound,
    ShortRead,
    Unsupported,
)

__all__ = ["OBJECTS", "ContractPlace", "ReadContract", "WriteContract", "fill"]

OBJECTS: dict[str, bytes] = {
    "top.txt": b"top",
    "empty": b"",
    "a/one.csv": b"1,2\n" * 1000,
    "a/with space & ünïcode 日本.txt": b"\xff\x00" * 500,
    "a/deep/er/x.bin": bytes(range(256)) * 40,
    "percent%20literal#?.txt": b"%",
    "b+c=d,e;f@g'h(i)[j]{k}~!$.txt": b"punctuation",
}
"""What lies in every place before a test."""


@dataclass(frozen=True, slots=True)
class ContractPlace:
    """A store, empty at first, and how to change what lies in it behind its back.

    Attributes:
        put: writes an object with other means than the store.
        same_second_changes: a change within a second, of equal size, is told from the old version. A web server that
            only gives Last-Modified cannot.
    """

    store: ObjectStore
    put: Callable[[str, bytes], object]
    same_second_changes: bool = True


def fill(place: ContractPlace) -> ContractPlace:
    """Put OBJECTS into a place."""
    for key, data in OBJECTS.items():
        place.put(key, data)
    return place


def _bytes(data: Buffer) -> bytes:
    return bytes(memoryview(data))


class ReadContract:
    """A storage that can be read."""

    @pytest.fixture
    def place(self) -> ContractPlace:
        """Return a place that holds OBJECTS."""
        raise NotImplementedError(f"{type(self).__name__} has no fixture `place`")

    def test_the_recursive_listing_is_every_object(self, place: ContractPlace) -> None:
        listed = [info for page in place.store.list_recursive("") for info in page]
        assert {info.key: info.size_bytes for info in listed} == {key: len(data) for key, data in OBJECTS.items()}
        assert len(listed) == len(OBJECTS)
        below = {info.key for page in place.store.list_recursive("a") for info in page}
        assert below == {key for key in OBJECTS if key.startswith("a/")}

    @pytest.mark.parametrize("folder", ["", "a", "a/deep"])
    def test_a_listing_has_the_direct_children(self, place: ContractPlace, folder: str) -> None:
        prefix = f"{folder}/" if folder else ""
        below = [key.removeprefix(prefix) for key in OBJECTS if key.startswith(prefix)]
        entries = [entry for page in place.store.list_directory(folder) for entry in page]
        files = {entry.name for entry in entries if isinstance(entry, ObjectInfo)}
        folders = {entry.name for entry in entries if isinstance(entry, DirectoryInfo)}
        assert files == {name for name in below if "/" not in name}
        assert folders == {name.partition("/")[0] for name in below if "/" in name}

    @pytest.mark.parametrize("key", OBJECTS)
    def test_stat_listing_and_get_agree_and_every_range_is_right(self, place: ContractPlace, key: str) -> None:
        info = place.store.stat(key)
        assert isinstance(info, ObjectInfo)
        assert info in [listed for page in place.store.list_recursive("") for listed in page]
        data = OBJECTS[key]
        assert info.size_bytes == len(data)
        assert info.mtime_ns > 0
        for start, stop in [(0, len(data)), (0, 1), (len(data) - 1, len(data)), (len(data) // 3, len(data) // 2)]:
            if 0 <= start < stop <= len(data):
                assert _bytes(place.store.read_range(info, start, stop)) == data[start:stop]
        got, whole = place.store.get(key)
        assert got == info
        assert _bytes(whole) == data

    @pytest.mark.parametrize("folder", ["", "a", "a/deep"])
    def test_a_folder_is_a_folder(self, place: ContractPlace, folder: str) -> None:
        assert place.store.stat(folder) == DirectoryInfo(folder, place.store.stat(folder).mtime_ns)
        with pytest.raises(IsADirectory):
            place.store.get(folder)

    @pytest.mark.parametrize("key", ["nope", "a/nope", "top.txt/below", "nope/deeper", "a/one", "to"])
    def test_what_is_not_there_is_not_found(self, place: ContractPlace, key: str) -> None:
        with pytest.raises(NotFound):
            place.store.stat(key)
        with pytest.raises(NotFound):
            place.store.get(key)
        with pytest.raises((NotFound, NotADirectory)):
            list(place.store.list_directory(key))

    def test_a_replaced_version_is_stale_never_a_mixture(self, place: ContractPlace) -> None:
        info = place.store.stat("a/one.csv")
        assert isinstance(info, ObjectInfo)
        new = b"3,4\n" * (1000 if place.same_second_changes else 999)
        place.put("a/one.csv", new)
        with pytest.raises(CacheStale):
            place.store.read_range(info, 0, 10)
        now = place.store.stat("a/one.csv")
        assert isinstance(now, ObjectInfo)
        assert now.version != info.version
        assert _bytes(place.store.read_range(now, 0, 4)) == b"3,4\n"

    def test_a_version_that_was_never_there_is_stale_or_short(self, place: ContractPlace) -> None:
        info = place.store.stat("top.txt")
        assert isinstance(info, ObjectInfo)
        wrong = ObjectInfo(info.key, info.size_bytes + 100, info.mtime_ns, info.etag)
        with pytest.raises((CacheStale, ShortRead)):
            place.store.read_range(wrong, 0, info.size_bytes + 50)

    @pytest.mark.parametrize("span", [(5, 2), (3, 3), (-1, 2), (0, 10**6), (10**6, 10**6 + 1)])
    def test_a_span_that_is_none_is_refused(self, place: ContractPlace, span: tuple[int, int]) -> None:
        info = place.store.stat("a/one.csv")
        assert isinstance(info, ObjectInfo)
        with pytest.raises(InvalidValue) as caught:
            place.store.read_range(info, *span)
        assert f"[{span[0]}, {span[1]})" in str(caught.value)
        assert str(info.size_bytes) in str(caught.value)

    def test_the_root_answers(self, place: ContractPlace) -> None:
        place.store.check()
        assert place.store.is_immutable in {True, False}
        assert place.store.url
        assert place.store.namespace

    def test_a_key_that_climbs_is_not_followed(self, place: ContractPlace) -> None:
        for key in ("../secret", "a/../../secret", "a/./one.csv"):
            with pytest.raises((NotFound, Unsupported)):
                place.store.stat(key)

    def test_many_threads_read_at_once(self, place: ContractPlace) -> None:
        infos = [place.store.stat(key) for key in OBJECTS if OBJECTS[key]]

        def read(number: int) -> bool:
            info = infos[number % len(infos)]
            assert isinstance(info, ObjectInfo)
            start = number % info.size_bytes
            return _bytes(place.store.read_range(info, start, info.size_bytes)) == OBJECTS[info.key][start:]

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(read, range(64)))

    def test_fsspec_face_reads(self, place: ContractPlace, tmp_path: Path) -> None:
        fs: Any = StoreFileSystem(place.store)
        assert fs.find("") == sorted(OBJECTS)
        assert sorted(fs.ls("a", detail=False)) == sorted({f"a/{key.split('/')[1]}" for key in OBJECTS if "a/" in key})
        assert fs.ls("top.txt", detail=False) == ["top.txt"]
        assert fs.glob("a/*.csv") == ["a/one.csv"]
        assert [name for name, _, _ in fs.walk("")] == ["", "a", "a/deep", "a/deep/er"]
        assert fs.du("") == sum(map(len, OBJECTS.values()))
        assert fs.isdir("a")
        assert fs.isfile("top.txt")
        assert not fs.exists("nope")
        assert fs.cat_file("a/one.csv", start=-8) == OBJECTS["a/one.csv"][-8:]
        names = sorted(OBJECTS)
        assert fs.cat(names) == OBJECTS
        assert fs.cat_ranges(["top.txt", "a/one.csv", "nope"], [0, 4, 0], [2, 8, 1])[:2] == [b"to", b"1,2\n"]
        with fs.open("a/deep/er/x.bin") as file:
            file.seek(300)
            assert file.read(5) == OBJECTS["a/deep/er/x.bin"][300:305]
            file.seek(-3, 2)
            assert file.read() == OBJECTS["a/deep/er/x.bin"][-3:]
        fs.get_file("a/one.csv", str(tmp_path / "got"))
        assert (tmp_path / "got").read_bytes() == OBJECTS["a/one.csv"]
        for missing in (fs.cat, fs.open, fs.info):
            with pytest.raises(FileNotFoundError):
                missing("nope")
        with pytest.raises(IsADirectoryError):
            fs.open("a")


class WriteContract(ReadContract):
    """A storage that can be read and changed."""

    @pytest.fixture
    def store(self, place: ContractPlace) -> WritableStore:
        return as_writable(place.store)

    def test_a_written_object_is_there_at_once(self, store: WritableStore) -> None:
        for key in ("new", "top.txt", "x/y/z deep.bin", "empty2"):
            data = b"" if key == "empty2" else key.encode() * 50
            store.put(key, data)
            assert _bytes(store.get(key)[1]) == data
        assert isinstance(store.stat("x/y"), DirectoryInfo)

    def test_if_absent_never_replaces(self, store: WritableStore) -> None:
        store.put("once", b"first", only=IfAbsent())
        with pytest.raises(AlreadyExists):
            store.put("once", b"second", only=IfAbsent())
        with pytest.raises(AlreadyExists):  # noqa: PT012 - at the latest when it is closed
            writer = store.open_writer("once", only=IfAbsent())
            writer.write(b"third")
            writer.close()
        assert _bytes(store.get("once")[1]) == b"first"

    def test_if_match_replaces_the_known_version_only(self, store: WritableStore) -> None:
        info = store.stat("top.txt")
        assert isinstance(info, ObjectInfo)
        try:
            store.put("top.txt", b"second", only=IfMatch(info.etag or ""))
        except Unsupported:
            assert _bytes(store.get("top.txt")[1]) == OBJECTS["top.txt"]  # refused, and nothing was written
            return
        with pytest.raises(Conflict):
            store.put("top.txt", b"third", only=IfMatch(info.etag or ""))
        assert _bytes(store.get("top.txt")[1]) == b"second"

    def test_a_large_object_comes_through_a_writer_whole(self, store: WritableStore) -> None:
        part = random.Random(1).randbytes(3 << 20)
        writer = store.open_writer("big/file")
        for _ in range(7):
            writer.write(part)
        writer.write(memoryview(b"end"))
        writer.close()
        info = store.stat("big/file")
        assert isinstance(info, ObjectInfo)
        assert info.size_bytes == 7 * len(part) + 3
        assert _bytes(store.read_range(info, 6 * len(part), info.size_bytes)) == part + b"end"

    def test_an_aborted_writer_leaves_what_was_there(self, store: WritableStore) -> None:
        for key in ("top.txt", "never"):
            writer = store.open_writer(key)
            writer.write(b"x" * 100_000)
            writer.abort()
        assert _bytes(store.get("top.txt")[1]) == OBJECTS["top.txt"]
        with pytest.raises(NotFound):
            store.stat("never")
        assert {info.key for page in store.list_recursive("") for info in page} == set(OBJECTS)

    def test_copies_are_made_on_the_server(self, store: WritableStore) -> None:
        store.copy("a/one.csv", "copies/one.csv")
        assert _bytes(store.get("copies/one.csv")[1]) == OBJECTS["a/one.csv"]
        with pytest.raises(AlreadyExists):
            store.copy("top.txt", "copies/one.csv", only=IfAbsent())
        with pytest.raises(NotFound):
            store.copy("nope", "copies/nope")

    def test_deleting_takes_what_is_there(self, store: WritableStore) -> None:
        store.delete(["top.txt", "never was", "a/one.csv"])
        store.delete([])
        left = {info.key for page in store.list_recursive("") for info in page}
        assert left == set(OBJECTS) - {"top.txt", "a/one.csv"}

    def test_writers_of_one_object_do_not_mix(self, store: WritableStore) -> None:
        def write(number: int) -> None:
            store.put("shared", bytes([number]) * 200_000)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(8)))
        found = _bytes(store.get("shared")[1])
        assert found == found[:1] * 200_000

    def test_only_one_of_many_creates(self, store: WritableStore) -> None:
        def create(number: int) -> bool:
            try:
                store.put("lock", b"%d" % number, only=IfAbsent())
            except AlreadyExists:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            winners = [number for number, won in zip(itertools.count(), pool.map(create, range(8))) if won]
        assert winners
        if self.creates_atomically:
            assert len(winners) == 1
            assert _bytes(store.get("lock")[1]) == b"%d" % winners[0]

    creates_atomically = True
    """False for a storage whose protocol cannot, and whose documentation says so."""

    def test_fsspec_face_writes(self, place: ContractPlace, tmp_path: Path) -> None:
        fs: Any = StoreFileSystem(place.store)
        with fs.open("w/file", "wb") as file:
            file.write(b"one")
            file.write(b"two")
        assert fs.cat("w/file") == b"onetwo"
        with pytest.raises(ZeroDivisionError), fs.open("w/broken", "wb") as file:  # noqa: PT012
            file.write(b"half")
            raise ZeroDivisionError
        assert not fs.exists("w/broken")
        with pytest.raises(FileExistsError):
            fs.pipe_file("w/file", b"x", mode="create")
        (tmp_path / "local").write_bytes(b"l" * 100_000)
        fs.put_file(str(tmp_path / "local"), "w/up")
        fs.cp_file("w/up", "w/copy")
        fs.mv("w/copy", "w/moved")
        assert sorted(fs.ls("w", detail=False)) == ["w/file", "w/moved", "w/up"]
        fs.rm("w", recursive=True)
        assert not any(info.key.startswith("w/") for page in place.store.list_recursive("") for info in page)
        with pytest.raises((FileNotFoundError, GatewayError)):
            fs.rm("nope")
        with pytest.raises(Unsupported, match="append"):
            fs.open("x", "ab")
