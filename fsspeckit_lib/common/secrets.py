"""Text that must not be shown: passwords, keys and tokens, masked as `***` wherever a value or URL is printed.

Pure. Storage options hold their secrets as pydantic `SecretStr`; what is left is text that people typed.
"""

from __future__ import annotations

import re

__all__ = ["mask_url"]

_USER_INFO = re.compile(r"(?<=://)([^/@\s]*)@")
_SECRET_QUERY = re.compile(
    r"([?&](?:sig|signature|token|access_token|password|secret|key|x-amz-[a-z-]+)=)[^&\s]+", re.I
)


def mask_url(url: str) -> str:
    """Return `url` with its password (user information) and secret query values replaced by `***`."""
    return _SECRET_QUERY.sub(r"\1***", _USER_INFO.sub("***@", url))
