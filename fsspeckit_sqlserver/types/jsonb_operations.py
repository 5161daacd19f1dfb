"""The operators of jsonb that DuckDB has not: `||`, `-`, `#-`, `@>`, `?`, `?|`, `?&`, and `jsonb_set`. Pure.

One document at a time: such a document is parsed and written anew, which costs what it costs in any case.
Source: PostgreSQL 16 manual, "JSON Functions and Operators", "jsonb Containment and Existence"; jsonfuncs.c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from fsspeckit_sqlserver.types.jsonb import Number, parsed, shown

__all__ = ["OPERATIONS", "JsonbProblem"]


class JsonbProblem(ValueError):
    """What PostgreSQL refuses; its text begins with the SQLSTATE."""


def _concatenated(left: str, right: str) -> str:
    one, other = parsed(left), parsed(right)
    if isinstance(one, dict) and isinstance(other, dict):
        return shown({**one, **other})
    lists = [value if isinstance(value, list) else [value] for value in (one, other)]
    return shown([*lists[0], *lists[1]])


def _without(document: str, keys: Sequence[str]) -> str:
    value = parsed(document)
    if isinstance(value, dict):
        return shown({key: item for key, item in value.items() if key not in keys})
    if isinstance(value, list):
        return shown([item for item in value if not (isinstance(item, str) and item in keys)])
    raise JsonbProblem("22023 cannot delete from scalar")


def _without_index(document: str, index: int) -> str:
    value = parsed(document)
    if isinstance(value, dict):
        raise JsonbProblem("22023 cannot delete from object using integer index")
    if not isinstance(value, list):
        raise JsonbProblem("22023 cannot delete from scalar")
    if -len(value) <= index < len(value):
        del value[index]
    return shown(value)


def _without_path(document: str, path: Sequence[str]) -> str:
    value = parsed(document)
    if not isinstance(value, dict | list):
        raise JsonbProblem("22023 cannot delete path in scalar")
    inner: Any = value
    for place, step in enumerate(path):
        key = _step(inner, step, place)
        if key is None:
            break
        if place == len(path) - 1:
            del inner[key]
        else:
            inner = inner[key]
    return shown(value)


def _step(value: object, step: str, place: int) -> str | int | None:
    """Return the key or index that a step of a path means, None where there is nothing."""
    if isinstance(value, dict):
        return step if step in value else None
    if not isinstance(value, list):
        return None
    index = _index(step, place)
    return index if -len(value) <= index < len(value) else None


def _index(step: str, place: int) -> int:
    try:
        return int(step)
    except ValueError as error:
        raise JsonbProblem(f'22P02 path element at position {place + 1} is not an integer: "{step}"') from error


def _set(document: str, path: Sequence[str], new: str, creates: bool) -> str:
    value = parsed(document)
    if not isinstance(value, dict | list):
        raise JsonbProblem("22023 cannot set path in scalar")
    inner: Any = value
    for place, step in enumerate(path):
        is_last = place == len(path) - 1
        key = _step(inner, step, place)
        if not is_last:
            if key is None:
                break
            inner = inner[key]
        elif key is not None:
            inner[key] = parsed(new)
        elif creates and isinstance(inner, dict):
            inner[step] = parsed(new)
        elif creates and isinstance(inner, list):
            inner.insert(0 if _index(step, place) < 0 else len(inner), parsed(new))
    return shown(value)


def _contains(left: str, right: str) -> bool:
    one, other = parsed(left), parsed(right)
    if isinstance(one, list) and not isinstance(other, dict | list):  # an array may contain a primitive
        return any(_is_equal(item, other) for item in one)
    return _is_within(one, other)


def _is_within(whole: object, part: object) -> bool:
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and _is_within(whole[key], item) for key, item in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return all(any(_is_within(item, wanted) for item in whole) for wanted in part)
    return not isinstance(whole, dict | list) and _is_equal(whole, part)


def _is_equal(one: object, other: object) -> bool:
    if isinstance(one, Number) and isinstance(other, Number):
        return Decimal(one.text) == Decimal(other.text)
    return type(one) is type(other) and one == other


def _has(document: str, keys: Sequence[str]) -> list[bool]:
    value = parsed(document)
    if isinstance(value, dict):
        return [key in value for key in keys]
    items = value if isinstance(value, list) else [value]
    texts = {item for item in items if isinstance(item, str)}
    return [key in texts for key in keys]


OPERATIONS: Final[Mapping[str, Callable[..., str | bool]]] = MappingProxyType(
    {
        "||": _concatenated,
        "- text": lambda document, key: _without(document, (key,)),
        "- keys": lambda document, keys: _without(document, [key for key in keys if key is not None]),
        "- index": _without_index,
        "#-": _without_path,
        "@>": _contains,
        "?": lambda document, key: _has(document, (key,))[0],
        "?|": lambda document, keys: any(_has(document, [key for key in keys if key is not None])),
        "?&": lambda document, keys: all(_has(document, [key for key in keys if key is not None])),
        "set": _set,
    }
)
"""Operation → its result of values that are not NULL."""
