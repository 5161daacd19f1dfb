"""cp, mv, get, put and rm of whole trees: on every face what fsspec's own local filesystem does."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from fsspeckit_lib.core.copying import RootedFileSystem
from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.store_filesystem import StoreFileSystem
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import BadInput, NotADirectory
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

TREE = {"src/f1": b"1", "src/d/f2": b"2", "src/d/e/f3": b"3", "src2/f4": b"4", "old/kept": b"5"}
SOURCES: list[Any] = ["src", "src/", "src/d", "src/f1", "src/*", ["src/f1", "src/d/f2"]]
TARGETS = ["new", "new/", "old", "old/", "deep/er/new/"]
Face = Callable[[Path], tuple[Any, str]]
"""Makes an empty place: a filesystem and the path in it."""

_numbers = itertools.count(1)


class _Oracle(LocalFileSystem):
    def mv(self, *args: Any, **kwargs: Any) -> None:
        """As fsspec says for every filesystem that has no rename: copy, then remove."""
        fsspec.AbstractFileSystem.mv(self, *args, **kwargs)


def _oracle(folder: Path) -> tuple[Any, str]:
    return _Oracle(auto_mkdir=True), str(folder)  # type: ignore[no-untyped-call]


@pytest.fixture(params=["s3", "store on s3", "local", "store on local", "store on memory"])
def face(request: pytest.FixtureRequest, s3_server: SeaweedFS, s3_store: ObstoreObjects) -> Face:
    options = s3_server.storage_options()

    def make(folder: Path) -> tuple[Any, str]:
        root = f"{s3_store.url.removeprefix('s3://')}/{next(_numbers)}"
        if request.param == "s3":
            return filesystem(f"s3://{root}", options), ""
        if request.param == "store on s3":
            return StoreFileSystem(open_store(f"s3://{root}", options)), ""
        if request.param == "local":
            return filesystem(str(folder)), ""
        if request.param == "store on local":
            return StoreFileSystem(LocalObjects(str(folder))), ""
        return StoreFileSystem(open_store(f"memory:///{root}")), ""

    return make


def _join(root: str, path: Any) -> Any:
    if isinstance(path, list):
        return [_join(root, one) for one in path]
    return f"{root}/{path}" if root else path


def _files(fs: Any, root: str) -> dict[str, bytes]:
    skip = len(root) + 1 if root else 0
    return {name[skip:].lstrip("/"): fs.cat_file(name) for name in fs.find(root)}


def _fill(fs: Any, root: str) -> None:
    for key, data in TREE.items():
        fs.makedirs(_join(root, key.rpartition("/")[0]), exist_ok=True)
        fs.pipe_file(_join(root, key), data)


def _done(act: Callable[[], object]) -> type[BaseException] | None:
    try:
        act()
    except (OSError, ValueError) as error:
        return FileNotFoundError if isinstance(error, FileNotFoundError) else type(error)
    return None


@pytest.mark.parametrize("recursive", [True, False])
@pytest.mark.parametrize("operation", ["copy", "mv", "get", "put"])
def test_trees_go_where_fsspec_says(
    tmp_path: Path, face: Face, operation: str, recursive: bool, request: pytest.FixtureRequest
) -> None:
    if operation == "mv" and request.node.callspec.params["face"] == "local":
        return  # renamed, as fsspec's own does
    sources = SOURCES if operation != "mv" else ["src", "src/", "src/f1"]  # the oracle cannot remove a pattern
    for number, (source, target) in enumerate(itertools.product(sources, TARGETS)):
        if not recursive and not isinstance(source, list) and source in {"src", "src/", "src/d"}:
            continue  # there is nothing to copy, and filesystems differ in how they say so
        seen = []
        for name, make in (("oracle", _oracle), ("face", face)):
            here, other = tmp_path / f"{number}-{name}", tmp_path / f"{number}-{name}-other"
            here.mkdir()
            other.mkdir()
            fs, root = make(here)
            _fill(fs, root)
            _fill(LocalFileSystem(auto_mkdir=True), str(other))
            start, end = _join(root, source), _join(root, target)
            if operation == "get":
                end = _join(str(other), target)
            elif operation == "put":
                start = _join(str(other), source)
            error = _done(lambda: getattr(fs, operation)(start, end, recursive=recursive))  # noqa: B023 - called here
            seen.append((error, _files(fs, root), _files(LocalFileSystem(), str(other))))
        assert seen[1] == seen[0], (operation, source, target)


@pytest.mark.parametrize("path", ["src", "src/", "src/d", "src*", ["src/d", "src2"]])
def test_a_removed_tree_is_gone(tmp_path: Path, face: Face, path: Any) -> None:
    seen = []
    for name, make in (("oracle", _oracle), ("face", face)):
        (tmp_path / name).mkdir()
        fs, root = make(tmp_path / name)
        _fill(fs, root)
        wanted = ["src", "src2"] if path == "src*" and isinstance(fs, LocalFileSystem | RootedFileSystem) else path
        fs.rm(_join(root, wanted), recursive=True)
        seen.append((_files(fs, root), [fs.exists(_join(root, one)) for one in ("src", "src/d", "src2")]))
    assert seen[1] == seen[0]


def test_a_recursive_copy_into_the_local_disk_follows_no_link(tmp_path: Path, s3_store: ObstoreObjects) -> None:
    outside, target, local = tmp_path / "outside", tmp_path / "target", tmp_path / "source"
    for folder in (outside, target, local / "a"):
        folder.mkdir(parents=True)
    (local / "a/f").write_bytes(b"new")
    (outside / "f").write_bytes(b"precious")
    (target / "a").symlink_to(outside)
    s3_store.put("tree/a/f", b"new")
    with pytest.raises(NotADirectoryError, match="symbolic link"):
        StoreFileSystem(s3_store).get("tree/", str(target), recursive=True)
    for fs, root in ((StoreFileSystem(LocalObjects(str(tmp_path))), ""), (filesystem(str(tmp_path)), "")):
        for act in (
            lambda fs=fs: fs.put(f"{local}/", "target", recursive=True),
            lambda fs=fs: fs.copy("source/", "target", recursive=True),
        ):
            with pytest.raises((NotADirectory, NotADirectoryError), match="symbolic link"):
                act()  # type: ignore[no-untyped-call]
        assert root == ""
    assert (outside / "f").read_bytes() == b"precious"
    assert [path.name for path in outside.iterdir()] == ["f"]


@pytest.fixture(params=["s3", "cached s3", "store on s3", "local", "cached local", "memory", "all of memory"])
def whole_face(request: pytest.FixtureRequest, s3_server: SeaweedFS, s3_store: ObstoreObjects, tmp_path: Path) -> Any:
    """A filesystem with `TREE` in it, and where."""
    options = s3_server.storage_options()
    cache = str(tmp_path / "cache") if "cached" in request.param else None
    if request.param == "all of memory":
        fs, root = filesystem("memory"), f"/{next(_numbers)}"
    elif "local" in request.param:
        (tmp_path / "files").mkdir()
        fs, root = filesystem(str(tmp_path / "files"), cache_storage=cache), ""
    elif request.param == "memory":
        fs, root = filesystem(f"memory://{next(_numbers)}"), ""
    elif request.param == "store on s3":
        fs, root = StoreFileSystem(open_store(s3_store.url, options)), ""
    else:
        fs, root = filesystem(s3_store.url, options, cache_storage=cache), ""
    _fill(fs, root)
    return fs, root


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("src", "src/sub"), ("src", "src/d"), ("src", "src/"), ("src/", "src/sub"), ("src/", "src"), ("src/d", "src"),
        ("src/f1", "src"), ("src/f1", "src/"), (["src/d"], "src"), (["src"], "src/d"),
    ],
)  # fmt: skip
def test_nothing_is_moved_onto_or_into_itself(whole_face: tuple[Any, str], source: Any, target: str) -> None:
    fs, root = whole_face
    with pytest.raises((BadInput, OSError, TypeError)):  # a rename takes no list
        fs.mv(_join(root, source), _join(root, target), recursive=True)
    assert _files(fs, root) == TREE


def test_a_move_onto_the_same_name_does_nothing(whole_face: tuple[Any, str]) -> None:
    fs, root = whole_face
    for path in ("src", "src/f1"):
        fs.mv(_join(root, path), _join(root, path), recursive=True)
    assert _files(fs, root) == TREE


@pytest.mark.parametrize(("source", "target"), [("src", "src/sub"), ("src", "src"), ("src/", "src/d")])
def test_no_folder_is_copied_into_itself(whole_face: tuple[Any, str], source: str, target: str) -> None:
    fs, root = whole_face
    with pytest.raises(BadInput, match=r"itself|the same"):
        fs.copy(_join(root, source), _join(root, target), recursive=True)
    assert _files(fs, root) == TREE


def test_a_moved_pattern_takes_only_what_it_matched_before(whole_face: tuple[Any, str]) -> None:
    fs, root = whole_face
    if isinstance(getattr(fs, "fs", fs), LocalFileSystem):
        with pytest.raises(OSError):  # a rename takes no pattern
            fs.mv("src*", "srcs/", recursive=True)
        assert _files(fs, root) == TREE
        return
    fs.mv(_join(root, "src*"), _join(root, "srcs/"), recursive=True)
    moved = {f"srcs/{key}" if key.startswith("src") else key: data for key, data in TREE.items()}
    assert _files(fs, root) == moved
