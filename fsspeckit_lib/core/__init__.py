"""Filesystems and the data plane."""

from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo, ObjectStore
from fsspeckit_lib.core.stores import check_store, open_store

__all__ = ["DirectoryInfo", "Entry", "ObjectInfo", "ObjectStore", "check_store", "filesystem", "open_store"]
