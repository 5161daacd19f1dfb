"""The configuration of a mount crosses a pipe whole, and prints without its secrets."""

from __future__ import annotations

import dataclasses
import json

import pytest

from fsspeckit_lib.errors import Internal, InvalidValue, Unsupported
from fsspeckit_mount.config import MountConfig, MountOptions, split_mount_options

_CONFIG = MountConfig(
    source="s3://bucket",
    mountpoint="/mnt/x",
    options={"secret_access_key": "hidden"},
    config_path=None,
    cache_dir="/cache",
    cache_size_bytes=None,
    attribute_ttl_s=0.5,
    directory_ttl_s=30.0,
    read_only=True,
    allow_other=False,
    driver="auto",
    passthrough=True,
    complete_at_open_bytes=1,
    readahead_bytes=2,
    log_level="info",
    log_path=None,
)


def test_it_comes_through_a_pipe_as_it_was() -> None:
    assert MountConfig.from_json(_CONFIG.to_json()) == _CONFIG


def test_secrets_are_not_printed() -> None:
    assert "hidden" not in repr(_CONFIG)


@pytest.mark.parametrize("text", ["[]", "{}", json.dumps({**json.loads(_CONFIG.to_json()), "extra": 1})])
def test_another_version_is_refused(text: str) -> None:
    with pytest.raises(Internal):
        MountConfig.from_json(text)


def test_drivers() -> None:
    with pytest.raises(Unsupported, match="--driver kernel"):
        dataclasses.replace(_CONFIG, driver="libfuse")
    with pytest.raises(InvalidValue):
        dataclasses.replace(_CONFIG, driver="other")


def test_options_of_the_mount_are_taken_out() -> None:
    own, rest = split_mount_options(
        {"passthrough": "No", "region": "x", "complete_at_open": "1MiB", "readahead": "512k"}
    )
    assert own == MountOptions(False, 1 << 20, 512 << 10)
    assert rest == {"region": "x"}
    assert split_mount_options({}) == (MountOptions(), {})


@pytest.mark.parametrize("options", [{"passthrough": "perhaps"}, {"readahead": "much"}, {"complete_at_open": "-1"}])
def test_bad_options_of_the_mount(options: dict[str, str]) -> None:
    with pytest.raises(InvalidValue):
        split_mount_options(options)
