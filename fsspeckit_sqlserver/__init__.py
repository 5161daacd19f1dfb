"""Parquet datasets as a PostgreSQL database: the wire-protocol daemon."""
