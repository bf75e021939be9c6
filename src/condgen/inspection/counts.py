"""Numbers of images per label."""

import numpy as np
from numpy.typing import NDArray

from condgen.data.dataset import Split
from condgen.labels import Labels


def per_label(split: Split, labels: Labels) -> list[int]:
    """Number of images of each class, or with each attribute."""
    if labels.kind == "attributes":
        return [int(count) for count in (split.labels == 1).sum(0)]
    return [int(count) for count in np.bincount(split.labels, minlength=len(labels))]


def members(split: Split, labels: Labels, number: int) -> NDArray[np.intp]:
    """Indices of the images of a class, or with an attribute."""
    has = split.labels == number if labels.kind == "classes" else split.labels[:, number] == 1
    return np.flatnonzero(has)


def imbalance(counts: list[int]) -> float | None:
    """Largest over smallest number of images per label; None if a label has no images."""
    return round(max(counts) / min(counts), 3) if min(counts) else None
