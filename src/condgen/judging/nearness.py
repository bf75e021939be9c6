"""Which images are too near to training images, by comparison with real images that were not in training."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condgen.data import Dataset
from condgen.errors import CondgenError
from condgen.judging.reference import shuffled
from condgen.metrics import nearness
from condgen.metrics.estimate import Estimate, refused
from condgen.metrics.nearness import Nearness

COMPARED = 5000
"""Largest number of real images that the others are compared with."""
ATTACKED = 2000
"""Largest number of training images, and of other real images, that are attacked."""


@dataclass(frozen=True)
class RealNearness:
    """Training images, and how near real images are to them that were not in training."""

    train: Tensor
    """Pixels of all training images, (n, d)."""
    held_out: Tensor
    """Pixels of at most COMPARED test images, (m, d); (0, d) if there is no test split."""
    real: Tensor
    """Relative distances in increasing order: of these test images or, without a test split, of training images to the
    others."""

    @classmethod
    def of(cls, dataset: Dataset) -> "RealNearness":
        """Raises CondgenError if there are too few training images."""
        if len(dataset.train) < nearness.FEWEST:
            raise CondgenError(
                f"{dataset.name!r} has {len(dataset.train)} training images; {nearness.FEWEST} are needed."
            )
        train = nearness.flat(dataset.train.images)
        if dataset.test is None:
            some = train[torch.from_numpy(shuffled(len(train), "nearness")[:COMPARED])]
            return cls(train, train[:0], nearness.nearness(some, train, among_themselves=True).relative.sort().values)
        held_out = nearness.flat(dataset.test.images[shuffled(len(dataset.test), "nearness")[:COMPARED]])
        return cls(train, held_out, nearness.nearness(held_out, train).relative.sort().values)

    def nearness(self, images: NDArray[np.uint8]) -> Nearness:
        """Of images (n, h, w, c)."""
        return nearness.nearness(nearness.flat(images), self.train)

    def limit(self, percent: float) -> float:
        """The relative distance below which `percent` of the real images are."""
        return float(self.real.quantile(percent / 100))

    def nearer_than(self, found: Nearness) -> Tensor:
        """For each image, the percentage of real images that are at least as near as it is, (n,)."""
        return 100 * torch.searchsorted(self.real, found.relative, right=True) / len(self.real)

    def too_near(self, images: NDArray[np.uint8], percent: float) -> NDArray[np.bool_]:
        """Which images are nearer to a training image than all but `percent` of the real images are."""
        return (self.nearness(images).relative < self.limit(percent)).numpy()

    def attack(self, images: NDArray[np.uint8]) -> Estimate:
        """Accuracy of an attack that is given these generated images (`metrics.nearness.attack`)."""
        if not len(self.held_out):
            return refused("an attack needs real images that the generator has not seen: a test split.")
        members = self.train[torch.from_numpy(shuffled(len(self.train), "members")[:ATTACKED])]
        return nearness.attack(members, self.held_out[:ATTACKED], nearness.flat(images))
