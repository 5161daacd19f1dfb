"""What one mount was asked to be: the command line as one frozen value.

It crosses from the command to the daemon's fresh process as JSON through a pipe, never on a command line: storage
options hold secrets, and everybody can read those of a process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Final

from fsspeckit_lib.common.units import parse_size
from fsspeckit_lib.errors import Internal, InvalidValue, Unsupported

__all__ = ["DRIVERS", "MOUNT_OPTIONS", "MountConfig", "MountOptions", "split_mount_options"]

DRIVERS: Final = ("auto", "kernel", "libfuse")
MOUNT_OPTIONS: Final = ("complete_at_open", "passthrough", "readahead")
"""What `-o` takes for the mount itself; every other name is for the storage."""


@dataclass(frozen=True, slots=True)
class MountConfig:
    """One mount.

    Attributes:
        source: a URL, a path, or the name of a storage from the configuration file.
        mountpoint: absolute path.
        options: storage options from `-o`; may hold secrets.
        config_path: the configuration file, absolute.
        cache_dir, cache_size_bytes: win over the configuration file; None: as that says.
        attribute_ttl_s, directory_ttl_s: how long a file's version and a listing are believed.
        passthrough: let the kernel read complete files by itself, where it can.
        complete_at_open_bytes: files up to this size are fetched whole at open.
        readahead_bytes: how far the kernel reads ahead where it reads through its page cache; needs root.
        log_path: None is stderr.
    """

    source: str
    mountpoint: str
    options: Mapping[str, str] = field(repr=False)
    config_path: str | None
    cache_dir: str | None
    cache_size_bytes: int | None
    attribute_ttl_s: float
    directory_ttl_s: float
    read_only: bool
    allow_other: bool
    driver: str
    passthrough: bool
    complete_at_open_bytes: int
    readahead_bytes: int
    log_level: str
    log_path: str | None

    def __post_init__(self) -> None:
        if self.driver == "libfuse":
            raise Unsupported("--driver libfuse: found no libfuse driver in this version; use --driver kernel")
        if self.driver not in DRIVERS:
            raise InvalidValue(f"--driver: found {self.driver!r}, wanted one of {', '.join(DRIVERS)}")

    def to_json(self) -> str:
        """Return the whole value, secrets included: for a pipe, never for a log."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> MountConfig:
        """Return what `to_json` wrote.

        Raises:
            Internal: something else.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or set(values) != {found.name for found in fields(cls)}:
            raise Internal("mount: the daemon was started with a configuration of another version")
        return cls(**values)


@dataclass(frozen=True, slots=True)
class MountOptions:
    """What `-o` says of the mount itself."""

    passthrough: bool = True
    complete_at_open_bytes: int = 8 << 20
    readahead_bytes: int = 1 << 20


def split_mount_options(options: Mapping[str, str]) -> tuple[MountOptions, dict[str, str]]:
    """Return what `-o` says of the mount itself, and the rest, which is for the storage.

    Raises:
        InvalidValue: a value the option cannot have.
    """
    rest = dict(options)
    passthrough = rest.pop("passthrough", "yes").lower()
    if passthrough not in {"yes", "no", "true", "false"}:
        raise InvalidValue(f"-o passthrough: found {passthrough!r}, wanted yes or no")
    defaults = MountOptions()
    own = MountOptions(
        passthrough in {"yes", "true"},
        _size(rest, "complete_at_open", defaults.complete_at_open_bytes),
        _size(rest, "readahead", defaults.readahead_bytes),
    )
    return own, rest


def _size(options: dict[str, str], name: str, default: int) -> int:
    try:
        return parse_size(options.pop(name, default))
    except InvalidValue as error:
        raise InvalidValue(f"-o {name}: {error}") from error
