"""The mount, measured through real system calls on a bucket of a SeaweedFS that runs here.

Reads of one large object are in `mount_reads`, many small ones and directories in `mount_trees`, the mounts that ours
is compared with in `mount_peers`. A row whose peer is a number is an absolute goal; all others are ratios within one
run.
"""

from __future__ import annotations

import sys
import tempfile

from benchmarks.mount_reads import BUCKET, cold_rows, fill, first_byte_row, warm_rows
from benchmarks.mount_trees import memory_rows, small_file_rows, tree_rows
from benchmarks.report import Row, render
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

__all__ = ["run"]


def run(quick: bool) -> list[Row]:
    """Measure; `quick` uses a quarter of the bytes, a fifth of the objects and fewer runs."""
    size_bytes = (256 if quick else 1024) << 20
    runs = 3 if quick else 5
    with tempfile.TemporaryDirectory(prefix="fsspeckit-bench-") as root, SeaweedFS.start(f"{root}/s3") as server:
        server.create_bucket(BUCKET)
        fill(server, root, size_bytes)
        return [
            *warm_rows(root, server, runs),
            *cold_rows(root, server, size_bytes, runs),
            first_byte_row(root, server, runs),
            *small_file_rows(root, server, runs),
            *tree_rows(root, server, 20_000 if quick else 100_000, min(runs, 3)),
            *memory_rows(root, server, size_bytes >> 3),
        ]


if __name__ == "__main__":
    print(render("mount", run("--quick" in sys.argv)))
