"""Real pictures as a judge sees them: what drawn ones are held against.

The reference is the test split, shuffled: a copier of the training split would score FD 0 against that, and the first
half of MNIST's test file is another distribution than the second (FD 2.8). Whoever brings no test split has a fifth of
the pictures held out, which the generator did see; the reference then says so.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condgen.data import Dataset, Split
from condgen.judging.classifier import Predictions
from condgen.judging.judge import Judge
from condgen.labels import UNKNOWN
from condgen.metrics import pixels
from condgen.metrics.frechet import Moments
from condgen.metrics.neighbours import Balls
from condgen.seeds import seed_of

SAMPLE = 5000
"""Pictures on each side of numbers from nearest neighbours."""
TRAIN = 10_000
"""Training pictures, beyond a sample for copying, that FD to the training split is taken from."""


class Reference:
    """Everything that is asked of real pictures, each looked at once."""

    def __init__(self, dataset: Dataset, judge: Judge) -> None:
        """dataset: with a test split; `with_test` gives one to those that have none."""
        assert dataset.test
        self.dataset, self.judge = dataset, judge
        self.split = subset(dataset.test, shuffled(len(dataset.test), "test"))
        """The test split in an order of its own."""
        self._train = shuffled(len(dataset.train), "train")

    @cached_property
    def predictions(self) -> Predictions:
        return self.judge.predict(self.split.images)

    @cached_property
    def labels(self) -> Tensor:
        """True labels of the test pictures, (n,) or (n, K)."""
        return torch.from_numpy(self.split.labels)

    @cached_property
    def moments(self) -> Moments:
        return Moments.of(self.predictions.features)

    @cached_property
    def balls(self) -> Balls:
        return Balls.around(self.predictions.features[: self.sample])

    @cached_property
    def facts(self) -> dict[str, float]:
        return pixels.facts(self.split.images)

    def problems(self, drawn: NDArray[np.uint8]) -> list[str]:
        """The gate: what makes every number of drawn pictures doubtful, a sentence each; empty if they are pictures."""
        return pixels.problems(pixels.facts(drawn), self.facts)

    @cached_property
    def leaked(self) -> int:
        """Test pictures that are training pictures too, pixel for pixel: whoever copies them scores well."""
        known = set(pixels.digests(self.dataset.train.images))
        return sum(digest in known for digest in pixels.digests(self.split.images))

    @property
    def sample(self) -> int:
        """Pictures on each side of numbers from nearest neighbours."""
        return min(SAMPLE, len(self.split))

    @cached_property
    def train(self) -> Split:
        """Some training pictures: the first `sample` of them for copying, all of them for FD."""
        return subset(self.dataset.train, self._train[: self.sample + TRAIN])

    @cached_property
    def train_predictions(self) -> Predictions:
        return self.judge.predict(self.train.images)

    @cached_property
    def train_moments(self) -> Moments:
        return Moments.of(self.train_predictions.features)

    @cached_property
    def all_train_features(self) -> Tensor:
        """Features of every training picture, (n, d), in the order of the data set."""
        return self.judge.predict(self.dataset.train.images).features

    @cached_property
    def key(self) -> str:
        """A hash of all that the numbers of real pictures depend on, but for their count."""
        digest = hashlib.sha256(f"{self.dataset.fingerprint} {self.judge.sha256}".encode())
        digest.update(np.ascontiguousarray(self.split.images).data)
        digest.update(np.ascontiguousarray(self.split.labels).data)
        return digest.hexdigest()

    def other_train(self, count: int) -> Split:
        """Training pictures that `train` does not hold, at most `count` of them, as if they had been drawn."""
        rest = self._train[self.sample + TRAIN :] if len(self._train) > 2 * (self.sample + TRAIN) else self._train
        return subset(self.dataset.train, rest[-count:])

    def groups(self, labels: Tensor) -> list[tuple[str, Tensor]]:
        """Masks (n,) of each class, or of each attribute on and off, by name."""
        names = self.dataset.labels.names
        if labels.ndim == 1:
            return [(name, labels == number) for number, name in enumerate(names)]
        return [
            (f"{'' if value else 'not '}{name}", labels[:, number] == value)
            for number, name in enumerate(names)
            for value in (1, 0)
        ]


@dataclass(frozen=True)
class Samples:
    """Pictures of a generator, uint8 (n, h, w, c), and the labels that were asked for; None if it takes none."""

    pictures: NDArray[np.uint8]
    requested: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.pictures)

    def rows(self, chosen: NDArray[np.int64]) -> "Samples":
        return Samples(self.pictures[chosen], None if self.requested is None else self.requested[chosen])


def with_test(dataset: Dataset) -> tuple[Dataset, bool]:
    """The data with a test split, and whether that had to be cut from the training split.

    Test pictures have all their attributes known: labels are asked for as they have them.
    """
    if dataset.test:
        known = np.flatnonzero((dataset.test.labels.reshape(len(dataset.test), -1) != UNKNOWN).all(1))
        if len(known) < len(dataset.test):
            dataset = replace(dataset, test=subset(dataset.test, known))
        return dataset, False
    order = shuffled(len(dataset.train), "held out")
    cut = max(1, len(order) // 5)
    held_out, rest = subset(dataset.train, order[:cut]), subset(dataset.train, order[cut:])
    return replace(dataset, train=rest, test=held_out), True


def shuffled(n: int, stream: str) -> NDArray[np.int64]:
    """The numbers 0 ... n - 1 in an order that never changes."""
    return np.random.default_rng(seed_of("reference", stream)).permutation(n)


def subset(split: Split, rows: NDArray[np.int64]) -> Split:
    return Split(split.images[rows], split.labels[rows])
