"""Reads the idx files of MNIST and similar data sets, plain or gzipped (http://yann.lecun.com/exdb/mnist/).

    train-images-idx3-ubyte  train-labels-idx1-ubyte  t10k-images-idx3-ubyte  t10k-labels-idx1-ubyte
    emnist-letters-train-images-idx3-ubyte.gz ...     (EMNIST stores its images transposed)

A file consists of two zero bytes, a type byte (8 = uint8), the number of dimensions, each size as big-endian uint32,
and the data.
"""

import gzip
import io
import re
import zlib
from dataclasses import replace
from math import prod
from pathlib import Path
from posixpath import basename, dirname
from string import ascii_lowercase, ascii_uppercase, digits
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condgen.data.choice import opened
from condgen.data.dataset import Dataset
from condgen.data.raw_arrays import Raw, dataset
from condgen.data.store import Bad, Folder, Store, shown
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.errors import CondgenError, Question

GZIP_MAGIC, IDX_MAGIC = b"\x1f\x8b", b"\x00\x00\x08"
NAME = re.compile(
    r"(?P<set>.*?)(?P<split>train|t10k|test)[-_.](?P<kind>images|labels)([-_.]?idx\d?)?([-_.]?u?byte)?(\.gz)?"
)
"""File names of MNIST's layout, perhaps with the name of a data set before them."""
SPLITS = {"train": "train", "t10k": "test", "test": "test"}
MERGED = digits + ascii_uppercase + "abdefghnqrt"
EMNIST = {
    "byclass": digits + ascii_uppercase + ascii_lowercase, "bymerge": MERGED, "balanced": MERGED,
    "letters": ascii_lowercase, "digits": digits, "mnist": digits,
}  # fmt: skip
"""Class names of the six data sets of EMNIST (Cohen et al. 2017), in the order of their labels. Those of `letters`
begin at 1."""
TURNED = "EMNIST stores its images transposed; they were transposed back"


class Pair(NamedTuple):
    """The files of one split."""

    images: str
    labels: str | None


Sets = dict[str, dict[str, Pair]]
"""The data sets in a store, by the beginning of their file names; each has a pair of files per split."""


def fits(store: Store, options: DataOptions) -> bool:
    if isinstance(store, Folder) and store.only:
        return is_idx(store.path / store.only)
    found = _sets(store)
    return any(
        "ubyte" in pair.images or _is_idx(store, pair.images) for splits in found.values() for pair in splits.values()
    )


def roots(store: Store) -> list[str]:
    """The beginnings of the paths of each data set's files (bundles.py)."""
    return [] if isinstance(store, Folder) and store.only else list(_sets(store))


def read(path: Path) -> NDArray[np.uint8]:
    """The array in an idx file of unsigned bytes. Raises CondgenError if the file is damaged."""
    try:
        return decoded(path.read_bytes(), path)
    except OSError as error:
        raise CondgenError(f"cannot read {str(path)!r}: {error}.") from None


def read_store(store: Store, options: DataOptions) -> Dataset:
    """Read the files of MNIST's layout, wherever they are in the store, or one images file with those beside it."""
    if isinstance(store, Folder) and store.only:
        return load_images(store.path / store.only, options)
    ((beginning, splits),) = _sets(store).items()
    data = _loaded(store, store.path.stem, beginning, splits, None, options)
    used = {name for pair in splits.values() for name in pair if name}
    others = {
        shown(name): "is not one of the idx files"
        for name in store.names()
        if name not in used and not _is_twin(name, used) and not name.lower().endswith((".txt", ".md"))
    }
    return replace(data, left_out={**others, **data.left_out})


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
    """Read the four files of MNIST's layout in a folder. The two test files may be missing."""
    found = _sets(Folder(folder)).get("", {})
    if "train" not in found or not found["train"].labels:
        raise CondgenError(f"no data in {str(folder)!r}: wanted train-images-idx3-ubyte and train-labels-idx1-ubyte.")
    return _loaded(Folder(folder), name or folder.name, "", found, names, AS_THEY_ARE)


def load_set(store: Store, beginning: str, name: str) -> Dataset:
    """Read one of several data sets in a store: the one whose file names begin so, such as emnist-letters-."""
    found = {basename(key): splits for key, splits in _sets(store).items()}
    if beginning not in found:
        raise CondgenError(f"{str(store.path)!r} has no files {beginning}...; found {', '.join(found) or 'none'}.")
    return _loaded(store, name, beginning, found[beginning], None, AS_THEY_ARE)


