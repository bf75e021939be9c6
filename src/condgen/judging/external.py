"""Reads images made by any tool, to evaluate them: an .npz, a folder per label, or the output of `condgen sample`.

Image size and channels have to equal those of the data. Images are not resized or converted here, since that changes
the metrics (28 to 32 pixels and back alone adds 3.8 to FD on MNIST).
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from condgen import marker
from condgen.data import Dataset, npz
from condgen.data.dataset import as_images, as_labels
from condgen.data.transparency import cleared, is_opaque
from condgen.errors import CondgenError, unknown
from condgen.judging.reference import Samples
from condgen.labels import Label, Labels
from condgen.spec import Spec

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}
COLOUR = {1: "grey", 3: "colour", 4: "colour with alpha"}
LAYOUTS = (
    "an .npz with `images` and `labels`, a folder of image files with a subfolder per label, or the output of `condgen "
    "sample`"
)


def read(path: Path, dataset: Dataset) -> Samples:
    """The images at `path` with their labels; `requested` is None if they have none.

    Raises CondgenError with the first file that does not match the data set, and why.
    """
    path = path.expanduser()
    if path.is_dir():
        return _folder(path, dataset.spec)
    if path.suffix == ".npz" and path.is_file():
        return _npz(path, dataset.spec)
    raise CondgenError(f"no images at {str(path)!r}; expected {LAYOUTS}.")


def names(path: Path, count: int) -> list[str]:
    """The name of each image at `path`, in the order of `read`."""
    path = path.expanduser()
    return (
        [str(file.relative_to(path)) for file in _files(path)]
        if path.is_dir()
        else [f"images[{n}]" for n in range(count)]
    )


def _npz(path: Path, spec: Spec) -> Samples:
    arrays = npz.read(path)
    if "images" not in arrays:
        raise CondgenError(f"{str(path)!r} has the arrays {', '.join(arrays) or 'none'}; expected images and labels.")
    images = as_images(arrays["images"], str(path))
    images = cleared(images) if images.shape[3] == 4 else images
    _check(images.shape[1:], spec, str(path))
    if not len(images):
        raise CondgenError(f"{str(path)!r} contains no images.")
    if "labels" not in arrays:
        return Samples(images, None)
    return Samples(images, _numbers(arrays["labels"], arrays.get("names"), len(images), spec.labels, str(path)))


def _numbers(
    labels: NDArray[np.generic], names: NDArray[np.generic] | None, count: int, known: Labels, where: str
) -> NDArray[np.int64]:
    """Labels of an .npz as class indices or attributes of this data set; names are looked up, numbers are checked."""
    if len(labels) != count:
        raise CondgenError(f"{where}: {count} images but {len(labels)} labels.")
    if names is not None and tuple(map(str, names)) != known.names:
        if labels.ndim > 1 or labels.dtype.kind in "US":
            raise CondgenError(
                f"{where}: label names are {', '.join(map(str, names))}, those of the data are {known.names}."
            )
        labels = names[as_labels(labels, where)]
    if labels.dtype.kind in "US":
        find = finder(known, where)
        return np.array([find(str(word)) for word in labels], np.int64)
    numbers = as_labels(labels, where)
    top = len(known) - 1 if known.kind == "classes" else 1
    if numbers.ndim != (1 if known.kind == "classes" else 2) or numbers.min() < 0 or numbers.max() > top:
        raise CondgenError(
            f"{where}: labels have shape {numbers.shape} and values from {numbers.min()} to {numbers.max()}; the data "
            f"have {len(known)} {known.kind}."
        )
    return numbers


def _folder(folder: Path, spec: Spec) -> Samples:
    files = _files(folder)
    if not files:
        raise CondgenError(f"no images in {str(folder)!r}; expected {LAYOUTS}.")
    find = finder(spec.labels, str(folder))
    images, labels = np.empty((len(files), *spec.shape[1:], spec.channels), np.uint8), []
    for number, path in enumerate(files):
        images[number], claimed = _image(path, spec)
        label = path.parent.name if path.parent != folder else claimed
        labels.append(None if label is None else find(label))
    if (unlabelled := [path for path, label in zip(files, labels, strict=True) if label is None]) and any(
        label is not None for label in labels
    ):
        raise CondgenError(f"{str(unlabelled[0])!r} has no label, but other files have; use one subfolder per label.")
    if spec.channels == 4 and is_opaque(images):
        raise CondgenError(f"no image in {str(folder)!r} is transparent, but the data are; export them with alpha.")
    return Samples(images, None if unlabelled else np.array(labels, np.int64))


def _files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    return [path for path in found if not marker.is_sheet(path)]


def finder(known: Labels, where: str) -> Callable[[str], Label]:
    """A function from a title, file name or number of a label to the label. where: for its error message."""
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


def _image(path: Path, spec: Spec) -> tuple[NDArray[np.uint8], str | None]:
    """The image in a file, uint8 (h, w, c), and the label that `condgen sample` wrote into its metadata, if any."""
    try:
        with Image.open(path, formats=["PNG", "JPEG", "BMP", "WEBP"]) as file:
            note, mode = file.info.get("condgen"), file.mode
            if spec.channels == 4:
                return _with_alpha(file, spec, path), json.loads(note).get("label") if note else None
            pixels = np.asarray(file.convert("RGB") if mode == "P" else file)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise CondgenError(f"cannot read {str(path)!r} as an image: {error}.") from None
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.dtype != np.uint8 or mode not in ("1", "L", "P", "RGB"):
        raise CondgenError(
            f"{str(path)!r} has mode {mode}; expected 8-bit grey or RGB without transparency, as the data are read."
        )
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if spec.channels == 1 and pixels.shape[2] == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., :1]  # grey, saved as colour
    _check(pixels.shape, spec, str(path))
    return pixels, json.loads(note).get("label") if note else None


def _with_alpha(file: Image.Image, spec: Spec, path: Path) -> NDArray[np.uint8]:
    """The pixels of an image to be compared with transparent ones, uint8 (h, w, 4). Opaque ones get full alpha."""
    if file.mode not in ("1", "L", "P", "LA", "RGB", "RGBA"):
        raise CondgenError(f"{str(path)!r} has mode {file.mode}; expected 8-bit grey or RGB, with alpha.")
    pixels = cleared(np.asarray(file.convert("RGBA")))
    _check(pixels.shape, spec, str(path))
    return pixels


def _check(shape: tuple[int, ...], spec: Spec, where: str) -> None:
    """Raise CondgenError unless images of shape (h, w, c) match those of the data set."""
    channels, height, width = spec.shape
    if shape[:2] != (height, width):
        raise CondgenError(
            f"{where}: {shape[0]}x{shape[1]} pixels, but the data have {height}x{width}. Export them at that size from "
            "the tool that made them; resizing them changes the metrics."
        )
    if shape[2] != channels:
        found, wanted = COLOUR[shape[2]], COLOUR[channels]
        raise CondgenError(f"{where}: the image is in {found}, but the data are in {wanted}; export it in {wanted}.")
