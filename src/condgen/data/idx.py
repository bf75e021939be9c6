"""Reads the idx files of MNIST and similar data sets, plain or gzipped (http://yann.lecun.com/exdb/mnist/).

A file consists of two zero bytes, a type byte (8 = uint8), the number of dimensions, each size as big-endian uint32,
and the data.
"""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from condgen.data.classes import numbered
from condgen.data.dataset import Dataset, Split, as_images, as_labels
from condgen.data.store import Folder, Store, bytes_of
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.errors import CondgenError
from condgen.labels import Labels

GZIP_MAGIC, IDX_MAGIC = b"\x1f\x8b", b"\x00\x00\x08"
STEMS = {"train": "train", "test": "t10k"}
"""Beginnings of the file names of each split in MNIST's layout."""


def fits(store: Store, options: DataOptions) -> bool:
    if not isinstance(store, Folder):
        return _member(store, "train-images") is not None
    return is_idx(store.path / store.only) if store.only else _find(store.path, "train-images") is not None


def read(path: Path) -> NDArray[np.uint8]:
    """The array in an idx file of unsigned bytes. Raises CondgenError if the file is damaged."""
    try:
        return decoded(path.read_bytes(), path)
    except OSError as error:
        raise CondgenError(f"cannot read {str(path)!r}: {error}.") from None


def read_store(store: Store, options: DataOptions) -> Dataset:
    """Read MNIST's layout from a folder or a zip archive, or one images file with the labels file beside it."""
    if isinstance(store, Folder):
        return load_images(store.path / store.only) if store.only else load_folder(store.path)
    splits = {}
    for split, stem in STEMS.items():
        pair = [_member(store, f"{stem}-{kind}") for kind in ("images", "labels")]
        if None not in pair:
            images, labels = (decoded(bytes_of(store, str(name)), Path(str(name))) for name in pair)
            splits[split] = Split(as_images(images, str(pair[0])), as_labels(labels, str(pair[1])))
    if "train" not in splits:
        raise CondgenError(f"{str(store.path)!r} has train-images and no train-labels.")
    return _dataset(store.path.stem, splits)


def decoded(data: bytes, path: Path) -> NDArray[np.uint8]:
    """The array in the bytes of an idx file, gzipped or not."""
    try:
        raw = bytearray(gzip.decompress(data) if data[:2] == GZIP_MAGIC else data)  # writable, unlike bytes
    except (OSError, EOFError, zlib.error) as error:
        raise CondgenError(f"cannot read {str(path)!r}: {error}.") from None
    if raw[:3] != IDX_MAGIC or len(raw) < 4 + 4 * raw[3]:
        raise CondgenError(f"{str(path)!r} is no idx file of unsigned bytes (it begins {raw[:4].hex(' ')}).")
    shape = np.frombuffer(raw, ">u4", count=raw[3], offset=4).tolist()
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3])
    if len(values) != prod(shape):
        raise CondgenError(f"{str(path)!r} promises {prod(shape)} bytes of data and holds {len(values)}: a cut file?")
    return values.reshape(shape)


def load_folder(folder: Path, name: str | None = None, names: tuple[str, ...] | None = None) -> Dataset:
    """Read the four files of MNIST's layout. The two test files may be missing."""
    splits = {}
    for split, stem in STEMS.items():
        images, labels = _find(folder, f"{stem}-images"), _find(folder, f"{stem}-labels")
        if images and labels:
            splits[split] = _split(images, labels)
    if "train" not in splits:
        raise CondgenError(f"no data in {str(folder)!r}: wanted train-images-idx3-ubyte and train-labels-idx1-ubyte.")
    return _dataset(name or folder.name, splits, names)


def load_images(images: Path) -> Dataset:
    """Read one images file with the labels file beside it, and the files of the other split if they exist."""
    if any(images.name.startswith(f"{stem}-images") for stem in STEMS.values()):
        return load_folder(images.parent, name=images.name)
    labels = images.with_name(images.name.replace("images", "labels").replace("idx3", "idx1"))
    if labels == images or not labels.is_file():
        raise CondgenError(f"no labels beside {str(images)!r}; name both files: --data IMAGES,LABELS.")
    return _dataset(images.stem, {"train": _split(images, labels)})


def is_pair(text: str) -> bool:
    """Whether the text is 'IMAGES,LABELS' and both are idx files."""
    parts = [Path(part.strip()).expanduser() for part in text.split(",")]
    return len(parts) == 2 and all(part.is_file() and is_idx(part) for part in parts)


def load_pair(text: str, options: DataOptions = AS_THEY_ARE) -> Dataset:
    images, labels = (Path(part.strip()).expanduser() for part in text.split(","))
    return _dataset(images.stem, {"train": _split(images, labels)})


def is_idx(path: Path) -> bool:
    """Whether a file is an idx file, determined by content and not by name."""
    head = _head(path)
    if head[:2] == GZIP_MAGIC:
        try:
            with gzip.open(path) as file:
                head = file.read(4)
        except (OSError, EOFError, zlib.error):
            return False
    return head[:3] == IDX_MAGIC


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _member(store: Store, beginning: str) -> str | None:
    return next((name for name in store.names() if name.startswith(beginning)), None)


def _find(folder: Path, beginning: str) -> Path | None:
    return min((p for p in folder.glob(f"{beginning}*") if p.is_file() and is_idx(p)), default=None)


def _split(images: Path, labels: Path) -> Split:
    return Split(as_images(read(images), str(images)), as_labels(read(labels), str(labels)))


def _dataset(name: str, splits: dict[str, Split], names: tuple[str, ...] | None = None) -> Dataset:
    if names is not None:
        return Dataset(name, Labels(names), splits["train"], splits.get("test"))
    found = numbered([split.labels for split in splits.values()], name)
    parts = {
        title: Split(split.images, values) for (title, split), values in zip(splits.items(), found.values, strict=True)
    }
    return Dataset(name, Labels(found.names), parts["train"], parts.get("test"), remarks=found.remarks)
