"""The calls a kernel makes on a file system, decided here.

Each is answered from memory, or raises `WouldBlock` when the caller forbade to wait; nothing has changed then, and the
same call is made again where waiting is allowed. Thread-safe.

Freshness is close-to-open: a name is believed for the TTL, then the storage is asked at the next open(2) or stat(2). An
inode is one version (see `inodes`), so whoever has a file open goes on reading the version they opened, or gets
CacheStale when the rest of it cannot be had any more; bytes of two versions never mix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fsspeckit_lib.core.objects import DirectoryInfo, LinkInfo, ObjectInfo
from fsspeckit_lib.errors import BadInput, CacheStale, Corrupt, IsADirectory, NotADirectory, NotFound, ReadOnly
from fsspeckit_mount.vfs.answers import (
    DirectoryItem,
    FileSpan,
    Missing,
    Node,
    OpenedDirectory,
    OpenedFile,
    SpaceReport,
)
from fsspeckit_mount.vfs.attributes import Attributes, Ownership, file_type_of, inode_number
from fsspeckit_mount.vfs.handles import DirectoryHandle, HandleTable, OpenFile
from fsspeckit_mount.vfs.inodes import Inode, InodeTable
from fsspeckit_mount.vfs.listahead import ListAhead
from fsspeckit_mount.vfs.listings import Listing, Listings, Sighting
from fsspeckit_mount.vfs.names import Absence, Names
from fsspeckit_mount.vfs.openahead import OpenAhead
from fsspeckit_mount.vfs.ports import BackingFiles, Clock, FileCache, Storage, WouldBlock
from fsspeckit_mount.vfs.readahead import Readahead
from fsspeckit_mount.vfs.xattrs import ExtendedAttributes

__all__ = [
    "DirectoryItem",
    "FileSpan",
    "Missing",
    "Node",
    "OpenedDirectory",
    "OpenedFile",
    "SpaceReport",
    "VfsConfig",
    "VirtualFileSystem",
]

_IMMUTABLE_S = 86400.0
"""How long the kernel may keep the attributes of a file's inode: they never change, only names move on."""
_UNBELIEVED = Absence(0.0)
_DIRECTORY = 4  # DT_DIR
_WRITE_FLAGS = 0o3 | 0o1000 | 0o2000  # O_ACCMODE, O_TRUNC, O_APPEND
_SMALL_BYTES = 1 << 20  # of what is fetched before it is opened
_SPACE_FILES = 1 << 30


@dataclass(frozen=True, slots=True)
class VfsConfig:
    """How one mount behaves.

    Attributes:
        ownership: owner and mode of everything.
        attribute_ttl_s: how long a file's version is believed.
        directory_ttl_s: how long a listing is believed.
        complete_at_open_bytes: files up to this size are fetched whole when they are opened.
        prefixes_shadow_objects: the storage can have an object and keys below it under one name.
        prefetch_bytes: most bytes that are being fetched ahead at one moment.
        kernel_cache: let the kernel keep names and attributes for as long as they are believed.
    """

    ownership: Ownership
    attribute_ttl_s: float
    directory_ttl_s: float
    complete_at_open_bytes: int
    prefixes_shadow_objects: bool
    prefetch_bytes: int = 96 << 20
    kernel_cache: bool = True


