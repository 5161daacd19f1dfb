"""SFTP through `filesystem()` and `open_store()`: threads, sessions that the server ends, names, folders, globs."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import BadInput, NotFound
from fsspeckit_lib.testing.servers import OpenSsh


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with OpenSsh.start(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def folder(sshd: OpenSsh, tmp_path: Path) -> Path:
    """An empty folder of the server, as the server's disk has it."""
    found = Path(sshd.folder) / tmp_path.name
    found.mkdir()
    return found


@pytest.fixture(params=["rooted", "whole", "cached"])
def face(request: pytest.FixtureRequest, sshd: OpenSsh, folder: Path, tmp_path: Path) -> tuple[Any, str]:
    """A filesystem, and the folder's path in it."""
    url, options = f"{sshd.url}/{folder.name}", sshd.storage_options()
    if request.param == "whole":
        return filesystem(url, options, dirfs=False), str(folder).strip("/")
    return filesystem(url, options, cache_storage=str(tmp_path / "cache") if request.param == "cached" else None), ""


def _join(root: str, path: str) -> str:
    return f"{root}/{path}" if root else path


def test_an_ended_session_is_followed_by_a_new_one(sshd: OpenSsh, folder: Path) -> None:
    (folder / "f").write_bytes(b"here")
    store = open_store(f"{sshd.url}/{folder.name}", sshd.storage_options())
    fs = filesystem(f"{sshd.url}/{folder.name}", sshd.storage_options())
    for _ in range(3):
        _end_sessions(sshd)
        info = store.stat("f")
        assert isinstance(info, ObjectInfo)
        assert bytes(memoryview(store.read_range(info, 0, 4))) == b"here"
        assert fs.exists("f")
        _end_sessions(sshd)
        assert fs.cat("f") == b"here"
        assert [entry.key for page in store.list_directory("") for entry in page] == ["f"]


def test_a_name_with_a_nul_leaves_the_connection_as_it_is(sshd: OpenSsh, folder: Path) -> None:
    (folder / "f").write_bytes(b"here")
    store = open_store(f"{sshd.url}/{folder.name}", sshd.storage_options())
    with pytest.raises(NotFound, match="no file can have this name"):
        store.stat("a\0b")
    assert isinstance(store.stat("f"), ObjectInfo)


def test_threads_share_one_filesystem(face: tuple[Any, str], folder: Path) -> None:
    fs, root = face
    data = {f"f{number}": os.urandom(100_000) for number in range(8)}
    for name, content in data.items():
        (folder / name).write_bytes(content)
    found: dict[str, bytes] = {}
    threads = [
        threading.Thread(
            target=lambda name=name: found.__setitem__(name, fs.cat_file(_join(root, name))),
            daemon=True,
        )
        for name in data
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == data


def test_globs_walks_and_copies(face: tuple[Any, str], folder: Path) -> None:
    fs, root = face
    fs.pipe_file(_join(root, "new/folder/k"), b"1")
    assert (folder / "new/folder/k").read_bytes() == b"1"
    fs.cp_file(_join(root, "new/folder/k"), _join(root, "new/folder/l"))
    assert (folder / "new/folder/l").read_bytes() == b"1"
    assert fs.glob(_join(root, "*")) == [_join(root, "new")]
    assert fs.glob(_join(root, "new/*/*")) == [_join(root, "new/folder/k"), _join(root, "new/folder/l")]
    below = ["new", "new/folder", "new/folder/k", "new/folder/l"]
    assert [name for name in fs.glob(_join(root, "**")) if name != root] == [_join(root, name) for name in below]
    assert [files for _, _, files in fs.walk(_join(root, "new/folder"))] == [["k", "l"]]
    assert fs.isdir(_join(root, "new"))
    assert fs.find(root) == [_join(root, "new/folder/k"), _join(root, "new/folder/l")]


def test_folders_are_real(sshd: OpenSsh, folder: Path) -> None:
    fs = filesystem(f"{sshd.url}/{folder.name}", sshd.storage_options())
    fs.mkdir("a/b")
    assert (folder / "a/b").is_dir()
    with pytest.raises(FileExistsError):
        fs.mkdir("a/b")
    fs.rmdir("a/b")
    assert not fs.exists("a/b")
    assert fs.exists(f"{sshd.url}/{folder.name}/a")
    with pytest.raises(BadInput, match="below the folder"):
        fs.exists(f"{sshd.url}-other/a")


def _end_sessions(server: OpenSsh) -> None:
    """End the processes of the server that hold a session, as an administrator or a restart does."""
    daemon = int((Path(server.folder).parent / "sshd.pid").read_text())
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGTERM)