def load_images(images: Path, options: DataOptions = AS_THEY_ARE) -> Dataset:
    """Read one images file with the labels file beside it, and the files of the other split if they exist."""
    folder = Folder(images.parent)
    if match := NAME.fullmatch(images.name):
        splits = _sets(folder).get(match["set"], {})
        if any(images.name in pair or _is_twin(images.name, set(filter(None, pair))) for pair in splits.values()):
            return _loaded(folder, images.name, match["set"], splits, None, options)
    labels = images.with_name(images.name.replace("images", "labels").replace("idx3", "idx1"))
    if labels == images or not labels.is_file():
        raise Question(f"no labels beside {str(images)!r}; name both files with --data IMAGES,LABELS.", ["--kind none"])
    return _loaded(folder, images.stem, "", {"train": Pair(images.name, labels.name)}, None, options)


def is_pair(text: str) -> bool:
    """Whether the text is 'IMAGES,LABELS' and both are idx files."""
    parts = [Path(part.strip()).expanduser() for part in text.split(",")]
    return len(parts) == 2 and all(part.is_file() and is_idx(part) for part in parts)


def load_pair(text: str, options: DataOptions = AS_THEY_ARE) -> Dataset:
    images, labels = (Path(part.strip()).expanduser() for part in text.split(","))
    match = NAME.fullmatch(images.name)
    return _dataset(
        images.stem, match["set"] if match else "", {"train": Raw(read(images), read(labels), text)}, None, options
    )


def is_idx(path: Path) -> bool:
    """Whether a file is an idx file, determined by content and not by name."""
    return _is_idx(Folder(path.parent), path.name)


def _is_idx(store: Store, name: str) -> bool:
    try:
        head = store.read(name, 2**16)
        if head[:2] == GZIP_MAGIC:
            with gzip.open(io.BytesIO(head)) as file:
                head = file.read(4)
    except (Bad, OSError, EOFError, zlib.error):
        return False
    return head[:3] == IDX_MAGIC


def _sets(store: Store) -> Sets:
    """The data sets whose file names have MNIST's layout. A plain file is preferred to the same file with .gz."""
    files: dict[tuple[str, str, str], str] = {}
    for name in sorted(store.names(), key=lambda name: (not name.endswith(".gz"), name)):
        if match := NAME.fullmatch(basename(name)):
            folder = f"{dirname(name)}/".lstrip("/")
            files[folder + match["set"], SPLITS[match["split"]], match["kind"]] = name
    found: Sets = {}
    for (beginning, split, kind), name in sorted(files.items(), key=lambda item: item[0][1] != "train"):
        if kind == "images":
            found.setdefault(beginning, {})[split] = Pair(name, files.get((beginning, split, "labels")))
    return found


def _is_twin(name: str, used: set[str]) -> bool:
    """Whether a file is one of the used files, packed or unpacked."""
    return name.removesuffix(".gz") in used or f"{name}.gz" in used


def _loaded(
    store: Store,
    name: str,
    beginning: str,
    splits: dict[str, Pair],
    names: tuple[str, ...] | None,
    options: DataOptions,
) -> Dataset:
    parts = {}
    for split, (images, labels) in splits.items():
        if labels is None and options.kind != "none":
            raise Question(f"{str(store.path)!r} has {images} and no labels for it.", ["--kind none"])
        arrays = [_array(store, file) for file in (images, labels) if file]
        parts[split] = Raw(arrays[0], arrays[1] if labels else None, ", ".join(filter(None, [images, labels])))
    return _dataset(name, basename(beginning), parts, names, options)


def _array(store: Store, name: str) -> NDArray[np.uint8]:
    with opened(store, name) as file:
        return decoded(file.read(), Path(name))


def _dataset(
    name: str, beginning: str, parts: dict[str, Raw], names: tuple[str, ...] | None, options: DataOptions
) -> Dataset:
    kind = beginning.strip("-_.").removeprefix("emnist-")
    if not beginning.startswith("emnist") or kind not in EMNIST:
        return dataset(name, parts, options, name, names)
    first = int(kind == "letters")
    parts = {
        split: Raw(part.images.swapaxes(1, 2), None if part.labels is None else part.labels - first, part.title)
        for split, part in parts.items()
    }
    return dataset(name, parts, options, name, tuple(EMNIST[kind]), structure=[("images", TURNED)])
