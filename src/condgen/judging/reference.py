"""Real images and the judge's predictions of them: the reference of all metrics.

The reference is the test split, since a generator that copies the training split would reach FD 0 against it. It is
shuffled, since the first half of MNIST's test file has another distribution than the second (FD 2.8). For data without
a test split, a fifth of the images is held out; the generator was trained on them, which reports state.
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
from condgen.metrics.texture import Texture
from condgen.seeds import seed_of

SAMPLE = 5000
"""Images on each side of metrics based on nearest neighbours."""
TRAIN = 10_000
"""Training images for FD to the training split, in addition to the sample for `copying`."""


class Reference:
    """Everything that metrics need about real images. Each property is computed once."""

    def __init__(self, dataset: Dataset, judge: Judge) -> None:
        """dataset: has a test split; `with_test` adds one if there is none."""
        assert dataset.test
        self.dataset, self.judge = dataset, judge
        self.split = subset(dataset.test, shuffled(len(dataset.test), "test"))
        """The test split, shuffled."""
        self._train = shuffled(len(dataset.train), "train")

    @cached_property
    def predictions(self) -> Predictions:
        return self.judge.predict(self.split.images)

    @cached_property
    def labels(self) -> Tensor:
        """True labels of the test images, (n,) or (n, K)."""
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

    def problems(self, generated: NDArray[np.uint8]) -> list[str]:
        """The validity check: what invalidates all metrics of these images, one sentence each; empty if they are
        valid."""
        return pixels.problems(pixels.facts(generated), self.facts)

    @cached_property
    def texture(self) -> Texture:
        """Texture of training images, which are more than test images in a small data set."""
        return Texture.of(self.train.images)

    @cached_property
    def leaked(self) -> int:
        """Number of test images that are also in the training set, which makes memorisation look good."""
        known = set(pixels.digests(self.dataset.train.images))
        return sum(digest in known for digest in pixels.digests(self.split.images))

    @property
    def sample(self) -> int:
        """Number of images on each side of metrics based on nearest neighbours."""
        return min(SAMPLE, len(self.split))

    @cached_property
    def train(self) -> Split:
        """A sample of training images: the first `sample` of them are for `copying`, all of them for FD."""
        return subset(self.dataset.train, self._train[: self.sample + TRAIN])

    @cached_property
    def train_predictions(self) -> Predictions:
        return self.judge.predict(self.train.images)

    @cached_property
    def train_moments(self) -> Moments:
        return Moments.of(self.train_predictions.features)

    @cached_property
    def all_train_features(self) -> Tensor:
        """Features of all training images, (n, d), in the order of the data set."""
        return self.judge.predict(self.dataset.train.images).features

    @cached_property
    def key(self) -> str:
        """A hash of all that the metrics of real images depend on, except for the sample size."""
        digest = hashlib.sha256(f"{self.dataset.fingerprint} {self.judge.sha256}".encode())
        digest.update(np.ascontiguousarray(self.split.images).data)
        digest.update(np.ascontiguousarray(self.split.labels).data)
        return digest.hexdigest()

    def other_train(self, count: int) -> Split:
        """At most `count` training images that are not in `train`, to be measured in place of generated ones."""
        rest = self._train[self.sample + TRAIN :] if len(self._train) > 2 * (self.sample + TRAIN) else self._train
        return subset(self.dataset.train, rest[-count:])

    def groups(self, labels: Tensor) -> list[tuple[str, Tensor]]:
        """Name and mask (n,) of each class, or of each attribute present and absent."""
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
    """Generated images, uint8 (n, h, w, c), and the requested labels; None for an unconditional generator."""

    images: NDArray[np.uint8]
    requested: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.images)

    def rows(self, chosen: NDArray[np.int64]) -> "Samples":
        return Samples(self.images[chosen], None if self.requested is None else self.requested[chosen])


def with_test(dataset: Dataset) -> tuple[Dataset, bool]:
    """The data set with a test split, and whether that had to be taken from the training split.

    Test images with unknown attributes are left out, since images are requested with the labels of the test split.
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
    """A fixed permutation of 0 ... n - 1; `stream` selects which."""
    return np.random.default_rng(seed_of("reference", stream)).permutation(n)


def subset(split: Split, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Split:
    return Split(split.images[rows], split.labels[rows])
