"""What can be said of one mount: the words of `-o`, of the flags and of `mounts:`, as one frozen value.

Pure but for the names of users and groups. One table serves all three ways, so a word means the same everywhere. Words
that /etc/fstab has for mount(8) itself are taken and ignored.
"""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fsspeckit_lib.common.names import nearest
from fsspeckit_lib.common.units import parse_duration, parse_size
from fsspeckit_lib.errors import InvalidValue, UnknownName, Unsupported

__all__ = [
    "DRIVERS",
    "MOUNT_OPTIONS",
    "PROCESS_OPTIONS",
    "MountOptions",
    "mount_options",
    "split_options",
    "unknown_option",
]

DRIVERS: Final = ("auto", "kernel", "libfuse")
_LARGEST_ID: Final = (1 << 32) - 2
"""32 bits, of which all ones stand for nobody: chown(2)."""
_MISSING: Final = ("refuse", "empty")


@dataclass(frozen=True, slots=True)
class MountOptions:
    """How one mount behaves.

    Attributes:
        attribute_ttl_s, directory_ttl_s: how long a file's version and a listing are believed.
        allow_other: let other users in; permission bits are checked by the kernel.
        driver: the way to the kernel.
        passthrough: let the kernel read complete files by itself, where it can.
        complete_at_open_bytes: files up to this size are fetched whole at open.
        readahead_bytes: how far the kernel reads ahead where it reads through its page cache; needs root.
        prefetch_bytes: most bytes that are being fetched ahead at one moment, over all open files.
        uid, gid: owner of everything; None: who mounts.
        file_mode, directory_mode: permission bits, before `umask`.
        kernel_cache: let the kernel remember names and attributes for their TTL.
        xattrs: offer `user.fsspeckit.*`.
        poll_s: how often a storage that tells of changes is asked; None: as often as is cheap there, 0: never.
        no_exec: let no program be started from the mount.
        missing: what to do where the prefix does not exist: `refuse`, or show it `empty` until it does.
    """

    attribute_ttl_s: float = 1.0
    directory_ttl_s: float = 30.0
    allow_other: bool = False
    driver: str = "auto"
    passthrough: bool = True
    complete_at_open_bytes: int = 8 << 20
    readahead_bytes: int = 1 << 20
    prefetch_bytes: int = 96 << 20
    uid: int | None = None
    gid: int | None = None
    file_mode: int = 0o444
    directory_mode: int = 0o555
    umask: int = 0
    kernel_cache: bool = True
    xattrs: bool = True
    poll_s: float | None = None
    missing: str = "refuse"
    no_exec: bool = False


def mount_options(words: Mapping[str, str]) -> MountOptions:
    """Return what the words say; each is a name of `MOUNT_OPTIONS`.

    Raises:
        InvalidValue: a value the option cannot have, or a wish for what no mount can do; names the option.
    """
    values: dict[str, Any] = {}
    for name, text in words.items():
        if name in _ACCESS:
            _check_access(name, text)
        parser = _PARSERS.get(name)
        if parser is None:
            continue  # one that is always so
        field, parse = parser
        try:
            values[field] = parse(text)
        except InvalidValue as error:
            raise InvalidValue(f"-o {name}: {error}") from error
        except Unsupported as error:
            raise Unsupported(f"-o {name}: {error}") from error
    return MountOptions(**values)


