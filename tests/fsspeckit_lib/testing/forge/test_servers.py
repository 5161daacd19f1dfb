"""The stand-ins against what the forges' documentation says of them, asked with the standard library's client."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from fsspeckit_lib.testing.forge import (
    Fault,
    ForgeServer,
    GitFile,
    GitHubServer,
    GitLabServer,
    GitRepository,
    Project,
    link,
    submodule,
)
from fsspeckit_lib.testing.forge.graphql import GraphQLError, execute, parse

FILES: dict[str, bytes | GitFile] = {
    "README.md": b"# hi\n",
    "lib/a.rb": b"a" * 300,
    "lib/b c.rb": b"b",
    "link": link("README.md"),
}


class Client:
    """Asks a server, as a token's owner or nobody."""

    def __init__(self, server: ForgeServer, headers: Mapping[str, str]) -> None:
        self._server = server
        self._headers = headers

    def __call__(self, path: str, *, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        sent = {**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._server.url + path, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, _decoded(answer.read(), answer.headers), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decoded(error.read(), error.headers), error.headers


def _decoded(body: bytes, headers: Any) -> Any:
    return json.loads(body) if "json" in headers.get("Content-Type", "") and body else body


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    found = GitRepository.create(tmp_path / "repository.git")
    found.commit({**FILES, "module": submodule("12" * 20)})
    return found


@pytest.fixture
def gitlab(repository: GitRepository) -> Iterator[GitLabServer]:
    with GitLabServer.start(
        Project("group/sub/project", repository, id=7, tokens={"rw": "write", "ro": "read"})
    ) as found:
        yield found


@pytest.fixture
def github(repository: GitRepository) -> Iterator[GitHubServer]:
    with GitHubServer.start(Project("owner/repo", repository, tokens={"rw": "write", "ro": "read"})) as found:
        yield found


def test_gitlab_projects_by_number_and_path(gitlab: GitLabServer) -> None:
    ask = Client(gitlab, {"PRIVATE-TOKEN": "ro"})
    for name in ("7", "group%2Fsub%2Fproject"):
        status, found, _ = ask(f"/api/v4/projects/{name}")
        assert status == 200
        assert found["default_branch"] == "main"
        assert found["path_with_namespace"] == "group/sub/project"
    assert ask("/api/v4/projects/8")[0] == 404
    assert Client(gitlab, {"PRIVATE-TOKEN": "bad"})("/api/v4/projects/7")[0] == 401
    gitlab.projects[0].private = True
    assert Client(gitlab, {})("/api/v4/projects/7")[0] == 404
    assert Client(gitlab, {"Authorization": "Bearer ro"})("/api/v4/projects/7")[0] == 200
    assert Client(gitlab, {"JOB-TOKEN": "ro"})("/api/v4/projects/7")[0] == 200


def test_gitlab_trees_have_no_sizes_and_are_paged(gitlab: GitLabServer) -> None:
    ask = Client(gitlab, {})
    tree = "/api/v4/projects/7/repository/tree"
    _, rows, _ = ask(f"{tree}?per_page=100")
    assert [(row["name"], row["type"], row["mode"]) for row in rows] == [
        ("lib", "tree", "040000"),
        ("README.md", "blob", "100644"),
        ("link", "blob", "120000"),
        ("module", "commit", "160000"),
    ]
    assert set(rows[0]) == {"id", "name", "type", "path", "mode"}
    _, rows, headers = ask(f"{tree}?recursive=true&per_page=2&page=2")
    assert (len(rows), headers["X-Next-Page"], headers["X-Total"]) == (2, "3", "6")
    seen, query = [], "recursive=true&pagination=keyset&per_page=2"
    while query:
        _, rows, headers = ask(f"{tree}?{query}")
        seen += [row["path"] for row in rows]
        following = headers.get("Link", "").partition(">")[0].lstrip("<")
        query = urlsplit(following).query
        assert not query or "page_token" in parse_qs(query)
        assert headers.get("X-Total") is None
    assert seen == ["README.md", "lib", "lib/a.rb", "lib/b c.rb", "link", "module"]
    assert len(ask(f"{tree}?recursive=true&pagination=none")[1]) == 6
    assert ask(f"{tree}?pagination=none")[0] == 400
    assert ask(f"{tree}?path=nope")[0] == 404
    assert ask(f"{tree}?ref=nope")[0] == 404
    assert [row["path"] for row in ask(f"{tree}?path=lib")[1]] == ["lib/a.rb", "lib/b c.rb"]


def test_gitlab_files_and_blobs(gitlab: GitLabServer, repository: GitRepository) -> None:
    ask = Client(gitlab, {})
    file = "/api/v4/projects/7/repository/files/lib%2Fb%20c%2Erb"
    status, _, headers = ask(f"{file}?ref=main", method="HEAD")
    row = repository.find("main", "lib/b c.rb")
    assert row is not None
    assert (status, headers["X-Gitlab-Size"], headers["X-Gitlab-Blob-Id"]) == (200, "1", row.id)
    assert headers["X-Gitlab-Commit-Id"] == headers["X-Gitlab-Last-Commit-Id"] == repository.resolve("main")
    assert headers["X-Gitlab-Execute-Filemode"] == "false"
    _, found, _ = ask(f"{file}?ref=main")
    assert base64.b64decode(found["content"]) == b"b"
    assert ask(f"{file}/raw?ref=main")[1] == b"b"
    assert ask(file.replace("b%20c", "none") + "?ref=main")[0] == 404
    big = repository.find("main", "lib/a.rb")
    assert big is not None
    blob = f"/api/v4/projects/7/repository/blobs/{big.id}/raw"
    status, data, headers = ask(blob, Range="bytes=10-19")
    assert (status, data, headers["Content-Range"]) == (206, b"a" * 10, "bytes 10-19/300")
    assert ask(blob, Range="bytes=300-")[0] == 416
    gitlab.ranges = False
    assert ask(blob, Range="bytes=10-19")[0] == 200


def test_gitlab_refs_and_etags(gitlab: GitLabServer, repository: GitRepository) -> None:
    repository.tag("v1", "main")
    repository.branch("feature/x", repository.resolve("main"))
    ask = Client(gitlab, {})
    base = "/api/v4/projects/7/repository"
    assert {row["name"] for row in ask(f"{base}/branches")[1]} == {"main", "feature/x"}
    assert ask(f"{base}/branches/feature%2Fx")[1]["commit"]["id"] == repository.resolve("main")
    assert [row["name"] for row in ask(f"{base}/tags")[1]] == ["v1"]
    _, commit, headers = ask(f"{base}/commits/feature%2Fx")
    assert commit["committed_date"].startswith("2023-11-1")
    assert ask(f"{base}/commits/feature%2Fx", If_None_Match=headers["ETag"])[0] == 304
    assert ask(f"{base}/commits/none")[0] == 404


def test_gitlab_commits_with_actions(gitlab: GitLabServer, repository: GitRepository) -> None:
    url = "/api/v4/projects/7/repository/commits"
    document: dict[str, Any] = {"branch": "main", "commit_message": "m", "actions": []}

    def commit(*actions: dict[str, str], token: str = "rw") -> tuple[int, Any]:
        body = {**document, "actions": list(actions)}
        status, found, _ = Client(gitlab, {"PRIVATE-TOKEN": token} if token else {})(url, method="POST", body=body)
        return status, found

    create = {
        "action": "create",
        "file_path": "x/new",
        "content": base64.b64encode(b"\xff").decode(),
        "encoding": "base64",
    }
    assert commit(create, token="")[0] == 401
    assert commit(create, token="ro")[0] == 403
    first = repository.resolve("main")
    status, made = commit(create, {"action": "delete", "file_path": "link"})
    assert (status, made["parent_ids"]) == (201, [first])
    assert repository.find(made["id"], "x/new") is not None
    assert repository.find(made["id"], "link") is None
    assert commit(create)[1] == {"message": "A file with this name already exists"}
    assert commit({"action": "update", "file_path": "none", "content": "1"})[0] == 400
    stale = {"action": "update", "file_path": "README.md", "content": "1", "last_commit_id": made["id"]}
    assert commit(stale)[0] == 400
    assert commit({**stale, "last_commit_id": first})[0] == 201
    document["branch"] = "none"
    assert "on a branch" in commit(create)[1]["message"]


def test_gitlab_graphql_counts_complexity(gitlab: GitLabServer) -> None:
    query = (
        "query($p:ID!,$n:[String!]!){project(fullPath:$p){repository{blobs(paths:$n,first:100){nodes{path rawSize}}}}}"
    )

    def ask(count: int, **headers: str) -> Any:
        variables = {"p": "group/sub/project", "n": ["lib/a.rb", *(f"none{at}" for at in range(count - 1))]}
        return Client(gitlab, headers)("/api/graphql", method="POST", body={"query": query, "variables": variables})[1]

    assert ask(80)["data"]["project"]["repository"]["blobs"]["nodes"] == [{"path": "lib/a.rb", "rawSize": "300"}]
    assert "exceeds max complexity of 200" in ask(100)["errors"][0]["message"]
    assert "data" in ask(100, **{"PRIVATE-TOKEN": "ro"})


def test_github_trees_blobs_and_refs(github: GitHubServer, repository: GitRepository) -> None:
    ask = Client(github, {"Authorization": "Bearer ro"})
    base = "/api/v3/repos/owner/repo"
    assert ask(base)[1]["default_branch"] == "main"
    _, commit, headers = ask(f"{base}/commits/main")
    assert commit["sha"] == repository.resolve("main")
    assert ask(f"{base}/commits/main", If_None_Match=headers["ETag"])[0] == 304
    assert ask(f"{base}/commits/none")[0] == 422
    tree = commit["commit"]["tree"]["sha"]
    _, found, _ = ask(f"{base}/git/trees/{tree}?recursive=1")
    sizes = {row["path"]: row.get("size") for row in found["tree"]}
    assert sizes == {"README.md": 5, "lib": None, "lib/a.rb": 300, "lib/b c.rb": 1, "link": 9, "module": None}
    assert found["truncated"] is False
    github.truncate_at = 2
    assert ask(f"{base}/git/trees/{tree}?recursive=1")[1]["truncated"] is True
    row = repository.find("main", "lib/a.rb")
    assert row is not None
    assert base64.b64decode(ask(f"{base}/git/blobs/{row.id}")[1]["content"]) == b"a" * 300
    assert ask(f"{base}/git/blobs/{row.id}", Accept="application/vnd.github.raw+json")[1] == b"a" * 300
    assert ask(f"{base}/contents/{quote('lib/b c.rb')}", Accept="application/vnd.github.raw+json")[1] == b"b"
    assert ask(f"{base}/git/ref/heads/main")[1]["object"]["sha"] == commit["sha"]
    assert Client(github, {"Authorization": "Bearer bad"})(base)[0] == 401
    github.projects[0].private = True
    assert Client(github, {})(base)[0] == 404


def test_github_writes_move_a_branch_forward_only(github: GitHubServer, repository: GitRepository) -> None:
    base = "/api/v3/repos/owner/repo/git"
    ask = Client(github, {"Authorization": "Bearer rw"})
    tip = repository.resolve("main")
    blob = ask(f"{base}/blobs", method="POST", body={"content": "bmV3", "encoding": "base64"})[1]["sha"]
    entries = [
        {"path": "new", "mode": "100644", "type": "blob", "sha": blob},
        {"path": "link", "mode": "120000", "type": "blob", "sha": None},
    ]
    tree = repository.describe(tip).tree
    made = ask(f"{base}/trees", method="POST", body={"base_tree": tree, "tree": entries})[1]["sha"]
    body = {"message": "m", "tree": made, "parents": [tip]}
    commits = [ask(f"{base}/commits", method="POST", body={**body, "message": name})[1]["sha"] for name in "ab"]
    assert ask(f"{base}/refs/heads/main", method="PATCH", body={"sha": commits[0], "force": False})[0] == 200
    status, said, _ = ask(f"{base}/refs/heads/main", method="PATCH", body={"sha": commits[1], "force": False})
    assert (status, said["message"]) == (422, "Update is not a fast forward")
    assert repository.find("main", "new") is not None
    assert repository.find("main", "link") is None
    read_only = Client(github, {"Authorization": "Bearer ro"})
    assert read_only(f"{base}/blobs", method="POST", body={"content": ""})[0] == 403


def test_lfs_objects_are_handed_out_by_the_batch_api(gitlab: GitLabServer) -> None:
    project = gitlab.projects[0]
    pointer = project.add_lfs(b"content").decode()
    oid = pointer.split("sha256:")[1][:64]
    body = {"operation": "download", "objects": [{"oid": oid, "size": 7}, {"oid": "0" * 64, "size": 1}]}
    accept = {"Accept": "application/vnd.git-lfs+json"}
    batch = "/group/sub/project.git/info/lfs/objects/batch"
    _, found, _ = Client(gitlab, accept)(batch, method="POST", body=body)
    action = found["objects"][0]["actions"]["download"]
    assert found["objects"][1]["error"]["code"] == 404
    path = action["href"].removeprefix(gitlab.url)
    assert Client(gitlab, action["header"])(path)[1] == b"content"
    assert Client(gitlab, {})(path)[0] == 403
    project.private = True
    assert Client(gitlab, accept)(batch, method="POST", body=body)[0] == 404
    basic = {"Authorization": "Basic " + base64.b64encode(b"any:ro").decode()}
    assert Client(gitlab, {**accept, **basic})(batch, method="POST", body=body)[0] == 200


def test_faults_strike_as_they_are_written(gitlab: GitLabServer) -> None:
    ask = Client(gitlab, {})
    url = "/api/v4/projects/7"
    gitlab.faults.add(Fault("status", path="nowhere", status=500), Fault("status", path="/7", status=429, times=2))
    assert [ask(url)[0] for _ in range(3)] == [429, 429, 200]
    gitlab.faults.clear()
    gitlab.faults.add(Fault("cut"), Fault("reset"))
    with pytest.raises((http.client.IncompleteRead, OSError)):
        ask(url)
    with pytest.raises(OSError):
        ask(url)
    assert ask(url)[0] == 200
    gitlab.faults.at_random(0.5, (Fault("status", status=500),), seed=1)
    statuses = [ask(url)[0] for _ in range(40)]
    assert {200, 500} == set(statuses)
    assert [seen.status for seen in gitlab.requests][-40:] == statuses
    assert gitlab.count("GET /api/v4/projects/7") == 46


def test_graphql_says_what_it_does_not_know() -> None:
    thing = {"__typename": "Thing", "name": "n", "other": lambda to: {"__typename": "Other", "it": to}, "none": None}
    schema = {"thing": thing}
    selections = parse("query Q($x:Int){thing{name a:other(to:$x){it} ...on Thing{none{x}} ...on Else{y}}}", {"x": 5})
    assert execute(selections, schema) == {"thing": {"name": "n", "a": {"it": 5}, "none": None}}
    assert execute(parse('{thing{other(to:["a\\"b", 1, true, null]){it}}}', {}), schema)["thing"]["other"]["it"] == [
        'a"b', 1, True, None,
    ]  # fmt: skip
    for query in ("{thing{nope}}", "{thing", "{thing{name}} {x}", "query{thing(x:$y){name}}", "{thing{~}}"):
        with pytest.raises(GraphQLError):
            execute(parse(query, {}), schema)


def test_a_repository_is_git_s(tmp_path: Path) -> None:
    repository = GitRepository.create(tmp_path / "r.git", default_branch="trunk")
    assert repository.is_empty()
    odd = {'quote".txt': b"1", "tab\tnew\nline": b"2", "back\\slash": b"3", "日本": b"4"}
    first = repository.commit(odd)
    assert repository.default_branch == "trunk"
    assert {row.path: repository.read(row.id) for row in repository.tree(first)} == {
        path: ("blob", data) for path, data in odd.items()
    }
    second = repository.commit({"more": b"5"}, delete=["日本"])
    assert {row.path for row in repository.tree(second)} == {*odd, "more"} - {"日本"}
    assert repository.describe(second).parents == (first,)
    assert repository.last_commit(second, "back\\slash") == first
    assert repository.read("0" * 40) is None
    repository.close()
