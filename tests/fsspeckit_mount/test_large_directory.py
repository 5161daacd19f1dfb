"""One directory with a million entries, made up as it is listed; and what the kernel keeps of a directory."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_mount.kernel.protocol import Opcode
from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, serving

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

_PROGRAM = """
    import json, os, subprocess, sys
    from collections import Counter
    from pathlib import Path
    from fsspeckit_lib.core.objects import DirectoryInfo, ObjectInfo
    from fsspeckit_lib.errors import NotFound
    from tests.fsspeckit_mount.mounts import serving

    COUNT = 1_000_000

    class Million:
        '''Objects big/file-0000000 to big/file-0999999, listed in pages as S3 does; counts requests.'''

        url, namespace, is_immutable = "s3://million", ("s3", "million"), False

        def __init__(self):
            self.requests = Counter()

        def info(self, number):
            return ObjectInfo(f"big/file-{number:07d}", number, 1_700_000_000_000_000_000, f"e{number}")

        def stat(self, key):
            self.requests["stat"] += 1
            if key in ("", "big"):
                return DirectoryInfo(key)
            number = key.removeprefix("big/file-")
            if len(number) != 7 or not number.isdecimal() or int(number) >= COUNT:
                raise NotFound(key)
            return self.info(int(number))

        def list_directory(self, key):
            if not key:
                self.requests["list"] += 1
                yield [DirectoryInfo("big")]
            elif key == "big":
                yield from self.pages()
            else:
                raise NotFound(key)

        def list_recursive(self, key):
            if key in ("", "big"):
                yield from self.pages()
            else:
                self.requests["list"] += 1

        def pages(self):
            for start in range(0, COUNT, 1000):
                self.requests["list"] += 1
                yield [self.info(number) for number in range(start, start + 1000)]

        def close(self):
            pass

    def resident_bytes():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    def shell(command):
        return subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout.strip()

    store, found = Million(), {}
    before = resident_bytes()
    with serving(store, Path(sys.argv[1]), directory_ttl_s=3600, prefixes_shadow_objects=True) as mount:
        big = mount.path / "big"
        found["lookups"] = []
        for number in (5, 999_999, 123_456, 777_777, 31, 1_000_000):
            asked = store.requests.total()
            answer = shell(f"stat -c %s {big}/file-{number:07d} || echo none")
            found["lookups"].append([number, answer, store.requests.total() - asked])
        store.requests.clear()
        names = sys.argv[1] + "/names"
        found["count"] = int(shell(f"ls -f {big} | tee {names} | wc -l"))
        found["pages"] = store.requests["list"]
        found["stats"] = store.requests["stat"]
        found["different"] = int(shell(f"sort -u {names} | wc -l"))
        found["growth"] = resident_bytes() - before
    print(json.dumps(found))
"""


def test_a_million_entries_are_all_there_in_bounded_memory_and_single_names_cost_two_requests(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_PROGRAM), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    for number, answer, _ in found["lookups"]:
        assert answer == (str(number) if number < 1_000_000 else "none")
    requests = [asked for _, _, asked in found["lookups"]]
    assert requests[0] <= 4  # two for the directory, two for the name
    assert sum(requests[1:]) <= 2 * len(requests[1:]) + 1  # once a page, in the hope that it is small
    assert requests[-3:] == [2, 2, 2]
    assert found["count"] == found["different"] == 1_000_002
    assert (found["pages"], found["stats"]) == (1000, 0)
    assert found["growth"] < 400 << 20


def _list(path: Path) -> list[bytes]:
    return sorted(subprocess.run(["ls", "-f", path], capture_output=True, check=True, timeout=30).stdout.split(b"\n"))


def test_a_directory_read_again_is_answered_by_the_kernel(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(2000):
        (source / f"a name of some length {number}").touch()
    with serving(LocalObjects(str(source)), tmp_path, attribute_ttl_s=3600, directory_ttl_s=3600) as mount:

        def pages() -> int:
            return mount.asked[Opcode.READDIR] + mount.asked[Opcode.READDIRPLUS]

        first = _list(mount.path)
        assert len(first) == 2003
        asked = pages()
        assert asked > 1
        for _ in range(3):
            assert _list(mount.path) == first
        assert pages() == asked
        (source / "new").touch()
        assert mount.vfs.refresh("") > 0
        assert len(_list(mount.path)) == 2004
        assert pages() > asked
    with serving(LocalObjects(str(source)), tmp_path / "no", attribute_ttl_s=0, directory_ttl_s=0) as mount:
        assert len(_list(mount.path)) == 2004
        (source / "newer").touch()
        assert len(_list(mount.path)) == 2005  # what is not believed is not kept either
