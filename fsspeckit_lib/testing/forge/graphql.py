"""Enough GraphQL for the stand-ins: one query with variables, aliases, arguments and inline fragments.

Pure. Source: the GraphQL specification (October 2021), sections 2 and 6. A resolver is a mapping of field names to
values or functions of the arguments; objects are mappings with `__typename`. What is not known is an error, as it is
for a server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["GraphQLError", "Selection", "execute", "parse"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\.\.\.|[A-Za-z_]\w*|-?\d+|[{}()\[\]:!$=]|#[^\n]*|[\s,]+')


class GraphQLError(Exception):
    """What goes into `errors` of the answer."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A field with its alias, arguments and inner selections; or an inline fragment, whose `name` is empty."""

    name: str
    alias: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    inner: tuple[Selection, ...] = ()
    on_type: str = ""


def parse(query: str, variables: Mapping[str, Any]) -> tuple[Selection, ...]:
    """Return the selections of a document with one query, variables put in.

    Raises:
        GraphQLError: it cannot be parsed, or a variable is missing.
    """
    return _Parser(query, variables).document()


def execute(selections: tuple[Selection, ...], value: Any) -> Any:
    """Return the data that selections ask of a value.

    Raises:
        GraphQLError: a field that the object does not have.
    """
    if value is None:
        return None
    if isinstance(value, list):
        return [execute(selections, item) for item in value]
    found: dict[str, Any] = {}
    for selection in selections:
        if not selection.name:
            if value.get("__typename") == selection.on_type:
                found.update(execute(selection.inner, value))
            continue
        if selection.name not in value:
            raise GraphQLError(f"Field '{selection.name}' doesn't exist on type '{value.get('__typename', 'Query')}'")
        inner = value[selection.name]
        if isinstance(inner, Callable):  # type: ignore[arg-type]  # a resolver
            inner = inner(**selection.arguments)
        found[selection.alias] = execute(selection.inner, inner) if selection.inner else inner
    return found


class _Parser:
    def __init__(self, query: str, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._tokens: list[str] = []
        at = 0
        while at < len(query):
            match = _TOKEN.match(query, at)
            if match is None:
                raise GraphQLError(f"Parse error on {query[at]!r}")
            at = match.end()
            if not match.group()[0].isspace() and match.group()[0] not in ",#":
                self._tokens.append(match.group())
        self._at = 0

    def document(self) -> tuple[Selection, ...]:
        if self._peek() == "query":
            self._next()
            if self._peek() not in {"(", "{"}:
                self._next()  # its name
            if self._peek() == "(":
                while self._next() != ")":
                    pass
        found = self._selections()
        if self._at != len(self._tokens):
            raise GraphQLError("Parse error: more than one operation")
        return found

    def _selections(self) -> tuple[Selection, ...]:
        self._expect("{")
        found: list[Selection] = []
        while self._peek() != "}":
            found.append(self._selection())
        self._next()
        return tuple(found)

    def _selection(self) -> Selection:
        name = self._next()
        if name == "...":
            self._expect("on")
            on_type = self._next()
            return Selection("", "", {}, self._selections(), on_type)
        alias = name
        if self._peek() == ":":
            self._next()
            name = self._next()
        arguments: dict[str, Any] = {}
        if self._peek() == "(":
            self._next()
            while self._peek() != ")":
                argument = self._next()
                self._expect(":")
                arguments[argument] = self._value()
            self._next()
        inner = self._selections() if self._peek() == "{" else ()
        return Selection(name, alias, arguments, inner)

    def _value(self) -> Any:
        token = self._next()
        if token == "$":
            name = self._next()
            if name not in self._variables:
                raise GraphQLError(f"Variable ${name} was provided no value")
            return self._variables[name]
        if token == "[":
            values = []
            while self._peek() != "]":
                values.append(self._value())
            self._next()
            return values
        if token in {"true", "false", "null"} or token[0] in '"-0123456789':
            return json.loads(token)
        return token  # an enum's value

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise GraphQLError("Parse error: unexpected end of file")
        self._at += 1
        return token

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise GraphQLError(f"Parse error: expected {token!r}")
