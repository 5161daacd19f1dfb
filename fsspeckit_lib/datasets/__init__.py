"""Parquet datasets: files, partitions, footers, manifest."""
