"""Real programs on real mounts: each reads through the mount what it reads from the folder itself."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, Mounted, mounted

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

_VIDEO_BYTES = 24 << 20
_ROWS = 400_000


def _run(*words: str | Path, cwd: Path | None = None) -> str:
    finished = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60, check=False, cwd=cwd,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "LC_ALL": "C"},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("programs")
    chosen = random.Random(5)
    texts = root / "texts"
    for number in range(300):
        path = texts / f"folder {number % 7}" / f"note-{number:03}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"line of {number}\nneedle {number % 50}\n" * 20)
    (root / "video.bin").write_bytes(chosen.randbytes(_VIDEO_BYTES))
    with contextlib.closing(sqlite3.connect(root / "data.sqlite")) as database:
        database.execute("CREATE TABLE facts (id INTEGER PRIMARY KEY, name TEXT, value REAL)")
        rows = ((number, f"name {number % 1000}", chosen.random()) for number in range(200_000))
        database.executemany("INSERT INTO facts VALUES (?, ?, ?)", rows)
        database.execute("CREATE INDEX facts_name ON facts (name)")
        database.commit()
    table = pa.table(
        {
            "id": list(range(_ROWS)),
            "group": [number % 97 for number in range(_ROWS)],
            "value": [chosen.random() for _ in range(_ROWS)],
            "text": [f"text {number}" for number in range(_ROWS)],
        }
    )
    pq.write_table(table, root / "table.parquet", row_group_size=50_000, compression="none")
    repository = root / "repository"
    _run("git", "init", "--quiet", repository)
    shutil.copytree(texts, repository / "texts")
    _run("git", "-C", repository, "add", ".")
    author = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")
    _run("git", "-C", repository, *author, "commit", "--quiet", "-m", "first")
    return root


@pytest.fixture(scope="module", params=["kernel", "libfuse"])
def mount(source: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Mounted]:
    """Small files only are complete at open: the large ones are read cold, in parts."""
    flags = ("--driver", request.param, "-o", "complete_at_open=64KiB")
    with mounted(source, tmp_path_factory.mktemp("mount"), *flags) as found:
        yield found


def _tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_video_like_seeks(mount: Mounted, source: Path) -> None:
    """Header, trailer, then jumps with some seconds of play after each: what players do."""
    chosen = random.Random(6)
    with (mount.path / "video.bin").open("rb") as ours, (source / "video.bin").open("rb") as theirs:
        for start, size in [(0, 64 << 10), (_VIDEO_BYTES - (1 << 20), 1 << 20)]:
            for file in (ours, theirs):
                file.seek(start)
            assert ours.read(size) == theirs.read(size)
        for _ in range(12):
            start = chosen.randrange(_VIDEO_BYTES - (2 << 20))
            ours.seek(start)
            theirs.seek(start)
            for _ in range(8):
                assert ours.read(128 << 10) == theirs.read(128 << 10)


def test_parquet_by_pandas_polars_and_duckdb(mount: Mounted, source: Path) -> None:
    ours, theirs = mount.path / "table.parquet", source / "table.parquet"
    column = ["value", "group"]
    assert pandas.read_parquet(ours, columns=column).equals(pandas.read_parquet(theirs, columns=column))
    query = f"SELECT \"group\", sum(id), count(*) FROM '{ours}' WHERE id > 300000 GROUP BY ALL ORDER BY 1"
    with duckdb.connect() as connection:
        found = connection.execute(query).fetchall()
        assert found == connection.execute(query.replace(str(ours), str(theirs))).fetchall()
    lazy = [
        polars.scan_parquet(path).group_by("group").agg(polars.col("value").sum()).sort("group")
        for path in (ours, theirs)
    ]
    frames = [frame.collect() for frame in lazy]
    assert frames[0].select("group").equals(frames[1].select("group"))
    assert pq.read_table(ours).equals(pq.read_table(theirs))


def test_sqlite_read_only(mount: Mounted, source: Path) -> None:
    question = "SELECT count(*), round(sum(value), 6) FROM facts WHERE name = 'name 77'"
    answers = []
    for path in (mount.path, source):
        with contextlib.closing(sqlite3.connect(f"file:{path}/data.sqlite?mode=ro", uri=True)) as database:
            answers.append(
                (database.execute(question).fetchall(), database.execute("PRAGMA integrity_check").fetchall())
            )
    assert answers[0] == answers[1]
    told = _run("sqlite3", "-readonly", mount.path / "data.sqlite", question)
    assert told.startswith("200|")


def test_git_clone_from_the_mount(mount: Mounted, source: Path, tmp_path: Path) -> None:
    safe = ("git", "-c", "safe.directory=*")
    _run(*safe, "clone", "--quiet", "--no-hardlinks", mount.path / "repository", tmp_path / "clone")
    assert _tree(tmp_path / "clone" / "texts") == _tree(source / "texts")
    assert "first" in _run(*safe, "-C", mount.path / "repository", "log", "--oneline")
    _run(*safe, "-C", tmp_path / "clone", "fsck", "--strict")


def test_grep_tar_rsync_and_less(mount: Mounted, source: Path, tmp_path: Path) -> None:
    words: Sequence[str] = ("grep", "-rc", "needle 7$", ".")
    assert sorted(_run(*words, cwd=mount.path / "texts").splitlines()) == sorted(
        _run(*words, cwd=source / "texts").splitlines()
    )
    _run("tar", "-cf", tmp_path / "texts.tar", "-C", mount.path, "texts")
    with tarfile.open(tmp_path / "texts.tar") as archive:
        archive.extractall(tmp_path / "untarred", filter="data")
    assert _tree(tmp_path / "untarred" / "texts") == _tree(source / "texts")
    for _ in range(2):  # the second finds nothing to do
        told = _run("rsync", "-a", "--stats", f"{mount.path}/texts/", tmp_path / "synced")
    assert _tree(tmp_path / "synced") == _tree(source / "texts")
    assert "Number of regular files transferred: 0" in told
    one = mount.path / "texts" / "folder 3" / "note-003.txt"
    assert _run("less", "-E", one) == one.read_text()


def test_a_web_server_on_the_mount(mount: Mounted, source: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(mount.path)]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/video.bin") as answer:
                data = answer.read()
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert data == (source / "video.bin").read_bytes()
    finally:
        server.terminate()
        server.wait(20)
