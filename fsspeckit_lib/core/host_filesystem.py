"""SFTP and FTP as fsspec filesystems over our own data plane: one request at a time, reconnecting.

fsspec's own wait for ever where threads share one, never connect again, and take a dead connection for missing files.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from fsspeckit_lib.core.builtin_errors import fsspec_errors
from fsspeckit_lib.core.objects import ObjectStore
from fsspeckit_lib.core.store_filesystem import StoreFileSystem
from fsspeckit_lib.core.stores import store_at
from fsspeckit_lib.errors import BadInput
from fsspeckit_lib.storage_options.base import BaseStorageOptions
from fsspeckit_lib.storage_options.uri import Location

__all__ = ["FtpFileSystem", "HostFileSystem", "SftpFileSystem", "host_filesystem"]


class HostFileSystem(StoreFileSystem):
    """A folder of a server, or all of it; paths are relative to that, with or without a slash before them.

    A URL as a path is taken too, if it lies in the folder; its host is not looked at.
    """

    def __init__(self, store: ObjectStore, root: str = "", **kwargs: Any) -> None:
        """Show `store`, which is rooted at the path `root` of the server; an empty one is the whole server."""
        super().__init__(store, **kwargs)
        self._root = root.strip("/")

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:  # noqa: ARG002 - fsspec's signature
        """Make a folder, and those above it.

        Raises:
            FileExistsError: it is there already.
        """
        if self.exists(path):
            raise FileExistsError(f"{path}: it exists already")
        self.makedirs(path, exist_ok=True)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder, and those above it."""
        place = self._at(path)
        if not exist_ok and self.exists(path):
            raise FileExistsError(f"{path}: it exists already")
        with fsspec_errors():
            getattr(place.store, "make_directory", lambda _: None)(place.key)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        place = self._at(path)
        with fsspec_errors():
            getattr(place.store, "remove_directory", lambda _: None)(place.key)

    def _strip_protocol(self, path: Any) -> Any:  # type: ignore[override]  # the root says what a URL means here
        if isinstance(path, list):
            return [self._strip_protocol(one) for one in path]
        text = os.fspath(path)
        scheme, mark, rest = text.partition("://")
        if not mark or "/" in scheme:
            return text.strip("/")
        if scheme.lower() not in self.protocol:
            return super()._strip_protocol(text)  # says what is wrong
        full = rest.partition("/")[2].strip("/")
        if full != self._root and not full.startswith(f"{self._root}/" if self._root else ""):
            raise BadInput(f"{self.store.url}: found the path /{full}, wanted one below the folder")
        return full[len(self._root) :].strip("/")


class SftpFileSystem(HostFileSystem):
    """Over SSH."""

    protocol = ("sftp", "ssh")


class FtpFileSystem(HostFileSystem):
    """Over FTP, plain or with TLS."""

    protocol = ("ftp",)


def host_filesystem(location: Location, options: BaseStorageOptions, is_rooted: bool) -> HostFileSystem:
    """Return the filesystem of a server, rooted at the location's folder or not."""
    kind = SftpFileSystem if location.protocol == "sftp" else FtpFileSystem
    if is_rooted and location.path.strip("/"):
        return kind(store_at(location, options), location.path)
    host = getattr(options, "host", None) or ""
    whole = dataclasses.replace(location, path="/", text=f"{location.protocol}://{host}")
    return kind(store_at(whole, options))
