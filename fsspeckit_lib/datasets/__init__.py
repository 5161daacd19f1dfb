"""Parquet datasets: files, partitions, footers, manifest."""

from fsspeckit_lib.datasets.dataset import Checkpoint, Dataset, no_checkpoint
from fsspeckit_lib.datasets.discovery import discover_files, is_data_file
from fsspeckit_lib.datasets.kept_footers import KeptFooters
from fsspeckit_lib.datasets.manifest import DataFile, Manifest, Pruning
from fsspeckit_lib.datasets.schema import DatasetColumn, IncompatibleFiles

__all__ = [
    "Checkpoint",
    "DataFile",
    "Dataset",
    "DatasetColumn",
    "IncompatibleFiles",
    "KeptFooters",
    "Manifest",
    "Pruning",
    "discover_files",
    "is_data_file",
    "no_checkpoint",
]
