"""The configuration of a daemon crosses a pipe whole, and prints without its secrets."""

from __future__ import annotations

import dataclasses
import grp
import json
import os
import pwd

import pytest

from fsspeckit_lib.errors import BadInput, Internal, InvalidValue
from fsspeckit_lib.service.settings import MountSettings
from fsspeckit_mount.config import DaemonConfig, MountConfig, configured_mount
from fsspeckit_mount.options import MOUNT_OPTIONS, MountOptions, mount_options, split_options

_MOUNT = MountConfig("s3://bucket", "below", "/mnt/x", {"secret_access_key": "hidden"}, MountOptions(uid=5))
_CONFIG = DaemonConfig((_MOUNT, dataclasses.replace(_MOUNT, mountpoint="/mnt/y")), None, "/cache", None, "info", None)


def test_it_comes_through_a_pipe_as_it_was() -> None:
    assert DaemonConfig.from_json(_CONFIG.to_json()) == _CONFIG


def test_secrets_are_not_printed() -> None:
    assert "hidden" not in repr(_CONFIG)


@pytest.mark.parametrize("text", ["[]", "{}", json.dumps({**json.loads(_CONFIG.to_json()), "extra": 1})])
def test_another_version_is_refused(text: str) -> None:
    with pytest.raises(Internal):
        DaemonConfig.from_json(text)


def test_two_mounts_at_one_place_are_refused() -> None:
    with pytest.raises(BadInput, match="named twice"):
        dataclasses.replace(_CONFIG, mounts=(_MOUNT, _MOUNT))


def test_options_of_the_mount_its_process_and_the_storage_are_told_apart() -> None:
    words = {"passthrough": "No", "region": "x", "cache_dir": "/c", "sync": "true", "_netdev": "true", "x-a.b": "1"}
    assert split_options(words) == ({"passthrough": "No"}, {"cache_dir": "/c"}, {"region": "x"})


def test_every_option_of_the_mount_is_understood() -> None:
    words = {
        "allow_other": "true",
        "attr_ttl": "500ms",
        "complete_at_open": "1MiB",
        "dir_mode": "0750",
        "dir_ttl": "0",
        "driver": "kernel",
        "file_mode": "0o640",
        "gid": grp.getgrgid(os.getgid()).gr_name,
        "kernel_cache": "no",
        "missing": "empty",
        "noexec": "true",
        "passthrough": "off",
        "poll": "10s",
        "prefetch": "64MiB",
        "readahead": "512k",
        "uid": pwd.getpwuid(os.getuid()).pw_name,
        "umask": "027",
        "xattrs": "no",
    }
    assert set(words) == set(MOUNT_OPTIONS)
    assert mount_options(words) == MountOptions(
        attribute_ttl_s=0.5,
        directory_ttl_s=0.0,
        allow_other=True,
        driver="kernel",
        passthrough=False,
        complete_at_open_bytes=1 << 20,
        readahead_bytes=512 << 10,
        prefetch_bytes=64 << 20,
        uid=os.getuid(),
        gid=os.getgid(),
        file_mode=0o640,
        directory_mode=0o750,
        umask=0o27,
        kernel_cache=False,
        xattrs=False,
        poll_s=10.0,
        missing="empty",
        no_exec=True,
    )
    assert mount_options({"poll": "auto"}).poll_s is None
    assert mount_options({"poll": "no"}).poll_s == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("passthrough", "perhaps"),
        ("readahead", "much"),
        ("complete_at_open", "-1"),
        ("file_mode", "888"),
        ("umask", "07777"),
        ("uid", "nobody-of-that-name"),
        ("uid", "4294967295"),
        ("gid", "99999999999"),
        ("driver", "other"),
        ("missing", "ignore"),
        ("poll", "often"),
    ],
)
def test_a_wrong_value_names_its_option(name: str, text: str) -> None:
    with pytest.raises(InvalidValue, match=f"-o {name}: "):
        mount_options({name: text})


@pytest.mark.parametrize(
    ("name", "text"), [("rw", "true"), ("read_only", "no"), ("read_only", "false"), ("remount", "true")]
)
def test_what_a_mount_cannot_do_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidValue, match=f"-o {name}"):
        mount_options({name: text})
    assert mount_options({"ro": "true", "read_only": "yes"}) == MountOptions()


def test_a_configured_mount_that_could_be_written_is_refused() -> None:
    written = {"storage": "lake", "mountpoint": "/mnt/lake", "read_only": False}
    with pytest.raises(InvalidValue, match=r"mounts: /mnt/lake: .*read_only=false: .*can only be read"):
        configured_mount(MountSettings.model_validate(written), {})
    configured_mount(MountSettings.model_validate({**written, "read_only": True}), {})


def test_a_section_of_the_configuration_is_a_mount() -> None:
    section = MountSettings.model_validate(
        {
            "storage": "lake",
            "path": "raw/",
            "mountpoint": "/mnt/lake",
            "attr_ttl": "2s",
            "file_mode": "0640",
            "uid": 7,
            "poll": False,
            "options": {"region": "eu", "allow_http": True},
        }
    )
    found = configured_mount(section, {"attr_ttl": "9s"})
    assert (found.source, found.path, found.mountpoint) == ("lake", "raw/", "/mnt/lake")
    assert found.storage_options == {"region": "eu", "allow_http": "true"}
    assert found.options == MountOptions(attribute_ttl_s=9.0, file_mode=0o640, uid=7, poll_s=0.0)
    with pytest.raises(InvalidValue, match=r"mounts: /mnt/lake: -o umask"):
        configured_mount(
            section.model_validate({**section.model_dump(by_alias=True, exclude_unset=True), "umask": "9"}), {}
        )
