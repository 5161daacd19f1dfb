"""Every kind of error there is has a SQLSTATE."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import fsspeckit_lib
import fsspeckit_sqlserver
from fsspeckit_lib.errors import CacheStale, GatewayError, Internal
from fsspeckit_sqlserver.session.errors import UndefinedSetting
from fsspeckit_sqlserver.sqlstates import SQLSTATES, report, sqlstate


def all_errors() -> Iterator[type[GatewayError]]:
    for package in (fsspeckit_lib, fsspeckit_sqlserver):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.startswith("fsspeckit_lib.testing"):
                importlib.import_module(module.name)
    found = {GatewayError}
    todo = [GatewayError]
    while todo:
        for child in todo.pop().__subclasses__():
            if child not in found and not child.__module__.startswith(("tests.", "fsspeckit_mount")):
                found.add(child)
                todo.append(child)
    yield from sorted(found, key=lambda error: (error.__module__, error.__qualname__))


@pytest.mark.parametrize("error", list(all_errors()), ids=lambda error: error.__name__)
def test_the_table_is_total(error: type[GatewayError]) -> None:
    assert error.kind in SQLSTATES


def test_codes_are_five_letters_or_digits() -> None:
    assert all(re.fullmatch(r"[0-9A-Z]{5}", code) for code in SQLSTATES.values())


def test_a_report_carries_what_the_error_knows() -> None:
    told = report(UndefinedSetting("tiemzone", "TimeZone"))
    assert (told.code, told.hint) == ("42704", 'Perhaps you meant "TimeZone".')
    assert told.message == 'unrecognized configuration parameter "tiemzone"'
    assert report(Internal("x")).detail is None
    assert sqlstate(CacheStale("a", "1", "2")) == "40001"
