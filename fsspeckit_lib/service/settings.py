"""fsspeckit.yaml and the flags beside it, as one validated settings object.

`${VAR}` and `${VAR:-default}` are replaced from the environment inside text values. An unknown key is refused with the
nearest known one; a wrong value names its place in the file, never the value of a secret.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel, Field, ValidationError

from fsspeckit_lib.cache import CacheConfig, Quota
from fsspeckit_lib.cache.config import WhenOffline
from fsspeckit_lib.common.names import unknown_name
from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.common.variables import expand_variables
from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.core.objects import ObjectStore
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import BadInput, GatewayError, InvalidValue
from fsspeckit_lib.service.sections import Duration, MinFree, Section, Size
from fsspeckit_lib.service.sqlserver_settings import AccessSettings, SqlServerSettings, TableSettings, UserSettings
from fsspeckit_lib.service.storages import check_storages, open_storage

__all__ = [
    "AccessSettings",
    "CacheSettings",
    "MountSettings",
    "Settings",
    "SqlServerSettings",
    "TableSettings",
    "UserSettings",
    "cache_config",
    "load_settings",
    "parse_option_pairs",
]


class CacheSettings(Section):
    """`cache:`; sizes as people write them (`50GiB`). See `CacheConfig` for what each means.

    The three TTLs are those of the fsspec face and of `fsspeckit cache`; a mount has its own (`mounts:`).
    """

    root: str | None = None
    max_size: Size = 10 << 30
    min_free: MinFree = 256 << 20
    max_age_s: Duration | None = Field(default=None, alias="max_age")
    quotas: Mapping[str, Size] | None = None
    """Most bytes of a storage, by its name in this file or its URL."""
    when_offline: WhenOffline = "fail"
    attr_ttl_s: Duration = Field(default=1.0, alias="attr_ttl")
    dir_ttl_s: Duration = Field(default=30.0, alias="dir_ttl")
    negative_ttl_s: Duration = Field(default=1.0, alias="negative_ttl")
    preserve_structure: bool = True


class MountSettings(Section):
    """One of `mounts:`: a storage's name or a URL, a path below it, a place. The rest as `-o` of the mount has it.

    Modes are texts (`'0644'`): YAML reads a bare 0644 as another number than a bare 644.
    """

    storage: str
    path: str = ""
    mountpoint: str
    read_only: bool = True
    options: Mapping[str, str | int | float | bool] = Field(default_factory=dict, repr=False)
    """Of the storage; they win over those of `storages:`."""
    attr_ttl_s: Duration = Field(default=1.0, alias="attr_ttl")
    dir_ttl_s: Duration = Field(default=30.0, alias="dir_ttl")
    allow_other: bool = False
    driver: str = "auto"
    uid: int | str | None = None
    gid: int | str | None = None
    file_mode: str | None = None
    dir_mode: str | None = None
    umask: str | None = None
    passthrough: bool = True
    kernel_cache: bool = True
    xattrs: bool = True
    complete_at_open: Size = 8 << 20
    readahead: Size = 1 << 20
    prefetch: Size = 96 << 20
    poll: str | int | float | bool = "auto"
    missing: str = "refuse"


class Settings(Section):
    """The whole file. `storages` maps a name to its protocol and options, as they are written."""

    storages: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict, repr=False)
    cache: CacheSettings = CacheSettings()
    mounts: tuple[MountSettings, ...] = ()
    sqlserver: SqlServerSettings = SqlServerSettings()

    def open_source(self, source: str, options: Mapping[str, str]) -> ObjectStore:
        """Return the store that SOURCE names: a storage of this file, else a URL or path. Makes no request.

        Raises:
            UnknownName, InvalidValue, BadInput: as `open_store`, or a storage that lacks what it needs.
        """
        return self.open_path(source, "", options)

    def open_path(self, storage_or_url: str, path: str, options: Mapping[str, str]) -> ObjectStore:
        """Return the store rooted at `path` below a storage of this file or a URL; `options` win over the file's."""
        named = self.storages.get(storage_or_url)
        if named is None:
            looks_like_a_name = "/" not in storage_or_url and not os.path.exists(storage_or_url)
            if looks_like_a_name and self.storages:
                raise unknown_name("configuration", "storage", storage_or_url, self.storages)
            if looks_like_a_name:
                raise BadInput(
                    f"{storage_or_url!r}: found neither a folder nor a URL nor a configured storage (there are none), "
                    "wanted one such as s3://bucket/prefix or /folder"
                )
            return open_store(_join(storage_or_url, path), options)
        return open_storage(storage_or_url, named, path, options)


