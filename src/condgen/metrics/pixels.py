"""Numbers from the pixels themselves, uint8 (n, h, w, c): pictures at all? copies? sharp?"""

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from condgen.metrics.estimate import Estimate, mean_of, share

Pictures = NDArray[np.uint8]
RANGE, UNIQUE = 0.25, 0.5
"""The gate: the mean may be off by so much of the grey range, and so many pictures must differ from all others."""


def facts(pictures: Pictures) -> dict[str, float]:
    """min, max, mean and deviation of the grey values, and the share of pictures that are not copies of an earlier."""
    mean, deviation = greys(pictures)
    unique = len(set(digests(pictures))) / len(pictures)
    return {
        "min": int(pictures.min()),
        "max": int(pictures.max()),
        "mean": round(mean, 3),
        "deviation": round(deviation, 3),
        "unique": round(unique, 5),
    }


def greys(pictures: Pictures) -> tuple[float, float]:
    """Mean and standard deviation of all grey values."""
    counts, values = np.bincount(pictures.ravel(), minlength=256), np.arange(256)
    mean = (counts * values).sum() / counts.sum()
    return float(mean), float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))


def problems(generated: dict[str, float], real: dict[str, float]) -> list[str]:
    """What makes every other number meaningless, a sentence each; empty if drawn pictures are like pictures."""
    said = []
    if abs(generated["mean"] - real["mean"]) > RANGE * 255:
        said.append(
            f"range bug? the mean grey value is {generated['mean']:.0f}, that of real pictures {real['mean']:.0f} (0 to "
            "255). Pictures in [0, 1] saved as if in [-1, 1], inverted ones, and those of a generator that has hardly "
            "learnt anything look like this."
        )
    if generated["max"] - generated["min"] < 0.1 * (real["max"] - real["min"]):
        said.append(
            f"flat: all grey values lie in {generated['min']:.0f} to {generated['max']:.0f}. Were they scaled to 255?"
        )
    if generated["unique"] < min(UNIQUE, real["unique"] / 2):
        said.append(f"only {generated['unique']:.1%} of the pictures differ from all earlier ones.")
    return said


def exact_copies(pictures: Pictures, train: Pictures) -> Estimate:
    """Share of pictures that equal a training picture in every pixel."""
    known = set(digests(train))
    return share(sum(digest in known for digest in digests(pictures)), len(pictures))


def sharpness(pictures: Pictures, real: Pictures) -> Estimate:
    """How strong edges are, as a part of what they are in real pictures: below 1 is blurred, above 1 is noisy.

    The mean size of the discrete Laplacian, which a blur shrinks more than it shrinks contrast.
    """
    parts = [_edges(pictures[i::5]) / _edges(real) for i in range(min(5, len(pictures)))]
    found = mean_of(parts, len(pictures))
    return Estimate(_edges(pictures) / _edges(real), found.error, len(pictures))


def digests(pictures: Pictures) -> Iterator[bytes]:
    """A hash of each picture: equal for pictures that are equal in every pixel."""
    for picture in np.ascontiguousarray(pictures):
        yield hashlib.blake2b(picture.data, digest_size=16).digest()


def _edges(pictures: Pictures) -> float:
    """At most 2,000 of the pictures, evenly chosen, are looked at."""
    x = pictures[:: -(-len(pictures) // 2000)].astype(np.int16)
    if min(x.shape[1:3]) < 3:
        return 1.0
    inner = 4 * x[:, 1:-1, 1:-1] - x[:, :-2, 1:-1] - x[:, 2:, 1:-1] - x[:, 1:-1, :-2] - x[:, 1:-1, 2:]
    return max(float(np.abs(inner).mean()), 1e-9)
