"""DuckDB and Arrow types on the wire, text and binary, both ways."""
