"""Trees against an independent oracle: a dict of paths."""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from fsspeckit_lib.core.forge.tree import UNKNOWN, Kind, Leaf, LfsObject, Tree, TreeBuilder

_NAMES = st.text(alphabet="ab.-0/ü日", min_size=1, max_size=3).map(lambda text: text.replace("/", "_"))
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join)


@st.composite
def _files(draw: st.DrawFn) -> dict[str, str]:
    """Return path → blob id, without a path that is also a directory."""
    chosen: dict[str, str] = {}
    for path in draw(st.lists(_PATHS, max_size=25)):
        parents = {path.rsplit("/", depth)[0] for depth in range(1, path.count("/") + 1)}
        if not parents & set(chosen) and not any(other.startswith(f"{path}/") for other in chosen):
            chosen[path] = hashlib.sha1(draw(st.sampled_from(["1", "2", "3"])).encode()).hexdigest()
    return chosen


def _tree(files: dict[str, str], *, mode: int = 0o100644) -> Tree:
    builder = TreeBuilder()
    for path, blob_id in files.items():
        builder.add(path, mode, blob_id)
    return builder.build()


@settings(max_examples=150, deadline=None)
@given(_files(), _PATHS)
def test_a_tree_is_its_dict(files: dict[str, str], other: str) -> None:
    tree = _tree(files)
    assert len(tree) == len(files)
    assert [leaf.path for leaf in tree.leaves()] == sorted(files, key=str.encode)
    directories = {path.rsplit("/", depth)[0] for path in files for depth in range(1, path.count("/") + 1)}
    for path in {*files, *directories, other, ""}:
        at = tree.find(path)
        assert (at is not None) == (path in files)
        if at is not None:
            assert tree.leaf(at) == Leaf(path, 0o100644, files[path], UNKNOWN)
        assert tree.is_directory(path) == (path in directories or path == "")
        prefix = f"{path}/" if path else ""
        below = {name for name in files if name.startswith(prefix)}
        assert {tree.path(at) for at in tree.below(path)} == (below if path not in files else set())
        children = {prefix + name[len(prefix) :].partition("/")[0] for name in below}
        listed = [child if isinstance(child, str) else tree.path(child) for child in tree.children(path)]
        assert len(listed) == len(set(listed))
        assert set(listed) == children


@settings(max_examples=80, deadline=None)
@given(_files(), _files(), st.data())
def test_a_change_keeps_the_rest_and_what_was_found_out(
    files: dict[str, str], written: dict[str, str], data: st.DataObject
) -> None:
    tree = _tree(files)
    for at in range(len(tree)):
        tree.set_size(at, len(tree.path(at)))
    removed = data.draw(st.lists(st.sampled_from(sorted(files)), unique=True)) if files else []
    clean = {
        path: blob_id
        for path, blob_id in written.items()
        if not any(path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in files)
    }
    after = tree.changed([Leaf(path, 0o100755, blob_id, 7) for path, blob_id in clean.items()], removed)
    expected = {path: blob_id for path, blob_id in files.items() if path not in removed} | clean
    assert {leaf.path: leaf.blob_id for leaf in after.leaves()} == expected
    for leaf in after.leaves():
        assert leaf.size_bytes == (7 if leaf.path in clean else len(leaf.path))
        assert leaf.mode == (0o100755 if leaf.path in clean else 0o100644)


def test_what_is_known_of_a_blob_is_inherited_wherever_it_moved() -> None:
    blob, other = "11" * 20, "00" * 20
    earlier = _tree({"old/name": blob, "x": "22" * 20})
    at = earlier.find("old/name")
    assert at is not None
    earlier.set_size(at, 130)
    earlier.set_lfs(at, LfsObject("ab" * 32, 5000))
    later = _tree({"new/name": blob, "copy": blob, "unknown": other})
    later.inherit(earlier)
    for path in ("new/name", "copy"):
        found = later.find(path)
        assert found is not None
        assert later.size_bytes(found) == 130
        assert later.lfs(found) == LfsObject("ab" * 32, 5000)
    unknown = later.find("unknown")
    assert unknown is not None
    assert later.size_bytes(unknown) == UNKNOWN
    assert not later.lfs_is_known(unknown)


def test_kinds_modes_and_ids_of_sha256() -> None:
    builder = TreeBuilder()
    builder.add("module", 0o160000, "ab" * 32)
    builder.add("link", 0o120000, "cd" * 32)
    builder.add("run", 0o100755, "ef" * 32, 5)
    tree = builder.build()
    assert [(leaf.path, leaf.mode, leaf.blob_id) for leaf in tree.leaves()] == [
        ("link", 0o120000, "cd" * 32),
        ("module", 0o160000, "ab" * 32),
        ("run", 0o100755, "ef" * 32),
    ]
    assert [tree.kind(at) for at in range(3)] == [Kind.LINK, Kind.MODULE, Kind.FILE]
    assert tree.is_directory("module")
    assert list(tree.below("module")) == []


def test_a_leaf_that_came_twice_counts_once() -> None:
    builder = TreeBuilder()
    for path in ("b", "a", "b"):
        builder.add(path, 0o100644, "11" * 20)
    assert [leaf.path for leaf in builder.build().leaves()] == ["a", "b"]


def test_a_large_tree_is_compact() -> None:
    files = {f"folder-{at % 500:03}/file-{at:06}.parquet": f"{at:040x}" for at in range(50_000)}
    tree = _tree(files)
    assert tree.memory_bytes < 50_000 * 80
