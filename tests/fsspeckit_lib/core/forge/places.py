"""Repositories and servers that the tests of this folder share, and an oracle: `git archive`."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsspeckit_lib.core.forge import ForgeObjects
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.forge import ForgeServer, GitFile, GitHubServer, GitLabServer, GitRepository, Project

TOKEN = "reader-or-writer"

FILES: dict[str, bytes | GitFile] = {
    "README.md": b"# hello\n",
    "empty": b"",
    "data/one.csv": b"a,b\n1,2\n" * 100,
    "data/two words & ünïcode 日本.txt": b"\xff\x00" * 500,
    "data/deep/er/x.bin": bytes(range(256)) * 2000,
    "data.d/sibling": b"sorts between data and data/",
    "hash#mark?query%20percent.txt": b"%",
    "dots..in.names/.hidden": b"dot",
    "run.sh": GitFile(b"#!/bin/sh\n", "100755"),
}


@dataclass(frozen=True)
class Forge:
    """A running server with one project, and what opens a store on it."""

    protocol: str
    server: ForgeServer
    project: Project

    @property
    def repository(self) -> GitRepository:
        return self.project.repository

    def options(self, **more: Any) -> dict[str, Any]:
        return {"base_url": self.server.url, "token": TOKEN, "ref_ttl_s": 0.0, "timeout_s": 20.0, **more}

    def open(self, place: str = "", **more: Any) -> ForgeObjects:
        """Open `place` (`@ref/path`) of the project."""
        store = open_store(f"{self.protocol}://{self.project.path}{place}", self.options(**more))
        assert isinstance(store, ForgeObjects)
        return store


@contextlib.contextmanager
def forge(protocol: str, directory: Path, **settings: Any) -> Iterator[Forge]:
    """Serve an empty repository; `settings` are those of Project."""
    name = "group/sub.group/project" if protocol == "gitlab" else "owner/repo.name"
    repository = GitRepository.create(directory / f"{protocol}.git")
    project = Project(name, repository, tokens={TOKEN: "write"}, **settings)
    starter = GitLabServer if protocol == "gitlab" else GitHubServer
    with starter.start(project) as server:
        yield Forge(protocol, server, project)


def contents(files: Mapping[str, bytes | GitFile]) -> dict[str, bytes]:
    """Return the plain contents of files."""
    return {path: file.data if isinstance(file, GitFile) else file for path, file in files.items()}


def archived(repository: GitRepository, commit: str) -> dict[str, bytes]:
    """Return every regular file of a commit as `git archive` has it."""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(repository.archive(commit))) as archive:
        for member in archive:
            if member.isfile():
                file = archive.extractfile(member)
                assert file is not None
                found[member.name] = file.read()
    return found


def everything(store: ForgeObjects) -> dict[str, bytes]:
    """Return every file of a store, listed and read."""
    infos = [info for page in store.list_recursive("") for info in page]
    return {info.key: whole(store, info) for info in infos}


def whole(store: ForgeObjects, info: ObjectInfo) -> bytes:
    """Return the bytes of one version."""
    return bytes(memoryview(store.read_range(info, 0, info.size_bytes))) if info.size_bytes else b""


def info_of(store: ForgeObjects, key: str) -> ObjectInfo:
    """Return what a store says of a file."""
    entry = store.stat(key)
    assert isinstance(entry, ObjectInfo)
    return entry


def keys(store: ForgeObjects) -> set[str]:
    """Return the keys of every file of a store."""
    return {info.key for page in store.list_recursive("") for info in page}
