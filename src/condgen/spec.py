"""Shape and labels of images, and the prior of the latent vector. Plain data, without torch."""

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from condgen.labels import Labels
from condgen.options import TRUNCATION, Option

Fit = Literal["crop", "pad", "stretch"]
"""Method of making images square."""
OnBad = Literal["skip", "stop"]
"""Handling of files that cannot be read as images: skip them, or stop at the first."""
HeldOut = Literal["per_class", "none", "overall"]
"""How test images are held out if the data have none: a tenth of each class, no images, or a tenth of all files."""


@dataclass(frozen=True)
class Spec:
    """Image shape and labels: everything that a system needs to know about a data set."""

    shape: tuple[int, int, int]
    """(channels, height, width)"""
    labels: Labels

    @property
    def channels(self) -> int:
        return self.shape[0]

    @property
    def pixels(self) -> int:
        """Values per image: channels x height x width."""
        return prod(self.shape)

    def to_json(self) -> dict[str, Any]:
        labels = {"names": list(self.labels.names), "kind": self.labels.kind}
        return {"shape": list(self.shape), "labels": labels}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Spec":
        labels = Labels(tuple(data["labels"]["names"]), data["labels"]["kind"])
        channels, height, width = data["shape"]
        return cls((channels, height, width), labels)


@dataclass(frozen=True)
class Prior:
    """The distribution of the latent vector z (dim,): each component is N(0, 1), or uniform on [0, 1)."""

    dim: int
    kind: Literal["normal", "uniform"] = "normal"

    @property
    def options(self) -> tuple[Option, ...]:
        """The sampling options that apply to z."""
        return (TRUNCATION,) if self.kind == "normal" else ()
