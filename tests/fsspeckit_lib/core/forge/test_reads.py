"""Bytes: against `git archive`, with and without ranges, of LFS files, and while the branch moves."""

from __future__ import annotations

import hashlib
import random
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fsspeckit_lib.core.forge import ForgeObjects
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import CacheStale, Corrupt, InvalidValue, NotFound, ShortRead, Unavailable
from fsspeckit_lib.testing.forge import Fault, GitLabServer, GitRepository, Project
from tests.fsspeckit_lib.core.forge.places import FILES, Forge, archived, everything, forge, info_of, whole

_NAMES = {
    f"{folder}{name}": f"{folder}{name}".encode()
    for folder in ("", "sp ace/", "dots.and..dots/", "日本/", "%2F/", "a#b/", "q?x/")
    for name in (
        "plain.txt", ".hidden", "two  spaces", "#", "100%", "%41", "%2e%2e", "a+b&c=d", "semi;colon", "ünï", "e\u0301",
        "quote\"'`", "back\\slash", "tab\there", "🎉.bin", "-dash", "~tilde", "[x]{y}(z)", "@at", "a:b", "*", "~^",
    )
}  # fmt: skip
_LARGE = random.Random(3).randbytes(3 << 20)


def test_every_name_and_byte_is_git_s(either: Forge) -> None:
    commit = either.repository.commit(_NAMES)
    store = either.open("@main")
    oracle = archived(either.repository, commit)
    assert everything(store) == oracle
    assert len(oracle) == len(_NAMES) + len(FILES)
    for key in list(_NAMES)[::7]:
        assert bytes(store.get(key)[1]) == oracle[key]
        shown = subprocess.run(
            ["git", "show", f"{commit}:{key}"], cwd=either.repository.directory, check=True, capture_output=True
        )
        assert whole(store, info_of(store, key)) == shown.stdout


def test_sizes_by_head_have_the_same_names(gitlab: Forge) -> None:
    gitlab.server.graphql = False
    commit = gitlab.repository.commit(_NAMES)
    assert everything(gitlab.open("@main")) == archived(gitlab.repository, commit)


def test_random_trees_are_git_s(either: Forge) -> None:
    chosen = random.Random(17)
    files = {
        "/".join(chosen.choice("abc") + str(chosen.randrange(4)) for _ in range(chosen.randrange(1, 4))) + f"-{at}": (
            chosen.randbytes(chosen.choice([0, 1, 130, 1000, 70_000]))
        )
        for at in range(120)
    }
    commit = either.repository.commit(files)
    store = either.open("@main")
    assert everything(store) == archived(either.repository, commit)
    for key in chosen.sample(sorted(files), 30):
        data, info = files[key], info_of(store, key)
        assert info.size_bytes == len(data)
        for _ in range(3):
            if data:
                start = chosen.randrange(len(data))
                stop = chosen.randrange(start + 1, len(data) + 1)
                assert bytes(store.read_range(info, start, stop)) == data[start:stop]


@pytest.mark.parametrize("honoured", [True, False])
def test_ranges_of_a_large_file(either: Forge, honoured: bool) -> None:
    either.repository.commit({"large.bin": _LARGE})
    either.server.ranges = honoured
    store = either.open("@main", ref_ttl_s=600)
    info = info_of(store, "large.bin")
    either.server.forget()
    chosen = random.Random(4)
    for _ in range(25):
        start = chosen.randrange(info.size_bytes - 1)
        stop = min(info.size_bytes, start + chosen.randrange(1, 100_000))
        assert bytes(store.read_range(info, start, stop)) == _LARGE[start:stop]
    # every part is a request of its own where the server sends parts; else the whole came once
    assert either.server.count() == (25 if honoured else 1)
    store.close()


def test_many_readers_of_one_file_download_it_once(either: Forge) -> None:
    either.repository.commit({"large.bin": _LARGE, "other.bin": _LARGE[::-1]})
    either.server.ranges = False
    store = either.open("@main", ref_ttl_s=600)
    infos = [info_of(store, "large.bin"), info_of(store, "other.bin")]
    either.server.forget()

    def read(at: int) -> bool:
        info, data = infos[at % 2], (_LARGE, _LARGE[::-1])[at % 2]
        start = at * 30_000
        return bytes(store.read_range(info, start, start + 30_000)) == data[start : start + 30_000]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(read, range(100)))
    assert either.server.count() == 2


