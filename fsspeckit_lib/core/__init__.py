"""Reaching storages: the data plane (`open_store`) and fsspec's face of it (`filesystem`, `AbstractFileSystem`)."""

from fsspeckit_lib.core.abstract_filesystem import AbstractFileSystem
from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.forge.filesystems import GitHubFileSystem, GitLabFileSystem
from fsspeckit_lib.core.objects import DirectoryInfo, Entry, IfAbsent, IfMatch, ObjectInfo, ObjectStore, WritableStore
from fsspeckit_lib.core.stores import open_store

__all__ = [
    "AbstractFileSystem",
    "DirectoryInfo",
    "Entry",
    "GitHubFileSystem",
    "GitLabFileSystem",
    "IfAbsent",
    "IfMatch",
    "ObjectInfo",
    "ObjectStore",
    "WritableStore",
    "filesystem",
    "open_store",
]
