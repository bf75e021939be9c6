"""card.json: everything needed to generate images from the weights beside it.

The schema is closed: unknown keys are refused, every size is bounded, and no field is a path, a module or code. A run's
generator/ and an exported folder use the same schema; an export has more fields. Only `build_on_meta` needs torch.
"""

import reprlib
from collections.abc import Mapping
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError, model_validator

from condgen import disk, records
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, shortened
from condgen.labels import Labels
from condgen.options import Option, rebased
from condgen.plugins import is_path
from condgen.sharing import strict
from condgen.sharing.strict import Refused
from condgen.spec import Fit, Prior, Spec
from condgen.systems import preset, presets
from condgen.version import __version__

if TYPE_CHECKING:
    from condgen.system import System

NAME = "card.json"
FORMAT = 5
"""Version of the schema. In 1, cards have no seal; in 2, they list no sampling options; in 3, no data options; up to 4,
no labels without images, and test images are held out by the rule `overall`."""
RANGE = [0, 255]
"""Range of the values of generated images."""
LARGEST_BATCH = 2**27
"""Maximum number of values in one micro-batch of images: half a gigabyte as float32."""

MOST_ATTRIBUTES = 4096
"""Maximum number of attributes: each label vector has that many values, and "all" requests that many labels."""
ROOM = 2**17
"""Bytes reserved in a card for the fields that an evaluation and an export add."""

