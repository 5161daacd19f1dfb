"""Changes as commits: what Git says afterwards, conflicts, lost replies, and that nothing is written unasked."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fsspeckit_lib.core.forge import ForgeObjects
from fsspeckit_lib.core.forge.trees import TREES
from fsspeckit_lib.core.objects import IfAbsent, IfMatch
from fsspeckit_lib.errors import (
    AccessDenied,
    AlreadyExists,
    Conflict,
    InvalidValue,
    IsADirectory,
    NotADirectory,
    NotFound,
    OutcomeUnknown,
    ReadOnly,
    ResourceExhausted,
    Unavailable,
    Unsupported,
)
from fsspeckit_lib.testing.forge import Fault
from tests.fsspeckit_lib.core.forge.places import (
    FILES,
    TOKEN,
    Forge,
    archived,
    contents,
    everything,
    forge,
    info_of,
    keys,
)


def _now(found: Forge) -> dict[str, bytes]:
    return archived(found.repository, found.repository.resolve("main"))


def _commits(found: Forge) -> int:
    counted = subprocess.run(
        ["git", "rev-list", "--count", "main"], cwd=found.repository.directory, check=True, capture_output=True
    )
    return int(counted.stdout)


def test_nothing_is_written_unless_asked(either: Forge) -> None:
    store = either.open("@main")
    either.server.forget()
    changes = (
        lambda: store.put("new", b"1"),
        lambda: store.open_writer("new"),
        lambda: store.copy("README.md", "new"),
        lambda: store.delete(["README.md"]),
        lambda: store.commit("m").__enter__(),
    )
    for change in changes:
        with pytest.raises(ReadOnly, match="write=true"):
            change()
    at_commit = either.open(f"@{either.repository.resolve('main')}", write=True)
    with pytest.raises(ReadOnly, match="a commit never changes"):
        at_commit.put("new", b"1")
    assert either.server.count() == 0
    assert _commits(either) == 1


def test_one_file_is_one_commit_and_seen_at_once(either: Forge) -> None:
    store = either.open("@main", write=True, ref_ttl_s=600, author_name="Ada", author_email="ada@example.com")
    assert keys(store) == set(FILES)
    data = bytes(range(256)) * 10
    store.put("new/日本 #%.bin", data)
    store.put("README.md", b"second")
    store.delete(["run.sh", "never was"])
    store.copy("data/one.csv", "copied.csv")
    expected = contents(FILES) | {"new/日本 #%.bin": data, "README.md": b"second", "copied.csv": FILES["data/one.csv"]}
    del expected["run.sh"]
    assert everything(store) == expected
    assert _now(either) == expected
    assert _commits(either) == 5
    either.server.forget()
    assert keys(store) == set(expected)
    assert either.server.count() == 0  # its own writes are known to the store
    TREES.clear()
    assert everything(either.open("@main")) == expected
    said = either.repository.describe(either.repository.resolve("main~3"))
    assert (said.author_name, said.author_email) == ("Ada", "ada@example.com")
    assert said.message == "Write new/日本 #%.bin\n"


def test_several_files_are_one_commit(either: Forge) -> None:
    store = either.open("@main", write=True)
    with store.commit("Publish January") as batch:
        batch.put("data/january.csv", b"1")
        batch.put("data/february.csv", b"2")
        batch.put("data/february.csv", b"3")
        batch.move("run.sh", "bin/run.sh")
        batch.delete(["empty", "never was"])
        batch.copy("README.md", "docs/index.md")
    expected = contents(FILES) | {
        "data/january.csv": b"1",
        "data/february.csv": b"3",
        "bin/run.sh": b"#!/bin/sh\n",
        "docs/index.md": b"# hello\n",
    }
    del expected["run.sh"], expected["empty"]
    assert _now(either) == everything(store) == expected
    assert _commits(either) == 2
    assert either.repository.describe("main").message == "Publish January\n"


def test_an_error_in_the_block_commits_nothing(either: Forge) -> None:
    store = either.open("@main", write=True)
    with pytest.raises(ZeroDivisionError), store.commit("half") as batch:  # noqa: PT012
        batch.put("half", b"1")
        raise ZeroDivisionError
    with store.commit("nothing"):
        pass
    assert _commits(either) == 1


def test_what_is_there_already_makes_no_commit(either: Forge) -> None:
    store = either.open("@main", write=True)
    store.put("README.md", FILES["README.md"])  # type: ignore[arg-type]
    store.delete(["never was"])
    store.delete([])
    assert _commits(either) == 1


def test_if_match_and_if_absent_against_somebody_else(either: Forge) -> None:
    store = either.open("@main", write=True, ref_ttl_s=600)
    info = info_of(store, "README.md")
    assert info.etag is not None
    either.repository.commit({"README.md": b"somebody else's", "taken": b"x", "run.sh": b"elsewhere"})
    with pytest.raises(Conflict):
        store.put("README.md", b"mine", only=IfMatch(info.etag))
    with pytest.raises(AlreadyExists):
        store.put("taken", b"mine", only=IfAbsent())
    with pytest.raises(Conflict), store.commit("all or nothing") as batch:  # noqa: PT012
        batch.put("fine", b"1")
        batch.put("README.md", b"mine", only=IfMatch(info.etag))
    assert "fine" not in _now(either)
    store.put("README.md", b"mine", only=IfMatch(info_of(store, "README.md").etag or ""))
    store.put("unconditional", b"1")
    assert _now(either)["README.md"] == b"mine"
    assert _now(either)["run.sh"] == b"elsewhere"
    with pytest.raises(Conflict):
        store.put("gone", b"1", only=IfMatch(info.etag))


def test_a_lost_reply_is_an_unknown_outcome(either: Forge) -> None:
    store = either.open("@main", write=True)
    store.stat("")
    change = "POST .*repository/commits" if either.protocol == "gitlab" else "PATCH "
    either.server.faults.add(Fault("lose", path=change))
    with pytest.raises(OutcomeUnknown):
        store.put("lost", b"1")
    assert _now(either)["lost"] == b"1"  # here it was made
    for fault in (Fault("reset", path=change), Fault("status", path=change, status=502)):
        either.server.faults.add(fault)
        with pytest.raises(OutcomeUnknown):
            store.put("never", b"1")
        assert "never" not in _now(either)  # and here it was not
    store.put("never", b"1")
    assert bytes(store.get("never")[1]) == b"1"


def test_a_refusal_before_the_change_is_tried_again(either: Forge) -> None:
    store = either.open("@main", write=True)
    change = "POST .*repository/commits" if either.protocol == "gitlab" else "POST .*git/commits|PATCH "
    either.server.faults.add(Fault("status", path=change, status=429, headers={"Retry-After": "0"}, times=2))
    store.put("new", b"1")
    assert _now(either)["new"] == b"1"
    either.server.faults.add(Fault("status", path=change, status=429, times=99))
    with pytest.raises(Unavailable):
        either.open("@main", write=True, max_retries=0).put("more", b"1")


def test_a_branch_that_moves_in_between(either: Forge) -> None:
    """The forge refuses what was made for another commit; everything is checked again on the new one."""
    store = either.open("@main", write=True)
    refused = (
        Fault(
            "status",
            path="POST .*repository/commits",
            status=400,
            body=b'{"message": "Could not update refs/heads/main"}',
        )
        if either.protocol == "gitlab"
        else Fault("status", path="PATCH", status=422, body=b'{"message": "Update is not a fast forward"}')
    )
    either.server.faults.add(refused)
    with pytest.raises(Conflict):
        store.put("mine", b"1")  # nothing moved: it is the forge's last word

    class Moving(ForgeObjects):
        moved = False

        def etag_at(self, commit, tree, path):  # type: ignore[no-untyped-def]
            if not self.moved:
                self.moved = True
                either.repository.commit({"other": b"in between"})
            return super().etag_at(commit, tree, path)

    opened = either.open("@main", write=True)
    moving = Moving(opened._forge, opened._options, opened._place)
    etag = info_of(opened, "README.md").etag or ""
    moving.put("README.md", b"mine", only=IfMatch(etag))
    assert _now(either)["README.md"] == b"mine"
    assert _now(either)["other"] == b"in between"
    assert everything(moving) == _now(either)


def test_executable_files_stay_executable(either: Forge) -> None:
    store = either.open("@main", write=True)
    store.put("run.sh", b"#!/bin/sh\ntrue\n")
    store.put("data/one.csv", b"1")
    rows = {row.path: row.mode for row in either.repository.tree(either.repository.resolve("main"))}
    assert rows["run.sh"] == "100755"
    assert rows["data/one.csv"] == "100644"


def test_names_that_cannot_be(either: Forge) -> None:
    store = either.open("@main", write=True)
    for key in ("", "a//b", "../up", "a/./b", ".git/config", "x/.GIT/y", "nul\0"):
        with pytest.raises(InvalidValue):
            store.put(key, b"1")
    with pytest.raises(IsADirectory):
        store.put("data", b"1")
    with pytest.raises(NotADirectory):
        store.put("README.md/below", b"1")
    with pytest.raises(NotFound):
        store.copy("nope", "x")
    assert _commits(either) == 1


def test_who_may_not_write(either: Forge) -> None:
    either.project.tokens["reader"] = "read"
    with pytest.raises(AccessDenied):
        either.open("@main", write=True, token="reader").put("x", b"1")
    either.repository.tag("v1", "main")
    with pytest.raises(InvalidValue, match="is the ref a branch"):
        either.open("@v1", write=True).put("x", b"1")
    assert TOKEN in either.project.tokens


def test_too_much_for_one_commit(either: Forge) -> None:
    store = either.open("@main", write=True)
    writer = store.open_writer("huge")
    chunk = bytes(30 << 20)
    for _ in range(3):
        writer.write(chunk)
    with pytest.raises(ResourceExhausted):
        writer.write(chunk)
    writer.abort()
    assert _commits(either) == 1


def test_the_first_commit_is_made_with_git(tmp_path: Path) -> None:
    for protocol in ("gitlab", "github"):
        with forge(protocol, tmp_path) as found, pytest.raises(Unsupported, match="empty"):
            found.open(write=True).put("x", b"1")


def test_a_branch_with_a_slash(either: Forge) -> None:
    either.repository.branch("feature/x", either.repository.resolve("main"))
    store = either.open("@feature%2Fx/data", write=True)
    store.put("new", b"1")
    assert bytes(store.get("new")[1]) == b"1"
    assert either.repository.find(either.repository.resolve("feature/x"), "data/new") is not None
    assert _commits(either) == 1


def test_a_file_that_gitlab_puts_into_lfs_is_asked_for_again(gitlab: Forge) -> None:
    gitlab.repository.commit({".gitattributes": b"*.lfs filter=lfs\n"})
    store = gitlab.open("@main", write=True, ref_ttl_s=600)
    keys(store)
    gitlab.server.forget()
    store.put("x.lfs", b"content")
    assert bytes(store.get("x.lfs")[1]) == b"content"
    assert gitlab.server.count("repository/tree") == 1
