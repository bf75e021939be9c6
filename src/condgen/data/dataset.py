"""The result of every reader: uint8 images, their labels, and the names of the labels."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from condgen.data.file_names import FileNames
from condgen.errors import CondgenError
from condgen.labels import UNKNOWN, Labels
from condgen.spec import Spec

IMAGE = re.compile(r"(\.png|\.gif|\.npz|:\d+)['\"]?$", re.IGNORECASE)
"""Matches the name of a file that condgen writes, or of a row of a table. Other names are those of folders."""
LARGEST = 2**53
"""Largest absolute value of an integer that every numeric dtype can represent."""

REASONS = 4
"""Maximum number of different reasons for leaving out files that a note lists."""

Structure = Sequence[tuple[str, str]]
"""How a source was understood: pairs of a folder or a column, and its meaning, such as ("train/", "the training
split"), ("train/cat/", "the class cat") or ("labels.csv: breed", "the class of each image")."""


@dataclass(frozen=True)
class Split:
    """Images and labels of one split of a data set.

    images: uint8 (n, height, width, channels), with 1, 3 or, with transparency, 4 channels (data/transparency.py).
    labels: (n,) class numbers, or (n, K) attribute values 0, 1 and UNKNOWN.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    files: Sequence[str] = ()
    """The name of each image in its source, such as "cat/1.jpg"; empty for images that have no names, as in arrays."""

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Dataset:
    """Labelled images, in memory or memory-mapped. Without `test`, metrics that need test images raise an error."""

    name: str
    labels: Labels
    train: Split
    test: Split | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Files that could not be used, with the reason."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Files and folders that are left out because condgen wrote them, with the command that wrote them."""
    remarks: tuple[str, ...] = ()
    """What a user should know about how the data were read, one sentence each."""
    structure: Structure = ()
    layout: str = ""
    """The layout that the source has, one of `data.LAYOUTS`; empty for data sets that are known by name."""
    source: Path | None = None
    """The folder or archive that the names in `Split.files` are relative to."""

    def __post_init__(self) -> None:
        for title, split in self.splits.items():
            _check(f"{self.name} ({title})", split, self.labels)

    @property
    def splits(self) -> dict[str, Split]:
        return {"train": self.train} | ({"test": self.test} if self.test else {})

    @property
    def notes(self) -> list[str]:
        """What a user should know before training, one sentence each."""
        said = [*self.remarks]
        if self.left_out:
            said.append(f"left out of {self.name!r}: {'; '.join(_by_reason(self.left_out))}.")
        if self.own:
            images = [name for name in self.own if IMAGE.search(name)]
            folders = [name for name in self.own if not IMAGE.search(name)]
            counts = [_counted(folders, "folder", self.own), _counted(images, "file", self.own)]
            said.append(f"left out of {self.name!r}, since condgen wrote it: {' and '.join(filter(None, counts))}.")
        return said

    def title(self, split: str, index: int) -> str:
        """The name of the label of one image. Unknown attributes count as absent."""
        label = self.splits[split].labels[index]
        return self.labels.title(int(label) if label.ndim == 0 else tuple((label == 1).astype(int).tolist()))

    @property
    def spec(self) -> Spec:
        height, width, channels = self.train.images.shape[1:]
        return Spec((channels, height, width), self.labels)

    @cached_property
    def empty(self) -> tuple[int, ...]:
        """Numbers of the labels without training images: classes, or attributes that no image has."""
        labels = self.train.labels
        counts = (labels == 1).sum(0) if labels.ndim == 2 else np.bincount(labels, minlength=len(self.labels))
        return tuple(np.flatnonzero(counts == 0).tolist())

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the training images, labels and names. It is equal for two runs if they used the same data."""
        digest = hashlib.sha256(repr((self.train.images.shape, self.labels)).encode())
        digest.update(np.ascontiguousarray(self.train.images).data)
        digest.update(np.ascontiguousarray(self.train.labels).data)
        return digest.hexdigest()


def _by_reason(left_out: Mapping[str, str]) -> Iterator[str]:
    """For each reason, the number of files and one example."""
    counts, examples = Counter(left_out.values()), {why: name for name, why in reversed([*left_out.items()])}
    for why, count in counts.most_common(REASONS):
        yield f"{count:,} file{'s' if count > 1 else ''}, such as {examples[why]}, which {why}"
    if len(counts) > REASONS:
        yield f"{len(left_out) - sum(count for _, count in counts.most_common(REASONS)):,} more"


def _counted(names: Sequence[str], what: str, wrote: Mapping[str, str]) -> str:
    """The number of names, with one example."""
    some = f"{len(names):,} {what}{'s' if len(names) > 1 else ''}"
    return f"{some}, such as {names[0]} ({wrote[names[0]]})" if names else ""


def choosing(data: Dataset, names: str) -> Dataset:
    """A data set with a subset of the attributes, such as "Blond_Hair,Smiling", in the given order.

    A single attribute becomes two classes, such as "not Blond_Hair" and "Blond_Hair", as in the documents on CelebA.
    Raises CondgenError for an unknown attribute, or if the data set has classes.
    """
    if data.labels.kind != "attributes":
        raise CondgenError(f"--attributes chooses among attributes; {data.name!r} has classes.")
    columns = [data.labels.text.index(name) for name in data.labels.text.lookup.split(names, ",") if name.strip()]
    chosen = tuple(data.labels.names[column] for column in columns)
    if len(chosen) == 1:
        labels = Labels((f"not {chosen[0]}", chosen[0]))
        splits = {name: _classes(split, columns[0]) for name, split in data.splits.items()}
    else:
        labels = Labels(chosen, "attributes")
        splits = {name: replace(split, labels=split.labels[:, columns]) for name, split in data.splits.items()}
    return replace(data, labels=labels, train=splits["train"], test=splits.get("test"))


def _classes(split: Split, column: int) -> Split:
    """Convert one attribute to two classes. Images whose value is unknown are removed."""
    known = split.labels[:, column] != UNKNOWN
    if known.all():
        return replace(split, labels=split.labels[:, column])
    files = FileNames(split.files[row] for row in np.flatnonzero(known).tolist()) if split.files else ()
    return Split(split.images[known], split.labels[known, column], files)


def as_images(array: NDArray[np.generic], where: str) -> NDArray[np.uint8]:
    """Convert uint8 (n, h, w) or (n, h, w, c) to (n, h, w, c). Raises CondgenError for other dtypes and shapes."""
    if array.dtype != np.uint8:
        raise CondgenError(
            f"{where}: images are {array.dtype}, wanted uint8 with 0 = black and 255 = full; convert them first."
        )
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3, 4):
        raise CondgenError(f"{where}: images have shape {array.shape}, wanted (n, h, w), (n, h, w, 1, 3 or 4).")
    return array.astype(np.uint8, copy=False)


def as_labels(array: NDArray[np.generic], where: str) -> NDArray[np.int64]:
    """Convert class numbers (n,) or (n, 1), or attribute values (n, K), to int64 (n,) or (n, K)."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2):
        raise CondgenError(f"{where}: labels have shape {array.shape}, wanted (n,) classes or (n, K) attributes.")
    if array.dtype.kind not in "iubf":
        raise CondgenError(f"{where}: labels are {array.dtype}, wanted whole numbers or words.")
    if array.dtype.kind == "f" and not np.array_equal(array, np.floor(array)):
        raise CondgenError(f"{where}: labels are {array.dtype} with fractions, wanted whole numbers.")
    if array.size and not (array.min() >= -LARGEST and array.max() <= LARGEST):
        raise CondgenError(f"{where}: labels reach from {array.min()} to {array.max()}; those are no classes.")
    return array.astype(np.int64)


def _check(where: str, split: Split, labels: Labels) -> None:
    if len(split) == 0:
        raise CondgenError(f"{where} holds no images.")
    if len(split.images) != len(split.labels):
        raise CondgenError(f"{where}: {len(split.images)} images but {len(split.labels)} labels.")
    assert not split.files or len(split.files) == len(split), "one name for each image"
    least, top = (0, len(labels) - 1) if labels.kind == "classes" else (UNKNOWN, 1)
    low, high = int(split.labels.min()), int(split.labels.max())
    if low < least or high > top:
        bad = low if low < least else high
        at = int(np.argwhere(split.labels == bad)[0][0])
        raise CondgenError(f"{where}: image {at} has label {bad}, wanted 0 to {top} ({labels.kind}).")
