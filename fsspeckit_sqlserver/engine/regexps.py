r"""PostgreSQL's regular expressions as RE2 reads them. Pure: text to text.

In PostgreSQL `.` matches a line's end, `^` and `$` match at the ends of the text only, `\y` is the border of a word and
`\b` a backspace, letters are those of Unicode. What RE2 cannot do (back references, looking around) is refused.
Of several alternatives RE2 takes the first that matches, PostgreSQL the longest.
Source: PostgreSQL 16 manual, "POSIX Regular Expressions"; RE2, "Syntax".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fsspeckit_sqlserver.engine.errors import InvalidParameterValue, InvalidRegexp, UnsupportedStatement

__all__ = ["Regexp", "regexp", "replacement"]

_CLASSES: Final = {
    "w": r"\pL\pM\pN_",
    "d": "0-9",
    "s": "[:space:]",
    "alpha": r"\pL",
    "alnum": r"\pL\pN",
    "upper": r"\p{Lu}",
    "lower": r"\p{Ll}",
}
_ESCAPES: Final = {"A": r"\A", "Z": r"\z", "y": r"\b", "Y": r"\B", "b": r"\x08", "B": r"\\", "e": r"\x1b", "0": r"\x00"}
_PLAIN: Final = frozenset("afnrtv")
_HEX = re.compile(r"u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]+)|c(.)", re.DOTALL)
_CLASS = re.compile(r"\[:(\w+|<|>):\]")
_OPTIONS = re.compile(r"\(\?([a-z]+)\)")
_OPTIONAL = re.compile(r"\)(?:[?*]|\{0)")
_WORD_NEXT = re.compile(r"\w|\\w|\\d|\[\w|\[\[:(?:alnum|alpha|digit|lower|upper):\]\]")
_WORD_LAST = re.compile(r"(?:\w|\\w|\\d|\w\]|:\]\])\+?\Z")


@dataclass(frozen=True, slots=True)
class Regexp:
    """A pattern for RE2.

    Attributes:
        pattern: with its options in front.
        groups: how many parts it captures.
        may_lack_groups: a match need not have them all, so that an empty one may be NULL.
        is_global: flag `g`.
    """

    pattern: str
    groups: int
    may_lack_groups: bool
    is_global: bool


def regexp(pattern: str, flags: str = "") -> Regexp:
    """Return a pattern as RE2 reads it.

    Args:
        flags: of `regexp_replace` and the like: letters.

    Raises:
        InvalidParameterValue, InvalidRegexp: in PostgreSQL's words.
        UnsupportedStatement: RE2 has nothing like it.
    """
    wrong = next((flag for flag in flags if flag not in "gicnmspwxtqeb"), None)
    if wrong is not None:
        raise InvalidParameterValue(f'invalid regular expression option: "{wrong}"')
    options = flags
    if pattern.startswith("***="):
        pattern, options = pattern[4:], options + "q"
    elif pattern.startswith("***:"):
        pattern = pattern[4:]
    if "q" not in options and (match := _OPTIONS.match(pattern)) is not None:
        options, pattern = options + match[1], pattern[match.end() :]
        if wrong := next((flag for flag in match[1] if flag not in "icnmspwxtqeb"), None):
            raise InvalidRegexp("invalid regular expression: invalid embedded option")
    dot_stops, is_multiline, ignores_case = False, False, False
    for option in options:
        if option in "nmspw":
            dot_stops, is_multiline = option in "nmp", option in "nmw"
        elif option in "ic":
            ignores_case = option == "i"
    if "q" in options:
        return Regexp(("(?i)" if ignores_case else "") + re.escape(pattern), 0, False, "g" in flags)
    translator = _Translator(pattern, is_expanded="x" in options, dot_stops=dot_stops)
    text = translator.translate()
    letters = "".join(
        letter
        for letter, is_set in (("i", ignores_case), ("m", is_multiline), ("s", not dot_stops and "." in text))
        if is_set
    )
    may_lack = "|" in text or _OPTIONAL.search(text) is not None
    return Regexp(f"(?{letters}){text}" if letters else text, translator.groups, may_lack, "g" in flags)


def replacement(text: str) -> str:
    r"""Return what `regexp_replace` puts in, as RE2 reads it: `\&` is `\0`, other backslashes stand for themselves."""
    found = []
    place = 0
    while place < len(text):
        following = text[place + 1 : place + 2]
        if text[place] != "\\":
            found.append(text[place])
        elif following and following in "123456789\\":
            found.append("\\" + following)
            place += 1
        elif following == "&":
            found.append("\\0")
            place += 1
        else:
            found.append("\\\\")
        place += 1
    return "".join(found)


class _Translator:
    def __init__(self, pattern: str, *, is_expanded: bool, dot_stops: bool) -> None:
        self._text, self._place = pattern, 0
        self._is_expanded, self._dot_stops = is_expanded, dot_stops
        self.groups = 0

    def translate(self) -> str:
        found: list[str] = []
        while self._place < len(self._text):
            letter = self._text[self._place]
            if letter == "\\":
                found.append(self._escape())
            elif letter == "[":
                found.append(self._bracket())
            elif letter == "(":
                found.append(self._group())
            elif self._is_expanded and (letter.isspace() or letter == "#"):
                end = self._text.find("\n", self._place) if letter == "#" else self._place
                self._place = len(self._text) if end < 0 else end + 1
            else:
                found.append(letter)
                self._place += 1
        return "".join(found)

    def _group(self) -> str:
        following = self._text[self._place + 1 : self._place + 4]
        if not following.startswith("?"):
            self.groups += 1
            self._place += 1
            return "("
        if following.startswith("?#"):
            end = self._text.find(")", self._place)
            self._place = len(self._text) if end < 0 else end + 1
            return ""
        if following.startswith(("?=", "?!", "?<")):
            raise UnsupportedStatement("looking ahead or behind in a regular expression is not supported")
        if not following.startswith("?:"):
            raise InvalidRegexp("invalid regular expression: quantifier operand invalid")
        self._place += 3
        return "(?:"

    def _escape(self) -> str:
        start = self._place
        letter = self._text[start + 1 : start + 2]
        if not letter:
            raise InvalidRegexp("invalid regular expression: invalid escape \\ sequence")
        self._place += 2
        if letter in "mM":
            near = _WORD_NEXT.match(self._text, self._place) if letter == "m" else _WORD_LAST.search(self._text[:start])
            if near is None:
                raise UnsupportedStatement(f"\\{letter} is supported beside a letter, digit or class of these only")
            return r"\b"
        if letter in "123456789":
            raise UnsupportedStatement("back references in a regular expression are not supported")
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        if letter.lower() in "wds":
            return f"[{'^' if letter.isupper() else ''}{_CLASSES[letter.lower()]}]"
        return self._character(letter, start)

    def _character(self, letter: str, start: int) -> str:
        if (match := _HEX.match(self._text, start + 1)) is not None:
            self._place = match.end()
            code = ord(match[4]) & 31 if match[4] else int(match[1] or match[2] or match[3], 16)
            return f"\\x{{{code:x}}}"
        if letter in _PLAIN or not letter.isalnum():
            return re.escape(letter) if letter not in _PLAIN else "\\" + letter
        raise InvalidRegexp("invalid regular expression: invalid escape \\ sequence")

    def _bracket(self) -> str:
        start = self._place
        if self._text.startswith(("[[:<:]]", "[[:>:]]"), start):
            self._place += 7
            return r"\b"
        found = ["["]
        self._place += 1
        if self._text.startswith("^", self._place):
            found.append("^\\n" if self._dot_stops else "^")
            self._place += 1
        is_first = True
        while self._place < len(self._text):
            letter = self._text[self._place]
            if letter == "]" and not is_first:
                self._place += 1
                return "".join([*found, "]"])
            is_first = False
            if (match := _CLASS.match(self._text, self._place)) is not None:
                found.append(_CLASSES.get(match[1], match[0]))
                self._place = match.end()
            elif self._text.startswith(("[.", "[="), self._place):
                raise UnsupportedStatement("collating elements in a regular expression are not supported")
            elif letter == "\\":
                found.append(self._escape_in_bracket())
            else:
                found.append("\\" + letter if letter in "[]" else letter)
                self._place += 1
        raise InvalidRegexp("invalid regular expression: brackets [] not balanced")

    def _escape_in_bracket(self) -> str:
        start = self._place
        letter = self._text[start + 1 : start + 2]
        self._place += 2
        if letter in {"w", "d", "s"}:
            return _CLASSES[letter]
        if letter in {"b", "B", "e", "0"}:
            return _ESCAPES[letter]
        if not letter:
            raise InvalidRegexp("invalid regular expression: invalid escape \\ sequence")
        return self._character(letter, start)
