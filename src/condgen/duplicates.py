"""Duplicate images, exact or near, within a split or across both.

Test images that are also in the training set invalidate test metrics. Near duplicates are images whose perceptual
hashes (pHash, 64 bits) differ in few bits and whose thumbnails correlate; the hash alone would match half of MNIST's
ones with each other. Detection rates for re-encoded, scaled, brightened and cropped copies, and the rate of false
positives, are in docs/data.md.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from condgen.data.dataset import Dataset
from condgen.data.helpers import chunked, each
from condgen.data.transparency import flattened
from condgen.labels import UNKNOWN
from condgen.metrics.pixels import digests
from condgen.sampling import canvas

BITS, ALIKE = 4, 0.995
"""Near duplicates: largest number of different bits out of 64, and smallest correlation of the thumbnails."""
THUMB = 16
"""Side of a thumbnail, in pixels."""
SIDE = 32
"""Side of the image whose cosine transform is the hash."""
COSINES = np.cos(np.pi / SIDE * np.outer(np.arange(8), np.arange(SIDE) + 0.5))
"""The 8 lowest frequencies of the cosine transform (DCT-II), (8, SIDE)."""
GREY = (128, 128, 128)
"""The colour behind transparent images, on which black and white are both visible."""
HASHED, COMPARED = 2048, 2_000_000
"""Images per task of a worker process; pairs that are in memory at a time."""


class Place(NamedTuple):
    """The position of an image in a data set."""

    split: str
    number: int


class Copy(NamedTuple):
    """An image that is equal or nearly equal to an earlier one, and that earlier image."""

    later: Place
    earlier: Place
    alike: float
    """Correlation of the thumbnails; 1 for exact copies."""
    exact: bool
    two_labels: bool
    """Whether the two images have different labels."""


def equal(data: Dataset, places: Sequence[Place]) -> list[list[Place]]:
    """Groups of images with identical pixels."""
    found: defaultdict[bytes, list[Place]] = defaultdict(list)
    hashes = (digest for split in data.splits.values() for digest in digests(split.images))
    for place, digest in zip(places, hashes, strict=True):
        found[digest].append(place)
    return [group for group in found.values() if len(group) > 1]


def exact_copies(data: Dataset, groups: Sequence[Sequence[Place]]) -> list[Copy]:
    """Each image that equals an earlier one, with an earlier one of another label if there is one."""
    found = []
    for first, *others in groups:
        other = first
        for place in others:
            differs = _differ(data, first, place)
            earlier = first if differs else other
            found.append(Copy(place, earlier, 1.0, True, differs or other != first))
            other = place if differs and other == first else other
    return found


def near_copies(data: Dataset, places: Sequence[Place], groups: Sequence[Sequence[Place]]) -> list[Copy]:
    """Each image that nearly equals earlier ones, with the most similar one: in its split, in the other split, and of
    another label. Exact copies are not compared."""
    copies = {place for group in groups for place in group[1:]}
    kept = [place for place in places if place not in copies]
    best: dict[tuple[Place, str, bool], Copy] = {}
    for i, j, alike in near(_all(data, kept)):
        copy = Copy(kept[j], kept[i], alike, False, _differ(data, kept[i], kept[j]))
        key = copy.later, copy.earlier.split, copy.two_labels
        if key not in best or importance(copy) < importance(best[key]):
            best[key] = copy
    return list(best.values())


def _differ(data: Dataset, one: Place, other: Place) -> bool:
    """Whether two images have different classes, or different values of an attribute that is known for both."""
    a, b = (data.splits[place.split].labels[place.number] for place in (one, other))
    return bool(((a != b) & (a != UNKNOWN) & (b != UNKNOWN)).any())


def importance(copy: Copy) -> tuple[bool, bool, bool, float]:
    """Sort key: two labels before one, across the splits before within, exact before near, then by similarity."""
    return not copy.two_labels, copy.later.split == copy.earlier.split, not copy.exact, -copy.alike


def near(images: Sequence[NDArray[np.uint8]]) -> list[tuple[int, int, float]]:
    """Near duplicates among images (h, w, c): pairs of indices i < j, with the correlation of their thumbnails."""
    looks = list(each(_hash_and_thumbnail, chunked(images, HASHED), "comparing", HASHED))
    hashes, thumbs = (np.concatenate(parts) for parts in zip(*looks, strict=True))
    pairs, found = candidates(hashes), []
    for at in range(0, len(pairs), COMPARED // 8):
        i, j = pairs[at : at + COMPARED // 8].T
        alike = np.einsum("nd,nd->n", thumbs[i], thumbs[j])
        found += [(int(i[k]), int(j[k]), float(alike[k])) for k in np.flatnonzero(alike > ALIKE)]
    return found


def candidates(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Pairs (n, 2) of indices i < j of 64-bit hashes that differ in at most BITS bits.

    Each hash is split into BITS + 1 bands. At least one band of such a pair is equal, so only hashes that share a band
    are compared.
    """
    found = [np.empty((0, 2), np.int64)]
    edges = np.linspace(0, 64, BITS + 2).round().astype(int)
    for low, high in pairwise(edges.tolist()):
        band = (hashes >> np.uint64(low)) & np.uint64(2 ** (high - low) - 1)
        order = np.argsort(band, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(band[order])) + 1):
            found += [_close(hashes, bucket, at) for at in range(0, len(bucket) - 1, max(1, COMPARED // len(bucket)))]
    return np.unique(np.concatenate(found), axis=0)


def _close(hashes: NDArray[np.uint64], bucket: NDArray[np.int64], at: int) -> NDArray[np.int64]:
    """Pairs of candidates between a part of a bucket, from `at` on, and the whole bucket."""
    some = bucket[at : at + max(1, COMPARED // len(bucket))]
    differ = np.bitwise_count(hashes[some][:, None] ^ hashes[bucket][None])
    first, second = np.nonzero(differ <= BITS)
    pairs: NDArray[np.int64] = np.stack([some[first], bucket[second]], 1)
    return pairs[pairs[:, 0] < pairs[:, 1]]


def _hash_and_thumbnail(images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Per image: its hash (n,), and its grey thumbnail (n, THUMB**2) with mean 0 and norm 1."""
    greys = [canvas.to_pil(image).convert("L") for image in flattened(np.stack(images), GREY)]
    bits = np.stack([perceptual_hash(grey) for grey in greys])
    small = [grey.resize((THUMB, THUMB), Image.Resampling.LANCZOS) for grey in greys]
    thumbs = np.stack([np.asarray(thumb, np.float32).ravel() for thumb in small])
    thumbs -= thumbs.mean(1, keepdims=True)
    return np.packbits(bits, 1).view(np.uint64)[:, 0], thumbs / (np.linalg.norm(thumbs, axis=1, keepdims=True) + 1e-6)


def perceptual_hash(grey: Image.Image) -> NDArray[np.bool_]:
    """pHash: whether each of the 8x8 lowest coefficients of the image's cosine transform exceeds their median, (64,).

    The bits of imagehash.phash, which needs 122 MB of other packages for this transform."""
    pixels = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.float64)
    lowest = (COSINES @ pixels @ COSINES.T).round(6)  # rounding errors are no differences
    return (lowest > np.median(lowest)).ravel()


def _all(data: Dataset, places: Sequence[Place]) -> list[NDArray[np.uint8]]:
    return [data.splits[title].images[number] for title, number in places]
