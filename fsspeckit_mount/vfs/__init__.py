"""The virtual file system: decisions without FUSE and without fsspec.

`ports` (what it needs) ← `attributes`, `listings`, `prefetch`, `inodes`, `handles` ← `names` (what lies at a name now)
← `operations` (the calls of a kernel).
"""
