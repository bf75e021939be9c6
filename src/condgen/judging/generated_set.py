"""Generated images, with the judge's predictions of them."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condgen.data import Split
from condgen.judging.classifier import Predictions
from condgen.judging.reference import Reference, Samples, shuffled
from condgen.labels import ANY, Label, from_rows
from condgen.metrics import frechet
from condgen.metrics.estimate import Estimate, refused
from condgen.progress import tracked
from condgen.sampling.sampler import MICRO_BATCH, Sampler

Estimates = Iterator[tuple[str, Estimate]]
"""Metrics by their names in `metrics.METRICS`."""


class GeneratedSet:
    """Generated images with the judge's predictions of them."""

    def __init__(self, samples: Samples, reference: Reference) -> None:
        """The samples are shuffled, so that their first 5,000 are representative even if they were sorted by label."""
        self.samples, self.reference = samples.rows(shuffled(len(samples), "generated")), reference

    @cached_property
    def predictions(self) -> Predictions:
        return self.reference.judge.predict(self.samples.images)

    @cached_property
    def requested(self) -> Tensor | None:
        """The requested labels, (n,) or (n, K); None for an unconditional generator."""
        return None if self.samples.requested is None else torch.from_numpy(self.samples.requested)

    @cached_property
    def fd_per_class(self) -> list[tuple[str, Estimate]]:
        """Name and FD of each class, or of each attribute present and absent; empty for an unconditional generator.

        Refused with n = 0 if no image of it was requested.
        """
        if self.requested is None:
            return []
        real, ours = self.reference.groups(self.reference.labels), self.reference.groups(self.requested)
        return [
            (name, self._fd_within(name, in_real, in_ours))
            for (name, in_real), (_, in_ours) in zip(real, ours, strict=True)
        ]

    def _fd_within(self, name: str, in_real: Tensor, in_ours: Tensor) -> Estimate:
        """FD of one class, given as masks of the real and of the generated images."""
        count, features = int(in_ours.sum()), self.reference.predictions.features[in_real]
        if not count:
            return refused("no image of it was requested.")
        if why := frechet.too_few(len(features), count, features.shape[1]):
            return refused(f"label {name!r}: {why}", count)
        return frechet.fd(frechet.Moments.of(features), self.predictions.features[in_ours])


def generate(sampler: Sampler, reference: Reference, count: int, seed: int) -> Samples:
    """`count` images of a generator. Their labels are those of the test split, in a fixed order."""
    return generate_like(sampler, reference.split, count, seed)


def generate_like(sampler: Sampler, split: Split, count: int, seed: int) -> Samples:
    """`count` images of a generator, with the labels of a split in a fixed order."""
    if sampler.spec.labels == ANY:
        return Samples(images_of(sampler, [0] * count, seed), None)
    requested = np.resize(split.labels, (count, *split.labels.shape[1:]))  # repeated if the split is smaller
    return Samples(images_of(sampler, from_rows(requested), seed), requested)


def images_of(sampler: Sampler, labels: Sequence[Label], seed: int) -> NDArray[np.uint8]:
    """One image of each label, (n, h, w, c), while the progress is shown."""
    title = f"generating {len(labels):,} images"
    return np.concatenate(list(tracked(sampler.batches(labels, seed), title, -(-len(labels) // MICRO_BATCH))))
