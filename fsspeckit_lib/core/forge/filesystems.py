"""fsspec's faces of GitLab and GitHub: `GitLabFileSystem` and `GitHubFileSystem`.

With a project (`GitLabFileSystem(project="group/project", ref="main")`) paths are those inside the repository. Without
one they are what a URL has after its scheme: `group/project@ref/path`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from fsspec.implementations.dirfs import DirFileSystem

from fsspeckit_lib.core.abstract_filesystem import AbstractFileSystem, Place
from fsspeckit_lib.core.forge.github import GitHubApi
from fsspeckit_lib.core.forge.gitlab import GitLabApi
from fsspeckit_lib.core.forge.store import ForgeObjects
from fsspeckit_lib.errors import BadInput
from fsspeckit_lib.storage_options.github import GitHubStorageOptions
from fsspeckit_lib.storage_options.gitlab import GitLabStorageOptions
from fsspeckit_lib.storage_options.repositories import RepositoryPlace
from fsspeckit_lib.storage_options.uri import Location

__all__ = ["GitHubFileSystem", "GitLabFileSystem", "github_filesystem", "gitlab_filesystem"]

_OF_FSSPEC = frozenset(
    {"asynchronous", "batch_size", "listings_expiry_time", "loop", "max_paths", "skip_instance_cache",
     "use_listings_cache"}
)  # fmt: skip
"""What fsspec itself passes to any filesystem; none of it is of use here."""


class _ForgeFileSystem(AbstractFileSystem):
    options_class: ClassVar[type[GitLabStorageOptions] | type[GitHubStorageOptions]]
    options: GitLabStorageOptions | GitHubStorageOptions

    def __init__(
        self,
        options: GitLabStorageOptions | GitHubStorageOptions | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Take an options object, its dict, or single options by name; the last win.

        Raises:
            UnknownName, InvalidValue: as the options class says.
        """
        if options is not None and not isinstance(options, self.options_class | Mapping):
            raise BadInput(
                f"{type(self).__name__}: found {type(options).__name__}, wanted {self.options_class.__name__}"
            )
        super().__init__()
        own = {name: value for name, value in kwargs.items() if name not in _OF_FSSPEC}
        given = dict(options) if isinstance(options, Mapping) else options.to_dict() if options is not None else {}
        self.options = self.options_class(**{**given, **own})
        self._lock = threading.Lock()
        self._stores: dict[tuple[str, str | None], ForgeObjects] = {}

    def _open_store(self, place: RepositoryPlace) -> ForgeObjects:
        raise NotImplementedError

    def _has_project(self) -> bool:
        raise NotImplementedError

    def _place(self, path: str) -> Place:
        found = self.options.place(path)
        prefix = "" if self._has_project() else f"{found.project}@{found.ref_name if found.ref is not None else ''}"
        root = RepositoryPlace(found.project, found.ref, "")
        with self._lock:
            store = self._stores.get((root.project, root.ref))
            if store is None:
                store = self._stores[root.project, root.ref] = self._open_store(root)
        return Place(store, prefix, found.key)

    def store(self, path: str = "") -> ForgeObjects:
        """Return the data plane of the repository that a path lies in: for `commit()`, several files at once."""
        store = self._place(self._strip_protocol(path)).store
        assert isinstance(store, ForgeObjects)
        return store


class GitLabFileSystem(_ForgeFileSystem):
    """The files of GitLab projects; read-only unless `write=True`, and then each change is a commit."""

    protocol = "gitlab"
    options_class = GitLabStorageOptions
    options: GitLabStorageOptions

    def _open_store(self, place: RepositoryPlace) -> ForgeObjects:
        return ForgeObjects(GitLabApi(self.options, place), self.options, place)

    def _has_project(self) -> bool:
        return self.options.project is not None


class GitHubFileSystem(_ForgeFileSystem):
    """The files of GitHub repositories; read-only unless `write=True`, and then each change is a commit."""

    protocol = "github"
    options_class = GitHubStorageOptions
    options: GitHubStorageOptions

    def _open_store(self, place: RepositoryPlace) -> ForgeObjects:
        return ForgeObjects(GitHubApi(self.options, place), self.options, place)

    def _has_project(self) -> bool:
        return self.options.org is not None


def gitlab_filesystem(options: GitLabStorageOptions, location: Location) -> Any:
    """Return the filesystem of a location: of a project, rooted at its path; of all projects where it names none."""
    if not location.path and options.project is None:
        return GitLabFileSystem(options)
    place = options.place(location.path, location.text)
    return _rooted(GitLabFileSystem(options, project=place.project, **_ref(place)), place)


def github_filesystem(options: GitHubStorageOptions, location: Location) -> Any:
    """Return the filesystem of a location: of a repository, rooted at its path; of all where it names none."""
    if not location.path and options.org is None:
        return GitHubFileSystem(options)
    place = options.place(location.path, location.text)
    owner, _, name = place.project.partition("/")
    return _rooted(GitHubFileSystem(options, org=owner, repo=name, **_ref(place)), place)


def _ref(place: RepositoryPlace) -> dict[str, str]:
    return {"ref": place.ref} if place.ref is not None else {}


def _rooted(fs: GitLabFileSystem | GitHubFileSystem, place: RepositoryPlace) -> Any:
    return DirFileSystem(path=place.key, fs=fs) if place.key else fs
