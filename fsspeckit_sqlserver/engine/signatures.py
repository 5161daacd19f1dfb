"""Which function or operator PostgreSQL takes for given types of arguments, some of them unknown. Pure.

The rules are those of `parse_func.c` and `parse_oper.c`; the signatures those of PostgreSQL's own catalog.
Source: PostgreSQL 15 manual, "Operators" and "Functions" in "Type Conversion", and `func_select_candidate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from fsspeckit_sqlserver.catalog.definitions import data_lines
from fsspeckit_sqlserver.types import oids

__all__ = ["Found", "common_type", "find_function", "find_operator", "function_names"]

_ANY: Final = 2276
_ARRAYS: Final = frozenset({2277, 5078})  # anyarray, anycompatiblearray
_ELEMENTS: Final = frozenset({2283, 2776, 3500})  # anyelement, anynonarray, anyenum
_COMPATIBLE: Final = frozenset({5077, 5079})  # anycompatible, anycompatiblenonarray
_RANGES: Final = frozenset({3831, 5080, 4537, 4538, 3500})  # and anyenum: there are no values of them
_NOT_ARRAYS: Final = frozenset({2776, 5079})
_GENERIC: Final = _ARRAYS | _ELEMENTS | _COMPATIBLE | _RANGES | {_ANY}


@dataclass(frozen=True, slots=True)
class Found:
    """What a call is of: the type of each argument, None where it stays open, and of the result."""

    arguments: tuple[int | None, ...]
    result: int | None
    is_set: bool = False


@dataclass(frozen=True, slots=True)
class _Signature:
    result: int
    arguments: tuple[int, ...]
    variadic: int = 0
    defaults: int = 0
    names: tuple[str, ...] = ()
    is_set: bool = False

    def of_width(self, width: int) -> tuple[int, ...] | None:
        """Return the types of so many arguments, None where it does not take them."""
        fixed = len(self.arguments)
        if self.variadic and width >= fixed:
            return (*self.arguments[:-1], *(self.variadic,) * (width - fixed + 1))
        return self.arguments[:width] if fixed - self.defaults <= width <= fixed else None


@cache
def _lines() -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for line in data_lines("signatures"):
        kind, name, rest = line.split(" ", 2)
        found[kind, name] = rest
    return found


@lru_cache(maxsize=1024)
def _signatures(kind: str, name: str) -> tuple[_Signature, ...]:
    return tuple(map(_parsed, _lines().get((kind, name), "").split()))


def _parsed(text: str) -> _Signature:
    types, *flags = text.split("/")
    result, _, arguments = types.partition(":")
    values = {flag[0]: flag[1:] for flag in flags}
    return _Signature(
        int(result),
        tuple(map(int, arguments.split(","))),
        int(values.get("v", 0)),
        int(values.get("d", 0)),
        tuple(values.get("n", "").split(",")),
        "s" in values,
    )


@lru_cache(maxsize=256)
def _implicit(source: int) -> frozenset[int]:
    return frozenset(map(int, _lines().get(("c", str(source)), "").split()))


@lru_cache(maxsize=256)
def _category(oid: int) -> tuple[str, bool]:
    """Return a type's category, and whether it is the preferred one of it."""
    text = "A" if oid in oids.ELEMENT_OF else _lines().get(("t", str(oid)), "U")
    return text[0], text.endswith("!")


def _coerces(source: int | None, target: int) -> bool:
    if source is None or source in {target, oids.UNKNOWN} or target in _GENERIC or target in _implicit(source):
        return True
    one, other = oids.ELEMENT_OF.get(source), oids.ELEMENT_OF.get(target)
    return one is not None and other is not None and _coerces(one, other)


def common_type(kinds: Iterable[int | None]) -> int | None:
    """Return the type in which expressions meet: text of unknown ones alone, None where it cannot be told.

    Source: `select_common_type`.
    """
    chosen = oids.UNKNOWN
    for kind in kinds:
        if kind is None:
            return None
        if kind in {oids.UNKNOWN, chosen}:
            continue
        if chosen == oids.UNKNOWN:
            chosen = kind
            continue
        category, is_preferred = _category(chosen)
        if _category(kind)[0] != category:
            return None
        if not is_preferred and _coerces(chosen, kind) and not _coerces(kind, chosen):
            chosen = kind
    return oids.TEXT if chosen == oids.UNKNOWN else chosen


@lru_cache(maxsize=4096)
def find_function(name: str, kinds: tuple[int | None, ...]) -> Found | None:
    """Return what a call means; None where nothing is known of it. An argument of type None is anything."""
    wide = [(wanted, each) for each in _signatures("f", name) if (wanted := each.of_width(len(kinds))) is not None]
    return _chosen(kinds, wide)


def function_names(name: str) -> tuple[str, ...]:
    """Return the names of a function's arguments where they may be left out, and so be given by name."""
    return next((each.names for each in _signatures("f", name) if each.names != ("",) and each.defaults), ())


