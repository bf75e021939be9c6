"""Converts images and labels as other tools store them (NumPy, MATLAB, HDF5, CIFAR's files) to a `Dataset`.

Every reader of arrays ends here, so that the same images and labels give the same fingerprint whatever file they are
in. What is unambiguous is converted and said in `Dataset.structure`; for the rest, a question names the option.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condgen.data.classes import few_enough, numbered
from condgen.data.dataset import Dataset, Split, Structure, as_labels
from condgen.data.window import answers, windowed
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question
from condgen.labels import ANY, UNKNOWN, Labels

Array = NDArray[np.generic]

DARK = 64
"""Arrays whose largest value is below this number are so dark that a remark is made."""
VOLUMES = "; if they are volumes, choose one slice of each"
USED = {"train": "for training", "test": "for testing", "validation": "for testing, since there is no test split"}


@dataclass(frozen=True)
class Raw:
    """Images and labels of one split, of any dtype and any usual shape."""

    images: Array
    labels: Array | None
    title: str = ""
    """The arrays or files that they are from, such as "x_train, y_train"."""


def dataset(
    name: str,
    parts: Mapping[str, Raw],
    options: DataOptions,
    where: str,
    names: Sequence[str] | None = None,
    remarks: tuple[str, ...] = (),
    structure: Structure = (),
) -> Dataset:
    """Convert splits (train, validation, test) to a data set. A single split is used for training, whatever its name.

    where: the file, for messages. names: names of the classes or attributes, in order. Raises CondgenError, or Question
        for arrays that can be read in several ways.
    """
    used = _used(parts)
    said = [(raw.title or title, f"images and labels {use}") for title, (raw, use) in used.items()]
    said += [(raw.title or title, "not used") for title, raw in parts.items() if title not in used]
    raws = [raw for raw, _ in used.values()]
    images, how = as_pixels([_counted_first(raw.images, raw.labels) for raw in raws], options, where)
    found = labelled(raws, names, options, where)
    kept, lost = zip(*(_known(split) for split in zip(images, found.values, strict=True)), strict=True)
    left_out = {
        f"{raws[i].title or where}: image {row}": "has no label" for i in range(len(raws)) for row in lost[i].tolist()
    }
    rest = kept[1] if len(kept) > 1 else None
    said = [*said, *structure, ("images", how), ("labels", found.meaning)]
    remarks = (*remarks, *found.remarks)
    return Dataset(name, found.labels, kept[0], rest, left_out, remarks=remarks, structure=said)


def as_pixels(arrays: Sequence[Array], options: DataOptions, where: str) -> tuple[list[NDArray[np.uint8]], str]:
    """Convert images to uint8 (n, h, w, 1, 3 or 4), and say how they were understood. All arrays are of one kind.

    Raises Question for values whose black and white are not known, and CondgenError for shapes that are no images.
    """
    shaped, how = _shaped(arrays, where)
    window = options.black_and_white
    if window is None and all(array.dtype == bool for array in shaped):
        window, how = (0.0, 1.0), f"{how}; True is white"
    if window is None:
        _check_range(shaped, where)
    else:
        how = f"{how}; {window[0]:g} is black and {window[1]:g} is white"
    scaled = [array.astype(np.uint8, copy=False) if window is None else windowed(array, window) for array in shaped]
    return scaled, how


class Labelled(NamedTuple):
    """Numeric labels per split, their label set, their meaning in words, and remarks on doubtful labels."""

    values: list[NDArray[np.int64]]
    labels: Labels
    meaning: str
    remarks: tuple[str, ...] = ()


def labelled(raws: Sequence[Raw], names: Sequence[str] | None, options: DataOptions, where: str) -> Labelled:
    """Convert labels of any usual form to numbers: words, whole numbers, one-hot rows or attributes."""
    if options.kind == "none":
        return Labelled([np.zeros(len(raw.images), np.int64) for raw in raws], ANY, "ignored")
    arrays = [raw.labels for raw in raws if raw.labels is not None]
    if len(arrays) < len(raws):
        raise Question(f"{where} has images and no labels.", ["--kind none"])
    if arrays[0].dtype.kind in "USO":
        return _in_words(arrays, names, options, where)
    numbers = [_numeric(array, where) for array in arrays]
    if numbers[0].ndim == 1 and options.kind == "attributes":
        numbers = [array[:, None] for array in numbers]
    if numbers[0].ndim == 2 and options.kind != "attributes" and all(map(_one_hot, numbers)):
        return _hot(numbers, names, where)
    if numbers[0].ndim == 2:
        if options.kind == "classes":
            raise CondgenError(
                f"{where}: labels of shape {numbers[0].shape} without exactly one 1 per row: no classes."
            )
        columns = numbers[0].shape[1]
        named = few_enough(tuple(names or (f"attribute_{i}" for i in range(columns))), where)
        return Labelled(numbers, Labels(named, "attributes"), f"{columns} attributes")
    return _classes(numbers, names, where)


def _classes(numbers: list[NDArray[np.int64]], names: Sequence[str] | None, where: str) -> Labelled:
    known = [array[array != MISSING] for array in numbers]
    if names:
        return Labelled(numbers, Labels(few_enough(tuple(names), where)), f"{len(names)} classes")
    found = numbered(known, where)
    values = [array.copy() for array in numbers]
    for array, filled in zip(values, found.values, strict=True):
        array[array != MISSING] = filled
    return Labelled(values, Labels(found.names), f"{len(found.names)} classes, named by their numbers", found.remarks)


MISSING = np.iinfo(np.int64).min
"""Stands for the label of an image that has none."""


def _numeric(array: Array, where: str) -> NDArray[np.int64]:
    """Numeric labels as integers. NaN becomes MISSING for classes, and UNKNOWN for attributes."""
    if array.dtype.kind != "f":
        return as_labels(array, where)
    unknown = np.isnan(array)
    if not np.array_equal(array[~unknown], np.floor(array[~unknown])):
        raise Question(
            f"{where}: labels are {array.dtype} with fractions, wanted whole numbers. Sort measurements into a few "
            "classes first, or ignore them.",
            ["--kind none"],
        )
    if not unknown.any():
        return as_labels(array, where)
    found = as_labels(np.where(unknown, 0, array), where)
    found[unknown.reshape(found.shape)] = UNKNOWN if found.ndim == 2 else MISSING
    return found


def _known(split: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> tuple[Split, NDArray[np.int64]]:
    """The images that have a label, and the numbers of those that have none."""
    images, values = split
    if values.ndim == 2 or len(images) != len(values) or not (lost := values == MISSING).any():
        return Split(images, values), np.zeros(0, np.int64)
    return Split(images[~lost], values[~lost]), np.flatnonzero(lost)


def _one_hot(array: NDArray[np.int64]) -> bool:
    """Whether each row has exactly one 1, and zeros."""
    if array.ndim != 2 or array.shape[1] < 2:
        return False
    return bool(((array == 0) | (array == 1)).all() and (array.sum(1) == 1).all())


def _hot(numbers: list[NDArray[np.int64]], names: Sequence[str] | None, where: str) -> Labelled:
    columns = numbers[0].shape[1]
    remark = f"{where}: each row of the labels has exactly one 1, so the {columns} columns are classes, not attributes."
    named = few_enough(tuple(names or map(str, range(columns))), where)
    return Labelled([array.argmax(1) for array in numbers], Labels(named), f"{columns} classes, one-hot", (remark,))


def _in_words(arrays: list[Array], names: Sequence[str] | None, options: DataOptions, where: str) -> Labelled:
    if options.kind == "attributes":
        raise CondgenError(f"{where}: labels are words, and attributes are zeros and ones.")
    words = [np.array([word(item) for item in array.ravel()]) for array in arrays]
    known = Labels(few_enough(tuple(names or map(str, np.unique(words[0]))), where))
    return Labelled([_looked_up(some, known, where) for some in words], known, f"{len(known)} classes")


def _looked_up(words: NDArray[np.generic], known: Labels, where: str) -> NDArray[np.int64]:
    index = {name: i for i, name in enumerate(known.names)}
    strange = sorted({str(word) for word in words} - set(index))
    if strange:
        raise CondgenError(f"{where}: label {strange[0]!r} is not among the names {', '.join(known.names[:20])}.")
    return np.array([index[str(word)] for word in words], np.int64)


def word(item: object) -> str:
    """A label as text. Bytes are decoded as UTF-8."""
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)


def _used(parts: Mapping[str, Raw]) -> dict[str, tuple[Raw, str]]:
    """The splits that are used, and for what: training images, and test images or else validation images."""
    if "train" not in parts:
        title, raw = next(iter(parts.items()))
        return {title: (raw, "for training")}
    rest = next((title for title in ("test", "validation") if title in parts), None)
    return {title: (parts[title], USED[title]) for title in ("train", rest) if title}


def _counted_first(images: Array, labels: Array | None) -> Array:
    """Move the axis that counts the images to the front, if their number shows that it is the last, as in MATLAB."""
    count = None if labels is None else len(labels)
    last = images.ndim in (3, 4) and count is not None and images.shape[0] != count and images.shape[-1] == count
    return np.moveaxis(images, -1, 0) if last else images


def _shaped(arrays: Sequence[Array], where: str) -> tuple[list[Array], str]:
    """Arrays of shape (n, h, w, channels), and their former shape in words."""
    shape = arrays[0].shape[1:]
    if different := next((array.shape for array in arrays if array.shape[1:] != shape), None):
        raise CondgenError(f"{where}: images of shapes {arrays[0].shape} and {different}; the splits must be alike.")
    wanted = "wanted (n, h, w), (n, h, w, 1, 3 or 4) or (n, 1, 3 or 4, h, w)"
    if len(shape) == 1 and shape[0] > 1 and isqrt(shape[0]) ** 2 == shape[0]:
        side = isqrt(shape[0])
        return [a.reshape(-1, side, side, 1) for a in arrays], f"each row of {shape[0]} values is {side}x{side} pixels"
    if len(shape) == 2:
        return [array[..., None] for array in arrays], f"{shape[0]}x{shape[1]}, grey"
    if len(shape) != 3:
        hint = VOLUMES if len(shape) == 4 else ""
        raise CondgenError(f"{where}: images have shape {arrays[0].shape}, {wanted}{hint}.")
    first, last = (shape[axis] in (1, 3, 4) for axis in (0, 2))
    if first and last:  # tiny images: whichever makes them square
        first, last = shape[1] == shape[2], shape[0] == shape[1]
    if not first and not last:
        hint = VOLUMES if min(shape) > 4 else ""
        raise CondgenError(f"{where}: images have shape {arrays[0].shape}, {wanted}{hint}.")
    if last:
        return list(arrays), f"{shape[0]}x{shape[1]}, channels: {shape[2]}"
    return [np.moveaxis(array, 1, -1) for array in arrays], f"{shape[1]}x{shape[2]}, channels first: {shape[0]}"


def _check_range(arrays: Sequence[Array], where: str) -> None:
    """Raise Question if it is unknown which values are black and white; for uint8, only if all are 0 and 1."""
    dtype = arrays[0].dtype
    if dtype.kind not in "iufb":
        raise CondgenError(f"{where}: images are {dtype}, wanted uint8 with 0 = black and 255 = full.")
    filled = [array for array in arrays if array.size]
    if not filled:
        return
    low, high = float(min(array.min() for array in filled)), float(max(array.max() for array in filled))
    if not np.isfinite([low, high]).all():
        raise CondgenError(f"{where}: images contain values that are no numbers (NaN or infinity); replace them first.")
    if dtype == np.uint8 and high != 1:
        return
    likely = [*answers(low, high, dtype), *(["--window=0,255"] if dtype == np.uint8 else [])]
    wanted = "" if dtype == np.uint8 else ", wanted uint8,"
    doubt = f"{where}: images are {dtype}{wanted} with values from {low:.6g} to {high:.6g}"
    raise Question(f"{doubt}; which are black and white?", likely)
