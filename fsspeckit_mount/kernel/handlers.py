"""What each opcode does: from a request to the body of its reply, by way of the virtual file system.

No I/O of its own. A handler returns the answer, or raises: `WouldBlock` when the call forbids waiting, a GatewayError
or OSError that becomes the errno. READ, FORGET and INTERRUPT are the loop's (`serve`).
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from fsspeckit_mount.kernel import messages, replies
from fsspeckit_mount.kernel.messages import Body, Header
from fsspeckit_mount.kernel.negotiation import Agreement, Wishes, major_only_reply, negotiate
from fsspeckit_mount.kernel.protocol import Opcode, OpenFlag
from fsspeckit_mount.vfs.handles import IoMode
from fsspeckit_mount.vfs.names import Absence
from fsspeckit_mount.vfs.operations import VirtualFileSystem
from fsspeckit_mount.vfs.ports import WouldBlock

__all__ = ["Answer", "Call", "Control", "Handler", "handler_table"]

_log = logging.getLogger(__name__)

_KEEP_DIRECTORY = OpenFlag.CACHE_DIR | OpenFlag.KEEP_CACHE

Control: TypeAlias = Callable[[bytes], bytes]
"""Answers the bytes of a question about the mount itself (see `fsspeckit_mount.control`)."""


class Call(NamedTuple):
    """One request, and whether the answer may take its time."""

    header: Header
    body: Body
    may_block: bool


class Answer(NamedTuple):
    """The body of a successful reply, and what to take back when nobody receives it."""

    body: bytes
    undo: Callable[[], None] | None = None


Handler: TypeAlias = Callable[[Call], Answer]


def handler_table(
    vfs: VirtualFileSystem,
    wishes: Wishes,
    on_agreed: Callable[[Agreement], None],
    control: tuple[int, Control] | None = None,
    *,
    xattrs: bool = True,
) -> Mapping[int, Handler]:
    """Return the handler of every opcode that is answered with more than an errno.

    Args:
        on_agreed: called with what INIT settled.
        control: the ioctl(2) command that asks about the mount itself, and who answers it.
        xattrs: False: the kernel is told once that there are none.
    """
    handlers = _Handlers(vfs, wishes, on_agreed, control)
    extended: dict[int, Handler] = {}
    if xattrs:
        extended = {Opcode.GETXATTR: handlers.getxattr, Opcode.LISTXATTR: handlers.listxattr}
    return {
        **extended,
        Opcode.INIT: handlers.init,
        Opcode.LOOKUP: handlers.lookup,
        Opcode.GETATTR: handlers.getattr,
        Opcode.READLINK: handlers.readlink,
        Opcode.OPEN: handlers.open,
        Opcode.STATFS: handlers.statfs,
        Opcode.RELEASE: handlers.release,
        Opcode.FSYNC: handlers.done,
        Opcode.FLUSH: handlers.done,
        Opcode.OPENDIR: handlers.opendir,
        Opcode.READDIR: handlers.readdir,
        Opcode.READDIRPLUS: handlers.readdir,
        Opcode.RELEASEDIR: handlers.releasedir,
        Opcode.FSYNCDIR: handlers.done,
        Opcode.ACCESS: handlers.access,
        Opcode.DESTROY: handlers.done,
        Opcode.IOCTL: handlers.ioctl,
    }


class _Handlers:
    """One method per opcode."""

    def __init__(
        self,
        vfs: VirtualFileSystem,
        wishes: Wishes,
        on_agreed: Callable[[Agreement], None],
        control: tuple[int, Control] | None,
    ) -> None:
        self._vfs = vfs
        self._wishes = wishes
        self._on_agreed = on_agreed
        self._control = control
        # KEEP_CACHE: an inode is one version, so its cached pages stay true. With PASSTHROUGH it would be EIO.
        self._flags_by_mode = {
            IoMode.PASSTHROUGH: int(OpenFlag.NOFLUSH | OpenFlag.PASSTHROUGH),
            IoMode.CACHED: int(OpenFlag.NOFLUSH | OpenFlag.KEEP_CACHE),
            IoMode.DIRECT: int(OpenFlag.NOFLUSH | OpenFlag.KEEP_CACHE),
        }

    def init(self, call: Call) -> Answer:
        assert isinstance(call.body, messages.Init)
        agreement = negotiate(call.body, self._wishes)
        if agreement is None:
            return Answer(major_only_reply())
        if agreement.direct_io_maps:
            self._flags_by_mode[IoMode.DIRECT] = int(OpenFlag.NOFLUSH | OpenFlag.DIRECT_IO)
        self._on_agreed(agreement)
        passthrough = "offered by the kernel" if agreement.passthrough else "not used"
        _log.info("FUSE protocol 7.%d, passthrough %s", agreement.minor, passthrough)
        return Answer(agreement.reply)

    def lookup(self, call: Call) -> Answer:
        assert isinstance(call.body, messages.Lookup)
        node = self._vfs.lookup(call.header.nodeid, call.body.name, may_block=call.may_block)
        if isinstance(node, Absence):
            return Answer(replies.negative_entry_body(node.valid_s))
        return Answer(replies.entry_body(node), lambda: self._vfs.forget(node.nodeid, 1))

    def getattr(self, call: Call) -> Answer:
        attributes, valid_s = self._vfs.attributes(call.header.nodeid)
        return Answer(replies.attributes_body(attributes, valid_s))

    def readlink(self, call: Call) -> Answer:
        return Answer(self._vfs.read_link(call.header.nodeid))

    def getxattr(self, call: Call) -> Answer:
        assert isinstance(call.body, messages.Getxattr)
        if call.body.name.startswith(b"system."):
            raise OSError(errno.EOPNOTSUPP, "no such namespace")
        value = self._vfs.xattrs.value(call.header.nodeid, call.body.name, may_block=call.may_block)
        if value is None:
            raise OSError(errno.ENODATA, "no such attribute")
        return _sized(value, call.body.size)

    def listxattr(self, call: Call) -> Answer:
        assert isinstance(call.body, messages.Getxattr)
        names = self._vfs.xattrs.names(call.header.nodeid)
        return _sized(b"".join(name + b"\0" for name in names), call.body.size)

    def ioctl(self, call: Call) -> Answer:
        body = call.body
        assert isinstance(body, messages.Ioctl)
        if self._control is None or body.command != self._control[0]:
            raise OSError(errno.ENOTTY, "no such command")
        if not call.may_block:
            raise WouldBlock  # it may take a while, and may notify the kernel, which the loop must not wait for
        data = self._control[1](body.data)
        if len(data) > body.out_bytes:
            raise OSError(errno.EINVAL, "no room for the answer")
        return Answer(replies.ioctl_body(data))

    def access(self, call: Call) -> Answer:
        assert isinstance(call.body, messages.Access)
        self._vfs.attributes(call.header.nodeid)
        if call.body.mask & os.W_OK:
            raise OSError(errno.EROFS, "the mount is read-only")
        return Answer(b"")

    def statfs(self, _call: Call) -> Answer:
        return Answer(replies.statfs_body(self._vfs.space()))

    def done(self, _call: Call) -> Answer:
        return Answer(b"")

    def open(self, call: Call) -> Answer:
        assert isinstance(call.body, messages.Open)
        opened = self._vfs.open_file(call.header.nodeid, call.body.flags, may_block=call.may_block)
        body = replies.open_body(opened.fh, self._flags_by_mode[opened.mode], opened.backing_id)
        return Answer(body, lambda: self._vfs.release_file(opened.fh))

    def release(self, call: Call) -> Answer:
        assert isinstance(call.body, messages.Release)
        self._vfs.release_file(call.body.fh)
        return Answer(b"")

    def opendir(self, call: Call) -> Answer:
        opened = self._vfs.open_directory(call.header.nodeid)
        flags = 0
        if opened.may_keep:
            flags = _KEEP_DIRECTORY if opened.is_kept else OpenFlag.CACHE_DIR
        return Answer(replies.open_body(opened.fh, flags), lambda: self._vfs.release_directory(opened.fh))

    def releasedir(self, call: Call) -> Answer:
        assert isinstance(call.body, messages.Release)
        self._vfs.release_directory(call.body.fh)
        return Answer(b"")

    def readdir(self, call: Call) -> Answer:
        body = call.body
        assert isinstance(body, messages.Read)
        plus = call.header.opcode == Opcode.READDIRPLUS
        buffer = replies.DirectoryBuffer(body.size, plus=plus)
        nodeids: list[int] = []
        items = self._vfs.read_directory(body.fh, body.offset, may_block=call.may_block, numbers=not plus)
        for item in items:
            if not buffer.takes(item.name):
                break
            if not plus:
                buffer.add(item.name, item.ino, item.next_offset, item.file_type)
                continue
            if item.sighting is None:
                buffer.add_node(item.name, None, item.ino, item.next_offset, item.file_type)
                continue
            node = self._vfs.remember(item.sighting)
            nodeids.append(node.nodeid)
            buffer.add_node(item.name, node, node.attributes.ino, item.next_offset, item.file_type)
        return Answer(buffer.body(), lambda: self._forget(nodeids))

    def _forget(self, nodeids: list[int]) -> None:
        for nodeid in nodeids:
            self._vfs.forget(nodeid, 1)


def _sized(value: bytes, size: int) -> Answer:
    """Return the value, or its size where that was asked for."""
    if size == 0:
        return Answer(replies.size_body(len(value)))
    if len(value) > size:
        raise OSError(errno.ERANGE, "the buffer is too small")
    return Answer(value)
