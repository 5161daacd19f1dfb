"""The virtual file system: decisions without FUSE and without fsspec."""
