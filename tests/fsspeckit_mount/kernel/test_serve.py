"""The loop, with a scripted kernel instead of a device: one answer per request, whatever is asked."""

from __future__ import annotations

import errno
import queue
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsspeckit_lib.errors import AccessDenied, Internal, Unavailable
from fsspeckit_mount.kernel.negotiation import Wishes
from fsspeckit_mount.kernel.protocol import MUTATIONS, Opcode, OpenFlag
from fsspeckit_mount.kernel.serve import FuseServer
from fsspeckit_mount.vfs.operations import VirtualFileSystem
from tests.fsspeckit_mount.fakes import DictStorage, FakeBackingFiles, FakeCache, HandClock, vfs_on

_LARGE = bytes(range(256)) * 4096  # 1 MiB


class ScriptedKernel:
    """Sends the requests a test asks for, collects the replies by unique."""

    def __init__(self) -> None:
        self._requests: queue.Queue[bytes] = queue.Queue()
        self.replies: dict[int, tuple[int, bytes]] = {}
        self._arrived = threading.Condition()
        self._unique = 0
        self.gone: set[int] = set()
        self.notices: list[bytes] = []
        self.server: FuseServer | None = None

    def receive(self, buffer: bytearray) -> int:
        wire = self._requests.get(timeout=30)
        buffer[: len(wire)] = wire
        return len(wire)

    def send(self, parts: Sequence[bytes | memoryview]) -> bool:
        wire = b"".join(bytes(part) for part in parts)
        length, error, unique = struct.unpack_from("<IiQ", wire)
        assert length == len(wire)
        if unique == 0:
            self.notices.append(wire)
            return True
        with self._arrived:
            assert unique not in self.replies, "answered twice"
            if unique in self.gone:
                return False
            self.replies[unique] = (-error, wire[16:])
            self._arrived.notify_all()
        return True

    def ask(self, opcode: int, body: bytes = b"", nodeid: int = 1) -> int:
        """Send a request; return its unique."""
        self._unique += 2
        self.raw(struct.pack("<IIQQIIIHH", 40 + len(body), opcode, self._unique, nodeid, 0, 0, 1, 0, 0) + body)
        return self._unique

    def raw(self, wire: bytes) -> None:
        self._requests.put(wire)

    def answer(self, unique: int) -> tuple[int, bytes]:
        """Return (errno, body) of the reply, once it is there."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: unique in self.replies, 20), "no answer"
            return self.replies[unique]

    def call(self, opcode: int, body: bytes = b"", nodeid: int = 1) -> tuple[int, bytes]:
        return self.answer(self.ask(opcode, body, nodeid))

    # what the tests ask often

    def lookup(self, name: bytes, nodeid: int = 1) -> int:
        code, body = self.call(Opcode.LOOKUP, name + b"\0", nodeid)
        assert code == 0
        return int(struct.unpack_from("<Q", body)[0])

    def open(self, nodeid: int) -> tuple[int, int, int]:
        """Return (fh, open flags, backing id)."""
        code, body = self.call(Opcode.OPEN, bytes(8), nodeid)
        assert code == 0
        fh, flags, backing_id = struct.unpack("<QIi", body)
        return fh, flags, backing_id


def read_body(fh: int, offset: int, size: int) -> bytes:
    return struct.pack("<QQIIQII", fh, offset, size, 0, 0, 0, 0)


@contextmanager
def serving(
    vfs: VirtualFileSystem, *, minor: int = 45, control: tuple[int, Callable[[bytes], bytes]] | None = None
) -> Iterator[ScriptedKernel]:
    kernel = ScriptedKernel()
    server = FuseServer(kernel, vfs, Wishes(1 << 20, passthrough=True, stack_depth=1), control)
    kernel.server = server
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    code, _ = kernel.call(Opcode.INIT, struct.pack("<IIIII44x", 7, minor, 131072, 0xFFFFFFFF, 0xFFFFFFFF))
    assert code == 0
    try:
        yield kernel
    finally:
        kernel.raw(b"")
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def storage() -> DictStorage:
    return DictStorage({"a.txt": b"hello", "dir/b.txt": b"below", "large": _LARGE})


@pytest.fixture
def kernel(storage: DictStorage) -> Iterator[ScriptedKernel]:
    with serving(vfs_on(storage, backing_files=FakeBackingFiles())) as kernel:
        yield kernel


_SERVED = {
    Opcode.GETATTR,
    Opcode.STATFS,
    Opcode.RELEASE,
    Opcode.FSYNC,
    Opcode.LISTXATTR,
    Opcode.FLUSH,
    Opcode.OPENDIR,
    Opcode.RELEASEDIR,
    Opcode.FSYNCDIR,
    Opcode.ACCESS,
    Opcode.DESTROY,
}


@pytest.mark.parametrize("opcode", range(1, 64))
def test_every_opcode_is_answered_or_needs_no_answer(kernel: ScriptedKernel, opcode: int) -> None:
    if opcode in {Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.INTERRUPT, Opcode.INIT}:
        return
    code, _ = kernel.call(opcode, bytes(64))
    if opcode in MUTATIONS:
        assert code == errno.EROFS
    elif opcode == Opcode.IOCTL:
        assert code == errno.ENOTTY
    elif opcode == Opcode.READLINK:
        assert code == errno.EINVAL
    elif opcode in {Opcode.LOOKUP, Opcode.GETXATTR}:
        assert code == errno.EIO  # zeros are a malformed name
    elif opcode in {Opcode.OPEN, Opcode.READ, Opcode.READDIR, Opcode.READDIRPLUS}:
        assert code in {errno.EISDIR, errno.ESTALE}  # the root, and a handle that is not open
    elif opcode in _SERVED:
        assert code == 0
    else:
        assert code == errno.ENOSYS


def test_forgotten_requests_are_not_answered(kernel: ScriptedKernel) -> None:
    unique = kernel.ask(Opcode.FORGET, struct.pack("<Q", 1))
    other = kernel.ask(Opcode.BATCH_FORGET, struct.pack("<IIQQ", 1, 0, 5, 1))
    interrupt = kernel.ask(Opcode.INTERRUPT, struct.pack("<Q", 4242))
    kernel.call(Opcode.STATFS)
    assert not {unique, other, interrupt} & set(kernel.replies)


def test_malformed_requests_are_answered_and_survived(kernel: ScriptedKernel) -> None:
    assert kernel.call(Opcode.GETATTR, b"")[0] == errno.EIO
    assert kernel.call(Opcode.LOOKUP, b"no end")[0] == errno.EIO
    kernel.raw(b"x" * 10)
    kernel.raw(struct.pack("<IIQQIIIHH", 99, 1, 999, 1, 0, 0, 0, 0, 0))
    assert kernel.answer(999)[0] == errno.EIO
    assert kernel.call(Opcode.STATFS)[0] == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=80), st.integers(0, 6)), max_size=30))
def test_random_requests_are_each_answered_once(requests: list[tuple[int, bytes, int]]) -> None:
    storage = DictStorage({"a.txt": b"hello", "dir/b.txt": b"below"})
    with serving(vfs_on(storage, backing_files=FakeBackingFiles())) as kernel:
        silent = {Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.INTERRUPT}
        asked = [(opcode, kernel.ask(opcode, body, nodeid)) for opcode, body, nodeid in requests]
        for opcode, unique in asked:
            if opcode not in silent:
                kernel.answer(unique)


def test_lookup_open_read_release(kernel: ScriptedKernel) -> None:
    nodeid = kernel.lookup(b"a.txt")
    fh, flags, backing_id = kernel.open(nodeid)
    assert flags == OpenFlag.PASSTHROUGH | OpenFlag.NOFLUSH  # never with KEEP_CACHE: the kernel would fail the open
    assert backing_id > 0
    assert kernel.call(Opcode.READ, read_body(fh, 1, 100), nodeid) == (0, b"ello")
    assert kernel.call(Opcode.READ, read_body(fh, 5, 100), nodeid) == (0, b"")
    assert kernel.call(Opcode.FLUSH, struct.pack("<QIIQ", fh, 0, 0, 0), nodeid) == (0, b"")
    assert kernel.call(Opcode.RELEASE, struct.pack("<QIIQ", fh, 0, 0, 0), nodeid) == (0, b"")
    assert kernel.call(Opcode.READ, read_body(fh, 0, 1), nodeid)[0] == errno.ESTALE


def test_extended_attributes_tell_their_size_first(kernel: ScriptedKernel) -> None:
    nodeid = kernel.lookup(b"a.txt")
    for opcode, tail in ((Opcode.GETXATTR, b"user.fsspeckit.url\0"), (Opcode.LISTXATTR, b"")):
        code, body = kernel.call(opcode, struct.pack("<II", 0, 0) + tail, nodeid)
        size = struct.unpack("<II", body)[0]
        assert code == 0
        code, body = kernel.call(opcode, struct.pack("<II", size, 0) + tail, nodeid)
        assert (code, len(body)) == (0, size)
        assert kernel.call(opcode, struct.pack("<II", size - 1, 0) + tail, nodeid)[0] == errno.ERANGE
    assert body == b"user.fsspeckit.url\0user.fsspeckit.cached\0user.fsspeckit.etag\0"
    absent = struct.pack("<II", 99, 0) + b"user.other\0"
    assert kernel.call(Opcode.GETXATTR, absent, nodeid)[0] == errno.ENODATA
    acl = struct.pack("<II", 99, 0) + b"system.posix_acl_access\0"
    assert kernel.call(Opcode.GETXATTR, acl, nodeid)[0] == errno.EOPNOTSUPP


def test_a_question_about_the_mount_is_answered_by_who_is_asked(storage: DictStorage) -> None:
    def answer(question: bytes) -> bytes:
        return question.upper()

    with serving(vfs_on(storage), control=(77, answer)) as kernel:
        body = struct.pack("<QIIQII", 0, 1, 77, 0, 3, 3) + b"abc"
        assert kernel.call(Opcode.IOCTL, body) == (0, bytes(16) + b"ABC")
        assert kernel.call(Opcode.IOCTL, body.replace(struct.pack("<I", 77), struct.pack("<I", 78)))[0] == errno.ENOTTY
        small = struct.pack("<QIIQII", 0, 1, 77, 0, 3, 2) + b"abc"
        assert kernel.call(Opcode.IOCTL, small)[0] == errno.EINVAL


@pytest.mark.parametrize(("minor", "notices"), [(45, 1), (40, 2)])
def test_the_kernel_is_told_to_look_up_names_again(storage: DictStorage, minor: int, notices: int) -> None:
    vfs = vfs_on(storage)
    with serving(vfs, minor=minor) as kernel:
        kernel.lookup(b"a.txt")
        kernel.lookup(b"dir")
        assert kernel.server is not None
        kernel.server.believe_nothing("")
        assert len(kernel.notices) == notices
        assert {struct.unpack_from("<IiQ", wire)[1] for wire in kernel.notices} == {8 if minor >= 44 else 3}
        names = {wire[32:-1] for wire in kernel.notices if minor < 44}
        assert names == (set() if minor >= 44 else {b"a.txt", b"dir"})


def test_a_large_file_is_read_directly_until_it_is_complete(kernel: ScriptedKernel) -> None:
    nodeid = kernel.lookup(b"large")
    fh, flags, backing_id = kernel.open(nodeid)
    assert (flags, backing_id) == (OpenFlag.DIRECT_IO | OpenFlag.NOFLUSH, 0)
    for offset in (0, 4096, 700_000, (1 << 20) - 10):
        code, data = kernel.call(Opcode.READ, read_body(fh, offset, 4096), nodeid)
        assert (code, data) == (0, _LARGE[offset : offset + 4096])


def test_without_passthrough_a_complete_file_uses_the_page_cache(storage: DictStorage) -> None:
    with serving(vfs_on(storage, backing_files=FakeBackingFiles(refuses=True))) as kernel:
        nodeid = kernel.lookup(b"a.txt")
        fh, flags, _ = kernel.open(nodeid)
        assert flags == OpenFlag.KEEP_CACHE | OpenFlag.NOFLUSH
        assert kernel.call(Opcode.READ, read_body(fh, 0, 4096), nodeid) == (0, b"hello")


def test_readdir_and_readdirplus_show_every_name(kernel: ScriptedKernel) -> None:
    for opcode, entry_bytes in ((Opcode.READDIR, 0), (Opcode.READDIRPLUS, 128)):
        code, body = kernel.call(Opcode.OPENDIR, bytes(8))
        fh = struct.unpack_from("<Q", body)[0]
        names, offset = [], 0
        while True:
            code, body = kernel.call(opcode, read_body(fh, offset, 360))  # two entries or so a time
            assert code == 0
            if not body:
                break
            while body:
                _, offset, length, _ = struct.unpack_from("<QQII", body, entry_bytes)
                start = entry_bytes + 24
                names.append(body[start : start + length])
                body = body[(start + length + 7) & ~7 :]
        assert names == [b".", b"..", b"a.txt", b"large", b"dir"]
        assert kernel.call(Opcode.RELEASEDIR, struct.pack("<QIIQ", fh, 0, 0, 0)) == (0, b"")


def test_interrupt_answers_a_blocked_request_and_its_result_is_undone(storage: DictStorage) -> None:
    vfs = vfs_on(storage)
    with serving(vfs) as kernel:
        storage.gate = threading.Event()
        unique = kernel.ask(Opcode.LOOKUP, b"a.txt\0")
        kernel.ask(Opcode.INTERRUPT, struct.pack("<Q", unique))
        assert kernel.answer(unique)[0] == errno.EINTR
        storage.gate.set()
        _eventually(lambda: len(vfs.inodes) == 1)  # the lookup that nobody received was forgotten
        assert kernel.lookup(b"a.txt") > 1


def test_interrupt_of_a_blocked_open_closes_what_it_opened(storage: DictStorage) -> None:
    vfs = vfs_on(storage)
    with serving(vfs) as kernel:
        nodeid = kernel.lookup(b"a.txt")
        storage.gate = threading.Event()
        unique = kernel.ask(Opcode.OPEN, bytes(8), nodeid)
        kernel.ask(Opcode.INTERRUPT, struct.pack("<Q", unique))
        assert kernel.answer(unique)[0] == errno.EINTR
        storage.gate.set()

        def has_nothing_open() -> bool:
            vfs.handles.trim(-1.0)
            return len(vfs.handles) == 0 and vfs.inodes.get(nodeid).opened is None

        _eventually(has_nothing_open)


def test_interrupt_of_a_blocked_read(storage: DictStorage) -> None:
    with serving(vfs_on(storage)) as kernel:
        nodeid = kernel.lookup(b"large")
        fh, _, _ = kernel.open(nodeid)
        storage.gate = threading.Event()
        unique = kernel.ask(Opcode.READ, read_body(fh, 0, 4096), nodeid)
        kernel.ask(Opcode.INTERRUPT, struct.pack("<Q", unique))
        assert kernel.answer(unique)[0] == errno.EINTR
        storage.gate.set()


def test_an_answer_that_nobody_receives_is_undone(storage: DictStorage) -> None:
    vfs = vfs_on(storage)
    with serving(vfs) as kernel:
        storage.gate = threading.Event()
        unique = kernel.ask(Opcode.LOOKUP, b"a.txt\0")
        kernel.gone.add(unique)
        storage.gate.set()
        _eventually(lambda: storage.requests["stat"] == 1 and len(vfs.inodes) == 1)


def test_a_blocked_file_delays_neither_names_nor_other_files(storage: DictStorage) -> None:
    storage.put("other", b"quick")
    clock = HandClock()
    cache = FakeCache(storage)
    with serving(vfs_on(storage, cache, clock=clock)) as kernel:
        large, other, small = kernel.lookup(b"large"), kernel.lookup(b"other"), kernel.lookup(b"a.txt")
        kernel.open(other)
        fh, _, _ = kernel.open(large)
        storage.gate = threading.Event()
        blocked = [kernel.ask(Opcode.READ, read_body(fh, 4096 * n, 4096), large) for n in range(100)]
        blocked += [kernel.ask(Opcode.OPEN, bytes(8), small) for _ in range(20)]
        assert kernel.call(Opcode.GETATTR, bytes(16), large)[0] == 0
        assert kernel.lookup(b"other") == other
        fh2, _, _ = kernel.open(other)
        assert kernel.call(Opcode.READ, read_body(fh2, 0, 10), other) == (0, b"quick")
        assert not set(blocked) & set(kernel.replies)
        storage.gate.set()
        for unique in blocked:
            assert kernel.answer(unique)[0] == 0


@pytest.mark.parametrize(
    ("failure", "code"),
    [(Unavailable("down"), errno.EIO), (AccessDenied("no"), errno.EACCES), (Internal("defect"), errno.EIO)],
)
def test_errors_of_the_storage(storage: DictStorage, failure: Unavailable | AccessDenied | Internal, code: int) -> None:
    with serving(vfs_on(storage)) as kernel:
        storage.failure = failure
        assert kernel.call(Opcode.LOOKUP, b"a.txt\0")[0] == code
        fh = struct.unpack_from("<Q", kernel.call(Opcode.OPENDIR, bytes(8))[1])[0]
        assert kernel.call(Opcode.READDIR, read_body(fh, 0, 4096))[0] == code
        storage.failure = None
        assert kernel.lookup(b"a.txt") > 1


def test_a_defect_is_logged_and_answered(storage: DictStorage, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(DictStorage):
        def stat(self, key: str) -> object:  # type: ignore[override]
            raise ZeroDivisionError

    with serving(vfs_on(Broken())) as kernel:
        assert kernel.call(Opcode.LOOKUP, b"x\0")[0] == errno.EIO
    assert "LOOKUP failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_file_that_does_not_fit_into_the_cache_is_read_anyway(storage: DictStorage) -> None:
    with serving(vfs_on(storage, FakeCache(storage, fits=False))) as kernel:
        nodeid = kernel.lookup(b"large")
        fh, _, _ = kernel.open(nodeid)
        assert kernel.call(Opcode.READ, read_body(fh, 100, 50), nodeid) == (0, _LARGE[100:150])


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
