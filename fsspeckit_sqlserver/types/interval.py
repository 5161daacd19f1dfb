"""PostgreSQL's interval: months, days and microseconds that are never folded into each other. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Interval"]


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval."""

    months: int
    days: int
    microseconds: int

    def text(self, style: str = "postgres") -> str:
        """Return the value as `interval_out` does for IntervalStyle `postgres` or `iso_8601`."""
        return self._iso() if style == "iso_8601" else self._postgres()

    def _postgres(self) -> str:
        """Return e.g. `1 year 2 mons -3 days +04:05:06.7`: a sign is written where it changes to plus."""
        years, months = _divide(self.months, 12)
        words = []
        was_negative = False
        for value, unit in ((years, "year"), (months, "mon"), (self.days, "day")):
            if value:
                plus = "+" if was_negative and value > 0 else ""
                words.append(f"{plus}{value} {unit}{'' if value == 1 else 's'}")
                was_negative = value < 0
        if self.microseconds or not words:
            sign = "-" if self.microseconds < 0 else "+" if was_negative else ""
            seconds, fraction = divmod(abs(self.microseconds), 1_000_000)
            clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
            words.append(sign + clock + (f".{fraction:06}".rstrip("0") if fraction else ""))
        return " ".join(words)

    def _iso(self) -> str:
        years, months = _divide(self.months, 12)
        date = "".join(f"{value}{unit}" for value, unit in ((years, "Y"), (months, "M"), (self.days, "D")) if value)
        seconds, fraction = divmod(abs(self.microseconds), 1_000_000)
        sign = "-" if self.microseconds < 0 else ""
        time = "".join(
            f"{sign}{value}{unit}" for value, unit in ((seconds // 3600, "H"), (seconds // 60 % 60, "M")) if value
        )
        if seconds % 60 or fraction:
            time += f"{sign}{seconds % 60}" + (f".{fraction:06}".rstrip("0") if fraction else "") + "S"
        return f"P{date}" + (f"T{time}" if time else "") if date or time else "PT0S"


def _divide(value: int, by: int) -> tuple[int, int]:
    """Divide toward zero, so that both parts have the sign of the whole, as in C."""
    quotient = abs(value) // by * (1 if value >= 0 else -1)
    return quotient, value - quotient * by
