"""Putting the file system into the tree and taking it out again: mount(2), umount2(2), fusermount3(1).

A process with CAP_SYS_ADMIN mounts by itself; any other asks fusermount3, the set-user-id helper of the fuse3 package,
which opens /dev/fuse and passes the descriptor back over a socket (_FUSE_COMMFD; see fusermount3(1) and libfuse's
mount.c for the exchange).
"""

from __future__ import annotations

import array
import ctypes
import errno
import logging
import os
import shutil
import socket
import stat
import subprocess
from dataclasses import dataclass

from fsspeckit_lib.errors import AccessDenied, AlreadyExists, BadInput, Conflict, GatewayError, NotFound, Unsupported
from fsspeckit_mount.patience import answer_within

__all__ = [
    "FILE_SYSTEM_TYPE",
    "MountPoint",
    "find_mount",
    "list_mounts",
    "mount",
    "mount_by_helper",
    "prepare_mountpoint",
    "raise_readahead",
    "resolve_mountpoint",
    "stack_depth_for",
    "unmount",
    "unmount_by_helper",
]

_log = logging.getLogger(__name__)

FILE_SYSTEM_TYPE = "fuse.fsspeckit"
_DEVICE = "/dev/fuse"
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_MNT_DETACH = 2
_OVERLAYFS_MAGIC = 0x794C7630
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class MountPoint:
    """One line of /proc/self/mountinfo. `device` is `major:minor`."""

    path: str
    device: str
    kind: str
    source: str


