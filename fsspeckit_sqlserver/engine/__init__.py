"""DuckDB runs the queries, on the files that pruning left."""
