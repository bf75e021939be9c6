"""The one schema of a system's settings.

A `Config` field carries its type, range, default and meaning. Command-line options, Python keywords, config.json and
the documentation are all read from it; nothing lists a field twice.
"""

import reprlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from condgen.errors import CondgenError, did_you_mean

TRANSFORMS = ("color", "translation", "cutout", "mirror")
"""That a discriminator may see pictures through (nets/diffaugment.py)."""
Width = Annotated[int, Field(ge=1, le=65_536)]
"""Numbers side by side in a network: a width, a z. Bounded, since settings also come from files of strangers."""
Depth = Annotated[int, Field(ge=1, le=256)]
"""Layers one after the other."""
Images = Annotated[int, Field(gt=0, le=10**12)]
"""A length of training, in images."""
Span = Annotated[int, Field(ge=0, le=10**12)]
"""A number of images within a training; 0 switches off what it is for."""
Batch = Annotated[int, Field(gt=0, le=65_536)]
"""Images that are in memory at once."""
Repeats = Annotated[int, Field(ge=1, le=10_000)]
"""How often something is done in a step, or after how many steps."""
Fraction = Annotated[float, Field(ge=0, lt=1)]
"""A share, such as dropout or Adam's beta: 0 <= x < 1."""


class Config(BaseModel):
    """What every system has: how much to train, and how to average. Each system adds its own fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True, allow_inf_nan=False
    )

    images: Images = 400_000
    """Length of the training in images seen; the data set is passed as often as that takes."""
    batch: Batch = 64
    """Images per step."""
    ema_half_life: Span = 10_000
    """Half-life, in images, of the averaged generator that pictures are drawn from; 0 = no averaging."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Numbers that a step multiplies: bf16 is faster where the machine has units for it (AMX, a GPU), and rounds."""
    balance: bool = False
    """Show rare labels more often: each in proportion to the logarithm of its count."""

    def with_overrides(self, fields: Mapping[str, Any]) -> Self:
        """A copy with some fields changed; an unknown field or a bad value is one CondgenError."""
        for name in fields:
            if name not in type(self).model_fields:
                raise _no_such_field(name, list(type(self).model_fields))
        try:
            return type(self).model_validate({**self.model_dump(), **fields})
        except ValidationError as error:
            raise CondgenError(_in_one_line(error)) from None


def _known(changes: str) -> str:
    for name in filter(None, changes.split(",")):
        if name not in TRANSFORMS:
            raise ValueError(f"names an unknown change {name!r}; there are {', '.join(TRANSFORMS)}")
    return changes


class Adversarial(Config):
    """What every game against a discriminator has besides: what it sees pictures through (nets/diffaugment.py)."""

    augmentation: Literal["none", "diff", "adaptive"] = "none"
    """For small data: change what the discriminator sees, always (diff) or as much as it overfits (adaptive)."""
    transforms: Annotated[str, AfterValidator(_known)] = ""
    """Some of color,translation,cutout,mirror; by default those after which labels still hold (never mirror)."""
    ada_target: Fraction = 0.6
    """adaptive: how sure of real pictures the discriminator may be, as the mean sign of its score."""
    ada_images: Images = 100_000
    """adaptive: images in which the share of changed pictures can go from 0 to 1."""


def option(name: str) -> str:
    """A field as it is typed on the command line: z_dim -> --z-dim."""
    return "--" + name.replace("_", "-")


def _no_such_field(name: str, known: list[str]) -> CondgenError:
    return CondgenError(f"no setting {name!r}{did_you_mean(name, known)} There are: {', '.join(known)}.")


def _in_one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    said = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{name} {said}, found {reprlib.repr(first['input'])} (on the command line: {option(name)})."
