"""The session's settings that change how values look in text. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TextStyle"]


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How the text form of a value is written.

    Attributes:
        time_zone: IANA name, for timestamptz.
        bytea_output: `hex` or `escape`.
        interval_style: `postgres` or `iso_8601`.
    """

    time_zone: str = "UTC"
    bytea_output: str = "hex"
    interval_style: str = "postgres"
