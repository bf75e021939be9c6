"""Reads CIFAR-10 and CIFAR-100 as their author distributes them (Krizhevsky 2009), in both versions.

    cifar-10-batches-py/data_batch_1 ... test_batch, batches.meta       Python pickles, which are never unpickled
    cifar-100-python/train, test, meta                                  (plain_pickle.py)
    cifar-10-batches-bin/data_batch_1.bin ... test_batch.bin, batches.meta.txt
    cifar-100-binary/train.bin, test.bin, fine_label_names.txt, coarse_label_names.txt

The folder may be inside others, or in a .tar.gz.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from posixpath import basename, dirname
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from condgen.data import plain_pickle
from condgen.data.choice import opened
from condgen.data.dataset import Dataset
from condgen.data.raw_arrays import Raw, dataset, word
from condgen.data.store import Bad, Store, shown
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question

PICKLED = re.compile(r"data_batch(_\d+)?|test_batch|train|test")
BINARY = re.compile(r"(data_batch(_\d+)?|test_batch|train|test)\.bin")
PICKLE_MAGIC = (b"\x80", b"(d", b"}q")
META = ("batches.meta", "meta", "batches.meta.txt", "fine_label_names.txt", "coarse_label_names.txt")
PIXELS, SHAPE = 3072, (3, 32, 32)
LABELS = ("labels", "fine_labels", "coarse_labels")
NAMES = {"labels": "label_names", "fine_labels": "fine_label_names", "coarse_labels": "coarse_label_names"}
BESIDE = (".html", ".txt", ".txt~", ".md")


class Batch(NamedTuple):
    """The images (n, 3, 32, 32) of one file, and their labels by name (labels; fine_labels and coarse_labels)."""

    images: NDArray[np.uint8]
    labels: dict[str, NDArray[np.generic]]


@dataclass
class Batches:
    """The files of one folder."""

    train: list[str] = field(default_factory=list)
    test: list[str] = field(default_factory=list)

    @property
    def splits(self) -> dict[str, list[str]]:
        return {name: files for name, files in (("train", self.train), ("test", self.test)) if files}


def fits(store: Store, options: DataOptions) -> bool:
    return bool(_folders(store))


def roots(store: Store) -> list[str]:
    """The folders with CIFAR's files (bundles.py)."""
    return [f"{folder}/".lstrip("/") for folder in _folders(store)]


def read(store: Store, options: DataOptions) -> Dataset:
    ((folder, batches),) = _folders(store).items()
    found = {split: [_batch(store, file) for file in files] for split, files in batches.splits.items()}
    column = _column(found, options, str(store.path))
    parts = {
        split: Raw(
            np.concatenate([batch.images for batch in some]),
            np.concatenate([batch.labels[column] for batch in some]),
            ", ".join(batches.splits[split]),
        )
        for split, some in found.items()
    }
    names = _names(store, folder, column)
    data = dataset(basename(folder) or store.path.stem, parts, options, str(store.path), names)
    used = {*batches.train, *batches.test}
    others = [n for n in store.names() if n not in used and not n.endswith(BESIDE) and basename(n) not in META]
    return replace(data, left_out={shown(name): "is not one of CIFAR's files" for name in others})


def _folders(store: Store) -> dict[str, Batches]:
    """The folders with CIFAR's files. Names without an ending are common, so the content is looked at too."""
    found: dict[str, Batches] = {}
    for name in store.names():
        base, folder = basename(name), dirname(name)
        usual = PICKLED.fullmatch(base) or BINARY.fullmatch(base)
        if usual and (_is_pickle(store, name) or _is_binary(store, name)):
            batches = found.setdefault(folder, Batches())
            (batches.test if base.startswith("test") else batches.train).append(name)
    return {folder: batches for folder, batches in found.items() if batches.train or batches.test}


def _is_pickle(store: Store, name: str) -> bool:
    try:
        return not name.endswith(".bin") and store.read(name, 2).startswith(PICKLE_MAGIC)
    except Bad:
        return False


def _is_binary(store: Store, name: str) -> bool:
    folder = f"{dirname(name)}/".lstrip("/")
    return name.endswith(".bin") and any(f"{folder}{meta}" in store.names() for meta in META[2:])


def _batch(store: Store, name: str) -> Batch:
    with opened(store, name) as file:
        data = file.read()
    return _from_binary(store, name, data) if name.endswith(".bin") else _from_pickle(name, data)


def _from_pickle(name: str, data: bytes) -> Batch:
    found = _unpacked(name, data)
    images, labels = found.get("data"), {key: np.array(found[key]) for key in LABELS if key in found}
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.size % PIXELS or not labels:
        raise CondgenError(f"{name!r} has no data and labels as CIFAR's batches do; found {', '.join(found)}.")
    return Batch(images.reshape(-1, *SHAPE), labels)


def _from_binary(store: Store, name: str, data: bytes) -> Batch:
    """A row is one label (CIFAR-10), or the coarse and the fine label (CIFAR-100), and the pixels."""
    columns = ["labels"] if "batch" in basename(name) else ["coarse_labels", "fine_labels"]
    if len(data) % (PIXELS + len(columns)):
        raise CondgenError(f"{name!r} has {len(data)} bytes, which are no rows of {PIXELS + len(columns)}: a cut file?")
    rows = np.frombuffer(data, np.uint8).reshape(-1, PIXELS + len(columns))
    labels: dict[str, NDArray[np.generic]] = {column: rows[:, i] for i, column in enumerate(columns)}
    return Batch(rows[:, len(columns) :].reshape(-1, *SHAPE), labels)


def _column(batches: dict[str, list[Batch]], options: DataOptions, where: str) -> str:
    """Which labels are used. Raises Question if there are several, and --label-column names none of them."""
    there = list(batches[min(batches)][0].labels)
    wanted = options.label_column
    matching = [name for name in there if wanted in (name, name.removesuffix("s"), name.split("_")[0])]
    if matching or len(there) == 1:
        return (matching or there)[0]
    doubt = f"{where!r} has two labels per image: {' and '.join(there)}; which are the classes?"
    raise Question(doubt, [f"--label-column {name}" for name in there])


def _names(store: Store, folder: str, column: str) -> Sequence[str] | None:
    """Class names from the files beside the batches; None if there are none."""
    prefix = f"{folder}/".lstrip("/")
    for meta in ("batches.meta", "meta", "batches.meta.txt", f"{NAMES[column]}.txt"):
        try:
            data = store.read(prefix + meta)
        except Bad:
            continue
        if meta.endswith(".txt"):
            return data.decode("utf-8", "replace").split()
        found = _unpacked(prefix + meta, data).get(NAMES[column])
        return tuple(map(word, found)) if found else None
    return None


def _unpacked(name: str, data: bytes) -> dict[str, Any]:
    try:
        found = plain_pickle.load(data)
    except plain_pickle.NotPlain as error:
        raise CondgenError(f"{name!r} is not read: {error}. Nothing is unpickled, since that can run code.") from None
    return found if isinstance(found, dict) else {}
