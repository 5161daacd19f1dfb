"""What one daemon was asked to mount: the command line and `mounts:` as one frozen value.

It crosses from the command to the daemon's fresh process as JSON through a pipe, never on a command line: storage
options hold secrets, and everybody can read those of a process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from fsspeckit_lib.errors import BadInput, Internal
from fsspeckit_lib.service.settings import MountSettings
from fsspeckit_mount.options import MountOptions, mount_options

__all__ = ["DaemonConfig", "MountConfig", "configured_mount"]


@dataclass(frozen=True, slots=True)
class MountConfig:
    """One mount.

    Attributes:
        source: a URL, a path, or the name of a storage from the configuration file.
        path: below `source`.
        mountpoint: absolute path.
        storage_options: from `-o`; may hold secrets.
    """

    source: str
    path: str
    mountpoint: str
    storage_options: Mapping[str, str] = field(repr=False)
    options: MountOptions


@dataclass(frozen=True, slots=True)
class DaemonConfig:
    """The mounts of one process, which share one cache.

    Attributes:
        config_path: the configuration file, absolute.
        cache_dir, cache_size_bytes: win over the configuration file; None: as that says.
        log_path: None is stderr.
    """

    mounts: tuple[MountConfig, ...]
    config_path: str | None
    cache_dir: str | None
    cache_size_bytes: int | None
    log_level: str
    log_path: str | None

    def __post_init__(self) -> None:
        places = [mount.mountpoint for mount in self.mounts]
        for place in places:
            if places.count(place) > 1:
                raise BadInput(f"mountpoint {place}: is named twice; give each mount a directory of its own")

    def to_json(self) -> str:
        """Return the whole value, secrets included: for a pipe, never for a log."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> DaemonConfig:
        """Return what `to_json` wrote.

        Raises:
            Internal: something else.
        """
        values = _exactly(cls, json.loads(text))
        mounts = [_exactly(MountConfig, mount) for mount in values.pop("mounts")]
        return cls(
            mounts=tuple(
                MountConfig(**{**mount, "options": MountOptions(**_exactly(MountOptions, mount["options"]))})
                for mount in mounts
            ),
            **values,
        )


def configured_mount(section: MountSettings, words: Mapping[str, str]) -> MountConfig:
    """Return the mount that one of `mounts:` describes; `words`, as in `-o`, win over it.

    Raises:
        InvalidValue: a value that an option cannot have; names the mountpoint.
    """
    written = section.model_dump(by_alias=True, exclude_unset=True)
    ours = {
        name: _word(value)
        for name, value in written.items()
        if name not in {"storage", "path", "mountpoint", "options"}
    }
    mountpoint = os.path.abspath(os.path.expanduser(section.mountpoint))
    try:
        options = mount_options({**ours, **words})
    except BadInput as error:
        raise type(error)(f"mounts: {mountpoint}: {error}") from error
    storage_options = {name: _word(value) for name, value in section.options.items()}
    return MountConfig(section.storage, section.path, mountpoint, storage_options, options)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _exactly(kind: type, values: object) -> dict[str, Any]:
    if not isinstance(values, dict) or set(values) != {found.name for found in fields(kind)}:
        raise Internal("mount: the daemon was started with a configuration of another version")
    return values
