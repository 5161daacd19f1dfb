"""What the kernel gets back: replies of the FUSE protocol, from values to bytes.

Pure (sans-IO). A reply is one header and at most one body, written by one write(2). Times are seconds plus nanoseconds;
a validity is how long the kernel may use an answer without asking again.
"""

from __future__ import annotations

from struct import Struct

from fsspeckit_mount.kernel.protocol import NOTIFY_INC_EPOCH, NOTIFY_INVAL_ENTRY
from fsspeckit_mount.vfs.attributes import Attributes
from fsspeckit_mount.vfs.operations import Node, SpaceReport

__all__ = [
    "REPLY_HEADER_BYTES",
    "DirectoryBuffer",
    "attributes_body",
    "encode_reply",
    "entry_body",
    "epoch_notice",
    "error_reply",
    "gone_notice",
    "ioctl_body",
    "negative_entry_body",
    "open_body",
    "reply_header",
    "size_body",
    "statfs_body",
]

_HEADER = Struct("=IiQ")
_ATTRIBUTES = Struct("=QQQQQQIIIIIIIIII")
_ENTRY_HEAD = Struct("=QQQQII")
_ATTRIBUTES_HEAD = Struct("=QII")
_OPEN = Struct("=QIi")
_STATFS = Struct("=QQQQQIIII24x")
_DIRENT = Struct("=QQII")
_IOCTL = Struct("=iIII")
_SIZE = Struct("=II")
_INVAL_ENTRY = Struct("=QII")

REPLY_HEADER_BYTES = _HEADER.size
_BILLION = 1_000_000_000
_NO_ENTRY = bytes(_ENTRY_HEAD.size + _ATTRIBUTES.size)
_BLOCK_BYTES = 4096
_PREFERRED_READ_BYTES = 128 << 10
"""st_blksize: stdio and Python take it as the size of their buffers, which saves round trips on incomplete files."""
_NAME_BYTES = 1024  # FUSE_NAME_MAX: the longest name the kernel takes from a server


def reply_header(unique: int, body_bytes: int) -> bytes:
    """Return the header of a successful reply whose body has that many bytes."""
    return _HEADER.pack(_HEADER.size + body_bytes, 0, unique)


def encode_reply(unique: int, body: bytes) -> bytes:
    """Return a whole successful reply."""
    return _HEADER.pack(_HEADER.size + len(body), 0, unique) + body


def error_reply(unique: int, errno: int) -> bytes:
    """Return a whole failed reply; `errno` is positive, as in `errno.ENOENT`."""
    return _HEADER.pack(_HEADER.size, -errno, unique)


def attributes_body(attributes: Attributes, valid_s: float) -> bytes:
    """Return fuse_attr_out, the body of the reply to GETATTR."""
    seconds, nanoseconds = _split(valid_s)
    return _ATTRIBUTES_HEAD.pack(seconds, nanoseconds, 0) + _attributes(attributes)


def entry_body(node: Node) -> bytes:
    """Return fuse_entry_out, the body of the reply to LOOKUP. Nodeids are never used twice: generation 0."""
    name_s, name_ns = _split(node.name_valid_s)
    attributes_s, attributes_ns = _split(node.attributes_valid_s)
    head = _ENTRY_HEAD.pack(node.nodeid, 0, name_s, attributes_s, name_ns, attributes_ns)
    return head + _attributes(node.attributes)


def negative_entry_body(valid_s: float) -> bytes:
    """Return fuse_entry_out with nodeid 0: there is no such name, and the kernel may remember that."""
    seconds, nanoseconds = _split(valid_s)
    return _ENTRY_HEAD.pack(0, 0, seconds, 0, nanoseconds, 0) + bytes(_ATTRIBUTES.size)


def open_body(fh: int, flags: int, backing_id: int = 0) -> bytes:
    """Return fuse_open_out, the body of the reply to OPEN and OPENDIR."""
    return _OPEN.pack(fh, flags, backing_id)


def statfs_body(space: SpaceReport) -> bytes:
    """Return fuse_statfs_out: the room of the cache."""
    blocks = space.size_bytes // _BLOCK_BYTES
    free = (space.size_bytes - space.used_bytes) // _BLOCK_BYTES
    return _STATFS.pack(
        blocks, free, free, space.files, space.files, _BLOCK_BYTES, _NAME_BYTES, _BLOCK_BYTES, 0
    )  # fmt: skip


def size_body(size_bytes: int) -> bytes:
    """Return fuse_getxattr_out: how large a value or a list of names is."""
    return _SIZE.pack(size_bytes, 0)


def ioctl_body(data: bytes) -> bytes:
    """Return fuse_ioctl_out and what goes back to the caller's memory."""
    return _IOCTL.pack(0, 0, 0, 0) + data


def epoch_notice() -> bytes:
    """Return the notification after which the kernel looks up every name again."""
    return _HEADER.pack(_HEADER.size, NOTIFY_INC_EPOCH, 0)


def gone_notice(directory_nodeid: int, name: bytes) -> bytes:
    """Return the notification after which the kernel looks up one name again."""
    body = _INVAL_ENTRY.pack(directory_nodeid, len(name), 0) + name + b"\0"
    return _HEADER.pack(_HEADER.size + len(body), NOTIFY_INVAL_ENTRY, 0) + body


class DirectoryBuffer:
    """The body of the reply to READDIR or READDIRPLUS, filled entry by entry up to the size the kernel asked for."""

    def __init__(self, size: int, *, plus: bool) -> None:
        self._left = size
        self._head_bytes = _DIRENT.size + (len(_NO_ENTRY) if plus else 0)
        self._parts: list[bytes] = []

    def takes(self, name: bytes) -> bool:
        """Tell whether an entry of that name still fits."""
        return _aligned(self._head_bytes + len(name)) <= self._left

    def add(self, name: bytes, ino: int, next_offset: int, file_type: int) -> None:
        """Append one entry of READDIR. `file_type` is the mode's type bits, shifted by 12 (DT_REG, DT_DIR, …)."""
        self._append(_DIRENT.pack(ino, next_offset, len(name), file_type), name)

    def add_node(self, name: bytes, node: Node | None, ino: int, next_offset: int, file_type: int) -> None:
        """Append one entry of READDIRPLUS; without a node the kernel learns the name alone."""
        entry = _NO_ENTRY if node is None else entry_body(node)
        self._append(entry + _DIRENT.pack(ino, next_offset, len(name), file_type), name)

    def body(self) -> bytes:
        """Return the bytes; empty means the end of the directory."""
        return b"".join(self._parts)

    def _append(self, head: bytes, name: bytes) -> None:
        taken = _aligned(len(head) + len(name))
        self._parts.append((head + name).ljust(taken, b"\0"))
        self._left -= taken


def _attributes(attributes: Attributes) -> bytes:
    seconds, nanoseconds = divmod(attributes.mtime_ns, _BILLION)
    size = attributes.size_bytes
    return _ATTRIBUTES.pack(
        attributes.ino,
        size,
        (size + 511) // 512,
        seconds,
        seconds,
        seconds,
        nanoseconds,
        nanoseconds,
        nanoseconds,
        attributes.mode,
        attributes.links,
        attributes.uid,
        attributes.gid,
        0,
        _BLOCK_BYTES if attributes.is_directory else _PREFERRED_READ_BYTES,
        0,
    )


def _split(seconds: float) -> tuple[int, int]:
    if seconds <= 0:
        return 0, 0
    whole = int(seconds)
    return whole, int((seconds - whole) * _BILLION)


def _aligned(size: int) -> int:
    return (size + 7) & ~7
