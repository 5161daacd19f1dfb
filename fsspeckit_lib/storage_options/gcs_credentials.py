"""Google's tokens as obstore's callbacks: a given one, and those that google-auth gets and renews."""

from __future__ import annotations

import datetime
import importlib
import importlib.util
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fsspeckit_lib.errors import InvalidValue, Unsupported

if TYPE_CHECKING:
    from obstore.store import GCSCredential

__all__ = ["GoogleToken", "StaticToken", "google_auth", "is_for_google_auth"]

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_OF_OBSTORE = {"service_account", "authorized_user"}
"""The types of credential files that obstore reads itself."""


@dataclass(frozen=True, slots=True)
class StaticToken:
    """A token that does not expire as far as anyone knows."""

    token: str = field(repr=False)

    def __call__(self) -> GCSCredential:
        """Return it as obstore takes it."""
        return {"token": self.token, "expires_at": None}


class GoogleToken:
    """The tokens of a credentials file that google-auth understands, renewed before they expire. Thread-safe."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._credentials: Any = None
        google_auth("google.auth")

    def __call__(self) -> GCSCredential:
        """Return the present token; asks Google for the next one when less than four minutes of it remain."""
        with self._lock:
            if self._credentials is None:
                self._credentials, _ = google_auth("google.auth").load_credentials_from_file(
                    self._file, scopes=[_SCOPE]
                )
            if not self._credentials.valid:
                self._credentials.refresh(google_auth("google.auth.transport.requests").Request())
            expiry = self._credentials.expiry  # naive, UTC
            return {
                "token": self._credentials.token,
                "expires_at": expiry.replace(tzinfo=datetime.UTC) if expiry is not None else None,
            }


def google_auth(module: str) -> Any:
    """Return a module of google-auth.

    Raises:
        Unsupported: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Unsupported(
            "gs: these credentials need the package google-auth; install the extra: "
            "pip install 'fsspeckit-gateway[gcs]'"
        ) from error


def is_for_google_auth(file: str) -> bool:
    """Tell whether a file of credentials is of a type that obstore does not read: workload identity, impersonation.

    Raises:
        InvalidValue: it cannot be read, or it is not JSON.
    """
    try:
        with open(file, encoding="utf-8") as opened:
            kind = json.load(opened).get("type")
    except OSError as error:
        raise InvalidValue(f"gs: application_credentials {file!r} cannot be read: {error.strerror}") from None
    except (ValueError, AttributeError):
        raise InvalidValue(f"gs: application_credentials {file!r}: found no JSON object of credentials") from None
    return kind not in _OF_OBSTORE
