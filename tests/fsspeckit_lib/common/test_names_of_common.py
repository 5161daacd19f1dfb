"""The helpers are importable from `fsspeckit_lib.common` itself, and importing the package stays cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fsspeckit_lib.common


def test_every_public_name_is_there() -> None:
    for name in fsspeckit_lib.common.__all__:
        assert getattr(fsspeckit_lib.common, name).__name__ == name
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(fsspeckit_lib.common, "no_such_name")  # noqa: B009 - a type checker knows that there is none


def test_importing_the_package_imports_no_helper() -> None:
    code = "import sys, fsspeckit_lib.common; print('fsspec' in sys.modules, 'click' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.split() == ["False", "False"]
