"""Where a provider keeps an object: its storage class, by one signed HEAD.

Not through obstore, which drops that header of an answer (0.12).
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import obstore
import urllib3
from obstore.store import AzureStore, GCSStore, S3Store

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["storage_class_of"]

_HEADERS = ("x-amz-storage-class", "x-goog-storage-class", "x-ms-access-tier")
_SIGNED_FOR = datetime.timedelta(minutes=1)
_TIMEOUT_S = 10.0


def storage_class_of(store: ObjectStore, key: str) -> str | None:
    """Return the provider's word, None where it says nothing. Raises what obstore and urllib3 raise.

    S3 names every class but STANDARD (its API reference, HeadObject).
    """
    if not isinstance(store, S3Store | GCSStore | AzureStore):
        return None
    url = obstore.sign(store, "HEAD", key, _SIGNED_FOR)
    answer = urllib3.request("HEAD", url, timeout=_TIMEOUT_S, retries=False)
    if answer.status != 200:
        return None
    named = next((answer.headers[name] for name in _HEADERS if name in answer.headers), None)
    return "STANDARD" if named is None and isinstance(store, S3Store) else named
