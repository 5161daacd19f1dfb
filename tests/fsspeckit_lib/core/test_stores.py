"""One contract over every kind of store: local folder, S3 (SeaweedFS), fsspec (memory). The oracle is a dict."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fsspec
import obstore
import pytest
import s3fs

from fsspeckit_lib.core.objects import DirectoryInfo, ObjectInfo, ObjectStore
from fsspeckit_lib.core.obstore_objects import ObstoreObjects, UnnameableKey
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import (
    AccessDenied,
    CacheStale,
    NotADirectory,
    NotFound,
    ShortRead,
    Unavailable,
    UnknownName,
    Unsupported,
)
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

OBJECTS = {
    "top.txt": b"top",
    "empty": b"",
    "a/one.csv": b"1,2\n" * 1000,
    "a/with space & ünïcode 日本.txt": b"\xff\x00" * 500,
    "a/deep/er/x.bin": bytes(range(256)) * 40,
    "percent%20literal#?.txt": b"%",
}


@dataclass
class Place:
    """A store and how to change what lies in it behind its back."""

    store: ObjectStore
    put: Callable[[str, bytes], object]


@pytest.fixture(params=["local", "s3", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "local":

        def put_local(key: str, data: bytes) -> None:
            path = tmp_path / "bucket" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

        (tmp_path / "bucket").mkdir()
        found = Place(open_store(str(tmp_path / "bucket")), put_local)
    elif request.param == "s3":
        s3: ObstoreObjects = request.getfixturevalue("s3_store")
        found = Place(s3, lambda key, data: obstore.put(s3.native, key, data))
    else:
        memory = fsspec.filesystem("memory")
        root = f"/{tmp_path.name}"
        found = Place(open_store(f"memory:/{root}"), lambda key, data: memory.pipe_file(f"{root}/{key}", data))
    for key, data in OBJECTS.items():
        found.put(key, data)
    return found


def test_the_recursive_listing_is_every_object(place: Place) -> None:
    listed = [info for page in place.store.list_recursive("") for info in page]
    assert {info.key: info.size_bytes for info in listed} == {key: len(data) for key, data in OBJECTS.items()}
    below = {info.key for page in place.store.list_recursive("a") for info in page}
    assert below == {key for key in OBJECTS if key.startswith("a/")}


@pytest.mark.parametrize("folder", ["", "a", "a/deep"])
def test_a_listing_has_the_direct_children(place: Place, folder: str) -> None:
    prefix = f"{folder}/" if folder else ""
    below = [key.removeprefix(prefix) for key in OBJECTS if key.startswith(prefix)]
    entries = [entry for page in place.store.list_directory(folder) for entry in page]
    files = {entry.name for entry in entries if isinstance(entry, ObjectInfo)}
    folders = {entry.name for entry in entries if isinstance(entry, DirectoryInfo)}
    assert files == {name for name in below if "/" not in name}
    assert folders == {name.partition("/")[0] for name in below if "/" in name}


@pytest.mark.parametrize("key", OBJECTS)
def test_stat_and_listing_agree_and_every_range_is_right(place: Place, key: str) -> None:
    info = place.store.stat(key)
    assert isinstance(info, ObjectInfo)
    assert info in [listed for page in place.store.list_recursive("") for listed in page]
    data = OBJECTS[key]
    assert info.size_bytes == len(data)
    assert info.mtime_ns > 0
    for start, stop in [(0, len(data)), (0, 1), (len(data) - 1, len(data)), (len(data) // 3, len(data) // 2)]:
        if 0 <= start < stop <= len(data):
            assert bytes(memoryview(place.store.read_range(info, start, stop))) == data[start:stop]


@pytest.mark.parametrize("folder", ["", "a", "a/deep"])
def test_stat_of_a_folder(place: Place, folder: str) -> None:
    found = place.store.stat(folder)
    assert isinstance(found, DirectoryInfo)
    assert found.key == folder


@pytest.mark.parametrize("key", ["nope", "a/nope", "top.txt/below", "nope/deeper"])
def test_what_is_not_there_is_not_found(place: Place, key: str) -> None:
    with pytest.raises(NotFound):
        place.store.stat(key)
    with pytest.raises((NotFound, NotADirectory)):
        list(place.store.list_directory(key))


def test_reading_a_version_that_was_replaced_is_stale(place: Place) -> None:
    info = place.store.stat("a/one.csv")
    assert isinstance(info, ObjectInfo)
    place.put("a/one.csv", b"3,4\n" * 1000)  # the same size
    with pytest.raises(CacheStale):
        place.store.read_range(info, 0, 10)
    now = place.store.stat("a/one.csv")
    assert isinstance(now, ObjectInfo)
    assert now.version != info.version
    assert bytes(memoryview(place.store.read_range(now, 0, 4))) == b"3,4\n"


def test_a_version_that_was_never_there_is_stale_or_short(place: Place) -> None:
    info = place.store.stat("top.txt")
    assert isinstance(info, ObjectInfo)
    wrong = ObjectInfo(info.key, info.size_bytes + 100, info.mtime_ns, info.etag)
    with pytest.raises((CacheStale, ShortRead)):
        place.store.read_range(wrong, 0, info.size_bytes + 50)


def test_the_root_answers(place: Place) -> None:
    place.store.check()


def test_a_key_that_climbs_is_not_followed(place: Place, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    for key in ("../secret", "a/../../secret", "a/./one.csv"):
        with pytest.raises((NotFound, Unsupported)):
            place.store.stat(key)


def test_local_links_out_of_the_root_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "bucket" / "inside").write_bytes(b"i")
    os.symlink(tmp_path / "secret", tmp_path / "bucket" / "out")
    os.symlink(tmp_path, tmp_path / "bucket" / "up")
    os.symlink("inside", tmp_path / "bucket" / "in")
    os.symlink("nowhere", tmp_path / "bucket" / "dangling")
    os.mkfifo(tmp_path / "bucket" / "pipe")
    store = open_store(str(tmp_path / "bucket"))
    assert {entry.name for page in store.list_directory("") for entry in page} == {"inside", "in"}
    for key in ("out", "up", "up/secret", "dangling", "pipe"):
        with pytest.raises(NotFound):
            store.stat(key)


def test_roots_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such directory"):
        open_store(str(tmp_path / "nope")).check()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectory, match="is a file"):
        open_store(str(tmp_path / "file")).check()


def test_s3_refusals_are_told_apart(s3_server: SeaweedFS, s3_store: ObstoreObjects) -> None:
    options = s3_server.storage_options()
    with pytest.raises(NotFound, match="NoSuchBucket"):
        open_store("s3://no-such-bucket", options).check()
    with pytest.raises(AccessDenied, match="credentials"):
        open_store(s3_store.url, {**options, "access_key_id": "nobody"}).check()
    with pytest.raises(AccessDenied, match="credentials"):
        open_store(s3_store.url, {**options, "secret_access_key": "wrong"}).check()
    dead = {**options, "endpoint_url": "http://127.0.0.1:9", "max_retries": 0}
    with pytest.raises(Unavailable, match="nothing was taken as deleted"):
        open_store(s3_store.url, dead).check()
    with pytest.raises(Unavailable):
        open_store(s3_store.url, dead).stat("a")


def test_s3_without_credentials_says_so(monkeypatch: pytest.MonkeyPatch, s3_server: SeaweedFS) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    with pytest.raises(AccessDenied, match="found no credentials"):
        open_store("s3://tests", {"endpoint_url": s3_server.endpoint_url, "max_retries": 0}).check()


def test_an_s3_key_that_cannot_be_named_spoils_its_folder_alone(s3_server: SeaweedFS, s3_store: ObstoreObjects) -> None:
    obstore.put(s3_store.native, "good/file", b"x")
    fs = s3fs.S3FileSystem(
        key=s3_server.access_key_id,
        secret=s3_server.secret_access_key,
        endpoint_url=s3_server.endpoint_url,
        skip_instance_cache=True,
    )
    fs.pipe_file(f"{s3_store.url.removeprefix('s3://')}/bad/new\nline", b"x")
    s3_store.check()
    assert {entry.key for page in s3_store.list_directory("") for entry in page} == {"good", "bad"}
    assert [entry.key for page in s3_store.list_directory("good") for entry in page] == ["good/file"]
    with pytest.raises(UnnameableKey, match="rename it"):
        list(s3_store.list_directory("bad"))


def test_s3_keys_that_cannot_be_named_are_unsupported_not_missing(s3_store: ObstoreObjects) -> None:
    for key in ("a//b", "a/../b", "new\nline"):
        with pytest.raises(Unsupported):
            s3_store.stat(key)


def test_unknown_schemes_and_missing_packages_are_said() -> None:
    with pytest.raises(UnknownName, match="did you mean 's3'"):
        open_store("s4://bucket")
    with pytest.raises(Unsupported, match="install"):
        open_store("dropbox://x")
