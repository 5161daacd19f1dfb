"""Several processes on one root, and processes that are killed at any instant."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from fsspeckit_lib.cache.config import BLOCK_BYTES
from tests.fsspeckit_lib.cache.conftest import Setting

KILLS = 25


def _start(setting: Setting, keys: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.fsspeckit_lib.cache.reader_process"]
    return subprocess.Popen(
        [*command, str(setting.folder), str(setting.root), *keys], stdout=subprocess.PIPE, text=True
    )


def test_three_processes_download_each_byte_once(setting: Setting) -> None:
    source = random.Random(2)
    contents = {f"dir/file-{number}": source.randbytes(3_000_000) for number in range(6)}
    contents |= {f"small/file-{number}": source.randbytes(5_000) for number in range(40)}
    for key, data in contents.items():
        setting.put(key, data)
    processes = [_start(setting, list(contents)) for _ in range(3)]
    results = [json.loads(process.communicate(timeout=60)[0].splitlines()[-1]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    expected = {key: hashlib.sha256(data).hexdigest() for key, data in contents.items()}
    assert all(result["digests"] == expected for result in results)
    assert sum(result["downloaded"] for result in results) == sum(map(len, contents.values()))
    assert setting.cache.used_bytes() == sum(map(len, contents.values()))
    assert list((setting.root / "partial").iterdir()) == []


def test_after_kill_9_every_claimed_byte_is_right(setting: Setting) -> None:
    """Kill a reading process at random instants; what the root then claims must be what the storage holds."""
    source = random.Random(3)
    contents = {f"file-{number}": source.randbytes(2_500_000) for number in range(40)}
    contents |= {f"small-{number}": source.randbytes(5_000) for number in range(100)}
    for key, data in contents.items():
        setting.put(key, data)
    setting.cache.close()
    claimed_partial_blocks = 0
    for _ in range(KILLS):
        process = _start(setting, list(contents))
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(source.random() * 0.03)
        process.kill()
        process.communicate(timeout=30)
        claimed_partial_blocks += _check_claims(setting.root, contents)
    assert claimed_partial_blocks > 0  # the kills did hit downloads in the middle
    setting.reopen()
    for key, data in contents.items():
        file = setting.open(setting.info(key))
        assert file.read(0, len(data)) == data
        file.close()
    assert setting.cache.used_bytes() == sum(map(len, contents.values()))


def _check_claims(root: Path, contents: dict[str, bytes]) -> int:
    """Compare every byte that rows and maps claim with the storage's; return how many sparse blocks were claimed."""
    index = sqlite3.connect(root / "index.sqlite3")
    rows = index.execute("SELECT id, path, complete FROM entries").fetchall()
    index.close()
    partial_blocks = 0
    for entry_id, path, complete in rows:
        data = contents[entry_id.decode().rpartition("/")[2]]
        local = root / path.decode()
        if complete:
            assert local.read_bytes() == data
            continue
        flags = local.with_name(local.name + ".map")
        if not flags.exists() or not local.exists():
            continue  # killed between the rename and its commit: nothing is claimed
        sparse = local.read_bytes()
        for block, flag in enumerate(flags.read_bytes()):
            if flag:
                span = slice(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)
                assert sparse[span] == data[span]
                partial_blocks += 1
    return partial_blocks
