"""Metrics and checks on pixels, uint8 (n, h, w, c): validity, exact copies, sharpness."""

import hashlib
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from condgen.data.transparency import premultiplied
from condgen.metrics.estimate import Estimate, mean_of, share

Images = NDArray[np.uint8]
Values = TypeVar("Values", NDArray[np.int16], NDArray[np.float64])
RANGE, UNIQUE = 0.25, 0.5
"""Validity check: largest deviation of the mean, as a fraction of the grey range; smallest share of unique images."""


def facts(images: Images) -> dict[str, float]:
    """Minimum, maximum, mean and standard deviation of pixel values, and the share of unique images."""
    mean, deviation = greys(images)
    unique = len(set(digests(images))) / len(images)
    return {
        "min": int(images.min()),
        "max": int(images.max()),
        "mean": round(mean, 3),
        "deviation": round(deviation, 3),
        "unique": round(unique, 5),
    }


def greys(images: Images) -> tuple[float, float]:
    """Mean and standard deviation of all pixel values. Colours are multiplied by alpha, if there is any."""
    counts, values = np.bincount(premultiplied(images).ravel(), minlength=256), np.arange(256)
    mean = (counts * values).sum() / counts.sum()
    return float(mean), float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))


def problems(generated: dict[str, float], real: dict[str, float]) -> list[str]:
    """What invalidates all other metrics, one sentence each; empty if the generated images are valid."""
    said = []
    if abs(generated["mean"] - real["mean"]) > RANGE * 255:
        said.append(
            f"wrong value range? the mean pixel value is {generated['mean']:.0f}, that of real images is "
            f"{real['mean']:.0f} (0 to 255). Possible causes: images in [0, 1] saved as if in [-1, 1], inverted "
            "images, or a generator that is nearly untrained."
        )
    if generated["max"] - generated["min"] < 0.1 * (real["max"] - real["min"]):
        said.append(
            f"flat: all pixel values lie in {generated['min']:.0f} to {generated['max']:.0f}. Were they scaled to 255?"
        )
    if generated["unique"] < min(UNIQUE, real["unique"] / 2):
        said.append(f"duplicates: only {100 * generated['unique']:.1f} % of the images differ from all earlier ones.")
    return said


def exact_copies(images: Images, train: Images) -> Estimate:
    """Share of images that equal a training image in every pixel."""
    known = set(digests(train))
    return share(sum(digest in known for digest in digests(images)), len(images))


def sharpness(images: Images, real: Images) -> Estimate:
    """Strength of edges relative to real images: below 1 is blurred, above 1 is noisy.

    It is the mean absolute value of the discrete Laplacian, which blur reduces more than it reduces contrast.
    """
    parts = [_edges(images[i::5]) / _edges(real) for i in range(min(5, len(images)))]
    found = mean_of(parts, len(images))
    return Estimate(_edges(images) / _edges(real), found.error, len(images))


def digests(images: Images) -> Iterator[bytes]:
    """A hash of each image; equal images have equal hashes."""
    for image in np.ascontiguousarray(images):
        yield hashlib.blake2b(image.data, digest_size=16).digest()


def laplacian(x: Values) -> Values:
    """The discrete Laplacian of images (n, h, w, c), without their outermost pixels."""
    inner: Values = 4 * x[:, 1:-1, 1:-1] - x[:, :-2, 1:-1] - x[:, 2:, 1:-1] - x[:, 1:-1, :-2] - x[:, 1:-1, 2:]
    return inner


def _edges(images: Images) -> float:
    """Mean absolute Laplacian of at most 2,000 images, evenly spaced."""
    x = premultiplied(images[:: -(-len(images) // 2000)]).astype(np.int16)
    if min(x.shape[1:3]) < 3:
        return 1.0
    return max(float(np.abs(laplacian(x)).mean()), 1e-9)
