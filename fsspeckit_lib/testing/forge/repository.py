"""A real bare Git repository, made and asked with the `git` command: what the stand-in servers serve.

Trees, ids, modes and sizes are Git's own (`ls-tree`, `cat-file`, `log`), so that a client can be compared with
`git archive` of the same repository. Large trees are made with `git fast-import`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fsspeckit_lib.errors import NotFound, Unavailable

__all__ = ["CommitRow", "GitFile", "GitRepository", "TreeRow", "link", "submodule"]

_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Author",
    "GIT_AUTHOR_EMAIL": "author@example.com",
    "GIT_COMMITTER_NAME": "Committer",
    "GIT_COMMITTER_EMAIL": "committer@example.com",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
}
_FIRST_COMMIT_S = 1_700_000_000


@dataclass(frozen=True, slots=True)
class GitFile:
    """Content with Git's mode: 100644, 100755, 120000 (a symbolic link), 160000 (a submodule's commit id)."""

    data: bytes
    mode: str = "100644"


def link(target: str) -> GitFile:
    """Return a symbolic link."""
    return GitFile(target.encode(), "120000")


def submodule(commit_id: str) -> GitFile:
    """Return a submodule at a commit of another repository."""
    return GitFile(commit_id.encode(), "160000")


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One row of `git ls-tree -r -t -l`; `size` is None but for blobs."""

    mode: str
    kind: str
    id: str
    size: int | None
    path: str

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class CommitRow:
    """One commit; times are ISO 8601 with an offset."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored_date: str
    committer_name: str
    committer_email: str
    committed_date: str
    message: str


class GitRepository:
    """A bare repository in a directory. Safe from any thread of one process; close it to end its `git` process."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self._lock = threading.Lock()
        self._cat: subprocess.Popen[bytes] | None = None
        self._trees: dict[tuple[str, bool], tuple[TreeRow, ...]] = {}
        self._commits = 0

    @classmethod
    def create(
        cls, directory: str | os.PathLike[str], *, default_branch: str = "main", object_format: str = "sha1"
    ) -> GitRepository:
        """Make an empty repository."""
        repository = cls(directory)
        repository.directory.mkdir(parents=True, exist_ok=True)
        repository._git(
            "init", "--bare", "-q", f"--initial-branch={default_branch}", f"--object-format={object_format}"
        )
        return repository

    @property
    def default_branch(self) -> str:
        """The branch that HEAD names."""
        return self._git("symbolic-ref", "--short", "HEAD").decode().strip()

    def is_empty(self) -> bool:
        """Tell whether there is no commit on any branch."""
        return not self._git("for-each-ref", "--count=1", "refs/heads")

    def commit(
        self,
        files: Mapping[str, bytes | GitFile],
        *,
        delete: Iterable[str] = (),
        branch: str | None = None,
        message: str = "Change files",
    ) -> str:
        """Commit files on a branch with one `git fast-import`, and return the commit's id.

        Args:
            files: path → content; a plain `bytes` is a regular file.
            branch: a new one begins without history.
        """
        name = f"refs/heads/{branch or self.default_branch}"
        self._commits += 1
        when = f"{_FIRST_COMMIT_S + 60 * self._commits} +0200"
        stream = bytearray(f"commit {name}\n".encode())
        stream += f"author Author <author@example.com> {when}\n".encode()
        stream += f"committer Committer <committer@example.com> {when}\n".encode()
        stream += _data(message.encode())
        try:
            stream += f"from {self.resolve(name)}\n".encode()
        except NotFound:
            pass
        for path in delete:
            stream += b"D " + _quoted(path) + b"\n"
        for path, file in files.items():
            found = file if isinstance(file, GitFile) else GitFile(file)
            if found.mode == "160000":
                stream += b"M 160000 " + found.data + b" " + _quoted(path) + b"\n"
            else:
                stream += f"M {found.mode} inline ".encode() + _quoted(path) + b"\n" + _data(found.data)
        stream += b"\n"
        self._git("fast-import", "--quiet", "--date-format=raw", stdin=bytes(stream))
        return self.resolve(name)

    def tag(self, name: str, commit: str) -> None:
        """Make or move a tag."""
        self._git("tag", "-f", name, commit)

    def branch(self, name: str, commit: str) -> None:
        """Make or move a branch."""
        self._git("update-ref", f"refs/heads/{name}", commit)

    def names(self, kind: str) -> Mapping[str, str]:
        """Return branches (`heads`) or `tags` with the commits they name."""
        rows = self._git("for-each-ref", "--format=%(refname:lstrip=2)%00%(objectname)", f"refs/{kind}").decode()
        return dict(row.split("\0") for row in rows.splitlines())

    def resolve(self, ref: str) -> str:
        """Return the commit that a branch, tag or commit id names.

        Raises:
            NotFound: none.
        """
        if not ref or ref.startswith("-"):
            raise NotFound(f"{self.directory}: no ref {ref!r}")
        try:
            return self._git("rev-parse", "--verify", "-q", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
        except Unavailable as error:
            raise NotFound(f"{self.directory}: no ref {ref!r}") from error

    def describe(self, commit: str) -> CommitRow:
        """Return what a commit says."""
        form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
        fields = self._git("log", "-1", f"--format={form}", commit).decode().split("\0")
        identity, tree, parents, *people, message = fields
        author_name, author_email, authored, committer_name, committer_email, committed = people
        return CommitRow(
            identity,
            tree,
            tuple(parents.split()),
            author_name,
            author_email,
            authored,
            committer_name,
            committer_email,
            committed,
            message.rstrip("\n") + "\n",
        )

    def last_commit(self, commit: str, path: str) -> str:
        """Return the last commit up to `commit` that changed a path."""
        return self._git("log", "-1", "--format=%H", commit, "--", f":(literal){path}").decode().strip()

    def tree(self, tree: str, *, recursive: bool = True) -> Sequence[TreeRow]:
        """Return the rows of a tree (or a commit's), directories among them, in Git's order. Asked for once."""
        with self._lock:
            known = self._trees.get((tree, recursive))
        if known is not None:
            return known
        options = ["-r", "-t"] if recursive else []
        listed = self._git("ls-tree", *options, "-l", "-z", "--full-tree", tree)
        rows = []
        for line in listed.split(b"\0")[:-1]:
            facts, _, path = line.partition(b"\t")
            mode, kind, identity, size = facts.decode().split()
            shown = path.decode("utf-8", "replace")
            rows.append(TreeRow(mode, kind, identity, int(size) if size != "-" else None, shown))
        found = tuple(rows)
        with self._lock:
            self._trees[tree, recursive] = found
        return found

    def find(self, commit: str, path: str) -> TreeRow | None:
        """Return the row of one path."""
        wanted = path.strip("/")
        return next((row for row in self.tree(commit) if row.path == wanted), None)

    def read(self, identity: str) -> tuple[str, bytes] | None:
        """Return the type and content of an object by its id, or None."""
        with self._lock:
            if self._cat is None:
                self._cat = subprocess.Popen(
                    ["git", "cat-file", "--batch"],
                    cwd=self.directory,
                    env={**os.environ, **_ENVIRONMENT},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            into, out = _pipes(self._cat)
            into.write(identity.encode() + b"\n")
            into.flush()
            words = out.readline().split()
            if len(words) != 3:
                return None
            content = out.read(int(words[2]))
            out.read(1)
            return words[1].decode(), content

    def write_blob(self, data: bytes) -> str:
        """Store a blob and return its id."""
        return self._git("hash-object", "-w", "--stdin", stdin=data).decode().strip()

    def write_tree(self, base: str | None, entries: Iterable[tuple[str, str, str | None]]) -> str:
        """Store the tree `base` with (mode, path, blob id or None to remove) changed, and return its id."""
        with tempfile.TemporaryDirectory() as scratch:
            index = {"GIT_INDEX_FILE": os.path.join(scratch, "index")}
            if base is not None:
                self._git("read-tree", base, more=index)
            removed = "0" * (64 if base is not None and len(base) == 64 else 40)
            rows = b"".join(
                f"{mode if identity else '0'} {identity or removed}\t{path}".encode() + b"\0"
                for mode, path, identity in entries
            )
            self._git("update-index", "-z", "--index-info", stdin=rows, more=index)
            return self._git("write-tree", more=index).decode().strip()

    def write_commit(
        self, tree: str, parents: Sequence[str], message: str, *, name: str | None = None, email: str | None = None
    ) -> str:
        """Store a commit that no branch names yet, and return its id."""
        more = {}
        if name:
            more["GIT_AUTHOR_NAME"] = name
        if email:
            more["GIT_AUTHOR_EMAIL"] = email
        words = [word for parent in parents for word in ("-p", parent)]
        return self._git("commit-tree", tree, *words, stdin=message.encode(), more=more).decode().strip()

    def move_branch(self, name: str, commit: str, expected: str) -> bool:
        """Move a branch from one commit to another; return False where it is not at `expected`."""
        try:
            self._git("update-ref", f"refs/heads/{name}", commit, expected)
        except Unavailable:
            return False
        return True

    def archive(self, commit: str) -> bytes:
        """Return `git archive` of a commit, as tar: the independent oracle of tests."""
        return self._git("archive", "--format=tar", commit)

    def close(self) -> None:
        """End the `git` process that reads objects."""
        with self._lock:
            cat, self._cat = self._cat, None
        if cat is not None:
            for pipe in _pipes(cat):
                pipe.close()
            cat.wait()

    def _git(self, *words: str, stdin: bytes = b"", more: Mapping[str, str] | None = None) -> bytes:
        finished = subprocess.run(
            ["git", *words],
            cwd=self.directory,
            env={**os.environ, **_ENVIRONMENT, **(more or {})},
            input=stdin,
            capture_output=True,
            check=False,
        )
        if finished.returncode:
            said = finished.stderr.decode(errors="replace").strip()
            raise Unavailable(f"git {words[0]} in {self.directory}: {said or f'exit status {finished.returncode}'}")
        return finished.stdout


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"


def _quoted(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode()
