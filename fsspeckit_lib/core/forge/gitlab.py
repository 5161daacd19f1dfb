"""GitLab's APIs as a forge: REST v4 for refs, trees, blobs and commits, GraphQL for sizes.

Sources: GitLab's documentation, "Repositories API", "Repository files API", "Commits API", "GraphQL API" (limits), and
the parameters that the API itself declares (`pagination=none`). A tree is asked for in one answer where the server
allows (15.3 and later), else page by page (keyset, or by number on servers that answer so). Trees have no sizes: those
come from GraphQL, 100 files in a request, and where it is not available from one HEAD a file.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from fsspeckit_lib.core.forge.http import Answer, StatusRefused
from fsspeckit_lib.core.forge.ports import Change, Commit, Signature
from fsspeckit_lib.core.forge.rest import RestClient, basic_auth, batches, nanoseconds, run_bounded
from fsspeckit_lib.core.forge.tree import LfsObject, Tree, TreeBuilder
from fsspeckit_lib.core.objects import IfAbsent, IfMatch
from fsspeckit_lib.errors import (
    AccessDenied,
    AlreadyExists,
    Conflict,
    Corrupt,
    InvalidValue,
    NotFound,
    Unavailable,
    Unsupported,
)
from fsspeckit_lib.storage_options.gitlab import GitLabStorageOptions
from fsspeckit_lib.storage_options.repositories import RepositoryPlace

__all__ = ["GitLabApi"]

_PAGE = 100
_SIZES_QUERY = (
    "query($p:ID!,$r:String,$n:[String!]!){project(fullPath:$p){repository{blobs(ref:$r,paths:$n,first:%d)"
    "{nodes{path oid size rawSize storedExternally lfsOid}}}}}"
)
_SIZES_BATCH = 100
_ANONYMOUS_BATCH = 85
"""Files in one GraphQL request: its complexity is about (files + 9) × (1 + files/100), of 250, without a token 200."""
_EXISTS = re.compile(r"already exists", re.I)
_CHANGED = re.compile(
    r"has changed since|doesn.t exist|does not exist|could not update|reference.*(update|changed)|stale|conflict", re.I
)


class GitLabApi(RestClient):
    """One project of a GitLab instance."""

    def __init__(self, options: GitLabStorageOptions, place: RepositoryPlace) -> None:
        self._base_url = options.effective_base_url
        self._token = options.auth_headers()
        super().__init__(
            options, place, base_url=self._base_url, token_headers=self._token, extra_headers={"Accept": "*/*"}
        )
        self._api = f"{self._base_url}/api/v4/projects/{quote(place.project, safe='')}"
        self._project: Mapping[str, Any] | None = None
        self._graphql = "JOB-TOKEN" not in self._token  # a job's token is not accepted there
        self._batch = _SIZES_BATCH if self._token else _ANONYMOUS_BATCH
        self._unpaged = True

    @property
    def tells_lfs(self) -> bool:
        """True until GraphQL turned out not to answer."""
        return self._graphql

    def check(self) -> None:
        """Ask for the project."""
        self._ask_project()

    def default_branch(self) -> str | None:
        """Return the project's default branch, asked for once."""
        project = self._project or self._ask_project()
        if project.get("empty_repo") is True or not project.get("default_branch"):
            self._project = None  # it may get its first commit at any time
            return None
        return str(project["default_branch"])

    def resolve(self, ref: str | None) -> Commit | None:
        """Ask for the commit; a 404 is told apart from that of the project."""
        name = ref or self.default_branch()
        if name is None:
            return None
        try:
            url = f"{self._api}/repository/commits/{quote(name, safe='')}?stats=false"
            return _commit(self.mapping(self.get(url, self.shown), self.shown))
        except NotFound:
            project = self._ask_project()  # raises where it is the project that is not there
            if project.get("empty_repo") is True:
                return None
            hint = "; write a ref with slashes as group/project@feature%2Fname" if ref else ""
            raise NotFound(f"{self.shown}: the project has no branch, tag or commit {name!r}{hint}") from None

    def load_tree(self, commit: Commit) -> Tree:
        """Ask for the whole tree: in one answer, else in pages."""
        builder = TreeBuilder()
        url = f"{self._api}/repository/tree?"
        wanted = {"ref": commit.id, "recursive": "true", "per_page": str(_PAGE)}
        page: dict[str, str] = {"pagination": "none" if self._unpaged else "keyset"}
        seen: set[str] = set()
        while True:
            try:
                answer = self.get(url + urlencode({**wanted, **page}), self.shown)
            except (StatusRefused, Unavailable):
                if page.get("pagination") != "none":
                    raise
                self._unpaged, page = (
                    False,
                    {"pagination": "keyset"},
                )  # an older server, or more than it can give at once
                continue
            for row in self.rows(answer, self.shown):
                if row.get("type") != "tree":
                    builder.add(str(row["path"]), int(str(row["mode"]), 8), str(row["id"]))
            following = _next_page(answer)
            if following is None:
                return builder.build()
            mark = urlencode(following)
            if mark in seen:
                raise Corrupt(f"{self.shown}: the server's listing leads back to a page that was read; report it")
            seen.add(mark)
            page = following

    def fill_sizes(self, commit: Commit, tree: Tree, positions: Sequence[int]) -> None:
        """Ask GraphQL for 100 files at once, and for what it does not know one HEAD a file."""
        missing = list(positions)
        if self._graphql:
            run_bounded(lambda some: self._sizes_of(commit, tree, some), batches(missing, self._batch))
            missing = [at for at in missing if tree.size_bytes(at) < 0]
        run_bounded(lambda at: self._size_by_head(commit, tree, at), missing)

    def read_texts(self, blob_ids: Sequence[str]) -> Mapping[str, bytes]:
        """Read each blob, a few at once."""

        wanted = list(dict.fromkeys(blob_ids))
        read = run_bounded(lambda blob_id: self.raw_blob(blob_id, *self.blob_request(blob_id)), wanted)
        return dict(zip(wanted, read, strict=True))

    def blob_request(self, blob_id: str) -> tuple[str, Mapping[str, str]]:
        """Return the raw blob's address: it has no limit of its own, unlike the JSON form."""
        return f"{self._api}/repository/blobs/{blob_id}/raw", {}

    def lfs_request(self) -> tuple[str, Mapping[str, str]]:
        """Return the project's LFS server; tokens go there as passwords."""
        url = f"{self._base_url}/{self._full_path()}.git/info/lfs"
        if "JOB-TOKEN" in self._token:
            return url, basic_auth("gitlab-ci-token", self._token["JOB-TOKEN"])
        if "PRIVATE-TOKEN" in self._token:
            return url, basic_auth("oauth2", self._token["PRIVATE-TOKEN"])
        if "Authorization" in self._token:
            return url, basic_auth("oauth2", self._token["Authorization"].removeprefix("Bearer "))
        return url, {}

    def lfs_fallback(self, commit: Commit, path: str) -> tuple[str, Mapping[str, str]] | None:
        """Return the raw file's address with `lfs=true`: it takes tokens that may only read the API."""
        return f"{self._api}/repository/files/{quote(path, safe='')}/raw?ref={commit.id}&lfs=true", {}

    def make_commit(
        self, branch: str, base: Commit, tree: Tree, changes: Sequence[Change], message: str, signature: Signature
    ) -> Commit:
        """Send all changes as the actions of one commit."""
        del base  # GitLab compares files, not the branch's tip
        document: dict[str, Any] = {
            "branch": branch,
            "commit_message": message,
            "actions": [self._action(branch, tree, change) for change in changes],
            "stats": False,
        }
        if signature.name is not None:
            document["author_name"] = signature.name
        if signature.email is not None:
            document["author_email"] = signature.email
        try:
            answer = self.send("POST", f"{self._api}/repository/commits", self.shown, document, changes=True)
        except StatusRefused as error:
            raise self._refused(error, changes) from error
        return _commit(self.mapping(answer, self.shown))

    def _action(self, branch: str, tree: Tree, change: Change) -> dict[str, Any]:
        if change.data is None:
            return {"action": "delete", "file_path": change.path}
        exists = tree.find(change.path) is not None
        action: dict[str, Any] = {
            "action": "update" if exists else "create",
            "file_path": change.path,
            "content": base64.b64encode(change.data).decode(),
            "encoding": "base64",
        }
        if isinstance(change.only, IfMatch):
            action["last_commit_id"] = self._last_commit(branch, tree, change)
        return action

    def _last_commit(self, branch: str, tree: Tree, change: Change) -> str:
        """Return the last commit of a file whose blob on the branch still is the one that was matched."""
        who = f"{self.shown}/{change.path}"
        url = f"{self._api}/repository/files/{quote(change.path, safe='')}?ref={quote(branch, safe='')}"
        try:
            headers = self._http.request("HEAD", url, who).headers
        except NotFound:
            raise Conflict(f"{who}: the file is gone; look again") from None
        at = tree.find(change.path)
        if at is None or headers.get("x-gitlab-blob-id") != tree.blob_id(at):
            raise Conflict(f"{who}: the file changed meanwhile; look again")
        return headers.get("x-gitlab-last-commit-id", "")

    def _refused(self, error: StatusRefused, changes: Sequence[Change]) -> Exception:
        if _EXISTS.search(error.words):
            if any(isinstance(change.only, IfAbsent) for change in changes):
                return AlreadyExists(f"{self.shown}: {error.words}")
            return Conflict(f"{self.shown}: {error.words}; look again")
        if _CHANGED.search(error.words) or error.status == 409:
            return Conflict(f"{self.shown}: {error.words}; look again")
        if re.search(r"not allowed to push|protected branch", error.words, re.I):
            return AccessDenied(f"{self.shown}: {error.words}; check the token's role")
        return InvalidValue(f"{self.shown}: GitLab refused the commit: {error.words}; is the ref a branch?")

    def _ask_project(self) -> Mapping[str, Any]:
        try:
            self._project = self.mapping(self.get(self._api, self.shown), self.shown)
        except NotFound as error:
            raise NotFound(f"{self.shown}: no such project on {self._base_url}, {self._why_not()}") from error
        return self._project

    def _why_not(self) -> str:
        why = "or the token may not see it" if self._token else "or it is private: no token was given"
        first, _, rest = self.place.project.partition("/")
        if "." in first and "/" in rest:
            return f"{why}; {first!r} was read as a group: give a host as base_url=https://{first}"
        if "/" in rest and self.place.ref is None:
            return f"{why}; a path inside a project is written GROUP/PROJECT@REF/PATH"
        return why

    def _full_path(self) -> str:
        if not self.place.project.isdigit():
            return self.place.project
        return str((self._project or self._ask_project())["path_with_namespace"])

    def _sizes_of(self, commit: Commit, tree: Tree, positions: Sequence[int]) -> None:
        """Fill in sizes and LFS objects from one GraphQL request, or from halves of it where it asks too much."""
        if not self._graphql:
            return
        by_path = {tree.path(at): at for at in positions}
        document = {
            "query": _SIZES_QUERY % max(1, len(positions)),
            "variables": {"p": self._full_path(), "r": commit.id, "n": list(by_path)},
        }
        try:
            url = f"{self._base_url}/api/graphql"
            found = self.mapping(self.send("POST", url, self.shown, document, changes=False), self.shown)
            errors = found.get("errors")
            if errors:
                if "complexity" in str(errors) and len(positions) > 1:
                    self._batch = max(1, min(self._batch, len(positions) // 2))
                    for half in batches(positions, len(positions) // 2 + 1):
                        self._sizes_of(commit, tree, half)
                    return
                raise Unsupported(str(errors))
            nodes = found["data"]["project"]["repository"]["blobs"]["nodes"]
        except (AccessDenied, NotFound, Unsupported, StatusRefused, Corrupt, KeyError, TypeError):
            self._graphql = False  # too old, switched off, or not for this token: HEAD tells the rest
            return
        for node in nodes:
            position = by_path.get(node["path"])
            if position is None or node["oid"] != tree.blob_id(position) or node["size"] is None:
                continue
            tree.set_size(position, int(node["size"]))
            is_lfs = node["storedExternally"] and node["lfsOid"] and node["rawSize"] is not None
            tree.set_lfs(position, LfsObject(node["lfsOid"], int(node["rawSize"])) if is_lfs else None)

    def _size_by_head(self, commit: Commit, tree: Tree, at: int) -> None:
        path = tree.path(at)
        who = f"{self.shown}/{path}"
        url = f"{self._api}/repository/files/{quote(path, safe='')}?ref={commit.id}"
        headers = self._http.request("HEAD", url, who).headers
        size = headers.get("x-gitlab-size", "")
        if not size.isdigit():
            raise Corrupt(f"{who}: found no X-Gitlab-Size in the answer, wanted GitLab's API; check base_url")
        tree.set_size(at, int(size))


def _commit(found: Mapping[str, Any]) -> Commit:
    return Commit(
        str(found["id"]),
        "",
        nanoseconds(found.get("committed_date") or found.get("created_at")),
        tuple(map(str, found.get("parent_ids") or ())),
    )


def _next_page(answer: Answer) -> dict[str, str] | None:
    """Return the parameters of the next page, by the Link header or the page's number; None after the last."""
    for link in answer.headers.get("link", "").split(","):
        address, _, relation = link.partition(";")
        if 'rel="next"' in relation:
            # only its token: the host in it may be one that is only known behind a proxy
            asked = parse_qs(urlsplit(address.strip().strip("<>")).query)
            if "page_token" in asked:
                return {"pagination": "keyset", "page_token": asked["page_token"][0]}
            if "page" in asked:
                return {"page": asked["page"][0]}
    number = answer.headers.get("x-next-page", "").strip()
    return {"page": number} if number else None
