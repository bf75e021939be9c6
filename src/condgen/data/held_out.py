"""Holds out test images of data without splits: about a tenth of each class, chosen by the pixels of each image.

The choice does not depend on the order, the names and the formats of the files, so the same images have the same split
wherever they are read from. An image added to a large class moves no other image between the splits.
"""

import hashlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from condgen.data.dataset import Dataset, Split
from condgen.data.transparency import has_alpha, is_opaque

FEWEST, FEWEST_PER_CLASS = 100, 10
"""With fewer images, none is held out: of the whole data set, and of one class."""
SHARE, MOST = 10, 5
"""About one in SHARE images of a class is held out, at least one, and at most one in MOST."""


def ranks(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A hash of the pixels of each image, (n,), uniform over all 64-bit numbers.

    An image whose channels are equal has the same hash as a grey one: only some files store grey images as colour.
    Likewise, an opaque image has the same hash with and without alpha.
    """
    found = np.empty(len(images), np.uint64)
    for place, image in enumerate(images):
        image = image[..., :3] if has_alpha(image) and is_opaque(image) else image
        canonical = image[..., :1] if _is_grey(image[:1]) and _is_grey(image) else image  # most colours show at once
        digest = hashlib.blake2b(repr(canonical.shape).encode() + canonical.tobytes(), digest_size=8)
        found[place] = int.from_bytes(digest.digest())
    return found


def _is_grey(image: NDArray[np.uint8]) -> bool:
    return all(np.array_equal(image[..., 0], image[..., channel]) for channel in range(1, image.shape[-1]))


def chosen(rank: NDArray[np.uint64], classes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which images are held out, (n,). rank: `ranks` of the images. classes: the class of each image, (n,)."""
    held = np.zeros(len(rank), np.bool_)
    if len(rank) < FEWEST:
        return held
    order = np.lexsort((rank, classes))
    starts = np.flatnonzero(np.diff(classes[order], prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        rows = order[start:end]
        held[rows] = _lowest(rank[rows])
    return held


def _lowest(rank: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which images of one class are held out, given their ranks in ascending order."""
    n = len(rank)
    if n < FEWEST_PER_CLASS:
        return np.zeros(n, np.bool_)
    below = int((rank < np.uint64(2**64 // SHARE)).sum())
    count = min(max(below, 1), n // MOST)
    held: NDArray[np.bool_] = rank <= rank[count - 1]  # equal images stay together
    return held if held.sum() <= n // 2 else np.zeros(n, np.bool_)


def classes_of(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class of each image; attributes (n, K) are one class."""
    return values if values.ndim == 1 else np.zeros(len(values), np.int64)


def divided(data: Dataset) -> Dataset:
    """The data set with test images held out, unless it has some already."""
    if data.test or len(data.train) < FEWEST:
        return data
    held = chosen(ranks(data.train.images), classes_of(data.train.labels))
    if not held.any():
        return data
    train, test = (Split(data.train.images[rows], data.train.labels[rows]) for rows in (~held, held))
    return replace(data, train=train, test=test, structure=(*data.structure, said(int(held.sum()))))


def said(count: int) -> tuple[str, str]:
    """The entry of `Dataset.structure` about held-out images."""
    return "no test split", f"{count:,} images, about a tenth of each class, are held out for testing"
