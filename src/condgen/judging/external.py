"""Pictures made by any tool, read so that they can be measured: an .npz, a folder per label, or what `sample` writes.

They have to be as the data are, in size and channels. Resizing or converting here would change what is measured (28 to
32 pixels and back alone costs an FD of 3.8 on MNIST), so whoever made them is requested to do it.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from condgen import marker
from condgen.data import Dataset, npz
from condgen.data.dataset import as_labels, as_pictures
from condgen.errors import CondgenError, unknown
from condgen.judging.reference import Samples
from condgen.labels import Label, Labels
from condgen.spec import Spec

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}
LAYOUTS = (
    "an .npz with `images` and `labels`, a folder of picture files with a subfolder per label, or one that `condgen "
    "sample` wrote"
)


def read(path: Path, dataset: Dataset) -> Samples:
    """Pictures and the labels that they claim; `requested` is None if they claim none.

    Raises CondgenError that names the first file that does not fit the data, and how.
    """
    path = path.expanduser()
    if path.is_dir():
        return _folder(path, dataset.spec)
    if path.suffix == ".npz" and path.is_file():
        return _npz(path, dataset.spec)
    raise CondgenError(f"no pictures at {str(path)!r}; give {LAYOUTS}.")


def _npz(path: Path, spec: Spec) -> Samples:
    arrays = npz.read(path)
    if "images" not in arrays:
        raise CondgenError(f"{str(path)!r} has arrays {', '.join(arrays) or 'none'}; wanted images and labels.")
    pictures = as_pictures(arrays["images"], str(path))
    _check(pictures.shape[1:], spec, str(path))
    if not len(pictures):
        raise CondgenError(f"{str(path)!r} holds no pictures.")
    if "labels" not in arrays:
        return Samples(pictures, None)
    return Samples(pictures, _numbers(arrays["labels"], arrays.get("names"), len(pictures), spec.labels, str(path)))


def _numbers(
    labels: NDArray[np.generic], names: NDArray[np.generic] | None, count: int, known: Labels, where: str
) -> NDArray[np.int64]:
    """Labels of an .npz as numbers of this data set: words and names are looked up, numbers are checked."""
    if len(labels) != count:
        raise CondgenError(f"{where}: {count} pictures but {len(labels)} labels.")
    if names is not None and tuple(map(str, names)) != known.names:
        if labels.ndim > 1 or labels.dtype.kind in "US":
            raise CondgenError(f"{where}: its names are {', '.join(map(str, names))}, the data's {known.names}.")
        labels = names[as_labels(labels, where)]
    if labels.dtype.kind in "US":
        find = finder(known, where)
        return np.array([find(str(word)) for word in labels], np.int64)
    numbers = as_labels(labels, where)
    top = len(known) - 1 if known.kind == "classes" else 1
    if numbers.ndim != (1 if known.kind == "classes" else 2) or numbers.min() < 0 or numbers.max() > top:
        raise CondgenError(
            f"{where}: labels have shape {numbers.shape} and reach from {numbers.min()} to {numbers.max()}; the data "
            f"have {len(known)} {known.kind}."
        )
    return numbers


def _folder(folder: Path, spec: Spec) -> Samples:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    files = [path for path in found if not marker.is_sheet(path)]
    if not files:
        raise CondgenError(f"no pictures in {str(folder)!r}; give {LAYOUTS}.")
    find = finder(spec.labels, str(folder))
    pictures, labels = np.empty((len(files), *spec.shape[1:], spec.channels), np.uint8), []
    for number, path in enumerate(files):
        pictures[number], claimed = _picture(path, spec)
        label = path.parent.name if path.parent != folder else claimed
        labels.append(None if label is None else find(label))
    if (unlabelled := [path for path, label in zip(files, labels, strict=True) if label is None]) and any(
        label is not None for label in labels
    ):
        raise CondgenError(f"{str(unlabelled[0])!r} has no label while others have; use a subfolder per label.")
    return Samples(pictures, None if unlabelled else np.array(labels, np.int64))


def finder(known: Labels, where: str) -> Callable[[str], Label]:
    """A label by its title, its file name or its number; unknown ones are an error that says where."""
    titles: dict[str, Label] = {}
    for label in known.each:
        titles |= {known.slug(label): label, known.title(label): label}

    def find(word: str) -> Label:
        if word not in titles:
            try:
                titles[word] = known.check(word)
            except CondgenError:
                raise CondgenError(f"{where}: {unknown('label', word, known.names[:20])}") from None
        return titles[word]

    return find


def _picture(path: Path, spec: Spec) -> tuple[NDArray[np.uint8], str | None]:
    """One file as the data are, uint8 (h, w, c), and the label that `condgen sample` wrote into it."""
    try:
        with Image.open(path, formats=["PNG", "JPEG", "BMP", "WEBP"]) as file:
            note, mode = file.info.get("condgen"), file.mode
            pixels = np.asarray(file.convert("RGB") if mode == "P" else file)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise CondgenError(f"cannot read {str(path)!r} as a picture: {error}.") from None
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.dtype != np.uint8 or mode not in ("1", "L", "P", "RGB"):
        raise CondgenError(f"{str(path)!r} is of mode {mode}; wanted 8-bit grey or RGB without transparency.")
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if spec.channels == 1 and pixels.shape[2] == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., :1]  # grey, saved as colour
    _check(pixels.shape, spec, str(path))
    return pixels, json.loads(note).get("label") if note else None


def _check(shape: tuple[int, ...], spec: Spec, where: str) -> None:
    """Raise CondgenError unless pictures (h, w, c) are like those of the data."""
    channels, height, width = spec.shape
    if shape[:2] != (height, width):
        raise CondgenError(
            f"{where}: {shape[0]}x{shape[1]} pixels, the data have {height}x{width}. Write them at that size with the "
            "tool that made them, since resizing alone moves the figures."
        )
    if shape[2] != channels:
        found, wanted = ("colour", "grey") if channels == 1 else ("grey", "colour")
        raise CondgenError(f"{where}: the picture is in {found}, the data are in {wanted}; write them in {wanted}.")
