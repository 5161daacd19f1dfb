"""`to_char` of dates, timestamps and intervals with a constant format, as an expression of DuckDB's. Pure.

What `strftime` writes as PostgreSQL does goes through it in one call; every other field is a macro of
`catalog.format_macros`. Source: PostgreSQL 15, `formatting.c`, `DCH_keywords` and `DCH_to_char`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import InvalidDatetime, UnsupportedStatement
from fsspeckit_sqlserver.engine.trees import (
    call,
    cast,
    copied,
    integer,
    names_of,
    null,
    parsed_expression,
    replace_node,
    string,
    type_name,
    walk,
)
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.zones import abbreviations

__all__ = ["Field", "date_fields", "date_text", "name_zones", "zone_word"]

_CAPITALS: Final = (
    "A.D. A.M. AD AM B.C. BC CC D DAY DDD DD DY FF1 FF2 FF3 FF4 FF5 FF6 FX HH24 HH12 HH IDDD ID IW IYYY IYY IY I J MI "
    "MM MONTH MON MS OF P.M. PM Q RM SSSSS SSSS SS TZH TZM TZ US WW W Y,YYY YYYY YYY YY Y"
)
_WORDS: Final = {*_CAPITALS.split(), *_CAPITALS.lower().split(), "Day", "Dy", "Month", "Mon"}
_WORD = re.compile("|".join(re.escape(word) for word in sorted(_WORDS, key=len, reverse=True)))
_PREFIX = re.compile("FM|fm|TM|tm")
_SUFFIX = re.compile("TH|th|SP")

_NUMBERS: Final = {  # field → the part, how many digits, a divisor, a remainder
    "YYYY": ("year", 4), "IYYY": ("isoyear", 4), "CC": ("century", 2), "MM": ("month", 2), "DD": ("day", 2),
    "DDD": ("yearday", 3), "IDDD": ("isoday", 3), "D": ("weekday", 1), "ID": ("isoweekday", 1), "WW": ("week", 2),
    "IW": ("isoweek", 2), "W": ("monthweek", 1), "Q": ("quarter", 1), "J": ("julian", 1), "HH24": ("hour", 2),
    "HH12": ("hour12", 2), "HH": ("hour12", 2), "MI": ("minute", 2), "SS": ("second", 2), "SSSS": ("ofday", 1),
    "SSSSS": ("ofday", 1), "US": ("micros", 6), "MS": ("micros", 3),
}  # fmt: skip
_PARTS_OF_YEAR: Final = {"YYY": ("year", 3), "YY": ("year", 2), "Y": ("year", 1), "IYY": ("isoyear", 3)} | {
    "IY": ("isoyear", 2),
    "I": ("isoyear", 1),
}
_PLAIN: Final = frozenset({"D", "ID", "W", "Q", "J", "SSSS", "SSSSS", "MS", "US"})  # whose width FM leaves alone
_STRFTIME: Final = {
    "YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d", "DDD": "%j", "HH24": "%H", "HH12": "%I", "HH": "%I", "MI": "%M",
    "SS": "%S", "MS": "%g", "US": "%f", "IW": "%V", "ID": "%u",
}  # fmt: skip
_STRFTIME_FM: Final = {
    "MM": "%-m", "DD": "%-d", "HH24": "%-H", "HH12": "%-I", "HH": "%-I", "MI": "%-M", "SS": "%-S", "MS": "%g",
    "US": "%f", "ID": "%u",
}  # fmt: skip
_NAMES: Final = {"MONTH": ("%B", 9), "MON": ("%b", 0), "DAY": ("%A", 9), "DY": ("%a", 0)}
_OF_ZONES: Final = frozenset({"TZ", "TZH", "TZM", "OF"})
_OF_YEARS: Final = frozenset({"YYYY", "YYY", "YY", "Y", "IYYY", "IYY", "IY", "I", "Y,YYY"})
_OF_INTERVALS: Final = frozenset(
    {"YYYY", "MM", "DD", "HH24", "MI", "SS", "MS", "US", "SSSS", "SSSSS"} | {f"FF{digits}" for digits in range(1, 7)}
)
_NOT_OF_INTERVALS: Final = frozenset(
    {"D", "ID", "DAY", "DY", "MONTH", "MON", "A.D.", "AD", "B.C.", "BC", "TZ", "TZH", "TZM", "OF"}
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a format, or text between fields, whose `word` is empty.

    Attributes:
        word: as it is written: its case counts.
        text: what stands there literally.
        is_filled: no FM before it.
        suffix: `TH`, `th` or nothing.
    """

    word: str
    text: str = ""
    is_filled: bool = True
    suffix: str = ""

    @property
    def name(self) -> str:
        """The field in capital letters."""
        return self.word.upper()


