"""What a word of the command line names, and the options that every storage command has."""

from __future__ import annotations

import fnmatch
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from stat import S_ISREG

import click

from fsspeckit_lib.common.command_line import with_context
from fsspeckit_lib.common.transfer import local_files, local_path
from fsspeckit_lib.core.markers import real_files
from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo, ObjectStore
from fsspeckit_lib.core.store_filesystem import StoreFileSystem
from fsspeckit_lib.errors import BadInput, NotADirectory, NotFound, Unavailable
from fsspeckit_lib.service.settings import Settings, load_settings, parse_option_pairs
from fsspeckit_lib.storage_options.uri import parse_location

__all__ = ["Context", "Place", "storage_options"]

_BUCKETS = frozenset({"s3", "gs", "az"})


@dataclass(frozen=True, slots=True)
class Place:
    """A key of a store; `text` is what the person typed."""

    fs: StoreFileSystem
    key: str
    text: str

    @property
    def store(self) -> ObjectStore:
        """The store that the key is of."""
        return self.fs.store

    @property
    def url(self) -> str:
        """The place as a URL without secrets."""
        return _joined(self.store.url, self.key) if self.key else self.store.url

    def at(self, key: str) -> Place:
        """Return another key of the same store."""
        return Place(self.fs, key, _joined(self.store.url, key))

    def below(self, name: str) -> Place:
        """Return what lies below this place."""
        return self.at(f"{self.key}/{name}" if self.key else name)

    def stat(self) -> Entry:
        """Ask what lies there. Raises NotFound with the person's word."""
        if not self.key:
            self.store.check()
        return self.store.stat(self.key)

    def children(self) -> list[Entry]:
        """Return what lies in this folder, by name; a folder hides no object of its name."""
        pages = self.store.list_directory(self.key)
        found = {(entry.key, isinstance(entry, DirectoryInfo)): entry for page in pages for entry in page}
        return [found[name] for name in sorted(found)]

    def files(self, on_odd: Callable[[str], object] = lambda _: None) -> Iterator[ObjectInfo]:
        """Yield every file below this folder. Links to folders of the local disk are not followed.

        Args:
            on_odd: told the key of what is neither a file nor a folder: a link to nowhere, a pipe, a socket, a device.
        """
        folder = local_path(self.fs, self.key)
        if folder is not None:
            for name, status in local_files(folder):
                key = f"{self.key}/{name}" if self.key else name
                if S_ISREG(status.st_mode):
                    yield ObjectInfo(key, status.st_size, status.st_mtime_ns, None)
                else:
                    on_odd(key)
            return
        for page in self.store.list_recursive(self.key):
            yield from real_files(self.store, page)


@dataclass(slots=True)
class Context:
    """The settings and flags of one command."""

    settings: Settings
    options: dict[str, str] = field(repr=False)
    as_json: bool
    _opened: dict[tuple[str, ...], StoreFileSystem] = field(default_factory=dict)

    def place(self, text: str) -> Place:
        """Return what a URL, a path, or a storage's name with a path names: `lake:raw/2024`, `lake/raw/2024`.

        Raises:
            BadInput: a name that is a local file as well.
        """
        name, colon, rest = text.partition(":")
        if colon and name in self.settings.storages and not rest.startswith("//"):
            return Place(self._open(name), rest.strip("/"), text)
        name, _, rest = text.partition("/")
        if name in self.settings.storages:
            if os.path.lexists(name):
                raise BadInput(f"{text}: {name} is a storage and a local file; write {name}:{rest} or ./{text}")
            return Place(self._open(name), rest.strip("/"), text)
        location = parse_location(text)
        if location.protocol == "file":
            return Place(self._open("/"), location.path.strip("/"), text)
        if location.protocol in _BUCKETS:
            root = text[: text.index("://") + 3] + text.partition("://")[2].partition("/")[0]
            return Place(self._open(root), location.path, text)
        if location.protocol in {"sftp", "ftp", "http", "https", "memory"}:
            scheme, _, rest = text.partition("://")
            host, _, path = rest.partition("/")
            root = f"{scheme}://" if location.protocol == "memory" else f"{scheme}://{host}/"
            return Place(self._open(root), (rest if location.protocol == "memory" else path).strip("/"), text)
        fs = self._open(text)
        try:
            fs.store.check()
        except NotADirectory:
            parent, _, last = text.rstrip("/").rpartition("/")
            return Place(self._open(parent), last, text)
        return Place(fs, "", text)

    def matches(self, text: str) -> list[Place]:
        """Return the places that a word names: itself if it is there, else what its `*` match (never a slash).

        Raises:
            NotFound: a pattern that matches nothing.
        """
        place = self.place(text)
        if "*" not in place.key or _exists(place):
            return [place]
        found = [place.at("")]
        for part in place.key.split("/"):
            found = [
                folder.at(entry.key)
                for folder in found
                for entry in (_children_if_folder(folder) if "*" in part else [_named(folder, part)])
                if fnmatch.fnmatchcase(entry.name, part.replace("[", "[[]").replace("?", "[?]"))
            ]
        keys = {one.key: one for one in found}
        if "*" not in place.key.rpartition("/")[2]:
            keys = {key: one for key, one in keys.items() if _exists(one)}
        if not keys:
            raise NotFound(f"{text}: nothing matches; a quoted * stands for any part of one name")
        return [keys[key] for key in sorted(keys)]

    def need_output(self) -> None:
        """Make sure that there is an output, for a command that is nothing without.

        Raises:
            Unavailable: stdout is closed (`>&-`); what is printed would go nowhere, without an error.
        """
        if sys.stdout is None:
            raise Unavailable("stdout: is closed; open it, or redirect it to /dev/null")

    def say(self, text: str, facts: object) -> None:
        """Print a result."""
        click.echo(json.dumps(facts, ensure_ascii=False) if self.as_json else text)

    def _open(self, source: str) -> StoreFileSystem:
        store = self.settings.open_source(source, {} if source == "/" else self.options)
        return self._opened.setdefault(store.namespace, StoreFileSystem(store))


def _context(config_path: str | None, options: tuple[str, ...], as_json: bool) -> Context:
    return Context(load_settings(config_path), parse_option_pairs(options), as_json)


storage_options = with_context(
    _context,
    click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line."),
    click.option("-o", "options", multiple=True, metavar="K=V,…", help="Options of the storage."),
    click.option("--config", "config_path", metavar="FILE", help="fsspeckit.yaml."),
)
"""Adds the options that every storage command has, and hands them over as one `Context`."""


def _joined(url: str, key: str) -> str:
    return f"{url}{key}" if url.endswith("/") else f"{url}/{key}"


def _children_if_folder(place: Place) -> list[Entry]:
    try:
        return place.children()
    except (NotFound, NotADirectory):
        return []


def _named(folder: Place, part: str) -> Entry:
    return DirectoryInfo(folder.below(part).key)


def _exists(place: Place) -> bool:
    try:
        place.stat()
    except (NotFound, NotADirectory):
        return False
    return True
