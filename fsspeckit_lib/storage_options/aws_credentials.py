"""Where a bucket's credentials come from, in the order of AWS's own tools, and how those that expire are renewed.

Order: keys of the options; a web identity or profile of the options; the AWS_* environment; the profile of AWS_PROFILE
or `default`; last what obstore finds itself (the role of a container or a machine). `assume_role_arn` takes what that
gives and assumes the role. Keys are handed to obstore by a callback in every case: given in its configuration, they
would be mixed with AWS_SESSION_TOKEN of the environment (measured, obstore 0.12).

What has to be renewed is left to botocore. obstore asks the callback again on each request once less than five minutes
remain, at most every 100 ms; botocore renews when less than fifteen minutes remain.
"""

from __future__ import annotations

import datetime
import importlib
import importlib.util
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fsspeckit_lib.errors import AccessDenied, InvalidValue, Unsupported
from fsspeckit_lib.storage_options.aws_profile import AwsProfile, load_profile, profile_name

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Credential

    from fsspeckit_lib.storage_options.aws import AwsStorageOptions

__all__ = ["RefreshingKeys", "StaticKeys", "find_credentials"]


@dataclass(frozen=True, slots=True)
class StaticKeys:
    """Keys that do not expire as far as anyone knows."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    def __call__(self) -> S3Credential:
        """Return them as obstore takes them."""
        return {
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
            "token": self.session_token,
            "expires_at": None,
        }


class RefreshingKeys:
    """botocore's credentials, loaded at the first request and renewed by it before they expire. Thread-safe."""

    def __init__(self, who: str, load: Callable[[], Any]) -> None:
        self._who = who
        self._load = load
        self._lock = threading.Lock()
        self._credentials: Any = None

    def __repr__(self) -> str:
        return f"RefreshingKeys({self._who!r})"

    def __call__(self) -> S3Credential:
        """Return the present keys; asks the service when they are about to expire."""
        credentials = self.load()
        keys = credentials.get_frozen_credentials()
        expires_at = getattr(credentials, "_expiry_time", None)
        if expires_at is None and hasattr(credentials, "refresh_needed"):  # renewable, with an unknown expiry
            expires_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=6)
        return {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "token": keys.token,
            # obstore takes datetime.UTC itself and no other zone, not even dateutil's UTC, which botocore gives
            "expires_at": expires_at.astimezone(datetime.UTC) if expires_at is not None else None,
        }

    def load(self) -> Any:
        """Return botocore's credentials object.

        Raises:
            AccessDenied: it finds none.
        """
        with self._lock:
            if self._credentials is None:
                self._credentials = self._load()
            if self._credentials is None:
                raise AccessDenied(f"s3: {self._who}: found no credentials; look at it with: aws configure list")
            return self._credentials


def find_credentials(
    options: AwsStorageOptions, environ: Mapping[str, str], config: S3Config
) -> StaticKeys | RefreshingKeys | None:
    """Return the callback that gives obstore its credentials, or None where obstore finds them itself.

    Args:
        config: gains the names of a web identity where obstore has to use it itself, for want of botocore.

    Raises:
        InvalidValue: half a pair of keys, or an unknown profile.
        Unsupported: the credentials need botocore, which is not installed.
    """
    source = _source(options, environ, config)
    if options.assume_role_arn is None or options.effective_web_identity(environ) is not None:
        return source
    _require_botocore("assume_role_arn")
    role = options.assume_role_arn
    return RefreshingKeys(f"role {role}", lambda: _assumed_role(options, role, source))