def date_fields(pattern: str) -> list[Field]:
    """Return the parts of a format of dates and times."""
    found: list[Field] = []
    place = 0
    while place < len(pattern):
        prefix = _PREFIX.match(pattern, place)
        place = prefix.end() if prefix else place
        mode = prefix[0].upper() if prefix else ""
        if word := _WORD.match(pattern, place):
            place = word.end()
            is_filled = mode != "FM" and not (mode == "TM" and word[0].upper() in _NAMES)
            suffix = _SUFFIX.match(pattern, place)
            place = suffix.end() if suffix else place
            found.append(Field(word[0], "", is_filled, suffix[0] if suffix and suffix[0] != "SP" else ""))
            continue
        if place >= len(pattern):
            break
        text, place = _literal(pattern, place)
        if found and not found[-1].word:
            text = found.pop().text + text
        found.append(Field("", text))
    return found


def _literal(pattern: str, place: int) -> tuple[str, int]:
    """Return the text at a place that is no field, and the place behind it."""
    if pattern.startswith('\\"', place):
        return '"', place + 2
    if pattern[place] != '"':
        return pattern[place], place + 1
    text = ""
    place += 1
    while place < len(pattern) and pattern[place] != '"':
        place += pattern[place] == "\\" and place + 1 < len(pattern)
        text += pattern[place]
        place += 1
    return text, place + 1


def date_text(argument: pb.Node, pattern: str, kind: int | None) -> pb.Node:
    """Return `to_char(argument, pattern)`.

    Args:
        kind: the argument's type, None where it is not known.

    Raises:
        UnsupportedStatement: a field that is not known for this type.
        InvalidDatetime: a field that an interval has not; in PostgreSQL's words.
    """
    fields = date_fields(pattern)
    if not pattern:
        return cast(null(), type_name("text"))
    if kind == oids.INTERVAL:
        return _Writer(argument, argument, kind, is_plain=False).written(fields)
    local = argument if kind == oids.TIMESTAMP else cast(argument, type_name("timestamp"))
    has_years = any(field.name in _OF_YEARS for field in fields)
    quick = _Writer(local, argument, kind, is_plain=True).written(fields)
    result = parsed_expression(
        "CASE WHEN t >= timestamp '0001-01-01' AND t < timestamp 'infinity' THEN a WHEN isfinite(t) THEN b END"
        if has_years
        else "CASE WHEN isfinite(t) THEN a END"
    )
    case = result.case_expr
    if has_years:
        for side in case.args[0].case_when.expr.bool_expr.args:
            side.a_expr.lexpr.CopyFrom(local)
        case.args[1].case_when.expr.func_call.args[0].CopyFrom(local)
        case.args[1].case_when.result.CopyFrom(_Writer(local, argument, kind, is_plain=False).written(fields))
    else:
        case.args[0].case_when.expr.func_call.args[0].CopyFrom(local)
    case.args[0].case_when.result.CopyFrom(quick)
    return result


