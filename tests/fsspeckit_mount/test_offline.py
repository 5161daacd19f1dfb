"""A mount in an outage of its S3 server, `when_offline: serve-stale`: started before it, and started in it."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import obstore
import pytest

from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.proxy import FaultProxy
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from tests.fsspeckit_mount.mounts import CAN_MOUNT, COMMAND, NEEDS_FUSE, mounted, run_command
from tests.fsspeckit_mount.test_options import mount_status

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

DATA = random.Random(31).randbytes(300_000)
FILES = {"d/one": DATA, "d/two": DATA[:1000], "top": DATA[:50_000]}


def _configure(path: Path, server: SeaweedFS, proxy: FaultProxy, when_offline: str) -> Path:
    options = {**server.storage_options(), "endpoint_url": proxy.url, "max_retries": "0", "timeout_s": "3"}
    words = ", ".join(f"{name}: '{value}'" for name, value in options.items())
    lake = f"{{protocol: s3, bucket: offline-mount, {words}}}"
    path.write_text(f"storages: {{lake: {lake}}}\ncache: {{when_offline: {when_offline}}}\n")
    return path


def _tree(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_everything_that_was_read_is_served_before_and_after_a_restart(s3_server: SeaweedFS, tmp_path: Path) -> None:
    s3_server.create_bucket("offline-mount")
    direct = open_store("s3://offline-mount", s3_server.storage_options())
    assert isinstance(direct, ObstoreObjects)
    for key, data in FILES.items():
        obstore.put(direct.native, key, data)
    with FaultProxy.start(s3_server.endpoint_url) as proxy:
        stale = _configure(tmp_path / "stale.yaml", s3_server, proxy, "serve-stale")
        strict = _configure(tmp_path / "strict.yaml", s3_server, proxy, "fail")
        flags = ("--config", str(stale), "--attr-ttl", "0", "--dir-ttl", "0")
        with mounted("lake", tmp_path / "m", *flags) as mount:
            assert _tree(mount.path) == FILES
            proxy.down()
            assert _tree(mount.path) == FILES
            assert os.stat(mount.path / "d" / "one").st_size == len(DATA)
            with pytest.raises(OSError, match="No such file") as gone:
                os.stat(mount.path / "d" / "none")  # the listing was whole: it is known not to be there
            assert gone.value.errno == 2
            assert str(mount_status(mount.path)["storage"]).startswith("stale")
        with mounted("lake", tmp_path / "m", *flags) as mount:  # the server is still away
            assert _tree(mount.path) == FILES
            assert "as it was when the storage was last reached" in mount.log.read_text()
            proxy.up()
            obstore.put(direct.native, "top", b"changed")
            changed = {**FILES, "top": b"changed"}
            deadline = time.monotonic() + 60
            while _tree(mount.path) != changed:  # a dead storage is asked again every few seconds
                assert time.monotonic() < deadline
                time.sleep(0.2)
        proxy.down()
        status, words = run_command(
            COMMAND,
            "lake",
            tmp_path / "m" / "mnt",
            "--config",
            strict,
            "--cache-dir",
            tmp_path / "m" / "cache",
        )
        assert status == 1
        assert "cannot connect" in words or "refused" in words
