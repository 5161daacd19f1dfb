"""Folders that exist as empty objects with a slash, as the console of a provider makes them."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsspeckit_lib.core.markers import real_files, without_markers
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.servers import Moto

_KEYS = ["d/", "d/empty", "d/file", "d/full/", "d/full/below", "d/full-", "d/sub/", "d/sub2/"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    with Moto.start(tmp_path_factory.mktemp("moto")) as running:
        running.create_bucket("marked")
        client = running.client()
        for key in _KEYS:
            client.put_object(Bucket="marked", Key=key, Body=b"" if key.endswith(("/", "empty")) else b"x")
        yield running


def _keys(page: list[ObjectInfo]) -> list[str]:
    return [info.key for info in page]


def test_a_marker_before_its_files_is_none_of_them() -> None:
    page = [ObjectInfo(key, size, 0, None) for key, size in [("a", 0), ("a/b", 1), ("c", 1), ("c/d", 1), ("e", 0)]]
    assert _keys(without_markers(page)) == ["a/b", "c", "c/d", "e"]
    assert without_markers([]) == []


def test_real_files_are_those_that_can_be_read(server: Moto) -> None:
    store = open_store("s3://marked", server.storage_options())
    listed = [info for page in store.list_recursive("d") for info in page]
    assert _keys(listed) == ["d/empty", "d/file", "d/full-", "d/full/below", "d/sub", "d/sub2"]
    assert _keys(list(real_files(store, listed))) == ["d/empty", "d/file", "d/full-", "d/full/below"]


@pytest.mark.parametrize("command", [["cp", "-r"], ["sync"]])
def test_a_tree_with_markers_is_copied(server: Moto, tmp_path: Path, command: list[str]) -> None:
    options = server.storage_options()
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": options["endpoint_url"],
        "AWS_ACCESS_KEY_ID": options["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": options["secret_access_key"],
        "AWS_REGION": "us-east-1",
    }
    program = os.path.join(sysconfig.get_path("scripts"), "fsspeckit")
    words = [sys.executable, program, *command, "s3://marked/d", str(tmp_path / "copy")]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = sorted(str(path.relative_to(tmp_path / "copy")) for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["empty", "file", "full-", "full/below"]
