"""Labelled images in memory: arrays of NumPy, torch or any other library, and lists of arrays or of PIL images."""

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from condgen.data import raw_arrays
from condgen.data.dataset import Dataset
from condgen.data.listing import Listing
from condgen.data.raw_arrays import Raw
from condgen.data_options import AS_THEY_ARE, MEMORY
from condgen.errors import CondgenError

CHANNELS = (1, 3, 4)
SHOWN = 5
"""Number of different sizes that an error lists."""


class Pair(NamedTuple):
    """Images and labels of one split, as they were given."""

    images: Any
    labels: Any


def from_arrays(
    images: Any,
    labels: Any,
    *,
    names: Sequence[str] | None = None,
    test: tuple[Any, Any] | None = None,
    name: str = MEMORY,
) -> Dataset:
    """A data set of images and labels in memory, for `condgen.train(data=...)` and every other function on data.

    Args:
        images: Array or tensor of shape (n, h, w), (n, h, w, c) or (n, c, h, w), or a list of arrays or PIL images:
            uint8, or float from 0 to 1. PIL images of different or large sizes are scaled as image files are.
        labels: Class numbers or class names (n,), or attributes of 0 and 1 (n, K).
        names: The name of each class or attribute. Default: its number, or the words in `labels`.
        test: The images and labels of the test split.
        name: Name of the data set.
    """
    from condgen.data import load

    return load(found_in({"train": Pair(images, labels)} | ({"test": Pair(*test)} if test else {}), names, name))


def found_in(splits: dict[str, Pair], names: Sequence[str] | None = None, name: str = MEMORY) -> Listing | Dataset:
    """The splits `train` and, optionally, `test` as a Dataset, or as a Listing if they are PIL images."""
    for title, pair in splits.items():
        count = _length(pair.images)
        if count != _length(pair.labels):
            raise CondgenError(f"{name} ({title}): {count:,} images but {_length(pair.labels):,} labels.")
        if not count:
            raise CondgenError(f"{name} ({title}) holds no images.")
    labels = {title: _labels(pair.labels, f"{name} ({title})") for title, pair in splits.items()}
    if any(_are_files(pair.images) for pair in splits.values()):
        return _listing(splits, labels, names, name)
    images, remarks = dict[str, NDArray[np.uint8]](), list[str]()
    for title, pair in splits.items():
        images[title], remark = as_uint8(pair.images, f"{name} ({title})")
        remarks += [remark] if remark else []
    found = _dataset(images, labels, names, name)
    return replace(found, remarks=(*found.remarks, *dict.fromkeys(remarks)))


def as_uint8(images: Any, where: str) -> tuple[NDArray[np.uint8], str | None]:
    """Images as uint8 (n, h, w) or (n, h, w, c), and a remark if they were floats. Raises CondgenError if unclear."""
    array, remark = _channels_last(_array(images, where), where), None
    if array.dtype.kind == "f":
        low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
        if not (low >= 0 and high <= 1):
            advice = {
                True: "(images + 1) / 2 maps -1 to 1 to that range",
                False: "images.astype('uint8') if 255 is full, else scale them",
            }[bool(low >= -1 and high <= 1)]
            raise CondgenError(f"{where}: images are {array.dtype} from {low:g} to {high:g}, wanted 0 to 1; {advice}.")
        if 0 < high <= 1 / 255:
            raise CondgenError(f"{where}: images are {array.dtype} up to {high:g}, all but black; wanted 0 to 1.")
        remark = f"{where.rpartition(' (')[0]}: float images from 0 to 1 are stored as whole numbers from 0 to 255."
        array = np.rint(array * np.float32(255)).astype(np.uint8)
    if array.dtype != np.uint8:
        raise CondgenError(
            f"{where}: images are {array.dtype}, wanted uint8 from 0 to 255 or float from 0 to 1; "
            "images.astype('uint8') converts whole numbers up to 255."
        )
    return array, remark


def _channels_last(array: NDArray[Any], where: str) -> NDArray[Any]:
    if array.ndim == 3:
        return array
    first, last = (array.ndim == 4 and array.shape[side] in CHANNELS for side in (1, 3))
    if first and last:
        raise CondgenError(
            f"{where}: images of shape {array.shape} could be (n, c, h, w) or (n, h, w, c); "
            "images.transpose(0, 2, 3, 1) makes the first into the second, and a size above 4 tells them apart."
        )
    if not (first or last):
        raise CondgenError(
            f"{where}: images have shape {array.shape}, wanted (n, h, w), (n, h, w, c) or (n, c, h, w) with c = 1 or 3."
        )
    return array.transpose(0, 2, 3, 1) if first else array


