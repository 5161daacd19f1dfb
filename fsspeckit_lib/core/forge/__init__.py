"""GitLab and GitHub as storages: the files of a branch, a tag or a commit, and commits as writes."""

import fsspec

from fsspeckit_lib.core.forge.github import GitHubApi
from fsspeckit_lib.core.forge.gitlab import GitLabApi
from fsspeckit_lib.core.forge.store import ForgeObjects
from fsspeckit_lib.core.forge.writes import CommitBatch
from fsspeckit_lib.storage_options.github import GitHubStorageOptions
from fsspeckit_lib.storage_options.gitlab import GitLabStorageOptions
from fsspeckit_lib.storage_options.repositories import RepositoryPlace

__all__ = ["CommitBatch", "ForgeObjects", "open_github", "open_gitlab"]

# by name: fsspec loads the class when it is first asked for; its own `github` stays what it is
fsspec.register_implementation("gitlab", "fsspeckit_lib.core.forge.filesystems.GitLabFileSystem", clobber=False)


def open_gitlab(options: GitLabStorageOptions, place: RepositoryPlace) -> ForgeObjects:
    """Return the data plane of a place in a GitLab project. Makes no request."""
    return ForgeObjects(GitLabApi(options, place), options, place)


def open_github(options: GitHubStorageOptions, place: RepositoryPlace) -> ForgeObjects:
    """Return the data plane of a place in a GitHub repository. Makes no request."""
    return ForgeObjects(GitHubApi(options, place), options, place)
