"""JSON documents as jsonb shows them. Pure.

Source: PostgreSQL 16 manual, "JSON Types"; `JsonbToCString`, `lengthCompareJsonbStringValue`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal

__all__ = ["Number", "jsonb_text", "key_order", "parsed", "plain_digits", "shown"]


class Number(float):
    """A number of JSON that keeps its digits."""

    text: str


def _number(text: str) -> Number:
    number = Number(0.0 if len(text) > 300 else float(text))
    number.text = text
    return number


def _refuse_constant(name: str) -> object:
    raise json.JSONDecodeError("no number of JSON", name, 0)


def jsonb_text(text: str) -> str:
    """Return a document as jsonb shows it: keys once, by length and then by bytes; one space after `,` and `:`.

    Raises:
        ValueError, RecursionError: not a document of JSON, or too deep.
    """
    return shown(parsed(text))


def parsed(text: str) -> object:
    """Return a document as Python's values, numbers as `Number`.

    Raises:
        ValueError, RecursionError: not a document of JSON, or too deep.
    """
    return json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_refuse_constant)


def key_order(keys: Iterable[str]) -> list[str]:
    """Return keys as jsonb keeps them: the shorter first."""
    return sorted(keys, key=lambda key: (len(encoded := key.encode()), encoded))


def shown(value: object) -> str:
    """Return a document as jsonb shows it."""
    match value:
        case dict():
            return "{" + ", ".join(f"{_quoted(key)}: {shown(value[key])}" for key in key_order(value)) + "}"
        case list():
            return "[" + ", ".join(map(shown, value)) + "]"
        case Number():
            return plain_digits(value.text)
    return json.dumps(value, ensure_ascii=False)


def plain_digits(text: str) -> str:
    """Return a number as numeric shows it: without exponent, and zero without a sign."""
    plain = format(Decimal(text), "f") if "e" in text or "E" in text else text
    return plain[1:] if plain.startswith("-") and not plain.strip("-0.") else plain


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
