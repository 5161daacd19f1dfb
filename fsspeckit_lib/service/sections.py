"""What every section of fsspeckit.yaml is made of: strict mappings, sizes and durations as people write them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from fsspeckit_lib.common.units import parse_duration, parse_size
from fsspeckit_lib.errors import InvalidValue

__all__ = ["Duration", "MinFree", "Names", "Section", "Size"]


def _as_value_error(parse: Any) -> Any:
    def validate(value: Any) -> Any:
        try:
            return parse(value)
        except InvalidValue as error:
            raise ValueError(str(error)) from error

    return validate


Size = Annotated[int, BeforeValidator(_as_value_error(parse_size))]


def _parse_min_free(value: Any) -> Any:
    text = str(value).strip()
    if text.endswith("%"):
        if not re.fullmatch(r"\d{1,2}(\.\d+)?%", text):
            raise InvalidValue(f"min_free: found {text!r}, wanted a part of the disk below 100 %, such as 5%")
        return text
    return parse_size(value)


MinFree = Annotated[int | str, BeforeValidator(_as_value_error(_parse_min_free))]
"""Bytes, or a text such as `5%` of the disk that holds the cache."""
Duration = Annotated[float, BeforeValidator(_as_value_error(parse_duration))]


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
"""One text, or a list of them."""


class Section(BaseModel):
    """One mapping of the file: an unknown key is refused, a value that may be secret is not shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
