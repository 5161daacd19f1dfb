"""Where a daemon's log goes: the standard library's logging, to stderr or one file."""

from __future__ import annotations

import logging
import os

from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.errors import InvalidValue

__all__ = ["configure_logging"]

_LEVELS = ("debug", "info", "warning", "error")


def configure_logging(level: str = "info", path: str | None = None) -> None:
    """Send records of `level` and above to the file at `path` (appended, mode 0600), or to stderr.

    Under systemd's journal (JOURNAL_STREAM set) the time is left out: the journal adds its own.

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
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
