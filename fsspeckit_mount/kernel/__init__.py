"""The FUSE kernel protocol."""
