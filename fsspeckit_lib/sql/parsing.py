"""PostgreSQL's parser (libpg_query through postgast), with a bound on how deeply a statement may nest.

The tree comes as protobuf, whose decoder refuses more than 100 levels: a chain of fifty `||` is too much for it. It can
be told to go on, but then the C stack is the limit. So a deep tree is decoded, and measured, in a thread whose stack
holds the deepest there can be, and given out where it has no more levels than were decoded, copied and deparsed in a
thread of 8 MiB. The switch is one for the process, hence the lock.

libpg_query itself needs the stack to write the tree: 30,000 `+` ended a thread of 8 MiB, and with it the process. What
nests to the right (parentheses, CASE, NOT) its grammar stops at 10,000; chains to the left it does not, so a text with
many links of such chains is parsed in that thread, too, and one with more than it holds is not parsed at all.
"""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import postgast
from google._upb import _message
from google.protobuf.message import DecodeError, Message
from postgast import pg_query_pb2 as pb

from fsspeckit_lib.errors import ResourceExhausted
from fsspeckit_lib.sql.messages import child_messages

__all__ = ["StatementTooComplex", "parse_tree"]

_MAX_LEVELS: Final = 8_000
_SAFE_LINKS: Final = 2_000  # on any thread, whatever is on its stack already
_MAX_LINKS: Final = _MAX_LEVELS  # each is a level at least; to write 100,000 levels takes a minute
_STACK_BYTES: Final = 512 << 20  # reserved, not used: 2 KiB a link, and the 10,000 levels of the grammar
_LINK: Final = r"[-+*/<>=~!@#%^&|`?:\[]|\b(?:is|isnull|notnull|collate|at|not)\b"
_JOINT: Final = r"\b(?:union|intersect|except|join)\b"
_LINKS = re.compile(f"{_LINK}|{_JOINT}", re.IGNORECASE)
_TOKENS = re.compile(
    rf"--[^\n\r]*|(?<![\w$])e'(?:[^'\\]|\\.)*'|'[^']*'|\"[^\"]*\"|(?<![\w$])\$(\w*)\$.*?\$\1\$"
    rf"|(?P<link>{_LINK})|(?P<joint>{_JOINT})|(?P<open>\()|(?P<close>\))|(?P<end>,|\b(?:and|or)\b)",
    re.IGNORECASE | re.DOTALL,
)
_lock = threading.Lock()


class StatementTooComplex(ResourceExhausted):
    """A statement's expressions nest too deeply."""

    kind = "statement-too-complex"

    def __init__(self) -> None:
        super().__init__("the expressions of the statement are nested too deeply; split it into several")


def parse_tree(sql: str) -> pb.ParseResult:
    """Return the parse tree of a text of SQL.

    Raises:
        postgast.PgQueryError: it is no SQL.
        StatementTooComplex: it nests too deeply.
    """
    is_long = len(sql) > _SAFE_LINKS and len(_LINKS.findall(sql)) > _SAFE_LINKS
    if is_long and _links(sql) > _MAX_LINKS:
        raise StatementTooComplex
    with _lock:
        if not is_long:
            try:
                return postgast.parse(sql)
            except DecodeError:
                pass  # it is deep
        tree, is_deep = _on_large_stack(sql)
    if is_deep and _is_too_deep(tree):
        raise StatementTooComplex
    return tree


def _links(sql: str) -> int:
    """Return how many links the longest chains have at the most, those around them added.

    A comma, AND and OR end a chain of operators, but not one of joins or unions; parentheses hold others.
    """
    if "/*" in sql:  # which may hold a quote, and each other
        return len(_LINKS.findall(sql))
    longest = total = links = joints = 0
    outer: list[tuple[int, int]] = []
    for match in _TOKENS.finditer(sql):
        kind = match.lastgroup
        if kind == "link":
            links, total = links + 1, total + 1
        elif kind == "joint":
            joints, total = joints + 1, total + 1
        elif kind == "open":
            outer.append((links, joints))
            links = joints = 0
        elif kind == "close":
            total -= links + joints
            links, joints = outer.pop() if outer else (0, 0)
        elif kind == "end":
            total, links = total - links, 0
        longest = max(longest, total)
    return longest


def _on_large_stack(sql: str) -> tuple[pb.ParseResult, bool]:
    """Return the tree, however deep it is, and whether it is deep. Called with the lock held."""

    def parse() -> tuple[pb.ParseResult, bool]:
        try:
            return postgast.parse(sql), False
        except DecodeError:
            _message.SetAllowOversizeProtos(True)
        try:
            return postgast.parse(sql), True
        except DecodeError as error:
            raise StatementTooComplex from error
        finally:
            _message.SetAllowOversizeProtos(False)

    with ThreadPoolExecutor(1) as executor:
        previous = threading.stack_size(_STACK_BYTES)
        try:
            future = executor.submit(parse)  # which starts the thread
        finally:
            threading.stack_size(previous)
        return future.result()


def _is_too_deep(tree: Message) -> bool:
    level = [tree]
    for _ in range(_MAX_LEVELS):
        level = [child for message in level for child in child_messages(message)]
        if not level:
            return False
    return True
