"""How near images are to training images, relative to their surroundings; and an attack on the membership of images.

The relative distance of an image is the distance to its nearest training image, divided by the mean distance to the 50
nearest. It is about 0.8 for real digits and 0 for a copy. Simple images are near to many others, so that their plain
distance says little (Carlini et al. 2023, arXiv 2301.13188, section 5.1, relate it to 50 neighbours too). Distances are
those of pixels, not of features: a feature classifier has seen the training images, and no others.

The attack follows GAN-Leaks (Chen et al. 2020, arXiv 1909.03935): an image is guessed to be a training image if a
generated one is near to it.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from condgen.metrics import neighbours
from condgen.metrics.estimate import Estimate, refused, share

NEIGHBOURS = 50
FEWEST = 10
"""Training images that a relative distance needs."""
SIDE = 32
"""Larger images are averaged over squares until no side exceeds this, to save time."""


class Nearness(NamedTuple):
    """Of n images."""

    relative: Tensor
    """Relative distance, (n,): 0 for a copy."""
    which: Tensor
    """Row of the nearest training image, (n,)."""

    def rows(self, chosen: NDArray[Any] | Tensor) -> "Nearness":
        return Nearness(self.relative[chosen], self.which[chosen])


def flat(images: NDArray[np.uint8]) -> Tensor:
    """Pixels of images (n, h, w, c) in [0, 1], averaged to at most SIDE pixels, as (n, d)."""
    square = -(-max(images.shape[1:3]) // SIDE)
    parts = [torch.from_numpy(some).permute(0, 3, 1, 2).float() / 255 for some in _chunks(images)]
    return torch.cat(
        [F.avg_pool2d(x, square, ceil_mode=True).flatten(1) if square > 1 else x.flatten(1) for x in parts]
    )


def nearness(x: Tensor, train: Tensor, among_themselves: bool = False) -> Nearness:
    """Nearness of images (n, d) to training images (m, d), m >= FEWEST.

    among_themselves: x are the training images, each of which is compared with the others.
    """
    first = int(among_themselves)
    count = min(NEIGHBOURS + first, len(train))
    found = [some.topk(count, largest=False) for some in neighbours.distances(x, train)]
    distances, rows = (torch.cat(parts)[:, first:] for parts in zip(*found, strict=True))
    return Nearness(distances[:, 0] / distances.mean(1).clamp_min(1e-12), rows[:, 0])


def attack(members: Tensor, others: Tensor, generated: Tensor) -> Estimate:
    """Accuracy at separating training images (n, d) from other real images (n, d) by the distance to the nearest
    generated image; 0.5 is chance. The threshold for one half of the images is chosen on the other half."""
    n = min(len(members), len(others))
    if n < FEWEST:
        return refused(f"an attack needs {FEWEST} training and {FEWEST} other real images, found {n}.", n)
    distances = [neighbours.nearest(x[:n], generated)[0] for x in (members, others)]
    halves = [[side[start::2] for side in distances] for start in (0, 1)]
    right = sum(
        int((inside <= limit).sum() + (outside > limit).sum())
        for (inside, outside), limit in zip(halves, map(_threshold, reversed(halves)), strict=True)
    )
    return share(right, 2 * n)


def _threshold(half: list[Tensor]) -> float:
    """The distance that separates members and others best."""
    inside, outside = half
    values, order = torch.cat([inside, outside]).sort()
    gains = torch.where(order < len(inside), 1, -1).cumsum(0)
    return float(values[gains.argmax()])


def _chunks(images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return np.split(images, range(1000, len(images), 1000))