class VirtualFileSystem:
    """One storage as a tree of inodes, read through a cache."""

    def __init__(
        self,
        storage: Storage,
        cache: FileCache,
        config: VfsConfig,
        clock: Clock,
        backing_files: BackingFiles | None = None,
    ) -> None:
        self.url = storage.url
        self._cache = cache
        self._config = config
        self._clock = clock
        self.inodes = InodeTable(config.ownership)
        self._listings = Listings(storage, clock, config.directory_ttl_s)
        self._names = Names(
            storage,
            self.inodes,
            self._listings,
            clock,
            config.attribute_ttl_s,
            prefixes_shadow_objects=config.prefixes_shadow_objects,
        )
        self.list_ahead = ListAhead(storage, self._listings, self._open_listing, clock)
        self._listings.take_ahead = self.list_ahead.take
        self.handles = HandleTable(backing_files, clock)
        self.readahead = Readahead(self.handles, config.prefetch_bytes)
        small_bytes = min(config.complete_at_open_bytes, _SMALL_BYTES) if config.prefetch_bytes else 0
        self.open_ahead = OpenAhead(self._listings, cache, clock, small_bytes)
        self.xattrs = ExtendedAttributes(storage, cache, self.inodes)

    # names

    def lookup(self, parent_nodeid: int, name: bytes, *, may_block: bool) -> Node | Absence:
        """Return the inode under a name, counting one reference of the kernel, or its absence."""
        parent = self.inodes.get(parent_nodeid)
        if not parent.is_directory:
            raise NotADirectory(f"{parent.key}: a name was looked up in a file")
        answer = self._names.resolve(parent.key, name.decode("utf-8", "surrogateescape"), may_block=may_block)
        if isinstance(answer, Absence):
            return answer if self._config.kernel_cache else _UNBELIEVED
        return self.remember(answer)

    def remember(self, sighting: Sighting) -> Node:
        """Return the inode of an entry, counting one reference of the kernel."""
        inode = self.inodes.look_up(sighting.entry, sighting.seen_s)
        return self._node(inode, self._names.valid_s(Sighting(inode.entry, inode.seen_s)))

    def forget(self, nodeid: int, lookups: int) -> None:
        """Take back references of the kernel."""
        inode = self.inodes.forget(nodeid, lookups)
        if inode is None:
            return
        if inode.is_directory:
            self._listings.drop(inode.key)
        elif inode.opened is not None:
            self.handles.forget(inode)

    def trim(self) -> None:
        """Give back what is kept for a moment only; called every second or so."""
        self.handles.trim()
        self.open_ahead.trim()
        self.list_ahead.trim()

    def attributes(self, nodeid: int) -> tuple[Attributes, float]:
        """Return what stat(2) shows of an inode, and for how many seconds that holds. Never blocks.

        Names are what goes stale, not inodes: the kernel looks the name up again when its time is over.
        """
        inode = self.inodes.get(nodeid)
        return self.inodes.attributes(inode), self._attributes_valid_s(inode)

    def read_link(self, nodeid: int) -> bytes:
        """Return the text of a symbolic link."""
        entry = self.inodes.get(nodeid).entry
        if not isinstance(entry, LinkInfo):
            raise BadInput(f"{entry.key}: is no symbolic link")
        return entry.target.encode("utf-8", "surrogateescape")

    def refresh(self, path: str) -> int:
        """Believe nothing at or below a path (of the mount, the root is `""`) any more; return how much this is."""
        return self._names.refresh(path.strip("/"))

    def known_names(self, path: str) -> list[tuple[int, bytes]]:
        """Return (nodeid of the directory, name) of what the kernel may know at or below a path."""
        found = []
        for inode in self.inodes.doubt_below(path.strip("/")):
            directory_key, _, name = inode.key.rpartition("/")
            parent = self.inodes.present(directory_key)
            if name and parent is not None:
                found.append((parent.nodeid, name.encode("utf-8", "surrogateescape")))
        return found

    def entry_count(self) -> int:
        """Return how many entries of listings are kept."""
        return self._listings.entry_count()

    # directories

    def open_directory(self, nodeid: int) -> OpenedDirectory:
        """Return a handle that reads the directory from its beginning, and what the kernel may keep of it.

        The kernel keeps the names of a whole listing whose entries are believed for a while longer: who reads them
        from there gets their attributes from the kernel, too. Of an aged one it would ask for each by itself.
        """
        inode = self.inodes.get(nodeid)
        if not inode.is_directory:
            raise NotADirectory(f"{inode.key}: is a file, a directory was wanted")
        listing = self._open_listing(inode.key)
        self.list_ahead.on_open(inode.key)
        listing.load_at_hand()
        handle = self.handles.open_directory(inode, listing)
        age_s = self._clock() - listing.started_s
        may_keep = self._config.kernel_cache and age_s < self._config.attribute_ttl_s
        has_it, listing.kernel_has_it = listing.kernel_has_it, may_keep
        return OpenedDirectory(handle.fh, may_keep, may_keep and has_it)

    def _open_listing(self, key: str) -> Listing:
        """Return the fresh listing of a directory; where all files are being looked at, one of the attributes' age."""
        listing = self._listings.open(key)
        if self._names.is_being_walked and self._listings.is_aged(key, self._config.attribute_ttl_s):
            return self._listings.renew(listing)
        return listing

    def read_directory(self, fh: int, offset: int, *, may_block: bool, numbers: bool = True) -> Iterator[DirectoryItem]:
        """Return the entries from `offset` on, as far as they are at hand; at least one, or none at the end.

        Args:
            numbers: False leaves `ino` of an entry with a sighting 0, for who makes an inode of it anyway.

        Raises:
            WouldBlock: none is at hand.
            GatewayError: the storage could not be listed.
        """
        handle = self.handles.directory(fh)
        position = max(0, offset - 2)
        listing = handle.listing
        if not listing.is_complete and len(listing) <= position:
            if not may_block:
                raise WouldBlock
            listing.load(position + 1)
        if listing.is_complete and listing.newest_ns:
            self._date(handle)
        return self._items(handle, offset, numbers=numbers)

    def _date(self, handle: DirectoryHandle) -> None:
        """Show a directory whose storage knows no times of directories with that of the newest thing in it."""
        inode = handle.inode
        if self._config.prefixes_shadow_objects and inode.entry.mtime_ns != handle.listing.newest_ns:
            self.inodes.date(inode, handle.listing.newest_ns)

    def release_directory(self, fh: int) -> None:
        """Close a directory handle."""
        self.handles.release_directory(fh)

    def _items(self, handle: DirectoryHandle, offset: int, *, numbers: bool) -> Iterator[DirectoryItem]:
        key, listing = handle.inode.key, handle.listing
        if offset < 1:
            yield DirectoryItem(b".", inode_number(handle.inode.entry), _DIRECTORY, 1, None)
        if offset < 2:
            parent = self.inodes.present(key.rpartition("/")[0]) or self.inodes.root
            yield DirectoryItem(b"..", inode_number(parent.entry), _DIRECTORY, 2, None)
        for position in range(max(0, offset - 2), len(listing)):
            sighting = listing.at(position)
            if sighting is not None:
                entry = sighting.entry
                name = entry.name.encode("utf-8", "surrogateescape")
                ino = inode_number(entry) if numbers else 0
                yield DirectoryItem(name, ino, file_type_of(entry), position + 3, sighting)

    # files

    def open_file(self, nodeid: int, flags: int, *, may_block: bool) -> OpenedFile:
        """Open one version of one file; a small one is complete afterwards.

        Raises:
            CacheStale: the storage has another version by now. The kernel looks the name up again and retries.
            ReadOnly, IsADirectory.
        """
        inode = self.inodes.get(nodeid)
        if not isinstance(inode.entry, ObjectInfo):
            raise IsADirectory(f"{inode.key}: is a directory")
        if flags & _WRITE_FLAGS:
            raise ReadOnly(f"{inode.key}: the mount is read-only")
        if not self._names.confirm(inode, may_block=may_block):
            raise CacheStale(inode.key, inode.entry.version, "replaced")
        opened = self._join(inode, inode.entry, may_block=may_block)
        try:
            self.open_ahead.on_open(inode.entry, is_here=opened.check_whole())
            self._complete_small(opened, may_block=may_block)
            handle = self.handles.open_file(opened)
        except BaseException as error:
            self.handles.leave(opened)
            if isinstance(error, CacheStale | NotFound):
                self._names.doubt(inode)
                raise _as_stale(opened.info, error) from error
            raise
        return OpenedFile(handle.fh, opened.mode, opened.backing_id)

    def read_now(self, fh: int, start: int, size: int) -> FileSpan | Missing:
        """Return where the bytes lie if they are at hand, else what to fetch for them. Never waits for the network.

        Called once per read, by one thread: this is where sequential reading is noticed.
        """
        handle = self.handles.file(fh)
        opened = handle.opened
        span = FileSpan(opened.local.fileno(), start, max(start, min(start + size, opened.info.size_bytes)))
        if span.start == span.stop or opened.check_whole():
            return span
        is_first = handle.is_unread
        handle.is_unread = False
        ahead = handle.prefetcher.on_read(start, span.stop)
        if ahead is not None:  # the read itself does not wait in the queue behind other files
            ahead = (max(ahead[0], span.stop), ahead[1])
        is_here = opened.local.is_present(start, span.stop)
        if not is_here and is_first:
            first, last = handle.prefetcher.worth_fetching(start, span.stop)
            return Missing(first, last, None if ahead is None else (max(ahead[0], last), ahead[1]))
        if ahead is not None:
            self.readahead.ask(opened, *ahead)
        return span if is_here else Missing(*handle.prefetcher.worth_fetching(start, span.stop))

    def read_waiting(self, fh: int, start: int, size: int, missing: Missing) -> FileSpan | bytes:
        """Return what is read from `start`, fetched where it is missing. Fewer bytes than `size` only at the end.

        Raises:
            CacheStale: the version this handle reads is gone from the storage, and these bytes were never fetched.
        """
        opened = self.handles.use(fh)  # an interrupted read outlives its handle
        try:
            stop = max(start, min(start + size, opened.info.size_bytes))
            if start < stop and not opened.check_whole():
                opened.local.fetch(missing.start, missing.stop)
                if missing.ahead is not None:
                    self.readahead.ask(opened, *missing.ahead)
                if not opened.local.is_present(start, stop):  # it does not fit into the cache
                    return _exactly(opened, start, stop, opened.local.read(start, stop))
            return FileSpan(opened.local.fileno(), start, stop)
        except (CacheStale, NotFound) as error:
            self._names.doubt(opened.inode)
            raise _as_stale(opened.info, error) from error
        finally:
            self.handles.leave(opened)

    def release_file(self, fh: int) -> None:
        """Close a file handle."""
        closed = self.handles.release_file(fh)
        if closed is not None:
            self.readahead.drop(closed)

    def space(self) -> SpaceReport:
        """Return what statfs(2) shows."""
        size_bytes, used_bytes = self._cache.space()
        return SpaceReport(size_bytes, min(used_bytes, size_bytes), _SPACE_FILES)

    def close(self) -> None:
        """Close what is still open, after the kernel has gone."""
        self.readahead.close()
        self.list_ahead.close()
        self.open_ahead.close()
        self.handles.close()

    def _join(self, inode: Inode, info: ObjectInfo, *, may_block: bool) -> OpenFile:
        opened = self.handles.join(inode)
        if opened is not None:
            return opened
        if not may_block and self._cache.cached_path(info) is None:
            raise WouldBlock  # its index and its disk may take a while
        return self.handles.share(inode, info, self._cache.open(info))

    def _complete_small(self, opened: OpenFile, *, may_block: bool) -> None:
        if opened.handles or opened.info.size_bytes > self._config.complete_at_open_bytes or opened.check_whole():
            return
        if not may_block:
            raise WouldBlock
        opened.local.fetch_all()

    def _node(self, inode: Inode, name_valid_s: float) -> Node:
        name_valid_s = max(0.0, name_valid_s) if self._config.kernel_cache else 0.0
        return Node(inode.nodeid, self.inodes.attributes(inode), name_valid_s, self._attributes_valid_s(inode))

    def _attributes_valid_s(self, inode: Inode) -> float:
        if not isinstance(inode.entry, DirectoryInfo):
            return _IMMUTABLE_S
        return self._config.attribute_ttl_s if self._config.kernel_cache else 0.0


def _as_stale(info: ObjectInfo, error: CacheStale | NotFound) -> CacheStale:
    """Return the error for a version that cannot be had any more, be it replaced or deleted."""
    return error if isinstance(error, CacheStale) else CacheStale(info.key, info.version, "deleted")


def _exactly(opened: OpenFile, start: int, stop: int, data: bytes) -> bytes:
    """Return `data` if it has as many bytes as were wanted: the kernel would take fewer for the end of the file."""
    if len(data) != stop - start:
        raise Corrupt(f"{opened.info.key}: {len(data)} bytes came for the {stop - start} wanted at offset {start}")
    return data
