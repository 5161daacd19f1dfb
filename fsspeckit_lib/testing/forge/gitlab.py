"""A stand-in for GitLab's REST and GraphQL APIs over real repositories, written from GitLab's public documentation.

Projects by number and by URL-encoded path; tree with keyset, offset and no pagination; files (HEAD, JSON, raw), blobs,
branches, tags, commits; commits with actions; GraphQL for `project.repository.blobs` with GitLab's complexity rule;
LFS. A private project is 404 to those who may not see it; an unknown token is 401.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from fsspeckit_lib.errors import NotFound
from fsspeckit_lib.testing.forge.graphql import GraphQLError, Selection, execute, parse
from fsspeckit_lib.testing.forge.lfs import lfs_batch, lfs_object
from fsspeckit_lib.testing.forge.repository import CommitRow, TreeRow
from fsspeckit_lib.testing.forge.server import Answer, ForgeServer, Project, Request, raw, with_etag

__all__ = ["GitLabServer"]

_NOT_FOUND = {"message": "404 Project Not Found"}


class GitLabServer(ForgeServer):
    """A GitLab instance with the given projects."""

    pagination = "none"
    """`none`: a whole tree at once, or keyset; `keyset`: an older server, without the first; `offset`: by number."""
    total_limit = 10_000
    """Rows up to which `x-total` is sent."""
    complexity_limits = (200, 250)
    """What a GraphQL query may cost: without a token, and with one."""

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        parts = request.parts
        if parts[0] == "lfs-objects":
            return lfs_object(self, request)
        if parts[-4:] == ("info", "lfs", "objects", "batch"):
            path = "/".join(parts[:-4]).removesuffix(".git")
            return lfs_batch(self, self.project_at(path), request)
        kind, token = _token(request)
        if token is not None and not self.knows(token):
            return Answer(401, {"message": "401 Unauthorized"})
        if parts == ("api", "graphql"):
            return self._graphql(request, kind, token)
        if parts[:3] != ("api", "v4", "projects") or len(parts) < 4:
            return Answer(404, {"error": "404 Not Found"})
        project = self.project_at(parts[3])
        if project is None or (project.private and token not in project.tokens):
            return Answer(404, _NOT_FOUND)
        rest = parts[4:]
        if not rest:
            return with_etag(self._project(project), request)
        if rest[0] != "repository" or len(rest) < 2:
            return Answer(404, {"error": "404 Not Found"})
        if request.method == "POST":
            if rest[1:] != ("commits",):
                return Answer(405, {"error": "405 Not Allowed"})
            if token is None:
                return Answer(401, {"message": "401 Unauthorized"})
            if project.tokens.get(token) != "write":
                return Answer(403, {"message": "403 Forbidden"})
            return self._commit(project, request.json())
        return self._read(project, request, rest[1:])

    def _read(self, project: Project, request: Request, rest: tuple[str, ...]) -> Answer:
        repository = project.repository
        if rest[0] == "tree":
            return self._tree(project, request)
        if rest[0] == "commits" and len(rest) == 2:
            try:
                found = repository.describe(repository.resolve(rest[1]))
            except NotFound:
                return Answer(404, {"message": "404 Commit Not Found"})
            return with_etag(Answer(200, _commit_json(found)), request)
        if rest[0] in {"branches", "tags"}:
            names = repository.names("heads" if rest[0] == "branches" else "tags")
            rows = [
                {"name": name, "commit": _commit_json(repository.describe(repository.resolve(commit)))}
                for name, commit in names.items()
            ]
            if len(rest) == 1:
                return Answer(200, rows)
            chosen = next((row for row in rows if row["name"] == rest[1]), None)
            return Answer(200, chosen) if chosen else Answer(404, {"message": "404 Not Found"})
        if rest[0] == "blobs" and len(rest) in {2, 3}:
            content = repository.read(rest[1])
            if content is None or content[0] != "blob":
                return Answer(404, {"message": "404 Blob Not Found"})
            if rest[2:] == ("raw",):
                return raw(content[1], request, self.ranges)
            encoded = base64.b64encode(content[1]).decode()
            return Answer(200, {"size": len(content[1]), "encoding": "base64", "content": encoded, "sha": rest[1]})
        if rest[0] == "files" and len(rest) in {2, 3}:
            return self._file(project, request, rest[1], is_raw=rest[2:] == ("raw",))
        return Answer(404, {"error": "404 Not Found"})

    def _project(self, project: Project) -> Answer:
        empty = project.repository.is_empty()
        return Answer(
            200,
            {
                "id": project.id,
                "path_with_namespace": project.path,
                "default_branch": None if empty else project.repository.default_branch,
                "empty_repo": empty,
                "visibility": "private" if project.private else "public",
                "lfs_enabled": True,
            },
        )

    def _tree(self, project: Project, request: Request) -> Answer:
        query = request.query
        recursive = query.get("recursive") == "true"
        mode = query.get("pagination", "legacy")
        if mode not in ("legacy", "keyset", "none") or (mode == "none" and self.pagination == "keyset"):
            return Answer(400, {"error": "pagination does not have a valid value"})
        if mode == "none" and not recursive:
            return Answer(400, {"error": 'pagination cannot be "none" unless "recursive" is true'})
        try:
            commit = project.repository.resolve(query.get("ref") or "HEAD")
        except NotFound:
            return Answer(404, {"message": "404 Tree Not Found"})
        rows = _gitlab_order(project.repository.tree(commit), query.get("path", "").strip("/"), recursive)
        if rows is None:
            return Answer(404, {"message": "404 invalid revision or path Not Found"})
        if mode == "none" and self.pagination == "none":
            return Answer(200, [_row_json(row) for row in rows])
        size = min(100, max(1, int(query.get("per_page") or 20)))
        here = f"{self.url}/api/v4/projects/{quote(project.path, safe='')}/repository/tree"
        if mode == "keyset" and self.pagination != "offset":
            after = query.get("page_token")
            start = 0
            if after:
                known = [at for at, row in enumerate(rows) if _mark(row) == after]
                if not known:
                    return Answer(400, {"message": "invalid page token"})
                start = known[0] + 1
            page = rows[start : start + size]
            headers = {}
            if start + size < len(rows):
                following = {**query, "page_token": _mark(page[-1]), "per_page": str(size)}
                headers["Link"] = f'<{here}?{urlencode(following)}>; rel="next"'
            return Answer(200, [_row_json(row) for row in page], headers)
        number = max(1, int(query.get("page") or 1))
        pages = -(-len(rows) // size)
        headers = {
            "X-Page": str(number),
            "X-Per-Page": str(size),
            "X-Next-Page": str(number + 1) if number < pages else "",
            "X-Prev-Page": str(number - 1) if number > 1 else "",
        }
        if len(rows) <= self.total_limit:
            headers |= {"X-Total": str(len(rows)), "X-Total-Pages": str(pages)}
        return Answer(200, [_row_json(row) for row in rows[(number - 1) * size : number * size]], headers)

    def _file(self, project: Project, request: Request, path: str, *, is_raw: bool) -> Answer:
        repository = project.repository
        ref = request.query.get("ref") or ("HEAD" if is_raw else "")
        try:
            commit = repository.resolve(ref)
        except NotFound:
            return Answer(404, {"message": "404 Commit Not Found"})
        row = repository.find(commit, path)
        found = repository.read(row.id) if row is not None and row.kind == "blob" else None
        if row is None or found is None:
            return Answer(404, {"message": "404 File Not Found"})
        data = found[1]
        facts = {
            "file_name": row.name,
            "file_path": row.path,
            "size": len(data),
            "encoding": "base64",
            "content_sha256": hashlib.sha256(data).hexdigest(),
            "ref": ref,
            "blob_id": row.id,
            "commit_id": commit,
            "last_commit_id": repository.last_commit(commit, row.path),
            "execute_filemode": row.mode == "100755",
        }
        headers = {_header(name): quote(str(value).lower() if value in (True, False) else str(value), safe="/ ")
                   for name, value in facts.items()}  # fmt: skip
        if is_raw:
            oid = _pointer_oid(project, data)
            if request.query.get("lfs") == "true" and oid is not None:
                return raw(project.lfs[oid], request, self.lfs_ranges, headers)
            return raw(data, request, self.ranges, headers)
        return Answer(200, {**facts, "content": base64.b64encode(data).decode()}, headers)

    def _commit(self, project: Project, asked: Mapping[str, Any]) -> Answer:
        repository = project.repository
        branch = str(asked.get("branch") or "")
        if branch not in repository.names("heads"):
            return Answer(400, {"message": "You can only create or edit files when you are on a branch"})
        tip = repository.resolve(f"refs/heads/{branch}")
        entries: list[tuple[str, str, str | None]] = []
        for action in asked.get("actions", ()):
            path = str(action.get("file_path", ""))
            row = repository.find(tip, path)
            kind = action.get("action")
            if kind == "create" and row is not None:
                return Answer(400, {"message": "A file with this name already exists"})
            if kind in {"update", "delete"} and row is None:
                return Answer(400, {"message": "A file with this name doesn't exist"})
            last = action.get("last_commit_id")
            if last and kind in {"update", "delete", "move"} and repository.last_commit(tip, path) != last:
                return Answer(400, {"message": f"The file has changed since you started editing it: {path}"})
            if kind == "delete":
                entries.append(("0", path, None))
            elif kind in {"create", "update"}:
                content = str(action.get("content") or "")
                data = base64.b64decode(content) if action.get("encoding") == "base64" else content.encode()
                entries.append((row.mode if row else "100644", path, repository.write_blob(data)))
            elif kind == "move":
                old = repository.find(tip, str(action.get("previous_path", "")))
                if old is None:
                    return Answer(400, {"message": "A file with this name doesn't exist"})
                entries += [("0", old.path, None), (old.mode, path, old.id)]
            else:
                return Answer(400, {"error": "actions[0][action] does not have a valid value"})
        made = repository.write_commit(
            repository.write_tree(tip, entries),
            [tip],
            str(asked.get("commit_message") or ""),
            name=asked.get("author_name"),
            email=asked.get("author_email"),
        )
        if not repository.move_branch(branch, made, tip):
            return Answer(400, {"message": f"Could not update refs/heads/{branch}. Please refresh and try again."})
        return Answer(201, _commit_json(repository.describe(made)))

    def _graphql(self, request: Request, kind: str, token: str | None) -> Answer:
        if not self.graphql:
            return Answer(404, b"<html>404</html>", {"Content-Type": "text/html"})
        if kind == "job":
            return Answer(401, {"errors": [{"message": "Invalid token"}]})
        document = request.json()
        try:
            selections = parse(str(document.get("query") or ""), document.get("variables") or {})
            limit = self.complexity_limits[token is not None]
            cost = sum(_complexity(selection) for selection in selections)
            if cost > limit:
                raise GraphQLError(f"Query has complexity of {cost}, which exceeds max complexity of {limit}")
            data = execute(selections, {"project": lambda fullPath: self._graphql_project(fullPath, token)})  # noqa: N803
        except GraphQLError as error:
            return Answer(200, {"errors": [{"message": str(error)}]})
        return Answer(200, {"data": data})

    def _graphql_project(self, path: str, token: str | None) -> dict[str, Any] | None:
        project = next((one for one in self.projects if one.path == path), None)
        if project is None or (project.private and token not in project.tokens):
            return None

        def blobs(paths: Sequence[str], ref: str | None = None, first: int = 100) -> dict[str, Any]:
            commit = project.repository.resolve(ref or "HEAD")
            by_path = {row.path: row for row in project.repository.tree(commit)}
            rows = [by_path[path] for path in paths if path in by_path and by_path[path].kind == "blob"]
            return {"__typename": "Blobs", "nodes": [_blob_json(project, row) for row in rows[: min(first, 100)]]}

        return {"__typename": "Project", "repository": {"__typename": "Repository", "blobs": blobs}}


def _token(request: Request) -> tuple[str, str | None]:
    headers = request.headers
    if "private-token" in headers:
        return "private", headers["private-token"]
    if "job-token" in headers:
        return "job", headers["job-token"]
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return ("bearer", value) if scheme == "Bearer" else ("", None)


def _gitlab_order(rows: Sequence[TreeRow], path: str, recursive: bool) -> list[TreeRow] | None:
    """Return the rows below a path: of one directory, directories first; None where there is no such directory."""
    if path and not any(row.path == path and row.kind == "tree" for row in rows):
        return None
    prefix = f"{path}/" if path else ""
    below = [row for row in rows if row.path.startswith(prefix)]
    if recursive:
        return below
    direct = [row for row in below if "/" not in row.path[len(prefix) :]]
    return sorted(direct, key=lambda row: {"tree": 0, "blob": 1, "commit": 2}[row.kind])


def _mark(row: TreeRow) -> str:
    return base64.urlsafe_b64encode(json.dumps({"file_name": row.path}).encode()).decode()


def _row_json(row: TreeRow) -> dict[str, str]:
    return {"id": row.id, "name": row.name, "type": row.kind, "path": row.path, "mode": row.mode}


def _blob_json(project: Project, row: TreeRow) -> dict[str, Any]:
    oid = None
    if row.size is not None and row.size < 1024:
        found = project.repository.read(row.id)
        oid = _pointer_oid(project, found[1]) if found is not None else None
    return {
        "__typename": "RepositoryBlob",
        "path": row.path,
        "name": row.name,
        "oid": row.id,
        "mode": row.mode,
        "size": str(row.size),  # a BigInt is text
        "rawSize": str(len(project.lfs[oid]) if oid else row.size),
        "storedExternally": oid is not None,
        "lfsOid": oid,
    }


def _pointer_oid(project: Project, data: bytes) -> str | None:
    lines = data.decode("utf-8", "replace").splitlines()
    if len(lines) < 3 or not lines[0].startswith("version https://git-lfs.github.com/spec/"):
        return None
    oid = lines[1].removeprefix("oid sha256:")
    return oid if oid in project.lfs else None


def _complexity(selection: Selection) -> int:
    """Return what GitLab counts for a field: 1, more for what asks Gitaly, `blobs` by its paths and its page size."""
    inner = sum(_complexity(one) for one in selection.inner)
    if selection.name == "blobs":
        cost = inner + 1 + len(selection.arguments.get("paths", ())) + 1
        return int(cost + cost * min(100, selection.arguments.get("first", 100)) * 0.01)
    return inner + (2 if selection.name == "lfsOid" else 1)


def _header(name: str) -> str:
    return "X-Gitlab-" + "-".join(part.capitalize() for part in name.split("_"))


def _commit_json(row: CommitRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "short_id": row.id[:8],
        "title": row.message.partition("\n")[0],
        "message": row.message,
        "parent_ids": list(row.parents),
        "author_name": row.author_name,
        "author_email": row.author_email,
        "authored_date": row.authored_date,
        "committer_name": row.committer_name,
        "committer_email": row.committer_email,
        "committed_date": row.committed_date,
        "created_at": row.committed_date,
    }
