"""Trees by commit, shared by every store of this process: the content of a commit never changes.

Bounded by memory; the tree that was not used for longest goes first. A tree is only shared between stores that use the
same token: what one token may see, another may not.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from fsspeckit_lib.core.forge.tree import Tree

__all__ = ["TREES", "TreeCache", "TreeKey"]

TreeKey = tuple[str, str, str, str]
"""API, project, fingerprint of the token, commit."""


class TreeCache:
    """Trees by key, at most `limit_bytes` of them together (the last one loaded stays, whatever its size)."""

    def __init__(self, limit_bytes: int = 256 << 20) -> None:
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._trees: OrderedDict[TreeKey, Tree] = OrderedDict()
        self._loading: dict[TreeKey, threading.Lock] = {}

    def get_or_load(self, key: TreeKey, load: Callable[[], Tree]) -> Tree:
        """Return the tree of a key, loading it once however many threads ask."""
        with self._lock:
            found = self._trees.get(key)
            if found is not None:
                self._trees.move_to_end(key)
                return found
            turn = self._loading.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                found = self._trees.get(key)
            if found is None:
                found = load()
                self.put(key, found)
        with self._lock:
            self._loading.pop(key, None)
        return found

    def put(self, key: TreeKey, tree: Tree) -> None:
        """Keep a tree, and inherit what an earlier tree of the same project knew of its blobs."""
        with self._lock:
            earlier = next((kept for other, kept in reversed(self._trees.items()) if other[:3] == key[:3]), None)
        if earlier is not None and earlier is not tree:
            tree.inherit(earlier)
        with self._lock:
            self._trees[key] = tree
            self._trees.move_to_end(key)
            total = sum(kept.memory_bytes for kept in self._trees.values())
            while total > self._limit_bytes and len(self._trees) > 1:
                _, dropped = self._trees.popitem(last=False)
                total -= dropped.memory_bytes

    def clear(self) -> None:
        """Forget every tree."""
        with self._lock:
            self._trees.clear()


TREES = TreeCache()
"""The process's own."""
