"""Keys that S3 can hold and obstore cannot name: an empty, `.` or `..` component, a control character."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fsspeckit_lib.errors import Unsupported

__all__ = ["UNNAMEABLE", "UnnameableKey", "guarded", "unnameable"]

UNNAMEABLE = "a key here has an empty, '.' or '..' component or a control character, which obstore cannot name"


class UnnameableKey(Unsupported):
    """A key that S3 can hold and obstore cannot name: it cannot be read, and not be among what is copied or removed."""

    kind = "unnameable-key"


class unnameable:  # noqa: N801 - reads as a with-block
    """Turn obstore's ValueError for a key it cannot name into Unsupported. A class: a generator costs three times."""

    __slots__ = ("_who",)

    def __init__(self, who: str) -> None:
        self._who = who

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and ("parse path" in str(error) or "invalid path" in str(error)):
            raise UnnameableKey(f"{self._who!r}: {UNNAMEABLE}; rename it with the provider's own tool") from error


def guarded(who: str, listing: Iterator[Any]) -> Iterator[Any]:
    while True:
        with unnameable(who):
            page = next(listing, None)
        if page is None:
            return
        yield page
