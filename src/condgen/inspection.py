"""Statistics of a data set before training: shapes, images per label, imbalance, duplicates."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from condgen import duplicates, marker
from condgen.data import transparency
from condgen.data.dataset import Dataset, Split
from condgen.disk import replacing_files, write_bytes, write_json
from condgen.labels import UNKNOWN, Labels
from condgen.metrics.pixels import greys
from condgen.sampling import canvas, plots

MARK, NOTE = marker.Mark("condgen inspect"), marker.sheet("condgen inspect")
FILES = ("facts.json", "sheet.png", "labels.png", "means.png", "duplicates.png")
ROWS, COLUMNS = 5, 20
"""Maximum number of images per label, and of labels, in the sample grid. Further labels are not shown."""
MOST_MEANS = 500
"""Maximum number of labels whose mean image is shown."""


def facts(data: Dataset) -> dict[str, Any]:
    """All statistics of a data set, as plain data for JSON."""
    counts = {title: per_label(split, data.labels) for title, split in data.splits.items()}
    return {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "labels": {"kind": data.labels.kind, "names": list(data.labels.names)},
        "splits": {title: _split_facts(split) for title, split in data.splits.items()},
        "per_label": counts,
        "unknown": {title: int((split.labels == UNKNOWN).sum()) for title, split in data.splits.items()},
        "imbalance": _imbalance(counts["train"]),
        "duplicates": duplicates.facts(data),
        "left_out": dict(data.left_out),
        "written_by_condgen": dict(data.own),
    }


def per_label(split: Split, labels: Labels) -> list[int]:
    """Number of images of each class, or with each attribute."""
    if labels.kind == "attributes":
        return [int(count) for count in (split.labels == 1).sum(0)]
    return [int(count) for count in np.bincount(split.labels, minlength=len(labels))]


def sentences(found: dict[str, Any]) -> list[str]:
    """Warnings before training, one sentence each; empty if there are none."""
    said, twice = [], found["duplicates"]
    if found["imbalance"] is None:
        empty = [n for n, count in zip(found["labels"]["names"], found["per_label"]["train"], strict=True) if not count]
        said.append(f"no training images of: {', '.join(empty)}.")
    elif found["imbalance"] >= 3:
        said.append(
            f"imbalanced: the most frequent label has {found['imbalance']:.1f} times as many images as the rarest."
        )
    for title, count in twice["within"].items():
        if count:
            said.append(f"duplicates: {count:,} {title} images are copies of an earlier one.")
    if twice["test_in_train"]:
        said.append(
            f"leakage: {twice['test_in_train']:,} test images are also in the training set, so test metrics will be "
            "too good."
        )
    near = twice["near"]
    if near["test_in_train"]:
        said.append(f"possible leakage: {near['test_in_train']:,} test images are near duplicates of training images.")
    for title, count in near["within"].items():
        if count:
            said.append(f"near duplicates: {count:,} {title} images are nearly equal to an earlier one.")
    for title, count in found["unknown"].items():
        if count:
            said.append(f"unknown attributes: {count:,} in the {title} set; they count as neither present nor absent.")
    return said


def check(folder: Path) -> None:
    """Raise CondgenError if `folder` contains files that `condgen inspect` did not write."""
    marker.check(folder, MARK, FILES)


def write(data: Dataset, found: dict[str, Any], folder: Path) -> None:
    """Write facts.json, a grid of samples, a chart of images per label, the mean image of each label, and a grid of
    duplicates if there are any."""
    marker.claim(folder, MARK, FILES)
    titles = list(data.labels.names)
    with replacing_files(folder, old=["duplicates.png"]) as part:
        write_json(part / "facts.json", found)
        canvas.save_png(part / "sheet.png", real(data.train, data.labels), NOTE)
        write_bytes(part / "labels.png", plots.bars(found["per_label"], titles, f"{data.name}: images per label"))
        cells = [canvas.enlarged(canvas.to_pil(image)) for image in means(data.train, data.labels, MOST_MEANS)]
        mean_sheet = canvas.captioned(cells, titles[:MOST_MEANS], min(10, len(titles)))
        canvas.save_png(part / "means.png", mean_sheet, NOTE)
        if sheet := duplicates.sheet(data, found["duplicates"]):
            canvas.save_png(part / "duplicates.png", sheet, NOTE)


def means(split: Split, labels: Labels, most: int | None = None) -> NDArray[np.uint8]:
    """The mean image of each label, or of the first `most`, uint8 (K, h, w, c); white for a label without images."""
    shape, count = split.images.shape[1:], min(len(labels), most or len(labels))
    found = np.full((count, *shape), 255, np.uint8)
    for number in range(count):
        some = split.images[members(split, labels, number)]
        if len(some):
            found[number] = transparency.mean(some)
    return found


def real(split: Split, labels: Labels, rows: int = ROWS) -> Image.Image:
    """A grid of the first `rows` images of each label, with one titled column per label. Missing images are white."""
    count = min(len(labels), COLUMNS)
    found = np.full((rows, count, *split.images.shape[1:]), 255, np.uint8)
    for column in range(count):
        some = split.images[members(split, labels, column)[:rows]]
        found[: len(some), column] = some
    return canvas.grid(found, labels.names[:count])


def members(split: Split, labels: Labels, number: int) -> NDArray[np.intp]:
    """Indices of the images of a class, or with an attribute."""
    has = split.labels == number if labels.kind == "classes" else split.labels[:, number] == 1
    return np.flatnonzero(has)


def _split_facts(split: Split) -> dict[str, Any]:
    images, (mean, deviation) = split.images, greys(split.images)
    return {
        "images": len(split),
        "height": images.shape[1],
        "width": images.shape[2],
        "channels": images.shape[3],
        "dtype": str(images.dtype),
        "range": [int(images.min()), int(images.max())],
        "mean": round(mean, 3),
        "deviation": round(deviation, 3),
    }


def _imbalance(counts: list[int]) -> float | None:
    """Largest over smallest number of images per label; None if a label has no images."""
    return round(max(counts) / min(counts), 3) if min(counts) else None
