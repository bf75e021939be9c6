"""The card of a generator: everything needed to generate images from the weights beside it. Needs no torch.

The schema is closed: unknown keys are refused, every size is bounded, and no field is a path, a module or code. A run's
generator/ and an exported folder use the same schema; an export has more fields. sharing/card.py reads cards of others.
"""

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, model_validator

from condgen import disk, records
from condgen.data_options import DataOptions
from condgen.labels import ANY, Labels
from condgen.options import Option, Values, rebased, with_precision
from condgen.spec import Fit, Prior, Spec
from condgen.version import __version__

FORMAT = 8
"""Version of the schema. In 1, cards have no seal; in 2, they list no sampling options; in 3, no data options; up to 4,
no labels without images, and test images are held out by the rule `overall`; up to 7, some settings are missing
(`former.DEFAULTS`)."""
LARGEST_BATCH = 2**27
"""Maximum number of values in one micro-batch, of images or of latent vectors: half a gigabyte as float32."""
MOST_ATTRIBUTES = 4096
"""Maximum number of attributes: each label vector has that many values, and "all" requests that many labels."""

Word = Annotated[str, Field(max_length=1000)]
Text = Annotated[str, Field(max_length=20_000)]
Sha = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Side = Annotated[int, Field(ge=1, le=2048)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


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
    dim: Annotated[int, Field(ge=1, le=LARGEST_BATCH)]
    kind: Literal["normal", "uniform"]


class Data(Part):
    name: Annotated[str, Field(max_length=4096)]
    fingerprint: Annotated[str, Field(max_length=128)]
    empty: Annotated[list[NonNegativeInt], Field(max_length=20_000)] | None = None
    """Numbers of the labels without training images; absent if there are none."""
    options: DataOptions | None = None
    """The options for reading the data that differ from their defaults."""
    labels: Text | None = None
    size: Side | None = None
    fit: Fit = "crop"
    """labels, size and fit are the former options of `condgen train`, up to format 3."""


class Paper(Part):
    short: Word
    bibtex: Text


Number = int | float
"""Integers are kept as such, so that a card that is read and written has the same bytes."""


class Measured(Part):
    """The value of a metric, as written by `metrics.estimate.Estimate`."""

    value: Number | None
    error: Number | None
    n: NonNegativeInt
    refused: Word | None = None


class Score(Measured):
    real: Measured | None = None
    """The value of the same metric for real images."""


class Parity(Part):
    """`sharing.parity.Difference` between the exported program and the network, in grey levels."""

    largest: NonNegativeInt
    mean: Number


class Card(Part):
    """A card.json. `read` in sharing/card.py also verifies its seal.

    The order of the fields is that of the file. Fields that are not given are not written.
    """

    condgen: Word
    """Version of condgen that wrote the card."""
    format: Annotated[int, Field(ge=1, le=FORMAT)]
    system: Word
    config: Annotated[dict[Word, bool | int | float | Word | None], Field(max_length=100)]
    spec: Images
    prior: Noise
    micro_batch: Annotated[int, Field(ge=1, le=1024)]
    images: NonNegativeInt
    """Number of training images that the weights have seen."""
    seed: int
    data: Data
    options: Annotated[list[Option], Field(max_length=20)] | None = None
    """The sampling options that the system declares; the system itself validates their values."""
    sampling: Annotated[dict[Word, int | float | Word], Field(max_length=20)] | None = None
    """Values of sampling options that differ from the defaults."""

    paper: Paper | None = None
    scores: Annotated[dict[Word, Number | Score], Field(max_length=100)] | None = None
    """Metrics by name: values that were logged during training, or complete ones."""
    measured: Word | None = None
    """How the scores were measured, in one sentence."""
    licence: Word | None = None
    exported: Word | None = None
    """The requested export format."""
    precision: Word | None = None
    range: list[int] | None = None

    weights: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.safetensors$")]
    """Name of the file of the weights, which is beside the card."""
    sha256: Sha
    """SHA-256 of that file."""
    parity: Parity | None = None
    seal: Sha | None = None
    """Hash of the card itself when it was read, which detects accidental changes."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.micro_batch * prod(self.spec.shape) > LARGEST_BATCH:
            raise ValueError(f"micro_batch images of that shape are more than {LARGEST_BATCH:,} numbers")
        if self.micro_batch * self.prior.dim > LARGEST_BATCH:
            raise ValueError(f"micro_batch latent vectors of that dimension are more than {LARGEST_BATCH:,} numbers")
        if (self.seal is None) != (self.format == 1):
            raise ValueError("seal should be there from format 2 on")
        return self

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Card":
        """A card of this version. facts: its other fields, as JSON. Raises pydantic.ValidationError if one is wrong."""
        return cls.model_validate(records.sealed({**facts, "condgen": __version__, "format": FORMAT}))

    def __repr__(self) -> str:
        return f"Card({self.system} on {self.data.name}, {self.images:,} images, weights {self.sha256[:12]})"

    @property
    def image_spec(self) -> Spec:
        """Shape and labels of the images."""
        channels, height, width = self.spec.shape
        return Spec((channels, height, width), Labels(tuple(self.spec.labels.names), self.spec.labels.kind))

    @property
    def latent_prior(self) -> Prior:
        """The distribution of the latent vector z."""
        return Prior(self.prior.dim, self.prior.kind)

    @property
    def sampling_options(self) -> tuple[Option, ...]:
        """The sampling options, with the chosen values as defaults. Before format 3, they are those of the prior. Cards
        of earlier versions do not list the precision."""
        declared = self.latent_prior.options if self.options is None else self.options
        return rebased(with_precision(declared), self.sampling or {})

    @property
    def empty(self) -> frozenset[int]:
        """Numbers of the labels without training images, which cannot be requested."""
        names = self.spec.labels.names
        listed = () if names == [*ANY.names] else self.data.empty or ()
        return frozenset(number for number in listed if number < len(names))

    def with_data_options(self, options: Mapping[str, Any]) -> "Card":
        """The card with these options for reading the data."""
        return self.model_copy(update={"data": self.data.model_copy(update={"options": DataOptions(**options)})})

    def with_sampling(self, values: Values) -> "Card":
        """The card of the same generator under these sampling options; those that equal the default are left out."""
        return self.model_copy(update={"sampling": values or None})

    def with_weights(self, name: str, sha256: str) -> "Card":
        """The same card for a file of weights of this name and hash."""
        return self.model_copy(update={"weights": name, "sha256": sha256})

    def to_json(self) -> dict[str, Any]:
        """The content of card.json, with a seal that fits it."""
        written = self.model_dump(mode="json", exclude_unset=True, exclude={"seal"})
        content = {name: value for name, value in written.items() if value is not None}
        return records.sealed(content) if self.format > 1 else content

    def save(self, path: Path) -> None:
        """Write card.json. Raises DiskError if that fails."""
        disk.write_json(path, self.to_json())
