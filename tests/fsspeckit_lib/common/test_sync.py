"""`sync_dir` between local, memory and S3 filesystems, and with filesystems that fail."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from fsspeckit_lib.common.sync import SyncIncomplete, sync_dir
from fsspeckit_lib.common.transfer import remove_file
from fsspeckit_lib.core import filesystem
from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.store_filesystem import StoreFileSystem
from fsspeckit_lib.errors import BadInput, NotADirectory, NotFound
from fsspeckit_lib.testing.proxy import Cut, FaultProxy, Script
from fsspeckit_lib.testing.seaweedfs import SeaweedFS


class BrokenLocal(LocalFileSystem):
    """Reads of `bad` fail after some bytes."""

    cachable = False

    def open(self, path: Any, mode: Any = "rb", *args: Any, **kwargs: Any) -> Any:
        file: Any = super().open(path, mode, *args, **kwargs)  # type: ignore[no-untyped-call]
        return _Breaking(file) if path.endswith("bad") and "r" in mode else file


class _Breaking:
    def __init__(self, file: Any) -> None:
        self._file, self._reads = file, 0

    def read(self, _size: int) -> bytes:
        self._reads += 1
        if self._reads > 1:
            raise OSError("the line went dead")
        return bytes(self._file.read(3))

    def __enter__(self) -> _Breaking:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def fill(folder: Path) -> Path:
    for key in ("a", "d/b", "d/e/c"):
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(key.encode() * 5)
        os.utime(folder / key, (1_700_000_000, 1_700_000_000))  # S3 has whole seconds
    return folder


def test_local_to_s3_and_back(tmp_path: Path, s3_store: ObstoreObjects) -> None:
    source, remote = fill(tmp_path / "source"), StoreFileSystem(s3_store)
    first = sync_dir(LocalFileSystem(), remote, str(source), "x", progress=False)
    assert (first.copied, first.bytes) == (("a", "d/b", "d/e/c"), 45)
    assert sync_dir(LocalFileSystem(), remote, str(source), "x", progress=False).copied == ()
    server_side = sync_dir(remote, remote, "x", "y", progress=False)
    assert len(server_side.copied) == 3
    assert len(sync_dir(remote, remote, "x", "y", progress=False).skipped) == 3
    back = sync_dir(remote, DirFileSystem(str(tmp_path / "back"), LocalFileSystem()), "y", "", progress=False)
    assert len(back.copied) == 3
    assert (tmp_path / "back/d/e/c").read_bytes() == b"d/e/c" * 5


def test_delete_follows_the_source(tmp_path: Path) -> None:
    source, memory = fill(tmp_path / "source"), MemoryFileSystem()
    memory.pipe("/delete/old", b"1")
    dry = sync_dir(LocalFileSystem(), memory, str(source), "/delete", delete=True, dry_run=True, progress=False)
    assert (dry.deleted, len(dry.copied)) == (("old",), 3)
    assert memory.find("/delete") == ["/delete/old"]
    sync_dir(LocalFileSystem(), memory, str(source), "/delete", delete=True, progress=False)
    assert memory.find("/delete") == ["/delete/a", "/delete/d/b", "/delete/d/e/c"]


def test_a_missing_source_deletes_nothing(tmp_path: Path, s3_server: SeaweedFS) -> None:
    target = fill(tmp_path / "target")
    missing = filesystem("s3://no-such-bucket", s3_server.storage_options())
    for fs, path in ((LocalFileSystem(), str(tmp_path / "none")), (missing, ""), (MemoryFileSystem(), "/none")):
        with pytest.raises(NotFound):
            sync_dir(fs, LocalFileSystem(), path, str(target), delete=True, progress=False)
    with pytest.raises(NotADirectory):
        sync_dir(LocalFileSystem(), MemoryFileSystem(), str(target / "a"), "/n", progress=False)
    assert len(list(target.rglob("*"))) == 5


def test_an_empty_source_folder_empties(tmp_path: Path) -> None:
    target = fill(tmp_path / "target")
    (tmp_path / "empty").mkdir()
    fs = LocalFileSystem()
    assert len(sync_dir(fs, fs, str(tmp_path / "empty"), str(target), delete=True, progress=False).deleted) == 3


def test_folders_that_overlap_are_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    fs = LocalFileSystem()
    (tmp_path / "link").symlink_to(tmp_path / "d")
    for source, target in (("", ""), ("d", "d/e"), ("d/e", "d"), ("link", "d")):
        with pytest.raises(BadInput, match="overlap"):
            sync_dir(fs, DirFileSystem(str(tmp_path), fs), str(tmp_path / source), target, progress=False)


def test_linked_folders_of_the_destination_are_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    outside = fill(tmp_path / "outside")
    (tmp_path / "target").mkdir()
    (tmp_path / "target/link").symlink_to(outside)
    fs = LocalFileSystem()
    for target in (fs, filesystem(str(tmp_path / "target"))):
        path = str(tmp_path / "target") if target is fs else ""
        sync_dir(fs, target, str(tmp_path / "source"), path, delete=True, progress=False)
    assert (outside / "a").exists()


def test_a_failed_file_keeps_the_old_one_and_everything_else(tmp_path: Path) -> None:
    source = fill(tmp_path / "source")
    (source / "bad").write_bytes(b"123456")
    target = tmp_path / "target"
    target.mkdir()
    (target / "bad").write_bytes(b"old")
    (target / "extra").write_bytes(b"stays")
    broken = BrokenLocal()  # type: ignore[no-untyped-call]
    with pytest.raises(SyncIncomplete, match="bad: the line went dead") as caught:
        sync_dir(broken, LocalFileSystem(), str(source), str(target), delete=True, progress=False)
    assert (len(caught.value.result.copied), caught.value.result.deleted) == (3, ())
    assert (target / "bad").read_bytes() == b"old"
    assert sorted(path.name for path in target.iterdir()) == ["a", "bad", "d", "extra"]


def test_checksum_reads_what_times_hide(tmp_path: Path) -> None:
    fs, source, target = LocalFileSystem(), fill(tmp_path / "source"), tmp_path / "target"
    sync_dir(fs, fs, str(source), str(target), progress=False)
    (target / "a").write_bytes(b"wrong")
    assert sync_dir(fs, fs, str(source), str(target), progress=False).copied == ()
    assert sync_dir(fs, fs, str(source), str(target), checksum=True, progress=False).copied == ("a",)
    os.utime(target / "a", (1, 1))
    assert sync_dir(fs, fs, str(source), str(target), progress=False).copied == ("a",)


def test_a_cut_download_keeps_the_old_file(tmp_path: Path, s3_server: SeaweedFS, s3_store: ObstoreObjects) -> None:
    s3_store.put("c/f", bytes(2 << 20))
    (tmp_path / "f").write_bytes(b"old")
    cuts = Script([Cut(1000)] * 200, lambda request: request.method == "GET" and request.path.endswith("/c/f"))
    with FaultProxy.start(s3_server.endpoint_url, cuts) as proxy:
        options = {**s3_server.storage_options(), "endpoint_url": proxy.url, "max_retries": 0}
        source = filesystem(f"{s3_store.url}/c", options)
        with pytest.raises(SyncIncomplete):
            sync_dir(source, LocalFileSystem(), "", str(tmp_path), progress=False)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("f", b"old")]


def test_one_line_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fs = LocalFileSystem()
    sync_dir(fs, fs, str(fill(tmp_path / "source")), str(tmp_path / "target"))
    assert capsys.readouterr().out == "copied 3 files (45 B), skipped 0, deleted 0\n"


@pytest.mark.parametrize("face", ["fsspec", "store"])
def test_links_below_the_destination_are_never_followed(tmp_path: Path, face: str) -> None:
    source, outside, target = fill(tmp_path / "source"), fill(tmp_path / "outside"), tmp_path / "target"
    (source / "other").mkdir()
    (source / "other/b").write_bytes(b"precious")
    (outside / "b").write_bytes(b"precious")
    target.mkdir()
    (target / "d").symlink_to("../source/other")
    (target / "other").symlink_to(outside)
    (target / "extra").symlink_to(outside)
    (tmp_path / "way").symlink_to(target)
    fs = LocalFileSystem()
    whole = StoreFileSystem(LocalObjects("/"))
    used, way = (fs, str(tmp_path / "way")) if face == "fsspec" else (whole, str(tmp_path / "way")[1:])
    for _ in range(2):
        with pytest.raises(SyncIncomplete, match="symbolic link where a folder") as caught:
            sync_dir(used, used, str(source), way, delete=True, progress=False)
        assert [key for key, _ in caught.value.result.failed] == ["d/b", "d/e/c", "other/b"]
    assert (source / "other/b").read_bytes() == (outside / "b").read_bytes() == b"precious"
    assert sorted(path.name for path in outside.rglob("*")) == ["a", "b", "b", "c", "d", "e"]
    assert (target / "a").read_bytes() == b"a" * 5


def test_a_link_that_appears_between_listing_and_deletion_is_not_followed(tmp_path: Path) -> None:
    outside, target = fill(tmp_path / "outside"), fill(tmp_path / "target")
    (target / "d").rename(tmp_path / "moved")
    (target / "d").symlink_to(outside / "d")
    with pytest.raises(NotADirectory, match="symbolic link"):
        remove_file(LocalFileSystem(), str(target / "d/b"), str(target))
    assert (outside / "d/b").exists()


def test_a_link_in_the_place_of_a_file_is_replaced(tmp_path: Path) -> None:
    source, target = fill(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    (tmp_path / "kept").write_bytes(b"kept")
    (target / "a").symlink_to(tmp_path / "kept")
    fs = LocalFileSystem()
    sync_dir(fs, fs, str(source), str(target), progress=False)
    assert not (target / "a").is_symlink()
    assert (tmp_path / "kept").read_bytes() == b"kept"


def test_a_store_is_not_left_through_a_linked_destination(tmp_path: Path) -> None:
    source, outside = fill(tmp_path / "source"), tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/out").symlink_to(outside)
    store = StoreFileSystem(LocalObjects(str(tmp_path / "root")))
    with pytest.raises(SyncIncomplete, match="leads out"):
        sync_dir(LocalFileSystem(), store, str(source), "out", progress=False)
    assert list(outside.iterdir()) == []


def test_local_files_are_copied_between_file_systems(tmp_path: Path) -> None:
    """The kernel copies within one kind of file system only; between others the bytes are read and written."""
    source = fill(tmp_path / "source")
    whole = StoreFileSystem(LocalObjects("/"))
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        sync_dir(whole, whole, str(source)[1:], other[1:], progress=False)
        assert (Path(other) / "d/e/c").read_bytes() == b"d/e/c" * 5


def test_links_to_nowhere_are_said_and_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = fill(tmp_path / "source"), fill(tmp_path / "target")
    (source / "dangling").symlink_to("nowhere")
    (target / "dangling").write_bytes(b"kept")
    fs = LocalFileSystem()
    result = sync_dir(fs, fs, str(source), str(target), delete=True)
    assert (result.not_regular, result.failed, result.deleted) == (("dangling",), (), ())
    assert capsys.readouterr().err == 'skipping non-regular file "dangling"\n'
    assert (target / "dangling").read_bytes() == b"kept"


def test_errors_name_the_whole_place(tmp_path: Path, s3_store: ObstoreObjects) -> None:
    whole = StoreFileSystem(LocalObjects("/"))
    for fs, path, shown in (
        (whole, f"{tmp_path}/nope"[1:], f"{tmp_path}/nope"),
        (StoreFileSystem(s3_store), "nope", f"{s3_store.url}/nope"),
    ):
        with pytest.raises(NotFound, match=f"no source folder {shown};"):
            sync_dir(fs, whole, path, str(tmp_path / "target")[1:], progress=False)


def test_pipes_and_sockets_are_said_and_what_has_their_name_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "s", tmp_path / "t"
    source.mkdir()
    target.mkdir()
    os.mkfifo(source / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(source / "socket"))
    (source / "f").write_bytes(b"")
    os.mkfifo(target / "f")
    for name in ("pipe", "socket"):
        (target / name).write_bytes(b"kept")
    result = sync_dir(filesystem(str(source)), filesystem(str(target)), delete=True)
    assert (result.copied, result.not_regular, result.deleted) == (("f",), ("pipe", "socket"), ())
    assert 'skipping non-regular file "pipe"' in capsys.readouterr().err
    assert [(target / name).read_bytes() for name in ("f", "pipe", "socket")] == [b"", b"kept", b"kept"]


def test_folders_that_overlap_are_named_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(BadInput, match=f"found source {tmp_path} and destination {tmp_path}/a, which overlap"):
        sync_dir(filesystem(str(tmp_path)), filesystem(str(tmp_path / "a")))
