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
        """Return the value as `interval_out` does for an IntervalStyle."""
        writers = {"iso_8601": self._iso, "sql_standard": self._sql, "postgres_verbose": self._verbose}
        return writers.get(style, self._postgres)()

    def _clock(self, *, is_padded: bool) -> str:
        seconds, fraction = divmod(abs(self.microseconds), 1_000_000)
        hours = f"{seconds // 3600:02}" if is_padded else str(seconds // 3600)
        tail = f".{fraction:06}".rstrip("0") if fraction else ""
        return f"{hours}:{seconds // 60 % 60:02}:{seconds % 60:02}{tail}"

    def _sql(self) -> str:
        """Return `1-2`, `3 4:05:06`, or all of it with its signs when the parts are mixed."""
        parts = (self.months, self.days, self.microseconds)
        has_mixed_signs = any(part < 0 for part in parts) and any(part > 0 for part in parts)
        if not any(parts):
            return "0"
        if has_mixed_signs or (self.months and (self.days or self.microseconds)):
            months, days, clock = ("-" if part < 0 else "+" for part in parts)
            years, rest = divmod(abs(self.months), 12)
            return f"{months}{years}-{rest} {days}{abs(self.days)} {clock}{self._clock(is_padded=False)}"
        sign = "-" if any(part < 0 for part in parts) else ""
        if self.months:
            return f"{sign}{abs(self.months) // 12}-{abs(self.months) % 12}"
        clock = self._clock(is_padded=False)
        return f"{sign}{abs(self.days)} {clock}" if self.days else f"{sign}{clock}"

    def _verbose(self) -> str:
        """Return `@ 1 year 2 mons 3 days 4 hours 5 mins 6.7 secs`; negative as a whole: `… ago`."""
        years, months = _divide(self.months, 12)
        hours, rest = _divide(self.microseconds, 3_600_000_000)
        minutes, left = _divide(rest, 60_000_000)
        sign, words = 0, []
        for value, unit in ((years, "year"), (months, "mon"), (self.days, "day"), (hours, "hour"), (minutes, "min")):
            if value:
                sign = sign or (1 if value > 0 else -1)
                words.append(f"{value * sign} {unit}{'' if value * sign == 1 else 's'}")
        if left:
            sign = sign or (1 if left > 0 else -1)
            whole, fraction = divmod(abs(left), 1_000_000)
            digits = f"{whole}" + (f".{fraction:06}".rstrip("0") if fraction else "")
            minus = "-" if left * sign < 0 else ""
            words.append(f"{minus}{digits} sec{'' if digits == '1' and not minus else 's'}")
        return f"@ {' '.join(words) or '0'}" + (" ago" if sign < 0 else "")

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
