"""Filesystems and the data plane."""