def split_options(options: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Return the options of the mount, those of its process (cache, log, configuration), and the storage's."""
    mount: dict[str, str] = {}
    process: dict[str, str] = {}
    storage: dict[str, str] = {}
    for name, value in options.items():
        if name in _PARSERS or name in _ACCESS:
            mount[name] = value
        elif name in PROCESS_OPTIONS:
            process[name] = value
        elif name not in _IGNORED and not name.startswith(("x-", "X-")):
            storage[name] = value
    return mount, process, storage


def unknown_option(error: UnknownName) -> UnknownName:
    """Return the error for an option that neither the mount nor the storage knows: with the nearest name of both."""
    close = nearest(error.name, [*error.known, *MOUNT_OPTIONS, *PROCESS_OPTIONS, "read_only"])
    if close:
        return UnknownName(f"-o: unknown option {error.name!r}; did you mean {close!r}?")
    return UnknownName(f"{error}; of the mount itself: {', '.join(MOUNT_OPTIONS)}")


def _check_access(name: str, text: str) -> None:
    """Refuse a mount that could be written: who asks for one would lose what they write to it only later."""
    if name == "remount":
        raise InvalidValue("-o remount: a mount stays as it was made; unmount it and mount it again")
    if name == "rw" or (name == "read_only" and not _flag(text)):
        found = name if name == "rw" else f"{name}={text}"
        raise InvalidValue(f"-o {found}: this version's mounts can only be read; leave it out, or write ro")


def _flag(text: str) -> bool:
    if text.lower() in {"yes", "true", "on", "1"}:
        return True
    if text.lower() in {"no", "false", "off", "0"}:
        return False
    raise InvalidValue(f"found {text!r}, wanted yes or no")


def _mode(text: str) -> int:
    digits = text.lower().removeprefix("0o")
    if not re.fullmatch("[0-7]{1,4}", digits) or int(digits, 8) > 0o777:
        raise InvalidValue(f"found {text!r}, wanted an octal mode such as 0644 (in YAML in quotes)")
    return int(digits, 8)


def _owner(kind: str, find: Callable[[str], int]) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if text.isdecimal() and int(text) <= _LARGEST_ID:
            return int(text)
        try:
            return find(text)
        except KeyError:
            raise InvalidValue(f"found {text!r}, wanted a number or the name of a {kind} of this machine") from None

    return parse


def _choice(*known: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in known:
            raise InvalidValue(f"found {text!r}, wanted one of {', '.join(known)}")
        return text

    return parse


def _poll(text: str) -> float | None:
    if text == "auto":
        return None
    return 0.0 if text in {"no", "off", "false"} else parse_duration(text)


_PARSERS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "allow_other": ("allow_other", _flag),
    "attr_ttl": ("attribute_ttl_s", parse_duration),
    "complete_at_open": ("complete_at_open_bytes", parse_size),
    "dir_mode": ("directory_mode", _mode),
    "dir_ttl": ("directory_ttl_s", parse_duration),
    "driver": ("driver", _choice(*DRIVERS)),
    "file_mode": ("file_mode", _mode),
    "gid": ("gid", _owner("group", lambda name: grp.getgrnam(name).gr_gid)),
    "kernel_cache": ("kernel_cache", _flag),
    "missing": ("missing", _choice(*_MISSING)),
    "noexec": ("no_exec", _flag),
    "passthrough": ("passthrough", _flag),
    "poll": ("poll_s", _poll),
    "prefetch": ("prefetch_bytes", parse_size),
    "readahead": ("readahead_bytes", parse_size),
    "uid": ("uid", _owner("user", lambda name: pwd.getpwnam(name).pw_uid)),
    "umask": ("umask", _mode),
    "xattrs": ("xattrs", _flag),
}

MOUNT_OPTIONS: Final = tuple(_PARSERS)
"""What `-o` takes for the mount itself; every other name is for its process, for mount(8), or for the storage."""

PROCESS_OPTIONS: Final = ("cache_dir", "cache_size", "config", "log_file", "log_level")

_ACCESS: Final = frozenset({"read_only", "remount", "ro", "rw"})

_IGNORED: Final = frozenset(
    {
        "_netdev", "_rnetdev", "async", "atime", "auto", "comment", "default_permissions", "defaults", "dev",
        "diratime", "dirsync", "exec", "group", "iversion", "lazytime", "loud", "mand", "noatime", "noauto", "nodev",
        "nodiratime", "nofail", "nogroup", "noiversion", "nolazytime", "nomand", "noowner", "norelatime",
        "nostrictatime", "nosuid", "nosymfollow", "nouser", "nousers", "owner", "relatime", "silent", "strictatime",
        "suid", "symfollow", "sync", "user", "users",
    }
)  # fmt: skip
"""mount(8)'s words, and default_permissions, which always holds."""