class _Writer:
    def __init__(self, value: pb.Node, moment: pb.Node, kind: int | None, *, is_plain: bool) -> None:
        """Begin.

        Args:
            value: a timestamp, or an interval.
            moment: what was given, a timestamptz perhaps.
            is_plain: of the years from 1.
        """
        self._value, self._moment, self._kind, self._is_plain = value, moment, kind, is_plain
        self._is_interval = kind == oids.INTERVAL

    def written(self, fields: Sequence[Field]) -> pb.Node:
        """Return the parts, joined."""
        parts = list(self._parts(fields))
        result = parts[0] if parts else string("")
        for part in parts[1:]:
            result = _macro("joined", result, part)
        return result

    def _parts(self, fields: Sequence[Field]) -> Iterator[pb.Node]:
        pending, has_field = "", False
        for field in fields:
            code = self._code(field)
            if code is not None:
                pending, has_field = pending + code, has_field or bool(field.word)
                continue
            if pending:
                yield self._formatted(pending, has_field=has_field)
            pending, has_field = "", False
            yield self._field(field)
        if pending:
            yield self._formatted(pending, has_field=has_field)

    def _formatted(self, codes: str, *, has_field: bool) -> pb.Node:
        if not has_field:
            return string(codes.replace("%%", "%"))
        return call("strftime", copied(self._value), string(codes))

    def _code(self, field: Field) -> str | None:
        """Return what strftime writes the field by; None where it does not."""
        if not field.word:
            return field.text.replace("%", "%%")
        if field.name == "FX":
            return ""
        if field.suffix or self._is_interval or (not self._is_plain and field.name in _OF_YEARS):
            return None
        if field.word in {"Mon", "Dy"}:
            return _NAMES[field.name][0]
        if field.word in {"Month", "Day"} and not field.is_filled:
            return _NAMES[field.name][0]
        if field.word in {"AM", "PM"}:
            return "%p"
        return (_STRFTIME if field.is_filled else _STRFTIME_FM).get(field.name)

    def _field(self, field: Field) -> pb.Node:
        name = field.name
        if self._is_interval and name not in _OF_INTERVALS:
            if name in _NOT_OF_INTERVALS:
                raise InvalidDatetime("invalid format specification for an interval value")
            raise UnsupportedStatement(f"to_char of an interval with {field.word} is not supported")
        if name in _OF_ZONES:
            return self._zone(field)
        if name in _NAMES:
            return self._name(field)
        if name.replace(".", "") in {"AM", "PM", "AD", "BC"}:
            half = self._part("half" if "M" in name else "era")
            if "." in name:
                half = _macro("joined", _macro("joined", _macro("head", half, integer(1)), string(".")), string("M."))
                if "M" not in name:
                    half = parsed_expression("CASE WHEN x = 'AD' THEN 'A.D.' ELSE 'B.C.' END")
                    half.case_expr.args[0].case_when.expr.a_expr.lexpr.CopyFrom(self._part("era"))
            return _macro("lower", half) if field.word.islower() else half
        if name == "RM":
            roman = _macro("roman_of", self._value)
            roman = roman if not field.is_filled else _macro("wide", roman, integer(4))
            return _macro("lower", roman) if field.word.islower() else roman
        text = self._number(field)
        if not field.suffix:
            return text
        text = _macro("ordinal", text)
        return _macro("lower", text) if field.suffix == "th" else text

    def _number(self, field: Field) -> pb.Node:
        name = field.name
        if name.startswith("FF"):
            digits = int(name[2])
            part = _macro("quotient", self._part("micros"), integer(10 ** (6 - digits)))
            return _macro("fraction_digits", part, integer(digits))
        if name == "Y,YYY":
            thousands = _macro("digits", _macro("quotient", self._part("year"), integer(1000)), integer(1))
            rest = _macro("digits", _macro("rest", self._part("year"), integer(1000)), integer(3))
            return _macro("joined", _macro("joined", thousands, string(",")), rest)
        if name in _PARTS_OF_YEAR:
            part, width = _PARTS_OF_YEAR[name]
            value = _macro("rest", self._part(part), integer(10**width))
        else:
            part, width = _NUMBERS[name]
            value = self._part(part)
        if name in {"MS", "US"}:
            value = value if name == "US" else _macro("quotient", value, integer(1000))
            return _macro("fraction_digits", value, integer(width))
        form = "fraction_digits" if self._is_interval and name == "DD" else "digits"
        return _macro(form, value, integer(width if field.is_filled or name in _PLAIN else 1))

    def _part(self, name: str) -> pb.Node:
        return _macro(f"{name}_{'in' if self._is_interval else 'of'}", self._value)

    def _name(self, field: Field) -> pb.Node:
        code, width = _NAMES[field.name]
        text = call("strftime", copied(self._value), string(code))
        if width and field.is_filled:
            text = _macro("wide", text, integer(width))
        if field.word.isupper():
            return _macro("upper", text)
        return _macro("lower", text) if field.word.islower() else text

    def _zone(self, field: Field) -> pb.Node:
        if self._kind is None:  # DuckDB knows
            either = parsed_expression("CASE WHEN typeof(x) IN ('TIMESTAMP WITH TIME ZONE', 'DATE') THEN y ELSE z END")
            case = either.case_expr.args[0].case_when
            case.expr.a_expr.lexpr.func_call.args[0].CopyFrom(self._value)
            case.result.CopyFrom(self._zone_of(field, oids.DATE))
            either.case_expr.defresult.CopyFrom(self._zone_of(field, oids.TIMESTAMP))
            return either
        return self._zone_of(field, self._kind)

    def _zone_of(self, field: Field, kind: int) -> pb.Node:
        is_zoned = kind in {oids.TIMESTAMPTZ, oids.DATE}
        if not is_zoned:
            zeros = {"TZ": "", "TZH": "+00", "TZM": "00", "OF": "+00" if field.is_filled else "+0"}
            return string(zeros[field.name])
        moment = copied(self._moment) if kind == oids.TIMESTAMPTZ else cast(self._moment, type_name("timestamptz"))
        if field.name == "TZ":
            word = _macro("zone_word", moment)
            return _macro("lower", word) if field.word.islower() else word
        form = {"TZH": "zone_hours", "TZM": "zone_minutes", "OF": "zone_offset"}[field.name]
        if field.name == "OF" and not field.is_filled:
            form = "zone_short"
        return _macro(form, _macro("east", moment))


def _macro(name: str, *arguments: pb.Node) -> pb.Node:
    return call(("gw_pg", f"gw_{name}"), *arguments)


def zone_word(arguments: Sequence[pb.Node], zone: str) -> pb.Node:
    """Return the abbreviation of a time zone at a moment: what `gw_zone_word` stands for."""
    since_1970, before = abbreviations(zone)
    return call(("gw_pg", "gw_zone_name"), *arguments, _map(since_1970), _map(before))


def _map(names: dict[str, str]) -> pb.Node:
    keys, values = pb.Node(), pb.Node()
    for offset, name in names.items():
        keys.a_array_expr.elements.add().CopyFrom(string(offset))
        values.a_array_expr.elements.add().CopyFrom(string(name))
    return call("map", keys, values) if names else call("map")


def name_zones(node: pb.Node, zone: str) -> None:
    """Put the abbreviations of a time zone where `gw_zone_word` stands for them."""
    for part in list(walk(node)):
        if (
            isinstance(part, pb.Node)
            and part.func_call.funcname
            and names_of(part.func_call.funcname)[-1] == "gw_zone_word"
        ):
            replace_node(part, zone_word(part.func_call.args, zone))
