"""train.csv: the chosen training set of a classifier, one line per image, with how often the image is used.

It names images instead of copying them: real ones as in their data set, generated ones relative to the folder.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import disk
from condgen.augmentation.arms import Arm
from condgen.augmentation.images import MANIFEST
from condgen.tables import as_csv

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from condgen.data import Dataset

COLUMNS = ("source", "file", "label", "times")


def write(folder: Path, arm: Arm, dataset: "Dataset", good: "NDArray[np.bool_]") -> None:
    """good: which of the generated images are selected, in the order of manifest.json."""
    lines = [dict(zip(COLUMNS, line, strict=True)) for line in _lines(folder, arm, dataset, good)]
    disk.write_bytes(folder / "train.csv", f"{as_csv(lines)}\n".encode())


def _lines(folder: Path, arm: Arm, dataset: "Dataset", good: "NDArray[np.bool_]") -> Iterator[tuple[Any, ...]]:
    import numpy as np

    entries = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    numbers = {name: number for number, name in enumerate(dataset.labels.names)}
    real, names = dataset.train, dataset.labels.names
    labels = np.concatenate([real.labels, np.array([numbers[entry["label"]] for entry in entries], np.int64)])
    for row, times in zip(*np.unique(arm.rows(labels, len(real), good), return_counts=True), strict=True):
        if row < len(real):
            yield "real", real.files[row] if real.files else f"train/{row}", names[labels[row]], times
        else:
            yield "generated", entries[row - len(real)]["file"], names[labels[row]], times
