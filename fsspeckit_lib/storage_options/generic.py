"""Options of any protocol that fsspec knows and this library has no class for: handed on as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from fsspeckit_lib.storage_options.base import BaseStorageOptions

__all__ = ["GenericStorageOptions"]


class GenericStorageOptions(BaseStorageOptions):
    """Keyword arguments of one fsspec implementation; fsspec itself judges them. They print as names only."""

    options: Mapping[str, Any] = Field(default_factory=dict, repr=False)

    @classmethod
    def from_mapping(cls, protocol: str, values: Mapping[str, Any]) -> GenericStorageOptions:
        """Return options that carry `values` unchanged."""
        return cls(**{**values, "protocol": protocol})

    @classmethod
    def fields_of(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of the class; every other name is one of the carried options."""
        given = dict(values)
        fields = {name: given.pop(name) for name in cls.model_fields if name in given}
        if given:
            fields["options"] = {**dict(fields.get("options") or {}), **given}
        return fields

    @classmethod
    def meant(cls, key: str, value: Any) -> list[tuple[str, Any]]:
        """Return the name and value as they are, but for the two fields of the class."""
        return [(key, value)]

    def to_dict(self) -> dict[str, Any]:
        """Return the protocol and the carried keyword arguments as one dict."""
        return {"protocol": self.protocol, **self.options}

    def to_fsspec_kwargs(self) -> dict[str, Any]:
        """Return the carried keyword arguments."""
        return dict(self.options)
