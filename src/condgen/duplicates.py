"""Duplicate images, exact or near, within a split or across both.

Test images that are also in the training set invalidate test metrics. Near duplicates are images whose perceptual
hashes (imagehash's pHash, 64 bits) differ in few bits and whose thumbnails correlate; the hash alone would match half
of MNIST's ones with each other. Detection rates for re-encoded, scaled, brightened and cropped copies, and the rate of
false positives, are in docs/data.md.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from condgen.data.dataset import Dataset
from condgen.data.helpers import chunked, each
from condgen.data.transparency import flattened
from condgen.metrics.pixels import digests
from condgen.sampling import canvas

BITS, ALIKE = 4, 0.995
"""Near duplicates: largest number of different bits out of 64, and smallest correlation of the thumbnails."""
THUMB = 16
"""Side of a thumbnail, in pixels."""
SHOWN = 10
"""Number of groups and pairs that are listed."""
GREY = (128, 128, 128)
"""The colour behind transparent images, on which black and white are both visible."""
HASHED, COMPARED = 2048, 2_000_000
"""Images per task of a worker process; pairs that are in memory at a time."""

Place = tuple[str, int]


def facts(data: Dataset) -> dict[str, Any]:
    """Numbers of exact and near duplicates of an earlier image, and the first of them by split and index, for JSON."""
    places = [(title, number) for title, split in data.splits.items() for number in range(len(split))]
    groups = equal(data, places)
    counts = [Counter(title for title, _ in group) for group in groups]
    return {
        "within": {title: sum(max(0, count[title] - 1) for count in counts) for title in data.splits},
        "test_in_train": sum(min(count["train"], 1) * count["test"] for count in counts),
        "groups": len(groups),
        "first_groups": [[f"{title} {number}" for title, number in group] for group in groups[:SHOWN]],
        "near": near_facts(data, places, groups),
    }


def equal(data: Dataset, places: Sequence[Place]) -> list[list[Place]]:
    """Groups of images with identical pixels."""
    found: defaultdict[bytes, list[Place]] = defaultdict(list)
    hashes = (digest for split in data.splits.values() for digest in digests(split.images))
    for place, digest in zip(places, hashes, strict=True):
        found[digest].append(place)
    return [group for group in found.values() if len(group) > 1]


def near_facts(data: Dataset, places: Sequence[Place], groups: Sequence[Sequence[Place]]) -> dict[str, Any]:
    """Near duplicates that are not exact. Pairs across splits come first; otherwise pairs are sorted by correlation."""
    copies = {place for group in groups for place in group[1:]}
    kept = [place for place in places if place not in copies]
    pairs = [(kept[i], kept[j], alike) for i, j, alike in near(_all(data, kept))]
    across = [pair for pair in pairs if pair[0][0] != pair[1][0]]
    inner = [pair for pair in pairs if pair[0][0] == pair[1][0]]
    shown = [*sorted(across, key=lambda pair: -pair[2]), *sorted(inner, key=lambda pair: -pair[2])][:SHOWN]
    return {
        "rule": f"pHash differs in at most {BITS} of 64 bits, thumbnails correlate more than {ALIKE}",
        "within": {title: len({later for _, later, _ in inner if later[0] == title}) for title in data.splits},
        "test_in_train": len({later for _, later, _ in across}),
        "first_pairs": [[f"{a[0]} {a[1]}", f"{b[0]} {b[1]}", round(alike, 4)] for a, b, alike in shown],
    }


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


def sheet(data: Dataset, found: dict[str, Any]) -> Image.Image | None:
    """The first groups and pairs side by side, one per row; None if there are no duplicates."""
    rows = [*(group[:2] for group in found["first_groups"]), *(pair[:2] for pair in found["near"]["first_pairs"])]
    if not rows:
        return None
    cells = [canvas.enlarged(canvas.to_pil(_image(data, place))) for row in rows for place in row]
    return canvas.captioned(cells, [place for row in rows for place in row], 2)


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
    bits = np.stack([imagehash.phash(grey).hash.ravel() for grey in greys])
    small = [grey.resize((THUMB, THUMB), Image.Resampling.LANCZOS) for grey in greys]
    thumbs = np.stack([np.asarray(thumb, np.float32).ravel() for thumb in small])
    thumbs -= thumbs.mean(1, keepdims=True)
    return np.packbits(bits, 1).view(np.uint64)[:, 0], thumbs / (np.linalg.norm(thumbs, axis=1, keepdims=True) + 1e-6)


def _all(data: Dataset, places: Sequence[Place]) -> list[NDArray[np.uint8]]:
    return [data.splits[title].images[number] for title, number in places]


def _image(data: Dataset, place: str) -> NDArray[np.uint8]:
    title, number = place.split()
    found: NDArray[np.uint8] = data.splits[title].images[int(number)]
    return found