def test_a_branch_that_moves_never_mixes(either: Forge) -> None:
    either.repository.commit({"large.bin": _LARGE})
    store = either.open("@main", ref_ttl_s=600)
    info = info_of(store, "large.bin")
    got = bytes(store.read_range(info, 0, 1 << 20))
    either.repository.commit({"large.bin": _LARGE[::-1]})
    assert info_of(store, "large.bin") == info  # not asked for again within the time to live
    got += bytes(store.read_range(info, 1 << 20, len(_LARGE)))
    assert got == _LARGE
    fresh = either.open("@main")
    now = info_of(fresh, "large.bin")
    assert now.size_bytes == info.size_bytes
    assert now.version != info.version
    assert whole(fresh, now) == _LARGE[::-1]
    assert whole(fresh, info) == _LARGE  # the old version still is what it was


def test_a_ref_is_asked_for_again_after_its_time(either: Forge) -> None:
    now = [100.0]
    opened = either.open("@main", ref_ttl_s=30)
    store = ForgeObjects(opened._forge, opened._options, opened._place, clock=lambda: now[0])
    before = info_of(store, "README.md")
    either.repository.commit({"README.md": b"changed"})
    now[0] = 129.9
    assert info_of(store, "README.md") == before
    now[0] = 130.0
    assert info_of(store, "README.md").size_bytes == 7


def test_a_version_that_is_gone_is_stale(either: Forge) -> None:
    store = either.open("@main")
    info = info_of(store, "README.md")
    for size in (info.size_bytes, 300 << 10):
        gone = ObjectInfo("README.md", size, info.mtime_ns, "12" * 20)
        for stop in (size, size - 1):
            with pytest.raises(CacheStale):
                store.read_range(gone, 0, stop)
    with pytest.raises(CacheStale):
        store.read_range(ObjectInfo("README.md", 8, 0, "an etag of S3"), 0, 8)
    with pytest.raises(InvalidValue):
        store.read_range(info, 4, 9)


def test_other_bytes_than_the_blob_s_are_never_served(either: Forge) -> None:
    either.repository.commit({"large.bin": _LARGE})
    store = either.open("@main")
    small, large = info_of(store, "README.md"), info_of(store, "large.bin")
    either.server.faults.add(Fault("status", path="blobs", status=200, body=b"# HELLO\n"))
    with pytest.raises(Corrupt):
        store.read_range(small, 0, 8)
    either.server.faults.add(Fault("status", path="blobs", status=200, body=_LARGE[::-1]))
    with pytest.raises(Corrupt):
        store.read_range(large, 0, len(_LARGE))
    either.server.faults.add(Fault("status", path="blobs", status=200, body=_LARGE[:-1]))
    with pytest.raises(ShortRead):
        store.read_range(large, 0, len(_LARGE))
    wrong = {"Content-Range": f"bytes 5-14/{len(_LARGE)}"}
    either.server.faults.add(Fault("status", path="blobs", status=206, body=b"0123456789", headers=wrong))
    with pytest.raises(Corrupt):
        store.read_range(large, 0, 10)
    assert whole(store, large) == _LARGE


def test_get_of_a_file_of_unknown_size_is_one_request(gitlab: Forge) -> None:
    store = gitlab.open("@main", ref_ttl_s=600)
    store.stat("")
    gitlab.server.forget()
    info, data = store.get("data/one.csv")
    assert bytes(data) == FILES["data/one.csv"]
    assert gitlab.server.count() == 1
    assert info == info_of(store, "data/one.csv")


@pytest.fixture(params=["gitlab", "github"])
def with_lfs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Forge]:
    """A private repository with LFS files."""
    with forge(request.param, tmp_path, private=True) as found:
        found.repository.commit(
            {
                **FILES,
                ".gitattributes": b"*.lfs filter=lfs diff=lfs merge=lfs -text\n",
                "models/.gitattributes": b"local.weights filter=lfs\n",
                "large.lfs": found.project.add_lfs(_LARGE),
                "models/local.weights": found.project.add_lfs(b"weights" * 30),
                "empty.lfs": found.project.add_lfs(b""),
                "not-a-pointer.lfs": b"version: mine, and long enough to be looked at " * 5,
            }
        )
        yield found


def test_lfs_files_are_their_content(with_lfs: Forge) -> None:
    store = with_lfs.open("@main")
    info = info_of(store, "large.lfs")
    assert info.size_bytes == len(_LARGE)
    assert info.etag is not None
    assert info.etag.endswith(hashlib.sha256(_LARGE).hexdigest())
    assert whole(store, info) == _LARGE
    assert bytes(store.read_range(info, 1_000_000, 1_000_100)) == _LARGE[1_000_000:1_000_100]
    assert bytes(store.get("models/local.weights")[1]) == b"weights" * 30
    assert info_of(store, "empty.lfs").size_bytes == 0
    assert bytes(store.get("empty.lfs")[1]) == b""
    assert bytes(store.get("not-a-pointer.lfs")[1]).startswith(b"version: mine")
    sizes = {info.key: info.size_bytes for page in store.list_recursive("") for info in page}
    assert sizes["large.lfs"] == len(_LARGE)
    assert sizes["models/local.weights"] == 210


