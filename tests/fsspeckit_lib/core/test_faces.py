"""What fsspec's callers rely on, on our faces: nothing is swallowed, nothing is half done, nothing is guessed."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import fsspec
import pytest

from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.store_filesystem import StoreFileSystem
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import GatewayError, Unsupported
from fsspeckit_lib.testing.seaweedfs import SeaweedFS


@pytest.fixture(params=["plain", "cached", "unrooted"])
def s3_face(
    request: pytest.FixtureRequest, s3_server: SeaweedFS, s3_store: ObstoreObjects, tmp_path: Path
) -> tuple[Any, str]:
    """A filesystem on an empty prefix, and the prefix's path in it."""
    options = s3_server.storage_options()
    if request.param == "unrooted":
        return filesystem(s3_store.url, options, dirfs=False), s3_store.url.removeprefix("s3://")
    cache = str(tmp_path / "cache") if request.param == "cached" else None
    return filesystem(s3_store.url, options, cache_storage=cache), ""


def _join(root: str, path: str) -> str:
    return f"{root}/{path}" if root else path


@pytest.mark.parametrize("is_cached", [False, True])
def test_a_walk_of_what_cannot_be_listed_raises(
    is_cached: bool, s3_server: SeaweedFS, s3_store: ObstoreObjects, tmp_path: Path
) -> None:
    right = s3_server.storage_options()
    wrongs: list[dict[str, Any]] = [
        {**right, "secret_access_key": "wrong"},
        {**right, "endpoint_url": "http://127.0.0.1:9", "max_retries": 0},
    ]
    for number, options in enumerate(wrongs):
        cache = str(tmp_path / f"cache-{number}") if is_cached else None
        fs = filesystem(s3_store.url, options, cache_storage=cache)
        for ask in (
            lambda fs=fs: list(fs.walk("")),
            lambda fs=fs: fs.find("", withdirs=True),
            lambda fs=fs: fs.find("", maxdepth=3),
            lambda fs=fs: fs.glob("**"),
            lambda fs=fs: fs.du("", withdirs=True),
        ):
            with pytest.raises((OSError, GatewayError)):
                ask()
        assert list(fs.walk("", on_error="omit")) == []


def test_a_walk_goes_down_and_up(s3_face: tuple[Any, str]) -> None:
    fs, root = s3_face
    for key in ("f", "a/g", "a/b/h"):
        fs.pipe_file(_join(root, key), b"1")
    down = [(folder, folders, files) for folder, folders, files in fs.walk(root)]
    wanted = [("", ["a"], ["f"]), ("a", ["b"], ["g"]), ("a/b", [], ["h"])]
    assert down == [(_join(root, folder).rstrip("/"), *rest) for folder, *rest in wanted]
    assert list(fs.walk(root, topdown=False)) == down[::-1]
    assert list(fs.walk(root, maxdepth=2)) == down[:2]
    assert list(fs.walk(_join(root, "gone"))) == []


def test_a_walk_of_a_local_folder_that_cannot_be_read_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fs: Any = filesystem(str(tmp_path))
    (tmp_path / "a").mkdir()
    real = fs.fs.ls

    def refuse(path: str, detail: bool = True, **kwargs: Any) -> Any:
        if path.endswith("/a"):
            raise PermissionError(path)  # root, who may run the tests, reads everything
        return real(path, detail=detail, **kwargs)

    monkeypatch.setattr(fs.fs, "ls", refuse)
    with pytest.raises(PermissionError):
        list(fs.walk(""))


def test_a_transaction_is_refused_before_anything_is_written(s3_face: tuple[Any, str]) -> None:
    fs, root = s3_face
    with pytest.raises(Unsupported, match="transactions are not served"), fs.transaction:
        fs.pipe_file(_join(root, "k"), b"1")
    with pytest.raises(Unsupported, match="transactions are not served"):
        fs.start_transaction()
    assert not fs.exists(_join(root, "k"))
    fs.pipe_file(_join(root, "k"), b"1")
    assert fs.exists(_join(root, "k"))


def test_a_transaction_of_the_local_disk_is_one(tmp_path: Path) -> None:
    fs = filesystem(str(tmp_path))
    with pytest.raises(KeyError), fs.transaction:  # noqa: PT012 - the block is what fails
        with fs.open("k", "wb") as file:
            file.write(b"1")
        raise KeyError
    assert not (tmp_path / "k").exists()
    with fs.transaction, fs.open("k", "wb") as file:
        file.write(b"1")
    assert (tmp_path / "k").read_bytes() == b"1"