Word = Annotated[str, Field(max_length=1000)]
Text = Annotated[str, Field(max_length=20_000)]
Sha = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Side = Annotated[int, Field(ge=1, le=2048)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class LabelSet(Part):
    names: Annotated[list[Word], Field(min_length=1, max_length=20_000)]
    kind: Literal["classes", "attributes"]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind == "attributes" and len(self.names) > MOST_ATTRIBUTES:
            raise ValueError(f"{len(self.names):,} attributes are more than {MOST_ATTRIBUTES:,}")
        return self


class Images(Part):
    shape: Annotated[list[Side], Field(min_length=3, max_length=3)]
    labels: LabelSet


class Noise(Part):
    dim: Annotated[int, Field(ge=1, le=65_536)]
    kind: Literal["normal", "uniform"]


class Data(Part):
    name: Annotated[str, Field(max_length=4096)]
    fingerprint: Annotated[str, Field(max_length=128)]
    options: DataOptions | None = None
    """The options for reading the data that differ from their defaults."""
    empty: Annotated[list[NonNegativeInt], Field(max_length=20_000)] | None = None
    """Numbers of the labels without training images; absent if there are none."""
    labels: Text | None = None
    size: Side | None = None
    fit: Fit = "crop"
    """labels, size and fit are the former options of `condgen train`, up to format 3."""


class Paper(Part):
    short: Word
    bibtex: Text


class Measured(Part):
    """The value of a metric, as written by `metrics.estimate.Estimate`."""

    value: float | None
    error: float | None
    n: NonNegativeInt
    refused: Word | None = None


class Score(Measured):
    real: Measured | None = None
    """The value of the same metric for real images."""


class Parity(Part):
    """`sharing.parity.Difference` between the exported program and the network, in grey levels."""

    largest: NonNegativeInt
    mean: float


class Card(Part):
    """The schema of a card."""

    condgen: Word
    format: Annotated[int, Field(ge=1, le=FORMAT)]
    system: Word
    config: Annotated[dict[Word, bool | int | float | Word | None], Field(max_length=100)]
    spec: Images
    prior: Noise
    micro_batch: Annotated[int, Field(ge=1, le=1024)]
    images: NonNegativeInt
    seed: int
    data: Data
    weights: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.safetensors$")]
    sha256: Sha
    scores: Annotated[dict[Word, float | Score], Field(max_length=100)] | None = None
    seal: Sha | None = None
    options: Annotated[list[Option], Field(max_length=20)] | None = None
    """The sampling options, for help texts and pages; the system itself validates the values."""
    sampling: Annotated[dict[Word, int | float | Word], Field(max_length=20)] | None = None
    """Values of sampling options that differ from the defaults."""

    paper: Paper | None = None
    range: list[int] | None = None
    licence: Word | None = None
    exported: Word | None = None
    """The requested export format."""
    precision: Word | None = None
    parity: Parity | None = None
    measured: Word | None = None
    """How the scores were measured, in one sentence."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.micro_batch * prod(self.spec.shape) > LARGEST_BATCH:
            raise ValueError(f"micro_batch images of that shape are more than {LARGEST_BATCH:,} numbers")
        if (self.seal is None) != (self.format == 1):
            raise ValueError("seal should be there from format 2 on")
        return self


def sealed(about: Mapping[str, Any]) -> dict[str, Any]:
    """Add the format to a card and, as the last entry, a hash of all others, which detects accidental changes."""
    whole = {"condgen": __version__, "format": FORMAT, **about}
    return records.sealed(whole)


def check(about: Mapping[str, Any]) -> None:
    """Raise CondgenError if a generator with this card could not be loaded after training.

    The message names the exceeded limit and the setting to change.
    """
    example = sealed({**about, "weights": "weights-000000000000.safetensors", "sha256": "0" * 64})
    try:
        Card.model_validate(example)
    except ValidationError as error:
        raise CondgenError(f"the trained generator could not be loaded again: {_limit(error, about)}") from None
    size = len(disk.as_json(example))
    if size > strict.LARGEST - ROOM:
        raise CondgenError(
            f"the trained generator could not be loaded again: its card would have {size:,} bytes, mostly label names, "
            f"and at most {strict.LARGEST - ROOM:,} are allowed; shorten the names, or train on fewer labels."
        )


def read(path: Path) -> dict[str, Any]:
    """Read and validate a card, as plain data. Raises Refused, with the name of the file in the message."""
    found = strict.read(path)
    try:
        if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
            raise Refused(f"has format {found['format']}; upgrade condgen to read it")
        Card.model_validate(found)
        if "seal" in found and found["seal"] != records.seal_of(found):
            raise Refused("has changed since it was written")
        Labels(tuple(found["spec"]["labels"]["names"]))
    except ValidationError as error:
        raise Refused(f"{str(path)!r} is not a valid card: {_in_words(error)}.") from None
    except CondgenError as error:
        raise Refused(f"{str(path)!r} {str(error).rstrip('.')}.") from None
    about: dict[str, Any] = found
    return about


def build_on_meta(about: Mapping[str, Any]) -> "System":
    """The system that a card describes, on torch's meta device: its parameters have shapes but use no memory.

    Raises CondgenError for an unknown system, unknown settings or values out of range, or another prior than that of
    the system.
    """
    try:
        found = preset(about["system"])
        system = found.build_on_meta(Spec.from_json(about["spec"]), found.config.with_overrides(about["config"]))
    except CondgenError as error:
        raise Refused(f"its {NAME} cannot be used: {error}") from None
    except (RuntimeError, OverflowError, ValueError) as error:  # the product of the sizes overflows
        raise Refused(f"no network can have the sizes of this card ({str(error).splitlines()[0][:80]}).") from None
    if asdict(system.prior) != about["prior"]:
        raise Refused(f"{about['system']} with these settings takes noise {asdict(system.prior)}, the card says "
                      f"{about['prior']}.")  # fmt: skip
    return system


def options(about: Mapping[str, Any]) -> tuple[Option, ...]:
    """The sampling options that a card lists, with its chosen values as defaults. Needs no torch.

    For a card before format 3, the options of its prior.
    """
    listed = about.get("options")
    declared = Prior(**about["prior"]).options if listed is None else map(Option.model_validate, listed)
    return rebased(declared, about.get("sampling") or {})


def has_plane(about: Mapping[str, Any], prior: Prior) -> bool:
    """Whether z is the plane of an autoencoder, which can be shown as a map."""
    name = about.get("system") or ""
    known = name in presets() or is_path(name)
    return prior.dim == 2 and known and hasattr(preset(name).system, "encode")


def _limit(error: ValidationError, about: Mapping[str, Any]) -> str:
    """The first limit that a card exceeds and the setting of the training to change, in words."""
    first = error.errors()[0]
    names = about["spec"]["labels"]["names"]
    match first["loc"]:
        case ("spec", "labels", "names", int(place)) if first["type"] == "string_too_long":
            name = names[place]
            return f"label {place} ({shortened(name)!r}) has {len(name):,} characters; at most 1,000 are allowed."
        case ("spec", "labels", "names", int(place)):
            return f"label {place} ({shortened(names[place])!a}) is not valid Unicode text; rename it."
        case ("spec", "labels", *_):
            return f"it has {len(names):,} labels; at most 20,000 classes or 4,096 attributes are allowed."
        case ("spec", "shape", *_):
            height, width = about["spec"]["shape"][1:]
            return f"its images have {height} x {width} pixels; sides may have at most 2,048. Give a smaller --size."
        case ("data", "name"):
            return "the path to the data has more than 4,096 characters; give a shorter --data."
        case ("data", "labels"):
            return "--attributes has more than 20,000 characters; choose fewer."
        case ():
            return f"{first['msg'].removeprefix('Value error, ')}; give a smaller --size."
        case _:
            return f"{_in_words(error)}; change that setting."


def _in_words(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part)[:40] for part in first["loc"]) or "it"
    said = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{where}: {said}, found {reprlib.repr(first['input'])}"
