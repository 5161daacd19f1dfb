"""The nearest known name to an unknown one, for the errors that name it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from fsspeckit_lib.errors import UnknownName

__all__ = ["nearest", "unknown_name"]

_SHOWN = 12


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` most likely meant, or None when none is close."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    folded = name.casefold()
    for match in difflib.get_close_matches(folded, by_folded, n=3, cutoff=0.5):
        # a short name with another first letter is rarely what was meant: foo is not root
        if (
            match[:1] == folded[:1]
            or sorted(match) == sorted(folded)
            or difflib.SequenceMatcher(None, folded, match).ratio() >= 0.7
        ):
            return by_folded[match]
    return None


def unknown_name(who: str, what: str, name: str, known: Iterable[str], page: str = "") -> UnknownName:
    """Return the error for an unknown `what` called `name`: with the nearest known one, else with all of them.

    Where there are too many to read, the page of the documentation that lists them is named instead.
    """
    known = sorted(set(known))
    close = nearest(name, known)
    if not close and page and len(known) > _SHOWN:
        hint = f"{page} lists the known ones"
    else:
        hint = f"did you mean {close!r}?" if close else f"known: {', '.join(known)}" if known else "none is known here"
    error = UnknownName(f"{who}: unknown {what} {name!r}; {hint}")
    error.name, error.known = name, tuple(known)
    return error
