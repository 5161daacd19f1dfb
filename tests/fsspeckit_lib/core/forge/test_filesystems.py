"""fsspec's faces: constructors, `fsspec.open`, `filesystem()`, pandas-like use, and pickles."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from fsspeckit_lib.core import filesystem
from fsspeckit_lib.core.forge.filesystems import GitHubFileSystem, GitLabFileSystem
from fsspeckit_lib.errors import BadInput, UnknownName
from fsspeckit_lib.storage_options import GitHubStorageOptions, GitLabStorageOptions
from tests.fsspeckit_lib.core.forge.places import FILES, TOKEN, Forge, contents

CLASSES: dict[str, Any] = {"gitlab": GitLabFileSystem, "github": GitHubFileSystem}
OPTIONS: dict[str, Any] = {"gitlab": GitLabStorageOptions, "github": GitHubStorageOptions}


def _named(found: Forge) -> dict[str, Any]:
    if found.protocol == "gitlab":
        return found.options(project=found.project.path)
    owner, _, name = found.project.path.partition("/")
    return found.options(org=owner, repo=name)


def test_with_a_project_paths_are_those_inside(either: Forge) -> None:
    make = CLASSES[either.protocol]
    for fs in (
        make(**_named(either), ref="main"),
        make({**_named(either), "branch": "main"}),
        make(OPTIONS[either.protocol](**_named(either))),
        make(OPTIONS[either.protocol](**_named(either)), ref="main"),
    ):
        assert fs.find("") == sorted(FILES)
        assert sorted(fs.ls("data", detail=False)) == sorted(
            {f"data/{key.split('/')[1]}" for key in FILES if key.startswith("data/")}
        )
        assert fs.cat("README.md") == b"# hello\n"
        assert fs.cat(f"{either.protocol}://{either.project.path}@main/README.md") == b"# hello\n"
        assert fs.info("run.sh")["size"] == 10
        with fs.open("data/one.csv", "rt") as file:
            assert file.readline() == "a,b\n"
        with pytest.raises(FileNotFoundError):
            fs.cat("nope")
        with pytest.raises(PermissionError):
            fs.pipe_file("new", b"1")


def test_without_a_project_paths_name_it(either: Forge) -> None:
    fs = CLASSES[either.protocol](**either.options())
    root = f"{either.project.path}@main"
    assert fs.find(root) == sorted(f"{root}/{key}" for key in FILES)
    assert fs.cat(f"{root}/README.md") == b"# hello\n"
    for name in fs.ls(either.project.path, detail=False):  # the default branch
        assert fs.exists(name)
    assert fs.cat(f"{either.project.path}@/README.md") == b"# hello\n"
    assert fs.glob(f"{root}/data/*.csv") == [f"{root}/data/one.csv"]


def test_writes_and_several_files_in_one_commit(either: Forge) -> None:
    fs = CLASSES[either.protocol](**_named(either), ref="main", write=True)
    with fs.open("new/file.txt", "wb") as file:
        file.write(b"written")
    fs.mv("new/file.txt", "moved.txt")
    fs.rm("run.sh")
    with fs.store().commit("Two at once") as batch:
        batch.put("one", b"1")
        batch.put("two", b"2")
    assert fs.cat("moved.txt") == b"written"
    assert not fs.exists("run.sh")
    assert either.repository.describe("main").message == "Two at once\n"


def test_filesystem_is_rooted_at_the_url(either: Forge) -> None:
    options = either.options()
    url = f"{either.protocol}://{either.project.path}@main"
    whole = filesystem(url, options)
    assert isinstance(whole, CLASSES[either.protocol])
    assert whole.find("") == sorted(FILES)
    data = filesystem(f"{url}/data", options)
    assert sorted(data.find("")) == sorted(key.removeprefix("data/") for key in FILES if key.startswith("data/"))
    assert data.cat("one.csv") == contents(FILES)["data/one.csv"]
    default = filesystem(f"{either.protocol}://{either.project.path}", OPTIONS[either.protocol](**options))
    assert default.cat("README.md") == b"# hello\n"
    assert isinstance(filesystem(either.protocol, options), CLASSES[either.protocol])
    assert OPTIONS[either.protocol](**options).to_filesystem(f"{either.project.path}@main").exists("README.md")


def test_fsspec_opens_gitlab_urls(gitlab: Forge) -> None:
    options = gitlab.options()
    with fsspec.open(f"gitlab://{gitlab.project.path}@main/README.md", **options) as file:
        assert file.read() == b"# hello\n"
    fs = fsspec.filesystem("gitlab", **_named(gitlab))
    assert isinstance(fs, GitLabFileSystem)
    assert fs.cat("README.md") == b"# hello\n"


def test_fsspec_knows_gitlab_by_the_entry_point_and_keeps_its_own_github() -> None:
    program = (
        "import fsspec; print(fsspec.get_filesystem_class('gitlab').__module__);"
        "import fsspeckit_lib.core.forge; from fsspec.registry import known_implementations as known;"
        "print(known['github']['class'])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [
        "fsspeckit_lib.core.forge.filesystems",
        "fsspec.implementations.github.GithubFileSystem",
    ]


def test_a_pickle_is_the_same_filesystem(either: Forge) -> None:
    fs = CLASSES[either.protocol](**_named(either), ref="main")
    again = pickle.loads(pickle.dumps(fs))
    assert again.cat("README.md") == b"# hello\n"
    assert TOKEN not in repr(fs)
    assert TOKEN not in repr(fs.options)


def test_what_fsspec_passes_is_no_option_and_a_misspelt_one_is_refused() -> None:
    GitLabFileSystem(project="g/p", skip_instance_cache=True, use_listings_cache=False, asynchronous=False)
    with pytest.raises(UnknownName, match="'project'"):
        GitLabFileSystem(projet="g/p")
    with pytest.raises(BadInput, match="wanted GitLabStorageOptions"):
        GitLabFileSystem(GitHubStorageOptions())


@pytest.mark.parametrize("source", ["data", "data/", "data/deep", "data/one.csv"])
def test_folders_are_downloaded_by_fsspec_s_rules(either: Forge, tmp_path: Path, source: str) -> None:
    local: Any = LocalFileSystem(auto_mkdir=True)
    for key, data in FILES.items():
        local.pipe_file(f"{tmp_path}/oracle/{key}", data if isinstance(data, bytes) else data.data)
    for number, target in enumerate(("new", "new/", "old", "old/")):
        seen: list[dict[str, bytes]] = []
        for fs, start in (
            (local, f"{tmp_path}/oracle/{source}"),
            (CLASSES[either.protocol](**_named(either), ref="main"), source),
        ):
            place = tmp_path / f"{number}-{len(seen)}"
            (place / "old").mkdir(parents=True)
            fs.get(start, f"{place}/{target}", recursive=True)
            seen.append(
                {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}
            )
        assert seen[1] == seen[0], target
