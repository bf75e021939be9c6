"""Compares an exported program with the network: 256 fixed seeds over all labels, at several batch sizes."""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from condgen.data.transparency import premultiplied
from condgen.errors import CondgenError
from condgen.noise import draw_at
from condgen.options import Value, filled
from condgen.sampling.forward import generated, to_uint8
from condgen.sampling.sampler import Sampler
from condgen.spec import Prior, Spec

SEEDS, LARGEST_BATCH = 256, 4096
MOST = 1024
"""Maximum number of labels to compare; the label vectors of 20,000 labels would take 1.6 GB."""
BATCHES = (1, 7, 32)
"""Sizes of the first batches that the program generates; the remaining seeds form one more batch."""
Program = Callable[[Tensor, Tensor, Mapping[str, float]], NDArray[np.uint8]]
"""z (b, dim), y (b, K), sampling options -> images uint8 (b, h, w, c)."""


class Exported(nn.Module):
    """The module that every format contains: a generator with its sampling options and the rounding of its images.

    Inputs: z (b, dim), y (b, K), options as scalar tensors. Output: images uint8 (b, h, w, c). Options that are not
    inputs keep the values given here.
    """

    def __init__(self, net: nn.Module, values: Mapping[str, Value], free: Sequence[str] = ()) -> None:
        """free: the names of the options that are inputs, in this order."""
        super().__init__()
        self.net, self.values, self.free = net, dict(values), free

    def forward(self, z: Tensor, y: Tensor, *options: Tensor) -> Tensor:
        return to_uint8(generated(self.net, z, y, self.values | dict(zip(self.free, options, strict=True))))


@dataclass(frozen=True)
class Traceable:
    """A generator on the CPU with example inputs, as torch exports it. The batch size is free."""

    net: Exported
    prior: Prior
    labels: int
    free: tuple[str, ...] = ()
    """Names of the sampling options that are inputs of the program; only real numbers can be."""

    @classmethod
    def of(cls, sampler: Sampler, *, free_options: bool) -> "Traceable":
        values = filled(sampler.options, sampler.chosen)
        free = tuple(option.name for option in sampler.options if option.type is float) if free_options else ()
        net = Exported(copy.deepcopy(sampler.net).cpu().eval().requires_grad_(False), values, free)
        return cls(net, sampler.prior, len(sampler.spec.labels), free)

    @property
    def example(self) -> tuple[Tensor, ...]:
        points = torch.zeros(2, self.prior.dim), torch.zeros(2, self.labels)
        return (*points, *self.options.values())

    @property
    def options(self) -> dict[str, Tensor]:
        """The values of the free options, as scalar tensors."""
        return {name: torch.tensor(float(self.net.values[name])) for name in self.free}

    def program(self) -> torch.export.ExportedProgram:
        batch = {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)}
        shapes = (batch, batch, (None,) * len(self.free)) if self.free else (batch, batch)
        return torch.export.export(self.net, self.example, dynamic_shapes=shapes)


def points(spec: Spec, prior: Prior) -> tuple[Tensor, Tensor]:
    """z and y of image 0 of seeds 0, 1, ... with each label in turn, or every n-th if there are more than MOST.

    With attributes, the labels with all attributes but one are included too.
    """
    count = max(SEEDS, min(MOST, len(spec.labels)))
    z = torch.cat([draw_at(prior, seed, [0]) for seed in range(count)])
    each = torch.from_numpy(spec.labels.encode(list(spec.labels.each[:: -(-len(spec.labels) // MOST)])))
    turns = torch.cat([each, 1 - each]) if spec.labels.kind == "attributes" else each
    return z, turns[torch.arange(count) % len(turns)]


@dataclass(frozen=True)
class Difference:
    """Difference between the values of two sets of images, in grey levels (0 to 255)."""

    largest: int
    mean: float


def difference(sampler: Sampler, program: Program, options: Mapping[str, float] = {}) -> Difference:
    """Compare the images of a sampler with those of a program. options: inputs of the program besides z and y."""
    z, y = points(sampler.spec, sampler.prior)
    ours = sampler.with_options(**options).decode(z, y)
    sizes = [*BATCHES, len(z) - sum(BATCHES)]
    theirs = np.concatenate([program(*some, options) for some in zip(z.split(sizes), y.split(sizes), strict=True)])
    if theirs.shape != ours.shape or theirs.dtype != np.uint8:
        raise CondgenError(f"the exported program generates {theirs.dtype} {theirs.shape}, not uint8 {ours.shape}.")
    levels = np.abs(premultiplied(ours).astype(np.int16) - premultiplied(theirs))  # what is visible
    return Difference(int(levels.max()), round(float(levels.mean()), 4))


def check(sampler: Sampler, program: Program, allowed: Difference = Difference(1, 1.0)) -> Difference:
    """`difference` at the sampler's own option values. Raises CondgenError if it exceeds `allowed`."""
    return _allowed(difference(sampler, program), allowed)


def check_inputs(sampler: Sampler, program: Program, free: Iterable[str], allowed: Difference) -> None:
    """Raise CondgenError if a change of one of the option inputs `free` has another effect than in the sampler."""
    for option in sampler.options:
        if option.name in free:
            assert option.minimum is not None
            assert option.maximum is not None
            _allowed(difference(sampler, program, {option.name: (option.minimum + option.maximum) / 2}), allowed)


def _allowed(found: Difference, allowed: Difference) -> Difference:
    if found.largest > allowed.largest or found.mean > allowed.mean:
        raise CondgenError(
            f"the exported program differs from the network by up to {found.largest} grey levels, {found.mean:.2g} in "
            f"the mean, more than the {allowed.largest} and {allowed.mean:.2g} allowed; nothing was written."
        )
    return found
