"""Why generated images are of no use: they repeat training images or one another, or do not show their labels."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from condgen.judging.nearness import RealNearness
from condgen.metrics import CERTAIN, small
from condgen.metrics.estimate import Estimate, share

if TYPE_CHECKING:
    from condgen.judging.classifier import Predictions
    from condgen.judging.reference import Reference, Samples

MOST = 2000
"""Largest number of generated images that are compared with training images."""
NEAR = 1.0
"""Percentage of real images that are as near to a training image as one that is too near (`judging/nearness.py`)."""
MARGIN = 0.1
"""Difference from real images, in shares of images, that counts as a reason."""


def reasons(generated: "Samples", seen: "Predictions", reference: "Reference") -> list[str]:
    """What is wrong with the images, as phrases; none if nothing is found. seen: the predictions of the judge."""
    return [*_copies(generated, reference), *_repeats(generated, seen, reference), *_labels(generated, seen, reference)]


def _copies(generated: "Samples", reference: "Reference") -> Iterator[str]:
    rows = np.random.default_rng(0).permutation(len(generated))[:MOST]
    near = RealNearness.of(reference.dataset).too_near(generated.images[rows], NEAR)
    found = share(int(near.sum()), len(near))
    if _exceeds(found, NEAR / 100):
        yield f"{_percent(found)} of them nearly repeat training images ({NEAR:g} % of real images do)"


def _repeats(generated: "Samples", seen: "Predictions", reference: "Reference") -> Iterator[str]:
    """As many real test images of each label are the reference."""
    real, ours = matched(reference.split.labels, _requested(generated))
    found = small.repeats(reference.predictions.features[real], seen.features[ours])
    if _exceeds(found, small.RARE):
        yield f"{_percent(found)} of them nearly equal another one ({100 * small.RARE:g} % of real images do)"


def _labels(generated: "Samples", seen: "Predictions", reference: "Reference") -> Iterator[str]:
    """Real images of the same labels are the reference, since the judge is worse at rare ones."""
    requested, right = _requested(generated), reference.predictions.labels.numpy() == reference.split.labels
    recall = [right[reference.split.labels == label] for label in range(len(reference.dataset.labels))]
    expected = float(np.mean([recall[label].mean() if len(recall[label]) else 0.0 for label in requested]))
    wrong = seen.labels.numpy() != requested
    if _exceeds(share(int(wrong.sum()), len(wrong)), 1 - expected):
        yield (
            f"the feature classifier sees the requested label in {100 * (1 - wrong.mean()):.0f} % of them "
            f"({100 * expected:.0f} % of real images)"
        )


def matched(real: NDArray[np.int64], ours: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of two sets of labels, equally many of each label."""
    pairs = [(np.flatnonzero(real == label), np.flatnonzero(ours == label)) for label in np.unique(ours)]
    counts = [min(len(one), len(other)) for one, other in pairs]
    sides = ([pair[side][:count] for pair, count in zip(pairs, counts, strict=True)] for side in (0, 1))
    first, second = (np.concatenate(side) for side in sides)
    return first, second


def _exceeds(found: Estimate, usual: float) -> bool:
    """Whether a share is above that of real images, by more than MARGIN and by more than chance explains."""
    return (found.value or 0) - max(MARGIN, CERTAIN * (found.error or 0)) > usual


def _percent(found: Estimate) -> str:
    return f"{100 * (found.value or 0):.0f} %"


def _requested(generated: "Samples") -> NDArray[np.int64]:
    assert generated.requested is not None
    return generated.requested
