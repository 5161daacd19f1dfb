"""The shared library of the gateway: storages, the cache, SQL translation and datasets.

Names are imported on first use, so `import fsspeckit_lib` costs a few milliseconds.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsspeckit_lib.core.factory import filesystem as filesystem

__all__ = ["__version__", "filesystem"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "filesystem":
        from fsspeckit_lib.core.factory import filesystem

        return filesystem
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