def test_pointers_are_shown_where_lfs_is_off(with_lfs: Forge) -> None:
    for _ in range(2):  # a store with LFS beside it makes no difference
        store = with_lfs.open("@main", lfs=False)
        assert bytes(store.get("large.lfs")[1]).startswith(b"version https://git-lfs")
        assert info_of(store, "large.lfs").size_bytes < 200
        assert info_of(with_lfs.open("@main"), "large.lfs").size_bytes == len(_LARGE)


@pytest.mark.parametrize("honoured", [True, False])
def test_lfs_objects_on_another_host_get_no_token(with_lfs: Forge, honoured: bool, tmp_path: Path) -> None:
    storage = Project("x/y", GitRepository.create(tmp_path / "else.git"), lfs=with_lfs.project.lfs)
    with GitLabServer.start(storage) as elsewhere:
        elsewhere.lfs_ranges = honoured
        with_lfs.server.lfs_origin = elsewhere.url
        store = with_lfs.open("@main")
        info = info_of(store, "large.lfs")
        for start in range(0, len(_LARGE), 500_000):
            stop = min(start + 500_000, len(_LARGE))
            assert bytes(store.read_range(info, start, stop)) == _LARGE[start:stop]
        assert elsewhere.count("lfs-objects") == (7 if honoured else 1)
        for seen in elsewhere.requests:
            assert not {"authorization", "private-token", "cookie"} & set(seen.headers)
        assert with_lfs.server.count("objects/batch") == 1  # its address is used again


def test_an_lfs_object_that_differs_is_never_served(with_lfs: Forge) -> None:
    store = with_lfs.open("@main")
    info = info_of(store, "large.lfs")
    with_lfs.server.faults.add(Fault("status", path="lfs-objects", status=200, body=_LARGE[::-1]))
    with pytest.raises(Corrupt):
        store.read_range(info, 0, len(_LARGE))
    assert whole(store, info) == _LARGE


def test_an_lfs_object_that_is_missing_is_told(with_lfs: Forge) -> None:
    store = with_lfs.open("@main")
    info = info_of(store, "large.lfs")
    del with_lfs.project.lfs[hashlib.sha256(_LARGE).hexdigest()]
    with pytest.raises((NotFound, ShortRead)):
        store.read_range(info, 0, len(_LARGE))


def test_an_lfs_address_that_expired_is_asked_for_again(with_lfs: Forge) -> None:
    store = with_lfs.open("@main")
    info = info_of(store, "large.lfs")
    assert bytes(store.read_range(info, 0, 10)) == _LARGE[:10]
    with_lfs.server.faults.add(Fault("status", path="lfs-objects", status=403))
    assert bytes(store.read_range(info, 10, 20)) == _LARGE[10:20]
    assert with_lfs.server.count("objects/batch") == 2


def test_a_token_for_the_api_only_reads_lfs_through_it(tmp_path: Path) -> None:
    with forge("gitlab", tmp_path) as found:
        found.repository.commit({".gitattributes": b"*.lfs filter=lfs\n", "x.lfs": found.project.add_lfs(_LARGE)})
        found.server.lfs_server = False
        store = found.open("@main", max_retries=0)
        assert bytes(store.get("x.lfs")[1]) == _LARGE
        assert found.server.count("raw?ref=") == 1


def test_an_lfs_server_that_fails_is_unavailable(with_lfs: Forge) -> None:
    store = with_lfs.open("@main", max_retries=0)
    info = info_of(store, "large.lfs")
    with_lfs.server.faults.add(Fault("status", path="objects/batch", status=503, times=9))
    with pytest.raises(Unavailable):
        store.read_range(info, 0, 10)


def test_a_repository_of_sha256(tmp_path: Path) -> None:
    repository = GitRepository.create(tmp_path / "sha256.git", object_format="sha256")
    commit = repository.commit({**FILES, "large.bin": _LARGE})
    with GitLabServer.start(Project("g/p", repository)) as server:
        store = open_store(f"gitlab://g/p@{commit}", {"base_url": server.url})
        assert isinstance(store, ForgeObjects)
        assert store.is_immutable
        assert everything(store) == archived(repository, commit)
