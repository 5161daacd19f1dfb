"""What every provider's options have in common: aliases, validation on construction, secrets that print as `***`.

An object holds what was set, and only that: what is not set comes from the environment when a store is made of it
(`from_env` fixes it into the object instead).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, SecretStr, ValidationError, field_validator, model_validator

from fsspeckit_lib.common.names import unknown_name
from fsspeckit_lib.common.secrets import mask_url, shielded
from fsspeckit_lib.errors import InvalidValue
from fsspeckit_lib.storage_options.uri import canonical_protocol

__all__ = ["BaseStorageOptions", "Secret", "as_bool", "from_room_above"]


class Secret(SecretStr):
    """A text that prints as `***` in repr, str, logs and tracebacks; `get_secret_value()` returns it."""

    def _display(self) -> str:
        return "***" if self.get_secret_value() else ""


def as_bool(value: Any) -> bool:
    """Return the truth that a value or a text (`true`, `no`, `1`) names.

    Raises:
        InvalidValue: it names none.
    """
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    found = known.get(str(value).strip().lower())
    if found is None:
        raise InvalidValue("storage options: wanted true or false")
    return found


def from_room_above(module: str, name: str) -> Any:
    """Return `fsspeckit_lib.MODULE.NAME`, looked up by name when it is needed.

    Options lie below the rooms that open storages, so they cannot import them; a few of their methods still end there.
    """
    return getattr(importlib.import_module(f"fsspeckit_lib.{module}"), name)


class BaseStorageOptions(BaseModel):
    """Typed, frozen options of one storage. Subclasses add the provider's fields.

    Construction validates: an unknown key raises UnknownName with the nearest known one, a wrong value InvalidValue
    (without repeating the value, which may be a secret). Keys may be given by any of the provider's well-known aliases.

    A subclass may offer `to_store(location)`, which returns the data plane of a place (`core.objects.ObjectStore`);
    without it `open_store` uses `to_obstore`, and without that fsspec through `to_fsspec_kwargs`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    protocol: str
    """The scheme, canonical: `s3`, also for `s3a`."""

    protocols: ClassVar[tuple[str, ...]] = ()
    """The canonical protocols that the class serves; empty is any."""
    aliases: ClassVar[Mapping[str, str]] = {}
    """Alias → field name."""
    rewrites: ClassVar[Mapping[str, Callable[[Any], Mapping[str, Any]]]] = {}
    """Names whose values need more than another name: each gives the options that it stands for."""
    environment: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Field name → the variables that give it; the first one that is set and not empty wins."""

    _references: dict[str, tuple[Any, Any]] = PrivateAttr(default_factory=dict)
    """Field name → what YAML said where it said `${VAR}`, and the value that stood for: it is written back so."""

    @shielded
    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "options"
            message = f"{type(self).__name__}: option {field!r}: {first['msg'].removeprefix('Value error, ')}"
            raise InvalidValue(message) from None  # the cause would carry the value

    @shielded
    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise InvalidValue(
                f"{type(self).__name__}: found a change of {name!r}, but options do not change; make others: "
                "merge_storage_options(options, {...})"
            )
        super().__setattr__(name, value)

    @model_validator(mode="before")
    @classmethod
    def _resolve_names(cls, values: Any) -> Any:
        """Rename aliases to field names; refuse unknown keys and two names of one field."""
        return cls.fields_of(values) if isinstance(values, Mapping) else values

    @classmethod
    def fields_of(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that given names and values stand for; values are not looked at.

        Raises:
            UnknownName: a name that is none; names the nearest one.
            InvalidValue: two names of one field with different values.
        """
        resolved: dict[str, Any] = {}
        for key, value in values.items():
            for field, meant in cls.meant(str(key), value):
                if field in resolved and resolved[field] != meant:
                    raise InvalidValue(
                        f"{cls.__name__}: option {field!r} is given twice, under two names; give it once"
                    )
                resolved[field] = meant
        return resolved

    @classmethod
    def meant(cls, key: str, value: Any) -> list[tuple[str, Any]]:
        """Return the fields and values that one given name and value stand for."""
        if key in cls.rewrites:
            try:
                rewritten = cls.rewrites[key](value)
            except InvalidValue as error:
                reason = str(error).partition(": ")[2]
                raise InvalidValue(f"{cls.__name__}: option {key!r}: {reason}") from None
            return [
                pair
                for inner, meant in rewritten.items()
                for pair in ([(inner, meant)] if inner in cls.model_fields else cls.meant(inner, meant))
            ]
        field = cls.aliases.get(key, key)
        if field not in cls.model_fields:
            known = [*cls.model_fields, *cls.aliases, *cls.rewrites]
            raise unknown_name(cls.__name__, "option", key, known, "docs/storage-options.md")
        return [(field, value)]

    @field_validator("protocol")
    @classmethod
    def _canonical(cls, protocol: str) -> str:
        canonical = canonical_protocol(protocol)
        if cls.protocols and canonical not in cls.protocols:
            raise InvalidValue(
                f"{cls.__name__}: found protocol {protocol!r}, wanted {' or '.join(map(repr, cls.protocols))}"
            )
        return canonical

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Give repr and str what was set, and no password of a URL."""
        for name, value in super().__repr_args__():
            if name == "protocol" or name in self.model_fields_set:
                yield name, mask_url(value) if isinstance(value, str) else value

    def __eq__(self, other: object) -> bool:
        """Equal options reach the same storage in the same way, wherever they were written down."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    @classmethod
    @shielded
    def from_mapping(cls, protocol: str, values: Mapping[str, Any]) -> Self:
        """Return the options that a dict, a configuration section or `-o k=v` pairs describe."""
        return cls(**{**values, "protocol": protocol})

    @classmethod
    @shielded
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return options that hold what the provider's variables say now; what they do not say stays unset.

        Raises:
            InvalidValue: a variable has a value that its option cannot have.
        """
        return cls(**cls._environment_values(os.environ if environ is None else environ))

    @classmethod
    def _environment_values(cls, environ: Mapping[str, str]) -> dict[str, Any]:
        found = {field: cls._from_environment(field, environ) for field in cls.environment}
        return {field: value for field, value in found.items() if value is not None}

    @classmethod
    def _from_environment(cls, field: str, environ: Mapping[str, str] | None = None) -> str | None:
        """Return what the variables of one field say now, or None."""
        source = os.environ if environ is None else environ
        return next((source[name] for name in cls.environment.get(field, ()) if source.get(name)), None)

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str]) -> Self:
        """Return the options that a YAML file holds; `protocol` may be left out where the class serves only one.

        Raises:
            NotFound, AccessDenied, BadInput: as `fsspeckit_lib.storage_options.from_yaml`; options of another class.
        """
        from fsspeckit_lib.storage_options.yaml_files import from_yaml

        default = cls.model_fields["protocol"].default
        options = from_yaml(path, default if isinstance(default, str) else None)
        if not isinstance(options, cls):
            raise InvalidValue(
                f"storage options {os.fspath(path)}: found {type(options).__name__}, wanted {cls.__name__}"
            )
        return options

    def to_yaml(self, path: str | os.PathLike[str]) -> None:
        """Write the options to a file that only its owner can read; what came from `${VAR}` is written so."""
        from fsspeckit_lib.storage_options.yaml_files import to_yaml

        to_yaml(self, path)

    @property
    def storage_options(self) -> Self:
        """The options themselves: code written for a class that wraps them finds them here."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the protocol and the set options as plain values, secrets in clear; `from_mapping` takes it back."""
        return {
            name: _plain(value)
            for name, value in self
            if value is not None and (name == "protocol" or name in self.model_fields_set)
        }

    def to_fsspec_kwargs(self) -> dict[str, Any]:
        """Return the keyword arguments that fsspec's own implementation of the protocol takes for the same storage."""
        return {}

    def to_filesystem(self, path: str = "") -> Any:
        """Return an fsspec filesystem of this storage, rooted at `path` (`bucket/prefix`); all of it by default."""
        filesystem = from_room_above("core.factory", "filesystem")
        return filesystem(f"{self.protocol}://{path}" if path else self.protocol, self)

    def namespace(self) -> str:
        """Return the first component of a store's namespace in the cache: the protocol, and what tells two apart."""
        return self.protocol


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value
