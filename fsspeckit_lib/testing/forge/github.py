"""A stand-in for GitHub's REST and GraphQL APIs over real repositories, written from GitHub's public documentation.

Addressed as a GitHub Enterprise server: REST below `/api/v3`, GraphQL at `/api/graphql`. Repositories, commits, Git
trees (with truncation), blobs, contents, references, and the Git database's writes; LFS. A private repository is 404
to those who may not see it; a token that nobody knows is 401.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from fsspeckit_lib.errors import NotFound, Unavailable
from fsspeckit_lib.testing.forge.graphql import GraphQLError, execute, parse
from fsspeckit_lib.testing.forge.lfs import lfs_batch, lfs_object
from fsspeckit_lib.testing.forge.repository import CommitRow
from fsspeckit_lib.testing.forge.server import Answer, ForgeServer, Project, Request, raw, with_etag

__all__ = ["GitHubServer"]

_NOT_FOUND = Answer(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})
_RAW_LIMIT = 100 << 20
_JSON_LIMIT = 1 << 20


class GitHubServer(ForgeServer):
    """A GitHub Enterprise server with the given repositories."""

    truncate_at = 100_000
    """Entries in an answer of `git/trees` after which it is truncated."""

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        parts = request.parts
        if parts[0] == "lfs-objects":
            return lfs_object(self, request)
        if parts[-4:] == ("info", "lfs", "objects", "batch"):
            path = "/".join(parts[:-4]).removesuffix(".git")
            return lfs_batch(self, self.project_at(path), request)
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        token = value if scheme.lower() in {"bearer", "token"} else None
        if token is not None and not self.knows(token):
            return Answer(401, {"message": "Bad credentials"})
        if parts == ("api", "graphql"):
            return self._graphql(request, token)
        if parts[:3] != ("api", "v3", "repos") or len(parts) < 5:
            return _NOT_FOUND
        project = self.project_at(f"{parts[3]}/{parts[4]}")
        if project is None or (project.private and token not in project.tokens):
            return _NOT_FOUND
        rest = parts[5:]
        if request.method in {"POST", "PATCH"}:
            if token is None:
                return _NOT_FOUND
            if project.tokens.get(token) != "write":
                return Answer(403, {"message": "Resource not accessible by personal access token"})
            return self._write(project, request, rest)
        return (
            with_etag(self._read(project, request, rest), request)
            if not _wants_raw(request)
            else self._read(project, request, rest)
        )

    def _read(self, project: Project, request: Request, rest: tuple[str, ...]) -> Answer:
        repository = project.repository
        if not rest:
            facts = {"id": project.id, "full_name": project.path, "private": project.private}
            return Answer(200, {**facts, "default_branch": repository.default_branch})
        if repository.is_empty():
            return Answer(409, {"message": "Git Repository is empty."})
        try:
            if rest[0] == "commits" and len(rest) == 2:
                return Answer(200, _commit_json(repository.describe(repository.resolve(rest[1]))))
            if rest[:2] == ("git", "trees") and len(rest) == 3:
                return self._tree(project, rest[2], recursive="recursive" in request.query)
            if rest[:2] == ("git", "blobs") and len(rest) == 3:
                return self._blob(project, request, rest[2])
            if rest[:2] == ("git", "commits") and len(rest) == 3:
                return Answer(200, _git_commit_json(repository.describe(repository.resolve(rest[2]))))
            if rest[:3] == ("git", "ref", "heads") and len(rest) > 3:
                name = "/".join(rest[3:])
                sha = repository.names("heads").get(name)
                if sha is None:
                    return _NOT_FOUND
                return Answer(200, {"ref": f"refs/heads/{name}", "object": {"type": "commit", "sha": sha}})
            if rest[0] == "contents":
                return self._contents(project, request, "/".join(rest[1:]))
        except NotFound:
            return Answer(422, {"message": f"No commit found for SHA: {rest[-1]}"})
        return _NOT_FOUND

    def _tree(self, project: Project, name: str, *, recursive: bool) -> Answer:
        try:
            rows = project.repository.tree(name, recursive=recursive)
        except Unavailable:
            return _NOT_FOUND
        shown = []
        for row in rows[: self.truncate_at]:
            entry: dict[str, Any] = {"path": row.path, "mode": row.mode, "type": row.kind, "sha": row.id}
            if row.size is not None:
                entry["size"] = row.size
            shown.append(entry)
        return Answer(200, {"sha": name, "tree": shown, "truncated": len(rows) > self.truncate_at})

    def _blob(self, project: Project, request: Request, identity: str) -> Answer:
        found = project.repository.read(identity)
        if found is None or found[0] != "blob":
            return _NOT_FOUND
        if len(found[1]) > _RAW_LIMIT:
            return Answer(
                403, {"message": "This API returns blobs up to 100 MB in size.", "errors": [{"code": "too_large"}]}
            )
        if _wants_raw(request):
            return raw(found[1], request, self.ranges)
        content = base64.b64encode(found[1]).decode()
        return Answer(200, {"sha": identity, "size": len(found[1]), "encoding": "base64", "content": content})

    def _contents(self, project: Project, request: Request, path: str) -> Answer:
        commit = project.repository.resolve(request.query.get("ref") or "HEAD")
        row = project.repository.find(commit, path)
        if row is None or row.kind != "blob":
            return _NOT_FOUND
        found = project.repository.read(row.id)
        assert found is not None
        if _wants_raw(request):
            return raw(found[1], request, self.ranges)
        is_small = len(found[1]) <= _JSON_LIMIT
        content = base64.b64encode(found[1]).decode() if is_small else ""
        facts = {"type": "file", "path": row.path, "name": row.name, "sha": row.id, "size": row.size}
        return Answer(200, {**facts, "encoding": "base64" if is_small else "none", "content": content})

    def _write(self, project: Project, request: Request, rest: tuple[str, ...]) -> Answer:
        repository = project.repository
        if repository.is_empty():
            return Answer(409, {"message": "Git Repository is empty."})
        asked = request.json()
        if rest == ("git", "blobs"):
            content = str(asked.get("content") or "")
            data = base64.b64decode(content) if asked.get("encoding") == "base64" else content.encode()
            return Answer(201, {"sha": repository.write_blob(data)})
        if rest == ("git", "trees"):
            entries = [(row["mode"], row["path"], row["sha"]) for row in asked.get("tree", ())]
            try:
                return Answer(201, {"sha": repository.write_tree(asked.get("base_tree"), entries)})
            except Unavailable as error:
                return Answer(422, {"message": f"GitRPC::BadObjectState: {error}"})
        if rest == ("git", "commits"):
            author: Mapping[str, str] = asked.get("author") or {}
            made = repository.write_commit(
                asked["tree"], asked["parents"], asked["message"], name=author.get("name"), email=author.get("email")
            )
            return Answer(201, _git_commit_json(repository.describe(made)))
        if rest[:3] == ("git", "refs", "heads") and request.method == "PATCH":
            name = "/".join(rest[3:])
            tip = repository.names("heads").get(name)
            if tip is None:
                return Answer(422, {"message": "Reference does not exist"})
            if repository.describe(asked["sha"]).parents != (tip,) and not asked.get("force"):
                return Answer(422, {"message": "Update is not a fast forward"})
            if not repository.move_branch(name, asked["sha"], tip):
                return Answer(422, {"message": "Update is not a fast forward"})
            return Answer(200, {"ref": f"refs/heads/{name}", "object": {"type": "commit", "sha": asked["sha"]}})
        return _NOT_FOUND

    def _graphql(self, request: Request, token: str | None) -> Answer:
        if token is None:
            return Answer(401, {"message": "This endpoint requires you to be authenticated."})
        if not self.graphql:
            return _NOT_FOUND
        document = request.json()
        try:
            selections = parse(str(document.get("query") or ""), document.get("variables") or {})
            data = execute(
                selections, {"repository": lambda owner, name: self._graphql_repository(f"{owner}/{name}", token)}
            )
        except GraphQLError as error:
            return Answer(200, {"errors": [{"message": str(error)}]})
        return Answer(200, {"data": data})

    def _graphql_repository(self, path: str, token: str) -> dict[str, Any] | None:
        project = self.project_at(path)
        if project is None or (project.private and token not in project.tokens):
            return None

        def git_object(oid: str) -> dict[str, Any] | None:
            found = project.repository.read(oid)
            if found is None or found[0] != "blob":
                return None
            try:
                text: str | None = None if b"\0" in found[1] else found[1].decode()
            except UnicodeDecodeError:
                text = None
            facts = {"oid": oid, "byteSize": len(found[1]), "isTruncated": len(found[1]) > 512_000}
            return {"__typename": "Blob", **facts, "text": text, "isBinary": text is None}

        return {"__typename": "Repository", "object": git_object}


def _wants_raw(request: Request) -> bool:
    return "raw" in request.headers.get("accept", "")


def _commit_json(row: CommitRow) -> dict[str, Any]:
    inner = _git_commit_json(row)
    return {"sha": row.id, "commit": {**inner, "tree": {"sha": row.tree}}, "parents": inner["parents"], "files": []}


def _git_commit_json(row: CommitRow) -> dict[str, Any]:
    return {
        "sha": row.id,
        "tree": {"sha": row.tree},
        "message": row.message,
        "author": {"name": row.author_name, "email": row.author_email, "date": row.authored_date},
        "committer": {"name": row.committer_name, "email": row.committer_email, "date": row.committed_date},
        "parents": [{"sha": parent} for parent in row.parents],
    }
