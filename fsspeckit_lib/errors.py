"""The error tree of the gateway, grouped by what a handler would do about it.

Every error has a stable `kind` (a word for logs, metrics and tests) and a text of one line: *who: what was found, what
was wanted, what to do about it*. Errors of other libraries are translated in at exactly one place
(`fsspeckit_lib.core.backend_errors`) and out at two: `fsspeckit_mount.errnos` and `fsspeckit_sqlserver.sqlstates`.

| group              | what a handler does                                                              |
|--------------------|----------------------------------------------------------------------------------|
| `BadInput`         | tell the person who wrote it; retrying is useless                                |
| `NotFound`         | the thing is not there, and the storage itself said so                           |
| `AccessDenied`     | tell the person; credentials or permissions must change                          |
| `Conflict`         | look again at the present state, then decide                                     |
| `Unavailable`      | retry later; nothing is known to be wrong with the data                          |
| `OutcomeUnknown`   | find out what happened before doing anything else; never clean up                |
| `Corrupt`          | drop the bytes, never serve them                                                 |
| `ResourceExhausted`| free something (disk, memory, connections), then retry                           |
| `Unsupported`      | do it another way                                                                |
| `Cancelled`        | stop; somebody asked for it                                                      |
| `Internal`         | a defect of the gateway or of a library below it: report it                      |
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AccessDenied",
    "AlreadyExists",
    "BadInput",
    "CacheStale",
    "Cancelled",
    "Conflict",
    "Corrupt",
    "GatewayError",
    "Internal",
    "InvalidValue",
    "IsADirectory",
    "NotADirectory",
    "NotFound",
    "OutcomeUnknown",
    "ReadOnly",
    "ResourceExhausted",
    "ShortRead",
    "TimedOut",
    "TransferBroken",
    "Unavailable",
    "UnknownName",
    "Unsupported",
]


class GatewayError(Exception):
    """Any error the gateway raises on purpose. `str()` is one line for a person; `kind` is stable for programs."""

    kind: ClassVar[str] = "error"

    def __str__(self) -> str:
        return " ".join(super().__str__().split())  # one line, whatever a backend put into its text


class BadInput(GatewayError):
    """What a person wrote cannot be used: a flag, a URL, a configuration value, a statement."""

    kind = "bad-input"


class UnknownName(BadInput):
    """A name that is not among the known ones: a scheme, an option, a storage. Names the nearest known one.

    Attributes:
        name, known: the facts, for who knows further names that could have been meant; may be empty.
    """

    kind = "unknown-name"
    name = ""
    known: tuple[str, ...] = ()


class InvalidValue(BadInput):
    """A known name with a value it cannot have."""

    kind = "invalid-value"


class NotFound(GatewayError):
    """The storage answered, and the object, bucket or table is not there."""

    kind = "not-found"


class AccessDenied(GatewayError):
    """The storage or the operating system refused: wrong credentials, or missing permissions."""

    kind = "access-denied"


class ReadOnly(AccessDenied):
    """A write was asked of something that only reads."""

    kind = "read-only"


class Conflict(GatewayError):
    """The present state is not the one the caller believed in."""

    kind = "conflict"


class AlreadyExists(Conflict):
    """It exists, and the caller asked that it should not."""

    kind = "already-exists"


class IsADirectory(Conflict):
    """A file was wanted; a directory is there."""

    kind = "is-a-directory"


class NotADirectory(Conflict):
    """A directory was wanted; a file is there."""

    kind = "not-a-directory"


class CacheStale(Conflict):
    """The remote file changed while its cached copy was being read.

    Handler: drop the entry and reopen. Bytes of two versions are never mixed.
    """

    kind = "cache-stale"

    def __init__(self, path: str, cached: str, remote: str) -> None:
        super().__init__(path, cached, remote)  # args are the facts, so the error pickles
        self.path, self.cached, self.remote = path, cached, remote

    def __str__(self) -> str:
        return (
            f"{self.path}: the version being read is {self.cached!r} but the remote file is now "
            f"{self.remote!r}; reopen the file to read the new version"
        )


class Unavailable(GatewayError):
    """The storage could not be reached, was overloaded or failed: a later retry may succeed."""

    kind = "unavailable"


class TimedOut(Unavailable):
    """No answer within the deadline."""

    kind = "timed-out"


class TransferBroken(Unavailable):
    """The connection ended in the middle of a request or of its answer; what had come of it was dropped."""

    kind = "transfer-broken"


class OutcomeUnknown(GatewayError):
    """A change was sent and its reply was lost: it may or may not have happened."""

    kind = "outcome-unknown"


class Corrupt(GatewayError):
    """Bytes are not what their owner says they should be."""

    kind = "corrupt"


class ShortRead(Corrupt):
    """Fewer (or more) bytes came than the object has; they are dropped, never served."""

    kind = "short-read"

    def __init__(self, path: str, start: int, wanted_bytes: int, got_bytes: int) -> None:
        super().__init__(path, start, wanted_bytes, got_bytes)
        self.path, self.start, self.wanted_bytes, self.got_bytes = path, start, wanted_bytes, got_bytes

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.got_bytes} bytes came for the {self.wanted_bytes} asked for at offset {self.start}; "
            "nothing of them was kept; read again"
        )


class ResourceExhausted(GatewayError):
    """A disk, a limit or a budget is full."""

    kind = "resource-exhausted"


class Unsupported(GatewayError):
    """A well-formed wish that this gateway, or the storage behind it, does not serve."""

    kind = "unsupported"


class Cancelled(GatewayError):
    """The one who asked does not want the answer any more."""

    kind = "cancelled"


class Internal(GatewayError):
    """A defect: of the gateway, or of a library below it. The log has the traceback."""

    kind = "internal"
