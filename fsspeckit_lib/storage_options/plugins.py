"""Providers that others add: by `register_plugin`, or by an entry point of the group `fsspeckit.storages`.

An entry point `name = "package.module:OptionsClass"` is loaded when its protocol is first used, so a broken package
breaks nothing but its own protocol.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from fsspeckit_lib.errors import BadInput, Unsupported

if TYPE_CHECKING:
    from fsspeckit_lib.storage_options.base import BaseStorageOptions

__all__ = ["GROUP", "plugin_class", "plugin_names", "register_plugin"]

GROUP = "fsspeckit.storages"

_registered: dict[str, type[BaseStorageOptions]] = {}


def register_plugin(name: str, options_class: type[BaseStorageOptions]) -> None:
    """Make `options_class` the options of the protocol `name`; URLs, YAML and both daemons then know it.

    A plugin wins over fsspec's own implementation of the same name, and over an entry point.

    Raises:
        BadInput: the name cannot be a URL's scheme, or it is one of the built-in classes' protocols.
    """
    from fsspeckit_lib.storage_options.base import BaseStorageOptions
    from fsspeckit_lib.storage_options.registry import is_built_in

    scheme = name.lower()
    if not scheme[:1].isalpha() or not all(letter.isalnum() or letter in "+.-_" for letter in scheme):
        raise BadInput(f"plugin {name!r}: found a name that cannot be a URL's scheme, wanted letters and digits")
    if is_built_in(scheme):
        raise BadInput(f"plugin {name!r}: the protocol is built in; choose another name")
    if not issubclass(options_class, BaseStorageOptions):
        raise BadInput(f"plugin {name!r}: found {options_class!r}, wanted a subclass of BaseStorageOptions")
    _registered[scheme] = options_class


def plugin_names() -> set[str]:
    """Return the protocols that plugins add. Loads none of them."""
    return {*_registered, *_entry_points()}


def plugin_class(name: str) -> type[BaseStorageOptions] | None:
    """Return the options class of a plugin's protocol, loading its entry point; None when no plugin has it.

    Raises:
        Unsupported: the package that offers it cannot be loaded; names the package.
    """
    from fsspeckit_lib.storage_options.base import BaseStorageOptions

    if name in _registered:
        return _registered[name]
    point = _entry_points().get(name)
    if point is None:
        return None
    owner = point.dist.name if point.dist is not None else point.module
    try:
        loaded = point.load()
    except Exception as error:  # whatever a foreign module raises while it is imported
        raise Unsupported(
            f"{name}://: the plugin {point.value!r} of package {owner!r} cannot be loaded: "
            f"{type(error).__name__}: {error}; repair or uninstall that package"
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, BaseStorageOptions)):
        raise Unsupported(
            f"{name}://: the plugin {point.value!r} of package {owner!r} is no subclass of BaseStorageOptions; "
            "repair or uninstall that package"
        )
    _registered[name] = loaded
    return loaded


@functools.cache
def _entry_points() -> Mapping[str, EntryPoint]:
    return {point.name.lower(): point for point in entry_points(group=GROUP)}
