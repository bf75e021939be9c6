"""Whether an exported program draws what the network draws: 256 fixed seeds over all labels, at several batch sizes."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from condgen.drawing.sampler import MICRO_BATCH, to_uint8
from condgen.errors import CondgenError
from condgen.noise import draw_at
from condgen.spec import Prior, Spec

SEEDS, LARGEST_BATCH = 256, 4096
MOST = 1024
"""Labels that are compared; of 20,000 the vectors alone would take 1.6 GB."""
BATCHES = (1, 7, 32)
"""Sizes that the program is asked in, one after the other; the rest of the seeds is one batch more."""
Program = Callable[[Tensor, Tensor], NDArray[np.uint8]]
"""z (b, dim), y (b, K) -> pictures uint8 (b, h, w, c)."""


class Drawing(nn.Module):
    """A generator with its rounding: z (b, dim), y (b, K) -> pictures uint8 (b, h, w, c); what every format holds."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return to_uint8(self.net(z, y))


def traceable(net: nn.Module, spec: Spec, prior: Prior) -> tuple[Drawing, tuple[Tensor, Tensor], dict[str, Any]]:
    """What torch exports: a copy of a generator on the CPU, an example of its inputs, and that their batch is free."""
    drawing = Drawing(copy.deepcopy(net).cpu().eval().requires_grad_(False))
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    example = torch.zeros(2, prior.dim), torch.zeros(2, len(spec.labels))
    return drawing, example, {"z": {0: batch}, "y": {0: batch}}


def points(spec: Spec, prior: Prior) -> tuple[Tensor, Tensor]:
    """z and y of picture 0 of seeds 0, 1, ...: every label in turn (of very many, every n-th); of attributes also all
    but one."""
    count = max(SEEDS, min(MOST, len(spec.labels)))
    z = torch.cat([draw_at(prior, seed, [0]) for seed in range(count)])
    each = torch.from_numpy(spec.labels.encode(list(spec.labels.each[:: -(-len(spec.labels) // MOST)])))
    turns = torch.cat([each, 1 - each]) if spec.labels.kind == "attributes" else each
    return z, turns[torch.arange(count) % len(turns)]


@dataclass(frozen=True)
class Difference:
    """Between the numbers of two sets of pictures, in grey levels of 255."""

    largest: int
    mean: float


@torch.no_grad()
def difference(net: nn.Module, spec: Spec, prior: Prior, program: Program) -> Difference:
    """Between what the network and what the program draws."""
    z, y = points(spec, prior)
    drawing = Drawing(net)
    ours = torch.cat([drawing(*some) for some in zip(z.split(MICRO_BATCH), y.split(MICRO_BATCH), strict=True)])
    sizes = [*BATCHES, len(z) - sum(BATCHES)]
    theirs = np.concatenate([program(*some) for some in zip(z.split(sizes), y.split(sizes), strict=True)])
    if theirs.shape != tuple(ours.shape) or theirs.dtype != np.uint8:
        raise CondgenError(f"the exported program draws {theirs.dtype} {theirs.shape}, not uint8 {tuple(ours.shape)}.")
    levels = np.abs(ours.numpy().astype(np.int16) - theirs)
    return Difference(int(levels.max()), round(float(levels.mean()), 4))


def check(
    net: nn.Module, spec: Spec, prior: Prior, program: Program, allowed: Difference = Difference(1, 1.0)
) -> Difference:
    """`difference`, or CondgenError if it is more than `allowed`."""
    found = difference(net, spec, prior, program)
    if found.largest > allowed.largest or found.mean > allowed.mean:
        raise CondgenError(
            f"the exported program differs from the network by up to {found.largest} grey levels, {found.mean:.2g} in "
            f"the mean, where {allowed.largest} and {allowed.mean:.2g} may be; nothing was written."
        )
    return found
