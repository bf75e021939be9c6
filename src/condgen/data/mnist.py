"""Reads MNIST, which is included in the package (LeCun, Cortes, Burges; CC BY-SA 3.0, see NOTICE).

The file is an .npz in Keras' layout with LZMA compression, the smallest container that NumPy reads by itself.
tools/embed_mnist.py creates it from the four original files.
"""

import hashlib
from importlib.resources import as_file, files

import numpy as np

from condgen.data import array_files
from condgen.data.dataset import Dataset
from condgen.errors import CondgenError

SHA256 = {
    "train": "edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b",
    "test": "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b",
}
"""SHA-256 of the decoded arrays, images then labels, as bytes."""


def load() -> Dataset:
    """Load 60,000 training and 10,000 test images. Raises CondgenError if their bytes differ from the originals."""
    with as_file(files("condgen.data") / "embedded" / "mnist.npz") as path:
        dataset = array_files.load_npz(path, name="mnist")
    verify(dataset, SHA256, "reinstall condgen")
    return dataset


def verify(dataset: Dataset, expected: dict[str, str], remedy: str) -> None:
    """Compare decoded images and labels with their known SHA-256. Raises CondgenError if they differ."""
    for name, split in dataset.splits.items():
        found = hashlib.sha256(np.ascontiguousarray(split.images).data)
        found.update(split.labels.astype(np.uint8).tobytes())
        if found.hexdigest() != expected[name]:
            raise CondgenError(f"{dataset.name} ({name}) is damaged: SHA-256 {found.hexdigest()[:12]}...; {remedy}.")
