"""The table from errors to errno is total, and says nothing of files that an outage only hides."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest

from fsspeckit_lib import errors
from fsspeckit_lib.errors import GatewayError
from fsspeckit_mount.errnos import ERRNO_BY_KIND, errno_of


def _tree(root: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


_EVERY = sorted(set(_tree(GatewayError)), key=lambda kind: kind.__qualname__)


@pytest.mark.parametrize("kind", _EVERY, ids=lambda kind: kind.__qualname__)
def test_every_error_of_the_tree_has_an_errno(kind: type[GatewayError]) -> None:
    code = errno_of(kind.__new__(kind))
    assert code in errno.errorcode
    if not issubclass(kind, errors.NotFound):
        assert code != errno.ENOENT


def test_every_line_of_the_table_names_a_kind_of_the_tree() -> None:
    assert set(ERRNO_BY_KIND) <= {kind.kind for kind in _EVERY}


def test_an_error_without_a_line_has_its_base_class_errno() -> None:
    assert errno_of(errors.TimedOut("slow")) == errno_of(errors.Unavailable("down")) == errno.EIO
    assert errno_of(errors.ShortRead("key", 0, 2, 1)) == errno.EIO


def test_other_exceptions() -> None:
    assert errno_of(OSError(errno.ENOSPC, "full")) == errno.ENOSPC
    assert errno_of(OSError("no number")) == errno.EIO
    assert errno_of(ValueError("defect")) == errno.EIO
