"""Options that several commands of one family share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["with_context"]

_Command = Callable[..., None]


def with_context(build: Callable[..., Any], *options: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    """Return a decorator that adds click options to a command and hands their values over as one context.

    Args:
        build: called with the options' values by name, each a parameter of its own; its result is the command's first
            argument, before the command's own.
        options: of click, the last one is shown first in the help.
    """
    names = tuple(inspect.signature(build).parameters)

    def decorate(command: _Command) -> _Command:
        def run(**given: Any) -> None:
            context = build(**{name: given.pop(name) for name in names})
            command(context, **given)

        run.__doc__, run.__name__ = command.__doc__, command.__name__
        run.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]  # click's place
        for option in options:
            option(run)
        return run

    return decorate
