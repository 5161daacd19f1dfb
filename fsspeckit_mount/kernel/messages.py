"""What the kernel sends: one request of the FUSE protocol, from bytes to a value.

Pure (sans-IO). One read(2) of /dev/fuse gives exactly one request, so there is no framing to do, but every length and
terminator is checked: a request that does not fit its layout raises `MalformedRequest` with what could be read of its
header, so that it can still be answered. Numbers are in the machine's byte order, as the kernel has them. A request may
be longer than its layout: newer minors append fields.

Values are NamedTuples: they are made once per request, and a frozen dataclass costs three times as much.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple, TypeAlias

from typing_extensions import Buffer

from fsspeckit_mount.kernel.protocol import Opcode

__all__ = [
    "Access",
    "BatchForget",
    "Body",
    "Empty",
    "Forget",
    "Getattr",
    "Getxattr",
    "Header",
    "Init",
    "Interrupt",
    "Ioctl",
    "Lookup",
    "MalformedRequest",
    "Opaque",
    "Open",
    "Read",
    "Release",
    "parse_request",
]

_HEADER = Struct("=IIQQIIIHH")
_INIT_OLD = Struct("=IIII")
_INIT_FLAGS2 = Struct("=I")
_FORGET = Struct("=Q")
_BATCH_FORGET = Struct("=II")
_FORGET_ONE = Struct("=QQ")
_GETATTR = Struct("=IIQ")
_OPEN = Struct("=II")
_READ = Struct("=QQIIQII")
_INTERRUPT = Struct("=Q")
_ACCESS = Struct("=II")
_GETXATTR = Struct("=II")
_IOCTL = Struct("=QIIQII")


class Header(NamedTuple):
    """The head of every request. `nodeid` names the inode it is about (0: none)."""

    opcode: int
    unique: int
    nodeid: int
    uid: int
    gid: int
    pid: int


class Empty(NamedTuple):
    """A request that is its header alone: READLINK, STATFS, DESTROY."""


class Opaque(NamedTuple):
    """The body of a request that is refused without being read."""

    body: bytes


class Init(NamedTuple):
    """INIT: the kernel's version and capabilities. `flags` joins both words of the message."""

    major: int
    minor: int
    max_readahead_bytes: int
    flags: int


class Lookup(NamedTuple):
    """LOOKUP: find `name` in the directory of the header."""

    name: bytes


class Forget(NamedTuple):
    """FORGET: the kernel drops `lookups` references. Never answered."""

    lookups: int


class BatchForget(NamedTuple):
    """BATCH_FORGET: (nodeid, lookups) pairs. Never answered."""

    forgotten: tuple[tuple[int, int], ...]


class Getattr(NamedTuple):
    """GETATTR: `fh` is valid where `flags` has GETATTR_FH."""

    flags: int
    fh: int


class Open(NamedTuple):
    """OPEN and OPENDIR: `flags` as in open(2)."""

    flags: int


class Read(NamedTuple):
    """READ, READDIR and READDIRPLUS: at most `size` bytes from `offset`."""

    fh: int
    offset: int
    size: int


class Release(NamedTuple):
    """RELEASE, RELEASEDIR, FLUSH, FSYNC and FSYNCDIR: the handle they are about."""

    fh: int


class Access(NamedTuple):
    """ACCESS: `mask` as in access(2)."""

    mask: int


class Interrupt(NamedTuple):
    """INTERRUPT: who waits for request `unique` does not want to wait any more. Not answered itself."""

    unique: int


class Getxattr(NamedTuple):
    """GETXATTR (`name` set) and LISTXATTR: a size of 0 asks for the size."""

    name: bytes
    size: int


class Ioctl(NamedTuple):
    """IOCTL: `data` came with the command, at most `out_bytes` may go back."""

    command: int
    out_bytes: int
    data: bytes


Body: TypeAlias = (
    Access
    | BatchForget
    | Empty
    | Forget
    | Getattr
    | Getxattr
    | Init
    | Interrupt
    | Ioctl
    | Lookup
    | Open
    | Opaque
    | Read
    | Release
)


class MalformedRequest(Exception):
    """Bytes that are no request of the protocol. `header` is None where not even that could be read."""

    def __init__(self, header: Header | None, found: str) -> None:
        super().__init__(header, found)
        self.header, self.found = header, found

    def __str__(self) -> str:
        about = f"opcode {self.header.opcode}, unique {self.header.unique}" if self.header else "no header"
        return f"malformed FUSE request ({about}): {self.found}"


def parse_request(data: Buffer) -> tuple[Header, Body]:
    """Return the header and body of one request.

    Args:
        data: what one read(2) of the device returned, all of it and nothing else. Nothing of it is kept.

    Raises:
        MalformedRequest: the bytes do not fit the layout of the opcode.
    """
    view = memoryview(data)
    if len(view) < _HEADER.size:
        raise MalformedRequest(None, f"{len(view)} bytes, the header alone has {_HEADER.size}")
    length, opcode, unique, nodeid, uid, gid, pid, extensions, _ = _HEADER.unpack_from(view)
    header = Header(opcode, unique, nodeid, uid, gid, pid)
    if length != len(view):
        raise MalformedRequest(header, f"its header says {length} bytes, {len(view)} came")
    end = length - extensions * 8  # total_extlen counts 8-byte units at the end of the request
    if end < _HEADER.size:
        raise MalformedRequest(header, f"{extensions * 8} bytes of extensions in {length} bytes")
    parser = _PARSERS.get(opcode)
    body = view[_HEADER.size : end]
    return header, Opaque(bytes(body)) if parser is None else parser(header, body)