@shielded
def load_settings(path: str | None) -> Settings:
    """Return the settings of a YAML file, or the defaults for None.

    Raises:
        NotFound, AccessDenied: the file cannot be read.
        BadInput, UnknownName: it is not YAML, or not what is wanted; names the place.
    """
    if path is None:
        return Settings()
    try:
        with open(path, encoding="utf-8") as file:
            loaded = yaml.safe_load(file)
    except OSError as error:
        raise translate(error, f"configuration file {path} (--config)") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it is not text in UTF-8"
        raise BadInput(f"configuration {path}: found no valid YAML{place}: {problem}") from None
    if loaded is None:
        return Settings()
    if not isinstance(loaded, Mapping):
        raise BadInput(f"configuration {path}: found a {type(loaded).__name__}, wanted keys such as storages, mounts")
    try:
        settings = Settings.model_validate(expand_variables(loaded, f"configuration {path}", os.environ))
    except ValidationError as error:
        raise _explain(error, path) from None
    check_storages(settings.storages, f"configuration {path}")
    return settings


def cache_config(settings: Settings, cache_dir: str | None, cache_size: int | None) -> CacheConfig:
    """Return the cache's bounds: flags before the file, the file before the defaults ($XDG_CACHE_HOME/fsspeckit)."""
    root = cache_dir or settings.cache.root
    if root is None:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        root = os.path.join(base, "fsspeckit")
    root = os.path.abspath(os.path.expanduser(root))
    return CacheConfig(
        root=root,
        max_size_bytes=settings.cache.max_size if cache_size is None else cache_size,
        min_free_bytes=_min_free_bytes(settings.cache.min_free, root),
        max_age_s=settings.cache.max_age_s,
        quotas=_quotas(settings),
        when_offline=settings.cache.when_offline,
        attribute_ttl_s=settings.cache.attr_ttl_s,
        listing_ttl_s=settings.cache.dir_ttl_s,
        absence_ttl_s=settings.cache.negative_ttl_s,
        preserve_structure=settings.cache.preserve_structure,
    )


def _quotas(settings: Settings) -> tuple[Quota, ...] | None:
    if settings.cache.quotas is None:
        return None
    found = {}
    for name, size_bytes in settings.cache.quotas.items():
        try:
            stores = [settings.open_source(name, {}), *_storages_over(settings, name)]
        except BadInput as error:
            raise type(error)(f"cache.quotas: {error}") from error
        for store in stores:
            found[store.namespace] = Quota(store.namespace, size_bytes, name)
            store.close()
    return tuple(found.values())


def _storages_over(settings: Settings, url: str) -> Iterator[ObjectStore]:
    """Yield the stores of a URL as the storages of the file reach it, whose endpoints may be others."""
    if url in settings.storages:
        return
    for name in settings.storages:
        store = settings.open_source(name, {})
        prefix = f"{store.url.rstrip('/')}/"
        store.close()
        if f"{url.rstrip('/')}/".startswith(prefix):
            yield settings.open_path(name, url[len(prefix) :].strip("/"), {})


def _min_free_bytes(min_free: int | str, root: str) -> int:
    if isinstance(min_free, int):
        return min_free
    existing = root
    while not os.path.exists(existing):
        existing = os.path.dirname(existing)
    disk = os.statvfs(existing)
    return int(disk.f_blocks * disk.f_frsize * float(min_free.rstrip("%")) / 100)


def parse_option_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """Return what `-o k=v,k2=v2 -o k3` says; an option without a value is `true`.

    Raises:
        BadInput: a pair without a name.
    """
    options: dict[str, str] = {}
    for text in pairs:
        for part in text.split(","):
            name, has_value, value = part.partition("=")
            if not name.strip():
                raise BadInput(f"-o: found {part!r}, wanted name=value pairs with commas between them")
            options[name.strip()] = value if has_value else "true"
    return options


def _join(url: str, path: str) -> str:
    path = path.strip("/")
    return f"{url.rstrip('/')}/{path}" if path else url


def _explain(error: ValidationError, path: str) -> GatewayError:
    """Return the first problem as one line: where, what, and for an unknown key the nearest known one."""
    problems = error.errors(include_url=False, include_input=False)
    # a misspelt key often makes a required one missing as well: the spelling is the cause
    first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return InvalidValue(f"configuration {path}: {place}: {first['msg'].removeprefix('Value error, ')}")
    section: Any = Settings
    for part in first["loc"][:-1]:
        section = _section_at(section, part)
    known = {field.alias or name for name, field in section.model_fields.items()}
    *outer, name = (str(part) for part in first["loc"])
    return unknown_name(": ".join([f"configuration {path}", *([".".join(outer)] if outer else [])]), "key", name, known)


def _section_at(section: Any, part: object) -> Any:
    fields: Mapping[str, Any] = getattr(section, "model_fields", {})
    if isinstance(part, str) and part in fields:
        annotation = fields[part].annotation
        arguments = [argument for argument in getattr(annotation, "__args__", ()) if isinstance(argument, type)]
        nested = [argument for argument in arguments if issubclass(argument, BaseModel)]
        return nested[-1] if nested else annotation
    return section  # an index or a key of a mapping: the section of its values was already taken
