"""Data sets as other libraries hold them: indexable objects whose items are pairs (image, label).

These are torch's `Dataset` and `DataLoader`, and lists of pairs. torch itself is never imported here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from condgen.data.arrays import Pair, plain
from condgen.errors import CondgenError

IMAGE, LABEL = ("image", "img", "images", "pixel_values", "x"), ("label", "labels", "target", "y", "class")
"""Keys of items that are mappings."""
PLAIN_SAMPLERS = ("SequentialSampler", "RandomSampler")
"""Samplers that choose the order of the images only."""
REREAD = 3
"""Number of images that are read twice, to notice a random transform."""


def is_loader(source: object) -> bool:
    return hasattr(source, "dataset") and hasattr(source, "batch_sampler") and hasattr(source, "collate_fn")


def is_indexed(source: object) -> bool:
    return hasattr(source, "__getitem__") and hasattr(source, "__len__") and not isinstance(source, str | bytes)


def pair_of(source: Any) -> tuple[Pair, list[str]]:
    """Images and labels of all items in their order, and remarks. Raises CondgenError for items of another kind."""
    source, rows = _without_loader(source)
    if not is_indexed(source):
        raise CondgenError(
            f"data of type {type(source).__name__} can only be iterated over, and may have no end; give a list of its "
            "(image, label) pairs, or a data set with a length."
        )
    rows = range(len(source)) if rows is None else rows
    if not len(rows):
        raise CondgenError(f"the {type(source).__name__} has no items.")
    images, labels = map(list, zip(*(_item(source, row) for row in rows), strict=True))
    random = any(not _equal(_item(source, row)[0], images[at]) for at, row in enumerate(rows[:REREAD]))
    remark = (
        f"the transform of the {type(source).__name__} is random: each image was read once. Another session reads "
        "other images and cannot resume a run on these; leave random transforms out."
    )
    return Pair(images, labels), [remark] if random else []


def names_of(source: Any) -> list[str] | None:
    """Class names from `.classes` or `.class_to_idx`, also inside a DataLoader, a Subset or a concatenation."""
    classes, numbers = getattr(source, "classes", None), getattr(source, "class_to_idx", None)
    if isinstance(classes, list | tuple) and classes and all(isinstance(name, str) for name in classes):
        return list(classes)
    if isinstance(numbers, Mapping) and sorted(numbers.values()) == list(range(len(numbers))) and numbers:
        return sorted(numbers, key=lambda name: int(numbers[name]))
    if hasattr(source, "dataset"):
        return names_of(source.dataset)
    inner = getattr(source, "datasets", None)
    found = [names_of(each) for each in inner] if isinstance(inner, list | tuple) else []
    return found[0] if found and all(names == found[0] for names in found) else None


def _without_loader(source: Any) -> tuple[Any, Sequence[int] | None]:
    """The data set of a DataLoader, so that its order and its batches do not matter, and the rows that it reads."""
    if not is_loader(source):
        return source, None
    sampler: Any = getattr(source, "sampler", None)
    kind = type(sampler).__name__
    if kind == "SubsetRandomSampler":
        return source.dataset, sorted(int(row) for row in sampler.indices)
    whole = kind in PLAIN_SAMPLERS and len(sampler) == len(source.dataset) and not getattr(sampler, "replacement", 0)
    if whole or not is_indexed(source.dataset):
        return source.dataset, None
    raise CondgenError(
        f"the DataLoader repeats or leaves out images by its {kind}; give its data set, DataLoader(...).dataset, or a "
        "torch.utils.data.Subset of it."
    )


def _item(source: Any, row: int) -> tuple[Any, Any]:
    try:
        item = source[row]
    except (KeyError, IndexError, TypeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise CondgenError(f"item {row} of the {type(source).__name__} cannot be read ({what}).") from error
    if isinstance(item, Mapping):
        image, label = (next((key for key in keys if key in item), None) for keys in (IMAGE, LABEL))
        if image is not None and label is not None:
            return item[image], item[label]
        raise CondgenError(f"item {row} has the keys {', '.join(map(str, item))}; wanted image and label.")
    if not isinstance(item, list | tuple) or len(item) != 2:
        what = f"{len(item)} values" if isinstance(item, list | tuple) else f"of type {type(item).__name__}"
        raise CondgenError(f"item {row} is {what}; wanted a pair (image, label).")
    return item[0], item[1]


def _equal(one: Any, other: Any) -> bool:
    return np.array_equal(plain(one), plain(other))
