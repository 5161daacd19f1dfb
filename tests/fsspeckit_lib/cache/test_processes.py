"""Several processes on one root, and processes that are killed at any instant."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from fsspeckit_lib.cache.config import BLOCK_BYTES
from tests.fsspeckit_lib.cache.conftest import Setting

KILLS = 200


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
    """Kill reading processes at 200 random instants; what the root then claims must be what the storage holds."""
    source = random.Random(3)
    contents = {f"file-{number}": source.randbytes(1_500_000) for number in range(10)}
    contents |= {f"small-{number}": source.randbytes(5_000) for number in range(60)}
    for key, data in contents.items():
        setting.put(key, data)
    setting.cache.close()
    command = [sys.executable, "-m", "tests.fsspeckit_lib.cache.killed_readers", str(setting.folder), str(setting.root)]
    claimed, dead = 0, 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killer:
        assert killer.stdin is not None
        assert killer.stdout is not None
        for number in range(KILLS):
            if number % 5 == 0:
                shutil.rmtree(setting.root)  # begin anew: a full cache has nothing left to be killed in
            keys = list(contents)
            source.shuffle(keys)
            killer.stdin.write(f"{source.random() * 0.06} {' '.join(keys)}\n")
            killer.stdin.flush()
            dead += killer.stdout.readline() == "dead\n"
            claimed += _check_claims(setting.root, contents)
        killer.stdin.close()
    assert dead > KILLS // 2
    assert claimed > 0  # the kills did hit downloads in the middle
    setting.reopen()
    for key, data in contents.items():
        file = setting.open(setting.info(key))
        assert file.read(0, len(data)) == data
        file.close()
    setting.cache.sweep()
    copies = [path for path in (setting.root / "data").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in copies) == setting.cache.used_bytes()  # nothing lies uncounted


def _check_claims(root: Path, contents: dict[str, bytes]) -> int:
    """Compare every byte that rows and maps claim with the storage's; return how many sparse blocks were claimed."""
    if not (root / "index.sqlite3").exists():
        return 0
    index = sqlite3.connect(root / "index.sqlite3")
    if not index.execute("SELECT 1 FROM sqlite_master WHERE name = 'entries'").fetchone():
        return 0  # killed before it had made its tables
    rows = index.execute("SELECT id, path, complete FROM entries").fetchall()
    index.close()
    partial_blocks = 0
    for entry_id, path, complete in rows:
        data = contents[entry_id.decode().rpartition("/")[2]]
        local = root / path.decode()
        if not local.exists():
            continue  # killed between an eviction's unlink and its commit, or a rename and its: no reader believes it
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