def _require(header: Header, body: memoryview, wanted: int) -> None:
    if len(body) < wanted:
        raise MalformedRequest(header, f"its body has {len(body)} bytes, the layout {wanted}")


def _name(header: Header, body: memoryview) -> bytes:
    name, terminator, _ = bytes(body).partition(b"\0")
    if not terminator or not name or b"/" in name:
        raise MalformedRequest(header, "its name is empty, holds a slash or has no terminator")
    return name


def _empty(_header: Header, _body: memoryview) -> Empty:
    return Empty()


def _init(header: Header, body: memoryview) -> Init:
    _require(header, body, _INIT_OLD.size)
    major, minor, max_readahead, flags = _INIT_OLD.unpack_from(body)
    if len(body) >= _INIT_OLD.size + _INIT_FLAGS2.size:
        flags |= _INIT_FLAGS2.unpack_from(body, _INIT_OLD.size)[0] << 32
    return Init(major, minor, max_readahead, flags)


def _lookup(header: Header, body: memoryview) -> Lookup:
    return Lookup(_name(header, body))


def _forget(header: Header, body: memoryview) -> Forget:
    _require(header, body, _FORGET.size)
    return Forget(*_FORGET.unpack_from(body))


def _batch_forget(header: Header, body: memoryview) -> BatchForget:
    _require(header, body, _BATCH_FORGET.size)
    count, _ = _BATCH_FORGET.unpack_from(body)
    items = body[_BATCH_FORGET.size :]
    _require(header, items, count * _FORGET_ONE.size)
    return BatchForget(tuple(_FORGET_ONE.iter_unpack(items[: count * _FORGET_ONE.size])))


def _getattr(header: Header, body: memoryview) -> Getattr:
    _require(header, body, _GETATTR.size)
    flags, _, fh = _GETATTR.unpack_from(body)
    return Getattr(flags, fh)


def _open(header: Header, body: memoryview) -> Open:
    _require(header, body, _OPEN.size)
    return Open(_OPEN.unpack_from(body)[0])


def _read(header: Header, body: memoryview) -> Read:
    _require(header, body, _READ.size)
    fh, offset, size, *_ = _READ.unpack_from(body)
    return Read(fh, offset, size)


def _release(header: Header, body: memoryview) -> Release:
    _require(header, body, 16)  # FSYNC is shorter than RELEASE and FLUSH; all three start with the handle
    return Release(_FORGET.unpack_from(body)[0])


def _access(header: Header, body: memoryview) -> Access:
    _require(header, body, _ACCESS.size)
    return Access(_ACCESS.unpack_from(body)[0])


def _interrupt(header: Header, body: memoryview) -> Interrupt:
    _require(header, body, _INTERRUPT.size)
    return Interrupt(*_INTERRUPT.unpack_from(body))


def _getxattr(header: Header, body: memoryview) -> Getxattr:
    _require(header, body, _GETXATTR.size)
    size, _ = _GETXATTR.unpack_from(body)
    name = b"" if header.opcode == Opcode.LISTXATTR else _name(header, body[_GETXATTR.size :])
    return Getxattr(name, size)


def _ioctl(header: Header, body: memoryview) -> Ioctl:
    _require(header, body, _IOCTL.size)
    _, _, command, _, in_bytes, out_bytes = _IOCTL.unpack_from(body)
    data = body[_IOCTL.size :]
    _require(header, data, in_bytes)
    return Ioctl(command, out_bytes, bytes(data[:in_bytes]))


_PARSERS: dict[int, Callable[[Header, memoryview], Body]] = {
    Opcode.LOOKUP: _lookup,
    Opcode.FORGET: _forget,
    Opcode.GETATTR: _getattr,
    Opcode.READLINK: _empty,
    Opcode.OPEN: _open,
    Opcode.READ: _read,
    Opcode.STATFS: _empty,
    Opcode.RELEASE: _release,
    Opcode.FSYNC: _release,
    Opcode.GETXATTR: _getxattr,
    Opcode.LISTXATTR: _getxattr,
    Opcode.FLUSH: _release,
    Opcode.INIT: _init,
    Opcode.OPENDIR: _open,
    Opcode.READDIR: _read,
    Opcode.READDIRPLUS: _read,
    Opcode.RELEASEDIR: _release,
    Opcode.FSYNCDIR: _release,
    Opcode.ACCESS: _access,
    Opcode.INTERRUPT: _interrupt,
    Opcode.IOCTL: _ioctl,
    Opcode.DESTROY: _empty,
    Opcode.BATCH_FORGET: _batch_forget,
}
