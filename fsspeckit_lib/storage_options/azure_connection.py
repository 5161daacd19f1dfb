"""Azure's connection strings. Pure.

Source: Microsoft Learn, "Configure Azure Storage connection strings"; Azurite's README for the emulator's account.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fsspeckit_lib.common.names import nearest
from fsspeckit_lib.errors import InvalidValue

__all__ = ["EMULATOR_ACCOUNT", "EMULATOR_KEY", "parse_connection_string"]

EMULATOR_ACCOUNT = "devstoreaccount1"
EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Known to everyone: every Azurite has it."""
_KNOWN = {
    name.lower(): name
    for name in (
        "AccountName",
        "AccountKey",
        "SharedAccessSignature",
        "BlobEndpoint",
        "EndpointSuffix",
        "DefaultEndpointsProtocol",
        "UseDevelopmentStorage",
        "DevelopmentStorageProxyUri",
        "QueueEndpoint",
        "TableEndpoint",
        "FileEndpoint",
        "BlobSecondaryEndpoint",
        "QueueSecondaryEndpoint",
        "TableSecondaryEndpoint",
        "FileSecondaryEndpoint",
    )
}


def parse_connection_string(text: str) -> dict[str, str]:
    """Return the options that a connection string names: account_name, account_key, sas_token, endpoint_url.

    Raises:
        InvalidValue: it has no `Name=value;` pairs, or neither an account nor an endpoint. Never shows any of it.
    """
    pairs: dict[str, str] = {}
    for part in text.strip().split(";"):
        name, equals, value = part.strip().partition("=")
        if not part.strip():
            continue
        if not equals or not name.strip():
            raise InvalidValue("az: connection_string: found a part without '=', wanted AccountName=…;AccountKey=…")
        lower = name.strip().lower()
        if lower not in _KNOWN:
            close = nearest(lower, _KNOWN)  # the name itself may be a part of a key that lost its beginning
            hint = f"; did you mean {_KNOWN[close]}?" if close else ""
            raise InvalidValue(
                f"az: connection_string: found an unknown name, wanted {', '.join(_KNOWN.values())}{hint}"
            )
        pairs[lower] = value.strip()
    if pairs.get("usedevelopmentstorage", "").lower() == "true":
        proxy = pairs.get("developmentstorageproxyuri") or "http://127.0.0.1"
        return {
            "account_name": EMULATOR_ACCOUNT,
            "account_key": EMULATOR_KEY,
            "endpoint_url": f"{proxy.rstrip('/')}:10000/{EMULATOR_ACCOUNT}",
        }
    endpoint = pairs.get("blobendpoint")
    account = pairs.get("accountname")
    if account is None and endpoint is not None:
        parts = urlsplit(endpoint)
        account = (parts.hostname or "").partition(".")[0] if ".blob." in parts.netloc else parts.path.strip("/")
    if not account:
        raise InvalidValue("az: connection_string: found no AccountName and no BlobEndpoint; copy it whole")
    found = {"account_name": account}
    if "accountkey" in pairs:
        found["account_key"] = pairs["accountkey"]
    if "sharedaccesssignature" in pairs:
        found["sas_token"] = pairs["sharedaccesssignature"].removeprefix("?")
    suffix = pairs.get("endpointsuffix", "core.windows.net")
    scheme = pairs.get("defaultendpointsprotocol", "https")
    if endpoint:
        found["endpoint_url"] = endpoint.rstrip("/")
    elif suffix != "core.windows.net" or scheme != "https":
        found["endpoint_url"] = f"{scheme}://{account}.blob.{suffix}"
    return found
