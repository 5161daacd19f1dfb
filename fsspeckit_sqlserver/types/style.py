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
        interval_style: `postgres`, `postgres_verbose`, `sql_standard` or `iso_8601`.
        date_style: style and order of day and month: `ISO, MDY`, `Postgres, DMY`.
        extra_float_digits: 1 and above: the shortest digits that read back the same; else 15 (6) more or less.
    """

    time_zone: str = "UTC"
    bytea_output: str = "hex"
    interval_style: str = "postgres"
    date_style: str = "ISO, MDY"
    extra_float_digits: int = 1
