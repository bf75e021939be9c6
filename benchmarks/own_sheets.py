"""Real images, and images generated with their labels: for pixel figures, and side by side on a sheet."""

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from condgen.data import Dataset, Split
from condgen.judging.reference import subset, with_test
from condgen.labels import UNKNOWN, Label, from_rows
from condgen.sampling import canvas
from condgen.sampling.sampler import Sampler

LABELS, ROWS = 10, 8
"""Columns and rows of each half of a sheet."""


def real_images(dataset: Dataset, few: int, most: int) -> Split:
    """The test split or, if that has fewer than `few` images, all real images; at most `most`, evenly spaced."""
    whole, _ = with_test(dataset)
    assert whole.test
    splits = [whole.test] if len(whole.test) >= few else [whole.test, whole.train]
    images = np.concatenate([split.images for split in splits])
    labels = np.concatenate([split.labels for split in splits])
    known = np.flatnonzero((labels.reshape(len(labels), -1) != UNKNOWN).all(1))
    return subset(Split(images, labels), known[:: -(-len(known) // most)])


def images_like(sampler: Sampler, labels: NDArray[np.int64], seed: int = 0) -> NDArray[np.uint8]:
    """One generated image per label: class numbers (n,), or attributes (n, K)."""
    return np.concatenate(list(sampler.batches(from_rows(labels), seed)))


def save(path: Path, sampler: Sampler, dataset: Dataset) -> None:
    """Write a sheet: generated images at the left, real ones at the right, a column per label."""
    everything = from_rows(dataset.train.labels)
    labels = shown(everything)
    wanted = [label for label in labels for _ in range(ROWS)]
    generated = np.concatenate(list(sampler.batches(wanted, 0)))
    places = {label: [n for n, other in enumerate(everything) if other == label][:ROWS] for label in labels}
    real = np.concatenate([dataset.train.images[places[label]] for label in labels])
    titles = [dataset.labels.title(label) for label in labels]
    halves = [
        canvas.columns(generated, titles, [ROWS] * len(labels)),
        canvas.columns(real, titles, [len(places[label]) for label in labels]),
    ]
    canvas.save_png(path, beside(halves, ("generated", "real")))


def beside(halves: list[canvas.Image.Image], titles: tuple[str, str]) -> canvas.Image.Image:
    """Two sheets side by side, each under its title."""
    titled = [canvas.stacked([half], [title]) for half, title in zip(halves, titles, strict=True)]
    gap = canvas.TITLE
    sheet = canvas.Image.new("RGB", (sum(half.width for half in titled) + gap, titled[0].height), canvas.PAPER)
    sheet.paste(titled[0], (0, 0))
    sheet.paste(titled[1], (titled[0].width + gap, 0))
    return sheet


def shown(labels: list[Label]) -> list[Label]:
    """At most ten labels: classes evenly spaced, or the most frequent combinations of attributes."""
    if isinstance(labels[0], tuple):
        return sorted(label for label, _ in Counter(labels).most_common(LABELS))
    known = sorted(set(labels))
    return known[:: -(-len(known) // LABELS)]
