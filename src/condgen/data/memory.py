"""Finds out which kind of data set an object of Python is, and reads it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from condgen.data import items
from condgen.data.arrays import Pair, found_in, plain
from condgen.data.dataset import Dataset
from condgen.data.listing import Listing
from condgen.data.words import split_of
from condgen.errors import CondgenError

TRAIN = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"), ("x", "y"))
TEST = (("x_test", "y_test"), ("test_images", "test_labels"))
"""Names of arrays of images and labels, in order of precedence, as in an .npz file."""
WANTED = (
    "a path or name, (images, labels), a torch Dataset or DataLoader, a Hugging Face Dataset, a list of "
    "(image, label) pairs, or what data.from_arrays returns"
)


def read(source: Any) -> Listing | Dataset:
    """Read any source but a path or an object of `datasets`. Raises CondgenError for an unknown kind of object."""
    if isinstance(source, Listing | Dataset):
        return source
    if isinstance(source, Mapping):
        return _splits(source)
    if isinstance(source, tuple):
        return _tuple(source)
    if _is_array(source) or not (items.is_loader(source) or items.is_indexed(source) or _is_iterable(source)):
        raise CondgenError(f"data is {_kind(source)}; wanted {WANTED}.")
    return _from_items({"train": source})


def _tuple(source: tuple[Any, ...]) -> Listing | Dataset:
    """(images, labels), or (images, labels), (test images, test labels) as Keras' load_data returns them."""
    if len(source) != 2:
        raise CondgenError(f"data is a tuple of {len(source)}; wanted (images, labels), or two such pairs.")
    one, other = source
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other) == 2:
        return found_in({"train": Pair(*one), "test": Pair(*other)})
    if isinstance(one, str) or isinstance(other, str):
        raise CondgenError("data is a pair of texts; a pair of files is one text, 'IMAGES,LABELS'.")
    if any(items.is_loader(each) or not (_is_array(each) or isinstance(each, list)) for each in source):
        raise CondgenError("data is a pair of data sets; give {'train': ..., 'test': ...} to name the splits.")
    return found_in({"train": Pair(one, other)})


def _splits(source: Mapping[str, Any]) -> Listing | Dataset:
    """{"train": ..., "test": ...}, where each value is any source of pairs; or arrays named as those of an .npz."""
    if any(images in source and labels in source for images, labels in TRAIN):
        pairs = {"train": _named(source, TRAIN), "test": _named(source, TEST)}
        names = plain(source["names"]).tolist() if "names" in source else None
        return found_in({split: pair for split, pair in pairs.items() if pair}, names)
    known = {name: split_of(str(name)) for name in source}
    found = {split: source[name] for name, split in known.items() if split}
    if len(found) < len(source) or "train" not in found:
        raise CondgenError(f"data has the keys {', '.join(map(str, source))}; wanted train, and perhaps test.")
    chosen = {"train": found["train"]}
    if (test := found.get("test", found.get("validation"))) is not None:
        chosen["test"] = test
    if all(isinstance(value, tuple) and len(value) == 2 for value in chosen.values()):
        return found_in({split: Pair(*value) for split, value in chosen.items()})
    return _from_items(chosen)


def _named(source: Mapping[str, Any], names: tuple[tuple[str, str], ...]) -> Pair | None:
    return next((Pair(source[x], source[y]) for x, y in names if x in source and y in source), None)


def _from_items(sources: Mapping[str, Any]) -> Listing | Dataset:
    pairs, remarks = {}, list[str]()
    for split, source in sources.items():
        pairs[split], said = items.pair_of(source)
        remarks += said
    found = found_in(pairs, items.names_of(sources["train"]))
    return replace(found, remarks=(*found.remarks, *dict.fromkeys(remarks)))


def _is_array(source: object) -> bool:
    return hasattr(source, "dtype") and hasattr(source, "shape")


def _is_iterable(source: object) -> bool:
    return hasattr(source, "__iter__") and not isinstance(source, str | bytes)


def _kind(source: Any) -> str:
    if _is_array(source):
        return f"an array of shape {plain(source).shape} without labels"
    return f"of type {type(source).__name__}"
