"""What a reporter that prints local variables would print of an error, as far as this library's frames go."""

from __future__ import annotations

import traceback

__all__ = ["shown_with_locals"]


def shown_with_locals(error: BaseException) -> str:
    """Return the texts of an error and its causes, and every frame they came through, with local variables."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    text = f"{error} {error!r} {error.args}"
    chain: traceback.TracebackException | None = report
    while chain is not None:
        ours = (frame for frame in chain.stack if "/tests/" not in frame.filename)
        text += "".join(chain.format_exception_only())
        text += "".join(f"{frame.filename}:{frame.lineno} {frame.locals}\n" for frame in ours)
        chain = chain.__cause__ or chain.__context__
    return text
