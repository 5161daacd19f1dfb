"""The profiles of `~/.aws/config` and `~/.aws/credentials`, as AWS's own tools read them.

Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files" and "Service-specific endpoints".
"""

from __future__ import annotations

import configparser
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from fsspeckit_lib.common.names import nearest
from fsspeckit_lib.errors import InvalidValue

__all__ = ["AwsProfile", "load_profile", "profile_name"]


@dataclass(frozen=True, slots=True)
class AwsProfile:
    """One profile: its settings from both files (the credentials file wins), and the S3 part of its services."""

    name: str
    settings: Mapping[str, str] = field(repr=False)
    s3: Mapping[str, str]

    @property
    def endpoint_url(self) -> str | None:
        """The endpoint for S3: of the `services` section, else of the profile."""
        if self.settings.get("ignore_configured_endpoint_urls", "").lower() == "true":
            return None
        return self.s3.get("endpoint_url") or self.settings.get("endpoint_url")

    @property
    def has_keys(self) -> bool:
        """Tell whether the profile holds keys that need nothing else: no role, no single sign-on."""
        return bool(self.settings.get("aws_access_key_id")) and not self._needs_a_service

    @property
    def needs_refreshing(self) -> bool:
        """Tell whether the profile's credentials come from a service or a program."""
        return self._needs_a_service or ("credential_process" in self.settings and not self.has_keys)

    @property
    def _needs_a_service(self) -> bool:
        return any(name in self.settings for name in ("role_arn", "sso_session", "sso_start_url", "login_session"))


def profile_name(given: str | None, environ: Mapping[str, str]) -> str | None:
    """Return the profile that an option or AWS_PROFILE asks for; None means `default`, where there is one."""
    return given or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or None


def load_profile(name: str | None, environ: Mapping[str, str]) -> AwsProfile | None:
    """Return a profile; for None the `default` one, or None where there is none.

    Raises:
        InvalidValue: no file has a profile of that name (names the nearest), or a file cannot be parsed.
    """
    config_path = environ.get("AWS_CONFIG_FILE") or os.path.join("~", ".aws", "config")
    credentials_path = environ.get("AWS_SHARED_CREDENTIALS_FILE") or os.path.join("~", ".aws", "credentials")
    config, credentials = _read(config_path), _read(credentials_path)
    profiles: dict[str, dict[str, str]] = {}
    services: dict[str, str] = {}
    for section in config.sections():
        kind, _, rest = section.partition(" ")
        if section == "default" or kind == "profile":
            profiles.setdefault(_unquoted(rest) if rest else section, {}).update(config[section])
        elif kind == "services":
            services[_unquoted(rest)] = config[section].get("s3", "")
    for section in credentials.sections():
        profiles.setdefault(section, {}).update(credentials[section])
    found = profiles.get(name or "default")
    if found is None:
        if name is None:
            return None
        close = nearest(name, profiles)
        hint = f"did you mean {close!r}?" if close else f"found: {', '.join(sorted(profiles)) or 'no profile at all'}"
        raise InvalidValue(f"s3: profile {name!r} is neither in {config_path} nor in {credentials_path}; {hint}")
    s3 = {**_nested(found.get("s3", "")), **_nested(services.get(found.get("services", ""), ""))}
    return AwsProfile(name or "default", found, s3)


def _read(path: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(default_section="", strict=False)
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            parser.read_file(file)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise InvalidValue(f"s3: {path} cannot be read: {error.strerror}") from None
    except (configparser.Error, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None)
        place = f", line {line}" if line else ""
        raise InvalidValue(f"s3: {path}{place}: found no sections of name = value lines") from None  # may hold a secret
    return parser


def _nested(text: str) -> dict[str, str]:
    """Return the indented `name = value` lines below a setting."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _unquoted(name: str) -> str:
    try:
        parts = shlex.split(name)
    except ValueError:
        return name.strip()
    return parts[0] if len(parts) == 1 else name.strip()
