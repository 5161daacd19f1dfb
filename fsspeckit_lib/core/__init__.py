"""Filesystems and the data plane."""

from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo, ObjectStore
from fsspeckit_lib.core.stores import open_store

__all__ = ["DirectoryInfo", "Entry", "ObjectInfo", "ObjectStore", "filesystem", "open_store"]
