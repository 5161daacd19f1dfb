"""`${VAR}` and `${VAR:-default}` inside the text values of a configuration.

Pure: the environment is passed in. `$${VAR}` is the text `${VAR}` itself: of two or more dollars, one goes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fsspeckit_lib.errors import BadInput

__all__ = ["escape_variables", "expand_variables", "has_variable"]

_VARIABLE = re.compile(r"(\$+)\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def has_variable(value: Any) -> bool:
    """Tell whether a value, or a value inside it, refers to a variable."""
    if isinstance(value, Mapping):
        return any(has_variable(inner) for inner in value.values())
    if isinstance(value, list):
        return any(has_variable(inner) for inner in value)
    return isinstance(value, str) and any(match.group(1) == "$" for match in _VARIABLE.finditer(value))


def expand_variables(value: Any, place: str, environ: Mapping[str, str]) -> Any:
    """Return `value` with its references replaced; keys of mappings become text and stay as they are.

    An empty variable counts as unset, as in the shell's `:-`.

    Args:
        place: who asks and where, the start of an error's text: `configuration fsspeckit.yaml: storages`.

    Raises:
        BadInput: a variable is not set and has no default; names the variable and the key.
    """
    if isinstance(value, Mapping):
        return {str(key): expand_variables(inner, f"{place}: {key}", environ) for key, inner in value.items()}
    if isinstance(value, list):
        return [expand_variables(inner, f"{place}[{index}]", environ) for index, inner in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        dollars, name, default = match.groups()
        if len(dollars) > 1:
            return match.group()[1:]
        found = environ.get(name) or default
        if found is None:
            raise BadInput(f"{place}: ${{{name}}} is not set; set it, or write ${{{name}:-default}}")
        return found

    return _VARIABLE.sub(replace, value)


def escape_variables(value: Any) -> Any:
    """Return `value` so that `expand_variables` gives it back, whatever it looks like."""
    if isinstance(value, Mapping):
        return {key: escape_variables(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [escape_variables(inner) for inner in value]
    return _VARIABLE.sub(lambda match: f"${match.group()}", value) if isinstance(value, str) else value
