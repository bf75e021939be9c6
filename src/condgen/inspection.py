"""A look at the data before anything is trained on it: what is there, how much of each label, what stands twice."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from condgen import duplicates, marker
from condgen.data.dataset import Dataset, Split
from condgen.disk import replacing_files, write_bytes, write_json
from condgen.drawing import pictures, plots
from condgen.labels import UNKNOWN, Labels
from condgen.metrics.pixels import greys

MARK, NOTE = marker.Mark("condgen inspect"), marker.sheet("condgen inspect")
FILES = ("facts.json", "sheet.png", "labels.png", "means.png", "duplicates.png")
ROWS, COLUMNS = 5, 20
"""Of the sample sheet; a data set with more labels shows its first ones."""
MOST_MEANS = 500
"""Labels of which the mean picture is shown: the first ones."""


def facts(data: Dataset) -> dict[str, Any]:
    """What is to be known of a data set, ready for JSON."""
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
    """Pictures of each class, or with each attribute on."""
    if labels.kind == "attributes":
        return [int(count) for count in (split.labels == 1).sum(0)]
    return [int(count) for count in np.bincount(split.labels, minlength=len(labels))]


def sentences(found: dict[str, Any]) -> list[str]:
    """What a person should know before training, in words; empty if all is well."""
    said, twice = [], found["duplicates"]
    if found["imbalance"] is None:
        empty = [n for n, count in zip(found["labels"]["names"], found["per_label"]["train"], strict=True) if not count]
        said.append(f"no training picture of {', '.join(empty)}.")
    elif found["imbalance"] >= 3:
        said.append(
            f"unbalanced: the most frequent label has {found['imbalance']:.1f} times the pictures of the rarest."
        )
    for title, count in twice["within"].items():
        if count:
            said.append(f"{count:,} {title} pictures are copies of an earlier one.")
    if twice["test_in_train"]:
        said.append(
            f"leaky: {twice['test_in_train']:,} test pictures stand in the training set too: test figures will flatter."
        )
    near = twice["near"]
    if near["test_in_train"]:
        said.append(f"perhaps leaky: {near['test_in_train']:,} test pictures look like a copy of a training picture.")
    for title, count in near["within"].items():
        if count:
            said.append(f"{count:,} {title} pictures look like a copy of an earlier one.")
    for title, count in found["unknown"].items():
        if count:
            said.append(f"{count:,} attributes of {title} pictures are not known; they count as neither on nor off.")
    return said


def check(folder: Path) -> None:
    """Raises CondgenError if `folder` holds what condgen inspect did not write."""
    marker.check(folder, MARK, FILES)


def write(data: Dataset, found: dict[str, Any], folder: Path) -> None:
    """facts.json and pictures: a titled sample sheet, pictures per label, the mean picture of each label, and what
    stands twice, if anything does."""
    marker.claim(folder, MARK, FILES)
    titles = list(data.labels.names)
    with replacing_files(folder, old=["duplicates.png"]) as part:
        write_json(part / "facts.json", found)
        pictures.save_png(part / "sheet.png", real(data.train, data.labels), NOTE)
        write_bytes(part / "labels.png", plots.bars(found["per_label"], titles, f"{data.name}: pictures per label"))
        cells = [pictures.enlarged(pictures.image(picture)) for picture in means(data.train, data.labels, MOST_MEANS)]
        mean_sheet = pictures.captioned(cells, titles[:MOST_MEANS], min(10, len(titles)))
        pictures.save_png(part / "means.png", mean_sheet, NOTE)
        if sheet := duplicates.sheet(data, found["duplicates"]):
            pictures.save_png(part / "duplicates.png", sheet, NOTE)


def means(split: Split, labels: Labels, most: int | None = None) -> NDArray[np.uint8]:
    """The mean picture of each label, or of the first `most`, uint8 (K, h, w, c); white where a label has none."""
    shape, count = split.images.shape[1:], min(len(labels), most or len(labels))
    found = np.full((count, *shape), 255, np.uint8)
    for number in range(count):
        some = split.images[members(split, labels, number)]
        if len(some):
            found[number] = some.mean(0, dtype=np.float64).round().astype(np.uint8)
    return found


def real(split: Split, labels: Labels, rows: int = ROWS) -> Image.Image:
    """The first few real pictures of each label, a titled column a label; white where there are not enough."""
    count = min(len(labels), COLUMNS)
    found = np.full((rows, count, *split.images.shape[1:]), 255, np.uint8)
    for column in range(count):
        some = split.images[members(split, labels, column)[:rows]]
        found[: len(some), column] = some
    return pictures.grid(found, labels.names[:count])


def members(split: Split, labels: Labels, number: int) -> NDArray[np.intp]:
    """Which pictures have a class, or an attribute on."""
    has = split.labels == number if labels.kind == "classes" else split.labels[:, number] == 1
    return np.flatnonzero(has)


def _split_facts(split: Split) -> dict[str, Any]:
    images, (mean, deviation) = split.images, greys(split.images)
    return {
        "pictures": len(split),
        "height": images.shape[1],
        "width": images.shape[2],
        "channels": images.shape[3],
        "dtype": str(images.dtype),
        "range": [int(images.min()), int(images.max())],
        "mean": round(mean, 3),
        "deviation": round(deviation, 3),
    }


def _imbalance(counts: list[int]) -> float | None:
    """Most over fewest; None if a label has no picture at all."""
    return round(max(counts) / min(counts), 3) if min(counts) else None
