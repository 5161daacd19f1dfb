"""Questions to a running mount, asked through the mount itself: an ioctl(2) on its root.

No socket that could be elsewhere, belong to somebody else or outlive its daemon: who may read the mount may ask, in any
container that sees it, and the table of mounts is the list of daemons. The command is
`_IOWR('F', 0x66, 16380 bytes)`; in goes a verb, a NUL and its argument, out comes JSON, both padded with NULs.

    status      everything about the mount, as in `fsspeckit mount status --json`
    refresh P   believe nothing at or below path P any more; answers {"dropped": how many names and listings}
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from fsspeckit_lib.errors import GatewayError, Internal, NotFound, Unavailable, Unsupported
from fsspeckit_mount.kernel.mounting import FILE_SYSTEM_TYPE, MountPoint, list_mounts
from fsspeckit_mount.patience import answer_within

__all__ = ["CONTROL_BYTES", "CONTROL_COMMAND", "ask", "mount_above", "pack_answer", "pack_question", "unpack_question"]

CONTROL_BYTES: Final = 16380
CONTROL_COMMAND: Final = 3 << 30 | CONTROL_BYTES << 16 | ord("F") << 8 | 0x66


def pack_question(verb: str, argument: str = "") -> bytes:
    """Return the bytes that go in."""
    return f"{verb}\0{argument}".encode("utf-8", "surrogateescape").ljust(CONTROL_BYTES, b"\0")


def unpack_question(data: bytes) -> tuple[str, str]:
    """Return verb and argument."""
    verb, _, argument = data.decode("utf-8", "surrogateescape").rstrip("\0").partition("\0")
    return verb, argument


def pack_answer(answer: Mapping[str, Any]) -> bytes:
    """Return the bytes that come out.

    Raises:
        Internal: they are too many.
    """
    text = json.dumps(answer).encode()
    if len(text) > CONTROL_BYTES:
        raise Internal(f"mount: an answer of {len(text)} bytes does not fit into {CONTROL_BYTES}")
    return text.ljust(CONTROL_BYTES, b"\0")


def mount_above(path: str) -> tuple[MountPoint, str]:
    """Return the mount of ours that a path lies in, and the path below its mountpoint. Asks no file system of ours.

    Raises:
        NotFound: it lies in none.
    """
    whole = os.path.abspath(path)
    places = {whole, os.path.join(os.path.realpath(os.path.dirname(whole)), os.path.basename(whole))}
    above = [
        (found, place)
        for found in list_mounts()
        for place in places
        if place == found.path or place.startswith(f"{found.path.rstrip('/')}/")
    ]
    deepest, place = max(above, key=lambda pair: len(pair[0].path))
    best = next(found for found, _ in reversed(above) if found.path == deepest.path)  # the topmost one there
    if best.kind != FILE_SYSTEM_TYPE:
        raise NotFound(f"{whole}: lies in no mount of fsspeckit; see: findmnt -t {FILE_SYSTEM_TYPE}")
    return best, place[len(best.path) :].strip("/")


def ask(mountpoint: str, verb: str, argument: str = "", timeout_s: float = 20.0) -> dict[str, Any]:
    """Ask the daemon of a mount.

    Raises:
        Unavailable: it is dead, or does not answer in time.
        Unsupported: it is one of an older version.
    """
    try:
        found = answer_within(timeout_s, lambda: _ask(mountpoint, pack_question(verb, argument)))
    except TimeoutError:
        raise Unavailable(
            f"mountpoint {mountpoint}: its daemon has not answered within {timeout_s:g} s; look into its log, "
            f"or end it and: fsspeckit umount --lazy {mountpoint}"
        ) from None
    except OSError as error:
        raise _explain(mountpoint, verb, error) from error
    answer: dict[str, Any] = json.loads(found.rstrip(b"\0"))
    return answer


def _ask(mountpoint: str, question: bytes) -> bytes:
    root = os.open(mountpoint, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        data = bytearray(question)
        fcntl.ioctl(root, CONTROL_COMMAND - (1 << 32), data)
        return bytes(data)
    finally:
        os.close(root)


def _explain(mountpoint: str, verb: str, error: OSError) -> GatewayError:
    if error.errno == errno.ENOTCONN:
        return Unavailable(
            f"mountpoint {mountpoint}: its daemon is dead; mount it again, which cleans up, or: "
            f"fsspeckit umount --lazy {mountpoint}"
        )
    if error.errno in {errno.ENOTTY, errno.ENOSYS, errno.EINVAL}:
        return Unsupported(f"mountpoint {mountpoint}: its daemon does not know {verb!r}; mount it anew")
    return Unavailable(f"mountpoint {mountpoint}: cannot be asked: {error.strerror}")
