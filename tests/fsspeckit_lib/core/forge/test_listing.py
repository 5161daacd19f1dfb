"""How many requests a listing makes, counted at the server, and that every kind of server is listed rightly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fsspeckit_lib.core.forge import ForgeObjects
from fsspeckit_lib.core.forge.trees import TREES
from fsspeckit_lib.core.objects import DirectoryInfo, ExecutableInfo, LinkInfo, ObjectInfo
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import NotADirectory, NotFound, Unsupported
from fsspeckit_lib.testing.forge import Fault, GitHubServer, GitLabServer, link, submodule
from tests.fsspeckit_lib.core.forge.places import FILES, Forge, archived, contents, everything, forge, info_of, keys

_MANY = 50_000


@pytest.fixture(scope="module", params=["gitlab", "github"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """A repository of 50,000 files in 400 folders, 40,000 different contents."""
    with forge(request.param, tmp_path_factory.mktemp("large")) as found:
        found.repository.commit({f"f{at % 400:03}/{at:06}.txt": b"%d" % (at % 40_000) for at in range(_MANY)})
        yield found


def test_fifty_thousand_files_in_few_requests_and_again_in_none(large: Forge) -> None:
    large.server.forget()
    store = large.open("@main", ref_ttl_s=600)
    sizes = {info.key: info.size_bytes for page in store.list_recursive("") for info in page}
    assert len(sizes) == _MANY
    assert sizes["f001/000001.txt"] == 1
    assert sizes["f399/049999.txt"] == len(b"%d" % 9_999)
    first = large.server.count()
    assert first <= _MANY / 100 + 5
    assert sum(len(page) for page in store.list_recursive("")) == _MANY
    assert len([entry for page in store.list_directory("") for entry in page]) == 400
    assert info_of(store, "f001/000001.txt").size_bytes == 1
    assert large.server.count() == first
    # another store at the same commit, and that commit itself by its id: one request to resolve each
    commit = large.repository.resolve("main")
    for place in ("@main", f"@{commit}"):
        other = large.open(place)
        assert sum(len(page) for page in other.list_recursive("")) == _MANY
    assert large.server.count() == first + 2


def test_a_new_commit_asks_only_for_what_is_new(large: Forge) -> None:
    branch = f"next-{large.protocol}"
    large.repository.branch(branch, large.repository.resolve("main"))
    before = large.open(f"@{branch}")
    assert sum(len(page) for page in before.list_recursive("")) == _MANY
    large.repository.commit({"f001/new.txt": b"new", "f001/000001.txt": b"changed"}, branch=branch)
    large.server.forget()
    after = large.open(f"@{branch}")
    assert sum(len(page) for page in after.list_recursive("")) == _MANY + 1
    assert large.server.count() <= 3  # the commit, its tree, and the sizes of two blobs


def test_servers_that_page(tmp_path: Path) -> None:
    files = {f"d{at % 7}/f{at:04}": b"%d" % at for at in range(730)}
    with forge("gitlab", tmp_path) as found:
        assert isinstance(found.server, GitLabServer)
        commit = found.repository.commit(files)
        for mode, limit in (("keyset", 10_000), ("offset", 10_000), ("offset", 100)):
            found.server.pagination, found.server.total_limit = mode, limit
            found.server.forget()
            TREES.clear()
            assert everything(found.open("@main")) == archived(found.repository, commit)
            trees = found.server.count("repository/tree")
            assert trees == 8 + (mode == "keyset")  # 730 files and 7 folders; the refusal of `none` before


def test_a_server_that_cannot_give_a_whole_tree_is_asked_for_pages(tmp_path: Path) -> None:
    with forge("gitlab", tmp_path) as found:
        found.repository.commit(FILES)
        found.server.faults.add(Fault("status", path="pagination=none", status=500, times=99))
        assert everything(found.open("@main", max_retries=1)) == contents(FILES)


def test_gitlab_without_graphql_asks_for_each_size_once(tmp_path: Path) -> None:
    with forge("gitlab", tmp_path) as found:
        pointer = found.project.add_lfs(b"x" * 3000)
        found.repository.commit({**FILES, ".gitattributes": b"*.lfs filter=lfs\n", "a.lfs": pointer, "b.lfs": b"plain"})
        found.server.graphql = False
        store = found.open("@main")
        for _ in range(2):
            sizes = {info.key: info.size_bytes for page in store.list_recursive("") for info in page}
        assert sizes["a.lfs"] == 3000
        assert sizes["b.lfs"] == 5
        assert {key: sizes[key] for key in FILES} == {key: len(data) for key, data in contents(FILES).items()}
        assert found.server.count("HEAD ") == len(FILES) + 3
        assert found.server.count("graphql") == 1


def test_graphql_that_allows_less_is_asked_for_less(tmp_path: Path) -> None:
    with forge("gitlab", tmp_path) as found:
        assert isinstance(found.server, GitLabServer)
        found.repository.commit({f"f{at:03}": b"%d" % at for at in range(300)})
        found.server.complexity_limits = (60, 60)
        assert len(keys(found.open("@main"))) == 300
        assert found.server.count("HEAD ") == 0


def test_gitlab_by_number_and_without_a_token(tmp_path: Path) -> None:
    with forge("gitlab", tmp_path, id=4711) as found:
        found.repository.commit({f"f{at:03}": b"%d" % at for at in range(170)})
        store = open_store("gitlab://4711@main", {"base_url": found.server.url})
        assert len([info for page in store.list_recursive("") for info in page]) == 170
        assert found.server.count("HEAD ") == 0
        assert found.server.count("graphql") == 2  # 85 files each


@pytest.mark.parametrize("limit", [1, 3, 10, 40])
def test_truncated_trees_are_walked(tmp_path: Path, limit: int) -> None:
    files = {f"d{at % 3}/e{at % 2}/f{at:02}": b"%d" % at for at in range(18)}
    with forge("github", tmp_path) as found:
        assert isinstance(found.server, GitHubServer)
        commit = found.repository.commit(files)
        found.server.truncate_at = limit
        store = found.open("@main")
        if limit < 3:
            with pytest.raises(Unsupported, match="more entries than GitHub lists"):
                everything(store)
        else:
            assert everything(store) == archived(found.repository, commit)


def test_links_modules_and_modes(either: Forge) -> None:
    either.repository.commit(
        {
            "links/up": link("../README.md"),
            "links/again": link("up"),
            "links/nowhere": link("missing"),
            "links/outside": link("../../etc/passwd"),
            "links/absolute": link("/README.md"),
            "links/folder": link("../data"),
            "links/round": link("round"),
            "module": submodule("12" * 20),
            "sub/module": submodule("34" * 20),
        }
    )
    store = either.open("@main")
    listed = {entry.name: entry for page in store.list_directory("links") for entry in page}
    assert set(listed) == {"up", "again"}
    for name in ("links/up", "links/again"):
        info = info_of(store, name)
        assert info == listed[info.name]
        assert bytes(store.read_range(info, 2, 7)) == b"hello"
        assert bytes(store.get(name)[1]) == FILES["README.md"]
    for name in ("nowhere", "outside", "absolute", "folder", "round"):
        with pytest.raises(NotFound):
            store.stat(f"links/{name}")
    assert isinstance(store.stat("module"), DirectoryInfo)
    assert list(store.list_directory("module")) == []
    root = {entry.key: type(entry) for page in store.list_directory("") for entry in page}
    assert root["module"] is DirectoryInfo
    assert root["run.sh"] is ObjectInfo
    assert keys(store) == set(FILES) | {"links/up", "links/again"}


def test_a_view_with_links_shows_each_link_and_what_is_a_program(either: Forge) -> None:
    either.repository.commit({"view/up": link("../README.md"), "view/nowhere": link("missing"), "view/file": b"x"})
    store = either.open("@main")
    assert isinstance(store, ForgeObjects)
    view = store.with_links()
    entries: list[object] = [entry for page in view.list_directory("view") for entry in page]
    targets = {entry.name: entry.target for entry in entries if isinstance(entry, LinkInfo)}
    assert targets == {"up": "../README.md", "nowhere": "missing"}
    link_at: object = view.stat("view/up")
    assert link_at in entries
    assert isinstance(view.stat("run.sh"), ExecutableInfo)
    assert not isinstance(view.stat("view/file"), ExecutableInfo)
    assert not isinstance(store.stat("run.sh"), ExecutableInfo)


def test_the_token_of_changes_is_another_one_after_a_commit(either: Forge) -> None:
    store = either.open("@main", ref_ttl_s=600)
    assert isinstance(store, ForgeObjects)
    before = store.change_token()
    assert store.change_token() == before
    either.repository.commit({"token": b"new"})
    assert store.change_token() != before
    assert info_of(store, "token").size_bytes == 3
    assert store.change_poll_s == 600
    fixed = either.open(f"@{before}")
    assert isinstance(fixed, ForgeObjects)
    assert fixed.change_poll_s == 0


def test_an_empty_repository_is_an_empty_folder(tmp_path: Path) -> None:
    for protocol in ("gitlab", "github"):
        with forge(protocol, tmp_path) as found:
            store = found.open()
            store.check()
            assert list(store.list_directory("")) == []
            assert store.stat("") == DirectoryInfo("")
            found.repository.commit({"first": b"1"})
            assert keys(store) == {"first"}


def test_a_root_below_the_repository(either: Forge) -> None:
    store = either.open("@main/data")
    store.check()
    assert keys(store) == {key.removeprefix("data/") for key in FILES if key.startswith("data/")}
    assert [entry.key for page in store.list_directory("") for entry in page if isinstance(entry, DirectoryInfo)] == [
        "deep"
    ]
    assert info_of(store, "deep/er/x.bin").size_bytes == 512_000
    with pytest.raises(NotADirectory):
        either.open("@main/README.md").check()
    with pytest.raises(NotFound):
        either.open("@main/nope").check()


def test_the_default_branch_and_its_name(either: Forge) -> None:
    assert everything(either.open()) == contents(FILES)
    assert either.open().namespace[-1] == "@HEAD"
    assert either.open("@main").namespace[-1] == "@main"
    assert either.open("@main", lfs=False).namespace[-1] == "@main+pointers"
    assert either.open().url == f"{either.protocol}://{either.project.path}"
    assert either.open("@main/data").url == f"{either.protocol}://{either.project.path}@main/data"


def test_branches_tags_and_commits_are_refs(either: Forge) -> None:
    first = either.repository.resolve("main")
    either.repository.tag("v1.0", first)
    either.repository.branch("feature/login", first)
    second = either.repository.commit({"README.md": b"second"}, delete=["run.sh"])
    for ref in ("v1.0", "feature%2Flogin", first, first[:12]):
        store = either.open(f"@{ref}")
        assert everything(store) == contents(FILES)
        assert store.is_immutable == (ref == first)
    assert everything(either.open("@feature/login", ref="feature/login")) == contents(FILES)
    assert either.open("@main").is_immutable is False
    assert everything(either.open("@main")) == archived(either.repository, second)


def test_a_full_commit_is_resolved_once(either: Forge) -> None:
    commit = either.repository.resolve("main")
    store = either.open(f"@{commit}")
    everything(store)
    either.server.forget()
    assert keys(store) == set(FILES)
    assert info_of(store, "README.md").size_bytes == 8
    assert either.server.count() == 0


def test_a_directory_costs_one_request_for_its_sizes(gitlab: Forge) -> None:
    store = gitlab.open("@main", ref_ttl_s=600)
    store.stat("")
    gitlab.server.forget()
    assert len([entry for page in store.list_directory("data") for entry in page]) == 3
    assert gitlab.server.count() == gitlab.server.count("graphql") == 1
    store.stat("README.md")  # its neighbours come along
    store.stat("run.sh")
    store.stat("data/deep/er/x.bin")
    assert gitlab.server.count() == 2


def test_times_are_the_commit_s(either: Forge) -> None:
    store = either.open("@main")
    assert info_of(store, "README.md").mtime_ns == (1_700_000_000 + 60) * 1_000_000_000
