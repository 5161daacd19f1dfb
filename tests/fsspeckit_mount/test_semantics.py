"""Every test that docs/semantics-mount.md names is there."""

from __future__ import annotations

import re
from pathlib import Path

_HERE = Path(__file__).parent
_DOCUMENT = _HERE.parents[1] / "docs" / "semantics-mount.md"


def _named() -> list[tuple[str, str]]:
    """Return (file, test) pairs; a name without a file belongs to the file named before it."""
    found, file = [], ""
    for reference in re.findall(r"`((?:[\w/]+\.py)?(?:::\s*\w+)?)`", _DOCUMENT.read_text(encoding="utf-8")):
        path, _, test = re.sub(r"\s", "", reference).partition("::")
        file = path or file
        if file:
            found.append((file, test))
    return found


def test_the_document_names_tests_that_exist() -> None:
    named = _named()
    assert len(named) > 40
    for file, test in named:
        if file.startswith("fsspeckit_mount/"):
            assert (_HERE.parents[1] / file).is_file()
            continue
        text = (_HERE / file).read_text(encoding="utf-8")
        assert not test or re.search(rf"^(def|class) {test}\b", text, re.M), f"{file}::{test}"


def test_every_promise_names_a_test() -> None:
    body = _DOCUMENT.read_text(encoding="utf-8").split("## Errors")[0]
    promises = re.findall(r"^- (.*?)(?=^- |^## |\Z)", body, re.M | re.S)
    assert len(promises) > 20
    assert [promise for promise in promises if ".py" not in promise] == []
