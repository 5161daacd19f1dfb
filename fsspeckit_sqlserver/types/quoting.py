"""Texts inside texts: what PostgreSQL puts between double quotes in the text of an array or a record."""

from __future__ import annotations

import pyarrow as pa

from fsspeckit_sqlserver.types.kernels import pc

__all__ = ["quoted"]


def quoted(texts: pa.Array, needs_quotes: str, escape: str) -> pa.Array:
    """Return texts with those that match `needs_quotes` between double quotes.

    Args:
        escape: what becomes of a double quote or a backslash (`\\1`) in them, as a replacement of RE2.
    """
    needs = pc.match_substring_regex(texts, needs_quotes)
    if not pc.any(needs).as_py():
        return texts
    escaped = pc.replace_substring_regex(texts, r'(["\\])', escape)
    return pc.if_else(needs, pc.binary_join_element_wise('"', escaped, '"', ""), texts)
