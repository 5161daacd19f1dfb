"""`to_char` of numbers with a constant format, as an expression of DuckDB's. Pure.

The number is rounded and written by DuckDB; `gw_number_body` of `catalog.format_macros` puts its digits into the
format's places, and the sign goes before the first digit that is shown. Formats that PostgreSQL fills in other ways,
with signs or text between digits, are refused. Source: PostgreSQL 15, `formatting.c`, `NUM_processor`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import StatementProblem, UnsupportedStatement
from fsspeckit_sqlserver.engine.trees import call, cast, integer, null, operation, string, type_name
from fsspeckit_sqlserver.types import oids

__all__ = ["NumberFormat", "number_format", "number_text"]

_TOKEN = re.compile(r'EEEE|FM|MI|PL|PR|RN|SG|SP|TH|[,.09BCDGLSV]|"(?:[^"\\]|\\.)*"|\\"|.', re.IGNORECASE | re.DOTALL)
_EXACT_DIGITS: Final = {oids.FLOAT4: 6, oids.FLOAT8: 15}
_MOST_GROUPS: Final = 9  # that a replacement of RE2 can name


@dataclass(slots=True)
class NumberFormat:
    """A format of digits.

    Attributes:
        before, after: places before and after the decimal point.
        scaled: places of `before` that V has added.
        first_zero: the first `0` before the point, counted from 1; 0 when there is none.
        kept: decimals that FM keeps although they are zeros.
        commas: before how many places, from the left, a comma stands.
        sign: `""`, `S`, `end S`, `MI`, `PL`, `SG`, `PR`.
        prefix, suffix: text around, and MI, PL, SG, TH in their places.
    """

    pattern: str
    before: int = 0
    after: int = 0
    scaled: int = 0
    first_zero: int = 0
    kept: int = 0
    is_filled: bool = True
    has_point: bool = False
    is_scientific: bool = False
    roman: str = ""
    sign: str = ""
    commas: list[int] = field(default_factory=list)
    prefix: list[str] = field(default_factory=list)
    suffix: list[str] = field(default_factory=list)


def number_format(pattern: str) -> NumberFormat:
    """Return a format's meaning.

    Raises:
        UnsupportedStatement: what is not known, or is between digits and no comma.
        StatementProblem: two decimal points.
    """
    found = NumberFormat(pattern)
    last_digit = max((match.end() for match in _TOKEN.finditer(pattern) if match[0] in "09"), default=0)
    has_digits = False
    for match in _TOKEN.finditer(pattern):
        token = match[0].upper()
        is_inside = has_digits and match.start() < last_digit
        if token in {"9", "0"}:
            has_digits = True
            _digit(found, token)
        elif token in {",", "G"} and is_inside and not found.has_point:
            found.commas.append(found.before)
        elif token in {".", "D"} and (is_inside or match.start() < last_digit):
            if found.has_point:
                raise StatementProblem("multiple decimal points")
            found.has_point = True
        elif token == "FM":
            found.is_filled = False
        elif token == "EEEE" and has_digits and not is_inside:
            found.is_scientific = True
        elif token == "RN":
            found.roman = match[0]
        elif token == "V" and is_inside and not found.has_point and not found.scaled:
            found.scaled = -1
        elif is_inside or token in {",", "G", ".", "D", "V", "B", "C", "SP", "EEEE"}:
            raise _unsupported(pattern)
        elif token in {"S", "MI", "PL", "SG", "PR"}:
            _sign(found, token, is_last=has_digits)
        else:
            text = {"TH": match[0]}.get(token) or (" " if token == "L" else _literal(match[0]))
            (found.suffix if has_digits else found.prefix).append(f"={text}" if token != "TH" else text)
    if found.sign and (found.is_scientific or (found.scaled and "S" in found.sign)):
        raise _unsupported(pattern)
    found.scaled = max(found.scaled, 0)
    return found


def _unsupported(pattern: str) -> UnsupportedStatement:
    return UnsupportedStatement(f"to_char: the format {pattern!r} is not supported")


def _literal(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if len(text) > 1 and text[0] == '"' else text.removeprefix("\\")


def _digit(found: NumberFormat, token: str) -> None:
    if found.has_point:
        found.after += 1
        found.kept = found.after if token == "0" else found.kept
        return
    if found.scaled:
        if token == "0":
            raise _unsupported(found.pattern)
        found.scaled = found.scaled + 1 if found.scaled > 0 else 1
    found.before += 1
    if token == "0" and not found.first_zero:
        found.first_zero = found.before


def _sign(found: NumberFormat, token: str, *, is_last: bool) -> None:
    if found.sign or (token == "PR" and not is_last):
        raise _unsupported(found.pattern)
    if token == "S":
        found.sign = "end S" if is_last else "S"
        if found.suffix if is_last else found.prefix:
            raise _unsupported(found.pattern)
        return
    found.sign = token
    if token != "PR":
        (found.suffix if is_last else found.prefix).append(token)


def number_text(value: pb.Node, pattern: str, kind: int | None) -> pb.Node:
    """Return `to_char(value, pattern)`.

    Args:
        kind: the value's type, None where it is not known.

    Raises:
        UnsupportedStatement, StatementProblem: see `number_format`.
    """
    if not pattern:
        return cast(null(), type_name("text"))
    found = number_format(pattern)
    if found.roman:
        return _roman(found, value)
    if found.is_scientific:
        return _scientific(found, value, kind)
    if not found.before or (found.has_point and not found.after) or len(found.commas) >= _MOST_GROUPS:
        raise _unsupported(pattern)
    text = _digits(found, value, kind)
    body = _body(found, text)
    negative, positive = {
        "S": ("-", "+"), "end S": ("", ""), "MI": ("", ""), "SG": ("", ""), "PR": ("<", " " if found.is_filled else "")
    }.get(found.sign, ("-", "" if not found.is_filled else " "))  # fmt: skip
    if negative or positive:
        body = _macro("joined", _macro("signed", text, string(negative), string(positive)), body)
    if found.is_filled:
        width = found.before + len(found.commas) + found.has_point + found.after + bool(negative)
        body = _macro("right_of", body, integer(width))
    after = {"end S": ("-", "+"), "PR": (">", " " if found.is_filled else "")}.get(found.sign)
    if after is not None:
        body = _macro("joined", body, _macro("signed", text, string(after[0]), string(after[1])))
    for part in reversed(found.prefix):
        body = _macro("joined", _around(found, part, text), body)
    for part in found.suffix:
        body = _macro("joined", body, _around(found, part, text))
    return body


def _macro(name: str, *arguments: pb.Node) -> pb.Node:
    return call(("gw_pg", f"gw_{name}"), *arguments)


def _around(found: NumberFormat, part: str, text: pb.Node) -> pb.Node:
    """Return what a part beside the digits writes."""
    if part.startswith("="):
        return string(part[1:])
    blank = " " if found.is_filled else ""
    if part.upper() == "TH":
        if found.has_point:
            return string("")
        suffix = _macro("ordinal_of", text, integer(found.before))
        return _macro("lower", suffix) if part == "th" else suffix
    negative, positive = {"MI": ("-", blank), "PL": (blank, "+"), "SG": ("-", "+")}[part]
    return _macro("signed", text, string(negative), string(positive))


def _digits(found: NumberFormat, value: pb.Node, kind: int | None) -> pb.Node:
    """Return the number as text with as many decimals as the format has."""
    if found.scaled:
        value = cast(value, type_name("int8")) if kind in {oids.INT2, oids.INT4} else value
        value = operation("*", value, integer(10**found.scaled))
    if kind not in _EXACT_DIGITS:
        return cast(cast(value, type_name("numeric", 38, found.after)), type_name("varchar"))
    return _macro("float_digits", string(f"%.{found.after}f"), value, integer(_EXACT_DIGITS[kind or 0] - found.after))


def _body(found: NumberFormat, text: pb.Node) -> pb.Node:
    """Return the digits in their places, from the first that is shown, without a sign."""
    cuts = [*found.commas, found.before]
    sizes = [end - start for start, end in zip([0, *cuts], cuts, strict=False)]
    pattern = "^" + "".join(f"(.{{{size}}})" for size in sizes) + "$"
    replacement = ",".join(f"\\{number}" for number in range(1, len(sizes) + 1))
    lengths = pb.Node()
    for shown in range(1, found.before + 1):
        commas = sum(1 for place in found.commas if place > found.before - shown)
        lengths.a_array_expr.elements.add().CopyFrom(integer(shown + commas))
    shown = found.before - found.first_zero + 1 if found.first_zero else 1
    flags = (integer(int(bool(found.first_zero))), integer(int(found.is_filled)), integer(found.kept))
    return _macro(
        "number_body", text, integer(found.before), integer(found.after), integer(shown), *flags,
        string(pattern if found.commas else ""), string(replacement), lengths,
    )  # fmt: skip


def _roman(found: NumberFormat, value: pb.Node) -> pb.Node:
    if found.before or found.prefix or found.suffix or found.sign:
        raise _unsupported(found.pattern)
    roman = _macro("roman", cast(value, type_name("int8")))
    if found.is_filled:
        roman = _macro("padded", roman, integer(15), string(" "))
    return _macro("lower", roman) if found.roman.islower() else roman


def _scientific(found: NumberFormat, value: pb.Node, kind: int | None) -> pb.Node:
    if kind not in {oids.INT2, oids.INT4, oids.FLOAT4, oids.FLOAT8} or found.prefix or found.suffix or found.commas:
        raise UnsupportedStatement("to_char with EEEE is supported of integers and floats", "Cast to float8.")
    return _macro("scientific", string(f"%.{found.after}e"), cast(value, type_name("float8")))
