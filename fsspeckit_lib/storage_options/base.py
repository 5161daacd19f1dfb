"""What every provider's options have in common: aliases, validation on construction, secrets that print as `***`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, model_validator

from fsspeckit_lib.common.names import unknown_name
from fsspeckit_lib.errors import InvalidValue

__all__ = ["BaseStorageOptions", "Secret"]


class Secret(SecretStr):
    """A text that prints as `***` in repr, str, logs and tracebacks; `get_secret_value()` returns it."""

    def _display(self) -> str:
        return "***" if self.get_secret_value() else ""


class BaseStorageOptions(BaseModel):
    """Typed, frozen options of one storage. Subclasses add the provider's fields.

    Construction validates: an unknown key raises UnknownName with the nearest known one, a wrong value InvalidValue
    (without repeating the value, which may be a secret). Keys may be given by any of the provider's well-known aliases.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    protocol: str
    """The scheme, e.g. `s3`."""

    aliases: ClassVar[Mapping[str, str]] = {}
    """Alias → field name."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "options"
            message = f"{type(self).__name__}: option {field!r}: {first['msg']}"
            raise InvalidValue(message) from None  # the cause would carry the value

    @model_validator(mode="before")
    @classmethod
    def _resolve_aliases(cls, values: Any) -> Any:
        """Rename aliases to field names; refuse unknown keys and two names of one field."""
        if not isinstance(values, Mapping):
            return values
        resolved: dict[str, Any] = {}
        for key, value in values.items():
            field = cls.aliases.get(key, key)
            if field not in cls.model_fields:
                raise unknown_name(f"{cls.__name__}", "option", str(key), [*cls.model_fields, *cls.aliases])
            if field in resolved and resolved[field] != value:
                raise InvalidValue(f"{cls.__name__}: option {field!r} is given twice, under two names; give it once")
            resolved[field] = value
        return resolved

    @classmethod
    def from_mapping(cls, protocol: str, values: Mapping[str, Any]) -> Self:
        """Return the options that a dict, a configuration section or `-o k=v` pairs describe."""
        return cls(**{**values, "protocol": protocol})

    def to_dict(self) -> dict[str, Any]:
        """Return the set options as plain values, secrets in clear; `from_mapping` takes it back."""
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in self
            if value is not None
        }
