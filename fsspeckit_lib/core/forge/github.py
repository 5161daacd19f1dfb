"""GitHub's APIs as a forge: REST for refs, trees, blobs and commits, GraphQL for many small texts at once.

Sources: GitHub's REST documentation, "Git database" (trees, blobs, commits, references), "Commits", "Rate limits";
GraphQL `Repository.object(oid:)`. Trees come with sizes, in one answer up to 100,000 entries or 7 MB; a truncated one
is walked directory by directory. Blobs are read raw, which GitHub does up to 100 MB.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fsspeckit_lib.core.forge.http import StatusRefused
from fsspeckit_lib.core.forge.ports import Change, Commit, Signature, blob_id_of
from fsspeckit_lib.core.forge.rest import RestClient, basic_auth, batches, nanoseconds, run_bounded
from fsspeckit_lib.core.forge.tree import UNKNOWN, Tree, TreeBuilder
from fsspeckit_lib.errors import Conflict, InvalidValue, NotFound, Unsupported
from fsspeckit_lib.storage_options.github import GitHubStorageOptions
from fsspeckit_lib.storage_options.repositories import RepositoryPlace

__all__ = ["GitHubApi"]

_RAW = {"Accept": "application/vnd.github.raw+json"}
_EMPTY, _UNPROCESSABLE = 409, 422
_TEXTS_BATCH = 50


class GitHubApi(RestClient):
    """One repository on GitHub or a GitHub Enterprise server."""

    def __init__(self, options: GitHubStorageOptions, place: RepositoryPlace) -> None:
        api_url = options.api_url
        self._token = options.auth_headers()
        self._server = options.effective_base_url
        self._graphql_url = options.graphql_url
        super().__init__(
            options,
            place,
            base_url=api_url,
            token_headers=self._token,
            extra_headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
        )
        self._api = f"{api_url}/repos/{quote(place.project)}"
        self._repository: Mapping[str, Any] | None = None
        self._graphql = bool(self._token)  # it answers nobody without one
        self._last: tuple[str, str, Commit] | None = None

    @property
    def tells_lfs(self) -> bool:
        """False: pointers are read."""
        return False

    def check(self) -> None:
        """Ask for the repository."""
        self._ask_repository()

    def default_branch(self) -> str | None:
        """Return the repository's default branch, asked for once."""
        repository = self._repository or self._ask_repository()
        return str(repository.get("default_branch") or "") or None

    def resolve(self, ref: str | None) -> Commit | None:
        """Ask for the commit; one that did not change costs a 304, which GitHub does not count."""
        name = ref or self.default_branch()
        if name is None:
            return None
        known = self._last if self._last is not None and self._last[0] == name else None
        try:
            answer = self.get(
                f"{self._api}/commits/{quote(name, safe='')}?per_page=1",  # one file of its difference, not all
                self.shown,
                accept=(_EMPTY, _UNPROCESSABLE),
                **({"If_None_Match": known[1]} if known is not None and known[1] else {}),
            )
        except NotFound:
            self._ask_repository()  # raises where it is the repository that is not there
            raise self._no_ref(name) from None
        if answer.status == 304 and known is not None:
            return known[2]
        if answer.status == _EMPTY:
            return None
        if answer.status == _UNPROCESSABLE:
            raise self._no_ref(name)
        found = self.mapping(answer, self.shown)
        inner = found["commit"]
        commit = Commit(
            str(found["sha"]),
            str(inner["tree"]["sha"]),
            nanoseconds(inner["committer"]["date"]),
            tuple(str(parent["sha"]) for parent in found.get("parents", ())),
        )
        self._last = (name, answer.headers.get("etag", ""), commit)
        return commit

    def load_tree(self, commit: Commit) -> Tree:
        """Ask for the whole tree, and where the answer is truncated for each directory's."""
        builder = TreeBuilder()
        self._add_tree(builder, commit.tree_id, "")
        return builder.build()

    def fill_sizes(self, commit: Commit, tree: Tree, positions: Sequence[int]) -> None:
        """Do nothing: trees come with sizes."""

    def read_texts(self, blob_ids: Sequence[str]) -> Mapping[str, bytes]:
        """Read small blobs, 50 in a GraphQL request where there is a token, and what it does not give one by one."""
        found: dict[str, bytes] = {}
        if self._graphql and len(blob_ids) > 1:
            for texts in run_bounded(self._texts_of, batches(list(dict.fromkeys(blob_ids)), _TEXTS_BATCH)):
                found.update(texts)

        missing = [blob_id for blob_id in dict.fromkeys(blob_ids) if blob_id not in found]
        read = run_bounded(lambda blob_id: self.raw_blob(blob_id, *self.blob_request(blob_id)), missing)
        return {**found, **dict(zip(missing, read, strict=True))}

    def blob_request(self, blob_id: str) -> tuple[str, Mapping[str, str]]:
        """Return the blob's address and the media type of its raw form."""
        return f"{self._api}/git/blobs/{blob_id}", _RAW

    def lfs_request(self) -> tuple[str, Mapping[str, str]]:
        """Return the repository's LFS server; the token goes there as a password."""
        url = f"{self._server}/{self.place.project}.git/info/lfs"
        if not self._token:
            return url, {}
        return url, basic_auth("x-access-token", self._token["Authorization"].removeprefix("Bearer "))

    def lfs_fallback(self, commit: Commit, path: str) -> tuple[str, Mapping[str, str]] | None:
        """Return None: GitHub's API serves pointers only."""
        del commit, path
        return None

    def make_commit(
        self, branch: str, base: Commit, tree: Tree, changes: Sequence[Change], message: str, signature: Signature
    ) -> Commit:
        """Make blobs, a tree and a commit, which nobody sees, and then move the branch to it, if it still is there."""
        entries = run_bounded(lambda change: self._entry(tree, change), changes)
        who = self.shown
        # nothing refers to these yet: made twice they are the same, and lost they are collected
        made = self.mapping(self._post("git/trees", {"base_tree": base.tree_id, "tree": entries}, changes=False), who)
        document: dict[str, Any] = {"message": message, "tree": made["sha"], "parents": [base.id]}
        if signature.name is not None and signature.email is not None:
            document["author"] = {"name": signature.name, "email": signature.email}
        found = self.mapping(self._post("git/commits", document, changes=False), who)
        commit = Commit(str(found["sha"]), str(made["sha"]), nanoseconds(found["committer"]["date"]), (base.id,))
        try:
            url = f"{self._api}/git/refs/heads/{quote(branch)}"
            self.send("PATCH", url, who, {"sha": commit.id, "force": False}, changes=True)
        except StatusRefused as error:
            if "fast forward" in error.words.lower():
                raise Conflict(f"{who}: the branch moved meanwhile ({error.words}); look again") from error
            raise InvalidValue(f"{who}: GitHub refused the commit: {error.words}; is the ref a branch?") from error
        self._last = None
        return commit

    def _entry(self, tree: Tree, change: Change) -> dict[str, Any]:
        at = tree.find(change.path)
        mode = f"{tree.mode(at) if at is not None else 0o100644:06o}"
        entry: dict[str, Any] = {"path": change.path, "mode": mode, "type": "blob", "sha": change.source_blob_id}
        if change.data is not None and change.source_blob_id is None:
            document = {"content": base64.b64encode(change.data).decode(), "encoding": "base64"}
            made = self.mapping(self._post("git/blobs", document, changes=False), self.shown)
            entry["sha"] = str(made["sha"])
        return entry

    def _post(self, path: str, document: Any, *, changes: bool) -> Any:
        try:
            return self.send("POST", f"{self._api}/{path}", self.shown, document, changes=changes)
        except StatusRefused as error:
            raise InvalidValue(f"{self.shown}: GitHub refused the change: {error.words}") from error

    def _add_tree(self, builder: TreeBuilder, tree_id: str, directory: str) -> None:
        who = f"{self.shown}/{directory}" if directory else self.shown
        found = self.mapping(self.get(f"{self._api}/git/trees/{tree_id}?recursive=1", who), who)
        if found.get("truncated") is True:
            # only what lies directly in it, and then each directory on its own
            found = self.mapping(self.get(f"{self._api}/git/trees/{tree_id}", who), who)
            if found.get("truncated") is True:
                raise Unsupported(f"{who}: the directory has more entries than GitHub lists; use a clone of it")
            for row in found["tree"]:
                if row["type"] == "tree":
                    self._add_tree(builder, str(row["sha"]), _joined(directory, row["path"]))
            rows = [row for row in found["tree"] if row["type"] != "tree"]
        else:
            rows = found["tree"]
        for row in rows:
            if row["type"] != "tree":
                size = row.get("size")
                path = _joined(directory, row["path"])
                builder.add(path, int(str(row["mode"]), 8), str(row["sha"]), UNKNOWN if size is None else int(size))

    def _ask_repository(self) -> Mapping[str, Any]:
        try:
            self._repository = self.mapping(self.get(self._api, self.shown), self.shown)
        except NotFound as error:
            why = "or the token may not see it" if self._token else "or it is private: no token was given"
            raise NotFound(f"{self.shown}: no such repository on {self._server}, {why}") from error
        return self._repository

    def _no_ref(self, name: str) -> NotFound:
        return NotFound(
            f"{self.shown}: the repository has no branch, tag or commit {name!r}; write a ref with slashes as "
            "owner/repo@feature%2Fname"
        )

    def _texts_of(self, blob_ids: Sequence[str]) -> dict[str, bytes]:
        """Return those of the blobs that GraphQL gives as text, whole."""
        if not self._graphql:
            return {}
        asked = " ".join(
            f"b{at}:object(oid:{json.dumps(blob_id)}){{...on Blob{{oid text isTruncated}}}}"
            for at, blob_id in enumerate(blob_ids)
        )
        owner, _, name = self.place.project.partition("/")
        document = {
            "query": f"query($o:String!,$n:String!){{repository(owner:$o,name:$n){{{asked}}}}}",
            "variables": {"o": owner, "n": name},
        }
        try:
            url = self._graphql_url
            found = self.mapping(self.send("POST", url, self.shown, document, changes=False), self.shown)
            rows = found["data"]["repository"].values()
            texts = {row["oid"]: row["text"].encode() for row in rows if row and row["text"] and not row["isTruncated"]}
            return {oid: text for oid, text in texts.items() if blob_id_of(text, oid) == oid}
        except (NotFound, StatusRefused, Unsupported, KeyError, TypeError, AttributeError):
            self._graphql = False
            return {}


def _joined(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name
