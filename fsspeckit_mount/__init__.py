"""Any storage as a directory: the FUSE daemon."""
