"""Compares an exported program with the network: 256 fixed seeds over all labels, at several batch sizes."""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from condgen.errors import CondgenError
from condgen.noise import draw_at
from condgen.options import Value, filled
from condgen.sampling.sampler import Sampler, generated, to_uint8
from condgen.spec import Prior, Spec

SEEDS, LARGEST_BATCH = 256, 4096
MOST = 1024
"""Labels that are compared; of 20,000 the vectors alone would take 1.6 GB."""
BATCHES = (1, 7, 32)
"""Sizes that the program is asked in, one after the other; the rest of the seeds is one batch more."""
Program = Callable[[Tensor, Tensor, Mapping[str, float]], NDArray[np.uint8]]
"""z (b, dim), y (b, K), sampling options -> images uint8 (b, h, w, c)."""


class Drawing(nn.Module):
    """A generator with its sampling options and its rounding: z (b, dim), y (b, K), options as scalar tensors ->
    images uint8 (b, h, w, c); what every format holds. An option that is not an input keeps the value it has here."""

    def __init__(self, net: nn.Module, values: Mapping[str, Value], free: Sequence[str] = ()) -> None:
        """free: the names of the options that are inputs, in this order."""
        super().__init__()
        self.net, self.values, self.free = net, dict(values), free

    def forward(self, z: Tensor, y: Tensor, *options: Tensor) -> Tensor:
        return to_uint8(generated(self.net, z, y, self.values | dict(zip(self.free, options, strict=True))))


@dataclass(frozen=True)
class Traceable:
    """What torch exports: a generator on the CPU, an example of its inputs, and that their batch is free."""

    net: Drawing
    prior: Prior
    labels: int
    free: tuple[str, ...] = ()
    """The sampling options that are inputs of the program: those that are fractional numbers."""

    @classmethod
    def of(cls, sampler: Sampler, *, free_options: bool) -> "Traceable":
        values = filled(sampler.options, sampler.chosen)
        free = tuple(option.name for option in sampler.options if option.type is float) if free_options else ()
        net = Drawing(copy.deepcopy(sampler.net).cpu().eval().requires_grad_(False), values, free)
        return cls(net, sampler.prior, len(sampler.spec.labels), free)

    @property
    def example(self) -> tuple[Tensor, ...]:
        points = torch.zeros(2, self.prior.dim), torch.zeros(2, self.labels)
        return (*points, *self.options.values())

    @property
    def options(self) -> dict[str, Tensor]:
        """The values of the free options as the program takes them."""
        return {name: torch.tensor(float(self.net.values[name])) for name in self.free}

    def program(self) -> torch.export.ExportedProgram:
        batch = {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)}
        shapes = (batch, batch, (None,) * len(self.free)) if self.free else (batch, batch)
        return torch.export.export(self.net, self.example, dynamic_shapes=shapes)


def points(spec: Spec, prior: Prior) -> tuple[Tensor, Tensor]:
    """z and y of image 0 of seeds 0, 1, ...: every label in turn (of very many, every n-th); of attributes also all
    but one."""
    count = max(SEEDS, min(MOST, len(spec.labels)))
    z = torch.cat([draw_at(prior, seed, [0]) for seed in range(count)])
    each = torch.from_numpy(spec.labels.encode(list(spec.labels.each[:: -(-len(spec.labels) // MOST)])))
    turns = torch.cat([each, 1 - each]) if spec.labels.kind == "attributes" else each
    return z, turns[torch.arange(count) % len(turns)]


@dataclass(frozen=True)
class Difference:
    """Between the numbers of two sets of images, in grey levels of 255."""

    largest: int
    mean: float


def difference(sampler: Sampler, program: Program, options: Mapping[str, float] = {}) -> Difference:
    """Between what a sampler and what a program generates. options: inputs of the program beside z and y."""
    z, y = points(sampler.spec, sampler.prior)
    ours = sampler.with_options(**options).decode(z, y)
    sizes = [*BATCHES, len(z) - sum(BATCHES)]
    theirs = np.concatenate([program(*some, options) for some in zip(z.split(sizes), y.split(sizes), strict=True)])
    if theirs.shape != ours.shape or theirs.dtype != np.uint8:
        raise CondgenError(f"the exported program draws {theirs.dtype} {theirs.shape}, not uint8 {ours.shape}.")
    levels = np.abs(ours.astype(np.int16) - theirs)
    return Difference(int(levels.max()), round(float(levels.mean()), 4))


def check(sampler: Sampler, program: Program, allowed: Difference = Difference(1, 1.0)) -> Difference:
    """`difference` at the values that the sampler has, or CondgenError if it is more than `allowed`."""
    return _allowed(difference(sampler, program), allowed)


def check_inputs(sampler: Sampler, program: Program, free: Iterable[str], allowed: Difference) -> None:
    """Raises CondgenError if the program does not follow one of its inputs `free` as the sampler does."""
    for option in sampler.options:
        if option.name in free:
            assert option.minimum is not None
            assert option.maximum is not None
            _allowed(difference(sampler, program, {option.name: (option.minimum + option.maximum) / 2}), allowed)


def _allowed(found: Difference, allowed: Difference) -> Difference:
    if found.largest > allowed.largest or found.mean > allowed.mean:
        raise CondgenError(
            f"the exported program differs from the network by up to {found.largest} grey levels, {found.mean:.2g} in "
            f"the mean, where {allowed.largest} and {allowed.mean:.2g} may be; nothing was written."
        )
    return found
