"""What a picture is, and where its noise comes from. Plain data: no torch."""

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from condgen.labels import Labels
from condgen.options import TRUNCATION, Option

Fit = Literal["crop", "pad", "stretch"]
"""How picture files that are not square become so."""
OnBad = Literal["skip", "stop"]
"""What is done about files that cannot be used."""


@dataclass(frozen=True)
class Spec:
    """The shape of one picture and the labels it can carry; all that a system needs to know of a data set."""

    shape: tuple[int, int, int]
    """(channels, height, width)"""
    labels: Labels

    @property
    def channels(self) -> int:
        return self.shape[0]

    @property
    def pixels(self) -> int:
        """Numbers in one picture: channels x height x width."""
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
    """The distribution of the latent z: each of `dim` numbers N(0, 1), or uniform on [0, 1)."""

    dim: int
    kind: Literal["normal", "uniform"] = "normal"

    @property
    def options(self) -> tuple[Option, ...]:
        """What may be chosen of z when images are generated."""
        return (TRUNCATION,) if self.kind == "normal" else ()
