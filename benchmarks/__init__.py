"""The benchmark tables: `python -m benchmarks`."""
