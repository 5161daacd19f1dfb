"""Benchmark results as plain-text tables.

A result is a ratio to a peer measured in the same run: machines differ and are busy, ratios hold. Every run measures
ours and the peer one after the other; the table shows the median of the runs' ratios.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Row", "render", "row_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """One measured quantity.

    Attributes:
        name: what was measured.
        value: the median of ours, in `unit`; larger is better.
        ratio: the median over the runs of ours ÷ the peer.
        peer: what it is compared with.
        goal: the least ratio that is aimed at, or None where the row is for comparison only.
        runs: how many runs the medians are taken over.
    """

    name: str
    value: float
    unit: str
    ratio: float
    peer: str
    goal: float | None
    runs: int

    @property
    def is_met(self) -> bool:
        """Tell whether the goal, if there is one, was reached."""
        return self.goal is None or self.ratio >= self.goal


def row_of(
    name: str, unit: str, ours: Sequence[float], peers: Sequence[float], peer: str, goal: float | None = None
) -> Row:
    """Return the row of some runs: `ours[i]` and `peers[i]` were measured in run i, larger is better."""
    ratios = [mine / theirs for mine, theirs in zip(ours, peers, strict=True)]
    return Row(name, statistics.median(ours), unit, statistics.median(ratios), peer, goal, len(ratios))


def render(title: str, rows: Sequence[Row]) -> str:
    """Return the rows as a table with a title, ready to be printed."""
    head = ("what", "ours", "unit", "ratio", "to", "goal", "runs", "")
    lines = [
        (
            row.name,
            _number(row.value),
            row.unit,
            f"{row.ratio:.2f}",
            row.peer,
            "" if row.goal is None else f"≥ {row.goal:g}",
            str(row.runs),
            "" if row.goal is None else "reached" if row.is_met else "MISSED",
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    shown = [title, _line(head, widths), _line(tuple("-" * width for width in widths), widths)]
    return "\n".join([*shown, *(_line(line, widths) for line in lines)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    right = {1, 3, 5, 6}
    padded = [
        cell.rjust(width) if column in right else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
