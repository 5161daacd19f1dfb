"""The sample bucket: a folder that looks like what people keep in object storage. The same bytes every time."""

from __future__ import annotations

import hashlib
import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fsspeckit_lib.core.backend_errors import translated

__all__ = ["ROWS", "SampleBucket", "build_bucket", "upload_bucket"]

ROWS = 2_400_000
_YEARS = (2024, 2025, 2026)
_LARGE_BYTES = 96 << 20
_LOG_LINES = 20_000

_TRIPS = f"""
COPY (
    SELECT
        i                                                                AS trip_id,
        TIMESTAMP '2024-01-01' + INTERVAL 1 SECOND * (i * 94672800 // {ROWS}) AS pickup_at,
        ['Airport', 'Altstadt', 'Harbour', 'Université', '中央駅', 'Zoo'][1 + (hash(i) % 6)::BIGINT] AS zone,
        (1 + hash(i + 1) % 5)::SMALLINT                                  AS passengers,
        round(0.5 + (hash(i + 2) % 3000) / 100.0, 2)::DOUBLE             AS distance_km,
        (3.5 + (hash(i + 3) % 8000) / 100.0)::DECIMAL(8, 2)              AS fare,
        year(pickup_at)::INTEGER                                         AS year,
        month(pickup_at)::INTEGER                                        AS month
    FROM range({ROWS}) AS r(i)
) TO '{{folder}}' (FORMAT parquet, PARTITION_BY (year, month), FILENAME_PATTERN 'part-{{{{i}}}}', ROW_GROUP_SIZE 20000)
"""


@dataclass(frozen=True, slots=True)
class SampleBucket:
    """What was built: the folder, and what is true of it."""

    folder: Path
    parquet_files: int
    total_bytes: int
    large_sha256: str


def build_bucket(folder: Path) -> SampleBucket:
    """Write the sample bucket into an empty folder: about 150 MB in a few seconds."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    trips = folder / "datasets" / "trips"
    trips.mkdir(parents=True)
    connection = duckdb.connect(config={"threads": os.cpu_count() or 1, "preserve_insertion_order": True})
    try:
        connection.execute(_TRIPS.format(folder=str(trips).replace("'", "''")))
    finally:
        connection.close()

    source = random.Random(20240101)
    _write(folder / "raw" / "customers.csv", _customers(source))
    _write(folder / "raw" / "events" / "2026" / "11" / "events.json", _events(source))
    _write(folder / "logs" / "gateway" / "2026-11.log", _log(source))
    _write(folder / "reports" / "Quarterly report Q3.txt", "Revenue is up 12 %.\nThe harbour zone leads.\n")
    _write(folder / "reports" / "Überblick – 概要.md", "# Überblick\n\nDrei Jahre, sechs Zonen.\n")
    _write(folder / "reports" / "naïve café" / "menu du jour.csv", "plat,prix\ncrème brûlée,6.50\n")
    large = source.randbytes(_LARGE_BYTES)
    (folder / "media").mkdir()
    (folder / "media" / "large.bin").write_bytes(large)
    files = [path for path in folder.rglob("*") if path.is_file()]
    return SampleBucket(
        folder=folder,
        parquet_files=sum(path.suffix == ".parquet" for path in files),
        total_bytes=sum(path.stat().st_size for path in files),
        large_sha256=hashlib.sha256(large).hexdigest(),
    )


def upload_bucket(sample: SampleBucket, bucket: str, storage_options: dict[str, str]) -> None:
    """Copy the folder into an S3 bucket, eight files at a time.

    Raises:
        Unavailable, AccessDenied: the storage refused; nothing is retried beyond what obstore retries.
    """
    import obstore

    from fsspeckit_lib.storage_options import AwsStorageOptions

    store = AwsStorageOptions.from_mapping("s3", storage_options).to_obstore(bucket)

    def put(path: Path) -> None:
        key = path.relative_to(sample.folder).as_posix()
        with translated(f"s3://{bucket}/{key}"):
            obstore.put(store, key, path)

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(put, (path for path in sample.folder.rglob("*") if path.is_file())):
            pass


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _customers(source: random.Random) -> str:
    cities = ("Zürich", "São Paulo", "Kraków", "東京", "Montréal")
    rows = [f"{number},customer {number},{source.choice(cities)}" for number in range(1, 2001)]
    return "\n".join(["id,name,city", *rows]) + "\n"


def _events(source: random.Random) -> str:
    kinds = ("opened", "closed", "paid")
    events = [
        {"id": number, "kind": source.choice(kinds), "amount": source.randrange(9000) / 100} for number in range(2000)
    ]
    return "\n".join(json.dumps(event) for event in events) + "\n"


def _log(source: random.Random) -> str:
    levels = ("INFO",) * 17 + ("WARN", "WARN", "ERROR")
    lines = (
        f"2026-11-{1 + number * 22 // _LOG_LINES:02d}T{number % 24:02d}:{number % 60:02d}:00Z "
        f"{source.choice(levels)} request={number} took_ms={source.randrange(1, 900)}"
        for number in range(_LOG_LINES)
    )
    return "\n".join(lines) + "\n"
