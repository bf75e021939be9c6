"""Sampling options: what can be chosen when images are generated, besides label and seed, such as truncation.

A system declares its sampling options once, in `System.options`; a prior adds its own (`spec.Prior.options`). They do
not change the weights. The command line, the Python interface, the HTTP schema, the page, exports and the card are all
generated from the declaration, so a new option needs no other edit.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from condgen.errors import CondgenError, unknown

Value = int | float | str
Values = dict[str, Value]
"""Values of sampling options, by name."""
RESERVED = {
    *("run", "labels", "count", "seed", "first", "out", "grid", "shard", "best", "device", "data", "images", "json"),
    *("format", "points", "z", "y", "help", "quiet", "view", "label", "to", "part", "right", "up"),
}
"""Names that have another meaning in requests."""


class Option(BaseModel):
    """A sampling option: a number within bounds, or one of several words."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
    help: Annotated[str, Field(max_length=300)]
    """One sentence for `--help`, the HTTP schema and the page."""
    default: Value
    """The default value. Its type is the type of the option."""
    minimum: int | float | None = None
    maximum: int | float | None = None
    choices: Annotated[tuple[str, ...], Field(strict=False, max_length=20)] = ()

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.name in RESERVED:
            raise ValueError(f"{self.name!r} already names something else in a request")
        if isinstance(self.default, str) != bool(self.choices) or isinstance(self.default, bool):
            raise ValueError(f"{self.name!r} should be a number, or a word with choices")
        if isinstance(self.default, int | float) and None in (self.minimum, self.maximum):
            raise ValueError(f"{self.name!r} needs a minimum and a maximum")
        self.check(self.default)
        return self

    @property
    def type(self) -> type[int] | type[float] | type[str]:
        return str if self.choices else type(self.default)

    def to_json(self) -> dict[str, Any]:
        """The declaration as plain data, in the form used by cards, the HTTP interface and the page."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def check(self, value: Any) -> Value:
        """Validate a value and convert it to the option's type. Raises CondgenError, naming the option, if invalid."""
        if self.choices:
            if value not in self.choices:
                raise CondgenError(f"{self.name} should be one of {', '.join(self.choices)}, found {value!r}.")
            return str(value)
        assert self.minimum is not None
        assert self.maximum is not None
        fits = isinstance(value, int if self.type is int else int | float) and not isinstance(value, bool)
        if not fits or not self.minimum <= value <= self.maximum:
            kind = "a whole number" if self.type is int else "a number"
            raise CondgenError(f"{self.name} should be {kind} from {self.minimum} to {self.maximum}, found {value!r}.")
        return self.type(value)


TRUNCATION = Option(
    name="truncation",
    help="Scale of the latent vector, from 1 (as in training) to 0 (its mean): less variety, more typical images.",
    default=1.0,
    minimum=0.0,
    maximum=1.0,
)
"""The truncation trick for normal priors; see Brock et al. 2018 (arXiv 1809.11096, section 3.1) and Karras et al. 2018
(arXiv 1812.04948, appendix B). z is scaled towards its mean, as in the latter; the former resamples outliers."""


PRECISION = Option(
    name="precision",
    help="Precision of the computation: fp64 gives the same bytes as an ONNX file that is exported in fp64, and takes "
    "several times as long.",
    default="fp32",
    choices=("fp32", "fp64"),
)
"""An option of every generator. Libraries add the terms of a sum in different orders, so that rounding to 0 ... 255
differs in a few of a million pixels with fp32; with fp64, in fewer than one of 10^10."""


def with_precision(declared: Iterable[Option]) -> tuple[Option, ...]:
    """All options of a generator: those that its prior and its system declare, then the precision."""
    return (*(option for option in declared if option.name != PRECISION.name), PRECISION)


def checked(declared: Iterable[Option], given: Mapping[str, object]) -> Values:
    """Validate the values in `given`, and leave out those that equal the default. Raises CondgenError for an undeclared
    name or an invalid value."""
    known = {option.name: option for option in declared}
    for name in given:
        if name not in known:
            if not known:
                raise CondgenError(f"this generator has no sampling options, found {name!r}.")
            raise unknown("sampling option", name, known)
    found = {name: known[name].check(value) for name, value in given.items()}
    return {name: value for name, value in found.items() if value != known[name].default}


def filled(declared: Iterable[Option], values: Mapping[str, Value]) -> Values:
    """A value for each declared option; the default if `values` has none."""
    return {option.name: values.get(option.name, option.default) for option in declared}


def rebased(declared: Iterable[Option], chosen: Mapping[str, Value]) -> tuple[Option, ...]:
    """Replace the defaults of the options by the chosen values."""
    return tuple(option.model_copy(update={"default": chosen.get(option.name, option.default)}) for option in declared)