@lru_cache(maxsize=4096)
def find_operator(symbol: str, kinds: tuple[int | None, ...]) -> Found | None:
    """Return what an operator means between one or two operands, as `find_function` does."""
    symbol = "<>" if symbol == "!=" else symbol
    wide = [(each.arguments, each) for each in _signatures("o", symbol) if len(each.arguments) == len(kinds)]
    if len(kinds) == 2 and oids.UNKNOWN in kinds:  # as the other side, where there is such an operator
        other = kinds[0] if kinds[1] == oids.UNKNOWN else kinds[1]
        exact = next((each for wanted, each in wide if wanted == (other, other)), None)
        if exact is not None and other != oids.UNKNOWN:
            return Found(exact.arguments, exact.result)
    return _chosen(kinds, wide)


def _chosen(kinds: tuple[int | None, ...], wide: list[tuple[tuple[int, ...], _Signature]]) -> Found | None:
    exact = [each for each in wide if each[0] == kinds]
    fitting = exact or [
        each
        for each in wide
        if all(map(_coerces, kinds, each[0])) and (_GENERIC.isdisjoint(each[0]) or _bound(kinds, each[0]) is not None)
    ]
    if len(fitting) > 1:
        fitting = _select(kinds, fitting)
    if not fitting:
        return None
    if len(fitting) == 1:
        return _settled(kinds, *fitting[0])
    found = [_settled(kinds, *each) for each in fitting] if None in kinds else []
    if not found:
        return None
    result = {each.result for each in found}
    arguments = [{each.arguments[place] for each in found} for place in range(len(kinds))]
    return Found(
        tuple(_only(each) for each in arguments), _only(result), is_set=any(each.is_set for each in found)
    )  # what all of them agree on


def _only(kinds: set[int | None]) -> int | None:
    return next(iter(kinds)) if len(kinds) == 1 else None


def _select(
    kinds: Sequence[int | None], candidates: list[tuple[tuple[int, ...], _Signature]]
) -> list[tuple[tuple[int, ...], _Signature]]:
    """See `func_select_candidate`; returns several where PostgreSQL finds the call not unique."""
    known = [(place, kind) for place, kind in enumerate(kinds) if kind not in {None, oids.UNKNOWN}]
    unknown = [place for place, kind in enumerate(kinds) if kind == oids.UNKNOWN]
    candidates = _best(candidates, [sum(each[0][place] == kind for place, kind in known) for each in candidates])
    if len(candidates) == 1:
        return candidates
    categories = {place: _category(kind or 0)[0] for place, kind in known}
    scores = [
        sum(each[0][place] == kind or _category(each[0][place]) == (categories[place], True) for place, kind in known)
        for each in candidates
    ]
    candidates = _best(candidates, scores)
    if len(candidates) == 1 or not unknown:
        return candidates
    wanted: dict[int, tuple[str, bool]] = {}
    for place in unknown:
        slots = [_category(each[0][place]) for each in candidates]
        names = {name for name, _ in slots}
        if "S" not in names and len(names) > 1:
            break
        name = "S" if "S" in names else names.pop()
        wanted[place] = name, (name, True) in slots
    else:
        kept = [
            each
            for each in candidates
            if all(
                _category(each[0][place])[0] == name and (not has or _category(each[0][place])[1])
                for place, (name, has) in wanted.items()
            )
        ]
        candidates = kept or candidates
        if len(candidates) == 1:
            return candidates
    types = {kind for _, kind in known}
    if len(types) == 1 and None not in kinds:
        (kind,) = types
        alike = [kind] * len(kinds)
        fitting = [
            each for each in candidates if all(map(_coerces, alike, each[0])) and _bound(alike, each[0]) is not None
        ]
        if len(fitting) == 1:
            return fitting
    return candidates


def _best(
    candidates: list[tuple[tuple[int, ...], _Signature]], scores: list[int]
) -> list[tuple[tuple[int, ...], _Signature]]:
    best = max(scores)
    return [each for each, score in zip(candidates, scores, strict=True) if score == best]


def _bound(kinds: Sequence[int | None], wanted: Sequence[int]) -> tuple[int | None, int | None] | None:
    """Return what `anyelement` and `anycompatible` stand for, None each where it is open; None for a contradiction."""
    element: int | None = None
    compatible: list[int | None] = []
    for kind, target in zip(kinds, wanted, strict=True):
        if target not in _GENERIC or kind in {None, oids.UNKNOWN} or target == _ANY:
            continue
        part = oids.ELEMENT_OF.get(kind or 0) if target in _ARRAYS else kind
        if part is None or target in _RANGES or (target in _NOT_ARRAYS and part in oids.ELEMENT_OF):
            return None
        if target in _COMPATIBLE or target == 5078:
            compatible.append(part)
        elif element not in {None, part}:
            return None
        else:
            element = part
    met = common_type(compatible) if compatible else None
    return None if compatible and met is None else (element, met)


def _settled(kinds: Sequence[int | None], wanted: Sequence[int], signature: _Signature) -> Found:
    element, compatible = _bound(kinds, wanted) or (None, None)
    if compatible is None and None not in kinds and any(each in _COMPATIBLE or each == 5078 for each in wanted):
        compatible = oids.TEXT  # all of them unknown

    def real(kind: int) -> int | None:
        if kind not in _GENERIC:
            return kind
        part = compatible if kind in _COMPATIBLE or kind == 5078 else element
        return oids.ARRAY_OF.get(part or 0) if kind in _ARRAYS else None if kind == _ANY else part

    return Found(tuple(map(real, wanted)), real(signature.result), signature.is_set)
