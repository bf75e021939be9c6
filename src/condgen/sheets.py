"""Whole sheets of pictures, one column a label."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from condgen import pictures
from condgen.data.dataset import Split
from condgen.labels import Label, Labels
from condgen.sampler import Sampler

ROWS, COLUMNS = 8, 20
"""Of the sheets drawn while training; a data set with more labels shows its first ones."""


def classes(
    sampler: Sampler, labels: list[Label] | None = None, rows: int = ROWS, seed: int = 0, first: int = 0
) -> Image.Image:
    """Drawn pictures: the same z along each row, picture first, first + 1, ... of each label down its column."""
    labels = labels or sampler.spec.labels.each[:COLUMNS]
    asked = [label for label in labels for _ in range(rows)]
    drawn = np.concatenate(list(sampler.batches(asked, seed, first)))
    return _sheet(drawn, labels, sampler.spec.labels, rows)


def real(split: Split, names: Labels, rows: int = ROWS) -> Image.Image:
    """The first few real pictures of each label; blank where there are not enough."""
    labels = names.each[:COLUMNS]
    found = np.full((len(labels), rows, *split.images.shape[1:]), 255, np.uint8)
    for column in range(len(labels)):
        has = split.labels == column if names.kind == "classes" else split.labels[:, column] == 1
        some = split.images[np.flatnonzero(has)[:rows]]
        found[column, : len(some)] = some
    return _sheet(found.reshape(-1, *split.images.shape[1:]), labels, names, rows)


def _sheet(column_by_column: NDArray[np.uint8], labels: list[Label], names: Labels, rows: int) -> Image.Image:
    by_column = column_by_column.reshape(len(labels), rows, *column_by_column.shape[1:])
    return pictures.grid(by_column.swapaxes(0, 1), [names.title(label) for label in labels])
