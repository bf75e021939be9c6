"""Reads the binary version of STL-10 (Coates, Ng, Lee 2011): train_X.bin, train_y.bin, test_X.bin, test_y.bin.

Images are stored channel by channel, each column by column; labels begin at 1. unlabeled_X.bin is left out.
"""

from dataclasses import replace
from math import isqrt
from posixpath import basename, dirname

import numpy as np

from condgen.data.choice import opened
from condgen.data.dataset import Dataset
from condgen.data.raw_arrays import Raw, dataset
from condgen.data.store import Store, shown, text_of
from condgen.data_options import DataOptions
from condgen.errors import CondgenError

NAMES = "class_names.txt"
BESIDE = (NAMES, "fold_indices.txt")


def fits(store: Store, options: DataOptions) -> bool:
    return bool(_pairs(store))


def roots(store: Store) -> list[str]:
    """The folder with STL-10's files (bundles.py)."""
    return [f"{dirname(images)}/".lstrip("/") for images, _ in list(_pairs(store).values())[:1]]


def read(store: Store, options: DataOptions) -> Dataset:
    pairs = _pairs(store)
    parts = {split: _split(store, images, labels) for split, (images, labels) in pairs.items()}
    folder = f"{dirname(next(iter(pairs.values()))[0])}/".lstrip("/")
    names = None
    if folder + NAMES in store.names():
        names = text_of(store, folder + NAMES, NAMES).split()
        parts = {split: replace(part, labels=np.asarray(part.labels) - 1) for split, part in parts.items()}
    data = dataset(store.path.stem, parts, options, str(store.path), names)
    used = {name for pair in pairs.values() for name in pair}
    others = [name for name in store.names() if name not in used and basename(name) not in BESIDE]
    return replace(data, left_out={shown(name): "has no labels, or is not one of STL-10's files" for name in others})


def _pairs(store: Store) -> dict[str, tuple[str, str]]:
    """The files of images and labels of each split."""
    names = set(store.names())
    found = {}
    for split in ("train", "test"):
        images = next((name for name in sorted(names) if basename(name) == f"{split}_X.bin"), None)
        if images and (labels := images.replace("_X.bin", "_y.bin")) in names:
            found[split] = images, labels
    return found


def _split(store: Store, images: str, labels: str) -> Raw:
    """Pixels and labels of a split. The size of the images, 96x96 in STL-10, follows from that of the files."""
    with opened(store, labels) as some, opened(store, images) as many:
        values, pixels = np.frombuffer(some.read(), np.uint8), np.frombuffer(many.read(), np.uint8)
    side = isqrt(len(pixels) // max(1, 3 * len(values)))
    if not side or len(pixels) != 3 * side * side * len(values):
        raise CondgenError(
            f"{images!r} has {len(pixels)} bytes and {labels!r} {len(values)} labels, which do not match: a cut file?"
        )
    return Raw(pixels.reshape(-1, 3, side, side).transpose(0, 3, 2, 1), values, f"{images}, {labels}")