def _source(
    options: AwsStorageOptions, environ: Mapping[str, str], config: S3Config
) -> StaticKeys | RefreshingKeys | None:
    if options.access_key_id is not None or options.secret_access_key is not None:
        if options.access_key_id is None or options.secret_access_key is None:
            found, wanted = "access_key_id", "secret_access_key"
            if options.access_key_id is None:
                found, wanted = wanted, found
            raise InvalidValue(f"s3: found {found} without {wanted}; give both")
        token = options.session_token
        return StaticKeys(
            options.access_key_id,
            options.secret_access_key.get_secret_value(),
            token.get_secret_value() if token else None,
        )
    if options.profile is None and options.web_identity_token_file is None:
        key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
        if key and secret:
            return StaticKeys(key, secret, environ.get("AWS_SESSION_TOKEN") or None)
    identity = options.effective_web_identity(environ)
    if identity is not None:
        token_file, role = identity
        if _has_botocore():
            return RefreshingKeys(f"web identity {role}", lambda: _web_identity(options, token_file, role))
        config["web_identity_token_file"] = token_file
        config["role_arn"] = role
        config["role_session_name"] = options.role_session_name or environ.get("AWS_ROLE_SESSION_NAME") or "fsspeckit"
        return None
    profile = load_profile(profile_name(options.profile, environ), environ)
    return _of_profile(options, profile) if profile is not None else None


def _of_profile(options: AwsStorageOptions, profile: AwsProfile) -> StaticKeys | RefreshingKeys | None:
    settings = profile.settings
    if profile.has_keys:
        secret = settings.get("aws_secret_access_key")
        if not secret:
            raise InvalidValue(f"s3: profile {profile.name!r} has aws_access_key_id without aws_secret_access_key")
        return StaticKeys(settings["aws_access_key_id"], secret, settings.get("aws_session_token"))
    if profile.needs_refreshing:
        _require_botocore(f"profile {profile.name!r}")
        return RefreshingKeys(f"profile {profile.name!r}", lambda: _session(options, profile.name).get_credentials())
    return None


def _has_botocore() -> bool:
    return importlib.util.find_spec("botocore") is not None


def _require_botocore(what: str) -> None:
    if not _has_botocore():
        raise Unsupported(
            f"s3: {what} needs the package botocore; install the extra: pip install 'fsspeckit-gateway[s3]'"
        )


def _session(options: AwsStorageOptions, profile: str | None) -> Any:
    session = importlib.import_module("botocore.session").Session(profile=profile)
    session.set_config_variable("region", options.effective_region)
    return session


def _client_creator(options: AwsStorageOptions, session: Any) -> Callable[..., Any]:
    config_class = importlib.import_module("botocore.config").Config
    limits = config_class(connect_timeout=options.connect_timeout_s, read_timeout=options.timeout_s)

    def create(service: str, **kwargs: Any) -> Any:
        given = kwargs.pop("config", None)
        kwargs["config"] = limits.merge(given) if given is not None else limits
        if options.sts_endpoint_url:
            kwargs.setdefault("endpoint_url", options.sts_endpoint_url)
        return session.create_client(service, **kwargs)

    return create


def _assumed_role(options: AwsStorageOptions, role: str, source: StaticKeys | RefreshingKeys | None) -> Any:
    credentials = importlib.import_module("botocore.credentials")
    session = _session(options, options.profile)
    if isinstance(source, StaticKeys):
        base = credentials.Credentials(source.access_key_id, source.secret_access_key, source.session_token)
    else:
        base = source.load() if source is not None else session.get_credentials()
    if base is None:
        raise AccessDenied(f"s3: role {role}: found no credentials to assume it with; give keys or a profile")
    extra: dict[str, Any] = {"RoleSessionName": options.role_session_name, "ExternalId": options.external_id}
    if options.role_duration_s is not None:
        extra["DurationSeconds"] = int(options.role_duration_s)
    fetcher = credentials.AssumeRoleCredentialFetcher(
        _client_creator(options, session), base, role, {name: value for name, value in extra.items() if value}
    )
    return credentials.DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")


def _web_identity(options: AwsStorageOptions, token_file: str, role: str) -> Any:
    credentials = importlib.import_module("botocore.credentials")
    tokens = importlib.import_module("botocore.utils").FileWebIdentityTokenLoader(token_file)
    session = _session(options, None)
    extra = {"RoleSessionName": options.role_session_name} if options.role_session_name else {}
    fetcher = credentials.AssumeRoleWithWebIdentityCredentialFetcher(
        _client_creator(options, session), tokens, role, extra
    )
    return credentials.DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role-with-web-identity")
