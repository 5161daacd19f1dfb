"""Draws the table of phases into `docs/postgresql-protocol.md`.

Run as `python -m tests.fsspeckit_sqlserver.wire.protocol_page`.
"""

from __future__ import annotations

from pathlib import Path

from fsspeckit_sqlserver.wire.framing import BODY_LIMITS, DEFAULT_MAX_MESSAGE_BYTES
from fsspeckit_sqlserver.wire.phases import MOVES, Phase

PAGE = Path(__file__).parents[3] / "docs" / "postgresql-protocol.md"
_BEGIN, _END = "<!-- drawn from wire/phases.py -->\n", "<!-- end -->\n"


def table() -> str:
    """Return the table: a row for each message, a column for each phase."""
    phases = [phase for phase in Phase if MOVES[phase]]
    messages = sorted({message for row in MOVES.values() for message in row}, key=lambda message: message.__name__)
    lines = [
        "| message | limit | " + " | ".join(phase.value for phase in phases) + " |",
        "|---|---|" + "---|" * len(phases),
    ]
    for message in messages:
        limit = BODY_LIMITS[message.tag]
        shown = "configured" if limit is None else f"{limit:,}"
        cells = [MOVES[phase][message].value if message in MOVES[phase] else "" for phase in phases]
        lines.append(f"| {message.__name__} | {shown} | " + " | ".join(cells) + " |")
    lines.append("")
    lines.append(
        f"Limits are bytes of the body; the configured one is {DEFAULT_MAX_MESSAGE_BYTES >> 20} MiB by default."
    )
    return "\n".join(lines) + "\n"


def with_table(page: str) -> str:
    """Return the page with its table renewed."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
