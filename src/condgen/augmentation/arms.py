"""The training sets that generated images are compared with, and those that contain them.

What is free comes first: the real images as they are, ordinary augmentation, and repeating the images of rare classes.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Chosen = NDArray[np.bool_]


@dataclass(frozen=True)
class Arm:
    """One way to train a classifier."""

    name: str
    repeated: bool = False
    """Images of every class are repeated until it is as large as the largest."""
    varied: bool = False
    """Each image is moved and recoloured at random while the classifier trains (`classical.varied`)."""
    generated: Literal["none", "all", "half"] = "none"
    """Which generated images are added: all, or the selected ones, as long as real images are half of each class."""

    def rows(self, labels: NDArray[np.int64], real: int, selected: Chosen, allowed: Chosen | None = None) -> Rows:
        """Rows of the training set, some of them several times.

        labels: those of all images, of which the first `real` are real and the others generated. selected and allowed:
        which of the generated images are good, and which may be used at all (default: all); (len(labels) - real,).
        """
        allowed = np.ones_like(selected) if allowed is None else allowed
        wanted = {"none": np.zeros_like(selected), "all": allowed, "half": selected & allowed}[self.generated]
        rows, added = np.arange(real), real + np.flatnonzero(wanted)
        return evened(rows, labels, added) if self.repeated else np.concatenate([rows, added])


ARMS = (
    Arm("real images"),
    Arm("real images, varied", varied=True),
    Arm("rare images repeated", repeated=True),
    Arm("rare images repeated, all varied", repeated=True, varied=True),
    Arm("with generated images", generated="all"),
    Arm("with generated images, all varied", generated="all", varied=True),
    Arm("rare images half repeated, half generated, all varied", repeated=True, varied=True, generated="half"),
)
USUAL, MIXED = ARMS[3], ARMS[-1]
"""What is usual without generated images, and the arm with them that can be chosen, which is the same but for half of
the repeated images."""


def evened(real: Rows, labels: NDArray[np.int64], generated: Rows | None = None) -> Rows:
    """Rows of as many images of every class as the largest has: generated ones, but no more than half, and for the rest
    real ones, repeated if necessary."""
    generated = real[:0] if generated is None else generated
    groups, largest = [], np.bincount(labels[real]).max()
    for label in np.unique(labels[real]):
        ours, theirs = real[labels[real] == label], generated[labels[generated] == label]
        added = theirs[: min(largest // 2, largest - len(ours))]
        groups += [np.resize(ours, largest - len(added)), added]
    return np.concatenate(groups)


def folds(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The fold of each image, (n,): those of a class are dealt in turn. -1 for classes of fewer images than folds,
    which are never held out."""
    found = np.full(len(labels), -1)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) >= count:
            found[np.random.default_rng(int(label)).permutation(rows)] = np.arange(len(rows)) % count
    return found
