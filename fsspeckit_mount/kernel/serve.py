"""The loop that answers the kernel.

One thread reads the device and answers at once whatever needs no waiting: several Python threads on metadata are two to
three times slower than one. What would wait for the storage or the disk goes to workers, which answer by themselves;
names and data have workers of their own, so a stalled download never delays an `ls`.

`_pending` holds the requests that are with a worker. Whoever takes a request out of it answers it: the worker with the
result, or the loop with EINTR when the kernel sends INTERRUPT. A result that nobody wants any more is undone (its
references forgotten, its handle closed).

The broad `except` here is the edge of one FUSE request: it logs and answers EIO.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Sequence
from typing import Protocol

from fsspeckit_lib.errors import GatewayError
from fsspeckit_mount.errnos import errno_of
from fsspeckit_mount.kernel import messages, replies
from fsspeckit_mount.kernel.device import REQUEST_BUFFER_EXTRA_BYTES
from fsspeckit_mount.kernel.handlers import Answer, Call, Control, Handler, handler_table
from fsspeckit_mount.kernel.messages import Body, Header, MalformedRequest, parse_request
from fsspeckit_mount.kernel.negotiation import Agreement, Wishes
from fsspeckit_mount.kernel.protocol import EPOCH_MINOR, MUTATIONS, Opcode
from fsspeckit_mount.vfs.operations import FileSpan, Missing, VirtualFileSystem
from fsspeckit_mount.vfs.ports import WouldBlock
from fsspeckit_mount.workers import Workers

__all__ = ["Channel", "FuseServer"]

_log = logging.getLogger(__name__)

_NAME_THREADS = 128
_DATA_THREADS = 512
_UNANSWERED = frozenset({Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.INTERRUPT})


class Channel(Protocol):
    """The way to the kernel; `FuseDevice` is it."""

    def receive(self, buffer: bytearray) -> int: ...

    def send(self, parts: Sequence[bytes | memoryview]) -> bool: ...


class FuseServer:
    """Serves one mount from INIT until it is unmounted."""

    def __init__(
        self,
        device: Channel,
        vfs: VirtualFileSystem,
        wishes: Wishes,
        control: tuple[int, Control] | None = None,
        *,
        xattrs: bool = True,
    ) -> None:
        """Serve `vfs`; for `control` and `xattrs` see `handler_table`."""
        self._device = device
        self._vfs = vfs
        self._wishes = wishes
        self._pending: dict[int, None] = {}
        self._name_workers = Workers("names", _NAME_THREADS)
        self._data_workers = Workers("data", _DATA_THREADS)
        self._page = memoryview(bytearray(wishes.max_io_bytes))  # the loop's own buffer for data it answers at once
        self._buffers = threading.local()  # each data worker's
        self.agreement: Agreement | None = None
        self._handlers = handler_table(vfs, wishes, self._agreed, control, xattrs=xattrs)

    def _agreed(self, agreement: Agreement) -> None:
        self.agreement = agreement

    @property
    def thread_count(self) -> int:
        """Worker threads alive now."""
        return self._name_workers.thread_count + self._data_workers.thread_count

    def believe_nothing(self, path: str) -> None:
        """Make the kernel look up what it knows at or below a path again. Never called by the loop's own thread.

        Where the kernel has epochs it is one notification, which takes no lock there. Elsewhere it is one a name, for
        which the kernel locks the directory: it waits for a lookup under way, and the loop goes on answering that.
        Inodes are never invalidated: each is one version, whose pages stay true (and NOTIFY_INVAL_INODE waits for
        reads in flight, which can deadlock).
        """
        if self.agreement is not None and self.agreement.minor >= EPOCH_MINOR:
            notices = [replies.epoch_notice()]
        else:
            notices = [replies.gone_notice(nodeid, name) for nodeid, name in self._vfs.known_names(path)]
        for notice in notices:
            try:
                self._device.send([notice])
            except OSError as error:
                _log.debug("a notification was refused: %s", error)

    def serve(self) -> None:
        """Answer requests until the file system is unmounted."""
        try:
            self._serve()
        finally:
            self._name_workers.close()
            self._data_workers.close()

    def _serve(self) -> None:
        buffer = bytearray(self._wishes.max_io_bytes + REQUEST_BUFFER_EXTRA_BYTES)
        view = memoryview(buffer)
        while length := self._device.receive(buffer):
            try:
                header, body = parse_request(view[:length])
            except MalformedRequest as error:
                _log.error("%s", error)
                if error.header is not None and error.header.opcode not in _UNANSWERED:
                    self._send_error(error.header.unique, errno.EIO)
                continue
            try:
                self._dispatch(header, body)
            except Exception as error:  # noqa: BLE001 - the edge of one request
                self._fail(header, error)

    def _dispatch(self, header: Header, body: Body) -> None:
        handler = self._handlers.get(header.opcode)
        if handler is not None:
            self._answer(Call(header, body, False), handler)
        elif isinstance(body, messages.Read):
            self._read(header, body)
        elif isinstance(body, messages.Forget):
            self._vfs.forget(header.nodeid, body.lookups)
        elif isinstance(body, messages.BatchForget):
            for nodeid, lookups in body.forgotten:
                self._vfs.forget(nodeid, lookups)
        elif isinstance(body, messages.Interrupt):
            # not pending: it was answered before this came, as one thread reads in order
            if self._take(body.unique):
                self._send_error(body.unique, errno.EINTR)
        else:
            self._send_error(header.unique, _refusal(header.opcode))

    def _answer(self, call: Call, handler: Handler) -> None:
        header = call.header
        try:
            answer = handler(call)
        except WouldBlock:
            workers = self._data_workers if header.opcode == Opcode.OPEN else self._name_workers
            self._pending[header.unique] = None
            workers.submit(lambda: self._answer_waiting(call._replace(may_block=True), handler))
        except Exception as error:  # noqa: BLE001 - the edge of one request
            self._fail(header, error)
        else:
            self._reply(header, answer)

    def _answer_waiting(self, call: Call, handler: Handler) -> None:
        header = call.header
        try:
            answer = handler(call)
        except BaseException as error:  # noqa: BLE001 - the edge of one request, which must be answered
            if self._take(header.unique):
                self._fail(header, error)
        else:
            if self._take(header.unique):
                self._reply(header, answer)
            elif answer.undo is not None:
                answer.undo()

    def _take(self, unique: int) -> bool:
        """Take a request out of the pending ones; False where another has taken it."""
        return self._pending.pop(unique, self) is None

    def _reply(self, header: Header, answer: Answer) -> None:
        received = self._send(header.unique, [replies.encode_reply(header.unique, answer.body)])
        if not received and answer.undo is not None:
            answer.undo()

    def _send(self, unique: int, parts: Sequence[bytes | memoryview]) -> bool:
        """Send a reply; False where nobody receives it. A reply that the kernel refuses becomes EIO."""
        try:
            return self._device.send(parts)
        except OSError as error:
            _log.error("the kernel did not take a reply of %d bytes: %s", sum(map(len, parts)), error)
            self._send_error(unique, errno.EIO)
            return False

    def _send_error(self, unique: int, code: int) -> None:
        self._device.send([replies.error_reply(unique, code)])

    def _fail(self, header: Header, error: BaseException) -> None:
        code = errno_of(error)
        if not isinstance(error, GatewayError | OSError):
            _log.error("%s failed", _name(header.opcode), exc_info=error)
        elif code == errno.EIO or header.opcode in {Opcode.READ, Opcode.INIT}:
            _log.warning("%s: %s", _name(header.opcode), error)
        else:
            _log.debug("%s: %s", _name(header.opcode), error)
        if header.opcode not in _UNANSWERED:
            self._send_error(header.unique, code)

    def _read(self, header: Header, body: messages.Read) -> None:
        try:
            found = self._vfs.read_now(body.fh, body.offset, body.size)
            resident = None if isinstance(found, Missing) else self._resident(found)
        except Exception as error:  # noqa: BLE001 - the edge of one request
            self._fail(header, error)
            return
        if resident is not None:
            self._send(header.unique, [replies.reply_header(header.unique, len(resident)), resident])
            return
        self._pending[header.unique] = None
        missing = found if isinstance(found, Missing) else Missing(found.start, found.stop)
        self._data_workers.submit(lambda: self._read_waiting(header, body, missing), key=header.nodeid)

    def _resident(self, span: FileSpan) -> memoryview | None:
        """Return the bytes of a span if they lie in memory, in the loop's own buffer; None: the disk must be read."""
        wanted = self._page[: span.stop - span.start]
        try:
            got = os.preadv(span.fileno, [wanted], span.start, os.RWF_NOWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:  # a file system without RWF_NOWAIT
                return None
            raise
        return wanted if got == len(wanted) else None

    def _read_waiting(self, header: Header, body: messages.Read, missing: Missing) -> None:
        try:
            found = self._vfs.read_waiting(body.fh, body.offset, body.size, missing)
            data = self._pread(found) if isinstance(found, FileSpan) else found
        except BaseException as error:  # noqa: BLE001 - the edge of one request, which must be answered
            if self._take(header.unique):
                self._fail(header, error)
            return
        if self._take(header.unique):
            self._send(header.unique, [replies.reply_header(header.unique, len(data)), data])

    def _pread(self, span: FileSpan) -> memoryview:
        """Return the bytes of a span in this thread's buffer: a fresh one costs a page fault for each of its pages."""
        buffer: memoryview | None = getattr(self._buffers, "page", None)
        if buffer is None:
            buffer = self._buffers.page = memoryview(bytearray(self._wishes.max_io_bytes))
        wanted = buffer[: span.stop - span.start]
        got = os.preadv(span.fileno, [wanted], span.start) if wanted else 0
        if got != len(wanted):  # somebody cut the cached file; a short answer would look like the end of this one
            raise OSError(errno.EIO, f"the cached file has {got} of the bytes [{span.start}, {span.stop})")
        return wanted


def _refusal(opcode: int) -> int:
    """Return the errno for an opcode that is not served. ENOSYS also tells the kernel not to ask again."""
    if opcode in MUTATIONS:
        return errno.EROFS
    return errno.ENOTTY if opcode == Opcode.IOCTL else errno.ENOSYS


def _name(opcode: int) -> str:
    try:
        return Opcode(opcode).name
    except ValueError:
        return f"opcode {opcode}"