def _array(images: Any, where: str) -> NDArray[Any]:
    """One array of all images. A list of arrays has to contain equal shapes."""
    if not isinstance(images, list | tuple):
        return plain(images)
    each = [plain(image) for image in images]
    if len(shapes := {image.shape for image in each}) > 1:
        some = ", ".join(map(str, sorted(shapes)[:SHOWN])) + (", ..." if len(shapes) > SHOWN else "")
        raise CondgenError(f"{where}: images have different shapes: {some}; give PIL images, which are scaled.")
    if len(kinds := {str(image.dtype) for image in each}) > 1:
        raise CondgenError(f"{where}: images have different types: {', '.join(sorted(kinds))}; give one of them.")
    return np.stack(each)


def plain(value: Any) -> NDArray[Any]:
    """An array or tensor as an array of NumPy, in memory and without gradient."""
    if hasattr(value, "detach"):  # torch, which is not imported here
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    return np.asarray(value)


def _labels(labels: Any, where: str) -> NDArray[Any]:
    if isinstance(labels, list | tuple) and labels and not isinstance(labels[0], str):
        labels = [plain(label) for label in labels]
    try:
        found = plain(labels)
    except ValueError:
        raise CondgenError(f"{where}: labels have different lengths; give each image one class.") from None
    return np.array(found.tolist(), np.str_) if found.dtype == object and found.ndim == 1 else found


def _length(values: Any) -> int:
    try:
        return len(values)
    except TypeError:
        raise CondgenError(f"{type(values).__name__} is neither an array nor a list of images or labels.") from None


def _are_files(images: Any) -> bool:
    return isinstance(images, list | tuple) and any(isinstance(image, Image.Image) for image in images)


def _dataset(
    images: dict[str, NDArray[np.uint8]], labels: dict[str, NDArray[Any]], names: Sequence[str] | None, name: str
) -> Dataset:
    """The arrays as a data set, by the rules of an .npz file."""
    parts = {title: Raw(images[title], labels[title]) for title in images}
    return raw_arrays.dataset(name, parts, AS_THEY_ARE, name, names)


def _listing(
    splits: dict[str, Pair], labels: dict[str, NDArray[Any]], names: Sequence[str] | None, name: str
) -> Listing:
    """PIL images as image files in memory."""
    blank = {title: np.zeros((len(pair.images), 1, 1), np.uint8) for title, pair in splits.items()}
    known = _dataset(blank, labels, names, name)
    files = {
        f"{title}:{place}": encoded(image) for title, pair in splits.items() for place, image in enumerate(pair.images)
    }
    parts = [title if len(splits) > 1 else None for title, pair in splits.items() for _ in range(len(pair.images))]
    values = np.concatenate([known.splits[title].labels for title in splits])
    store = Memory(Path(name), files)
    return Listing(name, store, list(files), known.labels, values, parts, remarks=known.remarks)


def encoded(image: Any) -> bytes:
    """One image as the bytes of a lossless file; arrays and tensors are converted to an image first."""
    if not isinstance(image, Image.Image):
        array, _ = as_uint8(plain(image)[None], "an image")
        image = Image.fromarray(array[0, ..., 0] if array.shape[-1] == 1 and array.ndim == 4 else array[0])
    buffer = io.BytesIO()
    exif = {"exif": image.info["exif"]} if image.info.get("exif") else {}
    try:
        image.save(buffer, "PNG", compress_level=1, **exif)
    except (OSError, KeyError):  # a mode that PNG does not have, such as CMYK
        buffer = io.BytesIO()
        image.save(buffer, "TIFF")
    return buffer.getvalue()


class Memory:
    """Image files in memory, by name."""

    def __init__(self, path: Path, files: dict[str, bytes]) -> None:
        self.path, self.files, self.odd = path, files, dict[str, str]()

    def read(self, name: str) -> bytes:
        return self.files[name]

    def stamp(self, names: Iterable[str]) -> str:
        digest = hashlib.sha256()
        for name in names:
            digest.update(hashlib.sha256(self.files[name]).digest())
        return digest.hexdigest()
