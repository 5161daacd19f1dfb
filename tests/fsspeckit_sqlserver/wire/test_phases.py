"""The phase table: what the manual's "Message Flow" says, and that no message is missing from it."""

from __future__ import annotations

from typing import get_args

import pytest

from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.fields import FramingError
from fsspeckit_sqlserver.wire.phases import MOVES, Phase, after_error, next_phase
from tests.fsspeckit_sqlserver.wire.protocol_page import PAGE, with_table


def test_every_phase_has_its_row() -> None:
    assert set(MOVES) == set(Phase)


def test_every_message_is_legal_somewhere() -> None:
    legal = {message for row in MOVES.values() for message in row}
    assert legal == set(get_args(fe.FrontendMessage))


def test_startup_kinds_are_legal_at_the_start_only() -> None:
    kinds = {fe.StartupMessage, fe.SslRequest, fe.GssEncRequest, fe.CancelRequest}
    for phase, row in MOVES.items():
        assert set(row) & kinds == (kinds if phase is Phase.STARTUP else set())


def test_sync_leads_back_to_ready_from_everywhere() -> None:
    for phase in (Phase.READY, Phase.EXTENDED, Phase.SKIPPING):
        assert next_phase(phase, fe.Sync()) is Phase.READY


def test_an_error_skips_only_inside_a_sequence() -> None:
    assert after_error(Phase.EXTENDED) is Phase.SKIPPING
    assert after_error(Phase.READY) is Phase.READY


@pytest.mark.parametrize("message", [fe.Query("x"), fe.Sync()])
def test_nothing_is_legal_before_the_startup_or_after_the_end(message: fe.FrontendMessage) -> None:
    for phase in (Phase.STARTUP, Phase.AUTHENTICATION, Phase.CLOSED):
        with pytest.raises(FramingError):
            next_phase(phase, message)


def test_the_documentation_shows_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page)
