"""Git LFS pointers, and which files may be pointers: the text itself, and `.gitattributes`.

Pure. Sources: the Git LFS specification (`docs/spec.md`) and gitattributes(5). A pointer is a text of lines `key value`
below 1,024 bytes: `version` first, then the others sorted, each line ended by one line feed. A file counts as LFS where
the last matching line of `.gitattributes` gives it `filter=lfs` and its content is a pointer, as for `git lfs` itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fsspeckit_lib.core.forge.tree import LfsObject

__all__ = ["POINTER_BYTES", "Attributes", "parse_pointer"]

POINTER_BYTES = range(110, 1024)
"""Sizes that a pointer can have: the shortest has the shortest version URL, an oid of 64 digits and a size of one."""

_POINTER = re.compile(
    rb"version https?://(?:git-lfs\.github\.com|git-media\.io|hawser\.github\.com)/spec/(?:v)?1\n"
    rb"(?:ext-[0-9]-[^\s]+ sha256:[0-9a-f]{64}\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize (0|[1-9][0-9]{0,18})\n\Z"
)


def parse_pointer(content: bytes) -> LfsObject | None:
    """Return what a pointer stands for, or None where the content is no pointer."""
    if len(content) not in POINTER_BYTES:
        return None
    match = _POINTER.match(content)
    return None if match is None else LfsObject(match.group(1).decode(), int(match.group(2)))


class Attributes:
    """Which paths have `filter=lfs`, by the `.gitattributes` files of one tree."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """Take the files' contents by their directories (`""` is the root)."""
        self._lines: list[tuple[str, re.Pattern[str], bool]] = []
        for directory in sorted(files, key=lambda key: (key.count("/") + bool(key), key)):  # the nearest file wins
            for line in files[directory].decode("utf-8", "replace").splitlines():
                parsed = _parse_line(line)
                if parsed is not None:
                    self._lines.append((f"{directory}/" if directory else "", *parsed))

    def __bool__(self) -> bool:
        """Tell whether any path can be LFS."""
        return any(is_lfs for _, _, is_lfs in self._lines)

    def is_lfs(self, path: str) -> bool:
        """Tell whether `path` has `filter=lfs`."""
        for prefix, pattern, is_lfs in reversed(self._lines):
            if path.startswith(prefix) and pattern.fullmatch(path[len(prefix) :]):
                return is_lfs
        return False


def _parse_line(line: str) -> tuple[re.Pattern[str], bool] | None:
    """Return the pattern of a line that says something of `filter`, and whether it says lfs."""
    line = line.strip()
    if not line or line.startswith(("#", "!", "[attr]")):
        return None
    if line.startswith('"'):
        end = re.search(r'(?<!\\)"', line[1:])
        if end is None:
            return None
        glob = line[1 : 1 + end.start()].replace('\\"', '"').replace("\\\\", "\\")
        words = line[2 + end.start() :].split()
    else:
        glob, *words = line.split()
    said = [word for word in words if word.split("=")[0].lstrip("-!") == "filter"]
    if not said:
        return None
    return re.compile(_pattern(glob), re.DOTALL), said[-1] == "filter=lfs"


def _pattern(glob: str) -> str:
    """Return the regular expression of a gitignore pattern, for paths relative to the file's own directory."""
    anywhere = "/" not in glob
    glob = glob.removeprefix("/")
    out: list[str] = []
    at = 0
    while at < len(glob):
        rest = glob[at:]
        if rest.startswith("**/") and (at == 0 or glob[at - 1] == "/"):
            out.append("(?:.*/)?")
            at += 3
        elif rest == "**" and glob[at - 1 : at] == "/":
            out.append(".+")
            at += 2
        elif rest[0] == "*":
            out.append("[^/]*")
            at += len(rest) - len(rest.lstrip("*"))
        elif rest[0] == "?":
            out.append("[^/]")
            at += 1
        elif rest[0] == "[" and (end := rest.find("]", 2)) > 0:
            inner = rest[1:end].replace("\\", "\\\\")
            out.append("[" + ("^" + inner[1:] if inner[0] in "!^" else inner) + "]")
            at += end + 1
        elif rest[0] == "\\" and len(rest) > 1:
            out.append(re.escape(rest[1]))
            at += 2
        else:
            out.append(re.escape(rest[0]))
            at += 1
    return ("(?:.*/)?" if anywhere else "") + "".join(out)
