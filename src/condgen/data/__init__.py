"""Labelled pictures on disk -> `Dataset`. One table of sources; anything else is a path.

mnist.py            the embedded 70,000 digits
fashion_mnist.py    found on the machine, or fetched once
idx.py  npz.py      readers for files of the user's own
dataset.py          what every reader returns
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from condgen.data import fashion_mnist, idx, mnist, npz
from condgen.data.dataset import Dataset, Split
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
    "FOLDER": "the four idx files of MNIST's layout, plain or .gz",
    "IMAGES.idx,LABELS.idx": "one idx pair, plain or .gz",
}
"""Files of the user's own that `load` understands, for `condgen list data`."""


def load(name_or_path: str | Path) -> Dataset:
    """A data set by name or path; see SOURCES and PATHS. User files are only read."""
    text = str(name_or_path)
    if text in SOURCES:
        return SOURCES[text].load()
    if idx.is_pair(text):
        return idx.load_pair(text)
    path = Path(text).expanduser()
    if path.is_dir():
        return idx.load_folder(path)
    if path.is_file():
        return _load_file(path)
    if path.suffix or len(path.parts) > 1:
        raise CondgenError(f"no data at {text!r}: there is no such file or folder.")
    raise unknown("data set", text, [*SOURCES, "a path to your own"])


def _load_file(path: Path) -> Dataset:
    if idx.is_idx(path):
        return idx.load_images(path)
    if path.suffix == ".npz":
        return npz.load(path)
    raise CondgenError(f"cannot read {str(path)!r} as data; give {', '.join(PATHS)}.")
