"""Typed options for every storage, from dicts, the environment and URLs."""
