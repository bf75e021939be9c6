"""Labelled pictures on disk -> `Dataset`. One table of sources; anything else is a path.

mnist.py            the embedded 70,000 digits
fashion_mnist.py    found on the machine, or fetched once
idx.py  npz.py      readers for files of the user's own
celeba.py           CelebA's layout: faces, attributes, splits
dataset.py          what every reader returns
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from condgen.data import celeba, fashion_mnist, idx, mnist, npz
from condgen.data.dataset import Dataset, Split, choosing
from condgen.errors import CondgenError, unknown

__all__ = ["SOURCES", "Dataset", "Source", "Split", "load"]


@dataclass(frozen=True)
class Source:
    """A data set known by name."""

    load: Callable[[], Dataset]
    summary: str


SOURCES = {
    "mnist": Source(mnist.load, "70,000 handwritten digits, 28x28 grey, 10 classes; inside the package"),
    "fashion-mnist": Source(
        fashion_mnist.load, "70,000 clothes, 28x28 grey, 10 classes; from this machine, or fetched once (30 MB)"
    ),
}

PATHS = {
    "FILE.npz": "arrays x_train, y_train (x_test, y_test) as in Keras' mnist.npz, or images and labels; 2-D labels "
    "of 0 and 1 are attributes; optional names",
    "FOLDER": "the four idx files of MNIST's layout, plain or .gz; or CelebA's layout: faces, attributes, splits",
    "IMAGES.idx,LABELS.idx": "one idx pair, plain or .gz",
}
"""Files of the user's own that `load` understands, for `condgen list data`."""


def load(name_or_path: str | Path, *, labels: str | None = None, size: int | None = None) -> Dataset:
    """A data set by name or path; see SOURCES and PATHS. User files are only read.

    labels: of a set with attributes, those to keep, such as "Blond_Hair,Smiling"; a single one becomes two classes.
    size: side of the square that picture files are scaled to; pictures that come as arrays stay as they are.
    """
    if size is not None and size < 1:
        raise CondgenError(f"--size should be 1 or more, found {size}.")
    data = _load(str(name_or_path), size)
    if size is not None and size not in data.train.images.shape[1:3]:
        height, width = data.train.images.shape[1:3]
        raise CondgenError(f"--size scales picture files; {data.name!r} is arrays of {height}x{width}.")
    return choosing(data, labels) if labels is not None else data


def _load(text: str, size: int | None) -> Dataset:
    if text in SOURCES:
        return SOURCES[text].load()
    if idx.is_pair(text):
        return idx.load_pair(text)
    path = Path(text).expanduser()
    if path.is_dir():
        return celeba.load(path, size) if celeba.is_celeba(path) else idx.load_folder(path)
    if path.is_file():
        return _load_file(path, size)
    if path.suffix or len(path.parts) > 1:
        raise CondgenError(f"no data at {text!r}: there is no such file or folder.")
    raise unknown("data set", text, [*SOURCES, "a path to your own"])


def _load_file(path: Path, size: int | None) -> Dataset:
    if idx.is_idx(path):
        return idx.load_images(path)
    if path.suffix == ".npz":
        return npz.load(path)
    if path.suffix == ".zip" and celeba.is_celeba(path):
        return celeba.load(path, size)
    raise CondgenError(f"cannot read {str(path)!r} as data; give {', '.join(PATHS)}.")
