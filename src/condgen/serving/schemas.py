"""The requests of the HTTP API as strict models: unknown fields, wrong types and numbers out of range are refused.

Their JSON schemas are published at /openapi.json.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from condgen.options import Option

Seed = Annotated[int, Field(ge=-(2**63), lt=2**63, description="Random seed. Another seed gives other images.")]
Index = Annotated[int, Field(ge=0, lt=2**31, description="Index of the image among those of its seed.")]
Part = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(max_length=1000)]
Name = Annotated[str, Field(max_length=1000)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Weight = Annotated[float, Field(ge=0, le=1e9)]
Number = Annotated[float, Field(ge=-1000, le=1000)]
MOST_NUMBERS = 65_536
"""Maximum dimension of a latent vector in a request."""


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class Sample(Strict):
    """A request for images, the same as those of `condgen sample`."""

    labels: Text | Annotated[dict[Name, Count], Field(min_length=1, max_length=1000)] = Field(
        "all", description="As on the command line: 8, Sneaker, 0-9, 3,5,8, 3=2,8=5 or all; or counts by label."
    )
    mix: Text | Annotated[dict[Name, Weight], Field(min_length=1, max_length=1000)] | None = Field(
        None, description="Instead of labels: 3:.5,8:.5, or weights by label."
    )
    count: Count = Field(1, description="Images of the mix, and of each label without a count of its own.")
    seed: Seed = 0
    format: Literal["png", "grid", "zip", "npy"] = Field(
        "png",
        description="One image; a sheet with a column per label; PNG files and a manifest; uint8 (n, h, w[, 3]).",
    )


class Seeded(Strict):
    """The z of image `index` under `seed`."""

    seed: Seed = 0
    index: Index = 0


class Between(Strict):
    """On the way from one z to another."""

    from_: Seeded = Field(alias="from")
    to: Seeded
    part: Part = Field(description="Position: 0 is `from`, 1 is `to`.")


class Near(Strict):
    """Like one image, a short way towards another."""

    near: Seeded
    seed: Seed = 0
    index: Index = 0
    distance: Part


class At(Strict):
    """A point of the latent space itself."""

    at: list[Number] = Field(min_length=1, max_length=MOST_NUMBERS, description="The latent vector.")


class Point(Strict):
    """One image: what it should show, and which of all images that show it."""

    y: list[Part] = Field(min_length=1, max_length=20_000, description="One number per label: 1 is on, 0 is off.")
    z: At | Near | Between | Seeded

    @property
    def recipe(self) -> dict[str, Any]:
        """z in the form that the model process accepts."""
        return self.z.model_dump(by_alias=True)


class Points(Strict):
    points: list[Point] = Field(min_length=1, max_length=256)


M = TypeVar("M", bound=Strict)


def with_options(model: type[M], options: Iterable[Option]) -> type[M]:
    """The request model with fields for the sampling options of the served generator."""
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, **{o.name: _field(o) for o in options})


def _field(option: Option) -> Any:
    if option.choices:
        return Literal[option.choices], Field(option.default, description=option.help)
    return option.type, Field(option.default, ge=option.minimum, le=option.maximum, description=option.help)


MODELS = (Sample, Seeded, Between, Near, At, Point, Points)
FIELDS = {field.alias or name for model in MODELS for name, field in model.model_fields.items()}
"""Field names that an error message may repeat, in addition to those of the sampling options."""
