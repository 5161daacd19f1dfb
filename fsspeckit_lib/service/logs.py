"""Where a daemon's log goes: the standard library's logging, to stderr or one file."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.errors import InvalidValue

__all__ = ["FloodGate", "configure_logging"]

_LEVELS = ("debug", "info", "warning", "error")


class FloodGate(logging.Filter):
    """Lets `burst` warnings of one kind through in each `every_s`; the next one says how many there were.

    For a log with a line a failed request: in an outage, one `find` over a mount would fill the disk with them. A kind
    is what one call of a logger writes, whatever its arguments. Other levels always pass.
    """

    def __init__(self, burst: int, every_s: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._burst = burst
        self._every_s = every_s
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}  # kind → (since, how many)

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is written; the first one after some that were not says so."""
        if record.levelno != logging.WARNING:
            return True
        kind, now = (record.name, str(record.msg)), self._clock()
        with self._lock:
            since, count = self._seen.get(kind, (now, 0))
            if now - since >= self._every_s:
                if count > self._burst:
                    record.msg = f"{record.msg} ({count - self._burst} more like this were left out)"
                since, count = now, 0
            self._seen[kind] = since, count + 1
            return count < self._burst


def configure_logging(level: str = "info", path: str | None = None, *, burst: int | None = None) -> None:
    """Send records of `level` and above to the file at `path` (appended, mode 0600), or to stderr.

    With `burst`, at most so many warnings of one kind a minute. Under systemd's journal (JOURNAL_STREAM set) the time
    is left out: the journal adds its own.

    Raises:
        InvalidValue: no such level.
        AccessDenied, NotFound: the file cannot be opened.
    """
    if level.lower() not in _LEVELS:
        raise InvalidValue(f"log level: found {level!r}, wanted one of {', '.join(_LEVELS)}")
    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler()
    else:
        try:
            os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
            handler = logging.FileHandler(path, encoding="utf-8")
        except OSError as error:
            raise translate(error, f"log file {path} (--log-file)") from error
    in_journal = path is None and "JOURNAL_STREAM" in os.environ
    stamp = "" if in_journal else "%(asctime)s "
    handler.setFormatter(logging.Formatter(f"{stamp}%(levelname)s %(name)s: %(message)s"))
    if burst is not None:
        handler.addFilter(FloodGate(burst))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