def list_mounts() -> list[MountPoint]:
    """Return everything that is mounted, in order: what was mounted later lies above. Asks no file system."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            fields, _, rest = line.partition(" - ")
            _, _, device, _, where, *_ = fields.split(" ")
            kind, source, *_ = rest.split(" ")
            found.append(MountPoint(_unescape(where), device, kind, _unescape(source)))
    return found


def find_mount(path: str) -> MountPoint | None:
    """Return what is mounted exactly at `path` (absolute, resolved), the topmost one, or None. Asks no file system."""
    return next((found for found in reversed(list_mounts()) if found.path == path), None)


def resolve_mountpoint(path: str) -> str:
    """Return the absolute path with the links of its parents resolved, without asking what is mounted there."""
    path = os.path.abspath(path)
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)) if path != "/" else path


def prepare_mountpoint(path: str, timeout_s: float = 10.0) -> str:
    """Return the resolved mountpoint, fit to be mounted on; what a dead daemon left there is taken away.

    Raises:
        BadInput: missing, not a directory, not empty.
        AlreadyExists: something is mounted there; a daemon may need `timeout_s` to answer.
    """
    path = resolve_mountpoint(path)
    try:
        status = _status(path, timeout_s)
    except FileNotFoundError:
        raise BadInput(
            f"mountpoint {path}: does not exist, a directory was wanted; create it: mkdir -p {path}"
        ) from None
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise BadInput(f"mountpoint {path}: cannot be looked at: {error.strerror}") from error
        _clean_dead(path)
        return prepare_mountpoint(path, timeout_s)
    if not stat.S_ISDIR(status.st_mode):
        raise BadInput(f"mountpoint {path}: is not a directory; name an empty directory")
    path = os.path.realpath(path)
    mounted = find_mount(path)
    if mounted is not None:
        raise AlreadyExists(
            f"mountpoint {path}: {mounted.source} ({mounted.kind}) is already mounted there; "
            f"unmount it first (fsspeckit umount {path}) or name another directory"
        )
    try:
        count = len(os.listdir(path))
    except OSError as error:
        raise BadInput(f"mountpoint {path}: cannot be listed: {error.strerror}") from error
    if count:
        raise BadInput(f"mountpoint {path}: is not empty ({count} entries); name an empty directory")
    return path


def mount(source: str, mountpoint: str, *, allow_other: bool, read_only: bool, no_exec: bool = False) -> int:
    """Mount a new FUSE connection and return its descriptor. The kernel's first request is INIT.

    Args:
        source: shown by mount(8) and df(1); without secrets.

    Raises:
        Unsupported, AccessDenied: FUSE is missing or not allowed here; says what to do.
    """
    if os.geteuid() != 0:
        return mount_by_helper(source, mountpoint, allow_other=allow_other, read_only=read_only, no_exec=no_exec)
    try:
        fd = os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise _device_error(error) from error
    options = f"fd={fd},rootmode=40000,user_id={os.geteuid()},group_id={os.getegid()},default_permissions"
    if allow_other:
        options += ",allow_other"
    flags = _MS_NOSUID | _MS_NODEV | (_MS_RDONLY if read_only else 0) | (_MS_NOEXEC if no_exec else 0)
    try:
        _call(
            "mount",
            ctypes.c_char_p(os.fsencode(source)),
            ctypes.c_char_p(os.fsencode(mountpoint)),
            ctypes.c_char_p(FILE_SYSTEM_TYPE.encode()),
            ctypes.c_ulong(flags),
            ctypes.c_char_p(options.encode()),
        )
    except OSError as error:
        os.close(fd)
        if error.errno in {errno.EPERM, errno.EACCES}:
            raise AccessDenied(
                f"mountpoint {mountpoint}: mount(2) is not permitted here, it needs CAP_SYS_ADMIN; start a container "
                "with --device /dev/fuse --cap-add SYS_ADMIN (and --security-opt apparmor=unconfined where needed)"
            ) from error
        if error.errno == errno.ENODEV:
            raise Unsupported("FUSE: this kernel has no FUSE; load it: modprobe fuse") from error
        raise Conflict(f"mountpoint {mountpoint}: mount(2) failed: {error.strerror}") from error
    return fd


def unmount(mountpoint: str, *, lazy: bool = False) -> None:
    """Take the file system out of the tree; `lazy` does so while it is in use, its open files stay readable.

    Raises:
        Conflict: it is in use.
        NotFound: nothing is mounted there.
        AccessDenied: it belongs to somebody else.
    """
    if os.geteuid() != 0:
        unmount_by_helper(mountpoint, lazy=lazy)
        return
    try:
        _call("umount2", ctypes.c_char_p(os.fsencode(mountpoint)), ctypes.c_int(_MNT_DETACH if lazy else 0))
    except OSError as error:
        raise _unmount_error(mountpoint, error.errno, error.strerror) from error


def raise_readahead(mountpoint: str, readahead_kib: int) -> bool:
    """Let the kernel read that far ahead in files of the mount (128 KiB otherwise); needs root. Return success.

    INIT can only lower it. READs become as large as max_pages then, which is what makes a cold copy fast.
    """
    mounted = find_mount(mountpoint)
    if mounted is None:
        return False
    try:
        with open(f"/sys/class/bdi/{mounted.device}/read_ahead_kb", "w", encoding="ascii") as setting:
            setting.write(str(readahead_kib))
    except OSError as error:
        _log.debug("read_ahead_kb stays as it is: %s", error)
        return False
    return True


def stack_depth_for(directory: str) -> int:
    """Return the max_stack_depth that backing files below `directory` need: 2 on overlayfs, else 1."""
    buffer = (ctypes.c_long * 32)()  # struct statfs starts with f_type, a long
    result = _libc.statfs(ctypes.c_char_p(os.fsencode(directory)), ctypes.byref(buffer))
    return 2 if result == 0 and buffer[0] == _OVERLAYFS_MAGIC else 1


def _status(path: str, timeout_s: float) -> os.stat_result:
    """Return what stat(2) shows, though a daemon that is mounted there may hang.

    Raises:
        AlreadyExists: it does.
    """
    mounted = find_mount(path)
    if mounted is None or not mounted.kind.startswith("fuse"):
        return os.stat(path)
    try:
        return answer_within(timeout_s, lambda: os.stat(path))
    except TimeoutError:
        raise AlreadyExists(
            f"mountpoint {path}: {mounted.source} ({mounted.kind}) is mounted there and does not answer; "
            f"end its daemon, or: umount -l {path}"
        ) from None


def _clean_dead(path: str) -> None:
    mounted = find_mount(path)
    if mounted is None or not mounted.kind.startswith("fuse"):
        raise BadInput(f"mountpoint {path}: does not answer (transport endpoint is not connected); unmount it first")
    if mounted.kind != FILE_SYSTEM_TYPE:
        raise AlreadyExists(
            f"mountpoint {path}: a dead mount of {mounted.source} ({mounted.kind}) is there; "
            f"remove it: umount -l {path}"
        )
    unmount(path, lazy=True)
    _log.warning("mountpoint %s: took away the mount of a process that had died", path)


def mount_by_helper(source: str, mountpoint: str, *, allow_other: bool, read_only: bool, no_exec: bool = False) -> int:
    """Mount as `mount` does, without any privilege of our own: through fusermount3."""
    helper = _helper()
    options = ["nosuid", "nodev", "default_permissions", f"subtype={FILE_SYSTEM_TYPE.partition('.')[2]}"]
    options.append("fsname=" + source.replace("\\", "\\\\").replace(",", "\\,"))
    if read_only:
        options.append("ro")
    if no_exec:
        options.append("noexec")
    if allow_other:
        options.append("allow_other")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        finished = subprocess.run(
            [helper, "-o", ",".join(options), "--", mountpoint],
            env={**os.environ, "_FUSE_COMMFD": str(theirs.fileno())},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise _helper_error(mountpoint, finished.stderr)
        fds = array.array("i")
        _, ancillary, *_ = ours.recvmsg(1, socket.CMSG_LEN(fds.itemsize))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    if not fds:
        raise Unsupported(f"mountpoint {mountpoint}: {helper} passed no descriptor; install the package fuse3 anew")
    os.set_inheritable(fds[0], False)
    return fds[0]


def unmount_by_helper(mountpoint: str, *, lazy: bool) -> None:
    """Unmount as `unmount` does, through fusermount3."""
    command = [_helper(), "-u", *(["-z"] if lazy else []), "--", mountpoint]
    finished = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if finished.returncode == 0:
        return
    text = finished.stderr.strip()
    if "busy" in text:
        raise _unmount_error(mountpoint, errno.EBUSY, text)
    raise _unmount_error(mountpoint, errno.EINVAL if "not found" in text else errno.EPERM, text)


def _helper() -> str:
    helper = shutil.which("fusermount3")
    if helper is None:
        raise Unsupported(
            "FUSE: fusermount3 was not found, and only root can mount without it; install it (apt-get install fuse3) "
            "or run as root"
        )
    return helper


def _helper_error(mountpoint: str, text: str) -> GatewayError:
    if "fuse device not found" in text or "/dev/fuse" in text:
        return _device_error(PermissionError(errno.EACCES, text.strip()))
    if "allow_other" in text or "allow_root" in text:
        return BadInput("--allow-other: only allowed for root, or with the line user_allow_other in /etc/fuse.conf")
    return AccessDenied(
        f"mountpoint {mountpoint}: {text.strip() or 'fusermount3 failed'}; choose a directory of your own"
    )


def _device_error(error: OSError) -> GatewayError:
    if error.errno in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return Unsupported(
            f"FUSE: there is no {_DEVICE}; load the module (modprobe fuse), or start the container with "
            "--device /dev/fuse --cap-add SYS_ADMIN"
        )
    return AccessDenied(
        f"FUSE: {_DEVICE} may not be opened ({error.strerror}); start the container with --device /dev/fuse "
        "--cap-add SYS_ADMIN, or make the device readable and writable for this user"
    )


def _unmount_error(mountpoint: str, code: int | None, text: str | None) -> GatewayError:
    if code == errno.EBUSY:
        return Conflict(
            f"mountpoint {mountpoint}: is in use; close what is open there (lsof +f -- {mountpoint}) "
            "or unmount it with --lazy"
        )
    if code in {errno.EINVAL, errno.ENOENT}:
        return NotFound(f"mountpoint {mountpoint}: nothing is mounted there")
    return AccessDenied(f"mountpoint {mountpoint}: may not be unmounted: {text}")


def _call(name: str, *arguments: object) -> None:
    ctypes.set_errno(0)
    if getattr(_libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _unescape(text: str) -> str:
    """Undo the octal escapes of mountinfo: space, tab, newline, backslash."""
    for code in ("040", "011", "012", "134"):  # the backslash last, or it would make new escapes
        text = text.replace(f"\\{code}", chr(int(code, 8)))
    return text