@pytest.fixture(params=["local", "cached local", "store on local", "s3"])
def writing_face(request: pytest.FixtureRequest, s3_server: SeaweedFS, s3_store: ObstoreObjects, tmp_path: Path) -> Any:
    folder = tmp_path / "files"
    folder.mkdir()
    if request.param == "s3":
        return filesystem(s3_store.url, s3_server.storage_options())
    if request.param == "store on local":
        return StoreFileSystem(open_store(str(folder)))
    return filesystem(str(folder), cache_storage=str(tmp_path / "cache") if "cached" in request.param else None)


@pytest.mark.parametrize(("mode", "compression"), [("wb", None), ("w", None), ("wb", "gzip"), ("w", "gzip")])
def test_a_block_that_raises_leaves_the_old_file(writing_face: Any, mode: str, compression: str | None) -> None:
    fs = writing_face
    half = b"half" * 100_000 if mode == "wb" else "half" * 100_000
    fs.pipe_file("keep", b"old")
    with pytest.raises(KeyError), fs.open("keep", mode, compression=compression) as file:  # noqa: PT012
        file.write(half)
        raise KeyError
    assert fs.cat_file("keep") == b"old"
    with fs.open("keep", mode, compression=compression) as file:
        file.write(half)
    with fs.open("keep", mode.replace("w", "r"), compression=compression) as file:
        assert file.read() == half
    assert fs.find("") == ["keep"]


def test_a_file_that_nobody_closed_is_not_written(writing_face: Any) -> None:
    file = writing_face.open("new", "w")
    file.write("half")
    del file
    gc.collect()
    assert writing_face.find("") == []


def test_a_local_file_is_replaced_as_open_would_change_it(tmp_path: Path) -> None:
    fs = filesystem(str(tmp_path))
    (tmp_path / "real").write_bytes(b"1")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to("real")
    with fs.open("link", "wb") as file:
        file.write(b"22")
        file.seek(0)
        file.write(b"3")
        assert (tmp_path / "real").read_bytes() == b"1"
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"32"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o600
    with fs.open("real", "ab") as file:
        file.write(b"4")
    fs.cp_file("real", "deep/copy")
    assert (tmp_path / "deep/copy").read_bytes() == b"324"
    with pytest.raises(FileExistsError):
        fs.open("real", "xb")
    with pytest.raises(IsADirectoryError):
        fs.open("deep", "wb")
    with filesystem("/dev").open("null", "wb") as file:
        file.write(b"x")
    assert Path("/dev/null").is_char_device()


def test_a_filesystem_of_s3_goes_through_json(s3_server: SeaweedFS, s3_store: ObstoreObjects) -> None:
    fs = filesystem(s3_store.url, s3_server.storage_options(), dirfs=False)
    again = fsspec.AbstractFileSystem.from_json(fs.to_json())
    path = f"{s3_store.url}/k"
    again.pipe_file(path, b"1")
    assert fs.cat_file(path) == b"1"
    assert s3_server.secret_access_key not in fs.to_json(include_password=False)


def test_ranges_take_a_gap_and_a_missing_file_is_not_removed(s3_face: tuple[Any, str]) -> None:
    fs, root = s3_face
    key = _join(root, "k")
    fs.pipe_file(key, b"0123456789")
    assert fs.cat_ranges([key, key], [0, 5], [2, 7], max_gap=100) == [b"01", b"56"]
    with pytest.raises(FileNotFoundError):
        fs.rm_file(_join(root, "gone"))


def test_a_name_with_a_star_means_itself_where_it_is_there(s3_face: tuple[Any, str]) -> None:
    fs, root = s3_face
    for name in ("a*b", "aXb", "aYb"):
        fs.pipe_file(_join(root, name), b"1")
    fs.rm(_join(root, "a*b"))
    assert fs.find(root) == [_join(root, "aXb"), _join(root, "aYb")]
    fs.rm(_join(root, "a*b"))
    assert fs.find(root) == []


def test_files_of_proc_have_content() -> None:
    assert StoreFileSystem(open_store("/proc/self")).cat_file("status").startswith(b"Name:")
