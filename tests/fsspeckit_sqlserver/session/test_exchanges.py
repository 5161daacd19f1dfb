"""Which messages make an exchange that can be repeated, and what makes it void."""

from __future__ import annotations

import pytest

from fsspeckit_sqlserver.session.exchanges import Exchanges, asks_one_thing
from fsspeckit_sqlserver.wire import frontend as fe

BIND = fe.Bind("", "s", (), (), ())
EXECUTE = fe.Execute("", 0)
ASKED = (BIND, EXECUTE, fe.Sync())


@pytest.mark.parametrize(
    "messages",
    [(fe.Query("SELECT 1"),), ASKED, (BIND, fe.Describe("P", ""), EXECUTE, fe.Sync())],
)
def test_one_statement_from_bind_to_sync_is_one_thing(messages: tuple[fe.FrontendMessage, ...]) -> None:
    assert asks_one_thing(messages)


@pytest.mark.parametrize(
    "messages",
    [
        (),
        (BIND, EXECUTE),
        (fe.Parse("", "SELECT 1", ()), BIND, EXECUTE, fe.Sync()),
        (*ASKED, fe.Flush()),
        (*ASKED, *ASKED),
        (fe.Query("SELECT 1"), fe.Query("SELECT 2")),
        (fe.Bind("named", "s", (), (), ()), EXECUTE, fe.Sync()),
        (BIND, fe.Execute("named", 0), fe.Sync()),
        (fe.Close("S", "s"), fe.Sync()),
    ],
)
def test_what_does_more_than_ask_is_not(messages: tuple[fe.FrontendMessage, ...]) -> None:
    assert not asks_one_thing(messages)


def test_an_exchange_is_void_when_its_statement_is_another() -> None:
    exchanges, statement = Exchanges(), object()
    exchanges.keep(b"asked", ASKED, b"answer", {"s": statement})
    assert exchanges.find(b"asked", {"s": statement}) == b"answer"
    assert exchanges.find(b"asked", {"s": object()}) is None
    assert exchanges.find(b"asked", {}) is None
    assert exchanges.find(b"another", {"s": statement}) is None


def test_what_is_kept_is_bounded() -> None:
    exchanges = Exchanges()
    exchanges.keep(b"large", ASKED, bytes(4_096), {})
    assert b"large" not in exchanges
    for number in range(100):
        exchanges.keep(b"%d" % number, ASKED, b"answer", {})
    assert sum(b"%d" % number in exchanges for number in range(100)) <= 16
