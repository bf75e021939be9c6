"""The base of every set of options: `Config` of a system, and `DataOptions`."""

import reprlib
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from condgen.errors import CondgenError, did_you_mean
from condgen.former import FORMER


class Settings(BaseModel):
    """Frozen, validated values with a description each, from which options and documentation are made."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True, allow_inf_nan=False
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        for field in cls.model_fields.values():
            field.description = " ".join((field.description or "").split())  # one line of text for --help

    def with_overrides(self, fields: Mapping[str, Any]) -> Self:
        """A validated copy with some fields replaced. Former names of fields are accepted (former.py).

        Raises CondgenError, in one line, for an unknown field or a value out of range.
        """
        known = type(self).model_fields
        current = {_current(name, known): value for name, value in fields.items()}
        for name in current:
            if name not in known:
                raise _no_such_field(name, list(known))
        try:
            return type(self).model_validate({**self.model_dump(), **current})
        except ValidationError as error:
            raise CondgenError(in_one_line(error)) from None


def option(name: str) -> str:
    """The command-line option of a field: z_dim -> --z-dim."""
    return "--" + name.replace("_", "-")


def _current(name: str, known: Mapping[str, Any]) -> str:
    current = FORMER.get(name, name)
    return current if name not in known and current in known else name


def _no_such_field(name: str, known: list[str]) -> CondgenError:
    return CondgenError(f"no setting {name!r}{did_you_mean(name, known)} There are: {', '.join(known)}.")


def in_one_line(error: ValidationError) -> str:
    """The first error as a sentence that names the field and its command-line option."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    said = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{name} {said}, found {reprlib.repr(first['input'])} (on the command line: {option(name)})."
